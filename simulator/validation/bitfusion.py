"""Bit Fusion: the precision law and the public simulator's cycles beside ours; our array's own timing shown."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.arch import load_accelerator, product_rate
from simulator.dataflow.bitfusion_convention import BitFusionLayer, bitfusion_cycles
from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.rows import Quantity, ValidationReport, compare
from simulator.workload import GraphBuilder, Precision

CHIP = "bitfusion"

RATES = {
    (2, 2): 16.0, (2, 4): 8.0, (2, 8): 4.0, (4, 2): 8.0, (4, 4): 4.0, (4, 8): 2.0, (8, 2): 4.0, (8, 4): 2.0,
    (8, 8): 1.0, (3, 3): 4.0, (5, 5): 1.0, (6, 8): 1.0, (1, 1): 16.0,
}  # fmt: skip
"""(ifmap, weight) bits -> products a fusion unit and cycle: paper's table and the public simulator's rounding."""

TEMPORAL_RATES = {(2, 16): 2.0, (4, 16): 1.0, (8, 16): 0.5, (16, 2): 2.0, (16, 4): 1.0, (16, 8): 0.5, (16, 16): 0.25}
"""The paper's temporal mode above 8 bits; the public simulator has none."""

_FC = (1, 1, 1)
LAYERS: dict[str, tuple[BitFusionLayer, int]] = {
    "AlexNet conv1": (BitFusionLayer(11, 55, 4, 3, 96, 16, 8, 8, im2col=True), 3_746_423),
    "AlexNet conv2": (BitFusionLayer(5, 27, 1, 96, 256, 16, 4, 4), 5_018_849),
    "AlexNet conv3": (BitFusionLayer(3, 13, 1, 512, 384, 16, 4, 4), 3_248_129),
    "AlexNet conv4": (BitFusionLayer(3, 13, 1, 384, 384, 16, 4, 4), 2_436_097),
    "AlexNet conv5": (BitFusionLayer(3, 13, 1, 384, 256, 16, 4, 4), 1_624_065),
    "AlexNet fc1": (BitFusionLayer(*_FC, 18432, 8192, 16, 4, 4), 3_545_090),
    "AlexNet fc2": (BitFusionLayer(*_FC, 8192, 8192, 16, 4, 4), 1_575_596),
    "AlexNet fc3": (BitFusionLayer(*_FC, 8192, 1000, 16, 8, 8), 398_679),
    "ResNet-18 conv1": (BitFusionLayer(7, 112, 2, 3, 128, 16, 8, 8, im2col=True), 9_793_537),
    "ResNet-18 2_1_a": (BitFusionLayer(1, 56, 1, 128, 128, 16, 4, 4), 2_274_988),
    "ResNet-18 2_1_b": (BitFusionLayer(3, 56, 1, 128, 128, 16, 4, 4), 3_613_708),
    "ResNet-18 3_1_a": (BitFusionLayer(1, 28, 2, 128, 256, 16, 4, 4), 1_104_555),
    "ResNet-18 3_1_b": (BitFusionLayer(3, 28, 1, 256, 256, 16, 4, 4), 3_613_708),
    "ResNet-18 3_2_a": (BitFusionLayer(1, 28, 1, 256, 256, 16, 4, 4), 1_138_689),
    "ResNet-18 4_1_a": (BitFusionLayer(1, 14, 2, 256, 512, 16, 4, 4), 571_393),
    "ResNet-18 4_1_b": (BitFusionLayer(3, 14, 1, 512, 512, 16, 4, 4), 4_330_838),
    "ResNet-18 4_2_a": (BitFusionLayer(1, 14, 1, 512, 512, 16, 4, 4), 674_476),
    "ResNet-18 5_1_a": (BitFusionLayer(1, 7, 2, 512, 1024, 16, 4, 4), 345_431),
    "ResNet-18 5_1_b": (BitFusionLayer(3, 7, 1, 1024, 1024, 16, 4, 4), 3_614_180),
    "ResNet-18 5_2_a": (BitFusionLayer(1, 7, 1, 1024, 1024, 16, 4, 4), 557_057),
    "SVHN conv0": (BitFusionLayer(3, 32, 1, 3, 64, 16, 8, 1, im2col=True), 367_979),
    "SVHN conv1": (BitFusionLayer(3, 32, 1, 64, 64, 16, 1, 1), 358_316),
    "SVHN conv2": (BitFusionLayer(3, 16, 1, 64, 128, 16, 1, 1), 177_409),
    "SVHN conv3": (BitFusionLayer(3, 16, 1, 128, 128, 16, 1, 1), 179_884),
    "SVHN conv4": (BitFusionLayer(3, 8, 1, 128, 256, 16, 1, 1), 92_161),
    "SVHN conv5": (BitFusionLayer(3, 8, 1, 256, 256, 16, 1, 1), 102_742),
    "SVHN fc6": (BitFusionLayer(*_FC, 4096, 1024, 16, 1, 1), 27_649),
    "SVHN fc7": (BitFusionLayer(*_FC, 1024, 1024, 16, 1, 1), 11_009),
    "SVHN fc8": (BitFusionLayer(*_FC, 1024, 10, 16, 1, 1), 374),
    "CIFAR-10 conv0": (BitFusionLayer(3, 32, 1, 3, 128, 16, 8, 8, im2col=True), 717_654),
    "CIFAR-10 conv1": (BitFusionLayer(3, 32, 1, 128, 128, 16, 2, 2), 799_062),
    "CIFAR-10 conv2": (BitFusionLayer(3, 16, 1, 128, 256, 16, 2, 2), 402_091),
    "CIFAR-10 conv3": (BitFusionLayer(3, 16, 1, 256, 256, 16, 2, 2), 492_204),
    "CIFAR-10 conv4": (BitFusionLayer(3, 8, 1, 256, 512, 16, 2, 2), 255_318),
    "CIFAR-10 conv5": (BitFusionLayer(3, 8, 1, 512, 512, 16, 2, 2), 510_636),
    "CIFAR-10 fc6": (BitFusionLayer(*_FC, 8192, 1024, 16, 2, 2), 99_671),
    "CIFAR-10 fc7": (BitFusionLayer(*_FC, 1024, 1024, 16, 2, 2), 16_555),
    "CIFAR-10 fc8": (BitFusionLayer(*_FC, 1024, 10, 16, 2, 2), 513),
    "LeNet-5 conv0": (BitFusionLayer(5, 32, 1, 1, 32, 16, 2, 2, im2col=True), 179_116),
    "LeNet-5 conv1": (BitFusionLayer(5, 16, 1, 32, 64, 16, 2, 2), 205_635),
    "LeNet-5 fc1": (BitFusionLayer(*_FC, 4096, 512, 16, 2, 2), 25_259),
    "LeNet-5 fc2": (BitFusionLayer(*_FC, 512, 10, 16, 2, 2), 342),
    "VGG-7 conv1": (BitFusionLayer(3, 32, 1, 3, 128, 16, 2, 2, im2col=True), 704_001),
    "VGG-7 conv2": (BitFusionLayer(3, 16, 1, 128, 256, 16, 2, 2), 402_091),
    "VGG-7 conv3": (BitFusionLayer(3, 8, 1, 256, 512, 16, 2, 2), 255_318),
    "VGG-7 fc1": (BitFusionLayer(*_FC, 8192, 1024, 16, 2, 2), 99_671),
    "RNN": (BitFusionLayer(*_FC, 4096, 4096, 16, 4, 4), 394_583),
    "LSTM": (BitFusionLayer(*_FC, 3600, 3600, 16, 4, 4), 337_175),
}
"""Layer and cycles of the public simulator's results (bitfusion-eyeriss-sim-sweep.csv, 192 bits a cycle, batch 16)."""

