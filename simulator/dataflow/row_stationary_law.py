"""The timing law and the counters of row stationary: what docs/model/row_stationary.md draws, summed up.

A nest runs as processing passes. Each pass: *fill* (its filters, the first ifmap windows and the first psums, each over
its own bus, beside each other), then one step for every ofmap column of every image (the PEs multiply; the buses bring
later columns' ifmap and psums into FIFOs and take earlier ones' psums away), *drain* (the last psums climb the PEs and
leave). The link brings the next pass's filters meanwhile. Feature maps cross the link while the
array waits: an ifmap strip before the first pass that reads it, the finished psums after the last pass of their group.
"""

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, filter_folds
from simulator.formats.run_length import expected_bits
from simulator.units import ceil_div

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureMaps:
    """How operands are stored: widths [bits] and densities; a map without a density, or too wide for pairs, is raw."""

    ifmap_bits: int
    weight_bits: int
    ofmap_bits: int
    ifmap_density: float | None = None
    ofmap_density: float | None = None

    def stored_ifmap(self, elements: int) -> int:
        """Return the bits of so many ifmap elements in DRAM."""
        return _stored(elements, self.ifmap_bits, self.ifmap_density)

    def stored_ofmap(self, elements: int) -> int:
        """Return the bits of so many ofmap elements in DRAM."""
        return _stored(elements, self.ofmap_bits, self.ofmap_density)


def _stored(elements: int, bits: int, density: float | None) -> int:
    return elements * bits if density is None else expected_bits(elements, density, level_bits=bits)


@dataclass(frozen=True)
class RowRun:
    """What a nest took and moved; every count is of all images, groups and repeats.

    Attributes
    ----------
    passes : int
    useful, fill, drain, bus : int
        Cycles of the array: MAC-bound beats, loading, the last psums, what the buses add to the beats. Sum:
        processing time.
    ifmap_wait, filter_wait, ofmap_wait : int
        Cycles the array waits for the link.
    tail : int
        Of ``ofmap_wait``, what lies behind the last pass.
    glb_ifmap_words, glb_psum_words : int
        Buffer words on the array's side; psums as many in each direction.
    filter_words : int
        Read from the prefetch buffer; without multicast a word is read once and crosses the bus for each PE.
    filter_spad_writes, ifmap_spad_writes : int
        Words delivered into spads.
    psum_hops : int
        Psum words times PEs passed.
    ifmap_link_bits, filter_link_bits, ofmap_link_bits : int
        Over the off-chip link.
    ifmap_link_words : int
        Ifmap words decoded into the buffer.
    """

    passes: int = 0
    useful: int = 0
    fill: int = 0
    drain: int = 0
    bus: int = 0
    ifmap_wait: int = 0
    filter_wait: int = 0
    ofmap_wait: int = 0
    tail: int = 0
    glb_ifmap_words: int = 0
    glb_psum_words: int = 0
    filter_words: int = 0
    filter_spad_writes: int = 0
    ifmap_spad_writes: int = 0
    psum_hops: int = 0
    ifmap_link_bits: int = 0
    filter_link_bits: int = 0
    ofmap_link_bits: int = 0
    ifmap_link_words: int = 0

    @property
    def processing_cycles(self) -> int:
        """Cycles of the array, first filter to last psum of each pass."""
        return self.useful + self.fill + self.drain + self.bus

    @property
    def cycles(self) -> int:
        """Processing, and what the link adds."""
        return self.processing_cycles + self.ifmap_wait + self.filter_wait + self.ofmap_wait

    @property
    def link_bits(self) -> int:
        """All off-chip traffic."""
        return self.ifmap_link_bits + self.filter_link_bits + self.ofmap_link_bits


def link_cycles(machine: RowMachine, bits: Any) -> Any:  # noqa: ANN401 - an int or an array of them
    """Return the cycles that so many bits take over the off-chip link; none for no bits."""
    cycles = np.ceil(np.asarray(bits) / machine.link_bits_per_cycle - 1e-9).astype(np.int64)
    return np.where(np.asarray(bits) > 0, cycles + machine.link_latency_cycles, 0)


