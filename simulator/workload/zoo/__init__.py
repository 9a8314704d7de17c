"""The library's networks as functions that build them; ``python -m simulator.workload.zoo`` rewrites ``workloads/``."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from simulator.workload.files import save_workload
from simulator.workload.graph import LayerGraph
from simulator.workload.transforms.quantize import quantize
from simulator.workload.zoo.convnets import lenet5, mobilenet_v2, resnet18, vgg16
from simulator.workload.zoo.eyeriss import alexnet_eyeriss, vgg16_eyeriss
from simulator.workload.zoo.imported import MADE_NETWORKS, ONNX_NETWORKS, made_network, onnx_network
from simulator.workload.zoo.transformers import bert_base_s128, vit_tiny

__all__ = [
    "CHIP_NETWORKS",
    "HAND_BUILT",
    "alexnet_eyeriss",
    "bert_base_s128",
    "int8_variant",
    "lenet5",
    "library_graphs",
    "mobilenet_v2",
    "regenerate_library",
    "resnet18",
    "vgg16",
    "vgg16_eyeriss",
    "vit_tiny",
]

HAND_BUILT: dict[str, Callable[[], LayerGraph]] = {
    "bert_base_s128": bert_base_s128,
    "lenet5": lenet5,
    "mobilenet_v2": mobilenet_v2,
    "resnet18": resnet18,
    "vgg16": vgg16,
    "vit_tiny": vit_tiny,
}
CHIP_NETWORKS: dict[str, Callable[[], LayerGraph]] = {
    "alexnet_eyeriss": alexnet_eyeriss,
    "vgg16_eyeriss": vgg16_eyeriss,
}
"""Networks as a chip measured them, at that chip's widths: no int8 variants."""
INT8_NOTE = (
    "int8: every weight signed with a scale a channel, activations unsigned where they cannot be negative and signed "
    "elsewhere, biases 32-bit; first and last layers too."
)


def int8_variant(graph: LayerGraph) -> LayerGraph:
    """Return ``graph`` as ``<name>_int8``: 8-bit weights and activations throughout.

    Examples
    --------
    >>> small = int8_variant(lenet5())
    >>> small.name, small.tensors["c1.weight"].precision.label
    ('lenet5_int8', 'int8')
    """
    small = quantize(graph, weight_bits=8, activation_bits=8)
    note = f"{graph.provenance.note} {INT8_NOTE}".strip()
    provenance = graph.provenance.model_copy(update={"note": note})
    return replace(small, name=f"{graph.name}_int8", provenance=provenance)


def library_graphs(reference_folder: Path | None = None) -> Iterator[LayerGraph]:
    """Build every network of the library, in turn.

    Parameters
    ----------
    reference_folder : Path, optional
        Folder of reference data; without it the networks made from files there are left out.

    Raises
    ------
    WorkloadError
        The ``onnx`` package or a model file is missing.
    """
    for build in HAND_BUILT.values():
        yield from _both(build())
    for build in CHIP_NETWORKS.values():
        yield build()
    for name in ONNX_NETWORKS:
        yield from _both(onnx_network(name))
    if reference_folder is not None:
        for name in MADE_NETWORKS:
            yield made_network(name, reference_folder)


def _both(graph: LayerGraph) -> tuple[LayerGraph, LayerGraph]:
    return graph, int8_variant(graph)


def regenerate_library(folder: Path, reference_folder: Path | None = None) -> tuple[Path, ...]:
    """Write every network to ``folder`` and return the files written: the same bytes each time.

    Raises
    ------
    WorkloadError
        The folder is missing or not writable, or a source is missing.
    """
    written = []
    for graph in library_graphs(reference_folder):
        path = folder / f"{graph.name}.json"
        save_workload(graph, path)
        written.append(path)
    return tuple(written)
