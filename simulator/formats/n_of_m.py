"""N:M: in each group of M neighbours along the last axis at most N values are kept, each with its place in the group.

Source of 2:4 with 2-bit places: NVIDIA A100 Tensor Core GPU Architecture whitepaper, 2020.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.sizes import Integers, StoredSize, check_range, check_width, integer_array
from simulator.units import ceil_div


@dataclass(frozen=True)
class NOfMTensor:
    """``values`` and ``places`` [..., groups, n], places ascending; a ragged last group is filled up with zeros."""

    shape: tuple[int, ...]
    values: Integers
    places: npt.NDArray[np.uint8]
    m: int
    value_bits: int

    @property
    def n(self) -> int:
        """Values kept in a group."""
        return int(self.values.shape[-1])

    @property
    def place_bits(self) -> int:
        """Width of one place."""
        return (self.m - 1).bit_length()

    @property
    def size(self) -> StoredSize:
        """N values and N places a group, whether they are zero or not."""
        elements = int(np.prod(self.shape, dtype=np.int64))
        return StoredSize(
            elements * self.value_bits, self.values.size * self.value_bits, self.values.size * self.place_bits
        )


def encode_n_of_m(values: npt.ArrayLike, n: int, m: int, *, value_bits: int = 8) -> NOfMTensor:
    """Encode signed integers whose groups keep the N:M pattern.

    Groups with fewer than ``n`` non-zeros keep zeros at their first free places.

    Raises
    ------
    ArchitectureError
        ``n`` exceeds ``m``, or a width makes no sense.
    WorkloadError
        A group has more than ``n`` non-zeros, or a value needs more than ``value_bits``.

    Examples
    --------
    >>> encoded = encode_n_of_m([0, 7, 0, 3], 2, 4)
    >>> encoded.values.tolist(), encoded.places.tolist(), encoded.size.metadata_bits
    ([[7, 3]], [[1, 3]], 4)
    """
    check_width("value_bits", value_bits, most=64)
    if not 1 <= n <= m <= 256:
        message = f"format: n = {n}, m = {m}; give 1 <= n <= m <= 256 (2:4 is n = 2, m = 4)"
        raise ArchitectureError(message)
    array = integer_array(values, "values")
    if array.ndim == 0:
        message = "values: is a single number; give an array whose last axis is the reduction"
        raise WorkloadError(message)
    check_range(array, "values", value_bits, signed=True)
    groups = ceil_div(array.shape[-1], m)
    padded = np.zeros((*array.shape[:-1], groups * m), dtype=array.dtype)
    padded[..., : array.shape[-1]] = array
    grouped = padded.reshape(*array.shape[:-1], groups, m)
    kept = np.count_nonzero(grouped, axis=-1)
    if kept.size and int(kept.max()) > n:
        at = tuple(int(i) for i in np.unravel_index(int(kept.argmax()), kept.shape))
        message = f"values: group {list(at)} has {int(kept.max())} non-zeros; {n}:{m} keeps {n}: prune the tensor first"
        raise WorkloadError(message)
    places = np.sort(np.argsort(grouped == 0, axis=-1, kind="stable")[..., :n], axis=-1)
    return NOfMTensor(array.shape, np.take_along_axis(grouped, places, axis=-1), places.astype(np.uint8), m, value_bits)


def decode_n_of_m(encoded: NOfMTensor) -> Integers:
    """Return the tensor that ``encoded`` stores.

    Examples
    --------
    >>> decode_n_of_m(encode_n_of_m([0, 7, 0, 3], 2, 4)).tolist()
    [0, 7, 0, 3]
    """
    groups = encoded.values.shape[-2]
    grouped = np.zeros((*encoded.shape[:-1], groups, encoded.m), dtype=encoded.values.dtype)
    np.put_along_axis(grouped, encoded.places.astype(np.int64), encoded.values, axis=-1)
    return grouped.reshape(*encoded.shape[:-1], groups * encoded.m)[..., : encoded.shape[-1]]
