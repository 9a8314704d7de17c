import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.eyeriss_v2_csc import decode_segment, encode_segment, segment_size
from tests.oracle.formats_oracle import relative_columns


@given(
    stnp.arrays(
        np.int8,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.one_of(st.just(0), st.just(0), st.integers(-128, 127)),
    )
)
def test_round_trip_and_size(values):
    segment = encode_segment(values)
    assert np.array_equal(decode_segment(segment), values)
    entries = sum(len(column) for column in relative_columns(values.view(np.uint8), 1, 4)[0])
    assert segment_size(segment, address_bits=8).encoded_bits == entries * 12 + (values.shape[1] + 1) * 8


def test_addresses_reach_127_entries():
    segment_size(encode_segment(np.ones((127, 1), dtype=int)))
    with pytest.raises(ArchitectureError, match="pointer_bits = 7 cannot address the 128 entries"):
        segment_size(encode_segment(np.ones((128, 1), dtype=int)))


def test_values_are_bytes():
    with pytest.raises(WorkloadError, match="8 signed bits"):
        encode_segment([[128]])
