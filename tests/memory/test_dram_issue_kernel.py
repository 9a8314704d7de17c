"""Whose turn it is: row hits first, a bounded number of them, banks in turn, refreshes before all."""

from simulator.memory.dram_run import dram_trace, run_trace
from simulator.memory.dram_timing_kernel import COMMAND_NAMES
from tests.memory.dram_cases import small_config

ROW, COLUMN, GROUP = 1 << 11, 64, 1 << 9


def column_rows(addresses, **changes):
    trace = dram_trace({"addr": addresses, "is_write": [False] * len(addresses)})
    log = run_trace(small_config(**changes), trace, log_commands=True).command_log
    return [int(entry.row) for entry in log if COMMAND_NAMES[entry.kind].startswith("RD")]


def test_a_row_hit_passes_an_older_entry():
    assert column_rows([0, ROW, COLUMN]) == [0, 0, 1]


def test_hits_on_an_open_row_end_after_the_limit():
    hits = [COLUMN * index for index in range(1, 8)]
    rows = column_rows([0, ROW, *hits[:6]])
    assert rows.index(1) == 4  # the first and three more, then the oldest entry has its precharge
    unlimited = column_rows([0, ROW, *hits[:6]], policy={"row_hit_limit": 100})
    assert unlimited.index(1) == 7


def test_with_closed_pages_every_column_command_closes_its_row():
    trace = dram_trace({"addr": [0, COLUMN, GROUP], "is_write": [False] * 3})
    result = run_trace(small_config(policy={"page": "close"}), trace, log_commands=True)
    assert result.command_counts["activate"] == 3
    assert result.command_counts["precharge"] == 0
    assert {COMMAND_NAMES[entry.kind] for entry in result.command_log} == {"ACT", "RDA"}


def test_a_dual_command_bus_issues_a_row_and_a_column_command_at_once():
    addresses = [index * GROUP for index in range(16)]
    single, dual = (
        run_trace(
            small_config(policy={"dual_command": dual}),
            dram_trace({"addr": addresses, "is_write": [False] * 16}),
            log_commands=True,
        )
        for dual in (False, True)
    )
    assert len({int(entry.cycle) for entry in single.command_log}) == single.command_log.size
    assert len({int(entry.cycle) for entry in dual.command_log}) < dual.command_log.size
