"""What EIE's PEs read and do for the columns that are broadcast (docs/model/eie.md; Han et al., ISCA 2016)."""

from typing import Any

from simulator._jit import kernel

Array = Any
"""A numpy array: kernels are typed where they are called."""


@kernel
def count_row_reads(
    entries: Array, broadcast: Array, per_row: int, begin: Array, held_row: Array, reads: Array
) -> None:
    """Add to ``reads`` [pes] the weight rows of ``per_row`` entries that each PE reads for the ``broadcast`` columns.

    ``entries`` [columns, pes] lie one column behind the other; ``begin`` [pes] is where each PE's first column begins,
    and moves along; ``held_row`` [pes] is each PE's row buffer. The columns that are not broadcast only take room.
    """
    shift = 0
    while 1 << shift < per_row:
        shift += 1
    is_power = 1 << shift == per_row  # a shift in place of a division, several times faster
    for column in range(entries.shape[0]):
        if not broadcast[column]:
            for pe in range(begin.size):
                begin[pe] += entries[column, pe]
            continue
        for pe in range(begin.size):
            stored = entries[column, pe]
            if stored == 0:
                continue
            end = begin[pe] + stored - 1
            first = begin[pe] >> shift if is_power else begin[pe] // per_row
            last = end >> shift if is_power else end // per_row
            reads[pe] += last - first + (first != held_row[pe])
            held_row[pe] = last
            begin[pe] += stored


@kernel
def sum_columns(counts: Array, columns: Array, totals: Array) -> None:
    """Add the ``columns`` of ``counts`` [columns, pes] to ``totals`` [pes]: what each PE has to do."""
    for j in range(columns.size):
        column = columns[j]
        for pe in range(totals.size):
            totals[pe] += counts[column, pe]
