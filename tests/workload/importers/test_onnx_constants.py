import numpy as np
import pytest
from onnx import SparseTensorProto, TensorProto, helper

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_constants import sparse_value, stored_value
from tests.workload.importers.onnx_models import (
    INT64,
    array,
    import_model,
    labels,
    model,
    node,
    ops,
    packed,
    row,
    scalar,
    weights,
)


def product(nodes, constants=(), shape=(2, 8), opset=18):
    return model([*nodes, node("MatMul", ["x", "w"], ["y"])], {"x": shape}, ["y"], constants, opset=opset)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Constant", [], ["w"], value=weights("v", 8, 4))],
        [node("Constant", [], ["v"], value=weights("v", 8, 4)), node("Identity", ["v"], ["w"])],
        [
            node("Constant", [], ["s"], value_ints=[8, 4]),
            node("ConstantOfShape", ["s"], ["w"]),
        ],
        [node("Constant", [], ["v"], value=weights("v", 4, 8)), node("Transpose", ["v"], ["w"])],
        [
            node("Constant", [], ["v"], value=weights("v", 32)),
            node("Constant", [], ["s"], value_ints=[8, -1]),
            node("Reshape", ["v", "s"], ["w"]),
        ],
        [node("Constant", [], ["v"], value=weights("v", 8, 4)), node("Mul", ["v", "v"], ["w"])],
    ],
)
def test_weights_however_they_are_stored(tmp_path, nodes):
    graph = import_model(product(nodes), tmp_path)
    assert ops(graph) == ["gemm"]
    assert graph.total_macs == 2 * 8 * 4
    assert all(line.fate == "folded" for line in graph.import_table[:-1])


def test_a_large_filled_weight_is_not_made(tmp_path):
    nodes = [node("Constant", [], ["s"], value_ints=[2**20, 2**20]), node("ConstantOfShape", ["s"], ["w"])]
    assert import_model(product(nodes, shape=(1, 2**20)), tmp_path).total_macs == 2**40


def test_quantized_weights_keep_name_and_width_through_reshapes(tmp_path):
    nodes = [
        node("DequantizeLinear", ["codes", "s"], ["d"], axis=0),
        node("Transpose", ["d"], ["w"]),
    ]
    graph = import_model(product(nodes, [packed("codes", TensorProto.INT4, 4, 8), weights("s", 4)], opset=21), tmp_path)
    assert labels(graph)[1] == "int4"
    assert graph.mac_layers[0].inputs[1] == "codes"
    assert graph.tensors["codes"].precision.granularity == "per_channel"


def test_one_weight_in_two_shapes_is_two_tensors(tmp_path):
    proto = model(
        [node("MatMul", ["x", "w"], ["a"]), node("Transpose", ["w"], ["t"]), node("MatMul", ["a", "t"], ["y"])],
        {"x": [2, 8]},
        ["y"],
        [weights("w", 8, 4)],
    )
    graph = import_model(proto, tmp_path)
    assert [graph.tensors[layer.inputs[1]].shape for layer in graph.layers] == [(8, 4), (4, 8)]
    assert [layer.inputs[1] for layer in graph.layers] == ["w", "w_2"]


def test_shape_arithmetic_folds(tmp_path):
    proto = model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"]),
            node("Unsqueeze", ["batch", "axes"], ["b"]),
            node("Concat", ["b", "minus"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"], name="turn"),
        ],
        {"x": [3, 4, 5]},
        ["y"],
        [scalar("zero", 0, np.int64), array("axes", [0], np.int64), array("minus", [-1], np.int64)],
    )
    graph = import_model(proto, tmp_path)
    assert graph.tensors["y"].shape == (3, 20)
    assert [line.fate for line in graph.import_table] == ["folded"] * 4 + ["mapped"]
    assert row(graph, "turn")[0] == "mapped"


def test_sparse_weights_have_their_dense_shape(tmp_path):
    sparse = helper.make_sparse_tensor(array("w", [1.0, 2.0]), array("at", [0, 9], np.int64), [8, 4])
    proto = product([])
    proto.graph.sparse_initializer.append(sparse)
    graph = import_model(proto, tmp_path)
    assert graph.tensors["w"].shape == (8, 4)
    values = TensorProto(data_type=TensorProto.FLOAT)
    assert sparse_value(SparseTensorProto(dims=[2], values=values), "net", "w").shape == (2,)


@pytest.mark.parametrize("dims", [[-1], [2**31], [1] * 70])
def test_stored_tensors_with_impossible_dimensions_are_refused(tmp_path, dims):
    tensor = TensorProto(name="w", data_type=INT64, dims=dims)
    with pytest.raises(WorkloadError, match="tensor 'w' has dimensions"):
        stored_value(tensor, tmp_path, "net")


def test_a_constant_without_a_value_is_refused(tmp_path):
    with pytest.raises(WorkloadError, match="holds no value"):
        import_model(product([node("Constant", [], ["w"], name="c")]), tmp_path)


def test_a_weight_computed_from_too_few_facts_names_the_node(tmp_path):
    nodes = [node("Reshape", ["v", "s"], ["w"], name="turn")]
    missing = TensorProto(name="s", data_type=INT64, dims=[2])
    with pytest.raises(WorkloadError, match=r"'turn' \(Reshape\).*no known constant"):
        import_model(product(nodes, [weights("v", 32), missing]), tmp_path)


@pytest.mark.parametrize("kind", [0, 99])
def test_an_element_type_that_nobody_knows_is_refused(tmp_path, kind):
    tensor = weights("w", 8, 4)
    tensor.data_type = kind
    with pytest.raises(WorkloadError, match=f"tensor 'w' has data_type = {kind}, which is no known element type"):
        stored_value(tensor, tmp_path, "m.onnx")
