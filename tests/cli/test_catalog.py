"""``list``."""

import pytest

from simulator.arch import preset_names
from simulator.cli.catalog import CATALOGS, DATAFLOWS
from simulator.records import DATAFLOW_NAMES
from simulator.workload import library_names


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("workloads", library_names()),
        ("archs", preset_names()),
        ("dataflows", (*DATAFLOW_NAMES, "auto")),
        ("drams", ("DDR4",)),
    ],
)
def test_lists_hold_every_name_first_on_its_line(call, what, names):
    lines = [line.split()[0] for line in call("list", what).stdout.splitlines()]
    assert set(names) <= set(lines)


def test_what_is_known_is_listed():
    assert set(DATAFLOWS) == {*DATAFLOW_NAMES, "nlr", "rs", "auto"}
    assert len(CATALOGS) == 4


def test_an_unknown_list_is_answered_with_the_nearest(refused):
    assert "did you mean 'workloads'" in refused("list", "workload")


def test_drams_are_listed_both_ways(call):
    listed = call("list", "drams").stdout
    assert "commands: DDR4, 1 channel of 64 bits, 16 banks, 19.2 GB/s" in listed
    assert "energy: 20.0 pJ/bit" in listed
