"""Parity plots: a panel a quantity, a point a row, its verdict in colour and mark."""

import pytest

from simulator.errors import SimulatorError
from simulator.report.parity import parity_figure, save_parity
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
    points = {tuple(point) for dots in time.collections for point in dots.get_offsets().tolist()}
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
