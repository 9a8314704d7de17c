"""What is known of stored zeros: declared, inherited by other names of the same data, or read from a file."""

import numpy as np

from simulator.engine.stored_tensors import StoredTensors
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.sparsity import FromFile, NOfM, UniformDensity


def network(sparsities, folder=None):
    net = GraphBuilder("tiny")
    x = net.conv(net.input("x", (1, 4, 3, 3)), 4, 1, name="a")
    flat = net.flatten(x)
    return net.build(net.gemm(flat, 5, name="b")).with_sparsities(sparsities, folder=folder), x, flat


def test_a_renamed_tensor_shares_what_is_known_of_the_other_name():
    _, x, flat = network({})
    for known in (x, flat):
        graph, _, _ = network({known: UniformDensity(kind="uniform", density=0.25)})
        stored = StoredTensors(Masks(graph))
        assert (stored.density(x), stored.density(flat)) == (0.25, 0.25)
    assert stored.density("") == 1.0


def test_patterns_are_declared_along_the_reduction_or_found_in_the_values(tmp_path):
    graph, _, _ = network(
        {"a.weight": NOfM(kind="n_of_m", n=1, m=2), "b.weight": NOfM(kind="n_of_m", n=1, m=2, axis=1)}
    )
    stored = StoredTensors(Masks(graph))
    first, second = graph.mac_layers
    assert stored.keeps_pattern("a.weight", first, 2, 4)
    assert not stored.keeps_pattern("a.weight", first, 1, 4)
    assert not stored.keeps_pattern("b.weight", second, 2, 4)  # its pattern lies along the outputs
    values = np.zeros((4, 4, 1, 1), int)
    values[:, :2] = 1
    np.savez(tmp_path / "v.npz", w=values)
    graph, _, _ = network({"a.weight": FromFile(kind="values", file="v.npz", array="w")}, tmp_path)
    stored = StoredTensors(Masks(graph))
    assert stored.keeps_pattern("a.weight", graph.mac_layers[0], 2, 4)
    assert not stored.keeps_pattern("a.weight", graph.mac_layers[0], 1, 2)


def test_maps_are_there_in_the_layers_own_shape_or_not_at_all(tmp_path):
    image = np.arange(36).reshape(1, 4, 3, 3) % 5
    np.savez(tmp_path / "v.npz", x=image)
    graph, x, _ = network({"x": FromFile(kind="values", file="v.npz", array="x")}, tmp_path)
    stored, layer = StoredTensors(Masks(graph)), graph.mac_layers[0]
    assert stored.has_maps("x", 4, (3, 3), layer)
    assert not stored.has_maps("x", 5, (3, 3), layer)
    assert not stored.has_maps(x, 4, (3, 3), layer)
    assert (stored.feature_map("x", 1, 4, (3, 3), layer) == (image[0] != 0)).all()  # one image, whatever the batch
