"""The controller and its in-order front end, run from event to event. Knows no files and no command timing.

In each cycle, in this order: a refresh falls due; one command issues; one transaction moves into a bank queue; the
front end offers requests. Between two cycles in which one of these can happen nothing changes, so time jumps.
"""

import numpy as np
import numpy.typing as npt

from simulator._jit import kernel
from simulator.memory.dram_issue_kernel import (
    REFRESH_TURN,
    address_bucket,
    bank_cycle,
    blocked_rank,
    classify,
    find_next,
    issue_next,
)
from simulator.memory.dram_state import NEVER, DramState

FINISHED, PAUSED, LOG_FULL, DEADLOCK = range(4)
"""Why :func:`advance` returned."""


@kernel(inlined=True)
def pending(state: DramState, channel_index: int, request_id: int, is_write: int) -> int:
    """Return the waiting or queued read (or write) of the same address as ``request_id``, -1 if none."""
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    request = state.requests[request_id]
    if state.pending[channel_index, address_bucket(request.address)] == 0:
        return -1
    side = 1 if is_write and not hardware.unified else 0
    count = channel.writes_waiting if side == 1 else channel.reads_waiting
    waiting = state.waiting[channel_index, side]
    for position in range(count):
        other = state.requests[waiting[position]]
        if other.address == request.address and other.is_write == is_write:
            return int(waiting[position])
    queue = state.queues[request.bank]
    for position in range(state.banks[request.bank].count):
        other = state.requests[queue[position]]
        if other.address == request.address and other.is_write == is_write:
            return int(queue[position])
    return -1


@kernel(inlined=True)
def wants_drain(state: DramState, channel_index: int) -> bool:
    """Tell whether the write buffer must be drained: it is full, or the bank queues are empty and it holds enough.

    With ``drains_writes`` the last writes of a finished trace leave too, as soon as nothing else waits.
    """
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    front = state.front[0]
    if channel.writes_waiting >= hardware.waiting_depth:
        return True
    if channel.queued > 0:
        return False
    if channel.writes_waiting > hardware.write_level:
        return True
    at_end = hardware.drains_writes and front.closed and front.next_request >= front.requests
    return bool(at_end and channel.writes_waiting > 0 and channel.reads_waiting == 0)


@kernel(inlined=True)
def move_into_queue(state: DramState, channel_index: int, side: int, position: int) -> int:
    """Move a waiting transaction into the queue of its bank; return the bank."""
    channel = state.channels[channel_index]
    waiting = state.waiting[channel_index, side]
    request_id = waiting[position]
    if side == 1:
        channel.writes_waiting -= 1
        count = channel.writes_waiting
    else:
        channel.reads_waiting -= 1
        count = channel.reads_waiting
    for index in range(position, count):
        waiting[index] = waiting[index + 1]
    bank_index = state.requests[request_id].bank
    bank = state.banks[bank_index]
    state.queues[bank_index, bank.count] = request_id
    bank.count += 1
    state.ranks[bank.rank].count += 1
    if state.hardware[0].rank_queues:
        state.requests[request_id].order = channel.moves
        channel.moves += 1
    channel.queued += 1
    classify(state, channel_index, bank_index)
    return int(bank_index)


@kernel(inlined=True)
def has_room(state: DramState, bank_index: int) -> bool:
    """Tell whether the command queue of a bank takes one more transaction."""
    hardware = state.hardware[0]
    bank = state.banks[bank_index]
    held = state.ranks[bank.rank].count if hardware.rank_queues else bank.count
    return bool(held < hardware.queue_depth)


@kernel(inlined=True)
def first_with_room(state: DramState, waiting: npt.NDArray[np.int32], count: int, checked: int, room: int) -> int:
    """Return the first of ``count`` waiting transactions whose bank has room: ``room`` alone of the ``checked``."""
    position = checked
    if room >= 0 and has_room(state, room):
        position = 0
        while position < checked and state.requests[waiting[position]].bank != room:
            position += 1
        if position < checked:
            return position
    while position < count and not has_room(state, state.requests[waiting[position]].bank):
        position += 1
    return position


