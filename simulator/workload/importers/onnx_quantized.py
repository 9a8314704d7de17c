"""Operators with quantized operands, rewritten to their plain form: the widths move onto the values, the scales go.

Sources: ONNX operator specification; ONNX Runtime's contributed operators (``com.microsoft``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from onnx import NodeProto, TensorProto

from simulator.workload.importers.onnx_precision import scaled
from simulator.workload.importers.onnx_values import Value, precision_of_type
from simulator.workload.precision import Precision

MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class Plain:
    """How to read a quantized operator.

    Parameters
    ----------
    op : str
        The plain operator of the default domain.
    operands : tuple of (int, int or None)
        Index of each operand and of its scale.
    zero_point : int, optional
        Index of the result's zero point, whose element type is the result's.
    result_type : int
        Element type of the result where there is no zero point; 0 for that of the first operand.
    quantizes : int, optional
        Bits at which the operator itself reads its first, float, operand.
    """

    op: str
    operands: tuple[tuple[int, int | None], ...]
    zero_point: int | None = None
    result_type: int = 0
    quantizes: int | None = None


_UNARY = ((0, 1),)
_BINARY = ((0, 1), (3, 4))
_PLAIN: dict[tuple[str, str], Plain] = {
    ("", "QLinearConv"): Plain("Conv", ((0, 1), (3, 4), (8, None)), 7),
    ("", "QLinearMatMul"): Plain("MatMul", _BINARY, 7),
    ("", "ConvInteger"): Plain("Conv", ((0, None), (1, None)), None, TensorProto.INT32),
    ("", "MatMulInteger"): Plain("MatMul", ((0, None), (1, None)), None, TensorProto.INT32),
    (MICROSOFT, "QLinearConv"): Plain("Conv", ((0, 1), (3, 4), (8, None)), 7),
    (MICROSOFT, "QLinearAdd"): Plain("Add", _BINARY, 7),
    (MICROSOFT, "QLinearMul"): Plain("Mul", _BINARY, 7),
    (MICROSOFT, "QLinearWhere"): Plain("Where", ((0, None), (1, 2), (4, 5)), 8),
    (MICROSOFT, "QLinearSigmoid"): Plain("Sigmoid", _UNARY, 4),
    (MICROSOFT, "QLinearLeakyRelu"): Plain("LeakyRelu", _UNARY, 4),
    (MICROSOFT, "QLinearSoftmax"): Plain("Softmax", _UNARY, 4),
    (MICROSOFT, "QLinearGlobalAveragePool"): Plain("GlobalAveragePool", _UNARY, 4),
    (MICROSOFT, "QLinearAveragePool"): Plain("AveragePool", _UNARY, 4),
    (MICROSOFT, "QLinearReduceMean"): Plain("ReduceMean", _UNARY, 4),
    (MICROSOFT, "QGemm"): Plain("Gemm", ((0, 1), (3, 4), (6, None)), 8, TensorProto.FLOAT),
    (MICROSOFT, "MatMulInteger16"): Plain("MatMul", ((0, None), (1, None)), None, TensorProto.INT32),
    (MICROSOFT, "MatMulIntegerToFloat"): Plain("MatMul", ((0, 2), (1, 3)), None, TensorProto.FLOAT),
    (MICROSOFT, "DynamicQuantizeMatMul"): Plain("MatMul", ((0, None), (1, 2)), None, TensorProto.FLOAT, 8),
}
_ATTRIBUTES_OF_AGE = {"ReduceMean": 13}  # axes are an attribute up to this operator set


@dataclass(frozen=True)
class PlainNode:
    """A node in its plain form, with the width and element type its result has."""

    proto: NodeProto
    inputs: list[Value | None]
    result_type: int
    result_precision: Precision | None
    opset: int | None = None


def plain_form(node: NodeProto, inputs: Sequence[Value | None]) -> PlainNode | None:
    """Return the plain form of a quantized operator, or None for any other node.

    Parameters
    ----------
    node : NodeProto
    inputs : sequence of Value or None
        One for each of ``node.input``.
    """
    domain = "" if node.domain == "ai.onnx" else node.domain
    plain = _concat_form(len(inputs)) if node.op_type == "QLinearConcat" else _PLAIN.get((domain, node.op_type))
    if plain is None or any(attribute.name == "channels_last" and attribute.i for attribute in node.attribute):
        return None
    taken = [(index, scale) for index, scale in plain.operands if index < len(inputs)]
    operands = [_operand(inputs, index, scale) for index, scale in taken]
    if plain.quantizes and operands and operands[0] is not None:
        operands[0] = operands[0].with_precision(Precision(bits=plain.quantizes, signed=False))
    proto = NodeProto(op_type=plain.op, name=node.name, output=node.output[:1])
    proto.input.extend(node.input[index] for index, _ in taken)
    proto.attribute.extend(
        attribute for attribute in node.attribute if attribute.name not in ("channels_last", "opset")
    )
    result_type, precision = _result(plain, inputs)
    return PlainNode(proto, operands, result_type, precision, _ATTRIBUTES_OF_AGE.get(plain.op))


def _concat_form(count: int) -> Plain:
    return Plain("Concat", tuple((index, index + 1) for index in range(2, count, 3)), 1)


def _operand(inputs: Sequence[Value | None], index: int, scale: int | None) -> Value | None:
    value = inputs[index]
    if value is None or value.element_type == TensorProto.BOOL:
        return value
    width = value.precision
    factor = inputs[scale] if scale is not None and scale < len(inputs) else None
    if factor is not None and width.kind == "int" and value.constant:
        width = scaled(width, value.shape, factor)
    is_integer = width.kind == "int"
    return replace(
        value, element_type=TensorProto.FLOAT, precision=width, quantized=value.quantized or is_integer, drain_of=""
    )


def _result(plain: Plain, inputs: Sequence[Value | None]) -> tuple[int, Precision | None]:
    index = plain.zero_point
    zero = inputs[index] if index is not None and index < len(inputs) else None
    if zero is not None:
        return zero.element_type, precision_of_type(zero.element_type)
    if plain.result_type:
        return plain.result_type, None
    first = next((value for value in inputs if value is not None), None)
    kind = first.element_type if first is not None else TensorProto.UINT8
    return kind, precision_of_type(kind)
