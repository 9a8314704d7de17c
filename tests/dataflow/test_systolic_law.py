"""The law of systolic arrays equals, to the cycle and to the word, the oracle that steps every register."""

from collections.abc import Callable
from dataclasses import dataclass
from subprocess import CompletedProcess

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.dataflow.systolic_law import fold_interval, tile_timing
from simulator.records import GEMM_TILE, IS, OS, TILE_TIMING, WS, table
from tests.oracle.systolic_campaign import differences
from tests.oracle.systolic_cases import Case, cases, hardware_record, random_case
from tests.oracle.systolic_folds import Ints
from tests.oracle.systolic_oracle import Tile, run_tiles

ARRAYS = {
    "ws_none": {"dataflow": WS},
    "ws_wavefront": {"dataflow": WS, "weight_shadow": 1, "swap_wavefront": 1, "skew_in_array": 1},
    "ws_global": {"dataflow": WS, "weight_shadow": 1},
    "is_none": {"dataflow": IS},
    "is_wavefront": {"dataflow": IS, "weight_shadow": 1, "swap_wavefront": 1},
    "is_global": {"dataflow": IS, "weight_shadow": 1, "skew_in_array": 1},
    "os_blocking": {"dataflow": OS, "skew_in_array": 1},
    "os_separate": {"dataflow": OS, "drain_separate": 1},
}


@settings(max_examples=80)
@given(cases())
def test_law_equals_the_oracle(case: Case) -> None:
    assert differences(case) == []


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_law_equals_the_oracle_on_random_cases(count: int) -> None:
    for number in range(count):
        case = random_case(np.random.default_rng([2, number]))
        assert differences(case) == [], case


@pytest.mark.parametrize("disabled", ["0", "1"], ids=["compiled", "interpreted"])
def test_law_equals_the_oracle_compiled_and_interpreted(
    run_python: Callable[..., CompletedProcess[str]], disabled: str
) -> None:
    arguments = ("-m", "tests.oracle.systolic_campaign", "--cases", "25", "--seed", "3")
    done = run_python(*arguments, NUMBA_DISABLE_JIT=disabled)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "25 cases, 0 mismatches" in done.stdout


# Corners a random draw meets rarely.


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 7), (1, 1, 9), (2, 9, 1), (3, 4, 5), (40, 1, 1)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (4, 5)])
def test_narrow_arrays_and_ragged_edges(array: str, size: tuple[int, int, int], shape: tuple[int, int]) -> None:
    rows, inner, cols = size
    values = np.random.default_rng(0)
    tile = Tile(values.integers(-9, 9, (1, rows, inner)), values.integers(-9, 9, (1, inner, cols)))
    assert differences(Case(hardware_record(*shape, **ARRAYS[array]), [tile, tile])) == []


@pytest.mark.parametrize("wavefront", [0, 1])
def test_last_output_may_come_from_an_earlier_wider_fold(wavefront: int) -> None:
    """Four columns on three: the one-column fold that starts a cycle later is done a cycle earlier."""
    hardware = hardware_record(1, 3, WS, weight_shadow=1, swap_wavefront=wavefront)
    tile = Tile(np.ones((1, 1, 1), dtype=np.int64), np.ones((1, 1, 4), dtype=np.int64))
    outcome = run_tiles(hardware, [tile]).tiles[0]
    last_fold = outcome.last_start_cycle + 1 + 1 + 1 - 2
    assert (outcome.last_output_cycle > last_fold) == bool(wavefront)
    assert differences(Case(hardware, [tile])) == []


def test_drain_of_a_tile_hides_behind_a_longer_next_one() -> None:
    """OS with a chain of its own: only the copies collide, and a longer reduction copies later."""
    hardware = hardware_record(6, 2, OS, drain_separate=1)
    short = Tile(np.ones((1, 6, 2), dtype=np.int64), np.ones((1, 2, 2), dtype=np.int64))
    longer = Tile(np.ones((1, 6, 5), dtype=np.int64), np.ones((1, 5, 2), dtype=np.int64))
    starts = [run_tiles(hardware, pair).fold_start_cycles[1] for pair in ([short, short], [short, longer])]
    assert starts == [6, 3]  # T + r - T' = 2 + 6 - T', and never before T
    assert differences(Case(hardware, [short, longer, short])) == []


# The table of intervals, by hand: T = 10, r = 6, c = 4.


@pytest.mark.parametrize(
    ("array", "following", "expected"),
    [
        ("ws_none", 6, (24, 6, 8)),
        ("ws_none", 2, (20, 2, 8)),
        ("ws_wavefront", 6, (10, 0, 0)),
        ("ws_wavefront", 13, (13, 3, 0)),
        ("ws_global", 6, (18, 0, 8)),
        ("ws_global", 20, (20, 2, 8)),
        ("os_blocking", 10, (16, 0, 6)),
        ("os_separate", 10, (10, 0, 0)),
        ("os_separate", 2, (14, 0, 4)),
    ],
)
def test_fold_interval_by_hand(array: str, following: int, expected: tuple[int, int, int]) -> None:
    assert fold_interval(hardware_record(20, 4, **ARRAYS[array]), 10, (6, 4), following) == expected


