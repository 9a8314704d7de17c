"""The controller, and the in-order front end of a trace, run from event to event. Knows no files, no command timing.

In each cycle, in this order: a refresh falls due; one command issues; one transaction moves into a bank queue; the
front end offers requests. Between two cycles in which one of these can happen nothing changes, so time jumps.
"""

from simulator._jit import kernel
from simulator.memory.dram_issue_kernel import (
    REFRESH_TURN,
    blocked_rank,
    classify_last,
    find_next,
    issue_next,
)
from simulator.memory.dram_queue_kernel import (
    address_bucket,
    append,
    enter_busy,
    has_reads,
    is_idle,
    note_room,
    oldest_movable,
    pending,
    take_first,
)
from simulator.memory.dram_state import NEVER, QUEUED, READS, WRITES, DramState, Record, Records, unsigned
from simulator.memory.dram_wants_kernel import bank_cycle, count_from_near

FINISHED, PAUSED, LOG_FULL, DEADLOCK = range(4)
"""Why :func:`advance` returned."""


@kernel(inlined=True)
def wants_drain(channel: Record) -> bool:
    """Tell whether the write buffer must be drained: it is full, or the bank queues are empty and it holds enough.

    With ``drains_writes`` the last writes of a finished trace leave too, as soon as nothing else waits.
    """
    if channel.writes_waiting >= channel.waiting_depth:
        return True
    if channel.queued > 0:
        return False
    if channel.writes_waiting > channel.write_level:
        return True
    return bool(channel.drains_writes and channel.at_end and channel.writes_waiting > 0 and channel.reads_waiting == 0)


@kernel(inlined=True)
def can_move(channel: Record) -> bool:
    """Tell whether a move is worth trying: something has room, or draining begins."""
    if channel.draining > 0:
        return bool(channel.movable[WRITES] > 0)
    return bool(channel.movable[READS] > 0 or (not channel.unified and wants_drain(channel)))


@kernel(inlined=True)
def move_into_queue(channel: Record, requests: Records, side: int, bank_index: int) -> None:
    """Move a bank's oldest waiting transaction of a side into the bank's queue."""
    bank = channel.banks[unsigned(bank_index)]
    request_id = take_first(bank, requests, side)
    if side == WRITES:
        channel.writes_waiting -= 1
    else:
        channel.reads_waiting -= 1
    append(bank, requests, QUEUED, request_id)
    channel.ranks[unsigned(bank.rank)].count += 1
    requests[unsigned(request_id)].order = channel.moves
    channel.moves += 1
    channel.queued += 1
    note_room(channel, bank_index)
    classify_last(channel, requests, bank_index, request_id)


@kernel(inlined=True)
def move_one(channel: Record, requests: Records) -> int:
    """Move one transaction into a bank queue, from the write buffer while it drains; return the bank, -1 if none moved.

    A write behind a pending read of its address stops the drain. If the drain would restart at once and no command is
    queued, the policy as published waits for ever; reads then go first.
    """
    if channel.draining == 0 and not channel.unified and wants_drain(channel):
        channel.draining = channel.writes_waiting
    side = WRITES if channel.draining > 0 else READS
    bank_index = oldest_movable(channel, requests, side)
    blocked = restarts = False
    if side == WRITES and bank_index >= 0:
        first = requests[channel.banks[unsigned(bank_index)].heads[WRITES]]
        blocked = has_reads(channel) and pending(channel, requests, first, 0) >= 0
    if blocked:
        channel.draining = 0
        restarts = wants_drain(channel)
        side = READS
        bank_index = oldest_movable(channel, requests, READS) if restarts and channel.queued == 0 else -1
    if bank_index >= 0:
        move_into_queue(channel, requests, side, bank_index)
        channel.draining -= side
    more = not restarts if blocked and bank_index < 0 else bank_index >= 0 and (blocked or can_move(channel))
    channel.may_move = 1 if more else 0
    return bank_index


