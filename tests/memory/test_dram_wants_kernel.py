"""The next command is found in four rows of cycles: what they say of each bank must be right after every step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dram_config import DramTiming
from simulator.memory.dram_kernel import FINISHED, PAUSED, advance
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_run import dram_trace, request_records, run_trace
from simulator.memory.dram_state import NEVER, QUEUED, WANTS_NEVER, new_state
from simulator.memory.dram_wants_kernel import begin_anew, first_in_turn, renew_wants
from tests.memory.dram_cases import configs, small_config, traces

KINDS = ("activate", "precharge", "read", "write")


def queue_of(bank, requests):
    entries, at = [], int(bank["heads"][QUEUED])
    for _ in range(int(bank["counts"][QUEUED])):
        entries.append(requests[at])
        at = int(requests[at]["next"])
    return entries


def asked_for(bank, queue, hit_limit):
    """Return the commands that a queue asks for, from the drawing in docs/model/dram.md."""
    if not queue:
        return set()
    if bank["open_row"] < 0:
        return {"activate"}
    hits = [entry for entry in queue if entry["row"] == bank["open_row"]]
    kinds = {"read" for entry in hits if not entry["is_write"]}
    reads_before = set()
    for entry in hits:
        if not entry["is_write"]:
            reads_before.add(int(entry["column"]))
        elif int(entry["column"]) not in reads_before:
            kinds.add("write")
    if queue[0]["row"] != bank["open_row"] and (not hits or bank["hits"] >= hit_limit):
        kinds.add("precharge")
    return kinds


def assert_rows_are_right(channel, requests):
    for index in range(int(channel.banks_per_channel)):
        bank = channel.banks[index]
        asked = asked_for(bank, queue_of(bank, requests), channel.hit_limit)
        group = channel.groups[int(bank["group"])]
        for kind in KINDS:
            ready = max(bank[f"{kind}_ready"], group[f"{kind}_ready"]) - channel.wants_begin
            assert channel[f"want_{kind}"][index] == (max(ready, 0) if kind in asked else WANTS_NEVER), (index, kind)


def assert_movers_are_movable(channel):
    banks = channel.banks[: int(channel.banks_per_channel)]
    for side in range(2):
        movable = np.flatnonzero(banks["movable"][:, side])
        assert movable.size == channel.movable[side]
        if movable.size == 1:
            assert channel.mover[side] in movable or channel.banks[channel.mover[side]].movable[side] == 0


@settings(max_examples=40)
@given(data=st.data())
def test_the_rows_say_what_the_queues_ask_for_and_when_it_may_issue(data):
    config = data.draw(configs())
    trace = data.draw(traces(config, 60))
    state = new_state(config, request_records(config, trace), drain_writes=True)
    cycle, reason, step = 0, PAUSED, data.draw(st.sampled_from((1, 3, 50, 700)))
    while reason != FINISHED:
        reason = advance(state, cycle)
        cycle += step
        for channel in state.channels:
            assert_rows_are_right(channel, state.requests)
            assert_movers_are_movable(channel)


@pytest.mark.parametrize("dual", [False, True])
def test_the_rows_are_right_in_every_cycle_where_ranks_take_turns(dual):
    config = small_config(organization_changes={"ranks": 2}, policy={"dual_command": dual})
    numbers = np.random.default_rng(0).integers(0, 1024, 400)
    trace = dram_trace({"addr": 64 * numbers, "is_write": np.random.default_rng(1).random(400) < 0.4})
    state = new_state(config, request_records(config, trace), drain_writes=True)
    for cycle in range(1500):
        advance(state, cycle)
        assert_rows_are_right(state.channels[0], state.requests)


def idle_channel(**shape):
    config = small_config(organization_changes=shape)
    return new_state(config, request_records(config, dram_trace({"addr": [], "is_write": []})), drain_writes=True)


cycles = st.one_of(st.just(WANTS_NEVER), st.integers(0, 40))


@settings(max_examples=200)
@given(
    shape=st.sampled_from(({}, {"ranks": 2}, {"bank_groups": 1, "banks_per_group": 8})),
    data=st.data(),
    at_cycle=st.integers(0, 40),
)
def test_the_first_bank_in_turn_is_the_one_that_a_walk_would_find(shape, data, at_cycle):
    channel = idle_channel(**shape).channels[0]
    banks = int(channel.banks_per_channel)
    for kind in KINDS:
        channel[f"want_{kind}"][:banks] = data.draw(st.lists(cycles, min_size=banks, max_size=banks))
    channel.turn = turn = data.draw(st.integers(-1, banks - 1))
    blocked = data.draw(st.integers(-1, int(channel.rank_count) - 1))
    best = (NEVER, -1)
    for step in range(1, banks + 1):
        bank = (turn + step) % banks
        first = max(min(int(channel[f"want_{kind}"][bank]) for kind in KINDS), at_cycle)
        if channel.banks[bank].rank != blocked and first < min(best[0], WANTS_NEVER):
            best = (first, bank)
    assert first_in_turn(channel, at_cycle, blocked) == best


def test_rows_that_begin_later_hold_what_was_asked_for():
    channel = idle_channel().channels[0]
    late, early = (3 << 28) + 50, (3 << 28) - 7
    channel.want_read[:3] = [late, early, WANTS_NEVER]
    begin_anew(channel, (3 << 28) + 40)
    assert channel.wants_begin == 3 << 28
    assert channel.want_read[:3].tolist() == [50, 0, WANTS_NEVER]
    begin_anew(channel, (4 << 28) + 1)
    assert channel.want_read[:3].tolist() == [0, 0, WANTS_NEVER]


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_run_over_a_later_beginning_of_the_rows_is_as_any_other(epoch):
    """Two refresh intervals of requests, over a cycle from which rows are counted anew, and after the start."""
    config, random = load_dram("ddr4_2400"), np.random.default_rng(0)
    interval = config.timing.trefi_cycles
    addresses, is_write = 64 * random.integers(0, 1 << 20, 3000), random.random(3000) < 0.3
    arrivals = np.sort(random.integers(0, 2 * interval, 3000))
    begins = np.array([1, (epoch << 28) // interval]) * interval
    assert begins[1] < epoch << 28 < begins[1] + interval
    first, later = (
        run_trace(config, dram_trace({"addr": addresses, "is_write": is_write, "arrival": arrivals + begin}))
        for begin in begins
    )
    assert (first.read_done_cycle - begins[0]).tolist() == (later.read_done_cycle - begins[1]).tolist()
    assert (first.accept_cycle - begins[0]).tolist() == (later.accept_cycle - begins[1]).tolist()


def test_no_wait_is_as_long_as_the_longest_that_is_told_apart():
    most = DramTiming.model_fields["trfc_cycles"].metadata
    assert max(limit.le for limit in most if hasattr(limit, "le")) == 1 << 18  # times four: below 2^21


@pytest.mark.parametrize("kind", KINDS)
def test_limits_moved_by_other_hands_are_taken_over_and_nothing_else_is_asked_for(kind):
    channel = idle_channel().channels[0]
    channel[f"want_{kind}"][2] = 0
    channel.banks[2][f"{kind}_ready"] = 7
    channel.groups[int(channel.banks[2].group)][f"{kind}_ready"] = 30
    renew_wants(channel)
    asked = [(name, bank) for name in KINDS for bank in range(8) if channel[f"want_{name}"][bank] != WANTS_NEVER]
    assert asked == [(kind, 2)]
    assert channel[f"want_{kind}"][2] == 30
