"""The next command is found among the groups: what they keep of their banks must be right after every step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dram_issue_kernel import first_in_turn
from simulator.memory.dram_kernel import FINISHED, PAUSED, advance
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_run import dram_trace, request_records
from simulator.memory.dram_state import QUEUED, new_state
from tests.memory.dram_cases import configs, traces

KINDS = ("activate", "precharge", "read", "write")


def assert_firsts_are_those_of_the_banks(channel):
    groups = int(channel.groups_per_channel)
    banks = channel.banks[: int(channel.banks_per_channel)]
    for group in range(groups):
        mine = banks[banks["group"] == group]
        assert channel.groups[group]["queued"] == mine["counts"][:, QUEUED].sum()
        for kind in KINDS:
            assert channel.groups[group][f"first_{kind}"] == mine[f"want_{kind}"].min(), (group, kind)


def assert_movers_are_movable(channel):
    banks = channel.banks[: int(channel.banks_per_channel)]
    for side in range(2):
        movable = np.flatnonzero(banks["movable"][:, side])
        assert movable.size == channel.movable[side]
        if movable.size == 1:
            assert channel.mover[side] in movable or channel.banks[channel.mover[side]].movable[side] == 0


@settings(max_examples=40)
@given(data=st.data())
def test_groups_know_what_their_banks_ask_for_first(data):
    config = data.draw(configs())
    trace = data.draw(traces(config, 60))
    state = new_state(config, request_records(config, trace), drain_writes=True)
    cycle, reason, step = 0, PAUSED, data.draw(st.sampled_from((1, 3, 50, 700)))
    while reason != FINISHED:
        reason = advance(state, cycle)
        cycle += step
        for channel in state.channels:
            assert_firsts_are_those_of_the_banks(channel)
            assert_movers_are_movable(channel)


@pytest.mark.parametrize("turn", [-1, 1, 6, 15])
def test_a_group_that_asks_for_what_no_bank_asks_for_is_a_fault_and_no_hang(turn):
    config = load_dram("ddr4_2400")
    trace = dram_trace({"addr": np.zeros(1, np.int64), "is_write": np.zeros(1, dtype=bool)})
    channel = new_state(config, request_records(config, trace), drain_writes=True).channels[0]
    channel.turn = turn
    channel.banks[5].want_read = 0
    channel.groups[channel.banks[5].group].first_read = 0
    assert first_in_turn(channel, -1, 0) == 5
    channel.banks[5].want_read = 100
    with pytest.raises(AssertionError, match="none of its banks"):
        first_in_turn(channel, -1, 0)
