"""Plots over a run's time: what the DRAM moved, what the buffers held, and a tile Gantt that shows double-buffering."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter

from simulator.records import CAUSE_NAMES, LATE_NAMES, NONE, OPERAND_NAMES, PSUM, READ, Table
from simulator.report.bars import TIME_COLORS, short_label
from simulator.report.breakdown import TAIL_WORD, WAIT_WORDS, waiting_cycles
from simulator.report.quantities import printable, with_prefix
from simulator.report.trace import timeline_of
from simulator.results import RunResult
from simulator.timeline import FILL, TAIL, WAIT, WORK, RunTimeline

BINS = 400
SHOWN_TILES = 12
READ_COLOR, WRITE_COLOR = "#2b6ca3", "#d9762b"
OPERAND_COLORS = {"ifmap": "#5aa69b", "weight": "#2b6ca3", "psum": "#d9762b", "ofmap": "#d9762b", "residual": "#7d5fa3"}
BUFFER_COLORS = ("#2b6ca3", "#d9762b", "#5aa69b", "#7d5fa3", "#8c8c8c")
_LIGHT = 0.55
_NARROWEST_LABEL = 0.012  # of the axis


@dataclass(frozen=True)
class Bar:
    """A slice on the Gantt: its track, what it is, its text, when."""

    track: str
    kind: str
    text: str
    begin_cycle: int
    end_cycle: int
    color: str


def bandwidth_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return DRAM rates [GB/s] and buffer occupancy [bytes] over the run, an interval a row."""
    timeline = timeline_of(result, "bandwidth over time")
    edges = timeline.bin_edges(BINS)
    moved = timeline.moved_bytes(edges)
    per_second = timeline.clock_hz / np.diff(edges) / 1e9
    held = {
        f"{buffer.name}_most_bytes": _most_held(timeline, index, edges) for index, buffer in enumerate(timeline.buffers)
    }
    return [
        {
            "begin_cycle": int(edges[i]),
            "end_cycle": int(edges[i + 1]),
            "read_gb_per_s": float(moved["read"][i] * per_second[i]),
            "write_gb_per_s": float(moved["write"][i] * per_second[i]),
            **{name: int(values[i]) for name, values in held.items()},
        }
        for i in range(len(edges) - 1)
    ]


