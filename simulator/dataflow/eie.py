"""Runs of EIE: a layer cut into batches that fit the chip, and what each of them does cycle by cycle.

The hardware and its law are docs/model/eie.md's. The engine is data-dependent: its kernel runs at plan time over the
actual mask, with weights and activations on chip.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import Counts, EieMatrix, Mask, Rows, broadcast_mask, store_matrix
from simulator.errors import ArchitectureError, MappingError
from simulator.records import table
from simulator.units import ceil_div

PE_CYCLE_NAMES = ("useful", "padding", "empty_column", "back_pressure", "starvation", "imbalance", "fill")


@dataclass(frozen=True)
class EieRun:
    """What a layer did on the chip; batches are summed.

    ``pe_cycles`` (by :data:`PE_CYCLE_NAMES`) sums to PEs x ``cycles``; ``pe_entries`` [pes] is each PE's load.
    """

    cycles: int
    broadcasts: int
    bubbles: int
    blocked_cycles: int
    pointer_reads: int
    """Column pointer pairs read, and activations popped: one for each broadcast and PE."""
    weight_row_reads: int
    activation_sram_words: int
    pe_cycles: dict[str, int]
    pe_entries: Counts
    batches: int
    clock_hz: float

    @property
    def time_s(self) -> float:
        """Duration [s]."""
        return self.cycles / self.clock_hz

    @property
    def ideal_cycles(self) -> float:
        """Entries, padding included, shared evenly by all PEs."""
        return float(self.pe_entries.sum()) / self.pe_entries.size

    @property
    def ideal_time_s(self) -> float:
        """Duration if all PEs always worked [s]: the paper's "theoretical time"."""
        return self.ideal_cycles / self.clock_hz


@dataclass(frozen=True)
class EieBatch:
    """One stretch of sources for one block of destinations; activations ``first_input`` onwards."""

    matrix: EieMatrix
    first_input: int
    outputs: int
    loads_sources: bool
    stores_outputs: bool


@dataclass(frozen=True)
class EiePlan:
    """A layer as the chip runs it, and the bits that do not stay on chip (0: everything is resident)."""

    batches: tuple[EieBatch, ...]
    inputs: int
    reload_bits: int


def run_columns(matrix: EieMatrix, activations: npt.ArrayLike, hardware: EieHardware | None = None) -> EieRun:
    """Run a stored matrix as one batch: exact to the cycle, without the chip's capacity limits.

    Parameters
    ----------
    matrix
        Entry counts on as many PEs as the hardware has.
    activations
        Which activations are broadcast [inputs]: booleans, or values of which those above zero are.
    hardware
        The chip; the published one where not given.

    Raises
    ------
    WorkloadError
        There is not one activation for each column.
    ArchitectureError
        The matrix is stored on another number of PEs.

    Examples
    --------
    >>> import numpy as np
    >>> run = run_columns(store_matrix(np.eye(4, dtype=bool), 2), [1, 0, 1, 1], EieHardware(pes=2))
    >>> run.cycles, run.broadcasts, sum(run.pe_cycles.values())
    (12, 3, 24)
    """
    hardware = EieHardware() if hardware is None else hardware
    nonzero = broadcast_mask(activations, matrix.inputs)
    if matrix.pes != hardware.pes:
        message = f"EIE: pes = {hardware.pes}, but the matrix is stored on {matrix.pes}; store it anew or set pes"
        raise ArchitectureError(message)
    return _run(matrix, nonzero, hardware)


def count_cycles(matrix: EieMatrix, activations: npt.ArrayLike, hardware: EieHardware) -> int:
    """Return the cycles of :func:`run_columns` and nothing else: for sweeps over one stored matrix."""
    nonzero = broadcast_mask(activations, matrix.inputs)
    spots = _spots(matrix, _broadcast_columns(matrix, nonzero))
    outcome, _ = _broadcast(matrix, spots, hardware, matrix.inputs, names_waits=False)
    return _cycles(outcome, hardware)


