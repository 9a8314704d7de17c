"""Where encoded tiles lie in DRAM: each is one run of its own length, in place of the rectangle of its raw form.

Encoded weights follow each other tile by tile, each from the start of a DRAM word. An encoded tile of a feature map
begins in the word where its raw form would begin, so that readers of other tiles still find their place; one that is
a run of its own when raw (of recurrent layers and transposed convolutions), at its very byte: the run before it may end
in the same word.
"""

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import Tape
from simulator.engine.boxes import Descriptors
from simulator.engine.descriptors import Layout, Nest, Tiles
from simulator.memory.dma import DESCRIPTOR
from simulator.records import NONE, WEIGHT, Table, table


def with_runs(
    found: Descriptors, tape: Tape, encoded: npt.NDArray[np.bool_], tables: tuple[Table, Table, Table], layout: Layout
) -> Descriptors:
    """Return ``found`` with one descriptor for each encoded transfer.

    Parameters
    ----------
    found : Descriptors
        Of the tape as if every tile were raw: with the bytes of dense tiles.
    tape : Tape
        With the bytes of encoded tiles.
    encoded : bool array [transfers]
    tables : recarrays of WORK, MAPPING, REGION
    layout : Layout
    """
    nest = Nest(tape.transfers, *tables, layout)
    base, replaced = _weight_runs(nest, encoded)
    moves = nest.moves
    maps = encoded & (base == NONE) & moves
    first = found.pieces["base_byte"][found.spans[:-1][maps]]
    base[maps] = first - np.where(nest.is_scattered[maps], 0, first % layout.word_bytes)
    replaced = (replaced | maps) & moves
    if not replaced.any():
        return found
    owner = np.repeat(np.arange(len(moves)), np.diff(found.spans))
    kept = ~replaced[owner]
    runs, who = table(DESCRIPTOR, int(replaced.sum())), np.flatnonzero(replaced)
    runs["base_byte"], runs["row_bytes"], runs["rows"] = base[who], tape.transfers["payload_bytes"][who], 1
    runs["is_write"] = found.pieces["is_write"][found.spans[who]]
    owners = np.concatenate([owner[kept], who])
    order = np.argsort(owners, kind="stable")
    pieces = np.concatenate([found.pieces[kept], runs])[order].view(np.recarray)
    return Descriptors(pieces, np.searchsorted(owners[order], np.arange(len(moves) + 1)))


def _weight_runs(nest: Nest, encoded: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where the weight tiles of layers with encoded ones begin (NONE: other transfers), and which those are."""
    transfers, word = nest.transfers, nest.layout.word_bytes
    base = np.full(len(transfers), NONE, np.int64)
    packed = nest.operand(WEIGHT) & nest.moves & (nest.regions["weight_rows"][transfers["layer"]] == 0)
    for layer in np.unique(transfers["layer"][packed & encoded]):
        at = Tiles(np.flatnonzero(packed & (transfers["layer"] == layer)), nest)
        place = (at.g * at.tiles("K") + at.k) * at.tiles("C") + at.c
        places, which = np.unique(place, return_inverse=True)
        size = np.zeros(len(places), np.int64)
        size[which] = -(-at.transfers["payload_bytes"] // word) * word
        base[at.index] = nest.regions["weight"][layer] + (np.cumsum(size) - size)[which]
    return base, base != NONE
