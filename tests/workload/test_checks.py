"""Unsound networks are refused by name, with a remedy."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.checks import _sorted_by_need
from simulator.workload.graph import build_graph
from simulator.workload.layers import MAX_DIMENSION, Elementwise, Gemm, Movement, Recurrent, Reduction, Tensor
from tests.workload.networks import conv_layer, conv_tensors

X, W = conv_tensors()


def refusal(tensors, layers, inputs=("x",), outputs=("y",)):
    with pytest.raises(WorkloadError) as caught:
        build_graph("n", tensors, layers, inputs, outputs, file="net.json")
    message = str(caught.value)
    assert message.startswith("net.json: ")
    assert "\n" not in message
    return message


def add(name, inputs, output):
    return Elementwise(op="add", name=name, inputs=inputs, outputs=(output,))


def test_doubled_names():
    assert "tensor 'x' is defined twice" in refusal([X, W, X], [conv_layer()])
    assert "layer 'c' is defined twice" in refusal([X, W], [conv_layer(), conv_layer(output="z")])
    assert "network input 'x' is defined twice" in refusal([X, W], [conv_layer()], inputs=("x", "x"))
    assert "network output 'y' is defined twice" in refusal([X, W], [conv_layer()], outputs=("y", "y"))


def test_two_producers():
    message = refusal([X, W], [conv_layer(), conv_layer("d")])
    assert "tensor 'y' is written by layer 'd' and by layer 'c'; rename one" in message
    assert "network input" in refusal([X, W], [conv_layer(output="x")])
    assert "constant" in refusal([X, W], [conv_layer(output="w")])
    twice = Movement(op="split", name="s", inputs=("x",), outputs=("a", "a"))
    assert "'a' is written by layer 's' and by layer 's'" in refusal([X], [twice], outputs=())


def test_a_network_without_outputs():
    assert "outputs = []: a network without outputs leaves nothing to simulate" in refusal(
        [X, W], [conv_layer()], outputs=()
    )


@pytest.mark.parametrize(
    ("axes", "says"), [((4,), "4 is not an axis of"), ((-5,), "-5 is not an axis"), ((1, -3), "named twice")]
)
def test_reduction_axes_that_do_not_exist_or_repeat(axes, says):
    total = Reduction(op="reduction", name="r", inputs=("x",), outputs=("y",), function="sum", axes=axes)
    message = refusal([X, Tensor(name="y", shape=(1,))], [total])
    assert "layer 'r'" in message
    assert says in message


def test_no_producer():
    message = refusal([X, W], [conv_layer(inputs=("xx", "w"))])
    assert "layer 'c' reads 'xx', which nothing produces (did you mean 'x'?)" in message
    assert "mark it constant" in message
    unmarked = Tensor(name="w", shape=(4, 3, 3, 3))
    assert "reads 'w', which nothing produces" in refusal([X, unmarked], [conv_layer()])


def test_nearest_producer_is_offered():
    layers = [conv_layer(output="features"), add("a", ("feature", "feature"), "y")]
    assert "(did you mean 'features'?)" in refusal([X, W], layers)


def test_cycles_are_spelled_out():
    layers = [add("a", ("x", "b.out"), "a.out"), add("b", ("a.out", "x"), "b.out")]
    message = refusal([X], layers, outputs=())
    assert "cycle ('a' -> 'b' -> 'a')" in message or "cycle ('b' -> 'a' -> 'b')" in message
    assert "cycle ('a' -> 'a')" in refusal([X], [add("a", ("x", "a.out"), "a.out")], outputs=())


def test_long_cycles_are_cut_short():
    ring = [add(f"l{i}", ("x", f"t{(i - 1) % 400}"), f"t{i}") for i in range(400)]
    message = refusal([X], ring, outputs=())
    assert "..." in message
    assert len(message) < 300


def test_missing_shapes():
    assert "tensor 'x' has no shape" in refusal([W], [conv_layer()])
    reshape = Movement(op="reshape", name="r", inputs=("x",), outputs=("y",))
    assert "tensor 'y' has no shape" in refusal([X], [reshape])
    second = Movement(op="split", name="s", inputs=("x",), outputs=("y", "z"))
    assert "tensor 'z' has no shape" in refusal([X, Tensor(name="y", shape=(1, 1, 8, 8))], [second])
    lstm = Recurrent(op="lstm", name="l", inputs=("s", "a", "b"), outputs=("y", "state"), hidden_size=2)
    parts = [Tensor(name="a", shape=(1, 8, 3), constant=True), Tensor(name="b", shape=(1, 8, 2), constant=True)]
    assert "'state' has no shape" in refusal([Tensor(name="s", shape=(5, 1, 3)), *parts], [lstm], inputs=("s",))


def test_shape_disagreement_shows_both_shapes():
    wrong = Tensor(name="y", shape=(1, 4, 8, 8))
    message = refusal([X, W, wrong], [conv_layer()])
    assert "layer 'c' (conv2d): output 'y' is given as [1, 4, 8, 8] but its operands make it [1, 4, 6, 6]" in message
    assert "correct" in message


def test_operands_that_do_not_fit_name_the_layer():
    thin = Tensor(name="w", shape=(4, 2, 3, 3), constant=True)
    assert "layer 'c' (conv2d): 3 input channels" in refusal([X, thin], [conv_layer()])
    concat = Movement(op="concat", name="j", inputs=("x", "x"), outputs=("y",))
    assert "layer 'j' (concat): 384 elements go in and 192 come out" in refusal(
        [X, Tensor(name="y", shape=(1, 3, 8, 8))], [concat]
    )


def test_ends_must_be_tensors():
    assert "network input 'z' is not among the tensors" in refusal([X, W], [conv_layer()], inputs=("x", "z"))
    assert "network output 'yy' is not among the tensors" in refusal([X, W], [conv_layer()], outputs=("yy",))
    assert "network input 'w' is marked constant" in refusal([X, W], [conv_layer()], inputs=("x", "w"))


def test_counts_must_fit_64_bits():
    huge = MAX_DIMENSION
    x, w = Tensor(name="x", shape=(huge, huge)), Tensor(name="w", shape=(huge, huge), constant=True)
    gemm = Gemm(op="gemm", name="g", inputs=("x", "w"), outputs=("y",))
    assert "multiply-accumulates overflow 64-bit counters" in refusal([x, w], [gemm])
    assert "check the largest, 'x'" in refusal([Tensor(name="x", shape=(huge, huge))], [], outputs=("x",))


def test_inferred_axes_must_fit_too():
    x = Tensor(name="x", shape=(1, 1, 1, 1))
    padded = conv_layer(padding=((MAX_DIMENSION, 1), (0, 0)))
    w = Tensor(name="w", shape=(1, 1, 1, 1), constant=True)
    assert "no axis may exceed" in refusal([x, w], [padded])


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20))
@settings(max_examples=60)
def test_the_order_is_that_of_the_graph_library_the_lowest_ready_first(edges):
    needs = [set() for _ in range(9)]
    for other, user in edges:
        needs[user].add(other)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(needs)))
    graph.add_edges_from(edges)
    order = _sorted_by_need(needs)
    if nx.is_directed_acyclic_graph(graph):
        assert order == list(nx.lexicographical_topological_sort(graph))
    else:
        assert len(order) < len(needs)
