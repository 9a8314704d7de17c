"""A bit for every element, and the non-zero values beside it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.formats.sizes import Integers, StoredSize, check_range, check_width, integer_array


@dataclass(frozen=True)
class BitmaskTensor:
    """``mask`` has one bit an element (packed, highest bit first); ``values`` are the non-zeros in memory order."""

    shape: tuple[int, ...]
    mask: npt.NDArray[np.uint8]
    values: Integers
    value_bits: int

    @property
    def size(self) -> StoredSize:
        """One mask bit an element, and the values."""
        elements = int(np.prod(self.shape, dtype=np.int64))
        return StoredSize(elements * self.value_bits, self.values.size * self.value_bits, elements)


def encode_bitmask(values: npt.ArrayLike, *, value_bits: int = 8) -> BitmaskTensor:
    """Encode signed integers of any shape.

    Raises
    ------
    WorkloadError, ArchitectureError
        A value needs more than ``value_bits``, or that width makes no sense.

    Examples
    --------
    >>> encoded = encode_bitmask([[0, 5], [0, 0]])
    >>> encoded.mask.tolist(), encoded.values.tolist(), encoded.size.stored_bits
    ([64], [5], 12)
    """
    check_width("value_bits", value_bits, most=64)
    array = integer_array(values, "values")
    check_range(array, "values", value_bits, signed=True)
    mask = array != 0
    return BitmaskTensor(array.shape, np.packbits(mask), array[mask], value_bits)


def decode_bitmask(encoded: BitmaskTensor) -> Integers:
    """Return the tensor that ``encoded`` stores.

    Examples
    --------
    >>> decode_bitmask(encode_bitmask([[0, 5], [0, 0]])).tolist()
    [[0, 5], [0, 0]]
    """
    elements = int(np.prod(encoded.shape, dtype=np.int64))
    array = np.zeros(elements, dtype=encoded.values.dtype)
    array[np.unpackbits(encoded.mask, count=elements).astype(np.bool_)] = encoded.values
    return array.reshape(encoded.shape)
