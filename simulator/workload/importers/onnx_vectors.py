"""Vector layers: elementwise operations, activations, softmax, normalization, reductions, resizing; and what folds."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from simulator.workload.importers.onnx_axes import reduced_axes
from simulator.workload.importers.onnx_convolutions import drained
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rule, Rules
from simulator.workload.importers.onnx_precision import bounds, is_code, narrow_codes
from simulator.workload.importers.onnx_values import Value
from simulator.workload.layers import Activation, Elementwise, Normalization, Reduction, Resize, Softmax

_ELEMENTWISE = {
    "Add": "add",
    "Sum": "add",
    "Mean": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "div",
    "Mod": "div",
    "Min": "minimum",
    "Max": "maximum",
    "Pow": "power",
    "Where": "where",
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor"), "compare"),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift"), "compare"),
}
_FOLDING = ("Add", "Sum", "Sub", "Mul", "Div")

_FUNCTIONS = (
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitwiseNot",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Log",
    "Mish",
    "Neg",
    "Not",
    "PRelu",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
)
_CODE_KEEPING = ("Relu", "Abs", "Sign")  # the result is a subset of the operand's codes

_NORMALIZATIONS = {
    "BatchNormalization": "batch",
    "LayerNormalization": "layer",
    "GroupNormalization": "group",
    "InstanceNormalization": "instance",
    "MeanVarianceNormalization": "instance",
    "RMSNormalization": "rms",
    "SimplifiedLayerNormalization": "rms",
    "LRN": "lrn",
    "LpNormalization": "lp",
}
_REDUCTIONS = {
    "ReduceSum": "sum",
    "ReduceMean": "mean",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "prod",
    "ReduceL1": "l1",
    "ReduceL2": "l2",
    "ReduceLogSum": "log_sum",
    "ReduceLogSumExp": "log_sum_exp",
    "ReduceSumSquare": "sum_square",
    "ArgMax": "argmax",
    "ArgMin": "argmin",
}


def _elementwise(node: Node, network: Network) -> Outcome:
    operands = node.activations()
    if len(operands) == 1:
        return Outcome([operands[0]], "folded", "one operand: nothing to combine")
    drain = _drain_operand(node, network)
    if drain is not None:
        value = replace(node.value(drain), element_type=node.element_type(), precision=node.default_precision())
        detail = f"a scale or shift in the drain of {value.drain_of!r}"
        if node.op in ("Add", "Sum", "Sub"):
            network.add_bias(value.drain_of, node.value(1 - drain))
        return Outcome([value], "folded", detail)
    return network.emit(node, Elementwise, operands, op=_ELEMENTWISE[node.op])


def _drain_operand(node: Node, network: Network) -> int | None:
    """Index of the operand whose MAC layer this scale or shift folds into, or None."""
    if node.op not in _FOLDING or len(node.inputs) != 2 or node.result_precision is not None:
        return None
    for index, other in ((0, 1), (1, 0)):
        layer = network.drain_of(node, index)
        if not layer or (node.op == "Div" and index == 1) or node.value(index).quantized:
            continue
        value, constant = node.value(index), node.value(other)
        if constant.constant and _is_per_channel(constant, value, network.channel_axis[layer]):
            return index
    return None


def _is_per_channel(constant: Value, value: Value, axis: int) -> bool:
    rank = len(value.shape)
    channel = axis % rank if rank else 0
    padded = (1,) * (rank - len(constant.shape)) + constant.shape
    return len(padded) == rank and all(
        size == 1 or (i == channel and size == value.shape[i]) for i, size in enumerate(padded)
    )


def _function(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    keeps = node.op in _CODE_KEEPING and value.quantized and value.precision.kind == "int"
    precision = value.precision if keeps and node.result_precision is None else None
    return network.emit(
        node, Activation, [value], op="activation", function=_snake(node.op), precision=precision, quantized=keeps
    )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() and i else letter.lower() for i, letter in enumerate(name))


def _clip(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    if is_code(value):
        return narrow_codes(node)
    limits = bounds(node)
    if limits == (None, None):
        return Outcome([value], "folded", "no bounds: nothing to clip")
    keeps = value.quantized and value.precision.kind == "int"
    precision = value.precision if keeps and node.result_precision is None else None
    return network.emit(
        node, Activation, [value], op="activation", function="clip", precision=precision, quantized=keeps
    )


def _softmax(node: Node, network: Network) -> Outcome:
    axis = node.integer("axis", -1 if node.opset >= 13 else 1)
    return network.emit(node, Softmax, [node.value(0)], op="softmax", axis=axis)


def _normalization(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    layer = network.drain_of(node, 0)
    constants = all(other.constant for other in node.activations()[1:])
    is_batch = node.op == "BatchNormalization"
    if is_batch and layer and constants and not value.quantized:
        network.add_bias(layer, node.optional(2))
        return Outcome([value], "folded", f"a scale and a shift in the drain of {layer!r}")
    outcome = network.emit(node, Normalization, [value], op="normalization", function=_NORMALIZATIONS[node.op])
    # A framework may split its scale and shift off (Mul, Add): they fold back.
    return drained(network, outcome, node.name, 1) if is_batch and constants else outcome


def _reduction(node: Node, network: Network) -> Outcome:
    value, axes = node.value(0), reduced_axes(node)
    if not axes:
        return Outcome([value], "folded", "no axes: nothing to reduce")
    keeps = node.op in ("ReduceMax", "ReduceMin") and value.quantized
    return network.emit(
        node,
        Reduction,
        [value],
        op="reduction",
        function=_REDUCTIONS[node.op],
        axes=tuple(axes),
        precision=value.precision if keeps and node.result_precision is None else None,
        quantized=keeps,
    )


def _resize(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    mode = node.text("mode", "nearest").lower()
    mode = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if node.shape() == value.shape:
        return Outcome([value], "folded", "same size: nothing to resize")
    keeps = mode == "nearest" and value.quantized
    precision = value.precision if keeps and node.result_precision is None else None
    return network.emit(node, Resize, [value], op="resize", mode=mode, precision=precision, quantized=keeps)


def _table(names: Iterable[str], rule: Callable[[Node, Network], Outcome]) -> dict[tuple[str, str], Rule]:
    return {("", name): rule for name in names}


VECTOR_RULES: Rules = {
    **_table(_ELEMENTWISE, _elementwise),
    **_table(_FUNCTIONS, _function),
    **_table(_NORMALIZATIONS, _normalization),
    **_table(_REDUCTIONS, _reduction),
    **_table(["Softmax", "LogSoftmax", "Hardmax"], _softmax),
    **_table(["Resize", "Upsample"], _resize),
    ("", "Clip"): _clip,
}
