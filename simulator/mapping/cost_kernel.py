"""What a mapping costs, predicted in closed form: traffic, array time, and what slots and the DRAM port add to it.

The mapper ranks candidates with these; the engine then runs the winner. docs/model/mapping.md derives the reload
factors.
"""

from typing import Any, NamedTuple

from simulator._jit import kernel
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import ceil_div, input_columns, input_rows, largest_tiles, loads_ifmap, part, row_tiles
from simulator.records import IFMAP, PSUM, WEIGHT, WS, Table, int_fields

BITS_PER_BYTE = 8

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


class Search(NamedTuple):
    """What is searched and the best found so far."""

    work: Table  # WORK, one record
    hardware: Table  # SYSTOLIC_HARDWARE, one record
    space: Table  # MEMORY_SPACE, one record
    trial: Table  # MAPPING, the candidate under evaluation
    best: Table  # MAPPING
    cost: Table  # COST of the best
    traffic: Table  # TRAFFIC, scratch
    compute: Table  # COMPUTE, scratch
    tile: Table  # GEMM_TILE, scratch
    timing: Table  # TILE_TIMING, scratch


@kernel
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


@kernel
def dram_cycles(space: Any, nbytes: int) -> float:  # noqa: ANN401
    """Return the cycles ``nbytes`` take at the DRAM's peak rate."""
    return float(nbytes / space.dram_bytes_per_cycle)


@kernel
def count_traffic(search: Search, inputs: int, outputs: int) -> None:
    """Count what the trial's loop order moves; docs/model/mapping.md derives the reload factors."""
    work = search.work[0]
    trial = search.trial[0]
    traffic = search.traffic[0]
    ms, ks, cs = row_tiles(work, trial), ceil_div(work.K, trial.K), ceil_div(work.C, trial.C)
    order = trial.order
    k_in_m = order == 0 or order == 1 or order == 4
    k_in_c = order == 1 or order == 4 or order == 5
    m_in_c = order == 3 or order == 4 or order == 5
    # a tile is reloaded for every step of an irrelevant loop that has a relevant loop of its own inside
    ifmap_again = (not k_in_m and ms > 1) or (not k_in_c and cs > 1)
    weight_again = (k_in_m and ks > 1) or (not m_in_c and cs > 1)
    spills = cs > 1 and ((m_in_c and ms > 1) or (k_in_c and ks > 1))
    traffic.ifmap_bits = inputs * work.ifmap_bits * (ks if ifmap_again else 1)
    weights = work.parameter_bits
    if work.weight_resident == 0:
        weights += work.G * work.K * work.C * work.R * work.S * work.weight_bits
    stays = ks * cs * ceil_div(work.G, trial.G) == 1
    repeats = 1 if stays else work.sequence_steps
    traffic.weight_bits = weights * (ms if weight_again else 1) * repeats
    traffic.psum_spill_bits = 2 * (cs - 1) * outputs * work.psum_bits if spills else 0
    traffic.ofmap_bits = work.ofmap_elements * work.ofmap_bits * work.ofmap_in_dram
    traffic.residual_bits = 0 if work.residual_resident == 1 else outputs * work.residual_bits
    bits = (
        traffic.ifmap_bits + traffic.weight_bits + traffic.psum_spill_bits + traffic.ofmap_bits + traffic.residual_bits
    )
    traffic.total_bytes = ceil_div(bits, BITS_PER_BYTE)
    groups = ceil_div(work.G, trial.G) * work.sequence_steps
    traffic.ifmap_loads = groups * ms * cs * (ks if ifmap_again else 1) if loads_ifmap(work) else 0
    traffic.weight_loads = 1 if stays else groups * ks * cs * (ms if weight_again else 1)
    if work.weight_resident == 1:  # only the parameters that come with the first reduction tile
        traffic.weight_loads = groups * ks * (ms if weight_again else 1) if weights > 0 else 0
    traffic.psum_drains = groups * ms * ks * ((cs - 1 if spills else 0) + work.ofmap_in_dram)


@kernel
def count_compute(search: Search) -> None:
    """Add up the array's issue cycles and edge words over the full and ragged tiles of the trial."""
    work = search.work[0]
    trial = search.trial[0]
    compute = search.compute[0]
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


@kernel
def _bus_bound(space: Any, timing: Any, cycles: int) -> int:  # noqa: ANN401
    """Return ``cycles``, or what the slowest operand bus needs if that is more."""
    if space.ifmap_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.ifmap_reads, space.ifmap_bus_words))
    if space.weight_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.weight_reads, space.weight_bus_words))
    if space.psum_bus_words > 0:
        cycles = max(cycles, ceil_div(timing.psum_writes, space.psum_bus_words))
    return cycles


@kernel
def _add_class(search: Search, count: int, extents: tuple[int, int, int, int], reductions: int) -> None:
    """Add ``count`` tiles of the given (rows, cols, channels, groups)."""
    work = search.work[0]
    trial = search.trial[0]
    space = search.space[0]
    tile = search.tile[0]
    timing = search.timing[0]
    compute = search.compute[0]
    rows, cols, channels, groups = extents
    tile.rows = rows
    tile.inner = channels * work.R * work.S
    tile.cols = cols
    tile.groups = groups
    whole = trial.K == work.K and trial.C == work.C and search.hardware[0].dataflow == WS
    tile.group_packing = min(work.group_packing, groups) if whole else 1
    tile.pack = work.pack
    tile.passes = work.passes
    tile.inner_pack = work.inner_pack
    tile.next_inner = 0
    tile_timing(search.hardware[0], tile, timing)
    cycles = timing.issue_cycles
    if search.hardware[0].weight_shadow == 0:
        cycles += timing.setup_cycles
    else:  # the first fold's load hides behind the last fold of the tile before, if that is long enough
        cycles += max(0, timing.setup_cycles - (timing.issue_cycles - timing.last_start_cycles))
    compute.cycles += count * _bus_bound(space, timing, cycles)
    compute.steps += count
    compute.first_setup = timing.setup_cycles
    compute.edge_bits_ifmap += count * timing.ifmap_reads * work.ifmap_bits
    compute.edge_bits_weight += count * timing.weight_reads * work.weight_bits
    compute.edge_bits_psum_write += count * timing.psum_writes * work.psum_bits
    reads = timing.psum_reads + (groups * rows * cols * (reductions - 1)) // reductions
    compute.edge_bits_psum_read += count * reads * work.psum_bits


