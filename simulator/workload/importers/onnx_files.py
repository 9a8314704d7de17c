"""Reading an ONNX file from a stranger: size, form, names, external data and local functions, all checked before use.

Knows protobuf and the file system; knows no operator.
"""

from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_functions import inline_functions

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


def tensor_values(tensor: TensorProto, folder: Path, where: str) -> Array | None:
    """Return the values of a small stored tensor, or None where it is large, incomplete, or its data file is missing.

    Shapes and widths suffice for weights; values matter for clip bounds, zero points and the like. Formats that numpy
    lacks (4-bit integers, bfloat16...) come as int32 or float32.
    """
    count = prod(tensor_shape(tensor, where))
    is_external = tensor.data_location == TensorProto.EXTERNAL
    path = external_path(tensor, folder, where) if is_external else folder
    if count > MAX_VALUES:
        return None
    stored = tensor
    if is_external:
        data = _external_bytes(tensor, path)
        if data is None:
            return None
        stored = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=data)
    try:
        array = numpy_helper.to_array(stored)
    except (ValueError, TypeError, KeyError, OverflowError, UnicodeError):
        return None
    return _plain(array) if array.size == count else None


def _external_bytes(tensor: TensorProto, path: Path) -> bytes | None:
    entries = _entries(tensor)
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries["length"]) if "length" in entries else 8 * MAX_VALUES
        if offset < 0 or not 0 <= length <= 16 * MAX_VALUES:
            return None
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
    except (OSError, ValueError, OverflowError):
        return None
    if "length" in entries:
        return data if len(data) == length else None
    width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return data[: prod(tensor.dims) * width]


def _plain(array: Array) -> Array:
    if array.dtype.kind in "biuf" and array.dtype.isbuiltin == 1:
        return array
    if array.dtype.kind in "OSU":
        return array
    name = array.dtype.name
    return array.astype(np.int32 if "int" in name and "float" not in name else np.float32)
