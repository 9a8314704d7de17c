"""Simulating one of several channels that do the same changes nothing: each is what it is when simulated itself."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_join_kernel import forget_what_was_offered, part_all, same_bursts
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_memory import advance, finish, new_dram_memory, next_event, submit
from simulator.memory.dram_split import channel_run
from simulator.memory.dram_state import BANK, COUNTED_WORDS, GROUP, NEVER, QUEUED, READS, WANTS, WRITES
from simulator.memory.dram_twins_kernel import count_of
from simulator.records import NONE, TRANSFER, table
from tests.memory.dram_cases import organization, policies, small_config, timings
from tests.memory.test_dram_split import transfers

CAPACITY = 64
ANY_TIME = {"cycle", "next_cycle", "offer_cycle"}
NOTHING = {"moves", "accepts", "mover", "free_record", "busy"}  # they count, or say what the lists say


def new_memory(config, jobs, **options):
    descriptors = descriptor_table([descriptor for _, descriptor, _ in jobs])
    sources = 1 + max(source for *_, source in jobs)
    return new_dram_memory(config, descriptors, clock_hz=config.clock_hz, capacity=CAPACITY, sources=sources, **options)


def run_side_by_side(config, jobs, *, skip):
    """Run ``jobs`` with and without twins, compare all channels after each event; return how many were simulated."""
    memories = [new_memory(config, jobs, skip=skip, twins=twins) for twins in (True, False)]
    done = [table(TRANSFER, len(jobs)) for _ in memories]
    completed = at = 0
    simulated = []
    while completed < len(jobs):
        due = min(next_event(memory) for memory in memories)
        if at < len(jobs) and jobs[at][0] < due:
            for memory, times in zip(memories, done, strict=True):
                submit(memory, jobs[at][0], times[at], at, jobs[at][2])
            at += 1
            continue
        assert due < NEVER
        first, second = (advance(memory, due, times) for memory, times in zip(memories, done, strict=True))
        assert first == second
        completed += first
        simulated.append(int(leads(memories[0]).sum()))
        assert_same_channels(*memories)
    assert done[0].done_cycle.tolist() == done[1].done_cycle.tolist()
    assert done[0].begin_cycle.tolist() == done[1].begin_cycle.tolist()
    assert finish(memories[0]) == finish(memories[1])
    assert_same_channels(*memories)
    return simulated


def leads(memory):
    return memory.twins.table["leader"] == np.arange(memory.channels.size)


def assert_same_channels(joined, plain):
    for word in range(*COUNTED_WORDS):
        assert count_of(joined.twins, word) == count_of(plain.twins, word)
    joined, plain = copy.deepcopy(joined), copy.deepcopy(plain)
    joined = with_views(joined)
    now = int(joined.port[0].cycle)
    assert now == plain.port[0].cycle
    part_all(joined)
    for index in range(joined.channels.size):
        for memory in (joined, plain):
            forget_what_was_offered(memory, index)
        one, other = joined.channels[index], plain.channels[index]
        assert_same_fields(one, other, now)
        assert_same_requests(joined.requests[index], one, plain.requests[index], other)


def with_views(memory):
    """Let the views of a copied memory look at the copy."""
    words = np.asarray(memory.channels).view(np.int64).reshape(memory.channels.size, -1)
    requests = np.asarray(memory.requests).view(np.int64).reshape(memory.channels.size, -1)
    return memory._replace(twins=memory.twins._replace(words=words, request_words=requests))


def assert_same_fields(one, other, now):
    banks, groups = int(one["banks_per_channel"]), int(one["groups_per_channel"])
    busy = int(one["busy_banks"])
    assert one["busy"][:busy].tolist() == other["busy"][:busy].tolist()
    for name in one.dtype.names:
        if one.dtype[name].base.names is None and name not in {*NOTHING, *WANTS}:
            assert_same_values(one[name], other[name], now if name in ANY_TIME else -1, name)
    for layout, part, count in ((BANK, "banks", banks), (GROUP, "groups", groups)):
        for name in layout.names:
            limit = name.endswith("_ready")
            if name not in {"heads", "tails", "read_hit", "write_hit"}:
                assert_same_values(one[part][name][:count], other[part][name][:count], now if limit else -1, name)
    for name in WANTS:
        assert_same_values(one[name][:banks], other[name][:banks], now, name)
    for number in range(int(one["rank_count"])):
        mine, theirs = one["ranks"][number], other["ranks"][number]
        assert mine["open_banks"] == theirs["open_banks"]
        is_open = int(mine["open_banks"] > 0)
        since = [int(rank["active_cycles"] - is_open * rank["active_since"]) for rank in (mine, theirs)]
        assert since[0] == since[1], "active cycles"


def assert_same_values(mine, theirs, floor, name):
    mine, theirs = np.atleast_1d(mine), np.atleast_1d(theirs)
    late = np.maximum(mine, theirs) > floor
    assert mine[late].tolist() == theirs[late].tolist(), name


def assert_same_requests(requests, channel, other_requests, other):
    found = []
    for records, owner in ((requests, channel), (other_requests, other)):
        found.append([])
        for bank in owner["banks"][: int(owner["banks_per_channel"])]:
            for place in (QUEUED, READS, WRITES):
                at = int(bank["heads"][place])
                for _ in range(int(bank["counts"][place])):
                    request = records[at]
                    fields = ("address", "accept", "is_write", "row", "column", "bank", "number")
                    found[-1].append((place, *(int(request[name]) for name in fields)))
                    at = int(request["next"])
    assert found[0] == found[1]


@st.composite
def systems(draw):
    shape = organization(
        protocol=draw(st.sampled_from(("DDR4", "LPDDR4", "HBM2"))),
        channels=draw(st.sampled_from((2, 4))),
        ranks=draw(st.sampled_from((1, 1, 2))),
        bank_groups=draw(st.sampled_from((1, 2))),
        rows=16,
        columns=64,
        address_mapping=draw(st.sampled_from(("rorabacobgch", "rochrababgco", "rababgchroco", "chrorabacobg"))),
        bank_hash=draw(st.sampled_from(("none", "row_xor"))),
    )
    base = draw(timings())
    timing = base.model_copy(update={"trefi_cycles": base.trefi_cycles + draw(st.sampled_from((0, 300)))})
    config = load_dram("ddr4_2400").model_copy(
        update={"organization": shape, "timing": timing, "policy": draw(policies())}
    )
    return config.model_copy(update={"inject_width": draw(st.sampled_from((1, 1, 2)))})


@st.composite
def job_lists(draw, config):
    """Transfers of which some fall on all channels alike, some on a few, at times close together or far apart."""
    shape = config.organization
    whole = shape.request_bytes * shape.channels
    jobs, cycle, sources = [], 0, draw(st.sampled_from((1, 1, 1, 2)))
    for _ in range(draw(st.integers(2, 9))):
        cycle += draw(st.sampled_from((0, 0, 20, 200, 1500)))
        if draw(st.integers(0, 3)) == 0:
            descriptor = draw(transfers(shape, 1500))
        else:
            rounds = draw(st.integers(1, 24))
            base = draw(st.integers(0, shape.capacity_bytes // whole - rounds)) * whole
            bytes_ = rounds * whole - draw(st.sampled_from((0, 0, 0, shape.request_bytes)))
            descriptor = Descriptor(base, bytes_, direction=draw(st.sampled_from((0, 0, 1))))
        jobs.append((cycle, descriptor, draw(st.integers(0, sources - 1))))
    return jobs


@settings(max_examples=60)
@given(data=st.data())
def test_every_channel_is_what_it_is_when_simulated_itself(data):
    config = data.draw(systems())
    jobs = data.draw(job_lists(config))
    run_side_by_side(config, jobs, skip=data.draw(st.booleans()))


def test_posted_writes_leave_from_the_last_event_on_whatever_a_channel_did_last():
    """Three channels hold writes back while the fourth reads: followers have done nothing since, others have looked."""
    free = ("cwl", "trrd_s", "trrd_l", "tfaw", "tccd_s", "tccd_l", "twtr_s", "twtr_l", "twr", "trtp", "trtrs")
    config = small_config(
        organization_changes={"channels": 4, "bank_groups": 1, "rows": 16},
        timing_changes={f"{name}_cycles": 0 for name in free} | {"trfc_cycles": 39, "trefi_cycles": 367},
        policy={"command_queue_entries": 1, "transaction_queue_entries": 12},
    )
    jobs = [(0, Descriptor(0, 5120, direction=1), 0), (0, Descriptor(0, 256), 0)]
    run_side_by_side(config, [*jobs, (1500, Descriptor(0, 1, 1, 1), 0), (1500, Descriptor(0, 256), 0)], skip=False)


@pytest.mark.parametrize("name", ["hbm2", "lpddr5_6400"])
def test_channels_part_and_join_again(name):
    """One burst for one channel alone sets it apart, until streams over all have closed over it."""
    config = load_dram(name)
    burst, channels = config.organization.request_bytes, config.organization.channels
    stream = 400 * channels * burst
    jobs = [(0, Descriptor(0, stream), 0), (9000, Descriptor(1 << 22, burst), 0),
            (9500, Descriptor(1 << 23, stream), 0), (12_000, Descriptor(1 << 24, stream), 0),
            (14_000, Descriptor(1 << 25, stream), 0), (20_000, Descriptor(1 << 26, stream), 0)]  # fmt: skip
    simulated = run_side_by_side(config, jobs, skip=True)
    assert simulated[0] == 1
    assert max(simulated) == 2
    assert simulated[-1] == 1


def test_channels_that_leave_together_stay_together():
    """Half of the channels get a row less than the others: they leave their leader, and follow one of them."""
    config = load_dram("hbm2")
    burst, channels = config.organization.request_bytes, config.organization.channels
    whole = burst * channels
    jobs = [(0, Descriptor(0, 5 * whole), 0), (100, Descriptor(1 << 22, 3 * whole + whole // 2), 0),
            (400, Descriptor(1 << 23, 7 * whole), 0)]  # fmt: skip
    assert max(run_side_by_side(config, jobs, skip=True)) == 2


def test_same_bursts_is_what_the_runs_say():
    config = load_dram("hbm2")
    shapes = [(96, 700, 9, 1024), (0, 512, 3, 512 * 7), (32, 512, 3, 512 * 7), (0, 544, 2, 1024), (64, 64, 30, 512),
              (0, 3584, 5, 3600), (16, 2040, 3, 2048), (0, 96, 40, 160), (32, 544, 40, 576)]  # fmt: skip
    for shape in shapes:
        jobs = [(0, Descriptor(*shape), 0)]
        memory = new_memory(config, jobs)
        submit(memory, 0, table(TRANSFER, 1)[0], 0, 0)
        active = memory.active[0]
        for one in range(16):
            for other in range(16):
                runs = [
                    [channel_run(memory.split[0], active, row, channel) for row in range(shape[2])]
                    for channel in (one, other)
                ]
                mine, theirs = ([run if run[0] < run[1] else NONE for run in rows] for rows in runs)
                assert same_bursts(memory, active, one, other) == (mine == theirs), (shape, one, other)
