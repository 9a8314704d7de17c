"""Patterns by score: the same rules for random draws and magnitudes, checked against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.workload.selection import block_counts, kept_of, lowest, select
from simulator.workload.sparsity import Balanced, Blocks, NOfM, Structured, UniformDensity

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def scores_of(shape, seed):
    return np.random.default_rng(seed).integers(0, 6, shape)  # many ties


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 31))
def test_the_lowest_stay_and_ties_go_to_the_first(scores, kept):
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))
    assert np.flatnonzero(lowest(np.array(scores), kept)).tolist() == sorted(order[:kept])


@given(SHAPES, st.integers(1, 5), st.integers(1, 5), st.integers(0, 1), st.integers(0, 99))
def test_n_of_m_is_the_lowest_of_each_group(shape, n, m, axis, seed):
    n, scores = min(n, m), scores_of(shape, seed)
    mask = select(scores, NOfM(kind="n_of_m", n=n, m=m, axis=axis))
    for line, marks in zip(np.moveaxis(scores, axis, -1), np.moveaxis(mask, axis, -1), strict=True):
        for first in range(0, len(line), m):
            order = sorted(range(len(line[first : first + m])), key=lambda i: (line[first + i], i))
            assert np.flatnonzero(marks[first : first + m]).tolist() == sorted(order[:n])


@given(SHAPES, st.integers(1, 4), st.integers(1, 4), st.floats(0, 1), st.integers(0, 99))
def test_blocks_are_ranked_by_their_sum(shape, height, width, density, seed):
    scores = scores_of(shape, seed)
    mask = select(scores, Blocks(kind="blocks", shape=(height, width), density=density))
    sums = {}
    for i in range(0, shape[0], height):
        for j in range(0, shape[1], width):
            tile = mask[i : i + height, j : j + width]
            assert tile.all() == tile.any()
            sums[i, j] = (int(scores[i : i + height, j : j + width].sum()), bool(tile.all()))
    assert len(sums) == np.prod(block_counts(shape, (height, width)))
    kept = [total for total, stays in sums.values() if stays]
    assert len(kept) == kept_of(density, len(sums))
    assert max(kept, default=0) <= min((total for total, stays in sums.values() if not stays), default=10**9)


def test_channels_are_ranked_by_their_sum():
    scores = np.array([[5, 5], [1, 0], [2, 2], [9, 9]])
    assert select(scores, Structured(kind="structured", axis=0, density=0.5))[:, 0].tolist() == [
        False,
        True,
        True,
        False,
    ]
    pairs = select(scores, Structured(kind="structured", axis=0, block=2, density=0.5))
    assert pairs[:, 0].tolist() == [True, True, False, False]


@given(SHAPES, st.integers(1, 12), st.floats(0, 1), st.integers(0, 99))
def test_balanced_keeps_the_same_share_on_each_pe(shape, pes, density, seed):
    scores = scores_of(shape, seed)
    mask = select(scores, Balanced(kind="balanced", density=density, pes=pes, axis=0))
    for pe in range(min(pes, shape[0])):
        own, marks = scores[pe::pes], mask[pe::pes]
        assert marks.sum() == kept_of(density, own.size)
        assert max(own[marks], default=0) <= min(own[~marks], default=9)


def test_uniform_keeps_an_exact_number():
    assert select(np.arange(10), UniformDensity(kind="uniform", density=0.25)).sum() == 3
    assert kept_of(0.25, 10) == pytest.approx(3)
