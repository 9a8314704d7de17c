import numpy as np
import pytest
from onnx import TensorProto

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import (
    FLOAT,
    INT64,
    array,
    import_model,
    model,
    node,
    ops,
    row,
    scalar,
    weights,
)


def one(tmp_path, operator, shape, constants=(), **attributes):
    names = [tensor.name for tensor in constants]
    proto = model([node(operator, ["x", *names], ["y"], name="n", **attributes)], {"x": shape}, ["y"], constants)
    return import_model(proto, tmp_path)


@pytest.mark.parametrize(
    ("operator", "constants", "attributes", "result"),
    [
        ("Reshape", [array("s", [0, -1], np.int64)], {}, (2, 12)),
        ("Flatten", [], {"axis": 2}, (6, 4)),
        ("Unsqueeze", [array("s", [-1, 0], np.int64)], {}, (1, 2, 3, 4, 1)),
        ("Slice", [array("s", [1], np.int64), array("e", [2**62], np.int64), array("a", [1], np.int64)], {}, (2, 2, 4)),
        ("Pad", [array("s", [0, 1, 0, 0, 2, 0], np.int64)], {}, (2, 6, 4)),
        ("Expand", [array("s", [5, 1, 1, 1], np.int64)], {}, (5, 2, 3, 4)),
        ("Tile", [array("s", [1, 2, 1], np.int64)], {}, (2, 6, 4)),
        ("Gather", [array("s", [2, 0], np.int64)], {"axis": 1}, (2, 2, 4)),
    ],
)
def test_shapes_of_movements(tmp_path, operator, constants, attributes, result):
    assert one(tmp_path, operator, [2, 3, 4], constants, **attributes).tensors["y"].shape == result


@pytest.mark.parametrize(
    ("shape", "perm", "moves"),
    [
        ([1, 5, 8], [1, 0, 2], False),  # an axis of size 1
        ([2, 5, 4, 8], [0, 2, 1, 3], False),  # heads: runs of 8 stay whole
        ([2, 5, 8], [0, 2, 1], True),
        ([1, 3, 8, 8], [0, 2, 3, 1], True),  # NCHW to NHWC
    ],
)
def test_a_transpose_is_a_copy_only_where_strides_do_not_help(tmp_path, shape, perm, moves):
    assert one(tmp_path, "Transpose", shape, perm=perm).layers[0].moves_data is moves


def test_gathered_rows_have_the_table_s_width_and_leave_the_indices_theirs(tmp_path):
    proto = model(
        [
            node("Gather", ["table", "ids"], ["q"]),
            node("DequantizeLinear", ["q", "s"], ["d"]),
            node("MatMul", ["d", "w"], ["y"]),
        ],
        {"ids": [1, 7]},
        ["y"],
        [weights("table", 100, 8, dtype=np.int8), scalar("s", 0.1), weights("w", 8, 4)],
        kinds={"ids": INT64},
    )
    graph = import_model(proto, tmp_path)
    assert [graph.tensors[name].precision.label for name in ("ids", "table", "q")] == ["int64", "int8", "int8"]
    assert graph.layers[0].moves_data


@pytest.mark.parametrize(("indices", "moves"), [(1, False), ([1, 2], False), ([2, 1], True)])
def test_consecutive_constant_indices_are_a_view(tmp_path, indices, moves):
    assert one(tmp_path, "Gather", [4, 8], [array("i", indices, np.int64)]).layers[0].moves_data is moves


def test_what_changes_nothing_folds(tmp_path):
    proto = model(
        [
            node("Identity", ["x"], ["a"], name="a"),
            node("Dropout", ["a"], ["b"], name="b"),
            node("Reshape", ["b", "same"], ["c"], name="c"),
            node("Pad", ["c", "none"], ["d"], name="d"),
            node("Concat", ["d"], ["e"], name="e", axis=0),
            node("Cast", ["e"], ["f"], name="f", to=TensorProto.FLOAT16),
            node("Relu", ["f"], ["y"]),
        ],
        {"x": [2, 4]},
        ["y"],
        [array("same", [2, 4], np.int64), array("none", [0, 0, 0, 0], np.int64)],
    )
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    graph = import_model(proto, tmp_path)
    assert ops(graph) == ["activation"]
    assert {row(graph, name)[0] for name in "abcdef"} == {"folded"}
    assert graph.tensors["x"].precision.label == "float16"


def test_split_and_concat(tmp_path):
    proto = model(
        [
            node("Split", ["x", "parts"], ["a", "b", "none"], axis=1),
            node("Concat", ["b", "none", "a"], ["y"], axis=1),
        ],
        {"x": [2, 6]},
        ["y"],
        [array("parts", [2, 4, 0], np.int64)],
    )
    graph = import_model(proto, tmp_path)
    assert [graph.tensors[name].shape for name in ("a", "b", "y")] == [(2, 2), (2, 4), (2, 6)]
    assert not any(layer.moves_data for layer in graph.layers)


def test_depth_to_space_copies(tmp_path):
    graph = one(tmp_path, "DepthToSpace", [1, 8, 3, 3], blocksize=2)
    assert graph.tensors["y"].shape == (1, 2, 6, 6)
    assert graph.layers[0].moves_data


def test_host_work_is_kept_and_shown(tmp_path):
    proto = model(
        [node("TopK", ["x", "k"], ["v", "i"], name="top")],
        {"x": [2, 9]},
        ["v", "i"],
        [array("k", [3], np.int64)],
        kinds={"i": INT64},
    )
    graph = import_model(proto, tmp_path)
    assert (graph.layers[0].op, graph.layers[0].kind) == ("host", "TopK")
    assert graph.tensors["i"].shape == (2, 3)
    assert row(graph, "top") == ("host", "left to the host")


def test_a_network_of_integers_cast_to_float_is_read_as_stored(tmp_path):
    proto = model(
        [node("Cast", ["x"], ["f"], to=FLOAT), node("Conv", ["f", "w"], ["y"])],
        {"x": [1, 3, 8, 8]},
        ["y"],
        [weights("w", 4, 3, 3, 3)],
        kinds={"x": TensorProto.UINT8},
    )
    assert import_model(proto, tmp_path).tensors["x"].precision.label == "uint8"


def test_impossible_reshape_names_the_node(tmp_path):
    with pytest.raises(WorkloadError, match=r"node 'n' \(Reshape\)"):
        one(tmp_path, "Reshape", [2, 3], [array("s", [4, 2], np.int64)])
