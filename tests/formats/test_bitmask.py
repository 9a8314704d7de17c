import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from simulator.errors import WorkloadError
from simulator.formats.bitmask import decode_bitmask, encode_bitmask


@given(stnp.arrays(np.int8, stnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9)))
def test_round_trip_and_size(values):
    encoded = encode_bitmask(values)
    assert np.array_equal(decode_bitmask(encoded), values)
    bits = [bit for byte in encoded.mask.tolist() for bit in f"{byte:08b}"][: values.size]
    assert bits == ["1" if value else "0" for value in values.ravel().tolist()]
    nonzeros = np.count_nonzero(values)
    assert encoded.size.encoded_bits == values.size + 8 * nonzeros
    assert encoded.size.bypassed == (values.size + 8 * nonzeros > 8 * values.size)


@given(st.integers(2, 16))
def test_values_must_fit(value_bits):
    with pytest.raises(WorkloadError, match="wider field"):
        encode_bitmask([1 << (value_bits - 1)], value_bits=value_bits)
