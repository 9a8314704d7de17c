"""Residency told to the works: what each reads and leaves in the buffer, and how the planner finds its producers."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from simulator.arch.buffer import Buffer
from simulator.dataflow.plan_tables import IN_BUFFER, IN_DRAM
from simulator.dataflow.residency import Ofmap, Read, Region, Residency, plan_residency
from simulator.records import COPY_WORK, VECTOR_WORK
from simulator.units import BITS_PER_BYTE

RESIDENT_FIELDS = ("ifmap_resident", "weight_resident", "residual_resident")
Feeds = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Producers of a work's ifmap (or vector inputs), weight and residual."""


def keep_ofmaps(
    works: Sequence[dict[str, int]], reads: Sequence[Sequence[Read]], leaving: Collection[int], buffer: Buffer
) -> Residency:
    """Decide which ofmaps stay in the ifmaps' ``buffer``; fill the works' ``*_resident`` and ``ofmap_in_dram``.

    Parameters
    ----------
    works : sequence of dict
        Fields of WORK.
    reads : sequence of sequence of Read
        What each work reads of what others wrote.
    leaving : collection of int
        Works whose ofmaps are network outputs or read by the host.
    buffer : Buffer
    """
    for work in works:
        work["ofmap_in_dram"] = 1
    if buffer.resident_bytes == 0:
        return Residency()
    ofmaps = [
        Ofmap(work["ofmap_elements"] * work["ofmap_bits"], work["kind"] != COPY_WORK, i in leaving)
        for i, work in enumerate(works)
    ]
    region = Region(buffer.resident_bytes * BITS_PER_BYTE, buffer.word_bits, "weight" in buffer.operands)
    residency = plan_residency(ofmaps, reads, region)
    for tensor in residency.tensors:
        works[tensor.work]["ofmap_resident"] = 1
        works[tensor.work]["ofmap_in_dram"] = int(residency.why_in_dram[tensor.work] != "")
    for index, i in residency.in_buffer:
        read, work = reads[index][i], works[index]
        if work["kind"] == VECTOR_WORK:
            work["resident_input_bits"] += read.bits
        else:
            work[RESIDENT_FIELDS[read.column]] = 1
    return residency


def feed_tables(
    feeds: Sequence[Feeds], reads: Sequence[Sequence[Read]], residency: Residency
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return ``producers``, ``producer_spans`` and ``reads`` of :class:`simulator.dataflow.plan_tables.PlanInputs`."""
    producers: list[int] = []
    how: list[int] = []
    spans = np.zeros((len(feeds), 3, 2), np.int64)
    for i, operands in enumerate(feeds):
        for j, sources in enumerate(operands):
            spans[i, j] = len(producers), len(producers) + len(sources)
            producers += sources
            how += [_how_read(residency, reads[i], i, (j, source)) for source in sources]
    return np.array(producers, np.int64), spans, np.array(how, np.int64)


def _how_read(residency: Residency, reads: Sequence[Read], index: int, feed: tuple[int, int]) -> int:
    """Return IN_BUFFER, IN_DRAM or both: where work ``index`` finds, in operand ``feed[0]``, what ``feed[1]`` wrote."""
    if not residency.in_buffer:
        return IN_DRAM
    how = 0
    for i, read in enumerate(reads):
        if read.column == feed[0] and feed[1] in read.sources:
            how |= IN_BUFFER if (index, i) in residency.in_buffer else IN_DRAM
    return how
