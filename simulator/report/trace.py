"""A run's timeline in Chrome's trace form, which Perfetto opens: one track for each thing that does one job at a time.

Form: "Trace Event Format", Google, 2016 (the JSON object form: X complete, C counter, M metadata, s/f flow events).
Times are microseconds on a grid of 2**-14 us: sums of begin and duration are then exact in binary, so that what is
adjacent in cycles is adjacent in the file, whatever the clock. The exact cycles stand in ``args``.
"""

import gzip
import heapq
import io
import json
import operator
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.records import CAUSE_NAMES, LATE_NAMES, NONE, OPERAND_NAMES, READ, Table
from simulator.report.breakdown import ISSUE_WORDS, TAIL_WORD, WAIT_WORDS
from simulator.report.quantities import printable
from simulator.results import RunResult
from simulator.timeline import FILL, SLICE_KINDS, TAIL, WAIT, WORK, RunTimeline

Event = dict[str, Any]

GRID = 2.0**14  # parts of a microsecond
BANDWIDTH_BINS = 2000
DMA_PROCESS = 1000
FIRST_CORE_PROCESS, FIRST_BUFFER_PROCESS = 1, 2000
LAYERS, TIME, VECTOR_UNIT = 1, 2, 3
FIRST_PORT_TRACK = 500
MICROSECONDS = 1e6


def write_trace(result: RunResult, path: Path | str) -> None:
    """Write the run's timeline for Perfetto (https://ui.perfetto.dev) or chrome://tracing.

    Parameters
    ----------
    result : RunResult
        Of ``simulate(..., timeline=True)``.
    path : Path or str
        Compressed where it ends with ``.gz``; the same bytes for the same run.

    Raises
    ------
    SimulatorError
        The result has no timeline, or the file cannot be written.
    """
    timeline = timeline_of(result, "a trace")
    target = Path(path)
    stream = io.BytesIO()
    if target.suffix == ".gz":
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
            packed.writelines(_text(result, timeline))
    else:
        stream.writelines(_text(result, timeline))
    write_atomically(target, stream.getvalue(), SimulatorError)


def chrome_trace(result: RunResult) -> dict[str, Any]:
    """Return the trace as JSON values: the names of the tracks, then events in order of time.

    Raises
    ------
    SimulatorError
        The result has no timeline.
    """
    timeline = timeline_of(result, "a trace")
    return {"traceEvents": list(_events(timeline)), "displayTimeUnit": "ns", "otherData": _about(result, timeline)}


def _text(result: RunResult, timeline: RunTimeline) -> Iterator[bytes]:
    """Yield the file, an event a line: a long run never stands in memory whole."""
    about = json.dumps({"displayTimeUnit": "ns", "otherData": _about(result, timeline)}, allow_nan=False)
    yield f'{about[:-1]}, "traceEvents": ['.encode("ascii")
    before = "\n"
    for event in _events(timeline):
        yield f"{before}{json.dumps(event, separators=(',', ':'), allow_nan=False)}".encode("ascii")
        before = ",\n"
    yield b"\n]}\n"


def _about(result: RunResult, timeline: RunTimeline) -> Event:
    return {
        "workload": printable(result.workload),
        "accelerator": printable(result.accelerator),
        "batch": result.batch,
        "fidelity": result.fidelity,
        "clock_hz": result.clock_hz,
        "total_cycles": timeline.total_cycles,
        "simulator_version": result.simulator_version,
    }


class _View:
    """A timeline as plain rows: reading a field of a record array costs a hundred times as much."""

    def __init__(self, timeline: RunTimeline) -> None:
        self.timeline = timeline
        self.names = [printable(name) for name in timeline.layer_names]
        self.steps, self.transfers = _rows(timeline.steps), _rows(timeline.transfers)


def _rows(records: Table) -> list[Any]:
    row: Any = namedtuple("row", list(records.dtype.names or ()))  # type: ignore[misc]  # noqa: PYI024 - known at run time
    return [row._make(values) for values in records.tolist()]


