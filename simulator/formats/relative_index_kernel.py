"""Compiled passes over a matrix that is stored by columns with relative row indices, rows dealt out to PEs in turn.

Row ``i`` lives on PE ``i mod pes`` as its local row ``i div pes``. An entry is (value, zeros before it in this column
of this PE); a run of ``span`` zeros or more takes padding entries of value 0, each standing for ``span`` zeros.
"""

from typing import Any

from simulator._jit import kernel

Array = Any
"""A numpy array: kernels are typed where they are called."""


@kernel
def _find(row: Array, found: Array) -> int:
    """Write the columns of a row's non-zeros to ``found``; return how many. Branchless: most tests would mispredict."""
    count = 0
    for column in range(row.size):
        found[count] = column
        count += row[column] != 0
    return count


@kernel
def count_entries(matrix: Array, span: int, scratch: Array, entries: Array, padding: Array) -> None:
    """Add to ``entries`` and ``padding`` [pes, columns] what each column takes on each PE.

    ``matrix`` [rows, columns], non-zero where an entry is; ``scratch`` [2, columns + 1] of int32.
    """
    last_row, found = scratch[0], scratch[1]
    pes = entries.shape[0]
    for pe in range(pes):
        last_row[:] = -1
        for local_row, row in enumerate(range(pe, matrix.shape[0], pes)):
            for i in range(_find(matrix[row], found)):
                column = found[i]
                pads = (local_row - last_row[column] - 1) // span
                entries[pe, column] += 1 + pads
                padding[pe, column] += pads
                last_row[column] = local_row


@kernel
def fill_entries(matrix: Array, span: int, scratch: Array, cursor: Array, values: Array, runs: Array) -> None:
    """Write the entries of ``matrix`` to ``values`` and ``runs`` from ``cursor`` [pes, columns] on, which moves along.

    The same walk as :func:`count_entries`, so that ``cursor`` ends where the next column begins. ``values`` and
    ``runs`` are preset to padding: (0, span - 1).
    """
    last_row, found = scratch[0], scratch[1]
    pes = cursor.shape[0]
    for pe in range(pes):
        last_row[:] = -1
        for local_row, row in enumerate(range(pe, matrix.shape[0], pes)):
            for i in range(_find(matrix[row], found)):
                column = found[i]
                run = local_row - last_row[column] - 1
                place = cursor[pe, column] + run // span
                values[place] = matrix[row, column]
                runs[place] = run % span
                cursor[pe, column] = place + 1
                last_row[column] = local_row


@kernel
def count_positions(
    positions: Array, rows: int, index_bits: int, last_row: Array, entries: Array, padding: Array
) -> bool:
    """Add to ``entries`` and ``padding`` [columns, pes] what columns take whose non-zeros are listed, not scanned.

    ``positions`` are column x rows + row; ``last_row`` [pes] is scratch. Returns whether they ascend inside the matrix.
    Rows are less than 2**31 on less than 2**20 PEs: the quotient by multiplication is exact.
    """
    pes = last_row.size
    per_pe = 1.0 / pes
    shift = 0
    while 1 << shift < pes:
        shift += 1
    is_power = 1 << shift == pes  # a shift in place of a multiplication, a third faster
    previous = -1
    i = 0
    for column in range(entries.shape[0]):
        begin = column * rows
        last_row[:] = -1
        while i < positions.size and positions[i] < begin + rows:
            if positions[i] <= previous:
                return False
            previous = positions[i]
            row = previous - begin
            local_row = row >> shift if is_power else int((row + 0.5) * per_pe)
            pe = row - local_row * pes
            pads = (local_row - last_row[pe] - 1) >> index_bits
            entries[column, pe] += 1 + pads
            padding[column, pe] += pads
            last_row[pe] = local_row
            i += 1
    return bool(i == positions.size)
