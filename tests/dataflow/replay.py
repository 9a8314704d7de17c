"""Replays a run of a planned tape against the written-out loop nest of every layer."""

from dataclasses import dataclass

from simulator.dataflow.plan_tables import IN_BUFFER
from simulator.records import COPY_WORK, MAC_WORK, NONE, OPERAND_NAMES, PSUM, READ, WRITE
from tests.oracle.planner_oracle import Holding, Lease, plan_mac

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
    final = {visit.store for visit in plan.visits if visit.final and visit.store is not None}
    for i, (transfer, move) in enumerate(zip(transfers, plan.moves, strict=True)):
        operand = "ofmap" if transfer.direction == WRITE else OPERAND_NAMES[transfer.operand]
        assert (operand, transfer.direction == WRITE) == (move.operand, move.store)
        if i not in final or everything == work["ofmap_elements"]:
            assert transfer.payload_bytes == -(-move.bits // 8)
    stored = sum(int(transfers[i].payload_bytes) for i in final)
    least = -(-work["ofmap_elements"] * work["ofmap_bits"] // 8) * work["ofmap_in_dram"]
    assert least <= stored <= least + max(0, len(final) - 1)


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
        if visit.closed:
            bits = visit.rows * visit.cols * visit.groups * layer.work["psum_bits"]
            end = int(step.output_cycle if visit.store is None else layer.transfers[visit.store].done_cycle)
            held.append(Holding(home[2], opened[visit.psum_opened], end, bits, f"{label} psum"))
    return held


def _vector_holdings(tape, layer, home):
    held = []
    loads = [transfer for transfer in layer.transfers if transfer.direction == READ]
    stores = [transfer for transfer in layer.transfers if transfer.direction == WRITE]
    label = f"layer {layer.index} vector"
    for step, load in zip(layer.steps, loads, strict=True) if loads else ():
        end = _released(tape, step, "ifmap")
        held.append(Holding(home[0], int(load.begin_cycle), end, int(load.payload_bytes) * 8 - 7, f"{label} in"))
    for step, store in zip(layer.steps, stores, strict=True) if stores else ():
        bits = int(store.payload_bytes) * 8 - 7
        held.append(Holding(home[2], int(step.start_cycle), int(store.done_cycle), bits, f"{label} out"))
    assert bool(stores) == bool(layer.work["ofmap_in_dram"])
    return held


def leases(planned, layers):
    """Who has which place of the resident region, from the first write to the last read."""
    found = []
    for tensor in planned.network.residency.tensors:
        readers = [(layer, name) for layer in layers for name in resident_reads(planned, layer, tensor.work)]
        assert readers, "kept for nobody"
        assert max(layer.index for layer, _ in readers) == tensor.last_work
        first = layers[tensor.work].steps[0]
        begin = int(first.start_cycle + first.first_output_cycles)
        end = max(_read_until(planned.tape, step, name) for layer, name in readers for step in layer.steps)
        found.append(Lease(tensor.offset_bits, tensor.offset_bits + tensor.size_bits, begin, end, f"{tensor.work}"))
        work = layers[tensor.work].work
        assert tensor.size_bits >= work["ofmap_elements"] * work["ofmap_bits"]
    return found


def _read_until(tape, step, operand):
    if operand == "residual":
        return int(step.output_cycle)
    return _released(tape, step, operand)


def resident_reads(planned, layer, source):
    """The operands of a work that it reads where ``source`` left them."""
    network = planned.network
    found = []
    for column, name in enumerate(("ifmap", "weight", "residual")):
        begin, end = network.producer_spans[layer.index, column]
        if any(network.producers[i] == source and network.reads[i] & IN_BUFFER for i in range(begin, end)):
            found.append(name)
    return found


def use_of(tape, step, operand):
    """The step's use of an operand, or None."""
    for use in tape.uses[step.first_use : step.first_use + step.uses]:
        if OPERAND_NAMES[use.operand] == operand:
            return use
    return None


def check_operands_are_there(tape):
    """Every step finds each operand on chip when it needs it; a psum slot has drained before it is written."""
    for step in tape.steps:
        for use in tape.uses[step.first_use : step.first_use + step.uses]:
            if use.source_step != NONE:
                assert tape.steps[use.source_step].output_cycle <= step.start_cycle + use.need_cycles
            if use.transfer == NONE:
                continue
            done = int(tape.transfers[use.transfer].done_cycle)
            assert done <= step.start_cycle + use.need_cycles
            if use.operand != PSUM:
                assert tape.transfers[use.transfer].direction == READ
