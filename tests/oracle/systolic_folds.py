"""How a product is cut into folds, in the order docs/model/systolic.md gives. Knows matrices, no time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.records import DATAFLOW_NAMES, IS, OS, WS

Ints = npt.NDArray[np.int64]

NO_OUTPUT = -1  # address of a lane that holds no output channel


@dataclass(frozen=True)
class Tile:
    """One product: ``ifmap`` [groups, rows, inner] times ``weight`` [groups, inner, cols]."""

    ifmap: Ints
    weight: Ints
    group_packing: int = 1
    pack: int = 1
    passes: int = 1
    inner_pack: int = 1

    @property
    def ofmap_words(self) -> int:
        """Words of the product."""
        return int(self.ifmap.shape[0] * self.ifmap.shape[1] * self.weight.shape[2])


@dataclass(frozen=True)
class Fold:
    """What the edges of the array see of one fold, and where its outputs go.

    ``left`` [T, r, lanes] streams in from the left. ``top`` enters from above, first row first: the stationary block
    last row first [r, c, lanes] (WS, IS), or the weight stream [T, c, lanes] (OS). ``address`` is the ofmap word of
    each output: [T, c, lanes] (WS, IS) or [r, c, lanes] (OS). The ``words`` count what a row reads from its buffer.
    ``live``: where a PE adds its lanes' products up, how many lanes of each reduction word hold operands [r] (OS: [T]).
    """

    tile: int
    left: Ints
    top: Ints
    address: Ints
    left_words: Ints
    top_words: Ints
    live: Ints | None = None
    depth: int = field(init=False)
    rows: int = field(init=False)
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        for name, value in (
            ("depth", self.left.shape[0]),
            ("rows", self.left.shape[1]),
            ("columns", self.top.shape[1]),
        ):
            object.__setattr__(self, name, value)


def cut(hardware: Any, tiles: list[Tile]) -> list[Fold]:
    """Return the folds of all tiles in the order the array runs them."""
    from tests.oracle.systolic_fused import fused_folds

    lanes = max(tile.pack * tile.inner_pack for tile in tiles)
    fused = any(tile.inner_pack > 1 for tile in tiles)
    cutter = {WS: _weight_stationary, OS: _output_stationary, IS: _input_stationary}[int(hardware.dataflow)]
    folds: list[Fold] = []
    base = 0
    for number, tile in enumerate(tiles):
        groups, rows, _ = tile.ifmap.shape
        address = base + np.arange(tile.ofmap_words, dtype=np.int64).reshape(groups, rows, -1)
        array = (int(hardware.rows), int(hardware.columns))
        if fused:
            folds += fused_folds(number, tile, address, array, lanes, DATAFLOW_NAMES[int(hardware.dataflow)])
        else:
            folds += cutter(number, tile, address, array, lanes)
        base += tile.ofmap_words
    return folds


def _in_lanes(matrix: Ints, pack: int, lanes: int, blank: int = 0) -> Ints:
    """Put ``pack`` neighbours of the last axis into one PE: [..., n] becomes [..., ceil(n / pack), lanes]."""
    length = matrix.shape[-1]
    places = -(-length // pack)
    padded = np.full((*matrix.shape[:-1], places * pack), blank, dtype=np.int64)
    padded[..., :length] = matrix
    spread = np.full((*matrix.shape[:-1], places, lanes), blank, dtype=np.int64)
    spread[..., :pack] = padded.reshape(*matrix.shape[:-1], places, pack)
    return spread


def _in_every_lane(matrix: Ints, lanes: int) -> Ints:
    return np.repeat(matrix[..., None], lanes, axis=-1)


def _diagonal(blocks: Ints) -> Ints:
    """Place [g, a, b] on the diagonal of a [g a, g b] matrix of zeros."""
    count, height, width = blocks.shape
    matrix = np.zeros((count * height, count * width), dtype=np.int64)
    for n in range(count):
        matrix[n * height : (n + 1) * height, n * width : (n + 1) * width] = blocks[n]
    return matrix


def _weight_stationary(number: int, tile: Tile, address: Ints, array: tuple[int, int], lanes: int) -> Iterator[Fold]:
    rows, channels = array[0], array[1] * tile.pack
    for first in range(0, len(tile.weight), tile.group_packing):
        chosen = slice(first, first + tile.group_packing)
        stationary = _diagonal(tile.weight[chosen])
        stored = _diagonal(np.ones_like(tile.weight[chosen]))  # the zeros off the diagonal lie in no buffer
        stream = np.concatenate(list(tile.ifmap[chosen]), axis=1)
        target = np.concatenate(list(address[chosen]), axis=1)
        if tile.group_packing > 1:
            assert stationary.shape[0] <= rows, "packed groups must fit the rows"
            assert stationary.shape[1] <= channels, "packed groups must fit the columns"
        for n in range(0, stationary.shape[1], channels):
            for i in range(0, stationary.shape[0], rows):
                block = np.s_[i : i + rows, n : n + channels]
                left = stream[:, i : i + rows]
                yield Fold(
                    number,
                    left=_in_every_lane(left, lanes),
                    top=_in_lanes(stationary[block], tile.pack, lanes)[::-1],
                    address=_in_lanes(target[:, block[1]], tile.pack, lanes, NO_OUTPUT),
                    left_words=np.full(len(left), left.shape[1]),
                    top_words=stored[block].sum(axis=1)[::-1],
                )


def _input_stationary(number: int, tile: Tile, address: Ints, array: tuple[int, int], lanes: int) -> Iterator[Fold]:
    rows, columns = array
    for ifmap, weight, target in zip(tile.ifmap, tile.weight, address, strict=True):
        for m in range(0, ifmap.shape[0], columns):
            for i in range(0, ifmap.shape[1], rows):
                stationary = ifmap[m : m + columns, i : i + rows].T
                stream = weight[i : i + rows]
                yield Fold(
                    number,
                    left=_in_lanes(stream, tile.pack, lanes).transpose(1, 0, 2),
                    top=_in_every_lane(stationary, lanes)[::-1],
                    address=_in_lanes(target[m : m + columns], tile.pack, lanes, NO_OUTPUT).transpose(1, 0, 2),
                    left_words=_in_lanes(np.ones_like(stream), tile.pack, lanes).sum(axis=(0, 2)),
                    top_words=np.full(len(stationary), stationary.shape[1]),
                )


def _output_stationary(number: int, tile: Tile, address: Ints, array: tuple[int, int], lanes: int) -> Iterator[Fold]:
    rows, channels = array[0], array[1] * tile.pack
    for ifmap, weight, target in zip(tile.ifmap, tile.weight, address, strict=True):
        for m in range(0, ifmap.shape[0], rows):
            for n in range(0, weight.shape[1], channels):
                left, top = ifmap[m : m + rows].T, weight[:, n : n + channels]
                yield Fold(
                    number,
                    left=_in_every_lane(left, lanes),
                    top=_in_lanes(top, tile.pack, lanes),
                    address=_in_lanes(target[m : m + rows, n : n + channels], tile.pack, lanes, NO_OUTPUT),
                    left_words=np.full(len(left), left.shape[1]),
                    top_words=np.full(len(top), top.shape[1]),
                )
