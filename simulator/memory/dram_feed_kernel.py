"""One channel fed by DMA transfers: it takes their bursts in order from a sub-queue of its own. Knows no other channel.

Where several DMA queues feed the memory, a channel has a sub-queue for each, and takes a transfer of each in turn
(docs/model/cores.md).

Each channel is a one-channel DRAM system (:mod:`simulator.memory.dram_split`) with the controller of
:mod:`simulator.memory.dram_kernel` and this front end in place of a trace's. Bursts get a request record when they
are offered and give it back when they are done.
"""

from typing import NamedTuple

from simulator._jit import kernel
from simulator.memory.dram_kernel import accept, tick
from simulator.memory.dram_shadow import ACCEPTS_KEPT, Shadow
from simulator.memory.dram_skip_kernel import skip_ahead
from simulator.memory.dram_split import channel_run, place_of
from simulator.memory.dram_state import NEVER, Record, Records, unsigned
from simulator.memory.dram_twins_kernel import Twins, is_simulated
from simulator.records import NONE, Table, int_fields

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
    "due_known",  # whether nothing has happened since the next completion was foreseen ...
    "due_cycle",  # ... for no sooner than this cycle
)
"""The DMA side of a DRAM memory."""

LINE = int_fields("first", "last")
"""A channel's sub-queue for one of several DMA queues: numbers of transfers, NONE where it is empty."""


class DramMemory(NamedTuple):
    """A DRAM system and the transfers under way on it: records only, so that kernels can take it."""

    channels: Records
    requests: Table  # REQUEST [channels, records]
    active: Table  # ACTIVE [capacity]: a ring by number of submission
    left: Table  # int64 [capacity, channels]: bursts to go, of channels that are simulated
    descriptors: Table  # DESCRIPTOR per transfer of the caller's table
    split: Table  # SPLIT, one record
    shadow: Shadow
    port: Table  # PORT, one record
    lines: Table  # LINE [channels, sources]
    behind: Table  # int64 [capacity, channels]: number of the next transfer in the same line; unused with one source
    twins: Twins


@kernel(inlined=True)
def slot_of(memory: DramMemory, number: int) -> int:
    """Return the place of a transfer in the ring of those under way: a power of two, so that nothing is divided."""
    return number & (memory.active.shape[0] - 1)


@kernel(inlined=True)
def credit(memory: DramMemory, channel_index: int, slot: int, begin_cycle: int, done_cycle: int) -> None:
    """Count one burst of a transfer as done."""
    active = memory.active[slot]
    left = memory.left[slot, channel_index] - 1
    memory.left[slot, channel_index] = left
    if left == 0:
        active.channels_left -= memory.twins.table[channel_index].members
    active.done_cycle = max(active.done_cycle, done_cycle)
    active.begin_cycle = min(active.begin_cycle, begin_cycle)


@kernel(inlined=True)
def give_back(channel: Record, requests: Records, request_id: int) -> None:
    """Put a request record before the channel's free ones."""
    requests[request_id].next = channel.free_record
    channel.free_record = request_id


@kernel(inlined=True)
def retire(memory: DramMemory, channel: Record, requests: Records, channel_index: int) -> None:
    """Credit the requests that a column command served; posted writes had theirs when they were accepted."""
    request_id = channel.column_request
    channel.column_request = -1
    while request_id >= 0:
        request = requests[request_id]
        if request.is_write == 0:
            credit(memory, channel_index, request.transfer, request.accept, request.done)
        give_back(channel, requests, request_id)
        request_id = request.follower


@kernel(inlined=True)
def take_burst(memory: DramMemory, channel: Record, requests: Records, channel_index: int, cycle: int) -> None:
    """Make a request of the channel's next burst and accept it at the end of ``cycle``."""
    slot = slot_of(memory, channel.transfer)
    split = memory.split[0]
    request_id = channel.free_record
    request = requests[request_id]
    channel.free_record = request.next
    bank, row, column = place_of(split, channel.burst)
    request.address = channel.burst << split.burst_bits
    request.bank = bank
    request.row = row
    request.column = column
    request.is_write = memory.active[slot].is_write
    request.transfer = slot
    request.number = channel.transfer
    request.follower = -1
    merged, forwarded = channel.merged, channel.forwarded
    accept(channel, requests, request_id, cycle)
    memory.shadow.accepts[channel_index, channel.burst & (ACCEPTS_KEPT - 1)] = cycle
    channel.burst += 1
    if request.is_write == 1:
        credit(memory, channel_index, slot, cycle, cycle + 1)
        if channel.merged > merged:
            give_back(channel, requests, request_id)
    elif channel.forwarded > forwarded:
        credit(memory, channel_index, slot, cycle, request.done)
        give_back(channel, requests, request_id)


