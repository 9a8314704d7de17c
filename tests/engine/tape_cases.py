"""Tapes for the engine's tests: random ones, and the oracle's view of any tape."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from simulator.dataflow.plan_tables import LAYER_SPAN
from simulator.dataflow.tape import Tape
from simulator.records import (
    ARRAY,
    CAUSE_NAMES,
    COUNTERS,
    MEMORY_SPACE,
    NONE,
    OPERAND_NAMES,
    READ,
    STEP,
    TRANSFER,
    USE,
    VECTOR,
    WRITE,
    table,
)
from tests.oracle import engine_port as port

BANDWIDTHS = (0.5, 1.0, 1.5, 3.0, 6.4, 16.0, 64.0)


def memory_space(bytes_per_cycle=4.0, latency_cycles=7, word_bytes=4):
    """A MEMORY_SPACE record in which only the DRAM is described."""
    space = table(MEMORY_SPACE, 1)
    space[0].dram_bytes_per_cycle = bytes_per_cycle
    space[0].dram_latency_cycles = latency_cycles
    space[0].dram_word_bytes = word_bytes
    return space


memory_spaces = st.builds(memory_space, st.sampled_from(BANDWIDTHS), st.integers(0, 12), st.sampled_from((1, 4, 16)))


class TapeBuilder:
    """Collects steps and transfers in a program order; the queues keep it."""

    def __init__(self, cores=1):
        self.cores = cores
        self.steps, self.uses, self.transfers, self.afters = [], [], [], []

    def transfer(self, nbytes, direction=READ, *, free=None, data=NONE, after=(), layer=0, core=0, codec=0):
        step, use = free or (NONE, NONE)
        fields = {
            "payload_bytes": nbytes,
            "direction": direction,
            "free_step": step,
            "free_use": use,
            "data_step": data,
            "codec_cycles": codec,
        }
        fields |= {"first_after": len(self.afters), "afters": len(after), "layer": layer, "queue": core}
        self.afters += after
        self.transfers.append(fields)
        return len(self.transfers) - 1

    def step(self, uses=(), **fields):
        """Append a step; ``uses`` = (operand, transfer, need, free) or (operand, transfer, need, free, source)."""
        defaults = {"resource": ARRAY, "shadow_free_cycles": NONE, "wait_step": NONE}
        self.steps.append({**defaults, "first_use": len(self.uses), "uses": len(uses), **fields})
        self.uses += uses
        return len(self.steps) - 1

    def tape(self, order=None):
        """Return the tape; ``order`` of the queue, program order where None. Layers of several cores must differ."""
        layers = 1 + max([row.get("layer", 0) for row in self.steps + self.transfers], default=0)
        spans = table(LAYER_SPAN, layers)
        if self.cores > 1:
            return self._tape_of_cores()
        for kind, rows in (("step", self.steps), ("transfer", self.transfers)):
            for layer in range(layers):
                mine = [i for i, row in enumerate(rows) if row.get("layer", 0) == layer]
                before = sum(1 for row in rows if row.get("layer", 0) < layer)
                spans[layer][f"first_{kind}"], spans[layer][f"{kind}s"] = before, len(mine)
        return Tape(
            steps=_filled(STEP, self.steps),
            uses=_filled(USE, [dict(zip(USE.names, (*use, NONE)[: len(USE.names)], strict=True)) for use in self.uses]),
            transfers=_filled(TRANSFER, self.transfers),
            afters=np.array(self.afters, np.int64),
            order=np.array(range(len(self.transfers)) if order is None else order, np.int64),
            spans=spans,
            counters=table(COUNTERS, layers),
        )

    def _tape_of_cores(self):
        """Return a tape whose layers are named anew: layer ``l`` of core ``c`` of ``n`` is ``l * n + c``."""
        rows = sorted(range(len(self.steps)), key=lambda i: self.steps[i].get("core", 0))
        place = {old: new for new, old in enumerate(rows)} | {NONE: NONE}
        steps = [dict(self.steps[i]) for i in rows]
        transfers = [dict(row) for row in self.transfers]
        uses = [(*use[:4], place[use[4]] if len(use) > 4 else NONE) for use in self.uses]
        for row in steps:
            row["wait_step"] = place[row["wait_step"]]
            row["layer"] = row.get("layer", 0) * self.cores + row.get("core", 0)
        for row in transfers:
            row["layer"] = row["layer"] * self.cores + row["queue"]
            row["free_step"], row["data_step"] = place[row["free_step"]], place[row["data_step"]]
        layers = 1 + max([row["layer"] for row in steps + transfers], default=0)
        order = sorted(range(len(transfers)), key=lambda i: transfers[i]["queue"])
        by_layer = sorted(range(len(transfers)), key=lambda i: transfers[i]["layer"])
        number = {old: new for new, old in enumerate(by_layer)} | {NONE: NONE}
        spans = table(LAYER_SPAN, layers)
        for layer, span in enumerate(spans):
            span.core = layer % self.cores
            mine = [i for i, row in enumerate(steps) if row["layer"] == layer]
            before = [row for row in steps if (row.get("core", 0), row["layer"]) < (span.core, layer)]
            span.first_step, span.steps = len(before), len(mine)
            span.first_transfer = sum(1 for row in transfers if row["layer"] < layer)
            span.transfers = sum(1 for row in transfers if row["layer"] == layer)
        return Tape(
            steps=_filled(STEP, steps),
            uses=_filled(USE, [dict(zip(USE.names, (use[0], number[use[1]], *use[2:]), strict=True)) for use in uses]),
            transfers=_filled(TRANSFER, [transfers[i] for i in by_layer]),
            afters=np.array([number[i] for i in self.afters], np.int64),
            order=np.array([number[i] for i in order], np.int64),
            spans=spans,
            counters=table(COUNTERS, layers),
            cores=self.cores,
        )


def _filled(layout, rows):
    records = table(layout, len(rows))
    for record, row in zip(records, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return records


@st.composite
def random_tapes(draw, most=24, cores=1):
    """A program in which everything waits only for what came before: no deadlock."""
    tape = TapeBuilder(cores)
    layers = [0] * cores
    for _ in range(draw(st.integers(1, most))):
        core = draw(st.integers(0, cores - 1)) if cores > 1 else 0
        layers[core] += draw(st.sampled_from((0, 0, 0, 1)))
        if draw(st.booleans()):
            _draw_transfer(draw, tape, (layers[core], core))
        else:
            _draw_step(draw, tape, (layers[core], core))
    return tape.tape()


def _draw_transfer(draw, tape, at):
    layer, core = at
    mine = [i for i, step in enumerate(tape.steps) if step.get("core", 0) == core]
    free, data = None, NONE
    if mine and draw(st.booleans()):
        step = draw(st.sampled_from(mine))
        uses = tape.steps[step]["uses"]
        free = (step, draw(st.integers(0, uses - 1)) if uses and draw(st.booleans()) else NONE)
    if mine and draw(st.integers(0, 2)) == 0:
        data = draw(st.sampled_from(mine))
    transfers = len(tape.transfers)
    after = draw(st.lists(st.integers(0, transfers - 1), max_size=2)) if transfers else []
    direction = WRITE if data != NONE else READ
    nbytes, codec = draw(st.integers(0, 40)), draw(st.sampled_from((0, 0, 3, 25)))
    tape.transfer(nbytes, direction, free=free, data=data, after=after, layer=layer, core=core, codec=codec)


def _draw_step(draw, tape, at):
    small = st.integers(0, 9)
    fields = {name: draw(small) for name in ("useful_cycles", "fill_cycles", "drain_cycles", "imbalance_cycles")}
    issue = sum(fields.values())
    fields |= {"issue_cycles": issue, "bus_cycles": draw(st.sampled_from((0, 0, 3)))}
    fields |= {"latency_cycles": draw(st.integers(0, 20)), "first_output_cycles": draw(small)}
    fields |= {"layer": at[0], "core": at[1]}
    if draw(st.integers(0, 3)) == 0:
        fields |= {"resource": VECTOR, "latency_cycles": issue, "bus_cycles": 0, "first_output_cycles": 0}
    else:
        fields |= {"setup_cycles": draw(small), "shadow_free_cycles": draw(st.sampled_from((NONE, 0, 4, 9)))}
        fields["vector_cycles"] = draw(st.sampled_from((0, 0, 2, 15)))
    before = [i for i, step in enumerate(tape.steps) if step.get("core", 0) == at[1]]
    known = [NONE, *(i for i, transfer in enumerate(tape.transfers) if transfer["queue"] == at[1])]
    if before and draw(st.integers(0, 3)) == 0:
        fields["wait_step"] = draw(st.sampled_from(before))
    uses = []
    for operand in draw(st.lists(st.integers(0, 3), max_size=4)):
        transfer = draw(st.sampled_from(known[-4:]))
        need = draw(st.sampled_from((0, 0, 5, -fields.get("setup_cycles", 0))))
        source = draw(st.sampled_from(before)) if before and draw(st.integers(0, 2)) == 0 else NONE
        uses.append((operand, transfer, need, draw(st.integers(0, 12)), source))
    tape.step(uses, **fields)


def oracle_view(tape):
    """Return the oracle's steps (in order) and queue for a tape."""
    transfers = [
        port.Transfer(int(record.payload_bytes), store=int(record.direction) == WRITE, codec=int(record.codec_cycles))
        for record in tape.transfers
    ]
    steps = []
    for record in tape.steps:
        step = port.Step(
            layer=int(record.layer),
            is_vector=int(record.resource) == VECTOR,
            setup=int(record.setup_cycles),
            shadow_free=None if record.shadow_free_cycles == NONE else int(record.shadow_free_cycles),
            issue=int(record.issue_cycles),
            bus=int(record.bus_cycles),
            latency=int(record.latency_cycles),
            first_output=int(record.first_output_cycles),
            vector=int(record.vector_cycles),
            wait=None if record.wait_step == NONE else steps[record.wait_step],
        )
        for use in tape.uses[record.first_use : record.first_use + record.uses]:
            transfer = None if use.transfer == NONE else transfers[use.transfer]
            name = OPERAND_NAMES[use.operand]
            source = None if use.source_step == NONE else steps[use.source_step]
            step.operands.append(port.Operand(name, transfer, int(use.need_cycles), int(use.free_cycles), source))
        steps.append(step)
    for record, transfer in zip(tape.transfers, transfers, strict=True):
        if record.free_step != NONE:
            step = steps[record.free_step]
            transfer.slot = (step, None if record.free_use == NONE else step.operands[record.free_use])
        if record.data_step != NONE:
            transfer.data = steps[record.data_step]
        transfer.after = [transfers[i] for i in tape.afters[record.first_after : record.first_after + record.afters]]
    return steps, [transfers[i] for i in tape.order]


