"""The output stream."""

import pytest
from rich.table import Table

from simulator.cli.screen import console, print_lines, print_pairs, print_table, width_of


def test_a_file_gets_every_column_and_no_colour(capsys):
    screen = console()
    assert width_of(screen) is None
    table = Table()
    for index in range(60):
        table.add_column(f"column {index}", no_wrap=True)
    table.add_row(*["1,234,567,890"] * 60)
    print_table(screen, table)
    shown = capsys.readouterr().out
    assert shown.count("1,234,567,890") == 60
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) < 2_000


def test_pairs_line_up_and_lines_are_not_wrapped_nor_marked_up(capsys):
    print_pairs(console(), [("a", "1"), ("long", "[red]2[/]")])
    print_lines(console(), ["x" * 500])
    assert capsys.readouterr().out == "a     1\nlong  [red]2[/]\n" + "x" * 500 + "\n"


@pytest.mark.parametrize("columns", ["30", "60", "200"])
def test_a_narrow_terminal_cuts_nothing(capsys, monkeypatch, columns):
    for name, value in {"COLUMNS": columns, "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    table = Table()
    table.add_column("field", no_wrap=True)
    table.add_column("value", no_wrap=True)
    table.add_column("source", overflow="fold")
    table.add_row("buffers.accumulator.capacity_bytes", "8,000,000,000", "some words about where it is from")
    screen = console()
    assert screen.is_terminal
    print_table(screen, table)
    shown = capsys.readouterr().out
    assert "8,000,000,000" in shown
    assert "buffers.accumulator.capacity_bytes" in shown
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    assert all(word in shown for word in ("some", "words", "about", "where", "from"))
