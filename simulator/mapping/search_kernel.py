"""Search over tile sizes and loop orders of one multiply-accumulate layer: exhaustive over its candidates, soundly pruned.

Candidates: row tiles are ceil-factors of the output columns, the rows, or the images (a finer unit only when the coarser ones are
cut to 1); column tiles are ceil-factors of K rounded up to whole array folds; reduction tiles are ceil-factors of C that fill the
array's rows; several groups only with whole K and C. Where none of these fits the buffers, all ceil-factors are tried. A candidate
is skipped only if it does not fit, or if a bound below its score is no better than the best.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import ceil_div, input_columns, input_rows, largest_tiles, part, row_tiles
from simulator.records import IFMAP, IS, OS, PSUM, RESIDUAL, WEIGHT, WS, Table, int_fields

LATENCY, ENERGY, EDP = 0, 1, 2
BITS_PER_BYTE = 8
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
)
COMPUTE = int_fields(
    "cycles", "steps", "edge_bits_ifmap", "edge_bits_weight", "edge_bits_psum_read", "edge_bits_psum_write", "first_setup"
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
def ceil_factors(total: int, sizes: Any) -> int:  # noqa: ANN401
    """Fill ``sizes`` with the distinct values of ceil(total / n), largest first; return how many."""
    count = 0
    n = 1
    while count < sizes.shape[0]:
        size = ceil_div(total, n)
        sizes[count] = size
        count += 1
        if size == 1:
            break
        n = ceil_div(total, size - 1)
    return count


@kernel
def search_mapping(search: Search, objective: int) -> bool:
    """Fill ``best`` and ``cost``; say whether anything fits. If not, ``cost`` holds the smallest shortfall and its buffer."""
    search.cost[0].latency_cycles = np.inf
    search.cost[0].energy_pj = np.inf
    search.cost[0].shortfall_bits = 2**62
    search.best[0].feasible = 0
    search.best[0].candidates = 0
    for fine in range(2):
        _search_groups(search, objective, fine)
        if search.best[0].feasible == 1:
            return True
    return False


@kernel
def _search_groups(search: Search, objective: int, fine: int) -> None:
    work = search.work[0]
    sizes = np.zeros(MAX_CANDIDATES, np.int64)
    count = ceil_factors(work.G, sizes)
    for i in range(count):
        search.trial[0].G = sizes[i]
        _search_rows(search, objective, fine)


@kernel
def _search_rows(search: Search, objective: int, fine: int) -> None:
    """Row tiles: whole images first, then rows of one image, then columns of one row."""
    work = search.work[0]
    trial = search.trial[0]
    sizes = np.zeros(MAX_CANDIDATES, np.int64)
    trial.P, trial.Q = work.P, work.Q
    for i in range(ceil_factors(work.N, sizes)):
        trial.N = sizes[i]
        _search_columns(search, objective, fine)
    trial.N = 1
    for i in range(ceil_factors(work.P, sizes)):
        trial.P = sizes[i]
        if trial.P < work.P:
            _search_columns(search, objective, fine)
    trial.P = 1
    for i in range(ceil_factors(work.Q, sizes)):
        trial.Q = sizes[i]
        if trial.Q < work.Q:
            _search_columns(search, objective, fine)


@kernel
def _whole_folds(total: int, size: int, fold: int) -> int:
    """Round a tile up to whole array folds; smaller than one fold it stays."""
    return size if size < fold else min(total, ceil_div(size, fold) * fold)


@kernel
def _search_columns(search: Search, objective: int, fine: int) -> None:
    work = search.work[0]
    trial = search.trial[0]
    sizes = np.zeros(MAX_CANDIDATES, np.int64)
    fold = 1 if search.hardware[0].dataflow == IS else search.hardware[0].columns * work.pack
    count = 1 if trial.G > 1 else ceil_factors(work.K, sizes)
    sizes[0] = work.K
    previous = 0
    for i in range(count):
        size = sizes[i] if fine == 1 else _whole_folds(work.K, sizes[i], fold)
        if size == previous or (fine == 0 and size < fold and i > 0):
            continue
        previous = size
        trial.K = size
        _search_reduction(search, objective, fine)


@kernel
def _search_reduction(search: Search, objective: int, fine: int) -> None:
    work = search.work[0]
    trial = search.trial[0]
    sizes = np.zeros(MAX_CANDIDATES, np.int64)
    taps = work.R * work.S
    fold = 1 if search.hardware[0].dataflow == OS else search.hardware[0].rows
    count = 1 if trial.G > 1 else ceil_factors(work.C, sizes)
    sizes[0] = work.C
    for i in range(count):
        if fine == 0 and i > 0 and sizes[i] * taps < fold:
            break
        trial.C = sizes[i]
        search.best[0].candidates += 1
        if _fits(search):
            _score_orders(search, objective)


@kernel
def _fits(search: Search) -> bool:
    """Say whether the trial's tiles fit; else remember the smallest shortfall seen."""
    work = search.work[0]
    trial = search.trial[0]
    space = search.space[0]
    bits = largest_tiles(work, trial)
    groups = ceil_div(work.G, trial.G)
    ms, ks, cs = row_tiles(work, trial), ceil_div(work.K, trial.K), ceil_div(work.C, trial.C)
    needed = np.zeros(3, np.int64)
    for operand in range(4):
        home = space.home[IFMAP if operand == RESIDUAL else operand]
        tiles = groups * (ms * cs if operand == IFMAP else (ks * cs if operand == WEIGHT else ms * ks))
        if operand == PSUM and work.sequence_steps > 1:
            tiles *= work.sequence_steps
        needed[home] += min(space.slots[home], tiles) * bits[operand]
    short, where = 0, 0
    for buffer in range(3):
        if needed[buffer] - space.capacity_bits[buffer] > short:
            short, where = needed[buffer] - space.capacity_bits[buffer], buffer
    if short > 0 and short < search.cost[0].shortfall_bits:
        search.cost[0].shortfall_bits = short
        search.cost[0].shortfall_buffer = where
    return short == 0


