"""The event-skipping controller equals the oracle that steps every clock, command for command."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dram_kernel import DEADLOCK, FINISHED, PAUSED, advance
from simulator.memory.dram_run import dram_trace, request_records, run_trace
from simulator.memory.dram_state import NEVER, new_state
from simulator.memory.dram_timing_kernel import COMMAND_NAMES
from tests.memory.dram_cases import as_requests, configs, small_config, traces
from tests.oracle.dram_checker import broken_rules
from tests.oracle.dram_devices import Place, violations
from tests.oracle.dram_oracle import run_oracle


def commands(config, log):
    """Return a command log as [(cycle, kind, channel, Place, row)]."""
    organization = config.organization
    lines = []
    for entry in log:
        bank = int(entry.bank)
        if bank < 0:
            place = Place(int(entry["rank"]) % organization.ranks, 0, 0)
        else:
            group, index = divmod(bank, organization.banks_per_group)
            rank, group = divmod(group, organization.bank_groups)
            place = Place(rank % organization.ranks, group, index)
        lines.append((int(entry.cycle), COMMAND_NAMES[entry.kind], int(entry.channel), place, int(entry.row)))
    return lines


def oracle_log(channels):
    lines = [
        (cycle, kind, index, place, row)
        for index, channel in enumerate(channels)
        for cycle, kind, place, row, _ in channel.log
    ]
    return sorted(lines, key=lambda line: (line[0], line[2]))


@settings(max_examples=150)
@given(data=st.data(), drain=st.booleans())
def test_every_command_and_completion_equals_the_oracle(data, drain):
    config = data.draw(configs())
    trace = data.draw(traces(config))
    channels, done, accept = run_oracle(config, as_requests(trace), drain=drain)
    result = run_trace(config, trace, drain_writes=drain, log_commands=True)
    assert result.accept_cycle.tolist() == accept
    assert result.read_done_cycle.tolist() == [done[i] for i in np.flatnonzero(~trace.is_write)]
    assert result.makespan_cycles == max([0, *done.values(), *(channel.last_data for channel in channels)])
    assert result.row_hits == sum(channel.row_hits for channel in channels)
    assert result.lost_cycles == {name: sum(channel.lost[name] for channel in channels) for name in result.lost_cycles}
    expected = [
        (cycle, kind, channel, place, -1 if kind == "PRE" else row)
        for cycle, kind, channel, place, row in oracle_log(channels)
    ]
    assert commands(config, result.command_log) == expected


@settings(max_examples=60)
@given(data=st.data())
def test_no_command_breaks_a_timing_constraint(data):
    config = data.draw(configs())
    trace = data.draw(traces(config))
    log = run_trace(config, trace, drain_writes=True, log_commands=True).command_log
    assert violations(config, commands(config, log)) == []
    assert broken_rules(config, commands(config, log)) == []


STRICTER = [  # a parameter, by how much more, what the checker says of a log made without it, other changes
    ("trcd_read_cycles", 1, "tRCD", {}),
    ("trcd_write_cycles", 1, "tRCD", {}),
    ("trp_cycles", 1, "tRP", {}),
    ("trp_cycles", 1, "auto precharge", {"policy": {"page": "close"}}),
    ("tras_cycles", 4, "tRAS", {}),
    ("tras_cycles", 9, "tRC", {}),
    ("trrd_s_cycles", 1, "tRRD_S", {}),
    ("trrd_l_cycles", 9, "tRRD_L", {}),
    ("tfaw_cycles", 12, "tFAW", {}),
    ("t32aw_cycles", 300, "t32AW", {"organization_changes": {"protocol": "GDDR5"}}),
    ("tccd_s_cycles", 1, "tCCD_S", {}),
    ("tccd_l_cycles", 1, "tCCD_L", {}),
    ("twtr_s_cycles", 8, "tWTR_S", {}),
    ("twtr_l_cycles", 8, "tWTR_L", {}),
    ("trtp_cycles", 12, "tRTP", {}),
    ("twr_cycles", 1, "tWR", {}),
    ("tppd_cycles", 8, "tPPD", {"organization_changes": {"protocol": "LPDDR4"}}),
    ("trfc_cycles", 1, "tRFC", {}),
    ("trtrs_cycles", 1, "turnaround", {}),
    ("trtrs_cycles", 1, "turnaround", {"organization_changes": {"ranks": 2, "rows": 32}}),
]


def busy_trace(config):
    """Requests that meet every limit: random, to few rows, both directions, without a pause."""
    pick = np.random.default_rng(7)
    bursts = config.organization.capacity_bytes // config.organization.request_bytes
    return dram_trace({"addr": pick.integers(0, bursts, 600) * 64, "is_write": pick.random(600) < 0.4})


@pytest.mark.parametrize(("name", "more", "rule", "changes"), STRICTER)
def test_the_checker_names_each_rule_that_a_log_breaks(name, more, rule, changes):
    config = small_config(**changes)
    log = commands(config, run_trace(config, busy_trace(config), log_commands=True).command_log)
    assert broken_rules(config, log) == []
    stricter = config.timing.model_copy(update={name: getattr(config.timing, name) + more})
    assert rule in {fault for _, fault in broken_rules(config.model_copy(update={"timing": stricter}), log)}


def test_the_checker_sees_a_refresh_left_out_and_a_bus_used_twice():
    config = small_config(timing_changes={"trefi_cycles": 120})
    log = commands(config, run_trace(config, busy_trace(config), log_commands=True).command_log)
    assert broken_rules(config, log) == []
    assert "tREFI" in {fault for _, fault in broken_rules(config, [line for line in log if line[1] != "REF"])}
    long = config.model_copy(update={"organization": config.organization.model_copy(update={"burst_length": 16})})
    assert "data bus" in {fault for _, fault in broken_rules(long, log)}
    twice = [log[0], (log[0][0], *log[1][1:])]
    assert "command bus" in {fault for _, fault in broken_rules(config, twice)}


def test_the_checker_sees_a_command_that_comes_too_early():
    config = small_config()
    trace = dram_trace({"addr": [0, 64], "is_write": [False, False]})
    log = commands(config, run_trace(config, trace, log_commands=True).command_log)
    assert [kind for _, kind, *_ in log] == ["ACT", "RD", "RD"]
    early = [log[0], log[1], (log[2][0] - 1, *log[2][1:])]
    assert violations(config, early)
    assert violations(config, log[1:])


@settings(max_examples=40)
@given(data=st.data())
def test_advancing_in_steps_equals_advancing_at_once(data):
    config = data.draw(configs())
    trace = data.draw(traces(config, most=60))
    whole = new_state(config, request_records(config, trace), drain_writes=True)
    assert advance(whole, NEVER) == FINISHED
    stepped = new_state(config, request_records(config, trace), drain_writes=True)
    cycle = 0
    while advance(stepped, cycle) == PAUSED:
        assert stepped.front[0].cycle <= cycle
        cycle += data.draw(st.integers(1, 50))
    assert np.array_equal(whole.requests, stepped.requests)
    assert np.array_equal(whole.channels, stepped.channels)


@settings(max_examples=40)
@given(data=st.data())
def test_requests_added_later_equal_requests_known_beforehand(data):
    config = data.draw(configs())
    trace = data.draw(traces(config, most=60))
    whole = new_state(config, request_records(config, trace), drain_writes=True)
    advance(whole, NEVER)
    grown = new_state(config, request_records(config, trace), drain_writes=True)
    front = grown.front[0]
    front.closed = 0
    front.requests = 0
    for index, arrival in enumerate(trace.arrival_cycles.tolist()):
        advance(grown, arrival - 1)
        front.requests = index + 1
        front.offer_cycle = min(front.offer_cycle, max(arrival, front.cycle + 1))
    front.closed = 1
    assert advance(grown, NEVER) == FINISHED
    assert np.array_equal(whole.requests["done"], grown.requests["done"])


def test_an_open_system_waits_at_the_end_of_its_requests():
    config = small_config()
    state = new_state(config, request_records(config, dram_trace({"addr": [0], "is_write": [0]})), drain_writes=True)
    state.front[0].closed = 0
    assert advance(state, 1000) == PAUSED
    assert state.requests[0].done > 0
    assert state.channels[0].refreshes == 2


def test_a_request_that_no_queue_takes_is_a_deadlock():
    config = small_config()
    state = new_state(config, request_records(config, dram_trace({"addr": [0], "is_write": [0]})), drain_writes=True)
    state.channels.waiting_depth = 0
    assert advance(state, NEVER) == DEADLOCK


@pytest.mark.parametrize("page", ["open", "close"])
def test_a_write_blocked_by_a_read_that_cannot_move_does_not_wait_for_ever(page):
    config = small_config(policy={"transaction_queue_entries": 1, "command_queue_entries": 1, "page": page})
    trace = dram_trace({"addr": [0, 1 << 11, 64, 64, 128], "is_write": [0, 0, 0, 1, 1]})
    _, done, _ = run_oracle(config, as_requests(trace), drain=True)
    assert run_trace(config, trace, drain_writes=True).read_done_cycle.tolist() == [done[i] for i in (0, 1, 2)]
