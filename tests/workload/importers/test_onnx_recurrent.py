import numpy as np
import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import import_model, model, node, ops, scalar, weights

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("directions", [1, 2])
def test_two_products_run_for_each_direction(tmp_path, operator, directions):
    gates = GATES[operator]
    proto = model(
        [
            node(
                operator,
                ["x", "w", "r", "b"],
                ["y", "h"],
                hidden_size=6,
                direction="bidirectional" if directions == 2 else "forward",
            )
        ],
        {"x": [7, 2, 5]},
        ["y", "h"],
        [
            weights("w", directions, gates * 6, 5),
            weights("r", directions, gates * 6, 6),
            weights("b", directions, 2 * gates * 6),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert ops(graph) == [operator.lower()]
    assert graph.total_macs == directions * 7 * 2 * gates * 6 * (5 + 6)
    assert [graph.tensors[name].shape for name in ("y", "h")] == [(7, directions, 2, 6), (directions, 2, 6)]


def test_batch_first_and_only_the_last_state(tmp_path):
    proto = model(
        [node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=6, layout=1), node("Relu", ["h"], ["y"])],
        {"x": [2, 7, 5]},
        ["y"],
        [weights("w", 1, 24, 5), weights("r", 1, 24, 6)],
    )
    graph = import_model(proto, tmp_path)
    assert graph.tensors["y"].shape == (2, 1, 6)
    assert graph.total_macs == 7 * 2 * 24 * 11


def test_state_from_outside_is_an_input_of_the_layer(tmp_path):
    proto = model(
        [node("GRU", ["x", "w", "r", "", "", "h"], ["y"], hidden_size=6)],
        {"x": [7, 2, 5], "h": [1, 2, 6]},
        ["y"],
        [weights("w", 1, 18, 5), weights("r", 1, 18, 6)],
    )
    assert import_model(proto, tmp_path).layers[0].inputs == ("x", "w", "r", "h")


def test_dynamically_quantized_lstm_stores_its_weights_turned(tmp_path):
    inputs = ["x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"]
    proto = model(
        [node("DynamicQuantizeLSTM", inputs, ["y"], domain="com.microsoft", hidden_size=6)],
        {"x": [7, 2, 5]},
        ["y"],
        [
            weights("w", 1, 5, 24, dtype=np.int8),
            weights("r", 1, 6, 24, dtype=np.int8),
            weights("s", 1, 24),
            scalar("z", 0, np.int8),
        ],
    )
    graph = import_model(proto, tmp_path)
    assert graph.total_macs == 7 * 2 * 24 * 11
    assert [graph.tensors[name].precision.label for name in graph.layers[0].inputs] == ["uint8", "int8", "int8"]
    assert graph.tensors["w"].shape == (1, 24, 5)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    proto = model(
        [node("LSTM", ["x", "w", "r"], ["y"], hidden_size=6)],
        {"x": [7, 2, 5]},
        ["y"],
        [weights("w", 1, 23, 5), weights("r", 1, 24, 6)],
    )
    with pytest.raises(WorkloadError, match=r"input weights \(1, 23, 5\)"):
        import_model(proto, tmp_path)
