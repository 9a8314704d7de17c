"""Runs a tape by stepping every cycle: plain objects, one state machine for each box of docs/model/engine.md, and one
more of each for every core of docs/model/cores.md, which share the port.

"A step never stalls once it has started" is taken literally: where an operand turns out not to be there when it is
needed, the run begins again with that step held back longer.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction


class DeadlockError(Exception):
    """Nothing moves any more."""


class _StalledError(Exception):
    """A step was taken too early."""


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
        if self.left is None and _has_data(self.line[0]):
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


class VectorUnit:
    def __init__(self) -> None:
        self.line: list[Step] = []  # fused steps, in order
        self.attached: Step | None = None
        self.left = 0
        self.own: Step | None = None  # a vector step

    @property
    def idle(self) -> bool:
        return not self.line and self.attached is None and self.own is None

    def settle(self, now: int) -> bool:
        if self.own is not None and self.own.free is not None:
            self.own = None
            return True
        if self.attached is None and self.line:
            step = self.line[0]
            assert step.start is not None
            if now >= step.start + step.first_output:
                self.attached = self.line.pop(0)
                self.left = step.vector
                return True
        if self.attached is not None and self.left == 0 and self.attached.array_done is not None:
            self.attached.output = now
            self.attached = None
            return True
        return False

    def tick(self) -> None:
        if self.attached is not None and self.left > 0:
            self.left -= 1


class Core:
    def __init__(self, steps: list[Step], vector: VectorUnit) -> None:
        self.steps = steps
        self.vector = vector
        self.next = 0
        self.running: Step | None = None
        self.setup_left = steps[0].setup if steps else 0
        self.in_flight: list[Step] = []
        self.promises: list[tuple[int, Step, Transfer | Step]] = []
        self.begun: list[Step] = []  # and not yet sure

    @property
    def done(self) -> bool:
        return self.next == len(self.steps) and self.running is None and not self.in_flight

    def settle(self, now: int) -> bool:
        return self._let_go(now) or self._finish(now) or self._take(now) or self._begin(now) or self._make_sure()

    def _make_sure(self) -> bool:
        if not self.begun or any(use.transfer and use.transfer.done is None for use in self.begun[0].operands):
            return False
        self.begun.pop(0).sure = True
        return True

    def _let_go(self, now: int) -> bool:
        step = self.running
        if step is None or step.start is None or now < step.start + step.issue + step.bus:
            return False
        step.free = now
        self.running = None
        return True

    def _finish(self, now: int) -> bool:
        for step in self.in_flight:
            assert step.start is not None
            if now >= step.start + step.latency + step.bus:
                step.array_done = now
                if not step.vector:
                    step.output = now
                self.in_flight.remove(step)
                return True
        return False

    def _take(self, now: int) -> bool:
        if self.running is not None or self.next == len(self.steps):
            return False
        step = self.steps[self.next]
        if step.occupied is not None or now < step.held_back:
            return False
        if step.wait is not None and step.wait.output is None:
            return False
        if step.is_vector and not self.vector.idle:
            return False
        pending = [use for use in step.operands if use.transfer is not None and use.transfer.done is None]
        unwritten = [use for use in step.operands if use.source is not None and use.source.output is None]
        if any(use.need <= 0 for use in pending + unwritten):
            return False
        step.occupied = now
        self.promises += [(now + use.need, step, use.source) for use in unwritten if use.source is not None]
        self.promises += [(now + use.need, step, use.transfer) for use in pending if use.transfer is not None]
        return True

    def _begin(self, now: int) -> bool:
        if self.running is not None or self.next == len(self.steps):
            return False
        step = self.steps[self.next]
        if step.occupied is None or self.setup_left > 0:
            return False
        step.start = now
        self.running = step
        self.in_flight.append(step)
        self.begun.append(step)
        if step.is_vector:
            self.vector.own = step
        elif step.vector:
            self.vector.line.append(step)
        self.next += 1
        if self.next < len(self.steps):
            self.setup_left = self.steps[self.next].setup
        return True

    def keep_promises(self, now: int, port: Port) -> None:
        for due, step, awaited in self.promises:
            there = awaited.output if isinstance(awaited, Step) else awaited.done
            if due == now and there is None:
                assert step.occupied is not None
                late = 1 if isinstance(awaited, Step) else max(1, port.earliest_done(awaited, now) - now)
                step.held_back = step.occupied + late
                raise _StalledError
        self.promises = [promise for promise in self.promises if promise[0] > now]

    def tick(self, now: int) -> bool:
        if self.next == len(self.steps) or self.setup_left == 0 or not self._may_load(now):
            return False
        self.setup_left -= 1
        return True

    def _may_load(self, now: int) -> bool:
        step = self.steps[self.next]
        for use in step.operands:
            if use.need < 0:
                if use.transfer is not None and use.transfer.done is None:
                    return False
                if use.source is not None and use.source.output is None:
                    return False
                if use.transfer is None and step.wait is not None and step.wait.output is None:
                    return False
        if self.next > 0 and step.shadow_free is not None:
            before = self.steps[self.next - 1]
            if before.shadow_free is not None:
                assert before.start is not None
                return now >= before.start + before.shadow_free
        return self.running is None


@dataclass
class Run:
    total_cycles: int
    busy_cycles: int


def run(steps: list[Step], queue: list[Transfer], memory: Memory) -> Run:
    """Fill every time of ``steps`` and ``queue``; say how long it took."""
    return run_cores([(steps, queue)], memory)


Program = tuple[list[Step], list[Transfer]]


def run_cores(programs: list[Program], memory: Memory) -> Run:
    """Fill every time of each core's steps and queue; say how long all took."""
    while True:
        try:
            return _attempt(programs, memory)
        except _StalledError:
            for steps, queue in programs:
                _forget(steps, queue)


