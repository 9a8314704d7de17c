"""Runs of bytes that repeat in loops, and the DMA descriptors that they are: rows at a pitch, one or a few a box."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.memory.dma import DESCRIPTOR
from simulator.records import WRITE, Table, table

Numbers = npt.NDArray[Any]


class Descriptors(NamedTuple):
    """The DMA descriptors of a tape: those of transfer ``i`` are ``pieces[spans[i]:spans[i + 1]]``."""

    pieces: Table  # DESCRIPTOR
    spans: Table  # int64 [transfers + 1]


class Boxes(NamedTuple):
    """Loops around a run of bytes, one row a box: counts and strides outermost first."""

    transfer: Numbers  # [n]
    base_byte: Numbers  # [n]
    row_bytes: Numbers  # [n]
    counts: Numbers  # [n, LEVELS]
    strides: Numbers  # [n, LEVELS]


LEVELS = 4


def melted(boxes: Boxes) -> Boxes:
    """Join loops that touch: inner ones into the run of bytes, outer ones with each other."""
    counts, strides, run = boxes.counts.copy(), boxes.strides, boxes.row_bytes.copy()
    melting = np.ones(len(run), bool)
    for level in range(LEVELS - 1, -1, -1):
        joins = melting & (strides[:, level] == run)
        run = np.where(joins, run * counts[:, level], run)
        melting &= joins | (counts[:, level] == 1)
        counts[joins, level] = 1
    for level in range(LEVELS - 2, -1, -1):
        for inner in range(level + 1, LEVELS):  # levels between have no count of their own
            between = (counts[:, level + 1 : inner] == 1).all(axis=1)
            touches = strides[:, level] == counts[:, inner] * strides[:, inner]
            joins = between & touches & (counts[:, inner] > 1)
            counts[joins, inner] *= counts[joins, level]
            counts[joins, level] = 1
    return boxes._replace(counts=counts, row_bytes=run)


def pieces_of(boxes: Boxes, transfers: Table) -> Descriptors:
    """Make the longest loop of each box the rows of a descriptor, and write the others out."""
    every = np.arange(len(boxes.transfer))
    longest = LEVELS - 1 - np.argmax(boxes.counts[:, ::-1], axis=1)
    rows, pitch = boxes.counts[every, longest], boxes.strides[every, longest]
    others = boxes.counts.copy()
    others[every, longest] = 1
    repeats = others.prod(axis=1)
    source = np.repeat(every, repeats)
    rest = np.arange(len(source)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    base = boxes.base_byte[source]
    for level in range(LEVELS - 1, -1, -1):
        base = base + rest % others[source, level] * boxes.strides[source, level]
        rest = rest // others[source, level]
    pieces = table(DESCRIPTOR, len(source))
    pieces["base_byte"], pieces["row_bytes"] = base, boxes.row_bytes[source]
    pieces["rows"], pieces["pitch_bytes"] = rows[source], np.where(rows[source] > 1, pitch[source], 0)
    owner = boxes.transfer[source]
    pieces["is_write"] = transfers["direction"][owner] == WRITE
    return Descriptors(pieces, np.searchsorted(owner, np.arange(len(transfers) + 1)))


def join_descriptors(found: Sequence[Descriptors]) -> Descriptors:
    """Return the descriptors of several tapes as those of one, transfers and pieces one tape after another."""
    pieces = np.concatenate([one.pieces for one in found]).view(np.recarray)
    first = np.cumsum([0, *(len(one.pieces) for one in found)])
    spans = [one.spans[:-1] + begin for one, begin in zip(found, first, strict=False)]
    return Descriptors(pieces, np.concatenate([*spans, first[-1:]]))
