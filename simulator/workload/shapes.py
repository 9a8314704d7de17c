"""Output shapes of layers, inferred from their operands. Every operator's rule in one place.

``infer_output_shape`` raises :class:`ValueError` with the reason; the graph adds the layer's name and the file.
"""

from collections.abc import Callable, Sequence
from math import prod

from simulator.workload.layers import (
    Activation,
    Conv,
    ConvTranspose,
    Elementwise,
    Gemm,
    Layer,
    Matmul,
    Movement,
    Normalization,
    Pool,
    Recurrent,
    Reduction,
    Softmax,
)

Shape = tuple[int, ...]


def infer_output_shape(layer: Layer, shapes: Sequence[Shape]) -> Shape | None:
    """Return the first output's shape, or None where the operator alone does not fix it (reshape, resize, host...).

    Parameters
    ----------
    layer : Layer
        The operator and its attributes.
    shapes : sequence of tuple of int
        Shape of each of ``layer.inputs``, in order.

    Raises
    ------
    ValueError
        The operands do not fit each other; the message says which and why.

    Examples
    --------
    >>> gemm = Gemm(name="fc", op="gemm", inputs=("x", "w"), outputs=("y",))
    >>> infer_output_shape(gemm, [(1, 2048), (2048, 1000)])
    (1, 1000)
    """
    rule = _RULES.get(type(layer))
    return None if rule is None else rule(layer, list(shapes))


