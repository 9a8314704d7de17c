"""What the queues of the banks ask for, and when it may issue. Knows neither queues nor commands.

For each command there is one row of the channel: by bank, the first cycle at which it may issue if the queue of the
bank asks for it, else NEVER. The rows hold the limits of the bank, of its group and of its rank together, so that the
next command of a channel is the least number of four rows: they are read side by side, without a branch.
"""

from simulator._jit import kernel
from simulator.memory.dram_config import MOST_BANKS
from simulator.memory.dram_state import NEVER, Record, unsigned
from simulator.records import Table

_PLACE_BITS = (MOST_BANKS - 1).bit_length()
_LONGEST_WAIT = 1 << (62 - _PLACE_BITS)
"""Longer than any wait for a command that is asked for [cycles]."""


@kernel(inlined=True)
def bank_cycle(channel: Record, bank_index: int) -> int:
    """Return the first cycle at which some command that the queue of a bank asks for may issue."""
    row = min(channel.want_activate[bank_index], channel.want_precharge[bank_index])
    column = min(channel.want_read[bank_index], channel.want_write[bank_index])
    return int(min(row, column))


@kernel(inlined=True)
def want_nothing(channel: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for nothing."""
    channel.want_activate[unsigned(bank_index)] = NEVER
    channel.want_precharge[unsigned(bank_index)] = NEVER
    channel.want_read[unsigned(bank_index)] = NEVER
    channel.want_write[unsigned(bank_index)] = NEVER


@kernel(inlined=True)
def want_activate(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for an activate."""
    ready = max(bank.activate_ready, channel.groups[unsigned(bank.group)].activate_ready)
    channel.want_activate[unsigned(bank_index)] = ready


@kernel(inlined=True)
def want_precharge(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a precharge."""
    ready = max(bank.precharge_ready, channel.groups[unsigned(bank.group)].precharge_ready)
    channel.want_precharge[unsigned(bank_index)] = ready


@kernel(inlined=True)
def want_read(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a read."""
    ready = max(bank.read_ready, channel.groups[unsigned(bank.group)].read_ready)
    channel.want_read[unsigned(bank_index)] = ready


@kernel(inlined=True)
def want_write(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a write."""
    ready = max(bank.write_ready, channel.groups[unsigned(bank.group)].write_ready)
    channel.want_write[unsigned(bank_index)] = ready


@kernel(inlined=True)
def hold_rank(wants: Table, channel: Record, bank: Record, same_cycle: int, other_cycle: int) -> None:
    """Let what is asked for in the rank of a bank wait for a cycle: one for its bank group, one for the others."""
    banks, banks_per_group = channel.banks_per_rank, channel.banks_per_group
    first = bank.rank * banks
    first_same = bank.group * banks_per_group - first
    for place in range(banks):
        at = unsigned(first + place)  # a number without a sign is an address without a question
        ready = same_cycle if first_same <= place < first_same + banks_per_group else other_cycle
        wants[at] = max(wants[at], ready)


@kernel(inlined=True)
def hold_other_ranks(wants: Table, channel: Record, bank: Record, cycle: int) -> None:
    """Let what is asked for in the other ranks than that of a bank wait for ``cycle``."""
    if channel.rank_count == 1:
        return
    banks = channel.banks_per_rank
    first = bank.rank * banks
    for bank_index in range(channel.banks_per_channel):
        ready = 0 if first <= bank_index < first + banks else cycle
        wants[bank_index] = max(wants[bank_index], ready)


@kernel(borrows=True)
def renew_wants(channel: Record) -> None:
    """Set the rows anew after limits were moved by other hands: what is asked for stays."""
    for bank_index in range(channel.banks_per_channel):
        bank = channel.banks[unsigned(bank_index)]
        if channel.want_activate[unsigned(bank_index)] != NEVER:
            want_activate(channel, bank, bank_index)
        if channel.want_precharge[unsigned(bank_index)] != NEVER:
            want_precharge(channel, bank, bank_index)
        if channel.want_read[unsigned(bank_index)] != NEVER:
            want_read(channel, bank, bank_index)
        if channel.want_write[unsigned(bank_index)] != NEVER:
            want_write(channel, bank, bank_index)


@kernel(inlined=True)
def place_in_turn(channel: Record, bank_index: int, at_cycle: int) -> int:
    """Return a bank's wait from ``at_cycle`` on and its place behind the turn as one number, the wait first."""
    wait = min(max(bank_cycle(channel, bank_index) - at_cycle, 0), _LONGEST_WAIT)
    place = bank_index - (channel.turn + 1)
    return int((wait << _PLACE_BITS) + (place if place >= 0 else place + channel.banks_per_channel))


@kernel(inlined=True)
def first_in_turn(channel: Record, at_cycle: int, rank_blocked: int) -> tuple[int, int]:
    """Return (cycle, bank) of the first bank command at or after ``at_cycle``, banks in turn; (NEVER, -1) if none."""
    banks = channel.banks_per_channel
    best = _LONGEST_WAIT << _PLACE_BITS
    if rank_blocked < 0:
        for bank_index in range(banks):
            best = min(best, place_in_turn(channel, bank_index, at_cycle))
    elif channel.rank_count > 1:
        first_blocked = rank_blocked * channel.banks_per_rank
        for bank_index in range(banks):
            if bank_index < first_blocked or bank_index >= first_blocked + channel.banks_per_rank:
                best = min(best, place_in_turn(channel, bank_index, at_cycle))
    wait = best >> _PLACE_BITS
    if wait == _LONGEST_WAIT:
        return NEVER, -1
    bank_index = channel.turn + 1 + (best & (MOST_BANKS - 1))
    return int(at_cycle + wait), int(bank_index if bank_index < banks else bank_index - banks)
