"""DianNao and a Cambricon-X fed from DRAM, stepped cycle by cycle from the drawing in docs/model/sparse_engines.md.

Loads, multipliers and stores each do what they can in a cycle; sums are real, so that a tile forgotten shows.
"""

from dataclasses import dataclass, field


@dataclass
class Tile:
    positions: range
    outputs: range  # of its groups together
    inputs: range  # of its segments together
    block: int  # number of the block whose sums it adds to
    is_last: bool
    load_bits: int = 0
    store_bits: int = 0


def pieces(extent, size):
    return [range(first, min(first + size, extent)) for first in range(0, extent, size)]


def cut(machine, outputs, inputs, positions, tiling):
    """Tiles in order: blocks of outputs, positions, segments, groups; what lies in a slot already is not loaded."""
    tiles, held, block = [], {"weights": None, "inputs": None}, 0
    for block_outputs in pieces(outputs, tiling.block_groups * machine.group):
        for some in pieces(positions, tiling.positions):
            made = []
            for chunk in pieces(inputs, tiling.segments * machine.segment):
                for first in range(0, len(block_outputs), tiling.groups * machine.group):
                    part = block_outputs[first : first + tiling.groups * machine.group]
                    tile = Tile(some, part, chunk, block, is_last=False)
                    for name, key, bits in (
                        ("weights", (part, chunk), machine.weight_bits(part, chunk)),
                        ("inputs", (some, chunk), len(some) * len(chunk) * machine.value_bits),
                    ):
                        if held[name] != key:
                            tile.load_bits += bits
                            held[name] = key
                    made.append(tile)
            made[-1].is_last = True
            made[-1].store_bits = len(some) * len(block_outputs) * machine.value_bits
            tiles += made
            block += 1
    return tiles


@dataclass
class Machine:
    """What both have: ``group`` outputs and ``segment`` inputs are cut apart."""

    weights: list
    values: list
    group: int
    segment: int
    value_bits: int
    sums: dict = field(default_factory=dict)

    def add(self, position, output, products):
        self.sums[position, output] = self.sums.get((position, output), 0) + sum(products)


class DianNao(Machine):
    def weight_bits(self, outputs, inputs):
        return len(outputs) * len(inputs) * self.value_bits

    def steps(self, tile):
        """Yield once a cycle: a row of weights for ``group`` trees."""
        for position in tile.positions:
            for trees in pieces_of(tile.outputs, self.group):
                for row in pieces_of(tile.inputs, self.segment):
                    for o in trees:
                        self.add(position, o, [self.weights[o][i] * self.values[position][i] for i in row])
                    yield


class CambriconX(Machine):
    lanes = 16
    entry_bits = 24

    def weight_bits(self, outputs, inputs):
        return self.entry_bits * sum(self.weights[o][i] != 0 for o in outputs for i in inputs)

    def steps(self, tile):
        for position in tile.positions:
            for units in pieces_of(tile.outputs, self.group):
                for segment in pieces_of(tile.inputs, self.segment):
                    waiting = {o: [i for i in segment if self.weights[o][i]] for o in units}
                    first = True
                    while first or any(waiting.values()):
                        first = False
                        for o in units:
                            word, waiting[o] = waiting[o][: self.lanes], waiting[o][self.lanes :]
                            self.add(position, o, [self.weights[o][i] * self.values[position][i] for i in word])
                        yield


def pieces_of(indices, size):
    return [indices[first : first + size] for first in range(0, len(indices), size)]


class Stations:
    """A load port, the multipliers and a store port, each with at most one tile."""

    def __init__(self, machine, tiles, bits_per_cycle, drain):
        self.machine, self.tiles, self.rate, self.drain = machine, tiles, bits_per_cycle, drain
        self.behind = {"load": 0, "work": 0, "store": 0}  # tiles done
        self.left = {"load": None, "work": None, "store": None}  # bits or steps of the tile there, None: free
        self.draining = self.blocks_stored = self.busy = 0

    def may_begin(self, station):
        number = self.behind[station]
        if self.left[station] is not None or number == len(self.tiles):
            return False
        if station == "load":
            return number - self.behind["work"] < 2  # a half of the buffers is free
        if station == "work":
            return number < self.behind["load"] and self.tiles[number].block - self.blocks_stored < 2
        return number < self.behind["work"]

    def begin(self, station):
        tile = self.tiles[self.behind[station]]
        if station == "load":
            self.left[station] = tile.load_bits
        elif station == "work":
            self.left[station] = len(list(self.machine.steps(tile)))
        else:
            self.left[station], self.draining = tile.store_bits, self.drain * tile.is_last

    def end(self, station):
        if station == "store":
            self.blocks_stored += self.tiles[self.behind[station]].is_last
        self.left[station] = None
        self.behind[station] += 1

    def settle(self):
        """Let begin and end whatever can at this edge: tiles of no bits pass at once."""
        moved = True
        while moved:
            moved = False
            for station in self.left:
                if self.may_begin(station):
                    self.begin(station)
                    moved = True
                if self.left[station] == 0 and not (station == "store" and self.draining):
                    self.end(station)
                    moved = True

    def clock(self):
        if self.left["load"] is not None:
            self.left["load"] = max(0, self.left["load"] - self.rate)
        if self.left["work"] is not None:
            self.left["work"] -= 1
            self.busy += 1
        if self.draining:
            self.draining -= 1
        elif self.left["store"] is not None:
            self.left["store"] = max(0, self.left["store"] - self.rate)


def run(machine, tiles, bits_per_cycle, latency, drain):
    """Return (cycles, cycles in which the multipliers worked)."""
    stations, cycle = Stations(machine, tiles, bits_per_cycle, drain), 0
    stations.settle()
    while stations.behind["store"] < len(tiles):
        stations.clock()
        cycle += 1
        stations.settle()
    return cycle + latency, stations.busy
