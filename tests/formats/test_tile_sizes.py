"""Sizes of encoded tiles: exact ones are the encoders', expected ones their mean over random masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arch.compression import FeatureMapFormat, WeightFormat
from simulator.errors import ArchitectureError
from simulator.formats.bitmask import encode_bitmask
from simulator.formats.n_of_m import encode_n_of_m
from simulator.formats.relative_index import encode_columns
from simulator.formats.run_length import encode_runs
from simulator.formats.tile_sizes import TileShapes, expected_bits, mask_bits

FORMS = (
    WeightFormat(format="bitmask"),
    WeightFormat(format="rlc"),
    FeatureMapFormat(format="rlc", run_bits=3),
    WeightFormat(format="csc"),
    WeightFormat(format="csc", index_bits=2, pointer_bits=32),
)
BITS = 8


def shapes(rows, columns):
    return TileShapes(*(np.array([n]) for n in (rows * columns, rows, columns, rows * -(-columns // 4))))


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
def test_exact_sizes_are_those_of_the_encoders(rows, columns, density, seed):
    mask = np.random.default_rng(seed).random((rows, columns)) < density
    assert mask_bits(FORMS[0], mask, BITS) == encode_bitmask(mask.astype(int), value_bits=BITS).size.encoded_bits
    runs = encode_runs(mask.astype(int), run_bits=3, level_bits=BITS)
    assert mask_bits(FORMS[2], mask, BITS) == runs.size.encoded_bits
    columns_form = encode_columns(mask.astype(np.uint8), value_bits=BITS, index_bits=2)
    assert mask_bits(FORMS[4], mask, BITS) == columns_form.size(32).encoded_bits


def test_groups_of_a_pattern_take_n_values_and_places_each():
    weights = np.tile([0, 3, 0, 5, 0, 0, 1], (3, 1))
    size = mask_bits(WeightFormat(format="n_of_m"), weights != 0, BITS, 3 * 2, in_pattern=True)
    assert size == encode_n_of_m(weights, 2, 4, value_bits=BITS).size.encoded_bits
    broken = mask_bits(WeightFormat(format="n_of_m"), np.ones((3, 7), bool), BITS, 3 * 2, in_pattern=False)
    assert broken == 21 * (BITS + 2)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("density", [0.02, 0.1, 0.5, 0.9])
def test_expected_sizes_are_the_mean_of_random_masks(form, density):
    rng = np.random.default_rng(3)
    found = [mask_bits(form, rng.random((96, 40)) < density, BITS) for _ in range(400)]
    expected = expected_bits(form, shapes(96, 40), density, BITS, in_pattern=False)[0]
    assert expected == pytest.approx(np.mean(found), rel=0.015)


@given(st.sampled_from(FORMS), st.integers(1, 300), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_more_density_never_takes_fewer_bits(form, rows, columns, one, other):
    low, high = (
        int(expected_bits(form, shapes(rows, columns), density, BITS, in_pattern=False)[0])
        for density in sorted((one, other))
    )
    assert low <= high


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_dense_tile_takes_its_values_and_all_its_metadata(form):
    full = mask_bits(form, np.ones((24, 7), bool), BITS)
    assert full == expected_bits(form, shapes(24, 7), 1.0, BITS, in_pattern=False)[0] > 24 * 7 * BITS


def test_narrow_pointers_are_refused_with_the_width_they_need():
    form = WeightFormat(format="csc", pointer_bits=4)
    with pytest.raises(ArchitectureError, match="give at least 5 bits"):
        mask_bits(form, np.ones((4, 4), bool), BITS)
