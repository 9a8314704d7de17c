"""Plots of engines that skip zeros: where PE-cycles went, and how evenly the PEs were loaded."""

from typing import Any

from matplotlib.figure import Figure

from simulator.report.bars import bars, short_label, title
from simulator.report.quantities import count, percent, printable
from simulator.results import RunResult

CAUSE_COLORS = {
    "useful": "#2b6ca3",
    "padding": "#e3b13c",
    "empty_column": "#f2c9a1",
    "back_pressure": "#c24d3f",
    "starvation": "#d9762b",
    "bank_conflict": "#6b5b95",
    "imbalance": "#7d9bb0",
    "fill": "#c4c4c4",
}
MOST_LAYERS = 40


def pe_cycles_figure(result: RunResult) -> Figure:
    """Return PE-cycles of every layer by cause."""
    splits = [{name: float(value) for name, value in (layer.pe_cycles or {}).items()} for layer in result.layers]
    drawn, panels = bars(result, splits, CAUSE_COLORS)
    for axes in panels:
        axes.set_xlabel("PE-cycles (each multiplier for itself)")
    useful = sum(split.get("useful", 0.0) for split in splits)
    whole = sum(sum(split.values()) for split in splits)
    title(drawn, result, f"{percent(useful, whole)} % of PE-cycles useful")
    return drawn


def pe_cycles_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return what the plot of PE-cycles draws."""
    return [
        {"layer": printable(layer.name), **{f"{name}_pe_cycles": value for name, value in layer.pe_cycles.items()}}
        for layer in result.layers
        if layer.pe_cycles
    ]


def pe_load_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return the load of each PE, a PE a row."""
    return [
        {"layer": printable(layer.name), "pe": index, "load": load}
        for layer in result.layers
        for index, load in enumerate(layer.pe_load or ())
    ]


def pe_load_figure(result: RunResult) -> Figure:
    """Return each PE's load over its layer's mean, a dot a PE, and the histogram over all of them."""
    loaded = [layer for layer in result.layers if layer.pe_load and sum(layer.pe_load)][:MOST_LAYERS]
    drawn = Figure(figsize=(9.0, 2.6 + 0.22 * max(4, len(loaded))), layout="constrained")
    dots, bins = drawn.subplots(1, 2, width_ratios=(2, 1))
    relative = []
    for row, layer in enumerate(loaded):
        load = layer.pe_load or ()
        mean = sum(load) / len(load)
        relative.append([one / mean for one in load])
        dots.plot(relative[-1], [row] * len(load), "|", color="#2b6ca3", markersize=7, alpha=0.6)
    dots.axvline(1.0, color="#888888", linewidth=0.8)
    dots.set_yticks(range(len(loaded)), [short_label(layer.name) for layer in loaded], fontsize=7.5, parse_math=False)
    dots.set_ylim(len(loaded) - 0.4, -0.6)
    dots.set_xlabel("load of a PE / mean of its layer")
    everything = [one for row in relative for one in row]
    if everything:
        bins.hist(everything, bins=30, color="#8ebbe0", edgecolor="#2b6ca3", linewidth=0.4)
    bins.set_xlabel("load / mean")
    bins.set_ylabel("PEs, all layers")
    worst = max(everything, default=0.0)
    shown = f"{count(len(loaded[0].pe_load or ()))} PEs" if loaded else "no PEs"
    title(drawn, result, f"{shown}, the fullest {worst:.2f} x its layer's mean")
    return drawn
