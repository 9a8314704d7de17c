"""Plots as files."""

import xml.etree.ElementTree as ET

import pytest

from simulator.errors import SimulatorError
from simulator.report.plots import FIGURES, figure, render, save_plots
from tests.report.sample_results import layer, run, unmapped


def test_every_plot_is_written_as_png_and_svg(tmp_path):
    written = save_plots(run(), tmp_path, "x_")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)
    assert {path.name for path in written} == {f"x_{kind}.{form}" for kind in FIGURES for form in ("png", "svg")}
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            assert ET.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_result_gives_the_same_bytes(form):
    assert render(figure(run()), form) == render(figure(run()), form)


@pytest.mark.parametrize("kind", FIGURES)
@pytest.mark.parametrize("name", ["$\\frac{", "<script>", "a\nb", "\N{CJK UNIFIED IDEOGRAPH-5C64}", "", "[red]"])
def test_hostile_names_are_drawn_as_text(kind, name, recwarn):
    assert render(figure(run(layer(name), workload=name), kind), "svg")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("kind", FIGURES)
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
    assert "<table>" in run()._repr_html_()
