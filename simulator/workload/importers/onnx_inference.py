"""Nodes held to their operator's schema, and small constants computed."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx.reference import ReferenceEvaluator

from simulator.workload.importers.onnx_values import NATIVE_TYPES, Shape, Value

MAX_FOLDED_VALUES = 65_536

# What exporters compute shapes, masks and indices with. Values of other constant nodes are never needed; scatters and
# element-wise gathers are left out because the reference evaluator loops over them in Python.
_EVALUATED = """Abs Add And Cast CastLike Ceil Clip Concat ConstantOfShape Div Equal Expand Flatten Floor Gather Greater
    GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg NonZero Not Or Pow Range Reciprocal ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum Reshape Round Sign Slice Split Sqrt Squeeze Sub Sum Tile Transpose Trilu
    Unsqueeze Where Xor"""
EVALUATED = frozenset(_EVALUATED.split())
_SIZE_FOLLOWS_VALUES = frozenset(("NonZero",))  # never larger than rank x input
_FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    AssertionError,
    ImportError,
    NameError,
)


def check_schema(node: NodeProto, opsets: Mapping[str, int]) -> bool:
    """Return whether the ``onnx`` package knows the operator; hold the node to its schema if it does.

    Parameters
    ----------
    node : NodeProto
    opsets : mapping of str to int
        Version of each operator set the model imports.

    Raises
    ------
    ValueError
        An attribute is unknown, missing or of the wrong type, or inputs or outputs are too few or too many.
    """
    domain = "" if node.domain == "ai.onnx" else node.domain
    version = opsets.get(domain, 1 if domain else onnx.defs.onnx_opset_version())
    try:
        schema = onnx.defs.get_schema(node.op_type, max(1, min(version, 2**31 - 1)), domain)
    except onnx.defs.SchemaError:
        return False
    for name, given, least, most in (
        ("inputs", len(node.input), schema.min_input, schema.max_input),
        ("outputs", len(node.output), schema.min_output, schema.max_output),
    ):
        if not least <= given <= most:
            message = f"{node.op_type} has {given} {name}, its schema allows {least} to {most}"
            raise ValueError(message)
    _check_attributes(node, schema)
    return True


def _check_attributes(node: NodeProto, schema: onnx.defs.OpSchema) -> None:
    known = schema.attributes
    for attribute in node.attribute:
        if attribute.name not in known:
            message = f"{node.op_type} has no attribute {attribute.name!r}"
            raise ValueError(message)
        expected = int(known[attribute.name].type.value)  # type: ignore[attr-defined,unused-ignore]
        if attribute.type != expected:
            message = f"attribute {attribute.name!r} has type {attribute.type}, its schema says {expected}"
            raise ValueError(message)
    given = {attribute.name for attribute in node.attribute}
    missing = [name for name, attribute in known.items() if attribute.required and name not in given]
    if missing:
        message = f"attribute {missing[0]!r} is missing"
        raise ValueError(message)


def evaluate(
    node: NodeProto, inputs: Sequence[Value | None], outputs: Sequence[tuple[Shape | None, int]], opset: int
) -> list[NDArray[Any]] | None:
    """Return the values of a node whose inputs are known and small, or None where they are not worth computing."""
    if node.op_type not in EVALUATED or node.domain not in ("", "ai.onnx"):
        return None
    known = {name: value for name, value in zip(node.input, inputs, strict=True) if value is not None}
    if any(value.array is None or value.element_type not in NATIVE_TYPES for value in known.values()):
        return None
    if not _is_small(node, list(known.values()), outputs):
        return None
    try:
        graph = helper.make_graph(
            [node],
            "folded",
            [helper.make_tensor_value_info(name, value.element_type, None) for name, value in known.items()],
            [
                helper.make_tensor_value_info(name, kind, None)
                for name, (_, kind) in zip(node.output, outputs, strict=True)
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(model).run(None, {name: np.asarray(v.array) for name, v in known.items()})
        return [np.asarray(result) for result in results]
    except _FAULTS:
        return None


def _is_small(node: NodeProto, inputs: Sequence[Value], outputs: Sequence[tuple[Shape | None, int]]) -> bool:
    if sum(value.elements for value in inputs) > MAX_FOLDED_VALUES:
        return False
    if node.op_type in _SIZE_FOLLOWS_VALUES:
        return True
    shapes = [shape for shape, _ in outputs if shape is not None]
    return len(shapes) == len(outputs) and sum(prod(shape) for shape in shapes) <= MAX_FOLDED_VALUES