def count_broadcast_cycles(broadcast: EieMatrix, positions: Counts, inputs: int, hardware: EieHardware) -> int:
    """Return the cycles of a layer of which only the broadcast columns are stored: for sweeps over PE counts.

    Parameters
    ----------
    broadcast
        The columns of the non-zero activations, in order, without a bias.
    positions
        The activation of each of them, of ``inputs``.

    Examples
    --------
    >>> import numpy as np
    >>> mask, hardware = np.eye(4, dtype=bool), EieHardware(pes=2)
    >>> whole = count_cycles(store_matrix(mask, 2), [1, 0, 0, 1], hardware)
    >>> count_broadcast_cycles(store_matrix(mask[:, [0, 3]], 2), np.array([0, 3]), 4, hardware) == whole
    True
    """
    spots = np.stack((positions, np.arange(positions.size)))
    outcome, _ = _broadcast(broadcast, spots, hardware, inputs, names_waits=False)
    return _cycles(outcome, hardware)


def _broadcast_columns(matrix: EieMatrix, nonzero: Mask) -> Counts:
    columns = np.flatnonzero(nonzero)
    return np.append(columns, matrix.inputs) if matrix.has_bias else columns


def _spots(matrix: EieMatrix, columns: Counts) -> Counts:
    """Return where the detector finds each broadcast activation, and its column [2, broadcasts]."""
    spots = np.empty((2, columns.size), dtype=np.int64)
    spots[:] = columns
    if matrix.has_bias:  # the bias has a row of its own, lane 0
        spots[0, -1] = ceil_div(matrix.inputs, matrix.pes) * matrix.pes
    return spots


def _broadcast(
    matrix: EieMatrix, spots: Counts, hardware: EieHardware, inputs: int, *, names_waits: bool
) -> tuple[np.recarray[Any, Any], Rows]:
    from simulator.dataflow.broadcast_queue import OUTCOME, QUEUES, broadcast_columns

    rows = ceil_div(inputs, hardware.pes)
    queues, outcome = table(QUEUES, 1), table(OUTCOME, 1)
    queues[0] = (hardware.pes, hardware.usable_slots, rows + matrix.has_bias, names_waits)
    ready = np.zeros(hardware.pes, dtype=matrix.cycle_type)
    broadcast_columns(matrix.work, spots, queues[0], ready, np.empty(spots.shape[1], dtype=np.int64), outcome[0])
    return outcome[0], ready


def count_weight_row_reads(matrix: EieMatrix, activations: npt.ArrayLike, hardware: EieHardware) -> int:
    """Return the weight-SRAM reads of :func:`run_columns` and nothing else: for sweeps over row widths."""
    nonzero = broadcast_mask(activations, matrix.inputs)
    return _row_reads(matrix, _broadcast_columns(matrix, nonzero), hardware)


def _row_reads(matrix: EieMatrix, columns: Counts, hardware: EieHardware) -> int:
    from simulator.dataflow.eie_kernel import count_row_reads

    begins = matrix.begins
    reads, held = np.zeros(matrix.pes, dtype=np.int64), np.full(matrix.pes, -1, dtype=begins.dtype)
    count_row_reads(matrix.narrow_entries, begins, columns, hardware.entries_per_row, held, reads)
    return int(reads.sum())


def _cycles(outcome: Any, hardware: EieHardware) -> int:  # noqa: ANN401 - a record's fields are Any
    found = dict(zip(outcome.dtype.names, outcome.item(), strict=True))  # two fields by themselves: four times as long
    return int(max(found["scan_end_cycle"], found["last_ready_cycle"] + 1)) + hardware.drain_cycles


def _run(matrix: EieMatrix, nonzero: Mask, hardware: EieHardware) -> EieRun:
    from simulator.dataflow.eie_kernel import sum_columns

    pes = hardware.pes
    columns = _broadcast_columns(matrix, nonzero)
    outcome, ready = _broadcast(matrix, _spots(matrix, columns), hardware, matrix.inputs, names_waits=True)
    pe_entries = np.zeros(pes, dtype=ready.dtype)
    sum_columns(matrix.narrow_entries, columns, pe_entries)
    cycles = _cycles(outcome, hardware)
    return EieRun(
        cycles=cycles,
        broadcasts=columns.size,
        bubbles=int(outcome.bubbles),
        blocked_cycles=int(outcome.blocked_cycles),
        pointer_reads=columns.size * pes,
        weight_row_reads=_row_reads(matrix, columns, hardware),
        activation_sram_words=0,
        pe_cycles=_split(int(pe_entries.sum(dtype=np.int64)), matrix.column_totals[:, columns], ready, outcome, cycles),
        pe_entries=pe_entries.astype(np.int64),
        batches=1,
        clock_hz=hardware.clock_hz,
    )


