"""Cambricon-X: weights without zeros, each PE picking the inputs it needs (docs/model/sparse_engines.md).

Source: Zhang et al., *Cambricon-X: An Accelerator for Sparse Neural Networks*, MICRO 2016.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.engine_checks import check_clock, check_counts, check_rate, check_units, read_mask
from simulator.dataflow.group_barrier import run_groups
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.dataflow.streamed_product import StreamBuffers, StreamedWeights, StreamRun, run_stream
from simulator.errors import ArchitectureError
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

ENGINE = "Cambricon-X"
Counts = npt.NDArray[np.int64]
_DRAM_LATENCY_CYCLES = 100
"""Assumed, as DianNao's."""


@dataclass(frozen=True)
class CambriconXHardware:
    """A Cambricon-X; the defaults are the published one.

    Parameters
    ----------
    pes, multipliers_per_pe
        Each PE works on one output; its multipliers take that many weights a cycle.
    candidates
        Inputs that the indexing module chooses from at a time.
    stages
        Pipeline from the choice to the sum.

    Examples
    --------
    >>> CambriconXHardware().multipliers
    256
    """

    pes: int = 16
    multipliers_per_pe: int = 16
    candidates: int = 256
    stages: int = 6
    value_bits: int = 16
    step_bits: int = 8
    weight_buffer_kib_per_pe: int = 2
    input_buffer_kib: int = 8
    output_buffer_kib: int = 8
    clock_hz: float = 1e9

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name != "clock_hz"})
        check_units(ENGINE, {"pes": self.pes})
        check_clock(ENGINE, self.clock_hz)
        if self.candidates > 1 << self.step_bits:
            message = (
                f"{ENGINE}: step_bits = {self.step_bits} is too narrow for a step over {self.candidates} candidates; "
                f"give {(self.candidates - 1).bit_length()} bits, or at most {1 << self.step_bits} candidates"
            )
            raise ArchitectureError(message)

    @property
    def multipliers(self) -> int:
        """Of all PEs."""
        return self.pes * self.multipliers_per_pe


SOURCES: dict[str, str] = {
    **dict.fromkeys(("pes", "multipliers_per_pe"), "Zhang et al., MICRO 2016: 16 PEs of 16 multipliers, 544 GOP/s"),
    "candidates": "Zhang et al., MICRO 2016 (recalled): 16 of 256 neurons",
    "clock_hz": "Zhang et al., MICRO 2016: 1 GHz in 65 nm",
    "value_bits": "Zhang et al., MICRO 2016: 16-bit fixed point",
    "stages": "assumed: choice, multiplication, four levels of the adder tree",
    "step_bits": "assumed: a step of up to 256 candidates",
    **dict.fromkeys(
        ("weight_buffer_kib_per_pe", "input_buffer_kib", "output_buffer_kib"),
        "recalled with medium confidence: 56 KB in all, 8 KB each for inputs and outputs, 2 KB a PE for weights",
    ),
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(CambriconXHardware()))


