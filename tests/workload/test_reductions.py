"""Reduction axes and weight matrices agree with how layers multiply."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.layers import MAC_LAYERS
from simulator.workload.reductions import output_axis, reduction_axes, weight_matrix
from tests.workload.networks import every_layer_kind


def test_every_product_has_matrices_of_its_nest():
    graph = every_layer_kind()
    axes = reduction_axes(graph)
    for layer in graph.layers:
        if not isinstance(layer, MAC_LAYERS):
            with pytest.raises(WorkloadError, match="no weight matrix"):
                weight_matrix(layer, np.zeros((1, 1)))
            continue
        nest = graph.loops_of(layer)[0]
        weight = graph.tensors[nest.weight]
        matrix = weight_matrix(layer, np.zeros(weight.shape))
        assert matrix.shape == (nest.G, nest.K, nest.C * nest.R * nest.S), layer.op
        assert weight.shape[axes[weight.name]] in (nest.C, nest.C * nest.G, weight.shape[1])
        if layer.op.startswith(("gemm", "matmul")):
            assert weight.shape[output_axis(layer)] == nest.K


@pytest.mark.parametrize("transposed", [False, True])
def test_a_weight_matrix_has_a_row_for_each_output(transposed):
    net = GraphBuilder("tiny")
    stored = np.arange(12).reshape(4, 3) if transposed else np.arange(12).reshape(4, 3).T
    weight = net.constant("w", stored.shape)
    graph = net.build(net.layer("gemm", (net.input("x", (1, 3)), weight), transpose_weight=transposed))
    assert weight_matrix(graph.layers[0], stored)[0].tolist() == np.arange(12).reshape(4, 3).tolist()
    assert stored.shape[reduction_axes(graph)["w"]] == 3
    assert stored.shape[output_axis(graph.layers[0])] == 4
