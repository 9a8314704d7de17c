"""What a step's operands ask of banks and buses beyond the array's own time, and how much longer the step is for it.

The drawing and the law are in ``docs/model/buffers.md``; the oracle that steps every cycle is
``tests/oracle/bank_oracle.py``. Plain numpy over the steps of a finished tape, once a run and only where a description
declares ports or buses: runs without them never come here.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.tile_extents import Extents, chunk_sizes, is_scattered, stored_bits, tile_extents, tile_kinds
from simulator.records import IFMAP, IS, MAC_WORK, OS, PSUM, VECTOR_WORK, WEIGHT, Table

Counts = npt.NDArray[np.int64]

BUFFERS = 3
IFMAP_BUS, WEIGHT_BUS, PSUM_BUS, SHARED_BUS, FIRST_BUFFER = range(5)
RESOURCES = FIRST_BUFFER + BUFFERS


class Stream(NamedTuple):
    """One operand on its way between a buffer and the array, of each step: the same elements in several walks."""

    operand: int  # IFMAP, WEIGHT or PSUM: whose buffer it is
    counter: str  # the COUNTERS field that counts its words; empty where that is exact already
    walks: Counts
    elements: Counts  # of one walk
    bits: int  # of one element


@dataclass(frozen=True)
class Stretch:
    """Cycles that steps last longer, by work and by what made them [works, RESOURCES]."""

    cycles: Counts

    @staticmethod
    def names(buffers: tuple[str, ...]) -> tuple[str, ...]:
        """Return what each column is called.

        Examples
        --------
        >>> Stretch.names(("unified", "accumulators"))[3:]
        ('shared_bus', 'banks.unified', 'banks.accumulators')
        """
        return ("ifmap_bus", "weight_bus", "psum_bus", "shared_bus", *(f"banks.{name}" for name in buffers))


def ceil_div(numerator: Any, denominator: Any) -> Any:  # noqa: ANN401 - counts or one count
    """Return quotients rounded up."""
    return -(-numerator // denominator)


def bank_cycles(accesses: Counts, ports: int, dma_period_cycles: int) -> Counts:
    """Return the cycles a bank takes for the array's ``accesses``, beside the DMA's turns.

    Parameters
    ----------
    accesses : int64 array
        Of the bank that is asked for most.
    ports : int
        Accesses it serves in a cycle.
    dma_period_cycles : int
        In the first of so many cycles one port is the DMA's; 0: never.

    Examples
    --------
    >>> bank_cycles(np.array([0, 1, 3, 4]), 1, 4)
    array([0, 2, 4, 6])
    """
    if dma_period_cycles == 0:
        return np.asarray(ceil_div(accesses, ports))
    frame = ports * dma_period_cycles - 1
    frames = np.maximum(accesses - 1, 0) // frame
    rest = accesses - frames * frame
    last = 1 + ceil_div(np.maximum(rest - (ports - 1), 0), ports)
    return np.where(accesses > 0, frames * dma_period_cycles + last, 0)


def array_streams(work: Any, hardware: Any, extents: Extents) -> list[Stream]:  # noqa: ANN401 - records
    """Return what crosses the array's edge in each step of a multiply-accumulate work."""
    words = ceil_div(extents.inner, max(1, int(work.inner_pack)))
    columns = ceil_div(extents.cols, int(hardware.columns) * int(work.pack))
    folds = ceil_div(words, int(hardware.rows))
    one = np.ones_like(columns)
    flow = int(hardware.dataflow)
    ifmap_walks = one if flow == IS else columns
    weight_walks = one
    if flow == OS:
        folds, weight_walks = one, ceil_div(extents.rows, int(hardware.rows))
    elif flow == IS:
        weight_walks = ceil_div(extents.rows, int(hardware.columns))
    ifmaps = extents.groups * extents.rows * extents.inner
    weights = extents.groups * extents.inner * extents.cols
    psum_bits = int(work.psum_bits)
    again = folds - 1 + extents.accumulates
    return [
        Stream(IFMAP, "ifmap_read_words", ifmap_walks, ifmaps, int(work.ifmap_bits)),
        Stream(WEIGHT, "weight_read_words", weight_walks, weights, int(work.weight_bits)),
        Stream(PSUM, "psum_read_words", again, extents.outputs, psum_bits),
        Stream(PSUM, "psum_write_words", folds, extents.outputs, psum_bits),
    ]


