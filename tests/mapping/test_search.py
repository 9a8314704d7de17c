"""Mapping whole networks: identical layers once, the best of several dataflows, and what is said when nothing fits."""

import pytest

from simulator.errors import MappingError
from simulator.mapping.search import OBJECTIVES
from simulator.records import COPY_WORK, VECTOR_WORK
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan


def byte_net():
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


def twins():
    net = byte_net()
    x = net.input("image", (1, 6, 8, 8))
    for i in range(3):
        x = net.conv(x, 6, 3, padding=1, name=f"conv{i}")
    return net.build(x)


def test_identical_layers_have_identical_mappings():
    case = plan(twins(), accelerator())
    assert case.mapped.mappings[0] == case.mapped.mappings[1] == case.mapped.mappings[2]
    assert case.mapped.errors == (None, None, None)


def test_a_given_mapping_is_for_its_own_layer_only():
    case = plan(twins(), accelerator(), given={"conv1": {"order": "ckm", "tile": {"K": 2}}})
    assert case.mapped.mappings[1].K == 2
    assert case.mapped.mappings[0] == case.mapped.mappings[2] == plan(twins(), accelerator()).mapped.mappings[0]


def test_the_best_dataflow_is_no_worse_than_any_one():
    alone = [plan(twins(), accelerator(), dataflows=(flow,)).mapped.costs[0] for flow in ("ws", "os", "is")]
    best = plan(twins(), accelerator(), dataflows=("ws", "os", "is")).mapped.costs[0]
    assert best.latency_cycles == min(cost.latency_cycles for cost in alone)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_is_best_at_its_own(objective):
    def value(cost):
        energy, latency = float(cost.energy_pj), float(cost.latency_cycles)
        return {"latency": latency, "energy": energy, "edp": energy * latency}[objective]

    costs = [plan(twins(), accelerator(capacity=700), objective=name).mapped.costs[0] for name in OBJECTIVES]
    assert value(costs[OBJECTIVES.index(objective)]) == min(value(cost) for cost in costs)


def test_an_impossible_layer_names_buffer_and_shortfall():
    net = byte_net()
    graph = net.build(net.conv(net.input("image", (1, 1, 40, 40)), 1, 40, name="wide"))
    message = r"'wide' on tiny: no mapping fits: buffer 'a' \(64 bytes, 2 slots, for ifmap\) is 1536 bytes short"
    with pytest.raises(MappingError, match=message):
        plan(graph, accelerator(capacity=(64, 9999, 9999), layout=LAYOUTS[2]))
    plan(graph, accelerator(capacity=(1600, 9999, 9999), layout=LAYOUTS[2]))


def chunked(machine, graph):
    case = plan(graph, machine)
    return {
        int(work.kind): int(mapping.chunks)
        for work, mapping in zip(case.network.works, case.mapped.mappings, strict=True)
    }


def test_vector_layers_are_cut_to_their_slots():
    net = byte_net()
    graph = net.build(net.softmax(net.input("rows", (10, 100))))
    assert chunked(accelerator(capacity=(400, 64, 9999), layout=LAYOUTS[2]), graph) == {VECTOR_WORK: 5}
    assert chunked(accelerator(capacity=(9999, 64, 100), layout=LAYOUTS[2]), graph) == {VECTOR_WORK: 20}


def test_copies_are_cut_to_transfers():
    net = byte_net()
    graph = net.build(net.transpose(net.input("image", (1, 3, 256, 256)), (0, 2, 3, 1), moves_data=True))
    assert chunked(accelerator(), graph) == {COPY_WORK: 3}
