"""Measurements beside their goals: a table on the screen, a page and a JSON document."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks.goals import GOALS, Goal
from benchmarks.measurement import Measurement

COLUMNS = ("what", "median (wall)", "best", "median (processor)", "target", "margin", "verdict")
COLOURS = {"pass": "green", "FAIL": "bold red"}
INTRODUCTION = """# Benchmarks

Written by `python -m benchmarks --write`; not edited by hand.

- *median (wall)* is what a user waits, and what the verdict looks at; *best* is the least disturbed repeat;
  *median (processor)* is the time on a core, which other work on the machine disturbs less.
- *margin* is how many times better than its target a median is; below 1 the target is missed.
- Warm: kernels compiled. `simulate` keeps nothing between calls: mapping search is inside its times.
- Peers' figures are quoted, not measured in this run.
"""

TOY = "**Made with `--quick`: a toy network stands in for each one, so nothing here is evidence.**\n"
BUSY = """**More processes than cores wanted to run meanwhile: wall times are too long, rates too low. Where median
(wall) and median (processor) differ much, run this again on a quiet machine before believing a FAIL.**
"""


@dataclass(frozen=True)
class Line:
    """One goal and what was measured for it, None where nothing was; a toy network proves nothing and is not judged."""

    goal: Goal
    measurement: Measurement | None
    is_toy: bool = False

    @property
    def margin(self) -> float | None:
        """How many times better than the limit."""
        if self.measurement is None or self.goal.limit is None or self.is_toy:
            return None
        median, limit = self.measurement.median, self.goal.limit
        return median / limit if self.goal.at_least else limit / median

    @property
    def verdict(self) -> str:
        if self.measurement is None:
            return "not measured"
        if self.margin is None:
            return ""
        return "pass" if self.margin >= 1 else "FAIL"

    def cells(self) -> tuple[str, ...]:
        """Return the texts of COLUMNS."""
        found, goal = self.measurement, self.goal
        numbers = ("", "", "")
        if found is not None:
            numbers = tuple(shown(value, found.unit) for value in (found.median, found.best, found.cpu_median))  # type: ignore[assignment]
        sign = ">=" if goal.at_least else "<="
        target = "" if goal.limit is None else f"{sign} {shown(goal.limit, goal.unit)}"
        margin = "" if self.margin is None else shown(self.margin, "x")
        return (goal.title, *numbers, target, margin, self.verdict)


def lines_of(measurements: Sequence[Measurement], *, is_toy: bool) -> list[Line]:
    """Return a line for each goal."""
    found = {measurement.name: measurement for measurement in measurements}
    return [Line(goal, found.get(goal.measurement), is_toy) for goal in GOALS]


def shown(value: float | None, unit: str) -> str:
    """Write a number as people read it."""
    if value is None:
        return ""
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits}x" if unit == "x" else f"{digits} {unit}".strip()


def screen_table(lines: Sequence[Line]) -> Table:
    """Return the lines as a table for a terminal."""
    table = Table(title="Benchmarks: the verdict is on the median wall time")
    for i, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if i == 0 else "right")
    group = ""
    for line in lines:
        if line.goal.group != group:
            group = line.goal.group
            table.add_section()
            table.add_row(f"[bold]{group}[/bold]")
        table.add_row(*line.cells(), style=COLOURS.get(line.verdict))
    return table


def markdown(lines: Sequence[Line], machine: dict[str, Any]) -> str:
    """Return the page."""
    busy = max(machine.get("load before", 0), machine.get("load after", 0)) > machine["cores"]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    parts = [
        INTRODUCTION,
        *([TOY] if any(line.is_toy for line in lines) else []),
        *([BUSY] if busy else []),
        f"Machine: {facts}.\n",
    ]
    for group in dict.fromkeys(line.goal.group for line in lines):
        mine = [line for line in lines if line.goal.group == group]
        parts += [f"## {group}\n", _row(COLUMNS), _row(["---", *["---:"] * (len(COLUMNS) - 1)])]
        parts += [_row(line.cells()) for line in mine]
        notes = [note for line in mine for note in _notes(line)]
        parts += ["", *notes, ""] if notes else [""]
    return "\n".join(parts).rstrip() + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(line: Line) -> list[str]:
    found = line.measurement
    texts = [found.note] if found and found.note else []
    texts += [f"peers: {line.goal.peers}"] if line.goal.peers else []
    return [f"- {line.goal.title}: {'; '.join(texts)}"] if texts else []


def document(lines: Sequence[Line], machine: dict[str, Any]) -> str:
    """Return the JSON document: every repeat of every measurement."""
    rows = [
        {
            "group": line.goal.group,
            "measurement": line.goal.measurement,
            "what": line.goal.title,
            "unit": line.measurement.unit if line.measurement else None,
            "target": line.goal.limit,
            "target_is": None if line.goal.limit is None else ("at least" if line.goal.at_least else "at most"),
            "measured": line.measurement.median if line.measurement else None,
            "best": line.measurement.best if line.measurement else None,
            "processor": line.measurement.cpu_median if line.measurement else None,
            "repeats": list(line.measurement.values) if line.measurement else [],
            "ratio": line.margin,
            "verdict": line.verdict or None,
            "note": line.measurement.note if line.measurement else "",
            "peers": line.goal.peers,
        }
        for line in lines
    ]
    return json.dumps({"machine": machine, "lines": rows}, indent=1) + "\n"
