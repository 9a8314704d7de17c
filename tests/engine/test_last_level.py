"""The event loops with a last-level scratchpad against oracles that step every cycle."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.tape import LastLevel
from simulator.engine.event_run import run_on_dram
from simulator.engine.run import run
from simulator.records import LATE_BUS, LATE_NAMES, NONE
from tests.engine.tape_cases import (
    memory_spaces,
    oracle_memory,
    oracle_programs,
    random_tapes,
    step_times,
    transfer_times,
)
from tests.engine.test_dram_loop import CONFIGS, as_descriptors, described_tapes, oracle_numbers
from tests.engine.test_dram_loop import oracle_memory as dram_oracle_memory
from tests.engine.test_sharing import last_things
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import late_cycles, served_times
from tests.oracle.engine_port import Memory
from tests.oracle.last_level_port import TwoMemories

BANDWIDTHS = (Fraction(1, 2), Fraction(3), Fraction(16))


@st.composite
def last_levels(draw, tape):
    """A port, and any loads behind it that no codec touches and that have bytes: none without is ever shared."""
    on_chip = np.array(
        [draw(st.booleans()) and not row.codec_cycles and row.payload_bytes > 0 for row in tape.transfers], np.int64
    )
    filled_by = np.full(len(tape.transfers), NONE)
    port = draw(st.sampled_from(BANDWIDTHS)), draw(st.integers(0, 9)), draw(st.sampled_from((1, 8)))
    return LastLevel(float(port[0]), port[1], port[2], on_chip, filled_by), Memory(*port)


def stepped(tape, port, below, transfers, programs):
    on_chip = frozenset(id(one) for one, mine in zip(transfers, tape.last_level.on_chip, strict=True) if mine)
    return engine_oracle.run_cores(programs, TwoMemories(below, port, on_chip))


def assert_times(tape, programs):
    steps = [step for program in programs for step in program[0]]
    queue = [transfer for program in programs for transfer in program[1]]
    assert step_times(tape) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(tape) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]


@pytest.mark.parametrize("cores", [2, 3])
@settings(max_examples=50)
@given(data=st.data())
def test_random_tapes_over_a_bandwidth_equal_the_oracle(cores, data):
    tape, space = data.draw(random_tapes(cores=cores)), data.draw(memory_spaces)
    level, port = data.draw(last_levels(tape))
    tape = replace(tape, last_level=level)
    timeline = run(tape, space)
    programs = oracle_programs(tape)
    ran = stepped(tape, port, oracle_memory(space), oracle_numbers(tape, programs), programs)
    assert_times(tape, programs)
    assert timeline.total_cycles == ran.total_cycles
    assert timeline.dram_busy_cycles == ran.busy_cycles
    _assert_accounted(tape, timeline)
    _assert_painted(tape, timeline, programs, int(space[0].dram_latency_cycles))


def _assert_painted(tape, timeline, programs, latency):
    """Every late cycle of every core has the reason that a painter gives it."""
    numbered, written = oracle_numbers(tape, programs), last_things(tape)
    on_chip = frozenset(id(one) for one, mine in zip(numbered, tape.last_level.on_chip, strict=True) if mine)
    for core, (steps, queue) in enumerate(programs):
        mine = [i for i, span in enumerate(tape.spans) if span.core == core]
        for step in steps:
            step.layer = mine.index(step.layer)
        others = [one for other, (_, line) in enumerate(programs) if other != core for one in line]
        served = tuple(
            served_times([one for one in line if id(one) not in on_chip], latency) for line in (queue, others)
        )
        counts = [Counter() for _ in mine]
        for layer, reason, _ in late_cycles(steps, len(mine), [written[i] for i in mine], latency, served, on_chip):
            counts[layer][reason] += 1
        for layer, reasons in zip(timeline.layers[mine], counts, strict=True):
            assert [int(count) for count in layer.late_cycles] == [reasons[name] for name in LATE_NAMES]


@pytest.mark.parametrize("cores", [2, 3])
@settings(max_examples=30)
@given(data=st.data())
def test_random_tapes_over_a_dram_equal_the_oracle(cores, data):
    config, (tape, moves) = data.draw(st.sampled_from(CONFIGS)), data.draw(described_tapes(cores))
    level, port = data.draw(last_levels(tape))
    tape = replace(tape, last_level=level)
    moves = [[] if mine else pieces for pieces, mine in zip(moves, level.on_chip, strict=True)]
    timeline = run_on_dram(tape, as_descriptors(moves), config, config.clock_hz)
    programs = oracle_programs(tape)
    numbered = oracle_numbers(tape, programs)
    ran = stepped(tape, port, dram_oracle_memory(config, moves, numbered), numbered, programs)
    assert_times(tape, programs)
    assert timeline.total_cycles == ran.total_cycles
    _assert_accounted(tape, timeline)
    assert (timeline.layers["dram_late_cycles"].sum(axis=1) == timeline.layers["late_cycles"][:, LATE_BUS]).all()


def _assert_accounted(tape, timeline):
    """Causes of every gap add up to it, and none is negative."""
    layers = timeline.layers
    assert (layers["late_cycles"] >= 0).all()
    assert (layers["idle_cycles"].sum(axis=1) >= layers["late_cycles"].sum(axis=1)).all()
