"""What makes two channels the same, and what one that follows another keeps. Whole runs: test_dram_join_kernel."""

import numpy as np
import pytest

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_memory import new_dram_memory, submit
from simulator.memory.dram_state import BANK, CHANNEL, CONTROLLER_WORDS, COUNTED_WORDS, GROUP, QUEUED
from simulator.memory.dram_twins_kernel import (
    IGNORED,
    LIMIT,
    count_of,
    follow,
    follow_another,
    is_simulated,
    lead_itself,
    same_state,
)
from simulator.records import TRANSFER, table

NOW = 5000


def idle_memory(twins=True):
    config = load_dram("hbm2")
    memory = new_dram_memory(
        config, descriptor_table([Descriptor(0, 512)]), clock_hz=config.clock_hz, capacity=4, twins=twins
    )
    memory.channels.cycle = NOW - 1
    return memory


def same(memory, one=0, other=1):
    return same_state(memory.twins, memory.channels, memory.requests, one, other, NOW)


def names_of(layout, rules, rule):
    return {
        name
        for name in layout.names
        if layout.fields[name][1] // 8 < rules.size and rules[layout.fields[name][1] // 8] == rule
    }


def test_every_word_has_its_rule():
    twins = idle_memory().twins
    limits = {"activate_ready", "precharge_ready", "read_ready", "write_ready"}
    assert names_of(CHANNEL, twins.controller_rules, LIMIT) == {"next_cycle"}
    assert names_of(GROUP, twins.group_rules, LIMIT) == limits
    assert names_of(BANK, twins.bank_rules, LIMIT) == limits | {"refresh_ready"}
    assert names_of(BANK, twins.bank_rules, IGNORED) == {"read_hit", "write_hit", "heads", "tails"}
    ignored = names_of(CHANNEL, twins.controller_rules, IGNORED)
    counts = {name for name in CHANNEL.names if COUNTED_WORDS[0] <= CHANNEL.fields[name][1] // 8 < COUNTED_WORDS[1]}
    assert ignored == counts | {"moves", "accepts", "mover"}
    assert {"refreshes", "reads", "row_hits", "lost_tccd"} <= counts
    assert "last_column_rank" not in counts
    assert twins.controller_rules.size == CONTROLLER_WORDS


def test_each_word_that_decides_is_compared():
    memory = idle_memory(twins=False)
    twins = memory.twins
    assert same(memory)
    parts = [(0, twins.controller_rules)]
    layout = twins.layout[0]
    parts.append((int(layout.group_word) + twins.group_rules.size, twins.group_rules))  # the second of either
    parts.append((int(layout.bank_word) + twins.bank_rules.size, twins.bank_rules))
    for first, rules in parts:
        for place, rule in enumerate(rules.tolist()):
            words = twins.words[1]
            before = words[first + place]
            words[first + place] = NOW + 1
            assert same(memory) == (rule == IGNORED), (first, place)
            words[first + place] = before
    assert same(memory)


@pytest.mark.parametrize(("cycle", "alike"), [(NOW, True), (NOW - 700, True), (NOW + 1, False)])
def test_limits_that_have_ended_do_not_matter(cycle, alike):
    for part, name in (("banks", "read_ready"), ("groups", "activate_ready")):
        memory = idle_memory(twins=False)
        memory.channels[part][name][1, 2] = cycle
        assert same(memory) == alike


def with_a_read(memory, index, accept):
    """Put a read into the queue of bank 3, as if it had just moved there."""
    channel, request = memory.channels[index], memory.requests[index][0]
    request["accept"], request["number"], request["follower"], request["next"] = accept, 0, -1, -1
    request["order"], channel["moves"], request["sequence"], channel["accepts"] = 4, 5, 6, 7
    bank = channel["banks"][3]
    bank["counts"][QUEUED], bank["heads"][QUEUED], bank["tails"][QUEUED] = 1, 0, 0
    channel["busy"][0] = 3
    channel["busy_banks"] = channel["queued"] = 1


def test_a_limit_that_ended_after_the_oldest_request_came_may_be_the_cause_of_a_lost_cycle():
    memory = idle_memory(twins=False)
    for index in range(2):
        with_a_read(memory, index, NOW - 100)
    assert same(memory)
    memory.channels["groups"]["read_ready"][1, 2] = NOW - 100
    assert same(memory)
    memory.channels["groups"]["read_ready"][1, 2] = NOW - 50
    assert not same(memory)


@pytest.mark.parametrize("field", ["address", "accept", "is_write", "number", "order", "sequence", "follower"])
def test_each_field_of_a_request_is_compared(field):
    memory = idle_memory(twins=False)
    for index in range(2):
        with_a_read(memory, index, NOW - 100)
    assert same(memory)
    memory.requests[field][1, 0] += 1
    assert not same(memory)


@pytest.mark.parametrize("field", ["transfer", "row", "burst", "behind", "source_turn"])
def test_what_is_to_be_offered_is_compared(field):
    memory = idle_memory(twins=False)
    memory.channels[field][1] += 1
    assert not same(memory)


def test_recent_activates_are_compared():
    memory = idle_memory(twins=False)
    ranks = memory.channels["ranks"]
    window = int(memory.channels[0].four_activates)
    ranks["activations"][:2, 0] = (7, 23)  # how many there were does not matter
    for back in range(1, 5):
        for index, activations in ((0, 7), (1, 23)):
            ranks["window"][index, 0, (activations - back) & 31] = NOW - window - 5 * back
    assert same(memory)
    ranks["window"][1, 0, 22 & 31] = NOW - window
    assert same(memory)
    ranks["window"][1, 0, 22 & 31] = NOW - window + 1
    assert not same(memory)


def test_counts_come_back_in_full():
    """Channel 2 follows 1, which joins 0: each keeps its own counts, whoever it follows."""
    memory = idle_memory(twins=False)
    twins, channels = memory.twins, memory.channels
    reads, active = {0: 100, 1: 250, 2: 31, 3: 7}, {0: 4000, 1: 10, 2: 77, 3: 500}
    for index, count in reads.items():
        channels["reads"][index] = count
        channels["ranks"]["active_cycles"][index, 0] = active[index]
    word = CHANNEL.fields["reads"][1] // 8
    total = count_of(twins, word)
    follow(twins, channels, 1, 2)
    follow(twins, channels, 0, 1)
    follow(twins, channels, 3, 0)
    assert [is_simulated(twins, index) for index in range(4)] == [False, False, False, True]
    assert twins.table["members"][3] == 4
    assert count_of(twins, word) == total == 388
    channels["reads"][3] += 50
    channels["ranks"]["active_cycles"][3, 0] += 9
    assert count_of(twins, word) == total + 4 * 50
    lead_itself(twins, channels, 1)
    follow_another(twins, channels, 2, 1)
    channels["reads"][1] += 1000
    for index in (0, 2):
        lead_itself(twins, channels, index)
    assert channels["reads"][:4].tolist() == [150, 1300, 1081, 57]
    assert channels["ranks"]["active_cycles"][:4, 0].tolist() == [4009, 19, 86, 509]
    assert twins.table["members"][:4].tolist() == [1] * 4


def test_an_open_rank_counts_its_active_cycles_by_the_clock():
    memory = idle_memory(twins=False)
    ranks = memory.channels["ranks"]
    ranks["open_banks"][:2, 0], ranks["active_since"][:2, 0] = 1, (4000, 4600)
    ranks["active_cycles"][:2, 0] = (300, 200)
    follow(memory.twins, memory.channels, 0, 1)
    lead_itself(memory.twins, memory.channels, 1)
    closed = [int(rank["active_cycles"] + NOW - rank["active_since"]) for rank in (ranks[0, 0], ranks[1, 0])]
    assert closed == [300 + 1000, 200 + 400]


def test_who_leads_takes_requests_and_pending_addresses_along():
    memory = idle_memory()
    assert [is_simulated(memory.twins, index) for index in range(16)] == [True] + [False] * 15
    submit(memory, 0, table(TRANSFER, 1)[0], 0)
    with_a_read(memory, 0, 0)
    memory.requests["row"][0, 0] = 9
    memory.channels["pending"][0, 1023] = 1
    lead_itself(memory.twins, memory.channels, 5)
    assert np.array_equal(memory.requests[5], memory.requests[0])
    assert memory.channels["pending"][5, 1023] == 1
    assert memory.channels["banks"]["counts"][5, 3, QUEUED] == 1
    assert memory.channels["busy"][5, 0] == 3
