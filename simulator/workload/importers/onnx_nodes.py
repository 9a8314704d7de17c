"""One ONNX node as the operator rules see it: values for inputs, typed attributes, inferred results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnx import AttributeProto, NodeProto

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_values import Shape, Value, check_shape, precision_of_type
from simulator.workload.precision import FLOAT32, Precision

if TYPE_CHECKING:
    from simulator.workload.importers.onnx_network import Network

_KINDS = {
    AttributeProto.INT: "i",
    AttributeProto.FLOAT: "f",
    AttributeProto.STRING: "s",
    AttributeProto.TENSOR: "t",
    AttributeProto.GRAPH: "g",
    AttributeProto.SPARSE_TENSOR: "sparse_tensor",
    AttributeProto.INTS: "ints",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRINGS: "strings",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a node: the values it yields, its fate and a word on it for the import table."""

    values: Sequence[Value | None]
    fate: str = "mapped"
    detail: str = ""


@dataclass
class Node:
    """A node with its inputs resolved.

    Attributes
    ----------
    name : str
        Unique: the layer's name.
    op, domain : str
        After quantized operators have been rewritten to their plain form.
    inputs : list of Value or None
        None for an input left out.
    outputs : list of str
    attributes : dict
    results : list of (shape or None, element type)
    where : str
        The file, for errors.
    result_precision : Precision, optional
        Stated by the node itself (an operator with a quantized output).
    note : str
        Appended to the detail in the import table.
    """

    name: str
    op: str
    domain: str
    inputs: list[Value | None]
    outputs: list[str]
    attributes: dict[str, Any]
    results: list[tuple[Shape | None, int]]
    where: str
    opset: int
    proto: NodeProto
    result_precision: Precision | None = None
    note: str = ""

    def fault(self, reason: str, remedy: str = "check the model, or export it again") -> WorkloadError:
        """Return an error that names file, node and operator."""
        return WorkloadError(f"{self.where}: node {self.name!r} ({self.op}): {reason}; {remedy}")

    def value(self, index: int) -> Value:
        """Return an input that must be there."""
        found = self.optional(index)
        if found is None:
            raise self.fault(f"input {index} is missing")
        return found

    def optional(self, index: int) -> Value | None:
        """Return an input that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def activations(self) -> list[Value]:
        """Return the inputs that are given."""
        return [value for value in self.inputs if value is not None]

    def shape(self, index: int = 0) -> Shape:
        """Return the shape of an output, which must be known."""
        shape = self.results[index][0] if index < len(self.results) else None
        if shape is None:
            name = self.outputs[index] if index < len(self.outputs) else ""
            raise self.fault(
                f"the shape of output {name!r} cannot be found from inputs {self._input_shapes()}",
                "bind the model's inputs with --shape NAME=d0,d1,..., or run onnx.shape_inference / a simplifier on it",
            )
        return check_shape(shape, f"{self.where}: output {index} of node {self.name!r} ({self.op})")

    def _input_shapes(self) -> list[list[int] | None]:
        return [None if value is None else list(value.shape) for value in self.inputs]

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, int):
            raise self.fault(f"attribute {name} = {found!r} must be an integer")
        return found

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...] | None:
        """Return an attribute that lists integers, or the default."""
        found = self.attributes.get(name, default)
        if found is None:
            return None
        if not isinstance(found, list | tuple) or not all(isinstance(item, int) for item in found):
            raise self.fault(f"attribute {name} = {found!r} must list integers")
        return tuple(found)

    def text(self, name: str, default: str) -> str:
        """Return a text attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, str):
            raise self.fault(f"attribute {name} = {found!r} must be text")
        return found

    def number(self, name: str, default: float) -> float:
        """Return a number attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, int | float):
            raise self.fault(f"attribute {name} = {found!r} must be a number")
        return float(found)

    def default_precision(self, index: int = 0) -> Precision:
        """Return what the node's result is if nobody quantizes it."""
        if self.result_precision is not None:
            return self.result_precision
        kind = self.results[index][1] if index < len(self.results) else 0
        return precision_of_type(kind) or FLOAT32

    def element_type(self, index: int = 0) -> int:
        """Return the ONNX element type of an output (float32 where unknown)."""
        kind = self.results[index][1] if index < len(self.results) else 0
        return kind or 1


Rule = Callable[["Node", "Network"], Outcome]
Rules = Mapping[tuple[str, str], Rule]


def read_attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes as Python values; text is decoded, graphs and tensors stay as they are."""
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        part = _KINDS.get(attribute.type)
        if part is None:
            continue
        value = getattr(attribute, part)
        if part == "s":
            value = value.decode("utf-8", errors="replace")
        elif part == "strings":
            value = [item.decode("utf-8", errors="replace") for item in value]
        elif part in ("ints", "floats"):
            value = list(value)
        found[attribute.name] = value
    return found
