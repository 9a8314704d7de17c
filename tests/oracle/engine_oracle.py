"""Runs a tape by stepping every cycle: plain objects, one state machine for each box of docs/model/engine.md, and one
more of each for every core of docs/model/cores.md, which share the port.

"A step never stalls once it has started" is taken literally: where an operand turns out not to be there when it is
needed, the run begins again with that step held back longer.
"""

from dataclasses import dataclass

from tests.oracle.engine_port import Decoder, Encoder, Memory, Port, Step, Transfer, has_data


class DeadlockError(Exception):
    """Nothing moves any more."""


class _StalledError(Exception):
    """A step was taken too early."""


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
    if not has_data(transfer):
        return "data"
    return "codec" if transfer.codec and transfer.store and not transfer.encoded else None


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
