"""When a channel is looked at: signs that repeat, failures that lead to longer periods and to rest."""

import numpy as np
import pytest

from simulator._jit import kernel
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_look_kernel import (
    LONGEST_PERIOD_LOOKS,
    LOOKS_KEPT,
    MARK,
    keep_period,
    look,
    note_failure,
    note_success,
    period_to_try,
)
from simulator.memory.dram_state import new_channels
from simulator.records import table


@kernel
def look_once(marks, signs, channels):
    look(marks[0], signs, channels[0])
    return period_to_try(marks[0])


@kernel
def fail(marks):
    note_failure(marks[0])
    return period_to_try(marks[0])


@kernel
def succeed(marks):
    note_success(marks[0])
    return period_to_try(marks[0])


@kernel
def come_back(marks, signs, looks):
    """Note that the state of so many looks ago came back."""
    marks[0].marked_look = marks[0].looks - looks
    keep_period(marks[0], signs)


@pytest.fixture
def watched():
    """A channel that is looked at: its mark, the rings of its signs, itself."""
    channels = new_channels(load_dram("ddr4_2400"), 1, drain_writes=False)
    channels.cycle = 0
    return table(MARK, 1).view(np.recarray), np.zeros((3, LOOKS_KEPT), dtype=np.int64), channels


@pytest.fixture
def known(watched):
    """The same, when a period of two looks has come back."""
    marks, signs, _ = watched
    tried(watched, [4, 4, 4])
    come_back(marks, signs, 2)
    return watched


def tried(watched, turns, cycles=16):
    """Look at the channel at each of ``turns``, ``cycles`` apart; return the period to try after each look."""
    marks, signs, channels = watched
    found = []
    for turn in turns:
        channels.cycle += cycles
        channels.next_cycle = channels.cycle + 2
        channels.banks.precharge_ready = channels.cycle + 5
        channels.turn = turn
        found.append(look_once(marks, signs, channels))
    return found


def test_the_nearest_look_of_the_same_sign_gives_the_period(watched):
    assert tried(watched, [5, 5, 5, 5])[-1] == 1
    assert tried(watched, [0, 1, 2, 0, 1, 2])[-1] == 3


def test_one_look_alike_is_not_enough_for_a_period_of_several(watched):
    assert tried(watched, [0, 1, 2, 0]) == [0, 0, 0, 0]
    assert tried(watched, [1]) == [3]


def test_signs_that_do_not_repeat_are_left_alone(watched):
    assert not any(tried(watched, range(3 * LOOKS_KEPT)))


def test_a_period_longer_than_the_longest_is_not_found(watched):
    assert not any(tried(watched, list(range(LONGEST_PERIOD_LOOKS + 1)) * 3))


def test_an_uneven_pace_is_no_sign(watched):
    assert not any(tried(watched, [7], cycles)[0] for cycles in (16, 17, 19, 23, 29))


@pytest.mark.parametrize("field", ["queued", "reads_waiting", "writes_waiting", "draining", "next_bank"])
def test_whatever_differs_in_the_queues_is_another_sign(watched, field):
    assert tried(watched, [3, 3, 3])[-1] == 1
    watched[2][field] += 1
    assert tried(watched, [3]) == [0]


@pytest.mark.parametrize("field", ["counts", "precharge_ready"])
def test_what_differs_in_the_bank_that_is_next_is_another_sign(watched, field):
    marks, signs, channels = watched
    assert tried(watched, [3, 3, 3])[-1] == 1
    channels.cycle += 16
    channels.next_cycle = channels.cycle + 2
    channels.banks.precharge_ready = channels.cycle + 5
    channels.banks[field] += 1
    assert look_once(marks, signs, channels) == 0


def test_a_refresh_that_is_next_has_no_bank(watched):
    watched[2].next_bank = -1
    assert tried(watched, [3, 3, 3])[-1] == 1


def test_a_state_that_does_not_come_back_is_tried_after_twice_as_many_looks_once_the_signs_last(watched):
    assert tried(watched, [4, 4, 4])[-1] == 1
    assert fail(watched[0]) == 2
    assert fail(watched[0]) == 0  # four looks alike are wanted now
    assert tried(watched, [4, 4, 4])[-1] == 4
    assert succeed(watched[0]) == 1


def test_a_period_that_came_back_is_known_in_other_banks_at_its_first_look(known):
    channels = known[2]
    channels.next_bank, channels.queued = 1, 32  # the next bank, the turn with it, and what waits elsewhere
    assert tried(known, [5]) == [2]
    channels.reads_waiting = 1
    assert tried(known, [5]) == [0]


def test_what_was_known_is_forgotten_once_it_does_not_come_back(known):
    marks, _, channels = known
    fail(marks)
    channels.next_bank = 1
    assert tried(known, [5]) == [0]


def test_a_known_state_is_compared_as_long_as_the_looks_are_known(known):
    marks, _, channels = known
    channels.next_bank = 1
    tried(known, [5])
    marks.valid = marks.marked_as_known = 1
    channels.next_bank = 2
    tried(known, [6])
    assert marks.valid[0] == 1
    channels.draining = 7
    tried(known, [6])
    assert marks.valid[0] == 0


def test_after_a_few_failures_it_rests_each_time_longer_up_to_a_bound(watched):
    rests = []
    for _ in range(8):
        tried(watched, [4] * 70)
        while not watched[0].rest_looks[0]:
            fail(watched[0])
        rests.append(int(watched[0].rest_looks[0]))
        watched[0].rest_looks = 0
    assert rests == [64, 128, 256, 512, 1024, 1024, 1024, 1024]
