"""One work cut into parts along a dimension: what each part computes, and where its tensors begin in the whole ones.

A part along K holds some output channels (of a grouped product: some groups) and reads the whole ifmap; along P some
output rows, with the halo of input rows they see, and reads all weights; along N some images, and reads all weights. A
vector or copy work is cut into equal runs of its inputs and outputs. docs/model/cores.md has the drawing.
"""

from itertools import pairwise
from typing import Any

from simulator.records import MAC_WORK, PART, WORK, Table, table
from simulator.units import BITS_PER_BYTE

Cut = tuple[Any, Any]
"""A WORK record and its PART record."""


def whole_parts(works: Table) -> Table:
    """Return the PART records of works that are not cut, on core 0."""
    parts = table(PART, len(works))
    parts["whole"] = range(len(works))
    parts["images"] = works["N"]
    parts["ifmap_channels"], parts["ifmap_rows"] = works["G"] * works["C"], works["H"]
    parts["ofmap_channels"], parts["ofmap_rows"] = works["G"] * works["K"], works["P"]
    return parts


def can_cut(work: Any, dimension: str) -> bool:  # noqa: ANN401
    """Say whether a multiply-accumulate work can be cut along ``dimension``: K or P.

    A recurrent work cannot: its state is on one core's chip. Output rows of scattered psums (a transposed convolution)
    overlap in the ofmap.
    """
    if work.sequence_steps != 1 or work.ifmap_on_chip:
        return False
    return dimension == "K" or _is_plain(work)


def cuts_along(work: Any, dimension: str, pieces: int) -> list[Cut]:  # noqa: ANN401
    """Return at most ``pieces`` parts of ``work``, none empty, as equal as whole channels or rows allow.

    Parameters
    ----------
    work : record of WORK
    dimension : {"K", "P"}
        For vector and copy work both are the same.
    pieces : int
    """
    if work.kind != MAC_WORK:
        pieces = max(1, min(pieces, int(work.ofmap_elements) // BITS_PER_BYTE))
        return [_run(work, i, i + 1, pieces) for i in range(pieces)]
    name = "G" if dimension == "K" and work.G > 1 else dimension
    ranges = equal_ranges(int(work[name]), pieces)
    return [_rows(work, *one) if name == "P" else _channels(work, name, *one) for one in ranges]


def images_of(work: Any, begin: int, end: int, images: int) -> Cut:  # noqa: ANN401
    """Return the part of ``work`` for [begin, end) of the ``images`` it is done for."""
    if work.kind != MAC_WORK:
        return _run(work, begin, end, images)
    name = "N" if work.N % images == 0 else "G"  # groups: each image has weights of its own (attention)
    each = int(work[name]) // images
    if name == "G":
        return _channels(work, name, begin * each, end * each)
    cut, part = _copy(work)
    _scale((cut, part), work, (begin, end, images))
    cut.N = (end - begin) * each
    part.first_image = begin * each
    return cut, part


def equal_ranges(total: int, pieces: int) -> list[tuple[int, int]]:
    """Return the ranges that cut ``total`` into ``pieces`` as equal as may be, without empty ones.

    Examples
    --------
    >>> equal_ranges(7, 3)
    [(0, 2), (2, 4), (4, 7)]
    """
    edges = [total * i // pieces for i in range(pieces + 1)]
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def _copy(work: Any) -> Cut:  # noqa: ANN401
    cut = table(WORK, 1)
    cut[0] = work
    return cut[0], whole_parts(cut)[0]


def _share(total: int, begin: int, end: int, whole: int) -> int:
    """Return the part of ``total`` that [begin, end) of ``whole`` has; neighbouring parts add up to all."""
    return int(total) * end // whole - int(total) * begin // whole


def _is_plain(work: Any) -> bool:  # noqa: ANN401
    """Whether each psum is one element of the ofmap."""
    psums = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    return bool(psums == work.ofmap_elements)


def _scale(cut: Cut, work: Any, piece: tuple[int, int, int]) -> None:  # noqa: ANN401
    """Give ``cut`` its share of what is counted for a whole work; ``piece`` = begin, end, whole."""
    for name in ("macs", "ofmap_elements", "operations"):
        cut[0][name] = _share(work[name], *piece)
    cut[1].first_ofmap_bit = int(work.ofmap_elements) * piece[0] // piece[2] * int(work.ofmap_bits)


def _channels(work: Any, name: str, begin: int, end: int) -> Cut:  # noqa: ANN401
    cut, part = _copy(work)
    whole = int(work[name])
    _scale((cut, part), work, (begin, end, whole))
    cut[name] = end - begin
    cut.parameter_bits = _share(work.parameter_bits, begin, end, whole)
    cut.group_packing = min(int(work.group_packing), int(cut.G))
    part.first_ofmap_channel = begin * (int(work.K) if name == "G" else 1)
    part.first_ifmap_channel = begin * int(work.C) if name == "G" else 0
    return cut, part


def _rows(work: Any, begin: int, end: int) -> Cut:  # noqa: ANN401
    """Cut output rows [begin, end): the input rows they see, as a tile of them would (tiling.span)."""
    cut, part = _copy(work)
    _scale((cut, part), work, (begin, end, int(work.P)))
    reach = (int(work.R) - 1) * int(work.dilation_h) + 1
    top = begin * int(work.stride_h) - int(work.pad_h)
    first = 0 if begin == 0 else min(max(0, top), int(work.H))
    last = int(work.H)
    if end < work.P:
        bottom = (end - 1) * int(work.stride_h) - int(work.pad_h) + max(reach, int(work.stride_h))
        last = min(max(first, bottom), last)
    cut.P, cut.H = end - begin, last - first
    cut.pad_h = max(0, first - top)
    part.first_ofmap_row, part.first_ifmap_row = begin, first
    return cut, part


def _run(work: Any, begin: int, end: int, whole: int) -> Cut:  # noqa: ANN401
    """Cut the part [begin, end) of ``whole`` out of vector or copy work, on whole bytes."""
    cut, part = _copy(work)
    step = BITS_PER_BYTE if int(work.ofmap_bits) % BITS_PER_BYTE else 1
    first, last = (_edge(int(work.ofmap_elements), at, whole, step) for at in (begin, end))
    cut.ofmap_elements = last - first
    first_bit, last_bit = (_edge(int(work.input_bits), at, whole, BITS_PER_BYTE) for at in (begin, end))
    cut.input_bits = last_bit - first_bit
    cut.operations = _share(work.operations, begin, end, whole)
    part.first_input_bit, part.first_ofmap_bit = first_bit, first * int(work.ofmap_bits)
    return cut, part


def _edge(total: int, at: int, whole: int, step: int) -> int:
    """Return where the part from ``at`` of ``whole`` on begins in ``total``, on a multiple of ``step``."""
    return total if at == whole else total * at // whole // step * step
