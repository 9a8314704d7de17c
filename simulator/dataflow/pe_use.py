"""Which processing elements of an array do a nest's work, and for how long: a law of tiles and folds, no timing.

A fold uses the top left of the array (docs/model/systolic.md), so the products that PE(i, j) makes over a whole nest
are the product of what its row and what its column take of every tile. An array is therefore described by few *blocks*
of PEs that are used alike; blocks of one nest may lie on each other, and then add up. A beat is *used* as far as its
products are asked for: a PE that could make four at once and makes one is used for a quarter of it. Hence the mean of
all PEs over the layer's cycles is the layer's utilization, exactly.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.arch.systolic_array import SystolicArray
from simulator.dataflow.no_local_reuse import TreeMachine, TreeMapping, pieces
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, filter_folds
from simulator.records import IS, MAC_WORK, OS, WS, Table
from simulator.units import ceil_div


class Block(NamedTuple):
    """PEs of ``rows`` x ``columns`` from (``row``, ``column``) on, each used for ``beats`` cycles."""

    row: int
    column: int
    rows: int
    columns: int
    beats: float


Profile = list[tuple[int, int, int]]
"""(first place, places, units each place takes), places in order, those without units left out."""


def profile(extents: Mapping[int, int], places: int, lanes: int = 1) -> Profile:
    """Return how many units each of so many places takes of pieces that are folded over them.

    Parameters
    ----------
    extents : mapping
        Size of a piece -> how many pieces there are.
    places : int
        Rows or columns of the array.
    lanes : int
        Neighbouring units that share a place.

    Examples
    --------
    >>> profile({10: 1}, places=4)
    [(0, 2, 3), (2, 2, 2)]
    >>> profile({5: 2}, places=4, lanes=2)
    [(0, 2, 4), (2, 1, 2)]
    """
    steps: Counter[int] = Counter()  # place -> change of units from the place before
    for extent, count in extents.items():
        whole, rest = divmod(extent, places * lanes)
        full, part = divmod(rest, lanes)
        steps[0] += count * (whole * lanes + (lanes if full else part))
        if full:
            steps[full] += count * (part - lanes)
            steps[full + 1] -= count * part
        else:
            steps[1] -= count * part
    return _from_steps(steps, places)


def _from_steps(steps: Mapping[int, int], places: int) -> Profile:
    found: Profile = []
    ends = [*sorted(place for place, change in steps.items() if change and place < places), places]
    units = 0
    for first, last in pairwise(ends):
        units += steps[first]
        if units:
            found.append((first, last - first, units))
    return found


def _tiles(total: int, tile: int) -> Counter[int]:
    """Return the sizes of the tiles of at most ``tile`` that ``total`` splits into, and how many there are of each."""
    whole, rest = divmod(total, tile)
    return Counter({size: count for size, count in ((tile, whole), (rest, 1)) if size and count})


def _blocks(rows: Profile, columns: Profile, beats: float) -> Iterator[Block]:
    for (row, height, taken), (column, width, given) in product(rows, columns):
        yield Block(row, column, height, width, float(taken * given * beats))


def use_of(extent: tuple[int, int], nests: Iterable[Iterable[Block]]) -> dict[str, Any]:
    """Return the blocks of a row's nests as results hold them: whole beats as integers."""
    found = [
        (*block[:4], int(block.beats) if block.beats.is_integer() else block.beats) for nest in nests for block in nest
    ]
    return {"rows": extent[0], "columns": extent[1], "blocks": tuple(found)}


def systolic_use(array: SystolicArray, works: Table, mappings: Table) -> dict[str, Any]:
    """Return where on a systolic array the products of a row's works were made, as results hold it."""
    extent = array.rows, array.columns
    pairs = ((work, mapping) for work, mapping in zip(works, mappings, strict=True) if work["kind"] == MAC_WORK)
    return use_of(extent, (systolic_blocks(work, mapping, extent) for work, mapping in pairs))


def systolic_blocks(work: Any, mapping: Any, extent: tuple[int, int]) -> list[Block]:  # noqa: ANN401 - records
    """Return the blocks of a systolic array that a nest uses.

    Parameters
    ----------
    work, mapping : records of WORK and MAPPING
    extent : (int, int)
        Rows and columns of the array.
    """
    nest = {name: int(work[name]) for name in ("N", "G", "K", "C", "P", "Q", "R", "S")}
    tile = {name: int(mapping[name]) for name in ("N", "P", "Q", "G", "K", "C")}
    pack, inner_pack = int(work["pack"]), max(1, int(work["inner_pack"]))
    beats = int(work["sequence_steps"]) * int(work["passes"]) / (pack * inner_pack)
    flow, taps = int(mapping["dataflow"]), nest["R"] * nest["S"]
    inner = Counter({size * taps: count for size, count in _tiles(nest["C"], tile["C"]).items()})
    filters = _tiles(nest["K"], tile["K"])
    pixels = nest["N"] * nest["P"] * nest["Q"]
    packed = int(work["group_packing"]) > 1 and (tile["C"], tile["K"]) == (nest["C"], nest["K"])
    if flow == WS and packed:
        return list(_diagonal(nest, tile["G"], (int(work["group_packing"]), pack, inner_pack), beats * pixels))
    beats *= nest["G"]
    rows_of = _row_tiles(nest, tile)
    if flow == OS:
        across, down, each = profile(filters, extent[1], pack), profile(rows_of, extent[0]), nest["C"] * taps
    elif flow == IS:
        across, down, each = profile(rows_of, extent[1]), profile(inner, extent[0], inner_pack), nest["K"]
    else:
        across, down, each = profile(filters, extent[1], pack), profile(inner, extent[0], inner_pack), pixels
    return list(_blocks(down, across, beats * each))


