"""The table of layers: whole where there is room, fewer columns where not, numbers never cut."""

import io

import pytest
from rich.console import Console

from simulator.report.layer_table import COLUMNS, layer_table
from tests.report.sample_results import layer, pool, run, unmapped


def printed(result, width=None):
    table, hidden = layer_table(result, width)
    stream = io.StringIO()
    Console(file=stream, width=width or 10_000, markup=False).print(table)
    return stream.getvalue(), hidden


def test_every_column_and_number_is_there():
    text, hidden = printed(run(layer("c1"), pool("p1")))
    assert not hidden
    assert all(column.heading in text for column in COLUMNS)
    row = next(line for line in text.splitlines() if " c1 " in line).split()
    assert row[:6] == ["c1", "conv2d", "ws", "4/8", "0.0640", "1,000"]
    assert row[6:] == ["50.0", "25.0", "60.0", "10.0", "30.0", "weight", "20", "%", "0.00400", "8.000"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_a_narrow_terminal_loses_columns_not_digits(width):
    text, hidden = printed(run(layer("a" * 12, useful=123_456_789)), width)
    assert hidden
    assert max(len(line) for line in text.splitlines()) <= width
    assert "123,457,189" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_a_long_name_keeps_both_ends_on_a_terminal_and_is_whole_elsewhere():
    name = "encoder." * 20 + "end"
    assert name in printed(run(layer(name)))[0]
    narrow = printed(run(layer(name)), 120)[0]
    assert "encoder.enc" in narrow
    assert "end " in narrow


def test_unknown_times_are_dashes_and_assumed_widths_are_marked():
    row = next(line for line in printed(run(unmapped("u")))[0].splitlines() if " u " in line)
    assert row.split()[5:11] == ["-"] * 6
    assert "4/8*" in printed(run(layer(precision_assumed=True)))[0]


def test_markup_in_a_name_is_text():
    assert "[red]x[/nope]" in printed(run(layer("[red]x[/nope]")))[0]


def test_the_other_tools_convention_stands_beside_ours_when_asked_for():
    counts = {"total_cycles": 4321, "overall_utilization_pct": 12.345, "mapping_efficiency_pct": 50.0}
    text, _ = printed(run(layer("c1", compat_scalesim=counts), pool("p1")))
    assert "SCALE-Sim cycles" in text
    assert next(line for line in text.splitlines() if " c1 " in line).split()[-3:] == ["4,321", "12.35", "50.00"]
    assert next(line for line in text.splitlines() if " p1 " in line).split()[-3:] == ["-", "-", "-"]
    assert "SCALE-Sim" not in printed(run())[0]
