import numpy as np
import pytest
from onnx import NodeProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_axes import constant_integers, constant_numbers, normal_axes, reduced_axes
from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_values import Value
from simulator.workload.precision import FLOAT32


def constant(values):
    array = np.asarray(values)
    return Value("c", array.shape, 7, FLOAT32, array, constant=True)


def made(*inputs, op="ReduceSum", **attributes):
    data = Value("x", (2, 3, 4), 1, FLOAT32)
    return Node("n", op, "", [data, *inputs], ["y"], attributes, [], "net", 18, NodeProto())


def test_an_input_goes_before_the_attribute_of_older_operator_sets():
    assert constant_integers(made(constant([1, 2])), 1, "axes") == [1, 2]
    assert constant_integers(made(axes=[0]), 1, "axes") == [0]
    assert constant_integers(made(), 1, "axes") is None


@pytest.mark.parametrize("value", [Value("c", (1,), 7, FLOAT32), constant([0.5]), constant([np.nan])])
def test_an_input_that_is_given_but_unknown_is_an_error(value):
    with pytest.raises(WorkloadError, match=r"input 1 .* decides the shape but is no known constant"):
        constant_integers(made(value), 1)


def test_numbers():
    assert constant_numbers(constant([1.5, 2])) == [1.5, 2.0]
    assert constant_numbers(None) is None
    assert constant_numbers(constant([])) is None
    with pytest.raises(ValueError, match="no known constant"):
        constant_numbers(Value("c", (1,), 7, FLOAT32))


def test_axes_count_from_the_front():
    assert normal_axes([-1, 0, 2], 3) == [2, 0, 2]
    for wrong in (3, -4):
        with pytest.raises(ValueError, match="does not exist"):
            normal_axes([wrong], 3)


def test_axes_of_reductions():
    assert reduced_axes(made(constant([-1]))) == [2]
    assert reduced_axes(made()) == [0, 1, 2]
    assert reduced_axes(made(noop_with_empty_axes=1)) == []
    assert reduced_axes(made(op="ArgMax", axis=-2)) == [1]
