"""Heat maps of the array: every PE's share is its blocks' sum, and the mean the utilization."""

from dataclasses import replace

import numpy as np
import pytest

from simulator import simulate
from simulator.report.pe_heat import MOST_PANELS, panels_of, pe_use_figure, pe_use_rows
from simulator.report.plots import figures_of, render
from tests.report.sample_results import layer, run

USE = {"rows": 4, "columns": 8, "blocks": ((0, 0, 2, 8, 300), (0, 0, 4, 4, 200), (3, 7, 1, 1, 64))}


def used(name="a", **changes):
    """1,000 cycles; 16 x 300 + 16 x 200 + 64 PE-cycles of 32,000: 25.2 %."""
    return layer(name, pe_use=USE, utilization=8064 / 32_000, **changes)


def dense(panel):
    return np.repeat(np.repeat(panel.shares, np.diff(panel.row_edges), 0), np.diff(panel.column_edges), 1)


def test_a_panel_is_the_sum_of_its_blocks():
    panels, shown, there = panels_of(run(used()))
    assert (shown, there) == (1, 1)
    expected = np.zeros((4, 8))
    for row, column, rows, columns, cycles in USE["blocks"]:
        expected[row : row + rows, column : column + columns] += cycles / 1000
    for panel in panels:  # a run of one layer is that layer
        assert np.allclose(dense(panel), expected)
        assert panel.mean == pytest.approx(8064 / 32_000)


def test_layers_alike_share_a_panel_and_the_whole_run_weighs_by_time():
    other = replace(used("b"), pe_use={**USE, "blocks": ((0, 0, 4, 8, 500),)}, utilization=0.5)
    result = run(used("a"), used("a2"), other, layer("pool", macs=0))
    panels, shown, there = panels_of(result)
    assert [panel.label for panel in panels] == ["whole run", "a x 2", "b"]
    assert (shown, there) == (3, 3)
    assert panels[0].mean == pytest.approx((2 * 8064 + 16_000) / (4 * 32_000))


def test_of_many_layers_those_that_waste_most_are_shown():
    many = [
        replace(used(f"c{i}"), pe_use={**USE, "blocks": ((0, 0, 4, 8, i + 1),)}, utilization=(i + 1) / 1000)
        for i in range(MOST_PANELS + 5)
    ]
    result = run(*many)
    panels, shown, there = panels_of(result)
    assert (len(panels), shown, there) == (MOST_PANELS + 1, MOST_PANELS, MOST_PANELS + 5)
    assert [panel.label for panel in panels[1:]] == [f"c{i}" for i in range(MOST_PANELS)]
    assert "47 of 52 layers" in pe_use_figure(result).get_suptitle()
    assert {row["layer"] for row in pe_use_rows(result)} == {one.name for one in many}


def test_the_csv_holds_each_pe_once():
    rows = pe_use_rows(run(used()))
    assert sum(row["rows"] * row["columns"] * row["useful_share"] for row in rows) == pytest.approx(8064 / 1000)
    places = [
        (i, j)
        for row in rows
        for i in range(row["first_row"], row["first_row"] + row["rows"])
        for j in range(row["first_column"], row["first_column"] + row["columns"])
    ]
    assert len(places) == len(set(places))


def test_it_is_drawn_where_there_is_an_array_to_draw():
    assert "pe_use" not in figures_of(run())
    result = run(used())
    assert "pe_use" in figures_of(result)
    assert render(pe_use_figure(result), "svg") == render(pe_use_figure(result), "svg")
    assert render(pe_use_figure(run()), "png")


@pytest.mark.parametrize("accelerator", ["tpu_like_128", "eyeriss_v1"])
def test_the_first_panel_is_the_runs_utilization(accelerator):
    result = simulate("lenet5_int8", accelerator, fidelity="bandwidth")
    assert panels_of(result)[0][0].mean == pytest.approx(result.total.utilization)
