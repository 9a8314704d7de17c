"""ESE: EIE's broadcast on every channel, weights streamed matrix by matrix from memory (docs/model/sparse_engines.md).

Source: Han et al., *ESE: Efficient Speech Recognition Engine with Sparse LSTM on FPGA*, FPGA 2017.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.eie_matrix import EieMatrix
from simulator.dataflow.ese_hardware import ENGINE, EseHardware
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.dataflow.tandem_queue import NO_JOB, TandemRun, run_tandem
from simulator.errors import ArchitectureError, WorkloadError
from simulator.records import table
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EseMatrix:
    """A weight matrix of a step, and what follows it.

    Parameters
    ----------
    stored
        Its entries on a channel's PEs; all of its activations are broadcast.
    outputs
        Rows: elements of the element-wise work behind it.
    vector_operations
        Element-wise passes over the outputs behind this matrix (0: its sums stay for the next matrix).
    after
        Matrix whose element-wise work gives this one's activations, counted from 0; None: they are there.
    extra_bytes
        What else moves over the memory's port with this matrix: inputs of all channels, results [bytes].
    """

    stored: EieMatrix
    outputs: int
    vector_operations: int = 0
    after: int | None = None
    extra_bytes: int = 0


def run_ese(
    matrices: Sequence[EseMatrix], hardware: EseHardware | None = None, *, memory_efficiency: float = 1.0
) -> SparseRun:
    """Run one time step of a recurrent layer on all channels.

    Parameters
    ----------
    matrices
        In the order in which they are computed.
    memory_efficiency
        Share of the port's bandwidth that the memory sustains, above 0 and at most 1.

    Raises
    ------
    WorkloadError
        There is no matrix, or one waits for itself or a later one.
    ArchitectureError
        A matrix is stored on another number of PEs, or the efficiency makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from simulator.dataflow.eie_matrix import store_matrix
    >>> matrix = EseMatrix(store_matrix(np.ones((32, 64), dtype=bool), 32), 32)
    >>> run = run_ese([matrix, matrix])
    >>> run.cycles, run.effectual_macs, sum(run.pe_cycles.values()) == 1024 * run.cycles
    (330, 131072, True)
    """
    hardware = EseHardware() if hardware is None else hardware
    _check(matrices, hardware, memory_efficiency)
    distinct = {id(matrix.stored): matrix.stored for matrix in matrices}  # steps of a sequence share their matrices
    known = {key: _broadcast_all(stored, hardware) for key, stored in distinct.items()}
    work = [known[id(matrix.stored)] for matrix in matrices]
    load = [load_cycles(matrix, hardware, memory_efficiency) for matrix in matrices]
    vector = [matrix.vector_operations * ceil_div(matrix.outputs, hardware.vector_lanes) for matrix in matrices]
    after = np.array([NO_JOB if matrix.after is None else matrix.after for matrix in matrices])
    service = np.array([load, [each.cycles for each in work], vector], dtype=np.int64)
    tandem = run_tandem(service, np.array([hardware.buffers, 2]), station=1, after=after, gate_station=1)
    return SparseRun(
        cycles=tandem.cycles,
        multipliers=hardware.multipliers,
        pe_cycles=_pe_cycles(work, tandem, hardware),
        dense_macs=hardware.channels * sum(matrix.outputs * matrix.stored.inputs for matrix in matrices),
        clock_hz=hardware.clock_hz,
        accesses=_accesses(matrices, hardware),
        pe_load=np.add.reduce([matrix.stored.entries.sum(axis=0) for matrix in matrices]),
        batches=len(matrices),
    )


def _check(matrices: Sequence[EseMatrix], hardware: EseHardware, efficiency: float) -> None:
    if not matrices:
        message = f"{ENGINE}: no matrix to run; give at least one"
        raise WorkloadError(message)
    for i, matrix in enumerate(matrices):
        if matrix.stored.pes != hardware.pes:
            message = (
                f"{ENGINE}: matrix {i} is stored on {matrix.stored.pes} PEs, a channel has {hardware.pes}: store anew"
            )
            raise ArchitectureError(message)
        if matrix.after is not None and not 0 <= matrix.after < i:
            message = f"{ENGINE}: matrix {i} waits for matrix {matrix.after}; give an earlier one, or None"
            raise WorkloadError(message)
    if not 0 < efficiency <= 1:
        message = f"{ENGINE}: memory_efficiency = {efficiency!r}; give a share above 0 and at most 1"
        raise ArchitectureError(message)


def load_cycles(matrix: EseMatrix, hardware: EseHardware, memory_efficiency: float = 1.0) -> int:
    """Return the cycles in which a matrix comes in.

    Memory words hold an entry for each PE side by side: a matrix is as long as its fullest PE. Pointers likewise.
    """
    bits = _weight_bits(matrix.stored, hardware) + matrix.extra_bytes * BITS_PER_BYTE
    return int(np.ceil(bits / (hardware.memory_bits_per_cycle * memory_efficiency)))


def weight_bytes(stored: EieMatrix, hardware: EseHardware) -> int:
    """Return the bytes of a matrix in memory, and in its buffer: entries of all PEs side by side, and pointers.

    Examples
    --------
    >>> from simulator.dataflow.eie_matrix import store_matrix
    >>> weight_bytes(store_matrix(np.ones((32, 64), dtype=bool), 32), EseHardware())  # 64 entries, 65 pointers a PE
    8256
    """
    return ceil_div(_weight_bits(stored, hardware), BITS_PER_BYTE)


def _weight_bits(stored: EieMatrix, hardware: EseHardware) -> int:
    words = int(stored.entries.sum(axis=0).max())
    pointers = stored.entries.shape[0] + 1
    return hardware.pes * (words * hardware.entry_bits + pointers * hardware.pointer_bits)


@dataclass(frozen=True)
class _Work:
    """What one matrix takes on a channel, and where its PEs' cycles go."""

    cycles: int
    entries: int
    padding: int
    empty: int
    back_pressure: int
    starvation: int
    imbalance: int


