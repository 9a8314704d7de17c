"""Run-length code of Eyeriss: (zeros before, value) pairs, packed into 64-bit words.

Source: Chen et al., JSSC 2017, section V: a 5-bit run and a 16-bit level, three pairs a word, and one bit that marks
the last word. A run beyond 31 takes an overflow symbol (31, 0), which stands for 32 zeros.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.sizes import Integers, StoredSize, check_range, check_width, integer_array
from simulator.units import ceil_div

WORD_BITS = 64
_ROUNDING = 1e-12


@dataclass(frozen=True)
class RunLengthStream:
    """A tensor, flattened, as words of pairs. The first pair of a word is in its lowest bits, the last-word bit on top.

    Parameters
    ----------
    words
        Packed pairs [words], uint64; slots behind the last pair are zero.
    pairs
        How many slots are used.
    elements
        How many values the pairs stand for.
    """

    words: npt.NDArray[np.uint64]
    pairs: int
    elements: int
    run_bits: int
    level_bits: int

    @property
    def size(self) -> StoredSize:
        """Bits of the whole words: unused slots and the last-word bits count as metadata."""
        payload_bits = self.pairs * self.level_bits
        return StoredSize(
            raw_bits=self.elements * self.level_bits,
            payload_bits=payload_bits,
            metadata_bits=self.words.size * WORD_BITS - payload_bits,
        )


def pairs_per_word(run_bits: int, level_bits: int) -> int:
    """Return how many pairs a 64-bit word holds beside its last-word bit.

    Raises
    ------
    ArchitectureError
        A width makes no sense, or not even one pair fits.

    Examples
    --------
    >>> pairs_per_word(5, 16)
    3
    """
    check_width("run_bits", run_bits, most=16)
    check_width("level_bits", level_bits, most=WORD_BITS)
    fitting = (WORD_BITS - 1) // (run_bits + level_bits)
    if fitting == 0:
        message = (
            f"format: run_bits = {run_bits} and level_bits = {level_bits} do not fit a word of {WORD_BITS} bits "
            f"beside its last-word bit; give at most {WORD_BITS - 1} bits together"
        )
        raise ArchitectureError(message)
    return fitting


def encode_runs(values: npt.ArrayLike, *, run_bits: int = 5, level_bits: int = 16) -> RunLengthStream:
    """Encode signed integers, in the order in which they lie in memory.

    Raises
    ------
    WorkloadError, ArchitectureError
        A value needs more than ``level_bits``, or a width makes no sense.

    Examples
    --------
    >>> stream = encode_runs([0, 0, 7] + [0] * 40 + [1])
    >>> stream.pairs, stream.words.size, stream.size.stored_bits
    (3, 1, 64)
    """
    per_word = pairs_per_word(run_bits, level_bits)
    flat = integer_array(values, "values").ravel()
    check_range(flat, "values", level_bits, signed=True)
    span = 1 << run_bits
    places = np.flatnonzero(flat)
    zeros = np.diff(places, prepend=-1) - 1
    trailing = flat.size - (int(places[-1]) + 1 if places.size else 0)
    last_of = np.cumsum(zeros // span + 1) - 1  # the pair that carries each non-zero, behind its overflows
    pairs = (int(last_of[-1]) + 1 if places.size else 0) + ceil_div(trailing, span)
    runs = np.full(pairs, span - 1, dtype=np.uint64)
    levels = np.zeros(pairs, dtype=np.uint64)
    runs[last_of] = zeros % span
    levels[last_of] = flat[places].astype(np.int64).view(np.uint64) & np.uint64((1 << level_bits) - 1)
    if trailing % span:
        runs[-1] = trailing % span - 1
    words = _packed(runs | levels << np.uint64(run_bits), per_word, run_bits + level_bits)
    return RunLengthStream(words, pairs, flat.size, run_bits, level_bits)


def count_pairs(mask: npt.NDArray[np.bool_], run_bits: int = 5) -> int:
    """Return the pairs that a tensor with these non-zeros takes: those of :func:`encode_runs`, without packing them.

    Examples
    --------
    >>> count_pairs(np.array([0, 0, 7] + [0] * 40 + [1]) != 0)
    3
    """
    places = np.flatnonzero(mask)
    zeros = np.diff(places, prepend=-1) - 1
    trailing = mask.size - (int(places[-1]) + 1 if places.size else 0)
    return int((zeros >> run_bits).sum()) + places.size + ceil_div(trailing, 1 << run_bits)


def pairs_each(density: float, run_bits: int = 5) -> float:
    """Return the mean pairs of one of many values, each a zero or not by itself.

    A run of ``z`` zeros takes ``floor(z / 2**run_bits)`` overflow pairs beside the non-zero's own.

    Examples
    --------
    >>> pairs_each(0.0), pairs_each(1.0)
    (0.03125, 1.0)
    """
    span = 1 << run_bits
    if density <= 0:
        return 1 / span
    overflow = (1 - density) ** span
    return density + density * overflow / (1 - overflow) if overflow < 1 else 1 / span


def _packed(symbols: npt.NDArray[np.uint64], per_word: int, symbol_bits: int) -> npt.NDArray[np.uint64]:
    slots = np.zeros((ceil_div(symbols.size, per_word), per_word), dtype=np.uint64)
    slots.ravel()[: symbols.size] = symbols
    shifts = np.arange(per_word, dtype=np.uint64) * np.uint64(symbol_bits)
    words: npt.NDArray[np.uint64] = np.bitwise_or.reduce(slots << shifts, axis=1)
    if words.size:
        words[-1] |= np.uint64(1 << (WORD_BITS - 1))
    return words


def decode_runs(stream: RunLengthStream) -> npt.NDArray[np.int64]:
    """Return the values that ``stream`` stores, flat.

    Raises
    ------
    WorkloadError
        The pairs do not add up to the stream's elements.

    Examples
    --------
    >>> decode_runs(encode_runs([0, -3, 0])).tolist()
    [0, -3, 0]
    """
    run_bits, level_bits = stream.run_bits, stream.level_bits
    per_word = pairs_per_word(run_bits, level_bits)
    shifts = np.arange(per_word, dtype=np.uint64) * np.uint64(run_bits + level_bits)
    symbols = (stream.words[:, None] >> shifts).ravel()[: stream.pairs]
    runs = (symbols & np.uint64((1 << run_bits) - 1)).astype(np.int64)
    levels = (symbols >> np.uint64(run_bits)) & np.uint64((1 << level_bits) - 1)
    unused = np.uint64(64 - level_bits)
    signed = (levels << unused).view(np.int64) >> np.int64(unused)
    places = np.cumsum(runs + 1) - 1
    if (int(places[-1]) + 1 if places.size else 0) != stream.elements:
        message = f"run-length stream: pairs do not add up to {stream.elements} elements; the stream is damaged"
        raise WorkloadError(message)
    values: Integers = np.zeros(stream.elements, dtype=np.int64)
    values[places] = signed
    return values


def expected_pairs(elements: int, density: float, *, run_bits: int = 5) -> int:
    """Return the pairs that ``elements`` values take, each a zero or not by itself, rounded up.

    Examples
    --------
    >>> expected_pairs(3200, 0.0), expected_pairs(3200, 1.0), expected_pairs(3200, 0.5)
    (100, 3200, 1601)
    """
    return ceil(elements * pairs_each(density, run_bits) - _ROUNDING * elements)


def expected_bits(elements: int, density: float, *, run_bits: int = 5, level_bits: int = 16) -> int:
    """Return the stored bits of ``elements`` values of a density: whole 64-bit words, or raw where that is less.

    Examples
    --------
    >>> expected_bits(3000, 1.0), expected_bits(3000, 0.25)
    (48000, 16064)
    """
    words = ceil_div(expected_pairs(elements, density, run_bits=run_bits), pairs_per_word(run_bits, level_bits))
    return min(words * WORD_BITS, elements * level_bits)
