"""Descriptors touch exactly the bytes of their tiles; regions share no row."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.memory.dma import Descriptor, RegionAllocator, TensorLayout, descriptor_table
from simulator.records import READ, WRITE


def bytes_of(descriptors):
    return [
        byte
        for one in descriptors
        for row in range(one.rows)
        for byte in range(one.base_byte + row * one.pitch_bytes, one.base_byte + row * one.pitch_bytes + one.row_bytes)
    ]


def element_number(layout, position):
    if layout.order == "tiled":
        tiles = -(-layout.shape["C"] // layout.channel_tile)
        outer, inner = divmod(position["C"], layout.channel_tile)
        at = (position["N"] * tiles + outer) * layout.shape["H"] + position["H"]
        return (at * layout.shape["W"] + position["W"]) * layout.channel_tile + inner
    number = 0
    for name in layout.order:
        number = number * layout.shape[name] + position[name]
    return number


@st.composite
def tiles(draw):
    shape = {name: draw(st.integers(1, 5)) for name in "NCHW"}
    layout = TensorLayout(
        shape,
        draw(st.sampled_from(("NCHW", "NHWC", "tiled"))),
        draw(st.sampled_from((1, 3, 4, 8, 16))),
        draw(st.sampled_from((0, 7))),
        draw(st.sampled_from((1, 2, 4))),
    )
    ranges = {}
    for name in draw(st.sets(st.sampled_from("NCHW"))):
        first = draw(st.integers(0, shape[name] - 1))
        ranges[name] = (first, draw(st.integers(first + 1, shape[name])))
    return layout, ranges


@given(tiles())
def test_a_tile_touches_the_bytes_of_its_elements(case):
    layout, ranges = case
    descriptors = layout.tile(**ranges)
    box = [range(*ranges.get(name, (0, layout.shape[name]))) for name in "NCHW"]
    needed = set()
    for position in itertools.product(*box):
        first = element_number(layout, dict(zip("NCHW", position, strict=True))) * layout.element_bits
        needed |= {layout.base_byte + bit // 8 for bit in range(first, first + layout.element_bits)}
    touched = bytes_of(descriptors)
    assert needed <= set(touched)
    if layout.order != "tiled" and layout.element_bits % 8 == 0:  # no padding channels, no split bytes
        assert sorted(touched) == sorted(needed)
    assert max(touched) < layout.base_byte + layout.size_bytes
    assert [one.base_byte for one in descriptors] == sorted(one.base_byte for one in descriptors)


def test_a_whole_tensor_is_one_row():
    layout = TensorLayout({"N": 2, "C": 3, "H": 4, "W": 5}, "NCHW", 16)
    assert layout.tile(WRITE) == [Descriptor(0, layout.size_bytes, direction=WRITE)]


def test_a_channel_slice_is_one_descriptor_per_layout():
    shape = {"N": 1, "C": 8, "H": 4, "W": 4}
    assert TensorLayout(shape, "NHWC").tile(C=(0, 4)) == [Descriptor(0, 4, 16, 8)]
    assert TensorLayout(shape, "NCHW").tile(C=(0, 4)) == [Descriptor(0, 64)]
    assert TensorLayout(shape, "tiled", channel_tile=4).tile(C=(4, 8)) == [Descriptor(64, 64)]


def test_rows_without_a_gap_become_one():
    record = descriptor_table([Descriptor(10, 6, 5, 6, WRITE), Descriptor(0, 6, 5, 7)])
    assert record.tolist() == [(10, 30, 1, 0, 1), (0, 6, 5, 7, 0)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row_bytes": 0}, "row_bytes is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"base_byte": -1}, "base_byte is -1"),
        ({"rows": 2, "pitch_bytes": 3}, "less than row_bytes"),
        ({"direction": 2}, "direction is 2"),
        ({"base_byte": 1 << 62}, "below 2\\^62"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(changes, words):
    with pytest.raises(WorkloadError, match=words):
        Descriptor(**({"base_byte": 0, "row_bytes": 4, "direction": READ} | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order": "CHWN"}, "order is 'CHWN'"),
        ({"shape": {"N": 1}}, "give N, C, H and W"),
        ({"element_bits": 0}, "bits"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(changes, words):
    with pytest.raises(WorkloadError, match=words):
        TensorLayout(**({"shape": {"N": 1, "C": 1, "H": 1, "W": 1}} | changes))


@pytest.mark.parametrize("ranges", [{"C": (0, 0)}, {"H": (0, 9)}, {"W": (-1, 1)}, {"K": (0, 1)}])
def test_a_box_outside_its_tensor_is_refused(ranges):
    with pytest.raises(WorkloadError, match="tensor tile"):
        TensorLayout({"N": 1, "C": 4, "H": 4, "W": 4}).tile(**ranges)


def test_regions_begin_at_rows_and_end_with_the_memory():
    regions = RegionAllocator(1024, 4096)
    assert [regions.take(size) for size in (1, 1025, 1024)] == [0, 1024, 3072]
    with pytest.raises(WorkloadError, match="1024 beyond the 4096 bytes"):
        regions.take(1)
