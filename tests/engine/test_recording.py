"""Slices of a run against the engine's own accounting, and against what the hardware allows."""

import numpy as np
from hypothesis import given

from simulator.engine.recording import Machine, record
from simulator.engine.run import run
from simulator.records import CAUSE_NAMES, IFMAP, LATE_DATA, LATE_SLOT, NONE, PSUM, WRITE
from simulator.timeline import FILL, TAIL, WAIT, WORK, BufferTrack
from tests.engine.tape_cases import TapeBuilder, memory_space, memory_spaces, random_tapes

TRACKS = {"core": ("core",), "vector": ("core",), "ports": ("lane",), "queues": ("queue",)}


def recorded(tape, space, psum_slot_bytes=0):
    timeline = run(tape, space)
    machine = Machine(
        clock_hz=1e9,
        dram_bytes_per_cycle=float(space[0].dram_bytes_per_cycle),
        port_latency_cycles=int(space[0].dram_latency_cycles),
        buffers=(BufferTrack("all", 2**20, ("ifmap", "weight", "psum")),),
        home=(0, 0, 0),
    )
    layers = len(tape.spans)
    names = tuple(f"layer{i}" for i in range(layers))
    return timeline, record(tape, timeline, machine, names, np.full(layers, psum_slot_bytes, np.int64))


def assert_tracks_never_overlap(shown, tracks):
    for table, fields in tracks.items():
        slices = getattr(shown, table)
        assert (slices["end_cycle"] > slices["begin_cycle"]).all()
        busy = {}
        for one in slices:
            track = tuple(int(one[field]) for field in fields)
            assert one.begin_cycle >= busy.get(track, 0), (table, one)
            busy[track] = one.end_cycle


def length(slices):
    return int((slices["end_cycle"] - slices["begin_cycle"]).sum())


def assert_adds_up(timeline, shown):
    """Every cycle of the core lies in one slice, and each layer's slices are its accounted time."""
    assert length(shown.core) == timeline.total_cycles
    for index, layer in enumerate(timeline.layers):
        mine = shown.core[shown.core["layer"] == index]
        exposed = length(mine[mine["kind"] == FILL])
        issue = sum(int(layer[f"{part}_cycles"]) for part in ("useful", "fill", "drain", "imbalance", "bus"))
        assert length(mine[mine["kind"] == WORK]) + exposed == issue
        assert length(mine[mine["kind"] == TAIL]) == layer.tail_cycles
        for cause in range(len(CAUSE_NAMES)):
            waits = mine[(mine["kind"] == WAIT) & (mine["cause"] == cause)]
            assert length(waits) == layer.idle_cycles[cause]


@given(random_tapes(), memory_spaces)
def test_slices_partition_the_cores_time_as_the_accounting_does(tape, space):
    timeline, shown = recorded(tape, space)
    assert_adds_up(timeline, shown)
    assert_tracks_never_overlap(shown, TRACKS | {"tiles": ("operand", "lane")})
    assert length(shown.ports) == timeline.dram_busy_cycles
    assert shown.ports["lane"].max(initial=0) == 0, "one port serves one transfer at a time"


@given(random_tapes(), memory_spaces)
def test_the_blamed_transfer_is_what_the_step_waited_for(tape, space):
    _, shown = recorded(tape, space)
    for wait in shown.core[shown.core["kind"] == WAIT]:
        step = tape.steps[wait.step]
        uses = tape.uses[step.first_use : step.first_use + step.uses]
        if wait.blamed == NONE:
            ready = [
                int(tape.steps[use.source_step].output_cycle) - max(0, int(use.need_cycles))
                for use in uses[uses["source_step"] != NONE]  # operands on chip: an earlier step writes them
            ]
            assert CAUSE_NAMES[wait.cause] in {"dependency", "vector"} or step.occupied_cycle in ready
            continue
        needs = uses[uses["transfer"] == wait.blamed]["need_cycles"]
        done = int(tape.transfers[wait.blamed].done_cycle)
        assert any(done - max(0, int(each)) == step.occupied_cycle for each in needs)


def two_slot_pipeline(slots):
    """Four steps of 10 cycles, each with a tile of 40 bytes (10 cycles on the port) in one of ``slots``."""
    tape = TapeBuilder()
    for index in range(4):
        free = (index - slots, 0) if index >= slots else None
        load = tape.transfer(40, free=free)
        tape.step([(IFMAP, load, 0, 10)], issue_cycles=10, useful_cycles=10, latency_cycles=10)
    return tape.tape()


def test_double_buffering_shows_as_two_slots_in_turn():
    space = memory_space(bytes_per_cycle=4.0, latency_cycles=0)
    _, one = recorded(two_slot_pipeline(1), space)
    _, two = recorded(two_slot_pipeline(2), space)
    assert one.total_cycles == 80
    assert two.total_cycles == 50
    assert set(one.tiles["lane"]) == {0}
    assert [(int(tile.lane), int(tile.begin_cycle), int(tile.end_cycle)) for tile in two.tiles] == [
        (0, 0, 20),
        (0, 20, 40),
        (1, 0, 30),
        (1, 30, 50),
    ]
    held_up = one.queues[one.queues["late_because"] == LATE_SLOT]
    assert [(int(each.begin_cycle), int(each.end_cycle)) for each in held_up] == [(0, 20), (20, 40), (40, 60)]


def test_a_store_waits_for_its_data_and_holds_the_psum_slot():
    tape = TapeBuilder()
    load = tape.transfer(4)
    step = tape.step([(IFMAP, load, 0, 5)], issue_cycles=5, useful_cycles=5, latency_cycles=8)
    tape.transfer(40, WRITE, data=step)
    built = tape.tape()
    built.transfers["operand"][1] = PSUM
    _, shown = recorded(built, memory_space(bytes_per_cycle=4.0, latency_cycles=0), psum_slot_bytes=160)
    psum = shown.tiles[shown.tiles["operand"] == PSUM]
    assert [(int(one.begin_cycle), int(one.ready_cycle), int(one.end_cycle), int(one.bytes)) for one in psum] == [
        (1, 9, 19, 160)
    ]
    held_up = shown.queues[shown.queues["transfer"] == 1]
    assert [(int(one.late_because), int(one.end_cycle)) for one in held_up] == [(LATE_DATA, 9)]
