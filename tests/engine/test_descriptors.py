"""DMA descriptors touch the bytes of their tile's elements, all of them and no others; payloads are the tape's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.addresses import place_tensors, tensor_bytes
from simulator.engine.descriptors import Layout, describe
from simulator.errors import MappingError
from simulator.memory.dma import RegionAllocator
from simulator.records import MAC_WORK, OPERAND_NAMES, WEIGHT, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, accelerators, given_mappings, networks, plan, with_cores
from tests.dataflow.replay import as_dict
from tests.oracle.address_oracle import layer_moves

LAYOUTS = (
    Layout(),
    Layout("NCHW"),
    Layout("tiled", channel_tile=2),
    Layout("tiled", 3, "rows"),
    Layout(weights="rows"),
)


def described(planned, layout):
    allocator = RegionAllocator(row_bytes=1024, capacity_bytes=1 << 30)
    regions = place_tensors(planned.network, planned.mapped.mappings, layout, allocator)
    found = describe(
        planned.tape, planned.network.works, planned.mapped.mappings, regions, layout, planned.network.parts
    )
    return regions, found


def touched(found, index):
    bytes_of = set()
    for piece in found.pieces[found.spans[index] : found.spans[index + 1]]:
        for row in range(int(piece.rows)):
            first = int(piece.base_byte + row * piece.pitch_bytes)
            bytes_of.update(range(first, first + int(piece.row_bytes)))
    return bytes_of


def payloads(planned, found):
    size = np.concatenate([[0], np.cumsum(found.pieces["row_bytes"] * found.pieces["rows"])])
    return np.diff(size[found.spans])


def check(planned, layout):
    regions, found = described(planned, layout)
    for i, span in enumerate(planned.tape.spans):
        work, mapping = as_dict(planned.network.works[i]), as_dict(planned.mapped.mappings[i])
        first, count = int(span.first_transfer), int(span.transfers)
        outputs = work["sequence_steps"] * work["N"] * work["P"] * work["Q"] * work["G"] * work["K"]
        if work["kind"] != MAC_WORK:
            continue
        moves = list(layer_moves(work, mapping, (layout.order, layout.channel_tile)))
        assert len(moves) == count
        for index, (name, expected) in zip(range(first, first + count), moves, strict=True):
            bytes_of = touched(found, index)
            if expected is None or (name == "ofmap" and outputs != work["ofmap_elements"]):
                continue
            base = int(regions[i][name])
            assert bytes_of == {base + byte for byte in expected}, (name, index)
    return regions, found


@settings(max_examples=40)
@given(networks(), accelerators(), st.sampled_from(LAYOUTS), st.data())
def test_every_tile_touches_the_bytes_of_its_elements(graph, machine, layout, data):
    try:
        network = plan(graph, machine).network
        planned = plan(graph, machine, given=data.draw(given_mappings(network)), dataflows=("ws", "is"))
    except MappingError:
        return
    regions, found = check(planned, layout)
    transfers = planned.tape.transfers
    size, payload = payloads(planned, found), transfers["payload_bytes"]
    is_write = found.pieces["is_write"][found.spans[:-1][size > 0]]
    assert (is_write == (transfers["direction"][size > 0] == WRITE)).all()
    bits = planned.network.works[["ifmap_bits", "weight_bits", "ofmap_bits", "residual_bits", "psum_bits"]]
    if all(value % 8 == 0 for row in bits.tolist() for value in row):
        dense = transfers["operand"] != WEIGHT  # biases behind rows of weights end on a byte of their own
        assert (size[dense] == payload[dense]).all()
    assert (size >= payload).all()
    del regions


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_whole_bytes_move_exactly_the_tapes_payload(layout):
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    x = net.conv(net.input("image", (2, 6, 9, 8)), 10, 3, padding=1, name="a")
    y = net.add(net.conv(x, 10, 3, padding=1, groups=2, name="b"), x)
    graph = net.build(net.softmax(net.conv(y, 7, 2, stride=2, name="c")))
    given = {
        "a": {"order": "mck", "tile": {"N": 1, "P": 2, "K": 4, "C": 4}},  # halo rows and spilled psums
        "b": {"order": "kmc", "tile": {"N": 1, "P": 1, "Q": 3, "K": 5, "C": 2, "G": 1}},
        "c": {"order": "cmk", "tile": {"N": 1, "K": 3, "C": 5}},
    }
    planned = plan(graph, accelerator(capacity=99999), given=given)
    _, found = check(planned, layout)
    assert (payloads(planned, found) == planned.tape.transfers["payload_bytes"]).all()
    operands = {OPERAND_NAMES[transfer.operand] for transfer in planned.tape.transfers}
    assert operands == {"ifmap", "weight", "psum", "residual"}


def test_weight_tiles_lie_behind_each_other_and_start_on_words():
    net = GraphBuilder("bits", weight_precision=Precision(bits=3), activation_precision=Precision(bits=8))
    graph = net.build(net.conv(net.input("image", (1, 6, 5, 5)), 9, 3, name="a"))
    planned = plan(graph, accelerator(capacity=99999), given={"a": {"order": "kmc", "tile": {"K": 4, "C": 2}}})
    regions, found = described(planned, Layout())
    tiles = [i for i, transfer in enumerate(planned.tape.transfers) if transfer.operand == WEIGHT]
    assert len(tiles) == 9
    taken = set()
    for index in tiles:
        bytes_of = touched(found, index)
        assert min(bytes_of) % 64 == 0
        assert not bytes_of & taken
        taken |= bytes_of
    assert min(taken) >= int(regions[0].weight)
    assert max(taken) < int(regions[0].ofmap)


def test_a_tile_of_all_channels_is_one_run_and_one_of_some_is_a_row_a_pixel():
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.conv(net.input("image", (1, 6, 8, 8)), 4, 1, name="a"))
    for tile, shape in (({"P": 2}, (96, 1, 0)), ({"P": 2, "C": 2}, (2, 16, 6))):
        planned = plan(graph, accelerator(capacity=99999), given={"a": {"order": "mkc", "tile": tile}})
        _, found = described(planned, Layout())
        piece = found.pieces[found.spans[1]]  # transfer 0 brings weights
        assert (int(piece.row_bytes), int(piece.rows), int(piece.pitch_bytes)) == shape


@pytest.mark.parametrize("bits", [8, 3])
def test_finished_tiles_of_a_transposed_convolution_lie_behind_each_other_over_all_cores(bits):
    net = GraphBuilder("up", weight_precision=Precision(bits=bits), activation_precision=Precision(bits=bits))
    graph = net.build(net.conv_transpose(net.input("image", (1, 3, 5, 6)), 8, 3, name="up"))
    machine = with_cores(accelerator(capacity=99999), 2, "K")
    planned = plan(graph, machine, given={"up": {"order": "mkc", "tile": {"N": 1, "P": 2, "K": 7}}})
    assert len(planned.network.works) == 2
    regions, found = described(planned, Layout())
    transfers = planned.tape.transfers
    stores = np.flatnonzero((transfers["direction"] == WRITE) & (transfers["payload_bytes"] > 0))
    size = transfers["payload_bytes"][stores]
    assert len(stores) > 20
    assert np.diff(found.spans)[stores].tolist() == [1] * len(stores)
    place = found.pieces["base_byte"][found.spans[stores]]
    assert place.tolist() == (regions[0].ofmap + np.cumsum(size) - size).tolist()
    sizes = tensor_bytes(planned.network, planned.mapped.mappings, Layout())
    assert int(size.sum()) <= int(sizes[0].ofmap) == int(sizes[1].ofmap)
