"""Pools, windowed and global."""

from typing import Any

from simulator.workload.importers.onnx_convolutions import spatial, window_pads
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_values import Value
from simulator.workload.layers import Pool


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
    return _emit(node, network, value, window)


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
