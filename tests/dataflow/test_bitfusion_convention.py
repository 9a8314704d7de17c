"""The public Bit Fusion law stated anew: by hand, and against a plain walk over tiles and loop orders."""

from itertools import permutations
from math import ceil

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


def walked(layer, width=192):
    """The same law one tile and one order at a time, with plain numbers."""
    best, per_unit = None, products_per_unit(layer.ifmap_bits, layer.weight_bits)
    halves = {"w": 65536 * 4, "i": 32768 * 4, "o": 16384 * 4}
    for b in powers(layer.batch):
        for o in powers(layer.outputs):
            for ic in powers(layer.channels):
                for oc in powers(layer.filters, 1 if layer.im2col else 32):
                    window = o * o * layer.kernel**2 if layer.im2col else (layer.kernel + (o - 1) * layer.stride) ** 2
                    tile = {
                        "w": ceil(layer.kernel**2 * ic / (16 * per_unit)) * 16 * per_unit * oc * layer.weight_bits,
                        "i": window * ic * b * layer.ifmap_bits,
                        "o": o * o * ceil(oc / 32) * 32 * b * 32,
                    }
                    if any(tile[name] > halves[name] for name in tile):
                        continue
                    counts = {"b": ceil(layer.batch / b), "y": ceil(layer.outputs / o), "x": ceil(layer.outputs / o)}
                    counts |= {"c": ceil(layer.channels / ic), "k": ceil(layer.filters / oc)}
                    folds = layer.kernel**2 * ceil(ic / (16 * per_unit))
                    if layer.im2col:
                        folds = ceil(layer.kernel**2 * ic / (16 * per_unit))
                    compute = b * ceil(oc / 32) * o * o * folds
                    for count in counts.values():
                        compute *= count
                    for order in permutations("byxck"):
                        moved, held = dict(tile), dict(tile)
                        for name, loops in (("w", "ck"), ("i", "byxc"), ("o", "byxk")):
                            promoted = True
                            for loop in reversed(order):
                                if loop in loops or not promoted:
                                    moved[name] *= counts[loop]
                                promoted = promoted and (loop not in loops or moved[name] <= halves[name])
                                if promoted:
                                    held[name] = moved[name]
                        first, last = sum(held.values()), held["o"]
                        between = ceil((sum(moved.values()) + moved["o"] - first - last) / width)
                        cycles = compute + max(0, between - compute) + ceil(first / width) + ceil(last / width)
                        best = cycles if best is None else min(best, cycles)
    return best


sizes = st.integers(1, 40)


@settings(max_examples=15)
@given(
    st.sampled_from([1, 3, 5]), st.integers(1, 9), st.integers(1, 2), sizes, sizes, st.integers(1, 5),
    st.integers(1, 8), st.integers(1, 8), st.booleans(),
)  # fmt: skip
def test_all_tiles_at_once_equal_a_plain_walk(kernel, outputs, stride, channels, filters, batch, a, w, im2col):
    layer = BitFusionLayer(kernel, outputs, stride, channels, filters, batch, a, w, im2col)
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
