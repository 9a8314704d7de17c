"""ESE beside its paper: one step of the published LSTM, with and without load-balance-aware pruning."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.dataflow.eie_matrix import EieMatrix, Mask, store_matrix
from simulator.dataflow.ese import EseMatrix, load_cycles, run_ese
from simulator.dataflow.ese_hardware import EseHardware
from simulator.dataflow.sparse_run import SparseRun
from simulator.errors import ArchitectureError
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_run import dram_trace, run_trace
from simulator.units import OPS_PER_MAC
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "ese"

INPUTS, CELLS, PROJECTION = 153, 1024, 512
WEIGHTS = 4 * CELLS * (INPUTS + PROJECTION) + PROJECTION * CELLS
"""Of the Google LSTM on TIMIT: 3.25 million."""

DENSITY = 0.10
"""Of the pruned weights, without padding zeros (recalled: 11.2 % with them)."""

PUBLISHED_US = 82.7
PUBLISHED_IDEAL_US = 57.0
PUBLISHED_GOPS = 282.0
PUBLISHED_DENSE_TOPS = 2.52
PUBLISHED_SPEEDUPS = {"balanced": 6.2, "unbalanced": 5.5}
"""Over the dense design; 6.2 belongs to 82.7 us, so an unbalanced step takes 6.2 / 5.5 as long (derived)."""

ROW_CV = 0.3
"""Unevenness of rows for the row that shows more than coin tosses (assumed)."""

_SEED = 0
_TARGET_PCT = 10.0
_VECTOR_OPERATIONS = 3
_BURST_BYTES = 64
_NOTES = (
    "Han et al., FPGA 2017: 282 GOPS and 2.52 TOPS are published, the other references recalled (high confidence).",
    "A step of a long sequence: the next step's weights come in while this one computes. Random weights of 10 %.",
    "Inferred: 16-bit pointers come from memory with the weights; one DDR3-1600 channel, timed by the DRAM engine.",
    "Inferred: order of the matrices (inputs, recurrent, projection), three element-wise passes a gate; EIE's queues.",
    "unbalanced: coin tosses for each weight; skewed: rows of uneven density, too. Real pruned weights are not public.",
)


@dataclass(frozen=True)
class _Step:
    """A step in the middle of a sequence."""

    time_us: float
    run: SparseRun
    entries: int
    pes: int

    @property
    def ideal_us(self) -> float:
        """Entries, padding included, shared evenly by the PEs of a channel."""
        return self.entries / self.pes / self.run.clock_hz * 1e6

    @property
    def sparse_gops(self) -> float:
        """Operations on stored entries, of all channels."""
        return OPS_PER_MAC * self.entries * (self.run.multipliers // self.pes) / self.time_us / 1e3

    @property
    def dense_tops(self) -> float:
        """Operations as if nothing had been pruned."""
        return OPS_PER_MAC * WEIGHTS * (self.run.multipliers // self.pes) / self.time_us / 1e6


def validate_ese(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare a step of the published LSTM with its paper.

    Parameters
    ----------
    data
        ESE's weights are not public: must be None.
    queue_depth
        Slots of the activation queues; 8 where not given.

    Raises
    ------
    ArchitectureError
        Data were given, or the depth makes no sense.
    """
    if data is not None:
        message = f"ese: --data {data} was given, but there is no file form of ESE's layers; leave it out"
        raise ArchitectureError(message)
    hardware = EseHardware() if queue_depth is None else EseHardware(queue_depth=queue_depth)
    balanced = _step(balanced_mask, hardware)
    rows = _balanced_rows(balanced)
    for name, row_cv in (("unbalanced", 0.0), ("skewed", ROW_CV)):
        rows += _unbalanced_rows(name, _step(_coins(row_cv), hardware), balanced)
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def _balanced_rows(step: _Step) -> list[ValidationRow]:
    measured = {
        Quantity("time", "us", "inferred", _TARGET_PCT): (PUBLISHED_US, step.time_us),
        Quantity("sparse_throughput", "GOP/s", "inferred", _TARGET_PCT): (PUBLISHED_GOPS, step.sparse_gops),
        Quantity("dense_throughput", "TOP/s", "inferred", _TARGET_PCT): (PUBLISHED_DENSE_TOPS, step.dense_tops),
        Quantity("ideal_time", "us", "recalled", _TARGET_PCT): (PUBLISHED_IDEAL_US, step.ideal_us),
        **{
            Quantity(f"pe_cycles_{cause}", "PE cycles", "predicted"): (None, count)
            for cause, count in step.run.pe_cycles.items()
        },
    }
    return [compare(f"balanced: {what.quantity}", what, *numbers) for what, numbers in measured.items()]


