"""Command timing: when a command may issue, and what it forbids afterwards. Knows no queues and no policy.

Every rule is a distance in cycles between two commands (JEDEC JESD79-3/-4, JESD209-4, JESD235), kept as the first
cycle at which the later command is legal: per bank (tRCD, tRAS, tRC, tRP, tRTP, tWR, tRFC), per bank group (tCCD,
tWTR, tRRD, bus turnaround, rank switch) and per rank (tFAW, tPPD). Power-down and self-refresh are assumed away.
"""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, QUEUED, Record, unsigned
from simulator.memory.dram_wants_kernel import hold_other_ranks, hold_rank, want_activate

ACTIVATE, PRECHARGE, READ, WRITE, READ_AUTO, WRITE_AUTO, REFRESH = range(7)
COMMAND_NAMES = ("ACT", "PRE", "RD", "WR", "RDA", "WRA", "REF")

STARVATION, ROW, ACTIVATION, REFRESHING, TCCD, TURNAROUND = range(6)
"""What held a command last: see :func:`charge_lost_cycles`."""


@kernel(inlined=True)
def shared_activate_cycle(channel: Record, rank: Record) -> int:
    """Return the first cycle at which the windows of a rank allow one more activate: tFAW, t32AW."""
    cycle = 0
    if rank.activations >= 4:
        cycle = rank.window[(rank.activations - 4) & 31] + channel.four_activates
    if channel.thirty_two_activates > 0 and rank.activations >= 32:
        cycle = max(cycle, rank.window[rank.activations & 31] + channel.thirty_two_activates)
    return cycle


@kernel(inlined=True)
def refresh_step(channel: Record, rank_index: int, at_cycle: int) -> tuple[int, int]:
    """Return (cycle, bank): the next command of a refresh of ``rank_index``, and the bank it precharges (-1: refresh).

    Open banks are precharged first, the lowest of those ready at ``at_cycle``; the refresh itself waits for tRP of all.
    """
    first = rank_index * channel.banks_per_rank
    refresh_ready = 0
    precharge = NEVER
    chosen = -1
    for bank_index in range(first, first + channel.banks_per_rank):
        bank = channel.banks[unsigned(bank_index)]
        refresh_ready = max(refresh_ready, bank.refresh_ready)
        if bank.open_row >= 0:
            ready = max(bank.precharge_ready, channel.groups[unsigned(bank.group)].precharge_ready, at_cycle)
            if ready < precharge:
                precharge = ready
                chosen = bank_index
    if chosen >= 0:
        return precharge, chosen
    return max(refresh_ready, at_cycle), -1


@kernel(inlined=True)
def available_cycle(request: Record) -> int:
    """Return the first cycle at which a request accepted at ``request.accept`` could have had a command."""
    return int(request.accept + 2)


@kernel(inlined=True)
def apply_activate(channel: Record, bank_index: int, request: Record, cycle: int) -> None:
    """Open the row of a request at ``cycle`` and move every limit that an activate moves."""
    bank = channel.banks[unsigned(bank_index)]
    rank = channel.ranks[unsigned(bank.rank)]
    shared_ready = channel.groups[unsigned(bank.group)].activate_ready
    if available_cycle(request) > max(bank.activate_ready, shared_ready):
        bank.opened_after = STARVATION
    elif shared_ready > bank.activate_ready:
        bank.opened_after = ACTIVATION
    else:
        bank.opened_after = bank.closed_by
    bank.open_row = request.row
    bank.hits = 0
    bank.read_ready = max(bank.read_ready, cycle + channel.activate_read)
    bank.write_ready = max(bank.write_ready, cycle + channel.activate_write)
    bank.precharge_ready = max(bank.precharge_ready, cycle + channel.activate_precharge)
    bank.activate_ready = max(bank.activate_ready, cycle + channel.activate_activate)
    rank.window[rank.activations & 31] = cycle
    rank.activations += 1
    shared = shared_activate_cycle(channel, rank)
    first_group = bank.rank * channel.group_count
    for group_index in range(first_group, first_group + channel.group_count):
        distance = channel.activate_same if group_index == bank.group else channel.activate_other
        group = channel.groups[unsigned(group_index)]
        group.activate_ready = max(group.activate_ready, cycle + distance, shared)
    same, other = max(shared, cycle + channel.activate_same), max(shared, cycle + channel.activate_other)
    hold_rank(channel.want_activate, channel, bank, same, other)
    if rank.open_banks == 0:
        rank.active_since = cycle
    rank.open_banks += 1


@kernel(inlined=True)
def close_bank(channel: Record, bank_index: int, cycle: int) -> None:
    """Forget the open row; count the rank's active cycles, which set its background power."""
    bank = channel.banks[unsigned(bank_index)]
    rank = channel.ranks[unsigned(bank.rank)]
    bank.open_row = -1
    bank.hits = 0
    bank.closed_by = ROW
    rank.open_banks -= 1
    if rank.open_banks == 0:
        rank.active_cycles += cycle - rank.active_since


@kernel(inlined=True)
def hold_precharges(channel: Record, bank: Record, cycle: int) -> None:
    """Let the precharges of a bank's rank wait for ``cycle``."""
    first_group = bank.rank * channel.group_count
    for group_index in range(first_group, first_group + channel.group_count):
        group = channel.groups[unsigned(group_index)]
        group.precharge_ready = max(group.precharge_ready, cycle)
    hold_rank(channel.want_precharge, channel, bank, cycle, cycle)


