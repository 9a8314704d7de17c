"""What one command forbids the next: single rules, read off the completion cycles of two or three requests."""

import pytest

from simulator.memory.dram_run import dram_trace, run_trace
from simulator.memory.dram_timing_kernel import COMMAND_NAMES
from tests.memory.dram_cases import small_config

ROW, COLUMN, GROUP, BANK = 1 << 11, 64, 1 << 9, 1 << 10  # bytes from one to the next with rochrababgco


def issue_cycles(addresses, writes=None, **changes):
    config = small_config(**changes)
    trace = dram_trace({"addr": addresses, "is_write": writes or [False] * len(addresses)})
    log = run_trace(config, trace, log_commands=True, drain_writes=True).command_log
    return [(COMMAND_NAMES[entry.kind], int(entry.cycle)) for entry in log]


def gap(first, second, log):
    """Return the cycles from the first ``first`` to the last ``second``."""
    return [cycle for kind, cycle in log if kind == second][-1] - next(cycle for kind, cycle in log if kind == first)


@pytest.mark.parametrize(
    ("addresses", "first", "second", "cycles"),
    [
        ([0], "ACT", "RD", 6),  # tRCD
        ([0, COLUMN], "RD", "RD", 5),  # tCCD_L
        ([0, GROUP], "ACT", "ACT", 3),  # tRRD_S
        ([0, BANK], "ACT", "ACT", 4),  # tRRD_L
        ([0, ROW], "ACT", "PRE", 14),  # tRAS
        ([0, ROW], "ACT", "ACT", 20),  # tRC
    ],
)
def test_distance_between_two_commands(addresses, first, second, cycles):
    assert gap(first, second, issue_cycles(addresses)) == cycles


def test_a_fifth_activate_waits_for_the_window():
    log = issue_cycles(
        [0, GROUP, BANK, BANK + GROUP, 2 * BANK],
        organization_changes={"banks_per_group": 4},
        timing_changes={"tfaw_cycles": 40},
    )
    assert gap("ACT", "ACT", log) == 40


def test_a_write_before_a_read_turns_the_bus_around():
    log = issue_cycles([0, COLUMN], [True, False], policy={"unified_queue": True})
    assert gap("WR", "RD", log) == 5 + 4 + 4  # WL + burst + tWTR_L


def test_a_read_before_a_write_turns_the_bus_around():
    log = issue_cycles([0, COLUMN], [False, True], policy={"unified_queue": True})
    assert gap("RD", "WR", log) == 7 + 4 + 1 - 5  # RL + burst + tRTRS - WL


def test_write_recovery_delays_the_precharge():
    log = issue_cycles([0, ROW], [True, False], policy={"unified_queue": True})
    assert gap("WR", "PRE", log) == 5 + 4 + 7  # WL + burst + tWR


def test_a_refresh_blocks_its_rank_for_trfc():
    config = small_config()
    trace = dram_trace({"addr": [0, COLUMN], "is_write": [False, False], "arrival": [0, 398]})
    log = run_trace(config, trace, log_commands=True).command_log
    kinds = [(COMMAND_NAMES[entry.kind], int(entry.cycle)) for entry in log]
    assert kinds[2:4] == [("PRE", 400), ("REF", 406)]
    assert kinds[4] == ("ACT", 436)
