"""Where the time of several cores went, against a painter that looks at every cycle of every core."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.run import run
from simulator.engine.sharing import Served
from simulator.records import CAUSE_NAMES, IFMAP, LATE_NAMES
from tests.engine.tape_cases import (
    TapeBuilder,
    memory_space,
    memory_spaces,
    oracle_memory,
    oracle_programs,
    random_tapes,
)
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import paint, paint_late, served_times

ISSUE = ("useful_cycles", "fill_cycles", "drain_cycles", "imbalance_cycles", "bus_cycles")


def last_things(tape):
    written = [0] * len(tape.spans)
    for step in tape.steps:
        written[step.layer] = max(written[step.layer], int(step.output_cycle), int(step.free_cycle))
    for transfer in tape.transfers:
        written[transfer.layer] = max(written[transfer.layer], int(transfer.done_cycle))
    return written


@pytest.mark.parametrize("cores", [2, 3])
@given(data=st.data())
def test_every_cycle_of_every_core_is_accounted_for(cores, data):
    tape, space = data.draw(random_tapes(cores=cores)), data.draw(memory_spaces)
    timeline = run(tape, space)
    programs = oracle_programs(tape)
    engine_oracle.run_cores(programs, oracle_memory(space))
    latency, written = int(space[0].dram_latency_cycles), last_things(tape)
    for core, (steps, queue) in enumerate(programs):
        mine = [i for i, span in enumerate(tape.spans) if span.core == core]
        if not mine:
            continue
        for step in steps:
            step.layer = mine.index(step.layer)
        others = [transfer for other, (_, line) in enumerate(programs) if other != core for transfer in line]
        ends = [written[i] for i in mine]
        painted = paint(steps, len(mine), ends, timeline.total_cycles)
        served = served_times(queue, latency), served_times(others, latency)
        late = paint_late(steps, len(mine), ends, latency, served)
        for layer, counts, reasons in zip(timeline.layers[mine], painted, late, strict=True):
            assert sum(int(layer[name]) for name in ISSUE) == counts["issue"]
            assert int(layer.tail_cycles) == counts["tail"]
            assert [int(idle) for idle in layer.idle_cycles] == [counts[f"idle_{cause}"] for cause in CAUSE_NAMES]
            assert [int(count) for count in layer.late_cycles] == [reasons[name] for name in LATE_NAMES]
        assert timeline.layers[mine].cycles.sum() == timeline.total_cycles


def test_a_load_behind_another_cores_is_late_because_of_it():
    tape = TapeBuilder(cores=2)
    for core, nbytes in ((0, 40), (1, 8)):
        load = tape.transfer(nbytes, core=core)
        tape.step([(IFMAP, load, 0, 1)], issue_cycles=2, useful_cycles=2, latency_cycles=2, core=core)
    built = tape.tape()
    timeline = run(built, memory_space(latency_cycles=0))  # 4 B/cycle: 10 cycles of core 0, then 2 of core 1
    late = {name: int(timeline.layers[1].late_cycles[i]) for i, name in enumerate(LATE_NAMES)}
    assert (late["other_core"], late["dram_bus"]) == (10, 2)
    assert LATE_NAMES[built.steps[1].late_because] == "other_core"
    assert Served(built, 0).others_alone(1, built.transfers["begin_cycle"]).tolist() == [0, 10]
