import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.relative_index import decode_columns, encode_columns, entry_counts, position_counts
from tests.oracle.formats_oracle import relative_columns


@st.composite
def sparse_codes(draw):
    rows, columns = draw(st.integers(1, 60)), draw(st.integers(1, 6))
    values = st.one_of(st.just(0), st.just(0), st.just(0), st.integers(0, 15))
    return draw(stnp.arrays(draw(st.sampled_from([np.uint8, np.int64])), (rows, columns), elements=values))


@given(matrix=sparse_codes(), pes=st.integers(1, 9), index_bits=st.integers(1, 5))
def test_entries_are_the_oracles_and_decode_to_the_matrix(matrix, pes, index_bits):
    encoded = encode_columns(matrix, pes, index_bits=index_bits)
    flat = [entry for memory in relative_columns(matrix, pes, index_bits) for column in memory for entry in column]
    assert list(zip(encoded.values.tolist(), encoded.runs.tolist(), strict=True)) == flat
    assert np.array_equal(decode_columns(encoded), matrix)


@given(matrix=sparse_codes(), pes=st.integers(1, 9), index_bits=st.integers(1, 5))
def test_counts_are_the_oracles(matrix, pes, index_bits):
    entries, padding = entry_counts(matrix != 0, pes, index_bits=index_bits)
    memories = relative_columns(matrix, pes, index_bits)
    expected = [[len(memory[column]) for memory in memories] for column in range(matrix.shape[1])]
    assert entries.tolist() == expected
    pads = [[sum(v == 0 for v, _ in memory[column]) for memory in memories] for column in range(matrix.shape[1])]
    assert padding.tolist() == pads
    listed = position_counts(np.flatnonzero(matrix.T), matrix.shape, pes, index_bits=index_bits)
    assert [counts.tolist() for counts in listed] == [expected, pads]
    encoded = encode_columns(matrix, pes, index_bits=index_bits)
    assert np.array_equal(encoded.entries_per_column_and_pe, entries)
    assert np.array_equal(encoded.padding_per_column_and_pe, padding)


def test_no_padding_where_a_pe_holds_few_rows():
    assert entry_counts(np.eye(64, dtype=bool), 4)[1].sum() == 0
    assert entry_counts(np.eye(64, dtype=bool), 2)[1].sum() > 0


def test_size_counts_every_bit_and_flags_a_dense_matrix():
    dense = encode_columns(np.ones((64, 32), dtype=np.uint8), 4)
    size = dense.size(16)
    assert (size.raw_bits, size.payload_bits) == (64 * 32 * 4, 64 * 32 * 4)
    assert size.metadata_bits == 64 * 32 * 4 + 4 * 33 * 16
    assert size.bypassed
    assert not dense.size(16, raw_bits_per_value=16).bypassed


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="index_bits = 0 is too narrow"):
        encode_columns([[1]], index_bits=0)
    with pytest.raises(ArchitectureError, match="pes = 0"):
        entry_counts([[1]], 0)
    for positions in ([3, 3], [-1], [4], [2, 1]):
        with pytest.raises(WorkloadError, match=r"must ascend from 0 to 3, the last place of \[2, 2\]"):
            position_counts(positions, (2, 2), 1)
    with pytest.raises(ArchitectureError, match="pes = 0, rows = 2"):
        position_counts([0], (2, 2), 0)
    with pytest.raises(WorkloadError, match=r"from 16 to 16, but 4 unsigned bits"):
        encode_columns([[16]])
    with pytest.raises(WorkloadError, match=r"shape \[3\]"):
        encode_columns([1, 2, 3])
    with pytest.raises(WorkloadError, match=r"shape \[0, 4\]"):
        entry_counts(np.zeros((0, 4), dtype=bool), 1)
    with pytest.raises(ArchitectureError, match="pointer_bits = 3 cannot address the 10 entries"):
        encode_columns(np.ones((10, 1), dtype=np.uint8)).size(3)
