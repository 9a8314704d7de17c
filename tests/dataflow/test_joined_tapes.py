"""Tapes run beside each other against the oracle, whose cores run each tape as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.joined_tapes import join_tapes, take_answers, works_of
from simulator.engine.run import run
from simulator.engine.sharing import waited_for
from simulator.records import LATE_OTHER_CORE
from tests.engine.tape_cases import (
    TapeBuilder,
    memory_spaces,
    oracle_memory,
    oracle_programs,
    random_tapes,
    step_times,
    transfer_times,
)
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import paint_late, served_times

several_tapes = st.lists(st.integers(1, 2).flatmap(lambda cores: random_tapes(most=12, cores=cores)), max_size=3)


def joined(tapes, spare=0):
    return join_tapes(tapes, max(1, sum(tape.cores for tape in tapes) + spare))


@given(several_tapes.filter(len), memory_spaces, st.integers(0, 1))
def test_tapes_beside_each_other_equal_the_oracle(tapes, space, spare):
    both = joined(tapes, spare)
    timeline = run(both, space)
    programs = [program for tape in tapes for program in oracle_programs(tape)]
    stepped = engine_oracle.run_cores(programs, oracle_memory(space))
    steps = [step for program in programs for step in program[0]]
    queue = [transfer for program in programs for transfer in program[1]]
    assert step_times(both) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(both) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]
    assert timeline.dram_busy_cycles == stepped.busy_cycles
    if both.cores > 1:
        assert timeline.total_cycles == stepped.total_cycles


@given(random_tapes(), st.integers(0, 2), memory_spaces)
def test_a_tape_beside_idle_cores_runs_as_alone(tape, spare, space):
    alone = run(tape, space)
    times = step_times(tape), transfer_times(tape)
    beside = join_tapes([tape], 1 + spare)
    assert run(beside, space).total_cycles == alone.total_cycles
    assert (step_times(beside), transfer_times(beside)) == times


@given(several_tapes.filter(len), memory_spaces)
def test_each_tape_gets_its_times_back(tapes, space):
    both = joined(tapes)
    run(both, space)
    parts = take_answers(both, tapes)
    assert [time for part in parts for time in step_times(part)] == step_times(both)
    assert [time for part in parts for time in transfer_times(part)] == transfer_times(both)
    steps = transfers = 0
    for part, tape in zip(parts, tapes, strict=True):
        blamed = both.steps["late_transfer"][steps : steps + len(tape.steps)]
        assert part.steps["late_transfer"].tolist() == [-1 if one < 0 else one - transfers for one in blamed]
        assert part.steps["layer"].tolist() == tape.steps["layer"].tolist()
        steps, transfers = steps + len(tape.steps), transfers + len(tape.transfers)
    assert np.concatenate(works_of(tapes)).tolist() == list(range(len(both.spans)))


@given(several_tapes.filter(lambda tapes: len(tapes) > 1), memory_spaces)
def test_who_waited_for_whom_against_a_painter(tapes, space):
    both = joined(tapes)
    timeline = run(both, space)
    latency = int(space[0].dram_latency_cycles)
    found = waited_for(both, timeline.layers, latency, latency)
    programs = oracle_programs(both)
    engine_oracle.run_cores(programs, oracle_memory(space))
    painted = np.zeros_like(found)
    for core, (steps, queue) in enumerate(programs):
        mine = [i for i, span in enumerate(both.spans) if span.core == core]
        if not mine:
            continue
        for step in steps:
            step.layer = mine.index(step.layer)
        written = [last_thing(both, i) for i in mine]
        for other in range(len(tapes)):
            of_other = [i for i, tenant in enumerate(both.tenants) if tenant == other and i != core]
            others = [transfer for i in of_other for transfer in programs[i][1]]
            served = served_times(queue, latency), served_times(others, latency)
            late = paint_late(steps, len(mine), written, latency, served)
            painted[both.tenants[core], other] += sum(counts["other_core"] for counts in late)
    assert found.tolist() == painted.tolist()
    assert found.sum() == timeline.layers["late_cycles"][:, LATE_OTHER_CORE].sum()


def last_thing(tape, layer):
    """Return the last cycle in which anything of a layer happened, by the engine's own times."""
    steps = tape.steps[tape.steps["layer"] == layer]
    transfers = tape.transfers[tape.transfers["layer"] == layer]
    return max([0, *steps["output_cycle"], *steps["free_cycle"], *transfers["done_cycle"]])


@given(several_tapes.filter(len), memory_spaces)
def test_windows_of_a_network_end_with_it(tapes, space):
    both = joined(tapes)
    layers = run(both, space).layers
    for tape, works in zip(tapes, works_of(tapes), strict=True):
        mine = layers[works]
        for core in range(tape.cores):
            of_core = mine[tape.spans["core"] == core]
            if len(of_core) and both.cores > 1:
                assert of_core["cycles"].sum() == mine["end_cycle"].max()


def test_more_tapes_than_cores_are_refused():
    with pytest.raises(ValueError, match="tapes for 2 cores on a machine of 1"):
        join_tapes([TapeBuilder().tape()] * 2, 1)
