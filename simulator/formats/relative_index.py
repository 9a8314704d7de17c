"""Compressed columns with relative row indices: EIE's interleaved CSC, and Eyeriss v2's as its one-PE case.

Source of EIE's: Han et al., ISCA 2016, section 3 (4-bit weight code, 4-bit zero run, padding zero beyond 15).
Source of Eyeriss v2's: Chen et al., JETCAS 2019, section IV (8-bit value, 4-bit count, 7-bit column address).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.sizes import Integers, StoredSize, check_range, check_width, integer_array

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CompressedColumns:
    """A matrix [rows, columns] as ``pes`` memories of (value, run) entries and column pointers.

    Parameters
    ----------
    pointers
        First entry of each column on each PE, and its end [pes, columns + 1], into ``values``: PE after PE.
    values, runs
        One stored value and one count of preceding zeros an entry. A padding entry has value 0.
    """

    rows: int
    columns: int
    value_bits: int
    index_bits: int
    pointers: Counts
    values: Integers
    runs: npt.NDArray[np.uint8]
    padding: Counts

    @property
    def pes(self) -> int:
        """How many PEs share the rows."""
        return int(self.pointers.shape[0])

    @property
    def entries_per_column_and_pe(self) -> Counts:
        """Entries, padding included [columns, pes]."""
        return np.ascontiguousarray(np.diff(self.pointers, axis=1).T)

    @property
    def padding_per_column_and_pe(self) -> Counts:
        """Padding entries [columns, pes]."""
        return np.ascontiguousarray(self.padding.T)

    def size(self, pointer_bits: int, *, raw_bits_per_value: int | None = None) -> StoredSize:
        """Return the bits of all PEs' entries and pointers; a pointer addresses the entries of its own PE.

        Parameters
        ----------
        pointer_bits
            Width of one of the ``columns + 1`` pointers of a PE.
        raw_bits_per_value
            Width of a value of the dense matrix; the stored value's own where not given (a codebook index stands for
            a wider value).

        Raises
        ------
        ArchitectureError
            The pointers are too narrow for the longest PE's entries.
        """
        check_width("pointer_bits", pointer_bits, most=64)
        longest = int((self.pointers[:, -1] - self.pointers[:, 0]).max())
        if longest >> pointer_bits:
            message = (
                f"format: pointer_bits = {pointer_bits} cannot address the {longest} entries of one PE; give at least "
                f"{longest.bit_length()} bits, more PEs, or a smaller matrix"
            )
            raise ArchitectureError(message)
        entries = int(self.values.size)
        width = self.value_bits if raw_bits_per_value is None else raw_bits_per_value
        return StoredSize(
            raw_bits=self.rows * self.columns * width,
            payload_bits=entries * self.value_bits,
            metadata_bits=entries * self.index_bits + self.pointers.size * pointer_bits,
        )


def _scanned(matrix: Integers) -> npt.NDArray[Any]:
    """Return the matrix in rows one after the other, booleans as bytes: one compiled form for masks and codes."""
    return np.ascontiguousarray(matrix.view(np.uint8) if matrix.dtype == np.bool_ else matrix)


def _check(matrix: npt.ArrayLike, pes: int, index_bits: int) -> Integers:
    array = integer_array(matrix, "weight matrix", dimensions=2)
    check_width("index_bits", index_bits, most=8)
    if pes < 1:
        message = f"format: pes = {pes}; give at least one PE"
        raise ArchitectureError(message)
    if 0 in array.shape:
        message = f"weight matrix: has shape {list(array.shape)}; give at least one row and one column"
        raise WorkloadError(message)
    return array


def _scratch(columns: int) -> npt.NDArray[np.int32]:
    return np.empty((2, columns + 1), dtype=np.int32)


def entry_counts(matrix: npt.ArrayLike, pes: int, *, index_bits: int = 4) -> tuple[Counts, Counts]:
    """Return how many entries, and how many padding entries of them, each column takes on each PE [columns, pes].

    Parameters
    ----------
    matrix
        Codes or mask [rows, columns], zero where nothing is stored.
    pes
        How many PEs share the rows: row i lives on PE i mod pes.
    index_bits
        Width of the zero run: 2**index_bits zeros take a padding entry.

    Raises
    ------
    WorkloadError, ArchitectureError
        The matrix has no two axes or no elements, or a width or PE count makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((40, 1), dtype=bool)
    >>> mask[39] = True
    >>> [counts.tolist() for counts in entry_counts(mask, 2)]
    [[[0, 2]], [[0, 1]]]
    """
    from simulator.formats.relative_index_kernel import count_entries

    array = _check(matrix, pes, index_bits)
    entries = np.zeros((pes, array.shape[1]), dtype=np.int64)
    padding = np.zeros_like(entries)
    count_entries(_scanned(array), 1 << index_bits, _scratch(array.shape[1]), entries, padding)
    return np.ascontiguousarray(entries.T), np.ascontiguousarray(padding.T)


def position_counts(
    positions: npt.ArrayLike, shape: tuple[int, int], pes: int, *, index_bits: int = 4
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return :func:`entry_counts` of a matrix whose non-zeros are listed: the same work for any number of PEs.

    Parameters
    ----------
    positions
        column x rows + row of every non-zero, ascending.
    shape
        Rows and columns of the matrix.

    Raises
    ------
    WorkloadError, ArchitectureError
        A position lies outside the matrix or behind its successor, or a width or PE count makes no sense.

    Examples
    --------
    >>> [counts.tolist() for counts in position_counts([39], (40, 1), 2)]
    [[[0, 2]], [[0, 1]]]
    """
    from simulator.formats.relative_index_kernel import count_positions

    rows, columns = shape
    check_width("index_bits", index_bits, most=8)
    if not 1 <= pes < 1 << 20 or rows >= 1 << 31:
        message = f"format: pes = {pes}, rows = {rows}; give 1 to {(1 << 20) - 1} PEs and less than {1 << 31} rows"
        raise ArchitectureError(message)
    listed = np.asarray(positions, dtype=np.int64)
    entries = np.zeros((columns, pes), dtype=np.int32)  # a column has no more entries than rows
    padding = np.zeros_like(entries)
    if not count_positions(listed, rows, index_bits, np.empty(pes, dtype=np.int32), entries, padding):
        message = f"positions: must ascend from 0 to {rows * columns - 1}, the last place of [{rows}, {columns}]"
        raise WorkloadError(message)
    return entries, padding


