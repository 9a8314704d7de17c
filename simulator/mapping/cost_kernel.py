"""What a mapping moves and what the array takes for it, in closed form (docs/model/mapping.md derives the factors).

The mapper ranks candidates by what :mod:`simulator.mapping.estimate_kernel` makes of these.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import (
    ceil_div,
    input_columns,
    input_rows,
    largest_window,
    loads_ifmap,
    moved_again,
    part,
    row_tiles,
    tiles_under,
)
from simulator.records import (
    COST,
    GEMM_TILE,
    IFMAP,
    MAPPING,
    MEMORY_SPACE,
    PSUM,
    SYSTOLIC_HARDWARE,
    TILE_TIMING,
    WEIGHT,
    WORK,
    WS,
    Table,
    int_fields,
    table,
)

BITS_PER_BYTE = 8
GROUPS, ROW_N, ROW_P, ROW_Q, COLUMNS, REDUCTIONS = range(6)  # what is cut: rows of ``sizes``
INPUTS = 6  # row of ``sizes``: ifmap elements that all row tiles load once
BOUND = 6  # of ``counts``: 1 where the best so far is a bound that a candidate may equal
USEFUL = 7  # of ``counts``: cycles that the products alone take
FINE, LISTING = 8, 9  # of ``counts``: which tiles are listed, and the number of that listing
MAX_CANDIDATES = 4096
KEPT = 8192  # tilings whose array time is kept

TRAFFIC = int_fields(
    "ifmap_bits",
    "weight_bits",
    "psum_spill_bits",
    "ofmap_bits",
    "residual_bits",
    "total_bytes",
    "ifmap_loads",
    "weight_loads",
    "psum_drains",
    "inputs",  # ifmap elements that all row tiles load once
    *("gs", "ms", "ks", "cs"),  # how many tiles the trial has: groups, rows, columns, reductions
    *("ifmap_tile_bits", "weight_tile_bits", "psum_tile_bits", "residual_tile_bits"),  # of the largest tile
)
COMPUTE = int_fields(
    "cycles",
    "steps",
    "ifmap_edge_words",
    "weight_edge_words",
    "psum_edge_reads",
    "psum_edge_writes",
    "first_setup",
)


SEARCH = np.dtype(
    [
        ("work", WORK),
        ("hardware", SYSTOLIC_HARDWARE),
        ("space", MEMORY_SPACE),
        ("trial", MAPPING),  # the candidate under evaluation
        ("best", MAPPING),
        ("cost", COST),  # of the best
        ("traffic", TRAFFIC),  # the rest is scratch
        ("compute", COMPUTE),
        ("tile", GEMM_TILE),
        ("timing", TILE_TIMING),
        ("sizes", np.int64, (7, MAX_CANDIDATES)),  # extents to try, by what they cut; INPUTS
        ("counts", np.int64, (10,)),  # how many of each; BOUND, USEFUL, FINE, LISTING
        ("listed", WORK),  # whose tiles are listed
        ("kept", np.int64, (KEPT, 8)),  # number of the listing, then COMPUTE of each tiling listed
    ]
)
"""What is searched and the best found so far. One record: an argument is then one pointer, and compiles fast."""


def search_table(hardware: Table, space: Table) -> Table:
    """Return a search for one dataflow's hardware and a memory space, tables of one record each."""
    search = table(SEARCH, 1)
    search[0].hardware = hardware[0]
    search[0].space = space[0]
    return search


@kernel(borrows=True)
def input_total(work: Any, trial: Any) -> int:  # noqa: ANN401
    """Return the ifmap elements that all row tiles load once, halos included, for all channels."""
    rows, columns = 0, 0
    for p in range(ceil_div(work.P, trial.P)):
        begin, end = input_rows(work, trial, p)
        rows += end - begin
    for q in range(ceil_div(work.Q, trial.Q)):
        begin, end = input_columns(work, trial, q)
        columns += end - begin
    return work.N * work.G * work.C * rows * columns


@kernel(borrows=True)
def size_tiles(search: Any, window: tuple[int, int]) -> None:  # noqa: ANN401
    """Size the trial's largest tiles; ``window`` = input rows and columns that a row tile sees at most."""
    traffic = search.traffic
    ifmap, weight, psum, residual = tiles_under(search.work, search.trial, window)
    traffic.ifmap_tile_bits, traffic.weight_tile_bits = ifmap, weight
    traffic.psum_tile_bits, traffic.residual_tile_bits = psum, residual


@kernel(borrows=True)
def count_tiles(search: Any) -> None:  # noqa: ANN401
    """Count and size the tiles of the trial. Once: to divide is slow, and each loop order asks."""
    work, trial, traffic = search.work, search.trial, search.traffic
    traffic.gs, traffic.ms = ceil_div(work.G, trial.G), row_tiles(work, trial)
    traffic.ks, traffic.cs = ceil_div(work.K, trial.K), ceil_div(work.C, trial.C)
    size_tiles(search, largest_window(work, trial))


