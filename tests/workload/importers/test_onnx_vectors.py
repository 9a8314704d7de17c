import numpy as np
import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import INT64, array, import_model, model, node, ops, row, scalar, weights


def one(tmp_path, operator, shapes, constants=(), opset=18, extra=(), **attributes):
    names = [f"x{i}" for i in range(len(shapes))]
    stored = [*constants]
    proto = model(
        [node(operator, [*names, *extra], ["y"], name="n", **attributes)],
        dict(zip(names, shapes, strict=True)),
        ["y"],
        stored,
        opset=opset,
    )
    return import_model(proto, tmp_path)


@pytest.mark.parametrize(
    ("operator", "op"),
    [
        ("Add", "add"),
        ("Sub", "sub"),
        ("Mul", "mul"),
        ("Div", "div"),
        ("Pow", "power"),
        ("Min", "minimum"),
        ("Max", "maximum"),
        ("Sum", "add"),
        ("Greater", "compare"),
    ],
)
def test_elementwise_operators_broadcast(tmp_path, operator, op):
    graph = one(tmp_path, operator, [[2, 1, 4], [3, 1]])
    assert ops(graph) == [op]
    assert graph.tensors["y"].shape == (2, 3, 4)


def test_sum_of_three_is_one_residual_addition(tmp_path):
    graph = one(tmp_path, "Sum", [[2, 3], [2, 3], [2, 3]])
    assert graph.layers[0].inputs == ("x0", "x1", "x2")


def test_sum_of_one_and_empty_clip_fold(tmp_path):
    proto = model(
        [node("Sum", ["x"], ["s"]), node("Clip", ["s"], ["c"]), node("Relu", ["c"], ["y"])], {"x": [2]}, ["y"]
    )
    assert ops(import_model(proto, tmp_path)) == ["activation"]


def test_constant_operand_is_an_input_of_the_layer(tmp_path):
    proto = model([node("Mul", ["x", "k"], ["y"])], {"x": [2, 4]}, ["y"], [weights("k", 4)])
    graph = import_model(proto, tmp_path)
    assert graph.layers[0].inputs == ("x", "k")
    assert graph.tensors["k"].constant


@pytest.mark.parametrize(
    ("operator", "function"),
    [("Relu", "relu"), ("HardSwish", "hard_swish"), ("Erf", "erf"), ("LeakyRelu", "leaky_relu"), ("Gelu", "gelu")],
)
def test_activations(tmp_path, operator, function):
    graph = one(tmp_path, operator, [[2, 3]], opset=20)
    assert (graph.layers[0].op, graph.layers[0].function) == ("activation", function)


@pytest.mark.parametrize(
    ("operator", "function", "parameters"),
    [
        ("LayerNormalization", "layer", 2),
        ("InstanceNormalization", "instance", 2),
        ("LRN", "lrn", 0),
        ("LpNormalization", "lp", 0),
        ("BatchNormalization", "batch", 4),
    ],
)
def test_normalizations(tmp_path, operator, function, parameters):
    names = [f"p{i}" for i in range(parameters)]
    attributes = {"size": 3} if operator == "LRN" else {}
    graph = one(tmp_path, operator, [[2, 4, 4]], [weights(name, 4) for name in names], extra=names, **attributes)
    assert (graph.layers[0].op, graph.layers[0].function) == ("normalization", function)


def test_group_and_runtime_normalizations_without_a_schema(tmp_path):
    proto = model(
        [
            node("GroupNormalization", ["x", "p", "p"], ["g"], num_groups=2),
            node("SimplifiedLayerNormalization", ["g", "p"], ["y"]),
        ],
        {"x": [2, 4, 4]},
        ["y"],
        [weights("p", 4)],
        opset=21,
    )
    assert [layer.function for layer in import_model(proto, tmp_path).layers] == ["group", "rms"]


@pytest.mark.parametrize(("opset", "axis"), [(11, 1), (13, -1)])
def test_softmax_axis_follows_the_operator_set(tmp_path, opset, axis):
    assert one(tmp_path, "Softmax", [[2, 3, 4]], opset=opset).layers[0].axis == axis


@pytest.mark.parametrize(
    ("opset", "extra", "attributes", "axes", "result"),
    [
        (13, (), {"axes": [2, 3]}, (2, 3), (1, 8, 1, 1)),
        (18, ("axes",), {"keepdims": 0}, (2, 3), (1, 8)),
        (18, (), {}, (0, 1, 2, 3), (1, 1, 1, 1)),
    ],
)
def test_reductions(tmp_path, opset, extra, attributes, axes, result):
    constants = [array("axes", [-2, -1], np.int64)] if extra else []
    graph = one(tmp_path, "ReduceMean", [[1, 8, 4, 4]], constants, opset, extra, **attributes)
    assert (graph.layers[0].function, graph.layers[0].axes) == ("mean", axes)
    assert graph.tensors["y"].shape == result


def test_arg_max_yields_indices(tmp_path):
    graph = one(tmp_path, "ArgMax", [[1, 8, 4]], axis=1)
    assert graph.tensors["y"].precision.label == "int64"


def test_axes_that_depend_on_data_are_refused(tmp_path):
    proto = model([node("ReduceSum", ["x", "a"], ["y"])], {"x": [2, 3], "a": [1]}, ["y"], kinds={"a": INT64})
    with pytest.raises(WorkloadError, match="decides the shape but is no known constant"):
        import_model(proto, tmp_path)


@pytest.mark.parametrize(("mode", "kept"), [("nearest", "nearest"), ("linear", "linear"), ("cubic", "cubic")])
def test_resize(tmp_path, mode, kept):
    graph = one(tmp_path, "Resize", [[1, 3, 4, 4]], [array("s", [1, 1, 2, 2.5])], extra=["", "s"], mode=mode)
    assert graph.layers[0].mode == kept
    assert graph.tensors["y"].shape == (1, 3, 8, 10)


def test_resize_to_sizes_and_to_its_own_size(tmp_path):
    graph = one(tmp_path, "Resize", [[1, 3, 4, 4]], [array("s", [1, 3, 7, 9], np.int64)], extra=["", "", "s"])
    assert graph.tensors["y"].shape == (1, 3, 7, 9)
    proto = model(
        [node("Resize", ["x", "", "s"], ["r"], name="same"), node("Relu", ["r"], ["y"])],
        {"x": [1, 3, 4, 4]},
        ["y"],
        [array("s", [1, 1, 1, 1])],
    )
    assert row(import_model(proto, tmp_path), "same")[0] == "folded"


def test_where_selects(tmp_path):
    proto = model(
        [node("Greater", ["x", "k"], ["c"]), node("Where", ["c", "x", "k"], ["y"])],
        {"x": [2, 3]},
        ["y"],
        [scalar("k", 0)],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["compare", "where"]
    assert graph.tensors["y"].precision.label == "float32"
