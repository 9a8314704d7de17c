"""The price list: exact at published points, honest about its sources."""

import pytest

from simulator.arch import load_accelerator, preset_names, product_rate, profile_names, widest_integer_bits
from simulator.arch.scaling import energy_factor
from simulator.energy import price_list
from simulator.errors import ArchitectureError


def prices_of(name, *overrides):
    return price_list(load_accelerator(name, overrides=overrides))


def test_published_prices_are_exact():
    horowitz = prices_of("tpu_like_128")
    assert horowitz.mac_pj(8, 8) == 0.3
    assert horowitz.mac_pj(32, 32) == 3.2
    assert horowitz.mac_pj(16, 16, is_float=True) == 1.5
    assert horowitz.mac_pj(16, 32, is_float=True) == 4.6
    eyeriss = prices_of("tpu_like_128", "technology.profile=eyeriss-65nm", "dram.standard=Eyeriss")
    word_bits, mac_pj = 16, eyeriss.mac_pj(16, 16)
    normalised = [
        eyeriss.rf_read_pj_per_bit * word_bits / mac_pj,
        eyeriss.noc_pj_per_bit * word_bits / mac_pj,
        eyeriss.dram_pj_per_bit * word_bits / mac_pj,
    ]
    assert normalised == [1, 2, 200]
    eie = prices_of("tpu_like_128", "technology.profile=eie-45nm", "dram.standard=EIE")
    assert (eie.rf_write_pj_per_bit * 32, eie.dram_pj_per_bit * 32, eie.mac_pj(32, 32)) == (1.0, 640.0, 3.2)


def test_a_mixed_product_costs_the_geometric_mean():
    prices = prices_of("tpu_like_128")
    assert prices.mac_pj(8, 4) == pytest.approx((prices.mac_pj(8, 8) * prices.mac_pj(4, 4)) ** 0.5)
    assert prices.mac_pj(8, 4) == prices.mac_pj(4, 8)


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("node", ["null", "7", "28", "130"])
def test_more_bits_never_cost_less(profile, node):
    prices = prices_of("edge_like_32", f"technology.profile={profile}", f"technology.node_nm={node}")
    for bits in range(1, 64):
        for other in (1, 7, 8, 64):
            assert prices.mac_pj(bits, other) < prices.mac_pj(bits + 1, other)


def test_node_and_supply_scale_logic_but_not_dram():
    here = prices_of("tpu_like_128")
    there = prices_of("tpu_like_128", "technology.node_nm=16", "technology.voltage_v=0.8")
    factor = energy_factor(45, 0.9, 16, 0.8)
    assert there.mac_pj(8, 4) == pytest.approx(here.mac_pj(8, 4) * factor)
    for price in ("rf_read_pj_per_bit", "noc_pj_per_bit", "vector_pj_per_operation", "static_w", "clock_w"):
        assert getattr(there, price) == pytest.approx(getattr(here, price) * factor)
    assert there.dram_pj_per_bit == here.dram_pj_per_bit == 20.0
    assert all(there.buffer_read_pj[name] < pj for name, pj in here.buffer_read_pj.items())


def test_static_and_clock_power_grow_with_the_array_and_the_clock():
    here = prices_of("tpu_like_128")
    larger = prices_of("tpu_like_128", "array.rows=256")
    faster = prices_of("tpu_like_128", "clock_hz=1.4e9")
    assert larger.clock_w == pytest.approx(2 * here.clock_w)
    assert here.static_w < larger.static_w < 2 * here.static_w  # the memories stay
    assert (faster.clock_w, faster.static_w) == pytest.approx((2 * here.clock_w, here.static_w))
    assert here.clock_w == pytest.approx(0.5 * 128 * 128 * 0.3e-12 * 700e6)


def test_static_power_of_synthesised_pes():
    only_pes = prices_of("tpu_like_128", *[f"buffers[{i}].capacity_bytes=16384" for i in range(3)])
    assert only_pes.static_w == pytest.approx(128 * 128 * 257700e-9 / 16 + 3 * 0.005 / 64, rel=1e-6)


def test_given_powers_are_taken_and_their_source_told():
    prices = prices_of("tpu_v1")
    assert (prices.static_w, prices.clock_w) == (28.0, 0.0)
    rows = {row.name: row for row in prices.describe()}
    assert rows["static"].mark == "G"
    assert "28 W idle" in rows["static"].source
    overridden = prices_of("tpu_v1", "technology.static_power_w=1", "technology.dram_energy_pj_per_bit=3")
    assert (overridden.static_w, overridden.dram_pj_per_bit) == (1.0, 3.0)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("profile", profile_names())
def test_every_price_is_described_with_unit_source_and_mark(name, profile):
    prices = prices_of(name, f"technology.profile={profile}")
    rows = prices.describe()
    assert prices.profile == profile
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.value >= 0 and row.unit and row.source and row.mark in "FRMAG" for row in rows)
    shown = {row.value for row in rows}
    precision = load_accelerator(name).precision
    rate = product_rate(precision, *widest_integer_bits(precision))
    mac_pj = prices.mac_pj(rate.ifmap_bits, rate.weight_bits) * rate.energy_share
    assert {mac_pj, prices.noc_pj_per_bit, prices.dram_pj_per_bit, prices.static_w} <= shown
    assert set(prices.buffer_read_pj.values()) | set(prices.buffer_write_pj.values()) <= shown
    assert set(prices.sources) == {row.source for row in rows}


def test_a_scaled_or_mixed_price_says_so():
    rows = {row.name: row for row in prices_of("tpu_like_128", "technology.node_nm=28").describe()}
    assert "scaled to 28 nm" in rows["mac 8 x 8 bit"].source
    assert "scaled" not in rows["dram"].source
    assert rows["mac 8 x 4 bit"].mark == "A"
    plain = {row.name: row for row in prices_of("tpu_like_128", "precision.float_bits=16").describe()}
    assert "scaled" not in plain["mac 8 x 8 bit"].source
    assert plain["mac float16"].value == 1.5


def test_profiles_conflict_and_the_list_names_its_own():
    by_profile = {name: prices_of("tpu_like_128", f"technology.profile={name}") for name in profile_names()}
    registers = [prices.rf_read_pj_per_bit for prices in by_profile.values()]
    assert max(registers) / min(registers) > 10
    assert {name: prices.profile for name, prices in by_profile.items()} == {name: name for name in by_profile}


def test_an_unknown_standard_is_refused():
    with pytest.raises(ArchitectureError, match=r"dram\.standard = 'optane'"):
        prices_of("tpu_v1", "dram.standard=optane")