def _unbalanced_rows(name: str, step: _Step, balanced: _Step) -> list[ValidationRow]:
    ratio = PUBLISHED_SPEEDUPS["balanced"] / PUBLISHED_SPEEDUPS["unbalanced"]
    time = Quantity("time", "us", "inferred", _TARGET_PCT)
    gain = Quantity("gain_of_balance", "", "inferred")
    return [
        compare(f"{name}: time", time, PUBLISHED_US * ratio, step.time_us),
        compare(f"{name}: gain of balance", gain, ratio, step.time_us / balanced.time_us),
    ]


_Draw = Callable[[np.random.Generator, int, int, int], Mask]


def balanced_mask(generator: np.random.Generator, rows: int, columns: int, pes: int) -> Mask:
    """Return a mask in which every PE has the same share of its weights: load-balance-aware pruning.

    Examples
    --------
    >>> mask = balanced_mask(np.random.default_rng(0), 64, 50, 32)
    >>> {int(mask[pe::32].sum()) for pe in range(32)}
    {10}
    """
    mask = np.zeros((rows, columns), dtype=np.bool_)
    for pe in range(pes):
        places = mask[pe::pes].size
        kept = np.zeros(places, dtype=np.bool_)
        kept[generator.choice(places, round(places * DENSITY), replace=False)] = True
        mask[pe::pes] = kept.reshape(-1, columns)
    return mask


def _coins(row_cv: float) -> _Draw:
    def draw(generator: np.random.Generator, rows: int, columns: int, _: int) -> Mask:
        density: npt.NDArray[np.float64] = np.full(rows, DENSITY)
        if row_cv > 0:
            density = generator.gamma(row_cv**-2, DENSITY * row_cv**2, rows)
            density *= DENSITY / density.mean()
        return np.asarray(generator.random((rows, columns)) < density[:, np.newaxis])

    return draw


def _step(draw: _Draw, hardware: EseHardware) -> _Step:
    generator = np.random.default_rng(_SEED)

    def store(rows: int, columns: int) -> EieMatrix:
        mask = draw(generator, rows, columns, hardware.pes)
        return store_matrix(mask, hardware.pes, index_bits=hardware.index_bits)

    inputs = [store(CELLS, INPUTS) for _ in range(4)]
    recurrent = [store(CELLS, PROJECTION) for _ in range(4)]
    projection = store(PROJECTION, CELLS)
    sequence = [matrix for step in range(3) for matrix in _matrices(inputs, recurrent, projection, step, hardware)]
    per_step = len(sequence) // 3
    loaded = sum(load_cycles(matrix, hardware) for matrix in sequence[:per_step]) * hardware.memory_bytes_per_cycle
    efficiency = stream_efficiency(loaded)
    two, three = (run_ese(sequence[: steps * per_step], hardware, memory_efficiency=efficiency) for steps in (2, 3))
    entries = sum(int(matrix.stored.entries.sum()) for matrix in sequence[:per_step])
    return _Step((three.time_s - two.time_s) * 1e6, _difference(three, two), entries, hardware.pes)


def _matrices(
    inputs: list[EieMatrix], recurrent: list[EieMatrix], projection: EieMatrix, step: int, hardware: EseHardware
) -> list[EseMatrix]:
    """Return the nine matrices of a step; the recurrent ones wait for the step before."""
    first = step * 9
    words = hardware.channels * hardware.activation_bits // 8
    before = first - 1 if step else None
    return [
        *(EseMatrix(stored, CELLS, extra_bytes=words * INPUTS if i == 0 else 0) for i, stored in enumerate(inputs)),
        *(EseMatrix(stored, CELLS, _VECTOR_OPERATIONS, before) for stored in recurrent),
        EseMatrix(projection, PROJECTION, 0, first + 7, words * PROJECTION),
    ]


def _difference(longer: SparseRun, shorter: SparseRun) -> SparseRun:
    causes = {cause: count - shorter.pe_cycles[cause] for cause, count in longer.pe_cycles.items()}
    return SparseRun(
        cycles=longer.cycles - shorter.cycles,
        multipliers=longer.multipliers,
        pe_cycles=causes,
        dense_macs=longer.dense_macs - shorter.dense_macs,
        clock_hz=longer.clock_hz,
    )


def stream_efficiency(stream_bytes: int, dram: str = "ddr3_1600") -> float:
    """Return the share of its peak bandwidth at which a DRAM reads a long stream, by the DRAM engine.

    Examples
    --------
    >>> 0.9 < stream_efficiency(1 << 18) < 1.0
    True
    """
    config = load_dram(dram)
    addresses = np.arange(-(-stream_bytes // _BURST_BYTES), dtype=np.int64) * _BURST_BYTES
    trace = dram_trace(
        {"addr": addresses, "is_write": np.zeros_like(addresses), "arrival": np.zeros_like(addresses)},
        source="a stream of weights",
    )
    seconds = run_trace(config, trace).makespan_cycles * config.timing.clock_period_ns * 1e-9
    return float(addresses.size * _BURST_BYTES / (config.peak_bytes_per_second * seconds))
