"""Which bytes of DRAM each transfer of a tape touches: rectangles of rows, in closed form from its tile.

A tile is a box of a tensor. The loops over the box that touch without a gap melt into one run of bytes; the longest of
the others becomes the rows of a descriptor, and what is left becomes one descriptor each. All transfers at once, in
numpy: nothing to compile. Oracle: ``tests/oracle/address_oracle.py``, which lists the bytes of every element.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.dataflow.core_cuts import whole_parts
from simulator.dataflow.tape import Tape
from simulator.engine.boxes import LEVELS, Boxes, Descriptors, melted, pieces_of
from simulator.records import IFMAP, MAC_WORK, PSUM, RESIDUAL, WEIGHT, WRITE, Table, int_fields
from simulator.units import BITS_PER_BYTE

Numbers = npt.NDArray[Any]

REGION = int_fields("ifmap", "weight", "psum", "residual", "ofmap", "weight_rows", "first_weight_row")
"""First byte of each tensor of a work; ``weight_rows`` is 1 where the weights lie row by row, 0 tile by tile.

``first_weight_row`` is the output channel of the region in which a part of a layer begins."""


@dataclass(frozen=True)
class Layout:
    """How tensors lie in DRAM.

    Parameters
    ----------
    order : {"NHWC", "NCHW", "tiled"}
        Of feature maps. The innermost unit (the channels of a pixel, a row of an image, the channels of a tile) starts
        on a byte.
    channel_tile : int
        Channels of one tile, for ``tiled``: N, C / tile, H, W, tile.
    weights : {"tiles", "rows"}
        Tile by tile in the order of the mapping, each from the start of a DRAM word (a compiler arranges constants so),
        or one output channel after the other. Weights that the network itself makes always lie in rows.
    word_bytes : int
        DRAM word [bytes].
    """

    order: str = "NHWC"
    channel_tile: int = 16
    weights: str = "tiles"
    word_bytes: int = 64

    def map_bytes(self, images: Numbers, channels: Numbers, height: Numbers, width: Numbers, bits: Numbers) -> Numbers:
        """Return the bytes of feature maps of these extents and widths, each an array or a number."""
        if self.order == "NCHW":
            return images * channels * height * ceil_bytes(width * bits)
        tile = self.tile_of(channels)
        return images * -(-channels // tile) * height * width * ceil_bytes(tile * bits)

    def tile_of(self, channels: Numbers) -> Numbers:
        """Return the channels that lie together: those of a pixel, or of a tile of them."""
        return np.full_like(channels, self.channel_tile) if self.order == "tiled" else channels


def ceil_bytes(bits: Numbers) -> Numbers:
    """Return bits as whole bytes, rounded up."""
    return -(-bits // BITS_PER_BYTE)


def describe(
    tape: Tape, works: Table, mappings: Table, regions: Table, layout: Layout, parts: Table | None = None
) -> Descriptors:
    """Return the DMA descriptors of every transfer of ``tape``.

    Parameters
    ----------
    tape : Tape
    works, mappings : recarray of WORK, MAPPING
    regions : recarray of REGION
        Where each work's tensors begin (:func:`simulator.engine.addresses.place_tensors`).
    layout : Layout
    parts : recarray of PART, optional
        Which part of a layer each work is; None: the whole of it.
    """
    nest = Nest(tape.transfers, works, mappings, regions, layout, parts)
    boxes = [nest.chunks(), *nest.weights(), *nest.ifmaps(), nest.psums(), nest.scattered(), *nest.outputs()]
    joined = Boxes(*(np.concatenate(column) for column in zip(*boxes, strict=True)))
    order = np.argsort(joined.transfer, kind="stable")
    return pieces_of(melted(Boxes(*(column[order] for column in joined))), tape.transfers)


class Nest:
    """Tiles of all transfers, in the words of their layers' nests: fields of works and mappings, one a transfer."""

    def __init__(
        self,
        transfers: Table,
        works: Table,
        mappings: Table,
        regions: Table,
        layout: Layout,
        parts: Table | None = None,
    ) -> None:
        self.transfers, self.layout = transfers, layout
        self.works, self.mappings, self.regions = works, mappings, regions
        self.parts = whole_parts(works) if parts is None else parts
        self.is_mac = works["kind"][transfers["layer"]] == MAC_WORK
        self.moves = transfers["payload_bytes"] > 0

    def select(self, which: Numbers) -> "Tiles":
        """Return the transfers of ``which`` that move anything."""
        return Tiles(np.flatnonzero(which & self.moves), self)

    def operand(self, operand: int) -> Numbers:
        """Say which transfers are of an operand of a multiply-accumulate layer."""
        return self.is_mac & (self.transfers["operand"] == operand)

    @property
    def is_scattered(self) -> Numbers:
        """Say which transfers are of psums that are not the ofmap's elements one by one."""
        return self.operand(PSUM) & ~are_plain(self.works)[self.transfers["layer"]]

    def chunks(self) -> Boxes:
        """Vector and copy work: a run of its inputs or of its outputs."""
        at = self.select(~self.is_mac)
        writes = at.writes
        total = np.where(writes, at.work("ofmap_elements"), at.work("input_bits"))
        chunks = at.mapping("chunks")
        before = total // chunks * at.number + total % chunks * at.number // chunks
        before = np.where(writes, before * at.work("ofmap_bits"), before)
        before += np.where(writes, at.whole("first_ofmap_bit"), at.whole("first_input_bit"))
        return at.run(np.where(writes, at.region("ofmap"), at.region("ifmap")) + before // BITS_PER_BYTE)

    def ifmaps(self) -> list[Boxes]:
        """Tiles of ifmaps with their halo."""
        at = self.select(self.operand(IFMAP))
        images, channels, rows, columns = at.ifmap_box()
        images, rows = moved(images, at.whole("first_image")), moved(rows, at.whole("first_ifmap_row"))
        channels = moved(channels, at.whole("first_ifmap_channel"))
        shape = (at.whole("ifmap_channels"), at.whole("ifmap_rows"), at.work("W"), at.work("ifmap_bits"))
        return at.boxes(at.region("ifmap"), shape, (images, channels, rows, columns))

    def weights(self) -> list[Boxes]:
        """Tiles of weights; where they lie in rows, the biases and scales of their channels lie behind all rows."""
        rows = self.operand(WEIGHT) & (self.regions["weight_rows"][self.transfers["layer"]] == 1)
        packed = self.select(self.operand(WEIGHT) & ~rows)
        at = self.select(rows)
        bits = at.work("R") * at.work("S") * at.work("weight_bits")
        unit = ceil_bytes(at.work("C") * bits)
        begin, end = at.extent("C", at.c)
        start = begin * bits // BITS_PER_BYTE
        first = at.region("first_weight_row") + at.g * at.mapping("G") * at.work("K") + at.k * at.mapping("K")
        channels = at.part("G", at.g) * at.part("K", at.k)
        tiles = at.loops(at.region("weight") + first * unit + start, ceil_bytes(end * bits) - start, (channels, unit))
        extra = self.select(rows & (at.spread(at.c) == 0) & (at.spread(at.work("parameter_bits")) > 0))
        return [packed.run(packed.region("weight") + packed.packed_weights()), tiles, extra.parameters()]

    def psums(self) -> Boxes:
        """Spilled psums: tile by tile, each from the start of a word."""
        at = self.select(self.operand(PSUM))
        at = at.where((at.transfers["direction"] != WRITE) | (at.c < at.tiles("C") - 1))
        outputs = at.mapping("N") * at.mapping("P") * at.mapping("Q") * at.mapping("G") * at.mapping("K")
        number = (at.m * at.tiles("G") + at.g) * at.tiles("K") + at.k
        return at.run(at.region("psum") + number * words(outputs * at.work("psum_bits"), self.layout))

    def _stores(self) -> "Tiles":
        at = self.select(self.operand(PSUM) & (self.transfers["direction"] == WRITE))
        return at.where(at.c == at.tiles("C") - 1)

    def scattered(self) -> Boxes:
        """Finished tiles whose psums are not the ofmap's elements one by one: runs, one behind the other.

        In the order of the tape, those of the parts of a layer too. Each ends on a byte.
        """
        at = self._stores()
        at = at.where(~at.is_plain)
        size, whole = at.transfers["payload_bytes"], at.whole("whole")
        order = np.argsort(whole, kind="stable")
        before = np.empty_like(size)
        before[order] = np.cumsum(size[order]) - size[order]
        _, first, which = np.unique(whole, return_index=True, return_inverse=True)
        return at.run(at.region("ofmap") + before - before[first][which])

    def outputs(self) -> list[Boxes]:
        """Finished tiles, and the residual tiles that are added to them."""
        stores, residuals = self._stores(), self.select(self.operand(RESIDUAL))
        found = []
        for at, name in ((stores.where(stores.is_plain), "ofmap"), (residuals, "residual")):
            images, channels, rows, columns = at.output_box()
            images, rows = moved(images, at.whole("first_image")), moved(rows, at.whole("first_ofmap_row"))
            channels = moved(channels, at.whole("first_ofmap_channel"))
            shape = (at.whole("ofmap_channels"), at.whole("ofmap_rows"), at.work("Q"), at.work(f"{name}_bits"))
            step_bytes = self.layout.map_bytes(at.whole("images"), *shape)
            found += at.boxes(at.region(name) + at.t * step_bytes, shape, (images, channels, rows, columns))
        return found


def are_plain(works: Table) -> Numbers:
    """Say of which works the psums are the ofmap's elements one by one."""
    outputs = works["sequence_steps"] * works["N"] * works["P"] * works["Q"] * works["G"] * works["K"]
    return np.asarray(outputs == works["ofmap_elements"])


def words(bits: Numbers, layout: Layout) -> Numbers:
    """Return the bytes of whole DRAM words that hold ``bits``."""
    return -(-bits // (BITS_PER_BYTE * layout.word_bytes)) * layout.word_bytes


Range = tuple[Numbers, Numbers]
Box = tuple[Range, Range, Range, Range]


def moved(extent: Range, offset: Numbers) -> Range:
    """Return a range of a part as one of the whole tensor."""
    return extent[0] + offset, extent[1] + offset


class Tiles:
    """Some transfers and the places of their tiles: t, m = (n, p, q), g, k, c."""

    def __init__(self, index: Numbers, nest: Nest) -> None:
        self.index, self.nest = index, nest
        self.transfers = nest.transfers[index]
        self.layer = self.transfers["layer"]
        self.number = self.transfers["tile"]
        self.c, rest = self.number % self.tiles("C"), self.number // self.tiles("C")
        self.k, rest = rest % self.tiles("K"), rest // self.tiles("K")
        self.g, rest = rest % self.tiles("G"), rest // self.tiles("G")
        rows = self.tiles("N") * self.tiles("P") * self.tiles("Q")
        self.m, self.t = rest % rows, rest // rows
        self.q, rest = self.m % self.tiles("Q"), self.m // self.tiles("Q")
        self.p, self.n = rest % self.tiles("P"), rest // self.tiles("P")

    def where(self, which: Numbers) -> "Tiles":
        """Return some of these."""
        return Tiles(self.index[which], self.nest)

    def work(self, name: str) -> Numbers:
        """Return a field of each transfer's WORK."""
        return np.asarray(self.nest.works[name])[self.layer]

    def mapping(self, name: str) -> Numbers:
        """Return a field of each transfer's MAPPING."""
        return np.asarray(self.nest.mappings[name])[self.layer]

    def whole(self, name: str) -> Numbers:
        """Return a field of PART: an extent of the whole layer's tensors, or where this part begins in them."""
        return np.asarray(self.nest.parts[name])[self.layer]

    def region(self, name: str) -> Numbers:
        """Return the first byte of a tensor of each transfer's layer."""
        return np.asarray(self.nest.regions[name])[self.layer]

    @property
    def writes(self) -> Numbers:
        """Say which are stores."""
        return self.transfers["direction"] == WRITE

    @property
    def is_plain(self) -> Numbers:
        """Say where psums are the ofmap's elements one by one."""
        return are_plain(self.nest.works)[self.layer]

    def tiles(self, name: str) -> Numbers:
        """Return how many tiles a dimension is cut into."""
        tile = np.maximum(1, self.mapping(name))  # vector work has none
        return np.maximum(1, -(-self.work(name) // tile))

    def spread(self, values: Numbers) -> Numbers:
        """Return values of these transfers as an array over all transfers, 0 elsewhere."""
        found = np.zeros(len(self.nest.transfers), np.int64)
        found[self.index] = values
        return found

    def extent(self, name: str, at: Numbers) -> Range:
        """Return where tile ``at`` of a dimension begins and ends."""
        begin = at * self.mapping(name)
        return begin, np.minimum(self.work(name), begin + self.mapping(name))

    def part(self, name: str, at: Numbers) -> Numbers:
        """Return how much of a dimension tile ``at`` holds."""
        begin, end = self.extent(name, at)
        return end - begin

    def seen(self, outputs: str, size: str, axis: str, taps: str, at: Numbers) -> Range:
        """Return the input positions that a tile of outputs loads along an axis: ``simulator.dataflow.tiling.span``."""
        begin, end = self.extent(outputs, at)
        stride, padding = self.work(f"stride_{axis}"), self.work(f"pad_{axis}")
        reach = (self.work(taps) - 1) * self.work(f"dilation_{axis}") + 1
        first = np.clip(begin * stride - padding, 0, self.work(size))
        last = np.clip((end - 1) * stride - padding + np.maximum(reach, stride), 0, self.work(size))
        first = np.where(at == 0, 0, first)
        last = np.where(end == self.work(outputs), self.work(size), last)
        return first, np.maximum(first, last)

    def ifmap_box(self) -> Box:
        """Return the images, channels, rows and columns that a tile of ifmaps holds, halo included."""
        first = self.g * self.mapping("G") * self.work("C") + self.c * self.mapping("C")
        channels = (first, first + self.part("G", self.g) * self.part("C", self.c))
        rows = self.seen("P", "H", "h", "R", self.p)
        return self.extent("N", self.n), channels, rows, self.seen("Q", "W", "w", "S", self.q)

    def output_box(self) -> Box:
        """Return the images, channels, rows and columns of a tile of outputs."""
        first = self.g * self.mapping("G") * self.work("K") + self.k * self.mapping("K")
        channels = (first, first + self.part("G", self.g) * self.part("K", self.k))
        return self.extent("N", self.n), channels, self.extent("P", self.p), self.extent("Q", self.q)

    def packed_weights(self) -> Numbers:
        """Return where weight tiles begin that lie one behind the other in the order (g, k, c)."""
        layout = self.nest.layout
        groups, cols = self.part("G", self.g), self.part("K", self.k)
        before = self.g * self.mapping("G") * self.work("K") + groups * self.k * self.mapping("K")
        number = (self.g * self.tiles("K") + self.k) * self.tiles("C") + self.c
        taps = self.work("R") * self.work("S") * self.work("weight_bits")
        bits = (before * self.work("C") + groups * cols * self.c * self.mapping("C")) * taps
        channels = before + np.where(self.c > 0, groups * cols, 0)
        bits += -(-self.work("parameter_bits") * channels // (self.work("G") * self.work("K")))
        return words(bits + 2 * BITS_PER_BYTE * number, layout) + number * layout.word_bytes

    def parameters(self) -> Boxes:
        """Return the biases and scales of the channels of weight tiles that lie in rows."""
        channels = self.work("G") * self.work("K")
        unit = ceil_bytes(self.work("C") * self.work("R") * self.work("S") * self.work("weight_bits"))
        first = self.g * self.mapping("G") * self.work("K") + self.k * self.mapping("K")
        mine = self.part("G", self.g) * self.part("K", self.k)
        rows = np.where(self.region("first_weight_row") > 0, self.whole("ofmap_channels"), channels)
        offset = rows * unit + self.work("parameter_bits") * first // channels // BITS_PER_BYTE
        size = ceil_bytes(-(-self.work("parameter_bits") * mine // channels))
        return self.loops(self.region("weight") + offset, size)

    def run(self, base_byte: Numbers) -> Boxes:
        """Return one run of the payload's length each."""
        return self.loops(base_byte, self.transfers["payload_bytes"])

    def loops(self, base_byte: Numbers, row_bytes: Numbers, *levels: tuple[Numbers, Numbers]) -> Boxes:
        """Return runs that repeat over ``levels`` of (count, stride), outermost first."""
        counts, strides = np.ones((len(self.index), LEVELS), np.int64), np.zeros((len(self.index), LEVELS), np.int64)
        for at, (count, stride) in enumerate(levels, start=LEVELS - len(levels)):
            counts[:, at], strides[:, at] = count, stride
        return Boxes(self.index, base_byte, row_bytes, counts, strides)

    def boxes(
        self,
        base_byte: Numbers,
        shape: tuple[Numbers, Numbers, Numbers, Numbers],
        box: Box,
    ) -> list[Boxes]:
        """Return boxes of feature maps: ``shape`` = C, H, W, bits; ``box`` = begin and end of n, c, h, w."""
        if self.nest.layout.order == "NCHW":
            return [self._image_rows(base_byte, shape, box)]
        images, (first, last), *area = box
        tile = self.nest.layout.tile_of(shape[0])
        edges = [first, np.minimum(last, -(-first // tile) * tile)]
        edges += [np.maximum(edges[1], last // tile * tile), last]
        found = []
        for begin, end in pairwise(edges):  # ragged first tile of channels, whole ones, ragged last
            which = end > begin
            part = Tiles(self.index[which], self.nest)
            cut = tuple((low[which], high[which]) for low, high in (images, (begin, end), *area))
            pixels = part._pixels(base_byte[which], tuple(extent[which] for extent in shape), cut)
            found.append(pixels)
        return found

    def _pixels(self, base_byte: Numbers, shape: tuple[Numbers, ...], box: tuple[Range, ...]) -> Boxes:
        """Innermost: channels within a tile. N, C / tile, H, W, tile."""
        channels, height, width, bits = shape
        (n0, n1), (c0, c1), (h0, h1), (w0, w1) = box
        tile = self.nest.layout.tile_of(channels)
        unit, planes = ceil_bytes(tile * bits), -(-channels // tile)
        start = c0 % tile * bits // BITS_PER_BYTE
        row_bytes = ceil_bytes(np.minimum(tile, c0 % tile + c1 - c0) * bits) - start
        plane = height * width * unit
        corner = (n0 * planes + c0 // tile) * plane + (h0 * width + w0) * unit + start
        tiles = -(-c1 // tile) - c0 // tile
        levels = ((n1 - n0, planes * plane), (tiles, plane), (h1 - h0, width * unit), (w1 - w0, unit))
        return self.loops(base_byte + corner, row_bytes, *levels)

    def _image_rows(self, base_byte: Numbers, shape: tuple[Numbers, ...], box: tuple[Range, ...]) -> Boxes:
        """Innermost: the columns of an image row. N, C, H, W."""
        channels, height, width, bits = shape
        (n0, n1), (c0, c1), (h0, h1), (w0, w1) = box
        unit = ceil_bytes(width * bits)
        start = w0 * bits // BITS_PER_BYTE
        corner = ((n0 * channels + c0) * height + h0) * unit + start
        levels = ((n1 - n0, channels * height * unit), (c1 - c0, height * unit), (h1 - h0, unit))
        return self.loops(base_byte + corner, ceil_bytes(w1 * bits) - start, *levels)
