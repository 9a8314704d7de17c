"""Convolutions and transposed convolutions, and the windows they share with pools."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Value
from simulator.workload.layers import Conv, ConvTranspose, Host

Pads = tuple[tuple[int, int], ...]


def spatial(node: Node, name: str, axes: int, default: int = 1) -> tuple[int, ...]:
    """Return an attribute with one entry for each spatial axis."""
    found = node.integers(name) or (default,) * axes
    if len(found) != axes:
        raise node.fault(f"attribute {name} = {list(found)} needs {axes} entries")
    return found


def refuse_other_kernel(node: Node, weight: Value) -> None:
    """Refuse a ``kernel_shape`` that contradicts the weight: nobody could say which of the two was meant."""
    said, taps = node.integers("kernel_shape"), weight.shape[2:]
    if said and tuple(said) != tuple(taps):
        raise node.fault(f"attribute kernel_shape = {list(said)} contradicts weight {list(weight.shape)}")


def window_pads(
    node: Node, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Pads:
    """Return ``[begin, end]`` of each spatial axis, with ``auto_pad`` worked out.

    Parameters
    ----------
    sizes, kernel, stride, dilation : sequence of int
        One entry for each spatial axis.
    """
    axes = len(sizes)
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        pads = node.integers("pads") or (0,) * (2 * axes)
        if len(pads) != 2 * axes:
            raise node.fault(f"attribute pads = {list(pads)} needs {2 * axes} entries")
        return tuple((pads[i], pads[axes + i]) for i in range(axes))
    if mode == "VALID":
        return ((0, 0),) * axes
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise node.fault(f"auto_pad = {mode!r} is not NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    if min(stride, default=1) < 1:
        raise node.fault(f"strides = {list(stride)} must be at least 1")
    found = []
    for size, taps, step, spread in zip(sizes, kernel, stride, dilation, strict=True):
        total = max((-(-size // step) - 1) * step + (taps - 1) * spread + 1 - size, 0)
        found.append(_halves(total, upper=mode == "SAME_UPPER"))
    return tuple(found)


def _halves(total: int, *, upper: bool) -> tuple[int, int]:
    small = total // 2
    return (small, total - small) if upper else (total - small, small)


def drained(network: Network, outcome: Outcome, layer: str, axis: int, bias: Value | None = None) -> Outcome:
    """Mark the first value as a MAC layer's bare result, into which a bias or scale along ``axis`` folds."""
    network.channel_axis[layer] = axis
    network.add_bias(layer, bias)
    first, *others = outcome.values
    assert first is not None
    return replace(outcome, values=[replace(first, drain_of=layer), *others])


def _conv(node: Node, network: Network) -> Outcome:
    ifmap, weight = node.value(0), node.value(1)
    axes = len(weight.shape) - 2
    if axes not in (1, 2, 3) or len(ifmap.shape) != axes + 2:
        raise node.fault(f"ifmap {list(ifmap.shape)} and weight {list(weight.shape)} must have 3, 4 or 5 axes each")
    refuse_other_kernel(node, weight)
    stride, dilation = spatial(node, "strides", axes), spatial(node, "dilations", axes)
    outcome = network.emit(
        node,
        Conv,
        [ifmap, weight],
        op=f"conv{axes}d",
        stride=stride,
        dilation=dilation,
        padding=window_pads(node, ifmap.shape[2:], weight.shape[2:], stride, dilation),
        groups=node.integer("group", 1),
    )
    return drained(network, outcome, node.name, 1, node.optional(2))


def _conv_transpose(node: Node, network: Network) -> Outcome:
    ifmap, weight = node.value(0), node.value(1)
    axes = len(weight.shape) - 2
    if axes not in (1, 2, 3) or len(ifmap.shape) != axes + 2:
        raise node.fault(f"ifmap {list(ifmap.shape)} and weight {list(weight.shape)} must have 3, 4 or 5 axes each")
    refuse_other_kernel(node, weight)
    padding, extra = _transpose_pads(node, ifmap.shape[2:], weight.shape[2:])
    outcome = network.emit(
        node,
        ConvTranspose,
        [ifmap, weight],
        op=f"conv_transpose{axes}d",
        stride=spatial(node, "strides", axes),
        dilation=spatial(node, "dilations", axes),
        padding=padding,
        output_padding=extra,
        groups=node.integer("group", 1),
    )
    return drained(network, outcome, node.name, 1, node.optional(2))


def _transpose_pads(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> tuple[Pads, tuple[int, ...]]:
    """Return padding and output padding; ``output_shape`` or SAME decides the padding (ONNX: ConvTranspose)."""
    axes = len(sizes)
    stride, dilation = spatial(node, "strides", axes), spatial(node, "dilations", axes)
    extra = spatial(node, "output_padding", axes, 0)
    mode = node.text("auto_pad", "NOTSET")
    wanted = node.integers("output_shape")
    if not wanted and not mode.startswith("SAME"):
        return window_pads(node, sizes, kernel, stride, dilation), extra
    target = tuple(wanted)[-axes:] if wanted else tuple(s * t for s, t in zip(sizes, stride, strict=True))
    if len(target) != axes:
        raise node.fault(f"attribute output_shape = {list(target)} needs {axes} entries")
    pads, more = [], []
    for i in range(axes):
        total = stride[i] * (sizes[i] - 1) + extra[i] + (kernel[i] - 1) * dilation[i] + 1 - target[i]
        pads.append(_halves(max(total, 0), upper=mode == "SAME_UPPER"))
        more.append(extra[i] + max(-total, 0))
    return tuple(pads), tuple(more)


def _deform_conv(node: Node, network: Network) -> Outcome:
    """Deformable convolution: its gather is data-dependent, so the host has it, with its true multiply-accumulates."""
    ifmap, weight, offset = node.value(0), node.value(1), node.value(2)
    axes = len(weight.shape) - 2
    refuse_other_kernel(node, weight)
    stride, dilation = spatial(node, "strides", axes), spatial(node, "dilations", axes)
    pads = window_pads(node, ifmap.shape[2:], weight.shape[2:], stride, dilation)
    if len(ifmap.shape) != axes + 2 or min(stride, default=0) < 1:
        raise node.fault(f"ifmap {list(ifmap.shape)} and weight {list(weight.shape)} with strides {list(stride)}")
    sizes = [
        (ifmap.shape[2 + i] + sum(pads[i]) - (weight.shape[2 + i] - 1) * dilation[i] - 1) // stride[i] + 1
        for i in range(axes)
    ]
    node.results = [((ifmap.shape[0], weight.shape[0], *sizes), ifmap.element_type)]
    macs = prod(node.shape()) * prod(weight.shape[1:])
    operands = [ifmap, weight, offset, *([] if node.optional(4) is None else [node.value(4)])]
    outcome = network.emit(node, Host, operands, op="host", kind="deform_conv", macs=macs)
    return replace(outcome, fate="host", detail="sampling positions are data")


CONVOLUTION_RULES: Rules = {
    ("", "Conv"): _conv,
    ("", "ConvTranspose"): _conv_transpose,
    ("", "DeformConv"): _deform_conv,
}
