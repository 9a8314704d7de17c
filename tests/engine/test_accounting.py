"""Where the time went, against a painter that gives every cycle to one layer and one label."""

from hypothesis import given

from simulator.engine.accounting import CAUSES
from simulator.engine.run import run
from simulator.records import CAUSE_NAMES, IFMAP, LATE_NAMES, WEIGHT, WRITE
from tests.engine.tape_cases import (
    TapeBuilder,
    memory_space,
    memory_spaces,
    oracle_memory,
    oracle_view,
    random_tapes,
)
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import paint, paint_late

ISSUE = ("useful_cycles", "fill_cycles", "drain_cycles", "imbalance_cycles", "bus_cycles")


def oracle_with_times(tape):
    """Return the oracle's steps with the engine's times in them."""
    steps, _ = oracle_view(tape)
    for step, record in zip(steps, tape.steps, strict=True):
        step.occupied, step.start = int(record.occupied_cycle), int(record.start_cycle)
        step.free, step.output = int(record.free_cycle), int(record.output_cycle)
        for use, row in zip(step.operands, tape.uses[record.first_use : record.first_use + record.uses], strict=True):
            if use.transfer is not None:
                use.transfer.done = int(tape.transfers[row.transfer].done_cycle)
    return steps


def last_things(tape):
    """Cycle of the last thing that each layer did."""
    written = [0] * len(tape.spans)
    for step in tape.steps:
        written[step.layer] = max(written[step.layer], step.output_cycle, step.free_cycle)
    for transfer in tape.transfers:
        written[transfer.layer] = max(written[transfer.layer], transfer.done_cycle)
    return [int(cycle) for cycle in written]


def assert_every_cycle_is_accounted_for(tape, timeline):
    painted = paint(oracle_with_times(tape), len(tape.spans), last_things(tape))
    for layer, counts in zip(timeline.layers, painted, strict=True):
        assert sum(int(layer[name]) for name in ISSUE) == counts["issue"]
        assert int(layer.tail_cycles) == counts["tail"]
        for i, cause in enumerate(CAUSE_NAMES):
            assert int(layer.idle_cycles[i]) == counts[f"idle_{cause}"]
        assert int(layer.cycles) == sum(counts.values())
        assert layer.late_cycles.sum() == layer.idle_cycles.sum() >= layer.gain_cycles
    assert timeline.total_cycles == timeline.layers.cycles.sum()


@given(random_tapes(), memory_spaces)
def test_gaps_are_split_by_what_the_blamed_transfer_waited_for(tape, space):
    timeline = run(tape, space)
    steps, queue = oracle_view(tape)
    engine_oracle.run(steps, queue, oracle_memory(space))
    painted = paint_late(steps, len(tape.spans), last_things(tape), int(space[0].dram_latency_cycles))
    for layer, counts in zip(timeline.layers, painted, strict=True):
        assert {name: int(layer.late_cycles[i]) for i, name in enumerate(LATE_NAMES)} == {
            name: counts[name] for name in LATE_NAMES
        }


def test_a_load_behind_a_blocked_head_is_late_because_of_the_queue_order():
    tape = TapeBuilder()
    first = tape.transfer(4)
    step = tape.step([(IFMAP, first, 0, 30)], issue_cycles=30, useful_cycles=30, latency_cycles=30)
    tape.transfer(4, free=(step, 0))
    weights = tape.transfer(8)
    tape.step([(WEIGHT, weights, 0, 1)], issue_cycles=2, useful_cycles=2, latency_cycles=2, setup_cycles=0)
    tape.steps[0]["issue_cycles"] = tape.steps[0]["useful_cycles"] = 10
    built = tape.tape()
    layer = run(built, memory_space()).layers[0]
    late = {name: int(layer.late_cycles[i]) for i, name in enumerate(LATE_NAMES)}
    assert late == {"none": 0, "queue_order": 20, "slot": 0, "dram_bus": 4, "latency": 14, "data": 0} | {
        "scratchpad": 0,
        "other_core": 0,
        "codec": 0,
    }
    assert LATE_NAMES[built.steps[1].late_because] == "queue_order"


@given(random_tapes(), memory_spaces)
def test_issue_idle_and_tail_partition_every_window(tape, space):
    assert_every_cycle_is_accounted_for(tape, run(tape, space))


def test_a_hidden_write_is_nobodys_time_and_the_last_one_is_tail():
    tape = TapeBuilder()
    for layer in range(2):
        load = tape.transfer(4, layer=layer)
        fields = {"issue_cycles": 30, "useful_cycles": 30, "latency_cycles": 30, "layer": layer}
        step = tape.step([(IFMAP, load, 0, 30)], **fields)
        tape.transfer(4, WRITE, data=step, layer=layer)
    built = tape.tape(order=(0, 2, 1, 3))  # the second layer's load is prefetched
    timeline = run(built, memory_space())
    assert [int(layer.end_cycle) for layer in timeline.layers] == [38, 76]
    assert [int(layer.tail_cycles) for layer in timeline.layers] == [0, 8]
    assert [int(layer.written_cycle) for layer in timeline.layers] == [46, 76]
    assert [int(layer.start_cycle) for layer in timeline.layers] == [0, 1]


def test_idle_time_before_a_window_is_the_layers_before():
    tape = TapeBuilder()
    step = tape.step([], issue_cycles=5, useful_cycles=5, latency_cycles=5)
    tape.transfer(4, WRITE, data=step)
    load = tape.transfer(4, layer=1)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=2, useful_cycles=2, latency_cycles=2, layer=1)
    timeline = run(tape.tape(), memory_space())
    first, second = timeline.layers
    assert (first.cycles, first.tail_cycles) == (13, 8)
    assert (second.cycles, second.idle_cycles[CAUSE_NAMES.index("ifmap")], second.tail_cycles) == (3, 1, 0)


def test_every_cause_has_a_place():
    assert len(CAUSE_NAMES) == CAUSES