def _events(timeline: RunTimeline) -> Iterator[Event]:
    """Yield the names of all tracks, then what happened, in order of time."""
    yield from _names(timeline)
    view = _View(timeline)
    sources = [_layers, _core, _vector, _queues, _ports, _tiles, _flow_starts, _flow_ends, _bandwidth]
    counters = [_occupancy(view, buffer) for buffer in range(len(timeline.buffers))]
    streams = [*(source(view) for source in sources), *counters]
    yield from heapq.merge(*streams, key=operator.itemgetter("ts"))


def timeline_of(result: RunResult, what: str) -> RunTimeline:
    """Return the result's timeline.

    Raises
    ------
    SimulatorError
        It has none: it was not asked for, comes from a file, or a layer has no mapping.
    """
    if result.timeline is not None:
        return result.timeline
    if result.total.cycles is None:
        message = f"{what} of {result.workload}: the network was not run (mapping_error); give it a mapping that fits"
    else:
        message = (
            f"{what} of {result.workload}: this result holds no timeline; simulate with timeline=True, or run with "
            "--trace, --plots or --html (result files do not keep it, nor do runs of more than 200,000 tiles, nor "
            "arrays of a kind other than systolic)"
        )
    raise SimulatorError(message)


def _microseconds(view: _View, cycle: int) -> float:
    return round(cycle * MICROSECONDS / view.timeline.clock_hz * GRID) / GRID


def _slice(view: _View, track: tuple[int, int], name: str, span: tuple[int, int], args: Event) -> Event:
    begin, end = int(span[0]), int(span[1])
    ts = _microseconds(view, begin)
    return {
        "ph": "X",
        "pid": track[0],
        "tid": track[1],
        "ts": ts,
        "dur": _microseconds(view, end) - ts,
        "name": name,
        "args": {"begin_cycle": begin, "end_cycle": end, "cycles": end - begin, **args},
    }


def _layers(view: _View) -> Iterator[Event]:
    cores = dict(zip(view.timeline.core["layer"].tolist(), view.timeline.core["core"].tolist(), strict=True))
    for layer, (begin, end) in enumerate(view.timeline.windows.tolist()):
        if end > begin:
            track = (FIRST_CORE_PROCESS + cores.get(layer, 0), LAYERS)
            yield _slice(view, track, view.names[layer], (begin, end), {})


def _core(view: _View) -> Iterator[Event]:
    first = np.full(len(view.timeline.windows), len(view.timeline.steps))
    np.minimum.at(first, view.timeline.steps["layer"], np.arange(len(view.timeline.steps)))
    for one in _by_time(view.timeline.core):
        layer = view.names[one.layer]
        args: Event = {"layer": layer, "kind": SLICE_KINDS[one.kind]}
        name = layer
        if one.kind == TAIL:
            name = TAIL_WORD
        else:
            args |= {"step": int(one.step), "tile": int(one.step - first[one.layer])}
        if one.kind == WORK:
            step = view.steps[one.step]
            parts = {f"{part}_cycles": getattr(step, f"{part}_cycles") for part in ISSUE_WORDS}
            args |= {name: cycles for name, cycles in parts.items() if cycles}
        elif one.kind == FILL:
            name = "fill"
        elif one.kind == WAIT:
            name = "wait" if one.cause == NONE else WAIT_WORDS[CAUSE_NAMES[one.cause]]
            args |= {"late_because": LATE_NAMES[one.late_because]}
            if one.blamed != NONE:
                args |= {"blamed": _transfer_args(view, int(one.blamed))}
        yield _slice(view, (FIRST_CORE_PROCESS + int(one.core), TIME), name, (one.begin_cycle, one.end_cycle), args)


