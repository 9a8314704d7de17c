"""Small ONNX models for the importer's tests, written the way exporters write them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from simulator.workload.graph import LayerGraph
from simulator.workload.importers.onnx_model import import_onnx

FLOAT, INT8, UINT8, INT64 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT64
DOMAINS = ("com.microsoft", "onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")

node = helper.make_node


def array(name: str, values: object, dtype: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def weights(name: str, *shape: int, dtype: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, dtype=dtype), name)


def packed(name: str, kind: int, *shape: int) -> TensorProto:
    """A tensor of a sub-byte type, all ones."""
    return helper.make_tensor(name, kind, shape, np.ones(shape, dtype=np.int8).reshape(-1).tolist())


def scalar(name: str, value: float, dtype: type = np.float32) -> TensorProto:
    return array(name, value, dtype)


def model(
    nodes: Sequence[NodeProto],
    inputs: dict[str, Sequence[int | str | None] | None],
    outputs: Sequence[str],
    constants: Sequence[TensorProto] = (),
    *,
    opset: int = 18,
    kind: int = FLOAT,
    kinds: dict[str, int] | None = None,
) -> onnx.ModelProto:
    given = kinds or {}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, given.get(name, kind), shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, given.get(name, FLOAT), None) for name in outputs],
        list(constants),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in DOMAINS)]
    return helper.make_model(graph, opset_imports=imports)


def import_model(
    proto: onnx.ModelProto, folder: Path, shapes: dict[str, tuple[int, ...]] | None = None, name: str = "net"
) -> LayerGraph:
    path = folder / f"{name}.onnx"
    path.write_bytes(proto.SerializeToString())
    return import_onnx(path, shapes=shapes)


def row(graph: LayerGraph, name: str) -> tuple[str, str]:
    found = next(row for row in graph.import_table if row.node == name)
    return found.fate, found.detail


def ops(graph: LayerGraph) -> list[str]:
    return [layer.op for layer in graph.layers]


def labels(graph: LayerGraph, index: int = 0) -> tuple[str, str, str]:
    """Widths of ifmap, weight and ofmap of one MAC layer."""
    layer = graph.mac_layers[index]
    names = (layer.inputs[0], layer.inputs[1], layer.outputs[0])
    ifmap, weight, ofmap = (graph.tensors[name].precision.label for name in names)
    return ifmap, weight, ofmap


def light_folder() -> Path:
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    if not folder.is_dir():
        pytest.skip("this onnx package ships no light models")
    return folder
