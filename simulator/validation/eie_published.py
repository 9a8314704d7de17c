"""EIE's published numbers: Han et al., ISCA 2016.

Layers of table III are recalled; times of table IV are as the MIT-licensed repository cucapra/fodlam transcribes them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A layer of the paper on 64 PEs: sizes and densities (recalled), times in microseconds (published)."""

    name: str
    inputs: int
    outputs: int
    weight_density: float
    activation_density: float
    theoretical_us: float
    actual_us: float


BENCHMARKS = (
    Benchmark("Alex-6", 9216, 4096, 0.09, 0.351, 28.1, 30.3),
    Benchmark("Alex-7", 4096, 4096, 0.09, 0.353, 11.7, 12.2),
    Benchmark("Alex-8", 4096, 1000, 0.25, 0.375, 8.9, 9.9),
    Benchmark("VGG-6", 25088, 4096, 0.04, 0.183, 28.1, 34.4),
    Benchmark("VGG-7", 4096, 4096, 0.04, 0.375, 7.9, 8.7),
    Benchmark("VGG-8", 4096, 1000, 0.23, 0.411, 7.3, 8.4),
    Benchmark("NT-We", 4096, 600, 0.10, 1.0, 5.2, 8.0),
    Benchmark("NT-Wd", 600, 8791, 0.11, 1.0, 13.0, 13.9),
    Benchmark("NT-LSTM", 1201, 2400, 0.10, 1.0, 6.5, 7.5),
)

QUEUE_DEPTH = 8

REAL_LAYER = "Alex-8 (real)"
REAL_LAYER_COUNTS = {"cycles": 7926, "pointer_reads": 112_640, "weight_row_reads": 100_900}
"""AlexNet FC8 as the authors' public simulator runs it at queue depth 8, and its SRAM reads."""

APART = "VGG-6"
"""Left out of the mean: its published actual time is 1.22 of the ideal, where uniform density gives 1.09."""