@kernel
def _input_total(work: Any, trial: Any) -> int:  # noqa: ANN401
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
def _score_orders(search: Search, objective: int) -> None:
    """Score the trial's six loop orders; compute time is the same for all and evaluated only if one may win."""
    work = search.work[0]
    trial = search.trial[0]
    inputs = 0 if work.ifmap_on_chip == 1 else _input_total(work, trial)
    outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    known = False
    for order in range(6):
        trial.order = order
        _count_traffic(search, inputs, outputs)
        dram = _dram_cycles(search.space[0], search.traffic[0].total_bytes)  # at least this
        if objective == LATENCY and dram > search.cost[0].latency_cycles:
            continue  # no schedule moves fewer bytes than these
        if not known:
            _count_compute(search)
            known = True
            if objective == LATENCY and search.compute[0].cycles > search.cost[0].latency_cycles:
                return  # and none computes faster
        _keep_if_better(search, objective, dram)


@kernel
def _dram_cycles(space: Any, nbytes: int) -> float:  # noqa: ANN401
    return float(nbytes / space.dram_bytes_per_cycle)


@kernel
def _count_traffic(search: Search, inputs: int, outputs: int) -> None:
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
    weights = work.G * work.K * work.C * work.R * work.S * work.weight_bits + work.parameter_bits
    stays = ks * cs * ceil_div(work.G, trial.G) == 1
    repeats = 1 if stays else work.sequence_steps
    traffic.weight_bits = weights * (ms if weight_again else 1) * repeats
    traffic.psum_spill_bits = 2 * (cs - 1) * outputs * work.psum_bits if spills else 0
    traffic.ofmap_bits = work.ofmap_elements * work.ofmap_bits
    traffic.residual_bits = outputs * work.residual_bits
    bits = traffic.ifmap_bits + traffic.weight_bits + traffic.psum_spill_bits + traffic.ofmap_bits + traffic.residual_bits
    traffic.total_bytes = ceil_div(bits, BITS_PER_BYTE)
    groups = ceil_div(work.G, trial.G) * work.sequence_steps
    traffic.ifmap_loads = 0 if work.ifmap_on_chip == 1 else groups * ms * cs * (ks if ifmap_again else 1)
    traffic.weight_loads = 1 if stays else groups * ks * cs * (ms if weight_again else 1)
    traffic.psum_drains = groups * ms * ks * (cs if spills else 1)


