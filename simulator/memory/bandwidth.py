"""Off-chip memory as one port: so many bytes a cycle, and a latency. The memory interface's simplest implementation.

The transfers of each DMA queue wait in a line of their own; whenever the port is free it takes the first of the next
line in turn (round robin, docs/model/cores.md). One line is served in the order of submission.

The interface every memory offers the engine: ``submit(cycle, transfer)``, ``next_event()``, ``advance(cycle)``. The
engine submits a transfer when its turn has come and never advances the memory past the engine's own next event, so a
memory that reorders requests (a command-level DRAM) can take this one's place.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
from simulator.memory.codec import decode
from simulator.records import Table, table

NEVER = 2**62
ROUNDING = 1 - 1e-12  # 1344 B at 0.7 B/cycle are 1920 cycles, though binary fractions say 1920.0000000000002

BANDWIDTH_PORT = np.dtype(
    [
        ("bytes_per_cycle", np.float64),
        ("latency_cycles", np.int64),
        ("word_bytes", np.int64),
        ("free_cycle", np.int64),  # the port takes its next transfer
        ("oldest", np.int64),  # index of the oldest outstanding transfer in the ring
        ("outstanding", np.int64),
        ("busy_cycles", np.int64),
        ("waiting", np.int64),  # transfers submitted that the port has not taken
        ("asked_cycle", np.int64),  # when the first of them came
        ("turn", np.int64),  # the line served last
    ]
)

LINE = np.dtype([("first", np.int64), ("behind", np.int64), ("decoder_free_cycle", np.int64)])
"""The transfers that wait in a line: positions in ``BandwidthMemory.waiting``; and the clock of its queue's decoder."""


class BandwidthMemory(NamedTuple):
    """One port and the transfers under way on it."""

    port: Table  # BANDWIDTH_PORT, one record
    ring: Table  # int64 [n, 2]: (transfer, done cycle), oldest first
    lines: Table  # LINE, one for each queue
    waiting: Table  # int64 [n]: transfer ids, queue by queue


@kernel(inlined=True)
def transfer_cycles(port: Any, nbytes: int) -> int:  # noqa: ANN401
    """Return the cycles ``nbytes`` occupy the port: whole DRAM words at the peak rate, rounded up to a cycle."""
    words = -(-nbytes // port.word_bytes)
    return int(np.ceil(words * port.word_bytes / port.bytes_per_cycle * ROUNDING))


@kernel(inlined=True)
def submit(memory: BandwidthMemory, cycle: int, transfer: Any, index: int) -> None:  # noqa: ANN401
    """Take transfer ``index`` at ``cycle``: it begins when the port takes it, done a latency after its last byte."""
    port = memory.port[0]
    if memory.lines.shape[0] == 1:  # nobody can come between: the order of submission is that of service
        serve(memory, max(cycle, port.free_cycle), transfer, index)
        return
    line = memory.lines[transfer.queue]
    memory.waiting[line.behind] = index
    line.behind += 1
    if port.waiting == 0:
        port.asked_cycle = cycle
    port.waiting += 1


@kernel(inlined=True)
def serve(memory: BandwidthMemory, cycle: int, transfer: Any, index: int) -> None:  # noqa: ANN401
    """Let transfer ``index`` have the port from ``cycle`` on."""
    port = memory.port[0]
    transfer.begin_cycle = cycle
    occupied = transfer_cycles(port, transfer.payload_bytes)
    port.free_cycle = cycle + occupied
    port.busy_cycles += occupied
    place = (port.oldest + port.outstanding) % memory.ring.shape[0]
    memory.ring[place, 0] = index
    memory.ring[place, 1] = port.free_cycle + port.latency_cycles
    port.outstanding += 1


@kernel(inlined=True)
def next_grant(port: Any) -> int:  # noqa: ANN401
    """Return when the port takes its next transfer from a line, or NEVER."""
    return int(max(port.free_cycle, port.asked_cycle)) if port.waiting > 0 else NEVER


@kernel(inlined=True)
def grant(memory: BandwidthMemory, transfers: Table) -> None:
    """Serve the first transfer of the next line in turn that is not empty."""
    port = memory.port[0]
    turn = port.turn
    for _ in range(memory.lines.shape[0]):
        turn = (turn + 1) % memory.lines.shape[0]
        if memory.lines[turn].first < memory.lines[turn].behind:
            break
    line = memory.lines[turn]
    index = memory.waiting[line.first]
    serve(memory, next_grant(port), transfers[index], index)
    line.first += 1
    port.waiting -= 1
    port.turn = turn


@kernel(inlined=True)
def next_event(memory: BandwidthMemory) -> int:
    """Return the cycle of the next completion or the one after the next grant, or NEVER.

    A grant at a cycle comes after all submissions of that cycle, so it is due when the next one begins.
    """
    port = memory.port[0]
    done = memory.ring[port.oldest, 1] if port.outstanding > 0 else NEVER
    return int(min(done, next_grant(port) + 1) if port.waiting > 0 else done)


@kernel(inlined=True)
def advance(memory: BandwidthMemory, cycle: int, transfers: Table) -> int:
    """Complete every transfer due by ``cycle``, and make at most one grant due before it.

    Fills the done cycles; returns how many completed.
    """
    port = memory.port[0]
    completed = 0
    while port.outstanding > 0 and memory.ring[port.oldest, 1] <= cycle:
        transfer = transfers[memory.ring[port.oldest, 0]]
        transfer.arrived_cycle = memory.ring[port.oldest, 1]
        decode(memory.lines[transfer.queue], transfer, transfer.begin_cycle + port.latency_cycles)
        port.oldest = (port.oldest + 1) % memory.ring.shape[0]
        port.outstanding -= 1
        completed += 1
    if port.waiting > 0 and next_grant(port) < cycle:
        grant(memory, transfers)
    return completed


def new_memory(bytes_per_cycle: float, latency_cycles: int, word_bytes: int, lines: Sequence[int]) -> BandwidthMemory:
    """Return an idle :class:`BandwidthMemory`.

    Parameters
    ----------
    bytes_per_cycle : float
        Peak [B/cycle].
    latency_cycles : int
        After a transfer's last cycle on the port [cycles].
    word_bytes : int
        Smallest transfer [bytes].
    lines : sequence of int
        Transfers that each queue may have outstanding.
    """
    port = table(BANDWIDTH_PORT, 1)
    port["bytes_per_cycle"] = bytes_per_cycle
    port["latency_cycles"] = latency_cycles
    port["word_bytes"] = word_bytes
    port["turn"] = len(lines) - 1
    capacity = max(1, sum(lines))
    places = table(LINE, len(lines))
    places["first"] = places["behind"] = np.cumsum([0, *lines])[:-1]
    several = capacity if len(lines) > 1 else 1
    return BandwidthMemory(port, np.zeros((capacity, 2), np.int64), places, np.zeros(several, np.int64))
