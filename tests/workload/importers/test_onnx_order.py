import pytest
from onnx import helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_order import ordered_nodes, read_names
from tests.workload.importers.onnx_models import import_model, model, node, ops


def test_nodes_out_of_order_are_put_in_order(tmp_path):
    nodes = [node("Exp", ["b"], ["y"]), node("Neg", ["a"], ["b"]), node("Relu", ["x"], ["a"])]
    graph = import_model(model(nodes, {"x": [2]}, ["y"]), tmp_path)
    assert [layer.function for layer in graph.layers] == ["relu", "neg", "exp"]


def test_ties_keep_the_order_of_the_file():
    nodes = [node("Relu", ["x"], [f"y{i}"]) for i in range(5)]
    assert ordered_nodes(nodes, {"x"}, "net") == nodes


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([node("Relu", ["b"], ["a"], name="n1"), node("Relu", ["a"], ["b"])], "'n1' is part of a cycle"),
        ([node("Relu", ["a"], ["a"])], "part of a cycle"),
        ([node("Relu", ["x"], ["a"]), node("Relu", ["x"], ["a"])], "'a' is written twice"),
        ([node("Relu", ["x"], ["x"])], "'x' is written twice"),
        ([node("Relu", ["q"], ["a"])], "reads 'q', which nothing produces"),
    ],
)
def test_what_is_no_acyclic_graph_is_refused(nodes, says):
    with pytest.raises(WorkloadError, match=says):
        ordered_nodes(nodes, {"x"}, "net")


def test_a_subgraph_s_reads_from_outside_count():
    body = helper.make_graph([node("Add", ["outer", "own"], ["o"]), node("Relu", ["x"], ["own"])], "body", [], [])
    branch = node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    assert set(read_names(branch)) == {"c", "outer", "x"}
    nodes = [branch, node("Relu", ["x"], ["outer"])]
    assert ordered_nodes(nodes, {"x", "c"}, "net") == nodes[::-1]


def test_long_chains_do_not_exhaust_the_stack(tmp_path):
    count = 3000
    nodes = [node("Relu", [f"t{i}"], [f"t{i + 1}"]) for i in reversed(range(count))]
    assert len(ops(import_model(model(nodes, {"t0": [2]}, [f"t{count}"]), tmp_path))) == count