@kernel
def _count_compute(search: Search) -> None:
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
def _slot_bound(search: Search, operand: int, loads: int, bits: int) -> float:
    """Return the cycles that recycling an operand's slots takes: each tile is held, then refilled (or drained) a latency later."""
    space = search.space[0]
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    moved = _dram_cycles(space, bits // BITS_PER_BYTE) + loads * (space.dram_latency_cycles + 1.0)
    return float((moved + search.compute[0].cycles) / slots)


@kernel
def _predict_latency(search: Search, dram: float) -> float:
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
    head = _dram_cycles(space, (ifmap + weight) // BITS_PER_BYTE) + space.dram_latency_cycles + compute.first_setup
    last = trial.N * trial.P * trial.Q * trial.G * trial.K * work.ofmap_bits // BITS_PER_BYTE
    tail = _dram_cycles(space, last) + space.dram_latency_cycles + search.hardware[0].rows + search.hardware[0].columns
    transfers = traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains
    steady = max(float(compute.cycles), dram + 0.5 * transfers)  # a transfer ends on a whole cycle and word
    steady = max(steady, _slot_bound(search, IFMAP, traffic.ifmap_loads, traffic.ifmap_bits))
    steady = max(steady, _slot_bound(search, WEIGHT, traffic.weight_loads, traffic.weight_bits))
    steady = max(steady, _slot_bound(search, PSUM, traffic.psum_drains, traffic.ofmap_bits + traffic.psum_spill_bits))
    return float(steady + head + tail)


@kernel
def _predict_energy(search: Search) -> float:
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


@kernel
def _footprint(search: Search) -> int:
    ifmap, weight, psum, residual = largest_tiles(search.work[0], search.trial[0])
    return int(ifmap + weight + psum + residual)


@kernel
def _better(trial: tuple[float, float, float], best: tuple[float, float, float]) -> bool:
    """Order by score, then bytes, then footprint; equal candidates keep the first found."""
    for i in range(3):
        if trial[i] < best[i]:
            return True
        if trial[i] > best[i]:
            return False
    return False


@kernel
def _keep_if_better(search: Search, objective: int, dram: float) -> None:
    latency = _predict_latency(search, dram)
    energy = _predict_energy(search)
    cost = search.cost[0]
    best_score = cost.latency_cycles
    score = latency
    if objective == ENERGY:
        score, best_score = energy, cost.energy_pj
    elif objective == EDP:
        score, best_score = energy * latency, cost.energy_pj * cost.latency_cycles
    footprint = _footprint(search)
    if search.best[0].feasible == 1 and not _better(
        (score, float(search.traffic[0].total_bytes), float(footprint)),
        (best_score, float(cost.dram_bytes), float(cost.footprint_bits)),
    ):
        return
    cost.latency_cycles = latency
    cost.energy_pj = energy
    cost.dram_bytes = search.traffic[0].total_bytes
    cost.footprint_bits = footprint
    best, trial = search.best[0], search.trial[0]
    best.feasible = 1
    best.dataflow = search.hardware[0].dataflow
    best.order = trial.order
    best.N, best.P, best.Q = trial.N, trial.P, trial.Q
    best.G, best.K, best.C = trial.G, trial.K, trial.C
    best.chunks = 1


@kernel
def score_given(search: Search) -> bool:
    """Score the one mapping in ``trial``; say whether it fits."""
    search.cost[0].latency_cycles = np.inf
    search.cost[0].energy_pj = np.inf
    search.cost[0].shortfall_bits = 2**62
    search.best[0].feasible = 0
    search.best[0].candidates = 1
    if not _fits(search):
        return False
    work = search.work[0]
    inputs = 0 if work.ifmap_on_chip == 1 else _input_total(work, search.trial[0])
    _count_traffic(search, inputs, work.sequence_steps * work.N * work.P * work.Q * work.G * work.K)
    _count_compute(search)
    _keep_if_better(search, LATENCY, _dram_cycles(search.space[0], search.traffic[0].total_bytes))
    return True
