import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from simulator.formats.relative_index_kernel import count_entries, count_positions, fill_entries
from tests.oracle.formats_oracle import relative_columns


@given(
    mask=stnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=st.integers(0, 1)),
    pes=st.integers(1, 7),
)
def test_both_walks_take_the_same_places(mask, pes):
    columns = mask.shape[1]
    scratch = np.empty((2, columns + 1), dtype=np.int32)
    entries, padding = np.zeros((2, pes, columns), dtype=np.int64)
    count_entries(mask, 4, scratch, entries, padding)
    oracle = relative_columns(mask, pes, 2)
    assert entries.tolist() == [[len(column) for column in memory] for memory in oracle]
    ends = np.cumsum(entries.ravel()).reshape(entries.shape)
    cursor = ends - entries
    values, runs = np.zeros(ends[-1, -1], dtype=np.uint8), np.full(ends[-1, -1], 3, dtype=np.uint8)
    fill_entries(mask, 4, scratch, cursor, values, runs)
    assert np.array_equal(cursor, ends)
    assert padding.sum() == np.count_nonzero(values == 0)


def test_a_quotient_by_multiplication_is_exact_for_the_longest_columns():
    rows, pes = (1 << 31) - 1, (1 << 20) - 1
    entries, padding = np.zeros((2, 1, pes), dtype=np.int64)
    last = np.array([pes - 1, pes, rows - 1], dtype=np.int64)
    assert count_positions(last, rows, 30, np.empty(pes, dtype=np.int64), entries, padding)
    assert np.flatnonzero(entries[0]).tolist() == sorted({(rows - 1) % pes, 0, pes - 1})
    assert not padding.any()
