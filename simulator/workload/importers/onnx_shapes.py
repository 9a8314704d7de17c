"""Result shapes and element types of ONNX operators, in plain Python.

The C++ shape inference of the ``onnx`` package aborts the process or hangs on some damaged models (a Split with fewer
parts than results, a Slice without starts), and stops in silence at operators it does not know: a file from a stranger
must do neither. The tests hold these rules equal to the package's own test models.

Operators that are layers have their rule in :mod:`simulator.workload.shapes`; here are those that rename, move, fold.
A rule returns None for a shape that depends on data.
"""

from collections.abc import Callable
from math import prod

from onnx import TensorProto

from simulator.workload.importers.onnx_axes import constant_integers, normal_axes, reduced_axes
from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_sizes import SIZE_RULES
from simulator.workload.importers.onnx_values import Shape
from simulator.workload.shapes import broadcast

Shapes = list[Shape | None]
_BOOLEAN = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf")


def infer_results(node: Node) -> list[tuple[Shape | None, int]]:
    """Return shape (None where open) and element type of each output of ``node``.

    Raises
    ------
    WorkloadError
        The operands do not fit the operator.
    """
    rule = _RULES.get(node.op) if not node.domain else None
    shapes: Shapes = []
    if rule is not None and node.activations():
        try:
            shapes = rule(node)
        except (ValueError, IndexError, ZeroDivisionError, OverflowError) as problem:
            raise node.fault(
                f"operands {[list(value.shape) for value in node.activations()]} do not fit ({problem})"
            ) from None
    return [(shapes[i] if i < len(shapes) else None, _element_type(node, i)) for i in range(len(node.outputs))]


def _element_type(node: Node, index: int) -> int:
    given = node.activations()
    first = given[0].element_type if given else int(TensorProto.FLOAT)
    if node.op in _BOOLEAN or (node.op == "Dropout" and index == 1):
        return int(TensorProto.BOOL)
    if node.op in ("ArgMax", "ArgMin", "Shape", "Size", "NonZero") or (node.op in ("TopK", "MaxPool") and index == 1):
        return int(TensorProto.INT64)
    if node.op == "Cast":
        return node.integer("to", first)
    if node.op in ("RandomNormal", "RandomUniform", "EyeLike", "Bernoulli", "Multinomial"):
        return node.integer("dtype", first)
    if node.op == "ConstantOfShape":
        filling = node.attributes.get("value")
        return int(filling.data_type) if isinstance(filling, TensorProto) else int(TensorProto.FLOAT)
    source = {"CastLike": 1, "Where": 1, "OneHot": 2}.get(node.op, 0)
    value = node.optional(source)
    return value.element_type if value is not None else first


def _same(node: Node) -> Shapes:
    return [node.value(0).shape] * max(1, len(node.outputs))


def _batch_normalization(node: Node) -> Shapes:
    return [node.value(0).shape]


def _broadcast(node: Node) -> Shapes:
    return [broadcast([value.shape for value in node.activations()])]


def _reshape(node: Node) -> Shapes:
    shape = node.value(0).shape
    target = constant_integers(node, 1, "shape")
    if target is None or target.count(-1) > 1 or any(size < -1 for size in target):
        message = f"target shape {target}"
        raise ValueError(message)
    if not node.integer("allowzero", 0):
        target = [shape[i] if size == 0 else size for i, size in enumerate(target)]
    if -1 in target:
        rest = prod(size for size in target if size != -1)
        count = prod(shape)
        target[target.index(-1)] = count // rest if rest else 0
    if prod(target) != prod(shape):
        message = f"{list(shape)} has no shape {target}"
        raise ValueError(message)
    return [tuple(target)]


def _flatten(node: Node) -> Shapes:
    shape, axis = node.value(0).shape, node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        message = f"axis {axis}"
        raise ValueError(message)
    return [(prod(shape[:axis]), prod(shape[axis:]))] if axis else [(1, prod(shape))]


def _squeeze(node: Node) -> Shapes:
    shape = node.value(0).shape
    axes = constant_integers(node, 1, "axes")
    gone = normal_axes(axes, len(shape)) if axes is not None else [i for i, size in enumerate(shape) if size == 1]
    if any(shape[axis] != 1 for axis in gone):
        message = f"axes {gone} of {list(shape)} are not all of size 1"
        raise ValueError(message)
    return [tuple(size for i, size in enumerate(shape) if i not in gone)]


def _unsqueeze(node: Node) -> Shapes:
    shape, axes = node.value(0).shape, constant_integers(node, 1, "axes") or []
    rank = len(shape) + len(axes)
    new = set(normal_axes(axes, rank))
    if len(new) != len(axes):
        message = f"axes {axes} repeat"
        raise ValueError(message)
    old = iter(shape)
    return [tuple(1 if i in new else next(old) for i in range(rank))]


def _transpose(node: Node) -> Shapes:
    shape = node.value(0).shape
    order = node.integers("perm", tuple(range(len(shape)))[::-1]) or ()
    if sorted(order) != list(range(len(shape))):
        message = f"perm {list(order)}"
        raise ValueError(message)
    return [tuple(shape[axis] for axis in order)]


