"""Which command a channel issues next, and issuing it: FR-FCFS over per-bank queues. Knows no front end.

The policy is DRAMsim3's (Li et al., "DRAMsim3: a Cycle-accurate, Thermal-capable DRAM Simulator", IEEE CAL 2020),
written from its description: a due refresh comes first, then the bank queues in turn; within a queue row hits may pass
older entries, and only the oldest entry may ask for a precharge. A channel's next command (cycle and bank) stays right
until a command issues, a transaction moves into a bank queue, or a refresh falls due.
"""

from simulator._jit import kernel
from simulator.memory.dram_queue_kernel import address_bucket, has_reads, is_idle, leave_busy, note_room, take_out
from simulator.memory.dram_state import NEVER, QUEUED, WANTS_NEVER, Record, Records, unsigned
from simulator.memory.dram_timing_kernel import (
    ACTIVATE,
    PRECHARGE,
    READ,
    READ_AUTO,
    REFRESH,
    apply_activate,
    apply_auto_precharge,
    apply_column,
    apply_precharge,
    apply_refresh,
    charge_lost_cycles,
    refresh_step,
)
from simulator.memory.dram_wants_kernel import (
    bank_cycle,
    first_in_turn,
    want_activate,
    want_nothing,
    want_precharge,
    want_read,
    want_write,
)

REFRESH_TURN = -1


@kernel(inlined=True)
def same_burst_read_before(bank: Record, requests: Records, request_id: int) -> bool:
    """Tell whether an older read of the same burst is queued: a write must not pass it."""
    mine = requests[unsigned(request_id)]
    at = bank.heads[QUEUED]
    while at != request_id:
        other = requests[unsigned(at)]
        if other.is_write == 0 and other.row == mine.row and other.column == mine.column:
            return True
        at = other.next
    return False


@kernel(borrows=True)
def classify(channel: Record, requests: Records, bank_index: int) -> None:
    """Find what the queue of a bank asks for: its first read hit, its first write hit, whether it may precharge.

    A precharge is asked for only by the oldest entry, and only if no queued entry hits the open row or the row has
    served its share of hits.
    """
    bank = channel.banks[unsigned(bank_index)]
    bank.read_hit = -1
    bank.write_hit = -1
    want_nothing(channel, bank_index)
    if bank.counts[QUEUED] > 0:
        if bank.open_row < 0:
            want_activate(channel, bank, bank_index)
        else:
            find_hits(channel, requests, bank_index)
            ask_for_precharge(channel, requests, bank_index)


@kernel(inlined=True)
def find_hits(channel: Record, requests: Records, bank_index: int) -> None:
    """Find the first read and the first write queued that hit the open row."""
    bank = channel.banks[unsigned(bank_index)]
    one_kind = channel.writes_pending == 0 or not has_reads(channel)
    at = bank.heads[QUEUED]
    while at >= 0:
        request = requests[unsigned(at)]
        if request.row == bank.open_row:
            if request.is_write == 0:
                if bank.read_hit < 0:
                    bank.read_hit = at
                    want_read(channel, bank, bank_index)
            elif bank.write_hit < 0 and (one_kind or not same_burst_read_before(bank, requests, at)):
                bank.write_hit = at
                want_write(channel, bank, bank_index)
            if one_kind:
                return
        at = request.next


@kernel(inlined=True)
def ask_for_precharge(channel: Record, requests: Records, bank_index: int) -> None:
    """Let the oldest entry ask for a precharge, if it may."""
    bank = channel.banks[unsigned(bank_index)]
    # A write that must not pass a read of its burst is a hit too; the read is one as well, so a hit is known.
    any_hit = bank.read_hit >= 0 or bank.write_hit >= 0
    oldest = requests[unsigned(bank.heads[QUEUED])]
    if oldest.row != bank.open_row and (not any_hit or bank.hits >= channel.hit_limit):
        want_precharge(channel, bank, bank_index)
    else:
        channel.want_precharge[unsigned(bank_index)] = WANTS_NEVER


