"""Where products are made: the law of blocks equals each product put on its PE."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import simulate
from simulator.dataflow.no_local_reuse import TreeMachine, TreeMapping
from simulator.dataflow.pe_use import profile, row_stationary_blocks, systolic_blocks, tree_blocks
from simulator.dataflow.row_stationary import filter_folds
from simulator.records import DATAFLOW_NAMES, MAPPING, WORK, table
from tests.dataflow.row_stationary_cases import machines, mappings, nests, size
from tests.oracle.pe_use_oracle import (
    beats_of,
    row_stationary_products,
    systolic_products,
    tree_products,
)

LETTERS = ("N", "G", "K", "C", "P", "Q", "R", "S")
FLOWS = {name: number for number, name in enumerate(DATAFLOW_NAMES)}


def records(nest, tile, flow, **fields):
    work, mapping = table(WORK, 1), table(MAPPING, 1)
    for name, value in {**nest, "pack": 1, "passes": 1, "sequence_steps": 1, **fields}.items():
        work[name] = value
    for name, value in tile.items():
        mapping[name] = value
    mapping["dataflow"] = FLOWS[flow]
    return work[0], mapping[0]


@st.composite
def cases(draw):
    nest = {name: draw(st.integers(1, most)) for name, most in zip(LETTERS, (2, 3, 9, 5, 3, 3, 2, 2), strict=True)}
    tile = {name: draw(st.integers(1, nest[name])) for name in ("N", "P", "Q", "G", "K", "C")}
    array = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    return nest, tile, array, draw(st.integers(1, 3)), draw(st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from(["ws", "os", "is"]), st.integers(1, 2))
def test_systolic_blocks_are_the_products_one_by_one(case, flow, passes):
    nest, tile, array, pack, inner_pack = case
    work, mapping = records(nest, tile, flow, pack=pack, inner_pack=inner_pack, passes=passes, sequence_steps=2)
    expected = systolic_products(nest, tile, array, flow=flow, pack=pack, inner_pack=inner_pack)
    scale = Fraction(2 * passes, pack * inner_pack)
    found = beats_of(systolic_blocks(work, mapping, array))
    assert found == {place: products * scale for place, products in expected.items()}


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(2, 3))
def test_groups_on_the_diagonal(case, together):
    nest, tile, _, pack, inner_pack = case
    tile = tile | {"C": nest["C"], "K": nest["K"]}
    work, mapping = records(nest, tile, "ws", pack=pack, inner_pack=inner_pack, group_packing=together)
    expected = systolic_products(nest, tile, (99, 99), flow="ws", pack=pack, inner_pack=inner_pack, together=together)
    found = beats_of(systolic_blocks(work, mapping, (99, 99)))
    assert found == {place: Fraction(products, pack * inner_pack) for place, products in expected.items()}


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_trees(data):
    nest, array = data.draw(nests(most=3)), (data.draw(size(4)), data.draw(size(4)))
    mapping = TreeMapping(1, 1, data.draw(size(nest.K)), data.draw(size(nest.C)))
    blocks = tree_blocks(nest, TreeMachine(*array, 10**7, 8.0, 0, 12), mapping)
    assert beats_of(blocks) == tree_products(nest, array, mapping)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_row_stationary_sets(data):
    nest = data.draw(nests(most=3))
    machine = data.draw(machines())
    mapping = data.draw(mappings(nest, machine))
    folds = [(fold.rows, fold.columns) for fold in filter_folds(nest, machine)]
    expected = row_stationary_products(nest, (machine.rows, machine.columns), mapping, folds)
    assert beats_of(row_stationary_blocks(nest, machine, mapping)) == expected


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 3), max_size=3), st.integers(1, 6), st.integers(1, 3))
def test_a_profile_holds_every_unit_once(extents, places, lanes):
    found = profile(extents, places, lanes)
    assert sum(count * units for _, count, units in found) == sum(extent * times for extent, times in extents.items())
    covered = [place for first, count, _ in found for place in range(first, first + count)]
    assert covered == sorted(set(covered))
    assert all(0 <= place < places for place in covered)


@pytest.mark.parametrize(
    ("workload", "accelerator", "options"),
    [
        ("mobilenet_v2_int8", "tpu_like_128", {}),  # groups on the diagonal
        ("shufflenet_int8", "tpu_like_128", {"dataflow": "os", "batch": 3}),
        ("shufflenet_int8", "edge_like_32", {"dataflow": "auto"}),
        ("resnet18_int8", "bitfusion", {}),  # fused products
        ("resnet50_w4w8", "stripes_like", {}),  # serial lanes
        ("vit_tiny_int8", "gemmini_like_16", {}),
        ("alexnet_eyeriss", "eyeriss_v1", {"batch": 4}),
        ("lenet5_int8", "eyeriss_isca16", {}),
    ],
)
def test_the_mean_of_all_pes_is_the_layers_utilization(workload, accelerator, options):
    result = simulate(workload, accelerator, fidelity="bandwidth", **options)
    seen = Counter()
    for layer in result.layers:
        assert (layer.pe_use is not None) == (layer.macs > 0)
        if layer.pe_use is None:
            continue
        use = layer.pe_use
        grid = beats_of(use["blocks"]) if use["rows"] <= 32 else None
        if grid is not None:
            assert max(grid.values()) <= layer.cycles
        used = sum(rows * columns * cycles for _, _, rows, columns, cycles in use["blocks"])
        mean = used / (use["rows"] * use["columns"] * layer.cycles)
        assert mean == pytest.approx(layer.utilization, rel=1e-12)
        seen["layers"] += 1
    assert seen["layers"] > 2
