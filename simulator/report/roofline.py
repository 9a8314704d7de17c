"""The roofline: what the array, the DRAM and the ways between buffers and array allow, and where each layer lands."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.report.bars import short_label
from simulator.report.breakdown import dram_bytes
from simulator.report.edge_roofs import OPERANDS, draw_edge, edge_dot, edge_dots
from simulator.report.log_axis import label_log
from simulator.report.quantities import printable, significant, with_prefix
from simulator.results import LayerResult, RunResult
from simulator.units import OPS_PER_MAC

LABELLED = 6
PREFETCH_NOTE = (
    "A layer's data may also move while its neighbours compute (prefetch, late write-back): "
    "over a single layer's own time a dot can then lie above the DRAM roof."
)
_COLORS = ("#2b6ca3", "#c24d3f", "#5aa69b", "#e3b13c", "#7d5fa3", "#8c8c8c")
_LETTER_POINTS, _FARTHEST_POINTS = 3.7, 160.0
_LABEL_LETTERS = 24
_ONE_LABEL = 1.25  # roofs nearer than this factor
Label = tuple[float, float, float]
"""Left end, base line and width of a dot's name on the plot [points]."""
_LEAST_AREA, _MOST_AREA = 12.0, 260.0


@dataclass(frozen=True)
class Dot:
    """A layer on the roofline.

    Attributes
    ----------
    name, widths : str
        The layer, and its operands' bits.
    ops_per_byte : float
        Arithmetic intensity over DRAM traffic [OP/B].
    ops_per_second, peak_ops_per_second : float
        Reached, and allowed by the array at these bits [OP/s].
    share : float
        Of the run's cycles.
    """

    name: str
    widths: str
    ops_per_byte: float
    ops_per_second: float
    peak_ops_per_second: float
    share: float


def dots(result: RunResult) -> list[Dot]:
    """Return a dot for every layer that multiplies, took time and touched DRAM."""
    found = (_dot(result, layer) for layer in result.layers)
    return [dot for dot in found if dot is not None]


def _dot(result: RunResult, layer: LayerResult) -> Dot | None:
    traffic = dram_bytes(layer)
    if not (layer.macs > 0 and layer.cycles and layer.cycles > 0 and traffic > 0 and layer.utilization):
        return None
    ops = OPS_PER_MAC * layer.macs
    reached = ops * result.clock_hz / layer.cycles
    return Dot(
        name=layer.name,
        widths=f"W{layer.weight_bits} A{layer.ifmap_bits}",
        ops_per_byte=ops / traffic,
        ops_per_second=reached,
        peak_ops_per_second=OPS_PER_MAC * _peak_macs_per_cycle(layer) * result.clock_hz,
        share=layer.cycles / (result.total.cycles or layer.cycles),
    )


def _peak_macs_per_cycle(layer: LayerResult) -> float:
    """Return what the cores that work on a layer can do together: its utilization is over the cycles of all of them."""
    parts = layer.cores or ({"cycles": layer.cycles},)
    worked = sum(int(part["cycles"]) for part in parts)
    return len(parts) * layer.macs / ((layer.utilization or 1.0) * worked)


def roofline_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return what the roofline draws: a dot a row; beside it the layer's place under the roof of each operand."""
    layers = {layer.name: layer for layer in result.layers}
    return [asdict(dot) | {"name": printable(dot.name)} | _edges(result, layers[dot.name]) for dot in dots(result)]


def _edges(result: RunResult, layer: LayerResult) -> dict[str, float]:
    found: dict[str, float] = {}
    for operand in OPERANDS:
        dot = edge_dot(result, layer, operand)
        if dot is not None:
            found |= {f"ops_per_{operand}_word": dot.ops_per_word, f"{operand}_words_per_second": dot.words_per_second}
    return found


def roofs(result: RunResult, shown: list[Dot]) -> dict[float, str]:
    """Return each compute roof [OP/s] with the operand widths it holds for."""
    found: dict[float, set[str]] = {}
    for dot in shown:
        found.setdefault(float(f"{dot.peak_ops_per_second:.6g}"), set()).add(dot.widths)
    if not found:
        found[OPS_PER_MAC * result.peak_macs_per_cycle * result.clock_hz] = {"one MAC a PE and cycle"}
    return {peak: ", ".join(sorted(widths)) for peak, widths in sorted(found.items())}


