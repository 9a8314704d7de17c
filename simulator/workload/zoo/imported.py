"""Networks of the library that come from model files: those of the ``onnx`` package, and a made mixed-precision one."""

import hashlib
from dataclasses import replace
from pathlib import Path

from simulator.errors import WorkloadError
from simulator.workload.graph import LayerGraph, Provenance

ONNX_NETWORKS = {
    "alexnet": "bvlc_alexnet",
    "densenet121": "densenet121",
    "inception_v1": "inception_v1",
    "inception_v2": "inception_v2",
    "resnet50": "resnet50",
    "shufflenet": "shufflenet",
    "squeezenet": "squeezenet",
    "vgg19": "vgg19",
    "zfnet512": "zfnet512",
}
MADE_NETWORKS = {"resnet50_w4w8": "made_resnet50_w4w8_mixed_qdq.onnx"}


def onnx_folder() -> Path:
    """Return the folder of the model files inside the installed ``onnx`` package.

    Raises
    ------
    WorkloadError
        The package is not installed, or comes without them.
    """
    try:
        import onnx
    except ImportError:
        message = 'package onnx is missing: the library\'s ONNX networks need it; install "onnx"'
        raise WorkloadError(message) from None
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    if not folder.is_dir():
        message = f"{folder}: no such folder; this onnx package comes without its light models, install another version"
        raise WorkloadError(message)
    return folder


def onnx_network(name: str) -> LayerGraph:
    """Return one of the ``onnx`` package's networks: real shapes, weight values constant fills."""
    path = onnx_folder() / f"light_{ONNX_NETWORKS[name]}.onnx"
    return _imported(name, path, source=f"onnx package, backend/test/data/light/{path.name}", licence="Apache-2.0")


def made_network(name: str, reference_folder: Path) -> LayerGraph:
    """Return a network made for this project's tests, from the folder of reference data."""
    path = reference_folder / "models" / MADE_NETWORKS[name]
    source = "light_resnet50.onnx of the onnx package, quantized by onnxruntime's quantize_static: 26 convolutions INT4"
    graph = _imported(name, path, source=source, licence="Apache-2.0")
    note = "Shapes and widths are real, values synthetic: the choice of layers is no accuracy study."
    return replace(graph, provenance=graph.provenance.model_copy(update={"note": note}))


def _imported(name: str, path: Path, *, source: str, licence: str) -> LayerGraph:
    from simulator.workload.importers.onnx_model import import_onnx

    graph = import_onnx(path)
    provenance = Provenance(source=source, licence=licence, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return replace(graph, name=name, provenance=provenance)