def leaving_streams(work: Any, extents: Extents) -> list[Stream]:  # noqa: ANN401 - a record
    """Return what the vector unit moves in each step: psums that leave, residuals, outputs that stay on chip."""
    closed, final = extents.closed.astype(np.int64), extents.final.astype(np.int64)
    streams = [Stream(PSUM, "", closed, extents.outputs, int(work.psum_bits))]
    if work.residual_bits > 0:
        streams.append(Stream(IFMAP, "", final, extents.outputs, int(work.residual_bits)))
    if work.ofmap_resident == 1:
        streams.append(Stream(IFMAP, "", final, stored_bits(work, extents), 1))
    return streams


def chunk_streams(work: Any, mapping: Any) -> list[Stream]:  # noqa: ANN401 - records
    """Return what each step of a vector work reads and writes."""
    chunks = int(mapping.chunks)
    one = np.ones(chunks, np.int64)
    resident = chunk_sizes(int(work.resident_input_bits), chunks)
    loaded = chunk_sizes(int(work.input_bits) - int(work.resident_input_bits), chunks)
    written = chunk_sizes(int(work.ofmap_elements), chunks) * int(work.ofmap_bits)
    streams = [Stream(IFMAP, "", one, loaded, 1), Stream(IFMAP, "", one, resident, 1)]
    if work.ofmap_in_dram == 1:
        streams.append(Stream(PSUM, "", 2 * one, written, 1))  # into the slot, and out
    if work.ofmap_resident == 1:
        streams.append(Stream(IFMAP, "", one, written, 1))
    return streams


def bus_cycles(space: Any, edge: list[Stream], steps: int) -> Counts:  # noqa: ANN401 - a record
    """Return the cycles for which each bus is taken by the streams that cross the array's edge [4, steps]."""
    busy = np.zeros((FIRST_BUFFER, steps), np.int64)
    for stream in edge:
        moved = stream.walks * stream.elements
        width = int((space.ifmap_bus_words, space.weight_bus_words, space.psum_bus_words)[stream.operand])
        if width:  # psums have as wide a bus in each direction
            busy[stream.operand] = np.maximum(busy[stream.operand], ceil_div(moved, width))
        if space.shared_bus_bits and space.on_shared_bus[stream.operand]:
            busy[SHARED_BUS] += ceil_div(moved * stream.bits, int(space.shared_bus_bits))
    return busy


def bank_accesses(space: Any, streams: list[Stream], steps: int) -> Counts:  # noqa: ANN401 - a record
    """Return the accesses of each buffer's first bank, which has the most [BUFFERS, steps]."""
    accesses = np.zeros((BUFFERS, steps), np.int64)
    for stream in streams:
        home = int(space.home[stream.operand])
        words = ceil_div(stream.elements * stream.bits, int(space.word_bits[home]))
        accesses[home] += stream.walks * ceil_div(words, int(space.banks[home]))
    return accesses


