"""Command timing: when a command may issue, and what it forbids afterwards. Knows no queues and no policy.

Every rule is a distance in cycles between two commands (JEDEC JESD79-3/-4, JESD209-4, JESD235), kept as the first
cycle at which the later command is legal: per bank (tRCD, tRAS, tRC, tRP, tRTP, tWR, tRFC), per bank group (tCCD,
tWTR, tRRD, bus turnaround, rank switch) and per rank (tFAW, tPPD). Power-down and self-refresh are assumed away.
"""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, DramState, Record

ACTIVATE, PRECHARGE, READ, WRITE, READ_AUTO, WRITE_AUTO, REFRESH = range(7)
COMMAND_NAMES = ("ACT", "PRE", "RD", "WR", "RDA", "WRA", "REF")

STARVATION, ROW, ACTIVATION, REFRESHING, TCCD, TURNAROUND = range(6)
"""What held a command last: see :func:`charge_lost_cycles`."""


@kernel(inlined=True)
def shared_activate_cycle(hardware: Record, rank: Record) -> int:
    """Return the first cycle at which the windows of a rank allow one more activate: tFAW, t32AW."""
    cycle = 0
    if rank.activations >= 4:
        cycle = rank.window[(rank.activations - 4) & 31] + hardware.four_activates
    if hardware.thirty_two_activates > 0 and rank.activations >= 32:
        cycle = max(cycle, rank.window[rank.activations & 31] + hardware.thirty_two_activates)
    return cycle


@kernel(inlined=True)
def refresh_step(state: DramState, rank_index: int, at_cycle: int) -> tuple[int, int]:
    """Return (cycle, bank): the next command of a refresh of ``rank_index``, and the bank it precharges (-1: refresh).

    Open banks are precharged first, the lowest of those ready at ``at_cycle``; the refresh itself waits for tRP of all.
    """
    hardware = state.hardware[0]
    first = rank_index * hardware.banks_per_rank
    refresh_ready = 0
    precharge = NEVER
    chosen = -1
    for bank_index in range(first, first + hardware.banks_per_rank):
        bank = state.banks[bank_index]
        refresh_ready = max(refresh_ready, bank.refresh_ready)
        if bank.open_row >= 0:
            ready = max(bank.precharge_ready, state.groups[bank.group].precharge_ready, at_cycle)
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
def apply_activate(state: DramState, bank_index: int, request_id: int, cycle: int) -> None:
    """Open the row of a request at ``cycle`` and move every limit that an activate moves."""
    hardware = state.hardware[0]
    bank = state.banks[bank_index]
    rank = state.ranks[bank.rank]
    request = state.requests[request_id]
    shared_ready = state.groups[bank.group].activate_ready
    if available_cycle(request) > max(bank.activate_ready, shared_ready):
        bank.opened_after = STARVATION
    elif shared_ready > bank.activate_ready:
        bank.opened_after = ACTIVATION
    else:
        bank.opened_after = bank.closed_by
    bank.open_row = request.row
    bank.hits = 0
    bank.read_ready = max(bank.read_ready, cycle + hardware.activate_read)
    bank.write_ready = max(bank.write_ready, cycle + hardware.activate_write)
    bank.precharge_ready = max(bank.precharge_ready, cycle + hardware.activate_precharge)
    bank.activate_ready = max(bank.activate_ready, cycle + hardware.activate_activate)
    rank.window[rank.activations & 31] = cycle
    rank.activations += 1
    shared = shared_activate_cycle(hardware, rank)
    first_group = bank.rank * hardware.groups
    for group_index in range(first_group, first_group + hardware.groups):
        distance = hardware.activate_same if group_index == bank.group else hardware.activate_other
        group = state.groups[group_index]
        group.activate_ready = max(group.activate_ready, cycle + distance, shared)
    if rank.open_banks == 0:
        rank.active_since = cycle
    rank.open_banks += 1


@kernel(inlined=True)
def close_bank(state: DramState, bank_index: int, cycle: int) -> None:
    """Forget the open row; count the rank's active cycles, which set its background power."""
    bank = state.banks[bank_index]
    rank = state.ranks[bank.rank]
    bank.open_row = -1
    bank.hits = 0
    bank.closed_by = ROW
    rank.open_banks -= 1
    if rank.open_banks == 0:
        rank.active_cycles += cycle - rank.active_since