TOTALS = {"AlexNet": 37_666_491, "ResNet-18": 49_079_982}
REPEATS = {f"AlexNet conv{i}": 2 for i in range(1, 6)} | {
    f"ResNet-18 {name}": 2 for name in ("2_1_a", "2_1_b", "3_1_b", "4_1_b", "5_1_b")
}
"""AlexNet's convolutions have two groups; ResNet-18's equal layers are listed once."""

_RATE = Quantity("macs_per_unit_cycle", "MAC/cycle", "published", 0.0)
_TEMPORAL = Quantity("macs_per_unit_cycle", "MAC/cycle", "recalled", 0.0)
_LAW = Quantity("cycles", "cycles", "published", 0.0)
_OURS = Quantity("array_cycles", "cycles", "predicted")
_NOTES = (
    "macs_per_unit_cycle: our precision law 'fused' (preset bitfusion).",
    "cycles: the public simulator's own law stated anew (simulator/dataflow/bitfusion_convention.py), batch 16.",
    (
        "array_cycles: preset bitfusion on the same layers one by one, shown beside that law: an array with fill "
        "and drain, reductions that run over kernel and channels, results leaving at their own bits, one DRAM for all, "
        "as bandwidth."
    ),
)
COLUMNS = ("name", "kernel", "outputs", "stride", "channels", "filters", "batch", "ifmap_bits", "weight_bits", "im2col")


