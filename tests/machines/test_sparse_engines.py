"""SCNN, Cambricon-X, Cnvlutin, N:M by ``simulate``: the engines' own cycles, DRAM beside them, the rest the host's."""

import numpy as np
import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.cambricon_x import run_cambricon_x
from simulator.dataflow.cnvlutin import Window, run_cnvlutin
from simulator.dataflow.eyeriss_v2_array import EyerissV2Array, run_array
from simulator.dataflow.nm_tensor_core import Pattern, run_nm_tensor_core
from simulator.dataflow.scnn import run_scnn
from simulator.errors import ArchitectureError, WorkloadError
from simulator.machines.sparse_engines import ENGINES, hardware_of, keeps_pattern
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.transforms.declare import declare_sparsity
from tests.result_contract import assert_contract

PRESETS = {
    "scnn": "scnn",
    "cambricon_x": "cambricon_x",
    "cnvlutin": "cnvlutin",
    "nm_tensor_core": "nm_tensor_core_a100",
}


def network(*, groups=1, padding=1, sparsity="0.3,activations=0.5"):
    """One convolution and one product."""
    net = GraphBuilder("small")
    x = net.conv(net.input("x", (1, 16, 10, 9)), 24, 3, padding=padding, groups=groups, name="conv")
    graph = net.build(net.gemm(net.reshape(x, (1, 24 * (8 + 2 * padding) * (7 + 2 * padding))), 40, name="fc"))
    return declare_sparsity(graph, sparsity) if sparsity else graph


def own_runs(graph, kind):
    """The convolution, by the engine itself."""
    masks, layer = Masks(graph, 2), graph.mac_layers[0]
    weights, activations = masks.mask(layer.inputs[1]), masks.mask("x")[0]
    if kind == "scnn":
        return run_scnn(weights, activations, Window(padding=(1, 1)))
    if kind == "cnvlutin":
        return run_cnvlutin(activations, 24, Window((3, 3), padding=(1, 1)))
    if kind == "cambricon_x":
        return run_cambricon_x(weights.reshape(24, -1), 90)
    return run_nm_tensor_core((24, 144, 90), Pattern(4, 4), weights=weights.transpose(0, 2, 3, 1).reshape(24, -1))


