"""Tables that lose columns, not digits."""

import io

import pytest
from rich.console import Console

from simulator.report.fitted_table import LONGEST_NAME, TextColumn, fitted_table, least_width, shortened

COLUMNS = [
    TextColumn("change", ["twice the capacity of accumulator", "one"], 0, left=True, wraps=True),
    TextColumn("layer\ncycles", ["1,234,567", "8"], 2),
    TextColumn("change [%]", ["-10.5", "+2.0"], 0),
    TextColumn("how", ["--set buffers.accumulator.capacity_bytes=131072", ""], 3),
]


def printed(width):
    table, hidden = fitted_table(COLUMNS, width)
    stream = io.StringIO()
    Console(file=stream, width=width or 1000, markup=False).print(table)
    return stream.getvalue(), hidden, table


def test_without_a_limit_everything_is_there():
    text, hidden, table = printed(None)
    assert not hidden
    assert "capacity_bytes=131072" in text
    assert least_width(table) > 60


@pytest.mark.parametrize(("width", "gone"), [(200, []), (70, ["how"]), (55, ["how"]), (40, ["layer cycles", "how"])])
def test_the_highest_ranks_go_first_and_words_wrap(width, gone):
    text, hidden, table = printed(width)
    assert hidden == gone
    assert max(len(line) for line in text.splitlines()) <= width
    assert least_width(table) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "-10.5" in text
    assert all(word in text for word in ("twice", "capacity", "accumulator"))


def test_what_may_not_go_stays_however_narrow():
    assert fitted_table(COLUMNS, 5)[1] == ["layer cycles", "how"]


def test_long_names_keep_both_ends():
    assert shortened("a" * LONGEST_NAME) == "a" * LONGEST_NAME
    assert shortened("begin." + "x" * 60 + ".end").startswith("begin.xx")
    assert shortened("begin." + "x" * 60 + ".end").endswith("x.end")
    assert len(shortened("x" * 99)) <= LONGEST_NAME
