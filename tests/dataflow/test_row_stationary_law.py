"""The row-stationary law equals the machine that is stepped: every cycle and word, computing a convolution."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, shortfalls
from simulator.dataflow.row_stationary_law import FeatureMaps, link_cycles, run_nest
from tests.dataflow.row_stationary_cases import BITS, machines, mappings, nests, numbers
from tests.oracle.row_stationary_oracle import Eyeriss, convolve


def compare(nest, machine, mapping):
    ifmap, weights = numbers(nest, seed=nest.K * 7 + nest.C)
    chip = Eyeriss(nest, machine, mapping, BITS, ifmap, weights)
    assert chip.run() == convolve(nest, ifmap, weights)
    run = run_nest(nest, machine, mapping, FeatureMaps(*BITS))
    waits = (run.ifmap_wait, run.filter_wait, run.ofmap_wait)
    assert waits == (chip.spent["ifmap_wait"], chip.spent["filter_wait"], chip.spent["ofmap_wait"])
    assert (run.fill, run.useful + run.bus + run.drain) == (chip.spent["fill"], chip.spent["run"])
    assert run.cycles == chip.cycle
    assert run.passes == chip.passes
    assert nest.macs == chip.spent["products"]
    counted = {
        "glb_ifmap_words": chip.count["ifmap_words"],
        "glb_psum_words": chip.psum_words,
        "filter_words": chip.count["filter_words"],
        "filter_spad_writes": chip.count["filter_spad"],
        "ifmap_spad_writes": chip.count["ifmap_spad"],
        "psum_hops": chip.hops,
        "link_bits": chip.link.bits,
        "ifmap_link_words": chip.count["link_ifmap_words"],
    }
    assert {name: getattr(run, name) for name in counted} == counted


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_law_and_oracle_agree(data):
    nest, machine = data.draw(nests()), data.draw(machines())
    mapping = data.draw(mappings(nest, machine))
    if any(shortfalls(nest, machine, mapping, BITS[:2])):
        return
    compare(nest, machine, mapping)


SMALL = RowMachine(
    rows=4, columns=3, filter_spad_words=40, ifmap_spad_words=12, psum_spad_words=5, filter_bus_words=4,
    ifmap_bus_words=1, psum_bus_words=4, pass_setup_cycles=2, glb_bits=10**6, prefetch_bits=10**6,
    link_bits_per_cycle=19.2, link_latency_cycles=0, psum_bits=12, compressed=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("nest", "mapping"),
    [
        (ConvNest(2, 1, 4, 3, 6, 5, 2, 3, H=7, W=7), RowMapping(4, 2, 6, 2, 3, 1, 1)),  # stacked: e > columns
        (ConvNest(1, 1, 5, 4, 3, 4, 7, 3, H=9, W=6), RowMapping(4, 1, 3, 2, 2, 1, 1)),  # folded: R > rows
        (ConvNest(1, 3, 1, 1, 4, 4, 3, 3, pad_h=1, pad_w=1, H=4, W=4), RowMapping(1, 1, 3, 1, 1, 1, 1)),  # depthwise
        (ConvNest(3, 1, 5, 5, 3, 3, 1, 1, H=3, W=3), RowMapping(5, 2, 3, 2, 2, 2, 2)),  # 1x1, uneven sets
        (ConvNest(3, 1, 7, 9, 1, 1, 1, 1, H=1, W=1), RowMapping(7, 3, 1, 2, 3, 3, 4)),  # fully connected
        (ConvNest(1, 1, 2, 2, 3, 3, 2, 2, stride_h=3, stride_w=3, H=8, W=8), RowMapping(2, 1, 3, 2, 2, 1, 1)),
    ],
)
def test_each_kind_of_layer(nest, mapping):
    assert not list(shortfalls(nest, SMALL, mapping, BITS[:2]))
    compare(nest, SMALL, mapping)


def test_link_rounds_up_and_moves_nothing_for_free():
    assert link_cycles(SMALL, 0) == 0
    assert link_cycles(SMALL, 192) == 10
    assert link_cycles(SMALL, 193) == 11


def test_compressed_maps_shorten_the_wait_and_nothing_else():
    nest, mapping = ConvNest(1, 1, 4, 2, 6, 6, 3, 3, H=8, W=8), RowMapping(4, 1, 3, 4, 2, 1, 1)
    raw = run_nest(nest, SMALL, mapping, FeatureMaps(16, 16, 16))
    packed = run_nest(nest, SMALL, mapping, FeatureMaps(16, 16, 16, 0.2, 0.3))
    assert packed.processing_cycles == raw.processing_cycles
    assert packed.filter_link_bits == raw.filter_link_bits
    assert packed.ifmap_link_bits < raw.ifmap_link_bits
    assert packed.cycles < raw.cycles


def test_without_multicast_a_word_crosses_the_bus_for_every_pe_that_wants_it():
    nest, mapping = ConvNest(1, 1, 4, 2, 6, 6, 3, 3, H=8, W=8), RowMapping(4, 1, 3, 2, 2, 1, 2)
    single = replace(SMALL, rows=6, multicast=False)
    shared, apart = (run_nest(nest, one, mapping, FeatureMaps(16, 16, 16)) for one in (replace(SMALL, rows=6), single))
    assert apart.useful == shared.useful
    assert apart.bus > shared.bus
    assert apart.fill > shared.fill
    for words in ("glb_ifmap_words", "filter_words", "filter_spad_writes", "ifmap_spad_writes", "link_bits"):
        assert getattr(apart, words) == getattr(shared, words)
    compare(nest, single, mapping)
