"""What the DRAM did while steps waited for it, against oracles that step every cycle of both."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.dram_causes import shares_of, whole_parts
from simulator.engine.dram_loop import STRETCH
from simulator.engine.event_run import read_latency_cycles, run_on_dram
from simulator.memory.dma import Descriptor
from simulator.records import DRAM_LATE_NAMES, IFMAP, LATE_BUS, table
from tests.engine.tape_cases import TapeBuilder, oracle_programs
from tests.engine.test_dram_loop import CONFIGS, as_descriptors, described_tapes, oracle_memory, oracle_numbers
from tests.engine.test_sharing import last_things
from tests.memory.dram_cases import small_config
from tests.oracle import engine_oracle
from tests.oracle.engine_gaps import late_cycles, paint_dram, served_times


@pytest.mark.parametrize("cores", [1, 2, 3])
@settings(max_examples=40)
@given(data=st.data())
def test_lateness_of_random_tapes_is_split_as_the_painter_does(cores, data):
    config, (tape, moves) = data.draw(st.sampled_from(CONFIGS)), data.draw(described_tapes(cores))
    timeline = run_on_dram(tape, as_descriptors(moves), config, config.clock_hz)
    programs, latency = oracle_programs(tape), read_latency_cycles(config, config.clock_hz)
    memory = oracle_memory(config, moves, oracle_numbers(tape, programs))
    engine_oracle.run_cores(programs, memory)
    written = last_things(tape)
    for core, (steps, queue) in enumerate(programs):
        mine = [i for i, span in enumerate(tape.spans) if span.core == core]
        if not mine:
            continue
        for step in steps:
            step.layer = mine.index(step.layer)
        others = [transfer for other, (_, line) in enumerate(programs) if other != core for transfer in line]
        served = (served_times(queue, 0), served_times(others, 0)) if cores > 1 else None
        late = late_cycles(steps, len(mine), [written[i] for i in mine], latency, served)
        painted = paint_dram(late, len(mine), memory.port.stretches)
        for layer, exact in zip(timeline.layers[mine], painted, strict=True):
            parts = dict(zip(DRAM_LATE_NAMES, layer.dram_late_cycles.tolist(), strict=True))
            assert sum(parts.values()) == layer.late_cycles[LATE_BUS] == sum(exact.values())
            for name, cycles in parts.items():
                assert abs(cycles - exact[name]) < 1


def test_one_read_alone_by_hand():
    config = small_config()  # tRCD 6, CL 7, burst 4: the latency is 17
    tape = TapeBuilder()
    load = tape.transfer(64)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=5, latency_cycles=5)
    timeline = run_on_dram(tape.tape(), as_descriptors([[Descriptor(0, 64)]]), config, config.clock_hz)
    (layer,) = timeline.layers
    # there at 19: 2 cycles of the bus beside the latency, in a stretch of 19 - 17 places, less a burst of 4
    assert layer.late_cycles[LATE_BUS] == 2
    assert dict(zip(DRAM_LATE_NAMES, layer.dram_late_cycles.tolist(), strict=True))["bus"] == 2


def test_shares_by_hand():
    stretches = table(STRETCH, 3)
    stretches["begin_cycle"], stretches["end_cycle"] = [0, 100, 100], [100, 100, 200]
    stretches["was_idle"] = [1, 0, 0]
    stretches["reads"], stretches["held_row"] = [10, 0, 20], [30, 0, 0]
    shares = shares_of(stretches, 2, 4, 0.5, 10)
    # 2 channels x (50 - 10) places: 40 of bursts, 30 held by rows, 10 unused
    assert shares[0].tolist() == [0.5, 0.375, 0, 0, 0, 0, 0.125]
    assert shares[1].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert shares[2].tolist() == [0.8, 0, 0, 0, 0, 0, 0.2]


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), min_size=3, max_size=3), st.integers(0, 50)), min_size=1))
def test_whole_parts_add_up_and_are_within_one(rows):
    parts, wholes = np.array([row for row, _ in rows], np.float64), np.array([whole for _, whole in rows])
    found = whole_parts(parts, wholes)
    assert (found.sum(axis=1) == wholes).all()
    for row, (ratio, whole) in zip(found.tolist(), rows, strict=True):
        for part, weight in zip(row, ratio, strict=True):
            if sum(ratio):
                assert abs(part - Fraction(weight * whole, sum(ratio))) < 1
