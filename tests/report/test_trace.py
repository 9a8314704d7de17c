"""The trace, opened by a parser of its own: the form of the file, tracks without overlaps, and sums."""

import gzip
import itertools
import json
from collections import defaultdict
from dataclasses import replace

import pytest

from simulator import simulate
from simulator.errors import SimulatorError
from simulator.report.breakdown import WAIT_WORDS
from simulator.report.trace import chrome_trace, write_trace
from simulator.timeline import SLICE_KINDS
from tests.report.sample_results import run, unmapped

KEYS = {
    "M": {"ph", "pid", "tid", "ts", "name", "args"},
    "X": {"ph", "pid", "tid", "ts", "dur", "name", "args"},
    "C": {"ph", "pid", "tid", "ts", "name", "args"},
    "s": {"ph", "pid", "tid", "ts", "name", "args", "cat", "id"},
    "f": {"ph", "pid", "tid", "ts", "name", "args", "cat", "id", "bp"},
}


CASES = [
    ("resnet50_int8", "tpu_like_128", "bandwidth", None),
    ("resnet50_int8", "tpu_like_128", "event", None),
    ("resnet50_int8", "tpu_like_128", "event", "hbm2"),
    ("lenet5_int8", "gemmini_like_16", "bandwidth", None),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(filter(None, case)))
def opened(request, tmp_path_factory):
    """A run's result and its trace, read back from the file."""
    workload, machine, fidelity, dram = request.param
    result = simulate(workload, machine, fidelity=fidelity, dram=dram, timeline=True)
    path = tmp_path_factory.mktemp("trace") / "t.json.gz"
    result.write_trace(path)
    return result, json.loads(gzip.decompress(path.read_bytes()))


def tracks_of(trace):
    names = {}
    slices = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "M" and event["name"] == "thread_name":
            names[event["pid"], event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X":
            slices[event["pid"], event["tid"]].append(event)
    return {track: (names[track], events) for track, events in slices.items()}


def test_every_event_has_the_fields_of_its_phase_and_time_never_goes_back(opened):
    _, trace = opened
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    times = []
    for event in trace["traceEvents"]:
        assert set(event) == KEYS[event["ph"]]
        assert isinstance(event["name"], str)
        assert event["name"]
        assert type(event["pid"]) is type(event["tid"]) is int
        assert event["ts"] >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, int | float) and value >= 0 for value in event["args"].values())
        times.append(event["ts"])
    assert times == sorted(times)


def test_processes_and_tracks_are_named_before_they_are_used(opened):
    _, trace = opened
    named = set()
    for event in trace["traceEvents"]:
        if event["ph"] == "M":
            named.add((event["pid"], event["tid"] if event["name"].startswith("thread") else 0))
        else:
            assert (event["pid"], 0) in named
            assert (event["pid"], event["tid"]) in named


def test_slices_on_a_track_never_overlap_and_times_are_the_cycles(opened):
    result, trace = opened
    for name, events in tracks_of(trace).values():
        end = 0.0
        for event in events:
            assert event["ts"] >= end, name
            end = event["ts"] + event["dur"]
            cycles = event["args"]["end_cycle"] - event["args"]["begin_cycle"]
            assert event["args"]["cycles"] == cycles > 0
            assert event["ts"] == pytest.approx(event["args"]["begin_cycle"] / result.clock_hz * 1e6, abs=1e-4)
            assert event["dur"] == pytest.approx(cycles / result.clock_hz * 1e6, abs=1e-4)
    assert trace["otherData"]["total_cycles"] == result.total.cycles


def test_the_cores_slices_are_the_accounted_time_of_every_layer(opened):
    result, trace = opened
    spent = defaultdict(lambda: defaultdict(int))
    windows = {}
    for name, events in tracks_of(trace).values():
        for event in events:
            if name == "array: work and waits":
                kind = event["args"]["kind"]
                spent[event["args"]["layer"]][event["name"] if kind == "wait" else kind] += event["args"]["cycles"]
            elif name == "layers":
                windows[event["name"]] = event["args"]["cycles"]
    for layer in result.layers:
        found = spent[layer.name]
        assert set(found) <= {*WAIT_WORDS.values(), *SLICE_KINDS}
        assert windows.get(layer.name, 0) == layer.cycles
        assert found["work"] + found["fill"] == sum(layer.issue_cycles.values())
        assert found["tail"] == layer.tail_cycles
        for cause, word in WAIT_WORDS.items():
            assert found[word] == layer.idle_cycles[cause]
    assert sum(sum(found.values()) for found in spent.values()) == result.total.cycles


