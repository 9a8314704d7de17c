"""Which command a channel issues next, and issuing it: FR-FCFS over per-bank queues. Knows no front end.

The policy is DRAMsim3's (Li et al., "DRAMsim3: a Cycle-accurate, Thermal-capable DRAM Simulator", IEEE CAL 2020),
written from its description: a due refresh comes first, then the bank queues in turn; within a queue row hits may pass
older entries, and only the oldest entry may ask for a precharge. A channel's next command (cycle and bank) stays right
until a command issues, a transaction moves into a bank queue, or a refresh falls due.
"""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, PENDING_BUCKETS, DramState, Record
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

REFRESH_TURN = -1


@kernel(inlined=True)
def address_bucket(address: int) -> int:
    """Return which bucket of pending addresses ``address`` belongs to."""
    return int(((address >> 5) ^ (address >> 14) ^ (address >> 23)) & (PENDING_BUCKETS - 1))


@kernel(inlined=True)
def same_burst_read_before(state: DramState, bank_index: int, position: int) -> bool:
    """Tell whether an older read of the same burst is queued: a write must not pass it."""
    queue = state.queues[bank_index]
    mine = state.requests[queue[position]]
    for earlier in range(position):
        other = state.requests[queue[earlier]]
        if other.is_write == 0 and other.row == mine.row and other.column == mine.column:
            return True
    return False


@kernel(inlined=True)
def classify(state: DramState, channel_index: int, bank_index: int) -> None:
    """Find what the queue of a bank asks for: its first read hit, its first write hit, whether it may precharge.

    A precharge is asked for only by the oldest entry, and only if no queued entry hits the open row or the row has
    served its share of hits.
    """
    bank = state.banks[bank_index]
    bank.read_hit = -1
    bank.write_hit = -1
    bank.want_activate = bank.want_precharge = bank.want_read = bank.want_write = NEVER
    if bank.count == 0:
        return
    if bank.open_row < 0:
        bank.want_activate = bank.activate_ready
        return
    queue = state.queues[bank_index]
    any_hit = False
    no_writes = state.channels[channel_index].writes_pending == 0
    for position in range(bank.count):
        request = state.requests[queue[position]]
        if request.row != bank.open_row:
            continue
        any_hit = True
        if request.is_write == 0:
            if bank.read_hit < 0:
                bank.read_hit = position
                bank.want_read = bank.read_ready
            if no_writes:
                break
        elif bank.write_hit < 0 and not same_burst_read_before(state, bank_index, position):
            bank.write_hit = position
            bank.want_write = bank.write_ready
    if state.requests[queue[0]].row != bank.open_row and (not any_hit or bank.hits >= state.hardware[0].hit_limit):
        bank.want_precharge = bank.precharge_ready


@kernel(inlined=True)
def bank_cycle(bank: Record, group: Record) -> int:
    """Return the first cycle at which some command that the queue of ``bank`` asks for may issue."""
    row = min(max(bank.want_activate, group.activate_ready), max(bank.want_precharge, group.precharge_ready))
    column = min(max(bank.want_read, group.read_ready), max(bank.want_write, group.write_ready))
    return int(min(row, column))


@kernel(inlined=True)
def blocked_rank(state: DramState, channel_index: int) -> int:
    """Return the rank whose refresh is due (its queues wait), -1 if none."""
    channel = state.channels[channel_index]
    if channel.refreshes_due == 0:
        return -1
    return int(channel_index * state.hardware[0].ranks + channel.refresh_rank)


@kernel(inlined=True)
def queue_in_channel(state: DramState, channel_index: int, bank_index: int) -> int:
    """Return which command queue of its channel a bank uses: its own, or its rank's."""
    hardware = state.hardware[0]
    if hardware.rank_queues:
        return int(state.banks[bank_index].rank - channel_index * hardware.ranks)
    return int(bank_index - channel_index * hardware.banks_per_channel)


@kernel(inlined=True)
def oldest_ready(state: DramState, bank_index: int, cycle: int) -> int:
    """Return the order of the entry for which a bank would issue a command at ``cycle``, when it may."""
    bank = state.banks[bank_index]
    position = 0
    if bank.open_row >= 0 and max(bank.want_precharge, state.groups[bank.group].precharge_ready) > cycle:
        position = hit_position(state, bank_index, cycle)
    return int(state.requests[state.queues[bank_index, position]].order)


@kernel(inlined=True)
def goes_before(state: DramState, channel_index: int, bank_index: int, other_bank: int, cycle: int) -> bool:
    """Tell whether, of two banks ready at ``cycle`` in queues of their ranks, ``bank_index`` is served first."""
    ranks = state.hardware[0].ranks
    start = state.channels[channel_index].turn + 1
    mine = (queue_in_channel(state, channel_index, bank_index) - start) % ranks
    theirs = (queue_in_channel(state, channel_index, other_bank) - start) % ranks
    if mine != theirs:
        return bool(mine < theirs)
    return oldest_ready(state, bank_index, cycle) < oldest_ready(state, other_bank, cycle)


