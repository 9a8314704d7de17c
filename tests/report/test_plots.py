"""Plots as files."""

import csv
import io
import xml.etree.ElementTree as ET

import pytest

from simulator import simulate
from simulator.errors import SimulatorError
from simulator.report.plots import FIGURES, figure, figures_of, render, save_plots, table_csv
from tests.report.sample_results import layer, run, unmapped

FROM_RESULTS = [kind for kind, plot in FIGURES.items() if not plot.over_time]


def test_every_plot_is_written_as_png_and_svg(tmp_path):
    written = save_plots(run(), tmp_path, "x_")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)
    kinds = ("latency", "energy", "roofline")
    assert {path.name for path in written} == {f"x_{kind}.{form}" for kind in kinds for form in ("png", "svg", "csv")}
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        elif path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_result_gives_the_same_bytes(form):
    assert render(figure(run()), form) == render(figure(run()), form)


@pytest.mark.parametrize("kind", FROM_RESULTS)
@pytest.mark.parametrize("name", ["$\\frac{", "<script>", "a\nb", "\N{CJK UNIFIED IDEOGRAPH-5C64}", "", "[red]"])
def test_hostile_names_are_drawn_as_text(kind, name, recwarn):
    assert render(figure(run(layer(name), workload=name), kind), "svg")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("kind", FROM_RESULTS)
def test_a_run_without_times_or_layers_can_be_drawn(kind):
    assert render(figure(run(unmapped()), kind), "png")


def test_an_unknown_plot_names_the_known():
    with pytest.raises(SimulatorError, match=r"'latncy'.*did you mean 'latency'.*roofline"):
        figure(run(), "latncy")


def test_a_missing_folder_is_one_error(tmp_path):
    with pytest.raises(SimulatorError, match="cannot be written"):
        save_plots(run(), tmp_path / "none")


def test_results_learn_to_draw_from_the_public_face():
    assert run().plot("roofline").axes
    for kind in FROM_RESULTS:
        assert render(getattr(run().plot, kind)(), "svg") == render(figure(run(), kind), "svg")


def test_with_a_timeline_all_plots_can_be_drawn(tmp_path):
    result = simulate("lenet5_int8", "gemmini_like_16", timeline=True)
    assert list(figures_of(result)) == [*FIGURES, "pe_use"]
    assert list(figures_of(run())) == FROM_RESULTS
    assert len(save_plots(result, tmp_path)) == 3 * len(FIGURES) + 3
    assert result.plot.gantt("c1").axes
    assert len(result.plot.bandwidth().axes) == 2


def test_the_csv_of_a_plot_holds_what_it_draws():
    result = run(layer("a"), layer("b", weight=0))
    rows = list(csv.DictReader(io.StringIO(table_csv(result, "latency"))))
    assert [row["layer"] for row in rows] == ["a", "b"]
    for row, each in zip(rows, result.layers, strict=True):
        assert sum(int(value) for name, value in row.items() if name != "layer") == each.cycles
    assert rows[0]["wait_weight_cycles"] == "200"
    energy = list(csv.DictReader(io.StringIO(table_csv(result, "energy"))))
    assert float(energy[0]["dram_pj"]) == 6e6
    (dot, _) = csv.DictReader(io.StringIO(table_csv(result, "roofline")))
    assert float(dot["ops_per_byte"]) == 2 * 64_000 / 4_000
    assert "<table>" in run()._repr_html_()
