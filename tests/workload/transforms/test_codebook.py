"""Codebooks: every code is the nearest entry, means are means, zeros stay zeros."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.transforms.codebook import quantize_to_codebook


@given(st.lists(st.integers(-64, 64).map(lambda n: n / 16), min_size=1, max_size=60), st.integers(2, 16))
def test_codes_are_the_nearest_entries_and_entries_their_means(weights, entries):
    array = np.array(weights)
    book = quantize_to_codebook(array, entries)
    assert book.values.size <= entries
    assert ((book.codes == 0) == (array == 0)).all()
    assert book.values[0] == 0
    for code in range(1, book.values.size):
        members = array[book.codes == code]
        assert members.size
        assert book.values[code] == pytest.approx(members.mean(), rel=1e-6, abs=1e-9)
    distance = abs(array[array != 0][:, None] - book.values[None, 1:])
    chosen = book.codes[array != 0].astype(int) - 1
    assert (distance[np.arange(chosen.size), chosen] <= distance.min(axis=1, initial=np.inf) + 1e-9).all()


def test_more_entries_never_err_more():
    weights = np.random.default_rng(0).normal(size=2000)
    errors = [np.square(weights - quantize_to_codebook(weights, entries).decode()).mean() for entries in (4, 16, 64)]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.02  # 4 bits on a normal: 16 levels
    assert quantize_to_codebook(weights).index_bits == 4


def test_few_values_are_kept_exactly():
    weights = np.array([[0.0, 0.5, -0.25], [0.5, 0.0, 0.0]])
    assert (quantize_to_codebook(weights).decode() == weights).all()
    assert quantize_to_codebook(np.zeros(3)).values.tolist() == [0.0]


@pytest.mark.parametrize(("weights", "entries"), [([1.0], 1), ([1.0], 257), ([np.nan], 16), (["a"], 16)])
def test_nonsense_is_refused(weights, entries):
    with pytest.raises(WorkloadError, match="codebook"):
        quantize_to_codebook(weights, entries)
