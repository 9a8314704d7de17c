"""The layer graph while it is being imported: tensors, layers, who reads what at which width.

A quantizer between producer and reader is no layer: the reader reads the producer's tensor at the quantizer's width.
Only when every node is known can each tensor get its one precision; see :meth:`Network.finish`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onnx import NodeProto
from pydantic import ValidationError

from simulator.errors import WorkloadError
from simulator.workload.graph import ImportRow
from simulator.workload.importers.onnx_nodes import Node, Outcome
from simulator.workload.importers.onnx_values import Shape, Value, check_shape
from simulator.workload.layers import Conv, ConvTranspose, Gemm, Layer, Movement, Tensor
from simulator.workload.precision import Precision
from simulator.workload.shapes import infer_output_shape

MAX_NAME = 1000  # the workload file allows 1024


@dataclass
class Read:
    """One layer's read of one tensor."""

    tensor: str
    precision: Precision
    quantized: bool


@dataclass
class Draft:
    """A layer with the widths it reads at."""

    layer: Layer
    reads: list[Read]
    node: str


class Names:
    """Names given so far; a name asked for twice gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, name: str) -> str:
        """Return ``name`` if it is free, else ``name_2``, ``name_3``..."""
        base = name[:MAX_NAME] or "unnamed"
        chosen = base
        while chosen in self._taken:
            self._next[base] = self._next.get(base, 1) + 1
            chosen = f"{base}_{self._next[base]}"
        self._taken.add(chosen)
        return chosen


@dataclass
class Network:
    """What has been imported so far.

    Attributes
    ----------
    readers : mapping of str to tuple of NodeProto
        For each ONNX value, the nodes that read it; None stands for the model's outputs.
    channel_axis : dict
        For each MAC layer, the axis of its result along which it has one scale and one bias a channel.
    """

    where: str
    readers: Mapping[str, Sequence[NodeProto | None]]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    rows: list[ImportRow] = field(default_factory=list)
    constants: dict[tuple[str, Shape, Precision], str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    tensor_names: Names = field(default_factory=Names)
    channel_axis: dict[str, int] = field(default_factory=dict)

    def drain_of(self, node: Node, index: int) -> str:
        """Return the MAC layer whose bare result input ``index`` is, if this node is its only reader, else ''."""
        value = node.optional(index)
        if value is None or not value.drain_of or index >= len(node.proto.input):
            return ""
        return value.drain_of if len(self.readers.get(node.proto.input[index], ())) == 1 else ""

    def add_tensor(self, name: str, shape: Shape, precision: Precision) -> str:
        """Register an activation; return its name."""
        check_shape(shape, f"{self.where}: tensor {name!r}")
        tensor = self.tensor_names.take(name)
        self.tensors[tensor] = Tensor(name=tensor, shape=shape, precision=precision)
        return tensor

    def read(self, value: Value) -> Read:
        """Return a read of ``value``, registering it where it is a constant seen for the first time."""
        if not value.constant:
            return Read(value.tensor, value.precision, value.quantized)
        key = (value.tensor, value.shape, value.precision)
        if key not in self.constants:
            check_shape(value.shape, f"{self.where}: constant {value.tensor!r}")
            name = self.tensor_names.take(value.tensor or "constant")
            self.constants[key] = name
            self.tensors[name] = Tensor(name=name, shape=value.shape, precision=value.precision, constant=True)
        return Read(self.constants[key], value.precision, quantized=True)

    def add(
        self,
        node: Node,
        kind: type[Any],
        inputs: Sequence[Value],
        outputs: Sequence[str],
        /,
        *,
        suffix: str = "",
        **attributes: Any,  # noqa: ANN401 - whatever the layer class takes
    ) -> None:
        """Add a layer over tensors that are already registered."""
        name = self.names.take(f"{node.name}{suffix}") if suffix else node.name
        reads = [self.read(value) for value in inputs]
        try:
            layer = kind(name=name, inputs=tuple(read.tensor for read in reads), outputs=tuple(outputs), **attributes)
        except ValidationError as problem:
            raise _refused(node, problem) from None
        self.drafts.append(Draft(layer, reads, node.name))

    def add_bias(self, layer: str, bias: Value | None) -> None:
        """Give a convolution or gemm its bias as third operand, unless it has one; a scalar needs no storage."""
        for draft in reversed(self.drafts):
            if draft.layer.name == layer:
                break
        else:
            return
        if bias is None or bias.elements <= 1 or not bias.constant or len(draft.reads) != 2:
            return
        if isinstance(draft.layer, Conv | ConvTranspose | Gemm):
            read = self.read(replace(bias, shape=(bias.elements,), array=None))
            draft.reads.append(read)
            draft.layer = draft.layer.model_copy(update={"inputs": (*draft.layer.inputs, read.tensor)})

    def emit(
        self,
        node: Node,
        kind: type[Any],
        inputs: Sequence[Value],
        /,
        *,
        precision: Precision | None = None,
        quantized: bool = False,
        detail: str = "",
        **attributes: Any,  # noqa: ANN401 - whatever the layer class takes
    ) -> Outcome:
        """Add the layer of a node with one result and return the node's outcome.

        Parameters
        ----------
        precision : Precision, optional
            Width of the result; the node's own or its element type where not given.
        quantized : bool
            The width is certain: the operator passes quantized codes through unchanged.
        """
        _complete_shape(node, kind, inputs, attributes)
        result = self.result(node, 0, precision=precision, quantized=quantized)
        self.add(node, kind, inputs, [result.tensor], **attributes)
        return Outcome([result], "mapped", detail)

    def result(
        self,
        node: Node,
        index: int = 0,
        *,
        precision: Precision | None = None,
        quantized: bool = False,
        shape: Shape | None = None,
        suffix: str = "",
    ) -> Value:
        """Register a tensor for one result of ``node`` and return the value."""
        width = precision or node.default_precision(index)
        sure = quantized or (precision is None and node.result_precision is not None)
        name = node.outputs[index] if index < len(node.outputs) and node.outputs[index] else node.name
        given = node.shape(index) if shape is None else shape
        tensor = self.add_tensor(f"{name}{suffix}", given, width)
        return Value(tensor, given, node.element_type(index), width, quantized=sure)

    def step(
        self,
        node: Node,
        kind: type[Any],
        inputs: Sequence[Value],
        shape: Shape,
        suffix: str,
        **attributes: Any,  # noqa: ANN401 - whatever the layer class takes
    ) -> Value:
        """Add an inner layer of a node that takes several; return its result. A rename keeps the width of its input."""
        first = inputs[0]
        kept = kind is Movement
        width = first.precision if kept else node.default_precision()
        tensor = self.add_tensor(f"{node.name}{suffix}", shape, width)
        self.add(node, kind, inputs, [tensor], suffix=suffix, **attributes)
        return Value(tensor, shape, first.element_type, width, quantized=kept and first.quantized)


def _complete_shape(node: Node, kind: type[Any], inputs: Sequence[Value], attributes: Mapping[str, Any]) -> None:
    """Let the layer's own rule give the result's shape where ONNX's inference has none."""
    if not node.results or node.results[0][0] is not None:
        return
    try:
        layer = kind(name="x", inputs=tuple("x" for _ in inputs), outputs=("y",), **attributes)
        shape = infer_output_shape(layer, [value.shape for value in inputs])
    except ValidationError as problem:
        raise _refused(node, problem) from None
    except ValueError as problem:
        raise node.fault(str(problem)) from None
    node.results[0] = (shape, node.results[0][1])


def _refused(node: Node, problem: ValidationError) -> WorkloadError:
    first = problem.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return node.fault(f"{place} = {first.get('input')!r}: {first['msg']}")
