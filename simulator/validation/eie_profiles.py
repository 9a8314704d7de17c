"""EIE on layers whose rows are not equally dense: how far a skewed density explains VGG-6's published time."""

import numpy as np
import numpy.typing as npt

from simulator.dataflow.eie import EieRun, plan_blocks, run_plan
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import EieMatrix
from simulator.formats.relative_index import position_counts
from simulator.validation.eie_benchmarks import SEED, calibrated_density, draw_activations
from simulator.validation.eie_published import Benchmark

ALEX_8_CV = (0.13, 0.08)
"""Coefficients of variation of row and column densities of the real Alex-8 layer, coin tosses taken out (measured)."""

SKEWS = {
    "even": (0.0, 0.0),
    "skewed as Alex-8": ALEX_8_CV,
    "skewed four times as much": (0.5, 0.5),
    "rows skewed as much as their mean": (1.0, 0.0),
}
"""Coefficients of variation of rows and columns that a validation shows, by name."""


def run_skewed(benchmark: Benchmark, row_cv: float, column_cv: float, hardware: EieHardware) -> EieRun:
    """Run a layer whose densities are gamma-distributed over rows and columns around the calibrated one.

    Only columns of non-zero activations are drawn: the run's cycles are right, its weight-row reads are not.

    Examples
    --------
    >>> small = Benchmark("small", 200, 256, 0.1, 0.5, 0.1, 0.1)
    >>> even, skewed = (run_skewed(small, cv, cv, EieHardware()) for cv in (0.0, 1.0))
    >>> even.cycles / even.ideal_cycles < skewed.cycles / skewed.ideal_cycles
    True
    """
    generator = np.random.default_rng([SEED, benchmark.inputs, benchmark.outputs])
    nonzero = draw_activations(benchmark, generator)
    broadcast = np.flatnonzero(nonzero)
    rows = _skew(generator, benchmark.outputs, row_cv) * np.float32(calibrated_density(benchmark, hardware))
    columns = _skew(generator, broadcast.size, column_cv)
    coins = generator.random((broadcast.size, benchmark.outputs), dtype=np.float32) < np.outer(columns, rows)
    stored, sizes = [], []
    for first in range(0, benchmark.outputs, hardware.activations_per_batch):
        block = coins[:, first : first + hardware.activations_per_batch]
        drawn = position_counts(np.flatnonzero(block), block.T.shape, hardware.pes, index_bits=hardware.index_bits)
        entries, padding = np.zeros((2, benchmark.inputs, hardware.pes), dtype=np.int64)
        entries[broadcast], padding[broadcast] = drawn
        stored.append(EieMatrix(entries, padding, benchmark.inputs))
        sizes.append(block.shape[1])
    return run_plan(plan_blocks(stored, sizes, hardware), nonzero, hardware)


def _skew(generator: np.random.Generator, size: int, cv: float) -> npt.NDArray[np.float32]:
    """Return factors of mean 1 and coefficient of variation ``cv``."""
    factors = generator.gamma(cv**-2, cv**2, size) if cv > 0 else np.ones(size)
    return np.asarray(factors / factors.mean(), dtype=np.float32)
