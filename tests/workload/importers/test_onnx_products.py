import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import import_model, model, node, ops, row, weights


def product(tmp_path, op, shapes, constants=(), inputs=("a", "b"), **attributes):
    stored = [weights(name, *shape) for name, shape in shapes.items() if name in constants]
    given = {name: list(shape) for name, shape in shapes.items() if name not in constants}
    proto = model([node(op, list(inputs), ["y"], name="p", **attributes)], given, ["y"], stored)
    return import_model(proto, tmp_path)


@pytest.mark.parametrize(
    ("a", "b", "constants", "result", "macs", "layers"),
    [
        ((2, 5, 8), (8, 3), "b", (2, 5, 3), 240, ["gemm"]),
        ((8,), (8, 3), "b", (3,), 24, ["gemm"]),
        ((2, 5, 8), (1, 8, 3), "b", (2, 5, 3), 240, ["gemm"]),
        ((2, 5, 8), (2, 8, 3), "b", (2, 5, 3), 240, ["matmul"]),
        ((5, 8), (2, 8, 3), "b", (2, 5, 3), 240, ["matmul"]),
        ((5, 8), (8, 3), "a", (5, 3), 120, ["gemm", "transpose"]),
        ((5, 8), (2, 8, 3), "a", (2, 5, 3), 240, ["gemm", "transpose"]),
        ((5, 8), (8,), "a", (5,), 40, ["matmul"]),
        ((2, 4, 5, 8), (2, 4, 8, 3), "", (2, 4, 5, 3), 960, ["matmul"]),
        ((2, 1, 5, 8), (4, 8, 3), "", (2, 4, 5, 3), 960, ["matmul"]),
    ],
)
def test_matmul_with_constants_on_either_side(tmp_path, a, b, constants, result, macs, layers):
    graph = product(tmp_path, "MatMul", {"a": a, "b": b}, tuple(constants))
    assert graph.tensors[graph.outputs[0]].shape == result
    assert graph.total_macs == macs
    assert ops(graph) == layers


def test_a_constant_first_operand_is_the_weight(tmp_path):
    graph = product(tmp_path, "MatMul", {"a": (5, 8), "b": (8, 3)}, ("a",))
    gemm = graph.mac_layers[0]
    assert gemm.inputs == ("b", "a")
    assert (gemm.transpose_ifmap, gemm.transpose_weight) == (True, True)
    assert graph.layers[1].outputs == ("y",)


@pytest.mark.parametrize("turn_a", [0, 1])
@pytest.mark.parametrize("turn_b", [0, 1])
@pytest.mark.parametrize("constants", ["b", "a", ""])
def test_gemm_in_all_its_turns(tmp_path, turn_a, turn_b, constants):
    shapes = {"a": (8, 5) if turn_a else (5, 8), "b": (3, 8) if turn_b else (8, 3)}
    graph = product(tmp_path, "Gemm", shapes, tuple(constants), transA=turn_a, transB=turn_b)
    assert graph.tensors[graph.outputs[0]].shape == (5, 3)
    assert graph.total_macs == 120


def test_gemm_bias_and_addend(tmp_path):
    biased = product(tmp_path, "Gemm", {"a": (5, 8), "b": (8, 3), "c": (3,)}, ("b", "c"), ("a", "b", "c"))
    assert biased.layers[0].inputs == ("a", "b", "c")
    added = product(tmp_path, "Gemm", {"a": (5, 8), "b": (8, 3), "c": (5, 3)}, ("b",), ("a", "b", "c"))
    assert ops(added) == ["gemm", "add"]
    assert added.outputs == ("y",)


def test_a_linear_layer_s_bias_and_an_attention_s_scale_fold(tmp_path):
    proto = model(
        [
            node("MatMul", ["x", "w"], ["m"]),
            node("Add", ["b", "m"], ["q"], name="bias"),
            node("Transpose", ["q"], ["t"], perm=[0, 2, 1], name="turn"),
            node("MatMul", ["q", "t"], ["s"], name="scores"),
            node("Div", ["s", "k"], ["y"], name="scale"),
        ],
        {"x": [2, 5, 8]},
        ["y"],
        [weights("w", 8, 6), weights("b", 6), weights("k")],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["gemm", "transpose", "matmul"]
    assert graph.layers[0].inputs == ("x", "w", "b")
    assert graph.layers[1].moves_data is False
    assert row(graph, "scale")[0] == "folded"
    assert graph.total_macs == 2 * 5 * 48 + 2 * 25 * 6


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        ("MatMul", {"a": (5, 8), "b": (7, 3)}),
        ("Gemm", {"a": (2, 5, 8), "b": (8, 3)}),
        ("MatMul", {"a": (), "b": (8, 3)}),
    ],
)
def test_operands_that_do_not_fit_name_the_node(tmp_path, op, shapes):
    with pytest.raises(WorkloadError, match="node 'p'"):
        product(tmp_path, op, shapes)


def test_fused_matmul_turns_its_operands(tmp_path):
    proto = model(
        [node("FusedMatMul", ["a", "b"], ["y"], domain="com.microsoft", transB=1, alpha=0.125)],
        {"a": [2, 4, 5, 8], "b": [2, 4, 6, 8]},
        ["y"],
    )
    graph = import_model(proto, tmp_path)
    assert graph.tensors["y"].shape == (2, 4, 5, 6)
    assert graph.total_macs == 2 * 4 * 5 * 6 * 8
