"""Finding workloads: a library name, or a file of any form an importer reads."""

from collections.abc import Mapping
from pathlib import Path

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.files import load_workload_json
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Recurrent
from simulator.workload.sparsity import FromFile, Sparsity

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "_workloads", _PACKAGE.parent / "workloads")


def library_folder() -> Path:
    """Return the folder of the library: inside the installed package, or the checkout's ``workloads/``."""
    for folder in _FOLDERS:
        if folder.is_dir():
            return folder
    message = "the workload library is missing from this installation; reinstall the package"
    raise WorkloadError(message)


def library_names() -> tuple[str, ...]:
    """Return the names of the library's workloads, sorted."""
    return tuple(sorted(path.stem for path in library_folder().glob("*.json")))


def load_workload(
    workload: LayerGraph | str | Path, *, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> LayerGraph:
    """Return a workload from a library name, a ``.json``, an ``.onnx`` or a SCALE-Sim ``.csv`` file.

    Parameters
    ----------
    workload : LayerGraph, str or Path
        A graph is returned as it is.
    shapes : mapping of str to tuple of int, optional
        Shapes for a model's inputs whose dimensions are unbound (ONNX).

    Raises
    ------
    WorkloadError
        Unknown name, or a file that cannot be read.

    Examples
    --------
    >>> load_workload("lenet5").name
    'lenet5'
    """
    text = workload.name if isinstance(workload, LayerGraph) else str(workload)
    suffix = "" if isinstance(workload, LayerGraph) else Path(text).suffix.lower()
    if shapes and suffix != ".onnx":
        message = f"--shape {next(iter(shapes))}: only ONNX models have shapes to bind; {text} is complete without it"
        raise WorkloadError(message)
    if isinstance(workload, LayerGraph):
        return workload
    if suffix == ".onnx":
        from simulator.workload.importers.onnx_model import import_onnx

        return with_stored_values(import_onnx(Path(text), shapes=shapes), Path(text))
    if suffix == ".csv":
        from simulator.workload.importers.scalesim import import_scalesim_topology

        return import_scalesim_topology(Path(text))
    if suffix == ".json" or "/" in text:
        return load_workload_json(Path(text))
    names = library_names()
    if text not in names:
        message = (
            f"workload {text!r}: no such library workload{did_you_mean(text, names)}; "
            "see `simulator list workloads`, or give a .json, .onnx or .csv file"
        )
        raise WorkloadError(message)
    return load_workload_json(library_folder() / f"{text}.json")


def with_stored_values(graph: LayerGraph, path: Path) -> LayerGraph:
    """Return a network imported from the ONNX file ``path`` whose weights name their values in it.

    Weights that the file does not store as they are read (made by other nodes) stay as they are.
    """
    from simulator.workload.importers.onnx_weights import stored_weights

    weights = stored_weights(path)
    named: dict[str, Sparsity] = {}
    for layer in graph.mac_layers:
        for name in layer.inputs[1:3] if isinstance(layer, Recurrent) else layer.inputs[1:2]:
            tensor = graph.tensors[name]
            if tensor.constant and name in weights and weights[name].read_shape == tensor.shape:
                named[name] = FromFile(kind="values", file=path.name, array=name)
    return graph.with_sparsities(named, folder=path.parent)
