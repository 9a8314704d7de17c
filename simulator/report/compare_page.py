"""Several results beside each other as a page and a plot: what changed in each layer, and where the cycles went."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.bars import ENERGY_COLORS, TIME_COLORS
from simulator.report.breakdown import kinds_present, time_split
from simulator.report.comparison import TOTALS, cause_of_change, describe_runs, letters
from simulator.report.inline_svg import inline_svg
from simulator.report.page import part_of_page, template
from simulator.report.plots import STYLE, render
from simulator.report.quantities import UNKNOWN, count, percent, printable, ratio, significant
from simulator.results import RunResult
from simulator.units import PJ_PER_J

Row = list[str]


def compare_figure(results: Sequence[RunResult]) -> Figure:
    """Return two stacks of bars, a run each: cycles by what they were spent on, and energy by component."""
    times: list[dict[str, float]] = [{**time_split(run.total)} for run in results]
    energies = [{name: pj / PJ_PER_J for name, pj in run.total.energy_by_component_pj.items()} for run in results]
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(9.0, 3.0 + 0.35 * len(results)), layout="constrained")
        panels = drawn.subplots(1, 2)
        for axes, splits, colors, label, unit in (
            (panels[0], times, TIME_COLORS, "cycles", ""),
            (panels[1], energies, ENERGY_COLORS, "energy", "J"),
        ):
            left = [0.0] * len(results)
            for kind in kinds_present(splits):
                widths = [split.get(kind, 0.0) for split in splits]
                axes.barh(range(len(results)), widths, left=left, height=0.7, color=colors.get(kind), label=kind)
                left = [start + width for start, width in zip(left, widths, strict=True)]
            axes.set_yticks(range(len(results)), letters(len(results)))
            axes.set_ylim(len(results) - 0.5, -0.5)
            axes.set_xlabel(label)
            axes.xaxis.set_major_formatter(EngFormatter(unit=unit, sep=" " if unit else ""))
            axes.grid(axis="x", color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2, frameon=False, fontsize=7.5)
    return drawn


def save_compare(names: Sequence[str], results: Sequence[RunResult], folder: Path) -> list[Path]:
    """Write the bars as ``compare.png`` and ``.svg``, and their numbers as CSV, into ``folder``; return the files.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    drawn = compare_figure(results)
    subjects = [f"{letter}: {about}" for letter, about in describe_runs(names, results)]
    drawn.suptitle("\n".join(subjects), fontsize=7.5, parse_math=False)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(results))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["run", "quantity", "kind", "value"])
    writer.writeheader()
    writer.writerows(compare_rows(results))
    files: dict[str, str | bytes] = {form: render(drawn, form) for form in ("png", "svg")} | {"csv": stream.getvalue()}
    written = []
    for form, content in files.items():
        written.append(folder / f"compare.{form}")
        write_atomically(written[-1], content, SimulatorError)
    return written


def compare_page(names: Sequence[str], results: Sequence[RunResult]) -> str:
    """Return a self-contained page.

    Parameters
    ----------
    names : sequence of str
        Of the files.
    results : sequence of RunResult
        The first is what the others are measured against.
    """
    label = "Cycles and energy of each run, stacked: the numbers stand in the tables"
    return template("compare.html.jinja").render(
        title=f"{len(results)} results compared",
        style=part_of_page("page.css"),
        script=part_of_page("page.js"),
        runs=list(describe_runs(names, results)),
        tables=[
            ("Totals", _totals(results)),
            ("Cycles by cause", _split_rows(results, [{**time_split(run.total)} for run in results], whole=True)),
            ("Energy by component [mJ]", _split_rows(results, _millijoules(results), whole=False)),
        ],
        plot=Markup(inline_svg(compare_figure(results), "compare-", label)),  # noqa: S704 - drawn here
        layers=layer_rows(results),
    )


def _millijoules(results: Sequence[RunResult]) -> list[dict[str, float]]:
    return [{name: pj / PJ_PER_J * 1e3 for name, pj in run.total.energy_by_component_pj.items()} for run in results]


def _headings(results: Sequence[RunResult], first: str) -> Row:
    found = [first]
    for letter in letters(len(results)):
        found += [letter] if letter == "A" else [letter, f"{letter}/A"]
    return found


def _totals(results: Sequence[RunResult]) -> list[Row]:
    rows = [_headings(results, "total")]
    for name, value_of in TOTALS.items():
        values = [value_of(run) for run in results]
        rows.append([name, *_cells(values, whole=name == "cycles")])
    return rows


def _split_rows(results: Sequence[RunResult], splits: Sequence[dict[str, float]], *, whole: bool) -> list[Row]:
    kinds = kinds_present(splits)
    values = {kind: [split.get(kind, 0.0) for split in splits] for kind in kinds}
    return [_headings(results, "kind"), *([kind, *_cells(values[kind], whole=whole)] for kind in kinds)]


def _cells(values: Sequence[float | None], *, whole: bool) -> Row:
    cells = []
    for index, value in enumerate(values):
        cells.append(UNKNOWN if value is None else count(int(value)) if whole else significant(float(value), 4))
        if index:
            cells.append(ratio(value, values[0]))
    return cells


def layer_rows(results: Sequence[RunResult]) -> list[Row]:
    """Return a heading and a row a layer: cycles of A and the last run, the change, its share of A, and why."""
    first, last = results[0], results[-1]
    mark = letters(len(results))[-1]
    rows = [["layer", "A cycles", f"{mark} cycles", "change", "of A [%]", "mainly", "A [µJ]", f"{mark} [µJ]"]]
    before = {layer.name: layer for layer in first.layers}
    after = {layer.name: layer for layer in last.layers}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        both = old is not None and new is not None and old.cycles is not None and new.cycles is not None
        change = (new.cycles or 0) - (old.cycles or 0) if old and new and both else None
        why = cause_of_change(old, new) if old and new and both else ("only in A" if old else f"only in {mark}")
        rows.append(
            [
                printable(name),
                count(old.cycles if old else None),
                count(new.cycles if new else None),
                UNKNOWN if change is None else f"{change:+,}",
                percent(change, first.total.cycles) if change is not None else UNKNOWN,
                why,
                significant(old.total_energy_pj / 1e6, 4) if old else UNKNOWN,
                significant(new.total_energy_pj / 1e6, 4) if new else UNKNOWN,
            ]
        )
    return rows


def compare_rows(results: Sequence[RunResult]) -> list[dict[str, Any]]:
    """Return what the plot draws: a run and kind a row."""
    return [
        {"run": letter, "quantity": quantity, "kind": kind, "value": value}
        for letter, run in zip(letters(len(results)), results, strict=True)
        for quantity, split in (("cycles", time_split(run.total)), ("energy_pj", run.total.energy_by_component_pj))
        for kind, value in split.items()
    ]
