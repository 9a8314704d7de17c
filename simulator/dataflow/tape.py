"""The tape of a network: allocation, planning of every layer, and the order of the DMA queue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator._jit import kernel
from simulator.arch.buffer import Buffer
from simulator.dataflow.core_order import first_places, step_places
from simulator.dataflow.mac_planner import plan_mac_layer
from simulator.dataflow.plan_tables import CURSOR, LAYER_SPAN, PlanInputs, PlanTables
from simulator.dataflow.slots import begin_layer, end_layer
from simulator.dataflow.streams import Stretch, lengthen_steps
from simulator.dataflow.tape_size import MAX_STEPS, refuse_too_many, steps_of
from simulator.dataflow.tiling import ceil_div, row_tiles
from simulator.dataflow.vector_planner import plan_copy_layer, plan_vector_layer, queue_keys
from simulator.records import (
    COUNTERS,
    GEMM_TILE,
    MAC_WORK,
    NONE,
    STEP,
    TILE_TIMING,
    TRANSFER,
    USE,
    VECTOR_WORK,
    Table,
    table,
)

USES_PER_STEP = 4
TRANSFERS_PER_STEP = 5


@dataclass(frozen=True)
class LastLevel:
    """A scratchpad that cores share, and what passes it (docs/model/cores.md).

    Attributes
    ----------
    bytes_per_cycle : float
        Of its port [B/cycle].
    latency_cycles : int
        After a read's last cycle on the port [cycles].
    word_bytes : int
        Smallest read [bytes].
    on_chip : int64 array
        1 for each transfer that its port serves instead of the DRAM.
    filled_by : int64 array
        Of each of them the transfer that fetches its tile; NONE for all others.
    """

    bytes_per_cycle: float
    latency_cycles: int
    word_bytes: int
    on_chip: Table = field(default_factory=lambda: np.zeros(0, np.int64))
    filled_by: Table = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class Tape:
    """Everything the engine runs, without absolute times.

    Attributes
    ----------
    steps, uses, transfers : recarrays of STEP, USE, TRANSFER
    afters : int64 array
        Transfer ids that transfers wait for.
    order : int64 array
        Transfer ids in queue order.
    spans : recarray of LAYER_SPAN
        The part of each work.
    counters : recarray of COUNTERS
        Words, bytes and products of each work.
    cores : int
        Cores of the machine, those without steps included; each has a DMA queue of its number.
    stretch : Stretch, optional
        What made steps longer than the array's own time, where buses or ports are declared.
    tenants : tuple of int, optional
        The network that each core works for, where several are run beside each other; None: all for one.
    last_level : LastLevel, optional
        The last of ``cores`` is then the scratchpad's own DMA queue, without steps.
    """

    steps: Table
    uses: Table
    transfers: Table
    afters: Table
    order: Table
    spans: Table
    counters: Table
    cores: int = 1
    stretch: Stretch | None = None
    tenants: tuple[int, ...] | None = None
    last_level: LastLevel | None = None

    def last_level_words(self, operand: int) -> tuple[Table, Table]:
        """Return (reads, writes) of the scratchpad's words for an operand, of each work [works]."""
        reads, writes = np.zeros(len(self.spans), np.int64), np.zeros(len(self.spans), np.int64)
        if self.last_level is not None:
            level, transfers = self.last_level, self.transfers
            words = -(-transfers["payload_bytes"] // level.word_bytes)
            mine = transfers["operand"] == operand
            for counts, which in ((reads, level.on_chip == 1), (writes, transfers["queue"] == self.cores - 1)):
                np.add.at(counts, transfers["layer"][mine & which], words[mine & which])
        return reads, writes

    def bus_because(self, works: Sequence[int], buffers: Iterable[Buffer]) -> dict[str, int] | None:
        """Return what made the steps of some works longer [cycles]; None where no bus or port is declared."""
        if self.stretch is None:
            return None
        cycles = self.stretch.cycles[list(works)].sum(axis=0).tolist()
        names = self.stretch.names(tuple(buffer.name for buffer in buffers))
        return {name: count for name, count in zip(names, cycles, strict=False) if count}


@kernel
def count_steps(inputs: PlanInputs, counts: Table) -> None:
    """Fill ``counts`` with (steps, transfers bound, dependencies bound) over all works."""
    counts[:] = 0
    for i in range(inputs.works.shape[0]):
        work = inputs.works[i]
        mapping = inputs.mappings[i]
        feeds = inputs.producer_spans[i, 2, 1] - inputs.producer_spans[i, 0, 0]
        if work.kind == MAC_WORK:
            tiles = row_tiles(work, mapping) * ceil_div(work.K, mapping.K) * ceil_div(work.C, mapping.C)
            steps = tiles * ceil_div(work.G, mapping.G) * work.sequence_steps
        else:
            steps = mapping.chunks
        counts[0] += steps
        counts[1] += TRANSFERS_PER_STEP * steps
        counts[2] += (feeds + 6) * steps
        if counts[0] > MAX_STEPS:
            return


@kernel
def plan_layers(plan: PlanTables, inputs: PlanInputs) -> None:
    """Put every layer on the tape, in order, each on its core."""
    for i in range(plan.cursor.shape[0]):
        cursor = plan.cursor[i]
        cursor.last_step = cursor.last_store = cursor.older_step = cursor.older_store = NONE
        cursor.last_kept = cursor.older_kept = NONE
    core = 0
    for index in range(inputs.works.shape[0]):
        if inputs.cores[index] != core:
            _switch_core(plan, core, inputs.cores[index])
            core = inputs.cores[index]
        begin_layer(plan, inputs, index)
        kind = inputs.works[index].kind
        if kind == MAC_WORK:
            plan_mac_layer(plan, inputs, index)
        elif kind == VECTOR_WORK:
            plan_vector_layer(plan, inputs, index)
        else:
            plan_copy_layer(plan, inputs, index)
        kept = inputs.works[index].ofmap_resident == 1 and inputs.works[index].ofmap_in_dram == 0
        end_layer(plan, index, kept)


@kernel
def _switch_core(plan: PlanTables, before: int, after: int) -> None:
    """Put core ``before`` aside and go on with core ``after``; the tables are filled on from where they stand."""
    cursor = plan.cursor
    cursor[1 + before] = cursor[0]
    old, new = cursor[1 + before], cursor[1 + after]
    new.steps, new.uses, new.transfers = old.steps, old.uses, old.transfers
    new.afters, new.stores, new.finals = old.afters, old.stores, old.finals
    cursor[0] = new


def build_tape(inputs: PlanInputs, cores: int = 1, *, names: Sequence[str] = (), batch: int = 1) -> Tape:
    """Plan every work of ``inputs`` under its mapping, each on its core of ``cores``.

    ``names`` (of each work's layer) and ``batch`` are told where the tiles are too many.

    Raises
    ------
    MappingError
        The mappings cut the network into more than MAX_STEPS tiles.
    """
    counts = np.zeros(3, np.int64)
    count_steps(inputs, counts)
    if counts[0] > MAX_STEPS:
        refuse_too_many(steps_of(inputs.works, inputs.mappings), names, batch)
    steps, transfers, afters = (int(count) for count in counts)
    plan = PlanTables(
        steps=table(STEP, steps),
        uses=table(USE, USES_PER_STEP * steps),
        transfers=table(TRANSFER, transfers),
        afters=np.zeros(afters, np.int64),
        stores=np.zeros(transfers, np.int64),
        finals=np.zeros(steps, np.int64),
        spans=table(LAYER_SPAN, len(inputs.works)),
        counters=table(COUNTERS, len(inputs.works)),
        cursor=table(CURSOR, 1 if cores == 1 else 1 + cores),
        timing=table(TILE_TIMING, 1),
        tile=table(GEMM_TILE, 1),
    )
    plan_layers(plan, inputs)
    cursor = plan.cursor[0]
    keys = np.zeros(int(cursor.transfers), np.int64)
    queue_keys(plan, keys)
    stretch = lengthen_steps(plan, inputs)
    if cores > 1:
        return replace(by_core(plan, keys, cores), stretch=stretch)
    return Tape(
        steps=plan.steps[: cursor.steps],
        uses=plan.uses[: cursor.uses],
        transfers=plan.transfers[: cursor.transfers],
        afters=plan.afters[: cursor.afters],
        order=np.argsort(keys, kind="stable"),
        spans=plan.spans,
        counters=plan.counters,
        stretch=stretch,
    )


def by_core(plan: PlanTables, keys: Table, cores: int) -> Tape:
    """Return the tape with the steps core by core, each numbered anew, and a queue for each core."""
    cursor = plan.cursor[0]
    steps, transfers = plan.steps[: cursor.steps], plan.transfers[: cursor.transfers]
    uses, spans = plan.uses[: cursor.uses], plan.spans
    order, place = step_places(steps["core"])
    for records, name in ((steps, "wait_step"), (uses, "source_step"), (transfers, "free_step")):
        records[name] = place[records[name]]
    transfers["data_step"] = place[transfers["data_step"]]
    spans["first_step"] = first_places(steps["core"], spans, cores)
    by_step = np.argsort(np.repeat(steps["core"], steps["uses"]), kind="stable")
    steps = steps[order]
    steps["first_use"] = np.cumsum(steps["uses"]) - steps["uses"]
    return Tape(
        steps=steps,
        uses=uses[by_step],
        transfers=transfers,
        afters=plan.afters[: cursor.afters],
        order=np.lexsort((keys, transfers["queue"])),
        spans=spans,
        counters=plan.counters,
        cores=cores,
    )