@kernel(inlined=True)
def classify_last(channel: Record, requests: Records, bank_index: int, request_id: int) -> None:
    """Do what :func:`classify` would, when ``request_id`` has just joined a queue classified before."""
    bank = channel.banks[unsigned(bank_index)]
    request = requests[unsigned(request_id)]
    if bank.open_row < 0 or bank.counts[QUEUED] == 1:
        if bank.counts[QUEUED] == 1:
            classify(channel, requests, bank_index)
        return
    if request.row != bank.open_row:
        return
    if request.is_write == 0:
        if bank.read_hit < 0:
            bank.read_hit = request_id
            want_read(channel, bank, bank_index)
    elif bank.write_hit < 0 and not same_burst_read_before(bank, requests, request_id):
        bank.write_hit = request_id
        want_write(channel, bank, bank_index)
    ask_for_precharge(channel, requests, bank_index)


@kernel(inlined=True)
def blocked_rank(channel: Record) -> int:
    """Return the rank whose refresh is due (its queues wait), -1 if none."""
    return int(channel.refresh_rank) if channel.refreshes_due > 0 else -1


@kernel(inlined=True)
def queue_in_channel(channel: Record, bank_index: int) -> int:
    """Return which command queue of its channel a bank uses: its own, or its rank's."""
    return int(channel.banks[unsigned(bank_index)].rank if channel.rank_queues else bank_index)


@kernel(inlined=True)
def hit_at(channel: Record, requests: Records, bank_index: int, cycle: int) -> int:
    """Return the oldest queued request whose column command may issue at ``cycle``."""
    bank = channel.banks[unsigned(bank_index)]
    now = cycle - channel.wants_begin
    writes = channel.want_write[unsigned(bank_index)] <= now
    hit = -1
    if channel.want_read[unsigned(bank_index)] <= now:
        hit = bank.read_hit
    if writes and (hit < 0 or requests[unsigned(bank.write_hit)].order < requests[unsigned(hit)].order):
        hit = bank.write_hit
    return int(hit)


@kernel(inlined=True)
def oldest_ready(channel: Record, requests: Records, bank_index: int, cycle: int) -> int:
    """Return the order of the entry for which a bank would issue a command at ``cycle``, when it may."""
    bank = channel.banks[unsigned(bank_index)]
    request_id = bank.heads[QUEUED]
    if bank.open_row >= 0 and channel.want_precharge[unsigned(bank_index)] > cycle - channel.wants_begin:
        request_id = hit_at(channel, requests, bank_index, cycle)
    return int(requests[unsigned(request_id)].order)


@kernel(inlined=True)
def goes_before(channel: Record, requests: Records, bank_index: int, other_bank: int, cycle: int) -> bool:
    """Tell whether, of two banks ready at ``cycle`` in queues of their ranks, ``bank_index`` is served first."""
    start = channel.turn + 1
    mine = (channel.banks[unsigned(bank_index)].rank - start) % channel.rank_count
    theirs = (channel.banks[unsigned(other_bank)].rank - start) % channel.rank_count
    if mine != theirs:
        return bool(mine < theirs)
    return oldest_ready(channel, requests, bank_index, cycle) < oldest_ready(channel, requests, other_bank, cycle)


@kernel(inlined=True)
def set_next(channel: Record, cycle: int, bank_index: int) -> None:
    """Set the channel's next command."""
    channel.next_cycle = cycle
    channel.next_bank = bank_index


@kernel(borrows=True)
def scan_ranks(channel: Record, requests: Records, at_cycle: int, rank_blocked: int, best_cycle: int) -> None:
    """Do what :func:`scan_banks` does where the banks of a rank share a queue: its first ready entry goes."""
    best_bank = -1
    for place in range(channel.busy_banks):
        bank_index = channel.busy[unsigned(place)]
        bank = channel.banks[unsigned(bank_index)]
        if bank.counts[QUEUED] == 0 or bank.rank == rank_blocked:
            continue
        cycle = max(bank_cycle(channel, bank_index), at_cycle)
        sooner = cycle < best_cycle
        if cycle == best_cycle and best_bank >= 0 and cycle != NEVER:
            sooner = goes_before(channel, requests, bank_index, best_bank, cycle)
        if sooner:
            best_cycle = cycle
            best_bank = bank_index
    set_next(channel, best_cycle, best_bank)


