"""The engine oracle's memory as a DRAM: one controller a channel, stepped every clock, bursts offered in order.

Written from docs/model/engine.md and dram.md over the controller of ``dram_oracle``; the two clocks are one here.
"""

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.dram_devices import split_address
from tests.oracle.dram_oracle import Channel, Transaction


@dataclass(frozen=True)
class DramMemoryOracle:
    """``bursts`` [transfer number]: (channel, local address, is_write, descriptor) of each burst, in order."""

    config: object  # of one channel
    channels: int
    bursts: list
    numbers: dict  # id of an oracle transfer: its number
    first_word: int = 0  # cycles from a transfer's first burst until its data may be decoded
    closed_read: int = 0  # cycles of a read of a closed bank

    def new_port(self, cores=1):
        object.__setattr__(self, "port", DramPortOracle(self, cores))  # of the last attempt, to look at afterwards
        return self.port

    def longest_wait(self, nbytes):
        return 3000 + nbytes


class DramPortOracle:
    def __init__(self, memory, cores=1):
        self.memory = memory
        self.channels = [Channel(memory.config, drain=False) for _ in range(memory.channels)]
        self.lines = [[[] for _ in range(cores)] for _ in range(memory.channels)]  # of descriptors: the bursts of each
        self.offered = [[] for _ in range(memory.channels)]  # bursts of the descriptor whose turn it is
        self.turns = [cores - 1] * memory.channels
        self.waiting = []
        self.under_way = []
        self.accepted = {}  # transfer number: cycles
        self.done = {}  # transfer number: cycles of bursts that are done or will be
        self.owner = {}  # transaction number: transfer number
        self.busy_cycles = 0
        self.stretches = []
        self.stretch = None  # cycles in which something was under way since the last completion
        self.counted = self._did()

    @property
    def idle(self):
        return not self.waiting and not self.under_way

    def take(self, transfer, core=0):
        self.waiting.append((transfer, core))

    def grant(self, now):
        return False  # every channel has turns of its own

    @property
    def first_word(self):
        return self.memory.first_word

    def settle(self, now):
        changed = False
        for transfer in list(self.under_way):
            number = self.memory.numbers[id(transfer)]
            bursts, done = self.memory.bursts[number], self.done[number]
            if len(done) == len(bursts) and max(done, default=now) <= now:
                transfer.arrived = now
                transfer.begin = min(self.accepted[number], default=transfer.begin)
                self.under_way.remove(transfer)
                self._note_completion(bursts)
                changed = True
        while self.waiting:
            transfer, core = self.waiting.pop(0)
            number = self.memory.numbers[id(transfer)]
            transfer.begin = now
            if self.memory.bursts[number] and self.stretch is None:
                self.stretch = {"cycles": [], "was_idle": True}
            self.under_way.append(transfer)
            self.accepted[number], self.done[number] = [], []
            for index, lines in enumerate(self.lines):
                mine = [burst for burst in self.memory.bursts[number] if burst[0] == index]
                for descriptor in dict.fromkeys(burst[3] for burst in mine):
                    lines[core].append([(number, *burst[1:3]) for burst in mine if burst[3] == descriptor])
            changed = True
        return changed

    def _note_completion(self, bursts):
        """End a stretch; another begins where more is under way."""
        if not bursts:
            return
        if self.stretch is not None and (self.stretch["cycles"] or self.stretch["was_idle"]):
            did = self._did()
            spent = {name: did[name] - self.counted[name] for name in did}
            self.counted = did
            places = len(self.stretch["cycles"]) - (self.memory.closed_read if self.stretch["was_idle"] else 0)
            unused = len(self.channels) * places - sum(spent.values())
            spent["starvation"] = max(0, unused)
            whole = sum(spent.values())
            shares = {name: Fraction(count, whole) for name, count in spent.items()} if whole else {"bus": Fraction(1)}
            self.stretches.append({"cycles": self.stretch["cycles"], "shares": shares})
        self.stretch = {"cycles": [], "was_idle": False} if self.under_way else None

    def _did(self):
        """What the data buses did so far: cycles of bursts, cycles lost that a burst stood waiting, by cause."""
        bursts = sum(entry[1] in ("RD", "WR", "RDA", "WRA") for channel in self.channels for entry in channel.log)
        did = {"bus": bursts * self.memory.config.organization.burst_cycles}
        for name in ("row_conflict", "tfaw", "refresh", "tccd_l", "turnaround"):
            did[name] = sum(channel.held[name] for channel in self.channels)
        return did

    def earliest_done(self, transfer, now):
        return now + 1

    def tick(self, now):
        if self.stretch is not None:
            self.stretch["cycles"].append(now)
        for index, channel in enumerate(self.channels):
            channel.step(now, no_more=False)
            for _ in range(self.memory.config.inject_width):
                offered = self._offered(index)
                if not offered or not channel.has_room(is_write=offered[0][2]):
                    break
                number, address, is_write = offered.pop(0)
                key = len(self.owner)
                self.owner[key] = number
                _, place, row, column = split_address(self.memory.config.organization, address)
                channel.take(Transaction(key, address, is_write, place, row, column), now)
                self.accepted[number].append(now)
                if is_write:
                    self.done[number].append(now + 1)
            for key in list(channel.done):
                self.done[self.owner[key]].append(channel.done.pop(key))

    def _offered(self, index):
        """Bursts of the descriptor whose turn it is in a channel; a new turn only when there are no more."""
        lines = self.lines[index]
        for after in range(1, len(lines) + 1):
            core = (self.turns[index] + after) % len(lines)
            if not self.offered[index] and lines[core]:
                self.offered[index], self.turns[index] = lines[core].pop(0), core
        return self.offered[index]
