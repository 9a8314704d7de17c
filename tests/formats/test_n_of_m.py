import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.n_of_m import decode_n_of_m, encode_n_of_m


@st.composite
def patterned(draw):
    m = draw(st.integers(1, 9))
    n = draw(st.integers(1, m))
    rows, inner = draw(st.integers(1, 4)), draw(st.integers(0, 30))
    values = np.zeros((rows, inner), dtype=np.int16)
    for row in range(rows):
        for first in range(0, inner, m):
            room = min(m, inner - first)
            for place in draw(st.lists(st.integers(0, room - 1), max_size=n, unique=True)):
                values[row, first + place] = draw(st.integers(-128, 127))
    return values, n, m


@given(patterned())
def test_round_trip_places_ascend_and_size(case):
    values, n, m = case
    encoded = encode_n_of_m(values, n, m)
    assert np.array_equal(decode_n_of_m(encoded), values)
    assert (np.diff(encoded.places.astype(int), axis=-1) > 0).all()
    groups = values.shape[0] * -(-values.shape[1] // m)
    assert encoded.size.payload_bits == groups * n * 8
    assert encoded.size.metadata_bits == groups * n * int(np.ceil(np.log2(m)))


def test_two_of_four_is_five_eighths_of_int8():
    values = np.tile([0, 3, 0, -4], 100)
    size = encode_n_of_m(values, 2, 4).size
    assert size.encoded_bits * 8 == size.raw_bits * 5


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="n = 5, m = 4"):
        encode_n_of_m([0], 5, 4)
    with pytest.raises(WorkloadError, match=r"group \[1\] has 3 non-zeros; 2:4"):
        encode_n_of_m([1, 0, 0, 0, 1, 1, 1, 0], 2, 4)
    with pytest.raises(WorkloadError, match="single number"):
        encode_n_of_m(3, 2, 4)