class Machine:
    """A core, its vector unit and its DMA queue."""

    def __init__(self, number: int, program: Program, port: Port) -> None:
        self.number, self.port = number, port
        self.vector = VectorUnit()
        self.core = Core(program[0], self.vector)
        self.line = list(program[1])
        self.encoder, self.decoder = Encoder(program[1]), Decoder(program[1], port)

    @property
    def done(self) -> bool:
        return self.core.done and self.vector.idle and self.decoder.idle and not self.line

    def settle(self, now: int) -> bool:
        codec = self.encoder.settle() or self.decoder.settle(now)
        return codec or self._leave_queue(now) or self.core.settle(now) or self.vector.settle(now)

    def _leave_queue(self, now: int) -> bool:
        if not self.line or _held_by(self.line[0], now):
            return False
        self.line[0].submit = now
        self.port.take(self.line.pop(0), self.number)
        return True

    def tick(self, now: int) -> None:
        _note_what_holds(self.line, now)
        self.core.tick(now)
        self.vector.tick()
        self.encoder.tick()


def _attempt(programs: list[Program], memory: Memory) -> Run:
    port = memory.new_port(len(programs))
    machines = [Machine(number, program, port) for number, program in enumerate(programs)]
    patience = max(_longest_wait(steps, queue, memory) for steps, queue in programs)
    now = quiet = 0
    while True:
        moved = False
        while any(machine.settle(now) for machine in machines) or port.settle(now) or port.grant(now):
            moved = True
        for machine in machines:
            machine.core.keep_promises(now, port)
        if all(machine.done for machine in machines) and port.idle:
            return Run(now, port.busy_cycles)
        quiet = 0 if moved else quiet + 1
        if quiet > patience:
            raise DeadlockError(now)
        for machine in machines:
            machine.tick(now)
        port.tick(now)
        now += 1


def _held_by(transfer: Transfer, now: int) -> str | None:
    if transfer.slot is not None and not transfer.slot[0].released(transfer.slot[1], now):
        return "slot"
    if not _has_data(transfer):
        return "data"
    return "codec" if transfer.codec and transfer.store and not transfer.encoded else None


def _has_data(transfer: Transfer) -> bool:
    if transfer.data is not None and (transfer.data.output is None or not transfer.data.sure):
        return False
    return all(other.done is not None for other in transfer.after)


def _note_what_holds(line: list[Transfer], now: int) -> None:
    for place, transfer in enumerate(line):
        transfer.held_by = "queue_order" if place else _held_by(transfer, now) or "queue_order"


def _longest_wait(steps: list[Step], queue: list[Transfer], memory: Memory) -> int:
    waits = [memory.longest_wait(0)]
    for step in steps:
        waits += [step.setup, step.shadow_free or 0, step.issue + step.bus, step.latency + step.bus]
        waits += [step.vector, step.first_output, *(use.free for use in step.operands)]
    for transfer in queue:
        waits += [memory.longest_wait(transfer.nbytes), transfer.codec]
    return max(waits) + 2


def _forget(steps: list[Step], queue: list[Transfer]) -> None:
    for step in steps:
        step.occupied = step.start = step.free = step.array_done = step.output = None
        step.sure = False
    for transfer in queue:
        transfer.submit = transfer.begin = transfer.arrived = transfer.done = None
        transfer.encoded = False
