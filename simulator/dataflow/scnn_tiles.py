"""How SCNN cuts a convolution: strides into phases, planes into tiles, outputs into groups that fit."""

from dataclasses import dataclass

import numpy as np

from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.engine_checks import Mask
from simulator.dataflow.scnn_hardware import ENGINE, ScnnHardware
from simulator.errors import MappingError
from simulator.units import ceil_div


@dataclass(frozen=True)
class ScnnPlan:
    """A convolution as the PEs take it, after the stride is taken out.

    Parameters
    ----------
    outputs, group_outputs
        Output channels, and those of a group.
    plane
        Output rows and columns.
    extent, offset
        Rows and columns of activations of a phase, and where they begin in the plane.
    tile
        Rows and columns of a PE's tile.
    phase_kernel
        Kernel rows and columns of a phase.
    """

    outputs: int
    group_outputs: int
    plane: tuple[int, int]
    extent: tuple[int, int]
    offset: tuple[int, int]
    tile: tuple[int, int]
    phase_kernel: tuple[int, int]
    pe_grid: tuple[int, int]

    @property
    def groups(self) -> int:
        """Groups of outputs that follow each other on a tile."""
        return ceil_div(self.outputs, self.group_outputs)

    @property
    def sums_per_output(self) -> int:
        """Sums of one output channel in a PE: its tile's and the halo's."""
        return _area(self.tile, self.phase_kernel)

    def corners(self) -> list[tuple[int, int]]:
        """Return where each round of tiles begins."""
        steps = (self.tile[0] * self.pe_grid[0], self.tile[1] * self.pe_grid[1])
        return [(y, x) for y in range(0, self.extent[0], steps[0]) for x in range(0, self.extent[1], steps[1])]

    def drain_cycles(self, group: int, hardware: ScnnHardware) -> int:
        """Return the cycles in which a group's sums, halos included, leave the accumulators."""
        outputs = min(self.group_outputs, self.outputs - group * self.group_outputs)
        return ceil_div(outputs * self.sums_per_output, hardware.drain_per_cycle)


def _area(tile: tuple[int, int], kernel: tuple[int, int]) -> int:
    """Return the sums of one output channel: a tile's and its halo's."""
    return (tile[0] + kernel[0] - 1) * (tile[1] + kernel[1] - 1)


def plan_scnn(outputs: int, plane: tuple[int, ...], window: Window, hardware: ScnnHardware) -> ScnnPlan:
    """Cut the plane until enough outputs fit the accumulators together; take as many as fit.

    Raises
    ------
    MappingError
        Not even one activation's sums fit.

    Examples
    --------
    >>> plan = plan_scnn(384, (13, 13), Window((3, 3), padding=(1, 1)), ScnnHardware())
    >>> plan.tile, plan.group_outputs, len(plan.corners())
    ((2, 2), 64, 1)
    """
    height, width = plane
    has = f"accumulator_entries = {hardware.accumulator_entries}"
    extent, offset, kernel = [], [], []
    for size, k, stride, padding in zip((height, width), window.kernel, window.stride, window.padding, strict=True):
        first = padding // stride
        extent.append((size - 1 + padding) // stride - first + 1)
        offset.append(first)
        kernel.append(ceil_div(k, stride))
    grid = (hardware.pe_rows, hardware.pe_columns)
    rows, columns = (ceil_div(e, p) for e, p in zip(extent, grid, strict=True))
    phase_kernel = (kernel[0], kernel[1])
    wanted = min(outputs, hardware.least_group_outputs)
    while rows * columns > 1 and wanted * _area((rows, columns), phase_kernel) > hardware.accumulator_entries:
        rows, columns = (ceil_div(rows, 2), columns) if rows >= columns else (rows, ceil_div(columns, 2))
    fitting = hardware.accumulator_entries // _area((rows, columns), phase_kernel)
    if fitting == 0:
        message = (
            f"{ENGINE}: a kernel of {window.kernel[0]} x {window.kernel[1]} at stride {window.stride[0]} x "
            f"{window.stride[1]} takes {_area((rows, columns), phase_kernel)} sums an activation, but {has}; no tiling "
            "helps: give more accumulators"
        )
        raise MappingError(message)
    return ScnnPlan(
        outputs=outputs,
        group_outputs=min(outputs, fitting),
        plane=window.outputs(height, width),
        extent=(extent[0], extent[1]),
        offset=(offset[0], offset[1]),
        tile=(rows, columns),
        phase_kernel=phase_kernel,
        pe_grid=grid,
    )


def split_phases(weights: Mask, activations: Mask, window: Window) -> tuple[Mask, Mask]:
    """Return weights [outputs, channels x phases, ...] and activations [channels x phases, ...] at stride 1.

    Row y of the padded plane belongs to phase y mod stride, as does row r of the kernel: only equals meet.

    Examples
    --------
    >>> w, a = np.ones((1, 1, 3, 3), dtype=bool), np.ones((1, 5, 5), dtype=bool)
    >>> kernels, planes = split_phases(w, a, Window((3, 3), stride=(2, 2)))
    >>> kernels.shape, planes.shape, int(kernels.sum()), int(planes.sum())
    ((1, 4, 2, 2), (4, 3, 3), 9, 25)
    """
    if window.stride == (1, 1):
        return weights, activations
    (down, right), (above, before) = window.stride, window.padding
    outputs, channels, rows, columns = weights.shape
    height, width = activations.shape[1:]
    first = (above // down, before // right)
    extent = ((height - 1 + above) // down - first[0] + 1, (width - 1 + before) // right - first[1] + 1)
    kernels = np.zeros((outputs, channels, down, right, ceil_div(rows, down), ceil_div(columns, right)), dtype=np.bool_)
    planes = np.zeros((channels, down, right, *extent), dtype=np.bool_)
    r, s = np.arange(rows), np.arange(columns)
    for_rows, for_columns = np.ix_(r, s)
    kernels[:, :, for_rows % down, for_columns % right, for_rows // down, for_columns // right] = weights
    y, x = np.ix_(np.arange(height) + above, np.arange(width) + before)
    planes[:, y % down, x % right, y // down - first[0], x // right - first[1]] = activations
    phases = channels * down * right
    return kernels.reshape(outputs, phases, *kernels.shape[4:]), planes.reshape(phases, *extent)
