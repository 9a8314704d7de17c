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
from simulator.dataflow.tiling import ceil_div, largest_window, loads_ifmap, moved_again, row_tiles, slots_of
from simulator.mapping.candidate_kernel import keep_compute, list_tiles, recall_compute, same_nest
from simulator.mapping.cost_kernel import (
    BITS_PER_BYTE,
    BOUND,
    COLUMNS,
    GROUPS,
    INPUTS,
    REDUCTIONS,
    ROW_N,
    ROW_P,
    ROW_Q,
    count_compute,
    count_least,
    count_tiles,
    count_traffic,
    dram_cycles,
    input_total,
    moved_cycles,
    size_tiles,
)
from simulator.mapping.estimate_kernel import ends_floor, ends_of, predict_energy, predict_latency, steady_floor
from simulator.records import IFMAP, RESIDUAL, Table

LATENCY, ENERGY, EDP = 0, 1, 2
KNOWN = -1
ROUNDED = 1.0 - 1e-9  # sums round: a bound must not pass what it bounds


@kernel(borrows=True)
def search_works(searches: Table, works: Table, mappings: Table, costs: Table, objective: int) -> None:
    """Search each of ``works``; fill its records of ``mappings`` and ``costs``, infeasible with the least shortfall.

    A feasible record in ``mappings`` is where the same nest was best at other widths: a bound to begin with, as is the
    answer of the work before. The answer is the one that a search without a bound gives (but for ``candidates``).
    """
    search = searches[0]
    for i in range(works.shape[0]):
        search.work = works[i]
        if mappings[i].feasible == 0 and i > 0 and same_nest(works[i], works[i - 1]):
            mappings[i] = mappings[i - 1]
        bounded = objective == LATENCY and mappings[i].feasible == 1
        for attempt in range(0 if bounded else 1, 2):
            _forget(search)
            for fine in range(2):
                list_tiles(search, fine)
                if attempt == 0 and fine == 0:
                    _try_bound(search, mappings[i])
                _search_pass(search, objective)
                if search.best.feasible == 1:
                    break
            if search.counts[BOUND] == 0:
                break  # else no candidate was as good as the bound: it is no candidate of this work
        mappings[i] = search.best
        costs[i] = search.cost


@kernel(borrows=True)
def _forget(search: Any) -> None:  # noqa: ANN401
    search.cost.latency_cycles = np.inf
    search.cost.energy_pj = np.inf
    search.cost.shortfall_bits = 2**62
    search.best.feasible = 0
    search.best.candidates = 0
    search.counts[BOUND] = 0


@kernel(borrows=True)
def _try_bound(search: Any, bound: Any) -> None:  # noqa: ANN401
    """Score the tiling of ``bound`` in all loop orders: what a candidate must equal, if it fits."""
    work, trial = search.work, search.trial
    trial.G, trial.K, trial.C = bound.G, bound.K, bound.C
    trial.N, trial.P, trial.Q = bound.N, bound.P, bound.Q
    count_tiles(search)
    search.traffic.inputs = input_total(work, trial) if loads_ifmap(work) else 0
    if _fits(search):
        count_compute(search)
        count_least(search)
        _score_orders(search, LATENCY, moved_cycles(search), KNOWN)
    search.counts[BOUND] = search.best.feasible


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
            traffic.inputs = sizes[INPUTS, m] if loads_ifmap(work) else 0
            count_least(search)
            least = moved_cycles(search)
            if objective == LATENCY and _rows_are_too_slow(search, least):
                continue
            window = largest_window(work, trial)
            reductions = 1 if trial.G > 1 else counts[REDUCTIONS]
            for k in range(1 if trial.G > 1 else counts[COLUMNS]):
                trial.K = sizes[COLUMNS, k]
                traffic.ks = ceil_div(work.K, trial.K)
                search.best.candidates += reductions
                if objective == LATENCY and _columns_are_too_slow(search, least):
                    continue
                place = ((g * counts[ROW_N] + m) * counts[COLUMNS] + k) * counts[REDUCTIONS]
                for c in range(reductions):
                    trial.C = sizes[REDUCTIONS, c]
                    traffic.cs = ceil_div(work.C, trial.C)
                    known = recall_compute(search, place + c)
                    if known and objective == LATENCY and _computes_too_slowly(search, ends_floor(search)):
                        continue
                    size_tiles(search, window)
                    if not (objective == LATENCY and _is_too_slow(search, least)) and _fits(search):
                        _score_orders(search, objective, least, KNOWN if known else place + c)


