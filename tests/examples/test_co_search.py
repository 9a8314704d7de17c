"""The co-search, small: designs within the limit, a front that nothing beats, a page and a plot that show it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
import co_search as example

from simulator.arch import load_accelerator
from simulator.energy import area_mm2
from simulator.search import Evaluator
from simulator.workload import load_workload

LIMIT_MM2 = 1.7


@pytest.fixture(scope="module")
def study():
    return example.search("lenet5_int8", LIMIT_MM2, 14)


def costs(design):
    return np.array([design.latency_ms, design.energy_mj, design.noise_db])


def test_designs_are_within_the_limit_and_nothing_beats_the_front(study):
    designs = [example.Design(**trial.user_attrs["design"]) for trial in study.trials if "design" in trial.user_attrs]
    front = example.front_of(study)
    assert 0 < len(designs) < len(study.trials) == 14  # some were too large
    assert all(design.area_mm2 <= LIMIT_MM2 for design in designs)
    for mine in front:
        assert not any((costs(its) <= costs(mine)).all() and (costs(its) < costs(mine)).any() for its in designs)


def test_a_design_s_numbers_are_the_evaluator_s(study):
    design = example.Design(**study.trials[0].user_attrs["design"])  # the preset at 8 bits, tried first
    machine = load_accelerator("bitfusion")
    found = Evaluator("lenet5_int8", machine).evaluate([(8, 8)] * 5)
    assert design.latency_ms == pytest.approx(1e3 * found["cycles"] / machine.clock_hz)
    assert design.energy_mj == pytest.approx(found["energy_pj"] * 1e-9)
    assert (design.area_mm2, design.noise_db) == (area_mm2(machine), 0.0)


def test_noise_of_four_bits_is_24_db():
    graph = load_workload("lenet5_int8")
    assert example.noise_db(graph, np.full((5, 2), 4)) == pytest.approx(20 * np.log10(16))


def test_page_and_plot(study):
    front = example.front_of(study)
    page = example.table(front, "lenet5_int8", LIMIT_MM2, (14, 3))
    assert page.count("\n| ") == len(front) + 1
    drawn = example.draw(front, [replace(front[0], latency_ms=9.0)], "title")
    assert len(drawn.axes[0].collections[1].get_offsets()) == len(front)
