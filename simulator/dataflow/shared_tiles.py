"""Tiles that several cores read alike, fetched once into a last-level scratchpad (docs/model/cores.md).

The planner plans every core's part of a layer by itself, so each loads its operands from DRAM. Where the parts of a
layer read the same tiles of an operand in the same order, one more DMA queue fetches each tile once, in that order, and
the cores' loads read the scratchpad instead. A fetch waits for the reads of the tiles whose room it takes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import LastLevel, Tape
from simulator.records import IFMAP, MAC_WORK, NONE, OPERAND_NAMES, READ, TRANSFER, WEIGHT, Table, table

Numbers = npt.NDArray[np.int64]

REGION_OF_PART = {
    WEIGHT: ("first_ofmap_channel", "ofmap_channels", "first_ifmap_channel", "ifmap_channels"),
    IFMAP: ("first_ifmap_channel", "ifmap_channels", "first_ifmap_row", "ifmap_rows", "first_image", "images"),
}
REGION_OF_WORK = {WEIGHT: ("G", "K", "C", "R", "S", "weight_bits"), IFMAP: ("N", "G", "C", "H", "W", "ifmap_bits")}
"""What parts have in common that read the same tensor."""


class Group(NamedTuple):
    """The loads of one operand of one layer: row ``i`` is the same tile, a column a core [tiles, cores]."""

    operand: int
    loads: Numbers


def share_tiles(tape: Tape, tables: tuple[Table, Table, Table], level: LastLevel, capacity_bytes: int) -> Tape:
    """Return ``tape`` with the tiles that cores have in common fetched once; as it is where they have none.

    Parameters
    ----------
    tape : Tape
        Of several cores.
    tables : recarrays of WORK, MAPPING, PART
    level : LastLevel
        Its port; what passes it is filled in.
    capacity_bytes : int
        Room for tiles. An operand with a tile larger than that is loaded by every core.
    """
    place = np.zeros(len(tape.transfers), np.int64)
    place[tape.order] = np.arange(len(tape.order))
    groups = _in_one_order(_groups(tape, *tables, capacity_bytes), place)
    tiles = _in_order(groups, place)
    if not tiles:
        return tape
    first, count = len(tape.transfers), len(tiles)
    fetches, afters = table(TRANSFER, count), tape.afters.tolist()
    fetches[:] = tape.transfers[[int(tile[0]) for tile in tiles]]
    fetches["queue"], fetches["free_step"], fetches["free_use"] = tape.cores, NONE, NONE
    transfers = np.concatenate([tape.transfers, fetches]).view(np.recarray)
    filled_by = np.full(len(transfers), NONE, np.int64)
    evicted = _evictions(transfers["payload_bytes"][first:], capacity_bytes)
    last_read: dict[int, int] = {}  # by core, of the tiles whose room is taken
    gone = 0
    for number, tile in enumerate(tiles):
        while gone <= evicted[number]:
            last_read |= {int(transfers[load].queue): int(load) for load in tiles[gone]}
            gone += 1
        awaited = _afters_of(tape, tile) | set(last_read.values())
        _wait_for(transfers[first + number], sorted(awaited), afters)
        filled_by[tile] = first + number
        for load in tile:
            _wait_for(transfers[load], [first + number], afters)
    return replace(
        tape,
        transfers=transfers,
        afters=np.array(afters, np.int64),
        order=np.concatenate([tape.order, np.arange(first, first + count)]),
        counters=_counted_once(tape, groups),
        cores=tape.cores + 1,
        last_level=replace(level, on_chip=(filled_by != NONE).astype(np.int64), filled_by=filled_by),
    )


def _wait_for(transfer: Table, awaited: Sequence[int], afters: list[int]) -> None:
    transfer["first_after"], transfer["afters"] = len(afters), len(awaited)
    afters += awaited


def _afters_of(tape: Tape, tile: Numbers) -> set[int]:
    """Return what the loads of a tile wait for: the stores of what they read."""
    rows = [tape.transfers[load] for load in tile]
    return {int(one) for row in rows for one in tape.afters[row.first_after : row.first_after + row.afters]}


def _evictions(sizes: Numbers, capacity_bytes: int) -> list[int]:
    """Return the newest tile that must be gone before each is fetched, first in first out; -1: none."""
    ends = np.cumsum(sizes)
    gone: list[int] = np.where(ends > capacity_bytes, np.searchsorted(ends, ends - capacity_bytes), -1).tolist()
    return gone


def _counted_once(tape: Tape, groups: Sequence[Group]) -> Table:
    """Return the counters with the DRAM bytes of shared tiles at the core that reads them first alone."""
    counters = tape.counters.copy()
    for group in groups:
        others = group.loads[:, 1:].ravel()
        rows = tape.transfers[others]
        np.subtract.at(counters[f"{OPERAND_NAMES[group.operand]}_dram_bytes"], rows["layer"], rows["payload_bytes"])
    return counters


def _groups(tape: Tape, works: Table, mappings: Table, parts: Table, capacity_bytes: int) -> list[Group]:
    """Return what the parts of each layer have in common."""
    of_layer: dict[int, list[int]] = {}
    for index, whole in enumerate(parts["whole"].tolist()):
        of_layer.setdefault(whole, []).append(index)
    loads = _loads(tape)
    found = []
    for mine in of_layer.values():
        if len(mine) < 2 or len({int(parts[i].core) for i in mine}) < len(mine) or works[mine[0]].kind != MAC_WORK:
            continue
        for operand in (IFMAP, WEIGHT):
            rows = [loads.get((i, operand), np.zeros(0, np.int64)) for i in mine]
            if len(rows[0]) and _are_alike(tape, rows) and _read_the_same(operand, mine, works, mappings, parts):
                group = Group(operand, np.stack(rows, axis=1))
                if int(tape.transfers["payload_bytes"][rows[0]].max()) <= capacity_bytes:
                    found.append(group)
    return found


def _loads(tape: Tape) -> dict[tuple[int, int], Numbers]:
    """Return the loads of each (work, operand) in queue order, those without bytes left out."""
    transfers = tape.transfers[tape.order]
    kept = np.flatnonzero((transfers["direction"] == READ) & (transfers["payload_bytes"] > 0))
    keys = transfers["layer"][kept] * (len(OPERAND_NAMES)) + transfers["operand"][kept]
    order = np.argsort(keys, kind="stable")
    names, begins = np.unique(keys[order], return_index=True)
    pieces = np.split(tape.order[kept[order]], begins[1:])
    return {divmod(int(name), len(OPERAND_NAMES)): piece for name, piece in zip(names, pieces, strict=True)}


def _are_alike(tape: Tape, rows: Sequence[Numbers]) -> bool:
    """Say whether the cores load as many tiles, of the same numbers and bytes."""
    if len({len(row) for row in rows}) > 1:
        return False
    return all(
        (tape.transfers[name][row] == tape.transfers[name][rows[0]]).all()
        for row in rows[1:]
        for name in ("tile", "payload_bytes", "codec_cycles")
    )


def _read_the_same(operand: int, mine: Sequence[int], works: Table, mappings: Table, parts: Table) -> bool:
    """Say whether parts of a layer read one tensor, cut into the same tiles and in the same order."""
    same_part = all((parts[name][mine] == parts[name][mine[0]]).all() for name in REGION_OF_PART[operand])
    same_work = all((works[name][mine] == works[name][mine[0]]).all() for name in REGION_OF_WORK[operand])
    names = ("dataflow", "order", "N", "P", "Q", "G", "K", "C")
    same_tiles = all((mappings[name][mine] == mappings[name][mine[0]]).all() for name in names)
    return bool(same_part and same_work and same_tiles and _same_counts(mine, works, mappings))


def _same_counts(mine: Sequence[int], works: Table, mappings: Table) -> bool:
    """Say whether every loop has as many tiles in all parts, so that a tile's number means the same."""
    counts = [tuple(-(-int(works[i][name]) // int(mappings[i][name])) for name in "NPQGKC") for i in mine]
    return len(set(counts)) == 1


def _in_order(groups: Sequence[Group], place: Numbers) -> list[Numbers]:
    """Return all tiles in the order in which the first core loads them."""
    return sorted((row for group in groups for row in group.loads), key=lambda row: int(place[row[0]]))


def _in_one_order(groups: list[Group], place: Numbers) -> list[Group]:
    """Return the groups of which every core loads the tiles in one order; those out of it are left to every core."""
    kept = list(groups)
    while True:
        owner = {int(row[0]): number for number, group in enumerate(kept) for row in group.loads}
        latest: dict[int, int] = {}
        wrong = None
        for row in _in_order(kept, place):
            for column, load in enumerate(row):
                if place[load] < latest.get(column, -1):
                    wrong = owner[int(row[0])]
                latest[column] = max(latest.get(column, -1), int(place[load]))
        if wrong is None:
            return kept
        del kept[wrong]
