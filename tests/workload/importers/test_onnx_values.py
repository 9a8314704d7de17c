import numpy as np
import pytest
from onnx import TensorProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_values import Value, check_shape, precision_of_type
from simulator.workload.precision import FLOAT32, INT8


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (TensorProto.FLOAT, "float32"),
        (TensorProto.BFLOAT16, "float16"),
        (TensorProto.INT4, "int4"),
        (TensorProto.UINT2, "uint2"),
        (TensorProto.FLOAT8E5M2, "float8"),
        (TensorProto.INT64, "int64"),
        (TensorProto.BOOL, "uint8"),
    ],
)
def test_widths_of_element_types(kind, label):
    precision = precision_of_type(kind)
    assert precision is not None
    assert precision.label == label


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.UNDEFINED, 999])
def test_what_is_no_number_has_no_width(kind):
    assert precision_of_type(kind) is None


def test_a_quantizer_leaves_the_tensor_and_forgets_the_rest():
    value = Value("t", (2,), 1, FLOAT32, np.ones(2), drain_of="conv").with_precision(INT8, 3)
    assert (value.tensor, value.precision, value.element_type) == ("t", INT8, 3)
    assert (value.array, value.drain_of, value.quantized) == (None, "", True)


@pytest.mark.parametrize(
    ("array", "numbers"), [([1, 2], [1, 2]), ([1.0, 2.0], [1, 2]), ([1.5], None), ([np.nan], None), ([np.inf], None)]
)
def test_whole_numbers(array, numbers):
    assert Value("t", (len(array),), 1, FLOAT32, np.array(array)).integers() == numbers
    assert Value("t", (2,), 1, FLOAT32).integers() is None


@pytest.mark.parametrize("shape", [(0,), (-1, 2), (2**31,), (1,) * 65])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(WorkloadError, match="--shape NAME"):
        check_shape(shape, "x")
    assert check_shape((1, 2**31 - 1), "x") == (1, 2**31 - 1)
