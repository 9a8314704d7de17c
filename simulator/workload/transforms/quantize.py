"""Giving a network integer widths: the sign and the place of each tensor follow from what makes and reads it."""

from collections.abc import Mapping, Sequence

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import (
    MAC_LAYERS,
    Activation,
    Elementwise,
    Layer,
    Movement,
    Normalization,
    Pool,
    Reduction,
    Resize,
    Softmax,
)
from simulator.workload.precision import Precision

ACCUMULATOR = Precision(bits=32)
"""Biases and normalization parameters are kept at accumulator width, as in Jacob et al., CVPR 2018, section 2.4."""

NON_NEGATIVE = frozenset({"abs", "exp", "hard_sigmoid", "hardsigmoid", "relu", "relu6", "sigmoid", "softplus", "sqrt"})
_SIGN_KEEPING_REDUCTIONS = frozenset({"max", "mean", "min", "sum", "prod", "l1", "l2"})

Bits = tuple[int, int]


def quantize(
    graph: LayerGraph,
    weight_bits: int = 8,
    activation_bits: int = 8,
    *,
    overrides: Mapping[str, Precision | Bits] | None = None,
    skip: Sequence[str] = (),
) -> LayerGraph:
    """Return ``graph`` with integer precisions, one for each tensor.

    Weights (every constant that a multiply-accumulate layer multiplies by, and embedding tables) are signed with one
    scale a channel. Activations are unsigned where they cannot be negative (out of ReLU, sigmoid or softmax, and
    through pooling, concatenation, reshaping... of such), signed otherwise; an unsigned network input stays so. Biases
    and normalization parameters are 32-bit. Indices, conditions and comparison results keep their type. First and last
    layers are treated as the others.

    Parameters
    ----------
    graph : LayerGraph
        Any network; widths that it has already are replaced.
    weight_bits, activation_bits : int
        Widths [bits], 1 to 64.
    overrides : mapping of str to Precision or (int, int), optional
        For a tensor's name its precision; for a multiply-accumulate layer's name its (weight, activation) bits, the
        latter those of its first input. A tensor that several such layers read takes the widest.
    skip : sequence of str, optional
        Layers whose inputs stay as they are.

    Raises
    ------
    WorkloadError
        A width out of range, or a name that is neither a tensor nor a multiply-accumulate layer.

    Examples
    --------
    >>> from simulator.workload.builder import GraphBuilder
    >>> net = GraphBuilder("tiny")
    >>> scores = net.gemm(net.relu(net.gemm(net.input("x", (1, 64)), 32)), 10)
    >>> small = quantize(net.build(scores), weight_bits=4)
    >>> [small.tensors[name].precision.label for name in ("x", "relu_1.out", "gemm_2.weight", "gemm_2.bias")]
    ['int8', 'uint8', 'int4', 'int32']
    """
    _check_bits(graph, weight_bits, activation_bits)
    unsigned = {name for name in graph.inputs if _is_unsigned_already(graph.tensors[name].precision)}
    chosen = {name: Precision(bits=activation_bits, signed=name not in unsigned) for name in graph.inputs}
    for layer in graph.layers:
        _choose_inputs(graph, layer, chosen, weight_bits, activation_bits)
        if _never_negative(layer, unsigned):
            unsigned.update(layer.outputs)
        if not (isinstance(layer, Elementwise) and layer.op == "compare"):
            for name in layer.outputs:
                chosen[name] = Precision(bits=activation_bits, signed=name not in unsigned)
    for name in _untouched(graph, skip):
        chosen.pop(name, None)
    chosen.update(_overridden(graph, chosen, overrides or {}))
    return graph.with_precisions(chosen)


def _check_bits(graph: LayerGraph, *widths_bits: int) -> None:
    for bits in widths_bits:
        if not 1 <= bits <= 64:
            message = f"workload {graph.name}: cannot quantize to {bits} bits; give 1 to 64"
            raise WorkloadError(message)


def _is_unsigned_already(precision: Precision) -> bool:
    return precision.kind == "int" and not precision.signed


