"""Shapes and small constants, one node at a time.

Whole-model inference stops in silence at the first unknown operator; asking for each node alone, with the shapes and
values already found, does not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.checker
from numpy.typing import NDArray
from onnx import NodeProto, TypeProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from simulator.workload.importers.onnx_values import NATIVE_TYPES, Shape, Value

MAX_INFERENCE_VALUES = 4096
MAX_FOLDED_VALUES = 65_536

# What exporters compute shapes, masks and indices with. Values of other constant nodes are never needed.
_EVALUATED = frozenset(
    (
        "Abs",
        "Add",
        "And",
        "Cast",
        "CastLike",
        "Ceil",
        "Clip",
        "Concat",
        "ConstantOfShape",
        "Div",
        "Equal",
        "Expand",
        "Flatten",
        "Floor",
        "Gather",
        "GatherElements",
        "GatherND",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "NonZero",
        "Not",
        "Or",
        "Pow",
        "Range",
        "Reciprocal",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Reshape",
        "Round",
        "ScatterElements",
        "ScatterND",
        "Sign",
        "Slice",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Sum",
        "Tile",
        "Transpose",
        "Trilu",
        "Unsqueeze",
        "Where",
        "Xor",
        "Shape",
        "Size",
    )
)
_SIZE_FOLLOWS_VALUES = frozenset(("NonZero",))  # never larger than rank x input
_FAULTS = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    RuntimeError,
    NotImplementedError,
    ArithmeticError,
    MemoryError,
    AssertionError,
    ImportError,
    NameError,
)


def infer_outputs(
    node: NodeProto, values: Mapping[str, Value], opsets: Mapping[str, int]
) -> list[tuple[Shape | None, int]] | None:
    """Return shape (None where a dimension stays open) and element type of each output; None for an unknown operator.

    Parameters
    ----------
    node : NodeProto
    values : mapping of str to Value
        At least the node's inputs.
    opsets : mapping of str to int
        Version of each operator set the model imports.

    Raises
    ------
    ValueError
        The node does not keep to its operator's schema: an attribute or an input too many, or of the wrong type.
    """
    domain = "" if node.domain == "ai.onnx" else node.domain
    version = opsets.get(domain, 1 if domain else onnx.defs.onnx_opset_version())
    try:
        schema = onnx.defs.get_schema(node.op_type, max(1, min(version, 2**31 - 1)), domain)
    except onnx.defs.SchemaError:
        return None
    present = {name: values[name] for name in node.input if name}
    types = {name: _type(value) for name, value in present.items()}
    arrays = {name: value.array for name, value in present.items() if _is_passed(value)}
    data = {name: numpy_helper.from_array(array) for name, array in arrays.items() if array is not None}
    imports = [helper.make_opsetid(name, max(1, number)) for name, number in opsets.items()]
    try:
        found = shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=imports)
    except onnx.checker.ValidationError as problem:
        raise ValueError(str(problem).strip()) from None
    except (shape_inference.InferenceError, *_FAULTS):
        found = {}
    return [_read(found.get(name)) for name in node.output]


def _is_passed(value: Value) -> bool:
    array = value.array
    return array is not None and array.size <= MAX_INFERENCE_VALUES and value.element_type in NATIVE_TYPES


def _type(value: Value) -> TypeProto:
    return helper.make_tensor_type_proto(value.element_type, value.shape)


def _read(found: TypeProto | None) -> tuple[Shape | None, int]:
    if found is None or not found.HasField("tensor_type"):
        return None, 0
    kind = found.tensor_type
    if not kind.HasField("shape") or not all(dim.HasField("dim_value") for dim in kind.shape.dim):
        return None, kind.elem_type
    return tuple(dim.dim_value for dim in kind.shape.dim), kind.elem_type


def evaluate(
    node: NodeProto, inputs: Sequence[Value | None], outputs: Sequence[tuple[Shape | None, int]], opset: int
) -> list[NDArray[Any]] | None:
    """Return the values of a node whose inputs are known and small, or None where they are not worth computing."""
    if node.op_type not in _EVALUATED or node.domain not in ("", "ai.onnx"):
        return None
    known = [value for value in inputs if value is not None]
    if any(value.array is None or value.element_type not in NATIVE_TYPES for value in known):
        return None
    if not _is_small(node, known, outputs):
        return None
    feeds = {name: np.asarray(value.array) for name, value in zip(node.input, inputs, strict=True) if value is not None}
    graph = helper.make_graph(
        [node],
        "folded",
        [helper.make_tensor_value_info(name, value.element_type, None) for name, value in _named(node, inputs)],
        [helper.make_tensor_value_info(name, kind, None) for name, (_, kind) in zip(node.output, outputs, strict=True)],
    )
    try:
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(model).run(None, feeds)
        return [np.asarray(result) for result in results]
    except _FAULTS:
        return None


def _named(node: NodeProto, inputs: Sequence[Value | None]) -> list[tuple[str, Value]]:
    seen = {name: value for name, value in zip(node.input, inputs, strict=True) if value is not None}
    return list(seen.items())


def _is_small(node: NodeProto, inputs: Sequence[Value], outputs: Sequence[tuple[Shape | None, int]]) -> bool:
    if sum(value.elements for value in inputs) > MAX_FOLDED_VALUES:
        return False
    if node.op_type in _SIZE_FOLLOWS_VALUES:
        return True
    total = 0
    for shape, _ in outputs:
        if shape is None:
            return False
        total += int(np.prod(shape, dtype=object)) if shape else 1
    return total <= MAX_FOLDED_VALUES
