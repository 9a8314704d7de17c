"""Matrix products: Gemm and MatMul, with a constant on either side or on neither."""

from dataclasses import replace

from simulator.workload.importers.onnx_convolutions import drained
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Elementwise, Gemm, Matmul, Movement
from simulator.workload.shapes import broadcast


def swapped(shape: Shape) -> Shape:
    """Return ``shape`` with its last two axes exchanged."""
    return (*shape[:-2], *reversed(shape[-2:]))


def multiply(
    node: Node,
    network: Network,
    left: Value,
    right: Value,
    *,
    turns: tuple[bool, bool] = (False, False),
    suffix: str = "",
) -> tuple[Value, int]:
    """Add the layers of ``left x right``; return the result and the axis of its channels.

    Parameters
    ----------
    turns : (bool, bool)
        Exchange the last two axes of the left, of the right operand first.
    suffix : str
        Appended to the node's name where the node takes several layers; empty for its only one.
    """
    try:
        shape = _product_shape(left.shape, right.shape, turns)
    except ValueError as problem:
        raise node.fault(str(problem)) from None
    if right.constant and _is_matrix(right.shape, len(left.shape)):
        weight = replace(right, shape=right.shape[-2:])
        return _gemm_layer(node, network, (left, weight), shape, turns, suffix), -1
    if left.constant and len(left.shape) == 2 and len(right.shape) > 1:
        return _weight_first(node, network, (left, right), shape, turns, suffix), -2
    operands = [
        turned(node, network, value, f"{suffix}.{side}") if turn else value
        for value, turn, side in ((left, turns[0], "left"), (right, turns[1], "right"))
    ]
    tensor = _place(node, network, shape, suffix)
    network.add(node, Matmul, operands, [tensor.tensor], suffix=suffix, op="matmul")
    return tensor, -1


def _product_shape(left: Shape, right: Shape, turns: tuple[bool, bool]) -> Shape:
    a = swapped(left) if turns[0] else left
    b = swapped(right) if turns[1] else right
    inner = b[-2] if len(b) > 1 else b[0] if b else 0
    if not a or not b or a[-1] != inner:
        message = f"{list(a)} x {list(b)} is no matrix product"
        raise ValueError(message)
    rows = a[-2:-1] if len(a) > 1 else ()
    cols = b[-1:] if len(b) > 1 else ()
    return (*broadcast([a[:-2], b[:-2]]), *rows, *cols)


def _is_matrix(shape: Shape, rank: int) -> bool:
    return len(shape) == 2 or (2 < len(shape) <= rank and all(size == 1 for size in shape[:-2]))


def _place(node: Node, network: Network, shape: Shape, suffix: str) -> Value:
    """Register the tensor of a product: the node's own result, or an inner one."""
    return network.result(node, 0, shape=shape, suffix=suffix)


def _gemm_layer(
    node: Node,
    network: Network,
    operands: tuple[Value, Value],
    shape: Shape,
    turns: tuple[bool, bool],
    suffix: str,
) -> Value:
    result = _place(node, network, shape, suffix)
    network.add(
        node,
        Gemm,
        operands,
        [result.tensor],
        suffix=suffix,
        op="gemm",
        transpose_ifmap=turns[0],
        transpose_weight=turns[1],
    )
    return result


def _weight_first(
    node: Node,
    network: Network,
    operands: tuple[Value, Value],
    shape: Shape,
    turns: tuple[bool, bool],
    suffix: str,
) -> Value:
    """``W X`` as the transpose of ``X' W'``: the weight stays the stationary operand."""
    weight, ifmap = operands
    inner = network.result(node, 0, shape=swapped(shape), suffix=f"{suffix}.turned")
    name = f"{suffix}.product"
    flags = {"transpose_ifmap": not turns[1], "transpose_weight": not turns[0]}
    network.add(node, Gemm, [ifmap, weight], [inner.tensor], suffix=name, op="gemm", **flags)
    result = _place(node, network, shape, suffix)
    network.add(node, Movement, [inner], [result.tensor], suffix=suffix, op="transpose")
    return result


def turned(node: Node, network: Network, value: Value, suffix: str) -> Value:
    """Return ``value`` with its last two axes exchanged: free, a matrix product reads its operands in either order."""
    if value.constant:
        return replace(value, shape=swapped(value.shape), array=None)
    return network.step(node, Movement, [value], swapped(value.shape), f"{suffix}_transpose", op="transpose")


def _matmul(node: Node, network: Network) -> Outcome:
    turns = (bool(node.integer("transA", 0)), bool(node.integer("transB", 0)))
    if node.integer("transBatchA", 0) or node.integer("transBatchB", 0):
        raise node.fault("transBatchA and transBatchB are not supported", "export without operator fusion")
    result, axis = multiply(node, network, node.value(0), node.value(1), turns=turns)
    return drained(network, Outcome([result]), node.name, axis)


def _gemm(node: Node, network: Network) -> Outcome:
    turns = (bool(node.integer("transA", 0)), bool(node.integer("transB", 0)))
    addend = node.optional(2)
    if any(len(node.value(i).shape) != 2 for i in (0, 1)):
        raise node.fault(f"operands {list(node.value(0).shape)} and {list(node.value(1).shape)} must be matrices")
    if addend is None or addend.constant:
        result, axis = multiply(node, network, node.value(0), node.value(1), turns=turns)
        return drained(network, Outcome([result]), node.name, axis, addend)
    product, _ = multiply(node, network, node.value(0), node.value(1), turns=turns, suffix=".product")
    return network.emit(node, Elementwise, [product, addend], op="add", detail="the product and its sum with C")


PRODUCT_RULES: Rules = {
    ("", "MatMul"): _matmul,
    ("", "Gemm"): _gemm,
    ("com.microsoft", "FusedMatMul"): _matmul,
    ("com.microsoft", "TransposeMatMul"): _matmul,
}