def _vector(view: _View) -> Iterator[Event]:
    for one in _by_time(view.timeline.vector):
        name = view.names[one.layer]
        track = (FIRST_CORE_PROCESS + int(one.core), VECTOR_UNIT)
        yield _slice(view, track, name, (one.begin_cycle, one.end_cycle), {"layer": name, "step": int(one.step)})


def _transfer_name(view: _View, index: int) -> str:
    """Say what a transfer moves: an output is called by its name in memory."""
    transfer = view.transfers[index]
    operand = OPERAND_NAMES[transfer.operand]
    if transfer.direction != READ:
        operand = "ofmap"
    return f"{view.names[transfer.layer]} {operand}"


def _transfer_args(view: _View, index: int) -> Event:
    transfer = view.transfers[index]
    return {
        "layer": view.names[transfer.layer],
        "transfer": index,
        "operand": OPERAND_NAMES[transfer.operand],
        "direction": "read" if transfer.direction == READ else "write",
        "bytes": int(transfer.payload_bytes),
        "submit_cycle": int(transfer.submit_cycle),
        "done_cycle": int(transfer.done_cycle),
        "late_because": LATE_NAMES[transfer.late_because],
    }


def _queues(view: _View) -> Iterator[Event]:
    for one in _by_time(view.timeline.queues):
        args = _transfer_args(view, int(one.transfer)) | {"late_because": LATE_NAMES[one.late_because]}
        name = f"{_transfer_name(view, int(one.transfer))} waits for {LATE_NAMES[one.late_because]}"
        yield _slice(view, (DMA_PROCESS, 1 + int(one.queue)), name, (one.begin_cycle, one.end_cycle), args)


def _ports(view: _View) -> Iterator[Event]:
    for one in _by_time(view.timeline.ports):
        index = int(one.transfer)
        track = (DMA_PROCESS, FIRST_PORT_TRACK + int(one.lane))
        yield _slice(
            view,
            track,
            _transfer_name(view, index),
            (one.begin_cycle, one.end_cycle),
            _transfer_args(view, index),
        )


def _tiles(view: _View) -> Iterator[Event]:
    for one in _by_time(view.timeline.tiles):
        layer = view.names[one.layer]
        args = {
            "layer": layer,
            "operand": OPERAND_NAMES[one.operand],
            "bytes": int(one.bytes),
            "ready_cycle": int(one.ready_cycle),
        }
        track = (FIRST_BUFFER_PROCESS + int(one.buffer), _slot_track(int(one.operand), int(one.lane)))
        yield _slice(view, track, layer, (one.begin_cycle, one.end_cycle), args)


def _slot_track(operand: int, lane: int) -> int:
    return 1 + 1000 * operand + lane


def _flow_starts(view: _View) -> Iterator[Event]:
    """Yield the tail of an arrow at each transfer that a step waited for."""
    place = np.full(len(view.timeline.transfers), NONE)
    place[view.timeline.ports["transfer"]] = np.arange(len(view.timeline.ports))
    waits = _arrows(view)
    source = view.timeline.ports[place[waits["blamed"]]]
    for i in np.argsort(source["begin_cycle"], kind="stable").tolist():
        track = {"pid": DMA_PROCESS, "tid": FIRST_PORT_TRACK + int(source["lane"][i])}
        yield _arrow(view, "s", int(waits["step"][i]), track, int(source["begin_cycle"][i]))


def _flow_ends(view: _View) -> Iterator[Event]:
    """Yield the head of each arrow, at the step that waited."""
    for one in _by_time(_arrows(view), "end_cycle"):
        track = {"pid": FIRST_CORE_PROCESS + int(one.core), "tid": TIME}
        yield _arrow(view, "f", int(one.step), track, int(one.end_cycle)) | {"bp": "e"}


def _arrows(view: _View) -> Table:
    """Return the waits that have one: it ends where the transfer does, after the start of a step that needs it late."""
    on_port = np.zeros(len(view.timeline.transfers) + 1, bool)  # the last one stands for NONE
    on_port[view.timeline.ports["transfer"]] = True
    waits: Table = view.timeline.core[(view.timeline.core["kind"] == WAIT) & on_port[view.timeline.core["blamed"]]]
    waits["end_cycle"] = np.maximum(waits["end_cycle"], view.timeline.transfers["done_cycle"][waits["blamed"]])
    return waits


