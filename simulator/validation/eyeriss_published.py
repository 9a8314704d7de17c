"""Eyeriss's published tables and mappings: JSSC 2017, tables III, V and VI, and ISCA 2016 energies; VGG-16's inferred.

JSSC 2017: Chen, Krishna, Emer and Sze, 1.0 V, core 200 MHz, link 60 MHz. ISCA 2016: Chen, Emer and Sze, as a test of
nn_dataflow holds it (AlexNet, batch 16, 256 PEs, in 1e9 times the energy of one MAC).
"""

from typing import NamedTuple

from simulator.dataflow.row_stationary import RowMapping


class Measured(NamedTuple):
    """A row of the chip's tables."""

    layer: str
    power_mw: float
    total_ms: float
    processing_ms: float
    active_pes: float
    glb_mb: float
    dram_mb: float


ALEXNET = (
    Measured("conv1", 332, 20.9, 16.5, 154, 18.5, 5.0),
    Measured("conv2", 288, 41.9, 39.2, 135, 77.6, 4.0),
    Measured("conv3", 266, 23.6, 21.8, 156, 50.2, 3.0),
    Measured("conv4", 235, 18.4, 16.0, 156, 37.4, 2.1),
    Measured("conv5", 236, 10.5, 10.0, 156, 24.9, 1.3),
)
ALEXNET_TOTAL = Measured("total", 278, 115.3, 103.5, 148, 208.5, 15.4)
VGG16 = (
    Measured("conv1_1", 247, 76.2, 38.0, 156, 112.6, 15.4),
    Measured("conv1_2", 218, 910.3, 810.6, 156, 2402.8, 54.0),
    Measured("conv2_1", 242, 470.3, 405.3, 156, 1201.4, 33.4),
    Measured("conv2_2", 231, 894.3, 810.8, 156, 2402.8, 48.5),
    Measured("conv3_1", 254, 241.1, 204.0, 156, 607.4, 20.2),
    Measured("conv3_2", 235, 460.9, 408.1, 156, 1214.8, 32.2),
    Measured("conv3_3", 233, 457.7, 408.1, 156, 1214.8, 30.8),
    Measured("conv4_1", 278, 135.8, 105.1, 168, 321.8, 17.8),
    Measured("conv4_2", 261, 254.8, 210.0, 168, 643.7, 28.6),
    Measured("conv4_3", 240, 246.3, 210.0, 168, 643.7, 22.8),
    Measured("conv5_1", 258, 54.3, 48.3, 168, 90.0, 6.3),
    Measured("conv5_2", 236, 53.7, 48.5, 168, 90.0, 5.7),
    Measured("conv5_3", 230, 53.7, 48.5, 168, 90.0, 5.6),
)
VGG16_TOTAL = Measured("total", 236, 4309.5, 3755.2, 158, 11035.8, 321.1)

CONV3_PUBLISHED = RowMapping(m=64, n=4, e=13, p=16, q=4, r=1, t=4)
_LIKE_CONV4 = RowMapping(m=64, n=4, e=13, p=16, q=3, r=2, t=2)
ALEXNET_MAPPINGS = {
    "conv1": RowMapping(m=96, n=1, e=7, p=16, q=1, r=1, t=2),
    "conv2": RowMapping(m=64, n=1, e=27, p=16, q=2, r=1, t=1),
    "conv3": _LIKE_CONV4,
    "conv4": _LIKE_CONV4,
    "conv5": _LIKE_CONV4,
}
"""Table III, but conv3: its GLB traffic is that of conv4's mapping, not of ``CONV3_PUBLISHED``."""

_VGG16_BLOCKS = (
    RowMapping(m=16, n=1, e=13, p=4, q=1, r=1, t=4),
    RowMapping(m=32, n=1, e=13, p=8, q=1, r=1, t=4),
    RowMapping(m=64, n=1, e=13, p=8, q=2, r=1, t=4),
    RowMapping(m=24, n=3, e=14, p=12, q=2, r=2, t=2),
    RowMapping(m=72, n=3, e=14, p=12, q=4, r=2, t=2),
)
VGG16_MAPPINGS = {row.layer: _VGG16_BLOCKS[int(row.layer[4]) - 1] for row in VGG16}
"""Never published: inferred, one a block, from active PEs, channels a pass (processing time), GLB and DRAM traffic."""

ISCA16 = {
    "conv1": (1.69, 6.75, 2.46),
    "conv2": (3.58, 14.33, 2.27),
    "conv3": (2.39, 9.57, 2.02),
    "conv4": (1.79, 7.18, 1.57),
    "conv5": (1.20, 4.78, 1.05),
    "fc1": (0.60, 2.42, 7.78),
    "fc2": (0.27, 1.07, 3.39),
    "fc3": (0.07, 0.26, 0.84),
}
"""ALU, register files and DRAM [1e9 MAC energies], batch 16."""
ISCA16_BATCH = 16
