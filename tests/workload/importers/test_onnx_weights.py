"""Values of stored weights, as the layers read them."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_files import read_weight
from simulator.workload.importers.onnx_weights import stored_weights
from simulator.workload.library import load_workload
from simulator.workload.masks import Masks
from tests.workload.importers.onnx_models import INT8, array, model, node, scalar

VALUES = np.array([[0, 1, 2, 0], [3, 0, 0, 4], [0, 0, 5, 6]])


def written(tmp_path, nodes, constants, width=3):
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": (1, width)}, ["y"], constants).SerializeToString())
    return path


def masks_of(path):
    graph = load_workload(path)
    return Masks(graph), graph.mac_layers[0].inputs[1]


def test_a_float_weight_is_read_as_it_is(tmp_path):
    path = written(tmp_path, [node("MatMul", ["x", "w"], ["y"])], [array("w", VALUES)])
    masks, name = masks_of(path)
    assert (masks.values(name) == VALUES).all()
    assert masks.density(name) == 0.5
    assert (masks.values(name) == read_weight(path, "w")).all()


def test_transpositions_are_followed_even_of_square_weights(tmp_path):
    square = np.triu(np.ones((3, 3)))
    nodes = [node("Transpose", ["w"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["y"])]
    masks, name = masks_of(written(tmp_path, nodes, [array("w", square)]))
    assert (masks.mask(name) == (square.T != 0)).all()


def test_codes_are_read_less_their_zero_point(tmp_path):
    codes = array("w", VALUES + 7, np.int8)
    for zero, scale in (
        (scalar("z", 7, np.int8), scalar("s", 0.1)),
        (array("z", [7] * 4, np.int8), array("s", [1] * 4)),
    ):
        nodes = [node("DequantizeLinear", ["w", "s", "z"], ["r"], axis=1), node("MatMul", ["x", "r"], ["y"])]
        masks, name = masks_of(written(tmp_path, nodes, [codes, zero, scale]))
        assert (masks.values(name) == VALUES).all()


def test_values_that_round_to_code_zero_are_zeros(tmp_path):
    nodes = [
        node("QuantizeLinear", ["w", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["r"]),
        node("MatMul", ["x", "r"], ["y"]),
    ]
    constants = [array("w", VALUES * 0.25), scalar("s", 0.6), scalar("z", 0, np.int8)]
    masks, name = masks_of(written(tmp_path, nodes, constants))
    assert (masks.mask(name) == (VALUES >= 2)).all()  # 0.25 / 0.6 rounds to 0


def test_reshapes_are_followed_and_forks_are_not(tmp_path):
    nodes = [node("Reshape", ["w", "shape"], ["r"]), node("MatMul", ["x", "r"], ["y"])]
    constants = [array("w", VALUES.reshape(2, 6)), array("shape", [3, -1], np.int64)]
    masks, name = masks_of(written(tmp_path, nodes, constants))
    assert (masks.values(name) == VALUES).all()
    nodes = [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "w"], ["p"]), node("MatMul", ["p", "t"], ["y"])]
    path = written(tmp_path, nodes, [array("w", np.eye(3))])
    assert "w" not in stored_weights(path)
    assert not Masks(load_workload(path)).is_sparse("w")


def test_lost_data_is_named(tmp_path):
    path = written(tmp_path, [node("MatMul", ["x", "w"], ["y"])], [array("w", VALUES)])
    masks, name = masks_of(path)
    stored = stored_weights(path)["w"]
    stored.tensor.ClearField("raw_data")
    with pytest.raises(WorkloadError, match=r"net\.onnx: the values of 'w' are missing"):
        stored.values()
    assert (masks.graph.folder, name, INT8) == (tmp_path, "w", 3)
