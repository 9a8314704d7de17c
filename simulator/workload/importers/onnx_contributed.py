"""Operators outside ONNX proper: ONNX Runtime's fused ones (``com.microsoft``) and QONNX's MultiThreshold.

Source: ONNX Runtime, docs/ContribOperators.md. None has a schema in the ``onnx`` package: shapes are worked out here.
"""

import re
from dataclasses import replace
from typing import Any

from simulator.workload.importers.onnx_convolutions import CONVOLUTION_RULES, drained
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_precision import QONNX_DOMAINS
from simulator.workload.importers.onnx_products import PRODUCT_RULES
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Activation, Elementwise, Gemm, Movement, Normalization
from simulator.workload.precision import Precision

MICROSOFT = "com.microsoft"


def _gelu(node: Node, network: Network) -> Outcome:
    value, bias = node.value(0), node.optional(1)
    layer = network.drain_of(node, 0)
    if bias is not None and layer:
        network.add_bias(layer, bias)
    elif bias is not None:
        value = network.step(node, Elementwise, [value, bias], value.shape, ".bias", op="add")
    function = {"FastGelu": "gelu", "BiasGelu": "gelu", "QuickGelu": "quick_gelu"}.get(node.op, node.op.lower())
    return network.emit(node, Activation, [value], op="activation", function=function)


def _skip_normalization(node: Node, network: Network) -> Outcome:
    """Residual addition, then normalization; the sum is also a result (the fourth)."""
    value, skip = node.value(0), node.value(1)
    total = network.step(node, Elementwise, [value, skip], value.shape, ".sum", op="add")
    function = "rms" if "Simplified" in node.op else "layer"
    outcome = network.emit(node, Normalization, [total], op="normalization", function=function)
    return Outcome([*outcome.values, None, None, total], "mapped", "a residual addition and a normalization")


def _embedding(node: Node, network: Network) -> Outcome:
    """EmbedLayerNormalization: rows of two or three tables, added and normalized."""
    ids, segments = node.value(0), node.optional(1)
    words, positions, kinds = node.value(2), node.value(3), node.optional(4)
    if len(ids.shape) != 2 or len(words.shape) != 2 or len(positions.shape) != 2:
        raise node.fault("ids must be [batch, length] and tables [entries, width]")
    shape = (*ids.shape, words.shape[1])
    node.results = [(shape, words.element_type)]
    total = _rows(node, network, words, ids, shape, ".word")
    place = replace(positions, shape=(ids.shape[1], words.shape[1]), tensor=f"{positions.tensor}.used")
    total = network.step(node, Elementwise, [total, place], shape, ".position", op="add")
    if segments is not None and kinds is not None:
        rows = _rows(node, network, kinds, segments, shape, ".segment")
        total = network.step(node, Elementwise, [total, rows], shape, ".segment.sum", op="add")
    result = network.result(node, shape=shape)
    network.add(node, Normalization, [total], [result.tensor], op="normalization", function="layer")
    return Outcome([result], "mapped", "table look-ups, additions and a normalization")


def _rows(node: Node, network: Network, table: Value, ids: Value, shape: Shape, suffix: str) -> Value:
    indices = replace(ids, quantized=True)  # never narrowed to what the rows are read at
    rows = network.step(node, Movement, [table, indices], shape, suffix, op="gather", moves_data=True)
    return replace(rows, element_type=table.element_type)


def _fused(node: Node, network: Network) -> Outcome:
    """Convolution or Gemm, an optional addend, and an activation."""
    rule = CONVOLUTION_RULES["", "Conv"] if node.op == "FusedConv" else PRODUCT_RULES["", "Gemm"]
    addend, function = node.optional(3), node.text("activation", "").lower()
    if addend is None and not function:
        return rule(node, network)
    name, outputs = node.name, node.outputs
    node.name, node.outputs = network.names.take(f"{name}.product"), [f"{outputs[0]}.product"]
    value = rule(node, network).values[0]
    node.name, node.outputs = name, outputs
    assert value is not None
    node.results = [(value.shape, value.element_type)]
    if addend is not None:
        if not function:
            return network.emit(node, Elementwise, [value, addend], op="add")
        value = network.step(node, Elementwise, [value, addend], value.shape, ".sum", op="add")
    detail = "a product and what is fused with it"
    return network.emit(node, Activation, [value], op="activation", function=function, detail=detail)


