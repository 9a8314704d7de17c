"""Two requests run through a DRAM, so that the kernels of a request trace are compiled before there is a trace."""

from simulator.memory.dram_config import DramConfig, DramOrganization, DramTiming
from simulator.memory.dram_run import dram_trace, run_trace


def rehearse_trace() -> int:
    """Return the last cycle of two reads from one row of a DDR3 channel.

    Examples
    --------
    >>> rehearse_trace()  # arrival, tRCD, CL, two bursts of four clocks, and the one that counts from zero
    32
    """
    organization = DramOrganization(
        protocol="DDR3",
        bank_groups=1,
        banks_per_group=8,
        rows=65536,
        columns=1024,
        device_width_bits=8,
        bus_width_bits=64,
        burst_length=8,
        address_mapping="rochrababgco",
    )
    shared = {"trcd_read_cycles": 11, "trcd_write_cycles": 11, "trp_cycles": 11, "tras_cycles": 28, "trfc_cycles": 208}
    spacing = {"trrd_s_cycles": 5, "trrd_l_cycles": 5, "tfaw_cycles": 24, "tccd_s_cycles": 4, "tccd_l_cycles": 4}
    turns = {"twtr_s_cycles": 6, "twtr_l_cycles": 6, "twr_cycles": 12, "trtp_cycles": 6, "trefi_cycles": 6240}
    timing = DramTiming(clock_period_ns=1.25, cl_cycles=11, cwl_cycles=8, **shared, **spacing, **turns)
    trace = dram_trace({"addr": [0, 64], "is_write": [False, False]})
    return run_trace(DramConfig(organization=organization, timing=timing), trace).makespan_cycles
