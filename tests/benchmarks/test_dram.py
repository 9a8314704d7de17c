"""The DRAM benchmark runs and gives a rate for everything; no test asserts how large."""

from benchmarks.dram import dram_rates


def test_every_rate_is_a_number_above_zero():
    rates = dram_rates(quick=True)
    assert {name.rpartition("_")[2] for name in rates} == {"1MiB", "stepped", "32KiB", "random", "oracle"}
    assert all(rate > 0 for rate in rates.values())
