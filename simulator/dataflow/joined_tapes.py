"""Tapes of several networks made one, each on cores and queues of its own (docs/model/cores.md)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from simulator.dataflow.tape import Tape
from simulator.records import NONE, Table

ANSWERS_OF_STEP = (
    *("occupied_cycle", "start_cycle", "free_cycle", "output_cycle", "known_cycle", "cause", "late_transfer"),
    *("late_because", "idle_cycles", "gain_cycles", "exposed_fill_cycles"),
)
ANSWERS_OF_TRANSFER = ("submit_cycle", "begin_cycle", "arrived_cycle", "done_cycle", "late_because")


def join_tapes(tapes: Sequence[Tape], cores: int) -> Tape:
    """Return one tape that runs ``tapes`` beside each other on a machine of ``cores``.

    The first has cores and queues from 0 on, the next those behind. Nothing of one waits for anything of another.

    Parameters
    ----------
    tapes : sequence of Tape
    cores : int
        At least the sum of theirs; what is left does nothing.

    Raises
    ------
    ValueError
        There are not so many cores.
    """
    needed = sum(tape.cores for tape in tapes)
    if needed > cores:
        raise ValueError(f"tapes for {needed} cores on a machine of {cores}")
    first = np.zeros(6, np.int64)  # of core, step, use, transfer, after, work
    parts = []
    for tape in tapes:
        parts.append(_shifted(tape, first.tolist()))
        counts = (len(tape.steps), len(tape.uses), len(tape.transfers), len(tape.afters), len(tape.spans))
        first += (tape.cores, *counts)
    groups = np.repeat(np.arange(len(tapes)), [tape.cores for tape in tapes])
    rest = np.arange(len(tapes), len(tapes) + cores - needed)
    return Tape(
        steps=_records([part.steps for part in parts]),
        uses=_records([part.uses for part in parts]),
        transfers=_records([part.transfers for part in parts]),
        afters=np.concatenate([part.afters for part in parts]),
        order=np.concatenate([part.order for part in parts]),
        spans=_records([part.spans for part in parts]),
        counters=_records([part.counters for part in parts]),
        cores=cores,
        tenants=tuple(np.concatenate([groups, rest]).tolist()),
    )


def _records(tables: Sequence[Table]) -> Table:
    return np.concatenate(tables).view(np.recarray)


def _shifted(tape: Tape, first: list[int]) -> Tape:
    """Return a copy whose numbers begin at ``first`` (of core, step, use, transfer, after, work)."""
    core, step, use, transfer, after, work = first
    steps, uses, transfers, spans = (each.copy() for each in (tape.steps, tape.uses, tape.transfers, tape.spans))
    for records, offsets in (
        (steps, {"layer": work, "core": core, "first_use": use, "wait_step": step}),
        (uses, {"transfer": transfer, "source_step": step}),
        (transfers, {"queue": core, "layer": work, "free_step": step, "data_step": step, "first_after": after}),
        (spans, {"core": core, "first_step": step, "first_transfer": transfer}),
    ):
        for name, offset in offsets.items():
            records[name] = np.where(records[name] == NONE, NONE, records[name] + offset)
    return replace(
        tape,
        steps=steps,
        uses=uses,
        transfers=transfers,
        spans=spans,
        afters=tape.afters + transfer,
        order=tape.order + transfer,
    )


def take_answers(joined: Tape, tapes: Sequence[Tape]) -> tuple[Tape, ...]:
    """Return ``tapes`` with the times of ``joined``, which ran; cores and queues are the machine's."""
    found, first_step, first_transfer = [], 0, 0
    for tape in tapes:
        steps, transfers = tape.steps.copy(), tape.transfers.copy()
        ran = joined.steps[first_step : first_step + len(steps)]
        moved = joined.transfers[first_transfer : first_transfer + len(transfers)]
        for name in (*ANSWERS_OF_STEP, "core"):
            steps[name] = ran[name]
        for name in (*ANSWERS_OF_TRANSFER, "queue"):
            transfers[name] = moved[name]
        blamed = steps["late_transfer"]
        steps["late_transfer"] = np.where(blamed == NONE, NONE, blamed - first_transfer)
        found.append(replace(tape, steps=steps, transfers=transfers))
        first_step += len(steps)
        first_transfer += len(transfers)
    return tuple(found)


def works_of(tapes: Sequence[Tape]) -> list[Table]:
    """Return the works of each of ``tapes`` in the joined one."""
    edges = np.cumsum([0, *(len(tape.spans) for tape in tapes)])
    return [np.arange(begin, end) for begin, end in pairwise(edges)]
