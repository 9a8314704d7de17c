"""When channels that take DMA transfers are joined and parted: see :mod:`simulator.memory.dram_twins_kernel`."""

from typing import Any

from simulator._jit import kernel
from simulator.memory.dram_feed_kernel import DramMemory, slot_of
from simulator.memory.dram_split import local_bursts_below, row_bursts, rows_that_differ
from simulator.memory.dram_state import NEVER
from simulator.memory.dram_twins_kernel import follow, follow_another, is_simulated, lead_itself, same_state
from simulator.records import NONE


@kernel(borrows=True)
def same_bursts(memory: DramMemory, active: Any, one: int, other: int) -> bool:  # noqa: ANN401 - an ACTIVE record
    """Tell whether a transfer has the same local bursts in two channels, row by row."""
    split = memory.split[0]
    round_bits = split.channel_position + split.channel_bits
    for row in range(min(active.rows, rows_that_differ(split, active) + 1)):
        first, behind = row_bursts(split, active, row)
        if (first | behind) & ((1 << round_bits) - 1) == 0:
            continue
        begin, end = local_bursts_below(split, one, first), local_bursts_below(split, one, behind)
        their_begin, their_end = local_bursts_below(split, other, first), local_bursts_below(split, other, behind)
        if (begin != their_begin or end != their_end) and (begin < end or their_begin < their_end):
            return False
    return True


@kernel(borrows=True)
def part(memory: DramMemory, channel_index: int) -> None:
    """Let a channel that follows another be simulated from here on."""
    leader = int(memory.twins.table[channel_index].leader)
    lead_itself(memory.twins, memory.channels, channel_index)
    port = memory.port[0]
    for number in range(port.oldest, port.submitted):
        slot = slot_of(memory, number)
        memory.left[slot, channel_index] = memory.left[slot, leader]
    if port.sources > 1:
        for slot in range(memory.behind.shape[0]):
            memory.behind[slot, channel_index] = memory.behind[slot, leader]
        for source in range(port.sources):
            memory.lines[channel_index, source].first = memory.lines[leader, source].first
            memory.lines[channel_index, source].last = memory.lines[leader, source].last
    mark = memory.shadow.marks[channel_index]
    mark.valid = mark.period_looks = mark.alike = 0
    for burst in range(memory.shadow.accepts.shape[1]):
        memory.shadow.accepts[channel_index, burst] = memory.shadow.accepts[leader, burst]


@kernel(borrows=True)
def part_all(memory: DramMemory) -> None:
    """Make every channel's record its own, as if each had been simulated."""
    for index in range(memory.channels.shape[0]):
        if not is_simulated(memory.twins, index):
            part(memory, index)


@kernel(borrows=True)
def part_channels(memory: DramMemory, slot: int) -> None:
    """Part the channels in which the transfer about to be submitted has not the bursts that it has in their leader."""
    twins, active = memory.twins.table, memory.active[slot]
    for index in range(memory.channels.shape[0]):
        twins[index].left = NONE
    for index in range(memory.channels.shape[0]):
        leader = int(twins[index].leader)
        if leader == index:
            continue
        if memory.left[slot, index] == memory.left[slot, leader] and same_bursts(memory, active, index, leader):
            continue
        another = NONE
        for before in range(index):
            left_too = twins[before].leader == before and twins[before].left == leader
            if left_too and another == NONE and same_bursts(memory, active, index, before):
                another = before
        if another == NONE:
            part(memory, index)
        else:
            follow_another(memory.twins, memory.channels, index, another)


@kernel(inlined=True)
def forget_what_was_offered(memory: DramMemory, channel_index: int) -> None:
    """Let a channel between two rows go on to the next transfer with bursts for it, as its next offer would."""
    channel, port = memory.channels[channel_index], memory.port[0]
    if channel.burst < channel.behind:
        return
    channel.burst = channel.behind = 0
    if port.sources > 1:
        return
    while channel.transfer < port.submitted and memory.left[slot_of(memory, channel.transfer), channel_index] == 0:
        channel.transfer += 1
        channel.row = 0
    # It may have meant to offer at the arrival of a transfer that has nothing for it.
    if channel.transfer == port.submitted:
        channel.offer_cycle = NEVER
    else:
        channel.offer_cycle = max(channel.offer_cycle, memory.active[slot_of(memory, channel.transfer)].arrival)


@kernel(borrows=True)
def same_transfers(memory: DramMemory, one: int, other: int) -> bool:
    """Tell whether two channels have the same bursts to go; with several DMA queues only where none has any."""
    port = memory.port[0]
    for number in range(port.oldest, port.submitted):
        slot = slot_of(memory, number)
        left = memory.left[slot, one]
        if left != memory.left[slot, other] or (left > 0 and not same_bursts(memory, memory.active[slot], one, other)):
            return False
    if port.sources > 1:
        for source in range(port.sources):
            if memory.lines[one, source].first != NONE or memory.lines[other, source].first != NONE:
                return False
    return True


@kernel(borrows=True)
def join_channels(memory: DramMemory) -> None:
    """Join the channels whose states have become the same."""
    twins, channels = memory.twins, memory.channels
    if twins.layout[0].enabled == 0 or twins.table[0].members == channels.shape[0]:
        return
    for index in range(channels.shape[0]):
        if is_simulated(twins, index):
            forget_what_was_offered(memory, index)
    for index in range(1, channels.shape[0]):
        if not is_simulated(twins, index):
            continue
        for before in range(index):
            if (
                is_simulated(twins, before)
                and same_state(twins, channels, memory.requests, before, index, memory.port[0].cycle)
                and same_transfers(memory, before, index)
            ):
                follow(twins, channels, before, index)
                break
