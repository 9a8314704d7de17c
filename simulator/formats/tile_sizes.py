"""Bits of tiles that are encoded one by one: exact from a mask, expected from a density.

A tile is stored encoded or raw, whichever is smaller; these are the sizes of the encoded form. Knows formats only.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.arch.compression import FeatureMapFormat, WeightFormat
from simulator.errors import ArchitectureError
from simulator.formats.run_length import WORD_BITS, count_pairs, pairs_each, pairs_per_word

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Form = WeightFormat | FeatureMapFormat
_ROUNDING = 1e-12  # of a share times a count: what binary fractions add does not start another bit


class TileShapes(NamedTuple):
    """Tiles of one tensor as their format sees them, one entry a tile.

    ``rows`` are output channels, ``columns`` input channels and taps, ``groups`` the groups of N:M neighbours that a
    tile touches. Of feature maps only the elements count.
    """

    elements: Counts
    rows: Counts
    columns: Counts
    groups: Counts


def expected_bits(form: Form, shapes: TileShapes, density: float, value_bits: int, *, in_pattern: bool) -> Counts:
    """Return the mean encoded bits of tiles whose elements are non-zero at random, each rounded up to a bit.

    Parameters
    ----------
    form : WeightFormat or FeatureMapFormat
    shapes : TileShapes
    density : float
        Share of non-zeros, 0 to 1.
    value_bits : int
        Of an element [bits].
    in_pattern : bool
        Whether the tensor keeps the N:M pattern of ``form``.

    Examples
    --------
    >>> count = np.array([4096])
    >>> shapes = TileShapes(count, np.array([64]), np.array([64]), np.array([1024]))
    >>> expected_bits(FeatureMapFormat(format="bitmask"), shapes, 0.25, 8, in_pattern=False).tolist()
    [12288]
    """
    if form.format == "rlc":
        pairs = _ceil(shapes.elements * pairs_each(density, form.option("run_bits")))
        return _run_length_bits(form, pairs, value_bits)
    if form.format == "csc":
        index_bits = form.option("index_bits")
        entries = _ceil(shapes.columns * _entries_a_column(shapes.rows, density, 1 << index_bits))
        return _column_bits(form, entries, (shapes.columns, shapes.elements), value_bits)
    if form.format == "n_of_m":
        return _group_bits(form, shapes, value_bits, in_pattern=in_pattern)
    return np.asarray(shapes.elements + _ceil(shapes.elements * density) * value_bits)


def mask_bits(form: Form, tile: Mask, value_bits: int, groups: int = 0, *, in_pattern: bool = False) -> int:
    """Return the encoded bits of one tile, exactly.

    Parameters
    ----------
    tile : bool array
        [output channels, input channels and taps] of weights; any shape, in the order in DRAM, of feature maps.
    groups : int
        Groups of N:M neighbours that it touches.

    Examples
    --------
    >>> mask_bits(WeightFormat(format="csc", pointer_bits=16), np.eye(4, dtype=bool), 8)
    128
    """
    if form.format == "rlc":
        return int(_run_length_bits(form, np.array(count_pairs(tile, form.option("run_bits"))), value_bits))
    if form.format == "csc":
        from simulator.formats.relative_index import entry_counts

        entries = entry_counts(tile, 1, index_bits=form.option("index_bits"))[0].sum()
        extents = np.array(tile.shape[1]), np.array(tile.size)
        return int(_column_bits(form, entries, extents, value_bits))
    if form.format == "n_of_m":
        one = np.array(tile.size), np.array(tile.shape[0]), np.array(tile.shape[-1]), np.array(groups)
        return int(_group_bits(form, TileShapes(*one), value_bits, in_pattern=in_pattern))
    return int(tile.size + np.count_nonzero(tile) * value_bits)


def _ceil(counts: npt.NDArray[Any]) -> Counts:
    return np.ceil(counts * (1.0 - _ROUNDING)).astype(np.int64)


def _run_length_bits(form: Form, pairs: Counts, level_bits: int) -> Counts:
    """Return whole 64-bit words of pairs."""
    return np.asarray(-(-pairs // pairs_per_word(form.option("run_bits"), level_bits)) * WORD_BITS)


def _entries_a_column(rows: Counts, density: float, span: int) -> npt.NDArray[np.float64]:
    """Return the mean entries of a column: non-zeros, and a padding entry for each ``span`` zeros before one.

    A non-zero at row p has at least j x span zeros before it, if p is that far down, with (1 - density) ** (j span).
    """
    tallest, mean = int(np.max(rows, initial=0)), rows.astype(np.float64)
    for zeros in range(span, tallest, span):
        likelihood = (1.0 - density) ** zeros
        if likelihood == 0.0:
            break
        mean += likelihood * np.maximum(0, rows - zeros)
    return np.asarray(density * mean)


def _column_bits(form: Form, entries: Counts, extents: tuple[Counts, Counts], value_bits: int) -> Counts:
    """Return entries with their counts of zeros, and the pointers of all columns; ``extents`` = columns, elements.

    Pointers are as wide as the format says, or as the tile needs if it were dense.
    """
    columns, elements = extents
    longest, given = int(np.max(entries, initial=0)), form.given("pointer_bits")
    pointer_bits = given or int(np.max(elements, initial=0)).bit_length()
    if longest >> pointer_bits:
        message = (
            f"compression.weight.pointer_bits = {pointer_bits} cannot address the {longest} entries of a tile; give "
            f"at least {longest.bit_length()} bits, leave it out, or give smaller tiles"
        )
        raise ArchitectureError(message)
    return np.asarray(entries * (value_bits + form.option("index_bits")) + (columns + 1) * pointer_bits)


def _group_bits(form: Form, shapes: TileShapes, value_bits: int, *, in_pattern: bool) -> Counts:
    """Return N values and places a group; weights that break the pattern would need a place for every value."""
    m = form.option("m")
    place_bits = (m - 1).bit_length()
    kept = shapes.groups * form.option("n") if in_pattern else shapes.elements
    return np.asarray(kept * (value_bits + place_bits))
