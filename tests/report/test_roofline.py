"""The roofline: dots where layers are, roofs where the machine ends."""

import pytest

from simulator.report.roofline import _roof_labels, dots, roofline_figure, roofs
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


def test_cores_that_end_a_layer_apart_have_one_roof_between_them():
    """Utilization is over the cycles of all cores: 900 and 1100 of them are 2 x 1000, under a roof of 2 x 256 MACs."""
    parts = ({"core": 0, "cycles": 900}, {"core": 1, "cycles": 1100})
    apart = layer(useful=1100, fill=0, weight=0, tail=0, macs=64_000, utilization=64_000 / (256 * 2000), cores=parts)
    result = run(apart)
    assert dots(result)[0].peak_ops_per_second == pytest.approx(2 * 512 * result.clock_hz)


def test_roofs_too_near_for_a_label_each_share_one():
    """A sparse engine's dense-equivalent peak is another for each layer's zeros."""
    near = {7.0e12: "W16 A16", 7.2e12: "W16 A16", 7.5e12: "W16 A16", 15e12: "W8 A8"}
    assert _roof_labels(near) == [
        (7.5e12, "7.00 TOP/s to 7.50 TOP/s: W16 A16"),
        (15e12, "15.0 TOP/s: W8 A8"),
    ]