@kernel
def _slot_bound(search: Search, operand: int, loads: int, bits: int, held_cycles: int) -> float:
    """Return the cycles that recycling an operand's slots takes: a tile is held, then refilled (or drained).

    A refill also waits in the queue behind what one step moves of the other operands.
    """
    space = search.space[0]
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    moved = dram_cycles(space, bits // BITS_PER_BYTE)
    others = dram_cycles(space, search.traffic[0].total_bytes) - moved
    waits = space.dram_latency_cycles + 1.0 + held_cycles + others / search.compute[0].steps
    return float((moved + loads * waits + search.compute[0].cycles) / slots)


@kernel
def latency_floor(search: Search, dram: float) -> float:
    """Return what :func:`predict_latency` cannot fall below, without the array's time: port, transfers, slots, ends.

    ``traffic`` holds the loads and drains of the trial, or fewer.
    """
    space, hardware, traffic = search.space[0], search.hardware[0], search.traffic[0]
    wait = space.dram_latency_cycles + 1.0
    steady = dram + 0.5 * (traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains)
    ifmap_slots, weight_slots = space.slots[space.home[IFMAP]], space.slots[space.home[WEIGHT]]
    if traffic.ifmap_loads > ifmap_slots:
        steady = max(steady, traffic.ifmap_loads * wait / ifmap_slots)
    if traffic.weight_loads > weight_slots:
        steady = max(steady, traffic.weight_loads * wait / weight_slots)
    psum_slots = space.slots[space.home[PSUM]]
    if traffic.psum_drains > psum_slots:
        steady = max(steady, traffic.psum_drains * (wait + hardware.columns) / psum_slots)
    work = search.work[0]
    ends = space.dram_latency_cycles * float(work.ofmap_in_dram + (1 - work.weight_resident))
    ends += hardware.rows + hardware.columns
    return float((steady + ends) * (1.0 - 1e-9))  # sums round


@kernel
def predict_latency(search: Search, dram: float) -> float:
    """Return the latency estimate [cycles].

    The slowest of array, DRAM port and slot recycling, plus what the first and the last tile cannot hide.
    """
    work = search.work[0]
    space = search.space[0]
    trial = search.trial[0]
    traffic = search.traffic[0]
    compute = search.compute[0]
    ifmap, weight, _, _ = largest_tiles(work, trial)
    if work.ifmap_on_chip == 1:
        ifmap = 0
    head = float(compute.first_setup)
    if ifmap + weight > 0:
        head += dram_cycles(space, (ifmap + weight) // BITS_PER_BYTE) + space.dram_latency_cycles
    tail = float(search.hardware[0].rows + search.hardware[0].columns)
    if work.ofmap_in_dram == 1:
        last = trial.N * trial.P * trial.Q * trial.G * trial.K * work.ofmap_bits // BITS_PER_BYTE
        tail += dram_cycles(space, last) + space.dram_latency_cycles
    transfers = traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains
    steady = max(float(compute.cycles), dram + 0.5 * transfers)  # a transfer ends on a whole cycle and word
    steady = max(steady, _slot_bound(search, IFMAP, traffic.ifmap_loads, traffic.ifmap_bits, 0))
    steady = max(steady, _slot_bound(search, WEIGHT, traffic.weight_loads, traffic.weight_bits, 0))
    psum_bits = traffic.ofmap_bits + traffic.psum_spill_bits
    wave = search.hardware[0].columns  # a psum slot is held until the wave has left the array
    steady = max(steady, _slot_bound(search, PSUM, traffic.psum_drains, psum_bits, wave))
    lanes = max(work.operations, work.ofmap_elements * work.ofmap_resident) / space.vector_lanes
    steady = max(steady, lanes)
    if work.ofmap_resident == 1:  # a psum slot is free when the lanes are through with it
        steady = max(steady, (compute.cycles + lanes) / space.slots[space.home[PSUM]])
    return float(steady + head + tail)


@kernel
def predict_energy(search: Search) -> float:
    """Return the part of the energy that the mapping decides [pJ]: DRAM and buffers."""
    space = search.space[0]
    compute = search.compute[0]
    traffic = search.traffic[0]
    ifmap, weight, psum = space.home[IFMAP], space.home[WEIGHT], space.home[PSUM]
    energy = traffic.total_bytes * space.dram_pj_per_byte
    energy += compute.edge_bits_ifmap / space.word_bits[ifmap] * space.buffer_read_pj[ifmap]
    energy += compute.edge_bits_weight / space.word_bits[weight] * space.buffer_read_pj[weight]
    energy += compute.edge_bits_psum_read / space.word_bits[psum] * space.buffer_read_pj[psum]
    energy += compute.edge_bits_psum_write / space.word_bits[psum] * space.buffer_write_pj[psum]
    energy += traffic.ifmap_bits / space.word_bits[ifmap] * space.buffer_write_pj[ifmap]
    energy += traffic.weight_bits / space.word_bits[weight] * space.buffer_write_pj[weight]
    return float(energy)
