from itertools import product

import numpy as np
import pytest

from simulator.dataflow.eie_matrix import store_matrix
from simulator.validation.uniform_columns import _places, column_distribution, expected_entries, sample_columns
from tests.oracle.formats_oracle import relative_columns


@pytest.mark.parametrize(
    ("rows", "density", "span"), [(1, 0.3, 2), (7, 0.3, 2), (9, 0.1, 4), (6, 0.9, 16), (8, 0.0, 2)]
)
def test_distribution_is_that_of_every_column_there_is(rows, density, span):
    expected = np.zeros((rows + 1, rows // span + 1))
    mean = 0.0
    for column in product((0, 1), repeat=rows):
        chance = np.prod([density if bit else 1 - density for bit in column])
        entries = relative_columns([[bit] for bit in column], 1, span.bit_length() - 1)[0][0]
        expected[sum(column), len(entries) - sum(column)] += chance
        mean += chance * len(entries)
    assert column_distribution(rows, density, span) == pytest.approx(expected)
    assert expected_entries(rows, density, span) == pytest.approx(mean)


def test_drawn_counts_are_like_those_of_a_drawn_matrix():
    generator = np.random.default_rng(1)
    drawn = sample_columns(generator, 1000, 3000, 0.05, 32)
    made = store_matrix(generator.random((1000, 3000)) < 0.05, 32)
    for name in ("entries", "padding"):
        one, other = getattr(drawn, name), getattr(made, name)
        assert one.mean() == pytest.approx(other.mean(), rel=0.02)
        assert one.std() == pytest.approx(other.std(), rel=0.02)
    assert drawn.entries[:, :8].mean() > drawn.entries[:, 8:].mean()  # 1000 rows: 8 PEs hold one more
    assert sample_columns(generator, 3, 5, 1.0, 4).entries.tolist() == [[1, 1, 1, 0]] * 5


def test_places_are_those_of_a_plain_search():
    generator = np.random.default_rng(0)
    for size in (1, 7, 300):
        ends = np.cumsum(generator.random(size) ** 8)
        ends /= ends[-1]
        drawn = np.concatenate((generator.random(5000), [0.0, np.nextafter(1.0, 0.0)], ends[:-1]))
        assert np.array_equal(_places(ends, drawn), np.searchsorted(ends, drawn, side="right"))
