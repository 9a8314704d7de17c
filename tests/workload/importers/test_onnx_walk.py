import numpy as np
import pytest
from onnx import helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_model import UnsupportedModelError
from tests.workload.importers.onnx_models import FLOAT, array, import_model, model, node, ops, row, scalar, weights

NOTHING: list = []


def branches(**attributes):
    def graph(operator):
        out = helper.make_tensor_value_info("o", FLOAT, None)
        return helper.make_graph([node(operator, ["x"], ["o"])], operator, NOTHING, [out])

    return node("If", ["c"], ["y"], name="if", then_branch=graph("Relu"), else_branch=graph("Exp"), **attributes)


@pytest.mark.parametrize(("condition", "function"), [(True, "relu"), (False, "exp")])
def test_a_constant_condition_picks_its_branch(tmp_path, condition, function):
    proto = model([branches(), node("Neg", ["y"], ["z"])], {"x": [2]}, ["z"], [array("c", condition, bool)])
    graph = import_model(proto, tmp_path)
    assert [layer.function for layer in graph.layers] == [function, "neg"]
    assert row(graph, "if")[0] == "folded"


def test_a_condition_on_shapes_is_constant(tmp_path):
    nodes = [node("Shape", ["x"], ["s"]), node("Size", ["s"], ["n"]), node("Equal", ["n", "one"], ["c"]), branches()]
    graph = import_model(model(nodes, {"x": [2]}, ["y"], [scalar("one", 1, np.int64)]), tmp_path)
    assert graph.layers[0].function == "relu"


def test_control_flow_on_data_is_unsupported_and_says_why(tmp_path):
    proto = model([branches()], {"x": [2], "c": []}, ["y"], kinds={"c": 9})
    with pytest.raises(UnsupportedModelError, match="'if' \\(If\\): which branch runs is not known"):
        import_model(proto, tmp_path)


def test_loops_are_unsupported_and_say_why(tmp_path):
    body = helper.make_graph(
        [node("Identity", ["c"], ["d"]), node("Conv", ["s", "w"], ["t"])],
        "body",
        [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("c", 9), ("s", 1))],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("d", 9), ("t", 1))],
    )
    proto = model(
        [node("Loop", ["n", "", "x"], ["y"], name="loop", body=body)],
        {"x": [1, 1, 8]},
        ["y"],
        [scalar("n", 3, np.int64), weights("w", 1, 1, 1)],
    )
    with pytest.raises(UnsupportedModelError, match=r"'loop' \(Loop\): the number of turns"):
        import_model(proto, tmp_path)


@pytest.mark.parametrize("operator", ["NonZero", "Unique"])
def test_open_shapes_are_unsupported_and_say_why(tmp_path, operator):
    with pytest.raises(UnsupportedModelError, match="depends on data"):
        import_model(model([node(operator, ["x"], ["y"])], {"x": [2]}, ["y"]), tmp_path)


def test_an_unsupported_node_inside_a_branch_is_reported(tmp_path):
    out = helper.make_tensor_value_info("o", FLOAT, None)
    inner = helper.make_graph([node("NonZero", ["x"], ["o"], name="inner")], "b", NOTHING, [out])
    proto = model(
        [node("If", ["c"], ["y"], name="if", then_branch=inner, else_branch=inner)],
        {"x": [2]},
        ["y"],
        [array("c", True, bool)],
    )
    with pytest.raises(UnsupportedModelError, match="'inner'"):
        import_model(proto, tmp_path)


def test_a_node_that_breaks_its_schema_is_refused_by_name(tmp_path):
    proto = model([node("Relu", ["x"], ["y"], name="n", slope=1.0)], {"x": [2]}, ["y"])
    with pytest.raises(WorkloadError, match="node 'n' is malformed: Relu has no attribute 'slope'"):
        import_model(proto, tmp_path)


def test_an_optional_result_that_is_not_kept_is_named(tmp_path):
    proto = model(
        [node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2]), node("Cast", ["i"], ["z"], to=FLOAT, name="use")],
        {"x": [1, 1, 8]},
        ["y", "z"],
    )
    with pytest.raises(WorkloadError, match=r"'use' .* reads 'i', an optional result"):
        import_model(proto, tmp_path)


def test_empty_results_are_constants(tmp_path):
    proto = model(
        [
            node("Slice", ["x", "zero", "zero"], ["none"], name="cut"),
            node("Concat", ["none", "x"], ["y"], axis=0),
            node("Relu", ["y"], ["z"]),
        ],
        {"x": [2, 3]},
        ["z"],
        [array("zero", [0], np.int64)],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["activation"]
    assert row(graph, "cut") == ("folded", "no elements")


def test_the_standard_domain_has_two_names(tmp_path):
    proto = model([node("Relu", ["x"], ["y"], domain="ai.onnx")], {"x": [2]}, ["y"])
    assert ops(import_model(proto, tmp_path)) == ["activation"]
