"""The engine oracle's memory as a DRAM: one controller a channel, stepped every clock, bursts offered in order.

Written from docs/model/engine.md and dram.md over the controller of ``dram_oracle``; the two clocks are one here.
"""

from dataclasses import dataclass

from tests.oracle.dram_oracle import Channel, Transaction, split_address


@dataclass(frozen=True)
class DramMemoryOracle:
    """``bursts`` [transfer number]: (channel, local address, is_write) of each burst, in order."""

    config: object  # of one channel
    channels: int
    bursts: list
    numbers: dict  # id of an oracle transfer: its number

    def new_port(self):
        return DramPortOracle(self)

    def longest_wait(self, nbytes):
        return 3000 + nbytes


class DramPortOracle:
    def __init__(self, memory):
        self.memory = memory
        self.channels = [Channel(memory.config, drain=False) for _ in range(memory.channels)]
        self.lines = [[] for _ in range(memory.channels)]
        self.waiting = []
        self.under_way = []
        self.accepted = {}  # transfer number: cycles
        self.done = {}  # transfer number: cycles of bursts that are done or will be
        self.owner = {}  # transaction number: transfer number
        self.busy_cycles = 0

    @property
    def idle(self):
        return not self.waiting and not self.under_way

    def settle(self, now):
        changed = False
        while self.waiting:
            transfer = self.waiting.pop(0)
            number = self.memory.numbers[id(transfer)]
            transfer.begin = now
            self.under_way.append(transfer)
            self.accepted[number], self.done[number] = [], []
            for channel, address, is_write in self.memory.bursts[number]:
                self.lines[channel].append((number, address, is_write))
            changed = True
        for transfer in list(self.under_way):
            number = self.memory.numbers[id(transfer)]
            bursts, done = self.memory.bursts[number], self.done[number]
            if len(done) == len(bursts) and max(done, default=now) <= now:
                transfer.done = now
                transfer.begin = min(self.accepted[number], default=transfer.begin)
                self.under_way.remove(transfer)
                changed = True
        return changed

    def earliest_done(self, transfer, now):
        return now + 1

    def tick(self, now):
        for index, channel in enumerate(self.channels):
            channel.step(now, no_more=False)
            for _ in range(self.memory.config.inject_width):
                if not self.lines[index] or not channel.has_room(is_write=self.lines[index][0][2]):
                    break
                number, address, is_write = self.lines[index].pop(0)
                key = len(self.owner)
                self.owner[key] = number
                _, place, row, column = split_address(self.memory.config.organization, address)
                channel.take(Transaction(key, address, is_write, place, row, column), now)
                self.accepted[number].append(now)
                if is_write:
                    self.done[number].append(now + 1)
            for key in list(channel.done):
                self.done[self.owner[key]].append(channel.done.pop(key))
