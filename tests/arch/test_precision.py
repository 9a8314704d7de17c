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


def test_products_packed_along_the_sum_are_no_columns():
    sums = MIXED.model_copy(update={"packed_along": "reduction"})
    assert product_rate(sums, 4, 4) == ProductRate(1, 1, 4, 4, inner_pack=4)
    assert product_rate(sums, 16, 8) == ProductRate(1, 2, 8, 8)
    with pytest.raises(ValueError, match=r"packed_along = 'reduction': belongs to the law 'packed', not 'fixed'"):
        PrecisionSupport(law="fixed", pairs=INT8.pairs, packed_along="reduction")


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


BIT_FUSION = PrecisionSupport(
    law="fused", pairs=(BitPair(ifmap_bits=8, weight_bits=8),), brick_bits=2, mac_energy_factor=2.0
)


def serial(operand, lanes=16, widest=16, **options):
    pair = BitPair(ifmap_bits=widest, weight_bits=widest, macs_per_pe_cycle=lanes)
    return PrecisionSupport(law="bit_serial", pairs=(pair,), serial=operand, **options)


@pytest.mark.parametrize(
    ("ifmap_bits", "rates"),
    [(2, (16, 8, 4, 2)), (4, (8, 4, 2, 1)), (8, (4, 2, 1, 0.5)), (16, (2, 1, 0.5, 0.25))],
)
def test_bit_fusion_table(ifmap_bits, rates):
    """Sharma et al., ISCA 2018: products a fusion unit and cycle; above 8 bits in time."""
    assert tuple(product_rate(BIT_FUSION, ifmap_bits, bits).macs_per_pe_cycle for bits in (2, 4, 8, 16)) == rates


def test_fused_widths_round_to_what_divides_the_unit():
    assert [product_rate(BIT_FUSION, bits, 8).inner_pack for bits in range(1, 9)] == [4, 4, 2, 2, 1, 1, 1, 1]
    assert product_rate(BIT_FUSION, 2, 4) == ProductRate(1, 1, 8, 8, 8, 0.25)  # a beat of 2.0 among 8 products
    assert product_rate(BIT_FUSION, 9, 2) == ProductRate(1, 2, 8, 8, 4, 0.5)


@pytest.mark.parametrize(
    ("operand", "bits", "passes", "entering"),
    [
        ("ifmap", (7, 16), 7, (1, 16)),  # Stripes
        ("weight", (16, 3), 3, (16, 1)),  # UNPU
        ("both", (5, 3), 15, (1, 1)),  # Loom
        ("ifmap", (1, 1), 1, (1, 16)),
        ("weight", (17, 2), 4, (16, 1)),  # the parallel operand in two passes
    ],
)
def test_serial_operands_take_a_beat_a_bit(operand, bits, passes, entering):
    rate = product_rate(serial(operand), *bits)
    assert (rate.pack, rate.passes, rate.inner_pack) == (16, passes, 1)
    assert (rate.ifmap_bits, rate.weight_bits) == entering


def test_two_bits_a_beat():
    assert product_rate(serial("ifmap", serial_bits=2), 7, 8).passes == 4


def test_published_serial_peaks():
    """UNPU: 345.6, 691 and 1382 GOP/s at 16, 8 and 4 bits; Stripes' 16-bit peak is the parallel one's."""
    rates = [product_rate(serial("weight"), 16, bits).macs_per_pe_cycle for bits in (16, 8, 4)]
    assert [345.6 * rate for rate in rates] == pytest.approx([345.6, 691.2, 1382.4])


def test_serial_width_is_refused_beyond_the_widest_without_temporal_passes():
    with pytest.raises(ArchitectureError, match="cannot multiply 17 x 8 bits"):
        product_rate(serial("ifmap", temporal=False), 17, 8)


LAWS = st.sampled_from([BIT_FUSION, serial("ifmap"), serial("weight"), serial("both"), INT8, MIXED])


@given(LAWS, st.integers(2, 64), st.integers(2, 64))
def test_more_bits_are_never_faster(array, ifmap_bits, weight_bits):
    rate = product_rate(array, ifmap_bits, weight_bits).macs_per_pe_cycle
    assert product_rate(array, ifmap_bits - 1, weight_bits).macs_per_pe_cycle >= rate
    assert product_rate(array, ifmap_bits, weight_bits - 1).macs_per_pe_cycle >= rate


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"law": "fused"}, r"brick_bits = None: law 'fused' needs the narrowest width"),
        ({"law": "fused", "brick_bits": 9}, r"brick_bits = 9: .*at most the pair's 8 x 8 bits"),
        ({"law": "fused", "brick_bits": 2, "serial": "ifmap"}, r"serial = 'ifmap': belongs to the law 'bit_serial'"),
        ({"law": "bit_serial"}, "serial: law 'bit_serial' needs it; give ifmap, weight or both"),
        ({"law": "packed", "brick_bits": 2}, "brick_bits = 2: belongs to the law 'fused'"),
        ({"law": "fixed", "serial_bits": 2}, "serial_bits = 2: belongs to the law 'bit_serial'"),
    ],
)
def test_options_of_another_law_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        PrecisionSupport(pairs=(BitPair(ifmap_bits=8, weight_bits=8),), **fields)


def test_fused_and_serial_laws_take_one_pair():
    pairs = (BitPair(ifmap_bits=8, weight_bits=8), BitPair(ifmap_bits=4, weight_bits=4))
    with pytest.raises(ValueError, match=r"law 'fused' takes one, the widest operands; 2 were given"):
        PrecisionSupport(law="fused", pairs=pairs, brick_bits=2)
    with pytest.raises(ValueError, match="makes one product at its widest pair; make it 1"):
        PrecisionSupport(law="fused", pairs=(BitPair(ifmap_bits=8, weight_bits=8, macs_per_pe_cycle=2),), brick_bits=2)
