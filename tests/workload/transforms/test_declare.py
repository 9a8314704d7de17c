"""--sparsity: what each clause means, and how a wrong one is refused."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.transforms.declare import KINDS, declare_sparsity


@pytest.fixture(scope="module")
def lenet():
    return load_workload("lenet5")


def kinds(graph):
    """The kind of each layer's ifmap and weight."""
    return [tuple(graph.tensors[name].sparsity.kind for name in layer.inputs[:2]) for layer in graph.mac_layers]


def test_clauses_reach_weights_activations_and_single_layers(lenet):
    assert kinds(declare_sparsity(lenet, "0.3")) == [("dense", "uniform")] * 5
    assert kinds(declare_sparsity(lenet, "activations=0.3")) == [("uniform", "dense")] * 5
    mixed = declare_sparsity(lenet, "2:4, activations=0.5,c3=dense,c3.activations=dense , f6.weights=channels:0.5")
    assert kinds(mixed) == [
        ("uniform", "n_of_m"),
        ("dense", "dense"),
        ("uniform", "n_of_m"),
        ("uniform", "structured"),
        ("uniform", "n_of_m"),
    ]
    assert kinds(declare_sparsity(mixed, "dense, activations=dense")) == [("dense", "dense")] * 5


def test_channels_are_outputs_of_weights_and_inputs_of_activations(lenet):
    masks = Masks(declare_sparsity(lenet, "channels:0.5,activations=channels:0.5"))
    for layer in masks.graph.mac_layers:
        weight, ifmap = (masks.mask(name) for name in (layer.inputs[1], layer.inputs[0]))
        outputs = weight if layer.op == "conv2d" else weight.T
        assert (outputs.reshape(len(outputs), -1).any(axis=1).mean()) == pytest.approx(0.5, abs=0.1)
        if layer.op == "conv2d" and ifmap.shape[1] > 1:
            assert ifmap.any(axis=(0, 2, 3)).mean() == pytest.approx(0.5, abs=0.2)


def test_skews_are_of_outputs_then_inputs():
    net = GraphBuilder("fc")
    graph = net.build(net.gemm(net.input("x", (1, 500)), 400))
    weight = graph.layers[0].inputs[1]
    mask = Masks(declare_sparsity(graph, "skewed:0.3:0.9")).mask(weight)
    assert mask.mean(axis=0).std() > 0.1 > 3 * mask.mean(axis=1).std()
    mask = Masks(declare_sparsity(graph, "skewed:0.3:0:0.9")).mask(weight)
    assert mask.mean(axis=1).std() > 0.1 > 3 * mask.mean(axis=0).std()


def test_masks_of_an_archive(lenet, tmp_path, monkeypatch):
    shapes = {name: lenet.tensors[name].shape for layer in lenet.mac_layers for name in layer.inputs[1:2]}
    np.savez(tmp_path / "m.npz", **{name: np.zeros(shape, dtype=bool) for name, shape in shapes.items()})
    np.savez(tmp_path / "one.npz", other=np.ones(shapes["c3.weight"], dtype=bool))
    monkeypatch.chdir(tmp_path)
    masks = Masks(declare_sparsity(lenet, f"m.npz,c3={tmp_path / 'one.npz'}:other"))
    assert [masks.density(name) for name in shapes] == [0, 1, 0, 0, 0]
    assert Masks(declare_sparsity(masks.graph, "c1=0.5")).density("c3.weight") == 1


REFUSED = [
    ("", "is empty"),
    ("0.5,,", "is empty"),
    ("=0.5", "is empty"),
    ("weights=", "is empty"),
    ("1.01", "no density"),
    ("-0.1", "no density"),
    ("nan", "no density"),
    ("inf", "no density"),
    ("half", "no density"),
    ("3:2", "n = 3 exceeds m = 2"),
    ("0:4", "no count"),
    ("1:", "no count"),
    ("a:b", "no count"),
    ("9999999:9999999", "no count"),
    ("channels:2", "no density"),
    ("blocks:0x4:0.5", "no count"),
    ("blocks:2x2x2x2x2:0.5", "more axes than"),
    ("skewed:0.9:0.5", "would reach"),
    ("skewed:0.1:2", "no density"),
    ("values", "are not known"),
    ("c33=0.5", "did you mean 'c3'"),
    ("c3.ifmaps=0.5", "no multiply-accumulate layer"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[text or "nothing" for text, _ in REFUSED])
def test_a_clause_that_is_not_understood_is_named(lenet, text, words):
    with pytest.raises(WorkloadError, match=words):
        Masks(declare_sparsity(lenet, text)).mask("c1.weight")


def test_an_operand_that_a_layer_has_not_is_refused():
    net = GraphBuilder("attention")
    x = net.input("x", (1, 4, 8))
    graph = net.build(net.matmul(x, net.transpose(x, (0, 2, 1))))
    name = graph.mac_layers[0].name
    with pytest.raises(WorkloadError, match="multiplies no weights"):
        declare_sparsity(graph, f"{name}=0.5")
    assert [graph.tensors[one].sparsity.kind for one in graph.mac_layers[0].inputs] == ["dense"] * 2
    sparse = declare_sparsity(graph, "activations=0.5")
    assert [sparse.tensors[one].sparsity.kind for one in sparse.mac_layers[0].inputs] == ["uniform"] * 2


def test_every_kind_has_an_example_that_works(lenet):
    for example, _ in KINDS:
        if ".npz" not in example and example not in ("values", "pruned:KIND"):
            Masks(declare_sparsity(lenet, example.replace("[", "").replace("]", ""))).density("f6.weight")
