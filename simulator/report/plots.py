"""Plots as files: each in PNG and SVG, written whole, the same bytes for the same result."""

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from simulator.documents import write_atomically
from simulator.errors import SimulatorError, did_you_mean
from simulator.report.bars import energy_figure, latency_figure
from simulator.report.engine_plots import pe_cycles_figure, pe_load_figure
from simulator.report.roofline import roofline_figure
from simulator.results import RunResult

FIGURES: Mapping[str, Callable[[RunResult], Figure]] = {
    "latency": latency_figure,
    "energy": energy_figure,
    "roofline": roofline_figure,
}
ENGINE_FIGURES: Mapping[str, Callable[[RunResult], Figure]] = {
    "pe_cycles": pe_cycles_figure,
    "pe_load": pe_load_figure,
}
"""Plots of results whose layers ran on an engine that skips zeros."""
_DOTS_PER_INCH = 150
STYLE: dict[Any, Any] = {"svg.hashsalt": "simulator", "font.size": 9.0, "path.simplify": True}


def figure(result: RunResult, kind: str = "latency") -> Figure:
    """Return one plot of a result.

    Parameters
    ----------
    result : RunResult
    kind : {"latency", "energy", "roofline"}
        And ``pe_cycles``, ``pe_load`` of an engine that skips zeros.

    Raises
    ------
    SimulatorError
        No such plot.
    """
    known = figures_of(result)
    if kind not in known:
        message = f"plot {kind!r}: no such plot{did_you_mean(kind, known)}; give one of {', '.join(known)}"
        raise SimulatorError(message)
    with mpl.rc_context(STYLE):
        return known[kind](result)


def figures_of(result: RunResult) -> Mapping[str, Callable[[RunResult], Figure]]:
    """Return the plots that a result has, by name."""
    skips = any(layer.pe_cycles for layer in result.layers)
    return {**FIGURES, **(ENGINE_FIGURES if skips else {})}


def render(drawn: Figure, form: str) -> bytes:
    """Return a figure as a file of ``form`` (``png`` or ``svg``), without dates or versions in it."""
    stream = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a layer named in a script the font lacks
        drawn.savefig(stream, format=form, dpi=_DOTS_PER_INCH, metadata=metadata)
    return stream.getvalue()


def save_plots(result: RunResult, folder: Path, prefix: str = "") -> list[Path]:
    """Write every plot as PNG and SVG into ``folder`` and return the files.

    Raises
    ------
    SimulatorError
        The folder is missing or not writable.
    """
    written = []
    for kind in figures_of(result):
        drawn = figure(result, kind)
        for form in ("png", "svg"):
            path = folder / f"{prefix}{kind}.{form}"
            write_atomically(path, render(drawn, form), SimulatorError)
            written.append(path)
    return written
