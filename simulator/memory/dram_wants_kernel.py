"""What the queues of the banks ask for, and when it may issue. Knows neither queues nor commands.

For each command there is one row of the channel: by bank, the first cycle at which it may issue if the queue of the
bank asks for it, else WANTS_NEVER. The rows hold the limits of the bank, of its group and of its rank together, so that
the next command of a channel is the least number of four rows: they are read side by side, without a branch, and 32
bits wide, so that a processor reads eight of them at once. Their cycles therefore count from ``wants_begin``, a cycle
of the channel that moves on with it.
"""

import numpy as np

from simulator._jit import kernel
from simulator.memory.dram_config import MOST_BANKS
from simulator.memory.dram_state import NEVER, WANTS_NEVER, Record, unsigned
from simulator.records import Table

_PLACE_BITS = (MOST_BANKS - 1).bit_length()

_LONGEST_WAIT = 1 << 21
"""Longer than any wait for a command that is asked for [cycles]: a distance has at most four terms of 2^18 cycles."""

_NONE_IN_TURN = np.int32(_LONGEST_WAIT << _PLACE_BITS)

LANES = 16
"""Banks are gone through by so many at once: a number known to the compiler leaves no loop."""

_EPOCH_BITS = 28
"""``wants_begin`` is a multiple of 2^28 cycles. With a refresh interval of up to 2^30 more, 32 bits are enough."""


@kernel(borrows=True)
def begin_anew(channel: Record, cycle: int) -> None:
    """Count the rows from the last multiple of 2^28 cycles on; limits before it are of no effect any more."""
    begin = (cycle >> _EPOCH_BITS) << _EPOCH_BITS
    later = begin - channel.wants_begin
    channel.wants_begin = begin
    for bank_index in range(channel.banks_per_channel):
        at = unsigned(bank_index)
        channel.want_activate[at] = moved_back(channel.want_activate[at], later)
        channel.want_precharge[at] = moved_back(channel.want_precharge[at], later)
        channel.want_read[at] = moved_back(channel.want_read[at], later)
        channel.want_write[at] = moved_back(channel.want_write[at], later)


@kernel(inlined=True)
def moved_back(want: int, cycles: int) -> int:
    """Return an entry of a row that begins so many cycles later."""
    return int(want if want == WANTS_NEVER else max(want - cycles, 0))


@kernel(inlined=True)
def count_from_near(channel: Record, cycle: int) -> None:
    """Let the rows of a channel begin at most 2^28 cycles before ``cycle``."""
    if cycle - channel.wants_begin >= 1 << _EPOCH_BITS:
        begin_anew(channel, cycle)


@kernel(inlined=True)
def bank_cycle(channel: Record, bank_index: int) -> int:
    """Return the first cycle at which some command that the queue of a bank asks for may issue."""
    row = min(channel.want_activate[bank_index], channel.want_precharge[bank_index])
    column = min(channel.want_read[bank_index], channel.want_write[bank_index])
    first = min(row, column)
    return int(NEVER if first == WANTS_NEVER else channel.wants_begin + first)


@kernel(inlined=True)
def from_begin(channel: Record, cycle: int) -> np.int32:
    """Return ``cycle`` as the rows count."""
    return np.int32(max(cycle - channel.wants_begin, 0))