class _Passes:
    """One residency's passes, in order: m-groups, in each the channel chunks and folds, in each the filters."""

    def __init__(self, nest: ConvNest, machine: RowMachine, mapping: RowMapping, maps: FeatureMaps) -> None:
        self.nest, self.machine, self.mapping = nest, machine, mapping
        self.folds = filter_folds(nest, machine)
        kept = _cut(nest.K, mapping.m)
        chunks = _cut(nest.C, mapping.q * mapping.r)
        self.step_channels = np.repeat(chunks, len(self.folds))
        self.step_fold = np.tile(np.arange(len(self.folds)), len(chunks))
        filters = [_cut(channels, mapping.p * mapping.t) for channels in kept.tolist()]
        steps = len(self.step_channels)
        self.groups_kept = kept
        self.filters = np.concatenate([np.tile(part, steps) for part in filters])
        self.channels = np.concatenate([np.repeat(self.step_channels, len(part)) for part in filters])
        self.fold = np.concatenate([np.repeat(self.step_fold, len(part)) for part in filters])
        self.heights = np.array([len(fold.rows) for fold in self.folds])
        self.taps = np.array([len(fold.columns) for fold in self.folds])[self.fold]
        self.columns_read = np.array([nest.columns_read(fold.columns) for fold in self.folds])[self.fold]
        self.filter_words = self.filters * self.channels * self.heights[self.fold] * self.taps
        self.filter_sets = _sets_used(self.filters, mapping.t)
        self.channel_sets = _sets_used(self.channels, mapping.r)
        self.link = link_cycles(machine, self.filter_words * maps.weight_bits)

    def times(self, images: int, rows: int) -> dict[str, Ints]:
        """Return fill, useful, bus and drain of each pass for so many images and ofmap rows."""
        nest, machine, mapping = self.nest, self.machine, self.mapping
        strip, filters = self._bus_words(rows)
        macs = -(-self.filters // mapping.t) * -(-self.channels // mapping.r) * self.taps
        windows = np.array([nest.window(fold.columns) for fold in self.folds])[self.fold]
        advances = np.array([nest.advance(fold.columns) for fold in self.folds])[self.fold]
        window = -(-strip * windows // machine.ifmap_bus_words)
        advance = -(-strip * advances // machine.ifmap_bus_words)
        psums = -(-self.filters * rows // machine.psum_bus_words)
        filters = -(-filters // machine.filter_bus_words)
        beats = images * nest.Q
        climb = self.heights[self.fold] * self.channel_sets
        streamed = _streamed((images, nest.Q), (macs, advance, window, psums))
        return {
            "fill": np.maximum(np.maximum(filters, window), psums) + machine.pass_setup_cycles,
            "useful": beats * macs,
            "bus": streamed - beats * macs - psums,
            "drain": psums + climb,
        }

    def _bus_words(self, rows: int) -> tuple[Ints, Ints]:
        """Return the words that cross the ifmap bus for a column of the strip, and the filter bus, in each pass.

        Without multicast each PE gets its own: a filter word goes to a PE in every ofmap row, an ifmap word to as many
        as lie on its diagonal, in every filter set.
        """
        if not self.machine.multicast:
            heights = self.heights[self.fold]
            return rows * heights * self.channels * self.filter_sets, rows * self.filter_words
        read = np.array([self.nest.rows_read(0, rows, fold.rows)[0] for fold in self.folds])
        return read[self.fold] * self.channels, self.filter_words


def _streamed(extent: tuple[int, int], stages: tuple[Ints, Ints, Ints, Ints]) -> Ints:
    """Return the cycles from the first product to the last psum on its bus, were the column of PEs climbed at once.

    Three stages in a row, each column at a constant cost, FIFOs between them: the ifmap bus (``advance`` a column,
    ``window`` at each further image), the PEs, the psum bus outwards; the one inwards, as fast, never binds first. A
    stage starts a column when it and all before it are done, so the end is the longest path: wait for column ``y``,
    then either multiply all columns from there and store one, or multiply that one and store all from there. Arrival is
    linear in the image and in the column of an image, so the longest path starts at a corner.
    """
    images, columns = extent
    macs, advance, window, psums = stages
    beats = images * columns
    end = np.zeros_like(macs)
    for image in (0, images - 1):
        for column in (0, columns - 1):
            at = image * columns + column
            ready = image * (window + (columns - 1) * advance) + column * advance
            left = beats - at
            end = np.maximum(end, ready + np.maximum(left * macs + psums, macs + left * psums))
    return end


def _cut(extent: int, size: int) -> Ints:
    """Return ``extent`` in pieces of ``size``, the last one smaller."""
    pieces = np.full(ceil_div(extent, size), size, np.int64)
    pieces[-1] = extent - size * (len(pieces) - 1)
    return pieces


def _sets_used(extent: Ints, sets: int) -> Ints:
    """Return how many of so many sets have anything of ``extent`` to do when each takes the same share, rounded up."""
    return -(-extent // -(-extent // sets))


def run_nest(nest: ConvNest, machine: RowMachine, mapping: RowMapping, maps: FeatureMaps) -> RowRun:
    """Return times and counts of a nest under a mapping.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> eyeriss = load_accelerator("eyeriss_v1")
    >>> conv5 = ConvNest(N=4, G=2, K=128, C=192, P=13, Q=13, R=3, S=3, pad_h=1, pad_w=1, H=13, W=13)
    >>> mapping = RowMapping(m=64, n=4, e=13, p=16, q=3, r=2, t=2)
    >>> run = run_nest(conv5, RowMachine.of(eyeriss, eyeriss.array), mapping, FeatureMaps(16, 16, 16))
    >>> run.passes, run.useful, run.glb_psum_words
    (256, 1916928, 5537792)
    """
    passes = _Passes(nest, machine, mapping, maps)
    outer = nest.G * nest.repeats
    sums: Counter[str] = Counter()
    images = Counter(_cut(nest.N, mapping.n).tolist())
    strips = [(first, min(mapping.e, nest.P - first)) for first in range(0, nest.P, mapping.e)]
    kinds = Counter(
        (rows, tuple(nest.rows_read(first, rows, fold.rows)[1] for fold in passes.folds)) for first, rows in strips
    )
    for count, times in images.items():
        heights: Counter[int] = Counter()
        for (rows, real), strip_times in kinds.items():
            heights[rows] += strip_times
            _add_maps(sums, passes, maps, (count, rows, real), outer * times * strip_times)
        for rows, strip_times in heights.items():
            _add_passes(sums, passes, (count, rows), outer * times * strip_times)
    last = int(_cut(nest.N, mapping.n)[-1]), strips[-1][1]
    _end_link(sums, passes, last)
    sums["tail"] = int(link_cycles(machine, maps.stored_ofmap(prod(last) * nest.Q * int(passes.groups_kept[-1]))))
    sums["filter_link_bits"] = sums["filter_words"] * maps.weight_bits
    return RowRun(**sums)


def _add_passes(sums: Counter[str], passes: _Passes, extent: tuple[int, int], times: int) -> None:
    """Add ``times`` residencies of so many images and ofmap rows: the array's time and words."""
    images, rows = extent
    nest = passes.nest
    spent = passes.times(images, rows)
    for name, cycles in spent.items():
        sums[name] += times * int(cycles.sum())
    busy = spent["useful"] + spent["bus"] + spent["drain"]
    sums["filter_wait"] += times * int(np.maximum(np.roll(passes.link, -1) - busy, 0).sum())
    heights = passes.heights[passes.fold]
    strip = np.array([nest.rows_read(0, rows, fold.rows)[0] for fold in passes.folds])[passes.fold]
    psums = images * rows * nest.Q * passes.filters
    sums["passes"] += times * len(passes.filters)
    sums["glb_ifmap_words"] += times * int((images * strip * passes.channels * passes.columns_read).sum())
    sums["glb_psum_words"] += times * int(psums.sum())
    sums["filter_words"] += times * int(passes.filter_words.sum())
    sums["filter_spad_writes"] += times * rows * int(passes.filter_words.sum())
    delivered = images * rows * heights * passes.channels * passes.filter_sets * passes.columns_read
    sums["ifmap_spad_writes"] += times * int(delivered.sum())
    sums["psum_hops"] += times * int((psums * heights * passes.channel_sets).sum())


def _add_maps(
    sums: Counter[str], passes: _Passes, maps: FeatureMaps, extent: tuple[int, int, tuple[int, ...]], times: int
) -> None:
    """Add what ``times`` residencies of a strip move over the link, and how long the array waits for it."""
    images, rows, real = extent
    nest, machine = passes.nest, passes.machine
    reloads = times * len(passes.groups_kept)
    steps_of = Counter(zip(passes.step_channels.tolist(), passes.step_fold.tolist(), strict=True))
    for (channels, fold), steps in steps_of.items():
        words = images * channels * real[fold] * nest.real_columns(passes.folds[fold].columns)
        bits = maps.stored_ifmap(words)
        sums["ifmap_link_words"] += reloads * steps * words
        sums["ifmap_link_bits"] += reloads * steps * bits
        sums["ifmap_wait"] += reloads * steps * int(link_cycles(machine, bits))
    for kept in passes.groups_kept.tolist():
        bits = maps.stored_ofmap(images * rows * nest.Q * kept)
        sums["ofmap_link_bits"] += times * bits
        sums["ofmap_wait"] += times * int(link_cycles(machine, bits))


def _end_link(sums: Counter[str], passes: _Passes, last: tuple[int, int]) -> None:
    """Account for the ends: the first pass waits for its filters, the very last fetches none."""
    spent = passes.times(*last)
    busy = spent["useful"][-1] + spent["bus"][-1] + spent["drain"][-1]
    sums["filter_wait"] += int(passes.link[0]) - int(max(passes.link[0] - busy, 0))
