"""A timeline of whole networks: kept on request, and never more in a buffer than it holds."""

import pytest

from simulator import simulate
from simulator.machines import recording
from simulator.records import IFMAP, PSUM, READ, RESIDUAL
from tests.engine.test_recording import TRACKS, assert_tracks_never_overlap, length


@pytest.mark.parametrize("machine", ["gemmini_like_16", "edge_like_32", "tpu_like_128"])
def test_a_networks_tiles_never_exceed_their_buffers(machine):
    shown = simulate("lenet5_int8" if machine == "gemmini_like_16" else "mobilenet_v2_int8", machine, timeline=True)
    timeline = shown.timeline
    assert_tracks_never_overlap(timeline, TRACKS | {"tiles": ("operand", "lane")})
    assert length(timeline.core) == timeline.total_cycles == shown.total.cycles
    assert {IFMAP, PSUM} <= set(timeline.tiles["operand"]) <= {0, 1, PSUM, RESIDUAL}
    for index, buffer in enumerate(timeline.buffers):
        _, held = timeline.occupancy(index)
        assert 0 < held.max() <= buffer.capacity_bytes
        assert held[-1] == held.min() == 0
    traffic = sum(layer.dram["read_bytes"] for layer in shown.layers)
    moved = timeline.moved_bytes(timeline.bin_edges(100))
    assert moved["read"].sum() == pytest.approx(traffic)
    assert (timeline.transfers["direction"][timeline.ports["transfer"]] == READ).any()


def test_a_timeline_is_kept_on_request_only_and_changes_nothing():
    plain, kept = simulate("lenet5_int8"), simulate("lenet5_int8", timeline=True)
    assert plain.timeline is None
    assert plain == kept
    assert plain.to_json() == kept.to_json()


def test_no_timeline_is_kept_of_more_tiles_than_can_be_looked_at(monkeypatch):
    assert recording.MOST_STEPS == 200_000
    monkeypatch.setattr(recording, "MOST_STEPS", 3)
    assert simulate("lenet5_int8", timeline=True).timeline is None


def test_a_timeline_says_where_resident_maps_are_not_in_it():
    assert simulate("lenet5_int8", "tpu_v1", timeline=True).timeline.has_resident
    assert not simulate("lenet5_int8", "gemmini_like_16", timeline=True).timeline.has_resident