def _arrow(view: _View, phase: str, step: int, track: Event, cycle: int) -> Event:
    shared = {"cat": "wait", "name": "waited for", "id": step + 1, "args": {"cycle": cycle}}
    return {"ph": phase, **shared, **track, "ts": _microseconds(view, cycle)}


def _by_time(slices: Table, field: str = "begin_cycle") -> list[Any]:
    return _rows(slices[np.argsort(slices[field], kind="stable")])


def _bandwidth(view: _View) -> Iterator[Event]:
    edges = view.timeline.bin_edges(BANDWIDTH_BINS)
    moved = view.timeline.moved_bytes(edges)
    per_second = view.timeline.clock_hz / np.diff(edges) / 1e9
    rates = {name: [*(values * per_second).tolist(), 0.0] for name, values in moved.items()}
    for i, cycle in enumerate(edges.tolist()):
        args = {name: round(values[i], 6) for name, values in rates.items()}
        yield _counter(view, DMA_PROCESS, "DRAM bandwidth [GB/s]", cycle, args)


def _occupancy(view: _View, buffer: int) -> Iterator[Event]:
    cycles, held = view.timeline.occupancy(buffer)
    name = "occupancy, resident maps aside [bytes]" if view.timeline.has_resident else "occupancy [bytes]"
    for cycle, size in zip(cycles.tolist(), held.tolist(), strict=True):
        yield _counter(view, FIRST_BUFFER_PROCESS + buffer, name, cycle, {"bytes": size})


def _counter(view: _View, process: int, name: str, cycle: int, args: Event) -> Event:
    return {"ph": "C", "pid": process, "tid": 0, "ts": _microseconds(view, cycle), "name": name, "args": args}


def _names(timeline: RunTimeline) -> Iterator[Event]:
    """Yield the names and the order of processes and tracks."""
    cores = np.unique(timeline.core["core"]).tolist() or [0]
    for core in cores:
        tracks = {LAYERS: "layers", TIME: "array: work and waits", VECTOR_UNIT: "vector unit"}
        yield from _process(FIRST_CORE_PROCESS + core, f"core {core}", tracks)
    tracks = {1 + queue: f"DMA queue {queue}: head held up" for queue in np.unique(timeline.queues["queue"]).tolist()}
    lanes = np.unique(timeline.ports["lane"]).tolist()
    more = len(lanes) > 1
    tracks |= {FIRST_PORT_TRACK + i: f"DRAM port, transfer {i}" if more else "DRAM port" for i in lanes}
    yield from _process(DMA_PROCESS, "DMA and DRAM", tracks)
    for index, buffer in enumerate(timeline.buffers):
        mine = timeline.tiles[timeline.tiles["buffer"] == index]
        slots = sorted(set(zip(mine["operand"].tolist(), mine["lane"].tolist(), strict=True)))
        tracks = {_slot_track(operand, lane): f"{OPERAND_NAMES[operand]} slot {lane}" for operand, lane in slots}
        yield from _process(
            FIRST_BUFFER_PROCESS + index, f"buffer {printable(buffer.name)}, {buffer.capacity_bytes} bytes", tracks
        )


def _process(process: int, name: str, tracks: dict[int, str]) -> Iterator[Event]:
    def named(what: str, track: int, value: Event) -> Event:
        return {"ph": "M", "pid": process, "tid": track, "ts": 0.0, "name": what, "args": value}

    yield named("process_name", 0, {"name": name})
    yield named("process_sort_index", 0, {"sort_index": process})
    for track, title in tracks.items():
        yield named("thread_name", track, {"name": title})
        yield named("thread_sort_index", track, {"sort_index": track})