@kernel(borrows=True)
def scan_few(channel: Record, at_cycle: int, rank_blocked: int, best_cycle: int) -> None:
    """Do what :func:`scan_banks` does where few of the banks have requests: look at each of those."""
    best_bank = -1
    busy_banks = channel.busy_banks
    place = 0
    while place < busy_banks and channel.busy[unsigned(place)] <= channel.turn:
        place += 1
    for _ in range(busy_banks):
        if place >= busy_banks:
            place = 0
        bank_index = channel.busy[unsigned(place)]
        place += 1
        bank = channel.banks[unsigned(bank_index)]
        if bank.rank != rank_blocked:
            cycle = max(bank_cycle(channel, bank_index), at_cycle)
            if cycle < best_cycle:
                best_cycle, best_bank = cycle, bank_index
    set_next(channel, best_cycle, best_bank)


@kernel(borrows=True)
def scan_banks(channel: Record, requests: Records, at_cycle: int, rank_blocked: int, best_cycle: int) -> None:
    """Let the first bank command before ``best_cycle`` be the channel's next, banks in turn; (best_cycle, -1) if none.

    Told to the channel and not returned: a pair that is returned through memory is waited for when it is read again.
    """
    if channel.rank_queues:
        scan_ranks(channel, requests, at_cycle, rank_blocked, best_cycle)
    elif 8 * channel.busy_banks < channel.banks_per_channel:
        scan_few(channel, at_cycle, rank_blocked, best_cycle)
    else:
        cycle, bank_index = first_in_turn(channel, at_cycle, rank_blocked)
        if cycle >= best_cycle:
            cycle, bank_index = best_cycle, -1
        set_next(channel, cycle, bank_index)


@kernel(borrows=True)
def find_next(channel: Record, requests: Records, at_cycle: int) -> None:
    """Set the channel's next command at or after ``at_cycle``; a refresh that is due wins ties."""
    rank_blocked = blocked_rank(channel)
    refresh_cycle = NEVER
    if rank_blocked >= 0:
        refresh_cycle, _ = refresh_step(channel, rank_blocked, at_cycle)
    scan_banks(channel, requests, at_cycle, rank_blocked, refresh_cycle)


@kernel(borrows=True)
def log_command(channel: Record, cycle: int, kind: int, rank_index: int, bank_index: int) -> None:
    """Note a command for whoever keeps the log, its row and column left open."""
    entry = channel.issued[channel.commands]
    channel.commands += 1
    entry.cycle = cycle
    entry.kind = kind
    entry.rank = rank_index
    entry.bank = bank_index
    entry.row = -1
    entry.column = -1


@kernel(inlined=True)
def log_place(channel: Record, request: Record) -> None:
    """Say which row and column the command noted last is for."""
    entry = channel.issued[channel.commands - 1]
    entry.row = request.row
    entry.column = request.column


@kernel(borrows=True)
def issue_column(channel: Record, requests: Records, bank_index: int, request_id: int, cycle: int) -> None:
    """Issue the column command of a queued entry and complete its requests."""
    bank = channel.banks[unsigned(bank_index)]
    request = requests[unsigned(request_id)]
    is_write = request.is_write == 1
    channel.row_hits += bank.hits > 0
    charge_lost_cycles(channel, bank_index, request, cycle)
    apply_column(channel, bank_index, is_write, cycle)
    if channel.close_page:
        apply_auto_precharge(channel, bank_index, is_write, cycle)
    if channel.logging:
        kind = (READ_AUTO if channel.close_page else READ) + (1 if is_write else 0)
        log_command(channel, cycle, kind, bank.rank, bank_index)
        log_place(channel, request)
    channel.column_request = request_id
    channel.pending[unsigned(address_bucket(request.address))] -= 1
    take_out(bank, requests, request_id)
    if is_write:
        channel.writes += 1
        channel.writes_pending -= 1
    else:
        channel.reads += 1
        while request_id >= 0:
            served = requests[unsigned(request_id)]
            served.done = cycle + channel.read_delay
            request_id = served.follower
    channel.queued -= 1
    channel.ranks[unsigned(bank.rank)].count -= 1
    note_room(channel, bank_index)
    if is_idle(bank):
        leave_busy(channel, bank_index)


