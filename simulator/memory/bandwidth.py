"""Off-chip memory as one port: so many bytes a cycle, and a latency. The memory interface's simplest implementation.

The interface every memory offers the engine: ``submit(cycle, transfer)``, ``next_event()``, ``advance(cycle)``. The
engine submits a transfer when its turn has come and never advances the memory past the engine's own next event, so a
memory that reorders requests (a command-level DRAM) can take this one's place.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
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
    ]
)


class BandwidthMemory(NamedTuple):
    """One port and the transfers under way on it."""

    port: Table  # BANDWIDTH_PORT, one record
    ring: Table  # int64 [n, 2]: (transfer, done cycle), oldest first


@kernel(inlined=True)
def transfer_cycles(port: Any, nbytes: int) -> int:  # noqa: ANN401
    """Return the cycles ``nbytes`` occupy the port: whole DRAM words at the peak rate, rounded up to a cycle."""
    words = -(-nbytes // port.word_bytes)
    return int(np.ceil(words * port.word_bytes / port.bytes_per_cycle * ROUNDING))


@kernel(inlined=True)
def submit(memory: BandwidthMemory, cycle: int, transfer: Any, index: int) -> None:  # noqa: ANN401
    """Take transfer ``index`` at ``cycle``: it begins when the port is free, done a latency after its last byte."""
    port = memory.port[0]
    transfer.begin_cycle = max(cycle, port.free_cycle)
    occupied = transfer_cycles(port, transfer.payload_bytes)
    port.free_cycle = transfer.begin_cycle + occupied
    port.busy_cycles += occupied
    place = (port.oldest + port.outstanding) % memory.ring.shape[0]
    memory.ring[place, 0] = index
    memory.ring[place, 1] = port.free_cycle + port.latency_cycles
    port.outstanding += 1


@kernel(inlined=True)
def next_event(memory: BandwidthMemory) -> int:
    """Return the cycle of the next completion, or NEVER."""
    port = memory.port[0]
    if port.outstanding == 0:
        return NEVER
    return int(memory.ring[port.oldest, 1])


@kernel(inlined=True)
def advance(memory: BandwidthMemory, cycle: int, transfers: Table) -> int:
    """Complete every transfer due by ``cycle``: fill its done cycle. Return how many completed."""
    port = memory.port[0]
    completed = 0
    while port.outstanding > 0 and memory.ring[port.oldest, 1] <= cycle:
        transfers[memory.ring[port.oldest, 0]].done_cycle = memory.ring[port.oldest, 1]
        port.oldest = (port.oldest + 1) % memory.ring.shape[0]
        port.outstanding -= 1
        completed += 1
    return completed


def new_memory(bytes_per_cycle: float, latency_cycles: int, word_bytes: int, capacity: int) -> BandwidthMemory:
    """Return an idle :class:`BandwidthMemory` that can hold ``capacity`` outstanding transfers."""
    port = table(BANDWIDTH_PORT, 1)
    port[0].bytes_per_cycle = bytes_per_cycle
    port[0].latency_cycles = latency_cycles
    port[0].word_bytes = word_bytes
    return BandwidthMemory(port, np.zeros((max(1, capacity), 2), np.int64))
