"""Row stationary: the layer's nest in the papers' terms, its mappings, and what a mapping must fit.

Source: Chen, Emer and Sze, ISCA 2016 and JSSC 2017. docs/model/row_stationary.md draws the hardware and translates the
letters (M N C E F R S of the papers are K N C P Q R S here). Knows no time: that is ``row_stationary_law``.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from simulator.arch import Accelerator
from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.units import BITS_PER_BYTE, ceil_div


@dataclass(frozen=True)
class ConvNest:
    """One multiply-accumulate nest: a convolution of ``N`` images in ``G`` groups, or a matrix product as one.

    ``K`` and ``C`` are of one group; ``H`` and ``W`` without padding; ``repeats`` times one after the other.
    """

    N: int
    G: int
    K: int
    C: int
    P: int
    Q: int
    R: int
    S: int
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    H: int = 0
    W: int = 0
    repeats: int = 1

    @classmethod
    def of_work(cls, work: Any) -> "ConvNest":  # noqa: ANN401 - a record
        """Return the nest of a WORK record."""
        names = [name for name in cls.__dataclass_fields__ if name not in ("repeats", "H", "W")]
        fields = {name: int(work[name]) for name in names}
        height = int(work["H"]) or (fields["P"] - 1) * fields["stride_h"] + (fields["R"] - 1) * fields["dilation_h"] + 1
        width = int(work["W"]) or (fields["Q"] - 1) * fields["stride_w"] + (fields["S"] - 1) * fields["dilation_w"] + 1
        return cls(**fields, H=height, W=width, repeats=int(work["sequence_steps"]))

    @property
    def macs(self) -> int:
        """Products of all groups, images and repeats."""
        return self.N * self.G * self.K * self.C * self.P * self.Q * self.R * self.S * self.repeats

    def window(self, taps: range) -> int:
        """Return the ifmap columns that some filter columns reach over."""
        return (len(taps) - 1) * self.dilation_w + 1

    def advance(self, taps: range) -> int:
        """Return the new ifmap columns the next output column needs of some filter columns."""
        return min(self.stride_w, self.window(taps))

    def columns_read(self, taps: range) -> int:
        """Return the ifmap columns read for one row of outputs, padding included."""
        return self.window(taps) + (self.Q - 1) * self.advance(taps)

    def real_columns(self, taps: range) -> int:
        """Return the columns, of those, that are no padding."""
        return _real_columns(self, taps.start, len(taps))

    def rows_read(self, first: int, count: int, filter_rows: range) -> tuple[int, int]:
        """Return the ifmap rows that ``count`` ofmap rows from ``first`` need of some filter rows: all, and no padding.

        Examples
        --------
        >>> ConvNest(N=1, G=1, K=1, C=1, P=4, Q=4, R=3, S=3, pad_h=1, H=4, W=4).rows_read(0, 2, range(3))
        (4, 3)
        """
        read = {
            row * self.stride_h + part * self.dilation_h for row in range(first, first + count) for part in filter_rows
        }
        return len(read), sum(0 <= row - self.pad_h < self.H for row in read)


@cache
def _real_columns(nest: ConvNest, first: int, taps: int) -> int:
    start = first * nest.dilation_w - nest.pad_w
    window = nest.window(range(first, first + taps))
    read = {start + q * nest.stride_w + s for q in range(nest.Q) for s in range(window)}
    return sum(0 <= column < nest.W for column in read)


@dataclass(frozen=True)
class Fold:
    """A part of the filter that one pass works on: its rows, and its columns."""

    rows: range
    columns: range


@dataclass(frozen=True)
class RowMapping:
    """Letters of Chen et al.: what one processing pass holds, and what the global buffer holds.

    Parameters
    ----------
    m : int
        Ofmap channels whose psums stay in the buffer.
    n : int
        Images a pass works through.
    e : int
        Ofmap rows of a strip: columns of a logical PE set.
    p, q : int
        Filters, and channels, a PE works on.
    r, t : int
        Logical sets side by side over channels, and over filters.
    """

    m: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int

    def to_dict(self) -> dict[str, int]:
        """Return the mapping as results print it and ``simulate(mappings=...)`` takes it back."""
        return asdict(self)


@dataclass(frozen=True)
class RowMachine:
    """What the law needs of an accelerator: sizes in words, rates in words and bits a cycle."""

    rows: int
    columns: int
    filter_spad_words: int
    ifmap_spad_words: int
    psum_spad_words: int
    filter_bus_words: int
    ifmap_bus_words: int
    psum_bus_words: int
    pass_setup_cycles: int
    glb_bits: int
    prefetch_bits: int
    link_bits_per_cycle: float
    link_latency_cycles: int
    psum_bits: int
    compressed: bool
    multicast: bool = True

    @classmethod
    def of(cls, accelerator: Accelerator, array: RowStationaryArray) -> "RowMachine":
        """Return the machine that ``accelerator`` describes."""
        return cls(
            rows=array.rows,
            columns=array.columns,
            filter_spad_words=array.filter_spad_words,
            ifmap_spad_words=array.ifmap_spad_words,
            psum_spad_words=array.psum_spad_words,
            filter_bus_words=array.filter_bus_words_per_cycle,
            ifmap_bus_words=array.ifmap_bus_words_per_cycle,
            psum_bus_words=array.psum_bus_words_per_cycle,
            pass_setup_cycles=array.pass_setup_cycles,
            glb_bits=accelerator.buffer_of("psum").capacity_bytes * BITS_PER_BYTE,
            prefetch_bits=accelerator.buffer_of("weight").capacity_bytes * BITS_PER_BYTE,
            link_bits_per_cycle=accelerator.dram_bytes_per_cycle * BITS_PER_BYTE,
            link_latency_cycles=accelerator.dram.latency_cycles,
            psum_bits=array.psum_bits,
            compressed=array.feature_maps == "rlc",
            multicast=array.multicast,
        )


@cache
def filter_folds(nest: ConvNest, machine: RowMachine) -> tuple[Fold, ...]:
    """Return the parts of the filter: one where it fits the array's rows and the ifmap spad, else as even as can be."""
    most = (machine.ifmap_spad_words - 1) // nest.dilation_w + 1
    rows, columns = _even(nest.R, machine.rows), _even(nest.S, most)
    return tuple(Fold(part, taps) for part in rows for taps in columns)


