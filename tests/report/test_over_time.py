"""Plots over time: their rows against the run they were drawn from."""

import pytest

from simulator import load_accelerator, simulate
from simulator.errors import SimulatorError
from simulator.report.over_time import (
    SHOWN_TILES,
    _track_order,
    bandwidth_figure,
    bandwidth_rows,
    gantt_bars,
    gantt_figure,
    gantt_rows,
    waits_most,
)
from simulator.report.plots import render
from tests.report.sample_results import run


@pytest.fixture(scope="module")
def result():
    return simulate("mobilenet_v2_int8", "edge_like_32", fidelity="bandwidth", timeline=True)


def test_bandwidth_rows_hold_all_bytes_and_never_pass_the_peak(result):
    rows = bandwidth_rows(result)
    peak = result.dram_bytes_per_cycle * result.clock_hz / 1e9
    moved = 0.0
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        assert row["read_gb_per_s"] + row["write_gb_per_s"] <= peak * (1 + 1e-9)
        moved += row["read_gb_per_s"] * 1e9 * (row["end_cycle"] - row["begin_cycle"]) / result.clock_hz
        assert after is None or row["end_cycle"] == after["begin_cycle"]
    assert moved == pytest.approx(sum(layer.dram["read_bytes"] for layer in result.layers))
    assert rows[0]["begin_cycle"] == 0
    assert rows[-1]["end_cycle"] >= result.total.cycles


def test_the_most_held_in_an_interval_is_the_most_of_the_timeline(result):
    rows = bandwidth_rows(result)
    for index, buffer in enumerate(result.timeline.buffers):
        cycles, held = result.timeline.occupancy(index)
        most = [row[f"{buffer.name}_most_bytes"] for row in rows]
        assert max(most) == held.max()
        for row, found in list(zip(rows, most, strict=True))[:: len(rows) // 20]:
            inside = (cycles >= row["begin_cycle"]) & (cycles < row["end_cycle"])
            before = held[cycles <= row["begin_cycle"]][-1:].tolist()
            assert found == max([*held[inside].tolist(), *before], default=0)


def test_the_gantt_shows_the_layer_that_waited_most_and_its_neighbours_in_time(result):
    name = waits_most(result)
    bars = gantt_bars(result)
    tracks = {bar.track for bar in bars}
    assert {"array", "DRAM port"} <= tracks
    busy = [bar for bar in bars if bar.kind == "array busy"]
    assert 1 < len(busy) <= SHOWN_TILES + 2
    assert all(bar.end_cycle > bar.begin_cycle for bar in bars)
    on_track = {}
    for bar in sorted(bars, key=lambda each: each.begin_cycle):
        assert bar.begin_cycle >= on_track.get(bar.track, 0), bar
        on_track[bar.track] = bar.end_cycle
    assert name in {layer.name for layer in result.layers}
    assert gantt_rows(result)[0].keys() == {"track", "kind", "tile", "begin_cycle", "end_cycle"}


def test_a_named_layer_is_drawn_and_an_unknown_one_is_empty(result):
    first = result.layers[0].name
    assert gantt_bars(result, first) != gantt_bars(result)
    assert gantt_bars(result, "nothing") == []
    assert render(gantt_figure(result, "nothing"), "svg")


def test_pictures_are_drawn_again_byte_by_byte(result):
    for draw in (gantt_figure, bandwidth_figure):
        assert render(draw(result), "svg") == render(draw(result), "svg")


def test_without_a_timeline_the_message_says_how_to_get_one():
    with pytest.raises(SimulatorError, match=r"bandwidth over time of .*timeline=True"):
        bandwidth_rows(run())
    with pytest.raises(SimulatorError, match="a Gantt of"):
        gantt_figure(run())


def test_the_gantt_of_several_cores_shows_all_of_their_arrays():
    """Tiles of a layer are counted core by core: twelve in the middle of all would be the end of one and a start."""
    machine = load_accelerator("gemmini_like_16", overrides=["cores=2", "core_split=K"])
    cores = simulate("lenet5_int8", machine, fidelity="bandwidth", timeline=True)
    for name in ("c1", "c3", "c5"):
        bars = gantt_bars(cores, name)
        assert any(bar.track == "array 0" and bar.kind == "array busy" for bar in bars), name
        assert {bar.track for bar in bars} >= {"array 0", "array 1"}


def test_tracks_are_in_order_of_their_numbers():
    tracks = ["psum slot 0", "DRAM 10", "DRAM 2", "array 0", "DMA queue 1 held up"]
    assert sorted(tracks, key=_track_order) == [tracks[4], tracks[2], tracks[1], tracks[3], tracks[0]]