@pytest.mark.parametrize("kind", PRESETS)
def test_cycles_are_the_engines_own(kind):
    graph = network()
    result = simulate(graph, PRESETS[kind], seed=2)
    assert_contract(result)
    own, one = own_runs(graph, kind), result.layers[0]
    machine = load_accelerator(PRESETS[kind])
    moved = one.dram["read_bytes"] + one.dram["write_bytes"]
    transfer = -(-moved // machine.dram_bytes_per_cycle) + machine.dram.latency_cycles
    assert one.cycles == max(own.cycles, transfer)
    assert one.pe_cycles == dict(own.pe_cycles)
    assert sum(one.pe_cycles.values()) == machine.array.pes * own.cycles
    assert one.pe_load == tuple(own.pe_load)
    runs_products = kind in ("cambricon_x", "nm_tensor_core")
    assert ("fc" in [layer.name for layer in result.layers]) == runs_products


@pytest.mark.parametrize("kind", PRESETS)
def test_presets_are_the_published_engines(kind):
    assert hardware_of(load_accelerator(PRESETS[kind])) == ENGINES[kind].hardware()


def pointwise(**options):
    net = GraphBuilder("pointwise")
    x = net.conv(net.input("x", (1, 16, 8, 6)), 24, 1, name="conv", **options)
    x = net.conv(x, 8, 3, name="wide")
    side = 1
    for size in net.shape(x)[1:]:
        side *= size
    return declare_sparsity(net.build(net.gemm(net.reshape(x, (1, side)), 10, name="fc")), "0.3,activations=0.5")


def test_eyeriss_v2_runs_pointwise_layers_with_its_limits():
    assert hardware_of(load_accelerator("eyeriss_v2")) == EyerissV2Array()
    graph = pointwise(stride=2, groups=2)
    masks, layer = Masks(graph), graph.mac_layers[0]
    result = simulate(graph, "eyeriss_v2", batch=2)
    assert_contract(result)
    assert [one.name for one in result.layers] == ["conv", "fc"]
    weights = masks.mask(layer.inputs[1])[:, :, 0, 0]
    images = [masks.mask("x", image=image)[0, :, ::2, ::2].reshape(16, -1).T for image in range(2)]
    pixels = np.concatenate(images)
    runs = [run_array(weights[12 * g : 12 * g + 12], pixels[:, 8 * g : 8 * g + 8]) for g in range(2)]
    assert sum(result.layers[0].issue_cycles.values()) == sum(run.cycles for run in runs)
    assert any("products and DRAM alone" in text for text in result.warnings)
    smaller = load_accelerator("eyeriss_v2", overrides=["array.weight_words=20", "array.psums=8"])
    slower = simulate(graph, smaller, batch=2)
    assert slower.layers[1].pe_cycles != result.layers[1].pe_cycles, "capacity limits are enforced"


def test_images_and_groups_run_one_behind_the_other():
    graph = network(groups=2)
    masks, layer = Masks(graph), graph.mac_layers[0]
    weights = masks.mask(layer.inputs[1])
    result = simulate(graph, "scnn", batch=2)
    expected = 0
    for image in range(2):
        activations = masks.mask("x", image=image)[0]
        for group in range(2):
            part = slice(12 * group, 12 * group + 12), slice(8 * group, 8 * group + 8)
            expected += run_scnn(weights[part[0]], activations[part[1]], Window(padding=(1, 1))).cycles
    assert sum(result.layers[0].issue_cycles.values()) == expected


def test_packed_operands_move_fewer_bytes_and_never_more_than_raw():
    for kind, operand in (("scnn", "weight"), ("scnn", "ifmap"), ("cambricon_x", "weight"), ("cnvlutin", "ifmap")):
        dense, sparse = (
            simulate(network(sparsity=text), PRESETS[kind]).layers[0] for text in (None, "0.3,activations=0.3")
        )
        before, after = (layer.accesses["dram"][operand].bytes for layer in (dense, sparse))
        raw = {"weight": 24 * 144 * 2, "ifmap": 16 * 90 * 2}[operand]
        assert raw <= before < raw + 64, "a format larger than raw is bypassed"
        assert after < 0.5 * before


def test_n_of_m_runs_at_its_pattern_or_dense_and_says_so():
    kept, broken = (simulate(network(sparsity=text), "nm_tensor_core_a100") for text in ("2:4", "0.5"))
    assert [layer.mapping["pattern"] for layer in kept.layers] == ["2:4"] * 2
    assert [layer.mapping["pattern"] for layer in broken.layers] == ["dense"] * 2
    assert any("2 of 2 layers break the pattern 2:4" in text for text in broken.warnings)
    weights = [layer.accesses["dram"]["weight"].bytes for layer in (kept.layers[1], broken.layers[1])]
    assert weights[0] / weights[1] == pytest.approx(0.5 * 18 / 16, rel=0.01)
    full = load_accelerator("nm_tensor_core_a100", overrides=["array.n=4"])
    assert simulate(network(sparsity=None), full).layers[1].cycles == broken.layers[1].cycles


def test_patterns():
    assert keeps_pattern(np.array([[1, 1, 0, 0, 1]], dtype=bool), 2, 4)
    assert not keeps_pattern(np.array([[1, 1, 1, 0]], dtype=bool), 2, 4)


def test_what_an_engine_cannot_run_is_refused_or_the_hosts():
    net = GraphBuilder("fc")
    graph = net.build(net.gemm(net.input("x", (1, 8)), 8))
    with pytest.raises(WorkloadError, match=r"no plain 2-D convolution .* scnn runs nothing else"):
        simulate(graph, "scnn")
    net = GraphBuilder("odd")
    x = net.conv(net.input("x", (1, 4, 9, 9)), 8, 3, padding=((0, 1), (0, 1)), name="uneven")
    x = net.conv(x, 8, 3, dilation=2, name="dilated")
    result = simulate(net.build(net.conv(x, 8, 1, name="plain")), "cnvlutin")
    assert [layer.name for layer in result.layers] == ["plain"]
    assert {row["name"] for row in result.not_timed} >= {"uneven", "dilated"}
    for options, words in (({"mappings": {"conv": {}}}, "no mappings"), ({"dataflow": "ws"}, "runs scnn")):
        with pytest.raises(ArchitectureError, match=words):
            simulate(network(), "scnn", **options)
