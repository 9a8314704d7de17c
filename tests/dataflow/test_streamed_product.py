import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.streamed_product import (
    StreamBuffers,
    StreamedWeights,
    StreamTiling,
    run_stream,
    run_tiling,
    stream_tilings,
)
from simulator.errors import MappingError
from tests.oracle import streamed_oracle


def cut(extent, size):
    return np.array([min(size, extent - first) for first in range(0, extent, size)], dtype=np.int64)


@given(
    outputs=st.integers(1, 13),
    inputs=st.integers(1, 13),
    positions=st.integers(1, 7),
    group=st.integers(1, 4),
    segment=st.integers(1, 4),
    tiling=st.builds(StreamTiling, *(st.integers(1, 4) for _ in range(4))),
    rate=st.sampled_from([3, 16, 50, 400]),
    drain=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_law_is_the_stepped_machine(*, outputs, inputs, positions, group, segment, tiling, rate, drain, seed):
    rng = np.random.default_rng(seed)
    weights, values = rng.integers(-3, 4, (outputs, inputs)), rng.integers(-3, 4, (positions, inputs))
    of_groups, of_segments = cut(outputs, group), cut(inputs, segment)
    ones = np.ones((of_groups.size, of_segments.size), dtype=np.int64)
    dense = StreamedWeights(ones, np.outer(of_groups, of_segments) * 16, ones, of_segments, of_groups)
    buffers = StreamBuffers(1 << 20, 1 << 20, 1 << 20, 16, float(rate), 9, drain)
    run = run_tiling(dense, positions, buffers, tiling)
    machine = streamed_oracle.DianNao(weights.tolist(), values.tolist(), group, segment, 16)
    tiles = streamed_oracle.cut(machine, outputs, inputs, positions, tiling)
    assert (run.cycles, run.work_cycles) == streamed_oracle.run(machine, tiles, rate, 9, drain)
    assert run.loaded_bytes == sum(tile.load_bits for tile in tiles) // 8
    assert run.stored_bytes == sum(tile.store_bits for tile in tiles) // 8 == 2 * outputs * positions
    sums = values @ weights.T
    assert machine.sums == {(p, o): sums[p, o] for p in range(positions) for o in range(outputs)}


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(2, 60), st.integers(1, 9))
def test_every_tiling_fits_and_the_chosen_one_is_the_shortest_bound(outputs, inputs, positions, room, units):
    of_groups, of_segments = cut(outputs, 4), cut(inputs, 4)
    ones = np.ones((of_groups.size, of_segments.size), dtype=np.int64)
    weights = StreamedWeights(ones, np.outer(of_groups, of_segments) * 16, ones, of_segments, of_groups)
    buffers = StreamBuffers(room, room, units, 16, 64.0)
    tilings = list(stream_tilings(weights, positions, buffers))
    for tiling in tilings:
        assert tiling.positions * tiling.segments * of_segments.max() <= room
        assert tiling.positions * tiling.block_groups * of_groups.max() <= room
        assert tiling.groups * tiling.segments <= units
    if not tilings:
        with pytest.raises(MappingError, match=rf"half of the buffers holds {room}, {room} and {units}"):
            run_stream(weights, positions, buffers)
        return
    runs = [run_tiling(weights, positions, buffers, tiling) for tiling in tilings]
    best = run_stream(weights, positions, buffers)
    bound = [max(run.work_cycles, run.loaded_bytes * 8 / 64) for run in runs]
    assert max(best.work_cycles, best.loaded_bytes * 8 / 64) == min(bound)
    assert {run.work_cycles for run in runs} == {positions * ones.size}


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_more_bandwidth_never_adds_cycles_and_bounds_hold(outputs, inputs, positions):
    ones = np.ones((-(-outputs // 4), -(-inputs // 4)), dtype=np.int64)
    weights = StreamedWeights(ones, 256 * ones, ones, cut(inputs, 4), cut(outputs, 4))
    tiling, cycles = StreamTiling(2, 2, 2, 1), []
    for rate in (8.0, 64.0, 65.0, 1e9):
        buffers = StreamBuffers(64, 64, 8, 16, rate)
        run = run_tiling(weights, positions, buffers, tiling)
        assert run.cycles >= max(run.work_cycles, run.loaded_bytes * 8 / rate)
        cycles.append(run.cycles)
    assert cycles == sorted(cycles, reverse=True)
    late = run_tiling(weights, positions, dataclasses.replace(buffers, dram_latency_cycles=7), tiling)
    assert late.cycles == cycles[-1] + 7