def _most_held(timeline: RunTimeline, buffer: int, edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the most bytes that the buffer held in each interval."""
    cycles, held = timeline.occupancy(buffer)
    before = np.searchsorted(cycles, edges[:-1], side="right") - 1
    most = np.where(before >= 0, held[np.maximum(before, 0)] if len(held) else 0, 0)
    place = np.searchsorted(edges, cycles, side="right") - 1
    inside = (place >= 0) & (place < len(most))
    np.maximum.at(most, place[inside], held[inside])
    return most


def bandwidth_figure(result: RunResult) -> Figure:
    """Return DRAM bandwidth, read and written, over the run's time, and below it what each buffer held."""
    timeline = timeline_of(result, "bandwidth over time")
    rows = bandwidth_rows(result)
    drawn = Figure(figsize=(9.0, 5.2), layout="constrained")
    rates, held = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    edges = [row["begin_cycle"] for row in rows] + [rows[-1]["end_cycle"]] if rows else [0, 1]
    read = np.array([row["read_gb_per_s"] for row in rows])
    both = read + np.array([row["write_gb_per_s"] for row in rows])
    if rows:
        rates.stairs(read, edges, fill=True, color=READ_COLOR, label="read")
        rates.stairs(both, edges, baseline=read, fill=True, color=WRITE_COLOR, label="write")
    peak = timeline.dram_bytes_per_cycle * timeline.clock_hz / 1e9
    rates.axhline(peak, color="#333333", linewidth=1.0, linestyle="--")
    rates.annotate(f"peak {peak:.4g} GB/s", (edges[-1], peak), xytext=(-2, 3), textcoords="offset points", ha="right")
    rates.set(ylabel="DRAM [GB/s]", ylim=(0, max(peak, float(both.max(initial=0.0))) * 1.18), xlim=(0, edges[-1]))
    for index, buffer in enumerate(timeline.buffers):
        share = [100.0 * row[f"{buffer.name}_most_bytes"] / buffer.capacity_bytes for row in rows]
        label = f"{printable(buffer.name)}, {with_prefix(buffer.capacity_bytes, 'B')}"
        if rows:
            held.stairs(share, edges, color=BUFFER_COLORS[index % len(BUFFER_COLORS)], label=label, linewidth=1.2)
    what = "held, resident\nmaps aside [%]" if timeline.has_resident else "buffer held [%]"
    held.set(ylabel=what, xlabel="cycle")
    held.set_ylim(bottom=0)
    held.xaxis.set_major_formatter(EngFormatter(sep=""))
    for axes in (rates, held):
        _plain(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    subject = f"{printable(result.workload)} on {printable(result.accelerator)}, batch {result.batch}"
    drawn.suptitle(f"{subject}: DRAM bandwidth and buffers over time", fontsize=10, parse_math=False)
    return drawn


def waits_most(result: RunResult) -> str:
    """Return the layer with steps that stood still longest: where a Gantt is worth a look."""
    timeline = timeline_of(result, "a Gantt")
    stepped = {timeline.layer_names[layer] for layer in np.unique(timeline.steps["layer"]).tolist()}
    layers = [layer for layer in result.layers if layer.name in stepped]
    if not layers:
        return timeline.layer_names[0] if timeline.layer_names else ""
    return max(layers, key=waiting_cycles).name


def gantt_bars(result: RunResult, layer: str | None = None) -> list[Bar]:
    """Return what a layer's first tiles did on every resource, in order of tracks.

    Parameters
    ----------
    result : RunResult
    layer : str, optional
        The one that waited most where None.

    Raises
    ------
    SimulatorError
        The result has no timeline.
    """
    timeline = timeline_of(result, "a Gantt")
    name = waits_most(result) if layer is None else layer
    works = timeline.steps["layer"].tolist()
    parts = [work for work in dict.fromkeys(works) if timeline.layer_names[work] == name]
    if not parts:
        return []
    steps = [i for i, work in enumerate(works) if work == parts[0]]  # of one core: those of the others run beside
    first = max(0, (len(steps) - SHOWN_TILES) // 2) if len(steps) > SHOWN_TILES else 0
    shown = steps[first : first + SHOWN_TILES]
    begin = int(timeline.steps["occupied_cycle"][shown[0]] - timeline.steps["idle_cycles"][shown[0]])
    end = int(timeline.steps["output_cycle"][shown[-1]])
    span = (begin, end)
    return [
        *_port_bars(timeline, span),
        *_queue_bars(timeline, span),
        *_slot_bars(timeline, span),
        *_core_bars(timeline, span),
    ]


def _within(slices: Table, span: tuple[int, int]) -> Table:
    """Return the slices that reach into ``span``."""
    kept: Table = slices[(slices["begin_cycle"] < span[1]) & (slices["end_cycle"] > span[0])]
    return kept


def _first_steps(timeline: RunTimeline) -> np.ndarray[Any, Any]:
    first = np.full(len(timeline.windows), len(timeline.steps))
    np.minimum.at(first, timeline.steps["layer"], np.arange(len(timeline.steps)))
    return first


def _port_bars(timeline: RunTimeline, span: tuple[int, int]) -> Iterator[Bar]:
    lanes = int(timeline.ports["lane"].max(initial=0)) + 1
    for one in _within(timeline.ports, span):
        transfer = timeline.transfers[one.transfer]
        operand = OPERAND_NAMES[transfer.operand] if transfer.direction == READ else "ofmap"
        track = "DRAM port" if lanes == 1 else f"DRAM {int(one.lane)}"
        text = operand[0].upper()
        yield Bar(track, operand, text, int(one.begin_cycle), int(one.end_cycle), OPERAND_COLORS[operand])


def _queue_bars(timeline: RunTimeline, span: tuple[int, int]) -> Iterator[Bar]:
    several = len(np.unique(timeline.queues["queue"])) > 1
    for one in _within(timeline.queues, span):
        why = LATE_NAMES[one.late_because]
        track = f"DMA queue {int(one.queue)} held up" if several else "DMA queue held up"
        yield Bar(track, f"held up: {why}", why, int(one.begin_cycle), int(one.end_cycle), "#cfcfcf")


def _slot_bars(timeline: RunTimeline, span: tuple[int, int]) -> Iterator[Bar]:
    """Yield two bars a tile: on its way, and on chip; psums: while they add up, and while they leave."""
    ordered = timeline.tiles[np.argsort(timeline.tiles["begin_cycle"], kind="stable")]
    _, group = np.unique(ordered["layer"] * 8 + ordered["operand"], return_inverse=True)
    number = np.zeros(len(ordered), np.int64)
    for index in range(int(group.max(initial=-1)) + 1):
        number[group == index] = np.arange((group == index).sum())
    inside = (ordered["begin_cycle"] < span[1]) & (ordered["end_cycle"] > span[0])
    for one, count in zip(ordered[inside], number[inside].tolist(), strict=True):
        operand = OPERAND_NAMES[one.operand]
        track = f"{operand} slot {int(one.lane)}"
        begin, ready, end = int(one.begin_cycle), int(one.ready_cycle), int(one.end_cycle)
        ready = min(ready, end)
        light, full = _tinted(OPERAND_COLORS[operand], _LIGHT), OPERAND_COLORS[operand]
        if one.operand == PSUM:
            parts = (("adds up", full, str(count), begin, ready), ("leaves", light, "", ready, end))
        else:
            parts = (("on its way", light, "", begin, ready), ("on chip", full, str(count), ready, end))
        for word, color, text, since, until in parts:
            if since < span[1] and until > max(since, span[0]):
                yield Bar(track, f"{operand} {word}", text, since, until, color)


def _core_bars(timeline: RunTimeline, span: tuple[int, int]) -> Iterator[Bar]:
    first = _first_steps(timeline)
    several = len(np.unique(timeline.core["core"])) > 1
    for one in _within(timeline.core, span):
        track = f"array {int(one.core)}" if several else "array"
        tile = str(int(one.step - first[one.layer])) if one.kind == WORK else ""
        kind = {WORK: "useful", FILL: "fill", TAIL: TAIL_WORD}.get(int(one.kind), "")
        if one.kind == WAIT:
            kind = WAIT_WORDS[CAUSE_NAMES[one.cause]] if one.cause != NONE else "wait"
        name = "array busy" if one.kind == WORK else kind
        yield Bar(track, name, tile, int(one.begin_cycle), int(one.end_cycle), TIME_COLORS.get(kind, "#444444"))
    for one in _within(timeline.vector, span):
        track = f"vector unit {int(one.core)}" if several else "vector unit"
        tile = str(int(one.step - first[one.layer]))
        yield Bar(track, "vector work", tile, int(one.begin_cycle), int(one.end_cycle), "#a88a2d")


def _tinted(color: str, white: float) -> str:
    parts = [round(255 * (part + (1 - part) * white)) for part in to_rgb(color)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def gantt_rows(result: RunResult, layer: str | None = None) -> list[dict[str, Any]]:
    """Return the Gantt's bars as plain values."""
    return [
        {
            "track": bar.track,
            "kind": bar.kind,
            "tile": bar.text,
            "begin_cycle": bar.begin_cycle,
            "end_cycle": bar.end_cycle,
        }
        for bar in gantt_bars(result, layer)
    ]


def gantt_figure(result: RunResult, layer: str | None = None) -> Figure:
    """Return the tiles of one layer on every resource: a load beside the step before it is double-buffering at work."""
    bars = gantt_bars(result, layer)
    name = waits_most(result) if layer is None else layer
    tracks = sorted(dict.fromkeys(bar.track for bar in bars), key=_track_order)
    drawn = Figure(figsize=(9.0, 2.1 + 0.3 * max(3, len(tracks))), layout="constrained")
    axes = drawn.add_subplot()
    working = [bar for bar in bars if bar.track.startswith(("array", "vector"))] or bars
    low = min((bar.begin_cycle for bar in working), default=0)
    high = max((bar.end_cycle for bar in working), default=1)
    for bar in bars:
        row = tracks.index(bar.track)
        begin, end = max(bar.begin_cycle, low), min(bar.end_cycle, high)
        if end <= begin:
            continue
        axes.barh(row, end - begin, left=begin, height=0.8, color=bar.color, edgecolor="white", linewidth=0.4)
        if bar.text and (end - begin) > _NARROWEST_LABEL * len(bar.text) * (high - low):
            shade = "#ffffff" if sum(to_rgb(bar.color)) < 1.7 else "#1d2530"
            axes.text((begin + end) / 2, row, bar.text, ha="center", va="center", fontsize=6.5, color=shade)
    axes.set_yticks(range(len(tracks)), tracks, fontsize=8)
    axes.set(xlim=(low, high), xlabel="cycle")
    axes.set_ylim(len(tracks) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _plain(axes)
    kinds = {bar.kind: bar.color for bar in bars}
    handles = [Patch(color=color, label=kind) for kind, color in kinds.items()]
    if handles:
        drawn.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=7.5)
    tiles = f"{SHOWN_TILES} tiles of " if _tiles_of(result, name) > SHOWN_TILES else ""
    title = f"{tiles}{short_label(name)} of {printable(result.workload)} on {printable(result.accelerator)}"
    drawn.suptitle(f"{title}: who works when (numbers count tiles)", fontsize=10, parse_math=False)
    return drawn


def _tiles_of(result: RunResult, name: str) -> int:
    timeline = timeline_of(result, "a Gantt")
    works = [work for work in timeline.steps["layer"].tolist() if timeline.layer_names[work] == name]
    return works.count(works[0]) if works else 0


def _track_order(track: str) -> tuple[int, int, str]:
    number = next((int(word) for word in track.split() if word.isdecimal()), 0)
    for place, start in enumerate(("DMA", "DRAM", "weight", "ifmap", "residual", "array", "vector", "psum")):
        if track.startswith(start):
            return place, number, track
    return 99, number, track


def _plain(axes: Axes) -> None:
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
