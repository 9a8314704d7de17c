"""Extents of all tiles at once are those of the loop nest written out, tile by tile."""

import numpy as np
from hypothesis import given, settings

from simulator.dataflow.tile_extents import chunk_sizes, stored_bits, tile_extents
from simulator.records import MAC_WORK, VECTOR_WORK
from tests.dataflow.network_cases import planned
from tests.dataflow.replay import replay


@given(planned())
@settings(max_examples=25)
def test_extents_are_those_of_the_nest(case):
    if case is None:
        return
    for layer in replay(case):
        if layer.work["kind"] != MAC_WORK:
            continue
        work = case.network.works[layer.index]
        extents = tile_extents(work, case.mapped.mappings[layer.index])
        visits = layer.plan.visits
        for name in ("rows", "inner", "cols", "groups", "final", "closed"):
            assert getattr(extents, name).tolist() == [getattr(visit, name) for visit in visits]
        seen = [visit.psum for visit in visits]
        assert extents.accumulates.tolist() == [int(psum in seen[:i]) for i, psum in enumerate(seen)]
        assert extents.outputs.tolist() == [visit.rows * visit.cols * visit.groups for visit in visits]
        assert stored_bits(work, extents).sum() == work.ofmap_elements * work.ofmap_bits


@given(planned())
@settings(max_examples=15)
def test_chunks_are_the_planners(case):
    if case is None:
        return
    for layer in replay(case):
        if layer.work["kind"] == VECTOR_WORK and layer.work["ofmap_in_dram"]:
            sizes = chunk_sizes(layer.work["ofmap_elements"], len(layer.steps)) * layer.work["ofmap_bits"]
            stored = layer.transfers[layer.transfers["data_step"] >= 0]
            assert np.array_equal(-(-sizes // 8), stored["payload_bytes"])


def test_parts_of_a_large_total_do_not_overflow():
    assert chunk_sizes(2**61, 2**20).sum() == 2**61