def _window(
    size: int, kernel: int, stride: int, dilation: int, pad: tuple[int, int], *, ceil_mode: bool = False
) -> int:
    span = size + pad[0] + pad[1] - ((kernel - 1) * dilation + 1)
    steps = -(-span // stride) if ceil_mode else span // stride
    if steps < 0:  # ceil_mode keeps a first window that hangs over the end by less than a stride
        message = f"a window of {(kernel - 1) * dilation + 1} does not fit {size} + padding {pad[0]} + {pad[1]}"
        raise ValueError(message)
    if ceil_mode:  # the last window must start inside the input or the padding before it
        steps = min(steps, (size + pad[0] - 1) // stride)
    return steps + 1


def _need(count: int, shapes: list[Shape]) -> None:
    if len(shapes) < count:
        message = f"needs at least {count} inputs, has {len(shapes)}"
        raise ValueError(message)


def _check_axes(axes: int, **attributes: Sequence[object]) -> None:
    for name, value in attributes.items():
        if len(value) != axes:
            message = f"{name} has {len(value)} entries for {axes} spatial axes"
            raise ValueError(message)


def _check_bias(shapes: list[Shape], channels: int) -> None:
    if len(shapes) > 2 and tuple(shapes[2]) != (channels,):
        message = f"bias {shapes[2]} must be ({channels},): one for each output channel"
        raise ValueError(message)


def _conv(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Conv)
    _need(2, shapes)
    ifmap, weight = shapes[0], shapes[1]
    axes = int(layer.op[-2])
    if len(ifmap) != axes + 2 or len(weight) != axes + 2:
        message = f"ifmap {ifmap} and weight {weight} need {axes + 2} axes each"
        raise ValueError(message)
    _check_axes(axes, stride=layer.stride, dilation=layer.dilation, padding=layer.padding)
    if ifmap[1] != weight[1] * layer.groups or weight[0] % layer.groups:
        message = f"{ifmap[1]} input channels, weight {weight} and groups = {layer.groups} disagree"
        raise ValueError(message)
    _check_bias(shapes, weight[0])
    spatial = [
        _window(ifmap[2 + i], weight[2 + i], layer.stride[i], layer.dilation[i], layer.padding[i]) for i in range(axes)
    ]
    return (ifmap[0], weight[0], *spatial)


def _conv_transpose(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, ConvTranspose)
    _need(2, shapes)
    ifmap, weight = shapes[0], shapes[1]
    axes = int(layer.op[-2])
    if len(ifmap) != axes + 2 or len(weight) != axes + 2:
        message = f"ifmap {ifmap} and weight {weight} need {axes + 2} axes each"
        raise ValueError(message)
    _check_axes(
        axes,
        stride=layer.stride,
        dilation=layer.dilation,
        padding=layer.padding,
        output_padding=layer.output_padding,
    )
    if ifmap[1] != weight[0] or weight[0] % layer.groups:
        message = f"{ifmap[1]} input channels, weight {weight} and groups = {layer.groups} disagree"
        raise ValueError(message)
    _check_bias(shapes, weight[1] * layer.groups)
    _check_output_padding(layer)
    spatial = []
    for i in range(axes):
        kernel = (weight[2 + i] - 1) * layer.dilation[i] + 1
        size = (ifmap[2 + i] - 1) * layer.stride[i] + kernel - sum(layer.padding[i]) + layer.output_padding[i]
        if size < 1:
            message = f"spatial axis {i} would have {size} elements; reduce the padding {layer.padding[i]}"
            raise ValueError(message)
        spatial.append(size)
    return (ifmap[0], weight[1] * layer.groups, *spatial)


def _check_output_padding(layer: ConvTranspose) -> None:
    """Refuse rows beyond what stride or dilation leave open (ONNX and PyTorch do so): no tap would ever reach them."""
    for i, (extra, stride, dilation) in enumerate(zip(layer.output_padding, layer.stride, layer.dilation, strict=True)):
        if extra >= max(stride, dilation):
            message = (
                f"output_padding.{i} = {extra} must be less than stride.{i} = {stride} or dilation.{i} = {dilation}"
            )
            raise ValueError(message)


def _gemm(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Gemm)
    _need(2, shapes)
    ifmap = (*shapes[0][:-2], *reversed(shapes[0][-2:])) if layer.transpose_ifmap else shapes[0]
    weight = tuple(reversed(shapes[1])) if layer.transpose_weight else shapes[1]
    if not ifmap or len(weight) != 2 or ifmap[-1] != weight[0]:
        message = f"ifmap {ifmap} x weight {weight} (after transposes) is no matrix product [.., inner] x [inner, cols]"
        raise ValueError(message)
    ofmap = (*ifmap[:-1], weight[1])
    if len(shapes) > 2 and broadcast([ofmap, shapes[2]]) != ofmap:
        message = f"bias {shapes[2]} does not broadcast to the product's {ofmap}"
        raise ValueError(message)
    return ofmap


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that ``shapes`` broadcast to (numpy's rule).

    Examples
    --------
    >>> broadcast([(8, 1, 4), (3, 1)])
    (8, 3, 4)
    """
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            message = f"shapes {list(shapes)} do not broadcast"
            raise ValueError(message)
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def _matmul(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Matmul)
    _need(2, shapes)
    left = shapes[0] if len(shapes[0]) > 1 else (1, *shapes[0])
    right = shapes[1] if len(shapes[1]) > 1 else (*shapes[1], 1)
    if not shapes[0] or not shapes[1] or left[-1] != right[-2]:
        message = f"{shapes[0]} x {shapes[1]} is no matrix product"
        raise ValueError(message)
    rows = () if len(shapes[0]) == 1 else (left[-2],)
    cols = () if len(shapes[1]) == 1 else (right[-1],)
    return (*broadcast([left[:-2], right[:-2]]), *rows, *cols)


def _recurrent(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Recurrent)
    _need(3, shapes)
    if len(shapes[0]) != 3:
        message = f"ifmap {shapes[0]} must be [time, N, input]"
        raise ValueError(message)
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[layer.op]
    time, batch, width = shapes[0]
    expected = (layer.directions, gates * layer.hidden_size, width)
    if tuple(shapes[1]) != expected:
        message = f"input weights {shapes[1]} must be [directions, {gates} x hidden, input] = {expected}"
        raise ValueError(message)
    expected = (layer.directions, gates * layer.hidden_size, layer.hidden_size)
    if tuple(shapes[2]) != expected:
        message = f"recurrent weights {shapes[2]} must be [directions, {gates} x hidden, hidden] = {expected}"
        raise ValueError(message)
    return (time, layer.directions, batch, layer.hidden_size)


def _pool(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Pool)
    _need(1, shapes)
    ifmap = shapes[0]
    axes = len(ifmap) - 2
    if axes < 1:
        message = f"ifmap {ifmap} must be [N, C, spatial...]"
        raise ValueError(message)
    _check_axes(axes, kernel=layer.kernel, stride=layer.stride, dilation=layer.dilation, padding=layer.padding)
    spatial = [
        _window(
            ifmap[2 + i],
            layer.kernel[i],
            layer.stride[i],
            layer.dilation[i],
            layer.padding[i],
            ceil_mode=layer.ceil_mode,
        )
        for i in range(axes)
    ]
    return (*ifmap[:2], *spatial)


def _elementwise(layer: Layer, shapes: list[Shape]) -> Shape:
    assert isinstance(layer, Elementwise)
    _need({"where": 3}.get(layer.op, 2), shapes)
    return broadcast(shapes)


def _same(layer: Layer, shapes: list[Shape]) -> Shape:
    _need(1, shapes)
    rank = len(shapes[0])
    if isinstance(layer, Softmax) and not -rank <= layer.axis < rank:
        message = f"axis = {layer.axis} is not an axis of {shapes[0]}"
        raise ValueError(message)
    return tuple(shapes[0])


_RULES: dict[type, Callable[[Layer, list[Shape]], Shape]] = {
    Conv: _conv,
    ConvTranspose: _conv_transpose,
    Gemm: _gemm,
    Matmul: _matmul,
    Recurrent: _recurrent,
    Pool: _pool,
    Elementwise: _elementwise,
    Activation: _same,
    Softmax: _same,
    Normalization: _same,
}


def check_reduction(layer: Reduction, inputs: Sequence[Shape]) -> None:
    """Check that every axis a reduction names exists, and is named once.

    Parameters
    ----------
    layer : Reduction
        The operator.
    inputs : sequence of tuple of int
        Shapes of its operands.

    Raises
    ------
    ValueError
        An axis does not exist or occurs twice; says which.

    Examples
    --------
    >>> mean = Reduction(name="mean", inputs=("x",), outputs=("y",), op="reduction", function="mean", axes=(-1,))
    >>> check_reduction(mean, [(2, 8)])
    """
    rank = len(inputs[0])
    beyond = [axis for axis in layer.axes if not -rank <= axis < rank]
    if beyond:
        message = f"axes = {list(layer.axes)}: {beyond[0]} is not an axis of {inputs[0]}"
        raise ValueError(message)
    if len({axis % rank for axis in layer.axes}) < len(layer.axes):
        message = f"axes = {list(layer.axes)} of {inputs[0]}: an axis is named twice; name each once"
        raise ValueError(message)


def check_movement(layer: Movement, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> None:
    """Check that a movement neither makes nor loses elements where its operator cannot.

    Parameters
    ----------
    layer : Movement
        The operator.
    inputs, outputs : sequence of tuple of int
        Shapes of ``layer.inputs`` and ``layer.outputs``, in order.

    Raises
    ------
    ValueError
        A reshape, transpose, split or concat whose two sides differ in elements.
    """
    _need(1, list(inputs))
    before = sum(prod(shape) for shape in (inputs if layer.op == "concat" else inputs[:1]))
    after = sum(prod(shape) for shape in outputs)
    if layer.op in _CONSERVING and before != after:
        message = f"{before} elements go in and {after} come out; give the outputs' shapes that many in all"
        raise ValueError(message)


_CONSERVING = ("reshape", "transpose", "split", "concat")


def elements(shape: Shape) -> int:
    """Return the number of elements of ``shape`` (1 for a scalar)."""
    return prod(shape)
