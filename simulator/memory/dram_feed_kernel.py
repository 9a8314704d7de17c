"""One channel fed by DMA transfers: it takes their bursts in order from a sub-queue of its own. Knows no other channel.

Where several DMA queues feed the memory, a channel has a sub-queue for each, and takes a transfer of each in turn
(docs/model/cores.md).

Each channel is a one-channel DRAM system (:mod:`simulator.memory.dram_split`) with the controller of
:mod:`simulator.memory.dram_kernel` and this front end in place of a trace's. Bursts get a request record when they
are offered and give it back when they are done.
"""

from typing import Any, NamedTuple

from simulator._jit import kernel
from simulator.memory.dram_kernel import accept, next_work, tick
from simulator.memory.dram_skip_kernel import Shadow, skip_ahead
from simulator.memory.dram_split import channel_run, place_of
from simulator.memory.dram_state import NEVER, DramState
from simulator.records import NONE, Table, int_fields

FEED = int_fields(
    "transfer",  # number of the transfer being offered, in order of submission; NONE: the next turn is not given yet
    "row",  # its next row
    "burst",  # local bursts still to offer of the row begun: from here
    "behind",  # to before here
    "free_records",  # request records not in use
    "turn",  # the DMA queue served last
)
"""How far a channel has come in the transfers submitted."""

ACTIVE = int_fields(
    "index",  # of the transfer in the caller's table; -1 when it is complete
    "base_byte",
    "row_bytes",
    "rows",
    "pitch_bytes",
    "is_write",
    "arrival",  # first cycle at which its bursts may be offered
    "channels_left",  # channels with bursts to go
    "begin_cycle",  # first burst accepted
    "done_cycle",  # so far
)
"""A transfer under way; cycles of the DRAM clock."""

PORT = int_fields(
    "dram_cycles",  # so many DRAM cycles ...
    "core_cycles",  # ... in so many cycles of the caller's clock
    "cycle",  # every channel has been simulated up to before this one
    "submitted",
    "oldest",  # number of the oldest transfer under way
    "writes",  # write transfers under way
    "refused",  # transfers submitted beyond the capacity, and not taken
    "sources",  # DMA queues
)
"""The DMA side of a DRAM memory."""

LINE = int_fields("first", "last")
"""A channel's sub-queue for one of several DMA queues: numbers of transfers, NONE where it is empty."""


class DramMemory(NamedTuple):
    """A DRAM system and the transfers under way on it: records only, so that kernels can take it."""

    state: DramState
    """One row per channel, or as many as one channel has; indices count within a channel."""
    free_records: Table  # int32 [channels, records]: a stack
    feeds: Table  # FEED [channels]
    active: Table  # ACTIVE [capacity]: a ring by number of submission
    left: Table  # int64 [capacity, channels]: bursts to go
    descriptors: Table  # DESCRIPTOR per transfer of the caller's table
    split: Table  # SPLIT, one record
    shadow: Shadow
    port: Table  # PORT, one record
    lines: Table  # LINE [channels, sources]
    behind: Table  # int64 [capacity, channels]: number of the next transfer in the same line; unused with one source


@kernel(inlined=True)
def channel_state(state: Any, channel: int) -> DramState:  # noqa: ANN401 - a DramState, sliced
    """Return the part of ``state`` that belongs to ``channel``, as a system of one channel."""
    hardware = state.hardware[0]
    bank, group, rank = channel * hardware.banks_per_channel, channel * hardware.groups_per_channel, hardware.ranks
    records = state.requests.shape[0] // state.channels.shape[0]
    return DramState(
        state.hardware,
        state.channels[channel : channel + 1],
        state.ranks[channel * rank : channel * rank + rank],
        state.groups[group : group + hardware.groups_per_channel],
        state.banks[bank : bank + hardware.banks_per_channel],
        state.queues[bank : bank + hardware.banks_per_channel],
        state.waiting[channel : channel + 1],
        state.pending[channel : channel + 1],
        state.requests[channel * records : channel * records + records],
        state.front[channel : channel + 1],
        state.log,
    )


@kernel(inlined=True)
def credit(memory: DramMemory, channel_index: int, slot: int, begin_cycle: int, done_cycle: int) -> None:
    """Count one burst of a transfer as done."""
    active = memory.active[slot]
    memory.left[slot, channel_index] -= 1
    if memory.left[slot, channel_index] == 0:
        active.channels_left -= 1
    active.done_cycle = max(active.done_cycle, done_cycle)
    active.begin_cycle = min(active.begin_cycle, begin_cycle)


@kernel(inlined=True)
def give_back(memory: DramMemory, channel_index: int, request_id: int) -> None:
    """Return a request record to the channel's stack."""
    feed = memory.feeds[channel_index]
    memory.free_records[channel_index, feed.free_records] = request_id
    feed.free_records += 1


@kernel(inlined=True)
def retire(memory: DramMemory, state: DramState, channel_index: int, request_id: int) -> None:
    """Credit the requests that a column command served; posted writes had theirs when they were accepted."""
    while request_id >= 0:
        request = state.requests[request_id]
        if request.is_write == 0:
            credit(memory, channel_index, request.transfer, request.accept, request.done)
        give_back(memory, channel_index, request_id)
        request_id = request.follower


