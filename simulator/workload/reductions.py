"""Which axis of an operand its reader sums over, and weights as matrices. Knows layers; knows no hardware."""

from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import MAC_LAYERS, Conv, ConvTranspose, Gemm, Layer, Matmul, Recurrent


def reduction_axes(graph: LayerGraph) -> dict[str, int]:
    """Return the reduction axis of every operand of a multiply-accumulate layer, by tensor; the first reader decides.

    Examples
    --------
    >>> from simulator.workload import GraphBuilder
    >>> net = GraphBuilder("tiny")
    >>> graph = net.build(net.conv(net.input("x", (1, 3, 8, 8)), 4, 3))
    >>> reduction_axes(graph)
    {'x': 1, 'conv2d_1.weight': 1}
    """
    axes: dict[str, int] = {}
    for layer in graph.layers:
        if isinstance(layer, MAC_LAYERS):
            for place, axis in enumerate(_operand_axes(layer, graph)):
                axes.setdefault(layer.inputs[place], axis)
    return axes


def _operand_axes(layer: Layer, graph: LayerGraph) -> tuple[int, ...]:
    if isinstance(layer, Conv):
        return 1, 1
    if isinstance(layer, ConvTranspose):
        return 1, 0
    if isinstance(layer, Gemm):
        return -2 if layer.transpose_ifmap else -1, -1 if layer.transpose_weight else -2
    if isinstance(layer, Matmul):
        vector = len(graph.tensors[layer.inputs[1]].shape) == 1
        return -1, -1 if vector else -2
    assert isinstance(layer, Recurrent)
    return -1, -1, -1


def output_axis(layer: Layer) -> int:
    """Return the axis of a layer's weight that counts its outputs (of a group).

    Raises
    ------
    WorkloadError
        The layer has no weight matrix.
    """
    if isinstance(layer, Conv | Recurrent):
        return 0 if isinstance(layer, Conv) else 1
    if isinstance(layer, ConvTranspose):
        return 1
    if isinstance(layer, Gemm):
        return -2 if layer.transpose_weight else -1
    if isinstance(layer, Matmul):
        return -1
    message = f"layer {layer.name!r} ({layer.op}): has no weight matrix"
    raise WorkloadError(message)


def weight_matrix(layer: Layer, weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a weight (values or mask) as matrices [groups, outputs, inputs], inputs in the order C, R, S.

    Parameters
    ----------
    layer : Layer
        A convolution, a matrix product, or a recurrent layer (one matrix a direction).
    weight : ndarray
        In the shape of the layer's weight.

    Raises
    ------
    WorkloadError
        The layer has no weight matrix.

    Examples
    --------
    >>> from simulator.workload.layers import Gemm
    >>> gemm = Gemm(op="gemm", name="fc", inputs=("x", "w"), outputs=("y",))
    >>> weight_matrix(gemm, np.arange(6).reshape(2, 3)).tolist()
    [[[0, 3], [1, 4], [2, 5]]]
    """
    if isinstance(layer, Conv):
        per_group = weight.shape[0] // layer.groups
        return weight.reshape(layer.groups, per_group, -1)
    if isinstance(layer, ConvTranspose):
        grouped = weight.reshape(layer.groups, weight.shape[0] // layer.groups, -1)
        return np.swapaxes(grouped, 1, 2)
    if isinstance(layer, Gemm):
        return weight[None] if layer.transpose_weight else weight.T[None]
    if isinstance(layer, Recurrent):
        return weight
    if isinstance(layer, Matmul):
        flat = weight.reshape(-1, *weight.shape[-2:])
        return np.swapaxes(flat, 1, 2)
    message = f"layer {layer.name!r} ({layer.op}): has no weight matrix"
    raise WorkloadError(message)
