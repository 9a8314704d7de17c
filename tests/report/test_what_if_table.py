"""Findings in words and as a table."""

import pytest
from rich.console import Console

from simulator.report.what_if_table import what_helps_most, what_if_table
from simulator.search.what_if import Finding


def finding(name, layer_gain, total_gain=0, setting="--set a=1"):
    return Finding(name, setting, 1000 - layer_gain, 9000 - total_gain, layer_gain, total_gain, 1.05, None)


def shown(findings):
    screen = Console(width=200, color_system=None)
    with screen.capture() as text:
        screen.print(what_if_table(findings)[0])
    return text.get()


def test_the_best_change_is_named_with_its_measured_gain():
    (line,) = what_helps_most([finding("more of it", 250), finding("less", -10)], "c1")
    assert line == (
        "What helps c1 most: more of it (--set a=1): 1,000 to 750 cycles (-25.0 %), measured by running the network so."
    )


def test_another_change_may_be_better_for_the_network():
    lines = what_helps_most([finding("a", 250, 100), finding("b", 10, 900, "")], "c1")
    assert lines[1] == "For the whole network b saves most: 10.0 % of all cycles."
    lines = what_helps_most([finding("a", 250, 100), finding("b", 10, 900)], "c1")
    assert lines[1] == "For the whole network b (--set a=1) saves most: 10.0 % of all cycles."


def test_where_nothing_helps_it_says_so():
    assert "No single change of the 1 tried" in what_helps_most([finding("a", 5)], "c1")[0]
    assert what_helps_most([], "c\x1b1") == ["No change could be tried on c?1."]


def test_the_table_shows_change_and_cost():
    text = shown([finding("a", 250, 900), finding("b", 0, 0, "")])
    first, second = (line.split() for line in text.splitlines() if line.strip()[:2] in ("a ", "b "))
    assert first == ["a", "750", "-25.0", "8,100", "-10.0", "x", "1.050", "-", "--set", "a=1"]
    assert second == ["b", "1,000", "0", "9,000", "0", "x", "1.050", "-"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_shows_what_each_change_is_and_how_to_make_those_that_help(width):
    findings = [
        finding("twice the columns", 250, 900, "--set array.columns=32"),
        finding("twice the capacity of accumulator", -1, 0, "--set buffers.accumulator.capacity_bytes=131072"),
    ]
    table, lines = what_if_table(findings, width)
    screen = Console(width=width, color_system=None)
    with screen.capture() as text:
        screen.print(table)
    assert all(word in text.get() for word in ("twice", "columns", "accumulator", "-25.0", "-10.0"))
    assert lines[0] == "  twice the columns  --set array.columns=32"
    assert ("widen" in lines[-1]) == (width < 100)
    assert what_if_table(findings, 300)[1] == []
