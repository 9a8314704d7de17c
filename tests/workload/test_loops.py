"""Loop nests against products counted one by one."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.workload.builder import GraphBuilder
from simulator.workload.loops import MacLoops, mac_loops

few = st.integers(1, 3)
length = st.integers(3, 6)


def only_nest(net, output):
    graph = net.build(output)
    (layer,) = graph.mac_layers
    (nest,) = graph.loops_of(layer)
    assert nest.macs == graph.total_macs
    return nest, graph


@settings(max_examples=40)
@given(axes=st.integers(1, 3), batch=few, groups=few, channels=few, filters=few, data=st.data())
def test_convolution_counts_each_product(axes, batch, groups, channels, filters, data):
    spatial = [data.draw(length) for _ in range(axes)]
    kernel = [data.draw(few) for _ in range(axes)]
    stride = [data.draw(few) for _ in range(axes)]
    padding = [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in range(axes)]
    net = GraphBuilder("n")
    x = net.input("x", (batch, groups * channels, *spatial))
    y = net.conv(x, groups * filters, kernel, stride=stride, padding=padding, groups=groups)
    nest, graph = only_nest(net, y)
    outputs = graph.tensors[y].shape
    taps = product(*(range(n) for n in (*outputs, channels, *kernel)))
    assert nest.macs == sum(1 for _ in taps)
    depth = (outputs[2], kernel[0]) if axes == 3 else (1, 1)
    assert prod(outputs) == nest.N * nest.G * nest.K * nest.P * nest.Q
    assert graph.tensors[f"conv{axes}d_1.weight"].elements == nest.G * nest.K * nest.C * nest.R * nest.S
    assert (batch * depth[0], channels * depth[1]) == (nest.N, nest.C)
    assert tuple([1, *spatial][-2:]) == (nest.H, nest.W)
    assert nest.stride == tuple([1, *stride][-2:])
    assert nest.padding == tuple([0, *(begin for begin, _ in padding)][-2:])
    assert nest.inner * nest.rows * nest.K * nest.G == nest.macs


@given(axes=st.integers(1, 3), groups=few, channels=few, filters=few, data=st.data())
def test_transposed_convolution_counts_each_scattered_product(axes, groups, channels, filters, data):
    spatial = [data.draw(length) for _ in range(axes)]
    kernel = [data.draw(few) for _ in range(axes)]
    net = GraphBuilder("n")
    x = net.input("x", (2, groups * channels, *spatial))
    y = net.conv_transpose(x, groups * filters, kernel, stride=2, groups=groups)
    nest, _ = only_nest(net, y)
    scattered = product(*(range(n) for n in (2, groups * channels, *spatial, filters, *kernel)))
    assert nest.macs == sum(1 for _ in scattered)
    assert groups * channels * filters * prod(kernel) == nest.G * nest.K * nest.C
    assert prod(spatial) == nest.H * nest.W


broadcasting = st.lists(st.sampled_from([1, 2, 3]), max_size=3)


@settings(max_examples=200)
@given(batch=broadcasting, left_ones=st.sets(st.integers(0, 2)), right_ones=st.sets(st.integers(0, 2)), data=st.data())
def test_matmul_counts_each_product_and_groups_cover_every_right_matrix(batch, left_ones, right_ones, data):
    rows, inner, cols = (data.draw(few) for _ in range(3))
    left = [1 if i in left_ones else n for i, n in enumerate(batch)] + [rows, inner]
    right = [1 if i in right_ones else n for i, n in enumerate(batch)] + [inner, cols]
    if data.draw(st.booleans()):
        left = left[data.draw(st.integers(0, len(batch))) :]
    if data.draw(st.booleans()):
        right = right[data.draw(st.integers(0, len(batch))) :]
    left, right = (left, [inner]) if data.draw(st.booleans()) else (left, right)
    left, right = ([inner], right) if data.draw(st.booleans()) else (left, right)
    expected = np.matmul(np.zeros(left), np.zeros(right)).shape
    net = GraphBuilder("n")
    nest, graph = only_nest(net, net.matmul(net.input("a", left), net.input("b", right)))
    assert graph.tensors["matmul_1.out"].shape == expected
    assert nest.macs == prod(expected) * inner
    assert prod(right) <= nest.G * nest.K * nest.C
    assert prod(expected) == nest.G * nest.rows * nest.K
    assert not nest.weight_is_constant


def test_grouped_queries_share_the_keys_of_their_group():
    """Grouped-query attention: 8 query heads over 2 key heads read each key matrix once, not four times."""
    net = GraphBuilder("n")
    queries, keys = net.input("q", (1, 2, 4, 16, 64)), net.input("k", (1, 2, 1, 64, 16))
    nest, _ = only_nest(net, net.matmul(queries, keys))
    assert (nest.G, nest.rows, nest.C, nest.K) == (2, 4 * 16, 64, 16)


def test_shared_right_matrix_is_one_group():
    net = GraphBuilder("n")
    nest, _ = only_nest(net, net.matmul(net.input("a", (5, 7, 3)), net.constant("b", (3, 4))))
    assert (nest.G, nest.rows, nest.C, nest.K, nest.weight_is_constant) == (1, 35, 3, 4, True)


@given(rows=st.lists(few, min_size=1, max_size=3), inner=few, cols=few)
def test_gemm_counts_each_product(rows, inner, cols):
    net = GraphBuilder("n")
    nest, _ = only_nest(net, net.gemm(net.input("x", (*rows, inner)), cols))
    assert (nest.rows, nest.C, nest.K, nest.macs) == (prod(rows), inner, cols, prod(rows) * inner * cols)


def test_gemm_transposes_change_no_count():
    net = GraphBuilder("n")
    fields = {"transpose_ifmap": True, "transpose_weight": True}
    nest, _ = only_nest(net, net.layer("gemm", (net.input("x", (7, 3)), net.constant("w", (5, 7))), **fields))
    assert (nest.rows, nest.C, nest.K) == (3, 7, 5)


@pytest.mark.parametrize(("op", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_recurrent_layer_is_a_projection_and_a_step_a_time(op, gates):
    time, batch, width, hidden, directions = 6, 2, 5, 4, 2
    net = GraphBuilder("n")
    y = net.recurrent(net.input("x", (time, batch, width)), hidden, op=op, directions=directions)
    graph = net.build(y)
    project, step = graph.loops_of(graph.layers[0])
    steps = product(range(time), range(batch), range(directions), range(gates * hidden))
    assert graph.total_macs == sum(width + hidden for _ in steps)
    assert (project.sequence_steps, step.sequence_steps) == (1, time)
    assert (project.rows, step.rows) == (time * batch, batch)
    assert (project.weight, step.weight) == (f"{op}_1.weight", f"{op}_1.recurrent")


def test_vector_layers_have_no_nest():
    net = GraphBuilder("n")
    graph = net.build(net.relu(net.input("x", (1, 4))))
    assert mac_loops(graph.layers[0], graph.tensors) == ()
    assert graph.total_macs == 0


def test_sequence_steps_multiply():
    nest = MacLoops(N=2, G=3, K=5, C=7, P=11, Q=13, R=1, S=1, sequence_steps=4)
    assert nest.macs == 2 * 3 * 5 * 7 * 11 * 13 * 4