@kernel(inlined=True)
def consider(channel: Record, requests: Records, bank_index: int, at_cycle: int) -> None:
    """Put a bank whose queue has grown before the channel's next command, if its own comes first."""
    if bank_index == channel.next_bank or channel.rank_queues:
        find_next(channel, requests, at_cycle)
        return
    bank = channel.banks[unsigned(bank_index)]
    if bank.rank == blocked_rank(channel):
        return
    cycle = max(bank_cycle(channel, bank_index), at_cycle)
    sooner = cycle < channel.next_cycle
    if cycle == channel.next_cycle and channel.next_bank != REFRESH_TURN:
        start = channel.turn + 1
        mine = bank_index - start
        other = channel.next_bank - start
        sooner = (mine if mine >= 0 else mine + channel.banks_per_channel) < (
            other if other >= 0 else other + channel.banks_per_channel
        )
    if sooner:
        channel.next_cycle = cycle
        channel.next_bank = bank_index


@kernel(inlined=True)
def tick(channel: Record, requests: Records, cycle: int) -> None:
    """Simulate one channel at ``cycle``: refresh due, one command, one move; then find the next command."""
    count_from_near(channel, cycle)
    if cycle >= channel.refresh_cycle:
        channel.refresh_cycle += channel.refresh_interval
        channel.refreshes_due += channel.refresh_ranks
        find_next(channel, requests, cycle)
    must_find = channel.next_cycle <= cycle
    if must_find:
        served = channel.reads + channel.writes
        must_find = issue_next(channel, requests, cycle)
        if channel.reads + channel.writes != served:
            channel.may_move = 1
    moved_to = -1
    if channel.may_move:
        moved_to = move_one(channel, requests)
    if must_find:
        find_next(channel, requests, cycle + 1)
    elif moved_to >= 0:
        consider(channel, requests, moved_to, cycle + 1)


@kernel(inlined=True)
def accept(channel: Record, requests: Records, request_id: int, cycle: int) -> None:
    """Take a request at the end of ``cycle``: merge it, answer it from a pending write, or let it wait."""
    request = requests[unsigned(request_id)]
    side = WRITES if request.is_write and not channel.unified else READS
    request.accept = cycle
    if channel.writes_pending > 0 and pending(channel, requests, request, 1) >= 0:
        if request.is_write:
            channel.merged += 1
        else:
            channel.forwarded += 1
            request.done = cycle + 2
        return
    if not request.is_write:
        leader = pending(channel, requests, request, 0)
        if leader >= 0:
            request.follower = requests[unsigned(leader)].follower
            requests[unsigned(leader)].follower = request_id
            channel.merged += 1
            return
    if side == WRITES:
        channel.writes_waiting += 1
    else:
        channel.reads_waiting += 1
    request.sequence = channel.accepts
    channel.accepts += 1
    bank = channel.banks[request.bank]
    if is_idle(bank):
        enter_busy(channel, request.bank)
    append(bank, requests, side, request_id)
    note_room(channel, request.bank)
    channel.pending[unsigned(address_bucket(request.address))] += 1
    channel.writes_pending += request.is_write
    if can_move(channel):
        channel.may_move = 1


@kernel(inlined=True)
def offer(state: DramState, cycle: int) -> int:
    """Offer requests in order at the end of ``cycle``; return the next cycle to offer at (NEVER: wait for room)."""
    front = state.front[0]
    offered = 0
    while front.next_request < front.requests:
        request = state.requests[unsigned(front.next_request)]
        if request.arrival > cycle:
            return int(request.arrival)
        channel = state.channels[unsigned(request.channel)]
        if offered == channel.inject_width:
            return cycle + 1
        writes_apart = request.is_write and not channel.unified
        waiting = channel.writes_waiting if writes_apart else channel.reads_waiting
        if waiting >= channel.waiting_depth:
            return NEVER
        accept(channel, state.requests, front.next_request, cycle)
        state.work[unsigned(request.channel)] = work_cycle(channel, cycle)
        front.next_request += 1
        offered += 1
    return NEVER


@kernel(inlined=True)
def is_finished(state: DramState) -> bool:
    """Tell whether every request has been accepted and every queue is as empty as the policy ever makes it."""
    front = state.front[0]
    if not front.closed or front.next_request < front.requests:
        return False
    for index in range(state.channels.shape[0]):
        channel = state.channels[index]
        if channel.queued > 0 or channel.reads_waiting > 0 or channel.draining > 0:
            return False
        if channel.writes_waiting > (0 if channel.drains_writes else channel.write_level):
            return False
    return True


