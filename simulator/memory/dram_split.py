"""Where the bursts of a DMA descriptor go: per channel a run of local bursts for each row, in closed form.

Dropping the channel bits from a burst number numbers the bursts of one channel without gaps and keeps their order, so a
contiguous run of bytes is a contiguous run of *local* bursts in every channel, and a channel is a DRAM system of its
own whose address mapping is the whole one without the channel field.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_address import field_positions
from simulator.memory.dram_config import DramConfig, DramOrganization, bits_for
from simulator.records import Table, int_fields, table

SPLIT = int_fields(
    "burst_bits",  # bits of the offset in a burst
    "channel_position",  # of the channel field in a burst number
    "channel_bits",
    "rank_position",  # of the other fields in a local burst number
    "rank_bits",
    "group_position",
    "group_bits",
    "bank_position",
    "bank_bits",
    "row_position",
    "row_bits",
    "column_position",
    "column_bits",
    "row_hash",  # 1: row bits are added to bank group and bank
)
"""An address mapping as positions and widths, the channel taken out."""


class Place(NamedTuple):
    """Where a local burst lies: ``bank`` is a row of a one-channel bank array, ``column`` counts bursts."""

    bank: int
    row: int
    column: int


def split_record(organization: DramOrganization) -> Table:
    """Return the one SPLIT record of ``organization``."""
    split_table = table(SPLIT, 1)
    split: Any = split_table[0]
    positions, widths = field_positions(organization), organization.field_bits
    split.burst_bits = bits_for(organization.request_bytes)
    split.channel_position, split.channel_bits = positions["ch"], widths["ch"]
    for name, field in (("rank", "ra"), ("group", "bg"), ("bank", "ba"), ("row", "ro"), ("column", "co")):
        above = widths["ch"] if positions[field] >= positions["ch"] + widths["ch"] else 0
        split[f"{name}_position"] = positions[field] - above
        split[f"{name}_bits"] = widths[field]
    split.row_hash = int(organization.bank_hash == "row_xor")
    return split_table


def one_channel(config: DramConfig) -> DramConfig:
    """Return the system that one channel of ``config`` is."""
    return config.model_copy(update={"organization": config.organization.model_copy(update={"channels": 1})})


def row_span_bytes(organization: DramOrganization) -> int:
    """Return the bytes after which every bank is in its next row: regions of this alignment share no row.

    Examples
    --------
    >>> from simulator.memory.dram_library import load_dram
    >>> row_span_bytes(load_dram("ddr4_2400").organization)
    131072
    """
    return organization.request_bytes << field_positions(organization)["ro"]


@kernel(borrows=True)
def local_bursts_below(split: Any, channel: int, burst: int) -> int:  # noqa: ANN401
    """Return how many bursts of ``channel`` have numbers below ``burst``."""
    low = split.channel_position
    inside = burst & ((1 << low) - 1)
    theirs = (burst >> low) & ((1 << split.channel_bits) - 1)
    below = (burst >> (low + split.channel_bits)) << low
    if theirs > channel:
        return int(below + (1 << low))
    return int(below + inside) if theirs == channel else int(below)


@kernel(borrows=True)
def row_bursts(split: Any, descriptor: Any, row: int) -> tuple[int, int]:  # noqa: ANN401
    """Return the first burst and the one behind the last of a descriptor's row, less one shared with the row before."""
    start = descriptor.base_byte + row * descriptor.pitch_bytes
    first = start >> split.burst_bits
    behind = ((start + descriptor.row_bytes - 1) >> split.burst_bits) + 1
    if row > 0:
        before = start - descriptor.pitch_bytes + descriptor.row_bytes - 1
        first = max(first, (before >> split.burst_bits) + 1)
    return int(first), int(max(first, behind))


