"""Sweeps of a validation as one figure: a panel for each, a line for each layer; and its numbers."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.plots import STYLE, render
from simulator.validation.eie_sweeps import Sweep

_PANELS_A_ROW = 3
_LEAST_FOR_LOG = 20.0  # a panel whose values span more than this is logarithmic


def sweeps_figure(sweeps: Sequence[Sweep], title: str) -> Figure:
    """Return one figure of all ``sweeps``; the lines of a layer share a colour."""
    rows = -(-len(sweeps) // _PANELS_A_ROW)
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(4.0 * _PANELS_A_ROW, 3.2 * rows + 0.8), layout="constrained")
        panels = drawn.subplots(rows, _PANELS_A_ROW, squeeze=False).ravel()
        for panel, sweep in zip(panels, sweeps, strict=False):
            _draw(panel, sweep)
        for panel in panels[len(sweeps) :]:
            panel.set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=5)
        drawn.suptitle(title)
    return drawn


def _draw(panel: Axes, sweep: Sweep) -> None:
    for name, line in sweep.lines.items():
        panel.plot(sweep.values, line, marker="o", markersize=3, linewidth=1, label=name)
    panel.set_xscale("log", base=2)
    panel.set_xticks(sweep.values, [str(value) for value in sweep.values])
    panel.set_xlabel(sweep.swept)
    panel.set_ylabel(f"{sweep.quantity} [{sweep.unit}]" if sweep.unit else sweep.quantity)
    drawn = [value for line in sweep.lines.values() for value in line]
    if min(drawn, default=0.0) > 0 and max(drawn) > _LEAST_FOR_LOG * min(drawn):
        panel.set_yscale("log")
    elif drawn:
        panel.set_ylim(bottom=0.0)
    panel.grid(alpha=0.3)


def save_sweeps(sweeps: Sequence[Sweep], chip: str, title: str, folder: Path) -> list[Path]:
    """Write ``<chip>_sweeps.png``, ``.svg`` and the numbers as ``.csv`` into ``folder``; return the files.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    drawn = sweeps_figure(sweeps, title)
    contents: dict[str, bytes | str] = {form: render(drawn, form) for form in ("png", "svg")}
    contents["csv"] = sweeps_csv(sweeps)
    for form, content in contents.items():
        write_atomically(folder / f"{chip}_sweeps.{form}", content, SimulatorError)
    return [folder / f"{chip}_sweeps.{form}" for form in contents]


def sweeps_csv(sweeps: Sequence[Sweep]) -> str:
    """Return every point of ``sweeps``, a line each.

    Examples
    --------
    >>> sweep = Sweep("pe_count", "speed-up", "x", "PEs", (1, 2), {"Alex-6": (1.0, 1.9)})
    >>> print(sweeps_csv([sweep]).replace(chr(13), ""), end="")
    sweep,swept,at,layer,quantity,unit,value
    pe_count,PEs,1,Alex-6,speed-up,x,1.0
    pe_count,PEs,2,Alex-6,speed-up,x,1.9
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(("sweep", "swept", "at", "layer", "quantity", "unit", "value"))
    for sweep in sweeps:
        for layer, line in sweep.lines.items():
            for at, value in zip(sweep.values, line, strict=True):
                writer.writerow((sweep.name, sweep.swept, at, layer, sweep.quantity, sweep.unit, value))
    return stream.getvalue()
