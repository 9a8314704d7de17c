"""The precision law: what each pair of widths costs on an array."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arch import ProductRate, product_rate, widest_integer_bits
from simulator.arch.description import BitPair, PrecisionSupport
from simulator.errors import ArchitectureError


def support(*pairs, temporal=True):
    described = [BitPair(ifmap_bits=a, weight_bits=w, macs_per_pe_cycle=pack) for a, w, pack in pairs]
    return PrecisionSupport(law="packed", pairs=tuple(described), temporal=temporal)


INT8 = support((8, 8, 1))
MIXED = support((8, 8, 1), (8, 4, 2), (4, 4, 4))


@pytest.mark.parametrize(
    ("array", "bits", "rate"),
    [
        (INT8, (8, 8), (1, 1, 8, 8)),
        (INT8, (4, 4), (1, 1, 8, 8)),  # a 4-bit model gains nothing on an INT8-only array
        (INT8, (16, 8), (1, 2, 8, 8)),  # TPU v1: half speed
        (INT8, (16, 16), (1, 4, 8, 8)),  # and a quarter
        (INT8, (9, 1), (1, 2, 8, 8)),
        (MIXED, (8, 8), (1, 1, 8, 8)),
        (MIXED, (8, 5), (1, 1, 8, 8)),
        (MIXED, (8, 4), (2, 1, 8, 4)),
        (MIXED, (5, 3), (2, 1, 8, 4)),
        (MIXED, (4, 8), (1, 1, 8, 8)),  # the narrow weight alone packs
        (MIXED, (2, 2), (4, 1, 4, 4)),
        (MIXED, (16, 4), (1, 2, 8, 8)),  # no pair is wide enough: passes of the widest
    ],
)
def test_rates(array, bits, rate):
    assert product_rate(array, *bits) == ProductRate(*rate)


def test_of_equally_fast_pairs_the_narrowest_is_used():
    assert product_rate(support((16, 16, 1), (8, 8, 1)), 6, 6).ifmap_bits == 8
    assert product_rate(support((8, 4, 1), (4, 8, 1)), 4, 4) == ProductRate(1, 1, 4, 8)


def test_a_faster_wide_pair_beats_a_narrow_one():
    assert product_rate(support((8, 8, 2), (4, 4, 1)), 4, 4) == ProductRate(2, 1, 8, 8)


def test_wide_operands_are_refused_without_temporal_passes():
    with pytest.raises(
        ArchitectureError, match=r"16 x 4 bits.*pairs are 8 x 8, 8 x 4 and .*set precision.temporal=true"
    ):
        product_rate(support((8, 8, 1), (8, 4, 2), temporal=False), 16, 4)


@pytest.mark.parametrize("bits", [(0, 8), (8, -1)])
def test_a_width_below_one_bit_is_refused(bits):
    with pytest.raises(ArchitectureError, match="at least 1 bit"):
        product_rate(INT8, *bits)


def test_the_widest_pair():
    assert widest_integer_bits(MIXED) == (8, 8)
    assert widest_integer_bits(support((8, 4, 1), (4, 8, 1))) == (8, 4)
    assert widest_integer_bits(support((16, 2, 1), (8, 8, 1))) == (8, 8)


PAIRS = st.lists(
    st.tuples(st.integers(1, 16), st.integers(1, 16), st.integers(1, 16)),
    min_size=1,
    max_size=5,
    unique_by=lambda pair: pair[:2],
)


@given(PAIRS, st.integers(1, 64), st.integers(1, 64))
def test_the_multiplier_covers_the_operands(pairs, ifmap_bits, weight_bits):
    rate = product_rate(support(*pairs), ifmap_bits, weight_bits)
    assert rate.ifmap_bits * rate.weight_bits * rate.passes >= ifmap_bits * weight_bits
    assert rate.macs_per_pe_cycle == rate.pack / rate.passes
    if rate.passes > 1:
        assert (rate.ifmap_bits, rate.weight_bits) == widest_integer_bits(support(*pairs))


@given(PAIRS, st.integers(1, 16), st.integers(1, 16))
def test_narrower_operands_are_never_slower_where_a_pair_fits(pairs, ifmap_bits, weight_bits):
    array = support(*pairs)
    rate = product_rate(array, ifmap_bits, weight_bits)
    if rate.passes == 1:
        assert product_rate(array, max(1, ifmap_bits - 1), weight_bits).macs_per_pe_cycle >= rate.macs_per_pe_cycle
        assert product_rate(array, ifmap_bits, max(1, weight_bits - 1)).macs_per_pe_cycle >= rate.macs_per_pe_cycle