def _row_tiles(nest: Mapping[str, int], tile: Mapping[str, int]) -> Counter[int]:
    """Return the rows of the matrix product in each row tile: images x ofmap rows x ofmap columns."""
    found: Counter[int] = Counter()
    parts = [_tiles(nest[name], tile[name]).items() for name in ("N", "P", "Q")]
    for (n, images), (p, heights), (q, widths) in product(*parts):
        found[n * p * q] += images * heights * widths
    return found


def _diagonal(nest: Mapping[str, int], group_tile: int, packing: tuple[int, int, int], beats: float) -> Iterator[Block]:
    """WS with whole groups on the array's diagonal: what lies beside it multiplies zeros; ``packing``: groups, pack."""
    together, pack, inner_pack = packing
    inner, filters = nest["C"] * nest["R"] * nest["S"], nest["K"]
    folds: Counter[int] = Counter()  # place on the diagonal -> groups that are held there
    for groups, count in _tiles(nest["G"], group_tile).items():
        held = min(together, groups)
        for place, times in enumerate(divmod(groups + held - 1 - place, held)[0] for place in range(held)):
            folds[place] += count * times
    height = ceil_div(inner, inner_pack)
    rows = profile({inner: 1}, height, inner_pack)
    for place, times in folds.items():
        first, last = place * filters, (place + 1) * filters  # lanes
        for column in range(first // pack, ceil_div(last, pack)):
            lanes = min(last, (column + 1) * pack) - max(first, column * pack)
            for row, rows_alike, taken in rows:
                yield Block(place * height + row, column, rows_alike, 1, taken * lanes * times * beats)


def tree_blocks(nest: ConvNest, machine: TreeMachine, mapping: TreeMapping) -> list[Block]:
    """Return the multipliers that a nest uses on an array without local reuse: rows are channels, columns filters."""
    down = profile(dict(pieces(nest.C, mapping.c)), machine.rows)
    across = profile(dict(pieces(nest.K, mapping.m)), machine.columns)
    return list(_blocks(down, across, nest.N * nest.P * nest.Q * nest.R * nest.S * nest.G * nest.repeats))


def row_stationary_blocks(nest: ConvNest, machine: RowMachine, mapping: RowMapping) -> list[Block]:
    """Return the PEs that a nest uses under row stationary.

    Set ``s`` of the ``r t`` logical ones takes the ``s mod r``-th share of a pass's channels and the ``s // r``-th of
    its filters. Sets lie beside each other while they fit the columns, then below; strips of a wide set below each
    other (docs/model/row_stationary.md). Which set lies where is our choice: the hardware's is not published, and only
    ragged shares tell sets apart.
    """
    channels = _shares(_tiles(nest.C, mapping.q * mapping.r), mapping.r)
    filters: Counter[int] = Counter()
    for kept, times in _tiles(nest.K, mapping.m).items():
        for share, units in _shares(_tiles(kept, mapping.p * mapping.t), mapping.t).items():
            filters[share] += times * units
    strips = _tiles(nest.P, mapping.e)
    folds = filter_folds(nest, machine)
    outer = nest.N * nest.Q * nest.G * nest.repeats
    used = np.zeros((machine.rows, machine.columns), np.int64)
    for (channel_set, taken), (filter_set, made) in product(channels.items(), filters.items()):
        number = filter_set * mapping.r + channel_set
        for fold, (row, column, width, first) in product(
            folds, _places(machine, mapping.e, number, len(folds[0].rows))
        ):
            each = outer * taken * made * len(fold.columns)
            for strip, times in strips.items():
                shown = max(0, min(width, strip - first))
                used[row : row + len(fold.rows), column : column + shown] += times * each
    return list(_alike(used))


def _alike(used: npt.NDArray[np.int64]) -> Iterator[Block]:
    """Yield rectangles of equal beats: equal neighbours of a row, and of rows that are alike."""
    ends = [0, *(np.flatnonzero((used[1:] != used[:-1]).any(axis=1)) + 1).tolist(), len(used)]
    for first, last in pairwise(ends):
        line = used[first]
        parts = [0, *(np.flatnonzero(line[1:] != line[:-1]) + 1).tolist(), len(line)]
        for left, right in pairwise(parts):
            if line[left]:
                yield Block(first, left, last - first, right - left, float(line[left]))


def _shares(tiles: Mapping[int, int], sets: int) -> Counter[int]:
    """Return what each of so many sets takes of all tiles, each of which gives every set the same share, rounded up."""
    found: Counter[int] = Counter()
    for size, count in tiles.items():
        share = ceil_div(size, sets)
        for number in range(sets):
            found[number] += count * max(0, min(share, size - number * share))
    return found


def _places(machine: RowMachine, width: int, number: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (row, column, columns, first ofmap row) of each part of logical set ``number`` on the array."""
    if width <= machine.columns:
        beside = machine.columns // width
        yield number // beside * height, number % beside * width, width, 0
        return
    strips = ceil_div(width, machine.columns)
    for strip in range(strips):
        first = strip * machine.columns
        yield (number * strips + strip) * height, 0, min(machine.columns, width - first), first
