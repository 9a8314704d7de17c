"""A validation as a parity plot: published numbers along one axis, ours along the other, a panel for each quantity."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.plots import STYLE, render
from simulator.validation.rows import ValidationReport, ValidationRow

_PANELS_A_ROW = 4
_MOST_PANELS = 12
_LEAST_FOR_LOG = 20.0  # a panel whose numbers span more than this is logarithmic
_LOOKS = {"pass": ("#1b7837", "o"), "fail": ("#c51b29", "X"), "shown": ("#7f7f7f", ".")}


def parity_figure(report: ValidationReport) -> Figure | None:
    """Return the figure of all rows that have two positive numbers, or None where there are none.

    A point on the diagonal is equal; ``pass``, ``fail`` and ``shown`` have a colour and a mark of their own.
    """
    panels: dict[tuple[str, str], list[ValidationRow]] = {}
    for row in report.rows:
        if (row.reference or 0) > 0 and (row.simulated or 0) > 0:
            panels.setdefault((row.quantity, row.unit), []).append(row)
    chosen = sorted(panels.items(), key=lambda item: -len(item[1]))[:_MOST_PANELS]
    if not chosen:
        return None
    columns = min(_PANELS_A_ROW, len(chosen))
    lines = -(-len(chosen) // columns)
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(3.2 * columns, 3.2 * lines + 0.8), layout="constrained")
        axes = drawn.subplots(lines, columns, squeeze=False).ravel()
        for panel, ((quantity, unit), rows) in zip(axes, chosen, strict=False):
            _draw(panel, rows)
            panel.set_title(f"{quantity.replace('_', ' ')} [{unit}]" if unit else quantity.replace("_", " "))
        for panel in axes[len(chosen) :]:
            panel.set_axis_off()
        handles = [
            Line2D([], [], color=colour, marker=mark, linestyle="", label=verdict)
            for verdict, (colour, mark) in _LOOKS.items()
        ]
        drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        drawn.suptitle(f"{report.chip}: reference across, simulated up; equal on the line")
    return drawn


def _draw(panel: Axes, rows: Sequence[ValidationRow]) -> None:
    numbers = [float(number) for row in rows for number in (row.reference, row.simulated) if number]
    low, high = min(numbers), max(numbers)
    if high > _LEAST_FOR_LOG * low:
        panel.set_xscale("log")
        panel.set_yscale("log")
        low, high = low / 1.5, high * 1.5
    else:
        low, high = 0.0, high * 1.08
    panel.plot([low, high], [low, high], color="black", linewidth=0.8)
    for verdict, (colour, mark) in _LOOKS.items():
        ours = [row for row in rows if row.verdict == verdict]
        panel.scatter(
            [row.reference or 0.0 for row in ours],
            [row.simulated or 0.0 for row in ours],
            color=colour,
            marker=mark,
            s=22,
            zorder=2,
        )
    panel.set_xlim(low, high)
    panel.set_ylim(low, high)
    panel.set_aspect("equal")
    panel.grid(alpha=0.3)


def save_parity(report: ValidationReport, folder: Path) -> Path | None:
    """Write the figure as ``<chip>.png`` into ``folder``; None, and no file, where there is nothing to draw.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    drawn = parity_figure(report)
    if drawn is None:
        return None
    path = folder / f"{report.chip}.png"
    write_atomically(path, render(drawn, "png"), SimulatorError)
    return path