@kernel(inlined=True)
def take_burst(memory: DramMemory, state: DramState, channel_index: int, cycle: int) -> None:
    """Make a request of the channel's next burst and accept it at the end of ``cycle``."""
    feed = memory.feeds[channel_index]
    channel = state.channels[0]
    slot = feed.transfer % memory.active.shape[0]
    split = memory.split[0]
    feed.free_records -= 1
    request_id = memory.free_records[channel_index, feed.free_records]
    request = state.requests[request_id]
    bank, row, column = place_of(split, feed.burst)
    request.address = feed.burst << split.burst_bits
    request.bank = bank
    request.row = row
    request.column = column
    request.is_write = memory.active[slot].is_write
    request.transfer = slot
    request.number = feed.transfer
    request.follower = -1
    merged, forwarded = channel.merged, channel.forwarded
    accept(state, request_id, cycle)
    feed.burst += 1
    if request.is_write == 1:
        credit(memory, channel_index, slot, cycle, cycle + 1)
        if channel.merged > merged:
            give_back(memory, channel_index, request_id)
    elif channel.forwarded > forwarded:
        credit(memory, channel_index, slot, cycle, request.done)
        give_back(memory, channel_index, request_id)


@kernel(inlined=True)
def open_row(memory: DramMemory, channel_index: int) -> None:
    """Go on to the next row of the transfer, or to the next transfer."""
    feed = memory.feeds[channel_index]
    active = memory.active[feed.transfer % memory.active.shape[0]]
    if feed.row == active.rows:
        feed.transfer = feed.transfer + 1 if memory.port[0].sources == 1 else NONE
        feed.row = 0
        return
    feed.burst, feed.behind = channel_run(memory.split[0], active, feed.row, channel_index)
    feed.row += 1


@kernel(inlined=True)
def give_turn(memory: DramMemory, channel_index: int, cycle: int) -> int:
    """Give the channel to the next DMA queue in turn of which a transfer has arrived.

    Return ``cycle``, or where there is none the cycle at which one arrives.
    """
    feed = memory.feeds[channel_index]
    sources, next_arrival = memory.lines.shape[1], NEVER
    for after in range(1, sources + 1):
        source = (feed.turn + after) % sources
        line = memory.lines[channel_index, source]
        if line.first == NONE:
            continue
        slot = line.first % memory.active.shape[0]
        if memory.active[slot].arrival <= cycle:
            feed.transfer, feed.turn = line.first, source
            line.first = memory.behind[slot, channel_index]
            if line.first == NONE:
                line.last = NONE
            return cycle
        next_arrival = min(next_arrival, memory.active[slot].arrival)
    return int(next_arrival)


@kernel(inlined=True)
def join_line(memory: DramMemory, channel_index: int, source: int, number: int) -> None:
    """Put a transfer at the end of a channel's sub-queue for its DMA queue."""
    line = memory.lines[channel_index, source]
    if line.first == NONE:
        line.first = number
    else:
        memory.behind[line.last % memory.active.shape[0], channel_index] = number
    memory.behind[number % memory.active.shape[0], channel_index] = NONE
    line.last = number


@kernel(inlined=True)
def offer_bursts(memory: DramMemory, state: DramState, channel_index: int, cycle: int) -> int:
    """Offer the channel's bursts in order at the end of ``cycle``; return the next cycle to offer at (NEVER: no room).

    A transfer begins to be offered at its arrival; several follow each other without a gap.
    """
    hardware = state.hardware[0]
    feed = memory.feeds[channel_index]
    channel = state.channels[0]
    offered = 0
    while feed.transfer < memory.port[0].submitted:
        if feed.transfer == NONE:
            if offered == hardware.inject_width:
                return cycle + 1
            next_cycle = give_turn(memory, channel_index, cycle)
            if feed.transfer == NONE:
                return int(next_cycle)
        active = memory.active[feed.transfer % memory.active.shape[0]]
        if active.arrival > cycle:
            return int(active.arrival)
        if feed.burst == feed.behind:
            open_row(memory, channel_index)
            continue
        if offered == hardware.inject_width:
            return cycle + 1
        writes_apart = active.is_write and not hardware.unified
        waiting = channel.writes_waiting if writes_apart else channel.reads_waiting
        if waiting >= hardware.waiting_depth or feed.free_records == 0:
            return NEVER
        take_burst(memory, state, channel_index, cycle)
        offered += 1
    return NEVER


@kernel(inlined=True)
def channel_event(state: DramState) -> int:
    """Return the next cycle at which anything can happen in a channel."""
    front = state.front[0]
    work_cycle = min(next_work(state, front.cycle), front.offer_cycle)
    return int(min(work_cycle, state.channels[0].refresh_cycle))


@kernel(borrows=True)
def run_channel(memory: DramMemory, channel_index: int, until_cycle: int) -> None:
    """Simulate a channel up to before ``until_cycle``."""
    state = channel_state(memory.state, channel_index)
    channel, front, feed = state.channels[0], state.front[0], memory.feeds[channel_index]
    shape = memory.shadow.shape[0]
    while True:
        cycle = channel_event(state)
        if cycle >= until_cycle:
            return
        if channel.may_move or channel.next_cycle <= cycle or channel.refresh_cycle <= cycle:
            channel.column_request = -1
            tick(state, state.channels.shape[0] - 1, cycle)  # the only one; a literal would compile everything again
            if channel.column_request >= 0:
                retire(memory, state, channel_index, channel.column_request)
        burst = feed.burst
        front.offer_cycle = offer_bursts(memory, state, channel_index, cycle)
        front.cycle = cycle
        if feed.burst != burst and feed.burst % shape.check_bursts == 0 and shape.block_bits > 0:
            slot = feed.transfer % memory.active.shape[0]
            skipped = skip_ahead(memory.shadow, state, memory.split[0], feed, channel_index, until_cycle)
            memory.left[slot, channel_index] -= skipped