def _even(extent: int, most: int) -> list[range]:
    each = ceil_div(extent, ceil_div(extent, most))
    return [range(first, min(first + each, extent)) for first in range(0, extent, each)]


def set_rows(nest: ConvNest, machine: RowMachine) -> int:
    """Return the PE rows of a logical set: the filter rows of the largest fold."""
    return len(filter_folds(nest, machine)[0].rows)


def taps_at_once(nest: ConvNest, machine: RowMachine) -> range:
    """Return the filter columns of the largest fold."""
    return filter_folds(nest, machine)[0].columns


def array_rows_needed(nest: ConvNest, machine: RowMachine, e: int, sets: int) -> int:
    """Return the array rows that ``sets`` logical sets of width ``e`` take, strips wider than the array stacked.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> eyeriss = load_accelerator("eyeriss_v1")
    >>> conv2 = ConvNest(N=1, G=1, K=256, C=48, P=27, Q=27, R=5, S=5)
    >>> array_rows_needed(conv2, RowMachine.of(eyeriss, eyeriss.array), 27, 1)
    10
    """
    height = set_rows(nest, machine)
    if e <= machine.columns:
        return height * ceil_div(sets, machine.columns // e)
    return height * sets * ceil_div(e, machine.columns)


def glb_bits_needed(nest: ConvNest, machine: RowMachine, mapping: RowMapping, ifmap_bits: int) -> int:
    """Return the buffer space of one pass's ifmap strips and of the psums that stay [bits]."""
    rows = max(nest.rows_read(0, min(mapping.e, nest.P), fold.rows)[0] for fold in filter_folds(nest, machine))
    channels = min(mapping.q * mapping.r, nest.C)
    images = min(mapping.n, nest.N)
    ifmap = images * rows * nest.columns_read(taps_at_once(nest, machine)) * channels * ifmap_bits
    return ifmap + images * min(mapping.m, nest.K) * min(mapping.e, nest.P) * nest.Q * machine.psum_bits


def shortfalls(
    nest: ConvNest, machine: RowMachine, mapping: RowMapping, bits: tuple[int, int]
) -> Iterator[tuple[str, int, int, str]]:
    """Yield what a mapping needs more of than there is: (what, needed, there is, unit).

    Parameters
    ----------
    nest, machine, mapping
    bits : (int, int)
        Stored widths of ifmap and weight [bits].
    """
    p, q = mapping.p, mapping.q
    height, taps = set_rows(nest, machine), taps_at_once(nest, machine)
    filters = min(p * mapping.t, nest.K) * min(q * mapping.r, nest.C) * height * len(taps)
    needs = (
        ("array rows (R ceil(r t / floor(columns / e)))", array_rows_needed(nest, machine, mapping.e,
         mapping.r * mapping.t), machine.rows, "rows"),
        ("filter spad (p q S)", p * q * len(taps), machine.filter_spad_words, "words"),
        ("ifmap spad (q S)", q * nest.window(taps), machine.ifmap_spad_words, "words"),
        ("psum spad (p)", p, machine.psum_spad_words, "words"),
        ("filter prefetch buffer (p t q r R S)", filters * bits[1], machine.prefetch_bits, "bits"),
        ("global buffer (ifmap strips and psums)", glb_bits_needed(nest, machine, mapping, bits[0]),
         machine.glb_bits, "bits"),
    )  # fmt: skip
    for what, needed, there, unit in needs:
        if needed > there:
            yield what, needed, there, unit


def active_pes(nest: ConvNest, machine: RowMachine, mapping: RowMapping) -> int:
    """Return the PEs that a full pass keeps busy: R e r t."""
    sets = min(mapping.r, nest.C) * min(mapping.t, nest.K)
    return set_rows(nest, machine) * min(mapping.e, nest.P) * sets
