"""Quantizers: how wide a tensor's codes are. None of these nodes is a layer; each changes how the next layer reads.

The width is not always the element type: Q-Clip-DQ hides it in the clip's bounds, QONNX passes it as an input.
"""

from math import prod

import numpy as np
from onnx import TensorProto

from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Shape, Value, precision_of_type
from simulator.workload.precision import Precision

QONNX_DOMAINS = ("onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general", "qonnx.custom_op.channels_last")


def scaled(precision: Precision, shape: Shape, scale: Value | None, block_size: int = 0) -> Precision:
    """Return ``precision`` with the granularity that the shape of its scale states.

    Examples
    --------
    >>> from simulator.workload.precision import FLOAT32, INT8
    >>> scale = Value("s", (64, 1, 1, 1), 1, FLOAT32)
    >>> scaled(INT8, (64, 3, 7, 7), scale).granularity
    'per_channel'
    """
    if scale is None or scale.elements <= 1:
        return precision.model_copy(update={"granularity": "per_tensor", "group_size": None})
    wide = [size for size in scale.shape if size > 1]
    group = block_size or (prod(shape) // scale.elements if len(wide) > 1 else 0)
    if group:
        return precision.model_copy(update={"granularity": "per_group", "group_size": max(1, group)})
    return precision.model_copy(update={"granularity": "per_channel", "group_size": None})


def clipped(precision: Precision, low: float | None, high: float | None) -> Precision:
    """Return the width that codes between ``low`` and ``high`` need, never wider than before.

    Examples
    --------
    >>> clipped(Precision(bits=8), -7, 7).label, clipped(Precision(bits=8, signed=False), 0, 15).label
    ('int4', 'uint4')
    """
    if precision.kind != "int" or precision.bits > 32:
        return precision
    least = -(2 ** (precision.bits - 1)) if precision.signed else 0
    most = 2 ** (precision.bits - 1) - 1 if precision.signed else 2**precision.bits - 1
    least = least if low is None else max(least, int(np.ceil(low)))
    most = most if high is None else min(most, int(np.floor(high)))
    if most < least:
        return precision
    signed = least < 0
    bits = max(most.bit_length(), (-least - 1).bit_length()) + 1 if signed else max(1, most.bit_length())
    return precision.model_copy(update={"bits": min(bits, precision.bits), "signed": signed})


def _quantize_linear(node: Node, network: Network) -> Outcome:
    del network
    value, scale, zero = node.value(0), node.optional(1), node.optional(2)
    kind = zero.element_type if zero is not None else node.integer("output_dtype", 0) or TensorProto.UINT8
    width = precision_of_type(kind)
    if width is None:
        raise node.fault(f"quantizes to element type {kind}, which is no number format")
    width = scaled(width, value.shape, scale, node.integer("block_size", 0))
    return Outcome([value.with_precision(width, kind)], "folded", f"{_name(value)} is read as {width.label}")


def _dequantize_linear(node: Node, network: Network) -> Outcome:
    del network
    value, scale = node.value(0), node.optional(1)
    kind = scale.element_type if scale is not None else TensorProto.FLOAT
    width = value.precision
    if width.kind == "int" and width.bits <= 32 and (value.constant or not value.quantized):
        width = scaled(width, value.shape, scale, node.integer("block_size", 0))
    return Outcome([value.with_precision(width, kind)], "folded", f"{_name(value)} is read as {width.label}")


def _dynamic_quantize_linear(node: Node, network: Network) -> Outcome:
    del network
    value = node.value(0)
    width = Precision(bits=8, signed=False)
    codes = value.with_precision(width, TensorProto.UINT8)
    # Scale and zero point exist only at run time; a constant without contents stands for them.
    scale = Value(f"{node.name}.scale", (), TensorProto.FLOAT, Precision(bits=32, kind="float"), constant=True)
    zero = Value(f"{node.name}.zero_point", (), TensorProto.UINT8, width, constant=True)
    detail = f"{_name(value)} is read as uint8; its range is found while it is written"
    return Outcome([codes, scale, zero][: len(node.outputs)], "folded", detail)


def bounds(node: Node) -> tuple[float | None, float | None] | None:
    """Return a Clip's bounds (None for one left out), or None where a bound is not known."""
    found: list[float | None] = []
    for index, name in ((1, "min"), (2, "max")):
        given = node.optional(index)
        if given is None:
            found.append(node.number(name, 0.0) if name in node.attributes else None)
        elif given.array is None or given.array.size != 1 or given.array.dtype.kind not in "biuf":
            return None
        else:
            bound = float(given.array.reshape(-1)[0])
            found.append(bound if np.isfinite(bound) else None)
    return found[0], found[1]


def is_code(value: Value) -> bool:
    """Whether ``value`` holds integer codes: between a QuantizeLinear and its DequantizeLinear."""
    width = precision_of_type(value.element_type)
    return width is not None and width.kind == "int" and width.bits <= 16 and value.precision.kind == "int"


def narrow_codes(node: Node) -> Outcome:
    """Return the outcome of a Clip on integer codes: it narrows them and does no work."""
    value, limits = node.value(0), bounds(node)
    if limits is None:
        raise node.fault("the bounds of a Clip between quantizers are not known", "keep them as small initializers")
    width = clipped(value.precision, *limits)
    return Outcome(
        [value.with_precision(width)], "folded", f"{_name(value)} is read as {width.label}, the width of the bounds"
    )


def _quant(node: Node, network: Network) -> Outcome:
    del network
    value, scale, bit_width = node.value(0), node.optional(1), node.optional(3)
    width = scaled(Precision(bits=_bits(node, bit_width), signed=bool(node.integer("signed", 1))), value.shape, scale)
    detail = f"{_name(value)} is read as {width.label}"
    if bit_width is not None and bit_width.elements > 1:
        detail += f", the widest of {bit_width.elements} given"
    return Outcome([value.with_precision(width)], "folded", detail)


def _bits(node: Node, bit_width: Value | None) -> int:
    if bit_width is None or bit_width.array is None or bit_width.array.dtype.kind not in "iuf":
        raise node.fault("the bit width is not a known constant", "export it as an initializer")
    widest = float(np.max(bit_width.array)) if bit_width.array.size else float("nan")
    if not 1 <= widest <= 64:
        raise node.fault(f"bit width {widest} is not in 1..64")
    return int(np.ceil(widest))


def _bipolar_quant(node: Node, network: Network) -> Outcome:
    del network
    value = node.value(0)
    width = scaled(Precision(bits=1), value.shape, node.optional(1))
    return Outcome([value.with_precision(width)], "folded", f"{_name(value)} is read as 1 bit, -1 or +1")


def _trunc(node: Node, network: Network) -> Outcome:
    del network
    value = node.value(0)
    # Trunc(x, scale, zero, in_bits, out_bits); the later form puts out_scale before out_bits.
    bit_width = node.optional(5) or node.optional(4)
    signed = bool(node.integer("signed", int(value.precision.signed)))
    width = scaled(Precision(bits=_bits(node, bit_width), signed=signed), value.shape, node.optional(1))
    return Outcome([value.with_precision(width)], "folded", f"{_name(value)} is read as {width.label}")


def _float_quant(node: Node, network: Network) -> Outcome:
    del network
    value = node.value(0)
    bits = 1 + _bits(node, node.optional(2)) + _bits(node, node.optional(3))
    width = scaled(Precision(bits=min(bits, 64), kind="float"), value.shape, node.optional(1))
    return Outcome([value.with_precision(width)], "folded", f"{_name(value)} is read as {width.label}")


def _name(value: Value) -> str:
    return repr(value.tensor[:80])


QUANTIZER_RULES: Rules = {
    ("", "QuantizeLinear"): _quantize_linear,
    ("", "DequantizeLinear"): _dequantize_linear,
    ("", "DynamicQuantizeLinear"): _dynamic_quantize_linear,
    ("com.microsoft", "QuantizeLinear"): _quantize_linear,
    ("com.microsoft", "DequantizeLinear"): _dequantize_linear,
    **{
        (domain, operator): rule
        for domain in QONNX_DOMAINS
        for operator, rule in (
            ("Quant", _quant),
            ("IntQuant", _quant),
            ("BipolarQuant", _bipolar_quant),
            ("Trunc", _trunc),
            ("FloatQuant", _float_quant),
        )
    },
}
