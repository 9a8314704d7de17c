"""Who waits where in a channel: the lists of its banks, which banks have anything, who may move. Knows no timing."""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, PENDING_BUCKETS, QUEUED, READS, WRITES, Record, Records, unsigned


@kernel(inlined=True)
def address_bucket(address: int) -> int:
    """Return which bucket of pending addresses ``address`` belongs to."""
    return int(((address >> 5) ^ (address >> 14) ^ (address >> 23)) & (PENDING_BUCKETS - 1))


@kernel(inlined=True)
def append(bank: Record, requests: Records, place: int, request_id: int) -> None:
    """Put a request behind the others of one of a bank's lists."""
    requests[unsigned(request_id)].next = -1
    if bank.counts[place] == 0:
        bank.heads[place] = request_id
    else:
        requests[unsigned(bank.tails[place])].next = request_id
    bank.tails[place] = request_id
    bank.counts[place] += 1


@kernel(inlined=True)
def take_first(bank: Record, requests: Records, place: int) -> int:
    """Take the oldest request out of one of a bank's lists; return it."""
    request_id = bank.heads[place]
    bank.heads[place] = requests[unsigned(request_id)].next
    bank.counts[place] -= 1
    return int(request_id)


@kernel(inlined=True)
def take_out(bank: Record, requests: Records, request_id: int) -> None:
    """Take a request out of the middle of a bank's queue; the others keep their order."""
    before = -1
    at = bank.heads[QUEUED]
    while at != request_id:
        before = at
        at = requests[unsigned(at)].next
    if before < 0:
        bank.heads[QUEUED] = requests[unsigned(request_id)].next
    else:
        requests[unsigned(before)].next = requests[unsigned(request_id)].next
    if bank.tails[QUEUED] == request_id:
        bank.tails[QUEUED] = before
    bank.counts[QUEUED] -= 1


@kernel(inlined=True)
def find_address(requests: Records, first: int, address: int, is_write: int) -> int:
    """Return the read (or write) of ``address`` in the list that begins with ``first``, -1 if none."""
    at = first
    while at >= 0 and (requests[unsigned(at)].address != address or requests[unsigned(at)].is_write != is_write):
        at = requests[unsigned(at)].next
    return at


@kernel(inlined=True)
def has_reads(channel: Record) -> bool:
    """Tell whether any read waits or is queued."""
    return bool(channel.reads_waiting + channel.writes_waiting + channel.queued > channel.writes_pending)


@kernel(borrows=True)
def pending(channel: Record, requests: Records, request: Record, is_write: int) -> int:
    """Return the waiting or queued read (or write) of the same address as ``request``, -1 if none."""
    address = request.address
    if channel.pending[unsigned(address_bucket(address))] == 0:
        return -1
    bank = channel.banks[request.bank]
    side = WRITES if is_write and not channel.unified else READS
    found = find_address(requests, bank.heads[side] if bank.counts[side] > 0 else -1, address, is_write)
    if found < 0 and bank.counts[QUEUED] > 0:
        found = find_address(requests, bank.heads[QUEUED], address, is_write)
    return int(found)


@kernel(inlined=True)
def has_room(channel: Record, bank: Record) -> bool:
    """Tell whether the command queue of a bank takes one more transaction."""
    held = channel.ranks[unsigned(bank.rank)].count if channel.rank_queues else bank.counts[QUEUED]
    return bool(held < channel.queue_depth)


@kernel(inlined=True)
def note_room(channel: Record, bank_index: int) -> None:
    """Count anew whether a bank has waiting reads, or writes, and room for one (a shared queue: whether any wait)."""
    bank = channel.banks[unsigned(bank_index)]
    room = channel.rank_queues or bank.counts[QUEUED] < channel.queue_depth
    for side in range(2):
        movable = 1 if room and bank.counts[side] > 0 else 0
        if movable != bank.movable[side]:
            channel.movable[side] += movable - bank.movable[side]
            bank.movable[side] = movable
            if movable:
                channel.mover[side] = bank_index


@kernel(borrows=True)
def enter_busy(channel: Record, bank_index: int) -> None:
    """Put a bank that has got its first request among the busy ones."""
    place = channel.busy_banks
    while place > 0 and channel.busy[place - 1] > bank_index:
        channel.busy[unsigned(place)] = channel.busy[place - 1]
        place -= 1
    channel.busy[unsigned(place)] = bank_index
    channel.busy_banks += 1


@kernel(borrows=True)
def leave_busy(channel: Record, bank_index: int) -> None:
    """Take a bank that has no request any more from the busy ones."""
    last = int(channel.busy_banks) - 1
    channel.busy_banks = last
    place = 0
    while channel.busy[unsigned(place)] != bank_index:
        place += 1
    while place < last:
        channel.busy[unsigned(place)] = channel.busy[place + 1]
        place += 1


@kernel(inlined=True)
def is_idle(bank: Record) -> bool:
    """Tell whether no request waits for a bank or is queued there."""
    return bool(bank.counts[READS] + bank.counts[WRITES] + bank.counts[QUEUED] == 0)


@kernel(inlined=True)
def oldest_movable(channel: Record, requests: Records, side: int) -> int:
    """Return the bank of the oldest waiting transaction of a side whose bank has room, -1 if none."""
    left = channel.movable[side]
    if left == 0:
        return -1
    last = int(channel.mover[side])
    if left == 1 and channel.banks[unsigned(last)].movable[side] and not channel.rank_queues:
        return last
    return search_movable(channel, requests, side)


@kernel(borrows=True)
def search_movable(channel: Record, requests: Records, side: int) -> int:
    """Return what :func:`oldest_movable` does: look at every bank with requests."""
    best, best_sequence = -1, NEVER
    left = channel.movable[side]
    place = 0
    while left > 0:
        bank_index = channel.busy[unsigned(place)]
        bank = channel.banks[unsigned(bank_index)]
        place += 1
        if not bank.movable[side]:
            continue
        left -= 1
        sequence = requests[unsigned(bank.heads[side])].sequence
        if sequence < best_sequence and (not channel.rank_queues or has_room(channel, bank)):
            best, best_sequence = bank_index, sequence
    return int(best)
