"""Who waits where: lists keep their order, the busy banks theirs, the oldest that has room moves first.

The kernels are taken as plain functions: they are small, and compiled only inside their callers.
"""

import inspect

import pytest

from simulator.memory.dram_queue_kernel import (
    append,
    enter_busy,
    leave_busy,
    note_room,
    oldest_movable,
    take_first,
    take_out,
)
from simulator.memory.dram_state import QUEUED, READS, REQUEST, WRITES, new_channels, records
from tests.memory.dram_cases import small_config


def plain(kernel, *args):
    return inspect.unwrap(kernel)(*args)


def listed(bank, requests, place):
    ids, at = [], int(bank.heads[place])
    for _ in range(int(bank.counts[place])):
        ids.append(at)
        at = int(requests[at].next)
    return ids


@pytest.fixture
def channel():
    return new_channels(small_config(policy={"command_queue_entries": 2}), 1, drain_writes=False)[0]


@pytest.fixture
def requests():
    requests = records(6, REQUEST)
    requests.sequence = [3, 2, 5, 1, 4, 0]
    return requests


@pytest.mark.parametrize("taken", [0, 2, 3])
def test_the_others_keep_their_order_when_one_leaves_a_queue(channel, requests, taken):
    bank = channel.banks[1]
    for number in range(4):
        plain(append, bank, requests, QUEUED, number)
    plain(take_out, bank, requests, taken)
    assert listed(bank, requests, QUEUED) == [number for number in range(4) if number != taken]
    plain(append, bank, requests, QUEUED, 5)
    assert listed(bank, requests, QUEUED)[-2:] == [2 if taken == 3 else 3, 5]


def test_a_list_that_has_run_empty_begins_anew(channel, requests):
    bank = channel.banks[0]
    plain(append, bank, requests, READS, 4)
    assert plain(take_first, bank, requests, READS) == 4
    plain(append, bank, requests, READS, 2)
    assert listed(bank, requests, READS) == [2]


def test_busy_banks_stay_in_order(channel):
    for bank_index in (2, 0, 3):
        plain(enter_busy, channel, bank_index)
    assert channel.busy[:3].tolist() == [0, 2, 3]
    plain(leave_busy, channel, 2)
    assert channel.busy[: channel.busy_banks].tolist() == [0, 3]


def put(channel, requests, place, bank_index, *numbers):
    bank = channel.banks[bank_index]
    if bank_index not in channel.busy[: channel.busy_banks]:
        plain(enter_busy, channel, bank_index)
    for number in numbers:
        plain(append, bank, requests, place, number)
    plain(note_room, channel, bank_index)


def test_the_oldest_whose_bank_has_room_moves_first(channel, requests):
    assert plain(oldest_movable, channel, requests, READS) == -1
    put(channel, requests, READS, 2, 0)
    put(channel, requests, READS, 1, 1)
    assert plain(oldest_movable, channel, requests, READS) == 1
    assert channel.movable.tolist() == [2, 0]
    put(channel, requests, QUEUED, 1, 3, 4)  # full
    assert plain(oldest_movable, channel, requests, READS) == 2
    assert channel.movable.tolist() == [1, 0]
    assert plain(oldest_movable, channel, requests, WRITES) == -1


def test_banks_of_a_rank_share_the_room_of_its_queue(channel, requests):
    channel.rank_queues = 1
    put(channel, requests, WRITES, 2, 0)
    assert plain(oldest_movable, channel, requests, WRITES) == 2
    channel.ranks[0].count = 2
    assert plain(oldest_movable, channel, requests, WRITES) == -1
