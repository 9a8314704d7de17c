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


def timeline(tiles=(), ports=(), transfers=(), total_cycles=100):
    """A timeline of which only tiles and transfers are known."""
    return RunTimeline(
        layer_names=("a",),
        clock_hz=1e9,
        dram_bytes_per_cycle=4.0,
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
    ).moved_bytes(np.array([0, 15, 20, 30, 100]))
    assert moved["read"] == pytest.approx([50, 50 + 25, 25, 0])
    assert moved["write"] == pytest.approx([0, 0, 30, 30])


def test_edges_cover_the_run_and_what_is_written_after_it():
    assert timeline(total_cycles=100).bin_edges(3).tolist() == [0, 34, 68, 100]
    late = timeline(ports=[{"begin_cycle": 90, "end_cycle": 110}], transfers=[{}], total_cycles=100)
    assert late.bin_edges(2).tolist() == [0, 55, 110]
    assert timeline(total_cycles=2).bin_edges(50).tolist() == [0, 1, 2]
