"""Tile extents and sizes against sets of positions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow import tiling
from simulator.records import IFMAP, MAC_WORK, MAPPING, PSUM, RESIDUAL, VECTOR_WORK, WEIGHT, WORK, table
from tests.dataflow.network_cases import tiles
from tests.oracle.mapping_oracle import largest_tile_bits
from tests.oracle.planner_oracle import cut, ifmap_bits, input_positions, weight_bits

BITS = {"ifmap_bits": 5, "weight_bits": 3, "psum_bits": 20, "ofmap_bits": 7, "residual_bits": 6}


@st.composite
def convolutions(draw):
    """A WORK record of a random convolution, floor-divided as frameworks do, and a mapping that nests."""
    work, mapping = table(WORK, 1)[0], table(MAPPING, 1)[0]
    fields = {name: draw(st.integers(1, 4)) for name in ("N", "G", "K", "C")} | BITS
    for rows, taps, stride, dilation, pad, outputs in (
        ("H", "R", "stride_h", "dilation_h", "pad_h", "P"),
        ("W", "S", "stride_w", "dilation_w", "pad_w", "Q"),
    ):
        fields[taps], fields[stride] = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        fields[dilation], fields[pad], after = draw(st.integers(1, 3)), draw(st.integers(0, 5)), draw(st.integers(0, 5))
        reach = (fields[taps] - 1) * fields[dilation] + 1
        fields[rows] = draw(st.integers(max(1, reach - fields[pad] - after), 12))
        fields[outputs] = (fields[rows] + fields[pad] + after - reach) // fields[stride] + 1
    fields |= {"kind": MAC_WORK, "sequence_steps": 1, "parameter_bits": draw(st.integers(0, 50))}
    for name, value in fields.items():
        work[name] = value
    for name, value in draw(tiles(work)).items():
        mapping[name] = value
    return work, mapping


@given(convolutions())
def test_every_tile_is_the_set_of_positions_it_reads(case):
    work, mapping = case
    plain = {name: int(work[name]) for name in work.dtype.names}
    parts = {name: cut(plain[name], int(mapping[name])) for name in ("N", "P", "Q", "G", "K", "C")}
    assert tiling.row_tiles(work, mapping) == len(parts["N"]) * len(parts["P"]) * len(parts["Q"])
    most = largest_tile_bits(plain, {name: int(mapping[name]) for name in ("N", "P", "Q", "G", "K", "C")})
    assert tiling.largest_tiles(work, mapping) == (most["ifmap"], most["weight"], most["psum"], most["residual"])
    rows = [(n, p, q) for n in parts["N"] for p in parts["P"] for q in parts["Q"]]
    for m, extent in enumerate(rows):
        size = int(np.prod([end - begin for begin, end in extent]))
        assert tiling.tile_rows(work, mapping, m) == size
        for g, groups in enumerate(parts["G"]):
            for c, channels in enumerate(parts["C"]):
                bits = ifmap_bits(plain, extent, groups, channels)
                assert tiling.ifmap_tile_bits(work, mapping, (m, g, c)) == bits <= most["ifmap"]


@given(convolutions())
def test_weight_tiles_hold_their_share_of_the_parameters(case):
    work, mapping = case
    plain = {name: int(work[name]) for name in work.dtype.names}
    for g, groups in enumerate(cut(plain["G"], int(mapping.G))):
        for k, columns in enumerate(cut(plain["K"], int(mapping.K))):
            for c, channels in enumerate(cut(plain["C"], int(mapping.C))):
                bits = weight_bits(plain, groups, columns, channels)
                assert tiling.weight_tile_bits(work, mapping, (g, k, c)) == bits


@given(convolutions())
def test_tiles_together_read_the_whole_image(case):
    work, mapping = case
    read = set()
    for p in range(len(cut(int(work.P), int(mapping.P)))):
        begin, end = tiling.input_rows(work, mapping, p)
        read |= set(range(begin, end))
    assert read == set(range(int(work.H))) or work.P == 0
    columns = [tiling.input_columns(work, mapping, q) for q in range(len(cut(int(work.Q), int(mapping.Q))))]
    assert columns[0][0] == 0
    assert columns[-1][1] == work.W


def test_the_written_out_positions_of_a_strided_tile():
    assert input_positions((1, 3), 4, 11, stride=3, reach=3, padding=1) == set(range(2, 8))
    assert tiling.span((4, 2, 0), (11, 3, 3, 1)) == (0, 5)
    assert tiling.span((4, 2, 1), (11, 3, 3, 1)) == (5, 11)


def test_slots_used_are_no_more_than_there_are_different_tiles():
    work, mapping = table(WORK, 1)[0], table(MAPPING, 1)[0]
    for name in ("N", "G", "R", "S", "Q", "sequence_steps"):
        work[name] = 1
    work.P, work.K, work.C = 4, 6, 8
    mapping.N = mapping.G = mapping.Q = 1
    mapping.P, mapping.K, mapping.C = 4, 3, 8
    assert [tiling.slots_used(work, mapping, 3, operand) for operand in (IFMAP, WEIGHT, PSUM, RESIDUAL)] == [1, 2, 2, 2]
    work.sequence_steps = 5
    assert tiling.slots_used(work, mapping, 3, PSUM) == 3
    work.kind, mapping.chunks = VECTOR_WORK, 2
    assert tiling.slots_used(work, mapping, 3, IFMAP) == 2
