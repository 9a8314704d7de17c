"""Time and energy by kind: nothing lost, nothing invented."""

from simulator.records import CAUSE_NAMES, LATE_NAMES
from simulator.report.breakdown import (
    CAUSE_SENTENCES,
    LATE_SENTENCES,
    WAIT_WORDS,
    dram_bytes,
    energy_components,
    issue_overhead_cycles,
    kinds_present,
    main_wait,
    time_split,
    waiting_cycles,
)
from tests.report.sample_results import layer, run


def test_the_split_adds_up_to_the_cycles():
    one = layer()
    assert sum(time_split(one).values()) == one.cycles
    assert issue_overhead_cycles(one) == 100
    assert waiting_cycles(one) == 300


def test_every_cause_the_engine_knows_has_words():
    assert set(WAIT_WORDS) == set(CAUSE_SENTENCES) == set(CAUSE_NAMES)
    assert set(LATE_SENTENCES) == set(LATE_NAMES) - {"none"}


def test_the_main_wait_is_the_largest():
    assert main_wait(layer()) == ("wait: weight", 200)
    assert main_wait(layer(weight=0, tail=7)) == ("tail: write-back", 7)
    assert main_wait(layer(weight=0, tail=0)) == ("", 0)


def test_kinds_that_are_zero_everywhere_are_not_named():
    assert kinds_present([{"a": 0, "b": 1}, {"a": 0, "b": 0, "c": 2}]) == ["b", "c"]
    assert energy_components(run()) == ["mac", "dram"]


def test_dram_traffic_is_both_ways():
    assert dram_bytes(layer()) == 4_000
