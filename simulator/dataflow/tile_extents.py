"""Extents of all tiles of a layer at once, in program order: what the planner's loops visit one by one, as arrays.

Plain numpy twin of :mod:`simulator.dataflow.tiling` for passes over a finished tape; tests hold it equal to the
planner's counters and to the loop nest written out.
"""

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


def _parts(total: int, tile: int) -> Counts:
    """Return the sizes of the tiles that ``total`` is cut into."""
    begins = np.arange(0, total, tile)
    return np.minimum(tile, total - begins)


def tile_extents(work: Any, mapping: Any) -> Extents:  # noqa: ANN401 - records
    """Return the extents of a work's steps in program order: time steps, groups, then the mapping's loop order."""
    rows = np.einsum("i,j,k->ijk", *(_parts(int(work[name]), int(mapping[name])) for name in "NPQ")).ravel()
    groups, cols, channels = (_parts(int(work[name]), int(mapping[name])) for name in "GKC")
    sizes = {"m": len(rows), "k": len(cols), "c": len(channels)}
    order = ORDER_NAMES[int(mapping.order)]
    nest = np.indices([len(groups), *(sizes[name] for name in order)]).reshape(4, -1)
    at = dict(zip(("g", *order), np.tile(nest, int(work.sequence_steps)), strict=True))
    final = at["c"] == sizes["c"] - 1
    stays = sizes["c"] == 1 or all(sizes[name] == 1 for name in order[order.index("c") + 1 :])
    return Extents(
        rows=rows[at["m"]],
        inner=channels[at["c"]] * int(work.R) * int(work.S),
        cols=cols[at["k"]],
        groups=groups[at["g"]],
        accumulates=(at["c"] > 0).astype(np.int64),
        final=final,
        closed=final | (not stays),
    )


def stored_bits(work: Any, extents: Extents) -> Counts:  # noqa: ANN401 - a record
    """Return the ofmap bits that each step finishes: an element a psum, or its share where psums are scattered."""
    outputs = np.where(extents.final, extents.outputs, 0)
    everything = int(outputs.sum())
    if everything == int(work.ofmap_elements):
        return outputs * int(work.ofmap_bits)
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
