"""The drawing is right (it computes products) and each "earliest" in it is tight: one cycle earlier corrupts."""

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.records import IS, OS, WS
from tests.oracle.systolic_cases import Case, cases, hardware_record
from tests.oracle.systolic_oracle import HazardError, OracleResult, Tile, run_tiles

RULES = {
    "ws_none": {"dataflow": WS},
    "ws_wavefront": {"dataflow": WS, "weight_shadow": 1, "swap_wavefront": 1},
    "ws_global": {"dataflow": WS, "weight_shadow": 1},
    "is_none": {"dataflow": IS},
    "is_wavefront": {"dataflow": IS, "weight_shadow": 1, "swap_wavefront": 1},
    "is_global": {"dataflow": IS, "weight_shadow": 1},
    "os_blocking": {"dataflow": OS},
    "os_separate": {"dataflow": OS, "drain_separate": 1},
}
# Long streams wait for the stream or the drain, short ones for the load: both sides of every max().
PRODUCTS = {"long": (9, 7, 9), "short": (2, 7, 9), "deep": (9, 2, 9), "narrow": (9, 7, 2)}


def product(rows: int, inner: int, cols: int, seed: int = 0) -> Tile:
    values = np.random.default_rng(seed)
    return Tile(values.integers(1, 10**6, (1, rows, inner)), values.integers(1, 10**6, (1, inner, cols)))


def computes(result: OracleResult, tiles: list[Tile]) -> bool:
    return all(np.array_equal(got, tile.ifmap @ tile.weight) for got, tile in zip(result.ofmaps, tiles, strict=True))


@settings(max_examples=60)
@given(cases())
def test_drawn_dataflow_computes_the_product(case: Case) -> None:
    assert computes(run_tiles(case.hardware, case.tiles), case.tiles)


def corrupts(
    hardware: object,
    tiles: list[Tile],
    forced_starts: dict[int, int],
    forced_loads: dict[int, int] | None = None,
) -> bool:
    """Tell whether a schedule trips a hazard check and, with the checks off, spoils the numbers."""
    with pytest.raises(HazardError):
        run_tiles(hardware, tiles, forced_starts=forced_starts, forced_loads=forced_loads)
    try:
        unchecked = run_tiles(hardware, tiles, forced_starts=forced_starts, forced_loads=forced_loads, strict=False)
    except HazardError:
        return True  # two rows would have to enter one edge in one cycle: it cannot even be tried
    return not computes(unchecked, tiles)


@pytest.mark.parametrize("size", PRODUCTS)
@pytest.mark.parametrize("rule", RULES)
def test_no_fold_can_start_a_cycle_earlier(rule: str, size: str) -> None:
    hardware = hardware_record(4, 3, **RULES[rule])
    tiles = [product(*PRODUCTS[size], seed=seed) for seed in range(2)]
    natural = run_tiles(hardware, tiles)
    assert computes(natural, tiles)
    for fold in range(1, len(natural.fold_start_cycles)):
        assert corrupts(hardware, tiles, forced_starts={fold: natural.fold_start_cycles[fold] - 1}), fold


@pytest.mark.parametrize("size", PRODUCTS)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.endswith(("wavefront", "global"))])
def test_no_shadow_register_can_be_loaded_a_cycle_earlier(rule: str, size: str) -> None:
    hardware = hardware_record(4, 3, **RULES[rule])
    tiles = [product(*PRODUCTS[size], seed=seed) for seed in range(2)]
    natural = run_tiles(hardware, tiles)
    for fold in range(1, len(natural.fold_load_cycles)):
        early = {fold: natural.fold_load_cycles[fold] - 1}
        starts = {fold: natural.fold_start_cycles[fold]}
        assert corrupts(hardware, tiles, forced_loads=early, forced_starts=starts), fold


@pytest.mark.parametrize("dataflow", [WS, IS])
def test_load_without_shadow_waits_for_the_whole_array_though_its_registers_need_not(dataflow: int) -> None:
    """The controller waits for the last product of all PEs; the skewed load could follow the data r + c - 1 cycles
    earlier, each register being overwritten at the end of its last product's cycle."""
    hardware = hardware_record(4, 3, dataflow)
    tiles = [product(3, 4, 3, seed=seed) for seed in range(2)]  # one fold each: r = 4, c = 3, T = 3
    natural = run_tiles(hardware, tiles)
    start, load = natural.fold_start_cycles[0], natural.fold_load_cycles[1]
    assert load == start + 3 + 4 + 3 - 2
    earliest = load - (4 + 3 - 1)
    assert computes(run_tiles(hardware, tiles, forced_loads={1: earliest}, forced_starts={1: earliest + 4}), tiles)
    assert corrupts(hardware, tiles, forced_loads={1: earliest - 1}, forced_starts={1: earliest + 3})


def test_smallest_array_by_hand() -> None:
    """One PE, one fold of two rows: load in cycle 0, products in cycles 1 and 2."""
    tile = Tile(np.array([[[3], [4]]]), np.array([[[5]]]))
    result = run_tiles(hardware_record(1, 1, WS), [tile])
    outcome = result.tiles[0]
    assert outcome.ofmap.tolist() == [[[15], [20]]]
    assert (outcome.setup_begin_cycle, outcome.start_cycle) == (0, 1)
    assert (outcome.first_output_cycle, outcome.last_output_cycle, result.total_cycles) == (2, 3, 3)
    assert (outcome.left_reads, outcome.top_reads, outcome.psum_reads, outcome.psum_writes) == (2, 1, 0, 2)
    assert result.products == 2


def test_psum_words_by_fold() -> None:
    """Three reduction folds: every output is written three times and read back twice."""
    outcome = run_tiles(hardware_record(2, 2, WS), [product(4, 5, 3)]).tiles[0]
    assert (outcome.psum_writes, outcome.psum_reads) == (3 * 12, 2 * 12)
    assert (outcome.left_reads, outcome.top_reads) == (2 * 4 * 5, 15)


@pytest.mark.parametrize(("dataflow", "used_rows"), [(WS, 4), (OS, 3), (IS, 4)])
def test_skew_in_the_array_frees_the_buffer_earlier_and_changes_nothing_else(dataflow: int, used_rows: int) -> None:
    tiles = [product(3, 4, 3)]
    inside = run_tiles(hardware_record(4, 3, dataflow, skew_in_array=1), tiles)
    outside = run_tiles(hardware_record(4, 3, dataflow, skew_in_array=0), tiles)
    assert outside.tiles[0].left_free_cycle == inside.tiles[0].left_free_cycle + used_rows - 1
    assert outside.tiles[0].top_free_cycle == inside.tiles[0].top_free_cycle + 2
    assert outside.total_cycles == inside.total_cycles
    assert outside.fold_start_cycles == inside.fold_start_cycles
