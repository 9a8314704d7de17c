import pytest
from onnx import NodeProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_nodes import Node, read_attributes
from simulator.workload.importers.onnx_values import Value
from simulator.workload.precision import FLOAT32, INT8
from tests.workload.importers.onnx_models import node, weights


def made(**changes):
    given = {
        "name": "n",
        "op": "Conv",
        "domain": "",
        "inputs": [Value("x", (2, 3), 1, FLOAT32), None],
        "outputs": ["y"],
        "attributes": {"group": 2, "pads": [1, 1], "auto_pad": "VALID", "alpha": 0.5},
        "results": [((2, 3), 3)],
        "where": "net.onnx",
        "opset": 18,
        "proto": NodeProto(),
    }
    return Node(**{**given, **changes})


def test_attributes_are_typed():
    found = made()
    assert (found.integer("group", 1), found.integer("absent", 7)) == (2, 7)
    assert (found.integers("pads"), found.integers("absent")) == ((1, 1), None)
    assert (found.text("auto_pad", ""), found.number("alpha", 0)) == ("VALID", 0.5)


@pytest.mark.parametrize(
    ("method", "name"), [("integer", "pads"), ("integers", "group"), ("text", "group"), ("number", "auto_pad")]
)
def test_attributes_of_the_wrong_type_name_file_node_and_value(method, name):
    default = {"integers": None, "text": ""}.get(method, 0)
    with pytest.raises(WorkloadError, match=rf"net.onnx: node 'n' \(Conv\): attribute {name} = "):
        getattr(made(), method)(name, default)


def test_inputs_left_out():
    assert made().optional(1) is None
    assert made().optional(9) is None
    with pytest.raises(WorkloadError, match="input 1 is missing"):
        made().value(1)


def test_unknown_and_impossible_shapes_are_errors():
    with pytest.raises(WorkloadError, match=r"shape of output 'y' cannot be found from inputs \[\[2, 3\], None\]"):
        made(results=[(None, 1)]).shape()
    with pytest.raises(WorkloadError, match="every dimension"):
        made(results=[((2, 0), 1)]).shape()


def test_default_precision_is_the_node_s_or_its_element_type_s():
    assert made().default_precision() == INT8
    assert made(results=[]).default_precision() == FLOAT32
    assert made(result_precision=FLOAT32).default_precision() == FLOAT32


def test_attributes_as_python_values():
    found = read_attributes(node("N", [], [], i=1, f=0.5, s="a", many=[1, 2], words=["a", "b"], t=weights("t", 2)))
    assert (found["i"], found["f"], found["s"], found["many"], found["words"]) == (1, 0.5, "a", [1, 2], ["a", "b"])
    assert list(found["t"].dims) == [2]
