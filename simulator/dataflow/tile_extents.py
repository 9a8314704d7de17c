"""Extents of all tiles of a layer at once, in program order: what the planner's loops visit one by one, as arrays.

Plain numpy twin of :mod:`simulator.dataflow.tiling` for passes over a finished tape; tests hold it equal to the
planner's counters and to the loop nest written out.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.records import ORDER_NAMES

Counts = npt.NDArray[np.int64]


class Extents(NamedTuple):
    """Of each step of a multiply-accumulate work [steps]."""

    rows: Counts
    inner: Counts
    cols: Counts
    groups: Counts
    accumulates: Counts  # 1: the step adds to psums of an earlier one
    final: npt.NDArray[np.bool_]  # finishes its outputs
    closed: npt.NDArray[np.bool_]  # its psum tile leaves the slot, finished or spilled

    @property
    def outputs(self) -> Counts:
        """Psums of the tile."""
        return self.rows * self.cols * self.groups


class TileKinds(NamedTuple):
    """Steps that differ in nothing: a layer of many thousand has a few dozen kinds of them."""

    extents: Extents  # of each kind
    kind_of: Counts  # [steps]


def _sorts(total: int, tile: int) -> tuple[Counts, Counts]:
    """Return the sizes of a first, a middle and a last tile (or fewer), and which of these each along the axis is."""
    count = -(-total // tile)
    which = np.ones(count, np.int64)
    which[0], which[-1] = 0, min(count, 3) - 1
    return np.array([tile] * (min(count, 3) - 1) + [total - (count - 1) * tile]), which


@lru_cache(maxsize=256)
def _grid(shape: tuple[int, ...]) -> Counts:
    """Return the indices of an array of ``shape`` [axes, entries]."""
    return np.indices(shape).reshape(len(shape), -1)


def tile_kinds(work: Any, mapping: Any) -> TileKinds:  # noqa: ANN401 - records
    """Return the kinds of a work's steps, and which each is of: time steps, groups, then the mapping's loop order."""
    order = ORDER_NAMES[int(mapping.order)]
    axes = "G" + "".join({"m": "NPQ", "k": "K", "c": "C"}[name] for name in order)
    sorts = {name: _sorts(int(getattr(work, name)), int(getattr(mapping, name))) for name in axes}
    kind_of, stride = np.zeros(1, np.int64), 1
    for name in reversed(axes):  # the innermost axis turns fastest in program order and in kinds
        kind_of = np.add.outer(stride * sorts[name][1], kind_of).ravel()
        stride *= len(sorts[name][0])
    at = dict(zip(axes, _grid(tuple(len(sorts[name][0]) for name in axes)), strict=True))
    size = {name: sorts[name][0][at[name]] for name in axes}
    tiles = {name: len(sorts[name][1]) for name in axes}
    inside = axes[axes.index("C") + 1 :]
    final = at["C"] == len(sorts["C"][0]) - 1
    extents = Extents(
        rows=size["N"] * size["P"] * size["Q"],
        inner=size["C"] * int(work.R) * int(work.S),
        cols=size["K"],
        groups=size["G"],
        accumulates=(at["C"] > 0).astype(np.int64),
        final=final,
        closed=final | (tiles["C"] > 1 and any(tiles[name] > 1 for name in inside)),
    )
    return TileKinds(extents, np.tile(kind_of, int(work.sequence_steps)))


def tile_extents(work: Any, mapping: Any) -> Extents:  # noqa: ANN401 - records
    """Return the extents of a work's steps in program order."""
    kinds = tile_kinds(work, mapping)
    return Extents._make(values[kinds.kind_of] for values in kinds.extents)


def is_scattered(work: Any) -> bool:  # noqa: ANN401 - a record
    """Say whether a psum is not one element of the ofmap: what a step stores then depends on those before."""
    psums = int(work.sequence_steps) * int(work.N) * int(work.P) * int(work.Q) * int(work.G) * int(work.K)
    return psums != int(work.ofmap_elements)


def stored_bits(work: Any, extents: Extents) -> Counts:  # noqa: ANN401 - a record
    """Return the ofmap bits that each step finishes: an element a psum, or its share where psums are scattered.

    ``extents`` may be those of kinds of steps, but for scattered psums.
    """
    outputs = np.where(extents.final, extents.outputs, 0)
    if not is_scattered(work):
        return outputs * int(work.ofmap_bits)
    everything = int(outputs.sum())
    after = np.array([int(float(int(work.ofmap_elements)) * int(done) / everything) for done in np.cumsum(outputs)])
    after[-1] = int(work.ofmap_elements)
    before = np.concatenate([[0], after[:-1]])
    return (after - before) * int(work.ofmap_bits)


def chunk_sizes(total: int, chunks: int) -> Counts:
    """Return nearly equal parts of ``total``, as the vector planner cuts them.

    Examples
    --------
    >>> chunk_sizes(7, 3)
    array([2, 2, 3])
    """
    edges = np.array([total * i // chunks for i in range(chunks + 1)], np.int64)
    return edges[1:] - edges[:-1]
