import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.run_length import decode_runs, encode_runs, expected_bits, expected_pairs, pairs_per_word
from tests.oracle.formats_oracle import run_length_pairs, run_length_words

PIECES = st.one_of(
    st.integers(0, 140).map(lambda zeros: [0] * zeros), st.lists(st.integers(-(2**15), 2**15 - 1), max_size=4)
)
SPARSE_VALUES = st.lists(PIECES, max_size=8).map(lambda pieces: [value for piece in pieces for value in piece])


@given(values=SPARSE_VALUES, run_bits=st.sampled_from([1, 4, 5, 7]))
def test_words_are_the_oracles_and_decode_to_the_values(values, run_bits):
    stream = encode_runs(np.array(values, dtype=np.int64), run_bits=run_bits)
    pairs = run_length_pairs(values, run_bits)
    assert stream.pairs == len(pairs)
    assert stream.words.tolist() == run_length_words(pairs, run_bits, 16, pairs_per_word(run_bits, 16))
    assert decode_runs(stream).tolist() == values


@pytest.mark.parametrize("zeros", [30, 31, 32, 33, 63, 64, 65])
def test_overflow_symbols_around_their_edges(zeros):
    stream = encode_runs([0] * zeros + [9])
    assert stream.pairs == 1 + zeros // 32
    assert decode_runs(stream).tolist() == [0] * zeros + [9]


def test_dense_data_grows_by_a_third_and_is_bypassed():
    size = encode_runs(np.ones(300, dtype=np.int16)).size
    assert size.encoded_bits == 300 * 64 // 3
    assert size.bypassed
    assert size.stored_bits == 300 * 16
    assert not encode_runs(np.zeros(300, dtype=np.int16)).size.bypassed


def test_bad_input_is_named():
    with pytest.raises(WorkloadError, match="from 0 to 32768, but 16 signed bits"):
        encode_runs([0, 32768])
    with pytest.raises(ArchitectureError, match="run_bits = 0 is too narrow"):
        encode_runs([1], run_bits=0)
    with pytest.raises(ArchitectureError, match="do not fit a word"):
        encode_runs([1], run_bits=10, level_bits=60)
    damaged = dataclasses.replace(encode_runs([0, 1, 2]), elements=7)
    with pytest.raises(WorkloadError, match="damaged"):
        decode_runs(damaged)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.1, 0.4, 1.0])
def test_expected_pairs_are_those_of_random_data(density):
    source = np.random.default_rng(7)
    values = np.where(source.random(200_000) < density, 3, 0)
    assert expected_pairs(values.size, density) == pytest.approx(encode_runs(values).pairs, rel=0.02)


def test_expected_bits_never_exceed_raw():
    assert expected_bits(3000, 0.9) == 3000 * 16
    assert expected_bits(0, 0.5) == 0
    assert expected_bits(3200, 0.0) == 64 * 34