def _split(entries: int, totals: Counts, ready: Rows, outcome: Any, cycles: int) -> dict[str, int]:  # noqa: ANN401
    """Name every PE cycle: what was taken is counted, waiting is the rest of each PE's own time."""
    pes, worked = ready.size, int(ready.sum(dtype=np.int64))
    taken, padding = (int(total) for total in totals.sum(axis=1))
    first_pops = pes if totals.shape[1] else 0  # the cycle in which the first activation is in no queue yet
    last_ready = int(outcome.last_ready_cycle)
    scanning = max(0, int(outcome.scan_end_cycle) - (last_ready + 1)) * pes
    blocked = int(outcome.back_pressure_pe_cycles)
    split = {
        "useful": entries - padding,
        "padding": padding,
        "empty_column": taken - entries,
        "back_pressure": blocked,
        "starvation": worked - taken - first_pops - blocked + scanning,
        "imbalance": last_ready * pes - worked,
    }
    split["fill"] = cycles * pes - sum(split.values())
    return split


def plan_layer(
    mask: npt.ArrayLike, hardware: EieHardware | None = None, *, bias: npt.ArrayLike | None = None
) -> EiePlan:
    """Cut a layer into batches that fit the chip.

    Parameters
    ----------
    mask
        Non-zero weights [outputs, inputs].
    bias
        Non-zero biases [outputs].

    Raises
    ------
    WorkloadError, ArchitectureError
        As :func:`simulator.dataflow.eie_matrix.store_matrix`.
    MappingError
        No batching makes it fit: one column, or the vectors, exceed a memory.
    """
    hardware = EieHardware() if hardware is None else hardware
    weights = np.asarray(mask)
    whole = store_matrix(weights, hardware.pes, index_bits=hardware.index_bits, bias=bias)
    outputs = weights.shape[0]
    biases = None if bias is None else np.asarray(bias)
    blocks = [
        (first, min(hardware.activations_per_batch, outputs - first))
        for first in range(0, outputs, hardware.activations_per_batch)
    ]
    stored = [whole]
    if len(blocks) > 1:
        stored = [
            store_matrix(
                weights[first : first + size],
                hardware.pes,
                index_bits=hardware.index_bits,
                bias=None if biases is None else biases[first : first + size],
            )
            for first, size in blocks
        ]
    return plan_blocks(stored, [size for _, size in blocks], hardware)


def plan_blocks(blocks: list[EieMatrix], outputs: list[int], hardware: EieHardware) -> EiePlan:
    """Cut destination blocks that are already stored (at most 64 destinations a PE each) into source batches.

    Raises
    ------
    MappingError
        As :func:`plan_layer`.
    """
    cuts = [_source_cuts(block, hardware) for block in blocks]
    several = sum(len(cut) for cut in cuts) > 1
    inputs = blocks[0].inputs
    if several:
        _check_vectors(inputs, sum(outputs), hardware)
    batches = []
    for block, size, cut in zip(blocks, outputs, cuts, strict=True):
        for first, end in cut:
            last = end == block.inputs
            columns = slice(first, end + (block.has_bias and last))
            matrix = EieMatrix(block.entries[columns], block.padding[columns], end - first)
            batches.append(EieBatch(matrix, first, size, several, several and last))
    return EiePlan(tuple(batches), inputs, _reload_bits(batches, hardware))


def _source_cuts(matrix: EieMatrix, hardware: EieHardware) -> list[tuple[int, int]]:
    """Return stretches of inputs, each as long as registers, pointers and weight memory allow."""
    entries_limit = min(hardware.weight_entries_per_pe, (1 << hardware.pointer_bits) - 1)
    longest = min(hardware.activations_per_batch, hardware.pointers_per_pe - 1 - matrix.has_bias)
    if longest < 1:
        message = (
            f"EIE: pointer_sram_kib_per_pe = {hardware.pointer_sram_kib_per_pe} holds {hardware.pointers_per_pe} "
            "pointers, not those of a single column; give a larger pointer SRAM"
        )
        raise MappingError(message)
    cuts, first = [], 0
    while first < matrix.inputs:
        end = _longest_fit(matrix, first, min(first + longest, matrix.inputs), entries_limit)
        cuts.append((first, end))
        first = end
    return cuts


