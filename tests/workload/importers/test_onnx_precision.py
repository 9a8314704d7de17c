import numpy as np
import pytest
from onnx import TensorProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_precision import clipped, scaled
from simulator.workload.importers.onnx_values import Value
from simulator.workload.precision import FLOAT32, INT8, Precision
from tests.workload.importers.onnx_models import (
    FLOAT,
    array,
    import_model,
    labels,
    model,
    node,
    ops,
    packed,
    row,
    scalar,
    weights,
)
from tests.workload.importers.onnx_models import (
    INT8 as INT8_TYPE,
)

UINT8_WIDTH = Precision(bits=8, signed=False)


@pytest.mark.parametrize(
    ("precision", "low", "high", "label"),
    [
        (INT8, -127, 127, "int8"),
        (INT8, -128, 127, "int8"),
        (INT8, -8, 7, "int4"),
        (INT8, -7, 7, "int4"),
        (INT8, -1, 1, "int2"),
        (INT8, -2, 1, "int2"),
        (INT8, -1, 0, "int1"),
        (INT8, 0, 15, "uint4"),
        (INT8, None, 3, "int8"),
        (INT8, -4, None, "int8"),
        (UINT8_WIDTH, 0, 1, "uint1"),
        (UINT8_WIDTH, 0, 63, "uint6"),
        (UINT8_WIDTH, None, 7, "uint3"),
        (UINT8_WIDTH, -5, 1000, "uint8"),
        (Precision(bits=32, kind="float"), 0, 1, "float32"),
        (INT8, 5, -5, "int8"),
    ],
)
def test_a_clip_narrows_codes_to_its_bounds(precision, low, high, label):
    assert clipped(precision, low, high).label == label


@pytest.mark.parametrize(
    ("scale", "block", "granularity", "group"),
    [
        ((), 0, "per_tensor", None),
        ((1, 1, 1, 1), 0, "per_tensor", None),
        ((8,), 0, "per_channel", None),
        ((8, 1, 1, 1), 0, "per_channel", None),
        ((8, 4), 0, "per_group", 4),
        ((8, 1), 16, "per_group", 16),
    ],
)
def test_granularity_is_the_shape_of_the_scale(scale, block, granularity, group):
    found = scaled(INT8, (8, 16), Value("s", scale, 1, FLOAT32), block)
    assert (found.granularity, found.group_size) == (granularity, group)


def qdq(name, zero="z", scale="s", **attributes):
    return [
        node("QuantizeLinear", [name, scale, zero], [f"{name}.q"], **attributes),
        node("DequantizeLinear", [f"{name}.q", scale, zero], [f"{name}.d"], **attributes),
    ]


SCALES = [scalar("s", 0.5), scalar("z", 128, np.uint8), scalar("zi", 0, np.int8)]


def test_qdq_net_with_stored_int8_weights(tmp_path):
    proto = model(
        [
            *qdq("x"),
            node("DequantizeLinear", ["w", "ws", "wz"], ["w.d"], axis=0),
            node("DequantizeLinear", ["b", "ws"], ["b.d"], axis=0),
            node("Conv", ["x.d", "w.d", "b.d"], ["c"]),
            node("Relu", ["c"], ["r"]),
            *qdq("r"),
            node("GlobalAveragePool", ["r.d"], ["p"]),
            *qdq("p", "zi"),
        ],
        {"x": [1, 3, 8, 8]},
        ["p.d"],
        [
            *SCALES,
            weights("w", 4, 3, 3, 3, dtype=np.int8),
            weights("ws", 4),
            weights("wz", 4, dtype=np.int8),
            weights("b", 4, dtype=np.int32),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["conv2d", "activation", "average_pool"]
    assert labels(graph) == ("uint8", "int8", "uint8")
    assert graph.tensors["b"].precision.label == "int32"
    assert graph.tensors["w"].precision.granularity == "per_channel"
    assert graph.tensors["p"].precision.label == "int8"
    assert graph.outputs == ("p",)
    assert row(graph, "x.q") == ("folded", "'x' is read as uint8")


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (TensorProto.INT4, "int4"),
        (TensorProto.UINT4, "uint4"),
        (TensorProto.INT2, "int2"),
        (TensorProto.UINT2, "uint2"),
    ],
)
def test_sub_byte_weights_per_block(tmp_path, kind, label):
    proto = model(
        [
            node("DequantizeLinear", ["w", "ws"], ["w.d"], axis=0, block_size=16),
            node("MatMul", ["x", "w.d"], ["y"]),
        ],
        {"x": [2, 64]},
        ["y"],
        [packed("w", kind, 64, 8), weights("ws", 4, 8)],
        opset=25 if "2" in label else 21,
    )
    graph = import_model(proto, tmp_path)
    assert labels(graph) == ("float32", label, "float32")
    assert graph.tensors["w"].precision.group_size == 16
    assert graph.tensors["w"].size_bytes == 64 * 8 * int(label[-1]) // 8


