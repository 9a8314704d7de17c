"""Weights of an ONNX model as its layers read them: through quantizers, transpositions and renamings.

The importer keeps shapes and bits only; this is the door to the values, read when somebody asks. Quantized weights
come as their codes less the zero point, so that a zero is a zero of the network.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_files import MAX_FILE_BYTES, read_model, tensor_shape, tensor_values

Array = npt.NDArray[Any]
Change = Callable[[Array], Array]

_SAME = frozenset({"Identity", "Cast", "CastLike"})
_SCALING = frozenset({"QuantizeLinear", "DequantizeLinear", "Quant", "IntQuant", "BipolarQuant", "Clip"})
_FOLLOWED = _SAME | _SCALING | {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}


@dataclass
class StoredWeight:
    """A stored tensor and what the model does to it before a layer reads it."""

    tensor: TensorProto
    path: Path
    read_shape: tuple[int, ...]
    changes: list[Change] = field(default_factory=list)

    def values(self) -> Array:
        """Return the values in the shape that the layer reads.

        Raises
        ------
        WorkloadError
            The data is missing or incomplete.
        """
        array = tensor_values(self.tensor, self.path.parent, str(self.path), most=MAX_FILE_BYTES)
        if array is None or array.dtype.kind not in "biuf":
            message = (
                f"{self.path}: the values of {self.tensor.name!r} are missing or incomplete; keep the model's data "
                "file beside it, or declare the zeros with --sparsity"
            )
            raise WorkloadError(message)
        for change in self.changes:
            array = change(array)
        array = np.ascontiguousarray(array)
        array.flags.writeable = False
        return array


def stored_weights(path: Path) -> dict[str, StoredWeight]:
    """Return the stored tensors of a model by the name of the initializer: those that reach a layer in one way.

    Raises
    ------
    WorkloadError
        The file cannot be read.
    """
    return _stored_weights(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _stored_weights(path: Path, changed_ns: int) -> dict[str, StoredWeight]:
    del changed_ns
    model = read_model(path)
    constants = _constants(model)
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in dict.fromkeys(node.input):
            readers.setdefault(name, []).append(node)
    found = {}
    for name, tensor in constants.items():
        shape = tensor_shape(tensor, str(path))
        if len(shape) < 2:
            continue
        weight = StoredWeight(tensor, path, shape)
        if _follow(weight, name, readers, constants):
            found[name] = weight
    return found


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.name == "value":
                    constants[node.output[0]] = attribute.t
    return constants


def _follow(
    weight: StoredWeight, name: str, readers: dict[str, list[NodeProto]], constants: dict[str, TensorProto]
) -> bool:
    """Collect what happens to a weight until a layer reads it; False where the way forks or is not understood."""
    current = name
    for _ in range(16):
        nodes = readers.get(current, [])
        followed = [node for node in nodes if node.op_type in _FOLLOWED and node.input[0] == current]
        if not followed:
            return bool(nodes)
        if len(followed) < len(nodes) or len(followed) > 1:
            return False
        change = _change(followed[0], weight, constants)
        if change is None:
            return False
        weight.changes.append(change)
        current = followed[0].output[0]
    return False


def _change(node: NodeProto, weight: StoredWeight, constants: dict[str, TensorProto]) -> Change | None:
    if node.op_type in _SAME:
        return _unchanged
    operands = [_operand(name, constants, weight) for name in node.input[1:]]
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type in _SCALING:
        return _scaling(node, operands, attributes)
    return _reshaping(node, weight, attributes, operands)


def _reshaping(
    node: NodeProto, weight: StoredWeight, attributes: dict[str, Any], operands: list[Array | None]
) -> Change | None:
    """Return a transposition or a new shape, and note it in ``weight``."""
    shape = weight.read_shape
    if node.op_type == "Transpose":
        order = [int(axis) for axis in attributes.get("perm", reversed(range(len(shape))))]
        if sorted(order) != list(range(len(shape))):
            return None
        weight.read_shape = tuple(shape[axis] for axis in order)
        return lambda array: np.transpose(array, order)
    if node.op_type == "Flatten":
        axis = int(attributes.get("axis", 1))
        sides = [prod(shape[:axis]), prod(shape[axis:])]
    elif node.op_type == "Reshape" and operands and operands[0] is not None:
        sides = [int(size) for size in operands[0].reshape(-1)]
        known = prod(size for size in sides if size != -1)
        if known <= 0 or prod(shape) % known or sides.count(-1) > 1:
            return None
        sides = [prod(shape) // known if size == -1 else size for size in sides]
    else:
        return None
    if prod(sides) != prod(shape):
        return None
    weight.read_shape = tuple(sides)
    return lambda array: array.reshape(sides)


def _operand(name: str, constants: dict[str, TensorProto], weight: StoredWeight) -> Array | None:
    if name not in constants:
        return None
    return tensor_values(constants[name], weight.path.parent, str(weight.path), most=MAX_FILE_BYTES)


def _scaling(node: NodeProto, operands: list[Array | None], attributes: dict[str, Any]) -> Change | None:
    """Return what a quantizer does to zeros: rounding to code 0 makes one, a zero point moves it."""
    if node.op_type in ("Clip", "BipolarQuant"):
        return _unchanged  # clips of codes keep zero; two-valued weights have none
    zero_at = 1
    zero = operands[zero_at] if len(operands) > zero_at else None
    scale = operands[0] if operands else None
    if scale is None or attributes.get("block_size"):
        return None
    axis = int(attributes.get("axis", 1))
    if node.op_type == "DequantizeLinear":
        return lambda array: array if zero is None else array.astype(np.int64) - _sides(zero, array, axis)
    return lambda array: np.rint(array / _sides(scale, array, axis)).astype(np.int64)


def _unchanged(array: Array) -> Array:
    return array


def _sides(scale: Array, array: Array, axis: int) -> Array:
    """Shape a scale or zero point so that it broadcasts along its axis."""
    if scale.ndim != 1 or scale.size <= 1:
        return scale.astype(np.float64) if scale.dtype.kind == "f" else scale.astype(np.int64)
    sides = [1] * array.ndim
    sides[axis] = -1
    return scale.reshape(sides).astype(np.float64 if scale.dtype.kind == "f" else np.int64)
