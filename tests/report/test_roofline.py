"""The roofline: dots where layers are, roofs where the machine ends."""

import pytest

from simulator.report.roofline import dots, roofline_figure, roofs
from tests.report.sample_results import layer, pool, run


def test_a_dot_is_where_the_layer_is():
    (dot,) = dots(run())
    assert dot.ops_per_byte == 2 * 64_000 / 4_000
    assert dot.ops_per_second == pytest.approx(128e9)
    assert dot.peak_ops_per_second == pytest.approx(512e9)
    assert dot.share == 1.0
    assert dot.widths == "W4 A8"


def test_layers_that_have_no_place_are_left_out_and_counted():
    silent = layer("silent", dram={"read_bytes": 0, "write_bytes": 0})
    result = run(layer(), silent, pool())
    assert [dot.name for dot in dots(result)] == ["conv"]
    assert "(1 layers without DRAM traffic" in roofline_figure(result)._suptitle.get_text()


def test_each_width_has_its_roof():
    result = run(layer("a"), layer("b", weight_bits=8, utilization=0.5))
    assert roofs(result, dots(result)) == {256e9: "W8 A8", 512e9: "W4 A8"}


def test_a_run_without_products_still_shows_the_machine():
    assert roofs(run(pool()), []) == {512e9: "one MAC a PE and cycle"}
    assert roofline_figure(run(pool())).axes


def test_axes_are_logarithmic_hold_every_dot_and_name_their_units():
    result = run(layer("a"), layer("b", useful=60_000, macs=640))
    (axes,) = roofline_figure(result).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "OP/byte" in axes.get_xlabel()
    assert "OP/s" in axes.get_ylabel()
    for dot in dots(result):
        assert axes.get_xlim()[0] < dot.ops_per_byte < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < dot.ops_per_second < axes.get_ylim()[1]


def test_alike_layers_share_a_label():
    (axes,) = roofline_figure(run(layer("a"), layer("b"), layer("c"))).axes
    assert "a and 2 alike" in {text.get_text() for text in axes.texts}
