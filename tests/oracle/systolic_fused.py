"""Folds of an array whose PEs add up several neighbouring products of a sum in one beat (Bit Fusion's fused units).

A word of either operand carries ``inner_pack`` neighbours along the reduction, one a lane, padded with zeros at the
end of a group's sum; the PE adds its lanes' products to one psum, kept in lane 0. Knows matrices, no time.
"""

from collections.abc import Iterator

import numpy as np

from tests.oracle.systolic_folds import NO_OUTPUT, Fold, Ints, Tile, _diagonal


def _words(matrix: Ints, width: int, lanes: int) -> Ints:
    """Group the last axis [..., inner] into words [..., ceil(inner / width), lanes]."""
    places = -(-matrix.shape[-1] // width)
    padded = np.zeros((*matrix.shape[:-1], places * width), dtype=np.int64)
    padded[..., : matrix.shape[-1]] = matrix
    spread = np.zeros((*matrix.shape[:-1], places, lanes), dtype=np.int64)
    spread[..., :width] = padded.reshape(*matrix.shape[:-1], places, width)
    return spread


def _lane_zero(address: Ints, lanes: int) -> Ints:
    spread = np.full((*address.shape, lanes), NO_OUTPUT, dtype=np.int64)
    spread[..., 0] = address
    return spread


def fused_folds(
    number: int, tile: Tile, address: Ints, array: tuple[int, int], lanes: int, dataflow: str
) -> Iterator[Fold]:
    """Yield the folds of one tile in the order the array runs them."""
    assert tile.pack == 1, "a fused unit makes one sum"
    ifmap = _words(tile.ifmap, tile.inner_pack, lanes)  # [groups, rows, words, lanes]
    weight = _words(tile.weight.transpose(0, 2, 1), tile.inner_pack, lanes)  # [groups, cols, words, lanes]
    live = _words(np.ones((1, tile.ifmap.shape[2]), dtype=np.int64), tile.inner_pack, lanes)[0].sum(axis=-1)
    cutter = {"ws": _weight_stationary, "is": _input_stationary, "os": _output_stationary}[dataflow]
    yield from cutter(number, tile, (ifmap, weight, live), address, array)


def _weight_stationary(
    number: int, tile: Tile, operands: tuple[Ints, Ints, Ints], address: Ints, array: tuple[int, int]
) -> Iterator[Fold]:
    ifmap, weight, live = operands
    lanes = ifmap.shape[-1]
    for first in range(0, len(weight), tile.group_packing):
        chosen = slice(first, first + tile.group_packing)
        count = len(weight[chosen])
        per_lane = [_diagonal(weight[chosen, :, :, lane].transpose(0, 2, 1)) for lane in range(lanes)]
        stationary = np.stack(per_lane, axis=-1)  # [count words, count cols, lanes]
        block = np.repeat(live[None, :, None], weight.shape[1], axis=2)
        stored = _diagonal(np.repeat(block, count, axis=0))
        stream = np.concatenate(list(ifmap[chosen]), axis=1)
        lives = np.tile(live, count)
        target = np.concatenate(list(address[chosen]), axis=1)
        for n in range(0, stationary.shape[1], array[1]):
            for i in range(0, stationary.shape[0], array[0]):
                rows, columns = slice(i, i + array[0]), slice(n, n + array[1])
                left = stream[:, rows]
                yield Fold(
                    number,
                    left=left,
                    top=stationary[rows, columns][::-1],
                    address=_lane_zero(target[:, columns], lanes),
                    left_words=np.full(len(left), int(lives[rows].sum())),
                    top_words=stored[rows, columns].sum(axis=1)[::-1],
                    live=lives[rows],
                )


def _input_stationary(
    number: int, tile: Tile, operands: tuple[Ints, Ints, Ints], address: Ints, array: tuple[int, int]
) -> Iterator[Fold]:
    lanes, live = operands[0].shape[-1], operands[2]
    for ifmap, weight, target in zip(operands[0], operands[1], address, strict=True):
        for m in range(0, ifmap.shape[0], array[1]):
            for i in range(0, ifmap.shape[1], array[0]):
                rows, columns = slice(i, i + array[0]), slice(m, m + array[1])
                stationary = ifmap[columns, rows].transpose(1, 0, 2)
                stream = weight[:, rows]
                yield Fold(
                    number,
                    left=stream,
                    top=stationary[::-1],
                    address=_lane_zero(target[columns].T, lanes),
                    left_words=np.full(len(stream), int(live[rows].sum())),
                    top_words=(live[rows] * stationary.shape[1])[::-1],
                    live=live[rows],
                )


def _output_stationary(
    number: int, tile: Tile, operands: tuple[Ints, Ints, Ints], address: Ints, array: tuple[int, int]
) -> Iterator[Fold]:
    lanes, live = operands[0].shape[-1], operands[2]
    for ifmap, weight, target in zip(operands[0], operands[1], address, strict=True):
        for m in range(0, ifmap.shape[0], array[0]):
            for n in range(0, weight.shape[0], array[1]):
                rows, columns = slice(m, m + array[0]), slice(n, n + array[1])
                left, top = ifmap[rows].transpose(1, 0, 2), weight[columns].transpose(1, 0, 2)
                yield Fold(
                    number,
                    left=left,
                    top=top,
                    address=_lane_zero(target[rows, columns], lanes),
                    left_words=live * left.shape[1],
                    top_words=live * top.shape[1],
                    live=live,
                )