@kernel(inlined=True)
def scan_ranks(
    state: DramState, channel_index: int, at_cycle: int, rank_blocked: int, best_cycle: int
) -> tuple[int, int]:
    """Return what :func:`scan_banks` returns where the banks of a rank share a queue: its first ready entry goes."""
    hardware = state.hardware[0]
    best_bank = -1
    first = channel_index * hardware.banks_per_channel
    for bank_index in range(first, first + hardware.banks_per_channel):
        bank = state.banks[bank_index]
        if bank.count == 0 or bank.rank == rank_blocked:
            continue
        cycle = max(bank_cycle(bank, state.groups[bank.group]), at_cycle)
        sooner = cycle < best_cycle
        if cycle == best_cycle and best_bank >= 0 and cycle != NEVER:
            sooner = goes_before(state, channel_index, bank_index, best_bank, cycle)
        if sooner:
            best_cycle = cycle
            best_bank = bank_index
    return best_cycle, best_bank


@kernel(inlined=True)
def scan_banks(
    state: DramState, channel_index: int, at_cycle: int, rank_blocked: int, best_cycle: int
) -> tuple[int, int]:
    """Return (cycle, bank) of the first bank command before ``best_cycle``, banks in turn; (best_cycle, -1) if none."""
    if state.hardware[0].rank_queues:
        return scan_ranks(state, channel_index, at_cycle, rank_blocked, best_cycle)
    channel = state.channels[channel_index]
    banks_per_channel = state.hardware[0].banks_per_channel
    best_bank = -1
    index = channel.turn
    for _ in range(banks_per_channel):
        index += 1
        if index >= banks_per_channel:
            index = 0
        bank_index = channel_index * banks_per_channel + index
        bank = state.banks[bank_index]
        if bank.count == 0 or bank.rank == rank_blocked:
            continue
        cycle = max(bank_cycle(bank, state.groups[bank.group]), at_cycle)
        if cycle < best_cycle:
            best_cycle = cycle
            best_bank = bank_index
            if cycle == at_cycle:
                break
    return best_cycle, best_bank


@kernel(inlined=True)
def find_next(state: DramState, channel_index: int, at_cycle: int) -> None:
    """Set the channel's next command at or after ``at_cycle``; a refresh that is due wins ties."""
    channel = state.channels[channel_index]
    rank_blocked = blocked_rank(state, channel_index)
    refresh_cycle = NEVER
    if rank_blocked >= 0:
        refresh_cycle, _ = refresh_step(state, rank_blocked, at_cycle)
    cycle, bank_index = scan_banks(state, channel_index, at_cycle, rank_blocked, refresh_cycle)
    channel.next_cycle = cycle
    channel.next_bank = bank_index


@kernel(inlined=True)
def log_command(state: DramState, cycle: int, kind: int, rank_index: int, bank_index: int, request_id: int) -> None:
    """Append one command to the log, if there is one."""
    if state.log.size == 0:
        return
    entry = state.log[state.front[0].logged]
    state.front[0].logged += 1
    entry.cycle = cycle
    entry.kind = kind
    entry.channel = rank_index // state.hardware[0].ranks
    entry.rank = rank_index
    entry.bank = bank_index
    entry.row = -1
    entry.column = -1
    if request_id >= 0:
        entry.row = state.requests[request_id].row
        entry.column = state.requests[request_id].column


@kernel(inlined=True)
def remove_from_queue(state: DramState, bank_index: int, position: int) -> None:
    """Take an entry out of the middle of a bank queue; the others keep their order."""
    bank = state.banks[bank_index]
    queue = state.queues[bank_index]
    for index in range(position, bank.count - 1):
        queue[index] = queue[index + 1]
    bank.count -= 1


@kernel(inlined=True)
def issue_column(state: DramState, channel_index: int, bank_index: int, position: int, cycle: int) -> None:
    """Issue the column command of a queued entry and complete its requests."""
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    bank = state.banks[bank_index]
    request_id = state.queues[bank_index, position]
    is_write = state.requests[request_id].is_write == 1
    channel.row_hits += bank.hits > 0
    charge_lost_cycles(state, channel_index, bank_index, request_id, cycle)
    apply_column(state, bank_index, is_write, cycle)
    if hardware.close_page:
        apply_auto_precharge(state, bank_index, is_write, cycle)
    kind = (READ_AUTO if hardware.close_page else READ) + (1 if is_write else 0)
    log_command(state, cycle, kind, bank.rank, bank_index, request_id)
    channel.column_request = request_id
    state.pending[channel_index, address_bucket(state.requests[request_id].address)] -= 1
    if is_write:
        channel.writes += 1
        channel.writes_pending -= 1
    else:
        channel.reads += 1
        while request_id >= 0:
            request = state.requests[request_id]
            request.done = cycle + hardware.read_delay
            request_id = request.follower
    remove_from_queue(state, bank_index, position)
    channel.queued -= 1
    state.ranks[bank.rank].count -= 1
    if hardware.rank_queues:  # there is room for all banks of the rank
        channel.reads_checked = channel.writes_checked = 0
    if channel.reads_room >= 0 and channel.reads_room != bank_index:
        channel.reads_checked = 0
    if channel.writes_room >= 0 and channel.writes_room != bank_index:
        channel.writes_checked = 0
    channel.reads_room = channel.writes_room = bank_index
    channel.may_move = 1


