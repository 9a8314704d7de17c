"""DMA descriptors: which bytes a transfer touches, in which order, and the tensors and regions they describe.

A descriptor is rows of contiguous bytes at a pitch, so that a tile of any tensor layout is one or a few of them. Knows
how tensors lie in memory; knows nothing of DRAM timing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from simulator.errors import WorkloadError
from simulator.records import READ, WRITE, Table, int_fields, table

DESCRIPTOR = int_fields("base_byte", "row_bytes", "rows", "pitch_bytes", "is_write")
"""``rows`` runs of ``row_bytes`` contiguous bytes, ``pitch_bytes`` from the start of one to the start of the next."""

_ADDRESS_LIMIT = 1 << 62


@dataclass(frozen=True)
class Descriptor:
    """A rectangular transfer, read or written row after row.

    A burst that holds the end of one row and the start of the next is moved once.

    Parameters
    ----------
    base_byte : int
        Address of the first byte.
    row_bytes, rows : int
        Contiguous bytes of a row, and how many rows.
    pitch_bytes : int
        From the start of a row to the start of the next; at least ``row_bytes`` where there are several rows.
    direction : int
        ``records.READ`` or ``records.WRITE``.

    Raises
    ------
    WorkloadError
        A field that no transfer can have; names it, its value and the remedy.

    Examples
    --------
    >>> Descriptor(base_byte=0, row_bytes=64, rows=4, pitch_bytes=256).payload_bytes
    256
    """

    base_byte: int
    row_bytes: int
    rows: int = 1
    pitch_bytes: int = 0
    direction: int = READ

    def __post_init__(self) -> None:
        for name, least in (("base_byte", 0), ("row_bytes", 1), ("rows", 1), ("pitch_bytes", 0)):
            value = getattr(self, name)
            if value < least:
                raise WorkloadError(f"DMA descriptor: {name} is {value}: it must be at least {least}")
        if self.rows > 1 and self.pitch_bytes < self.row_bytes:
            raise WorkloadError(
                f"DMA descriptor: pitch_bytes is {self.pitch_bytes}, less than row_bytes = {self.row_bytes}: "
                "rows may touch but not overlap"
            )
        if self.direction not in (READ, WRITE):
            raise WorkloadError(f"DMA descriptor: direction is {self.direction}: use {READ} (read) or {WRITE} (write)")
        if self.end_byte > _ADDRESS_LIMIT:
            raise WorkloadError(f"DMA descriptor: its last byte is {self.end_byte - 1}: use addresses below 2^62")

    @property
    def payload_bytes(self) -> int:
        """Bytes asked for."""
        return self.row_bytes * self.rows

    @property
    def end_byte(self) -> int:
        """Address behind the last byte."""
        return self.base_byte + (self.rows - 1) * self.pitch_bytes + self.row_bytes


def descriptor_table(descriptors: Sequence[Descriptor]) -> Table:
    """Return one DESCRIPTOR record each; rows without a gap become one row.

    Examples
    --------
    >>> descriptor_table([Descriptor(0, 64, rows=4, pitch_bytes=64)])[0].row_bytes
    np.int64(256)
    """
    records = table(DESCRIPTOR, len(descriptors))
    for record, descriptor in zip(records, descriptors, strict=True):
        together = descriptor.rows > 1 and descriptor.pitch_bytes == descriptor.row_bytes
        record.base_byte = descriptor.base_byte
        record.row_bytes = descriptor.payload_bytes if together else descriptor.row_bytes
        record.rows = 1 if together else descriptor.rows
        record.pitch_bytes = 0 if together else descriptor.pitch_bytes
        record.is_write = descriptor.direction == WRITE
    return records


LAYOUTS = {"NCHW": "NCHW", "NHWC": "NHWC"}


@dataclass(frozen=True)
class TensorLayout:
    """A feature map in memory: order of its dimensions, or tiles of channels.

    Parameters
    ----------
    shape : mapping of str to int
        Extents of N, C, H, W.
    order : str
        ``NCHW``, ``NHWC``, or ``tiled``: N, C/tile, H, W, tile (NCHWc), channels padded to whole tiles.
    element_bits : int
        Stored width; rows of elements are packed and start on a byte.
    base_byte : int
        Address of the first element.
    channel_tile : int
        Channels of one tile, for ``tiled``.

    Raises
    ------
    WorkloadError
        An unknown order, or an extent that is no extent.
    """

    shape: Mapping[str, int]
    order: str = "NHWC"
    element_bits: int = 8
    base_byte: int = 0
    channel_tile: int = 1

    def __post_init__(self) -> None:
        if self.order not in (*LAYOUTS, "tiled"):
            raise WorkloadError(f"tensor layout: order is {self.order!r}: use NCHW, NHWC or tiled")
        if sorted(self.shape) != sorted("NCHW"):
            raise WorkloadError(f"tensor layout: shape names {''.join(self.shape)}: give N, C, H and W")
        for name, value in (*self.shape.items(), ("element_bits", self.element_bits), ("tile", self.channel_tile)):
            if value < 1:
                raise WorkloadError(f"tensor layout: {name} is {value}: it must be at least 1")

    @property
    def dimensions(self) -> tuple[tuple[str, int], ...]:
        """Names and extents from the outermost to the innermost; ``c`` is the channel within a tile."""
        if self.order == "tiled":
            tiles = -(-self.shape["C"] // self.channel_tile)
            return (
                ("N", self.shape["N"]),
                ("C", tiles),
                ("H", self.shape["H"]),
                ("W", self.shape["W"]),
                (
                    "c",
                    self.channel_tile,
                ),
            )
        return tuple((name, self.shape[name]) for name in LAYOUTS[self.order])

    @property
    def size_bytes(self) -> int:
        """Bytes from the first element to the end of the last."""
        return -(-prod(extent for _, extent in self.dimensions) * self.element_bits // 8)

    def tile(self, direction: int = READ, **ranges: tuple[int, int]) -> list[Descriptor]:
        """Return the descriptors of a box: ``C=(0, 16), H=(3, 7)``, each from first to behind last; others whole.

        The innermost dimensions that are whole melt into the row; the next one out becomes the rows of a descriptor,
        and what is left further out becomes one descriptor each, in memory order. Elements narrower than a byte are
        widened to whole bytes at both ends of a row.

        Raises
        ------
        WorkloadError
            A range that is empty or not inside the tensor.

        Examples
        --------
        >>> layout = TensorLayout({"N": 1, "C": 64, "H": 8, "W": 8})
        >>> [(d.row_bytes, d.rows, d.pitch_bytes) for d in layout.tile(C=(0, 16), H=(0, 2))]
        [(16, 16, 64)]
        """
        box = self._box(ranges)
        extents = [extent for _, extent in self.dimensions]
        strides = [prod(extents[at + 1 :]) for at in range(len(extents))]
        inner = len(box) - 1
        while inner > 0 and box[inner] == (0, extents[inner]):
            inner -= 1
        row_elements = (box[inner][1] - box[inner][0]) * strides[inner]
        start = sum(first * stride for (first, _), stride in zip(box, strides, strict=True))
        counts = [last - first for first, last in box[:inner]]
        return self._rows(start, row_elements, counts, strides[:inner], direction)

    def _box(self, ranges: Mapping[str, tuple[int, int]]) -> list[tuple[int, int]]:
        for name, (first, last) in ranges.items():
            if name not in self.shape:
                raise WorkloadError(f"tensor tile: no dimension {name!r}: use N, C, H, W")
            if not 0 <= first < last <= self.shape[name]:
                raise WorkloadError(f"tensor tile: {name} from {first} to {last} is not within 0 to {self.shape[name]}")
        whole = {name: (0, extent) for name, extent in self.dimensions}
        box = whole | dict(ranges)
        if self.order == "tiled" and "C" in ranges:
            first, last = ranges["C"]
            box["C"] = (first // self.channel_tile, -(-last // self.channel_tile))
            if box["C"][1] - box["C"][0] == 1:
                offset = box["C"][0] * self.channel_tile
                box["c"] = (first - offset, last - offset)
        return [box[name] for name, _ in self.dimensions]

    def _rows(
        self, start: int, row_elements: int, counts: Sequence[int], strides: Sequence[int], direction: int
    ) -> list[Descriptor]:
        """Return descriptors of rows that repeat ``counts`` times at ``strides`` elements, outermost first."""
        pairs = [(count, stride) for count, stride in zip(counts, strides, strict=True) if count > 1]
        while len(pairs) > 1 and pairs[-2][1] == pairs[-1][0] * pairs[-1][1]:  # the outer one goes on where this ends
            pairs[-2:] = [(pairs[-2][0] * pairs[-1][0], pairs[-1][1])]
        rows, pitch = 1, row_elements
        if pairs and pairs[-1][1] * self.element_bits % 8 == 0:
            rows, pitch = pairs.pop()
        starts = np.array([start])
        for count, stride in pairs:
            starts = (starts[:, None] + np.arange(count) * stride).ravel()
        descriptors = []
        for first in starts.tolist():
            first_byte = first * self.element_bits // 8
            last_byte = -(-(first + row_elements) * self.element_bits // 8)
            pitch_bytes = max(pitch * self.element_bits // 8, last_byte - first_byte) if rows > 1 else 0
            descriptors.append(
                Descriptor(self.base_byte + first_byte, last_byte - first_byte, rows, pitch_bytes, direction)
            )
        return descriptors


class RegionAllocator:
    """Hands out regions of memory one after another, each at the start of a DRAM row.

    Parameters
    ----------
    row_bytes : int
        Bytes after which every bank is in its next row (:func:`simulator.memory.dram_split.row_span_bytes`): two
        operands never share a row.
    capacity_bytes : int

    Examples
    --------
    >>> regions = RegionAllocator(row_bytes=4096, capacity_bytes=1 << 20)
    >>> regions.take(5000), regions.take(1), regions.used_bytes
    (0, 8192, 12288)
    """

    def __init__(self, row_bytes: int, capacity_bytes: int) -> None:
        self.row_bytes = row_bytes
        self.capacity_bytes = capacity_bytes
        self.used_bytes = 0

    def take(self, size_bytes: int) -> int:
        """Return the base address of a new region of ``size_bytes``.

        Raises
        ------
        WorkloadError
            It does not fit any more; names how much is missing.
        """
        base = self.used_bytes
        end = base + -(-size_bytes // self.row_bytes) * self.row_bytes
        if end > self.capacity_bytes:
            raise WorkloadError(
                f"DRAM: a region of {size_bytes} bytes ends at {end}, {end - self.capacity_bytes} beyond the "
                f"{self.capacity_bytes} bytes there are: use a larger memory"
            )
        self.used_bytes = end
        return base
