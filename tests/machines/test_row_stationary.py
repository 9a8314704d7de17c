"""Networks on a row-stationary array: the contract of results, mappings given back, errors that name what fails."""

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, MappingError
from simulator.search.evaluate import Evaluator
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from tests.result_contract import assert_contract

TABLE_III = {
    "conv1": {"m": 96, "n": 1, "e": 7, "p": 16, "q": 1, "r": 1, "t": 2},
    "conv2": {"m": 64, "n": 1, "e": 27, "p": 16, "q": 2, "r": 1, "t": 1},
    "conv4": {"m": 64, "n": 4, "e": 13, "p": 16, "q": 3, "r": 2, "t": 2},
}


@pytest.fixture(scope="module")
def alexnet():
    return simulate("alexnet_eyeriss", "eyeriss_v1", batch=4)


def test_it_keeps_the_contract(alexnet):
    assert_contract(alexnet)
    assert alexnet.dataflow == "rs"
    assert alexnet.total.macs == 2_662_916_736 or alexnet.total.macs == pytest.approx(2.663e9, rel=1e-3)
    assert [row["name"] for row in alexnet.not_timed] == ["conv1.pool", "conv2.pool"]


def test_a_printed_mapping_is_taken_back(alexnet):
    given = {layer.name: layer.mapping for layer in alexnet.layers}
    assert simulate("alexnet_eyeriss", "eyeriss_v1", batch=4, mappings=given) == alexnet


def test_published_mappings_run_and_cost_no_less(alexnet):
    result = simulate("alexnet_eyeriss", "eyeriss_v1", batch=4, mappings=TABLE_III)
    for layer, best in zip(result.layers, alexnet.layers, strict=True):
        if layer.name in TABLE_III:
            assert layer.mapping == {"dataflow": "rs"} | TABLE_III[layer.name]
            assert layer.cycles >= best.cycles


def test_zeros_gate_energy_and_never_cycles():
    """With raw feature maps in DRAM, so that no zero saves a transfer."""
    raw = ["array.feature_maps=raw"]
    gated = simulate("alexnet_eyeriss", load_accelerator("eyeriss_v1", overrides=raw))
    busy = simulate("alexnet_eyeriss", load_accelerator("eyeriss_v1", overrides=[*raw, "array.zero_gating=false"]))
    assert [layer.cycles for layer in gated.layers] == [layer.cycles for layer in busy.layers]
    for layer, other in zip(gated.layers, busy.layers, strict=True):
        share = layer.effectual_macs / layer.macs
        assert layer.energy_pj["mac"] == pytest.approx(share * other.energy_pj["mac"], rel=1e-6)
        assert layer.energy_pj["rf"] == pytest.approx(share * other.energy_pj["rf"], rel=1e-6)
        assert layer.energy_pj["glb"] == other.energy_pj["glb"]


@pytest.mark.parametrize("objective", ["energy", "edp"])
def test_objectives_reach_their_goal(objective, alexnet):
    other = simulate("alexnet_eyeriss", "eyeriss_v1", batch=4, objective=objective)
    if objective == "energy":
        assert other.total.energy_pj <= alexnet.total.energy_pj
    pairs = zip(other.layers, alexnet.layers, strict=True)
    assert objective == "energy" or all(
        a.total_energy_pj * a.cycles <= b.total_energy_pj * b.cycles * 1.001 for a, b in pairs
    )


def test_errors_name_layer_constraint_and_size():
    with pytest.raises(
        MappingError, match=r"layer 'conv1': the given mapping does not fit: ifmap spad \(q S\) needs 22"
    ):
        simulate("alexnet_eyeriss", "eyeriss_v1", mappings={"conv1": {"q": 2}})
    with pytest.raises(MappingError, match=r"mapping for 'conv9': no such timed layer \(did you mean 'conv"):
        simulate("alexnet_eyeriss", "eyeriss_v1", mappings={"conv9": {}})
    tiny = load_accelerator("eyeriss_v1", overrides=["buffers.glb.capacity_bytes=512"])
    with pytest.raises(
        MappingError, match=r"layer 'conv1': no mapping fits, .*global buffer .* needs \d+ bits, \d+ more"
    ):
        simulate("alexnet_eyeriss", tiny)
    with pytest.raises(ArchitectureError, match=r"dataflow 'ws': eyeriss_v1 runs rs"):
        simulate("alexnet_eyeriss", "eyeriss_v1", dataflow="ws")
    with pytest.raises(ArchitectureError, match="the evaluator knows systolic arrays only"):
        Evaluator("alexnet_eyeriss", "eyeriss_v1")


def test_products_that_take_several_beats_are_refused():
    narrow = ['precision.pairs=[{"ifmap_bits": 8, "weight_bits": 8}]', "precision.temporal=true"]
    machine = load_accelerator("eyeriss_v1", overrides=narrow)
    with pytest.raises(ArchitectureError, match=r"layer 'conv1' on eyeriss_v1: 16-bit ifmaps and 16-bit weights take"):
        simulate("alexnet_eyeriss", machine)


def test_vector_layers_take_lanes_and_link():
    net = GraphBuilder("pools")
    x = net.relu(net.conv(net.input("x", (1, 4, 8, 8)), 8, 3, padding=1, name="c"))
    result = simulate(net.build(net.max_pool(x, 2, name="pool")), "eyeriss_v1")
    pool = result.layers[-1]
    assert (pool.name, pool.dataflow, pool.mapping) == ("pool", "vector", {})
    moved = (8 * 8 * 8 + 8 * 4 * 4) * 16
    assert pool.dram["read_bytes"] + pool.dram["write_bytes"] == moved // 8
    assert pool.cycles >= moved / 8 / (480e6 / 200e6)


def test_equal_layers_are_mapped_once():
    graph = load_workload("vgg16")
    assert simulate(graph, "eyeriss_isca16").total.macs == graph.total_macs