@kernel(borrows=True)
def dram_cycles(space: Any, nbytes: int) -> float:  # noqa: ANN401
    """Return the cycles ``nbytes`` take at the DRAM's peak rate."""
    return float(nbytes / space.dram_bytes_per_cycle)


@kernel(borrows=True)
def count_traffic(search: Any, inputs: int, outputs: int) -> None:  # noqa: ANN401
    """Count what the trial's loop order moves; docs/model/mapping.md derives the reload factors.

    Its tiles are counted already.
    """
    work = search.work
    trial = search.trial
    traffic = search.traffic
    ms, ks, cs = traffic.ms, traffic.ks, traffic.cs
    ifmap_again, weight_again, spills = moved_again(trial.order, ms, ks, cs)
    traffic.ifmap_bits = inputs * work.ifmap_bits * (ks if ifmap_again else 1)
    weights = work.parameter_bits
    if work.weight_resident == 0:
        weights += work.G * work.K * work.C * work.R * work.S * work.weight_bits
    stays = ks * cs * traffic.gs == 1
    repeats = 1 if stays else work.sequence_steps
    traffic.weight_bits = weights * (ms if weight_again else 1) * repeats
    traffic.psum_spill_bits = 2 * (cs - 1) * outputs * work.psum_bits if spills else 0
    traffic.ofmap_bits = work.ofmap_elements * work.ofmap_bits * work.ofmap_in_dram
    traffic.residual_bits = 0 if work.residual_resident == 1 else outputs * work.residual_bits
    bits = (
        traffic.ifmap_bits + traffic.weight_bits + traffic.psum_spill_bits + traffic.ofmap_bits + traffic.residual_bits
    )
    traffic.total_bytes = ceil_div(bits, BITS_PER_BYTE)
    groups = traffic.gs * work.sequence_steps
    traffic.ifmap_loads = groups * ms * cs * (ks if ifmap_again else 1) if loads_ifmap(work) else 0
    traffic.weight_loads = 1 if stays else groups * ks * cs * (ms if weight_again else 1)
    if work.weight_resident == 1:  # only the parameters that come with the first reduction tile
        traffic.weight_loads = groups * ks * (ms if weight_again else 1) if weights > 0 else 0
    traffic.psum_drains = groups * ms * ks * ((cs - 1 if spills else 0) + work.ofmap_in_dram)


@kernel(borrows=True)
def count_least(search: Any) -> None:  # noqa: ANN401
    """Count what any loop order of the trial's row tiles moves: everything once, nothing spilled."""
    work, traffic = search.work, search.traffic
    traffic.ifmap_bits = traffic.inputs * work.ifmap_bits
    traffic.weight_bits = work.parameter_bits
    if work.weight_resident == 0:
        traffic.weight_bits += work.G * work.K * work.C * work.R * work.S * work.weight_bits
    traffic.psum_spill_bits = 0
    traffic.ofmap_bits = work.ofmap_elements * work.ofmap_bits * work.ofmap_in_dram
    traffic.residual_bits = 0
    if work.residual_resident == 0:
        outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
        traffic.residual_bits = outputs * work.residual_bits
    bits = traffic.ifmap_bits + traffic.weight_bits + traffic.ofmap_bits + traffic.residual_bits
    traffic.total_bytes = ceil_div(bits, BITS_PER_BYTE)


@kernel(borrows=True)
def count_compute(search: Any) -> None:  # noqa: ANN401
    """Add up the array's issue cycles and edge words over the full and ragged tiles of the trial."""
    work = search.work
    trial = search.trial
    compute = search.compute
    compute.cycles = 0
    compute.steps = 0
    compute.ifmap_edge_words = 0
    compute.weight_edge_words = 0
    compute.psum_edge_reads = 0
    compute.psum_edge_writes = 0
    units, unit, scale = work.N, trial.N, work.P * work.Q
    if trial.P < work.P:
        units, unit, scale = work.N * work.P, trial.P, work.Q
    if trial.Q < work.Q:
        units, unit, scale = work.N * work.P * work.Q, trial.Q, 1
    whole = work.N if trial.P == work.P and trial.Q == work.Q else (work.P if trial.Q == work.Q else work.Q)
    lines = units // whole
    ms, ks, cs = ceil_div(whole, unit), ceil_div(work.K, trial.K), ceil_div(work.C, trial.C)
    gs = ceil_div(work.G, trial.G)
    for edge in range(16):
        count = (ms - 1) * lines if edge & 1 == 0 else lines
        count *= ks - 1 if edge & 2 == 0 else 1
        count *= cs - 1 if edge & 4 == 0 else 1
        count *= gs - 1 if edge & 8 == 0 else 1
        if count > 0:
            m = part(whole, unit, ms - 1 if edge & 1 else 0) * scale
            k = part(work.K, trial.K, ks - 1 if edge & 2 else 0)
            c = part(work.C, trial.C, cs - 1 if edge & 4 else 0)
            g = part(work.G, trial.G, gs - 1 if edge & 8 else 0)
            _add_class(search, count * work.sequence_steps, (m, k, c, g), cs)


