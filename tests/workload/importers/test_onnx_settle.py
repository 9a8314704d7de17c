import numpy as np

from tests.workload.importers.onnx_models import import_model, model, node, row, scalar, weights

SCALES = [scalar("s", 0.5), scalar("z", 0, np.uint8)]


def qdq(name, result, **attributes):
    return [
        node("QuantizeLinear", [name, "s", "z"], [f"{result}.q"], **attributes),
        node("DequantizeLinear", [f"{result}.q", "s", "z"], [result], **attributes),
    ]


def width(graph, tensor):
    return graph.tensors[tensor].precision.label


def test_readers_that_disagree_get_an_alias_and_the_table_says_so(tmp_path):
    proto = model(
        [
            node("Tanh", ["x"], ["t"], name="tanh"),
            *qdq("t", "narrow"),
            node("Relu", ["narrow"], ["a"]),
            node("Exp", ["t"], ["b"]),
        ],
        {"x": [2, 4]},
        ["a", "b"],
        SCALES,
    )
    graph = import_model(proto, tmp_path)
    assert width(graph, "t") == "float32"
    alias = next(layer for layer in graph.layers if layer.op == "reshape")
    assert (alias.inputs, alias.outputs) == (("t",), ("t.uint8",))
    assert next(layer for layer in graph.layers if layer.outputs == ("a",)).inputs == ("t.uint8",)
    assert next(layer for layer in graph.layers if layer.outputs == ("b",)).inputs == ("t",)
    assert "also read as uint8" in row(graph, "tanh")[1]


def test_readers_of_one_width_share_the_tensor(tmp_path):
    proto = model(
        [node("Tanh", ["x"], ["t"]), *qdq("t", "one"), *qdq("t", "two"), node("Add", ["one", "two"], ["a"])],
        {"x": [2, 4]},
        ["a"],
        SCALES,
    )
    graph = import_model(proto, tmp_path)
    assert [layer.op for layer in graph.layers] == ["activation", "add"]
    assert width(graph, "t") == "uint8"


def test_what_only_a_drain_activation_reads_has_the_width_of_its_result(tmp_path):
    proto = model(
        [
            node("MatMul", ["x", "w"], ["m"]),
            node("Relu", ["m"], ["r"]),
            *qdq("r", "d"),
            node("MatMul", ["d", "w"], ["y"]),
        ],
        {"x": [2, 4]},
        ["y"],
        [*SCALES, weights("w", 4, 4)],
    )
    graph = import_model(proto, tmp_path)
    assert [width(graph, name) for name in ("x", "m", "r", "y")] == ["float32", "uint8", "uint8", "float32"]


def test_a_second_reader_or_an_output_keeps_the_wide_value(tmp_path):
    proto = model(
        [node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["r"]), *qdq("r", "d"), node("Exp", ["d"], ["y"])],
        {"x": [2, 4]},
        ["y", "m"],
        [*SCALES, weights("w", 4, 4)],
    )
    graph = import_model(proto, tmp_path)
    assert width(graph, "m") == "float32"
    assert [layer.op for layer in graph.layers] == ["gemm", "activation", "activation"]


def test_a_network_input_keeps_its_own_width_before_an_activation(tmp_path):
    proto = model([node("Relu", ["x"], ["r"]), *qdq("r", "d"), node("Exp", ["d"], ["y"])], {"x": [2]}, ["y"], SCALES)
    assert width(import_model(proto, tmp_path), "x") == "float32"


def test_renaming_layers_read_at_the_width_of_what_they_yield(tmp_path):
    proto = model(
        [
            node("Tanh", ["x"], ["t"]),
            node("Flatten", ["t"], ["f"]),
            *qdq("f", "d"),
            node("MatMul", ["d", "w"], ["y"]),
        ],
        {"x": [2, 2, 2]},
        ["y"],
        [*SCALES, weights("w", 4, 4)],
    )
    graph = import_model(proto, tmp_path)
    assert [width(graph, name) for name in ("t", "f")] == ["uint8", "uint8"]


def test_quantized_output_of_the_model(tmp_path):
    proto = model([node("Tanh", ["x"], ["t"]), *qdq("t", "d")], {"x": [2]}, ["d"], SCALES)
    graph = import_model(proto, tmp_path)
    assert graph.outputs == ("t",)
    assert width(graph, "t") == "uint8"
