"""Constants: stored tensors, nodes that hold one, and nodes whose inputs are all constant."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, SparseTensorProto, TensorProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_files import tensor_shape, tensor_values
from simulator.workload.importers.onnx_inference import evaluate
from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_values import Value, precision_of_type
from simulator.workload.precision import FLOAT32

# The same weights under another shape keep their name and width...
_RENAMING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Cast", "CastLike")
# ...a selection of them keeps their width, and so does a dequantizer written out as arithmetic.
_KEEPING = ("Slice", "Gather", "Split", "Expand", "Tile", "Concat", "Pad")
_ARITHMETIC = ("Mul", "Sub", "Add", "Div")
_CODE_BITS = 16


def stored_value(tensor: TensorProto, folder: Path, where: str, name: str = "") -> Value:
    """Return an initializer (or a Constant's tensor) as a value."""
    _refuse_unknown_type(tensor, where)
    array = tensor_values(tensor, folder, where)
    shape = tensor_shape(tensor, where)
    width = precision_of_type(tensor.data_type) or FLOAT32
    return Value(name or tensor.name, shape, tensor.data_type, width, array, constant=True)


def _refuse_unknown_type(tensor: TensorProto, where: str) -> None:
    """Refuse an element type that this ONNX package does not know: its width would be a guess."""
    if tensor.data_type == TensorProto.UNDEFINED or tensor.data_type not in TensorProto.DataType.values():
        message = (
            f"{where}: tensor {tensor.name!r} has data_type = {tensor.data_type}, which is no known element type; "
            "export the model again, or install a newer onnx package"
        )
        raise WorkloadError(message)


def sparse_value(tensor: SparseTensorProto, where: str, name: str) -> Value:
    """Return a sparse initializer: its dense shape and width."""
    _refuse_unknown_type(tensor.values, where)
    shape = tensor_shape(TensorProto(name=name, dims=tensor.dims), where)
    width = precision_of_type(tensor.values.data_type) or FLOAT32
    return Value(name, shape, tensor.values.data_type, width, constant=True)


def constant_node(node: NodeProto, folder: Path, where: str) -> Value:
    """Return what a Constant node holds."""
    name = node.output[0] if node.output else node.name
    for attribute in node.attribute:
        if attribute.name == "value":
            return stored_value(attribute.t, folder, where, name)
        if attribute.name == "sparse_value":
            return sparse_value(attribute.sparse_tensor, where, name)
        if attribute.name in ("value_int", "value_ints"):
            numbers = attribute.i if attribute.name == "value_int" else list(attribute.ints)
            return array_value(name, np.asarray(numbers, dtype=np.int64), TensorProto.INT64)
        if attribute.name in ("value_float", "value_floats"):
            reals = attribute.f if attribute.name == "value_float" else list(attribute.floats)
            return array_value(name, np.asarray(reals, dtype=np.float32), TensorProto.FLOAT)
        if attribute.name in ("value_string", "value_strings"):
            return Value(name, (), TensorProto.STRING, FLOAT32, constant=True)
    message = f"{where}: node {node.name!r} (Constant) holds no value; the file is damaged, export it again"
    raise WorkloadError(message)


def array_value(name: str, array: NDArray[Any], element_type: int) -> Value:
    """Return a constant with contents."""
    width = precision_of_type(element_type) or FLOAT32
    return Value(name, tuple(array.shape), element_type, width, array, constant=True)


def empty_value(node: Node, index: int) -> Value:
    """Return a result without elements: a constant, there is nothing to compute."""
    shape, kind = node.results[index]
    return Value(node.outputs[index], shape or (0,), kind, precision_of_type(kind) or FLOAT32, constant=True)


def folded_values(node: Node) -> list[Value | None]:
    """Return the results of a node whose inputs are all constant: contents where small, else shape and width."""
    arrays = evaluate(node.proto, node.inputs, node.results, node.opset)
    first = next((value for value in node.inputs if value is not None), None)
    values: list[Value | None] = []
    for i, name in enumerate(node.outputs):
        if not name:
            values.append(None)
            continue
        array = arrays[i] if arrays is not None and i < len(arrays) else None
        value = _folded(node, i, array)
        values.append(value if first is None else _inherited(node, value, first))
    return values


def _folded(node: Node, index: int, array: NDArray[Any] | None) -> Value:
    kind = node.element_type(index)
    width = precision_of_type(kind) or FLOAT32
    if array is not None and array.dtype.kind in "biuf":
        return Value(node.outputs[index], tuple(array.shape), kind, width, array, constant=True)
    shape = node.results[index][0] if index < len(node.results) else None
    if shape is None:
        raise node.fault(
            f"the shape of constant {node.outputs[index]!r} cannot be found",
            "its values are missing or too many; run a simplifier on the model, or keep its data file beside it",
        )
    return Value(node.outputs[index], shape, kind, width, constant=True)


def _inherited(node: Node, value: Value, first: Value) -> Value:
    sources = [given for given in node.inputs if given is not None]
    codes = [given for given in sources if _is_code(given)]
    if node.op in _RENAMING:
        is_same_width = node.op in ("Cast", "CastLike") and not codes and not _narrows(first, value)
        width = value.precision if is_same_width else first.precision
        return Value(first.tensor, value.shape, value.element_type, width, value.array, True, first.quantized)
    if (node.op in _KEEPING and _is_code(first)) or (
        node.op in _ARITHMETIC and codes and value.precision.kind == "float"
    ):
        source = first if node.op in _KEEPING else max(codes, key=lambda given: given.elements)
        name = source.tensor if source.shape == value.shape else value.tensor
        return Value(name, value.shape, value.element_type, source.precision, value.array, True, True)
    return value


def _is_code(value: Value) -> bool:
    """Whether a constant holds quantized codes, as they are or already read as float."""
    is_narrow = value.precision.kind == "int" and value.precision.bits <= _CODE_BITS
    return is_narrow and value.element_type != TensorProto.BOOL


def _narrows(first: Value, value: Value) -> bool:
    """Whether a cast leaves a float constant that is stored narrower than it is computed with."""
    kinds = first.precision.kind, value.precision.kind
    return kinds == ("float", "float") and first.precision.bits < value.precision.bits