@kernel(inlined=True)
def work_cycle(channel: Record, cycle: int) -> int:
    """Return the next cycle after ``cycle`` at which a channel has work; a refresh yet to fall due is none.

    They stand side by side (``state.work``), for in most cycles few of the channels have any.
    """
    return int(cycle + 1 if channel.may_move else channel.next_cycle)


@kernel(borrows=True)
def look_at_channels(state: DramState, cycle: int) -> None:
    """Note when each channel has work, and when the first refresh falls due."""
    refresh_cycle = NEVER
    for index in range(state.channels.shape[0]):
        channel = state.channels[index]
        state.work[index] = work_cycle(channel, cycle)
        refresh_cycle = min(refresh_cycle, channel.refresh_cycle)
    state.front[0].refresh_cycle = refresh_cycle


@kernel(borrows=True)
def keep_log(state: DramState, index: int) -> None:
    """Move a channel's commands of this cycle into the log, banks and ranks counted over the system."""
    channel = state.channels[index]
    for number in range(channel.commands):
        command, entry = channel.issued[number], state.log[state.front[0].logged]
        state.front[0].logged += 1
        entry.cycle = command.cycle
        entry.kind = command.kind
        entry.channel = index
        entry.rank = command.rank + index * channel.rank_count
        entry.bank = command.bank + index * channel.banks_per_channel if command.bank >= 0 else -1
        entry.row = command.row
        entry.column = command.column
    channel.commands = 0


@kernel(inlined=True)
def end_offers(state: DramState, cycle: int) -> None:
    """Tell the channels when the last request was offered: their last writes may leave."""
    front = state.front[0]
    if front.closed and front.next_request == front.requests and not state.channels[0].at_end:
        for index in range(state.channels.shape[0]):
            state.channels[index].at_end = 1
            state.channels[index].may_move = 1
            state.work[index] = cycle + 1


@kernel(inlined=True)
def next_at_work(state: DramState, index: int, cycle: int, refreshes: bool) -> int:
    """Return the first channel from ``index`` on with something to do at ``cycle``, their number if there is none.

    A loop of its own: around the whole controller, it would move a dozen addresses on for each channel passed over.
    """
    while index < state.work.shape[0] and state.work[unsigned(index)] > cycle and not refreshes:
        index += 1
    return index


@kernel(inlined=True)
def run_cycle(state: DramState, cycle: int) -> None:
    """Simulate the channels that have something to do at ``cycle``, then offer requests."""
    front = state.front[0]
    refreshes = front.refresh_cycle <= cycle
    index = next_at_work(state, 0, cycle, refreshes)
    while index < state.work.shape[0]:
        channel = state.channels[unsigned(index)]
        if channel.may_move or channel.next_cycle <= cycle or channel.refresh_cycle <= cycle:
            tick(channel, state.requests, cycle)
            state.work[unsigned(index)] = work_cycle(channel, cycle)
            if channel.logging:
                keep_log(state, index)
        index = next_at_work(state, index + 1, cycle, refreshes)
    if refreshes:
        look_at_channels(state, cycle)
    front.offer_cycle = offer(state, cycle)
    end_offers(state, cycle)
    front.cycle = cycle


@kernel(inlined=True)
def first_work(state: DramState) -> int:
    """Return the next cycle at which any channel has work."""
    earliest = NEVER
    for index in range(state.work.shape[0]):
        earliest = min(earliest, state.work[index])
    return int(earliest)


@kernel(borrows=True)
def advance(state: DramState, until_cycle: int) -> int:
    """Run to the end of ``until_cycle``, or until every request is served; return why it stopped.

    Calling it again goes on where it stopped, so requests may be added in between (``front.closed`` = 0 until the
    last one): FR-FCFS answers depend on later requests, so the caller must not look past its own next event.
    """
    front = state.front[0]
    look_at_channels(state, front.cycle)
    end_offers(state, front.cycle)
    while not is_finished(state):
        if state.log.size > 0 and front.logged + 2 * state.channels.shape[0] > state.log.size:
            return LOG_FULL
        at_work = min(first_work(state), front.offer_cycle)
        if at_work == NEVER and front.closed:
            return DEADLOCK
        cycle = min(at_work, front.refresh_cycle)
        if cycle > until_cycle or at_work == NEVER == until_cycle:
            return PAUSED
        run_cycle(state, cycle)
    return FINISHED
