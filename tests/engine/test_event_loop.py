"""The event loop against the oracle that steps every cycle, and a few times worked out with a pencil."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.run import run
from simulator.records import IFMAP, NONE, PSUM, VECTOR, WEIGHT, WRITE
from tests.engine.tape_cases import (
    TapeBuilder,
    cause_name,
    memory_space,
    memory_spaces,
    oracle_memory,
    oracle_programs,
    oracle_view,
    random_tapes,
    step_times,
    transfer_times,
)
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import gap_before


def assert_equals_oracle(tape, space):
    timeline = run(tape, space)
    steps, queue = oracle_view(tape)
    stepped = engine_oracle.run(steps, queue, oracle_memory(space))
    assert step_times(tape) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(tape) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]
    assert (timeline.total_cycles, timeline.dram_busy_cycles) == (stepped.total_cycles, stepped.busy_cycles)
    for index, record in enumerate(tape.steps):
        gap = gap_before(steps, index)
        assert (int(record.idle_cycles), cause_name(record), int(record.gain_cycles)) == (gap.idle, gap.cause, gap.gain)
        assert record.exposed_fill_cycles == steps[index].start - steps[index].occupied


@given(random_tapes(), memory_spaces)
def test_random_tapes_equal_the_oracle(tape, space):
    assert_equals_oracle(tape, space)


@pytest.mark.parametrize("cores", [2, 3])
@given(data=st.data())
def test_random_tapes_of_several_cores_equal_the_oracle(cores, data):
    tape, space = data.draw(random_tapes(cores=cores)), data.draw(memory_spaces)
    timeline = run(tape, space)
    programs = oracle_programs(tape)
    stepped = engine_oracle.run_cores(programs, oracle_memory(space))
    steps = [step for program in programs for step in program[0]]
    queue = [transfer for program in programs for transfer in program[1]]
    assert step_times(tape) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(tape) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]
    assert (timeline.total_cycles, timeline.dram_busy_cycles) == (stepped.total_cycles, stepped.busy_cycles)
    records = iter(tape.steps)
    for mine, _ in programs:
        for index in range(len(mine)):
            record, gap = next(records), gap_before(mine, index)
            assert (int(record.idle_cycles), cause_name(record)) == (gap.idle, gap.cause)
            assert int(record.gain_cycles) == gap.gain


def test_two_cores_take_turns_at_the_port_by_hand():
    tape = TapeBuilder(cores=2)
    for core, sizes in ((0, (8, 8, 8)), (1, (4, 4))):
        for nbytes in sizes:
            tape.transfer(nbytes, core=core)
    built = tape.tape()
    run(built, memory_space(latency_cycles=0))  # 4 B/cycle: all are asked for at 0; 0 1 0 1 0
    assert transfer_times(built) == [(0, 0, 2), (0, 3, 5), (0, 6, 8), (0, 2, 3), (0, 5, 6)]


@pytest.mark.parametrize(("nbytes", "times"), [(8, [(2, 3), 23]), (4, [(11, 12), 32])])
def test_half_the_bytes_may_take_longer_on_two_cores(nbytes, times):
    """The example of docs/model/engine.md: A and B are core 1's, C is core 0's."""
    tape = TapeBuilder(cores=2)
    tape.transfer(nbytes, core=1)
    tape.transfer(40, core=1)
    first = tape.step([], issue_cycles=2, latency_cycles=2)
    urgent = tape.transfer(4, free=(first, NONE))
    tape.step([(IFMAP, urgent, 0, 0)], issue_cycles=20, latency_cycles=20)
    built = tape.tape()
    timeline = run(built, memory_space(latency_cycles=0))  # 4 B/cycle
    assert transfer_times(built)[0][1:] == times[0]
    assert timeline.total_cycles == times[1]


def test_a_core_without_work_changes_nothing():
    tape = TapeBuilder()
    tape.step([(IFMAP, tape.transfer(10), 0, 5)], issue_cycles=6, latency_cycles=9)
    tape.transfer(4, WRITE, data=0)
    tape.cores = 3
    built = tape.tape()
    assert run(built, memory_space()).total_cycles == 10 + 9 + 1 + 7
    assert transfer_times(built) == [(0, 0, 10), (19, 19, 27)]


def test_load_then_step_by_hand():
    tape = TapeBuilder()
    load = tape.transfer(10)  # 3 words of 4 bytes at 4 B/cycle, then 7 cycles of latency
    tape.step([(IFMAP, load, 0, 5)], issue_cycles=6, latency_cycles=9)
    tape.transfer(4, WRITE, data=0)
    built = tape.tape()
    assert run(built, memory_space()).total_cycles == 10 + 9 + 1 + 7
    assert step_times(built) == [(10, 10, 16, 19)]
    assert transfer_times(built) == [(0, 0, 10), (19, 19, 27)]


def test_the_queue_is_in_order_and_a_slot_comes_free_with_its_use():
    tape = TapeBuilder()
    first = tape.transfer(4)
    tape.step([(IFMAP, first, 0, 3)], issue_cycles=8, latency_cycles=8)
    tape.transfer(4, free=(0, 0))
    tape.transfer(4)
    built = tape.tape()
    run(built, memory_space())
    assert transfer_times(built) == [(0, 0, 8), (11, 11, 19), (11, 12, 20)]


def test_setup_hides_behind_the_step_before_where_there_is_a_shadow_register():
    for shadow, starts in ((2, [9, 19]), (NONE, [9, 24])):
        tape = TapeBuilder()
        weights = tape.transfer(4)
        for _ in range(2):
            tape.step([(WEIGHT, weights, -1, 0)], issue_cycles=10, setup_cycles=1, shadow_free_cycles=shadow)
        tape.steps[1]["setup_cycles"] = 5
        built = tape.tape()
        run(built, memory_space())
        assert [start for _, start, _, _ in step_times(built)] == starts


def test_a_stationary_recurrent_operand_is_loaded_only_when_it_is_written():
    tape = TapeBuilder()
    tape.step([], issue_cycles=4, latency_cycles=20, shadow_free_cycles=0)
    tape.step([(IFMAP, NONE, -6, 0)], issue_cycles=4, setup_cycles=6, shadow_free_cycles=0, wait_step=0)
    built = tape.tape()
    run(built, memory_space())
    assert step_times(built)[1] == (20, 26, 30, 26)


def test_an_operand_needed_late_may_still_be_on_its_way():
    tape = TapeBuilder()
    slot = tape.transfer(4, WRITE)
    tape.step([(PSUM, slot, 5, 0)], issue_cycles=6)
    built = tape.tape()
    run(built, memory_space())
    assert step_times(built)[0][:2] == (3, 3)


def test_the_vector_unit_holds_a_slow_tile_and_a_vector_step_waits_for_it():
    tape = TapeBuilder()
    tape.step([], issue_cycles=4, latency_cycles=9, first_output_cycles=3, vector_cycles=20)
    tape.step([], resource=VECTOR, issue_cycles=5, latency_cycles=5)
    built = tape.tape()
    run(built, memory_space())
    assert step_times(built) == [(0, 0, 4, 23), (23, 23, 28, 28)]
    assert cause_name(built.steps[1]) == "vector"


@pytest.mark.parametrize("transfer_first", [True, False])
def test_ties_go_to_the_first_cause_in_the_published_order(transfer_first):
    tape = TapeBuilder()
    load = tape.transfer(4)
    uses = [(WEIGHT, load, 0, 0), (IFMAP, load, 0, 0)]
    tape.step(uses if transfer_first else uses[::-1], issue_cycles=1)
    built = tape.tape()
    run(built, memory_space())
    assert (cause_name(built.steps[0]), int(built.steps[0].gain_cycles)) == ("weight", 0)


def test_run_twice_gives_the_same_times():
    tape = TapeBuilder()
    load = tape.transfer(40)
    tape.step([(IFMAP, load, 0, 5)], issue_cycles=6, latency_cycles=9)
    built = tape.tape()
    first = run(built, memory_space()).total_cycles
    assert run(built, memory_space()).total_cycles == first