@dataclass(frozen=True)
class _Case:
    name: str
    layer: BitFusionLayer
    cycles: int | None


def validate_bitfusion(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare precision law and analytical cycles with the published ones.

    Parameters
    ----------
    data
        A ``.csv`` of layers with the columns ``name kernel outputs stride channels filters batch ifmap_bits
        weight_bits im2col`` and, if known, ``cycles``; None is the published networks.
    queue_depth
        There are no queues: must be None.

    Raises
    ------
    WorkloadError
        The file cannot be read, or a number in it makes no sense.
    ArchitectureError
        A queue depth was given.
    """
    if queue_depth is not None:
        message = f"bitfusion: queue depth {queue_depth} was given, but this array has no queues; leave it out"
        raise ArchitectureError(message)
    if data is not None:
        rows = tuple(compare(case.name, _LAW, case.cycles, bitfusion_cycles(case.layer)) for case in _read(data))
        return ValidationReport(CHIP, rows, _NOTES[1:2])
    support = load_accelerator("bitfusion").precision
    rates = [
        compare(f"{a} x {w} bit", what, rate, product_rate(support, a, w).macs_per_pe_cycle)
        for what, table in ((_RATE, RATES), (_TEMPORAL, TEMPORAL_RATES))
        for (a, w), rate in table.items()
    ]
    found = {name: bitfusion_cycles(layer) for name, (layer, _) in LAYERS.items()}
    layers = [compare(name, _LAW, cycles, found[name]) for name, (_, cycles) in LAYERS.items()]
    totals = [compare(f"{net}, 16 images", _LAW, cycles, _sum(found, net)) for net, cycles in TOTALS.items()]
    ours = {name: _array_cycles(layer) for name, (layer, _) in LAYERS.items() if name.split()[0] in TOTALS}
    shown = [compare(f"{net}, our array", _OURS, cycles, _sum(ours, net)) for net, cycles in TOTALS.items()]
    return ValidationReport(CHIP, (*rates, *layers, *totals, *shown), _NOTES)


def _sum(cycles: dict[str, int], network: str) -> int:
    return sum(count * REPEATS.get(name, 1) for name, count in cycles.items() if name.split()[0] == network)


def _array_cycles(layer: BitFusionLayer) -> int:
    """Return the cycles of one layer on the preset ``bitfusion``."""
    from simulator.api import simulate

    net = GraphBuilder(
        "layer",
        weight_precision=Precision(bits=layer.weight_bits),
        activation_precision=Precision(bits=layer.ifmap_bits),
    )
    if layer.kernel == layer.outputs == 1 and layer.stride == 1:
        graph = net.build(net.gemm(net.input("x", (1, layer.channels)), layer.filters))
    else:
        side = (layer.outputs - 1) * layer.stride + layer.kernel  # as that law sizes it, padding included
        graph = net.build(
            net.conv(net.input("x", (1, layer.channels, side, side)), layer.filters, layer.kernel, stride=layer.stride)
        )
    return simulate(graph, "bitfusion", batch=layer.batch, fidelity="bandwidth").total.cycles or 0


def _read(path: Path) -> list[_Case]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        message = f"{path}: cannot be read ({problem}); give a .csv of layers"
        raise WorkloadError(message) from None
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        message = f"{path}: column {missing[0]!r} is missing; give {', '.join(COLUMNS)} and, if known, cycles"
        raise WorkloadError(message)
    return [_case(row, f"{path}: line {number}") for number, row in enumerate(reader, 2)]


def _case(row: dict[str, Any], where: str) -> _Case:
    numbers = {name: _count(row, name, where) for name in COLUMNS[1:-1]}
    im2col = str(row["im2col"]).strip().lower() in {"1", "true", "yes"}
    cycles = _count(row, "cycles", where) if row.get("cycles") else None
    return _Case(str(row["name"]), BitFusionLayer(**numbers, im2col=im2col), cycles)


def _count(row: dict[str, Any], name: str, where: str) -> int:
    text = str(row[name]).strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
        message = f"{where}: {name} = {text!r} is no count; give a whole number of at least 1"
        raise WorkloadError(message)
    return int(text)