@kernel(inlined=True)
def move_from(state: DramState, channel_index: int, side: int) -> tuple[int, bool]:
    """Move the first transaction whose bank has room; return (bank or -1, whether an older read stands in the way)."""
    channel = state.channels[channel_index]
    waiting = state.waiting[channel_index, side]
    count = channel.writes_waiting if side == 1 else channel.reads_waiting
    checked = channel.writes_checked if side == 1 else channel.reads_checked
    room = channel.writes_room if side == 1 else channel.reads_room
    position = first_with_room(state, waiting, count, checked, room)
    if side == 1:
        channel.writes_checked = max(checked, position)
        channel.writes_room = room if position < count else -1
    else:
        channel.reads_checked = max(checked, position)
        channel.reads_room = room if position < count else -1
    if position == count:
        return -1, False
    if side == 1 and pending(state, channel_index, waiting[position], 0) >= 0:
        return -1, True
    if position < checked and side == 1:
        channel.writes_checked -= 1
    elif position < checked:
        channel.reads_checked -= 1
    return move_into_queue(state, channel_index, side, position), False


@kernel(inlined=True)
def move_one(state: DramState, channel_index: int) -> int:
    """Move one transaction into a bank queue, from the write buffer while it drains; return the bank, -1 if none moved.

    A write behind a pending read of its address stops the drain. If the drain would restart at once and no command is
    queued, the policy as published waits for ever; reads then go first.
    """
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    if channel.draining == 0 and not hardware.unified and wants_drain(state, channel_index):
        channel.draining = channel.writes_waiting
    side = 1 if channel.draining > 0 else 0
    bank_index, blocked = move_from(state, channel_index, side)
    if blocked:
        channel.draining = 0
        restarts = wants_drain(state, channel_index)
        if restarts and channel.queued == 0:
            bank_index, _ = move_from(state, channel_index, side - 1)  # only a drain is blocked, so these are the reads
        channel.may_move = 1 if bank_index >= 0 or not restarts else 0
        return bank_index
    if bank_index >= 0:
        channel.draining -= side
    channel.may_move = 1 if bank_index >= 0 else 0
    return bank_index


@kernel(inlined=True)
def consider(state: DramState, channel_index: int, bank_index: int, at_cycle: int) -> None:
    """Put a bank whose queue has grown before the channel's next command, if its own comes first."""
    channel = state.channels[channel_index]
    if bank_index == channel.next_bank or state.hardware[0].rank_queues:
        find_next(state, channel_index, at_cycle)
        return
    bank = state.banks[bank_index]
    if bank.rank == blocked_rank(state, channel_index):
        return
    cycle = max(bank_cycle(bank, state.groups[bank.group]), at_cycle)
    sooner = cycle < channel.next_cycle
    if cycle == channel.next_cycle and channel.next_bank != REFRESH_TURN:
        banks_per_channel = state.hardware[0].banks_per_channel
        start = channel_index * banks_per_channel + channel.turn + 1
        mine = bank_index - start
        other = channel.next_bank - start
        sooner = (mine if mine >= 0 else mine + banks_per_channel) < (
            other if other >= 0 else other + banks_per_channel
        )
    if sooner:
        channel.next_cycle = cycle
        channel.next_bank = bank_index


@kernel(inlined=True)
def tick(state: DramState, channel_index: int, cycle: int) -> None:
    """Simulate one channel at ``cycle``: refresh due, one command, one move; then find the next command."""
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    if cycle >= channel.refresh_cycle:
        channel.refresh_cycle += hardware.refresh_interval
        channel.refreshes_due += hardware.refresh_ranks
        find_next(state, channel_index, cycle)
    issued = channel.next_cycle <= cycle
    if issued:
        issue_next(state, channel_index, cycle)
    moved_to = -1
    if channel.may_move:
        moved_to = move_one(state, channel_index)
    if issued:
        find_next(state, channel_index, cycle + 1)
    elif moved_to >= 0:
        consider(state, channel_index, moved_to, cycle + 1)


