import numpy as np
import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import import_model, labels, model, node, ops, scalar, weights

MICROSOFT = "com.microsoft"


@pytest.mark.parametrize("flat", [True, False])
def test_attention_is_two_products_and_a_softmax(tmp_path, flat):
    shapes = {"q": [2, 5, 32], "k": [2, 7, 32], "v": [2, 7, 32]} if flat else {}
    shapes = shapes or {"q": [2, 4, 5, 8], "k": [2, 4, 7, 8], "v": [2, 4, 7, 8]}
    attributes = {"q_num_heads": 4, "kv_num_heads": 4} if flat else {}
    graph = import_model(
        model([node("Attention", ["q", "k", "v"], ["y"], **attributes)], shapes, ["y"], opset=23), tmp_path
    )
    assert graph.total_macs == 2 * (2 * 4 * 5 * 7 * 8)
    assert graph.tensors["y"].shape == ((2, 5, 32) if flat else (2, 4, 5, 8))
    assert [op for op in ops(graph) if op not in ("reshape", "transpose")] == ["matmul", "softmax", "matmul"]
    assert not any(getattr(layer, "moves_data", False) for layer in graph.layers)


def test_grouped_keys_a_mask_and_a_cache(tmp_path):
    proto = model(
        [
            node(
                "Attention", ["q", "k", "v", "mask", "pk", "pv"], ["y", "keys", "values"], q_num_heads=4, kv_num_heads=2
            )
        ],
        {
            "q": [1, 3, 32],
            "k": [1, 3, 16],
            "v": [1, 3, 16],
            "mask": [3, 10],
            "pk": [1, 2, 7, 8],
            "pv": [1, 2, 7, 8],
        },
        ["y", "keys", "values"],
        opset=23,
    )
    graph = import_model(proto, tmp_path)
    assert graph.total_macs == 2 * 4 * 3 * 10 * 8
    assert "add" in ops(graph)
    assert graph.tensors[graph.outputs[1]].shape == (1, 2, 10, 8)


@pytest.mark.parametrize("operator", ["Attention", "QAttention"])
def test_projected_attention(tmp_path, operator):
    is_quantized = operator == "QAttention"
    start = [node("QuantizeLinear", ["x", "s", "z"], ["q"])] if is_quantized else []
    inputs = ["q", "w", "b", "s", "s", "", "z", "zi"] if is_quantized else ["x", "w", "b"]
    proto = model(
        [*start, node(operator, inputs, ["y"], domain=MICROSOFT, num_heads=4)],
        {"x": [2, 5, 32]},
        ["y"],
        [
            scalar("s", 0.1),
            scalar("z", 0, np.uint8),
            scalar("zi", 0, np.int8),
            weights("w", 32, 96, dtype=np.int8 if is_quantized else np.float32),
            weights("b", 96),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert graph.total_macs == 2 * 5 * 32 * 96 + 2 * (2 * 4 * 5 * 5 * 8)
    assert labels(graph) == (("uint8", "int8", "float32") if is_quantized else ("float32", "float32", "float32"))
    assert graph.tensors["y"].shape == (2, 5, 32)


def test_multi_head_attention(tmp_path):
    proto = model(
        [node("MultiHeadAttention", ["q", "k", "v"], ["y"], domain=MICROSOFT, num_heads=4)],
        {"q": [2, 5, 32], "k": [2, 7, 32], "v": [2, 7, 64]},
        ["y"],
    )
    graph = import_model(proto, tmp_path)
    assert graph.total_macs == 2 * 4 * 5 * 7 * (8 + 16)
    assert graph.tensors["y"].shape == (2, 5, 64)


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes"),
    [
        ("MultiHeadAttention", {"q": [2, 5, 32], "k": [2, 7, 32], "v": [2, 7, 32]}, {"num_heads": 5}),
        ("MultiHeadAttention", {"q": [2, 5, 4, 3, 8]}, {"num_heads": 4}),
        ("Attention", {"q": [2, 5, 32], "k": [32, 95], "v": [95]}, {"num_heads": 4}),
    ],
)
def test_operands_that_do_not_split_are_refused(tmp_path, operator, shapes, attributes):
    proto = model([node(operator, list(shapes), ["y"], domain=MICROSOFT, name="att", **attributes)], shapes, ["y"])
    with pytest.raises(WorkloadError, match="node 'att'"):
        import_model(proto, tmp_path)
