"""Plots of engines that skip zeros, only where there are PE-cycles to draw."""

from dataclasses import replace

import pytest

from simulator.errors import SimulatorError
from simulator.report.plots import ENGINE_FIGURES, figure, figures_of, render, save_plots
from simulator.report.summary import totals
from tests.report.sample_results import layer, run

PE_CYCLES = {"useful": 600, "padding": 100, "imbalance": 300}
SKIPPING = run(layer("fc", pe_cycles=PE_CYCLES, pe_load=(10, 20, 30, 20)), layer("plain"))


def test_results_without_pe_cycles_have_no_such_plot(tmp_path):
    assert not set(ENGINE_FIGURES) & set(figures_of(run()))
    with pytest.raises(SimulatorError, match="no such plot"):
        figure(run(), "pe_load")
    assert {path.stem for path in save_plots(SKIPPING, tmp_path)} >= set(ENGINE_FIGURES)


@pytest.mark.parametrize("kind", ENGINE_FIGURES)
def test_plots_are_the_same_bytes_and_survive_empty_loads(kind):
    assert render(figure(SKIPPING, kind), "svg") == render(figure(SKIPPING, kind), "svg")
    empty = replace(SKIPPING, layers=(layer("fc", pe_cycles={"useful": 0}, pe_load=(0, 0)),))
    assert render(figure(empty, kind), "png")


def test_titles_say_the_shares():
    assert "60.0 % of PE-cycles useful" in figure(SKIPPING, "pe_cycles").get_suptitle()
    assert "the fullest 1.50 x" in figure(SKIPPING, "pe_load").get_suptitle()
    assert dict(totals(SKIPPING))["PE-cycles"] == "useful 60.0 %, imbalance 30.0 %, padding 10.0 %"
    assert "PE-cycles" not in dict(totals(run()))