@kernel(borrows=True)
def channel_run(split: Any, descriptor: Any, row: int, channel: int) -> tuple[int, int]:  # noqa: ANN401
    """Return the local bursts (first, behind last) of ``channel`` in one row of a descriptor."""
    first, behind = row_bursts(split, descriptor, row)
    return local_bursts_below(split, channel, first), local_bursts_below(split, channel, behind)


@kernel(inlined=True)
def rows_that_differ(split: Any, descriptor: Any) -> int:  # noqa: ANN401
    """Return after how many rows a descriptor falls on the channels as before: its pitches make a whole round then.

    The first row is apart: it shares no burst with a row before.
    """
    span = 1 << (split.channel_position + split.channel_bits + split.burst_bits)
    steps = descriptor.pitch_bytes & -descriptor.pitch_bytes
    return int(max(1, span // steps)) if steps > 0 else 1


@kernel(borrows=True)
def count_bursts(split: Any, descriptor: Any, counts: Table) -> None:  # noqa: ANN401
    """Fill ``counts`` [channels] with the bursts of each channel."""
    counts[:] = 0
    period = rows_that_differ(split, descriptor)
    for row in range(min(descriptor.rows, period + 1)):
        times = (descriptor.rows - 1 - row) // period + 1 if row > 0 else 1
        first, behind = row_bursts(split, descriptor, row)
        for channel in range(counts.shape[0]):
            mine = local_bursts_below(split, channel, behind) - local_bursts_below(split, channel, first)
            counts[channel] += mine * times


@kernel(inlined=True)
def place_of(split: Any, burst: int) -> tuple[int, int, int]:  # noqa: ANN401
    """Return (bank, row, column) of a local burst: see :class:`Place`."""
    row = (burst >> split.row_position) & ((1 << split.row_bits) - 1)
    group = (burst >> split.group_position) & ((1 << split.group_bits) - 1)
    bank = (burst >> split.bank_position) & ((1 << split.bank_bits) - 1)
    if split.row_hash:
        group ^= row & ((1 << split.group_bits) - 1)
        bank ^= (row >> split.group_bits) & ((1 << split.bank_bits) - 1)
    rank = (burst >> split.rank_position) & ((1 << split.rank_bits) - 1)
    column = (burst >> split.column_position) & ((1 << split.column_bits) - 1)
    return (((rank << split.group_bits) | group) << split.bank_bits) | bank, row, column


class Run(NamedTuple):
    """``columns`` consecutive columns of one row, from ``column``: the unit in which a transfer meets the DRAM."""

    channel: int
    bank: int
    row: int
    column: int
    columns: int


def bank_runs(config: DramConfig, descriptor: Descriptor) -> list[Run]:
    """Return the runs of ``descriptor`` channel by channel, each channel's in the order in which it takes them.

    Examples
    --------
    >>> from simulator.memory.dram_library import load_dram
    >>> bank_runs(load_dram("ddr3_1600"), Descriptor(64, 16384))[:2]
    [Run(channel=0, bank=0, row=0, column=1, columns=127), Run(channel=0, bank=1, row=0, column=0, columns=128)]
    """
    split = split_record(config.organization)[0]
    record = descriptor_table([descriptor])[0]
    longest = 1 << int(split.column_bits) if split.column_position == 0 else 1
    runs = []
    for channel in range(config.organization.channels):
        for row in range(int(record.rows)):
            burst, behind = channel_run(split, record, row, channel)
            while burst < behind:
                bank, row_number, column = place_of(split, burst)
                columns = min(behind, (burst // longest + 1) * longest) - burst
                runs.append(Run(channel, int(bank), int(row_number), int(column), columns))
                burst += columns
    return runs


def burst_addresses(config: DramConfig, descriptor: Descriptor) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the address of every burst that ``descriptor`` moves, in order [bursts]."""
    split = split_record(config.organization)[0]
    record = descriptor_table([descriptor])[0]
    rows = [np.arange(*row_bursts(split, record, row)) for row in range(int(record.rows))]
    return np.concatenate(rows).astype(np.int64) << int(split.burst_bits)
