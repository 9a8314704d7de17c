"""Pareto fronts: designs as dots, those that no other beats joined by a line; what one number costs in another."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.bars import short_label
from simulator.report.log_axis import label_log
from simulator.report.plots import STYLE, render
from simulator.report.quantities import printable, with_prefix

MOST_NAMED = 8
_MARKS = "osD^vP*X"
_COLORS = ("#2b6ca3", "#d9762b", "#5aa69b", "#8e2f46", "#7d5fa3", "#a88a2d", "#444444", "#8c8c8c")
_LEAST_FOR_LOG = 10.0


@dataclass(frozen=True)
class Point:
    """A design: its place, which series it belongs to, and its name."""

    across: float
    up: float
    series: str
    name: str


@dataclass(frozen=True)
class Axes:
    """What the two numbers are (names of columns, with their units), and the plot's title."""

    across: str
    up: str
    title: str


def on_front(points: Sequence[Point]) -> list[bool]:
    """Say of each point whether no other is at most equal in both numbers and less in one.

    Examples
    --------
    >>> on_front([Point(1, 5, "", "a"), Point(2, 4, "", "b"), Point(2, 5, "", "c")])
    [True, True, False]
    """
    found = [False] * len(points)
    least, last = float("inf"), (0.0, 0.0)
    for i in sorted(range(len(points)), key=lambda i: (points[i].across, points[i].up)):
        place = points[i].across, points[i].up
        if points[i].up < least:
            least, last, found[i] = points[i].up, place, True
        else:
            found[i] = place == last  # equal to one on the front
    return found


def pareto_rows(points: Sequence[Point], axes: Axes) -> list[dict[str, Any]]:
    """Return what the plot draws: a design a row, and whether it is on the front of its series."""
    return [
        {
            "series": printable(point.series),
            "name": printable(point.name),
            axes.across: point.across,
            axes.up: point.up,
            "on_front": int(kept),
        }
        for point, kept in zip(points, _fronts(points), strict=True)
    ]


def _fronts(points: Sequence[Point]) -> list[bool]:
    """Each series has a front of its own: designs of different networks do not beat each other."""
    found = [False] * len(points)
    for series in dict.fromkeys(point.series for point in points):
        places = [i for i, point in enumerate(points) if point.series == series]
        for i, kept in zip(places, on_front([points[i] for i in places]), strict=True):
            found[i] = kept
    return found


def pareto_figure(points: Sequence[Point], axes: Axes) -> Figure:
    """Return all designs as dots; those of each front joined, and named where there are few."""
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(9.0, 5.6), layout="constrained")
        panel = drawn.add_subplot()
        front = _fronts(points)
        series = list(dict.fromkeys(point.series for point in points))
        for index, name in enumerate(series):
            mine = [(point, kept) for point, kept in zip(points, front, strict=True) if point.series == name]
            color, mark = _COLORS[index % len(_COLORS)], _MARKS[index % len(_MARKS)]
            best = sorted((point for point, kept in mine if kept), key=lambda point: (point.across, -point.up))
            others = [point for point, kept in mine if not kept]
            panel.plot(
                [one.across for one in others], [one.up for one in others], mark, color=color, alpha=0.3, markersize=4
            )
            panel.step(
                [one.across for one in best], [one.up for one in best], where="post", color=color, linewidth=1.2,
                marker=mark, markersize=6, label=f"{printable(name)}: {len(best)} of {len(mine)} designs on the front",
            )  # fmt: skip
            _name(panel, best)
        _scales(panel, points, axes)
        if points:
            drawn.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
        drawn.suptitle(axes.title, fontsize=10, parse_math=False)
    return drawn


def _name(panel: Any, best: Sequence[Point]) -> None:  # noqa: ANN401 - matplotlib's Axes
    """Name the designs of a front, of many every so-manieth."""
    every = max(1, -(-len(best) // MOST_NAMED))
    for point in best[::every]:
        panel.annotate(
            short_label(point.name), (point.across, point.up), xytext=(5, 4), textcoords="offset points", fontsize=7,
            parse_math=False,
        )  # fmt: skip


def _scales(panel: Any, points: Sequence[Point], axes: Axes) -> None:  # noqa: ANN401 - likewise
    panel.set_xlabel(axes.across.replace("_", " "))
    panel.set_ylabel(axes.up.replace("_", " "))
    for axis, values in ((panel.xaxis, [p.across for p in points]), (panel.yaxis, [p.up for p in points])):
        if values and min(values) > 0 and max(values) > _LEAST_FOR_LOG * min(values):
            (panel.set_xscale if axis is panel.xaxis else panel.set_yscale)("log")
            label_log(axis, (min(values), max(values)), lambda value: with_prefix(value, "", 1))
        else:
            axis.set_major_formatter(EngFormatter(sep=" "))
    panel.margins(x=0.12, y=0.1)
    panel.grid(color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def sweep_points(rows: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return the designs of a sweep's results that ran: cycles across, energy [pJ] up, a series a network."""
    names = ("accelerator", "bits", "dataflow", "objective", "sparsity")
    several = [name for name in names if len({row[name] for row in rows}) > 1]
    return [
        Point(
            float(row["cycles"]),
            float(row["energy_pj"]),
            str(row["workload"]),
            " ".join(str(row[name]) for name in several if row[name] is not None) or str(row["number"]),
        )
        for row in rows
        if row["cycles"] is not None and row["energy_pj"] is not None
    ]


SWEEP_AXES = Axes("cycles", "energy_pj", "Sweep: cycles against energy; a design on the line is beaten by no other")


def save_pareto(points: Sequence[Point], axes: Axes, folder: Path, name: str = "pareto") -> list[Path]:
    """Write the plot as PNG and SVG and its rows as CSV into ``folder``; return the files.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    drawn = pareto_figure(points, axes)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["series", "name", axes.across, axes.up, "on_front"])
    writer.writeheader()
    writer.writerows(pareto_rows(points, axes))
    files: dict[str, str | bytes] = {form: render(drawn, form) for form in ("png", "svg")} | {"csv": stream.getvalue()}
    written = []
    for form, content in files.items():
        written.append(folder / f"{name}.{form}")
        write_atomically(written[-1], content, SimulatorError)
    return written
