"""DRAM systems and request traces for tests: a small fixed one, and random legal ones for hypothesis."""

from hypothesis import strategies as st

from simulator.memory.dram_config import DramConfig, DramOrganization, DramPolicy, DramTiming
from simulator.memory.dram_run import dram_trace

FIELDS = ("ch", "ra", "bg", "ba", "ro", "co")


def organization(**changes):
    content = {
        "protocol": "DDR4",
        "bank_groups": 2,
        "banks_per_group": 2,
        "rows": 64,
        "columns": 64,
        "device_width_bits": 8,
        "bus_width_bits": 64,
        "burst_length": 8,
        "address_mapping": "rochrababgco",
    }
    return DramOrganization(**(content | changes))


def timing(**changes):
    content = {
        "clock_period_ns": 1.0,
        "cl_cycles": 7,
        "cwl_cycles": 5,
        "trcd_read_cycles": 6,
        "trcd_write_cycles": 6,
        "trp_cycles": 6,
        "tras_cycles": 14,
        "trfc_cycles": 30,
        "trefi_cycles": 400,
        "trrd_s_cycles": 3,
        "trrd_l_cycles": 4,
        "tfaw_cycles": 16,
        "tccd_s_cycles": 4,
        "tccd_l_cycles": 5,
        "twtr_s_cycles": 2,
        "twtr_l_cycles": 4,
        "twr_cycles": 7,
        "trtp_cycles": 4,
        "trtrs_cycles": 1,
    }
    return DramTiming(**(content | changes))


def small_config(*, organization_changes=None, timing_changes=None, policy=None, **changes):
    return DramConfig(
        organization=organization(**(organization_changes or {})),
        timing=timing(**(timing_changes or {})),
        policy=DramPolicy(**(policy or {})),
        **changes,
    )


@st.composite
def timings(draw):
    def upto(high, low=0):
        return draw(st.integers(low, high))

    cl, trcd_read, trcd_write, trp = upto(12, 1), upto(10, 1), upto(10, 1), upto(10, 1)
    tras = max(trcd_read, trcd_write) + 8 + upto(12)
    trc = tras + trp
    trfc = upto(40, 1)
    pairs = {}
    for name, high in (("trrd", 6), ("tccd", 8), ("twtr", 8)):
        short = upto(high)
        pairs |= {f"{name}_s_cycles": short, f"{name}_l_cycles": short + upto(4)}
    return timing(
        cl_cycles=cl,
        cwl_cycles=upto(cl),
        al_cycles=upto(min(3, trcd_read - 1, trcd_write - 1)),
        trcd_read_cycles=trcd_read,
        trcd_write_cycles=trcd_write,
        trp_cycles=trp,
        tras_cycles=tras,
        trfc_cycles=trfc,
        trefi_cycles=(trfc + trc) * 2 + upto(300),
        tfaw_cycles=upto(40),
        t32aw_cycles=upto(300),
        twr_cycles=upto(12),
        trtp_cycles=upto(8),
        trtrs_cycles=upto(3),
        tppd_cycles=upto(4),
        **pairs,
    )


@st.composite
def organizations(draw):
    protocol = draw(st.sampled_from(("DDR3", "DDR4", "LPDDR4", "LPDDR5", "GDDR5", "HBM2")))
    mapping = "".join(draw(st.permutations(FIELDS)))
    return organization(
        protocol=protocol,
        channels=draw(st.sampled_from((1, 1, 2, 4))),
        ranks=draw(st.sampled_from((1, 1, 2))),
        bank_groups=draw(st.sampled_from((1, 2, 4))),
        banks_per_group=draw(st.sampled_from((1, 2, 4))),
        rows=draw(st.sampled_from((2, 4, 64))),
        columns=draw(st.sampled_from((16, 32))),
        burst_length=draw(st.sampled_from((8, 16) if protocol == "LPDDR5" else (4, 8, 16))),
        address_mapping=mapping,
        bank_hash=draw(st.sampled_from(("none", "row_xor"))),
    )


@st.composite
def policies(draw):
    dual = draw(st.booleans())
    return DramPolicy(
        page=draw(st.sampled_from(("open", "open", "close"))),
        command_queues=draw(st.sampled_from(("bank", "bank", "rank"))),
        command_queue_entries=draw(st.sampled_from((1, 2, 4, 8))),
        transaction_queue_entries=draw(st.sampled_from((1, 3, 12, 32))),
        unified_queue=draw(st.sampled_from((False, False, True))),
        dual_command=dual,
        refresh=draw(st.sampled_from(("rank_staggered", "rank_simultaneous"))),
    )


@st.composite
def configs(draw):
    return DramConfig(
        organization=draw(organizations()),
        timing=draw(timings()),
        policy=draw(policies()),
        inject_width=draw(st.sampled_from((1, 1, 2, 4))),
    )


@st.composite
def traces(draw, config, most=120):
    """Requests that collide: few distinct bursts, some of them split or repeated, bursts of arrivals and pauses."""
    organization_ = config.organization
    bursts = organization_.capacity_bytes // organization_.request_bytes
    span = draw(st.sampled_from((4, 64, bursts)))
    count = draw(st.integers(1, most))
    stride = draw(st.sampled_from((0, 0, 1, 7)))
    numbers = draw(st.lists(st.integers(0, min(span, bursts) - 1), min_size=count, max_size=count))
    offsets = draw(st.sampled_from(((0,), (0,), (0, 1, 3))))
    writes = draw(st.sampled_from(((False,), (True,), (False, True), (False, False, True))))
    gaps = draw(st.sampled_from(((0,), (0,), (0, 0, 0, 200), (0, 9), (40,))))
    pick = draw(st.randoms(use_true_random=False))
    addresses, clock, arrival = [], 0, []
    for index, number in enumerate(numbers):
        burst = (index * stride) % bursts if stride else number
        addresses.append(burst * organization_.request_bytes + pick.choice(offsets))
        clock += pick.choice(gaps)
        arrival.append(clock)
    return dram_trace({"addr": addresses, "is_write": [pick.choice(writes) for _ in addresses], "arrival": arrival})


def as_requests(trace):
    """Return the trace as the oracle takes it: [(address, is_write, arrival)]."""
    return list(zip(trace.addresses.tolist(), trace.is_write.tolist(), trace.arrival_cycles.tolist(), strict=True))
