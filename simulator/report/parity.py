"""A validation as a parity plot: published numbers along one axis, ours along the other, a panel for each quantity."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.plots import STYLE, render
from simulator.validation.rows import ValidationReport, ValidationRow

_PANELS_A_ROW = 4
_MOST_PANELS = 12
_BAND_ALPHA = 0.12
_LEAST_INCHES = 6.4  # of width: title and legend need it
_LEAST_FOR_LOG = 20.0  # a panel whose numbers span more than this is logarithmic
_COLORS = {"shown": "#7f7f7f", "pass": "#1b7837", "fail": "#c51b29"}  # red is drawn last, over the others
_SIZES = {"shown": 14, "pass": 22, "fail": 48}
_MARKS = {"published": "o", "recalled": "s", "fitted": "^", "inferred": "D", "predicted": "v"}


def parity_figure(report: ValidationReport) -> Figure | None:
    """Return the figure of all rows that have two positive numbers, or None where there are none.

    A point on the diagonal is equal, within the band it meets its panel's widest target. The colour is the verdict, the
    mark says what the comparison rests on: ``published`` numbers, ``fitted`` ones and so on.
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
        drawn = Figure(figsize=(max(_LEAST_INCHES, 3.2 * columns), 3.2 * lines + 0.8), layout="constrained")
        axes = drawn.subplots(lines, columns, squeeze=False).ravel()
        for panel, ((quantity, unit), rows) in zip(axes, chosen, strict=False):
            _draw(panel, rows)
            panel.set_title(f"{quantity.replace('_', ' ')} [{unit}]" if unit else quantity.replace("_", " "))
        for panel in axes[len(chosen) :]:
            panel.set_axis_off()
        drawn.legend(handles=_handles([row for _, rows in chosen for row in rows]), loc="outside lower center", ncols=4)
        drawn.suptitle(f"{report.chip}: reference across, simulated up; equal on the line")
    return drawn


def _handles(rows: Sequence[ValidationRow]) -> list[Artist]:
    """Return a legend of what is drawn: verdicts by colour, tags by mark, the band."""
    verdicts, tags = {row.verdict for row in rows}, {row.tag for row in rows}
    handles: list[Artist] = [
        Line2D([], [], color=color, marker="o", linestyle="", label=verdict)
        for verdict, color in _COLORS.items()
        if verdict in verdicts
    ]
    handles += [
        Line2D([], [], color="black", fillstyle="none", marker=mark, linestyle="", label=tag)
        for tag, mark in _MARKS.items()
        if tag in tags
    ]
    if any(row.target_pct for row in rows):
        handles.append(Patch(color="black", alpha=_BAND_ALPHA, linewidth=0, label="within the widest target"))
    return handles


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
    target = max((row.target_pct or 0.0 for row in rows), default=0.0)
    if target:
        below, above = ([end * (1 + side * target / 100) for end in (low, high)] for side in (-1, 1))
        panel.fill_between([low, high], below, above, color="black", alpha=_BAND_ALPHA, linewidth=0, zorder=1)
        panel.text(0.97, 0.03, f"widest target {target:.2g} %", transform=panel.transAxes, ha="right", fontsize=7)
    for verdict, color in _COLORS.items():
        for tag, mark in _MARKS.items():
            ours = [row for row in rows if (row.verdict, row.tag) == (verdict, tag)]
            panel.scatter(
                [row.reference or 0.0 for row in ours],
                [row.simulated or 0.0 for row in ours],
                color=color,
                marker=mark,
                s=_SIZES[verdict],
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


def save_parity_plots(report: ValidationReport, folder: Path) -> list[Path]:
    """Write ``<chip>_parity`` as PNG and SVG, and as CSV the rows it was drawn from; nothing where there are none.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    drawn = parity_figure(report)
    if drawn is None:
        return []
    contents: dict[str, bytes | str] = {"png": render(drawn, "png"), "svg": render(drawn, "svg")}
    contents["csv"] = report.to_csv()
    for form, content in contents.items():
        write_atomically(folder / f"{report.chip}_parity.{form}", content, SimulatorError)
    return [folder / f"{report.chip}_parity.{form}" for form in contents]
