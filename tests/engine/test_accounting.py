"""Where the time went, against a painter that gives every cycle to one layer and one label."""

from hypothesis import given

from simulator.engine.accounting import CAUSES
from simulator.engine.run import run
from simulator.records import CAUSE_NAMES, IFMAP, WRITE
from tests.engine.tape_cases import TapeBuilder, memory_space, memory_spaces, oracle_view, random_tapes
from tests.oracle.engine_gaps import paint

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
