"""One channel and its sub-queue: order, room, records given back."""

import inspect

import numpy as np

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_feed_kernel import channel_state, run_channel
from simulator.memory.dram_memory import new_dram_memory, submit
from simulator.memory.dram_state import NEVER
from simulator.records import TRANSFER, WRITE, table
from tests.memory.dram_cases import small_config


def fed(config, *descriptors, clock_hz=1e9):
    memory = new_dram_memory(config, descriptor_table(descriptors), clock_hz=clock_hz, capacity=8)
    done = table(TRANSFER, len(descriptors))
    for index in range(len(descriptors)):
        submit(memory, 0, done[index], index)
    return memory


def test_a_channel_state_is_a_view_of_its_own_part():
    config = small_config(organization_changes={"channels": 4, "ranks": 2})
    memory = fed(config, Descriptor(0, 64))
    part = inspect.unwrap(channel_state)(memory.state, 2)  # compiled, it is for kernels alone: it hands out views
    part.banks["open_row"][:] = 7
    banks = config.organization.banks_per_rank * 2
    assert np.flatnonzero(memory.state.banks.open_row == 7).tolist() == list(range(2 * banks, 3 * banks))
    assert part.channels.size == 1
    assert part.requests.size * 4 == memory.state.requests.size


def test_transfers_are_offered_one_after_the_other():
    memory = fed(small_config(), Descriptor(0, 640), Descriptor(1 << 12, 640))
    run_channel(memory, 0, 8)
    assert memory.feeds[0].transfer == 0
    run_channel(memory, 0, 15)
    assert (memory.feeds[0].transfer, memory.feeds[0].burst) == (1, 64 + 5)


def test_records_come_back_when_everything_is_done():
    memory = fed(small_config(), Descriptor(0, 6400), Descriptor(0, 6400, direction=WRITE), Descriptor(64, 640))
    whole = memory.free_records.shape[1]
    run_channel(memory, 0, 5)
    assert memory.feeds[0].free_records == whole - 5
    run_channel(memory, 0, 5000)
    waiting = int(memory.state.channels[0].writes_waiting)
    assert memory.feeds[0].free_records == whole - waiting
    assert sorted(memory.free_records[0, : whole - waiting].tolist()) == sorted(
        set(memory.free_records[0, : whole - waiting].tolist())
    )
    assert memory.state.pending.sum() == waiting
    assert memory.left.sum() == 0


def test_a_channel_without_bursts_only_refreshes():
    config = small_config(organization_changes={"channels": 2})
    memory = fed(config, Descriptor(0, 64))
    run_channel(memory, 1, 2000)
    idle = memory.state.channels[1]
    assert (idle.reads, idle.activates) == (0, 0)
    assert idle.refreshes == 4
    assert memory.state.front[1].offer_cycle == NEVER
