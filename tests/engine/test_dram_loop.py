"""The event loop over a DRAM against oracles that step every cycle of both."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.boxes import Descriptors
from simulator.engine.event_run import read_latency_cycles, run_on_dram
from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_split import burst_addresses, one_channel
from simulator.records import IFMAP, READ, WRITE
from tests.engine.tape_cases import (
    TapeBuilder,
    oracle_programs,
    oracle_view,
    random_tapes,
    step_times,
    transfer_times,
)
from tests.memory.dram_cases import small_config
from tests.memory.test_dram_memory import channel_requests
from tests.oracle import engine_oracle
from tests.oracle.dram_port import DramMemoryOracle

CONFIGS = (
    small_config(),
    small_config(organization_changes={"channels": 2, "rows": 16, "address_mapping": "rorabacobgch"}),
    small_config(timing_changes={"trefi_cycles": 150}, policy={"page": "close"}, inject_width=2),
)
HOT_BYTES = 4096
"""Descriptors begin in the first few rows, so that transfers hit, conflict and overwrite each other."""


@st.composite
def described_tapes(draw, cores=1):
    """A random tape, and none to two small descriptors a transfer."""
    tape = draw(random_tapes(most=14 * cores, cores=cores))
    moves = []
    for transfer in tape.transfers:
        direction = READ if transfer.direction == READ else WRITE
        count = draw(st.sampled_from((1, 1, 1, 2, 0)))
        if count == 0:
            transfer.codec_cycles = 0  # nothing is there to be encoded
        moves.append([draw(descriptors(direction)) for _ in range(count)])
    return tape, moves


@st.composite
def descriptors(draw, direction):
    row_bytes = draw(st.sampled_from((8, 64, 100, 640)))
    base = draw(st.integers(0, HOT_BYTES))
    rows = draw(st.sampled_from((1, 1, 3)))
    return Descriptor(base, row_bytes, rows, row_bytes + draw(st.sampled_from((0, 30, 1000))), direction)


def as_descriptors(moves):
    spans = np.cumsum([0, *(len(pieces) for pieces in moves)])
    return Descriptors(descriptor_table([piece for pieces in moves for piece in pieces]), spans)


def oracle_memory(config, moves, transfers):
    bursts = [[] for _ in moves]
    jobs = [(number, piece) for number, pieces in enumerate(moves) for piece in pieces]
    owner = [number for number, _ in jobs]
    by_channel = channel_requests(config, [(0, piece) for _, piece in jobs])
    for channel, requests in enumerate(by_channel):
        for address, is_write, _, job in requests:
            bursts[owner[job]].append((channel, address, is_write, job))
    numbers = {id(transfer): number for number, transfer in enumerate(transfers)}
    first_word = read_latency_cycles(config, config.clock_hz)
    return DramMemoryOracle(one_channel(config), config.organization.channels, bursts, numbers, first_word, first_word)


@settings(max_examples=60)
@given(st.sampled_from(CONFIGS), described_tapes())
def test_random_tapes_equal_the_oracle(config, case):
    tape, moves = case
    timeline = run_on_dram(tape, as_descriptors(moves), config, config.clock_hz)
    steps, queue = oracle_view(tape)
    stepped = engine_oracle.run(steps, queue, oracle_memory(config, moves, queue))
    assert step_times(tape) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(tape) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]
    assert timeline.total_cycles == stepped.total_cycles


@pytest.mark.parametrize("cores", [2, 3])
@settings(max_examples=40)
@given(data=st.data())
def test_random_tapes_of_several_cores_equal_the_oracle(cores, data):
    config, (tape, moves) = data.draw(st.sampled_from(CONFIGS)), data.draw(described_tapes(cores))
    timeline = run_on_dram(tape, as_descriptors(moves), config, config.clock_hz)
    programs = oracle_programs(tape)
    numbered = oracle_numbers(tape, programs)
    stepped = engine_oracle.run_cores(programs, oracle_memory(config, moves, numbered))
    steps = [step for program in programs for step in program[0]]
    queue = [transfer for program in programs for transfer in program[1]]
    assert step_times(tape) == [(step.occupied, step.start, step.free, step.output) for step in steps]
    assert transfer_times(tape) == [(transfer.submit, transfer.begin, transfer.done) for transfer in queue]
    assert timeline.total_cycles == stepped.total_cycles


def oracle_numbers(tape, programs):
    """The oracle's transfers by their number on the tape."""
    in_order = [transfer for _, queue in programs for transfer in queue]
    return [transfer for _, transfer in sorted(zip(tape.order.tolist(), in_order, strict=True), key=lambda one: one[0])]


@settings(max_examples=15)
@given(st.sampled_from(CONFIGS), described_tapes())
def test_commands_of_the_layers_add_up_to_those_of_the_memory(config, case):
    tape, moves = case
    timeline = run_on_dram(tape, as_descriptors(moves), config, config.clock_hz)
    commands = timeline.commands
    touched = sum(len(burst_addresses(config, piece)) for pieces in moves for piece in pieces)
    columns = int(commands["reads"].sum() + commands["writes"].sum())
    assert columns <= touched  # reads and writes of one burst may share a command
    assert (commands["row_hits"] <= commands["reads"] + commands["writes"]).all()
    assert all((commands[name] >= 0).all() for name in commands.dtype.names)


def test_one_load_by_hand():
    config = small_config()  # tRCD 6, CL 7, burst 4
    tape = TapeBuilder()
    load = tape.transfer(64)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=5, latency_cycles=5)
    built = tape.tape()
    run_on_dram(built, as_descriptors([[Descriptor(0, 64)]]), config, config.clock_hz)
    # accepted at the end of cycle 0, moved at 1, activated at 2, read at 8, there at 19
    assert transfer_times(built) == [(0, 0, 19)]
    assert step_times(built) == [(19, 19, 24, 24)]


def test_a_transfer_without_bytes_is_done_at_once():
    tape = TapeBuilder()
    load = tape.transfer(0)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=5, latency_cycles=5)
    built = tape.tape()
    config = small_config()
    assert run_on_dram(built, as_descriptors([[]]), config, config.clock_hz).total_cycles == 5