def lengthen_steps(plan: PlanTables, inputs: PlanInputs) -> Stretch | None:
    """Lengthen the steps of a planned tape by what banks and shared buses add; None where nothing is declared.

    Parameters
    ----------
    plan : PlanTables
        Filled; ``bus_cycles`` of the steps holds what the operands' own buses add, already.
    inputs : PlanInputs
    """
    if not _is_limited(inputs.space[0]):
        return None
    space = _plain(inputs.space[0])
    hardware = [_plain(record) for record in inputs.hardware]
    cycles = np.zeros((len(plan.spans), RESOURCES), np.int64)
    for i in range(len(plan.spans)):
        span, work, mapping = (_plain(records[i]) for records in (plan.spans, inputs.works, inputs.mappings))
        mine = plan.steps[span.first_step : span.first_step + span.steps]
        if not len(mine):
            continue
        edge: list[Stream] = []
        kind_of = np.arange(len(mine))  # which of the streams' entries each step has
        if work.kind == MAC_WORK:
            extents, kind_of = _kinds(work, mapping)
            edge = array_streams(work, hardware[mapping.dataflow], extents)
            streams = edge + leaving_streams(work, extents)
        elif work.kind == VECTOR_WORK:
            streams = chunk_streams(work, mapping)
        reloads = bool(plan.counters[i].psum_dram_read_bytes)
        kinds = len(streams[0].walks)
        busy = np.concatenate([bus_cycles(space, edge, kinds), _bank_busy(space, streams, kinds, reloads)])
        cycles[i] = _lengthen(mine, plan.uses, busy, kind_of)
        _count_words(space, edge, plan.counters[i], np.bincount(kind_of, minlength=kinds))
    return Stretch(cycles)


def _plain(record: Any) -> Any:  # noqa: ANN401
    """Return a record's fields as plain attributes: those of a numpy record cost more than the arithmetic here."""
    return SimpleNamespace(**dict(zip(record.dtype.names, record.item(), strict=True)))


def _kinds(work: Any, mapping: Any) -> tuple[Extents, Counts]:  # noqa: ANN401 - records
    """Return the extents of each kind of step, and the kind of each step; all differ where psums are scattered."""
    if is_scattered(work):
        extents = tile_extents(work, mapping)
        return extents, np.arange(len(extents.rows))
    return tile_kinds(work, mapping)


def _is_limited(space: Any) -> bool:  # noqa: ANN401 - a record
    buses = space.ifmap_bus_words + space.weight_bus_words + space.psum_bus_words + space.shared_bus_bits
    return bool(buses or space.ports.any())


def _bank_busy(space: Any, streams: list[Stream], steps: int, reloads: bool) -> Counts:  # noqa: ANN401 - a record
    """Return the cycles each buffer with ports takes [BUFFERS, steps]; ``reloads``: the DMA fills psum slots, too."""
    accesses = bank_accesses(space, streams, steps)
    busy = np.zeros_like(accesses)
    filled = {int(space.home[IFMAP]), int(space.home[WEIGHT])} | ({int(space.home[PSUM])} if reloads else set())
    for buffer in range(BUFFERS):
        if space.ports[buffer]:
            period = int(space.dma_period_cycles[buffer]) if buffer in filled else 0
            busy[buffer] = bank_cycles(accesses[buffer], int(space.ports[buffer]), period)
    return busy


def _lengthen(steps: Table, uses: Table, busy: Counts, kind_of: Counts) -> Counts:
    """Let each step last as long as the slowest resource; return the cycles added, by resource (ties: the first).

    ``busy`` [RESOURCES, kinds] of each kind of step, ``kind_of`` [steps].
    """
    total = np.maximum(busy.max(axis=0)[kind_of] - steps["issue_cycles"], 0)
    added = total - steps["bus_cycles"]
    steps["bus_cycles"] = total
    owner = np.repeat(np.arange(len(steps)), steps["uses"])
    first = int(steps["first_use"][0])
    mine = uses[first : first + len(owner)]
    mine["free_cycles"] += np.where(mine["operand"] == PSUM, 0, added[owner])
    by_resource = np.zeros(len(busy), np.int64)
    np.add.at(by_resource, busy.argmax(axis=0)[kind_of], total)
    return by_resource


def _count_words(space: Any, edge: list[Stream], counters: Any, steps: Counts) -> None:  # noqa: ANN401 - records
    """Count the words that banks serve: each walk reads whole words, where the planner rounds a step up once.

    ``steps`` [kinds]: how many there are of each kind.
    """
    for stream in edge:
        home = int(space.home[stream.operand])
        if not space.ports[home]:
            continue
        word = int(space.word_bits[home])
        bits = stream.elements * stream.bits
        exact = stream.walks * ceil_div(bits, word) - ceil_div(stream.walks * bits, word)
        counters[stream.counter] += int(exact @ steps)
