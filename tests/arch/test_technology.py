"""Prices of a technology: exact at the profiles' points, the synthesis shape between, scaled by node and supply."""

from itertools import pairwise

import pytest

from simulator.arch.description import Technology
from simulator.arch.profiles import load_profile, profile_names
from simulator.arch.scaling import energy_factor
from simulator.arch.technology import (
    buffer_energy,
    dram_energy,
    float_mac_curve_pj,
    logic_factor,
    mac_curve_pj,
    pe_area_um2,
    static_uw_per_pe,
    target_node_nm,
    target_voltage_v,
)
from simulator.errors import ArchitectureError


def test_mac_energy_has_the_synthesis_shape():
    curve = mac_curve_pj(load_profile("eyeriss-65nm"))
    assert curve[16] == 2.0
    assert [curve[bits] / curve[2] for bits in (16, 8, 4)] == pytest.approx([14.8, 5.0, 2.02], abs=0.01)


def test_a_profiles_own_points_are_exact():
    curve = mac_curve_pj(load_profile("horowitz-45nm"))
    assert (curve[8], curve[32]) == (0.3, 3.2)
    assert curve[4] == pytest.approx(0.3 * 659402 / 1627500)  # below its points the synthesis shape alone
    floats = float_mac_curve_pj(load_profile("horowitz-45nm"))
    assert (floats[16], floats[32]) == (1.5, 4.6)


@pytest.mark.parametrize("name", profile_names())
def test_wider_multipliers_cost_more_and_less_than_quadratic(name):
    for curve in (mac_curve_pj(load_profile(name)), float_mac_curve_pj(load_profile(name))):
        assert len(curve) == 65
        assert curve[0] == 0.0
        assert all(narrow < wide for narrow, wide in pairwise(curve))
        assert curve[16] < 4 * curve[8] < 16 * curve[4]


def test_the_profiles_differ_as_much_as_the_field_does():
    energies = [mac_curve_pj(load_profile(name))[8] for name in profile_names()]
    assert max(energies) / min(energies) > 2


def test_node_and_supply_scale_logic():
    assert logic_factor(Technology()) == 1.0
    assert target_voltage_v(Technology()) == 0.9
    scaled = Technology(node_nm=16, voltage_v=0.8)
    assert logic_factor(scaled) == pytest.approx(energy_factor(45, 0.9, 16, 0.8))
    assert target_node_nm(scaled) == 16
    assert target_voltage_v(Technology(node_nm=7)) == pytest.approx(0.63)


@pytest.mark.parametrize(
    ("profile", "capacity_bytes", "word_bits", "read_pj"),
    [
        ("horowitz-45nm", 8192, 64, 10.0),
        ("horowitz-45nm", 32768, 64, 20.0),
        ("horowitz-45nm", 1048576, 64, 100.0),
        ("eie-45nm", 32768, 32, 5.0),
        ("eyeriss-65nm", 102400, 64, 48.0),
        ("eyeriss-65nm-jssc", 102400, 64, 60.0),
    ],
)
def test_a_profiles_own_memories_are_exact(profile, capacity_bytes, word_bits, read_pj):
    energy = buffer_energy(Technology(profile=profile), capacity_bytes, word_bits, 1)
    assert energy.read_pj == pytest.approx(read_pj)
    assert energy.write_pj > 0


def test_memories_move_with_node_and_supply():
    at_45 = buffer_energy(Technology(), 32768, 64, 1).read_pj
    assert buffer_energy(Technology(node_nm=28), 32768, 64, 1).read_pj == pytest.approx(at_45 * 6.469 / 17.04)
    low = buffer_energy(Technology(voltage_v=0.8), 32768, 64, 1).read_pj
    assert low == pytest.approx(at_45 * energy_factor(45, 0.9, 45, 0.8))


def test_dram_is_priced_by_the_longest_standard_a_name_begins_with():
    assert dram_energy(Technology(), "DDR3").value == 70.0
    assert dram_energy(Technology(), "lpddr4x-4266").value == 8.0
    assert dram_energy(Technology(), "LPDDR2").value == 40.0
    assert dram_energy(Technology(profile="eyeriss-65nm"), "eyeriss").value == 25.0
    assert [dram_energy(Technology(), name).mark for name in ("HBM", "HBM2", "GDDR6")] == ["A", "F", "A"]
    given = dram_energy(Technology(dram_energy_pj_per_bit=6.25), "anything")
    assert (given.value, given.mark) == (6.25, "G")


def test_an_unknown_dram_standard_names_the_known_and_the_remedy():
    with pytest.raises(ArchitectureError, match=r"dram.standard = 'DDR5'.*technology.dram_energy_pj_per_bit"):
        dram_energy(Technology(), "DDR5")


def test_leakage_and_area_are_the_synthesised_ones():
    assert static_uw_per_pe(load_profile("horowitz-45nm"), 8) == pytest.approx(257700 / 16 / 1000)
    assert static_uw_per_pe(load_profile("eyeriss-65nm"), 8) * 168 == pytest.approx(30_000)
    assert [pe_area_um2(bits) for bits in (2, 16)] == pytest.approx([81.07, 1679.41], abs=0.01)
