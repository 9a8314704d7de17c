"""Which elements a pattern keeps, given a score for each: the lowest scores stay. Random draws or magnitudes decide.

Ties go to the element that comes first, so that the same scores give the same mask everywhere.
"""

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.units import ceil_div
from simulator.workload.sparsity import Balanced, Blocks, NOfM, Structured, UniformDensity

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[Any]
Pattern = UniformDensity | NOfM | Structured | Blocks | Balanced


def kept_of(density: float, count: int) -> int:
    """Return how many of ``count`` survive at a density, to the nearest.

    Examples
    --------
    >>> kept_of(0.5, 5), kept_of(0.09, 100)
    (3, 9)
    """
    return int(density * count + 0.5)


def select(scores: Scores, pattern: Pattern) -> Mask:
    """Return the mask of a pattern over ``scores``; groups are scored by their sum.

    Examples
    --------
    >>> select(np.array([[3, 1, 2, 0]]), NOfM(kind="n_of_m", n=1, m=2, axis=1)).tolist()
    [[False, True, False, True]]
    """
    if isinstance(pattern, NOfM):
        return select_n_of_m(scores, pattern)
    if isinstance(pattern, Structured):
        axes = tuple(axis for axis in range(scores.ndim) if axis != pattern.axis % scores.ndim)
        firsts = np.arange(0, scores.shape[pattern.axis], pattern.block)
        return select_channels(np.add.reduceat(scores.sum(axis=axes, dtype=np.float64), firsts), pattern, scores.shape)
    if isinstance(pattern, Blocks):
        return select_blocks(_block_sums(scores, pattern.shape), pattern, scores.shape)
    if isinstance(pattern, Balanced):
        return select_balanced(scores, pattern)
    return lowest(scores.reshape(-1), kept_of(pattern.density, scores.size)).reshape(scores.shape)


def lowest(scores: Scores, kept: int) -> Mask:
    """Return which of ``scores`` [n] are the ``kept`` lowest."""
    chosen = np.zeros(scores.size, dtype=np.bool_)
    if 0 < kept < scores.size:
        limit = np.partition(scores, kept - 1)[kept - 1]
        chosen = scores < limit
        ties = np.flatnonzero(scores == limit)
        chosen[ties[: kept - int(np.count_nonzero(chosen))]] = True
    elif kept >= scores.size:
        chosen[:] = True
    return chosen


def select_n_of_m(scores: Scores, pattern: NOfM) -> Mask:
    """Keep the lowest ``n`` of each group of ``m`` along the pattern's axis; a ragged last group is a group too."""
    axis = -1 if pattern.axis is None else pattern.axis
    moved = np.moveaxis(scores, axis, -1)
    groups = ceil_div(moved.shape[-1], pattern.m)
    padded = np.zeros((*moved.shape[:-1], groups * pattern.m), dtype=moved.dtype)
    padded[..., : moved.shape[-1]] = moved
    absent = np.arange(groups * pattern.m) >= moved.shape[-1]
    order = np.lexsort((padded.reshape(-1, pattern.m), np.broadcast_to(absent, padded.shape).reshape(-1, pattern.m)))
    kept = np.zeros((order.shape[0], pattern.m), dtype=np.bool_)
    np.put_along_axis(kept, order[:, : pattern.n], values=True, axis=1)
    mask = kept.reshape(padded.shape)[..., : moved.shape[-1]]
    return np.ascontiguousarray(np.moveaxis(mask, -1, axis))


def select_channels(scores: Scores, pattern: Structured, shape: tuple[int, ...]) -> Mask:
    """Keep whole groups of ``block`` indices along the pattern's axis; ``scores`` are those of the groups."""
    size = shape[pattern.axis]
    kept = np.repeat(lowest(scores, kept_of(pattern.density, scores.size)), pattern.block)[:size]
    sides = [1] * len(shape)
    sides[pattern.axis] = -1
    return np.broadcast_to(kept.reshape(sides), shape)


def block_counts(shape: tuple[int, ...], block: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many blocks lie along each axis; ``block`` is of the last axes.

    Examples
    --------
    >>> block_counts((3, 7, 9), (2, 4))
    (3, 4, 3)
    """
    extents = (1,) * (len(shape) - len(block)) + block
    return tuple(ceil_div(size, extent) for size, extent in zip(shape, extents, strict=True))


def select_blocks(scores: Scores, pattern: Blocks, shape: tuple[int, ...]) -> Mask:
    """Keep whole blocks; ``scores`` are those of the blocks, in their order."""
    counts = block_counts(shape, pattern.shape)
    mask = lowest(scores.reshape(-1), kept_of(pattern.density, prod(counts))).reshape(counts)
    for axis, extent in enumerate(pattern.shape, len(shape) - len(pattern.shape)):
        mask = np.repeat(mask, extent, axis=axis)
    return np.ascontiguousarray(mask[tuple(slice(size) for size in shape)])


def _block_sums(scores: Scores, block: tuple[int, ...]) -> Scores:
    sums = scores.astype(np.float64)
    for axis, extent in enumerate(block, scores.ndim - len(block)):
        sums = np.add.reduceat(sums, np.arange(0, scores.shape[axis], extent), axis=axis)
    return sums


def select_balanced(scores: Scores, pattern: Balanced) -> Mask:
    """Keep the same share of each PE's rows: those whose index along the axis is the PE's, modulo their number."""
    moved = np.moveaxis(scores, pattern.axis, 0)
    mask = np.zeros(moved.shape, dtype=np.bool_)
    for pe in range(min(pattern.pes, moved.shape[0])):
        own = moved[pe :: pattern.pes]
        mask[pe :: pattern.pes] = lowest(own.reshape(-1), kept_of(pattern.density, own.size)).reshape(own.shape)
    return np.ascontiguousarray(np.moveaxis(mask, 0, pattern.axis))
