"""Buffers of banks and the buses behind them, stepped cycle by cycle: the drawing of docs/model/buffers.md.

Plain objects, a request for each word. Knows the array's folds as nested loops, and nothing of closed forms.
"""

from collections import deque
from dataclasses import dataclass, field

WS, OS, IS = 0, 1, 2


@dataclass
class Bank:
    waiting: deque = field(default_factory=deque)

    def serve(self, accesses: int) -> None:
        for _ in range(min(accesses, len(self.waiting))):
            self.waiting.popleft()


@dataclass
class BankedBuffer:
    """``dma_period``: the first of so many cycles gives one port of every bank to the DMA; 0: it has no turns."""

    banks: int
    ports: int
    word_bits: int
    dma_period: int
    bank: list[Bank] = field(default_factory=list)
    words: int = 0

    def __post_init__(self) -> None:
        self.bank = [Bank() for _ in range(self.banks)]

    def ask(self, walk: list[int]) -> None:
        """Queue the words in which the elements of a walk (bits each) lie, packed: word ``a`` in bank ``a % banks``."""
        bits, last = 0, -1
        for element in walk:
            for word in range(bits // self.word_bits, (bits + element - 1) // self.word_bits + 1):
                if word > last:  # the word that the last element ended in is still in the aligner
                    self.bank[word % self.banks].waiting.append(word)
                    self.words += 1
                    last = word
            bits += element

    def step(self, cycle: int) -> None:
        dma = 1 if self.dma_period and cycle % self.dma_period == 0 else 0
        for bank in self.bank:
            bank.serve(self.ports - dma)

    @property
    def busy(self) -> bool:
        return any(bank.waiting for bank in self.bank)


@dataclass
class Bus:
    """Moves ``width`` a cycle of the operand whose turn it is: elements, or bits where operands share it."""

    width: int
    waiting: deque = field(default_factory=deque)

    def ask(self, amount: int) -> None:
        if amount:
            self.waiting.append(amount)

    def step(self, cycle: int) -> None:
        if self.waiting:
            self.waiting[0] -= min(self.width, self.waiting[0])
            if not self.waiting[0]:
                self.waiting.popleft()

    @property
    def busy(self) -> bool:
        return bool(self.waiting)


def run_step(issue_cycles: int, resources: dict) -> tuple[int, list[str]]:
    """Step until the array and everything behind it is through; return the cycles and who was busy in the last one."""
    cycle, last = 0, []
    while cycle < issue_cycles or any(one.busy for one in resources.values()):
        last = [name for name, one in resources.items() if one.busy]
        for one in resources.values():
            one.step(cycle)
        cycle += 1
    return cycle, last


def edge_walks(flow: int, array: tuple[int, int], tile: dict) -> dict[str, list[int]]:
    """Return how many elements each walk of each operand has, fold by fold.

    ``array`` = (rows, columns); ``tile`` has rows, inner (words of the sum times ``inner_pack``), cols, groups, pack,
    inner_pack, accumulates.
    """
    rows, columns = array
    pack, neighbours = tile["pack"], max(1, tile["inner_pack"])
    walks: dict[str, list[int]] = {"ifmap": [], "weight": [], "psum_in": [], "psum_out": []}
    outputs = tile["rows"] * tile["cols"] * tile["groups"]
    whole_ifmap = tile["groups"] * tile["rows"] * tile["inner"]
    whole_weight = tile["groups"] * tile["inner"] * tile["cols"]
    reductions = range(0, -(-tile["inner"] // neighbours), rows)
    if flow == WS:
        walks["ifmap"] = [whole_ifmap for _ in range(0, tile["cols"], columns * pack)]
        walks["weight"] = [whole_weight]
    elif flow == IS:
        walks["ifmap"] = [whole_ifmap]
        walks["weight"] = [whole_weight for _ in range(0, tile["rows"], columns)]
    else:
        walks["ifmap"] = [whole_ifmap for _ in range(0, tile["cols"], columns * pack)]
        walks["weight"] = [whole_weight for _ in range(0, tile["rows"], rows)]
        reductions = range(1)
    for fold in reductions:
        if fold or tile["accumulates"]:
            walks["psum_in"].append(outputs)
        walks["psum_out"].append(outputs)
    return walks
