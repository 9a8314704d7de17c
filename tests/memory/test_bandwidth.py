"""The DRAM port, against a port that moves its bytes cycle by cycle."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.memory.bandwidth import NEVER, advance, new_memory, next_event, submit, transfer_cycles
from simulator.records import TRANSFER, UNKNOWN_CYCLE, table
from tests.oracle.engine_port import Memory, Port, Transfer

BANDWIDTHS = ("0.1", "0.5", "0.7", "1", "1.6", "3", "6.4", "12.8", "19.2", "25.6", "64", "1000")

traffic = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 200)), min_size=1, max_size=12)


def stepped(requests, memory):
    port, line, now, transfers = Port(memory), [], 0, []
    cycle = 0
    for wait, nbytes in requests:
        cycle += wait
        transfers.append(Transfer(nbytes))
        line.append((cycle, transfers[-1]))
    while any(transfer.arrived is None for transfer in transfers):
        while line and line[0][0] == now:
            port.take(line.pop(0)[1])
        while port.settle(now) or port.grant(now):
            pass
        port.tick(now)
        now += 1
    return [(transfer.begin, transfer.arrived) for transfer in transfers], port.busy_cycles


@given(traffic, st.sampled_from(BANDWIDTHS), st.integers(0, 9), st.sampled_from((1, 8, 64)))
def test_random_traffic_equals_the_stepped_port(requests, bandwidth, latency, word):
    memory = new_memory(float(bandwidth), latency, word, [len(requests)])
    transfers = table(TRANSFER, len(requests))
    transfers.done_cycle = UNKNOWN_CYCLE
    cycle = 0
    for i, (wait, nbytes) in enumerate(requests):
        cycle += wait
        transfers[i].payload_bytes = nbytes
        advance(memory, cycle, transfers)
        submit(memory, cycle, transfers[i], i)
    while next_event(memory) < NEVER:
        assert advance(memory, next_event(memory), transfers) > 0
    expected, busy = stepped(requests, Memory(Fraction(bandwidth), latency, word))
    assert [(int(row.begin_cycle), int(row.done_cycle)) for row in transfers] == expected
    assert memory.port[0].busy_cycles == busy


@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
def test_whole_cycles_at_decimal_bandwidths(bandwidth):
    port = new_memory(float(bandwidth), 0, 1, [1]).port[0]
    for nbytes in range(0, 200_000, 64):
        assert transfer_cycles(port, nbytes) == -(-Fraction(nbytes) // Fraction(bandwidth))


def test_an_idle_memory_has_no_next_event():
    memory = new_memory(1.0, 3, 1, [2])
    assert next_event(memory) == NEVER
    assert advance(memory, 100, table(TRANSFER, 1)) == 0


def test_completions_are_not_early():
    memory = new_memory(1.0, 3, 1, [2])
    transfers = table(TRANSFER, 1)
    transfers[0].payload_bytes = 4
    submit(memory, 10, transfers[0], 0)
    assert next_event(memory) == 17
    assert advance(memory, 16, transfers) == 0
    assert advance(memory, 17, transfers) == 1
