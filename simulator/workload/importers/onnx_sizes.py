"""Result shapes of operators that resize, select or make data: their size is computed, not only rearranged."""

from collections.abc import Callable, Mapping
from math import ceil, floor

from simulator.workload.importers.onnx_axes import constant_integers, constant_numbers, normal_axes
from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_values import Shape

Shapes = list[Shape | None]


def _resize(node: Node) -> Shapes:
    shape = node.value(0).shape
    scales, sizes = constant_numbers(node.optional(2 if node.opset >= 11 else 1)), None
    if node.opset >= 11:
        sizes = constant_numbers(node.optional(3))
    given = scales or sizes
    if given is None:
        message = "neither scales nor sizes are given"
        raise ValueError(message)
    axes = normal_axes(node.integers("axes") or list(range(len(shape))), len(shape))
    if sizes:
        factors = [size / shape[axis] for axis, size in zip(axes, sizes, strict=True)]
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            given = [floor(factor * shape[axis] + 0.5) for axis in axes]
    else:
        given = [floor(shape[axis] * scale) for axis, scale in zip(axes, given, strict=True)]
    target = list(shape)
    for axis, size in zip(axes, given, strict=True):
        target[axis] = int(size)
    return [tuple(target)]


def _upsample(node: Node) -> Shapes:
    shape = node.value(0).shape
    scales = constant_numbers(node.optional(1)) or node.attributes.get("scales")
    if scales is None:
        scales = [1, 1, node.number("height_scale", 1), node.number("width_scale", 1)]
    return [tuple(floor(size * float(scale)) for size, scale in zip(shape, scales, strict=True))]


def _depth_to_space(node: Node) -> Shapes:
    batch, depth, rows, cols = node.value(0).shape
    block = node.integer("blocksize", 0)
    if node.op == "SpaceToDepth":
        return [(batch, depth * block * block, rows // block, cols // block)]
    return [(batch, depth // (block * block), rows * block, cols * block)]


def _top_k(node: Node) -> Shapes:
    shape = list(node.value(0).shape)
    axis = normal_axes([node.integer("axis", -1)], len(shape))[0]
    count = constant_integers(node, 1) or [node.integer("k", 0)]
    shape[axis] = count[0]
    return [tuple(shape)] * 2


def _one_hot(node: Node) -> Shapes:
    shape = list(node.value(0).shape)
    depth = constant_numbers(node.optional(1)) or [0]
    axis = normal_axes([node.integer("axis", -1)], len(shape) + 1)[0]
    shape.insert(axis, int(depth[0]))
    return [tuple(shape)]


def _constant_of_shape(node: Node) -> Shapes:
    return [tuple(constant_integers(node, 0) or ())]


def _range(node: Node) -> Shapes:
    numbers = [constant_numbers(node.optional(i)) for i in range(3)]
    if any(number is None for number in numbers):
        message = "start, limit or delta is missing"
        raise ValueError(message)
    start, limit, delta = (number[0] for number in numbers if number is not None)
    return [(max(0, ceil((limit - start) / delta)),)]


def _grid_sample(node: Node) -> Shapes:
    data, grid = node.value(0).shape, node.value(1).shape
    return [(*data[:2], *grid[1:-1])]


def _roi_align(node: Node) -> Shapes:
    size = node.integer("output_height", 1), node.integer("output_width", 1)
    return [(node.value(1).shape[0], node.value(0).shape[1], *size)]


def _determinant(node: Node) -> Shapes:
    return [node.value(0).shape[:-2]]


SIZE_RULES: Mapping[str, Callable[[Node], Shapes]] = {
    "Resize": _resize,
    "Upsample": _upsample,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _depth_to_space,
    "TopK": _top_k,
    "OneHot": _one_hot,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "GridSample": _grid_sample,
    "RoiAlign": _roi_align,
    "Det": _determinant,
}
