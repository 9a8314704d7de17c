import pytest
from onnx import NodeProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_network import MAX_NAME, Names, Network
from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_values import Value
from simulator.workload.layers import Activation, Conv, Gemm
from simulator.workload.precision import FLOAT32, INT8


def network(**readers):
    return Network("net.onnx", readers)


def made(name="n", results=None):
    proto = NodeProto(input=["x"])
    return Node(name, "Op", "", [], ["y"], {}, results or [((2, 3), 1)], "net.onnx", 18, proto)


def test_names_are_unique_short_and_never_empty():
    names = Names()
    assert [names.take(name) for name in ("a", "a", "a_2", "a", "")] == ["a", "a_2", "a_2_2", "a_3", "unnamed"]
    assert len(names.take("x" * 5000)) == MAX_NAME
    assert len({Names().take("b") for _ in range(3)}) == 1


def test_many_equal_names_take_no_quadratic_time():
    names = Names()
    assert len({names.take("a") for _ in range(50_000)}) == 50_000


def test_a_constant_is_registered_once_for_each_shape_and_width():
    net = network()
    weight = Value("w", (2, 3), 1, FLOAT32, constant=True)
    assert [net.read(weight).tensor, net.read(weight).tensor] == ["w", "w"]
    assert net.read(Value("w", (3, 2), 1, FLOAT32, constant=True)).tensor == "w_2"
    assert net.read(Value("w", (2, 3), 1, INT8, constant=True)).tensor == "w_3"


def test_a_layer_s_fault_names_node_and_field():
    net = network()
    value = Value(net.add_tensor("x", (2, 3), FLOAT32), (2, 3), 1, FLOAT32)
    with pytest.raises(WorkloadError, match=r"node 'n' \(Op\): op = 'nonsense'"):
        net.emit(made(), Activation, [value], op="nonsense", function="relu")


def test_impossible_tensors_are_refused():
    with pytest.raises(WorkloadError, match="every dimension"):
        network().add_tensor("x", (2, 0), FLOAT32)


def test_the_layer_s_own_rule_completes_an_open_shape():
    net = network()
    value = Value(net.add_tensor("x", (2, 3), FLOAT32), (2, 3), 1, FLOAT32)
    outcome = net.emit(made(results=[(None, 1)]), Activation, [value], op="activation", function="relu")
    assert outcome.values[0].shape == (2, 3)


def test_only_convolutions_and_gemms_take_a_bias_and_only_one():
    net = network()
    value = Value(net.add_tensor("x", (2, 3), FLOAT32), (2, 3), 1, FLOAT32)
    weight = Value("w", (3, 4), 1, FLOAT32, constant=True)
    bias = Value("b", (1, 4), 1, FLOAT32, constant=True)
    net.emit(made("fc", [((2, 4), 1)]), Gemm, [value, weight], op="gemm")
    net.emit(made("act"), Activation, [value], op="activation", function="relu")
    for layer in ("act", "absent", "fc", "fc"):
        net.add_bias(layer, bias)
    assert [draft.layer.inputs for draft in net.drafts] == [("x", "w", "b"), ("x",)]
    assert net.tensors["b"].shape == (4,)
    assert not isinstance(net.drafts[0].layer, Conv)


def test_a_drain_has_one_reader():
    value = Value("m", (2, 3), 1, FLOAT32, drain_of="fc")
    node = made()
    node.inputs = [value]
    assert network(x=[node.proto]).drain_of(node, 0) == "fc"
    assert network(x=[node.proto, None]).drain_of(node, 0) == ""
    assert network(x=[node.proto]).drain_of(node, 1) == ""
