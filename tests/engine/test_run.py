"""Running whole tapes: deadlocks become errors, empty tapes cost nothing, and same in means same out."""

import numpy as np
import pytest
from hypothesis import given

from simulator.engine.run import run
from simulator.errors import SimulationError
from simulator.records import IFMAP, WRITE
from tests.engine.tape_cases import TapeBuilder, memory_space, memory_spaces, random_tapes


def contradiction():
    """The first transfer needs the slot of a step that waits for the second."""
    tape = TapeBuilder()
    tape.transfer(4)
    second = tape.transfer(4)
    step = tape.step([(IFMAP, second, 0, 3)], issue_cycles=3)
    tape.transfers[0] |= {"free_step": step, "free_use": 0}
    return tape


def test_a_contradictory_tape_is_an_error_that_names_the_step():
    with pytest.raises(SimulationError, match=r"deadlock at cycle 0: array step 0 of layer 0 waits") as caught:
        run(contradiction().tape(), memory_space())
    assert "its ifmap (transfer 1); DMA queue 0 stands at transfer 0" in str(caught.value)
    assert "which waits for the slot of step 0" in str(caught.value)


def test_the_cycle_of_a_later_deadlock_is_named():
    tape = contradiction()
    tape.transfers.insert(0, {"payload_bytes": 4, "free_step": -1, "free_use": -1, "data_step": -1})
    tape.uses[0] = (IFMAP, 2, 0, 3)
    with pytest.raises(SimulationError, match="deadlock at cycle 8"):
        run(tape.tape(), memory_space())


def test_transfers_that_nothing_enables_are_an_error():
    tape = TapeBuilder()
    tape.transfer(4)
    tape.afters = [0]
    tape.transfers[0]["afters"] = 1  # after itself
    with pytest.raises(SimulationError, match=r"DMA queue 0 stands at transfer 0.*which waits for transfer 0"):
        run(tape.tape(), memory_space())


def test_a_step_that_waits_for_a_transfer_of_its_own_outputs_is_an_error():
    tape = TapeBuilder()
    tape.transfer(4, WRITE)
    step = tape.step([(IFMAP, 0, 0, 3)], issue_cycles=3)
    tape.transfers[0]["data_step"] = step
    with pytest.raises(SimulationError, match="deadlock"):
        run(tape.tape(), memory_space())


@pytest.mark.parametrize("waits_for", [1, 2])
def test_a_step_that_waits_for_itself_or_a_later_one_is_a_deadlock_each_time(waits_for):
    tape = TapeBuilder()
    load = tape.transfer(4)
    tape.step([(IFMAP, load, 0, 3)], issue_cycles=3)
    tape.step(issue_cycles=3, wait_step=waits_for)
    tape.step(issue_cycles=3)
    made = tape.tape()
    for _ in range(2):  # no time of an earlier run is taken for one of this
        with pytest.raises(SimulationError, match=f"cycle 8: array step 1 of layer 0 waits for step {waits_for};"):
            run(made, memory_space())


def test_a_step_that_reads_what_a_later_one_writes_is_a_deadlock():
    tape = TapeBuilder()
    tape.step([(IFMAP, -1, 0, 3, 1)], issue_cycles=3)
    tape.step(issue_cycles=3)
    with pytest.raises(SimulationError, match="array step 0 of layer 0 waits for step 1 for its ifmap;"):
        run(tape.tape(), memory_space())


def test_an_empty_tape_takes_no_time():
    assert run(TapeBuilder().tape(), memory_space()).total_cycles == 0


@given(random_tapes(), memory_spaces)
def test_the_same_tape_gives_the_same_bytes(tape, space):
    first = run(tape, space)
    times = (tape.steps.tobytes(), tape.transfers.tobytes())
    second = run(tape, space)
    assert times == (tape.steps.tobytes(), tape.transfers.tobytes())
    assert np.array_equal(first.layers, second.layers)


@pytest.mark.parametrize("space", [memory_space(bytes_per_cycle=1e-11), memory_space(latency_cycles=2**61)])
def test_a_run_that_outlasts_the_clock_is_refused(space):
    tape = TapeBuilder()
    tape.step([(IFMAP, tape.transfer(2**40), 0, 3)], issue_cycles=3)
    with pytest.raises(SimulationError, match=r"more than 64 bits can count: .* raise dram.bandwidth_bytes_per_second"):
        run(tape.tape(), space)