def test_port_and_counters_account_for_the_traffic_and_stay_within_the_hardware(opened):
    result, trace = opened
    ports = [events for name, events in tracks_of(trace).values() if name.startswith("DRAM port")]
    assert len(ports) == 1 or result.fidelity == "event"
    moved = {"read": 0, "write": 0}
    for event in itertools.chain.from_iterable(ports):
        moved[event["args"]["direction"]] += event["args"]["bytes"]
    for way, total in moved.items():
        assert total == sum(layer.dram[f"{way}_bytes"] for layer in result.layers)
    counters = [event for event in trace["traceEvents"] if event["ph"] == "C"]
    rates = [event for event in counters if event["name"] == "DRAM bandwidth [GB/s]"]
    peak = result.dram_bytes_per_cycle * result.clock_hz / 1e9
    highest = max(event["args"]["read"] + event["args"]["write"] for event in rates)
    assert 0 < highest <= peak * (1 + 1e-6 if result.fidelity == "bandwidth" else 4)
    seconds = [(after["ts"] - before["ts"]) * 1e-6 for before, after in itertools.pairwise(rates)]
    read = sum(event["args"]["read"] * 1e9 * width for event, width in zip(rates, seconds, strict=False))
    assert read == pytest.approx(moved["read"], rel=1e-3)
    capacity = {index: buffer.capacity_bytes for index, buffer in enumerate(result.timeline.buffers)}
    held = [event for event in counters if event["name"] == "occupancy [bytes]"]
    assert all(event["args"]["bytes"] <= capacity[event["pid"] - 2000] for event in held)


def test_arrows_lead_from_a_transfer_to_the_step_that_waited(opened):
    _, trace = opened
    starts = {event["id"]: event for event in trace["traceEvents"] if event["ph"] == "s"}
    ends = {event["id"]: event for event in trace["traceEvents"] if event["ph"] == "f"}
    assert starts
    assert set(starts) == set(ends)
    slices = tracks_of(trace)
    for arrow in (*starts.values(), *ends.values()):
        events = slices[arrow["pid"], arrow["tid"]][1]
        assert any(event["ts"] <= arrow["ts"] < event["ts"] + event["dur"] for event in events)
    assert all(starts[each]["ts"] <= ends[each]["ts"] for each in starts)


def test_the_same_run_gives_the_same_bytes_packed_or_plain(tmp_path):
    result = simulate("lenet5_int8", "gemmini_like_16", timeline=True)
    for name in ("a.json.gz", "b.json.gz", "c.json"):
        write_trace(result, tmp_path / name)
    packed = (tmp_path / "a.json.gz").read_bytes()
    assert packed == (tmp_path / "b.json.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "c.json").read_bytes()
    assert json.loads(gzip.decompress(packed)) == chrome_trace(result)


def test_hostile_names_stay_on_their_track(tmp_path):
    result = simulate("lenet5_int8", "gemmini_like_16", timeline=True)
    names = tuple(f'"\x1b[2J</script>{name}' for name in result.timeline.layer_names)
    write_trace(replace(result, timeline=replace(result.timeline, layer_names=names)), tmp_path / "t.json")
    text = (tmp_path / "t.json").read_text(encoding="ascii")
    assert "\x1b" not in text
    assert json.loads(text)["traceEvents"]


def test_a_result_without_a_timeline_says_how_to_get_one(tmp_path):
    with pytest.raises(SimulatorError, match=r"a trace of .*timeline=True.*--trace"):
        write_trace(run(), tmp_path / "t.json")
    with pytest.raises(SimulatorError, match=r"was not run .mapping_error"):
        write_trace(run(unmapped()), tmp_path / "t.json")
    assert not list(tmp_path.iterdir())