@kernel(inlined=True)
def issue_for_bank(channel: Record, requests: Records, bank_index: int, cycle: int, columns_only: int) -> bool:
    """Issue what a bank's queue asks for at ``cycle``; tell whether it was a column command.

    ``columns_only``: -1 anything; 1 only a column command; 0 only a row command (nothing issues otherwise).
    """
    bank = channel.banks[unsigned(bank_index)]
    is_column = False
    if bank.open_row < 0:
        if columns_only == 1:
            return False
        oldest = requests[unsigned(bank.heads[QUEUED])]
        apply_activate(channel, bank_index, oldest, cycle)
        channel.activates += 1
        if channel.logging:
            log_command(channel, cycle, ACTIVATE, bank.rank, bank_index)
            log_place(channel, oldest)
    elif channel.want_precharge[unsigned(bank_index)] <= cycle - channel.wants_begin:
        if columns_only == 1:
            return False
        precharge(channel, bank_index, cycle)
    else:
        is_column = True
        if columns_only == 0:
            return True
        issue_column(channel, requests, bank_index, hit_at(channel, requests, bank_index, cycle), cycle)
    classify(channel, requests, bank_index)
    return is_column


@kernel(borrows=True)
def precharge(channel: Record, bank_index: int, cycle: int) -> None:
    """Issue a precharge."""
    apply_precharge(channel, bank_index, cycle)
    channel.precharges += 1
    if channel.logging:
        log_command(channel, cycle, PRECHARGE, channel.banks[unsigned(bank_index)].rank, bank_index)


@kernel(borrows=True)
def issue_refresh_step(channel: Record, requests: Records, cycle: int) -> None:
    """Issue the next command of the refresh that is due: a precharge, or the refresh itself."""
    rank_index = blocked_rank(channel)
    _, bank_index = refresh_step(channel, rank_index, cycle)
    if bank_index >= 0:
        precharge(channel, bank_index, cycle)
        classify(channel, requests, bank_index)
        return
    apply_refresh(channel, rank_index, cycle)
    if channel.logging:
        log_command(channel, cycle, REFRESH, rank_index, -1)
    channel.refreshes += 1
    channel.refreshes_due -= 1
    channel.refresh_rank += 1
    if channel.refresh_rank == channel.rank_count:
        channel.refresh_rank = 0


@kernel(inlined=True)
def issue_next(channel: Record, requests: Records, cycle: int) -> bool:
    """Issue the channel's next command and, on a dual-command bus, a second one of the other kind.

    The second pick takes the turn even when it may not issue because both are row (or both column) commands. Return
    whether the command after that must be looked for: the search for the second has found it where none was ready.
    """
    rank_blocked = blocked_rank(channel)
    bank_index = channel.next_bank
    columns_only = -1
    if bank_index == REFRESH_TURN:
        issue_refresh_step(channel, requests, cycle)
        rank_blocked = rank_blocked if blocked_rank(channel) == rank_blocked else -1
        columns_only = 1
    while True:
        if bank_index != REFRESH_TURN:
            channel.turn = queue_in_channel(channel, bank_index)
            is_column = issue_for_bank(channel, requests, bank_index, cycle, columns_only)
            if columns_only >= 0:
                channel.dual_issues += is_column == (columns_only == 1)
                return True
            columns_only = 0 if is_column else 1
        if not channel.dual_command:
            return True
        scan_banks(channel, requests, cycle, rank_blocked, NEVER)
        bank_index = channel.next_bank
        if channel.next_cycle > cycle:
            return channel.refreshes_due > 0