@pytest.mark.parametrize("array", ARRAYS)
def test_issue_is_useful_fill_and_drain_whatever_the_size(array: str) -> None:
    tile, timing = table(GEMM_TILE, 1), table(TILE_TIMING, 1)
    for name, value in (("rows", 100_000), ("inner", 4_609), ("cols", 1_001), ("groups", 3), ("group_packing", 1)):
        tile[0][name] = value
    tile[0].pack, tile[0].passes = 2, 2
    tile_timing(hardware_record(128, 128, **ARRAYS[array]), tile[0], timing[0])
    spent = timing[0].useful_cycles + timing[0].fill_cycles + timing[0].drain_cycles
    assert timing[0].issue_cycles == spent
    assert timing[0].issue_cycles * 128 * 128 * 2 // 2 >= timing[0].issued_macs


# Convolutions: im2col by hand, against a convolution computed directly.


@dataclass(frozen=True)
class Convolution:
    channels: int
    height: int
    width: int
    filters: int
    kernel: tuple[int, int]
    groups: int = 1
    stride: int = 1
    dilation: int = 1
    group_packing: int = 1

    @property
    def outputs(self) -> tuple[int, int]:
        reach = [(size - 1) * self.dilation + 1 for size in self.kernel]
        return (self.height - reach[0]) // self.stride + 1, (self.width - reach[1]) // self.stride + 1


CONVOLUTIONS = {
    "dense": Convolution(3, 7, 6, 5, (3, 3)),
    "pointwise": Convolution(5, 4, 4, 9, (1, 1)),
    "depthwise": Convolution(4, 6, 6, 4, (3, 3), groups=4),
    "depthwise_on_the_diagonal": Convolution(5, 6, 5, 5, (2, 2), groups=5, group_packing=2),
    "grouped": Convolution(6, 5, 5, 4, (3, 2), groups=2),
    "dilated": Convolution(2, 9, 9, 3, (3, 3), dilation=2),
    "strided": Convolution(3, 9, 8, 4, (3, 3), stride=2),
    "strided_and_dilated": Convolution(2, 11, 11, 3, (2, 3), stride=3, dilation=2),
    "ragged": Convolution(3, 6, 5, 11, (3, 3)),
    "tiny": Convolution(1, 1, 1, 1, (1, 1)),
}


def windows(convolution: Convolution, ifmap: Ints, p: int, q: int) -> Ints:
    """Return the inputs [channels, kernel rows, kernel columns] of an output pixel."""
    top, left, step = p * convolution.stride, q * convolution.stride, convolution.dilation
    rows, columns = convolution.kernel
    return ifmap[:, top : top + rows * step : step, left : left + columns * step : step]


def as_tile(convolution: Convolution, ifmap: Ints, weight: Ints) -> Tile:
    """Lay a convolution out as a product per group: pixels by inputs, inputs by filters."""
    height, width = convolution.outputs
    pixels = [windows(convolution, ifmap, p, q) for p in range(height) for q in range(width)]
    matrix = np.stack(pixels).reshape(height * width, convolution.groups, -1).transpose(1, 0, 2)
    filters = weight.reshape(convolution.groups, convolution.filters // convolution.groups, -1).transpose(0, 2, 1)
    return Tile(matrix, filters, convolution.group_packing)


def convolve(convolution: Convolution, ifmap: Ints, weight: Ints) -> Ints:
    """Convolve directly: ofmap [filters, pixels], without im2col."""
    height, width = convolution.outputs
    per_group = convolution.filters // convolution.groups
    inputs = convolution.channels // convolution.groups
    ofmap = np.zeros((convolution.filters, height, width), dtype=np.int64)
    for k in range(convolution.filters):
        for c in range(inputs):
            plane = ifmap[k // per_group * inputs + c]
            for r in range(convolution.kernel[0]):
                for s in range(convolution.kernel[1]):
                    shifted = plane[r * convolution.dilation :, s * convolution.dilation :]
                    strided = shifted[:: convolution.stride, :: convolution.stride][:height, :width]
                    ofmap[k] += weight[k, c, r, s] * strided
    return ofmap.reshape(convolution.filters, -1)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str, array: str) -> None:
    convolution = CONVOLUTIONS[name]
    values = np.random.default_rng(0)
    ifmap = values.integers(-128, 128, (convolution.channels, convolution.height, convolution.width))
    filters = (convolution.filters, convolution.channels // convolution.groups, *convolution.kernel)
    weight = values.integers(-128, 128, filters)
    hardware = hardware_record(8, 5, **ARRAYS[array])
    tile = as_tile(convolution, ifmap, weight)
    if hardware.dataflow != WS:
        tile = Tile(tile.ifmap, tile.weight)
    (ofmap,) = run_tiles(hardware, [tile]).ofmaps
    computed = ofmap.transpose(0, 2, 1).reshape(convolution.filters, -1)
    assert np.array_equal(computed, convolve(convolution, ifmap, weight))
    assert differences(Case(hardware, [tile])) == []
