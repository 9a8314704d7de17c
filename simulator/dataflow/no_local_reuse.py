"""No local reuse: multipliers read both operands from the buffer every cycle; adder trees; psums go back to it.

Source: the NLR dataflow of Chen, Emer and Sze, ISCA 2016, section V; hardware as in DianNao (ASPLOS 2014) without its
output registers. docs/model/no_local_reuse.md draws it; ``tests/oracle/no_local_reuse_oracle.py`` steps it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product

from simulator.arch import Accelerator
from simulator.arch.no_local_reuse_array import NoLocalReuseArray
from simulator.dataflow.row_stationary import ConvNest
from simulator.units import BITS_PER_BYTE, ceil_div


@dataclass(frozen=True)
class TreeMachine:
    """What the law needs of an accelerator."""

    rows: int
    columns: int
    buffer_bits: int
    link_bits_per_cycle: float
    link_latency_cycles: int
    psum_bits: int

    @classmethod
    def of(cls, accelerator: Accelerator, array: NoLocalReuseArray) -> "TreeMachine":
        """Return the machine that ``accelerator`` describes: its buffers are one space."""
        return cls(
            array.rows,
            array.columns,
            sum(buffer.capacity_bytes for buffer in accelerator.buffers) * BITS_PER_BYTE,
            accelerator.dram_bytes_per_cycle * BITS_PER_BYTE,
            accelerator.dram.latency_cycles,
            array.psum_bits,
        )

    @property
    def depth_cycles(self) -> int:
        """Cycles from reading operands until the psum is written: multiply, each level of the tree, accumulate."""
        return 2 + (self.rows - 1).bit_length()

    def link_cycles(self, bits: int) -> int:
        """Return the cycles that so many bits take over the link; none for no bits."""
        return -int(-bits / self.link_bits_per_cycle // 1) + self.link_latency_cycles if bits else 0


@dataclass(frozen=True)
class TreeMapping:
    """What the buffer holds at once: ``n`` images, ``e`` ofmap rows, ``m`` ofmap and ``c`` ifmap channels."""

    n: int
    e: int
    m: int
    c: int

    def to_dict(self) -> dict[str, int]:
        """Return the mapping as results print it and ``simulate(mappings=...)`` takes it back."""
        return {"n": self.n, "e": self.e, "m": self.m, "c": self.c}


@dataclass(frozen=True)
class TreeRun:
    """What a nest took and moved; counts are of all images, groups and repeats.

    Attributes
    ----------
    useful, fill : int
        Cycles in which the trees take operands, and in which they empty behind a tile.
    ifmap_wait, weight_wait, ofmap_wait, tail : int
        Cycles of the link; ``tail`` is the last part of ``ofmap_wait``.
    ifmap_words, weight_words, psum_reads, psum_writes : int
        Buffer words on the array's side.
    hops : int
        Words to multipliers along a row, and into adders.
    ifmap_link_words, weight_link_words, ofmap_words : int
        Over the link.
    """

    useful: int = 0
    fill: int = 0
    ifmap_wait: int = 0
    weight_wait: int = 0
    ofmap_wait: int = 0
    tail: int = 0
    ifmap_words: int = 0
    weight_words: int = 0
    psum_reads: int = 0
    psum_writes: int = 0
    hops: int = 0
    ifmap_link_words: int = 0
    weight_link_words: int = 0
    ofmap_words: int = 0

    @property
    def cycles(self) -> int:
        """All of it: nothing overlaps."""
        return self.useful + self.fill + self.ifmap_wait + self.weight_wait + self.ofmap_wait


def pieces(extent: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (size, how many times) of the pieces that ``extent`` is cut into.

    Examples
    --------
    >>> list(pieces(7, 3))
    [(3, 2), (1, 1)]
    """
    if extent >= size:
        yield size, extent // size
    if extent % size:
        yield extent % size, 1


