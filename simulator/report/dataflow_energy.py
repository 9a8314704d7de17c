"""Energy a product of several dataflows as stacked bars, one bar a dataflow, one colour a level."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.plots import STYLE, render
from simulator.validation.rows import ValidationReport

LEVELS = ("mac", "rf", "noc", "glb", "dram")
_COLOURS = ("#4d4d4d", "#1b7837", "#7fbf7b", "#af8dc3", "#762a83")


def bars_of(report: ValidationReport) -> dict[str, dict[str, float]]:
    """Return name -> level -> energy of the rows ``energy_<level>`` of a report."""
    bars: dict[str, dict[str, float]] = {}
    for row in report.rows:
        level = row.quantity.removeprefix("energy_")
        if level in LEVELS and row.quantity.startswith("energy_") and row.simulated is not None:
            bars.setdefault(row.name, {})[level] = row.simulated
    return bars


def dataflow_energy_figure(report: ValidationReport) -> Figure:
    """Return the figure: a panel for each way to price the buffer, row stationary first in both."""
    bars = bars_of(report)
    prices = list(dict.fromkeys(name.partition(", ")[2] for name in bars))
    base = {name: levels for name, levels in bars.items() if name.startswith("rs,")}
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(5.0 * len(prices), 4.2), layout="constrained")
        for panel, price in zip(drawn.subplots(1, len(prices), squeeze=False)[0], prices, strict=True):
            chosen = base | {name: levels for name, levels in bars.items() if name.endswith(price)}
            _draw(panel, {name.partition(",")[0]: levels for name, levels in chosen.items()})
            panel.set_title(f"buffer word at {price}")
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=len(LEVELS))
        drawn.suptitle("AlexNet convolutions at equal area: energy a product (ISCA 2016)")
    return drawn


def _draw(panel: Axes, bars: Mapping[str, Mapping[str, float]]) -> None:
    names, below = list(bars), [0.0] * len(bars)
    for level, colour in zip(LEVELS, _COLOURS, strict=True):
        heights = [bars[name].get(level, 0.0) for name in names]
        panel.bar(names, heights, bottom=below, color=colour, label=level, width=0.7)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    for place, total in enumerate(below):
        panel.annotate(f"{total:.1f}\n{total / below[0]:.2f} x", (place, total), ha="center", va="bottom")
    panel.set_ylim(0, max(below) * 1.15)
    panel.set_ylabel("energy a product [MACs]")


def save_dataflow_energy(report: ValidationReport, folder: Path) -> Path:
    """Write the figure as ``<chip>_energy.png`` into ``folder``; return the file.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    path = folder / f"{report.chip}_energy.png"
    write_atomically(path, render(dataflow_energy_figure(report), "png"), SimulatorError)
    return path