def test_output_type_of_a_quantizer_without_zero_point(tmp_path):
    nodes = [
        node("QuantizeLinear", ["x", "s"], ["q"], output_dtype=TensorProto.INT4),
        node("DequantizeLinear", ["q", "s"], ["d"]),
        node("MatMul", ["d", "w"], ["y"]),
    ]
    graph = import_model(model(nodes, {"x": [2, 4]}, ["y"], [*SCALES, weights("w", 4, 4)], opset=21), tmp_path)
    assert labels(graph)[0] == "int4"


def test_q_clip_dq_hides_the_width_in_its_bounds_for_weights_and_activations(tmp_path):
    def narrow(name, zero, low, high):
        return [
            node("QuantizeLinear", [name, "s", zero], [f"{name}.q"]),
            node("Clip", [f"{name}.q", low, high], [f"{name}.c"], name=f"{name}.clip"),
            node("DequantizeLinear", [f"{name}.c", "s", zero], [f"{name}.d"]),
        ]

    proto = model(
        [*narrow("x", "z", "u0", "u63"), *narrow("w", "zi", "i-4", "i3"), node("MatMul", ["x.d", "w.d"], ["y"])],
        {"x": [2, 4]},
        ["y"],
        [
            *SCALES,
            weights("w", 4, 5),
            *(scalar(f"u{value}", value, np.uint8) for value in (0, 63)),
            *(scalar(f"i{value}", value, np.int8) for value in (-4, 3)),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert labels(graph) == ("uint6", "int3", "float32")
    assert row(graph, "x.clip")[0] == "folded"


def test_stored_codes_clipped_before_their_dequantizer(tmp_path):
    proto = model(
        [
            node("Clip", ["w", "low", "high"], ["c"]),
            node("DequantizeLinear", ["c", "s", "zi"], ["d"]),
            node("MatMul", ["x", "d"], ["y"]),
        ],
        {"x": [2, 4]},
        ["y"],
        [*SCALES, weights("w", 4, 5, dtype=np.int8), scalar("low", -1, np.int8), scalar("high", 1, np.int8)],
    )
    assert labels(import_model(proto, tmp_path))[1] == "int2"


def test_clip_between_quantizers_with_unknown_bounds_is_refused(tmp_path):
    proto = model(
        [
            node("QuantizeLinear", ["x", "s", "zi"], ["q"]),
            node("Clip", ["q", "low"], ["c"], name="clip"),
            node("DequantizeLinear", ["c", "s", "zi"], ["d"]),
            node("MatMul", ["d", "w"], ["y"]),
        ],
        {"x": [2, 4], "low": []},
        ["y"],
        [*SCALES, weights("w", 4, 5)],
        kinds={"low": INT8_TYPE},
    )
    with pytest.raises(WorkloadError, match=r"'clip' \(Clip\): the bounds .* are not known"):
        import_model(proto, tmp_path)


def test_a_float_clip_is_an_activation(tmp_path):
    proto = model(
        [node("Clip", ["x", "low", "high"], ["y"])],
        {"x": [2, 4]},
        ["y"],
        [scalar("low", 0), scalar("high", 6)],
    )
    assert ops(import_model(proto, tmp_path)) == ["activation"]


@pytest.mark.parametrize("operator", ["Quant", "IntQuant"])
@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general"])
@pytest.mark.parametrize("imported", [True, False])
def test_qonnx_width_is_the_fourth_input(tmp_path, operator, domain, imported):
    proto = model(
        [
            node(operator, ["x", "s", "zero", "abits"], ["x.q"], domain=domain, signed=0, narrow=0),
            node(operator, ["w", "ws", "zero", "wbits"], ["w.q"], domain=domain, signed=1, narrow=1),
            node("Conv", ["x.q", "w.q"], ["y"]),
        ],
        {"x": [1, 3, 8, 8]},
        ["y"],
        [
            scalar("s", 0.5),
            scalar("zero", 0),
            weights("w", 4, 3, 3, 3),
            weights("ws", 4, 1, 1, 1),
            scalar("abits", 3.0),
            array("wbits", np.array([2, 5, 4, 3]).reshape(4, 1, 1, 1)),
        ],
    )
    if not imported:
        del proto.opset_import[1:]
    graph = import_model(proto, tmp_path)
    assert labels(graph) == ("uint3", "int5", "float32")
    assert graph.tensors["w"].precision.granularity == "per_channel"
    assert "widest of 4" in row(graph, "w.q")[1]


def test_other_qonnx_quantizers(tmp_path):
    domain = "qonnx.custom_op.general"
    proto = model(
        [
            node("BipolarQuant", ["w", "s"], ["w.q"], domain=domain),
            node("FloatQuant", ["x", "s", "four", "three"], ["x.q"], domain=domain),
            node("MatMul", ["x.q", "w.q"], ["y"]),
            node("Trunc", ["y", "s", "zero", "eight", "four"], ["t"], domain=domain),
            node("MatMul", ["t", "w.q"], ["z"]),
        ],
        {"x": [2, 4]},
        ["z"],
        [
            weights("w", 4, 4),
            *(scalar(n, v) for n, v in (("s", 1), ("zero", 0), ("three", 3), ("four", 4), ("eight", 8))),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert labels(graph, 0)[:2] == ("float8", "int1")
    assert labels(graph, 1)[0] == "int4"


@pytest.mark.parametrize("bits", [0, 65, float("nan")])
def test_impossible_bit_widths_are_refused(tmp_path, bits):
    proto = model(
        [node("Quant", ["x", "s", "s", "b"], ["y"], domain="onnx.brevitas"), node("Relu", ["y"], ["z"])],
        {"x": [2]},
        ["z"],
        [scalar("s", 1), scalar("b", bits)],
    )
    with pytest.raises(WorkloadError, match=r"bit width .* is not in 1\.\.64"):
        import_model(proto, tmp_path)


def test_bit_width_computed_at_run_time_is_refused(tmp_path):
    proto = model(
        [node("Quant", ["x", "s", "s", "b"], ["y"], domain="onnx.brevitas"), node("Relu", ["y"], ["z"])],
        {"x": [2], "b": []},
        ["z"],
        [scalar("s", 1)],
    )
    with pytest.raises(WorkloadError, match="not a known constant"):
        import_model(proto, tmp_path)


def test_codes_pass_through_layers_that_keep_them(tmp_path):
    proto = model(
        [
            *qdq("x"),
            node("MaxPool", ["x.d"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Reshape", ["p", "shape"], ["r"]),
            node("Gemm", ["r", "w"], ["y"]),
        ],
        {"x": [1, 3, 4, 4]},
        ["y"],
        [*SCALES, array("shape", [1, 12], np.int64), weights("w", 12, 5)],
    )
    assert labels(import_model(proto, tmp_path))[0] == "uint8"


def test_dynamic_quantization_reads_eight_bits_and_folds_its_scales(tmp_path):
    proto = model(
        [
            node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
            node("MatMulInteger", ["q", "w", "qz", "wz"], ["acc"], name="product"),
            node("Cast", ["acc"], ["f"], to=FLOAT),
            node("Mul", ["qs", "ws"], ["scale"]),
            node("Mul", ["f", "scale"], ["m"], name="rescale"),
            node("Add", ["m", "b"], ["y"], name="bias"),
            node("ConvInteger", ["q4", "k"], ["c"]),
            node("Reshape", ["q", "shape"], ["q4"]),
        ],
        {"x": [2, 8]},
        ["y", "c"],
        [
            weights("w", 8, 5, dtype=np.int8),
            scalar("wz", 0, np.int8),
            scalar("ws", 0.1),
            weights("b", 5),
            array("shape", [1, 1, 4, 4], np.int64),
            weights("k", 2, 1, 3, 3, dtype=np.uint8),
        ],
    )
    proto.graph.output[1].type.tensor_type.elem_type = TensorProto.INT32
    graph = import_model(proto, tmp_path)
    assert sorted(ops(graph)) == ["conv2d", "gemm", "reshape"]
    assert row(graph, "rescale")[0] == row(graph, "bias")[0] == "folded"
    gemm = next(i for i, layer in enumerate(graph.mac_layers) if layer.op == "gemm")
    assert labels(graph, gemm) == ("uint8", "int8", "float32")
    assert labels(graph, 1 - gemm) == ("uint8", "uint8", "int32")
    assert graph.mac_layers[gemm].inputs[2] == "b"


def test_a_dequantizer_written_as_cast_and_scale(tmp_path):
    proto = model(
        [
            node(
                "Cast",
                [
                    "w",
                ],
                ["f"],
                to=FLOAT,
            ),
            node("Sub", ["f", "zero"], ["c"]),
            node("Mul", ["c", "ws"], ["d"]),
            node("Transpose", ["d"], ["t"]),
            node("MatMul", ["x", "t"], ["y"]),
        ],
        {"x": [2, 8]},
        ["y"],
        [weights("w", 5, 8, dtype=np.uint8), scalar("zero", 128), weights("ws", 5, 1)],
    )
    graph = import_model(proto, tmp_path)
    assert labels(graph)[1] == "uint8"
    assert graph.mac_layers[0].inputs[1] == "w"


def test_half_weights_stay_half_when_they_are_cast_up(tmp_path):
    proto = model(
        [node("Cast", ["w"], ["f"], to=FLOAT), node("MatMul", ["x", "f"], ["y"])],
        {"x": [2, 8]},
        ["y"],
        [weights("w", 8, 5, dtype=np.float16)],
    )
    assert labels(import_model(proto, tmp_path)) == ("float32", "float16", "float32")
