"""What a mapping costs, predicted in closed form: traffic, array time, and what slots and the DRAM port add to it.

The mapper ranks candidates with these; the engine then runs the winner. docs/model/mapping.md derives the reload
factors.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import (
    ceil_div,
    input_columns,
    input_rows,
    largest_tiles,
    loads_ifmap,
    moved_again,
    part,
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
BOUND, USEFUL = 6, 7  # of ``counts``: 1 where the best so far is a bound that a candidate may equal; cycles
MAX_CANDIDATES = 4096

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
)
COMPUTE = int_fields(
    "cycles",
    "steps",
    "edge_bits_ifmap",
    "edge_bits_weight",
    "edge_bits_psum_read",
    "edge_bits_psum_write",
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
        ("sizes", np.int64, (6, MAX_CANDIDATES)),  # extents to try, by what they cut
        ("counts", np.int64, (8,)),  # how many of each; BOUND, USEFUL
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
    compute.edge_bits_ifmap = 0
    compute.edge_bits_weight = 0
    compute.edge_bits_psum_read = 0
    compute.edge_bits_psum_write = 0
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
    compute.edge_bits_ifmap += count * timing.ifmap_reads * work.ifmap_bits
    compute.edge_bits_weight += count * timing.weight_reads * work.weight_bits
    compute.edge_bits_psum_write += count * timing.psum_writes * work.psum_bits
    reads = timing.psum_reads + (groups * rows * cols * (reductions - 1)) // reductions
    compute.edge_bits_psum_read += count * reads * work.psum_bits


@kernel(borrows=True)
def _slot_bound(search: Any, operand: int, loads: int, bits: int, held_cycles: int) -> float:  # noqa: ANN401
    """Return the cycles that recycling an operand's slots takes: a tile is held, then refilled (or drained).

    A refill also waits in the queue behind what one step moves of the other operands.
    """
    space = search.space
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    moved = dram_cycles(space, bits // BITS_PER_BYTE)
    others = dram_cycles(space, search.traffic.total_bytes) - moved
    waits = space.dram_latency_cycles + 1.0 + held_cycles + others / search.compute.steps
    return float((moved + loads * waits + search.compute.cycles) / slots)


@kernel(borrows=True)
def _slot_floor(search: Any, operand: int, loads: int, bits: int, held_cycles: int) -> float:  # noqa: ANN401
    """Return what :func:`_slot_bound` cannot fall below, without the array's time."""
    space = search.space
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    waits = space.dram_latency_cycles + 1.0 + held_cycles
    return float((dram_cycles(space, bits // BITS_PER_BYTE) + loads * waits) / slots)


@kernel(borrows=True)
def steady_floor(search: Any, dram: float) -> float:  # noqa: ANN401
    """Return what the steady part of :func:`predict_latency` cannot fall below: port, transfers, slots, products.

    ``traffic`` holds bits, loads and drains of the trial, or less; ``counts[USEFUL]`` the products' cycles.
    """
    traffic = search.traffic
    steady = dram + 0.5 * (traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains)
    steady = max(steady, float(search.counts[USEFUL]))
    steady = max(steady, _slot_floor(search, IFMAP, traffic.ifmap_loads, traffic.ifmap_bits, 0))
    steady = max(steady, _slot_floor(search, WEIGHT, traffic.weight_loads, traffic.weight_bits, 0))
    psum_bits = traffic.ofmap_bits + traffic.psum_spill_bits
    return max(steady, _slot_floor(search, PSUM, traffic.psum_drains, psum_bits, search.hardware.columns))


@kernel(borrows=True)
def ends_floor(search: Any) -> float:  # noqa: ANN401
    """Return what any mapping's first and last tile take beside the steady part."""
    space, hardware, work = search.space, search.hardware, search.work
    ends = space.dram_latency_cycles * float(work.ofmap_in_dram + (1 - work.weight_resident))
    return float(ends + hardware.rows + hardware.columns)


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


@kernel(borrows=True)
def ends_of(search: Any) -> tuple[float, float]:  # noqa: ANN401
    """Return the cycles that the trial's first tile waits for its data, and that its last takes to leave."""
    work, space, trial = search.work, search.space, search.trial
    ifmap, weight, _, _ = largest_tiles(work, trial)
    if work.ifmap_on_chip == 1:
        ifmap = 0
    head = 0.0
    if ifmap + weight > 0:
        head = dram_cycles(space, (ifmap + weight) // BITS_PER_BYTE) + space.dram_latency_cycles
    tail = float(search.hardware.rows + search.hardware.columns)
    if work.ofmap_in_dram == 1:
        last = trial.N * trial.P * trial.Q * trial.G * trial.K * work.ofmap_bits // BITS_PER_BYTE
        tail += dram_cycles(space, last) + space.dram_latency_cycles
    return head, tail


@kernel(borrows=True)
def predict_latency(search: Any, dram: float) -> float:  # noqa: ANN401
    """Return the latency estimate [cycles].

    The slowest of array, DRAM port and slot recycling, plus what the first and the last tile cannot hide.
    """
    work = search.work
    space = search.space
    traffic = search.traffic
    compute = search.compute
    transfers = traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains
    steady = max(float(compute.cycles), dram + 0.5 * transfers)  # a transfer ends on a whole cycle and word
    steady = max(steady, _slot_bound(search, IFMAP, traffic.ifmap_loads, traffic.ifmap_bits, 0))
    steady = max(steady, _slot_bound(search, WEIGHT, traffic.weight_loads, traffic.weight_bits, 0))
    psum_bits = traffic.ofmap_bits + traffic.psum_spill_bits
    wave = search.hardware.columns  # a psum slot is held until the wave has left the array
    steady = max(steady, _slot_bound(search, PSUM, traffic.psum_drains, psum_bits, wave))
    lanes = max(work.operations, work.ofmap_elements * work.ofmap_resident) / space.vector_lanes
    steady = max(steady, lanes)
    if work.ofmap_resident == 1:  # a psum slot is free when the lanes are through with it
        steady = max(steady, (compute.cycles + lanes) / space.slots[space.home[PSUM]])
    head, tail = ends_of(search)
    return float(steady + (compute.first_setup + head) + tail)


@kernel(borrows=True)
def predict_energy(search: Any) -> float:  # noqa: ANN401
    """Return the part of the energy that the mapping decides [pJ]: DRAM and buffers."""
    space = search.space
    compute = search.compute
    traffic = search.traffic
    ifmap, weight, psum = space.home[IFMAP], space.home[WEIGHT], space.home[PSUM]
    energy = traffic.total_bytes * space.dram_pj_per_byte
    energy += compute.edge_bits_ifmap / space.word_bits[ifmap] * space.buffer_read_pj[ifmap]
    energy += compute.edge_bits_weight / space.word_bits[weight] * space.buffer_read_pj[weight]
    energy += compute.edge_bits_psum_read / space.word_bits[psum] * space.buffer_read_pj[psum]
    energy += compute.edge_bits_psum_write / space.word_bits[psum] * space.buffer_write_pj[psum]
    energy += traffic.ifmap_bits / space.word_bits[ifmap] * space.buffer_write_pj[ifmap]
    energy += traffic.weight_bits / space.word_bits[weight] * space.buffer_write_pj[weight]
    return float(energy)
