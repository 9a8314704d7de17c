import numpy as np
import pytest
from onnx import TensorProto

from simulator.workload.importers.onnx_inference import MAX_FOLDED_VALUES, check_schema, evaluate
from simulator.workload.importers.onnx_values import Value
from simulator.workload.precision import FLOAT32
from tests.workload.importers.onnx_models import node


def constant(values, kind=TensorProto.INT64):
    array = np.asarray(values)
    return Value("c", array.shape, kind, FLOAT32, array, constant=True)


def test_known_operators_are_held_to_their_schema():
    assert check_schema(node("Conv", ["x", "w"], ["y"], strides=[1, 1]), {"": 18})
    assert not check_schema(node("Quant", ["x"], ["y"], domain="onnx.brevitas"), {"": 18})
    assert not check_schema(node("NoSuchThing", ["x"], ["y"]), {"": 18})


@pytest.mark.parametrize(
    ("proto", "says"),
    [
        (node("Conv", ["x", "w"], ["y"], stridez=[1, 1]), "no attribute 'stridez'"),
        (node("Conv", ["x", "w"], ["y"], strides=1), "attribute 'strides' has type"),
        (node("Concat", ["x"], ["y"]), "attribute 'axis' is missing"),
        (node("Conv", ["x"], ["y"]), "has 1 inputs"),
        (node("Relu", ["x"], ["y", "z"]), "has 2 outputs"),
    ],
)
def test_what_breaks_the_schema_is_refused(proto, says):
    with pytest.raises(ValueError, match=says):
        check_schema(proto, {"": 18})


def test_small_constants_are_computed():
    found = evaluate(node("Mul", ["a", "b"], ["y"]), [constant([2, 3]), constant(4)], [((2,), 7)], 18)
    assert found is not None
    assert found[0].tolist() == [8, 12]


def test_large_unknown_and_unlisted_results_are_not_computed():
    two = [constant([2, 3]), constant([1, 1])]
    assert evaluate(node("Mul", ["a", "b"], ["y"]), two, [((MAX_FOLDED_VALUES + 1,), 7)], 18) is None
    assert evaluate(node("Mul", ["a", "b"], ["y"]), two, [(None, 7)], 18) is None
    assert evaluate(node("Loop", ["a", "b"], ["y"]), two, [((2,), 7)], 18) is None
    unknown = Value("c", (2,), 7, FLOAT32, constant=True)
    assert evaluate(node("Mul", ["a", "b"], ["y"]), [unknown, constant([1, 1])], [((2,), 7)], 18) is None


def test_impossible_arithmetic_is_not_an_error():
    assert evaluate(node("Reshape", ["a", "b"], ["y"]), [constant([1, 2]), constant([3])], [((3,), 7)], 18) is None