def oracle_programs(tape):
    """Return the oracle's steps and queue of each core."""
    steps, queue = oracle_view(tape)
    cores = tape.steps["core"].tolist()
    queues = tape.transfers["queue"][tape.order].tolist()
    return [
        (
            [step for step, mine in zip(steps, cores, strict=True) if mine == core],
            [transfer for transfer, mine in zip(queue, queues, strict=True) if mine == core],
        )
        for core in range(tape.cores)
    ]


def oracle_memory(space):
    """Return the oracle's memory: the bandwidth as people write it."""
    bandwidth = Fraction(float(space[0].dram_bytes_per_cycle)).limit_denominator(10**6)
    return port.Memory(bandwidth, int(space[0].dram_latency_cycles), int(space[0].dram_word_bytes))


def step_times(tape):
    """Every time the engine gave the steps."""
    names = ("occupied_cycle", "start_cycle", "free_cycle", "output_cycle")
    return [tuple(int(step[name]) for name in names) for step in tape.steps]


def transfer_times(tape):
    """Every time the engine gave the transfers, in queue order."""
    names = ("submit_cycle", "begin_cycle", "done_cycle")
    return [tuple(int(tape.transfers[i][name]) for name in names) for i in tape.order]


def cause_name(step):
    """Name of the blamed cause, or None."""
    return None if step.cause == NONE else CAUSE_NAMES[step.cause]
