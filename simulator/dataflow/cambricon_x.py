"""Cambricon-X: weights without zeros, each PE picking the inputs it needs (docs/model/sparse_engines.md).

Source: Zhang et al., *Cambricon-X: An Accelerator for Sparse Neural Networks*, MICRO 2016.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.engine_checks import check_clock, check_counts, read_mask
from simulator.dataflow.group_barrier import run_groups
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

ENGINE = "Cambricon-X"
Counts = npt.NDArray[np.int64]


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
        check_clock(ENGINE, self.clock_hz)

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


def _weights_taken(mask: npt.NDArray[np.bool_], hardware: CambriconXHardware) -> Counts:
    """Return the weights of each group of outputs, segment of inputs and PE [groups, segments, pes]."""
    outputs, inputs = mask.shape
    groups, segments = ceil_div(outputs, hardware.pes), ceil_div(inputs, hardware.candidates)
    starts = np.arange(segments) * hardware.candidates
    counts = np.zeros((groups * hardware.pes, segments), dtype=np.int64)
    counts[:outputs] = np.add.reduceat(mask, starts, axis=1, dtype=np.int64)
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
