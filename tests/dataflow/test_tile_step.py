"""A tile's step: products are the nest's, and a bus narrower than the edge lengthens it by what is left over."""

import pytest

from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan


def planned(**changes):
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.gemm(net.input("rows", (9, 12)), 7, name="dense", bias=False))
    return plan(graph, accelerator(capacity=9999, **changes), given={"dense": {"tile": {"P": 4, "K": 4, "C": 6}}})


def test_products_and_words_are_the_nests():
    case = planned()
    counters = case.tape.counters[0]
    assert counters.issued_macs == 9 * 12 * 7
    assert counters.psum_edge_writes >= 9 * 7 * 2, "every reduction tile writes every psum"
    assert counters.psum_edge_reads >= 9 * 7, "and all but the first read it"
    assert len(case.tape.steps) == 3 * 2 * 2


@pytest.mark.parametrize("bus", ["ifmap", "weight", "psum"])
def test_a_narrow_bus_lengthens_the_step(bus):
    free, narrow = planned(), planned(**{f"{bus}_bus_words_per_cycle": 1})
    assert not free.tape.steps.bus_cycles.any()
    assert narrow.tape.steps.bus_cycles.any()
    words = {
        "ifmap": narrow.tape.counters[0].ifmap_edge_words,
        "weight": narrow.tape.counters[0].weight_edge_words,
        "psum": narrow.tape.counters[0].psum_edge_writes,
    }[bus]
    assert (narrow.tape.steps.issue_cycles + narrow.tape.steps.bus_cycles).sum() >= words
