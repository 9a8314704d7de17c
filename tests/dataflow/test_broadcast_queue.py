import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.broadcast_queue import OUTCOME, QUEUES, broadcast_columns
from simulator.records import table


def test_kernel_leaves_the_latest_pop_of_each_broadcast():
    work = np.array([[3, 1], [1, 1]], dtype=np.int32)
    queues, outcome, ready = table(QUEUES, 1), table(OUTCOME, 1), np.zeros(2, dtype=np.int32)
    queues[0] = (2, 7, 1, 1)
    pops = np.zeros(2, dtype=np.int64)
    broadcast_columns(work, np.array([[0, 1], [0, 1]]), queues[0], ready, pops, outcome[0])
    assert pops.tolist() == [1, 4]
    assert ready.tolist() == [5, 3]
    assert dict(zip(outcome.dtype.names, outcome[0].tolist(), strict=True)) == {
        "last_broadcast_cycle": 1,
        "scan_end_cycle": 2,
        "last_ready_cycle": 5,
        "bubbles": 0,
        "blocked_cycles": 0,
        "back_pressure_pe_cycles": 0,
    }


def plain_recurrence(work, depth):
    """The recurrence of EIE's authors' simulator, every pop kept; no bubbles: all activations are broadcast."""
    capacity, pes = depth - 1, work.shape[1]
    pops, finish, last = [], [0] * pes, 0
    for j, column in enumerate(work.tolist()):
        last = max(last + 1, 1 + max(pops[j - capacity]) if j >= capacity else 0)
        pops.append([max(last + 1, end) for end in finish])
        finish = [pop + cycles for pop, cycles in zip(pops[-1], column, strict=True)]
    return max(finish)


def outcome_of(work, positions, depth):
    pes = work.shape[1]
    queues, outcome, ready = table(QUEUES, 1), table(OUTCOME, 1), np.zeros(pes, dtype=work.dtype)
    queues[0] = (pes, max(depth - 1, 1), -(-(int(positions[-1]) + 1) // pes), 0)
    spots = np.stack((positions, np.arange(positions.size)))
    broadcast_columns(work, spots, queues[0], ready, np.empty(positions.size, dtype=np.int64), outcome[0])
    return outcome[0]


@given(
    pes=st.sampled_from([1, 2, 3, 16, 64, 100, 256]),
    depth=st.integers(2, 256),
    columns=st.integers(1, 80),
    mean=st.sampled_from([0.2, 1.0, 6.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_law_is_the_authors_recurrence_at_every_depth_and_pe_count(pes, depth, columns, mean, seed):
    work = np.maximum(np.random.default_rng(seed).poisson(mean, (columns, pes)), 1).astype(np.int32)
    found = outcome_of(work, np.arange(columns), depth)
    assert found.last_ready_cycle + 1 == plain_recurrence(work, depth)  # theirs counts from 1
    assert found.bubbles == (columns % pes > 0)
