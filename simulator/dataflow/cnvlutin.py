"""Cnvlutin-like skipping of zero activations: lanes that walk bricks of non-zeros (docs/model/sparse_engines.md).

Source: Albericio et al., *Cnvlutin: Ineffectual-Neuron-Free Deep Neural Network Computing*, ISCA 2016.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.engine_checks import check_clock, check_counts, check_units, read_mask
from simulator.dataflow.group_barrier import run_groups
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.errors import WorkloadError
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

ENGINE = "Cnvlutin"
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """How an output position looks at the activations: kernel extent, stride and zeros around, in both directions."""

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        check_counts("window", {"kernel": min(self.kernel), "stride": min(self.stride)})
        check_counts("window", {"padding": min(self.padding)}, least=0)

    def outputs(self, height: int, width: int) -> tuple[int, int]:
        """Return the output positions in both directions.

        Raises
        ------
        WorkloadError
            The kernel is larger than the padded plane.
        """
        sizes = []
        for extent, kernel, stride, padding in zip(
            (height, width), self.kernel, self.stride, self.padding, strict=True
        ):
            if extent + 2 * padding < kernel:
                message = f"window: kernel {kernel} is larger than {extent} + 2 x {padding}; give a smaller kernel"
                raise WorkloadError(message)
            sizes.append((extent + 2 * padding - kernel) // stride + 1)
        return sizes[0], sizes[1]


@dataclass(frozen=True)
class CnvlutinHardware:
    """A Cnvlutin node; the defaults are the published one.

    Parameters
    ----------
    units, filters_per_unit
        All units' filters take the same activations at the same time.
    lanes
        Activation lanes of a unit: each takes one non-zero a cycle, for all filters.
    brick
        Neighbouring channels that are stored, and skipped, together.

    Examples
    --------
    >>> CnvlutinHardware().multipliers
    4096
    """

    units: int = 16
    filters_per_unit: int = 16
    lanes: int = 16
    brick: int = 16
    stages: int = 4
    value_bits: int = 16
    activation_buffer_kib: int = 4096
    weight_buffer_kib_per_unit: int = 2048
    clock_hz: float = 606e6

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name != "clock_hz"})
        check_units(ENGINE, {"lanes": self.lanes})
        check_clock(ENGINE, self.clock_hz)

    @property
    def filters(self) -> int:
        """Filters at work at the same time."""
        return self.units * self.filters_per_unit

    @property
    def multipliers(self) -> int:
        """Of all units: filters x lanes."""
        return self.filters * self.lanes


SOURCES: dict[str, str] = {
    **dict.fromkeys(
        ("units", "filters_per_unit", "lanes", "brick", "value_bits"),
        "Albericio et al., ISCA 2016 (recalled with high confidence): the node of DaDianNao, bricks of 16",
    ),
    **dict.fromkeys(
        ("clock_hz", "activation_buffer_kib", "weight_buffer_kib_per_unit"),
        "Chen et al., DaDianNao, MICRO 2014: 606 MHz, 4 MB and 16 x 2 MB of eDRAM",
    ),
    "stages": "assumed: offset, multiplication, adder tree, write",
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(CnvlutinHardware()))


def run_cnvlutin(
    activations: npt.ArrayLike, outputs: int, window: Window | None = None, hardware: CnvlutinHardware | None = None
) -> SparseRun:
    """Run a layer: time depends on the activations alone.

    Parameters
    ----------
    activations
        Non-zero activations [channels, height, width].
    outputs
        Output channels.
    window
        Kernel, stride and padding; 1 x 1 where not given.

    Raises
    ------
    WorkloadError, ArchitectureError
        The activations have no three axes, the kernel does not fit, or there is no output.

    Examples
    --------
    >>> import numpy as np
    >>> run_cnvlutin(np.ones((256, 4, 4)), 256).cycles, run_cnvlutin(np.zeros((256, 4, 4)), 256).cycles
    (259, 19)
    """
    hardware = CnvlutinHardware() if hardware is None else hardware
    window = Window() if window is None else window
    check_counts(ENGINE, {"outputs": outputs})
    mask = read_mask(ENGINE, "activations", activations, "channels, height, width")
    taken, empty = _lane_work(mask, window, hardware)
    barrier = run_groups(taken + empty)
    groups = ceil_div(outputs, hardware.filters)
    fill = hardware.stages - 1
    cycles = groups * barrier.cycles + fill
    useful, bubbles = int(taken.sum()), int(empty.sum())
    idle_filters = groups * hardware.filters - outputs
    pe_cycles = named_pe_cycles(
        hardware.multipliers,
        cycles,
        "fill",
        useful=outputs * useful,
        empty_column=outputs * bubbles,
        imbalance=outputs * barrier.waiting_unit_cycles + idle_filters * hardware.lanes * barrier.cycles,
    )
    macs = outputs * _window_macs(mask, window)
    return SparseRun(
        cycles=cycles,
        multipliers=hardware.multipliers,
        pe_cycles=pe_cycles,
        dense_macs=macs,
        clock_hz=hardware.clock_hz,
        accesses=_accesses(hardware, groups, useful, bubbles, taken.shape[0] * outputs),
        pe_load=groups * (taken + empty).sum(axis=0),
    )


def _window_macs(mask: npt.NDArray[np.bool_], window: Window) -> int:
    rows, columns = window.outputs(*mask.shape[1:])
    return rows * columns * window.kernel[0] * window.kernel[1] * mask.shape[0]


def _lane_work(mask: npt.NDArray[np.bool_], window: Window, hardware: CnvlutinHardware) -> tuple[Counts, Counts]:
    """Return the activations taken, and the empty bricks seen, by each lane in each window [windows, lanes].

    Brick (r, s, b) of a window goes to lane (r x S + s) x bricks + b, modulo the lanes. Bricks outside the plane are
    known to be zero and cost nothing.
    """
    channels, height, width = mask.shape
    rows, columns = window.outputs(height, width)
    starts = np.arange(0, channels, hardware.brick)
    bricks = np.add.reduceat(mask, starts, axis=0, dtype=np.int64)
    pad_rows, pad_columns = window.padding
    shape = (len(starts), height + 2 * pad_rows, width + 2 * pad_columns)
    values, inside = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    inner = (slice(None), slice(pad_rows, pad_rows + height), slice(pad_columns, pad_columns + width))
    values[inner], inside[inner] = bricks, True
    bubbles = (inside & (values == 0)).astype(np.int64)
    taken, empty = np.zeros((2, hardware.lanes, rows, columns), dtype=np.int64)
    for r in range(window.kernel[0]):
        for s in range(window.kernel[1]):
            seen = (slice(r, r + rows * window.stride[0], window.stride[0]),
                    slice(s, s + columns * window.stride[1], window.stride[1]))  # fmt: skip
            for b in range(len(starts)):
                lane = ((r * window.kernel[1] + s) * len(starts) + b) % hardware.lanes
                taken[lane] += values[b][seen][:rows, :columns]
                empty[lane] += bubbles[b][seen][:rows, :columns]
    flat = rows * columns
    return taken.reshape(hardware.lanes, flat).T, empty.reshape(hardware.lanes, flat).T


def _accesses(
    hardware: CnvlutinHardware, groups: int, useful: int, bubbles: int, outputs: int
) -> dict[str, MemoryAccess]:
    offset_bits = max(1, (hardware.brick - 1).bit_length())
    kib = KIB * BITS_PER_BYTE
    return {
        "activation_buffer": MemoryAccess(
            groups * (useful + bubbles),
            outputs,
            hardware.value_bits + offset_bits,
            hardware.activation_buffer_kib * kib,
        ),
        "weight_buffer": MemoryAccess(
            groups * useful * hardware.units,
            0,
            hardware.filters_per_unit * hardware.value_bits,
            hardware.weight_buffer_kib_per_unit * kib,
        ),
    }
