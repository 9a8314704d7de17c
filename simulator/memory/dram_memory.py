"""A command-level DRAM as the engine's memory: transfers in, completions out. Knows neither layers nor steps.

The interface is that of :mod:`simulator.memory.bandwidth`: ``submit(memory, cycle, transfer, index)``,
``next_event(memory)``, ``advance(memory, cycle, transfers)``, in cycles of the caller's clock. Every channel has a
bounded sub-queue (``capacity`` transfers or more) and runs by itself. FR-FCFS is not causal in submission order, so
no channel is ever simulated past a cycle at which some transfer could complete before the caller has heard of it:
``next_event`` is such a cycle, never later than the next completion and possibly earlier.

A read is done when its last burst has returned. Writes are posted: done the cycle after the last burst was accepted.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_feed_kernel import (
    ACTIVE,
    LINE,
    PORT,
    DramMemory,
    channel_event,
    join_line,
    run_channel,
    slot_of,
)
from simulator.memory.dram_join_kernel import join_channels, part_all, part_channels
from simulator.memory.dram_shadow import new_shadow
from simulator.memory.dram_split import count_bursts, one_channel, split_record
from simulator.memory.dram_state import NEVER, REQUEST, Record, new_channels, records
from simulator.memory.dram_twins_kernel import is_simulated, new_twins
from simulator.records import NONE, Table, table

_SPARE_RECORDS = 64
"""Request records beyond what the queues hold: for reads that ride on the column command of another."""

_LARGEST_RATIO = 10_000
"""Largest term of the ratio of the two clocks: 10^4 x 10^14 cycles still fit 64 bits."""


@kernel(borrows=True)
def submit(memory: DramMemory, cycle: int, transfer: Any, index: int, source: int = 0) -> None:  # noqa: ANN401
    """Take transfer ``index`` of DMA queue ``source`` at ``cycle``: what it moves is ``memory.descriptors[index]``.

    A cycle that has been simulated already counts as the first that has not.
    """
    port = memory.port[0]
    if port.submitted - port.oldest >= memory.active.shape[0]:
        port.refused += 1
        return
    slot = slot_of(memory, port.submitted)
    active, descriptor = memory.active[slot], memory.descriptors[index]
    active.index = index
    active.base_byte = descriptor.base_byte
    active.row_bytes = descriptor.row_bytes
    active.rows = descriptor.rows
    active.pitch_bytes = descriptor.pitch_bytes
    active.is_write = descriptor.is_write
    active.arrival = max(port.cycle, -(-cycle * port.dram_cycles // port.core_cycles))
    active.begin_cycle = NEVER
    active.done_cycle = 0
    active.channels_left = 0
    count_bursts(memory.split[0], active, memory.left[slot])
    join_channels(memory)
    part_channels(memory, slot)
    for index_of_channel in range(memory.channels.shape[0]):
        if memory.left[slot, index_of_channel] > 0 and is_simulated(memory.twins, index_of_channel):
            active.channels_left += memory.twins.table[index_of_channel].members
            if port.sources > 1:
                join_line(memory, index_of_channel, source, port.submitted)
            channel = memory.channels[index_of_channel]
            channel.offer_cycle = min(channel.offer_cycle, max(active.arrival, channel.cycle + 1))
    port.due_known = 0
    port.submitted += 1
    port.writes += active.is_write
    transfer.begin_cycle = cycle


@kernel(inlined=True)
def served_bound(memory: DramMemory, number: int, channel_index: int, event: int) -> int:
    """Return :func:`channel_bound` of a transfer of which no burst is served before ``event``."""
    channel = memory.channels[channel_index]
    slot = slot_of(memory, number)
    left = memory.left[slot, channel_index]
    accepting = event + (left - 1) // channel.inject_width
    if memory.active[slot].is_write:
        return int(accepting + 1)
    step = min(channel.read_read_same, channel.read_read_other, channel.read_read_rank)
    columns = event + (left - 1) * step + channel.read_delay
    may_be_offered = memory.port[0].sources > 1 or channel.transfer <= number
    may_be_forwarded = may_be_offered and (memory.port[0].writes > 0 or channel.writes_pending > 0)
    return int(min(columns, accepting + 2)) if may_be_forwarded else int(columns)


@kernel(borrows=True)
def channel_bound(memory: DramMemory, number: int, channel_index: int) -> int:
    """Return a cycle before which the bursts of transfer ``number`` in a channel cannot all be done."""
    channel = memory.channels[channel_index]
    event = max(memory.port[0].cycle, channel_event(channel))
    quiet_cycle = memory.shadow.marks[channel_index].quiet_cycle
    if channel.transfer == number:
        return int(max(quiet_cycle + 1, served_bound(memory, number, channel_index, event)))
    return served_bound(memory, number, channel_index, max(quiet_cycle + 1, event))  # and until then, none of its own


@kernel(borrows=True)
def earliest_done(memory: DramMemory) -> int:
    """Return a DRAM cycle before which no transfer completes, exact for those whose last burst is on its way."""
    port = memory.port[0]
    if port.due_known:
        return int(port.due_cycle)
    earliest = NEVER
    for number in range(port.oldest, port.submitted):
        active = memory.active[slot_of(memory, number)]
        if active.index == NONE:
            continue
        done = active.done_cycle
        if active.channels_left > 0:
            for channel in range(memory.channels.shape[0]):
                if memory.left[slot_of(memory, number), channel] > 0 and is_simulated(memory.twins, channel):
                    done = max(done, channel_bound(memory, number, channel))
        earliest = min(earliest, done)
    port.due_known, port.due_cycle = 1, earliest
    return int(earliest)


@kernel(borrows=True)
def next_event(memory: DramMemory) -> int:
    """Return a cycle before which nothing completes, or NEVER: advance to it, then ask again."""
    port = memory.port[0]
    done = earliest_done(memory)
    return NEVER if done == NEVER else int(-(-done * port.core_cycles // port.dram_cycles))


@kernel(borrows=True)
def complete(memory: DramMemory, limit_cycle: int, transfers: Table) -> int:
    """Complete the transfers whose last burst was done by ``limit_cycle``; return how many."""
    port = memory.port[0]
    completed = 0
    for number in range(port.oldest, port.submitted):
        active = memory.active[slot_of(memory, number)]
        if active.index == NONE or active.channels_left > 0 or active.done_cycle > limit_cycle:
            continue
        transfer = transfers[active.index]
        transfer.done_cycle = -(-active.done_cycle * port.core_cycles // port.dram_cycles)
        transfer.begin_cycle = active.begin_cycle * port.core_cycles // port.dram_cycles
        active.index = NONE
        port.writes -= active.is_write
        completed += 1
    while port.oldest < port.submitted and memory.active[slot_of(memory, port.oldest)].index == NONE:
        port.oldest += 1
    return completed


@kernel(borrows=True)
def next_stop(memory: DramMemory, cycle: int) -> tuple[int, int]:
    """Return (the cycle before which nothing completes, the one to simulate up to) on the way to ``cycle``.

    Both in cycles of the DRAM; what is asked for, and what :func:`settle` is told, are the caller's.
    """
    port = memory.port[0]
    due = earliest_done(memory)
    limit = cycle * port.dram_cycles // port.core_cycles
    return due, int(due if due <= limit else -(-cycle * port.dram_cycles // port.core_cycles))


@kernel(borrows=True)
def settle(memory: DramMemory, cycle: int, due: int, until_cycle: int, transfers: Table) -> tuple[int, bool]:
    """Note that every channel was simulated up to ``until_cycle``; return (how many completed, whether to go on)."""
    port = memory.port[0]
    port.cycle = max(port.cycle, until_cycle)
    port.due_known = 0
    if due > cycle * port.dram_cycles // port.core_cycles:
        return 0, False
    completed = complete(memory, due, transfers)
    return completed, completed == 0


@kernel(borrows=True)
def advance(memory: DramMemory, cycle: int, transfers: Table) -> int:
    """Simulate up to ``cycle``, but stop at the first completion: fill done cycles, return how many completed.

    A caller may so pass the cycle of its own next submission, and hears of whatever completes before. The engine's loop
    has these lines in its own body: each level of calls above a channel would compile it once more.
    """
    goes_on, completed = True, 0
    while goes_on:
        due, until_cycle = next_stop(memory, cycle)
        for channel in range(memory.channels.shape[0]):
            run_channel(memory, channel, until_cycle)
        completed, goes_on = settle(memory, cycle, due, until_cycle, transfers)
    return completed


@kernel(inlined=True)
def begin_drain(channel: Record, now_cycle: int) -> None:
    """Let a channel that is offered nothing any more empty its write buffer, from ``now_cycle`` on.

    Not from its last event on: that may have been an offer of nothing, which says nothing of when writes may leave.
    """
    channel.cycle = max(channel.cycle, now_cycle - 1)
    channel.drains_writes = channel.at_end = channel.may_move = 1


@kernel(borrows=True)
def last_burst(memory: DramMemory) -> int:
    """Return the DRAM cycle in which the last burst ended."""
    last = 0
    for channel in range(memory.channels.shape[0]):
        last = max(last, memory.channels[channel].last_column_end)
    return int(last)


@kernel(borrows=True)
def finish(memory: DramMemory) -> int:
    """Let the posted writes of a memory without transfers under way leave; return the DRAM cycle of the last burst.

    After it every channel's record is its own: :func:`part_all`.
    """
    part_all(memory)
    for index in range(memory.channels.shape[0]):
        channel = memory.channels[index]
        begin_drain(channel, memory.port[0].cycle)
        while channel.writes_pending > 0:
            run_channel(memory, index, channel.cycle + channel.refresh_interval)
    return last_burst(memory)


def new_dram_memory(
    config: DramConfig,
    descriptors: Table,
    *,
    clock_hz: float,
    capacity: int,
    skip: bool = True,
    twins: bool = True,
    sources: int = 1,
) -> DramMemory:
    """Return an idle :class:`DramMemory`.

    Parameters
    ----------
    config : DramConfig
    descriptors : recarray of DESCRIPTOR
        What each transfer of the caller moves (:func:`simulator.memory.dma.descriptor_table`), by index.
    clock_hz : float
        The caller's clock [Hz]; the DRAM keeps its own.
    capacity : int
        Transfers that may be under way at once, at the least.
    skip : bool
        Whether steady streams are moved on in one step: the results are the same without, only later.
    twins : bool
        Whether of channels that do the same only one is simulated: the same holds.
    sources : int
        DMA queues that are served in turn.

    Raises
    ------
    WorkloadError
        A descriptor ends beyond the memory; names it.
    """
    count, slots_under_way = config.organization.channels, 1 << (max(1, capacity) - 1).bit_length()
    policy = config.policy
    held = 2 * policy.transaction_queue_entries + policy.command_queue_entries * config.organization.banks_per_rank
    slots = held * config.organization.ranks + _SPARE_RECORDS
    channels = new_channels(one_channel(config), count, drain_writes=False)
    requests = records(count * slots, REQUEST).reshape(count, slots)
    requests["next"][:, :-1] = np.arange(1, slots)
    requests["next"][:, -1] = -1
    split, port = split_record(config.organization), table(PORT, 1)
    port["sources"] = sources
    channels["source_turn"], channels["transfer"] = sources - 1, 0 if sources == 1 else NONE
    lines = np.zeros((count, sources), LINE).view(np.recarray)
    lines["first"] = lines["last"] = NONE
    clocks = Fraction(config.clock_hz / clock_hz).limit_denominator(_LARGEST_RATIO)
    port["dram_cycles"], port["core_cycles"] = max(1, clocks.numerator), clocks.denominator
    return DramMemory(
        channels=channels,
        requests=requests,
        active=table(ACTIVE, slots_under_way),
        left=np.zeros((slots_under_way, count), dtype=np.int64),
        descriptors=descriptors,
        split=split,
        shadow=new_shadow(channels, split[0], enabled=skip),
        port=port,
        lines=lines,
        behind=np.zeros((slots_under_way if sources > 1 else 1, count), dtype=np.int64),
        twins=new_twins(channels, requests.view(np.recarray), enabled=twins),
    )