def _broadcast_all(stored: EieMatrix, hardware: EseHardware) -> _Work:
    from simulator.dataflow.broadcast_queue import OUTCOME, QUEUES, broadcast_columns

    columns, pes = stored.entries.shape
    queues, outcome = table(QUEUES, 1), table(OUTCOME, 1)
    queues[0] = (columns, hardware.usable_slots, 1, 1)  # one row of as many lanes as columns: nothing is skipped
    ready = np.zeros(pes, dtype=stored.cycle_type)
    order = np.arange(columns)
    broadcast_columns(stored.work, np.stack((order, order)), queues[0], ready, np.empty(columns, np.int64), outcome[0])
    last, worked = int(outcome[0].last_ready_cycle), int(ready.sum(dtype=np.int64))
    taken, padding = (int(total) for total in stored.column_totals.sum(axis=1))
    entries = int(stored.entries.sum())
    blocked = int(outcome[0].back_pressure_pe_cycles)
    return _Work(
        cycles=last + 1 + hardware.drain_cycles,
        entries=entries,
        padding=padding,
        empty=taken - entries,
        back_pressure=blocked,
        starvation=worked - taken - pes - blocked,
        imbalance=last * pes - worked,
    )


def _pe_cycles(work: list[_Work], tandem: TandemRun, hardware: EseHardware) -> dict[str, int]:
    channels, all_pes = hardware.channels, hardware.multipliers
    return named_pe_cycles(
        all_pes,
        tandem.cycles,
        "fill",
        useful=channels * sum(each.entries - each.padding for each in work),
        padding=channels * sum(each.padding for each in work),
        empty_column=channels * sum(each.empty for each in work),
        back_pressure=channels * sum(each.back_pressure for each in work) + all_pes * tandem.back_pressure_cycles,
        starvation=channels * sum(each.starvation for each in work) + all_pes * tandem.starvation_cycles,
        imbalance=channels * sum(each.imbalance for each in work),
    )


def _accesses(matrices: Sequence[EseMatrix], hardware: EseHardware) -> dict[str, MemoryAccess]:
    entries = sum(int(matrix.stored.entries.sum()) for matrix in matrices)
    useful = sum(int((matrix.stored.entries - matrix.stored.padding).sum()) for matrix in matrices)
    columns = sum(matrix.stored.entries.shape[0] for matrix in matrices)
    channels, pes = hardware.channels, hardware.pes
    kib = KIB * BITS_PER_BYTE
    return {
        "weight_buffer": MemoryAccess(entries, entries, hardware.entry_bits, 8 * kib),  # all channels share a read
        "pointer_buffer": MemoryAccess(columns * pes, columns * pes, hardware.pointer_bits, 4 * kib),
        "activation_queue": MemoryAccess(
            channels * columns * pes, channels * columns * pes, hardware.activation_bits, hardware.queue_depth * 16
        ),
        "accumulators": MemoryAccess(channels * useful, channels * useful, 32, 4 * kib),
    }
