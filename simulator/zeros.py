"""What a run knows of zeros, and what its hardware makes of them, in words and numbers. Nothing stays unsaid."""

from collections import Counter
from typing import Any

from simulator.arch.description import Accelerator
from simulator.arch.eie_array import EieArray
from simulator.arch.ese_array import EseArray
from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.arch.sparse_arrays import SKIPS
from simulator.workload.graph import LayerGraph
from simulator.workload.masks import Masks
from simulator.workload.sparsity import FromFile, NOfM, Pruned, Sparsity


def zeros_of(graph: LayerGraph, masks: Masks, accelerator: Accelerator) -> dict[str, Any]:
    """Return the ``zeros`` of a result.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> from simulator.workload import load_workload
    >>> graph = load_workload("lenet5")
    >>> zeros_of(graph, Masks(graph), load_accelerator("gemmini_like_16"))["declared"]
    []
    """
    weights: set[str] = set()
    activations: set[str] = set()
    for layer in graph.mac_layers:
        for nest in graph.loops_of(layer):
            for name in (nest.ifmap, nest.weight):
                (weights if graph.tensors[name].constant else activations).add(name)
    described = Counter(
        ("weights" if name in weights else "activations", described_as(graph.tensors[name].sparsity))
        for name in sorted(weights | activations)
        if masks.is_sparse(name)
    )
    return {
        "weight_density": _mean_density(graph, masks, weights),
        "activation_density": _mean_density(graph, masks, activations),
        "declared": [f"{what} of {count} {operand}" for (operand, what), count in sorted(described.items())],
        "seed": masks.seed,
        "exploited": exploited(accelerator),
    }


def exploited(accelerator: Accelerator) -> str:
    """Say what an accelerator makes of zeros."""
    array = accelerator.array
    if isinstance(array, EieArray):
        return f"{accelerator.name} skips zeros of weights and activations: cycles, bytes and energy"
    if isinstance(array, EseArray):
        return f"{accelerator.name} skips zero weights (zero activations take their time): cycles, bytes and energy"
    if isinstance(array, RowStationaryArray):
        gates = ["multiplications and spad accesses of zero ifmaps are gated (energy)"] if array.zero_gating else []
        packs = ["feature maps are run-length coded in DRAM (bytes, link time)"] if array.feature_maps == "rlc" else []
        if gates or packs:
            return f"{accelerator.name}: {'; '.join(gates + packs)}; never fewer cycles of the array"
    if array.kind in SKIPS:
        return f"{accelerator.name} skips {SKIPS[array.kind]}: cycles, bytes and energy"
    gating, formats = accelerator.zero_gating, accelerator.compression
    found = []
    if formats.is_used:
        decoded, encoded = formats.codec_elements_per_cycle
        found.append(
            f"{accelerator.name} keeps {formats.in_short} in DRAM: bytes; its decoder and encoder take {decoded} and "
            f"{encoded} elements a cycle (their energy is not counted)"
        )
    if gating.by:
        left = f", {gating.gated_share:.0%} of it left" if gating.gated_share else ""
        bytes_too = "" if formats.is_used else " and no bytes"
        found.append(
            f"{accelerator.name} gates multipliers and their registers where the {' or the '.join(gating.by)} is zero: "
            f"energy{left}, no cycles{bytes_too}"
        )
    return "; ".join(found) or f"nothing: {accelerator.name} multiplies and moves zeros as any value"


def exploits_nothing(accelerator: Accelerator) -> bool:
    """Whether zeros change neither cycles, bytes nor energy."""
    return exploited(accelerator).startswith("nothing")


def described_as(sparsity: Sparsity) -> str:
    """Return a short name of a description: ``uniform``, ``2:4``, ``values of model.onnx``."""
    if isinstance(sparsity, NOfM):
        return f"{sparsity.n}:{sparsity.m}"
    if isinstance(sparsity, Pruned):
        return f"pruned to {described_as(sparsity.to)} values of {sparsity.file.rpartition('/')[2]}"
    if isinstance(sparsity, FromFile):
        return f"{sparsity.kind} of {sparsity.file.rpartition('/')[2]}"
    return sparsity.kind


def _mean_density(graph: LayerGraph, masks: Masks, names: set[str]) -> float:
    elements = sum(graph.tensors[name].elements for name in names)
    kept = sum(graph.tensors[name].elements * masks.density(name) for name in sorted(names))
    return kept / elements if elements else 1.0
