"""What a stored tensor costs in bits, and the bypass of a format that costs more than it saves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import ArchitectureError, WorkloadError

Integers = npt.NDArray[Any]


@dataclass(frozen=True)
class StoredSize:
    """Bits of one encoded tensor.

    Parameters
    ----------
    raw_bits
        The dense tensor at its own width.
    payload_bits
        Stored values, padding included.
    metadata_bits
        Everything else that must be stored to decode them: indices, runs, pointers, masks.

    Examples
    --------
    >>> size = StoredSize(raw_bits=64, payload_bits=64, metadata_bits=8)
    >>> size.bypassed, size.stored_bits
    (True, 64)
    """

    raw_bits: int
    payload_bits: int
    metadata_bits: int

    @property
    def encoded_bits(self) -> int:
        """Payload and metadata [bits]."""
        return self.payload_bits + self.metadata_bits

    @property
    def bypassed(self) -> bool:
        """Whether the encoded form is larger than the raw tensor, which is then stored instead."""
        return self.encoded_bits > self.raw_bits

    @property
    def stored_bits(self) -> int:
        """What is stored: the smaller of the two [bits]."""
        return min(self.encoded_bits, self.raw_bits)


def check_width(name: str, bits: int, *, least: int = 1, most: int = 32) -> None:
    """Check that a field of a format is ``least`` to ``most`` bits wide.

    Raises
    ------
    ArchitectureError
        It is not.
    """
    if not least <= bits <= most:
        message = f"format: {name} = {bits} is too {'narrow' if bits < least else 'wide'}; give {least} to {most} bits"
        raise ArchitectureError(message)


def integer_array(values: npt.ArrayLike, name: str, dimensions: int | None = None) -> Integers:
    """Return ``values`` as an array of integers or booleans, of ``dimensions`` axes where that is given.

    Raises
    ------
    WorkloadError
        It holds something else, or has another number of axes.
    """
    array = np.asarray(values)
    if array.dtype != np.bool_ and not np.issubdtype(array.dtype, np.integer):
        message = f"{name}: holds {array.dtype} values; give integers (stored codes) or booleans (a mask)"
        raise WorkloadError(message)
    if dimensions is not None and array.ndim != dimensions:
        message = f"{name}: has shape {list(array.shape)}; give an array of {dimensions} axes"
        raise WorkloadError(message)
    return array


def check_range(array: Integers, name: str, bits: int, *, signed: bool) -> None:
    """Check that every value of ``array`` is a ``bits`` wide integer.

    Raises
    ------
    WorkloadError
        One is not; the message gives the width that would hold it.
    """
    if array.size == 0 or array.dtype == np.bool_:
        return
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    low, high = int(array.min()), int(array.max())
    if low < least or high > most:
        message = (
            f"{name}: values run from {low} to {high}, but {bits} {'signed' if signed else 'unsigned'} bits "
            f"hold {least} to {most}; give a wider field or clip the values"
        )
        raise WorkloadError(message)
