"""SCNN: all products of non-zero activations and weights, scattered to their sums (docs/model/sparse_engines.md).

Source: Parashar et al., *SCNN: An Accelerator for Compressed-sparse Convolutional Neural Networks*, ISCA 2017.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.engine_checks import Mask, read_mask
from simulator.dataflow.group_barrier import run_groups
from simulator.dataflow.scnn_hardware import ENGINE, ScnnHardware
from simulator.dataflow.scnn_tiles import ScnnPlan, plan_scnn, split_phases
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.dataflow.tandem_queue import run_tandem
from simulator.errors import WorkloadError
from simulator.records import table
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

Counts = npt.NDArray[np.int64]


def run_scnn(
    weights: npt.ArrayLike,
    activations: npt.ArrayLike,
    window: Window | None = None,
    hardware: ScnnHardware | None = None,
) -> SparseRun:
    """Run a convolution (without channel groups) whose tiles are on chip.

    Parameters
    ----------
    weights
        Non-zero weights [outputs, channels, kernel rows, kernel columns].
    activations
        Non-zero activations [channels, height, width].
    window
        Stride and padding; the kernel is the weights'.

    Raises
    ------
    WorkloadError
        Masks have the wrong shape, or do not fit each other.
    MappingError
        One output of one activation does not fit the accumulators.

    Examples
    --------
    >>> import numpy as np
    >>> run = run_scnn(np.ones((8, 16, 1, 1)), np.ones((16, 8, 8)))
    >>> run.cycles, run.effectual_macs, sum(run.pe_cycles.values()) == 1024 * run.cycles
    (39, 8192, True)
    """
    hardware = ScnnHardware() if hardware is None else hardware
    kernel_mask = read_mask(ENGINE, "weights", weights, "outputs, channels, kernel rows, kernel columns")
    mask = read_mask(ENGINE, "activations", activations, "channels, height, width")
    if kernel_mask.shape[1] != mask.shape[0]:
        message = (
            f"{ENGINE}: weights have {kernel_mask.shape[1]} channels, activations {mask.shape[0]}; give masks of one "
            "layer (of one of its groups, where it has several)"
        )
        raise WorkloadError(message)
    window = Window() if window is None else window
    window = Window((kernel_mask.shape[2], kernel_mask.shape[3]), window.stride, window.padding)
    plan = plan_scnn(kernel_mask.shape[0], mask.shape[1:], window, hardware)
    phases = split_phases(kernel_mask, mask, window)
    found = np.concatenate([_run_round(phases, plan, corner, hardware) for corner in plan.corners()])
    run = _summed(found, plan, hardware)
    macs = plan.outputs * plan.plane[0] * plan.plane[1] * int(np.prod(kernel_mask.shape[1:]))
    return SparseRun(
        cycles=run.cycles,
        multipliers=hardware.multipliers,
        pe_cycles=run.pe_cycles,
        dense_macs=macs,
        clock_hz=hardware.clock_hz,
        accesses=_accesses(found, plan, hardware),
        pe_load=found["steps"].sum(axis=0),
        batches=len(plan.corners()),
    )


def _run_round(phases: tuple[Mask, Mask], plan: ScnnPlan, corner: tuple[int, int], hardware: ScnnHardware) -> Any:  # noqa: ANN401
    """Run all groups of outputs on one tile of every PE; return what each PE did [groups, pes]."""
    from simulator.dataflow.bank_queue import ACTIVATION, SCATTERED, WEIGHT, scatter_group

    kernels, planes = phases
    listed, begin = _tile_activations(planes, plan, corner, hardware)
    activations = table(ACTIVATION, len(listed[0]))
    activations["y"], activations["x"] = listed
    columns = plan.tile[1] + plan.phase_kernel[1] - 1
    activations["bank"] = (listed[0] * columns + listed[1]) * hardware.weight_lanes % hardware.banks
    scatter = _scatter_records(plan, corner, hardware)
    found = np.zeros((plan.groups, hardware.pes), dtype=SCATTERED)
    for group in range(plan.groups):
        outputs = kernels[group * plan.group_outputs : (group + 1) * plan.group_outputs]
        channel, r, s, k = np.nonzero(outputs.transpose(1, 2, 3, 0))  # neighbours differ in k: in other banks
        weights = table(WEIGHT, k.size)
        weights["r"], weights["s"] = r, s
        halo = (plan.phase_kernel[0] - 1 - r) * columns + plan.phase_kernel[1] - 1 - s
        weights["bank"] = (halo * hardware.weight_lanes + k) % hardware.banks
        weight_begin = np.searchsorted(channel, np.arange(kernels.shape[1] + 1))
        scatter_group(activations, begin, weights, weight_begin, scatter, found[group].view(np.recarray))
    return found


def _tile_activations(
    planes: Mask, plan: ScnnPlan, corner: tuple[int, int], hardware: ScnnHardware
) -> tuple[tuple[Counts, Counts], Counts]:
    """Return (rows, columns) in their tiles of all non-zeros, by PE and channel, and where each of these begins."""
    channels = planes.shape[0]
    rows, columns = plan.tile
    height, width = rows * hardware.pe_rows, columns * hardware.pe_columns
    seen = planes[:, corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    whole = np.zeros((channels, height, width), dtype=np.bool_)
    whole[:, : seen.shape[1], : seen.shape[2]] = seen
    tiles = whole.reshape(channels, hardware.pe_rows, rows, hardware.pe_columns, columns).transpose(1, 3, 0, 2, 4)
    flat = tiles.reshape(hardware.pes * channels, rows, columns)
    ends = np.cumsum(flat.sum(axis=(1, 2), dtype=np.int64)).reshape(hardware.pes, channels)
    begins = np.concatenate(([0], ends.ravel()[:-1])).reshape(hardware.pes, channels)
    _, y, x = np.nonzero(flat)
    return (y, x), np.column_stack((begins[:, 0], ends))


def _scatter_records(plan: ScnnPlan, corner: tuple[int, int], hardware: ScnnHardware) -> Any:  # noqa: ANN401
    from simulator.dataflow.bank_queue import SCATTER

    scatter = table(SCATTER, hardware.pes)
    for pe in range(hardware.pes):
        row, column = divmod(pe, hardware.pe_columns)
        scatter[pe] = (
            hardware.activation_lanes,
            hardware.weight_lanes,
            hardware.banks,
            hardware.bank_queue_entries,
            corner[0] + row * plan.tile[0] + plan.offset[0],
            corner[1] + column * plan.tile[1] + plan.offset[1],
            plan.plane[0],
            plan.plane[1],
        )
    return scatter


@dataclass(frozen=True)
class _Summed:
    cycles: int
    pe_cycles: dict[str, int]


def _summed(found: Any, plan: ScnnPlan, hardware: ScnnHardware) -> _Summed:  # noqa: ANN401
    """Put the groups one behind the other, with the barrier behind each and two sets of accumulators."""
    barrier = run_groups(found["steps"] + found["stall_cycles"] + found["tail_cycles"])
    groups = len(found)
    drained = np.array([plan.drain_cycles(group % plan.groups, hardware) for group in range(groups)])
    tandem = run_tandem(np.stack((barrier.group_cycles, drained)), np.array([2]), station=0)
    cycles = tandem.cycles + hardware.stages - 1
    lanes = hardware.lanes
    useful = int(found["products"].sum() - found["dropped"].sum())
    pe_cycles = named_pe_cycles(
        hardware.multipliers,
        cycles,
        "fill",
        useful=useful,
        padding=int(found["steps"].sum()) * lanes - useful,
        bank_conflict=int(found["stall_cycles"].sum() + found["tail_cycles"].sum()) * lanes,
        imbalance=barrier.waiting_unit_cycles * lanes,
        back_pressure=tandem.back_pressure_cycles * hardware.multipliers,
    )
    return _Summed(cycles, pe_cycles)


def _accesses(found: Any, plan: ScnnPlan, hardware: ScnnHardware) -> dict[str, MemoryAccess]:  # noqa: ANN401
    kib = KIB * BITS_PER_BYTE
    activation_bits = hardware.activation_lanes * (hardware.value_bits + hardware.index_bits)
    weight_bits = hardware.weight_lanes * (hardware.value_bits + hardware.index_bits)
    steps = int(found["steps"].sum())
    useful = int(found["products"].sum() - found["dropped"].sum())
    outputs = plan.outputs * plan.plane[0] * plan.plane[1]
    drained = hardware.pes * plan.outputs * plan.sums_per_output * len(plan.corners())
    return {
        "input_ram": MemoryAccess(
            int(found["activation_words"].sum()), 0, activation_bits, hardware.activation_ram_kib * kib
        ),
        "weight_fifo": MemoryAccess(steps, 0, weight_bits, hardware.weight_fifo_entries * weight_bits),
        "accumulators": MemoryAccess(
            useful + drained,
            useful,
            hardware.accumulator_bits,
            max(1, hardware.accumulator_entries * 2 // hardware.banks) * hardware.accumulator_bits,
        ),
        "output_ram": MemoryAccess(
            0, ceil_div(outputs, hardware.activation_lanes), activation_bits, hardware.activation_ram_kib * kib
        ),
    }
