"""Roofs between the buffers and the array: for each operand, what its bus or the array's edge lets through."""

from dataclasses import dataclass

from matplotlib.axes import Axes

from simulator.report.log_axis import label_log
from simulator.report.quantities import significant, with_prefix
from simulator.results import LayerResult, RunResult
from simulator.units import OPS_PER_MAC

OPERANDS = ("ifmap", "weight", "psum")
_ROOF, _FAINT = "#333333", "#999999"
_DOT = "#2b6ca3"
_LEAST_AREA, _MOST_AREA = 5.0, 90.0


@dataclass(frozen=True)
class EdgeDot:
    """A layer under one operand's roof.

    Attributes
    ----------
    ops_per_word : float
        Operations for each word of the operand that crosses the array's edge [OP/word].
    ops_per_second : float
        Reached [OP/s].
    words_per_second : float
        What the edge or the bus lets through at most [words/s].
    share : float
        Of the run's cycles.
    """

    ops_per_word: float
    ops_per_second: float
    words_per_second: float
    share: float


def edge_dot(result: RunResult, layer: LayerResult, operand: str) -> EdgeDot | None:
    """Return a layer's dot; None where the operand never crossed the edge, or that is not known."""
    edge = (layer.edge or {}).get(operand)
    if edge is None or not (edge["words"] and layer.macs and layer.cycles):
        return None
    ops = OPS_PER_MAC * layer.macs
    return EdgeDot(
        ops_per_word=ops / edge["words"],
        ops_per_second=ops * result.clock_hz / layer.cycles,
        words_per_second=edge["words_per_cycle"] * result.clock_hz,
        share=layer.cycles / (result.total.cycles or layer.cycles),
    )


def edge_dots(result: RunResult) -> dict[str, list[EdgeDot]]:
    """Return every operand's dots; operands without any are left out."""
    found = {name: [edge_dot(result, layer, name) for layer in result.layers] for name in OPERANDS}
    return {name: [dot for dot in dots if dot is not None] for name, dots in found.items() if any(dots)}


def draw_edge(axes: Axes, operand: str, dots: list[EdgeDot], peaks: list[float]) -> None:
    """Draw one operand's roofs, the array's peaks beside them, and the dots."""
    rates = sorted({float(f"{dot.words_per_second:.6g}") for dot in dots})
    top = max(peaks)
    places = [dot.ops_per_word for dot in dots] + [top / rate for rate in (rates[0], rates[-1])]
    low, high = min(places) / 2.5, max(places) * 3
    for peak in peaks:
        axes.plot([peak / rates[-1], high], [peak, peak], color=_FAINT, linewidth=0.9)
    for rate in rates:
        axes.plot([low, top / rate], [low * rate, top], color=_ROOF, linewidth=1.2)
    largest = max(dot.share for dot in dots)
    axes.scatter(
        [dot.ops_per_word for dot in dots],
        [dot.ops_per_second for dot in dots],
        s=[_LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * dot.share / largest for dot in dots],
        color=_DOT,
        alpha=0.6,
        edgecolors="white",
        linewidths=0.4,
        zorder=3,
    )
    floor = min(dot.ops_per_second for dot in dots)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(floor / 2, top * 3))
    least, most = with_prefix(rates[0], "word/s"), with_prefix(rates[-1], "word/s")
    axes.set_title(f"{operand}: {most}" if least == most else f"{operand}: {least}, {most}", fontsize=8)
    axes.set_xlabel(f"OP per {operand} word at the array's edge", fontsize=8)
    label_log(axes.xaxis, (low, high), lambda value: significant(value, 1))
    label_log(axes.yaxis, (floor / 2, top * 3), lambda value: with_prefix(value, "", 1))
    axes.tick_params(labelsize=7)
    axes.grid(which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
