"""LSTM, GRU and RNN, plain and dynamically quantized."""

from dataclasses import replace

from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, Rules
from simulator.workload.importers.onnx_precision import scaled
from simulator.workload.importers.onnx_products import swapped
from simulator.workload.importers.onnx_values import Shape, Value
from simulator.workload.layers import Movement, Recurrent
from simulator.workload.precision import Precision


def _recurrent(node: Node, network: Network) -> Outcome:
    return _layer(node, network, node.value(0), node.value(1), node.value(2))


def _dynamic_lstm(node: Node, network: Network) -> Outcome:
    """``DynamicQuantizeLSTM`` (ONNX Runtime) stores its weights ``[directions, input, 4 x hidden]``."""
    ifmap = node.value(0).with_precision(Precision(bits=8, signed=False))
    weights = []
    for index, scale in ((1, 8), (2, 10)):
        value = node.value(index)
        width = scaled(value.precision, value.shape, node.optional(scale))
        weights.append(replace(value, shape=swapped(value.shape), precision=width, array=None))
    return _layer(node, network, ifmap, *weights)


def _layer(node: Node, network: Network, ifmap: Value, weight: Value, recurrent: Value) -> Outcome:
    if any(len(value.shape) != 3 for value in (ifmap, weight, recurrent)):
        raise node.fault("X, W and R must have 3 axes each")
    batch_first = bool(node.integer("layout", 0))
    if batch_first:
        shape = (ifmap.shape[1], ifmap.shape[0], ifmap.shape[2])
        ifmap = network.step(node, Movement, [ifmap], shape, ".time_first", op="transpose")
    time, batch, _ = ifmap.shape
    hidden, directions = node.integer("hidden_size", recurrent.shape[2]), weight.shape[0]
    shapes = [(time, directions, batch, hidden), (directions, batch, hidden), (directions, batch, hidden)]
    results = [
        _result(node, network, i, shapes[i], turned=batch_first) for i in range(min(3, max(1, len(node.outputs))))
    ]
    kept = [result for i, result in enumerate(results) if i == 0 or node.outputs[i]]
    bias = node.optional(3)
    extra = [] if bias is None else [bias]
    extra += [value for value in node.inputs[5:7] if value is not None and not value.constant]
    network.add(
        node,
        Recurrent,
        [ifmap, weight, recurrent, *extra],
        [result.tensor for result in kept],
        op=node.op.removeprefix("DynamicQuantize").lower(),
        hidden_size=hidden,
        directions=directions,
    )
    values = [_batch_first(node, network, result, i) if batch_first else result for i, result in enumerate(results)]
    return Outcome([value if node.outputs[i] else None for i, value in enumerate(values)], "mapped", "two products")


def _result(node: Node, network: Network, index: int, shape: Shape, *, turned: bool) -> Value:
    name = node.outputs[index] if index < len(node.outputs) else ""
    suffix = "" if name else f".result{index}"
    if not name and index > 0:
        return Value("", shape, node.element_type(), node.default_precision())
    return network.result(node, index, shape=shape, suffix=f"{suffix}.time_first" if turned else suffix)


def _batch_first(node: Node, network: Network, value: Value, index: int) -> Value:
    """``layout = 1`` wants [batch, ...]: a rename for the states, a strided view for the sequence."""
    if not node.outputs[index]:
        return value
    time_first = value.shape
    order = (2, 0, 1, 3) if index == 0 else (1, 0, 2)
    shape = tuple(time_first[axis] for axis in order)
    return network.step(node, Movement, [value], shape, f".batch_first{index}", op="transpose")


RECURRENT_RULES: Rules = {
    ("", "LSTM"): _recurrent,
    ("", "GRU"): _recurrent,
    ("", "RNN"): _recurrent,
    ("com.microsoft", "DynamicQuantizeLSTM"): _dynamic_lstm,
}
