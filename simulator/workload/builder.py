"""Composing a network by code: one call a layer, with names, weights and shapes filled in.

Tensors are handled by name: every call takes tensor names and returns the name of what it makes. A layer called ``c1``
owns ``c1.weight``, ``c1.bias`` and ``c1.out``; unnamed layers are numbered (``conv2d_3``).
"""

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any, Literal, TypedDict, Unpack

from pydantic import TypeAdapter, ValidationError

from simulator.documents import describe_faults
from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.checks import check_shapes
from simulator.workload.graph import LayerGraph, Provenance, build_graph
from simulator.workload.layers import Layer, Tensor
from simulator.workload.precision import FLOAT32, Precision
from simulator.workload.sparsity import Dense, Sparsity

_LAYER: TypeAdapter[Layer] = TypeAdapter(Layer)

PerAxis = int | Sequence[int]


class Window(TypedDict, total=False):
    """How a kernel moves over the spatial axes: one number for all axes, or one each.

    ``padding`` is ``"same"`` (output = input / stride, rounded up), one number, one number an axis, or a pair
    ``(begin, end)`` an axis.
    """

    stride: PerAxis
    dilation: PerAxis
    padding: PerAxis | Sequence[Sequence[int]] | Literal["same"]


class GraphBuilder:
    """Collects tensors and layers, checking each as it is added.

    Parameters
    ----------
    name : str
        The workload's name.
    weight_precision, activation_precision : Precision
        Given to the tensors made from here on; see also :func:`simulator.workload.transforms.quantize.quantize`.

    Examples
    --------
    >>> net = GraphBuilder("tiny")
    >>> image = net.input("image", (1, 3, 32, 32))
    >>> features = net.relu(net.conv(image, 16, 3, padding="same", name="stem"))
    >>> scores = net.gemm(net.flatten(net.global_average_pool(features)), 10, name="classifier")
    >>> net.shape(scores), net.build(scores).total_macs
    ((1, 10), 442528)
    """

    def __init__(
        self, name: str, *, weight_precision: Precision = FLOAT32, activation_precision: Precision = FLOAT32
    ) -> None:
        self.name = name
        self.weight_precision = weight_precision
        self.activation_precision = activation_precision
        self._tensors: dict[str, Tensor] = {}
        self._layers: dict[str, Layer] = {}
        self._inputs: list[str] = []
        self._numbers: Counter[str] = Counter()

    def build(self, *outputs: str, provenance: Provenance | None = None) -> LayerGraph:
        """Return the checked graph whose network outputs are ``outputs``.

        Raises
        ------
        WorkloadError
            An output is not among the tensors, or a name was used twice.
        """
        tensors = list(self._tensors.values())
        return build_graph(
            self.name, tensors, list(self._layers.values()), self._inputs, outputs, provenance=provenance
        )

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor made so far."""
        if tensor not in self._tensors:
            message = f"workload {self.name}: no tensor named {tensor!r} yet{did_you_mean(tensor, self._tensors)}"
            raise WorkloadError(f"{message}; make it with input(), constant() or a layer")
        return self._tensors[tensor].shape

    def input(self, name: str, shape: Sequence[int], *, precision: Precision | None = None) -> str:
        """Add a network input."""
        self._add_tensor(name, shape, precision or self.activation_precision)
        self._inputs.append(name)
        return name

    def constant(
        self, name: str, shape: Sequence[int], *, precision: Precision | None = None, sparsity: Sparsity | None = None
    ) -> str:
        """Add a parameter of any shape."""
        chosen = sparsity or Dense(kind="dense")
        self._add_tensor(name, shape, precision or self.weight_precision, constant=True, sparsity=chosen)
        return name

    def layer(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        name: str = "",
        outputs: Sequence[str] = (),
        shape: Sequence[int] | None = None,
        **attributes: object,
    ) -> str:
        """Add any layer by its fields; the methods below are shorthands. Return its first output.

        Parameters
        ----------
        op : str
            Operator, as in a workload file.
        inputs : sequence of str
            Tensor names.
        name : str
            Chosen for you when empty.
        outputs : sequence of str, optional
            One tensor ``<name>.out`` unless given.
        shape : sequence of int, optional
            Output shape, for operators that do not fix it.
        **attributes
            The operator's other fields.

        Raises
        ------
        WorkloadError
            The fields or the operands do not make such a layer.
        """
        name = name or self._number(op)
        outputs = tuple(outputs) or (f"{name}.out",)
        form = {"op": op, "name": name, "inputs": tuple(inputs), "outputs": outputs, **attributes}
        where = f"workload {self.name}: layer {name!r}"
        try:
            layer = _LAYER.validate_python(form)
        except ValidationError as problem:
            raise WorkloadError(describe_faults(where, problem, data=form)) from None
        if name in self._layers:
            message = f"{where} exists already; give another name"
            raise WorkloadError(message)
        if shape is not None:
            self._add_tensor(outputs[0], shape, self.activation_precision)
        for tensor in inputs:
            self.shape(tensor)
        inferred = outputs[0] not in self._tensors
        check_shapes(layer, self._tensors, f"workload {self.name}")
        if inferred:
            made = self._tensors[outputs[0]]
            self._tensors[outputs[0]] = made.model_copy(update={"precision": self.activation_precision})
        self._layers[name] = layer
        return outputs[0]

    def conv(
        self, x: str, channels: int, kernel: PerAxis, *, groups: int = 1, bias: bool = True, name: str = "",
        **window: Unpack[Window],
    ) -> str:  # fmt: skip
        """Convolve 1, 2 or 3 spatial axes into ``channels`` output channels."""
        axes = len(self.shape(x)) - 2
        op = f"conv{axes}d"
        name = name or self._number(op)
        sizes = _per_axis(kernel, axes)
        operands = self._parameters(name, (channels, self._size(x, 1) // max(1, groups), *sizes), channels, bias=bias)
        fields = _window(self.shape(x)[2:], sizes, window)
        return self.layer(op, (x, *operands), name=name, groups=groups, **fields)

    def conv_transpose(
        self, x: str, channels: int, kernel: PerAxis, *, output_padding: PerAxis = 0, groups: int = 1,
        bias: bool = True, name: str = "", **window: Unpack[Window],
    ) -> str:  # fmt: skip
        """Scatter ``kernel`` products an input element into ``channels`` output channels (deconvolution)."""
        axes = len(self.shape(x)) - 2
        op = f"conv_transpose{axes}d"
        name = name or self._number(op)
        sizes = _per_axis(kernel, axes)
        operands = self._parameters(name, (self._size(x, 1), channels // max(1, groups), *sizes), channels, bias=bias)
        fields = _window(self.shape(x)[2:], sizes, window) | {"output_padding": _per_axis(output_padding, axes)}
        return self.layer(op, (x, *operands), name=name, groups=groups, **fields)

    def gemm(self, x: str, cols: int, *, bias: bool = True, name: str = "") -> str:
        """Multiply the last axis by a constant ``[inner, cols]`` matrix (a fully connected layer)."""
        name = name or self._number("gemm")
        operands = self._parameters(name, (self._size(x, -1), cols), cols, bias=bias)
        return self.layer("gemm", (x, *operands), name=name)

    def matmul(self, left: str, right: str, *, name: str = "") -> str:
        """Multiply two activations ``[..., rows, inner] x [..., inner, cols]``."""
        return self.layer("matmul", (left, right), name=name)

    def recurrent(
        self,
        x: str,
        hidden_size: int,
        *,
        op: Literal["lstm", "gru", "rnn"] = "lstm",
        directions: int = 1,
        name: str = "",
    ) -> str:
        """Run a recurrent layer over ``[time, N, input]``."""
        name = name or self._number(op)
        cols = {"lstm": 4, "gru": 3, "rnn": 1}[op] * hidden_size
        weight = self.constant(f"{name}.weight", (directions, cols, self._size(x, -1)))
        recurrent = self.constant(f"{name}.recurrent", (directions, cols, hidden_size))
        return self.layer(op, (x, weight, recurrent), name=name, hidden_size=hidden_size, directions=directions)

    def max_pool(
        self, x: str, kernel: PerAxis, *, ceil_mode: bool = False, name: str = "", **window: Unpack[Window]
    ) -> str:
        """Take the maximum of each window; the stride is the kernel unless given."""
        return self._pool("max_pool", x, kernel, {"stride": kernel, **window}, ceil_mode=ceil_mode, name=name)

    def average_pool(
        self, x: str, kernel: PerAxis, *, ceil_mode: bool = False, name: str = "", **window: Unpack[Window]
    ) -> str:
        """Take the mean of each window; the stride is the kernel unless given."""
        return self._pool("average_pool", x, kernel, {"stride": kernel, **window}, ceil_mode=ceil_mode, name=name)

    def global_average_pool(self, x: str, *, name: str = "") -> str:
        """Take the mean of each channel: ``[N, C, 1, 1]``."""
        return self.average_pool(x, self.shape(x)[2:], name=name)

    def elementwise(self, op: str, *operands: str, name: str = "") -> str:
        """Combine operands element by element, broadcasting; ``op`` is add, sub, mul, div, minimum..."""
        return self.layer(op, operands, name=name)

    def add(self, left: str, right: str, *, name: str = "") -> str:
        """Add two tensors, broadcasting (a residual connection)."""
        return self.layer("add", (left, right), name=name)

    def activation(self, x: str, function: str, *, name: str = "") -> str:
        """Apply a function to each element: relu, relu6, sigmoid, tanh, gelu..."""
        return self.layer("activation", (x,), name=name or self._number(function), function=function)

    def relu(self, x: str, *, name: str = "") -> str:
        """Clamp negatives to zero."""
        return self.activation(x, "relu", name=name)

    def softmax(self, x: str, *, axis: int = -1, name: str = "") -> str:
        """Normalise exponentials along ``axis``."""
        return self.layer("softmax", (x,), name=name, axis=axis)

    def normalization(self, x: str, function: str = "layer", *, name: str = "") -> str:
        """Normalise with a learned scale and shift (``lrn`` and ``lp`` have none)."""
        name = name or self._number(f"{function}_norm")
        width = self._size(x, -1 if function in {"layer", "rms"} else 1)
        learned = () if function in {"lrn", "lp"} else ("scale", "shift")
        operands = [self.constant(f"{name}.{parameter}", (width,)) for parameter in learned]
        return self.layer("normalization", (x, *operands), name=name, function=function)

    def resize(self, x: str, spatial: Sequence[int], *, mode: str = "nearest", name: str = "") -> str:
        """Sample up or down to the ``spatial`` sizes."""
        return self.layer("resize", (x,), name=name, shape=(*self.shape(x)[:2], *spatial), mode=mode)

    def reduction(self, x: str, function: str, axes: Sequence[int], *, keep_axes: bool = False, name: str = "") -> str:
        """Reduce ``axes`` by sum, mean, max...; ``keep_axes`` leaves them with one element."""
        shape = self.shape(x)
        reduced = {axis % max(1, len(shape)) for axis in axes if self._size(x, axis)}
        kept = [1 if i in reduced else size for i, size in enumerate(shape) if keep_axes or i not in reduced]
        return self.layer("reduction", (x,), name=name, shape=kept, function=function, axes=tuple(axes))

    def reshape(self, x: str, shape: Sequence[int], *, name: str = "") -> str:
        """Rename the axes: the elements stay where they are."""
        return self.layer("reshape", (x,), name=name, shape=shape)

    def flatten(self, x: str, *, name: str = "") -> str:
        """Join all axes but the first."""
        return self.reshape(x, (self.shape(x)[0], prod(self.shape(x)[1:])), name=name)

    def transpose(self, x: str, order: Sequence[int], *, moves_data: bool = False, name: str = "") -> str:
        """Permute the axes; ``moves_data`` where no reader can follow the stride instead."""
        shape = tuple(self._size(x, axis) for axis in order)
        return self.layer("transpose", (x,), name=name, shape=shape, moves_data=moves_data)

    def concat(self, parts: Sequence[str], axis: int = 1, *, moves_data: bool = False, name: str = "") -> str:
        """Join tensors along ``axis``: free where each producer writes its own slice."""
        shape = self._resized(parts[0], axis, sum(self._size(part, axis) for part in parts))
        return self.layer("concat", parts, name=name, shape=shape, moves_data=moves_data)

    def split(self, x: str, sizes: Sequence[int], axis: int = 1, *, name: str = "") -> tuple[str, ...]:
        """Cut a tensor along ``axis`` into parts of ``sizes``; return their names."""
        name = name or self._number("split")
        outputs = tuple(f"{name}.out{i}" for i in range(len(sizes)))
        for output, size in zip(outputs, sizes, strict=True):
            self._add_tensor(output, self._resized(x, axis, size), self.activation_precision)
        self.layer("split", (x,), name=name, outputs=outputs)
        return outputs

    def gather(self, table: str, indices: str, *, name: str = "") -> str:
        """Fetch rows of ``table``, as an embedding does."""
        shape = (*self.shape(indices), *self.shape(table)[1:])
        return self.layer("gather", (table, indices), name=name, shape=shape, moves_data=True)

    def slice(self, x: str, shape: Sequence[int], *, moves_data: bool = False, name: str = "") -> str:
        """Keep a part of ``shape``: free where the reader can start inside the tensor."""
        return self.layer("slice", (x,), name=name, shape=shape, moves_data=moves_data)

    def _pool(self, op: str, x: str, kernel: PerAxis, window: Window, *, ceil_mode: bool, name: str) -> str:
        sizes = _per_axis(kernel, len(self.shape(x)) - 2)
        fields = _window(self.shape(x)[2:], sizes, window)
        return self.layer(op, (x,), name=name, kernel=sizes, ceil_mode=ceil_mode, **fields)

    def _parameters(self, name: str, shape: Sequence[int], channels: int, *, bias: bool) -> tuple[str, ...]:
        weight = self.constant(f"{name}.weight", shape)
        return (weight, self.constant(f"{name}.bias", (channels,))) if bias else (weight,)

    def _add_tensor(self, name: str, shape: Sequence[int], precision: Precision, **fields: object) -> None:
        where = f"workload {self.name}: tensor {name!r}"
        if name in self._tensors:
            message = f"{where} exists already; give another name"
            raise WorkloadError(message)
        form = {"name": name, "shape": tuple(shape), "precision": precision, **fields}
        try:
            self._tensors[name] = Tensor.model_validate(form)
        except ValidationError as problem:
            raise WorkloadError(describe_faults(where, problem)) from None

    def _resized(self, x: str, axis: int, size: int) -> tuple[int, ...]:
        """Return the shape of ``x`` with ``size`` elements along ``axis``."""
        shape = list(self.shape(x))
        if not -len(shape) <= axis < len(shape):
            message = f"workload {self.name}: axis {axis} is not an axis of {x!r}, whose shape is {shape}"
            raise WorkloadError(message)
        shape[axis] = size
        return tuple(shape)

    def _size(self, x: str, axis: int) -> int:
        self._resized(x, axis, 1)
        return self.shape(x)[axis]

    def _number(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}_{self._numbers[kind]}"


def _per_axis(value: PerAxis, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _window(spatial: Sequence[int], kernel: Sequence[int], window: Window) -> dict[str, Any]:
    axes = len(spatial)
    stride = _per_axis(window.get("stride", 1), axes)
    dilation = _per_axis(window.get("dilation", 1), axes)
    padding = window.get("padding", 0)
    pairs: Sequence[Sequence[int]]
    if padding == "same":
        pairs = [_same_padding(*sizes) for sizes in zip(spatial, kernel, stride, dilation, strict=False)]
    elif isinstance(padding, int):
        pairs = [(padding, padding)] * axes
    else:
        pairs = [(side, side) if isinstance(side, int) else tuple(side) for side in padding]
    return {"stride": stride, "dilation": dilation, "padding": tuple(pairs)}


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's rule: as many outputs as ``size / stride`` rounded up, an odd row of padding at the end."""
    total = max(0, (-(-size // max(1, stride)) - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return total // 2, total - total // 2
