"""Stacked bars of the dataflows: a panel a price, row stationary first in each."""

import pytest

from simulator.report.dataflow_energy import bars_of, dataflow_energy_figure, save_dataflow_energy
from simulator.validation.rows import Quantity, ValidationReport, compare

ROWS = tuple(
    compare(name, Quantity(f"energy_{level}", "MACs", "predicted"), None, value)
    for name, values in (("rs, own price", (1, 4)), ("ws, own price", (1, 7)), ("ws, paper's price", (1, 6)))
    for level, value in zip(("mac", "rf"), values, strict=True)
)
REPORT = ValidationReport("chip", ROWS)


def test_bars_are_the_rows():
    assert bars_of(REPORT)["ws, own price"] == {"mac": 1, "rf": 7}
    own, paper = dataflow_energy_figure(REPORT).axes
    assert [label.get_text() for label in own.get_xticklabels()] == ["rs", "ws"]
    assert [label.get_text() for label in paper.get_xticklabels()] == ["rs", "ws"]
    assert max(bar.get_y() + bar.get_height() for bar in own.patches) == pytest.approx(8)
    assert max(bar.get_y() + bar.get_height() for bar in paper.patches) == pytest.approx(7)


def test_the_file_is_the_same_each_time(tmp_path):
    once = save_dataflow_energy(REPORT, tmp_path).read_bytes()
    assert save_dataflow_energy(REPORT, tmp_path).read_bytes() == once
