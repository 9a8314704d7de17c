import numpy as np
import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import FLOAT, INT64, import_model, labels, model, node, ops, scalar, weights

MICROSOFT = "com.microsoft"


def contributed(operator, inputs, outputs, **attributes):
    return node(operator, inputs, outputs, domain=MICROSOFT, name="n", **attributes)


@pytest.mark.parametrize("operator", ["MatMulNBits", "MatMulBnb4"])
def test_packed_weights_have_their_true_shape_and_width(tmp_path, operator):
    attributes = {"bits": 4} if operator == "MatMulNBits" else {"quant_type": 1}
    proto = model(
        [contributed(operator, ["x", "b", "s"], ["y"], K=64, N=10, block_size=32, **attributes)],
        {"x": [2, 3, 64]},
        ["y"],
        [weights("b", 10, 2, 16, dtype=np.uint8), weights("s", 20)],
    )
    graph = import_model(proto, tmp_path)
    assert graph.total_macs == 6 * 64 * 10
    weight = graph.tensors["b"]
    assert (weight.shape, weight.size_bytes, weight.precision.group_size) == ((10, 64), 320, 32)
    assert labels(graph)[1] == ("uint4" if operator == "MatMulNBits" else "float4")


def test_packed_weights_that_do_not_fit_are_refused(tmp_path):
    proto = model(
        [contributed("MatMulNBits", ["x", "b", "s"], ["y"], K=63, N=10, bits=4, block_size=32)],
        {"x": [2, 64]},
        ["y"],
        [weights("b", 10, 2, 16, dtype=np.uint8), weights("s", 20)],
    )
    with pytest.raises(WorkloadError, match="K = 63"):
        import_model(proto, tmp_path)


def test_residual_normalization_yields_the_sum_too(tmp_path):
    proto = model(
        [
            contributed("SkipLayerNormalization", ["x", "r", "g", "g"], ["y", "", "", "sum"]),
            node("Add", ["y", "sum"], ["z"]),
        ],
        {"x": [2, 3, 8], "r": [2, 3, 8]},
        ["z"],
        [weights("g", 8)],
    )
    assert ops(import_model(proto, tmp_path)) == ["add", "normalization", "add"]


def test_bias_gelu_folds_its_bias_into_the_product_before(tmp_path):
    proto = model(
        [node("MatMul", ["x", "w"], ["m"]), contributed("BiasGelu", ["m", "b"], ["y"])],
        {"x": [2, 8]},
        ["y"],
        [weights("w", 8, 4), weights("b", 4)],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["gemm", "activation"]
    assert graph.layers[0].inputs == ("x", "w", "b")


def test_embedding_gathers_adds_and_normalizes(tmp_path):
    proto = model(
        [contributed("EmbedLayerNormalization", ["ids", "seg", "words", "places", "kinds", "g", "g"], ["y"])],
        {"ids": [1, 6], "seg": [1, 6]},
        ["y"],
        [weights("words", 100, 8), weights("places", 32, 8), weights("kinds", 2, 8), weights("g", 8)],
        kind=INT64,
        kinds={"y": FLOAT},
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph).count("gather") == 2
    assert graph.tensors["y"].shape == (1, 6, 8)
    assert graph.tensors["y"].precision.label == "float32"
    assert graph.tensors["ids"].precision.label == "int64"


@pytest.mark.parametrize("addend", [True, False])
def test_fused_convolution_unrolls(tmp_path, addend):
    inputs = ["x", "w", "", "r"] if addend else ["x", "w"]
    proto = model(
        [contributed("FusedConv", inputs, ["y"], activation="Relu", pads=[1, 1, 1, 1])],
        {"x": [1, 4, 8, 8], "r": [1, 4, 8, 8]} if addend else {"x": [1, 4, 8, 8]},
        ["y"],
        [weights("w", 4, 4, 3, 3)],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["conv2d", *(["add"] if addend else []), "activation"]
    assert graph.total_macs == 64 * 4 * 36
    assert graph.outputs == ("y",)


def test_gathered_blocks_unpack(tmp_path):
    proto = model(
        [contributed("GatherBlockQuantized", ["t", "ids", "s"], ["y"], bits=4, block_size=32, quantize_axis=1)],
        {"ids": [1, 6]},
        ["y"],
        [weights("t", 100, 32, dtype=np.uint8), weights("s", 100, 2)],
        kind=INT64,
        kinds={"y": FLOAT},
    )
    graph = import_model(proto, tmp_path)
    assert graph.tensors["y"].shape == (1, 6, 64)
    assert graph.tensors["t"].precision.label == "uint4"


@pytest.mark.parametrize(
    ("name", "label"), [("UINT2", "uint2"), ("INT4", "int4"), ("BIPOLAR", "int1"), ("FLOAT32", "float32")]
)
def test_multi_threshold_states_its_width(tmp_path, name, label):
    proto = model(
        [
            node("MultiThreshold", ["x", "t"], ["m"], domain="qonnx.custom_op.general", out_dtype=name),
            node("MatMul", ["m", "w"], ["y"]),
        ],
        {"x": [2, 8]},
        ["y"],
        [weights("t", 8, 3), weights("w", 8, 4)],
    )
    assert labels(import_model(proto, tmp_path))[0] == label


def test_rotary_embedding_keeps_the_shape(tmp_path):
    proto = model(
        [contributed("RotaryEmbedding", ["x", "p", "c", "s"], ["y"]), node("Neg", ["y"], ["z"])],
        {"x": [1, 4, 6, 8], "p": [1, 6]},
        ["z"],
        [scalar("c", 1), scalar("s", 1)],
        kinds={"p": INT64},
    )
    assert import_model(proto, tmp_path).tensors["y"].shape == (1, 4, 6, 8)
