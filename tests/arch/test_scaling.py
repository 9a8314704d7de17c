"""Scaling between nodes against hand-computed values of the published polynomials."""

import pytest

from simulator.arch.scaling import area_factor, default_voltage_v, energy_factor, nominal_voltage_v
from simulator.errors import ArchitectureError


@pytest.mark.parametrize(
    ("from_nm", "to_nm", "factor"),
    [(45, 65, 1.241), (45, 28, 0.513), (65, 28, 0.414), (65, 16, 0.140)],
)
def test_energy_at_one_supply(from_nm, to_nm, factor):
    assert energy_factor(from_nm, 0.8, to_nm, 0.8) == pytest.approx(factor, abs=6e-4)


def test_energy_at_a_fitted_node_is_the_polynomial():
    expected = (0.1776 * 0.49 - 0.09097 * 0.7 + 0.02447) / (1.103 - 0.362 + 0.2767)
    assert energy_factor(45, 1.0, 7, 0.7) == pytest.approx(expected)


def test_no_move_is_no_change_and_moves_chain():
    assert energy_factor(45, 0.9, 45, 0.9) == 1.0
    there = energy_factor(65, 1.0, 28, 0.9)
    assert there * energy_factor(28, 0.9, 16, 0.8) == pytest.approx(energy_factor(65, 1.0, 16, 0.8))
    assert there * energy_factor(28, 0.9, 65, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("node_nm", range(7, 131))
def test_a_smaller_node_at_its_nominal_supply_is_never_larger_or_costlier(node_nm):
    if node_nm > 7:
        voltages = [nominal_voltage_v(nm) for nm in (node_nm, node_nm - 1)]
        assert energy_factor(node_nm, voltages[0], node_nm - 1, voltages[1]) <= 1.0
        assert area_factor(node_nm, node_nm - 1) < 1.0


@pytest.mark.parametrize("node_nm", [7, 16, 28, 45, 65, 130])
def test_a_higher_supply_costs_more(node_nm):
    nominal = nominal_voltage_v(node_nm)
    assert energy_factor(node_nm, nominal, node_nm, nominal * 1.1) > 1.0


def test_area_is_relative_to_45_nm():
    assert area_factor(45, 32) == pytest.approx(0.46)
    assert area_factor(65, 7) == pytest.approx(0.059 / 1.5)
    assert area_factor(45, 55) == pytest.approx(1.25)


def test_the_supply_moves_with_the_nominal_ones():
    assert default_voltage_v(45, 0.9, 45) == 0.9
    assert default_voltage_v(45, 0.9, 7) == pytest.approx(0.9 * 0.7)


@pytest.mark.parametrize("node_nm", [3, 6.9, 131])
def test_a_node_outside_the_fit_is_refused(node_nm):
    with pytest.raises(ArchitectureError, match=r"technology\.node_nm = .*give a node in that range"):
        area_factor(45, node_nm)


def test_a_supply_below_the_fits_minimum_is_refused():
    with pytest.raises(
        ArchitectureError, match=r"voltage_v = 0.5: the scaling fit at 65 nm turns upward below 0.586 V"
    ):
        energy_factor(65, 1.0, 65, 0.5)