@kernel(borrows=True)
def _computes_too_slowly(search: Any, ends: float) -> bool:  # noqa: ANN401
    """Say whether the array alone takes longer over the trial than the best found; ``ends`` beside it, or less."""
    compute = search.compute
    return bool((compute.cycles + compute.first_setup + ends) * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _rows_are_too_slow(search: Any, least: tuple[float, float, float, float]) -> bool:  # noqa: ANN401
    """Say whether the trial's row tiles alone, their loads and drains, are slower than the best found."""
    if search.best.feasible == 0:
        return False
    work, traffic = search.work, search.traffic
    tiles = traffic.gs * work.sequence_steps * traffic.ms
    traffic.ifmap_loads = tiles if loads_ifmap(work) else 0
    traffic.weight_loads = 0
    traffic.psum_drains = tiles * work.ofmap_in_dram
    floor = steady_floor(search, least) + ends_floor(search)
    return bool(floor * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _columns_are_too_slow(search: Any, least: tuple[float, float, float, float]) -> bool:  # noqa: ANN401
    """Say whether the trial's row and column tiles are slower than the best found, whatever the loop order.

    Where both are several, one of them is the outer, and the other's operand is loaded again for each of it.
    """
    ms, ks = search.traffic.ms, search.traffic.ks
    floor = least[0] + min(least[1] * (ks - 1), least[2] * (ms - 1)) + ends_floor(search)
    return bool(floor * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _is_too_slow(search: Any, least: tuple[float, float, float, float]) -> bool:  # noqa: ANN401
    """Say whether no loop order of the trial can be as fast as the best: each tile is moved at least once."""
    if search.best.feasible == 0:
        return False
    work, traffic = search.work, search.traffic
    groups, ms, ks, cs = traffic.gs * work.sequence_steps, traffic.ms, traffic.ks, traffic.cs
    traffic.ifmap_loads = groups * ms * cs if loads_ifmap(work) else 0
    traffic.weight_loads = traffic.gs * ks * cs if work.weight_resident == 0 else 0
    traffic.psum_drains = groups * ms * ks * work.ofmap_in_dram
    head, tail = ends_of(search)
    floor = steady_floor(search, least) + (head + tail)
    return bool(floor * ROUNDED > search.cost.latency_cycles)


@kernel(borrows=True)
def _fits(search: Any) -> bool:  # noqa: ANN401
    """Say whether the trial's tiles fit; else remember the smallest shortfall seen."""
    work, space, traffic = search.work, search.space, search.traffic
    bits = (traffic.ifmap_tile_bits, traffic.weight_tile_bits, traffic.psum_tile_bits, traffic.residual_tile_bits)
    counts = (traffic.gs, traffic.ms, traffic.ks, traffic.cs)
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
def _score_orders(search: Any, objective: int, least: tuple[float, float, float, float], place: int) -> None:  # noqa: ANN401
    """Score the trial's six loop orders; ``least`` = :func:`moved_cycles` where nothing is moved again.

    The array's time is the same for all: in ``compute`` already where ``place`` is KNOWN, else counted if one may win.
    """
    work, trial, traffic = search.work, search.trial, search.traffic
    outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    head, tail = ends_of(search)
    ends = head + tail
    if place == KNOWN and objective == LATENCY and _computes_too_slowly(search, ends):
        return
    whole = trial.C == work.C  # nothing is reduced in parts: where the c loop stands makes no difference
    spilled = dram_cycles(search.space, 2 * (traffic.cs - 1) * outputs * work.psum_bits // BITS_PER_BYTE)
    again = (least[1] * (traffic.ks - 1), least[2] * (traffic.ms - 1), spilled)
    seen = 0  # an order that moves what an earlier one does is never better
    for order in range(6):
        if whole and order != 0 and order != 2:
            continue
        ifmap_again, weight_again, spills = moved_again(order, traffic.ms, traffic.ks, traffic.cs)
        kind = 1 << (4 * ifmap_again + 2 * weight_again + spills)
        if seen & kind:
            continue
        seen |= kind
        port = least[0] + ifmap_again * again[0] + weight_again * again[1] + spills * again[2]
        if objective == LATENCY and (port + ends) * ROUNDED > search.cost.latency_cycles:
            continue  # the port is no faster
        trial.order = order
        count_traffic(search, traffic.inputs, outputs)
        moved = moved_cycles(search)  # at least this
        if objective == LATENCY and (steady_floor(search, moved) + ends) * ROUNDED > search.cost.latency_cycles:
            continue  # no schedule moves these bytes in these transfers faster
        if place != KNOWN:
            keep_compute(search, place)
            place = KNOWN
            if objective == LATENCY and _computes_too_slowly(search, ends):
                return
        _keep_if_better(search, objective, moved[0])


@kernel(borrows=True)
def _footprint(search: Any) -> int:  # noqa: ANN401
    tiles = search.traffic
    return int(tiles.ifmap_tile_bits + tiles.weight_tile_bits + tiles.psum_tile_bits + tiles.residual_tile_bits)


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
