"""How full the buffers were, against the replay that knows what every tile is for."""

import numpy as np
from hypothesis import given, settings

from simulator.engine.occupancy import Holdings, held_over_time, peaks_in, resident_holdings, tile_holdings
from simulator.engine.run import run
from simulator.machines.residency import resident_tables
from tests.dataflow.network_cases import planned
from tests.dataflow.replay import holdings, leases, replay


def as_rows(held):
    rows = zip(held.buffer, held.begin, held.end, held.bits, strict=True)
    return sorted(tuple(int(value) for value in row) for row in rows if row[2] > row[1])


def rounded(bits):
    return -(-bits // 8) * 8  # transfers are counted in bytes


@settings(max_examples=40)
@given(planned())
def test_tiles_hold_what_the_replay_says(case):
    if case is None:
        return
    run(case.tape, case.space)
    layers = list(replay(case))
    found = as_rows(tile_holdings(case.tape, case.space[0].home))
    expected = []
    for one in holdings(case, layers):
        bits = one.bits if "psum" in one.label else rounded(one.bits)
        if "state" not in one.label and one.end > one.begin and bits:
            expected.append((one.home, one.begin, one.end, bits))
    assert [row[:3] for row in found if row[3]] == sorted(row[:3] for row in expected)
    assert all(abs(a[3] - b[3]) < 8 for a, b in zip([r for r in found if r[3]], sorted(expected), strict=True))
    tensors, readers = resident_tables(case.network)
    kept = as_rows(resident_holdings(case.tape, int(case.space[0].home[0]), tensors, readers))
    home = int(case.space[0].home[0])
    assert kept == sorted((home, one.begin, one.end, one.high - one.low) for one in leases(case, layers))


def test_what_is_held_over_time():
    held = Holdings(*(np.array(row, np.int64) for row in ([0, 0, 1], [0, 4, 2], [6, 9, 3], [10, 5, 7], [0, 0, 0])))
    cycles, bits = held_over_time(held, 0)
    assert (cycles.tolist(), bits.tolist()) == ([0, 4, 6, 9], [10, 15, 5, 0])
    assert peaks_in((cycles, bits), np.array([3, 5, 5, 12])).tolist() == [10, 15, 0, 15]
    assert held_over_time(held, 2)[1].tolist() == []