def buffer_bits_needed(nest: ConvNest, machine: TreeMachine, mapping: TreeMapping, bits: tuple[int, int]) -> int:
    """Return the space of an ifmap tile, a filter tile and the psums of a strip [bits]."""
    rows, _ = nest.rows_read(0, mapping.e, range(nest.R))
    ifmap = mapping.n * mapping.c * rows * nest.columns_read(range(nest.S)) * bits[0]
    weights = mapping.m * mapping.c * nest.R * nest.S * bits[1]
    return ifmap + weights + mapping.n * mapping.m * mapping.e * nest.Q * machine.psum_bits


def run_tree(nest: ConvNest, machine: TreeMachine, mapping: TreeMapping, bits: tuple[int, int, int]) -> TreeRun:
    """Return times and counts of a nest; ``bits`` are of ifmap, weight and ofmap as stored.

    Examples
    --------
    >>> machine = TreeMachine(4, 4, 10**6, 64.0, 0, 16)
    >>> nest = ConvNest(1, 1, 8, 8, 4, 4, 3, 3, H=6, W=6)
    >>> run = run_tree(nest, machine, TreeMapping(n=1, e=4, m=8, c=8), (16, 16, 16))
    >>> run.useful, run.fill, run.psum_writes
    (576, 4, 2304)
    """
    total = dict.fromkeys((field.name for field in fields(TreeRun)), 0)
    outer = nest.G * nest.repeats
    strips = [(first, min(mapping.e, nest.P - first)) for first in range(0, nest.P, mapping.e)]
    taps = nest.R * nest.S
    for (images, times), (first, rows) in product(pieces(nest.N, mapping.n), strips):
        real = nest.rows_read(first, rows, range(nest.R))[1] * nest.real_columns(range(nest.S))
        columns = images * rows * nest.Q
        for filters, filter_times in pieces(nest.K, mapping.m):
            often = outer * times * filter_times
            for number, (channels, channel_times) in enumerate(pieces(nest.C, mapping.c)):
                tile = _tile(machine, (columns, taps, channels, filters))
                ifmap, weights = images * channels * real, filters * channels * taps
                tile |= {"ifmap_link_words": ifmap, "weight_link_words": weights}
                tile["ifmap_wait"] = machine.link_cycles(ifmap * bits[0])
                tile["weight_wait"] = machine.link_cycles(weights * bits[1])
                for name, value in tile.items():
                    total[name] += often * channel_times * value
                if number == 0:
                    total["psum_reads"] -= often * columns * filters
            total["ofmap_words"] += often * columns * filters
            total["ofmap_wait"] += often * machine.link_cycles(columns * filters * bits[2])
            last = machine.link_cycles(columns * filters * bits[2])
    total["tail"] = last
    return TreeRun(**total)


def _tile(machine: TreeMachine, extent: tuple[int, int, int, int]) -> dict[str, int]:
    """Return the steps and words of one tile: ofmap places, filter taps, channels and filters."""
    places, taps, channels, filters = extent
    channel_steps, filter_steps = ceil_div(channels, machine.rows), ceil_div(filters, machine.columns)
    psums = places * taps * channel_steps * filters
    return {
        "useful": places * taps * channel_steps * filter_steps,
        "fill": machine.depth_cycles,
        "ifmap_words": places * taps * channels * filter_steps,
        "weight_words": places * taps * channels * filters,
        "psum_reads": psums,
        "psum_writes": psums,
        "hops": 2 * places * taps * channels * filters,
    }


def tree_mappings(nest: ConvNest, machine: TreeMachine, bits: tuple[int, int]) -> Iterator[TreeMapping]:
    """Yield every mapping that fits whose tiles are as small as their number of pieces allows."""
    for e, n in product(_sizes(nest.P, 1), _sizes(nest.N, 1)):
        for m, c in product(_sizes(nest.K, machine.columns), _sizes(nest.C, machine.rows)):
            mapping = TreeMapping(n, e, m, c)
            if buffer_bits_needed(nest, machine, mapping, bits) <= machine.buffer_bits:
                yield mapping


def _sizes(extent: int, unit: int) -> list[int]:
    """Return the smallest multiple of ``unit`` (or all) for each of a few numbers of pieces, halving each time."""
    found: list[int] = []
    count = 1
    while not found or found[-1] > unit:
        found.append(min(extent, ceil_div(ceil_div(extent, count), unit) * unit))
        count *= 2
    return list(dict.fromkeys(found))
