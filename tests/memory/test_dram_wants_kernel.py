"""The next command is found among the groups: what they keep of their banks must be right after every step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dram_kernel import FINISHED, PAUSED, advance
from simulator.memory.dram_run import request_records
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
