"""What EIE's PEs read and do for the columns that are broadcast (docs/model/eie.md; Han et al., ISCA 2016)."""

from typing import Any

from simulator._jit import kernel

Array = Any
"""A numpy array: kernels are typed where they are called."""

Scalar = Any
"""An integer of the type of the array that it is read from."""


@kernel(inlined=True)
def _row_of(place: Scalar, shift: int, per_row: int) -> Scalar:
    """Return the weight row of an entry; a shift in place of a division is several times faster."""
    return place >> shift if shift >= 0 else place // per_row


@kernel
def count_row_reads(entries: Array, begins: Array, columns: Array, per_row: int, held_row: Array, reads: Array) -> None:
    """Add to ``reads`` [pes] the weight rows of ``per_row`` entries that each PE reads for ``columns``, in this order.

    ``entries`` [columns, pes] are stored from ``begins`` [columns, pes] on; ``held_row`` [pes] is each PE's row buffer.
    Without a branch on the PE, so that all PEs are counted at once.
    """
    shift = 0
    while 1 << shift < per_row:
        shift += 1
    if 1 << shift != per_row:
        shift = -1
    for j in range(columns.size):
        column = columns[j]
        for pe in range(reads.size):
            stored, begin = entries[column, pe], begins[column, pe]
            first = _row_of(begin, shift, per_row)
            last = _row_of(begin + max(stored, 1) - 1, shift, per_row)
            held = held_row[pe]
            reads[pe] += last - first + (first != held) if stored > 0 else 0
            held_row[pe] = last if stored > 0 else held


@kernel
def sum_columns(counts: Array, columns: Array, totals: Array) -> None:
    """Add the ``columns`` of ``counts`` [columns, pes] to ``totals`` [pes]: what each PE has to do."""
    for j in range(columns.size):
        column = columns[j]
        for pe in range(totals.size):
            totals[pe] += counts[column, pe]