def _packed_matmul(node: Node, network: Network) -> Outcome:
    """``MatMulNBits`` and ``MatMulBnb4``: the weight is [N, K] codes of a few bits, with a scale for each block."""
    value = node.value(0)
    inner, cols = node.integer("K", 0), node.integer("N", 0)
    bits, block = node.integer("bits", 4), node.integer("block_size", 32)
    if not value.shape or value.shape[-1] != inner or cols < 1 or not 1 <= bits <= 8 or block < 1:
        raise node.fault(f"input {list(value.shape)} with K = {inner}, N = {cols}, bits = {bits}, block_size = {block}")
    is_float = node.op == "MatMulBnb4"
    width = Precision(
        bits=bits, kind="float" if is_float else "int", signed=is_float, granularity="per_group", group_size=block
    )
    weight = replace(node.value(1), shape=(cols, inner), precision=width, array=None, constant=True)
    result = network.result(node, shape=(*value.shape[:-1], cols))
    network.add(node, Gemm, [value, weight], [result.tensor], op="gemm", transpose_weight=True)
    return drained(network, Outcome([result], detail=f"weights of {bits} bits"), node.name, -1, node.optional(5))


def _block_gather(node: Node, network: Network) -> Outcome:
    """``GatherBlockQuantized``: rows of a quantized table."""
    table, indices = node.value(0), node.value(1)
    bits = node.integer("bits", 4)
    if node.integer("gather_axis", 0) != 0 or len(table.shape) < 2:
        raise node.fault("only rows of a table of two or more axes are gathered")
    per_code = 8 // bits if table.precision.bits == 8 and bits in (1, 2, 4) else 1
    shape = (*indices.shape, *table.shape[1:-1], table.shape[-1] * per_code)
    width = table.precision.model_copy(
        update={
            "bits": min(bits, table.precision.bits),
            "granularity": "per_group",
            "group_size": node.integer("block_size", 128),
        }
    )
    codes = replace(table, shape=(*table.shape[:-1], shape[-1]), precision=width, array=None)
    scales = node.optional(2)
    node.results = [(shape, scales.element_type if scales is not None else 1)]
    return network.emit(
        node, Movement, [codes, replace(indices, quantized=True)], op="gather", moves_data=True, detail=width.label
    )


def _multi_threshold(node: Node, network: Network) -> Outcome:
    """QONNX's MultiThreshold: an activation and its quantizer in one; ``out_dtype`` names the width."""
    name = node.text("out_dtype", "")
    found = re.fullmatch(r"(U?)INT(\d{1,2})", name)
    bits = 1 if name == "BIPOLAR" else 2 if name == "TERNARY" else int(found[2]) if found else 0
    precision = Precision(bits=bits, signed=not (found and found[1])) if 1 <= bits <= 64 else None
    value = node.value(0)
    node.results = [(value.shape, 1)]
    attributes: dict[str, Any] = {"op": "activation", "function": "multi_threshold"}
    return network.emit(
        node, Activation, [value], precision=precision, quantized=precision is not None, detail=name, **attributes
    )


def _rotary(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    node.results = [(value.shape, value.element_type)]
    return network.emit(node, Activation, [value], op="activation", function="rotary_embedding")


CONTRIBUTED_RULES: Rules = {
    **{(MICROSOFT, name): _gelu for name in ("Gelu", "FastGelu", "BiasGelu", "QuickGelu")},
    **{
        (MICROSOFT, name): _skip_normalization
        for name in ("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
    },
    (MICROSOFT, "EmbedLayerNormalization"): _embedding,
    (MICROSOFT, "FusedConv"): _fused,
    (MICROSOFT, "FusedGemm"): _fused,
    (MICROSOFT, "MatMulNBits"): _packed_matmul,
    (MICROSOFT, "MatMulBnb4"): _packed_matmul,
    (MICROSOFT, "GatherBlockQuantized"): _block_gather,
    (MICROSOFT, "RotaryEmbedding"): _rotary,
    ("", "RotaryEmbedding"): _rotary,
    **{(domain, "MultiThreshold"): _multi_threshold for domain in QONNX_DOMAINS},
}