def roofline_figure(result: RunResult) -> Figure:
    """Return compute and DRAM roofs with a dot for each layer, its area the layer's share of time.

    Below, the same under the roofs between buffers and array, where those are known.
    """
    edges = edge_dots(result)
    drawn = Figure(figsize=(9.0, 6.0 + (2.5 if edges else 0.0)), layout="constrained")
    grid = drawn.add_gridspec(2 if edges else 1, max(1, len(edges)), height_ratios=(5, 2) if edges else (1,))
    axes = drawn.add_subplot(grid[0, :])
    shown = dots(result)
    ceilings = roofs(result, shown)
    bandwidth = result.dram_bytes_per_cycle * result.clock_hz
    low, high = _limits(shown, ceilings, bandwidth)
    _draw_roofs(axes, ceilings, bandwidth, (low, high))
    floor = min([dot.ops_per_second for dot in shown], default=max(ceilings) / 100)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(floor / 2, max(ceilings) * 2.2))
    _draw_dots(axes, shown)
    _name_longest(axes, shown)
    axes.set_xlabel("arithmetic intensity over DRAM traffic [OP/byte], 1 MAC = 2 OP")
    axes.set_ylabel("dense-equivalent throughput [OP/s]")
    label_log(axes.xaxis, (low, high), lambda value: significant(value, 1))
    label_log(axes.yaxis, axes.get_ylim(), lambda value: with_prefix(value, "", 1))
    axes.grid(which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if shown:
        axes.legend(loc="lower right", frameon=False, fontsize=8, title="operand bits; area = share of time")
    for column, (operand, found) in enumerate(edges.items()):
        draw_edge(drawn.add_subplot(grid[1, column]), operand, found, list(ceilings))
    missing = sum(1 for layer in result.layers if layer.macs) - len(shown)
    note = f" ({missing} layers without DRAM traffic or time are not shown)" if missing else ""
    title = f"{printable(result.workload)} on {printable(result.accelerator)}, batch {result.batch}: roofline{note}"
    drawn.suptitle(title, fontsize=10, parse_math=False)
    drawn.supxlabel(PREFETCH_NOTE, fontsize=7, color="#555555", x=0.01, ha="left")
    return drawn


def _limits(shown: list[Dot], ceilings: dict[float, str], bandwidth: float) -> tuple[float, float]:
    """Show every dot and each ridge, with room at both sides."""
    ridges = [peak / bandwidth for peak in ceilings]
    places = [dot.ops_per_byte for dot in shown] + ridges
    return min(places) / 3, max(places) * 4


def _draw_roofs(axes: Axes, ceilings: dict[float, str], bandwidth: float, limits: tuple[float, float]) -> None:
    low, high = limits
    for peak in ceilings:
        axes.plot([peak / bandwidth, high], [peak, peak], color="#333333", linewidth=1.4)
    for peak, text in _roof_labels(ceilings):
        axes.annotate(
            text, (high, peak), xytext=(-4, 4), textcoords="offset points", ha="right", fontsize=8, parse_math=False
        )
    top = max(ceilings)
    axes.plot([low, top / bandwidth], [low * bandwidth, top], color="#333333", linewidth=1.4)
    middle = sqrt(low * top / bandwidth)
    axes.annotate(
        f"DRAM {with_prefix(bandwidth, 'B/s')}",
        (middle, middle * bandwidth),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
    )


def _roof_labels(ceilings: dict[float, str]) -> list[tuple[float, str]]:
    """Return (roof, text) from below: roofs too close for a text each, as of layers with other zeros, share one."""
    groups: list[list[float]] = []
    for peak in sorted(ceilings):
        if groups and peak < _ONE_LABEL * groups[-1][0]:
            groups[-1].append(peak)
        else:
            groups.append([peak])
    labels = []
    for group in groups:
        ends = " to ".join(dict.fromkeys(with_prefix(peak, "OP/s") for peak in (group[0], group[-1])))
        labels.append((group[-1], f"{ends}: {', '.join(dict.fromkeys(ceilings[peak] for peak in group))}"))
    return labels


def _draw_dots(axes: Axes, shown: list[Dot]) -> None:
    largest = max((dot.share for dot in shown), default=1.0)
    for index, widths in enumerate(sorted({dot.widths for dot in shown})):
        group = [dot for dot in shown if dot.widths == widths]
        axes.scatter(
            [dot.ops_per_byte for dot in group],
            [dot.ops_per_second for dot in group],
            s=[_LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * dot.share / largest for dot in group],
            color=_COLORS[index % len(_COLORS)],
            alpha=0.65,
            edgecolors="white",
            linewidths=0.6,
            label=widths,
            zorder=3,
        )


def _name_longest(axes: Axes, shown: list[Dot]) -> None:
    """Name the places where most time went, labels where no dot and no label is; layers at one place share a label."""
    if not shown:
        return
    places: dict[tuple[str, str], list[Dot]] = {}
    for dot in shown:
        places.setdefault((f"{dot.ops_per_byte:.2g}", f"{dot.ops_per_second:.2g}"), []).append(dot)
    longest = sorted(places.values(), key=lambda group: -sum(dot.share for dot in group))[:LABELLED]
    to_points = 72.0 / axes.figure.dpi
    places_of = axes.transData.transform([(dot.ops_per_byte, dot.ops_per_second) for dot in shown]) * to_points
    filled = [(float(x), float(y)) for x, y in places_of]  # middles of dots
    right = float(axes.transAxes.transform((1.0, 0.0))[0]) * to_points
    taken: list[Label] = []
    for group in longest:
        dot = max(group, key=lambda each: each.share)
        text = short_label(dot.name, _LABEL_LETTERS) + (f" and {len(group) - 1} alike" if len(group) > 1 else "")
        x, y = filled[shown.index(dot)]
        label = _free_place((x, y), len(text) * _LETTER_POINTS, right, taken, filled)
        taken.append(label)
        axes.annotate(
            text,
            (dot.ops_per_byte, dot.ops_per_second),
            xytext=(label[0] - x, label[1] - y),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "relpos": (0.0, 0.6)},
            fontsize=7,
            parse_math=False,
            zorder=4,
        )


def _free_place(
    dot: tuple[float, float], width: float, right: float, labels: list[Label], dots_at: Sequence[tuple[float, float]]
) -> Label:
    """Return a place beside a dot, or as little below it as can be, where no label and no dot is."""
    x, y = min(dot[0] + 7.0, right - width), dot[1] - 9.0
    lowest = y - _FARTHEST_POINTS
    while y > lowest and _collides((x, y, width), labels, dots_at):
        y -= 4.0
    return x, y, width


def _collides(label: Label, labels: list[Label], dots_at: Sequence[tuple[float, float]]) -> bool:
    x, y, width = label
    if any(x < left + wide and left < x + width and abs(y - base) < 8.5 for left, base, wide in labels):
        return True
    return any(x - 4.0 < across < x + width + 4.0 and y - 4.0 < up < y + 10.0 for across, up in dots_at)
