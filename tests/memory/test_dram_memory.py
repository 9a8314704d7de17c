"""The engine's view of the DRAM: transfers complete when the oracle, stepping each channel alone, says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_address import decode
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_join_kernel import part_all
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_memory import advance, finish, new_dram_memory, next_event, submit
from simulator.memory.dram_run import dram_trace, run_trace
from simulator.memory.dram_split import bank_runs, burst_addresses, one_channel
from simulator.memory.dram_state import NEVER
from simulator.records import READ, TRANSFER, WRITE, table
from tests.memory.dram_cases import configs, small_config
from tests.memory.test_dram_split import transfers
from tests.oracle.dram_oracle import run_oracle

CAPACITY = 64


def run_memory(config, jobs, *, clock_hz=None, step=None):
    """Run [(cycle, Descriptor)] to the end; return (done cycles, begin cycles, memory)."""
    descriptors = descriptor_table([descriptor for _, descriptor in jobs])
    memory = new_dram_memory(config, descriptors, clock_hz=clock_hz or config.clock_hz, capacity=CAPACITY)
    done = table(TRANSFER, len(jobs))
    completed, at = 0, 0
    while completed < len(jobs):
        due = next_event(memory)
        if at < len(jobs) and jobs[at][0] < due:
            submit(memory, jobs[at][0], done[at], at)
            at += 1
        else:
            assert due < NEVER
            completed += advance(memory, due if step is None else min(due, step), done)
    part_all(memory)
    return done.done_cycle.tolist(), done.begin_cycle.tolist(), memory


def channel_requests(config, jobs):
    """Return, channel by channel, [(local address, is_write, arrival, transfer)], found burst by burst."""
    organization = config.organization
    single = one_channel(config).organization
    places = {}
    requests = [[] for _ in range(organization.channels)]
    taken = [0] * organization.channels
    numbers = np.arange(organization.capacity_bytes // organization.request_bytes) * organization.request_bytes
    owners = decode(organization, numbers).channel.tolist()
    for burst, owner in enumerate(owners):  # the local address of a burst is its rank among the channel's bursts
        places[burst] = (owner, taken[owner] * single.request_bytes)
        taken[owner] += 1
    for index, (cycle, descriptor) in enumerate(jobs):
        for address in burst_addresses(config, descriptor).tolist():
            owner, local = places[address // organization.request_bytes]
            requests[owner].append((local, descriptor.direction == WRITE, cycle, index))
    return requests


def oracle_done(config, jobs):
    done = [0] * len(jobs)
    for requests in channel_requests(config, jobs):
        trace = [request[:3] for request in requests]
        _, reads, accepts = run_oracle(one_channel(config), trace)
        for number, (_, is_write, _, index) in enumerate(requests):
            done[index] = max(done[index], accepts[number] + 1 if is_write else reads[number])
    return done


@st.composite
def small_configs(draw):
    config = draw(configs())
    return config.model_copy(
        update={"organization": config.organization.model_copy(update={"rows": min(8, config.organization.rows)})}
    )


@st.composite
def job_lists(draw, config):
    jobs, cycle = [], 0
    for _ in range(draw(st.integers(1, 6))):
        cycle += draw(st.sampled_from((0, 0, 3, 150, 700)))
        jobs.append((cycle, draw(transfers(config.organization, 2000))))
    return jobs


@settings(max_examples=80)
@given(data=st.data())
def test_every_transfer_is_done_when_the_oracle_says(data):
    config = data.draw(small_configs())
    jobs = data.draw(job_lists(config))
    done, begin, _ = run_memory(config, jobs)
    assert done == oracle_done(config, jobs)
    assert all(cycle <= first < last for (cycle, _), first, last in zip(jobs, begin, done, strict=True))


def test_one_channel_equals_a_trace_of_the_expanded_requests():
    config = load_dram("ddr4_2400").model_copy(update={"name": "one"})
    jobs = [(0, Descriptor(0, 5000)), (40, Descriptor(1 << 20, 700, 9, 4096)),
            (900, Descriptor(64, 640, 3, 8192, WRITE)),
            (2000, Descriptor(64, 640, 3, 8192))]  # fmt: skip
    columns = {"addr": [], "is_write": [], "arrival": []}
    owners = []
    for index, (cycle, descriptor) in enumerate(jobs):
        addresses = burst_addresses(config, descriptor).tolist()
        columns["addr"] += addresses
        columns["is_write"] += [descriptor.direction == WRITE] * len(addresses)
        columns["arrival"] += [cycle] * len(addresses)
        owners += [index] * len(addresses)
    trace = dram_trace(columns)
    result = run_trace(config, trace, drain_writes=False)
    done = np.zeros(trace.addresses.size, dtype=np.int64)
    done[~trace.is_write] = result.read_done_cycle
    done[trace.is_write] = result.accept_cycle[trace.is_write] + 1
    expected = [int(done[np.array(owners) == index].max()) for index in range(len(jobs))]
    assert run_memory(config, jobs)[0] == expected


@settings(max_examples=40)
@given(data=st.data())
def test_the_events_announced_are_never_late_and_steps_change_nothing(data):
    config = data.draw(small_configs())
    jobs = data.draw(job_lists(config))
    at_once = run_memory(config, jobs)
    descriptors = descriptor_table([descriptor for _, descriptor in jobs])
    memory = new_dram_memory(config, descriptors, clock_hz=config.clock_hz, capacity=CAPACITY)
    done = table(TRANSFER, len(jobs))
    done.done_cycle = -1
    at = cycle = 0
    while (done.done_cycle < 0).any():
        due = next_event(memory)
        while at < len(jobs) and jobs[at][0] == cycle:
            submit(memory, cycle, done[at], at)
            at += 1
        before = done.done_cycle.copy()
        while advance(memory, cycle, done):
            pass
        fresh = done.done_cycle[before != done.done_cycle]
        assert (fresh == cycle).all()
        assert not fresh.size or due <= cycle
        cycle += 1
    assert done.done_cycle.tolist() == at_once[0]


@pytest.mark.parametrize("ratio", [0.25, 0.7, 1.0, 3.0])
def test_another_clock_rounds_every_cycle_outwards(ratio):
    config = load_dram("hbm2")
    jobs = [(0, Descriptor(0, 40_000)), (10, Descriptor(1 << 20, 3000, 5, 4096, WRITE))]
    core_jobs = [(int(cycle * ratio), descriptor) for cycle, descriptor in jobs]
    done, begin, _ = run_memory(config, core_jobs, clock_hz=config.clock_hz * ratio)
    dram_jobs = [(int(np.ceil(cycle / ratio - 1e-9)), descriptor) for cycle, descriptor in core_jobs]
    expected, first, _ = run_memory(config, dram_jobs)
    assert done == [int(np.ceil(cycle * ratio - 1e-9)) for cycle in expected]
    assert begin == [int(cycle * ratio + 1e-9) for cycle in first]


def test_bandwidth_is_shared_and_never_beyond_the_peak():
    config = load_dram("hbm2")
    size = 1 << 20
    done, _, memory = run_memory(config, [(0, Descriptor(0, size)), (0, Descriptor(size, size))])
    assert done[1] >= 2 * size / config.peak_bytes_per_cycle
    assert done[1] < 1.3 * 2 * size / config.peak_bytes_per_cycle
    assert memory.channels.reads.tolist() == [2 * size // 32 // 16] * 16


def test_posted_writes_leave_at_the_end():
    config = small_config(organization_changes={"channels": 2, "rows": 1024})
    done, _, memory = run_memory(config, [(0, Descriptor(0, 64 * 20, direction=WRITE))])
    assert memory.channels.writes.sum() < 20
    last = finish(memory)
    assert memory.channels.writes.sum() == 20
    assert last > done[0]


def test_more_transfers_than_the_capacity_are_refused():
    config = small_config()
    memory = new_dram_memory(config, descriptor_table([Descriptor(0, 64)]), clock_hz=1e9, capacity=2)
    done = table(TRANSFER, 1)
    for _ in range(3):
        submit(memory, 0, done[0], 0)
    assert memory.port[0].refused == 1


def test_a_read_waits_for_no_write_but_sees_it():
    config = small_config()
    jobs = [(0, Descriptor(0, 64, direction=WRITE)), (1, Descriptor(0, 64, direction=READ))]
    done, _, memory = run_memory(config, jobs)
    assert done == [1, 1 + 2]
    assert memory.channels[0].forwarded == 1


def test_a_burst_written_in_the_first_cycle_is_announced_in_time():
    """The second transfer is the first in its channel, which has not begun to look at anything."""
    config = load_dram("ddr4_2400")
    config = config.model_copy(update={"organization": config.organization.model_copy(update={"channels": 2})})
    places = (Descriptor(64 * number, 64, direction=WRITE) for number in range(1 << 16))
    elsewhere = next(place for place in places if bank_runs(config, place)[0].channel == 1)
    jobs = [Descriptor(0, 64), elsewhere]
    memory = new_dram_memory(config, descriptor_table(jobs), clock_hz=config.clock_hz, capacity=2, twins=False)
    done = table(TRANSFER, 2)
    for index in range(2):
        submit(memory, 0, done[index], index)
    assert next_event(memory) == 1
    assert advance(memory, 1, done) == done[1].done_cycle == 1


def test_an_idle_memory_announces_nothing():
    config: DramConfig = small_config()
    memory = new_dram_memory(config, descriptor_table([]), clock_hz=1e9, capacity=1)
    assert next_event(memory) == NEVER
    assert advance(memory, 5000, table(TRANSFER, 1)) == 0
    assert memory.channels[0].refreshes == 12
