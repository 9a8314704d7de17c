"""Pools, windowed and global."""

from collections.abc import Sequence
from typing import Any

from simulator.workload.importers.onnx_convolutions import Pads, spatial, window_pads
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Pool
from simulator.workload.shapes import infer_output_shape


def _pool(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    axes = len(value.shape) - 2
    kernel = node.integers("kernel_shape")
    if axes < 1 or not kernel:
        raise node.fault(f"input {list(value.shape)} with kernel_shape = {kernel} is no pool")
    kernel = spatial(node, "kernel_shape", axes)
    stride, dilation = spatial(node, "strides", axes), spatial(node, "dilations", axes)
    window: dict[str, Any] = {
        "op": "max_pool" if node.op == "MaxPool" else "average_pool",
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "padding": window_pads(node, value.shape[2:], kernel, stride, dilation),
        "ceil_mode": bool(node.integer("ceil_mode", 0)),
    }
    target = node.results[0][0]
    if target is not None and window["ceil_mode"] and not _agrees(window, value, target):
        window["padding"] = _widened(window, value.shape[2:], target[2:])
        window["ceil_mode"] = False
    return _emit(node, network, value, window)


def _agrees(window: dict[str, Any], value: Value, target: Shape) -> bool:
    layer = Pool(name="x", inputs=("x",), outputs=("y",), **window)
    try:
        return infer_output_shape(layer, [value.shape]) == target
    except ValueError:
        return False


def _widened(window: dict[str, Any], sizes: Sequence[int], target: Sequence[int]) -> Pads:
    """Return the padding with which a plain pool has the windows ONNX counts under ``ceil_mode``."""
    pads = []
    for i, (begin, end) in enumerate(window["padding"]):
        span = (window["kernel"][i] - 1) * window["dilation"][i] + 1
        needed = (target[i] - 1) * window["stride"][i] + span
        pads.append((begin, max(end, needed - sizes[i] - begin)))
    return tuple(pads)


def _global_pool(node: Node, network: Network) -> Outcome:
    value = node.value(0)
    sizes = value.shape[2:]
    if not sizes:
        raise node.fault(f"input {list(value.shape)} has no spatial axes")
    ones = (1,) * len(sizes)
    window = {
        "op": "max_pool" if node.op == "GlobalMaxPool" else "average_pool",
        "kernel": sizes,
        "stride": ones,
        "dilation": ones,
        "padding": ((0, 0),) * len(sizes),
    }
    return _emit(node, network, value, window)


def _emit(node: Node, network: Network, value: Value, window: dict[str, Any]) -> Outcome:
    keeps = window["op"] == "max_pool" and value.quantized
    precision = value.precision if keeps and node.result_precision is None else None
    return network.emit(node, Pool, [value], precision=precision, quantized=keeps, **window)


POOL_RULES: Rules = {
    ("", "MaxPool"): _pool,
    ("", "AveragePool"): _pool,
    ("", "LpPool"): _pool,
    ("", "GlobalAveragePool"): _global_pool,
    ("", "GlobalMaxPool"): _global_pool,
    ("", "GlobalLpPool"): _global_pool,
}
