"""Conversions against arithmetic done another way."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from simulator import units


@given(st.integers(0, 10**30), st.integers(1, 10**15))
def test_ceil_div_is_the_exact_ceiling(numerator, denominator):
    assert units.ceil_div(numerator, denominator) == math.ceil(Fraction(numerator, denominator))


@given(st.integers(0, 10**12))
def test_bits_fit_their_bytes_and_no_fewer(bits):
    stored_bytes = units.bits_to_bytes(bits)
    assert 8 * stored_bytes >= bits
    assert 8 * (stored_bytes - 1) < max(bits, 1)


def test_constants():
    assert (units.OPS_PER_MAC, units.BITS_PER_BYTE, units.KIB, units.MIB) == (2, 8, 2**10, 2**20)
    assert units.PJ_PER_J * 1e-12 == 1.0
