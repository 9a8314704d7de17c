"""Attention in one node: unrolled into its products, so that no multiply-accumulate hides.

Sources: ONNX operator specification (Attention, version 23); ONNX Runtime's contributed operators (Attention,
QAttention, MultiHeadAttention).
"""

from dataclasses import replace

from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_precision import scaled
from simulator.workload.importers.onnx_products import swapped
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Elementwise, Gemm, Matmul, Movement, Softmax
from simulator.workload.shapes import broadcast

_PAST = "a cache of past keys grows while the model runs"


def _attention(node: Node, network: Network) -> Outcome:
    """ONNX ``Attention``: Q, K, V as [batch, heads, length, width], or [batch, length, heads x width]."""
    flat = len(node.value(0).shape) == 3
    query = _heads(node, network, 0, node.integer("q_num_heads", 0), ".query")
    heads = query.shape[1]
    kv_heads = node.integer("kv_num_heads", 0)
    key, value = (_heads(node, network, i, kv_heads, part) for i, part in ((1, ".key"), (2, ".value")))
    key, value = (
        _joined(node, network, past, new, part)
        for past, new, part in ((node.optional(4), key, ".keys"), (node.optional(5), value, ".values"))
    )
    present = [key, value]
    key, value = (_shared(node, network, given, heads, part) for given, part in ((key, ".key"), (value, ".value")))
    context = attend(node, network, (query, key, value), node.optional(3), flat=flat)
    return Outcome([context, *present][: len(node.outputs)], "mapped", "two products and a softmax")


def _heads(node: Node, network: Network, index: int, heads: int, suffix: str) -> Value:
    """Return an operand as [batch, heads, length, width]."""
    value = node.value(index)
    if len(value.shape) == 4:
        return value
    if len(value.shape) != 3 or heads < 1 or value.shape[2] % heads:
        raise node.fault(f"input {index} of shape {list(value.shape)} does not split into {heads} heads")
    return split_heads(node, network, value, heads, suffix)


