import pytest
from onnx import AttributeProto, ModelProto, helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_functions import MAX_NODES, inline_functions
from tests.workload.importers.onnx_models import import_model, model, node, ops, row, weights

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]


def function(name, inputs, outputs, nodes, attributes=()):
    return helper.make_function("mine", name, inputs, outputs, nodes, OPSETS, attributes)


def with_functions(proto: ModelProto, *functions) -> ModelProto:
    proto.opset_import.append(helper.make_opsetid("mine", 1))
    proto.functions.extend(functions)
    return proto


def call(name, inputs, outputs, **attributes):
    return node(name, inputs, outputs, domain="mine", name=f"call_{outputs[0]}", **attributes)


def test_calls_become_the_function_s_nodes_with_names_and_attributes_bound(tmp_path):
    leaky = helper.make_node("LeakyRelu", ["t"], ["b"])
    leaky.attribute.append(AttributeProto(name="alpha", type=AttributeProto.FLOAT, ref_attr_name="slope"))
    block = function("Block", ["a", "w"], ["b"], [node("MatMul", ["a", "w"], ["t"], name="product"), leaky], ["slope"])
    proto = with_functions(
        model(
            [call("Block", ["x", "w"], ["y"], slope=0.1), call("Block", ["y", "w"], ["z"], slope=0.2)],
            {"x": [2, 4]},
            ["z"],
            [weights("w", 4, 4)],
        ),
        block,
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["gemm", "activation", "gemm", "activation"]
    assert graph.total_macs == 2 * 2 * 16
    assert len({layer.name for layer in graph.layers}) == 4


def test_nested_functions_and_inputs_passed_through(tmp_path):
    inner = function("Inner", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    outer = function("Outer", ["a"], ["c", "a"], [call("Inner", ["a"], ["c"])])
    proto = with_functions(
        model([call("Outer", ["x"], ["y", "same"]), node("Add", ["y", "same"], ["z"])], {"x": [2]}, ["z"]), inner, outer
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["activation", "add"]
    assert graph.layers[1].inputs[1] == "x"


def test_an_optional_input_left_out_stays_out(tmp_path):
    block = function("Block", ["a", "low"], ["b"], [node("Clip", ["a", "low"], ["b"], name="clip")])
    proto = with_functions(model([call("Block", ["x"], ["y"]), node("Relu", ["y"], ["z"])], {"x": [2]}, ["z"]), block)
    graph = import_model(proto, tmp_path)
    assert row(graph, graph.import_table[0].node)[0] == "folded"


def test_recursion_is_refused():
    loop = function("Loop", ["a"], ["b"], [call("Loop", ["a"], ["b"])])
    with pytest.raises(WorkloadError, match="'Loop' calls itself"):
        inline_functions(with_functions(model([call("Loop", ["x"], ["y"])], {"x": [2]}, ["y"]), loop), "net")


def test_calls_that_multiply_are_refused_before_they_are_expanded():
    levels = [function("F0", ["a"], ["b"], [node("Relu", ["a"], ["b"])])]
    for i in range(1, 40):
        twice = [call(f"F{i - 1}", ["a"], ["t"]), call(f"F{i - 1}", ["t"], ["b"])]
        levels.append(function(f"F{i}", ["a"], ["b"], twice))
    with pytest.raises(WorkloadError, match="expand to"):
        inline_functions(with_functions(model([call("F39", ["x"], ["y"])], {"x": [2]}, ["y"]), *levels), "net")
    assert MAX_NODES < 2**39