@kernel(borrows=True)
def open_row(memory: DramMemory, channel: Record, channel_index: int) -> None:
    """Go on to the next row of the transfer that has bursts in the channel, or to the next transfer."""
    slot = slot_of(memory, channel.transfer)
    active = memory.active[slot]
    row, burst, behind = channel.row, channel.burst, channel.behind
    rows = active.rows if memory.left[slot, channel_index] > 0 else 0
    while burst == behind and row < rows:
        burst, behind = channel_run(memory.split[0], active, row, channel_index)
        row += 1
    channel.row, channel.burst, channel.behind = row, burst, behind
    if burst == behind:
        channel.transfer = channel.transfer + 1 if memory.port[0].sources == 1 else NONE
        channel.row = 0


@kernel(borrows=True)
def give_turn(memory: DramMemory, channel: Record, channel_index: int, cycle: int) -> int:
    """Give the channel to the next DMA queue in turn of which a transfer has arrived.

    Return ``cycle``, or where there is none the cycle at which one arrives.
    """
    sources, next_arrival = memory.lines.shape[1], NEVER
    for after in range(1, sources + 1):
        source = (channel.source_turn + after) % sources
        line = memory.lines[channel_index, source]
        if line.first == NONE:
            continue
        slot = slot_of(memory, line.first)
        if memory.active[slot].arrival <= cycle:
            channel.transfer, channel.source_turn = line.first, source
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
        memory.behind[slot_of(memory, line.last), channel_index] = number
    memory.behind[slot_of(memory, number), channel_index] = NONE
    line.last = number


@kernel(inlined=True)
def offer_bursts(memory: DramMemory, channel: Record, requests: Records, channel_index: int, cycle: int) -> int:
    """Offer the channel's bursts in order at the end of ``cycle``; return the next cycle to offer at (NEVER: no room).

    A transfer begins to be offered at its arrival; several follow each other without a gap.
    """
    offered = 0
    while channel.transfer < memory.port[0].submitted:
        if channel.transfer == NONE:
            if offered == channel.inject_width:
                return cycle + 1
            next_cycle = give_turn(memory, channel, channel_index, cycle)
            if channel.transfer == NONE:
                return next_cycle
        active = memory.active[unsigned(slot_of(memory, channel.transfer))]
        if active.arrival > cycle:
            return int(active.arrival)
        if channel.burst == channel.behind:
            open_row(memory, channel, channel_index)
            continue
        writes_apart = active.is_write and not channel.unified
        waiting = channel.writes_waiting if writes_apart else channel.reads_waiting
        if waiting >= channel.waiting_depth or channel.free_record < 0:
            return NEVER
        if offered == channel.inject_width:
            return cycle + 1
        take_burst(memory, channel, requests, channel_index, cycle)
        offered += 1
    return NEVER


@kernel(inlined=True)
def channel_event(channel: Record) -> int:
    """Return the next cycle at which anything can happen in a channel."""
    work_cycle = channel.cycle + 1 if channel.may_move else channel.next_cycle
    return int(min(work_cycle, channel.offer_cycle, channel.refresh_cycle))


@kernel(borrows=True)
def run_channel(memory: DramMemory, channel_index: int, until_cycle: int) -> None:
    """Simulate a channel up to before ``until_cycle``; nothing is done for one that another is simulated for."""
    if not is_simulated(memory.twins, channel_index):
        return
    channel, requests = memory.channels[channel_index], memory.requests[channel_index]
    shape = memory.shadow.shape[0]
    memory.port[0].due_known = 0
    while True:
        cycle = channel_event(channel)
        if cycle >= until_cycle:
            return
        if channel.may_move or channel.next_cycle <= cycle or channel.refresh_cycle <= cycle:
            tick(channel, requests, cycle)
            if channel.column_request >= 0:
                retire(memory, channel, requests, channel_index)
        burst = channel.burst
        channel.offer_cycle = offer_bursts(memory, channel, requests, channel_index, cycle)
        channel.cycle = cycle
        if channel.burst != burst and channel.burst & (shape.check_bursts - 1) == 0 and shape.block_bits > 0:
            slot = slot_of(memory, channel.transfer)
            skipped = skip_ahead(memory.shadow, channel, requests, memory.split[0], channel_index, until_cycle)
            if skipped > 0:
                memory.left[slot, channel_index] -= skipped
                active = memory.active[slot]
                active.begin_cycle = min(active.begin_cycle, memory.shadow.marks[channel_index].first_accept)