@kernel(inlined=True)
def apply_precharge(channel: Record, bank_index: int, cycle: int) -> None:
    """Close the bank at ``cycle``: tRP to activate and refresh, tPPD to other precharges of the rank."""
    bank = channel.banks[unsigned(bank_index)]
    bank.activate_ready = max(bank.activate_ready, cycle + channel.precharge_activate)
    bank.refresh_ready = max(bank.refresh_ready, cycle + channel.precharge_activate)
    if channel.precharge_precharge > 0:
        hold_precharges(channel, bank, cycle + channel.precharge_precharge)
    close_bank(channel, bank_index, cycle)


@kernel(inlined=True)
def apply_refresh(channel: Record, rank_index: int, cycle: int) -> None:
    """Refresh all banks of the rank at ``cycle``: tRFC to the next activate and refresh."""
    first = rank_index * channel.banks_per_rank
    for bank_index in range(first, first + channel.banks_per_rank):
        bank = channel.banks[unsigned(bank_index)]
        bank.activate_ready = max(bank.activate_ready, cycle + channel.refresh_activate)
        bank.refresh_ready = max(bank.refresh_ready, cycle + channel.refresh_activate)
        bank.closed_by = REFRESHING
        if bank.counts[QUEUED] > 0:
            want_activate(channel, bank, bank_index)


@kernel(inlined=True)
def apply_column(channel: Record, bank_index: int, is_write: bool, cycle: int) -> None:
    """Read or write one burst at ``cycle``: limits on column commands of every bank group of the channel."""
    bank = channel.banks[unsigned(bank_index)]
    read_same = cycle + (channel.write_read_same if is_write else channel.read_read_same)
    read_other = cycle + (channel.write_read_other if is_write else channel.read_read_other)
    read_rank = cycle + (channel.write_read_rank if is_write else channel.read_read_rank)
    write_same = cycle + (channel.write_write_same if is_write else channel.read_write)
    write_other = cycle + (channel.write_write_other if is_write else channel.read_write)
    write_rank = cycle + (channel.write_write_rank if is_write else channel.read_write_rank)
    for group_index in range(channel.groups_per_channel):
        group = channel.groups[group_index]
        read_ready, write_ready = read_other, write_other
        if group_index == bank.group:
            read_ready, write_ready = read_same, write_same
        elif group.rank != bank.rank:
            read_ready, write_ready = read_rank, write_rank
        group.read_ready = max(group.read_ready, read_ready)
        group.write_ready = max(group.write_ready, write_ready)
    hold_rank(channel.want_read, channel, bank, read_same, read_other)
    hold_other_ranks(channel.want_read, channel, bank, read_rank)
    if channel.writes_pending > 0:  # else no bank asks for a write
        hold_rank(channel.want_write, channel, bank, write_same, write_other)
        hold_other_ranks(channel.want_write, channel, bank, write_rank)
    to_precharge = channel.write_precharge if is_write else channel.read_precharge
    bank.precharge_ready = max(bank.precharge_ready, cycle + to_precharge)
    bank.hits += 1


@kernel(inlined=True)
def apply_auto_precharge(channel: Record, bank_index: int, is_write: bool, cycle: int) -> None:
    """Close the bank behind a column command that carries auto-precharge, issued at ``cycle``."""
    bank = channel.banks[unsigned(bank_index)]
    to_activate = channel.write_auto_activate if is_write else channel.read_auto_activate
    to_refresh = channel.write_auto_activate if is_write else channel.read_auto_refresh
    bank.activate_ready = max(bank.activate_ready, cycle + to_activate)
    bank.refresh_ready = max(bank.refresh_ready, cycle + to_refresh)
    close_bank(channel, bank_index, cycle)


@kernel(inlined=True)
def charge_lost_cycles(channel: Record, bank_index: int, request: Record, cycle: int) -> None:
    """Add the data-bus cycles idle before a column command at ``cycle`` to the constraint that ended last.

    tRCD counts as whatever let the row be opened no earlier: a row conflict, tRRD or tFAW, refresh, or a late request.
    """
    bank = channel.banks[unsigned(bank_index)]
    group = channel.groups[unsigned(bank.group)]
    is_write = request.is_write == 1
    start = cycle + (channel.write_delay if is_write else channel.read_delay) - channel.burst_cycles
    lost = start - max(channel.last_column_end, 0)
    channel.last_column_end = start + channel.burst_cycles
    same_kind = channel.last_column_write == is_write and channel.last_column_rank == bank.rank
    channel.last_column_write = is_write
    channel.last_column_rank = bank.rank
    if lost <= 0:
        return
    row_ready = (bank.write_ready if is_write else bank.read_ready) if bank.hits == 0 else 0
    shared_ready = group.write_ready if is_write else group.read_ready
    if available_cycle(request) > max(row_ready, shared_ready):
        cause = STARVATION
    elif shared_ready > row_ready:
        cause = TCCD if same_kind else TURNAROUND
    else:
        cause = bank.opened_after
    held = min(lost, cycle - available_cycle(request))  # the bus may have been idle long before it was asked for
    if cause == STARVATION:
        channel.lost_starvation += lost
    elif cause == ROW:
        channel.lost_row += lost
        channel.held_row += held
    elif cause == ACTIVATION:
        channel.lost_activation += lost
        channel.held_activation += held
    elif cause == REFRESHING:
        channel.lost_refresh += lost
        channel.held_refresh += held
    elif cause == TCCD:
        channel.lost_tccd += lost
        channel.held_tccd += held
    else:
        channel.lost_turnaround += lost
        channel.held_turnaround += held
