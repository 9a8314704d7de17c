"""Cycles as Bit Fusion's public analytical simulator counts them: its law stated anew, for comparison only.

Source: Sharma et al., Bit Fusion, ISCA 2018, and the public simulator's law (repository hsharma35/bitfusion). Tiles of
batch, output side, input and output channels are powers of two (or the whole); kernels are never cut. A tile of each
operand fills at most half a buffer; a loop around a tile is promoted into the buffer while what it touches still
fits. Psums have 32 bits, in the buffer and towards DRAM. Of all tiles and all 120 loop orders the fastest counts. No
fill, drain, bank or row is in that law: our own timing is the systolic array's.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.units import BITS_PER_BYTE

Ints = npt.NDArray[np.int64]

ROWS, COLUMNS = 16, 32
BUFFER_BYTES = {"ifmap": 32768, "weight": 65536, "psum": 16384}
DRAM_BITS_PER_CYCLE = 192
WIDEST_BITS, BRICK_BITS, PSUM_BITS = 8, 2, 32

# Which operands a loop over (batch, output rows, output columns, input channels, output channels) steps through.
_TOUCHES = {
    "ifmap": (True, True, True, True, False),
    "weight": (False, False, False, True, True),
    "psum": (True, True, True, False, True),
}


@dataclass(frozen=True)
class BitFusionLayer:
    """A square convolution, or a matrix product (kernel, outputs and stride of 1).

    Parameters
    ----------
    kernel, outputs, stride : int
        Along one side.
    channels, filters, batch : int
    ifmap_bits, weight_bits : int
        At most 8: the public law has no temporal mode [bits].
    im2col : bool
        The first layer's reduction runs over kernel and channels together.
    """

    kernel: int
    outputs: int
    stride: int
    channels: int
    filters: int
    batch: int
    ifmap_bits: int
    weight_bits: int
    im2col: bool = False


def products_per_unit(ifmap_bits: int, weight_bits: int) -> int:
    """Return the products a fusion unit makes in a cycle: no rounding to powers of two, 1 bit as 2.

    Examples
    --------
    >>> products_per_unit(8, 8), products_per_unit(4, 2), products_per_unit(3, 5)
    (1, 8, 2)
    """
    return (WIDEST_BITS // max(ifmap_bits, BRICK_BITS)) * (WIDEST_BITS // max(weight_bits, BRICK_BITS))


def bitfusion_cycles(layer: BitFusionLayer, dram_bits_per_cycle: int = DRAM_BITS_PER_CYCLE) -> int:
    """Return the cycles of one layer on the public simulator's 16 x 32 array.

    Raises
    ------
    WorkloadError
        Operands wider than 8 bits, or no tile fits the buffers.

    Examples
    --------
    >>> bitfusion_cycles(BitFusionLayer(3, 13, 1, 512, 384, 16, 4, 4))
    3248129
    """
    if not 1 <= min(layer.ifmap_bits, layer.weight_bits) <= max(layer.ifmap_bits, layer.weight_bits) <= WIDEST_BITS:
        message = (
            f"layer of {layer.ifmap_bits} x {layer.weight_bits} bits: Bit Fusion's public law covers 1 to {WIDEST_BITS}"
            "; use the preset bitfusion for wider operands"
        )
        raise WorkloadError(message)
    tiles = _tiles(layer)
    bits = _tile_bits(layer, tiles)
    fits = np.all([bits[name] <= _half(name) for name in bits], axis=0)
    if not fits.any():
        message = "layer: not even the smallest tile fits half of each Bit Fusion buffer; give a smaller kernel"
        raise WorkloadError(message)
    tiles = {name: sizes[fits] for name, sizes in tiles.items()}
    bits = {name: sizes[fits] for name, sizes in bits.items()}
    outputs = _ceil(layer.outputs, tiles["outputs"])
    counts = np.stack(
        [
            _ceil(layer.batch, tiles["batch"]),
            outputs,
            outputs,
            _ceil(layer.channels, tiles["channels"]),
            _ceil(layer.filters, tiles["filters"]),
        ]
    )
    compute = _compute_cycles(layer, tiles) * counts.prod(axis=0)
    return min(int(_with_dram(bits, counts, order, compute, dram_bits_per_cycle).min()) for order in _ORDERS)


_ORDERS = tuple(permutations(range(5)))


def _half(operand: str) -> int:
    return BUFFER_BYTES[operand] * BITS_PER_BYTE // 2


def _ceil(total: Any, part: Any) -> Any:  # noqa: ANN401 - an array or a number of either
    return -(-total // part)


def _powers(total: int) -> Ints:
    return np.minimum(1 << np.arange((total - 1).bit_length() + 1), total)


def _tiles(layer: BitFusionLayer) -> dict[str, Ints]:
    """Return every tile: its images, output side, input and output channels."""
    filters = _powers(layer.filters)
    if not layer.im2col:
        filters = np.minimum(_powers_of(_ceil(layer.filters, COLUMNS)) * COLUMNS, layer.filters)
    axes = (_powers(layer.batch), _powers(layer.outputs), _powers(layer.channels), filters)
    grid = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    return dict(zip(("batch", "outputs", "channels", "filters"), grid, strict=True))


def _powers_of(total: int) -> Ints:
    """Powers of two up to the first that reaches ``total``, not capped."""
    return 1 << np.arange((total - 1).bit_length() + 1)


def _tile_bits(layer: BitFusionLayer, tiles: dict[str, Ints]) -> dict[str, Ints]:
    """Return the bits of one tile of each operand, as that law counts them."""
    taps, pixels = layer.kernel**2, tiles["outputs"] ** 2
    word = ROWS * products_per_unit(layer.ifmap_bits, layer.weight_bits)
    window = pixels * taps if layer.im2col else (layer.kernel + (tiles["outputs"] - 1) * layer.stride) ** 2
    return {
        "weight": _ceil(taps * tiles["channels"], word) * word * tiles["filters"] * layer.weight_bits,
        "ifmap": window * tiles["channels"] * tiles["batch"] * layer.ifmap_bits,
        "psum": pixels * _ceil(tiles["filters"], COLUMNS) * COLUMNS * tiles["batch"] * PSUM_BITS,
    }


def _compute_cycles(layer: BitFusionLayer, tiles: dict[str, Ints]) -> Ints:
    word = ROWS * products_per_unit(layer.ifmap_bits, layer.weight_bits)
    taps = layer.kernel**2
    folds = _ceil(taps * tiles["channels"], word) if layer.im2col else taps * _ceil(tiles["channels"], word)
    cycles: Ints = tiles["batch"] * _ceil(tiles["filters"], COLUMNS) * tiles["outputs"] ** 2 * folds
    return cycles


def _with_dram(
    bits: dict[str, Ints], counts: Ints, order: tuple[int, ...], compute: Ints, dram_bits_per_cycle: int
) -> Ints:
    """Return the cycles of every tile under one loop order, outermost first."""
    moved, resident = {}, {}
    for name, tile_bits in bits.items():
        moved[name], resident[name] = _promoted(name, tile_bits, counts, order)
    first, last = sum(resident.values()), resident["psum"]
    everything = sum(moved.values()) + moved["psum"]  # psums come and go
    between = _ceil(everything - first - last, dram_bits_per_cycle)
    ends = _ceil(first, dram_bits_per_cycle) + _ceil(last, dram_bits_per_cycle)
    cycles: Ints = compute + np.maximum(0, between - compute) + ends
    return cycles


def _promoted(operand: str, tile_bits: Ints, counts: Ints, order: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Return the bits an operand moves in all, and what of it is in its buffer at once."""
    moved, resident = tile_bits, tile_bits
    promoted = np.ones(len(tile_bits), dtype=bool)
    for loop in reversed(order):
        if _TOUCHES[operand][loop]:
            moved = moved * counts[loop]
            promoted = promoted & (moved <= _half(operand))
            resident = np.where(promoted, moved, resident)
        else:
            moved = np.where(promoted, moved, moved * counts[loop])
    return moved, resident
