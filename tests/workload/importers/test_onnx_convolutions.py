import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import array, import_model, model, node, ops, row, weights


def conv(tmp_path, shape, kernel, op="Conv", **attributes):
    proto = model([node(op, ["x", "w"], ["y"], **attributes)], {"x": shape}, ["y"], [weights("w", *kernel)])
    return import_model(proto, tmp_path)


@pytest.mark.parametrize(
    ("shape", "kernel", "attributes", "result", "macs"),
    [
        ([1, 3, 20], (8, 3, 3), {}, (1, 8, 18), 18 * 8 * 9),
        ([2, 3, 9, 9], (8, 3, 3, 3), {"strides": [2, 1]}, (2, 8, 4, 7), 2 * 28 * 8 * 27),
        ([1, 2, 5, 6, 7], (4, 2, 2, 2, 2), {}, (1, 4, 4, 5, 6), 120 * 4 * 16),
        ([1, 8, 9, 9], (8, 1, 3, 3), {"group": 8, "pads": [1, 1, 1, 1]}, (1, 8, 9, 9), 81 * 8 * 9),
        ([1, 8, 9, 9], (6, 4, 3, 3), {"group": 2, "dilations": [2, 2]}, (1, 6, 5, 5), 25 * 6 * 36),
        ([1, 3, 10, 11], (4, 3, 3, 3), {"pads": [0, 1, 1, 2]}, (1, 4, 9, 12), 108 * 4 * 27),
    ],
)
def test_shapes_and_macs(tmp_path, shape, kernel, attributes, result, macs):
    graph = conv(tmp_path, shape, kernel, **attributes)
    assert graph.tensors["y"].shape == result
    assert graph.total_macs == macs


@pytest.mark.parametrize(
    ("mode", "padding", "result"),
    [
        ("SAME_UPPER", ((0, 1), (0, 1)), (1, 4, 4, 4)),
        ("SAME_LOWER", ((1, 0), (1, 0)), (1, 4, 4, 4)),
        ("VALID", ((0, 0), (0, 0)), (1, 4, 3, 3)),
    ],
)
def test_auto_pad(tmp_path, mode, padding, result):
    graph = conv(tmp_path, [1, 3, 8, 8], (4, 3, 3, 3), auto_pad=mode, strides=[2, 2])
    assert graph.layers[0].padding == padding
    assert graph.tensors["y"].shape == result


def test_an_odd_size_needs_padding_on_both_sides(tmp_path):
    graph = conv(tmp_path, [1, 3, 7, 7], (4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    assert graph.layers[0].padding == ((1, 1), (1, 1))


@pytest.mark.parametrize(
    ("attributes", "result"),
    [
        ({}, (1, 6, 10, 10)),
        ({"strides": [2, 2]}, (1, 6, 17, 17)),
        ({"strides": [2, 2], "output_padding": [1, 1], "pads": [1, 1, 1, 1]}, (1, 6, 16, 16)),
        ({"strides": [2, 2], "output_shape": [16, 16]}, (1, 6, 16, 16)),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, (1, 6, 16, 16)),
        ({"strides": [2, 2], "output_shape": [18, 18]}, (1, 6, 18, 18)),
        ({"group": 2}, (1, 12, 10, 10)),
    ],
)
def test_transposed_convolution(tmp_path, attributes, result):
    graph = conv(tmp_path, [1, 4, 8, 8], (4, 6, 3, 3), "ConvTranspose", **attributes)
    assert graph.tensors["y"].shape == result
    assert graph.total_macs == 64 * 4 * 6 * 9


@pytest.mark.parametrize(
    ("shape", "kernel", "attributes", "says"),
    [
        ([1, 3, 8, 8], (4, 3, 3, 3), {"pads": [1, 1]}, "needs 4 entries"),
        ([1, 3, 8, 8], (4, 3, 3, 3), {"strides": [0, 1]}, "stride.0 = 0"),
        ([1, 3, 8, 8], (4, 3, 3, 3), {"auto_pad": "LEFT"}, "auto_pad = 'LEFT'"),
        ([1, 3, 8, 8], (4, 3, 3, 3), {"pads": [-1, 0, 0, 0]}, "greater than or equal to 0"),
        ([1, 5, 8, 8], (4, 3, 3, 3), {}, "5 input channels"),
        ([1, 3, 2, 2], (4, 3, 3, 3), {}, "does not fit"),
        ([1, 3, 8], (4, 3, 3, 3), {}, "must have 3, 4 or 5 axes"),
        ([1, 3, 8, 8], (4, 3, 3, 3), {"kernel_shape": [5, 5]}, r"kernel_shape = \[5, 5\] contradicts weight"),
    ],
)
def test_impossible_convolutions_name_the_node(tmp_path, shape, kernel, attributes, says):
    with pytest.raises(WorkloadError, match=says):
        conv(tmp_path, shape, kernel, **attributes)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"kernel_shape": [2, 3]}, r"kernel_shape = \[2, 3\] contradicts weight"),
        ({"strides": [2, 2], "output_padding": [0, 2]}, "output_padding.1 = 2 must be less than stride.1 = 2"),
        ({"strides": [2, 2], "output_shape": [30, 16]}, "output_padding.0 = 13 must be less"),
    ],
)
def test_impossible_transposed_convolutions_name_the_node(tmp_path, attributes, says):
    with pytest.raises(WorkloadError, match=says):
        conv(tmp_path, [1, 4, 8, 8], (4, 6, 3, 3), "ConvTranspose", **attributes)


