"""Totals, prices and remarks in words."""

from dataclasses import replace

from simulator.report.summary import heading, peak_ops_per_second, price_lines, remarks, totals
from tests.report.sample_results import layer, run, unmapped


def test_the_heading_names_what_was_run_and_that_a_default_was_taken():
    lines = dict(heading(run(), default_accelerator=True))
    assert lines["workload"] == "net, batch 1"
    assert lines["accelerator"] == "machine (1.00 GHz, peak 512 GOP/s at one MAC a PE, DRAM 16.0 GB/s, the default)"
    assert lines["energy profile"] == "horowitz-45nm"
    assert "default" not in dict(heading(run()))["accelerator"]
    assert peak_ops_per_second(run()) == 512e9


def test_totals_carry_their_units():
    lines = dict(totals(run()))
    assert lines["latency"] == "1.000 \N{MICRO SIGN}s (1,000 cycles)"
    assert lines["throughput"].startswith("128 GOP/s dense-equivalent (no zeros declared")
    assert lines["efficiency"].startswith("16.0 GOP/s/W")
    assert lines["energy"] == "8.000 \N{MICRO SIGN}J: dram 75.0 %, mac 25.0 %"
    assert lines["power"] == "8.00 W mean"
    assert lines["DRAM"] == "4.00 kB, mean 4.00 GB/s (25.0 % of its peak)"
    assert lines["time"] == "useful 60.0 %, wait: weight 20.0 %, fill 10.0 %, tail: write-back 10.0 %"
    assert lines["area"].startswith("1.50 mm")


def test_declared_zeros_show_both_throughputs():
    lines = dict(totals(run(layer(effectual_macs=32_000))))
    assert lines["MACs"] == "64.00 kMAC, 32.00 kMAC effectual"
    assert lines["throughput"] == "128 GOP/s dense-equivalent, 64.0 GOP/s effectual"


def test_a_run_without_times_says_so():
    assert dict(totals(run(unmapped())))["cycles"].startswith("unknown")


def test_prices_name_their_source_once():
    lines = list(price_lines(run()))
    assert lines[0].startswith("prices (horowitz-45nm; F found")
    assert lines[1] == "  mac 8 x 8 bit 0.300 pJ R[1]; dram 20.0 pJ/bit A[1]"
    assert lines[2:] == ["  [1] a paper"]
    assert not list(price_lines(run(energy_sources=())))


def test_remarks_hold_warnings_faults_and_what_was_not_timed():
    lines = remarks(run(unmapped()))
    assert lines == [
        "warning: mind the gap",
        "no mapping: buffer too small",
        "not timed: 1 layer that only renames data (flat)",
    ]


def test_what_held_the_dram_is_said_where_it_was_waited_for():
    held = {"bus": 150, "row_conflict": 0, "tfaw": 0, "refresh": 50, "tccd_l": 0, "turnaround": 0, "starvation": 0}
    lines = dict(totals(run(replace(layer(), dram_late_because=held))))
    assert lines["DRAM waits"] == "200 cycles: moving bursts 75.0 %, refresh 25.0 %"
    rarely = dict(totals(run(replace(layer(), dram_late_because=held | {"bus": 0}))))
    assert "DRAM waits" not in rarely
    assert "DRAM waits" not in dict(totals(run()))
