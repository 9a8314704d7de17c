"""Eyeriss v2's compressed columns: 8-bit values with 4-bit zero counts, and 7-bit column addresses.

Source: Chen et al., JETCAS 2019, section IV-A. The address of a column is where its entries begin; equal neighbours
mean an empty column. More than 15 zeros before a value take an explicit zero (assumed: the paper's columns are short).
"""

import numpy as np
import numpy.typing as npt

from simulator.formats.relative_index import CompressedColumns, decode_columns, encode_columns
from simulator.formats.sizes import StoredSize, check_range, integer_array

VALUE_BITS = 8
COUNT_BITS = 4
ADDRESS_BITS = 7


def encode_segment(values: npt.ArrayLike, *, count_bits: int = COUNT_BITS) -> CompressedColumns:
    """Encode one scratchpad's share of a matrix [rows, columns]: signed 8-bit values, as two's complement bytes.

    Raises
    ------
    WorkloadError, ArchitectureError
        The array has no two axes, a value needs more than 8 bits, or the count has no sensible width.

    Examples
    --------
    >>> segment = encode_segment([[0, -1], [2, 0]])
    >>> segment.values.tolist(), segment.runs.tolist(), segment_size(segment).metadata_bits
    ([2, 255], [1, 0], 29)
    """
    array = integer_array(values, "segment", dimensions=2)
    check_range(array, "segment", VALUE_BITS, signed=True)
    return encode_columns(array.astype(np.int8).view(np.uint8), value_bits=VALUE_BITS, index_bits=count_bits)


def decode_segment(segment: CompressedColumns) -> npt.NDArray[np.int8]:
    """Return the signed values [rows, columns] that ``segment`` stores.

    Examples
    --------
    >>> decode_segment(encode_segment([[0, -1], [2, 0]])).tolist()
    [[0, -1], [2, 0]]
    """
    return decode_columns(segment).view(np.int8)


def segment_size(segment: CompressedColumns, *, address_bits: int = ADDRESS_BITS) -> StoredSize:
    """Return the bits of a segment: values, counts and column addresses.

    Raises
    ------
    ArchitectureError
        The addresses are too narrow for its entries: cut the matrix into smaller segments.
    """
    return segment.size(address_bits)
