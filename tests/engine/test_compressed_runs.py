"""Encoded tiles are one run each, within their tensor's region; the others' descriptors are left alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.tile_extents import is_scattered
from simulator.engine.addresses import place_tensors
from simulator.engine.compressed_runs import with_runs
from simulator.engine.compression import compress
from simulator.engine.descriptors import Layout, describe
from simulator.errors import MappingError
from simulator.memory.dma import RegionAllocator
from simulator.records import MAC_WORK, PSUM, WEIGHT, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, accelerators, networks, plan
from tests.engine.test_compression import FORMATS, sparse, two_layers, with_formats

ROW_BYTES = 1024


def described(planned, machine, graph, layout):
    made = compress(planned.tape, planned.network, planned.mapped.mappings, (machine, layout), Masks(graph))
    allocator = RegionAllocator(row_bytes=ROW_BYTES, capacity_bytes=1 << 30)
    tables = [planned.network.works, planned.mapped.mappings]
    regions = place_tensors(planned.network, tables[1], layout, allocator)
    raw = describe(planned.tape, *tables, regions, layout)
    found = with_runs(
        describe(made.raw_tape, *tables, regions, layout), made.tape, made.encoded, (*tables, regions), layout
    )
    return made, raw, found, allocator


@settings(max_examples=30)
@given(
    networks(),
    accelerators(),
    st.sampled_from(FORMATS),
    st.sampled_from((0.0, 0.2, 1.0)),
    st.sampled_from((Layout(), Layout("NCHW"), Layout("tiled", channel_tile=2))),
)
def test_an_encoded_tile_is_one_run_and_a_raw_one_keeps_its_rectangle(graph, machine, formats, density, layout):
    machine, graph = with_formats(machine, formats), sparse(graph, density)
    try:
        planned = plan(graph, machine)
    except MappingError:
        return
    made, raw, found, allocator = described(planned, machine, graph, layout)
    for i, transfer in enumerate(made.tape.transfers):
        pieces = found.pieces[found.spans[i] : found.spans[i + 1]]
        before = raw.pieces[raw.spans[i] : raw.spans[i + 1]]
        if made.encoded[i]:
            assert len(pieces) == 1
            assert (pieces[0].row_bytes, pieces[0].rows) == (transfer.payload_bytes, 1)
            assert pieces[0].base_byte % layout.word_bytes == 0 or is_scattered_store(planned, transfer)
            assert pieces[0].is_write == before[0].is_write
        elif transfer.operand != WEIGHT:
            assert pieces.tolist() == before.tolist()
    ends = found.pieces["base_byte"] + found.pieces["row_bytes"]
    assert ends.max(initial=0) <= allocator.used_bytes
    assert_scattered_tiles_keep_to_themselves(planned, raw, found)


def is_scattered_store(planned, transfer):
    work, mapping = planned.network.works[transfer.layer], planned.mapped.mappings[transfer.layer]
    if (transfer.operand, transfer.direction, work.kind) != (PSUM, WRITE, MAC_WORK) or not is_scattered(work):
        return False
    channel_tiles = -(-work.C // mapping.C)
    return transfer.tile % channel_tiles == channel_tiles - 1  # others are spills


def assert_scattered_tiles_keep_to_themselves(planned, raw, found):
    """Each has the bytes of its raw form for itself, encoded or not."""
    taken = set()
    for i, transfer in enumerate(planned.tape.transfers):
        if raw.spans[i + 1] == raw.spans[i] or not is_scattered_store(planned, transfer):
            continue
        (piece,), (dense,) = (each.pieces[each.spans[i] : each.spans[i + 1]] for each in (found, raw))
        bytes_of = set(range(dense.base_byte, dense.base_byte + dense.row_bytes))
        assert piece.base_byte == dense.base_byte
        assert piece.row_bytes <= dense.row_bytes
        assert not bytes_of & taken
        taken |= bytes_of


def test_encoded_weights_follow_each_other_from_word_to_word():
    graph = sparse(two_layers(), 0.1)
    machine = with_formats(accelerator(capacity=(20000, 20000)), FORMATS[0])
    planned = plan(graph, machine, given={"b": {"order": "kcm", "tile": {"K": 2, "C": 4}}})
    layout = Layout()
    made, _, found, _ = described(planned, machine, graph, layout)
    mine = np.flatnonzero((made.tape.transfers["operand"] == WEIGHT) & (made.tape.transfers["layer"] == 1))
    first = found.pieces["base_byte"][found.spans[mine]]
    order = np.argsort(first)
    size = -(-made.tape.transfers["payload_bytes"][mine] // layout.word_bytes) * layout.word_bytes
    assert len(set(first.tolist())) == len(mine) == 12
    assert (np.diff(first[order]) == size[order][:-1]).all()


def transposed(density):
    precision = Precision(bits=8)
    net = GraphBuilder("up", weight_precision=precision, activation_precision=precision)
    x = net.conv_transpose(net.input("image", (1, 3, 5, 6)), 8, 3, name="up")
    return sparse(net.build(net.conv(x, 2, 1, name="point")), density)


def test_a_raw_tile_among_encoded_ones_of_a_transposed_convolution_stays_where_it_is():
    graph, layout = transposed(0.0), Layout()
    machine = with_formats(accelerator(capacity=(20000, 20000)), FORMATS[0])
    planned = plan(graph, machine, given={"up": {"order": "mkc", "tile": {"N": 1, "P": 1, "Q": 2, "K": 60}}})
    made, raw, found, _ = described(planned, machine, graph, layout)
    stores = np.flatnonzero((planned.tape.transfers["operand"] == PSUM) & (planned.tape.transfers["layer"] == 0))
    size = planned.tape.transfers["payload_bytes"][stores]
    assert made.encoded[stores].tolist() == (size > 8).tolist() == [True, False] * 15  # a word of RLC is 8 bytes
    assert made.raw_bytes[stores].tolist() == size.tolist()
    first = raw.pieces["base_byte"][raw.spans[stores]]
    assert np.diff(first).tolist() == size[:-1].tolist()
    assert found.pieces["base_byte"][found.spans[stores]].tolist() == first.tolist()
