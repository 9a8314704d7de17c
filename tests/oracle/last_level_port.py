"""The engine oracle's memory with a last-level scratchpad before it: two ports, and each transfer passes one of them.

Written from docs/model/cores.md; the scratchpad's port is a plain one of ``engine_port``, the other any memory's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TwoMemories:
    """``on_chip``: ids of the oracle transfers that the scratchpad serves."""

    below: object
    scratchpad: object
    on_chip: frozenset

    def new_port(self, cores=1):
        return TwoPorts(self, self.below.new_port(cores), self.scratchpad.new_port(cores))

    def longest_wait(self, nbytes):
        return max(self.below.longest_wait(nbytes), self.scratchpad.longest_wait(nbytes))


class TwoPorts:
    def __init__(self, memory, below, scratchpad):
        self.memory, self.below, self.scratchpad = memory, below, scratchpad

    def _of(self, transfer):
        return self.scratchpad if id(transfer) in self.memory.on_chip else self.below

    @property
    def idle(self):
        return self.below.idle and self.scratchpad.idle

    @property
    def busy_cycles(self):
        return self.below.busy_cycles

    @property
    def first_word(self):
        return self.below.first_word

    def take(self, transfer, core=0):
        self._of(transfer).take(transfer, core)

    def grant(self, now):
        return self.below.grant(now) or self.scratchpad.grant(now)

    def settle(self, now):
        return self.below.settle(now) or self.scratchpad.settle(now)

    def earliest_done(self, transfer, now):
        return self._of(transfer).earliest_done(transfer, now)

    def tick(self, now):
        self.below.tick(now)
        self.scratchpad.tick(now)
