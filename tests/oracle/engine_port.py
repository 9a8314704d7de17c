"""The engine oracle's transfers, steps, and what they pass: one port with a line for each core, encoder and decoder.

Written from docs/model/engine.md, cores.md and compression.md; ``engine_oracle`` runs them.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(eq=False)
class Transfer:
    nbytes: int
    slot: "tuple[Step, Operand | None] | None" = None
    data: "Step | None" = None
    after: "list[Transfer]" = field(default_factory=list)
    store: bool = False
    codec: int = 0  # cycles of the encoder or decoder; 0: stored raw
    encoded: bool = False
    submit: int | None = None
    begin: int | None = None
    arrived: int | None = None  # the memory is done with it
    done: int | None = None
    held_by: str = "queue_order"  # what kept it from leaving in the last cycle in which something did


@dataclass(eq=False)
class Operand:
    name: str
    transfer: Transfer | None
    need: int = 0
    free: int = 0
    source: "Step | None" = None  # wrote it into the buffer, or takes the slot's earlier tile out of it


@dataclass(eq=False)
class Step:
    layer: int = 0
    is_vector: bool = False
    setup: int = 0
    shadow_free: int | None = None
    issue: int = 0
    bus: int = 0
    latency: int = 0
    first_output: int = 0
    vector: int = 0
    wait: "Step | None" = None
    operands: list[Operand] = field(default_factory=list)
    held_back: int = 0
    occupied: int | None = None
    start: int | None = None
    free: int | None = None
    array_done: int | None = None
    output: int | None = None
    sure: bool = False  # its operands and those of every step before are there: nothing can hold it back any more

    def released(self, operand: Operand | None, now: int) -> bool:
        if operand is None:
            return self.sure and self.output is not None and self.free is not None
        return self.sure and self.start is not None and now >= self.start + operand.free


@dataclass(frozen=True)
class Memory:
    bytes_per_cycle: Fraction
    latency: int
    word: int

    def new_port(self, cores: int = 1) -> "Port":
        return Port(self, cores)

    def longest_wait(self, nbytes: int) -> int:
        return self.latency + int((nbytes + self.word) / self.bytes_per_cycle)


class Port:
    def __init__(self, memory: Memory, cores: int = 1) -> None:
        self.memory = memory
        self.lines: list[list[Transfer]] = [[] for _ in range(cores)]
        self.turn = cores - 1  # the core served last
        self.served: Transfer | None = None
        self.left = Fraction(0)
        self.travelling: list[tuple[int, Transfer]] = []
        self.busy_cycles = 0

    @property
    def idle(self) -> bool:
        return self.served is None and not any(self.lines) and not self.travelling

    def take(self, transfer: Transfer, core: int = 0) -> None:
        self.lines[core].append(transfer)

    def grant(self, now: int) -> bool:
        """Serve the next core in turn that has something waiting; asked last, when nothing else moves at this edge."""
        if self.served is not None:
            return False
        for after in range(1, len(self.lines) + 1):
            core = (self.turn + after) % len(self.lines)
            if self.lines[core]:
                self.served, self.turn = self.lines[core].pop(0), core
                self.served.begin = now
                self.left = Fraction(-(-self.served.nbytes // self.memory.word) * self.memory.word)
                return True
        return False

    @property
    def first_word(self) -> int:
        """Cycles from a transfer's begin until its first word may be decoded."""
        return self.memory.latency

    def settle(self, now: int) -> bool:
        changed = False
        if self.served is not None and self.left <= 0:
            self.travelling.append((now + self.memory.latency, self.served))
            self.served = None
            changed = True
        while self.travelling and self.travelling[0][0] == now:  # in order: the latency is the same for all
            self.travelling.pop(0)[1].arrived = now
            changed = True
        return changed

    def earliest_done(self, transfer: Transfer, now: int) -> int:
        """Return a cycle before which a transfer that is not done cannot be."""
        for arrival, other in self.travelling:
            if other is transfer:
                return arrival
        if transfer.arrived is not None:
            return now + 1
        left = self.left if transfer is self.served else Fraction(transfer.nbytes)
        return now + math.ceil(left / self.memory.bytes_per_cycle) + self.memory.latency

    def tick(self, now: int) -> None:
        if self.served is not None:
            self.left -= self.memory.bytes_per_cycle
            self.busy_cycles += 1


class Decoder:
    """Behind the memory: encoded loads leave it one after the other, in the order in which they arrived."""

    def __init__(self, queue: list[Transfer], port: Port) -> None:
        self.under_way = list(queue)
        self.port = port
        self.line: list[Transfer] = []
        self.left_cycle = 0  # in which the tile before left

    @property
    def idle(self) -> bool:
        return not self.line

    def settle(self, now: int) -> bool:
        changed = False
        for transfer in [each for each in self.under_way if each.arrived is not None]:
            self.under_way.remove(transfer)
            changed = True
            if transfer.codec and not transfer.store:
                self.line.append(transfer)
            else:
                transfer.done = now
        while self.line and self._has_decoded(self.line[0], now):
            self.line.pop(0).done = self.left_cycle = now
            changed = True
        return changed

    def _has_decoded(self, tile: Transfer, now: int) -> bool:
        assert tile.begin is not None
        return now >= max(tile.begin + self.port.first_word, self.left_cycle) + tile.codec


class Encoder:
    """Before the queue: stores that are to be encoded pass it one after the other."""

    def __init__(self, queue: list[Transfer]) -> None:
        self.line = [transfer for transfer in queue if transfer.codec and transfer.store]
        self.left: int | None = None

    def settle(self) -> bool:
        if not self.line:
            return False
        if self.left is None and has_data(self.line[0]):
            self.left = self.line[0].codec
            return True
        if self.left == 0:
            self.line.pop(0).encoded = True
            self.left = None
            return True
        return False

    def tick(self) -> None:
        if self.left:
            self.left -= 1


def has_data(transfer: Transfer) -> bool:
    if transfer.data is not None and (transfer.data.output is None or not transfer.data.sure):
        return False
    return all(other.done is not None for other in transfer.after)
