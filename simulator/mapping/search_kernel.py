"""Search over tile sizes and loop orders of one layer: exhaustive over its candidates, soundly pruned.

Candidates: row tiles are ceil-factors of the output columns, the rows, or the images (a finer unit only when the
coarser ones are cut to 1); column tiles are ceil-factors of K rounded up to whole array folds; reduction tiles are
ceil-factors of C that fill the array's rows; several groups only with whole K and C. Where none of these fits the
buffers, all ceil-factors are tried. A candidate is skipped only if it does not fit, or if a bound below its score is
no better than the best.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.tiling import ceil_div, largest_tiles, loads_ifmap, moved_again, row_tiles, slots_of
from simulator.mapping.cost_kernel import (
    BOUND,
    COLUMNS,
    GROUPS,
    REDUCTIONS,
    ROW_N,
    ROW_P,
    ROW_Q,
    USEFUL,
    count_compute,
    count_least,
    count_traffic,
    dram_cycles,
    ends_floor,
    ends_of,
    input_total,
    least_products,
    predict_energy,
    predict_latency,
    steady_floor,
)
from simulator.records import IFMAP, IS, OS, RESIDUAL, Table

LATENCY, ENERGY, EDP = 0, 1, 2
ONLY_BOUND = -1
ROUNDED = 1.0 - 1e-9  # sums round: a bound must not pass what it bounds


@kernel(borrows=True)
def ceil_factors(total: int, sizes: Any, row: int) -> int:  # noqa: ANN401
    """Fill ``sizes[row]`` with the distinct values of ceil(total / n), largest first; return how many.

    Where ``sizes`` cannot hold them all, those of its second half are 2 % apart, down to 1: none is too small to be
    among them.
    """
    count = 0
    n = 1
    half = sizes.shape[1] // 2
    thinned = total > half * half  # there are fewer than 2 sqrt(total)
    while count < sizes.shape[1]:
        size = ceil_div(total, n)
        sizes[row, count] = size
        count += 1
        if size == 1:
            break
        n = ceil_div(total, size - 1)
        if thinned and count > half:
            n = min(total, n + n // 50)
    return count


@kernel(borrows=True)
def search_works(searches: Table, works: Table, mappings: Table, costs: Table, objective: int) -> None:
    """Search each of ``works``; fill its records of ``mappings`` and ``costs``, infeasible with the least shortfall.

    A feasible record in ``mappings`` is where the same nest was best at other widths: a bound to begin with, as is the
    answer of the work before. The answer is the one that a search without a bound gives (but for ``candidates``).
    """
    search = searches[0]
    for i in range(works.shape[0]):
        search.work = works[i]
        if mappings[i].feasible == 0 and i > 0 and _same_nest(works[i], works[i - 1]):
            mappings[i] = mappings[i - 1]
        bounded = objective == LATENCY and mappings[i].feasible == 1
        for attempt in range(0 if bounded else 1, 2):
            _forget(search)
            for step in range(ONLY_BOUND if attempt == 0 else 0, 2):
                _list_tiles(search, step, mappings[i])
                _search_pass(search, objective)
                if step == ONLY_BOUND:
                    search.counts[BOUND] = search.best.feasible
                    search.best.candidates = 0
                elif search.best.feasible == 1:
                    break
            if search.counts[BOUND] == 0:
                break  # else no candidate was as good as the bound: it is no candidate of this work
        mappings[i] = search.best
        costs[i] = search.cost


@kernel(borrows=True)
def _same_nest(work: Any, other: Any) -> bool:  # noqa: ANN401
    """Say whether two works cut into the same tiles: the extents of their loops."""
    rows = work.N == other.N and work.P == other.P and work.Q == other.Q and work.G == other.G
    return bool(rows and work.K == other.K and work.C == other.C)


@kernel(borrows=True)
def _forget(search: Any) -> None:  # noqa: ANN401
    search.cost.latency_cycles = np.inf
    search.cost.energy_pj = np.inf
    search.cost.shortfall_bits = 2**62
    search.best.feasible = 0
    search.best.candidates = 0
    search.counts[BOUND] = 0
    search.counts[USEFUL] = least_products(search)


@kernel(borrows=True)
def _list_tiles(search: Any, step: int, bound: Any) -> None:  # noqa: ANN401
    """List the extents to try: coarse tiles (step 0), all (1), or those of ``bound``."""
    sizes, counts = search.sizes, search.counts
    if step == ONLY_BOUND:
        for row in range(6):
            counts[row] = 1
        sizes[GROUPS, 0], sizes[COLUMNS, 0], sizes[REDUCTIONS, 0] = bound.G, bound.K, bound.C
        sizes[ROW_N, 0], sizes[ROW_P, 0], sizes[ROW_Q, 0] = bound.N, bound.P, bound.Q
        return
    counts[GROUPS] = ceil_factors(search.work.G, sizes, GROUPS)
    _list_rows(search)
    _list_columns(search, step)
    _list_reductions(search, step)


@kernel(borrows=True)
def _list_rows(search: Any) -> None:  # noqa: ANN401
    """List the row tiles: whole images first, then rows of one image, then columns of one row."""
    work, sizes = search.work, search.sizes
    count = ceil_factors(work.N, sizes, ROW_N)
    for i in range(count):
        sizes[ROW_P, i], sizes[ROW_Q, i] = work.P, work.Q
    for i in range(1, ceil_factors(work.P, sizes, COLUMNS)):  # the first is the whole
        sizes[ROW_N, count], sizes[ROW_P, count], sizes[ROW_Q, count] = 1, sizes[COLUMNS, i], work.Q
        count += 1
    for i in range(1, ceil_factors(work.Q, sizes, COLUMNS)):
        sizes[ROW_N, count], sizes[ROW_P, count], sizes[ROW_Q, count] = 1, 1, sizes[COLUMNS, i]
        count += 1
    search.counts[ROW_N] = count


@kernel(borrows=True)
def _list_columns(search: Any, fine: int) -> None:  # noqa: ANN401
    """List the column tiles, the whole first: rounded up to whole array folds unless ``fine``."""
    work, sizes = search.work, search.sizes
    fold = 1 if search.hardware.dataflow == IS else search.hardware.columns * work.pack
    found, previous = 0, 0
    for i in range(ceil_factors(work.K, sizes, COLUMNS)):
        size = sizes[COLUMNS, i]
        if fine == 0 and size >= fold:
            size = min(work.K, ceil_div(size, fold) * fold)
        if size == previous or (fine == 0 and size < fold and i > 0):
            continue
        previous = size
        sizes[COLUMNS, found] = size
        found += 1
    search.counts[COLUMNS] = found


@kernel(borrows=True)
def _list_reductions(search: Any, fine: int) -> None:  # noqa: ANN401
    """List the reduction tiles, the whole first: unless ``fine``, only those that fill the array's rows."""
    work, sizes = search.work, search.sizes
    fold = 1 if search.hardware.dataflow == OS else search.hardware.rows * max(1, work.inner_pack)
    count = ceil_factors(work.C, sizes, REDUCTIONS)
    if fine == 0:
        while count > 1 and sizes[REDUCTIONS, count - 1] * work.R * work.S < fold:
            count -= 1
    search.counts[REDUCTIONS] = count