def encode_columns(
    matrix: npt.ArrayLike, pes: int = 1, *, value_bits: int = 4, index_bits: int = 4
) -> CompressedColumns:
    """Encode unsigned codes [rows, columns], 0 for a zero, for ``pes`` PEs.

    Raises
    ------
    WorkloadError, ArchitectureError
        As :func:`entry_counts`, or a code needs more than ``value_bits``.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = encode_columns(np.array([[0, 3], [5, 0]]))
    >>> encoded.values.tolist(), encoded.runs.tolist(), encoded.pointers.tolist()
    ([5, 3], [1, 0], [[0, 1, 2]])
    """
    from simulator.formats.relative_index_kernel import count_entries, fill_entries

    array = _check(matrix, pes, index_bits)
    check_width("value_bits", value_bits)
    check_range(array, "weight matrix", value_bits, signed=False)
    scanned, span = _scanned(array), 1 << index_bits
    columns = array.shape[1]
    scratch = _scratch(columns)
    entries = np.zeros((pes, columns), dtype=np.int64)
    padding = np.zeros_like(entries)
    count_entries(scanned, span, scratch, entries, padding)
    ends = np.cumsum(entries.ravel()).reshape(pes, columns)
    pointers = np.column_stack((ends[:, 0] - entries[:, 0], ends))
    values = np.zeros(int(ends[-1, -1]), dtype=np.uint8 if value_bits <= 8 else np.uint32)
    runs = np.full(values.size, span - 1, dtype=np.uint8)
    fill_entries(scanned, span, scratch, pointers[:, :-1].copy(), values, runs)
    return CompressedColumns(array.shape[0], columns, value_bits, index_bits, pointers, values, runs, padding)


def decode_columns(encoded: CompressedColumns) -> Integers:
    """Return the codes [rows, columns] that ``encoded`` stores.

    Examples
    --------
    >>> import numpy as np
    >>> decode_columns(encode_columns(np.array([[0, 3], [5, 0]]), pes=2)).tolist()
    [[0, 3], [5, 0]]
    """
    lengths = np.diff(encoded.pointers, axis=1).ravel()
    column_of = np.repeat(np.arange(lengths.size), lengths)
    steps = np.concatenate(([0], np.cumsum(encoded.runs.astype(np.int64) + 1)))
    local_row = steps[1:] - steps[encoded.pointers[:, :-1].ravel()[column_of]] - 1
    pe, column = np.divmod(column_of, encoded.columns)
    stored = encoded.values != 0
    matrix = np.zeros((encoded.rows, encoded.columns), dtype=encoded.values.dtype)
    matrix[(local_row * encoded.pes + pe)[stored], column[stored]] = encoded.values[stored]
    return matrix
