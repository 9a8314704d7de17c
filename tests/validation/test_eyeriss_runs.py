"""The chip's runs and the power fit; the fitted timing constant is the one that fits."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.row_stationary import RowMachine
from simulator.dataflow.row_stationary_law import run_nest
from simulator.validation.eyeriss_published import ALEXNET, ALEXNET_MAPPINGS
from simulator.validation.eyeriss_runs import fit_power, run_on_chip, switching_mw


@pytest.fixture(scope="module")
def alexnet():
    return run_on_chip("alexnet_eyeriss", 4, ALEXNET_MAPPINGS)


def worst_error(runs, cycles):
    machine = load_accelerator("eyeriss_v1", overrides=[f"array.pass_setup_cycles={cycles}"])
    sizes = RowMachine.of(machine, machine.array)
    errors = []
    for run, measured in zip(runs, ALEXNET, strict=True):
        one = run.planned
        ours = run_nest(one.nest, sizes, one.mapping, one.maps).processing_cycles / 200e3
        errors.append(abs(ours / measured.processing_ms - 1))
    return max(errors)


def test_pass_setup_is_the_fit(alexnet):
    """The largest error of AlexNet's five processing latencies is least near the preset's 170 cycles."""
    best = min(range(0, 600, 10), key=lambda cycles: worst_error(alexnet, cycles))
    assert abs(best - load_accelerator("eyeriss_v1").array.pass_setup_cycles) <= 10


def test_a_fit_finds_what_made_the_powers(alexnet):
    made = [2 * switching_mw(run) + 100 for run in alexnet]
    fit = fit_power(alexnet, made)
    assert (fit.switching_scale, fit.always_on_mw) == (pytest.approx(2), pytest.approx(100))
    assert fit.power_mw(alexnet[0]) == pytest.approx(made[0])


def test_parts_add_up(alexnet):
    for run in alexnet:
        assert sum(run.power_mw(part) for part in run.energy_pj) == pytest.approx(run.power_mw())
