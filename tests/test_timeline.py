"""Slices of time: lanes, occupancy and bytes over time, from tables made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.records import IFMAP, READ, STEP, TRANSFER, WEIGHT, WRITE, table
from simulator.timeline import (
    CORE_SLICE,
    PORT_SLICE,
    QUEUE_SLICE,
    TILE_SLICE,
    VECTOR_SLICE,
    BufferTrack,
    RunTimeline,
    lanes_of,
)

intervals = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=30)


def filled(layout, rows):
    records = table(layout, len(rows))
    for record, row in zip(records, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return records


def timeline(tiles=(), ports=(), transfers=(), total_cycles=100, peak=4.0):
    """A timeline of which only tiles and transfers are known."""
    return RunTimeline(
        layer_names=("a",),
        clock_hz=1e9,
        dram_bytes_per_cycle=peak,
        total_cycles=total_cycles,
        buffers=(BufferTrack("one", 64, ("ifmap", "weight")), BufferTrack("two", 64, ("psum",))),
        steps=table(STEP, 0),
        transfers=filled(TRANSFER, transfers),
        windows=np.array([[0, total_cycles]]),
        core=table(CORE_SLICE, 0),
        vector=table(VECTOR_SLICE, 0),
        ports=filled(PORT_SLICE, ports),
        queues=table(QUEUE_SLICE, 0),
        tiles=filled(TILE_SLICE, tiles),
    )


@given(intervals)
def test_lanes_never_overlap_and_are_no_more_than_needed(pairs):
    begins = np.array([begin for begin, _ in pairs], np.int64)
    ends = begins + np.array([length for _, length in pairs], np.int64)
    lanes = lanes_of(begins, ends)
    most = 0
    for cycle in range(60):
        under_way = lanes[(begins <= cycle) & (cycle < ends)]
        assert len(set(under_way.tolist())) == len(under_way)
        most = max(most, len(under_way))
    assert lanes[ends > begins].max(initial=-1) < max(1, most)


def test_occupancy_adds_up_tiles_and_ends_empty():
    held = timeline(
        [
            {"operand": IFMAP, "bytes": 10, "begin_cycle": 5, "end_cycle": 20},
            {"operand": WEIGHT, "bytes": 4, "begin_cycle": 10, "end_cycle": 30},
            {"operand": IFMAP, "bytes": 8, "begin_cycle": 20, "end_cycle": 25, "lane": 1},
            {"buffer": 1, "bytes": 7, "begin_cycle": 1, "end_cycle": 2},
        ]
    )
    cycles, sizes = held.occupancy(0)
    assert cycles.tolist() == [5, 10, 20, 25, 30]
    assert sizes.tolist() == [10, 14, 12, 4, 0]
    assert [values.tolist() for values in held.occupancy(1)] == [[1, 2], [7, 0]]


def test_bytes_are_spread_over_a_transfers_time_on_the_port():
    moved = timeline(
        ports=[
            {"transfer": 0, "begin_cycle": 10, "end_cycle": 20},
            {"transfer": 1, "begin_cycle": 20, "end_cycle": 40},
            {"transfer": 2, "lane": 1, "begin_cycle": 15, "end_cycle": 25},
        ],
        transfers=[
            {"direction": READ, "payload_bytes": 100},
            {"direction": WRITE, "payload_bytes": 60},
            {"direction": READ, "payload_bytes": 50},
        ],
        peak=20.0,
    ).moved_bytes(np.array([0, 15, 20, 30, 100]))
    assert moved["read"] == pytest.approx([50, 50 + 25, 25, 0])
    assert moved["write"] == pytest.approx([0, 0, 30, 30])


def test_edges_cover_the_run_and_what_is_written_after_it():
    assert timeline(total_cycles=100).bin_edges(3).tolist() == [0, 34, 68, 100]
    late = timeline(ports=[{"begin_cycle": 90, "end_cycle": 110}], transfers=[{}], total_cycles=100)
    assert late.bin_edges(2).tolist() == [0, 55, 110]
    assert timeline(total_cycles=2).bin_edges(50).tolist() == [0, 1, 2]


def test_transfers_that_share_the_port_never_show_more_than_its_peak():
    """The second waits behind the first until 90: an even spread would show 2 bytes a cycle in the last ten cycles."""
    shared = {"begin_cycle": 0, "end_cycle": 100}
    held = timeline(
        ports=[{"transfer": 0, **shared}, {"transfer": 1, "lane": 1, "begin_cycle": 90, "end_cycle": 100}],
        transfers=[{"direction": READ, "payload_bytes": 90}, {"direction": WRITE, "payload_bytes": 10}],
        peak=1.0,
    )
    moved = held.moved_bytes(np.arange(0, 101, 10))
    assert moved["write"] == pytest.approx([0] * 9 + [10])
    assert moved["read"] == pytest.approx([10] * 9 + [0])


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(0, 99), st.booleans()), max_size=12),
    st.lists(st.integers(1, 99), max_size=6, unique=True),
    st.sampled_from([0.5, 3.0, 1000.0]),
)
def test_every_byte_is_shown_once_and_above_the_peak_only_where_nothing_is_earlier(rows, inner, peak):
    ports = [{"transfer": i, "lane": i, "begin_cycle": b, "end_cycle": b + d} for i, (b, d, _, _) in enumerate(rows)]
    transfers = [{"direction": WRITE if write else READ, "payload_bytes": size} for _, _, size, write in rows]
    edges = np.array([0, *sorted(inner), 100])
    moved = timeline(ports=ports, transfers=transfers, peak=peak).moved_bytes(edges)
    for name, direction in (("read", READ), ("write", WRITE)):
        asked = sum(one["payload_bytes"] for one in transfers if one["direction"] == direction)
        assert moved[name].sum() == pytest.approx(asked, abs=1e-3)
        assert (moved[name] >= 0).all()
    shown = moved["read"] + moved["write"]
    assert (shown[1:] <= peak * np.diff(edges)[1:] + 1e-6).all()
