"""The public Bit Fusion law stated anew: by hand, and against a plain walk over tiles and loop orders."""

from itertools import permutations, product
from math import ceil, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.bitfusion_convention import BitFusionLayer, bitfusion_cycles, products_per_unit
from simulator.errors import WorkloadError


def powers(total, unit=1):
    sizes, size = [], unit
    while True:
        sizes.append(min(size, total))
        if size >= total:
            return sizes
        size *= 2


HALVES = {"w": 65536 * 4, "i": 32768 * 4, "o": 16384 * 4}
TOUCHES = {"w": "ck", "i": "byxc", "o": "byxk"}


def walked(layer, width=192):
    """The same law one tile and one order at a time, with plain numbers."""
    filters = powers(layer.filters, 1 if layer.im2col else 32)
    axes = (powers(layer.batch), powers(layer.outputs), powers(layer.channels), filters)
    tiles = [tile for tile in product(*axes) if all(size <= HALVES[name] for name, size in bits(layer, tile).items())]
    return min(cycles_of(layer, tile, order, width) for tile in tiles for order in permutations("byxck"))


def bits(layer, tile):
    b, o, ic, oc = tile
    word = 16 * products_per_unit(layer.ifmap_bits, layer.weight_bits)
    window = o * o * layer.kernel**2 if layer.im2col else (layer.kernel + (o - 1) * layer.stride) ** 2
    return {
        "w": ceil(layer.kernel**2 * ic / word) * word * oc * layer.weight_bits,
        "i": window * ic * b * layer.ifmap_bits,
        "o": o * o * ceil(oc / 32) * 32 * b * 32,
    }


def cycles_of(layer, tile, order, width):
    b, o, ic, oc = tile
    word, taps = 16 * products_per_unit(layer.ifmap_bits, layer.weight_bits), layer.kernel**2
    counts = {"b": ceil(layer.batch / b), "y": ceil(layer.outputs / o), "x": ceil(layer.outputs / o)}
    counts |= {"c": ceil(layer.channels / ic), "k": ceil(layer.filters / oc)}
    folds = ceil(taps * ic / word) if layer.im2col else taps * ceil(ic / word)
    compute = b * ceil(oc / 32) * o * o * folds * prod(counts.values())
    moved, held = bits(layer, tile), bits(layer, tile)
    for name, loops in TOUCHES.items():
        promoted = True
        for loop in reversed(order):
            if loop in loops or not promoted:
                moved[name] *= counts[loop]
            promoted = promoted and (loop not in loops or moved[name] <= HALVES[name])
            if promoted:
                held[name] = moved[name]
    first, last = sum(held.values()), held["o"]
    between = ceil((sum(moved.values()) + moved["o"] - first - last) / width)
    return compute + max(0, between - compute) + ceil(first / width) + ceil(last / width)


sizes = st.integers(1, 40)


LAYERS = st.builds(
    BitFusionLayer,
    st.sampled_from([1, 3, 5]),
    st.integers(1, 9),
    st.integers(1, 2),
    sizes,
    sizes,
    st.integers(1, 5),
    st.integers(1, 8),
    st.integers(1, 8),
    st.booleans(),
)


@settings(max_examples=15)
@given(LAYERS)
def test_all_tiles_at_once_equal_a_plain_walk(layer):
    assert bitfusion_cycles(layer) == walked(layer)


def test_a_wider_port_never_adds_cycles():
    layer = BitFusionLayer(3, 28, 1, 64, 96, 4, 4, 2)
    cycles = [bitfusion_cycles(layer, width) for width in (64, 192, 4096)]
    assert cycles == sorted(cycles, reverse=True)


def test_what_the_law_does_not_cover_is_refused():
    with pytest.raises(WorkloadError, match="16 x 8 bits: Bit Fusion's public law covers 1 to 8"):
        bitfusion_cycles(BitFusionLayer(1, 1, 1, 8, 8, 1, 16, 8))
    with pytest.raises(WorkloadError, match="not even the smallest tile fits"):
        bitfusion_cycles(BitFusionLayer(300, 1, 1, 8, 8, 1, 8, 8))
