"""What is known of the zeros of a stored tensor: its density, and where a file says so, the zeros themselves.

Layers that only rename data write nothing: a tensor and its other names are one thing in DRAM, and share what is known.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Conv, ConvTranspose, Gemm, Host, Layer, Matmul, Movement
from simulator.workload.masks import Masks
from simulator.workload.reductions import reduction_axes, weight_matrix
from simulator.workload.sparsity import FromFile, NOfM, Pruned

Mask = npt.NDArray[np.bool_]
_KEPT_IMAGES = 4


class StoredTensors:
    """The zeros of a network's tensors as they lie in DRAM.

    Parameters
    ----------
    masks : Masks

    Examples
    --------
    >>> from simulator.workload import load_workload
    >>> from simulator.workload.transforms.declare import declare_sparsity
    >>> graph = declare_sparsity(load_workload("lenet5_int8"), "0.25")
    >>> StoredTensors(Masks(graph)).density(graph.mac_layers[0].inputs[1])
    0.25
    """

    def __init__(self, masks: Masks) -> None:
        self.masks = masks
        self.graph: LayerGraph = masks.graph
        self._shares: dict[str, float] = {}
        for layer in reversed(self.graph.layers):
            if _renames(layer):
                self._inherit(layer.inputs, layer.outputs)
        for layer in self.graph.layers:
            if _renames(layer):
                self._inherit(layer.outputs, layer.inputs)
        self.image = lru_cache(_KEPT_IMAGES)(masks.mask)

    def density(self, name: str) -> float:
        """Return the share of non-zeros of a tensor, or of another name that it has; 1 where nothing is known."""
        if name not in self._shares:
            self._shares[name] = self.masks.density(name) if name in self.graph.tensors else 1.0
        return self._shares[name]

    def keeps_pattern(self, name: str, layer: Layer, n: int, m: int) -> bool:
        """Say whether every ``m`` neighbours along the reduction of ``layer`` hold at most ``n`` non-zeros."""
        matrix = self.weights(name, layer)
        if matrix is not None:
            lined_up = np.moveaxis(matrix, 2, -1)
            counts = np.add.reduceat(lined_up, np.arange(0, lined_up.shape[-1], m), axis=-1, dtype=np.int64)
            return bool(counts.max() <= n)
        sparsity = self.graph.tensors[name].sparsity
        if not isinstance(sparsity, NOfM):
            return n == m
        tensor = self.graph.tensors[name]
        axis = reduction_axes(self.graph).get(name, -1)
        along = axis if sparsity.axis is None else sparsity.axis
        if (along - axis) % len(tensor.shape) or m % sparsity.m:
            return n == m
        return sparsity.n * (m // sparsity.m) <= n

    def weights(self, name: str, layer: Layer) -> Mask | None:
        """Return where a file says that weights are not zero [groups, outputs, channels, taps], else None."""
        if not isinstance(self.graph.tensors[name].sparsity, FromFile | Pruned):
            return None
        if not isinstance(layer, Conv | ConvTranspose | Gemm | Matmul) or layer.inputs[1] != name:
            return None
        nest = self.graph.loops_of(layer)[0]
        matrix = weight_matrix(layer, self.masks.mask(name))
        if matrix.size != nest.G * nest.K * nest.inner:
            return None
        return np.asarray(matrix.reshape(nest.G, nest.K, nest.C, nest.R * nest.S))

    def has_maps(self, name: str, channels: int, area: tuple[int, int], layer: Layer) -> bool:
        """Say whether a file gives the zeros of a feature map in the shape that ``layer`` reads or writes it in."""
        if name not in self.graph.tensors or not isinstance(self.graph.tensors[name].sparsity, FromFile):
            return False
        if not isinstance(layer, Conv | Gemm) or layer.op == "conv3d":
            return False
        if isinstance(layer, Gemm) and layer.transpose_ifmap and name == layer.inputs[0]:
            return False
        tensor = self.graph.tensors[name]
        return tensor.elements % (channels * area[0] * area[1]) == 0

    def feature_map(self, name: str, image: int, channels: int, area: tuple[int, int], layer: Layer) -> Mask:
        """Return where one image of a feature map is not zero [channels, height, width]; see :meth:`has_maps`."""
        tensor = self.graph.tensors[name]
        each = tensor.elements // (channels * area[0] * area[1])
        mask = self.image(name, image=image // each)
        if isinstance(layer, Gemm):
            return np.asarray(mask.reshape(area[0], channels).T[:, :, None])
        return np.asarray(mask.reshape(each, channels, *area)[image % each])

    def _inherit(self, heirs: tuple[str, ...], known: tuple[str, ...]) -> None:
        """Give tensors without zeros of their own what is known of those that the same data is named by."""
        elements = sum(self.graph.tensors[name].elements for name in known)
        kept = sum(self.graph.tensors[name].elements * self.density(name) for name in known)
        for name in heirs:
            if not self.masks.is_sparse(name) and self.density(name) == 1.0 and kept < elements:
                self._shares[name] = kept / elements


def _renames(layer: Any) -> bool:  # noqa: ANN401 - any layer
    return isinstance(layer, Movement) and not layer.moves_data and not isinstance(layer, Host)
