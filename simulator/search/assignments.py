"""Bit assignments: (weight, activation) bits of each multiply-accumulate layer, checked, and the tensors they set."""

from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.workload import LayerGraph, Precision

WIDEST_BITS = 64
Ints = npt.NDArray[np.int64]


class AssignedTensors:
    """The tensors that an assignment of a network sets.

    An activation that several layers read takes the widest of their widths.

    Attributes
    ----------
    names : tuple of str
        Tensors, in order of first use.
    columns : list of (int, int)
        Places of each multiply-accumulate layer's (ifmap, weight) among ``names``.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.layers = graph.mac_layers
        place: dict[str, int] = {}
        self.columns = [
            (place.setdefault(layer.inputs[0], len(place)), place.setdefault(layer.inputs[1], len(place)))
            for layer in self.layers
        ]
        self.names = tuple(place)
        self._precisions: dict[tuple[str, int], Precision] = {}

    def bits(self, trials: npt.NDArray[Any]) -> Ints:
        """Return the width of each tensor [B, tensors] under checked ``trials`` [B, L, 2]."""
        bits = np.zeros((len(trials), len(self.names)), np.int64)
        for layer, (ifmap, weight) in enumerate(self.columns):
            bits[:, weight] = np.maximum(bits[:, weight], trials[:, layer, 0])
            bits[:, ifmap] = np.maximum(bits[:, ifmap], trials[:, layer, 1])
        return bits

    def precisions(self, assignment: Any) -> dict[str, Precision]:  # noqa: ANN401 - anything shaped [L, 2]
        """Return the tensors' precisions under ``assignment`` [L, 2]; WorkloadError as :meth:`checked`."""
        widths = self.bits(self.checked(assignment)[None])[0].tolist()
        return {name: self._precision(name, bits) for name, bits in zip(self.names, widths, strict=True)}

    def _precision(self, name: str, bits: int) -> Precision:
        """Return the integer precision of a tensor at ``bits``; copying a model is slow, so each is made once."""
        known = self._precisions.get((name, bits))
        if known is None:
            known = self.graph.tensors[name].precision.model_copy(update={"bits": bits, "kind": "int"})
            self._precisions[name, bits] = known
        return known

    def checked(self, assignment: Any) -> npt.NDArray[Any]:  # noqa: ANN401
        """Return ``assignment`` as an array [L, 2].

        Raises
        ------
        WorkloadError
            It does not have one (weight, activation) pair of 1 to 64 bits for each layer.
        """
        pairs = as_array(assignment)
        if pairs.shape != (len(self.layers), 2) or pairs.dtype.kind not in "iu":
            message = (
                f"assignment of shape {pairs.shape} and type {pairs.dtype}: {self.graph.name} takes integers "
                f"[{len(self.layers)}, 2] of (weight bits, activation bits), one row for each of mac_layers"
            )
            raise WorkloadError(message)
        _check_widths(pairs)
        return pairs

    def checked_all(self, assignments: Any) -> npt.NDArray[Any]:  # noqa: ANN401
        """Return ``assignments`` as an array [B, L, 2].

        Raises
        ------
        WorkloadError
            Another shape or type, or widths outside 1 to 64.
        """
        trials = as_array(assignments)
        if trials.ndim != 3 or trials.size != trials.shape[0] * len(self.layers) * 2:
            message = (
                f"assignments of shape {trials.shape}: give [B, {len(self.layers)}, 2], one (weight bits, "
                "activation bits) for each of B trials and each of mac_layers"
            )
            raise WorkloadError(message)
        self.checked(trials[0] if len(trials) else np.full(trials.shape[1:], 8))
        _check_widths(trials)
        return trials


def _check_widths(bits: npt.NDArray[Any]) -> None:
    if bits.size and (bits.min() < 1 or bits.max() > WIDEST_BITS):
        message = f"assignment: bits {bits.min()}..{bits.max()}; give 1 to {WIDEST_BITS}"
        raise WorkloadError(message)


def as_array(numbers: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever the caller has
    """Return ``numbers`` as an array; rows of different lengths are the caller's fault."""
    try:
        return np.asarray(numbers)
    except ValueError as problem:
        message = f"assignment: {problem}; give one (weight bits, activation bits) pair for each of mac_layers"
        raise WorkloadError(message) from None