@kernel(inlined=True)
def hit_position(state: DramState, bank_index: int, cycle: int) -> int:
    """Return the oldest queue position whose column command may issue at ``cycle``."""
    bank = state.banks[bank_index]
    group = state.groups[bank.group]
    position = -1
    if max(bank.want_read, group.read_ready) <= cycle:
        position = bank.read_hit
    if max(bank.want_write, group.write_ready) <= cycle and (position < 0 or bank.write_hit < position):
        position = bank.write_hit
    return position


@kernel(inlined=True)
def issue_for_bank(state: DramState, channel_index: int, bank_index: int, cycle: int, columns_only: int) -> bool:
    """Issue what a bank's queue asks for at ``cycle``; tell whether it was a column command.

    ``columns_only``: -1 anything; 1 only a column command; 0 only a row command (nothing issues otherwise).
    """
    channel = state.channels[channel_index]
    bank = state.banks[bank_index]
    oldest = state.queues[bank_index, 0]
    is_column = False
    if bank.open_row < 0:
        if columns_only != 1:
            apply_activate(state, bank_index, oldest, cycle)
            channel.activates += 1
            log_command(state, cycle, ACTIVATE, bank.rank, bank_index, oldest)
    elif max(bank.want_precharge, state.groups[bank.group].precharge_ready) <= cycle:
        if columns_only != 1:
            apply_precharge(state, bank_index, cycle)
            channel.precharges += 1
            log_command(state, cycle, PRECHARGE, bank.rank, bank_index, -1)
    else:
        is_column = True
        if columns_only != 0:
            issue_column(state, channel_index, bank_index, hit_position(state, bank_index, cycle), cycle)
    classify(state, channel_index, bank_index)
    return is_column


@kernel(inlined=True)
def issue_refresh_step(state: DramState, channel_index: int, cycle: int) -> None:
    """Issue the next command of the refresh that is due: a precharge, or the refresh itself."""
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    rank_index = blocked_rank(state, channel_index)
    _, bank_index = refresh_step(state, rank_index, cycle)
    if bank_index >= 0:
        apply_precharge(state, bank_index, cycle)
        channel.precharges += 1
        log_command(state, cycle, PRECHARGE, rank_index, bank_index, -1)
        classify(state, channel_index, bank_index)
        return
    apply_refresh(state, rank_index, cycle)
    log_command(state, cycle, REFRESH, rank_index, -1, -1)
    channel.refreshes += 1
    channel.refreshes_due -= 1
    channel.refresh_rank += 1
    if channel.refresh_rank == hardware.ranks:
        channel.refresh_rank = 0


@kernel(inlined=True)
def issue_next(state: DramState, channel_index: int, cycle: int) -> None:
    """Issue the channel's next command and, on a dual-command bus, a second one of the other kind.

    The second pick takes the turn even when it may not issue because both are row (or both column) commands.
    """
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    rank_blocked = blocked_rank(state, channel_index)
    bank_index = channel.next_bank
    columns_only = -1
    if bank_index == REFRESH_TURN:
        issue_refresh_step(state, channel_index, cycle)
        rank_blocked = rank_blocked if still_refreshing(state, channel_index, rank_blocked) else -1
        columns_only = 1
    while True:
        if bank_index != REFRESH_TURN:
            channel.turn = queue_in_channel(state, channel_index, bank_index)
            is_column = issue_for_bank(state, channel_index, bank_index, cycle, columns_only)
            if columns_only >= 0:
                channel.dual_issues += is_column == (columns_only == 1)
                return
            columns_only = 0 if is_column else 1
        if not hardware.dual_command:
            return
        second_cycle, bank_index = scan_banks(state, channel_index, cycle, rank_blocked, cycle + 1)
        if bank_index < 0 or second_cycle != cycle:
            return


@kernel(inlined=True)
def still_refreshing(state: DramState, channel_index: int, rank_index: int) -> bool:
    """Tell whether the refresh of ``rank_index`` is still the one under way."""
    return blocked_rank(state, channel_index) == rank_index
