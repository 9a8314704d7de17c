"""From a finished run of a tape to its timeline: what only the accelerator and the mapping know is added here."""

from dataclasses import replace

from simulator.assembly import BUFFERED, Run
from simulator.engine.recording import Machine, record
from simulator.records import MAC_WORK
from simulator.timeline import BufferTrack, Cycles, RunTimeline
from simulator.units import BITS_PER_BYTE

MOST_STEPS = 200_000
"""Beyond this many tiles nobody can look at each: no timeline is kept."""


def timeline_of(run: Run) -> RunTimeline | None:
    """Return when everything in ``run`` happened; None where it was not run, or has too many tiles to be looked at."""
    tape, times = run.tape, run.timeline
    if tape is None or times is None or len(tape.steps) > MOST_STEPS:
        return None
    machine, rows = run.accelerator, run.network.rows
    homes = [machine.buffers.index(machine.buffer_of(operand)) for operand in BUFFERED]
    shown = Machine(
        clock_hz=machine.clock_hz,
        dram_bytes_per_cycle=machine.dram_bytes_per_cycle,
        port_latency_cycles=machine.dram.latency_cycles if times.commands is None else 0,
        buffers=tuple(
            BufferTrack(one.name, one.capacity_bytes * machine.cores, one.operands) for one in machine.buffers
        ),
        home=(homes[0], homes[1], homes[2]),
    )
    names = tuple(rows[row].name for row in run.network.row_of_work)
    resident = bool(run.network.works["ofmap_resident"].any())
    return replace(record(tape, times, shown, names, _psum_slot_bytes(run)), has_resident=resident)


def _psum_slot_bytes(run: Run) -> Cycles:
    """Return what a tile of partial sums takes in its slot [bytes]; 0 for works without a matrix product."""
    works, tiles = run.network.works, run.mapped.mappings
    bits: Cycles = works["psum_bits"] * (works["kind"] == MAC_WORK)
    for extent in ("N", "P", "Q", "G", "K"):
        bits = bits * tiles[extent]
    return -(-bits // BITS_PER_BYTE)