@kernel(inlined=True)
def want_nothing(channel: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for nothing."""
    channel.want_activate[unsigned(bank_index)] = WANTS_NEVER
    channel.want_precharge[unsigned(bank_index)] = WANTS_NEVER
    channel.want_read[unsigned(bank_index)] = WANTS_NEVER
    channel.want_write[unsigned(bank_index)] = WANTS_NEVER


@kernel(inlined=True)
def want_activate(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for an activate."""
    ready = max(bank.activate_ready, channel.groups[unsigned(bank.group)].activate_ready)
    channel.want_activate[unsigned(bank_index)] = from_begin(channel, ready)


@kernel(inlined=True)
def want_precharge(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a precharge."""
    ready = max(bank.precharge_ready, channel.groups[unsigned(bank.group)].precharge_ready)
    channel.want_precharge[unsigned(bank_index)] = from_begin(channel, ready)


@kernel(inlined=True)
def want_read(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a read."""
    ready = max(bank.read_ready, channel.groups[unsigned(bank.group)].read_ready)
    channel.want_read[unsigned(bank_index)] = from_begin(channel, ready)


@kernel(inlined=True)
def want_write(channel: Record, bank: Record, bank_index: int) -> None:
    """Let the queue of a bank ask for a write."""
    ready = max(bank.write_ready, channel.groups[unsigned(bank.group)].write_ready)
    channel.want_write[unsigned(bank_index)] = from_begin(channel, ready)


@kernel(inlined=True)
def hold_rank(wants: Table, channel: Record, bank: Record, same_cycle: int, other_cycle: int) -> None:
    """Let what is asked for in the rank of a bank wait for a cycle: one for its bank group, one for the others."""
    same, other = from_begin(channel, same_cycle), from_begin(channel, other_cycle)
    banks, banks_per_group = channel.banks_per_rank, channel.banks_per_group
    first = bank.rank * banks
    first_same = bank.group * banks_per_group - first
    for place in range(banks):
        at = unsigned(first + place)  # a number without a sign is an address without a question
        ready = same if first_same <= place < first_same + banks_per_group else other
        wants[at] = max(wants[at], ready)


@kernel(inlined=True)
def hold_other_ranks(wants: Table, channel: Record, bank: Record, cycle: int) -> None:
    """Let what is asked for in the other ranks than that of a bank wait for ``cycle``."""
    if channel.rank_count == 1:
        return
    banks, later = channel.banks_per_rank, from_begin(channel, cycle)
    first = bank.rank * banks
    for bank_index in range(channel.banks_per_channel):
        ready = np.int32(0) if first <= bank_index < first + banks else later
        wants[bank_index] = max(wants[bank_index], ready)


@kernel(borrows=True)
def renew_wants(channel: Record) -> None:
    """Set the rows anew after limits were moved by other hands: what is asked for stays."""
    for bank_index in range(channel.banks_per_channel):
        bank = channel.banks[unsigned(bank_index)]
        if channel.want_activate[unsigned(bank_index)] != WANTS_NEVER:
            want_activate(channel, bank, bank_index)
        if channel.want_precharge[unsigned(bank_index)] != WANTS_NEVER:
            want_precharge(channel, bank, bank_index)
        if channel.want_read[unsigned(bank_index)] != WANTS_NEVER:
            want_read(channel, bank, bank_index)
        if channel.want_write[unsigned(bank_index)] != WANTS_NEVER:
            want_write(channel, bank, bank_index)


@kernel(inlined=True)
def place_in_turn(channel: Record, bank_index: int, now: np.int32, start: np.int32, banks: np.int32) -> np.int32:
    """Return a bank's wait from ``now`` on and its place behind the turn as one number, the wait first.

    Everything is cast to 32 bits at every step: Numba computes with 64 where it is not told.
    """
    at = unsigned(bank_index)
    row = min(channel.want_activate[at], channel.want_precharge[at])
    column = min(channel.want_read[at], channel.want_write[at])
    wait = min(max(np.int32(min(row, column) - now), np.int32(0)), np.int32(_LONGEST_WAIT))
    place = np.int32(np.int32(bank_index) - start)
    return np.int32((wait << _PLACE_BITS) + (place if place >= 0 else np.int32(place + banks)))


@kernel(inlined=True)
def first_in_turn(channel: Record, at_cycle: int, rank_blocked: int) -> tuple[int, int]:
    """Return (cycle, bank) of the first bank command at or after ``at_cycle``, banks in turn; (NEVER, -1) if none."""
    banks = channel.banks_per_channel
    now, start, round_banks = from_begin(channel, at_cycle), np.int32(channel.turn + 1), np.int32(banks)
    best = _NONE_IN_TURN
    if rank_blocked < 0:
        for block in range(0, banks, LANES):
            for lane in range(LANES):  # those behind the last bank ask for nothing
                best = min(best, place_in_turn(channel, block + lane, now, start, round_banks))
    elif channel.rank_count > 1:
        first_blocked = rank_blocked * channel.banks_per_rank
        for bank_index in range(banks):
            if bank_index < first_blocked or bank_index >= first_blocked + channel.banks_per_rank:
                best = min(best, place_in_turn(channel, bank_index, now, start, round_banks))
    wait = best >> _PLACE_BITS
    if wait == _LONGEST_WAIT:
        return NEVER, -1
    bank_index = channel.turn + 1 + (best & (MOST_BANKS - 1))
    return int(at_cycle + wait), int(bank_index if bank_index < banks else bank_index - banks)
