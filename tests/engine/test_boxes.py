"""Loops that touch melt into one run; what is left becomes rows at a pitch."""

import numpy as np

from simulator.engine.boxes import Boxes, Descriptors, join_descriptors, melted, pieces_of
from simulator.memory.dma import DESCRIPTOR
from simulator.records import TRANSFER, table


def boxes(run, *levels):
    """One box of runs of ``run`` bytes in loops of (count, stride), outermost first."""
    counts, strides = (np.array([column]) for column in zip(*levels, strict=True))
    return Boxes(np.array([0]), np.array([100]), np.array([run]), counts, strides)


def test_loops_that_touch_are_one_run():
    found = melted(boxes(8, (1, 0), (2, 32), (2, 16), (2, 8)))
    assert (found.row_bytes.tolist(), found.counts.tolist()) == ([64], [[1, 1, 1, 1]])


def test_a_gap_leaves_rows_at_a_pitch():
    found = pieces_of(melted(boxes(8, (1, 0), (3, 100), (2, 16), (2, 8))), table(TRANSFER, 1))
    piece = found.pieces[0]
    assert (piece.base_byte, piece.row_bytes, piece.rows, piece.pitch_bytes) == (100, 32, 3, 100)
    assert found.spans.tolist() == [0, 1]


def test_descriptors_of_several_tapes_are_put_one_behind_the_other():
    first, second = table(DESCRIPTOR, 3), table(DESCRIPTOR, 1)
    first["base_byte"], second["base_byte"] = [1, 2, 3], 4
    both = join_descriptors([Descriptors(first, np.array([0, 1, 3])), Descriptors(second, np.array([0, 0, 1]))])
    assert both.pieces["base_byte"].tolist() == [1, 2, 3, 4]
    assert both.spans.tolist() == [0, 1, 3, 3, 4]