@kernel(inlined=True)
def apply_precharge(state: DramState, bank_index: int, cycle: int) -> None:
    """Close the bank at ``cycle``: tRP to activate and refresh, tPPD to other precharges of the rank."""
    hardware = state.hardware[0]
    bank = state.banks[bank_index]
    bank.activate_ready = max(bank.activate_ready, cycle + hardware.precharge_activate)
    bank.refresh_ready = max(bank.refresh_ready, cycle + hardware.precharge_activate)
    first_group = bank.rank * hardware.groups
    for group_index in range(first_group, first_group + hardware.groups):
        group = state.groups[group_index]
        group.precharge_ready = max(group.precharge_ready, cycle + hardware.precharge_precharge)
    close_bank(state, bank_index, cycle)


@kernel(inlined=True)
def apply_refresh(state: DramState, rank_index: int, cycle: int) -> None:
    """Refresh all banks of the rank at ``cycle``: tRFC to the next activate and refresh."""
    hardware = state.hardware[0]
    first = rank_index * hardware.banks_per_rank
    for bank_index in range(first, first + hardware.banks_per_rank):
        bank = state.banks[bank_index]
        bank.activate_ready = max(bank.activate_ready, cycle + hardware.refresh_activate)
        bank.refresh_ready = max(bank.refresh_ready, cycle + hardware.refresh_activate)
        bank.closed_by = REFRESHING
        if bank.count > 0:
            bank.want_activate = bank.activate_ready


@kernel(inlined=True)
def apply_column(state: DramState, bank_index: int, is_write: bool, cycle: int) -> None:
    """Read or write one burst at ``cycle``: limits on column commands of every bank group of the channel."""
    hardware = state.hardware[0]
    bank = state.banks[bank_index]
    for group_index in range(bank.first_group, bank.first_group + hardware.groups_per_channel):
        group = state.groups[group_index]
        if group_index == bank.group:
            to_read = hardware.write_read_same if is_write else hardware.read_read_same
            to_write = hardware.write_write_same if is_write else hardware.read_write
        elif group.rank == bank.rank:
            to_read = hardware.write_read_other if is_write else hardware.read_read_other
            to_write = hardware.write_write_other if is_write else hardware.read_write
        else:
            to_read = hardware.write_read_rank if is_write else hardware.read_read_rank
            to_write = hardware.write_write_rank if is_write else hardware.read_write_rank
        group.read_ready = max(group.read_ready, cycle + to_read)
        group.write_ready = max(group.write_ready, cycle + to_write)
    to_precharge = hardware.write_precharge if is_write else hardware.read_precharge
    bank.precharge_ready = max(bank.precharge_ready, cycle + to_precharge)
    bank.hits += 1


@kernel(inlined=True)
def apply_auto_precharge(state: DramState, bank_index: int, is_write: bool, cycle: int) -> None:
    """Close the bank behind a column command that carries auto-precharge, issued at ``cycle``."""
    hardware = state.hardware[0]
    bank = state.banks[bank_index]
    to_activate = hardware.write_auto_activate if is_write else hardware.read_auto_activate
    to_refresh = hardware.write_auto_activate if is_write else hardware.read_auto_refresh
    bank.activate_ready = max(bank.activate_ready, cycle + to_activate)
    bank.refresh_ready = max(bank.refresh_ready, cycle + to_refresh)
    close_bank(state, bank_index, cycle)


@kernel(inlined=True)
def charge_lost_cycles(state: DramState, channel_index: int, bank_index: int, request_id: int, cycle: int) -> None:
    """Add the data-bus cycles idle before a column command at ``cycle`` to the constraint that ended last.

    tRCD counts as whatever let the row be opened no earlier: a row conflict, tRRD or tFAW, refresh, or a late request.
    """
    hardware = state.hardware[0]
    channel = state.channels[channel_index]
    bank = state.banks[bank_index]
    group = state.groups[bank.group]
    request = state.requests[request_id]
    is_write = request.is_write == 1
    start = cycle + (hardware.write_delay if is_write else hardware.read_delay) - hardware.burst
    lost = start - max(channel.last_column_end, 0)
    channel.last_column_end = start + hardware.burst
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
    if cause == STARVATION:
        channel.lost_starvation += lost
    elif cause == ROW:
        channel.lost_row += lost
    elif cause == ACTIVATION:
        channel.lost_activation += lost
    elif cause == REFRESHING:
        channel.lost_refresh += lost
    elif cause == TCCD:
        channel.lost_tccd += lost
    else:
        channel.lost_turnaround += lost