def _longest_fit(matrix: EieMatrix, first: int, end: int, entries_limit: int) -> int:
    """Return the largest end at which no PE's entries of [first, end) exceed the limit; a bias belongs to the end."""
    held = np.cumsum(matrix.entries[first:end], axis=0).max(axis=1)
    if matrix.has_bias and end == matrix.inputs:
        held[-1] = int((matrix.entries[first:end].sum(axis=0) + matrix.entries[-1]).max())
    fitting = int(np.searchsorted(held, entries_limit, side="right"))
    if fitting == 0:
        message = (
            f"EIE: column {first} takes {int(held[0])} entries on one PE, but at most {entries_limit} fit the weight "
            "SRAM and the pointers; no batching helps: use more PEs, a larger weight SRAM or wider pointers"
        )
        raise MappingError(message)
    return first + fitting


def _check_vectors(inputs: int, outputs: int, hardware: EieHardware) -> None:
    needed = ceil_div(inputs, hardware.pes) + ceil_div(outputs, hardware.pes)
    if needed > hardware.activations_per_pe:
        message = (
            f"EIE: {inputs} inputs and {outputs} outputs take {needed} activations a PE, but its activation SRAM "
            f"holds {hardware.activations_per_pe}; no batching helps: use more PEs or a larger "
            "activation_sram_kib_per_pe"
        )
        raise MappingError(message)


def _reload_bits(batches: list[EieBatch], hardware: EieHardware) -> int:
    """Return the bits of weights and pointers that must come from outside, 0 if all batches stay on chip together."""
    pointers = sum(batch.matrix.entries.shape[0] + 1 for batch in batches)
    entries = np.add.reduce([batch.matrix.entries.sum(axis=0) for batch in batches])
    if pointers <= hardware.pointers_per_pe and int(entries.max()) <= hardware.weight_entries_per_pe:
        return 0
    return int(entries.sum()) * hardware.entry_bits + pointers * hardware.pes * hardware.pointer_bits


def run_plan(plan: EiePlan, activations: npt.ArrayLike, hardware: EieHardware | None = None) -> EieRun:
    """Run the batches of ``plan`` one behind the other.

    Raises
    ------
    WorkloadError, ArchitectureError
        As :func:`run_columns`.

    Examples
    --------
    >>> import numpy as np
    >>> hardware = EieHardware(pes=2, activation_registers_per_pe=2)
    >>> run = run_plan(plan_layer(np.eye(8, dtype=bool), hardware), np.ones(8), hardware)
    >>> run.batches, run.broadcasts, run.activation_sram_words
    (4, 16, 24)
    """
    hardware = EieHardware() if hardware is None else hardware
    nonzero = broadcast_mask(activations, plan.inputs)
    runs = []
    for batch in plan.batches:
        sources = nonzero[batch.first_input : batch.first_input + batch.matrix.inputs]
        runs.append(_with_transfers(run_columns(batch.matrix, sources, hardware), batch, hardware))
    return _sum(runs)


def _with_transfers(run: EieRun, batch: EieBatch, hardware: EieHardware) -> EieRun:
    words = batch.loads_sources * batch.matrix.inputs + batch.stores_outputs * batch.outputs
    cycles = batch.loads_sources * ceil_div(batch.matrix.inputs, hardware.pes)
    cycles += batch.stores_outputs * ceil_div(batch.outputs, hardware.pes)
    pe_cycles = {**run.pe_cycles, "fill": run.pe_cycles["fill"] + cycles * hardware.pes}
    return replace(run, cycles=run.cycles + cycles, activation_sram_words=words, pe_cycles=pe_cycles)


def _sum(runs: list[EieRun]) -> EieRun:
    counted = (
        "cycles", "broadcasts", "bubbles", "blocked_cycles", "pointer_reads", "weight_row_reads",
        "activation_sram_words", "batches",
    )  # fmt: skip
    return EieRun(
        **{name: sum(getattr(run, name) for run in runs) for name in counted},
        pe_cycles={name: sum(run.pe_cycles[name] for run in runs) for name in PE_CYCLE_NAMES},
        pe_entries=np.add.reduce([run.pe_entries for run in runs]),
        clock_hz=runs[0].clock_hz,
    )
