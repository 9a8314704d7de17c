"""Skipping ahead changes nothing: completions, counters, banks and what is under way are those of stepping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator._jit import kernel
from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_feed_kernel import channel_event, run_channel
from simulator.memory.dram_library import dram_preset_names, load_dram
from simulator.memory.dram_memory import advance, finish, new_dram_memory, next_event, submit
from simulator.memory.dram_skip_kernel import is_steady, set_mark
from simulator.memory.dram_state import WANTS_NEVER
from simulator.records import TRANSFER, WRITE, table
from tests.memory.dram_cases import organization, policies, timings

RECORDS = {"heads", "tails", "read_hit", "write_hit", "free_record"}
"""Numbers of request records, which come from a stack: they tell nothing of what happens."""


def run(config, jobs, *, skip):
    descriptors = descriptor_table([one for _, one in jobs])
    memory = new_dram_memory(config, descriptors, clock_hz=config.clock_hz, capacity=len(jobs), skip=skip, twins=False)
    done = table(TRANSFER, len(jobs))
    completed = at = 0
    while completed < len(jobs):
        due = next_event(memory)
        if at < len(jobs) and jobs[at][0] < due:
            submit(memory, jobs[at][0], done[at], at)
            at += 1
        else:
            before = done.done_cycle.copy()
            completed += advance(memory, due, done)
            assert (done.done_cycle[before != done.done_cycle] >= due).all(), "a completion was announced too late"
    finish(memory)
    return done, memory


def assert_same(config, jobs):
    """Hold everything that is left of a run with skipping equal to a run without; return how much was skipped."""
    fast, fast_memory = run(config, jobs, skip=True)
    slow, slow_memory = run(config, jobs, skip=False)
    assert fast.done_cycle.tolist() == slow.done_cycle.tolist()
    assert fast.begin_cycle.tolist() == slow.begin_cycle.tolist()
    mine, theirs = fast_memory.channels, slow_memory.channels
    parts = [(mine, theirs), *((mine[name], theirs[name]) for name in ("ranks", "groups", "banks"))]
    for one, other in parts:
        for field in one.dtype.names:
            if field not in RECORDS and one.dtype[field].base.names is None:
                assert np.array_equal(one[field], other[field]), field
    assert slow_memory.shadow.marks.skipped_bursts.sum() == 0
    return int(fast_memory.shadow.marks.skipped_bursts.sum())


@st.composite
def streams(draw):
    """A system with long rows, and transfers long enough to become steady in them."""
    mapping = draw(st.sampled_from(("rorabacobgch", "rochrababgco", "rorababgchco", "chrorabacobg", "robabgracoch")))
    shape = organization(
        protocol=draw(st.sampled_from(("DDR3", "DDR4", "LPDDR4", "HBM2"))),
        channels=draw(st.sampled_from((1, 2))),
        ranks=draw(st.sampled_from((1, 1, 2))),
        bank_groups=draw(st.sampled_from((1, 2, 4))),
        rows=16,
        columns=draw(st.sampled_from((256, 1024))),
        address_mapping=mapping,
        bank_hash=draw(st.sampled_from(("none", "row_xor"))),
    )
    base = draw(timings())
    timing = base.model_copy(update={"trefi_cycles": base.trefi_cycles + draw(st.sampled_from((0, 1000, 4000)))})
    config = DramConfig(
        organization=shape, timing=timing, policy=draw(policies()), inject_width=draw(st.sampled_from((1, 1, 2)))
    )
    jobs, cycle = [], 0
    for _ in range(draw(st.integers(1, 4))):
        cycle += draw(st.sampled_from((0, 0, 40, 900)))
        base_byte = draw(st.integers(0, 8)) * 4096 + draw(st.sampled_from((0, 0, 40)))
        size = draw(st.sampled_from((3000, 20_000, 60_000)))
        if draw(st.booleans()):
            jobs.append((cycle, Descriptor(base_byte, size, direction=draw(st.sampled_from((0, 1))))))
        else:
            jobs.append((cycle, Descriptor(base_byte, size // 4, 4, size // 2, draw(st.sampled_from((0, 1))))))
    return config, [(at, one) for at, one in jobs if one.end_byte <= shape.capacity_bytes]


@settings(max_examples=60)
@given(streams())
def test_skipping_changes_nothing(case):
    config, jobs = case
    assert_same(config, jobs)


def under_way(memory, index):
    """Return what waits and is queued in a channel, list by list: burst, when it came, what it is."""
    channel, requests = memory.channels[index], memory.requests[index]
    lists = []
    for number in channel.busy[: int(channel.busy_banks)]:
        bank = channel.banks[number]
        for head, count in zip(bank.heads, bank.counts, strict=True):
            at = head
            for _ in range(count):
                one = requests[at]
                lists.append(
                    tuple(int(one[name]) for name in ("address", "accept", "column", "row", "number", "is_write"))
                )
                at = one.next
    return lists


def begun(memory):
    """Return when the first burst of each transfer came, those under way in channel 0 included."""
    begins = memory.active.begin_cycle.tolist()
    for _, accept, _, _, number, _ in under_way(memory, 0):
        begins[number] = min(begins[number], accept)
    return begins


@pytest.mark.parametrize("name", ["ddr4_2400", "ddr3_1600", "lpddr5_6400"])
def test_wherever_one_stops_all_that_is_under_way_is_as_if_stepped(name):
    """Transfers over a few thousand bursts of one channel leave requests of many rows waiting while others stream by.

    Drawn evenly: what drew small numbers first did not find requests of two rows taken for each other.
    """
    config, random = load_dram(name), np.random.default_rng(7)
    config = config.model_copy(update={"organization": config.organization.model_copy(update={"channels": 1})})
    size = config.organization.request_bytes
    for _ in range(40):
        jobs = [
            Descriptor(int(first) * size, int(bursts) * size, direction=int(write < 0.3))
            for first, bursts, write in zip(
                random.integers(0, 4096, 6), random.integers(50, 900, 6), random.random(6), strict=True
            )
        ]
        memories = [
            new_dram_memory(config, descriptor_table(jobs), clock_hz=config.clock_hz, capacity=len(jobs), skip=skip)
            for skip in (True, False)
        ]
        for memory in memories:
            for at in range(len(jobs)):
                submit(memory, 0, table(TRANSFER, 1)[0], at)
        for stop in np.cumsum(random.integers(1, 900, 30)):
            for memory in memories:
                run_channel(memory, 0, stop)
            assert under_way(memories[0], 0) == under_way(memories[1], 0)
            assert memories[0].left.tolist() == memories[1].left.tolist()
            assert begun(memories[0]) == begun(memories[1])


@pytest.mark.parametrize("name", dram_preset_names())
@pytest.mark.parametrize("direction", [0, 1])
def test_skipping_changes_nothing_on_the_built_in_systems(name, direction):
    config = load_dram(name)
    size = 40_000 * config.organization.channels
    jobs = [(0, Descriptor(0, size, direction=direction)), (100, Descriptor(1 << 24, size, direction=direction)),
            (5000, Descriptor(1 << 25, size // 8, 8, size // 4, direction)), (5000, Descriptor(100, size))]  # fmt: skip
    assert_same(config, jobs)


def test_long_streams_are_mostly_skipped():
    config = load_dram("ddr4_2400")
    skipped = assert_same(config, [(0, Descriptor(0, 1 << 20))])
    assert skipped > (1 << 20) // 64 * 0.5


@pytest.mark.parametrize("direction", [0, 1])
def test_what_is_asked_for_has_moved_with_the_limits(direction):
    config, random = load_dram("ddr4_2400"), np.random.default_rng(0)
    memory = new_dram_memory(
        config, descriptor_table([Descriptor(0, 1 << 21, direction=direction)]), clock_hz=config.clock_hz, capacity=1
    )
    done, cycle = table(TRANSFER, 1), 0
    submit(memory, 0, done[0], 0)
    right_behind_a_skip = 0
    while not done[0].done_cycle:
        skipped = int(memory.shadow.marks[0].skipped_bursts)
        cycle += int(random.integers(1, 400))
        advance(memory, cycle, done)
        channel, mark = memory.channels[0], memory.shadow.marks[0]
        banks = channel.banks[: int(channel.banks_per_channel)]
        right_behind_a_skip += mark.skipped_bursts > skipped and mark.look_cycle == channel.cycle
        for kind in ("read", "write"):
            wants = channel[f"want_{kind}"][: banks.size]
            ready = np.maximum(banks[f"{kind}_ready"], channel.groups[f"{kind}_ready"][banks["group"]])
            assert wants[wants != WANTS_NEVER].tolist() == ready[wants != WANTS_NEVER].tolist()
    assert right_behind_a_skip > 0


def test_a_transfer_left_waiting_by_a_stream_is_not_asked_for_at_every_turn():
    """Bursts of the first wait, as the policy has it, until some rows of the second have passed: 7000 cycles.

    It cannot end before the stream is steady no more, which is known and need not be asked again and again.
    """
    config, jobs = load_dram("ddr4_2400"), [Descriptor(0, 1 << 20), Descriptor(1 << 20, 1 << 20)]
    memory = new_dram_memory(config, descriptor_table(jobs), clock_hz=config.clock_hz, capacity=2)
    done, stops = table(TRANSFER, 2), []
    for at in range(2):
        submit(memory, 0, done[at], at)
    while not done[0].done_cycle:
        stops.append(next_event(memory))
        advance(memory, stops[-1], done)
    assert stops[-1] == done[0].done_cycle
    assert len(stops) < 18  # 36 where it is asked for as often as its last bursts could be read


def test_a_short_transfer_is_stepped():
    assert assert_same(load_dram("ddr4_2400"), [(0, Descriptor(0, 4000, direction=WRITE))]) == 0


def test_the_first_burst_of_a_transfer_may_be_skipped_and_still_begins_it():
    """With a long latency the first transfer is waited for so long that the first bursts of the second are skipped."""
    config = load_dram("ddr4_2400")
    config = config.model_copy(update={"timing": config.timing.model_copy(update={"cl_cycles": 60})})
    for bursts in (28, 36):
        jobs = [(0, Descriptor(0, bursts * 64)), (0, Descriptor(bursts * 64, (500 - bursts) * 64))]
        assert assert_same(config, jobs) > 300


def test_how_long_ago_a_request_came_does_not_keep_a_stream_from_being_steady():
    """The queues fill in a burst a cycle, and are served in one of four: as long as they last, ages only grow."""
    config = load_dram("ddr4_2400")
    _, memory = run(config, [(0, Descriptor(0, 8192))], skip=True)
    assert memory.shadow.marks.skipped_bursts.sum() > 0  # 128 bursts, of which 64 come at once


@kernel
def set_mark_of(memory):
    set_mark(memory.shadow, memory.channels[0], memory.requests[0], memory.split[0], 0)


@kernel
def is_steady_now(memory):
    return is_steady(memory.shadow, memory.channels[0], memory.requests[0], memory.split[0], 0)


@kernel
def run_until_burst(memory, burst):
    while memory.channels[0].burst < burst:
        run_channel(memory, 0, channel_event(memory.channels[0]) + 1)


@pytest.mark.parametrize(("direction", "mattering"), [(0, 0), (1, 1)])
def test_when_a_request_came_matters_only_until_a_column_command_after_it(direction, mattering):
    """Of 64 requests of a steady stream at most the newest has to have come a period later to the cycle.

    A read that came with the last column command is in time for the next whatever happens; of writes, whose data begins
    earlier after the command, the one that came with it could yet be late: blamed as if the bus next turned to a read.
    """
    config, descriptors = load_dram("ddr4_2400"), descriptor_table([Descriptor(0, 500 * 64, direction=direction)])
    memory = new_dram_memory(config, descriptors, clock_hz=config.clock_hz, capacity=1, skip=True)
    memory.shadow.marks.rest_looks = 1 << 40
    submit(memory, 0, table(TRANSFER, 1)[0], 0)
    run_until_burst(memory, 192)
    set_mark_of(memory)
    run_until_burst(memory, 192 + 32)
    assert is_steady_now(memory)
    requests = memory.requests[0]
    ages = []
    for index in np.flatnonzero((requests["address"] >= (224 - 64) * 64) & (requests["accept"] > 0)):
        requests["accept"][index] -= 1
        if not is_steady_now(memory):
            ages.append(int(memory.channels[0].cycle - requests["accept"][index]) - 1)
        requests["accept"][index] += 1
    assert len(ages) == mattering
    assert not any(ages)  # it came just now


def test_looking_rests_where_signs_repeat_and_states_do_not_and_begins_again_where_they_do():
    config, jobs = load_dram("ddr4_2400"), [(0, Descriptor(0, 1 << 18, direction=WRITE))]
    _, memory = run(config, jobs, skip=True)
    assert (memory.shadow.marks.next_rest_looks == 0).all()
    assert memory.shadow.marks.skipped_bursts.sum() > 0
