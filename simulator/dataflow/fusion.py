"""Which vector layers are done on an array's outputs on their way to memory.

A chain behind a multiply-accumulate layer is fused as long as each tensor in it has one reader and keeps its size,
the vector unit can do the operator on the way, and a second operand comes from a layer that is finished before (a
residual addition fuses only into the producer that finishes last).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from simulator.dataflow.widths import Widths
from simulator.workload.layers import Activation, Elementwise, Layer, Normalization


@dataclass
class Fusion:
    """A chain of vector layers behind one layer.

    Attributes
    ----------
    tensor : str
        The chain's last output: what is stored.
    layers : list of int
        Indices of the fused layers, in order.
    operations : int
        Their vector-lane operations.
    residual : str or None
        The second operand of a fused addition.
    parameter_bits : int
        Constants that come with the weights [bits].
    """

    tensor: str
    layers: list[int] = field(default_factory=list)
    operations: int = 0
    residual: str | None = None
    parameter_bits: int = 0


def follow_chain(widths: Widths, index: int, finished: Collection[str]) -> Fusion:
    """Return the chain behind layer ``index``; ``finished`` are the tensors that earlier layers have stored."""
    graph = widths.graph
    fusion = Fusion(tensor=graph.layers[index].outputs[0])
    while True:
        readers = graph.consumers_of.get(fusion.tensor, ())
        if len(readers) != 1 or fusion.tensor in graph.outputs:
            return fusion
        follower = graph.layers[readers[0]]
        if not _is_fusable(widths, fusion, follower) or not _take_operands(widths, fusion, follower, finished):
            return fusion
        fusion.layers.append(readers[0])
        fusion.operations += widths.operations(follower)
        fusion.tensor = follower.outputs[0]


def _is_fusable(widths: Widths, fusion: Fusion, layer: Layer) -> bool:
    """Whether the vector unit does this operator element by element on the way."""
    plain = isinstance(layer, Activation | Elementwise)
    if not plain and not (isinstance(layer, Normalization) and layer.function == "batch"):
        return False
    if layer.op not in widths.accelerator.vector.fused:
        return False
    tensors = widths.graph.tensors
    return tensors[layer.outputs[0]].elements == tensors[fusion.tensor].elements


def _take_operands(widths: Widths, fusion: Fusion, layer: Layer, finished: Collection[str]) -> bool:
    """Take the layer's other operands into the chain, if they are constants or one finished tensor of the same size."""
    graph = widths.graph
    others = [graph.tensors[name] for name in layer.inputs if name != fusion.tensor]
    moving = [tensor for tensor in others if not tensor.constant]
    if moving:
        if len(moving) > 1 or fusion.residual is not None:
            return False
        second = moving[0]
        early = second.name in finished or second.name not in graph.producer_of
        if not early or second.elements != graph.tensors[fusion.tensor].elements:
            return False
        fusion.residual = second.name
    fusion.parameter_bits += sum(widths.parameter_bits(tensor) for tensor in others if tensor.constant)
    return True
