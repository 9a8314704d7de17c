"""The rehearsal of a request trace is a trace with a known end."""

from simulator.memory.rehearsal import rehearse_trace


def test_two_reads_of_one_row_take_what_the_standard_says():
    """DDR3-1600: tRCD 11 and CL 11 clocks, two bursts of 4, the arrival, and one since clocks count from zero."""
    assert rehearse_trace() == 11 + 11 + 2 * 4 + 1 + 1
