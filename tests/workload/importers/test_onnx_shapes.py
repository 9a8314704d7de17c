"""The oracle is the onnx package's own test models: their outputs' shapes were computed by its reference."""

import numpy as np
import onnx
import pytest
from onnx import NodeProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_inference import EVALUATED
from simulator.workload.importers.onnx_nodes import Node, read_attributes
from simulator.workload.importers.onnx_shapes import _RULES, infer_results, normal_axes
from simulator.workload.importers.onnx_values import Value, precision_of_type
from simulator.workload.precision import FLOAT32
from tests.workload.importers.onnx_models import node


def known(name, array):
    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    width = precision_of_type(kind) or FLOAT32
    return Value(name, tuple(array.shape), kind, width, array, constant=True)


def made(proto: NodeProto, values, opset):
    inputs = [values.get(name) for name in proto.input]
    attributes = read_attributes(proto)
    return Node("n", proto.op_type, proto.domain, inputs, list(proto.output), attributes, [], "net", opset, proto)


@pytest.fixture(scope="module")
def cases():
    from onnx.backend.test.case.node import collect_testcases

    with np.errstate(all="ignore"):
        found = collect_testcases(None)
    return [case for case in found if len(case.model.graph.node) == 1 and case.data_sets]


def test_rules_agree_with_the_package_s_own_models(cases):
    checked, wrong = set(), []
    for case in cases:
        proto = case.model.graph.node[0]
        if proto.op_type not in _RULES or proto.domain:
            continue
        arrays, results = case.data_sets[0]
        if not all(isinstance(item, np.ndarray) for item in (*arrays, *results)):
            continue
        names = [info.name for info in case.model.graph.input]
        values = {name: known(name, array) for name, array in zip(names, arrays, strict=True)}
        if any(value.array.dtype.kind not in "biuf" for value in values.values()):
            continue
        inferred = infer_results(made(proto, values, case.model.opset_import[0].version))
        outputs = [info.name for info in case.model.graph.output]
        for name, array in zip(outputs, results, strict=True):
            shape, kind = inferred[list(proto.output).index(name)]
            checked.add(proto.op_type)
            if shape is not None and shape != array.shape:
                wrong.append((case.name, shape, array.shape))
            elif kind != onnx.helper.np_dtype_to_tensor_dtype(array.dtype):
                wrong.append((case.name, kind, array.dtype))
    assert not wrong, wrong
    assert len(checked) > 90


@pytest.mark.parametrize(
    ("proto", "arrays"),
    [
        (node("Split", ["x"], ["a", "b", "c", "d"], num_outputs=2), {"x": np.ones(7)}),
        (node("Split", ["x"], ["a"], num_outputs=2**40), {"x": np.ones(7)}),
        (node("Slice", ["x"], ["y"]), {"x": np.ones(7)}),
        (node("Reshape", ["x", "s"], ["y"]), {"x": np.ones(7), "s": np.array([-1, -1])}),
        (node("Reshape", ["x", "s"], ["y"]), {"x": np.ones(7), "s": np.array([0, 0])}),
        (node("Transpose", ["x"], ["y"], perm=[0, 0]), {"x": np.ones((2, 3))}),
        (node("Concat", ["x", "z"], ["y"], axis=1), {"x": np.ones((2, 3)), "z": np.ones((3, 3))}),
        (node("Gather", ["x", "i"], ["y"], axis=5), {"x": np.ones((2, 3)), "i": np.array(0)}),
        (node("Squeeze", ["x", "i"], ["y"]), {"x": np.ones((2, 3)), "i": np.array([0])}),
        (node("Unsqueeze", ["x", "i"], ["y"]), {"x": np.ones((2, 3)), "i": np.array([0, 0])}),
        (node("Range", ["x", "x", "z"], ["y"]), {"x": np.array(1), "z": np.array(0)}),
        (node("Range", ["x", "n", "x"], ["y"]), {"x": np.array(1.0), "n": np.array(np.inf)}),
        (node("Resize", ["x", "", "s"], ["y"]), {"x": np.ones((2, 3)), "s": np.array([1.0, np.nan])}),
        (node("Tile", ["x", "s"], ["y"]), {"x": np.ones((2, 3)), "s": np.array([1, -1])}),
        (node("DepthToSpace", ["x"], ["y"], blocksize=0), {"x": np.ones((1, 4, 2, 2))}),
        (node("GatherND", ["x", "i"], ["y"]), {"x": np.ones((2, 3)), "i": np.array([[0, 1, 2]])}),
    ],
)
def test_operands_that_do_not_fit_are_one_error(proto, arrays):
    values = {name: known(name, array) for name, array in arrays.items()}
    with pytest.raises(WorkloadError, match="node 'n'"):
        infer_results(made(proto, values, 18))


def test_unknown_operators_have_open_shapes():
    value = known("x", np.ones((2, 3), dtype=np.float32))
    assert infer_results(made(node("Mystery", ["x"], ["y"]), {"x": value}, 18)) == [(None, 1)]


def test_whatever_is_evaluated_has_a_rule_for_its_size():
    assert EVALUATED - {"NonZero"} <= set(_RULES)
    assert normal_axes([-1], 4) == [3]
