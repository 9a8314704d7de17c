"""Composing networks by code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import SimulatorError, WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import FLOAT32, INT8, Precision
from simulator.workload.sparsity import NOfM


def net_with(*shape):
    net = GraphBuilder("n")
    return net, net.input("x", shape)


def test_names_are_made_from_the_operator_and_the_layer():
    net, x = net_with(1, 3, 8, 8)
    first = net.conv(x, 4, 3)
    second = net.conv(first, 4, 3, name="named", bias=False)
    third = net.relu(net.conv(second, 4, 3))
    graph = net.build(third)
    assert [layer.name for layer in graph.layers] == ["conv2d_1", "named", "conv2d_2", "relu_1"]
    assert graph.layers[0].inputs == ("x", "conv2d_1.weight", "conv2d_1.bias")
    assert graph.layers[1].inputs == ("conv2d_1.out", "named.weight")
    assert graph.outputs == ("relu_1.out",)


def test_precisions_are_given_to_what_is_made():
    net = GraphBuilder("n", weight_precision=Precision(bits=4), activation_precision=INT8)
    x = net.input("x", (1, 8))
    y = net.gemm(x, 4)
    net.activation_precision = FLOAT32
    z = net.relu(y)
    labels = {name: tensor.precision.label for name, tensor in net.build(z).tensors.items()}
    assert labels == {"x": "int8", "gemm_1.weight": "int4", "gemm_1.bias": "int4", y: "int8", z: "float32"}


@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3))
def test_same_padding_keeps_the_size_over_the_stride(size, kernel, stride, dilation):
    net, x = net_with(1, 1, size)
    y = net.conv(x, 1, kernel, stride=stride, dilation=dilation, padding="same")
    assert net.shape(y) == (1, 1, -(-size // stride))
    ((begin, end),) = net.build(y).layers[0].padding
    assert 0 <= end - begin <= 1


def test_one_number_serves_all_axes():
    net, x = net_with(1, 4, 9, 11)
    y = net.max_pool(x, 3, stride=(2, 3), padding=(1, 0))
    assert net.shape(y) == (1, 4, 5, 3)
    assert net.shape(net.average_pool(x, (3, 2))) == (1, 4, 3, 5)
    assert net.shape(net.global_average_pool(x)) == (1, 4, 1, 1)
    assert net.shape(net.conv_transpose(x, 2, 2, stride=2)) == (1, 2, 18, 22)


def test_shapes_of_movements():
    net, x = net_with(2, 6, 4)
    parts = net.split(x, (1, 2, 3), axis=1)
    assert [net.shape(part) for part in parts] == [(2, 1, 4), (2, 2, 4), (2, 3, 4)]
    assert net.shape(net.concat(parts, axis=1)) == (2, 6, 4)
    assert net.shape(net.concat(parts[::-1], axis=-2)) == (2, 6, 4)
    assert net.shape(net.transpose(x, (2, 0, 1))) == (4, 2, 6)
    assert net.shape(net.flatten(x)) == (2, 24)
    assert net.shape(net.reduction(x, "mean", (-1, 0))) == (6,)
    assert net.shape(net.reduction(x, "mean", (-1, 0), keep_axes=True)) == (1, 6, 1)
    assert net.shape(net.resize(x, (9,))) == (2, 6, 9)
    ids = net.input("ids", (2, 5))
    assert net.shape(net.gather(net.constant("table", (100, 8)), ids)) == (2, 5, 8)


def test_normalization_parameters_follow_the_axis():
    net, x = net_with(2, 6, 4)
    for function, width in (("layer", 4), ("rms", 4), ("batch", 6), ("group", 6), ("instance", 6)):
        net.normalization(x, function, name=function)
        assert net.shape(f"{function}.scale") == (width,)
    graph = net.build(net.normalization(x, "lrn", name="lrn"))
    assert graph.layers[-1].inputs == ("x",)


def test_sparsity_of_constants():
    net, x = net_with(1, 8)
    sparsity = NOfM(kind="n_of_m", n=2, m=4)
    w = net.constant("w", (8, 4), sparsity=sparsity, precision=INT8)
    graph = net.build(net.layer("gemm", (x, w)))
    assert graph.tensors["w"].sparsity == sparsity
    assert graph.tensors["w"].constant


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda net, x: net.conv("y", 4, 3), r"no tensor named 'y' yet"),
        (lambda net, x: net.conv(x, 4, 9), "does not fit"),
        (lambda net, x: net.conv(x, 0, 3), "greater than or equal to 1"),
        (lambda net, x: net.conv(x, 4, 3, groups=2), "disagree"),
        (lambda net, x: net.conv(x, 4, 3, groups=0), "groups"),
        (lambda net, x: net.conv(x, 4, (3, 3, 3)), "axes"),
        (lambda net, x: net.conv(x, 4, 3, stride=(1,)), "stride has 1 entries"),
        (lambda net, x: net.conv(x, 4, 3, stride=0), "stride"),
        (lambda net, x: net.conv(x, 4, 3, stride=0, padding="same"), "stride"),
        (lambda net, x: net.conv(x, 4, 3, stride=(1,), padding="same"), "stride has 1 entries"),
        (lambda net, x: net.conv(x, 4, 3, padding=-1), "padding"),
        (lambda net, x: net.gemm(net.reshape(x, ()), 4), "elements|axis"),
        (lambda net, x: net.reshape(x, (5, 5)), "elements go in"),
        (lambda net, x: net.concat((x, x), axis=7), "axis 7 is not an axis"),
        (lambda net, x: net.split(x, (1, 1, 2)), "elements go in"),
        (lambda net, x: net.split(x, (1, 2), axis=-5), "axis -5 is not an axis"),
        (lambda net, x: net.transpose(x, (0, 9)), "axis 9 is not an axis"),
        (lambda net, x: net.reduction(x, "sum", (4,)), "axis 4 is not an axis"),
        (lambda net, x: net.softmax(x, axis=4), "axis = 4"),
        (lambda net, x: net.matmul(x, net.input("z", (5, 5))), "no matrix product"),
        (lambda net, x: net.elementwise("plus", x, x), "unknown"),
        (lambda net, x: net.layer("activation", (x,)), "function: is missing"),
        (lambda net, x: net.layer("activation", (x,), function="relu", axis=1), "axis"),
        (lambda net, x: net.input("x", (1,)), "exists already"),
        (lambda net, x: (net.relu(x, name="a"), net.relu(x, name="a")), "exists already"),
        (lambda net, x: net.input("bad", (0,)), "greater than or equal to 1"),
        (lambda net, x: net.build("nothing"), "network output 'nothing'"),
    ],
)
def test_misuse_is_told_at_once(make, reason):
    net, x = net_with(1, 3, 8, 8)
    with pytest.raises(SimulatorError, match=reason) as caught:
        make(net, x)
    assert isinstance(caught.value, WorkloadError)
    assert str(caught.value).startswith("workload n")