def test_batch_normalization_and_a_split_one_fold_into_the_drain(tmp_path):
    constants = [weights("w", 4, 3, 3, 3), *(weights(n, 4) for n in ("g", "b", "m", "v")), weights("k", 4, 1, 1)]
    proto = model(
        [
            node("Conv", ["x", "w"], ["c"], name="conv"),
            node("BatchNormalization", ["c", "g", "b", "m", "v"], ["n"], name="bn"),
            node("Mul", ["n", "k"], ["s"], name="scale"),
            node("Add", ["s", "k"], ["t"], name="shift"),
            node("Relu", ["t"], ["y"]),
        ],
        {"x": [1, 3, 8, 8]},
        ["y"],
        constants,
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["conv2d", "activation"]
    assert [row(graph, name)[0] for name in ("bn", "scale", "shift")] == ["folded"] * 3
    assert graph.layers[0].inputs == ("x", "w", "b")


@pytest.mark.parametrize("blocker", ["second reader", "output", "not per channel", "divides"])
def test_what_does_not_fold_stays_a_layer(tmp_path, blocker):
    constant = array("k", [[[[1.0, 2, 3, 4, 5, 6]]]]) if blocker == "not per channel" else weights("k", 4, 1, 1)
    operands = ["k", "c"] if blocker == "divides" else ["c", "k"]
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Div" if blocker == "divides" else "Mul", operands, ["s"]),
        *([node("Relu", ["c"], ["other"])] if blocker == "second reader" else []),
    ]
    outputs = ["s", *(["other"] if blocker == "second reader" else ["c"] if blocker == "output" else [])]
    graph = import_model(model(nodes, {"x": [1, 3, 8, 8]}, outputs, [weights("w", 4, 3, 3, 3), constant]), tmp_path)
    assert set(ops(graph)) & {"mul", "div"}


def test_deformable_convolution_goes_to_the_host_with_its_macs(tmp_path):
    proto = model(
        [node("DeformConv", ["x", "w", "offset"], ["y"], pads=[1, 1, 1, 1])],
        {"x": [1, 3, 8, 8], "offset": [1, 18, 8, 8]},
        ["y"],
        [weights("w", 4, 3, 3, 3)],
        opset=19,
    )
    graph = import_model(proto, tmp_path)
    assert (ops(graph), graph.total_macs) == (["host"], 64 * 4 * 27)
    assert graph.import_table[0].fate == "host"
