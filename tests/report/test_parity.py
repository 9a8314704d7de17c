"""Parity plots: a panel a quantity, a point a row, its verdict in colour and mark."""

import pytest

from simulator.errors import SimulatorError
from simulator.report.parity import parity_figure, save_parity, save_parity_plots
from simulator.validation.rows import Quantity, ValidationReport, compare

TIME, POWER = Quantity("total_latency", "ms", "fitted", 5.0), Quantity("power", "mW", "published")
ROWS = (
    compare("a", TIME, 10.0, 10.1),
    compare("b", TIME, 1000.0, 1200.0),
    compare("c", POWER, 200.0, 230.0),
    compare("d", POWER, None, 230.0),
)


def test_rows_with_two_numbers_are_points():
    time, power = parity_figure(ValidationReport("chip", ROWS)).axes
    assert (time.get_title(), power.get_title()) == ("total latency [ms]", "power [mW]")
    points = {tuple(point) for dots in time.collections[1:] for point in dots.get_offsets().tolist()}
    assert len(time.collections[0].get_paths()) == 1  # the band
    assert points == {(10.0, 10.1), (1000.0, 1200.0)}
    assert (time.get_xscale(), power.get_xscale()) == ("log", "linear")
    assert sum(len(dots.get_offsets()) for dots in power.collections) == 1


def test_files(tmp_path):
    path = save_parity(ValidationReport("chip", ROWS), tmp_path)
    assert path == tmp_path / "chip.png"
    once = path.read_bytes()
    assert save_parity(ValidationReport("chip", ROWS), tmp_path).read_bytes() == once
    assert save_parity(ValidationReport("none", ROWS[3:]), tmp_path) is None
    with pytest.raises(SimulatorError, match="missing"):
        save_parity(ValidationReport("chip", ROWS), tmp_path / "missing")


def test_a_band_a_mark_for_each_tag_and_red_above_all():
    """Rows of one panel: fitted with a target of 5 %, one of them beyond it; the other panel has no target."""
    time, power = parity_figure(ValidationReport("chip", ROWS)).axes
    assert [text.get_text() for text in time.texts] == ["widest target 5 %"]
    assert not power.texts
    red = [dots for dots in time.collections[1:] if len(dots.get_offsets())][-1]
    assert red.get_facecolor()[0][:3] == pytest.approx((0xC5 / 255, 0x1B / 255, 0x29 / 255))
    assert red.get_sizes()[0] > 40
    (words,) = parity_figure(ValidationReport("chip", ROWS)).legends
    assert [text.get_text() for text in words.get_texts()] == [
        "shown", "pass", "fail", "published", "fitted", "within the widest target",
    ]  # fmt: skip


def test_parity_as_picture_vector_and_numbers_the_same_each_time(tmp_path):
    report = ValidationReport("chip", ROWS)
    paths = save_parity_plots(report, tmp_path)
    assert [path.name for path in paths] == ["chip_parity.png", "chip_parity.svg", "chip_parity.csv"]
    once = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in save_parity_plots(report, tmp_path)] == once
    assert save_parity_plots(ValidationReport("none", ROWS[3:]), tmp_path) == []