@kernel(inlined=True)
def accept(state: DramState, request_id: int, cycle: int) -> None:
    """Take a request at the end of ``cycle``: merge it, answer it from a pending write, or let it wait."""
    request = state.requests[request_id]
    channel = state.channels[request.channel]
    side = 1 if request.is_write and not state.hardware[0].unified else 0
    request.accept = cycle
    if channel.writes_pending > 0 and pending(state, request.channel, request_id, 1) >= 0:
        if request.is_write:
            channel.merged += 1
        else:
            channel.forwarded += 1
            request.done = cycle + 2
        return
    if not request.is_write:
        leader = pending(state, request.channel, request_id, 0)
        if leader >= 0:
            request.follower = state.requests[leader].follower
            state.requests[leader].follower = request_id
            channel.merged += 1
            return
    if side == 1:
        state.waiting[request.channel, 1, channel.writes_waiting] = request_id
        channel.writes_waiting += 1
    else:
        state.waiting[request.channel, 0, channel.reads_waiting] = request_id
        channel.reads_waiting += 1
    state.pending[request.channel, address_bucket(request.address)] += 1
    channel.writes_pending += request.is_write
    channel.may_move = 1


@kernel(inlined=True)
def offer(state: DramState, cycle: int) -> int:
    """Offer requests in order at the end of ``cycle``; return the next cycle to offer at (NEVER: wait for room)."""
    hardware = state.hardware[0]
    front = state.front[0]
    offered = 0
    while front.next_request < front.requests:
        request = state.requests[front.next_request]
        if request.arrival > cycle:
            return int(request.arrival)
        if offered == hardware.inject_width:
            return cycle + 1
        channel = state.channels[request.channel]
        writes_apart = request.is_write and not hardware.unified
        waiting = channel.writes_waiting if writes_apart else channel.reads_waiting
        if waiting >= hardware.waiting_depth:
            return NEVER
        accept(state, front.next_request, cycle)
        front.next_request += 1
        offered += 1
    return NEVER


@kernel(inlined=True)
def is_finished(state: DramState) -> bool:
    """Tell whether every request has been accepted and every queue is as empty as the policy ever makes it."""
    hardware = state.hardware[0]
    front = state.front[0]
    if not front.closed or front.next_request < front.requests:
        return False
    for channel_index in range(hardware.channels):
        channel = state.channels[channel_index]
        if channel.queued > 0 or channel.reads_waiting > 0 or channel.draining > 0:
            return False
        if channel.writes_waiting > (0 if hardware.drains_writes else hardware.write_level):
            return False
    return True


@kernel(inlined=True)
def next_work(state: DramState, cycle: int) -> int:
    """Return the next cycle at which any channel has work; a refresh yet to fall due is none."""
    earliest = NEVER
    for channel_index in range(state.hardware[0].channels):
        channel = state.channels[channel_index]
        if channel.may_move:
            return cycle + 1
        earliest = min(earliest, channel.next_cycle)
    return earliest


@kernel(inlined=True)
def run_cycle(state: DramState, cycle: int) -> None:
    """Simulate the channels that have something to do at ``cycle``, then offer requests."""
    front = state.front[0]
    for channel_index in range(state.hardware[0].channels):
        channel = state.channels[channel_index]
        if channel.may_move or channel.next_cycle <= cycle or channel.refresh_cycle <= cycle:
            tick(state, channel_index, cycle)
    had_requests = front.next_request < front.requests
    front.offer_cycle = offer(state, cycle)
    if had_requests and front.next_request == front.requests:
        for channel_index in range(state.hardware[0].channels):
            state.channels[channel_index].may_move = 1
    front.cycle = cycle


@kernel(inlined=True)
def advance(state: DramState, until_cycle: int) -> int:
    """Run to the end of ``until_cycle``, or until every request is served; return why it stopped.

    Calling it again goes on where it stopped, so requests may be added in between (``front.closed`` = 0 until the
    last one): FR-FCFS answers depend on later requests, so the caller must not look past its own next event.
    """
    front = state.front[0]
    while not is_finished(state):
        if state.log.size > 0 and front.logged + 2 * state.hardware[0].channels > state.log.size:
            return LOG_FULL
        work_cycle = min(next_work(state, front.cycle), front.offer_cycle)
        if work_cycle == NEVER and front.closed:
            return DEADLOCK
        cycle = work_cycle
        for channel_index in range(state.hardware[0].channels):
            cycle = min(cycle, state.channels[channel_index].refresh_cycle)
        if cycle > until_cycle or work_cycle == NEVER == until_cycle:
            return PAUSED
        run_cycle(state, cycle)
    return FINISHED
