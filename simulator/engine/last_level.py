"""A last-level scratchpad in the engine: the port that its reads pass, and the event loop over it and a bandwidth.

The port is a :class:`~simulator.memory.bandwidth.BandwidthMemory` of its own, with a line for each core; the fetches
that fill the scratchpad are transfers of one more DMA queue, without steps. docs/model/cores.md has the drawing; the
oracle is ``tests/oracle/last_level_port.py``.
"""

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.tape import LastLevel, Tape
from simulator.engine.boxes import Descriptors
from simulator.engine.event_loop import ADVANCE, FINISHED, SUBMIT, RunTables, next_action, take_head
from simulator.memory.bandwidth import BandwidthMemory, advance, new_memory, next_event, submit
from simulator.records import Table


def new_last_level_port(tape: Tape) -> BandwidthMemory:
    """Return the idle port of the scratchpad of ``tape``."""
    level = tape.last_level
    assert level is not None
    waiting = np.bincount(tape.transfers["queue"][level.on_chip == 1], minlength=tape.cores)
    return new_memory(level.bytes_per_cycle, level.latency_cycles, level.word_bytes, waiting.tolist())


def without(found: Descriptors, level: LastLevel | None) -> Descriptors:
    """Return the descriptors of a tape less those of transfers that the scratchpad serves."""
    if level is None:
        return found
    counts = np.diff(found.spans) * (level.on_chip == 0)
    kept = np.repeat(level.on_chip == 0, np.diff(found.spans))
    return Descriptors(found.pieces[kept], np.concatenate([[0], np.cumsum(counts)]))


@kernel(borrows=True)
def run_tape_with_last_level(run: RunTables, memory: BandwidthMemory, port: BandwidthMemory, on_chip: Table) -> None:
    """Run the tape as ``event_loop.run_tape`` does; transfers with ``on_chip`` [transfers] pass ``port``."""
    action = SUBMIT
    while action != FINISHED:
        action, cycle, queue = next_action(run, min(next_event(memory), next_event(port)))
        if action == SUBMIT:
            index = take_head(run, queue, cycle)
            if on_chip[index] == 1:
                submit(port, cycle, run.transfers[index], index)
            else:
                submit(memory, cycle, run.transfers[index], index)
        elif action == ADVANCE:
            run.progress[0].transfers_done += advance(memory, cycle, run.transfers)
            run.progress[0].transfers_done += advance(port, cycle, run.transfers)
