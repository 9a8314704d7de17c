"""Replays a run of a planned tape against the written-out loop nest of every layer."""

from dataclasses import dataclass

from simulator.records import COPY_WORK, MAC_WORK, NONE, OPERAND_NAMES, PSUM, READ, WRITE
from tests.oracle.planner_oracle import Holding, plan_mac

IFMAP_HOME, WEIGHT_HOME, PSUM_HOME = 0, 1, 2


def as_dict(record):
    return {name: int(record[name]) for name in record.dtype.names}


@dataclass
class LayerReplay:
    index: int
    work: dict
    plan: object  # LayerPlan, multiply-accumulate work only
    steps: object
    transfers: object
    first_step: int
    first_transfer: int


def replay(planned):
    """Yield a LayerReplay for each work, after checking its transfers against the nest's moves one by one."""
    tape = planned.tape
    for i, span in enumerate(tape.spans):
        work, mapping = as_dict(planned.network.works[i]), as_dict(planned.mapped.mappings[i])
        steps = tape.steps[span.first_step : span.first_step + span.steps]
        transfers = tape.transfers[span.first_transfer : span.first_transfer + span.transfers]
        plan = plan_mac(work, mapping) if work["kind"] == MAC_WORK else None
        if plan is not None:
            check_moves(work, plan, steps, transfers)
        yield LayerReplay(i, work, plan, steps, transfers, int(span.first_step), int(span.first_transfer))


def check_moves(work, plan, steps, transfers):
    """The tape's transfers and steps of a layer are the nest's, in program order."""
    assert len(steps) == len(plan.visits)
    assert len(transfers) == len(plan.moves)
    everything = work["sequence_steps"] * work["N"] * work["P"] * work["Q"] * work["G"] * work["K"]
    final = {visit.store for visit in plan.visits if visit.final}
    for i, (transfer, move) in enumerate(zip(transfers, plan.moves, strict=True)):
        operand = "ofmap" if transfer.direction == WRITE else OPERAND_NAMES[transfer.operand]
        assert (operand, transfer.direction == WRITE) == (move.operand, move.store)
        if i not in final or everything == work["ofmap_elements"]:
            assert transfer.payload_bytes == -(-move.bits // 8)
    stored = sum(int(transfers[i].payload_bytes) for i in final)
    least = -(-work["ofmap_elements"] * work["ofmap_bits"] // 8)
    assert least <= stored < least + len(final)


def holdings(planned, layers):
    """Who holds which bits of which buffer when, from the times of a run."""
    home = [int(planned.space[0].home[i]) for i in range(3)]
    found = []
    for layer in layers:
        if layer.plan is not None:
            found += _mac_holdings(planned.tape, layer, home)
        elif layer.work["kind"] != COPY_WORK:
            found += _vector_holdings(planned.tape, layer, home)
    return found


def _released(tape, step, operand):
    for use in tape.uses[step.first_use : step.first_use + step.uses]:
        if OPERAND_NAMES[use.operand] == operand:
            return int(step.start_cycle + use.free_cycles)
    message = f"a step without a use of its {operand}"
    raise AssertionError(message)


def _mac_holdings(tape, layer, home):
    label = f"layer {layer.index}"
    held = []
    for operand, where in (("ifmap", home[0]), ("weight", home[1])):
        ends = {}
        for step, visit in zip(layer.steps, layer.plan.visits, strict=True):
            brought = getattr(visit, operand)
            if brought is not None:
                ends[brought] = max(ends.get(brought, 0), _released(tape, step, operand))
        for brought, end in ends.items():
            begin = int(layer.transfers[brought].begin_cycle)
            held.append(Holding(where, begin, end, layer.plan.moves[brought].bits, f"{label} {operand}"))
    held += _psum_holdings(layer, home, label)
    if layer.work["ifmap_on_chip"]:
        work = layer.work
        bits = work["N"] * work["G"] * work["C"] * work["H"] * work["W"] * work["ifmap_bits"]
        begin, end = int(layer.steps[0].start_cycle), int(layer.steps[-1].output_cycle)
        held.append(Holding(home[0], begin, end, bits, f"{label} state"))
    return held


def _psum_holdings(layer, home, label):
    held, opened = [], {}
    for step, visit in zip(layer.steps, layer.plan.visits, strict=True):
        if visit.residual is not None:
            begin = int(layer.transfers[visit.residual].begin_cycle)
            bits = layer.plan.moves[visit.residual].bits
            held.append(Holding(home[0], begin, int(step.output_cycle), bits, f"{label} residual"))
        if visit.psum_new:
            opened[visit.psum_opened] = int(step.start_cycle + step.first_output_cycles)
            if visit.psum_reload is not None:
                opened[visit.psum_opened] = int(layer.transfers[visit.psum_reload].begin_cycle)
        if visit.store is not None:
            bits = visit.rows * visit.cols * visit.groups * layer.work["psum_bits"]
            end = int(layer.transfers[visit.store].done_cycle)
            held.append(Holding(home[2], opened[visit.psum_opened], end, bits, f"{label} psum"))
    return held


def _vector_holdings(tape, layer, home):
    held = []
    loads = [transfer for transfer in layer.transfers if transfer.direction == READ]
    stores = [transfer for transfer in layer.transfers if transfer.direction == WRITE]
    for step, load, store in zip(layer.steps, loads, stores, strict=True):
        end = _released(tape, step, "ifmap")
        label = f"layer {layer.index} vector"
        held.append(Holding(home[0], int(load.begin_cycle), end, int(load.payload_bytes) * 8 - 7, f"{label} in"))
        bits = int(store.payload_bytes) * 8 - 7
        held.append(Holding(home[2], int(step.start_cycle), int(store.done_cycle), bits, f"{label} out"))
    return held


def check_operands_are_there(tape):
    """Every step finds each operand on chip when it needs it; a psum slot has drained before it is written."""
    for step in tape.steps:
        for use in tape.uses[step.first_use : step.first_use + step.uses]:
            if use.transfer == NONE:
                continue
            done = int(tape.transfers[use.transfer].done_cycle)
            assert done <= step.start_cycle + use.need_cycles
            if use.operand != PSUM:
                assert tape.transfers[use.transfer].direction == READ
