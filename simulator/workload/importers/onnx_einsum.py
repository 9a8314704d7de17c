"""Einsum of two operands as one batched matrix product, with the transposes and reshapes around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_products import multiply
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Elementwise, Movement, Reduction


@dataclass(frozen=True)
class Roles:
    """The labels of a two-operand Einsum by what becomes of them."""

    batch: str
    rows: str
    inner: str
    cols: str


def parse_equation(equation: str, shapes: Sequence[Shape]) -> tuple[list[str], str]:
    """Return each operand's labels and the result's, an ellipsis spelled out in labels of its own.

    Raises
    ------
    ValueError
        The equation does not fit the operands.

    Examples
    --------
    >>> parse_equation("...ij,jk->...ik", [(2, 3, 4), (4, 5)])
    (['0ij', 'jk'], '0ik')
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        message = f"equation {equation!r} has {len(terms)} terms for {len(shapes)} operands"
        raise ValueError(message)
    extra = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    widest = max((count for term, count in zip(terms, extra, strict=True) if "..." in term), default=0)
    marks = "0123456789"[:widest]
    labels = [
        term.replace("...", marks[widest - count :]) if count >= 0 else term
        for term, count in zip(terms, extra, strict=True)
    ]
    if not arrow:
        every = "".join(labels)
        right = "..." + "".join(sorted(label for label in set(every) - set(marks) if every.count(label) == 1))
    result = right.replace("...", marks)
    for label, shape in zip(labels, shapes, strict=True):
        if len(label) != len(shape) or not set(result) <= set("".join(labels)):
            message = f"equation {equation!r} does not fit operands {[list(shape) for shape in shapes]}"
            raise ValueError(message)
    return labels, result


def _einsum(node: Node, network: Network) -> Outcome:
    operands = node.activations()
    try:
        labels, result = parse_equation(node.text("equation", ""), [value.shape for value in operands])
        sizes = _sizes(labels, operands)
        node.results = [(tuple(sizes[label] for label in result), operands[0].element_type)]
        if len(operands) == 1:
            return _one(node, network, operands[0], labels[0], result)
        roles = _roles(labels, result)
    except ValueError as problem:
        raise node.fault(f"{problem}; only products of two operands are known", "write it as MatMul") from None
    if not roles.inner:
        return _outer(node, network, operands, labels, (roles, result))
    return _product(node, network, operands, labels, (roles, result, sizes))


def _sizes(labels: Sequence[str], operands: Sequence[Value]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for label, value in zip(labels, operands, strict=True):
        if len(set(label)) != len(label):
            message = f"a label is repeated within {label!r}"
            raise ValueError(message)
        for letter, size in zip(label, value.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                message = f"label {letter!r} is {sizes[letter]} and {size}"
                raise ValueError(message)
    return sizes


def _roles(labels: Sequence[str], result: str) -> Roles:
    if len(labels) != 2:
        message = f"{len(labels)} operands"
        raise ValueError(message)
    left, right = labels
    if any(letter not in result and (letter not in left or letter not in right) for letter in left + right):
        message = "a label of one operand is summed away"
        raise ValueError(message)
    return Roles(
        batch="".join(letter for letter in result if letter in left and letter in right),
        rows="".join(letter for letter in result if letter in left and letter not in right),
        inner="".join(letter for letter in left if letter in right and letter not in result),
        cols="".join(letter for letter in result if letter in right and letter not in left),
    )


def _one(node: Node, network: Network, value: Value, label: str, result: str) -> Outcome:
    summed = tuple(i for i, letter in enumerate(label) if letter not in result)
    if not summed:
        return network.emit(node, Movement, [value], op="transpose", moves_data=label != result)
    kept = "".join(letter for letter in label if letter in result)
    if kept != result:
        message = "one operand is both summed and transposed"
        raise ValueError(message)
    return network.emit(node, Reduction, [value], op="reduction", function="sum", axes=summed)


def _outer(
    node: Node, network: Network, operands: Sequence[Value], labels: Sequence[str], form: tuple[Roles, str]
) -> Outcome:
    """No label is summed: an elementwise product of the operands, each broadcast."""
    _, result = form
    parts = []
    for i, (value, label) in enumerate(zip(operands, labels, strict=True)):
        ordered = _arranged(node, network, value, label, "".join(x for x in result if x in label), f".operand{i}")
        sizes = dict(zip(label, value.shape, strict=True))
        parts.append(_reshaped(node, network, ordered, tuple(sizes.get(x, 1) for x in result), f".operand{i}.wide"))
    return network.emit(node, Elementwise, parts, op="mul")


def _product(
    node: Node,
    network: Network,
    operands: Sequence[Value],
    labels: Sequence[str],
    form: tuple[Roles, str, Mapping[str, int]],
) -> Outcome:
    roles, result, sizes = form
    rows, inner, cols, batch = (
        prod(sizes[letter] for letter in part) for part in (roles.rows, roles.inner, roles.cols, roles.batch)
    )
    left = _arranged(node, network, operands[0], labels[0], roles.batch + roles.rows + roles.inner, ".left")
    right = _arranged(node, network, operands[1], labels[1], roles.batch + roles.inner + roles.cols, ".right")
    lead = (batch,) if roles.batch else ()
    left = _reshaped(node, network, left, (*lead, rows, inner), ".left.matrix")
    right = _reshaped(node, network, right, (*lead, inner, cols), ".right.matrix")
    product, _ = multiply(node, network, left, right, suffix=".product")
    order = roles.batch + roles.rows + roles.cols
    parts = _reshaped(node, network, product, tuple(sizes[letter] for letter in order), ".product.axes")
    place = network.result(node)
    turned = order != result
    network.add(node, Movement, [parts], [place.tensor], op="transpose" if turned else "reshape")
    return Outcome([replace(place, precision=product.precision)], "mapped", "as one matrix product")


def _arranged(node: Node, network: Network, value: Value, label: str, wanted: str, suffix: str) -> Value:
    """Return ``value`` with its axes in the wanted order: free, a product's operands are read by strides."""
    if label == wanted:
        return value
    shape = tuple(value.shape[label.index(letter)] for letter in wanted)
    if value.constant:
        return replace(value, shape=shape, array=None)
    return network.step(node, Movement, [value], shape, f"{suffix}.turned", op="transpose")


def _reshaped(node: Node, network: Network, value: Value, shape: Shape, suffix: str) -> Value:
    if value.shape == shape:
        return value
    if value.constant:
        return replace(value, shape=shape, array=None)
    return network.step(node, Movement, [value], shape, suffix, op="reshape")


EINSUM_RULES: Rules = {("", "Einsum"): _einsum}
