"""Encoded tiles are one run each, within their tensor's region; the others' descriptors are left alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.addresses import place_tensors
from simulator.engine.compressed_runs import with_runs
from simulator.engine.compression import compress
from simulator.engine.descriptors import Layout, describe
from simulator.errors import MappingError
from simulator.memory.dma import RegionAllocator
from simulator.records import WEIGHT
from simulator.workload.masks import Masks
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
        describe(made.tape, *tables, regions, layout), made.tape, made.encoded, (*tables, regions), layout
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
            assert pieces[0].base_byte % layout.word_bytes == 0
            assert pieces[0].is_write == before[0].is_write
        elif transfer.operand != WEIGHT:
            assert pieces.tolist() == before.tolist()
    ends = found.pieces["base_byte"] + found.pieces["row_bytes"]
    assert ends.max(initial=0) <= allocator.used_bytes


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
