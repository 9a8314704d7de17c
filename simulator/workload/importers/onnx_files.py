"""Reading an ONNX file from a stranger: size, form, names, external data and local functions, all checked before use.

Knows protobuf and the file system; knows no operator.
"""

from math import prod
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.importers.onnx_functions import inline_functions
from simulator.workload.importers.onnx_values import precision_of_type

MAX_FILE_BYTES = 2**31 - 1
MAX_VALUES = 65_536
MAX_RANK = 64

Array = NDArray[np.generic]


def read_model(path: Path) -> ModelProto:
    """Return the model in ``path`` with local functions inlined, its form checked, its weights not loaded.

    Raises
    ------
    WorkloadError
        Missing, empty, larger than protobuf's 2 GiB, no ONNX, or names that are no text.
    """
    model = _parse(path, _read_bytes(path))
    if not model.graph.node:
        message = f"{path}: the graph has no nodes; the file is empty or truncated, export the model again"
        raise WorkloadError(message)
    _check_graph(model.graph, str(path))
    for function in model.functions:
        for node in function.node:
            _check_node(node, str(path))
    return inline_functions(model, str(path))


def _read_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "no such file"
            message = f"{path}: {what}; give the path of an .onnx file"
            raise WorkloadError(message)
        if path.stat().st_size > MAX_FILE_BYTES:
            message = (
                f"{path}: {path.stat().st_size} bytes exceed protobuf's limit of 2 GiB; "
                "save the model with external data (onnx.save(..., save_as_external_data=True))"
            )
            raise WorkloadError(message)
        return path.read_bytes()
    except (OSError, ValueError) as problem:
        message = f"{path}: cannot be read ({problem}); give a readable .onnx file"
        raise WorkloadError(message) from None


def _parse(path: Path, data: bytes) -> ModelProto:
    if not data:
        message = f"{path}: is empty; export the model again"
        raise WorkloadError(message)
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError, ValueError) as problem:
        message = f"{path}: is not an ONNX model ({problem}); check that the download or export is complete"
        raise WorkloadError(message) from None
    return model


def _check_graph(graph: GraphProto, where: str) -> None:
    """Refuse names that are no UTF-8: protobuf lets them through and fails later, anywhere."""
    try:
        _text(graph.name)
        for node in graph.node:
            _check_node(node, where)
        for tensor in graph.initializer:
            _text(tensor.name)
        for info in (*graph.input, *graph.output, *graph.value_info):
            _text(info.name)
            for dim in info.type.tensor_type.shape.dim:
                _text(dim.dim_param)
    except UnicodeError:
        message = f"{where}: a name in the model is not UTF-8 text; the file is damaged, export it again"
        raise WorkloadError(message) from None


def _check_node(node: NodeProto, where: str) -> None:
    try:
        for text in (node.name, node.op_type, node.domain, *node.input, *node.output):
            _text(text)
        for attribute in node.attribute:
            _text(attribute.name)
            _text(attribute.ref_attr_name)
            for graph in (attribute.g, *attribute.graphs):
                if graph.node:
                    _check_graph(graph, where)
    except UnicodeError:
        message = f"{where}: a node's name is not UTF-8 text; the file is damaged, export it again"
        raise WorkloadError(message) from None


def _text(value: str | bytes) -> None:
    if isinstance(value, bytes):
        value.decode("utf-8")
    else:
        value.encode("utf-8")  # lone surrogates


def tensor_shape(tensor: TensorProto, where: str) -> tuple[int, ...]:
    """Return the dimensions of a stored tensor; a dimension below 0 or too many axes is a :class:`WorkloadError`."""
    dims = tuple(tensor.dims)
    if len(dims) > MAX_RANK or any(size < 0 or size >= 2**31 for size in dims):
        shown = list(dims[:8])
        message = f"{where}: tensor {tensor.name!r} has dimensions {shown}; the file is damaged, export it again"
        raise WorkloadError(message)
    return dims


def external_path(tensor: TensorProto, folder: Path, where: str) -> Path:
    """Return the file that holds ``tensor``, which must lie inside the model's folder.

    Raises
    ------
    WorkloadError
        The location is missing, absolute, has a ``..``, or leaves the folder through a symbolic link.
    """
    location = _entries(tensor).get("location", "")
    relative = Path(location)
    unsafe = not location or "\0" in location or "\\" in location or relative.is_absolute() or ".." in relative.parts
    try:
        path = (folder / relative).resolve() if not unsafe else folder
        unsafe = unsafe or not path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        unsafe = True
    if unsafe:
        message = (
            f"{where}: tensor {tensor.name!r} keeps its data in {location!r}, outside the model's folder; "
            "put the data file beside the model and save it with a relative location"
        )
        raise WorkloadError(message)
    return path


def _entries(tensor: TensorProto) -> dict[str, str]:
    return {str(entry.key): str(entry.value) for entry in tensor.external_data}


def tensor_values(tensor: TensorProto, folder: Path, where: str, *, most: int = MAX_VALUES) -> Array | None:
    """Return the values of a small stored tensor, or None where it is large, incomplete, or its data file is missing.

    Shapes and widths suffice for weights; values matter for clip bounds, zero points and the like. Formats that numpy
    lacks (4-bit integers, bfloat16...) come as int32 or float32.
    """
    count = prod(tensor_shape(tensor, where))
    is_external = tensor.data_location == TensorProto.EXTERNAL
    path = external_path(tensor, folder, where) if is_external else folder
    if count > most:
        return None
    stored = tensor
    if is_external:
        data = _external_bytes(tensor, path, count)
        if data is None:
            return None
        stored = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=data)
    try:
        array = numpy_helper.to_array(stored)
    except (ValueError, TypeError, KeyError, OverflowError, UnicodeError):
        return None
    return _plain(array) if array.size == count else None


def _external_bytes(tensor: TensorProto, path: Path, count: int) -> bytes | None:
    entries, width = _entries(tensor), precision_of_type(tensor.data_type)
    if width is None:
        return None
    needed = -(-count * width.bits // 8)
    try:
        offset = int(entries.get("offset", "0"))
        if offset < 0 or int(entries.get("length", str(needed))) != needed:
            return None
        if not path.is_file():  # missing, or a pipe: opening one waits for a writer
            return None
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(needed)
    except (OSError, ValueError, OverflowError):
        return None
    return data if len(data) == needed else None


def _plain(array: Array) -> Array:
    if array.dtype.kind in "biuf" and array.dtype.isbuiltin == 1:
        return array
    if array.dtype.kind in "OSU":
        return array
    name = array.dtype.name
    return array.astype(np.int32 if "int" in name and "float" not in name else np.float32)


def read_weight(path: Path, tensor: str) -> Array:
    """Return the stored values of one tensor of a model, however large: the door for studies of weight values.

    Parameters
    ----------
    path : Path
        The model that :func:`~simulator.workload.importers.onnx_model.import_onnx` read.
    tensor : str
        A constant tensor of its graph that is stored in the file.

    Raises
    ------
    WorkloadError
        The model stores no such tensor, or its data is missing or incomplete.
    """
    model = read_model(path)
    found = next((stored for stored in model.graph.initializer if stored.name == tensor), None)
    if found is None:
        hint = did_you_mean(tensor, (stored.name for stored in model.graph.initializer))
        message = f"{path}: stores no tensor {tensor!r}{hint}; give the name of an initializer"
        raise WorkloadError(message)
    values = tensor_values(found, path.parent, str(path), most=MAX_FILE_BYTES)
    if values is None:
        message = f"{path}: the values of {tensor!r} are missing or incomplete; keep the model's data file beside it"
        raise WorkloadError(message)
    return values
