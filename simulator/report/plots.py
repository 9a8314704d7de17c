"""Plots as files: each in PNG and SVG with the CSV it was drawn from, the same bytes for the same result."""

import csv
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from simulator.documents import write_atomically
from simulator.errors import SimulatorError, did_you_mean
from simulator.report.bars import energy_figure, energy_rows, latency_figure, latency_rows
from simulator.report.engine_plots import pe_cycles_figure, pe_cycles_rows, pe_load_figure, pe_load_rows
from simulator.report.over_time import bandwidth_figure, bandwidth_rows, gantt_figure, gantt_rows
from simulator.report.pe_heat import pe_use_figure, pe_use_rows
from simulator.report.roofline import roofline_figure, roofline_rows
from simulator.results import RunResult

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Plot:
    """A kind of plot: how it is drawn, the rows it is drawn from, and whether it needs the run's timeline."""

    draw: Callable[[RunResult], Figure]
    rows: Callable[[RunResult], Rows]
    over_time: bool = False


ENGINE_FIGURES: Mapping[str, Plot] = {
    "pe_cycles": Plot(pe_cycles_figure, pe_cycles_rows),
    "pe_load": Plot(pe_load_figure, pe_load_rows),
}
"""Plots of results whose layers ran on an engine that skips zeros."""

ARRAY_FIGURES: Mapping[str, Plot] = {"pe_use": Plot(pe_use_figure, pe_use_rows)}
"""Plots of results that say where in the array work was done."""

FIGURES: Mapping[str, Plot] = {
    "latency": Plot(latency_figure, latency_rows),
    "energy": Plot(energy_figure, energy_rows),
    "roofline": Plot(roofline_figure, roofline_rows),
    "bandwidth": Plot(bandwidth_figure, bandwidth_rows, over_time=True),
    "gantt": Plot(gantt_figure, gantt_rows, over_time=True),
}
_DOTS_PER_INCH = 150
STYLE: dict[Any, Any] = {"svg.hashsalt": "simulator", "font.size": 9.0, "path.simplify": True}


class Plots:
    """A result's plots as figures: ``result.plot.latency()``, or ``result.plot("latency")``.

    Parameters
    ----------
    result : RunResult
    """

    def __init__(self, result: RunResult) -> None:
        self._result = result

    def __call__(self, kind: str = "latency") -> Figure:
        """Return one plot by its name."""
        return figure(self._result, kind)

    def latency(self) -> Figure:
        """Return cycles of each layer by what they were spent on."""
        return figure(self._result, "latency")

    def energy(self) -> Figure:
        """Return energy of each layer by component."""
        return figure(self._result, "energy")

    def roofline(self) -> Figure:
        """Return what array and DRAM allow, and where each layer lands."""
        return figure(self._result, "roofline")

    def pe_use(self) -> Figure:
        """Return heat maps of the array: what share of each layer's time each PE does useful work."""
        return figure(self._result, "pe_use")

    def pe_cycles(self) -> Figure:
        """Return where the multipliers' cycles went, of an engine that skips zeros."""
        return figure(self._result, "pe_cycles")

    def pe_load(self) -> Figure:
        """Return each PE's load over its layer's mean, of an engine that skips zeros."""
        return figure(self._result, "pe_load")

    def bandwidth(self) -> Figure:
        """Return DRAM bandwidth and buffers over the run; needs ``simulate(..., timeline=True)``."""
        return figure(self._result, "bandwidth")

    def gantt(self, layer: str | None = None) -> Figure:
        """Return one layer's tiles on every resource (by default the layer that waited most); needs the timeline."""
        with mpl.rc_context(STYLE):
            return gantt_figure(self._result, layer)


def figures_of(result: RunResult) -> Mapping[str, Plot]:
    """Return the plots that the result has what it takes for, by name."""
    kept = {kind: plot for kind, plot in FIGURES.items() if result.timeline is not None or not plot.over_time}
    return {**kept, **_special(result)}


def _special(result: RunResult) -> Mapping[str, Plot]:
    """Return the plots that only some kinds of array have."""
    placed = any(layer.pe_use for layer in result.layers)
    return {**(ARRAY_FIGURES if placed else {}), **(ENGINE_FIGURES if _skips(result) else {})}


def _skips(result: RunResult) -> bool:
    return any(layer.pe_cycles for layer in result.layers)


def figure(result: RunResult, kind: str = "latency") -> Figure:
    """Return one plot of a result.

    Parameters
    ----------
    result : RunResult
    kind : {"latency", "energy", "roofline", "bandwidth", "gantt"}
        Bandwidth and Gantt need ``simulate(..., timeline=True)``. And ``pe_use`` of an array with rows and columns;
        ``pe_cycles``, ``pe_load`` of an engine that skips zeros.

    Raises
    ------
    SimulatorError
        No such plot, or no timeline for it.
    """
    with mpl.rc_context(STYLE):
        return _plot(result, kind).draw(result)


def _plot(result: RunResult, kind: str) -> Plot:
    known = {**FIGURES, **_special(result)}
    if kind not in known:
        message = f"plot {kind!r}: no such plot{did_you_mean(kind, known)}; give one of {', '.join(known)}"
        raise SimulatorError(message)
    return known[kind]


def table_csv(result: RunResult, kind: str) -> str:
    """Return what a plot is drawn from; the header names the units.

    Raises
    ------
    SimulatorError
        As :func:`figure`.
    """
    rows = _plot(result, kind).rows(result)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(dict.fromkeys(name for row in rows for name in row)), restval=0)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def render(drawn: Figure, form: str, *, transparent: bool = False) -> bytes:
    """Return a figure as a file of ``form`` (``png`` or ``svg``), without dates or versions in it."""
    stream = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a layer named in a script the font lacks
        drawn.savefig(stream, format=form, dpi=_DOTS_PER_INCH, metadata=metadata, transparent=transparent)
    return stream.getvalue()


def save_plots(result: RunResult, folder: Path, prefix: str = "") -> list[Path]:
    """Write every plot that the result has what it takes for, as PNG, SVG and CSV, and return the files.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    written = []
    for kind in figures_of(result):
        drawn = figure(result, kind)
        files: dict[str, str | bytes] = {form: render(drawn, form) for form in ("png", "svg")}
        files["csv"] = table_csv(result, kind)
        for form, content in files.items():
            path = folder / f"{prefix}{kind}.{form}"
            write_atomically(path, content, SimulatorError)
            written.append(path)
    return written
