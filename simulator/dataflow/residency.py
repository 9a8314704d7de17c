"""Which ofmaps stay in the buffer for the layers that read them: lifetimes, and an interval packing of the region.

Knows works, who reads what, and the size of the region; no steps and no cycles. docs/model/residency.md draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.units import ceil_div

IFMAP_COLUMN, WEIGHT_COLUMN, RESIDUAL_COLUMN = 0, 1, 2


class Read(NamedTuple):
    """One operand of one work.

    Attributes
    ----------
    column : int
        0 ifmap or vector input, 1 weight, 2 residual.
    sources : tuple of int
        Works that wrote it.
    bits : int
        What is read of it [bits].
    whole : bool
        Those works wrote all of it: no part is a network input, a constant or the host's.
    """

    column: int
    sources: tuple[int, ...]
    bits: int
    whole: bool


class Ofmap(NamedTuple):
    """What one work writes.

    Attributes
    ----------
    bits : int
        Stored size [bits].
    can_stay : bool
        It passes the vector unit (a copy does not).
    leaves : bool
        It is a network output, or the host reads it: it is stored to DRAM in any case.
    """

    bits: int
    can_stay: bool
    leaves: bool


class Region(NamedTuple):
    """The part of the ifmaps' buffer that is set aside: its size, its word, and whether weights are at home there."""

    bits: int
    word_bits: int
    holds_weights: bool


@dataclass(frozen=True)
class ResidentTensor:
    """An ofmap's place in the region, from the work that writes it to the last that reads it there [bits]."""

    work: int
    offset_bits: int
    size_bits: int
    last_work: int


@dataclass(frozen=True)
class Residency:
    """Where every ofmap goes.

    Attributes
    ----------
    tensors : tuple of ResidentTensor
        In the order of the works that write them.
    in_buffer : frozenset of (int, int)
        (work, index into its reads): operands read where they lie.
    why_in_dram : tuple of str
        Of each work, why its ofmap is stored to DRAM; empty where it is not.
    """

    tensors: tuple[ResidentTensor, ...] = ()
    in_buffer: frozenset[tuple[int, int]] = frozenset()
    why_in_dram: tuple[str, ...] = ()


@dataclass
class _Candidate:
    work: int
    words: int
    last: int
    readers: list[tuple[int, int]] = field(default_factory=list)
    offset: int = -1


def plan_residency(ofmaps: Sequence[Ofmap], reads: Sequence[Sequence[Read]], region: Region) -> Residency:
    """Choose which ofmaps stay, and where each lies.

    An operand is read in place only if all of it is there. Ofmaps are placed by how much traffic they save for the
    room and time they take (readers, and the store where nobody else needs it, over the works they live), equals in
    program order; each takes the lowest place that is free while it lives.

    Examples
    --------
    >>> chain = [Ofmap(64, True, False), Ofmap(64, True, True)]
    >>> reads = [[], [Read(0, (0,), 64, True)]]
    >>> plan_residency(chain, reads, Region(128, 8, False)).tensors
    (ResidentTensor(work=0, offset_bits=0, size_bits=64, last_work=1),)
    """
    why = _reasons_to_leave(ofmaps, reads, region)
    found = _candidates(ofmaps, reads, region)
    placed: dict[int, _Candidate] = {}
    for one in sorted(found.values(), key=lambda one: (-_saving(one, why), one.work)):
        if _place(one, list(placed.values()), region.bits // region.word_bits):
            placed[one.work] = one
        else:
            why[one.work] = why[one.work] or "no room in the region"
    return _settle(ofmaps, reads, placed, why, region)


def _reasons_to_leave(ofmaps: Sequence[Ofmap], reads: Sequence[Sequence[Read]], region: Region) -> list[str]:
    """Return why each ofmap must be in DRAM whatever stays, or ''."""
    why = ["network output or read by the host" if ofmap.leaves else "" for ofmap in ofmaps]
    for i, ofmap in enumerate(ofmaps):
        if ofmap.can_stay and ofmap.bits > region.bits:
            why[i] = why[i] or "larger than the region"
    read_by_anyone = [False] * len(ofmaps)
    for work, operands in enumerate(reads):
        for read in operands:
            for source in read.sources:
                read_by_anyone[source] = True
                if not why[source] and not _is_readable(ofmaps, work, read, region):
                    why[source] = "a reader takes it from DRAM"
    return [reason or ("" if known else "nobody reads it") for reason, known in zip(why, read_by_anyone, strict=True)]


def _is_readable(ofmaps: Sequence[Ofmap], work: int, read: Read, region: Region) -> bool:
    """Say whether an operand could be read in the region if all its sources stayed."""
    if not ofmaps[work].can_stay or not read.whole or not read.sources:  # a copy runs in the DMA engine
        return False
    if read.column == WEIGHT_COLUMN and not region.holds_weights:
        return False
    return all(ofmaps[source].can_stay and ofmaps[source].bits <= region.bits for source in read.sources)


def _candidates(ofmaps: Sequence[Ofmap], reads: Sequence[Sequence[Read]], region: Region) -> dict[int, _Candidate]:
    """Return every ofmap that somebody could read in the region, with its lifetime."""
    found: dict[int, _Candidate] = {}
    for work, operands in enumerate(reads):
        for i, read in enumerate(operands):
            if not _is_readable(ofmaps, work, read, region):
                continue
            for source in read.sources:
                words = max(1, ceil_div(ofmaps[source].bits, region.word_bits))
                one = found.setdefault(source, _Candidate(source, words, work))
                one.last = max(one.last, work)
                one.readers.append((work, i))
    return found


def _saving(one: _Candidate, why: Sequence[str]) -> float:
    """Return how often its size the ofmap saves in DRAM traffic, for each work that it lives."""
    return (len(one.readers) + (0 if why[one.work] else 1)) / (one.last - one.work + 1)


def _place(one: _Candidate, placed: Sequence[_Candidate], words: int) -> bool:
    """Give ``one`` the lowest gap among those alive at the same time; say whether there is one."""
    alive = sorted(
        (other.offset, other.offset + other.words)
        for other in placed
        if other.work <= one.last and one.work <= other.last
    )
    offset = 0
    for begin, end in alive:
        if offset + one.words <= begin:
            break
        offset = max(offset, end)
    if offset + one.words > words:
        return False
    one.offset = offset
    return True


def _settle(
    ofmaps: Sequence[Ofmap],
    reads: Sequence[Sequence[Read]],
    placed: dict[int, _Candidate],
    why: list[str],
    region: Region,
) -> Residency:
    """Keep what somebody really reads in place: an operand with a part in DRAM is read from DRAM altogether."""
    in_buffer: set[tuple[int, int]] = set()
    last: dict[int, int] = {}
    for work, operands in enumerate(reads):
        for i, read in enumerate(operands):
            if not _is_readable(ofmaps, work, read, region):
                continue
            if all(source in placed for source in read.sources):
                in_buffer.add((work, i))
                last.update(dict.fromkeys(read.sources, work))
            else:
                for source in read.sources:
                    why[source] = why[source] or "read together with one that does not stay"
    tensors = tuple(
        ResidentTensor(work, one.offset * region.word_bits, one.words * region.word_bits, last[work])
        for work, one in sorted(placed.items())
        if work in last
    )
    return Residency(tensors, frozenset(in_buffer), tuple(why))