@kernel(borrows=True)
def _bus_bound(space: Any, timing: Any, cycles: int) -> int:  # noqa: ANN401
    """Return ``cycles``, or what the slowest operand bus needs if that is more."""
    if space.ifmap_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.ifmap_reads, space.ifmap_bus_words))
    if space.weight_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.weight_reads, space.weight_bus_words))
    if space.psum_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.psum_writes, space.psum_bus_words))
    return cycles


@kernel(borrows=True)
def _bank_bound(space: Any, work: Any, timing: Any, cycles: int) -> int:  # noqa: ANN401
    """Return ``cycles``, or what a shared bus or a buffer's banks need if that is more.

    The law is docs/model/buffers.md's, without what each walk rounds up.
    Psums that leave are read once more from their banks, as many as were written but not read.
    """
    moved = (
        timing.ifmap_reads * work.ifmap_bits,
        timing.weight_reads * work.weight_bits,
        (timing.psum_reads + timing.psum_writes) * work.psum_bits,
    )
    if space.shared_bus_bits > 0:
        shared = 0
        for operand in range(3):
            shared += moved[operand] * space.on_shared_bus[operand]
        cycles = max(cycles, ceil_div(shared, space.shared_bus_bits))
    for buffer in range(3):
        if space.ports[buffer] > 0:
            bits = (timing.psum_writes - timing.psum_reads) * work.psum_bits * (space.home[PSUM] == buffer)
            for operand in range(3):
                bits += moved[operand] * (space.home[operand] == buffer)
            lines = ceil_div(bits, space.word_bits[buffer] * space.banks[buffer])
            turns = max(space.home[IFMAP] == buffer, space.home[WEIGHT] == buffer)  # the DMA's
            period = space.dma_period_cycles[buffer]
            cycles = max(cycles, ceil_div(lines * period, space.ports[buffer] * period - turns))
    return cycles


@kernel(borrows=True)
def _add_class(search: Any, count: int, extents: tuple[int, int, int, int], reductions: int) -> None:  # noqa: ANN401
    """Add ``count`` tiles of the given (rows, cols, channels, groups)."""
    work = search.work
    trial = search.trial
    space = search.space
    tile = search.tile
    timing = search.timing
    compute = search.compute
    rows, cols, channels, groups = extents
    tile.rows = rows
    tile.inner = channels * work.R * work.S
    tile.cols = cols
    tile.groups = groups
    whole = trial.K == work.K and trial.C == work.C and search.hardware.dataflow == WS
    tile.group_packing = min(work.group_packing, groups) if whole else 1
    tile.pack = work.pack
    tile.passes = work.passes
    tile.inner_pack = work.inner_pack
    tile.next_inner = 0
    tile_timing(search.hardware, tile, timing)
    cycles = timing.issue_cycles
    if search.hardware.weight_shadow == 0:
        cycles += timing.setup_cycles
    else:  # the first fold's load hides behind the last fold of the tile before, if that is long enough
        cycles += max(0, timing.setup_cycles - (timing.issue_cycles - timing.last_start_cycles))
    compute.cycles += count * _bank_bound(space, work, timing, _bus_bound(space, timing, cycles))
    compute.steps += count
    compute.first_setup = timing.setup_cycles
    compute.ifmap_edge_words += count * timing.ifmap_reads
    compute.weight_edge_words += count * timing.weight_reads
    compute.psum_edge_writes += count * timing.psum_writes
    compute.psum_edge_reads += count * (timing.psum_reads + (groups * rows * cols * (reductions - 1)) // reductions)


@kernel(borrows=True)
def moved_cycles(search: Any) -> tuple[float, float, float, float]:  # noqa: ANN401
    """Return the DRAM port's cycles for what ``traffic`` counts: all of it, ifmaps, weights, psums and ofmaps."""
    space, traffic = search.space, search.traffic
    return (
        dram_cycles(space, traffic.total_bytes),
        dram_cycles(space, traffic.ifmap_bits // BITS_PER_BYTE),
        dram_cycles(space, traffic.weight_bits // BITS_PER_BYTE),
        dram_cycles(space, (traffic.ofmap_bits + traffic.psum_spill_bits) // BITS_PER_BYTE),
    )


@kernel(borrows=True)
def least_products(search: Any) -> int:  # noqa: ANN401
    """Return the cycles that the products alone take: what tiles add up to is never less than the layer as one tile."""
    work, tile = search.work, search.tile
    tile.rows = work.N * work.P * work.Q
    tile.inner = work.C * work.R * work.S
    tile.cols = work.K
    tile.groups = work.G
    tile.group_packing = min(work.group_packing, work.G) if search.hardware.dataflow == WS else 1
    tile.pack = work.pack
    tile.passes = work.passes
    tile.inner_pack = work.inner_pack
    tile.next_inner = 0
    tile_timing(search.hardware, tile, search.timing)
    return int(search.timing.useful_cycles * work.sequence_steps)
