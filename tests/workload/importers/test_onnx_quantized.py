import numpy as np
import pytest

from simulator.workload.importers.onnx_model import UnsupportedModelError
from tests.workload.importers.onnx_models import (
    FLOAT,
    UINT8,
    import_model,
    labels,
    model,
    node,
    ops,
    row,
    scalar,
    weights,
)

MICROSOFT = "com.microsoft"
SCALES = [scalar("s", 0.5), scalar("z", 128, np.uint8), scalar("zi", 0, np.int8)]
START = node("QuantizeLinear", ["x", "s", "z"], ["q"])


def quantized(tmp_path, nodes, outputs, constants=(), shape=(1, 4, 8, 8), kinds=None):
    proto = model([START, *nodes], {"x": shape}, outputs, [*SCALES, *constants], kinds=kinds)
    return import_model(proto, tmp_path)


def test_qoperator_convolution_with_weights_per_channel(tmp_path):
    graph = quantized(
        tmp_path,
        [node("QLinearConv", ["q", "s", "z", "w", "ws", "wz", "s", "zi", "b"], ["y"], name="conv", pads=[1, 1, 1, 1])],
        ["y"],
        [
            weights("w", 6, 4, 3, 3, dtype=np.int8),
            weights("ws", 6),
            weights("wz", 6, dtype=np.int8),
            weights("b", 6, dtype=np.int32),
        ],
    )
    assert labels(graph) == ("uint8", "int8", "int8")
    assert graph.tensors["w"].precision.granularity == "per_channel"
    assert graph.layers[0].inputs == ("x", "w", "b")
    assert graph.total_macs == 64 * 6 * 36
    assert row(graph, "conv") == ("mapped", "QLinearConv as Conv")


def test_qoperator_products(tmp_path):
    proto = model(
        [
            START,
            node("QLinearMatMul", ["q", "s", "z", "w", "s", "zi", "s", "z"], ["m"]),
            node("QGemm", ["m", "s", "z", "w", "s", "zi", "", "s", "z"], ["g"], domain=MICROSOFT, transB=1),
            node("QGemm", ["g", "s", "z", "w", "s", "zi"], ["y"], domain=MICROSOFT),
        ],
        {"x": [2, 8]},
        ["y"],
        [*SCALES, weights("w", 8, 8, dtype=np.int8)],
    )
    graph = import_model(proto, tmp_path)
    assert [labels(graph, i) for i in range(3)] == [
        ("uint8", "int8", "uint8"),
        ("uint8", "int8", "uint8"),
        ("uint8", "int8", "float32"),
    ]


@pytest.mark.parametrize(
    ("operator", "inputs", "op", "shape"),
    [
        ("QLinearAdd", ["q", "s", "z", "q", "s", "z", "s", "z"], "add", (1, 4, 8, 8)),
        ("QLinearMul", ["q", "s", "z", "q", "s", "z", "s", "z"], "mul", (1, 4, 8, 8)),
        ("QLinearSigmoid", ["q", "s", "z", "s", "z"], "activation", (1, 4, 8, 8)),
        ("QLinearLeakyRelu", ["q", "s", "z", "s", "z"], "activation", (1, 4, 8, 8)),
        ("QLinearSoftmax", ["q", "s", "z", "s", "z"], "softmax", (1, 4, 8, 8)),
        ("QLinearGlobalAveragePool", ["q", "s", "z", "s", "z"], "average_pool", (1, 4, 1, 1)),
        ("QLinearReduceMean", ["q", "s", "z", "s", "z"], "reduction", (1, 1, 1, 1)),
        ("QLinearConcat", ["s", "z", "q", "s", "z", "q", "s", "z"], "concat", (1, 8, 8, 8)),
    ],
)
def test_runtime_operators_on_codes(tmp_path, operator, inputs, op, shape):
    attributes = {"axis": 1} if operator == "QLinearConcat" else {}
    graph = quantized(tmp_path, [node(operator, inputs, ["y"], domain=MICROSOFT, **attributes)], ["y"])
    assert ops(graph) == [op]
    assert graph.tensors["y"].shape == shape
    assert [graph.tensors[name].precision.label for name in ("x", "y")] == ["uint8", "uint8"]


def test_pool_and_reshape_between_quantized_operators_keep_codes(tmp_path):
    graph = quantized(
        tmp_path,
        [
            node("QLinearAveragePool", ["q", "s", "z", "s", "z"], ["a"], domain=MICROSOFT, kernel_shape=[2, 2]),
            node("MaxPool", ["a"], ["m"], kernel_shape=[7, 7]),
            node("Flatten", ["m"], ["f"]),
            node("QLinearMatMul", ["f", "s", "z", "w", "s", "zi", "s", "z"], ["y"]),
        ],
        ["y"],
        [weights("w", 4, 5, dtype=np.int8)],
    )
    assert ops(graph) == ["average_pool", "max_pool", "reshape", "gemm"]
    assert {tensor.precision.bits for tensor in graph.tensors.values()} == {8}


def test_dynamic_products_of_the_runtime(tmp_path):
    proto = model(
        [
            node("DynamicQuantizeMatMul", ["x", "w", "ws", "zi", "b"], ["m"], domain=MICROSOFT),
            node("DynamicQuantizeLinear", ["m"], ["q", "qs", "qz"]),
            node("MatMulIntegerToFloat", ["q", "w", "qs", "ws", "qz", "zi"], ["y"], domain=MICROSOFT),
        ],
        {"x": [2, 8]},
        ["y"],
        [*SCALES, weights("w", 8, 8, dtype=np.int8), weights("ws", 8), weights("b", 8)],
    )
    graph = import_model(proto, tmp_path)
    assert [labels(graph, i) for i in range(2)] == [("uint8", "int8", "uint8"), ("uint8", "int8", "float32")]
    assert graph.tensors["w"].precision.granularity == "per_channel"


def test_channels_last_is_refused_and_not_misread(tmp_path):
    inputs = ["q", "s", "z", "w", "s", "zi", "s", "z"]
    with pytest.raises(UnsupportedModelError, match="QLinearConv"):
        quantized(
            tmp_path,
            [node("QLinearConv", inputs, ["y"], domain=MICROSOFT, channels_last=1)],
            ["y"],
            [weights("w", 6, 4, 3, 3, dtype=np.int8)],
        )


def test_quantized_input_of_the_network(tmp_path):
    proto = model(
        [node("DequantizeLinear", ["x", "s", "z"], ["d"]), node("MatMul", ["d", "w"], ["y"])],
        {"x": [2, 8]},
        ["y"],
        [*SCALES, weights("w", 8, 8)],
        kinds={"x": UINT8, "y": FLOAT},
    )
    assert labels(import_model(proto, tmp_path)) == ("uint8", "float32", "float32")
