"""Nodes that rename, slice, join or move data, and those that only pass it on."""

from dataclasses import replace

from simulator.workload.importers.onnx_constants import empty_value
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Value, precision_of_type
from simulator.workload.layers import Host, Movement
from simulator.workload.precision import Precision

# Between a transposed operand and its product: quantizers, and what works on elements in any order.
_TRANSPARENT = ("QuantizeLinear", "DequantizeLinear", "Identity", "Cast", "Quant", "IntQuant", "Mul", "Div", "Reshape")


def _pass_on(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    kept = value if network.drain_of(node, 0) else replace(value, drain_of="")
    return Outcome([kept, *[None] * (len(node.outputs) - 1)], "folded", "passes its input on")


def _cast(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    kind = node.element_type()
    if node.op == "Cast":
        kind = node.integer("to", kind)
    width = precision_of_type(kind)
    if width is None:
        raise node.fault(f"casts to element type {kind}, which is no number format")
    if value.quantized or _is_stored_code(value, width):
        width = value.precision  # a manual dequantizer: the codes are what is stored and read
    kept = network.drain_of(node, 0)
    cast = replace(value, element_type=kind, precision=width, drain_of=kept, array=None)
    return Outcome([cast], "folded", f"is read as {width.label}")


def _is_stored_code(value: Value, target: Precision) -> bool:
    is_narrow = value.precision.kind == "int" and value.precision.bits <= 16 and value.element_type != 9  # 9 = BOOL
    return is_narrow and target.kind == "float"


def _renamed(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    if node.shape() == value.shape:
        return _pass_on(node, network)
    return _move(node, network, [value], "reshape")


def _move(
    node: Node, network: Network, values: list[Value], op: str, *, moves_data: bool = False, detail: str = ""
) -> Outcome:
    """Emit a movement; its result keeps the codes of its operands."""
    active = [value for value in values if not value.constant] or values
    if not active:
        raise node.fault("has no operands")
    widest = max((value.precision for value in active), key=lambda width: (width.bits, width.kind == "float"))
    keeps = all(value.quantized for value in active)
    precision = widest if node.result_precision is None else None
    return network.emit(
        node,
        Movement,
        values,
        op=op,
        moves_data=moves_data,
        precision=precision,
        quantized=keeps,
        detail=detail,
    )


def _transpose(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    rank = len(value.shape)
    order = node.integers("perm", tuple(range(rank))[::-1]) or ()
    if sorted(order) != list(range(rank)):
        raise node.fault(f"perm = {list(order)} is no order of {rank} axes")
    wide = [axis for axis in order if value.shape[axis] > 1]
    if wide == sorted(wide):
        return _move(node, network, [value], "transpose", detail="only axes of size 1 change place")
    if wide[-1] == max(wide):
        return _move(node, network, [value], "transpose", detail="runs stay whole: a strided read, no copy")
    if _feeds_only_products(node.outputs[0], network):
        return _move(node, network, [value], "transpose", detail="a matrix product reads either order, no copy")
    return _move(node, network, [value], "transpose", moves_data=True, detail="elements change order: a copy")


def _feeds_only_products(name: str, network: Network, depth: int = 6) -> bool:
    readers = network.readers.get(name, ())
    return bool(readers) and all(
        reader is not None
        and (
            reader.op_type in ("MatMul", "Gemm")
            or (
                depth > 0
                and reader.op_type in _TRANSPARENT
                and _feeds_only_products(reader.output[0], network, depth - 1)
            )
        )
        for reader in readers
    )


def _concat(node: Node, network: Network) -> Outcome:
    values = [value for value in node.activations() if value.elements > 0]
    if len(values) == 1:
        return Outcome([values[0]], "folded", "one operand: nothing to join")
    return _move(node, network, values, "concat")


def _split(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    precision = node.result_precision or value.precision
    results: list[Value | None] = []
    for i, name in enumerate(node.outputs):
        if 0 in (node.results[i][0] or ()):
            results.append(empty_value(node, i))
        else:
            results.append(network.result(node, i, precision=precision, quantized=value.quantized) if name else None)
    names = [result.tensor for result in results if result is not None and not result.constant]
    network.add(node, Movement, [value], names, op="split")
    return Outcome(results)


def _slice(node: Node, network: Network) -> Outcome:
    if node.shape() == node.value(0).shape:
        return _pass_on(node, network)
    return _move(node, network, [node.value(0)], "slice")


def _pad(node: Node, network: Network) -> Outcome:
    if node.shape() == node.value(0).shape:
        return _pass_on(node, network)
    return _move(node, network, [node.value(0)], "pad", moves_data=True)


def _gather(node: Node, network: Network) -> Outcome:
    data, indices = node.value(0), node.value(1)
    where = indices.integers()
    if where is not None and node.op == "Gather" and where == list(range(where[0], where[0] + len(where))):
        return _move(node, network, [data], "gather", detail="consecutive indices: a view")
    operands = [data] if indices.constant else [data, replace(indices, quantized=True)]
    detail = "indices are constant" if indices.constant else "indices are data"
    outcome = _move(node, network, operands, "gather", moves_data=True, detail=detail)
    return _with_width_of(outcome, data, node, network)


def _with_width_of(outcome: Outcome, data: Value, node: Node, network: Network) -> Outcome:
    """Gathered elements have the table's width, not the indices'."""
    result = outcome.values[0]
    assert result is not None
    if node.result_precision is not None:
        return outcome
    quantized = data.quantized or (data.constant and data.precision.kind == "int")
    tensor = network.tensors[result.tensor]
    network.tensors[result.tensor] = tensor.model_copy(update={"precision": data.precision})
    return replace(outcome, values=[replace(result, precision=data.precision, quantized=quantized)])


def _scatter(node: Node, network: Network) -> Outcome:
    return _move(node, network, [v for v in node.activations() if not v.constant], "gather", moves_data=True)


def _expand(node: Node, network: Network) -> Outcome:
    if node.shape() == node.value(0).shape:
        return _pass_on(node, network)
    return _move(node, network, [node.value(0)], "expand", moves_data=node.op == "Tile")


def _reorder(node: Node, network: Network) -> Outcome:
    return _move(node, network, [node.value(0)], "transpose", moves_data=True, detail="elements change order: a copy")


def _host(node: Node, network: Network) -> Outcome:
    operands = [value for value in node.activations() if not value.constant]
    results = [network.result(node, i) if name else None for i, name in enumerate(node.outputs)]
    names = [result.tensor for result in results if result is not None]
    network.add(node, Host, operands, names, op="host", kind=node.op)
    return Outcome(results, "host", "left to the host")


_RENAMING: tuple[str, ...] = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
_HOST = (
    "TopK",
    "CumProd",
    "CumSum",
    "OneHot",
    "GridSample",
    "RoiAlign",
    "Trilu",
    "Bernoulli",
    "RandomNormalLike",
    "RandomUniformLike",
    "ReverseSequence",
    "EyeLike",
    "Det",
    "TensorScatter",
)

MOVEMENT_RULES: Rules = {
    **{("", name): _renamed for name in _RENAMING},
    **{("", name): _pass_on for name in ("Identity", "Dropout")},
    **{("", name): _cast for name in ("Cast", "CastLike")},
    **{("", name): _gather for name in ("Gather", "GatherElements", "GatherND")},
    **{("", name): _scatter for name in ("Scatter", "ScatterElements", "ScatterND")},
    **{("", name): _expand for name in ("Expand", "Tile")},
    **{("", name): _reorder for name in ("DepthToSpace", "SpaceToDepth")},
    **{("", name): _host for name in _HOST},
    ("", "Transpose"): _transpose,
    ("", "Concat"): _concat,
    ("", "Split"): _split,
    ("", "Slice"): _slice,
    ("", "Pad"): _pad,
}