@kernel(borrows=True)
def _search_pass(search: Any, objective: int) -> None:  # noqa: ANN401
    """Try every tiling listed. One function: Numba compiles all that is below anew at each level of calls."""
    work, trial, traffic, sizes, counts = search.work, search.trial, search.traffic, search.sizes, search.counts
    for g in range(counts[GROUPS]):
        trial.G = sizes[GROUPS, g]
        traffic.gs = ceil_div(work.G, trial.G)
        for m in range(counts[ROW_N]):
            trial.N, trial.P, trial.Q = sizes[ROW_N, m], sizes[ROW_P, m], sizes[ROW_Q, m]
            traffic.ms = row_tiles(work, trial)
            if _rows_are_too_slow(search, objective):
                continue
            for k in range(1 if trial.G > 1 else counts[COLUMNS]):
                trial.K = sizes[COLUMNS, k]
                traffic.ks = ceil_div(work.K, trial.K)
                for c in range(1 if trial.G > 1 else counts[REDUCTIONS]):
                    trial.C = sizes[REDUCTIONS, c]
                    traffic.cs = ceil_div(work.C, trial.C)
                    search.best.candidates += 1
                    if not (objective == LATENCY and _is_too_slow(search)) and _fits(search):
                        _score_orders(search, objective)


@kernel(borrows=True)
def _rows_are_too_slow(search: Any, objective: int) -> bool:  # noqa: ANN401
    """Say whether the trial's row tiles alone, their loads and drains, are slower than the best found."""
    work, trial, traffic = search.work, search.trial, search.traffic
    traffic.inputs = input_total(work, trial) if loads_ifmap(work) else 0
    if objective != LATENCY or search.best.feasible == 0:
        return False
    count_least(search)
    tiles = traffic.gs * work.sequence_steps * traffic.ms
    traffic.ifmap_loads = tiles if loads_ifmap(work) else 0
    traffic.weight_loads = 0
    traffic.psum_drains = tiles * work.ofmap_in_dram
    floor = steady_floor(search, dram_cycles(search.space, traffic.total_bytes)) + ends_floor(search)
    return bool(floor * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _is_too_slow(search: Any) -> bool:  # noqa: ANN401
    """Say whether no loop order of the trial can be as fast as the best: each tile is moved at least once."""
    if search.best.feasible == 0:
        return False
    work, traffic = search.work, search.traffic
    count_least(search)
    groups, ms, ks, cs = traffic.gs * work.sequence_steps, traffic.ms, traffic.ks, traffic.cs
    traffic.ifmap_loads = groups * ms * cs if loads_ifmap(work) else 0
    traffic.weight_loads = traffic.gs * ks * cs if work.weight_resident == 0 else 0
    traffic.psum_drains = groups * ms * ks * work.ofmap_in_dram
    head, tail = ends_of(search)
    floor = steady_floor(search, dram_cycles(search.space, traffic.total_bytes)) + (head + tail)
    return bool(floor * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _fits(search: Any) -> bool:  # noqa: ANN401
    """Say whether the trial's tiles fit; else remember the smallest shortfall seen."""
    work = search.work
    trial = search.trial
    space = search.space
    bits = largest_tiles(work, trial)
    counts = (search.traffic.gs, search.traffic.ms, search.traffic.ks, search.traffic.cs)
    short, where = 0, 0
    for buffer in range(3):
        over = -space.capacity_bits[buffer]
        for operand in range(4):
            if space.home[IFMAP if operand == RESIDUAL else operand] == buffer:
                over += slots_of(counts, work.sequence_steps, space.slots[buffer], operand) * bits[operand]
        if over > short:
            short, where = over, buffer
    if short > 0 and short < search.cost.shortfall_bits:
        search.cost.shortfall_bits = short
        search.cost.shortfall_buffer = where
    return short == 0


@kernel(borrows=True)
def _score_orders(search: Any, objective: int) -> None:  # noqa: ANN401
    """Score the trial's six loop orders; compute time is the same for all and evaluated only if one may win."""
    work = search.work
    trial, traffic = search.trial, search.traffic
    inputs = traffic.inputs
    outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    known = False
    head, tail = ends_of(search)
    ends = head + tail
    whole = trial.C == work.C  # nothing is reduced in parts: where the c loop stands makes no difference
    seen = 0  # an order that moves what an earlier one does is never better
    for order in range(6):
        if whole and order != 0 and order != 2:
            continue
        ifmap_again, weight_again, spills = moved_again(order, traffic.ms, traffic.ks, traffic.cs)
        kind = 1 << (4 * ifmap_again + 2 * weight_again + spills)
        if seen & kind:
            continue
        seen |= kind
        trial.order = order
        count_traffic(search, inputs, outputs)
        dram = dram_cycles(search.space, search.traffic.total_bytes)  # at least this
        if objective == LATENCY and (steady_floor(search, dram) + ends) * ROUNDED > search.cost.latency_cycles:
            continue  # no schedule moves these bytes in these transfers faster
        if not known:
            count_compute(search)
            known = True
            slowest = (search.compute.cycles + search.compute.first_setup + ends) * ROUNDED
            if objective == LATENCY and slowest > search.cost.latency_cycles:
                return  # and none computes faster
        _keep_if_better(search, objective, dram)


@kernel(borrows=True)
def _footprint(search: Any) -> int:  # noqa: ANN401
    ifmap, weight, psum, residual = largest_tiles(search.work, search.trial)
    return int(ifmap + weight + psum + residual)


@kernel(borrows=True)
def _better(trial: tuple[float, float, float], best: tuple[float, float, float]) -> bool:
    """Order by score, then bytes, then footprint; equal candidates keep the first found."""
    for i in range(3):
        if trial[i] < best[i]:
            return True
        if trial[i] > best[i]:
            return False
    return False


@kernel(borrows=True)
def _keep_if_better(search: Any, objective: int, dram: float) -> None:  # noqa: ANN401
    latency = predict_latency(search, dram)
    cost = search.cost
    best_score = cost.latency_cycles
    score = latency
    if objective == LATENCY and latency > best_score:
        return
    energy = predict_energy(search)
    if objective == ENERGY:
        score, best_score = energy, cost.energy_pj
    elif objective == EDP:
        score, best_score = energy * latency, cost.energy_pj * cost.latency_cycles
    footprint = _footprint(search)
    if search.best.feasible == 1:
        mine = (score, float(search.traffic.total_bytes), float(footprint))
        its = (best_score, float(cost.dram_bytes), float(cost.footprint_bits))
        if search.counts[BOUND] == 1 and _better(its, mine):
            return
        if search.counts[BOUND] == 0 and not _better(mine, its):
            return
    search.counts[BOUND] = 0
    cost.latency_cycles = latency
    cost.energy_pj = energy
    cost.dram_bytes = search.traffic.total_bytes
    cost.footprint_bits = footprint
    best, trial = search.best, search.trial
    best.feasible = 1
    best.dataflow = search.hardware.dataflow
    best.order = trial.order
    best.N, best.P, best.Q = trial.N, trial.P, trial.Q
    best.G, best.K, best.C = trial.G, trial.K, trial.C
    best.chunks = 1


@kernel(borrows=True)
def count_tiles(search: Any) -> None:  # noqa: ANN401
    """Count the tiles of the trial. Once: to divide is slow, and each loop order asks."""
    work, trial, traffic = search.work, search.trial, search.traffic
    traffic.gs, traffic.ms = ceil_div(work.G, trial.G), row_tiles(work, trial)
    traffic.ks, traffic.cs = ceil_div(work.K, trial.K), ceil_div(work.C, trial.C)


@kernel(borrows=True)
def score_given(search: Any) -> bool:  # noqa: ANN401
    """Score the one mapping in ``trial``; say whether it fits."""
    _forget(search)
    search.best.candidates = 1
    count_tiles(search)
    if not _fits(search):
        return False
    work = search.work
    inputs = input_total(work, search.trial) if loads_ifmap(work) else 0
    count_traffic(search, inputs, work.sequence_steps * work.N * work.P * work.Q * work.G * work.K)
    count_compute(search)
    _keep_if_better(search, LATENCY, dram_cycles(search.space, search.traffic.total_bytes))
    return True