def _choose_inputs(
    graph: LayerGraph, layer: Layer, chosen: dict[str, Precision], weight_bits: int, activation_bits: int
) -> None:
    """Give the constants that ``layer`` reads the width of their place, and leave its indices and conditions alone."""
    weight = Precision(bits=weight_bits, granularity="per_channel")
    for place, name in enumerate(layer.inputs):
        if _keeps_type(layer, place):
            if name in graph.inputs:
                chosen.pop(name, None)
        elif not graph.tensors[name].constant:
            continue
        elif isinstance(layer, MAC_LAYERS):
            bias = place >= (3 if layer.op in {"lstm", "gru", "rnn"} else 2)
            chosen[name] = ACCUMULATOR if bias else weight
        elif isinstance(layer, Normalization):
            chosen[name] = ACCUMULATOR
        elif isinstance(layer, Movement) and layer.op == "gather":
            chosen[name] = weight
        else:
            chosen.setdefault(name, Precision(bits=activation_bits))


def _keeps_type(layer: Layer, place: int) -> bool:
    """Whether an operand is an index, a condition or a shape: it carries no scale, so it has no width to choose."""
    if isinstance(layer, Movement) and layer.op != "concat":
        return place > 0
    return (isinstance(layer, Elementwise) and layer.op == "where" and place == 0) or (
        isinstance(layer, Resize | Reduction | Pool) and place > 0
    )


def _never_negative(layer: Layer, unsigned: set[str]) -> bool:
    if isinstance(layer, Softmax):
        return True
    if isinstance(layer, Activation):
        return layer.function in NON_NEGATIVE
    carriers = _sign_carriers(layer)
    return bool(carriers) and unsigned.issuperset(carriers)


def _sign_carriers(layer: Layer) -> tuple[str, ...]:
    """Return the operands whose being unsigned makes the result so; none where it can turn negative all the same."""
    if isinstance(layer, Elementwise):
        operands = layer.inputs[1:] if layer.op == "where" else layer.inputs
        return () if layer.op in {"sub", "compare"} else operands
    if isinstance(layer, Movement):
        return layer.inputs if layer.op == "concat" else layer.inputs[:1]
    keeps = (
        isinstance(layer, Pool)
        or (isinstance(layer, Normalization) and layer.function in {"lrn", "lp"})
        or (isinstance(layer, Resize) and layer.mode != "cubic")  # cubic overshoots below zero
        or (isinstance(layer, Reduction) and layer.function in _SIGN_KEEPING_REDUCTIONS)
    )
    return layer.inputs[:1] if keeps else ()


def _untouched(graph: LayerGraph, skip: Sequence[str]) -> set[str]:
    by_name = {layer.name: layer for layer in graph.layers}
    for name in skip:
        if name not in by_name:
            message = f"workload {graph.name}: skip names {name!r}, which is no layer{did_you_mean(name, by_name)}"
            raise WorkloadError(f"{message}; see `simulator show {graph.name}`")
    return {tensor for name in skip for tensor in by_name[name].inputs}


def _overridden(
    graph: LayerGraph, chosen: Mapping[str, Precision], overrides: Mapping[str, Precision | Bits]
) -> dict[str, Precision]:
    by_name = {layer.name: layer for layer in graph.mac_layers}
    result: dict[str, Precision] = {}
    for name, wanted in overrides.items():
        if isinstance(wanted, Precision):
            continue
        if name not in by_name:
            message = f"workload {graph.name}: overrides name {name!r}, which is no multiply-accumulate layer"
            raise WorkloadError(f"{message}{did_you_mean(name, by_name)}; see `simulator show {graph.name}`")
        _check_bits(graph, *wanted)
        for tensor, bits in zip(by_name[name].inputs[1::-1], wanted, strict=True):
            kept = result.get(tensor)
            base = chosen.get(tensor, graph.tensors[tensor].precision)
            if kept is None or kept.bits < bits:
                result[tensor] = base.model_copy(update={"bits": bits, "kind": "int"})
    return result | {name: wanted for name, wanted in overrides.items() if isinstance(wanted, Precision)}