def run_cambricon_x(weights: npt.ArrayLike, positions: int, hardware: CambriconXHardware | None = None) -> SparseRun:
    """Run a layer whose operands are on chip.

    Parameters
    ----------
    weights
        Non-zero weights [outputs, inputs]; a convolution's inputs are its reduction R x S x C.
    positions
        Output positions (and images) that the same weights serve.

    Raises
    ------
    WorkloadError
        The weights have no two axes, or there is no position.

    Examples
    --------
    >>> import numpy as np
    >>> run_cambricon_x(np.ones((16, 256)), 10).cycles, run_cambricon_x(np.eye(16, 256), 10).cycles
    (165, 15)
    """
    hardware = CambriconXHardware() if hardware is None else hardware
    check_counts(ENGINE, {"positions": positions})
    mask = read_mask(ENGINE, "weights", weights, "outputs, inputs")
    outputs, inputs = mask.shape
    taken = _weights_taken(mask, hardware)
    words = -(-taken // hardware.multipliers_per_pe)
    groups, segments = taken.shape[0], taken.shape[1]
    barrier = run_groups(words.reshape(groups * segments, hardware.pes))
    empty = int((barrier.group_cycles == 0).sum())
    fill = hardware.stages - 1
    cycles = positions * (barrier.cycles + empty) + fill
    lanes = hardware.multipliers_per_pe
    useful, slots = int(taken.sum()), int(words.sum()) * lanes
    pe_cycles = named_pe_cycles(
        hardware.multipliers,
        cycles,
        "fill",
        useful=positions * useful,
        padding=positions * (slots - useful),
        empty_column=positions * empty * hardware.multipliers,
        imbalance=positions * barrier.waiting_unit_cycles * lanes,
    )
    return SparseRun(
        cycles=cycles,
        multipliers=hardware.multipliers,
        pe_cycles=pe_cycles,
        dense_macs=positions * outputs * inputs,
        clock_hz=hardware.clock_hz,
        accesses=_accesses(hardware, positions, int(words.sum()), groups * inputs, outputs),
        pe_load=positions * words.sum(axis=(0, 1)),
    )


def stream_cambricon_x(
    weights: npt.ArrayLike, positions: int, dram_bytes_per_second: float, hardware: CambriconXHardware | None = None
) -> StreamRun:
    """Run a layer from DRAM to DRAM: non-zero weights and their steps are loaded and multiplied.

    Parameters
    ----------
    weights
        Non-zero weights [outputs, inputs].
    positions
        Output positions (and images) that the same weights serve.
    dram_bytes_per_second
        Loads, and as much for stores.

    Raises
    ------
    WorkloadError, ArchitectureError
        As :func:`run_cambricon_x`, or the bandwidth is none.
    MappingError
        The buffers hold no tile.

    Examples
    --------
    >>> import numpy as np
    >>> stream_cambricon_x(np.eye(16, 256), 10, 250e9).work_cycles
    10
    """
    hardware = CambriconXHardware() if hardware is None else hardware
    check_counts(ENGINE, {"positions": positions})
    buffers = stream_buffers(hardware, dram_bytes_per_second)
    return run_stream(streamed_weights(weights, hardware), positions, buffers)


def streamed_weights(weights: npt.ArrayLike, hardware: CambriconXHardware) -> StreamedWeights:
    """Return what streaming needs of a mask [outputs, inputs]; a unit of the weight slots is an entry on each PE.

    Raises
    ------
    WorkloadError
        As :func:`run_cambricon_x`.
    """
    mask = read_mask(ENGINE, "weights", weights, "outputs, inputs")
    outputs, inputs = mask.shape
    taken = _weights_taken(mask, hardware)
    slowest = taken.max(axis=2)
    groups, segments = (np.arange(extent) for extent in slowest.shape)
    return StreamedWeights(
        cycles=np.maximum(1, -(-slowest // hardware.multipliers_per_pe)),
        stored_bits=taken.sum(axis=2) * (hardware.value_bits + hardware.step_bits),
        slot_units=slowest,
        inputs=np.minimum(hardware.candidates, inputs - segments * hardware.candidates),
        outputs=np.minimum(hardware.pes, outputs - groups * hardware.pes),
    )


def stream_buffers(hardware: CambriconXHardware, dram_bytes_per_second: float) -> StreamBuffers:
    """Return halves of the buffers, and the link to a DRAM of that bandwidth.

    Raises
    ------
    ArchitectureError
        The bandwidth is none.
    """
    check_rate(ENGINE, "dram_bytes_per_second", dram_bytes_per_second, "bandwidth in bytes a second")
    half_bits = KIB * BITS_PER_BYTE // 2
    return StreamBuffers(
        input_values=hardware.input_buffer_kib * half_bits // hardware.value_bits,
        output_values=hardware.output_buffer_kib * half_bits // hardware.value_bits,
        weight_units=hardware.weight_buffer_kib_per_pe * half_bits // (hardware.value_bits + hardware.step_bits),
        value_bits=hardware.value_bits,
        dram_bits_per_cycle=dram_bytes_per_second * BITS_PER_BYTE / hardware.clock_hz,
        dram_latency_cycles=_DRAM_LATENCY_CYCLES,
        drain_cycles=hardware.stages - 1,
    )


def _weights_taken(mask: npt.NDArray[np.bool_], hardware: CambriconXHardware) -> Counts:
    """Return the weights of each group of outputs, segment of inputs and PE [groups, segments, pes]."""
    outputs, inputs = mask.shape
    groups, segments = ceil_div(outputs, hardware.pes), ceil_div(inputs, hardware.candidates)
    whole = inputs // hardware.candidates
    counts = np.zeros((groups * hardware.pes, segments), dtype=np.int64)
    cut = whole * hardware.candidates
    counts[:outputs, :whole] = mask[:, :cut].reshape(outputs, whole, hardware.candidates).sum(axis=2)
    if segments > whole:
        counts[:outputs, whole] = mask[:, cut:].sum(axis=1)
    return counts.reshape(groups, hardware.pes, segments).transpose(0, 2, 1)


def _accesses(
    hardware: CambriconXHardware, positions: int, words: int, inputs: int, outputs: int
) -> dict[str, MemoryAccess]:
    lanes = hardware.multipliers_per_pe
    row_bits, bits_of_kib = lanes * hardware.value_bits, KIB * BITS_PER_BYTE
    entry_bits = hardware.value_bits + hardware.step_bits
    return {
        "weight_buffer": MemoryAccess(
            positions * words, 0, lanes * entry_bits, hardware.weight_buffer_kib_per_pe * bits_of_kib
        ),
        "input_buffer": MemoryAccess(
            positions * ceil_div(inputs, lanes), 0, row_bits, hardware.input_buffer_kib * bits_of_kib
        ),
        "output_buffer": MemoryAccess(
            0, positions * ceil_div(outputs, lanes), row_bits, hardware.output_buffer_kib * bits_of_kib
        ),
    }