def _concat(node: Node) -> Shapes:
    shapes = [value.shape for value in node.activations()]
    axis = normal_axes([node.integer("axis", 1)], len(shapes[0]))[0]
    for shape in shapes:
        if len(shape) != len(shapes[0]) or any(
            a != b for i, (a, b) in enumerate(zip(shape, shapes[0], strict=True)) if i != axis
        ):
            message = f"axis {axis} does not join them"
            raise ValueError(message)
    return [(*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])]


def _split(node: Node) -> Shapes:
    shape = node.value(0).shape
    axis = normal_axes([node.integer("axis", 0)], len(shape))[0]
    parts = constant_integers(node, 1, "split")
    if parts is None:
        count = node.integer("num_outputs", len(node.outputs))
        size = -(-shape[axis] // count) if count > 0 else 0
        parts = [max(0, min(size, shape[axis] - i * size)) for i in range(count)] if 0 < count <= 100_000 else []
    if sum(parts) != shape[axis] or min(parts, default=0) < 0 or len(parts) != len(node.outputs):
        message = f"parts {parts[:8]} for {len(node.outputs)} results of axis {axis}"
        raise ValueError(message)
    return [(*shape[:axis], part, *shape[axis + 1 :]) for part in parts]


def _slice(node: Node) -> Shapes:
    shape = list(node.value(0).shape)
    starts, ends = constant_integers(node, 1, "starts"), constant_integers(node, 2, "ends")
    if starts is None or ends is None:
        message = "starts or ends are missing"
        raise ValueError(message)
    axes = constant_integers(node, 3, "axes") or list(range(len(starts)))
    steps = constant_integers(node, 4) or [1] * len(starts)
    for axis, start, end, step in zip(normal_axes(axes, len(shape)), starts, ends, steps, strict=True):
        shape[axis] = len(range(*slice(start, end, step).indices(shape[axis])))
    return [tuple(shape)]


def _pad(node: Node) -> Shapes:
    shape = list(node.value(0).shape)
    pads = constant_integers(node, 1, "pads" if "pads" in node.attributes else "paddings")
    axes = normal_axes(constant_integers(node, 3) or list(range(len(shape))), len(shape))
    if pads is None or len(pads) != 2 * len(axes):
        message = f"pads {pads}"
        raise ValueError(message)
    for i, axis in enumerate(axes):
        shape[axis] += pads[i] + pads[len(axes) + i]
    return [tuple(shape)]


def _gather(node: Node) -> Shapes:
    data, indices = node.value(0).shape, node.value(1).shape
    axis = normal_axes([node.integer("axis", 0)], len(data))[0]
    return [(*data[:axis], *indices, *data[axis + 1 :])]


def _gather_elements(node: Node) -> Shapes:
    return [node.value(1).shape]


def _gather_nd(node: Node) -> Shapes:
    data, indices, batch = node.value(0).shape, node.value(1).shape, node.integer("batch_dims", 0)
    depth = indices[-1]
    if not 0 <= batch < len(indices) or batch + depth > len(data):
        message = f"batch_dims {batch}"
        raise ValueError(message)
    return [(*indices[:-1], *data[batch + depth :])]


def _expand(node: Node) -> Shapes:
    target = constant_integers(node, 1)
    if target is None or any(size < 0 for size in target):
        message = f"target shape {target}"
        raise ValueError(message)
    return [broadcast([node.value(0).shape, tuple(target)])]


def _tile(node: Node) -> Shapes:
    shape, repeats = node.value(0).shape, constant_integers(node, 1)
    if repeats is None or min(repeats, default=0) < 0:
        message = f"repeats {repeats}"
        raise ValueError(message)
    return [tuple(size * times for size, times in zip(shape, repeats, strict=True))]


def _reduce(node: Node) -> Shapes:
    shape, axes = node.value(0).shape, reduced_axes(node)
    if node.integer("keepdims", 1):
        return [tuple(1 if i in axes else size for i, size in enumerate(shape))]
    return [tuple(size for i, size in enumerate(shape) if i not in axes)]


def _matmul(node: Node) -> Shapes:
    left, right = node.value(0).shape, node.value(1).shape
    if len(left) < 2 or len(right) < 2:
        return [None]
    return [(*broadcast([left[:-2], right[:-2]]), left[-2], right[-1])]


_SAME = """Identity Dropout Cast CastLike CumSum CumProd Trilu ReverseSequence Bernoulli RandomNormalLike
    RandomUniformLike EyeLike Scatter ScatterElements ScatterND TensorScatter Clip Softmax LogSoftmax Hardmax PRelu
    Abs Ceil Erf Exp Floor Log Neg Not Reciprocal Relu Round Sigmoid Sign Sqrt Tanh Sin Cos LpNormalization
    IsNaN IsInf"""
_BROADCAST = """Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max
    Mean Min Mod Mul Or Pow Sub Sum Where Xor"""
_REDUCTIONS = """ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare"""

_RULES: dict[str, Callable[[Node], Shapes]] = {
    **SIZE_RULES,
    **dict.fromkeys(_SAME.split(), _same),
    **dict.fromkeys(_BROADCAST.split(), _broadcast),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    "BatchNormalization": _batch_normalization,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Expand": _expand,
    "Tile": _tile,
    "MatMul": _matmul,
}
