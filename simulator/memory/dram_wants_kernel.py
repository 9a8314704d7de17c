"""What the queues of the banks ask for, and when it may issue. Knows neither queues nor commands.

A bank keeps the first cycle of each command that its queue asks for (``want_*``, NEVER if it does not). Its group keeps
the first of its banks (``first_*``), so that the next command is found by looking at the groups, not at every bank.
"""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, QUEUED, Record


@kernel(inlined=True)
def bank_cycle(bank: Record, group: Record) -> int:
    """Return the first cycle at which some command that the queue of ``bank`` asks for may issue."""
    row = min(max(bank.want_activate, group.activate_ready), max(bank.want_precharge, group.precharge_ready))
    column = min(max(bank.want_read, group.read_ready), max(bank.want_write, group.write_ready))
    return int(min(row, column))


@kernel(inlined=True)
def group_cycle(group: Record) -> int:
    """Return the first cycle at which some command that a bank of ``group`` asks for may issue."""
    row = min(max(group.first_activate, group.activate_ready), max(group.first_precharge, group.precharge_ready))
    column = min(max(group.first_read, group.read_ready), max(group.first_write, group.write_ready))
    return int(min(row, column))


@kernel(borrows=True)
def find_firsts(channel: Record, group_index: int) -> None:
    """Find anew what the banks of a group ask for first."""
    group = channel.groups[group_index]
    activate = precharge = read = write = NEVER
    first = group_index * channel.banks_per_group
    for bank_index in range(first, first + channel.banks_per_group):
        bank = channel.banks[bank_index]
        activate = min(activate, bank.want_activate)
        precharge = min(precharge, bank.want_precharge)
        read = min(read, bank.want_read)
        write = min(write, bank.want_write)
    group.first_activate = activate
    group.first_precharge = precharge
    group.first_read = read
    group.first_write = write


@kernel(inlined=True)
def note_wants(channel: Record, bank: Record, activate: int, precharge: int, read: int, write: int) -> None:
    """Keep the firsts of a group right when a bank asks for something else than before (``activate`` ...)."""
    group = channel.groups[bank.group]
    if group.queued == bank.counts[QUEUED]:  # no other bank asks for anything
        group.first_activate = bank.want_activate
        group.first_precharge = bank.want_precharge
        group.first_read = bank.want_read
        group.first_write = bank.want_write
        return
    if (
        (bank.want_activate > activate and activate == group.first_activate)
        or (bank.want_precharge > precharge and precharge == group.first_precharge)
        or (bank.want_read > read and read == group.first_read)
        or (bank.want_write > write and write == group.first_write)
    ):
        find_firsts(channel, bank.group)
        return
    group.first_activate = min(group.first_activate, bank.want_activate)
    group.first_precharge = min(group.first_precharge, bank.want_precharge)
    group.first_read = min(group.first_read, bank.want_read)
    group.first_write = min(group.first_write, bank.want_write)
