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
from simulator.dataflow.tiling import ceil_div, largest_tiles, loads_ifmap, row_tiles, slots_used
from simulator.mapping.cost_kernel import (
    Search,
    count_compute,
    count_traffic,
    dram_cycles,
    input_total,
    latency_floor,
    predict_energy,
    predict_latency,
)
from simulator.records import IFMAP, IS, OS, RESIDUAL

LATENCY, ENERGY, EDP = 0, 1, 2
MAX_CANDIDATES = 4096


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
    """Fill ``best`` and ``cost``; say whether anything fits. If not, ``cost`` holds the smallest shortfall."""
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
        _search_row_tile(search, objective, fine)
    trial.N = 1
    for i in range(ceil_factors(work.P, sizes)):
        trial.P = sizes[i]
        if trial.P < work.P:
            _search_row_tile(search, objective, fine)
    trial.P = 1
    for i in range(ceil_factors(work.Q, sizes)):
        trial.Q = sizes[i]
        if trial.Q < work.Q:
            _search_row_tile(search, objective, fine)


@kernel
def _search_row_tile(search: Search, objective: int, fine: int) -> None:
    """Search the column and reduction tiles of one row tile, unless it alone is too slow: all its loads and drains."""
    work, trial, traffic = search.work[0], search.trial[0], search.traffic[0]
    traffic.inputs = input_total(work, trial) if loads_ifmap(work) else 0
    if objective == LATENCY and search.best[0].feasible == 1:
        tiles = ceil_div(work.G, trial.G) * work.sequence_steps * row_tiles(work, trial)
        outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
        bits = traffic.inputs * work.ifmap_bits + work.parameter_bits
        bits += work.ofmap_elements * work.ofmap_bits * work.ofmap_in_dram
        if work.weight_resident == 0:
            bits += work.G * work.K * work.C * work.R * work.S * work.weight_bits
        if work.residual_resident == 0:
            bits += outputs * work.residual_bits
        traffic.ifmap_loads = tiles if loads_ifmap(work) else 0
        traffic.weight_loads = 0
        traffic.psum_drains = tiles * work.ofmap_in_dram
        if latency_floor(search, dram_cycles(search.space[0], ceil_div(bits, 8))) > search.cost[0].latency_cycles:
            return
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
    fold = 1 if search.hardware[0].dataflow == OS else search.hardware[0].rows * max(1, work.inner_pack)
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
    needed = np.zeros(3, np.int64)
    for operand in range(4):
        home = space.home[IFMAP if operand == RESIDUAL else operand]
        needed[home] += slots_used(work, trial, space.slots[home], operand) * bits[operand]
    short, where = 0, 0
    for buffer in range(3):
        if needed[buffer] - space.capacity_bits[buffer] > short:
            short, where = needed[buffer] - space.capacity_bits[buffer], buffer
    if short > 0 and short < search.cost[0].shortfall_bits:
        search.cost[0].shortfall_bits = short
        search.cost[0].shortfall_buffer = where
    return short == 0


@kernel
def _score_orders(search: Search, objective: int) -> None:
    """Score the trial's six loop orders; compute time is the same for all and evaluated only if one may win."""
    work = search.work[0]
    trial = search.trial[0]
    inputs = search.traffic[0].inputs
    outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    known = False
    whole = trial.C == work.C  # nothing is reduced in parts: where the c loop stands makes no difference
    for order in range(6):
        if whole and order != 0 and order != 2:
            continue
        trial.order = order
        count_traffic(search, inputs, outputs)
        dram = dram_cycles(search.space[0], search.traffic[0].total_bytes)  # at least this
        if objective == LATENCY and latency_floor(search, dram) > search.cost[0].latency_cycles:
            continue  # no schedule moves these bytes in these transfers faster
        if not known:
            count_compute(search)
            known = True
            if objective == LATENCY and search.compute[0].cycles > search.cost[0].latency_cycles:
                return  # and none computes faster
        _keep_if_better(search, objective, dram)


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
    latency = predict_latency(search, dram)
    energy = predict_energy(search)
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
    inputs = input_total(work, search.trial[0]) if loads_ifmap(work) else 0
    count_traffic(search, inputs, work.sequence_steps * work.N * work.P * work.Q * work.G * work.K)
    count_compute(search)
    _keep_if_better(search, LATENCY, dram_cycles(search.space[0], search.traffic[0].total_bytes))
    return True
