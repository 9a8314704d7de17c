"""Integer widths: signs and places follow from the graph."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import FLOAT32, Precision
from simulator.workload.transforms.quantize import quantize
from tests.workload.networks import every_layer_kind, every_tensor_kind


def residual():
    net = GraphBuilder("residual")
    x = net.input("x", (1, 4, 8, 8))
    y = net.relu(net.conv(x, 4, 3, padding=1, name="a"))
    z = net.conv(y, 4, 3, padding=1, name="b")
    return net.build(net.relu(net.add(z, y, name="sum"), name="end"))


def label(graph, tensor):
    return graph.tensors[tensor].precision.label


def test_weights_activations_and_biases():
    graph = quantize(residual(), weight_bits=4, activation_bits=6)
    labels = {name: label(graph, name) for name in graph.tensors}
    assert labels == {
        "x": "int6",
        "a.weight": "int4",
        "a.bias": "int32",
        "a.out": "int6",
        "relu_1.out": "uint6",
        "b.weight": "int4",
        "b.bias": "int32",
        "b.out": "int6",
        "sum.out": "int6",
        "end.out": "uint6",
    }
    assert graph.tensors["a.weight"].precision.granularity == "per_channel"
    assert graph.tensors["x"].precision.granularity == "per_tensor"


SIGNED, UNSIGNED = "int8", "uint8"


@pytest.mark.parametrize(
    ("make", "of_signed", "of_unsigned"),
    [
        (lambda n, x: n.relu(x), UNSIGNED, UNSIGNED),
        (lambda n, x: n.activation(x, "relu6"), UNSIGNED, UNSIGNED),
        (lambda n, x: n.activation(x, "sigmoid"), UNSIGNED, UNSIGNED),
        (lambda n, x: n.activation(x, "tanh"), SIGNED, SIGNED),
        (lambda n, x: n.activation(x, "gelu"), SIGNED, SIGNED),
        (lambda n, x: n.softmax(x), UNSIGNED, UNSIGNED),
        (lambda n, x: n.max_pool(x, 2), SIGNED, UNSIGNED),
        (lambda n, x: n.average_pool(x, 2), SIGNED, UNSIGNED),
        (lambda n, x: n.normalization(x, "lrn"), SIGNED, UNSIGNED),
        (lambda n, x: n.normalization(x, "layer"), SIGNED, SIGNED),
        (lambda n, x: n.resize(x, (4, 4), mode="linear"), SIGNED, UNSIGNED),
        (lambda n, x: n.resize(x, (4, 4), mode="cubic"), SIGNED, SIGNED),
        (lambda n, x: n.reduction(x, "mean", (1,)), SIGNED, UNSIGNED),
        (lambda n, x: n.reduction(x, "log_sum", (1,)), SIGNED, SIGNED),
        (lambda n, x: n.flatten(x), SIGNED, UNSIGNED),
        (lambda n, x: n.transpose(x, (0, 2, 3, 1)), SIGNED, UNSIGNED),
        (lambda n, x: n.split(x, (1, 3))[1], SIGNED, UNSIGNED),
        (lambda n, x: n.concat((x, x)), SIGNED, UNSIGNED),
        (lambda n, x: n.concat((x, n.input("other", (1, 4, 8, 8)))), SIGNED, SIGNED),
        (lambda n, x: n.add(x, x), SIGNED, UNSIGNED),
        (lambda n, x: n.elementwise("mul", x, x), SIGNED, UNSIGNED),
        (lambda n, x: n.elementwise("sub", x, x), SIGNED, SIGNED),
        (lambda n, x: n.elementwise("where", n.elementwise("compare", x, x), x, x), SIGNED, UNSIGNED),
        (lambda n, x: n.conv(x, 2, 3), SIGNED, SIGNED),
        (lambda n, x: n.matmul(x, x), SIGNED, SIGNED),
    ],
)
def test_sign_of_a_result(make, of_signed, of_unsigned):
    for start, expected in ((SIGNED, of_signed), (UNSIGNED, of_unsigned)):
        net = GraphBuilder("n")
        x = net.input("x", (1, 4, 8, 8))
        y = make(net, net.relu(x) if start == UNSIGNED else x)
        assert label(quantize(net.build(y)), y) == expected


def test_attention_probabilities_are_unsigned_and_values_signed():
    net = GraphBuilder("n")
    q, k, v = (net.input(name, (1, 2, 8, 8)) for name in "qkv")
    y = net.matmul(net.softmax(net.matmul(q, k, name="scores")), v, name="context")
    graph = quantize(net.build(y))
    assert [label(graph, name) for name in ("scores.out", "softmax_1.out", "context.out")] == ["int8", "uint8", "int8"]


def test_indices_conditions_and_shapes_keep_their_type():
    net = GraphBuilder("n")
    ids = net.input("ids", (1, 5), precision=Precision(bits=64))
    words = net.gather(net.constant("table", (100, 8)), ids, name="words")
    condition = net.input("condition", (1, 5, 8), precision=Precision(bits=1, signed=False))
    target = net.constant("target", (2,), precision=Precision(bits=64))
    chosen = net.elementwise("where", condition, words, words)
    graph = quantize(net.build(net.layer("reshape", (chosen, target), shape=(5, 8))))
    kept = {name: label(graph, name) for name in ("ids", "condition", "target")}
    assert kept == {"ids": "int64", "condition": "uint1", "target": "int64"}
    assert label(graph, "table") == "int8"
    assert label(graph, "words.out") == "int8"


def test_unsigned_network_inputs_stay_unsigned():
    net = GraphBuilder("n")
    x = net.input("pixels", (1, 1, 8, 8), precision=Precision(bits=8, signed=False))
    graph = quantize(net.build(net.max_pool(x, 2, name="p")))
    assert label(graph, "p.out") == "uint8"
    assert label(graph, "pixels") == "uint8"


def test_recurrent_weights_and_bias():
    net = GraphBuilder("n")
    x = net.input("x", (3, 1, 4))
    parts = [net.constant(name, shape) for name, shape in (("w", (1, 8, 4)), ("r", (1, 8, 2)), ("b", (1, 16)))]
    graph = quantize(net.build(net.layer("lstm", (x, *parts), hidden_size=2)), weight_bits=4)
    assert [label(graph, name) for name in "wrb"] == ["int4", "int4", "int32"]


def test_normalization_parameters_and_added_constants():
    net = GraphBuilder("n")
    x = net.normalization(net.input("x", (1, 4)), name="norm")
    graph = quantize(net.build(net.add(x, net.constant("positions", (1, 4)))), weight_bits=2, activation_bits=8)
    assert (label(graph, "norm.scale"), label(graph, "positions")) == ("int32", "int8")


@given(weight_bits=st.integers(1, 64), activation_bits=st.integers(1, 64))
def test_shapes_layers_and_macs_do_not_move(weight_bits, activation_bits):
    before = residual()
    after = quantize(before, weight_bits, activation_bits)
    assert (after.layers, after.total_macs, after.inputs) == (before.layers, before.total_macs, before.inputs)
    assert {name: t.shape for name, t in after.tensors.items()} == {name: t.shape for name, t in before.tensors.items()}
    assert after.tensors["a.weight"].precision.bits == weight_bits
    assert quantize(after, weight_bits, activation_bits) == after


@pytest.mark.parametrize("graph", [every_layer_kind(), every_tensor_kind()], ids=lambda graph: graph.name)
def test_every_kind_of_layer_quantizes_and_keeps_its_sparsity(graph):
    small = quantize(graph)
    assert {n: t.sparsity for n, t in small.tensors.items()} == {n: t.sparsity for n, t in graph.tensors.items()}
    assert quantize(small) == small


def test_overrides_by_tensor_and_by_layer():
    fine = Precision(bits=4, granularity="per_group", group_size=32)
    graph = quantize(residual(), overrides={"a.weight": fine, "b": (2, 5)})
    assert graph.tensors["a.weight"].precision == fine
    assert graph.tensors["b.weight"].precision == Precision(bits=2, granularity="per_channel")
    assert label(graph, "relu_1.out") == "uint5"
    assert label(graph, "x") == "int8"


def test_shared_ifmap_takes_the_widest_override():
    net = GraphBuilder("n")
    x = net.input("x", (1, 8))
    graph = net.build(net.gemm(x, 4, name="p"), net.gemm(x, 4, name="q"))
    for overrides in ({"p": (8, 3), "q": (8, 6)}, {"q": (8, 6), "p": (8, 3)}):
        assert label(quantize(graph, overrides=overrides), "x") == "int6"


def test_skipped_layers_keep_their_inputs():
    graph = quantize(residual(), skip=["a"])
    assert graph.tensors["a.weight"].precision == graph.tensors["x"].precision == FLOAT32
    assert graph.tensors["a.bias"].precision == FLOAT32
    assert label(graph, "b.weight") == "int8"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"weight_bits": 0}, "cannot quantize to 0 bits"),
        ({"activation_bits": 65}, "cannot quantize to 65 bits"),
        ({"overrides": {"b": (0, 8)}}, "cannot quantize to 0 bits"),
        ({"overrides": {"bb": (4, 8)}}, r"'bb', which is no multiply-accumulate layer"),
        ({"overrides": {"sum": (4, 8)}}, r"'sum', which is no multiply-accumulate layer"),
        ({"overrides": {"a.weigh": FLOAT32}}, r"did you mean 'a\.weight'"),
        ({"skip": ["a.weight"]}, "skip names 'a.weight', which is no layer"),
    ],
)
def test_misuse_is_told(arguments, reason):
    with pytest.raises(WorkloadError, match=reason):
        quantize(residual(), **arguments)
