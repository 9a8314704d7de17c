"""Pruning by magnitude on real values, and the gradual schedule."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.files import save_workload
from simulator.workload.masks import Masks
from simulator.workload.reductions import weight_matrix
from simulator.workload.sparsity import FromFile
from simulator.workload.transforms.prune import gradual_densities, prune


@pytest.fixture
def network(tmp_path):
    """Two products with random weights in an archive."""
    net = GraphBuilder("two")
    graph = net.build(net.gemm(net.gemm(net.input("x", (1, 48)), 64, name="a"), 20, name="b"))
    random = np.random.default_rng(1)
    arrays = {layer.inputs[1]: random.normal(size=graph.tensors[layer.inputs[1]].shape) for layer in graph.layers}
    np.savez(tmp_path / "w.npz", **arrays)
    named = {name: FromFile(kind="values", file="w.npz", array=name) for name in arrays}
    return graph.with_sparsities(named, folder=tmp_path), arrays


def test_the_largest_magnitudes_stay(network):
    graph, arrays = network
    masks = Masks(prune(graph, "0.1"))
    for name, values in arrays.items():
        mask = masks.mask(name)
        assert mask.sum() == round(0.1 * values.size)
        assert abs(values[mask]).min() >= abs(values[~mask]).max()
        assert masks.density(name) == mask.mean()
        assert (masks.values(name) == np.where(mask, values, 0)).all()


def test_patterns_and_layers_of_their_own(network):
    graph, _ = network
    masks = Masks(prune(graph, "2:4", layers={"b": "channels:0.5"}))
    first, second = (weight_matrix(layer, masks.mask(layer.inputs[1]))[0] for layer in graph.layers)
    assert (first.reshape(64, 12, 4).sum(axis=2) == 2).all()
    assert first.reshape(64, 48).any(axis=1).all()
    assert second.any(axis=1).sum() == 10
    balanced = Masks(prune(graph, "balanced:8:0.25", layers={"b": "dense"}))
    rows = weight_matrix(graph.layers[0], balanced.mask(graph.layers[0].inputs[1]))[0]
    assert len({int(rows[pe::8].sum()) for pe in range(8)}) == 1
    assert balanced.density(graph.layers[1].inputs[1]) == 1


def test_a_pruned_network_survives_its_file(network, tmp_path):
    pruned = prune(network[0], "blocks:4x4:0.5")
    folder = pruned.folder
    relative = {
        name: tensor.sparsity.model_copy(update={"file": "w.npz"})
        for name, tensor in pruned.tensors.items()
        if tensor.sparsity.kind == "pruned"
    }
    save_workload(pruned.with_sparsities(relative, folder=tmp_path), tmp_path / "net.json")
    back = load_workload(tmp_path / "net.json")
    for name in relative:
        assert (Masks(back).mask(name) == Masks(pruned).mask(name)).all()
    assert folder is not None


def test_what_has_no_values_cannot_be_pruned():
    with pytest.raises(WorkloadError, match="are not known"):
        prune(load_workload("lenet5"), "0.1")


def test_what_is_zero_already_stays_zero(tmp_path):
    net = GraphBuilder("zeros")
    graph = net.build(net.gemm(net.input("x", (1, 4)), 2, name="a"))
    name = graph.layers[0].inputs[1]
    np.savez(tmp_path / "w.npz", w=np.array([[0, 0], [0, 5], [0, 0], [0, 0]]))
    graph = graph.with_sparsities({name: FromFile(kind="values", file="w.npz", array="w")}, folder=tmp_path)
    assert Masks(prune(graph, "0.5")).mask(name).sum() == 1


@pytest.mark.parametrize("pattern", ["skewed:0.1:0.5", "3:2", "2", "pruned:0.1"])
def test_a_pattern_that_is_none_is_refused(network, pattern):
    with pytest.raises(WorkloadError, match="--sparsity"):
        prune(network[0], pattern)


def test_the_gradual_schedule_ends_at_its_density():
    steps = gradual_densities(10, 0.1, initial=0.9)
    assert steps[-1] == 0.1
    assert list(steps) == sorted(steps, reverse=True)
    assert steps[0] == pytest.approx(0.1 + 0.8 * 0.9**3)
    for arguments in ((0, 0.1), (3, 1.1), (3, -0.1)):
        with pytest.raises(WorkloadError, match="gradual pruning"):
            gradual_densities(*arguments)
