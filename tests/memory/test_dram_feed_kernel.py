"""One channel and its sub-queue: order, room, records given back."""

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_feed_kernel import run_channel
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


def free_records(memory):
    """Follow the list of the first channel's free request records."""
    free, at = [], int(memory.channels[0].free_record)
    while at >= 0:
        free.append(at)
        at = int(memory.requests[0, at].next)
    return free


def test_transfers_are_offered_one_after_the_other():
    memory = fed(small_config(), Descriptor(0, 640), Descriptor(1 << 12, 640))
    run_channel(memory, 0, 8)
    assert memory.channels[0].transfer == 0
    run_channel(memory, 0, 15)
    assert (memory.channels[0].transfer, memory.channels[0].burst) == (1, 64 + 5)


def test_records_come_back_when_everything_is_done():
    memory = fed(small_config(), Descriptor(0, 6400), Descriptor(0, 6400, direction=WRITE), Descriptor(64, 640))
    whole = memory.requests.shape[1]
    assert len(free_records(memory)) == whole
    run_channel(memory, 0, 5)
    assert len(free_records(memory)) == whole - 5
    run_channel(memory, 0, 5000)
    waiting = int(memory.channels[0].writes_waiting)
    free = free_records(memory)
    assert len(set(free)) == len(free) == whole - waiting
    assert memory.channels.pending.sum() == waiting
    assert memory.left.sum() == 0


def test_a_channel_without_bursts_only_refreshes():
    config = small_config(organization_changes={"channels": 2})
    memory = fed(config, Descriptor(0, 64))
    run_channel(memory, 1, 2000)
    idle = memory.channels[1]
    assert (idle.reads, idle.activates) == (0, 0)
    assert idle.refreshes == 4
    assert memory.channels[1].offer_cycle == NEVER
