"""Stacked bars, a layer each: where its cycles went, and where its energy went."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter

from simulator.report.breakdown import TAIL_WORD, kinds_present, time_split
from simulator.report.quantities import count, printable, with_prefix
from simulator.results import RunResult
from simulator.units import PJ_PER_J, ceil_div

TIME_COLORS = {
    "useful": "#2b6ca3",
    "fill": "#8ebbe0",
    "drain": "#b9d7ef",
    "imbalance": "#7d9bb0",
    "operand bus": "#5f7f96",
    "wait: weight": "#d9762b",
    "wait: ifmap": "#eda45f",
    "wait: psum": "#c24d3f",
    "wait: ofmap slot": "#8e2f46",
    "wait: dependency": "#f2c9a1",
    "wait: vector unit": "#a88a2d",
    "wait: host": "#6b5b95",
    TAIL_WORD: "#b5b5b5",
}
ENERGY_COLORS = {
    "mac": "#2b6ca3",
    "rf": "#8ebbe0",
    "noc": "#5aa69b",
    "glb": "#e3b13c",
    "dram": "#c24d3f",
    "vector": "#7d5fa3",
    "static": "#8c8c8c",
    "clock": "#c4c4c4",
}
_SPARE_COLORS = ("#444444", "#777777", "#aaaaaa")
_SINGLE_INCHES, _PANEL_INCHES = 9.0, 6.4
_MARGIN_INCHES = 1.9
ROWS_A_PANEL = 64
LONGEST_LABEL = 30

Split = Mapping[str, float]


def latency_figure(result: RunResult) -> Figure:
    """Return cycles of every layer, split into work and each kind of waiting."""
    drawn, panels = bars(result, [{**time_split(layer)} for layer in result.layers], TIME_COLORS)
    for axes in panels:
        axes.set_xlabel("cycles")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        seconds = axes.secondary_xaxis("top", functions=(_times(1.0 / result.clock_hz), _times(result.clock_hz)))
        seconds.xaxis.set_major_formatter(EngFormatter(unit="s"))
        seconds.tick_params(labelsize=8)
    total = result.total
    title(drawn, result, f"latency {with_prefix(total.latency_s, 's')}, {count(total.cycles)} cycles")
    return drawn


def energy_figure(result: RunResult) -> Figure:
    """Return energy of every layer, split by component."""
    splits = [{name: pj / PJ_PER_J for name, pj in layer.energy_pj.items()} for layer in result.layers]
    drawn, panels = bars(result, splits, ENERGY_COLORS)
    for axes in panels:
        axes.set_xlabel("energy")
        axes.xaxis.set_major_formatter(EngFormatter(unit="J"))
    title(drawn, result, f"energy {with_prefix(result.total.energy_pj / PJ_PER_J, 'J')}, {result.energy_profile}")
    return drawn


def latency_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return what the latency plot draws: cycles of each layer by what they were spent on."""
    splits = [time_split(layer) for layer in result.layers]
    kinds = kinds_present(splits)
    names = {kind: kind.replace(": ", "_").replace(" ", "_").replace("-", "_") + "_cycles" for kind in kinds}
    return [
        {"layer": printable(layer.name), **{names[kind]: split[kind] for kind in kinds}}
        for layer, split in zip(result.layers, splits, strict=True)
    ]


def energy_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return what the energy plot draws: energy of each layer by component [pJ]."""
    kinds = kinds_present([layer.energy_pj for layer in result.layers])
    return [
        {"layer": printable(layer.name), **{f"{kind}_pj": layer.energy_pj.get(kind, 0.0) for kind in kinds}}
        for layer in result.layers
    ]


def _times(factor: float) -> Callable[[Any], Any]:
    return lambda values: np.asarray(values) * factor


def bars(result: RunResult, splits: Sequence[Split], colors: Mapping[str, str]) -> tuple[Figure, list[Axes]]:
    """Draw one horizontal bar a layer, in the order of execution from the top; long networks in several panels."""
    panels = max(1, ceil_div(len(splits), ROWS_A_PANEL))
    rows = max(1, ceil_div(len(splits), panels))
    width = _SINGLE_INCHES if panels == 1 else panels * _PANEL_INCHES
    drawn = Figure(figsize=(width, _MARGIN_INCHES + rows * (0.3 if rows <= 12 else 0.19)), layout="constrained")
    kinds = kinds_present(splits)
    shades = {kind: colors.get(kind, _SPARE_COLORS[i % len(_SPARE_COLORS)]) for i, kind in enumerate(kinds)}
    longest = max((sum(split.values()) for split in splits), default=0.0)
    axes = drawn.subplots(1, panels, squeeze=False)[0]
    for index, panel in enumerate(axes):
        place = slice(index * rows, (index + 1) * rows)
        _stack(panel, splits[place], shades)
        names = [short_label(layer.name) for layer in result.layers[place]]
        panel.set_yticks(range(len(names)), names, fontsize=8.5 if rows <= 12 else 7, parse_math=False)
        panel.set_ylim(rows - 0.4, -0.6)
        panel.set_xlim(0, longest * 1.02 or 1.0)
    if kinds:
        patches = [Patch(color=shade, label=kind) for kind, shade in shades.items()]
        drawn.legend(
            handles=patches,
            loc="outside lower center",
            ncols=len(patches),
            frameon=False,
            fontsize=7.5,
            columnspacing=1.2,
            handlelength=1.4,
        )
    return drawn, list(axes)


def _stack(axes: Axes, splits: Sequence[Split], shades: Mapping[str, str]) -> None:
    left = [0.0] * len(splits)
    for kind, shade in shades.items():
        widths = [split.get(kind, 0.0) for split in splits]
        axes.barh(range(len(splits)), widths, left=left, height=0.78, color=shade, linewidth=0)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["right"].set_visible(False)


def title(drawn: Figure, result: RunResult, text: str) -> None:
    """Head a plot with what was run, and ``text``."""
    subject = f"{printable(result.workload)} on {printable(result.accelerator)}, batch {result.batch}"
    drawn.suptitle(f"{subject}: {text}", fontsize=10, parse_math=False)


def short_label(name: str, most: int = LONGEST_LABEL) -> str:
    """Return a name that fits beside a bar, in at most so many letters: its beginning and its end.

    Examples
    --------
    >>> short_label("x" * 40)
    'xxxxxxxxxxxxx...xxxxxxxxxxxxxx'
    """
    shown = printable(name)
    if len(shown) <= most:
        return shown
    tail = (most - 3 + 1) // 2
    return f"{shown[: most - 3 - tail]}...{shown[-tail:]}"