def split_heads(node: Node, network: Network, value: Value, heads: int, suffix: str) -> Value:
    """Return [batch, length, heads x width] as [batch, heads, length, width]: renaming and strides only."""
    batch, length, width = value.shape
    parts = network.step(
        node, Movement, [value], (batch, length, heads, width // heads), f"{suffix}.split", op="reshape"
    )
    shape = (batch, heads, length, width // heads)
    return network.step(node, Movement, [parts], shape, f"{suffix}.heads", op="transpose")


def _joined(node: Node, network: Network, past: Value | None, new: Value, suffix: str) -> Value:
    if past is None or past.elements == 0:
        return new
    if len(past.shape) != 4 or past.shape[:2] != new.shape[:2]:
        raise node.fault(f"past {list(past.shape)} and present {list(new.shape)} do not join")
    shape = (*new.shape[:2], past.shape[2] + new.shape[2], new.shape[3])
    return network.step(node, Movement, [past, new], shape, suffix, op="concat")


def _shared(node: Node, network: Network, value: Value, heads: int, suffix: str) -> Value:
    """Repeat grouped keys or values for every query head: a read, not a copy."""
    batch, own, length, width = value.shape
    if own == heads:
        return value
    if own < 1 or heads % own:
        raise node.fault(f"{heads} query heads do not share {own} key heads")
    return network.step(node, Movement, [value], (batch, heads, length, width), f"{suffix}.shared", op="expand")


def attend(
    node: Node, network: Network, operands: tuple[Value, Value, Value], mask: Value | None = None, *, flat: bool
) -> Value:
    """Add ``softmax(Q K' + mask) V``; return [batch, length, heads x width] if ``flat``, else by heads.

    Parameters
    ----------
    operands : (Value, Value, Value)
        Query, key and value, each [batch, heads, length, width].
    mask : Value, optional
        Added to the scores where it broadcasts to them.
    """
    query, key, value = operands
    turned = network.step(node, Movement, [key], swapped(key.shape), ".key.turned", op="transpose")
    if query.shape[:2] != key.shape[:2] or key.shape[:3] != value.shape[:3] or query.shape[3] != key.shape[3]:
        raise node.fault(f"query {query.shape}, key {key.shape} and value {value.shape} do not fit")
    scores_shape = (*query.shape[:3], key.shape[2])
    scores = network.step(node, Matmul, [query, turned], scores_shape, ".scores", op="matmul")
    if mask is not None and mask.elements > 0 and _fits(mask.shape, scores_shape):
        scores = network.step(node, Elementwise, [scores, mask], scores_shape, ".masked", op="add")
    weights = network.step(node, Softmax, [scores], scores_shape, ".softmax", op="softmax")
    batch, heads, length, _ = query.shape
    width = value.shape[3]
    if not flat:
        result = network.result(node, shape=(batch, heads, length, width))
        network.add(node, Matmul, [weights, value], [result.tensor], op="matmul")
        return result
    context = network.step(node, Matmul, [weights, value], (batch, heads, length, width), ".context", op="matmul")
    parts = network.step(node, Movement, [context], (batch, length, heads, width), ".context.turned", op="transpose")
    result = network.result(node, shape=(batch, length, heads * width))
    network.add(node, Movement, [parts], [result.tensor], op="reshape")
    return result


def _fits(mask: Shape, scores: Shape) -> bool:
    try:
        return broadcast([mask, scores]) == scores
    except ValueError:
        return False


def _projected(node: Node, network: Network) -> Outcome:
    """``com.microsoft.Attention`` and ``QAttention``: one product for Q, K and V, then attention."""
    is_quantized = node.op == "QAttention"
    ifmap, weight, bias = node.value(0), node.value(1), node.optional(2)
    past = node.optional(8 if is_quantized else 4)
    heads = node.integer("num_heads", 0)
    if past is not None or len(ifmap.shape) != 3 or len(weight.shape) != 2:
        raise node.fault(
            f"input {list(ifmap.shape)}, weight {list(weight.shape)}: {_PAST}, or no [batch, length, width]"
        )
    sizes = node.integers("qkv_hidden_sizes") or (weight.shape[1] // 3,) * 3
    if len(sizes) != 3 or sum(sizes) != weight.shape[1] or heads < 1 or any(size % heads or size < 1 for size in sizes):
        raise node.fault(f"weight {list(weight.shape)} does not split into {list(sizes)} for {heads} heads")
    if is_quantized:
        weight = replace(weight, precision=scaled(weight.precision, weight.shape, node.optional(4)))
        ifmap = replace(ifmap, quantized=True)
    shape = (*ifmap.shape[:2], sum(sizes))
    node.results = [(None, 1)] if is_quantized else node.results  # int8 in, float out
    operands = [ifmap, weight, *([bias] if bias is not None and bias.constant else [])]
    joint = network.step(node, Gemm, operands, shape, ".qkv", op="gemm")
    parts = []
    for part, size in zip((".query", ".key", ".value"), sizes, strict=True):
        cut = network.step(node, Movement, [joint], (*shape[:2], size), f"{part}.slice", op="slice")
        parts.append(split_heads(node, network, cut, heads, part))
    mask = None if is_quantized else node.optional(5)
    context = attend(node, network, (parts[0], parts[1], parts[2]), mask, flat=True)
    return Outcome([context], "mapped", "three products and a softmax")


def _multi_head(node: Node, network: Network) -> Outcome:
    """``com.microsoft.MultiHeadAttention`` over separate Q, K and V."""
    heads = node.integer("num_heads", 0)
    if node.optional(6) is not None or node.optional(1) is None or node.optional(2) is None:
        raise node.fault(f"packed operands and past keys are not supported ({_PAST})", "export without operator fusion")
    query, key, value = (_heads(node, network, i, heads, part) for i, part in enumerate((".query", ".key", ".value")))
    context = attend(node, network, (query, key, value), node.optional(5), flat=True)
    return Outcome([context], "mapped", "two products and a softmax")


ATTENTION_RULES: Rules = {
    ("", "Attention"): _attention,
    ("com.microsoft", "Attention"): _projected,
    ("com.microsoft", "QAttention"): _projected,
    ("com.microsoft", "MultiHeadAttention"): _multi_head,
}
