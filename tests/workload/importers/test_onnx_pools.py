import pytest

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import import_model, model, node


def pool(tmp_path, operator, shape, **attributes):
    return import_model(model([node(operator, ["x"], ["y"], **attributes)], {"x": shape}, ["y"]), tmp_path)


@pytest.mark.parametrize(
    ("shape", "attributes", "result"),
    [
        ([1, 3, 8, 8], {"kernel_shape": [2, 2], "strides": [2, 2]}, (1, 3, 4, 4)),
        ([1, 3, 8, 8], {"kernel_shape": [3, 3]}, (1, 3, 6, 6)),
        ([1, 3, 8, 8], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, (1, 3, 4, 4)),
        ([1, 3, 8, 8], {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}, (1, 3, 4, 4)),
        ([1, 3, 8], {"kernel_shape": [2], "pads": [1, 1]}, (1, 3, 9)),
        ([1, 3, 4, 5, 6], {"kernel_shape": [2, 2, 2]}, (1, 3, 3, 4, 5)),
    ],
)
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_windows(tmp_path, operator, shape, attributes, result):
    graph = pool(tmp_path, operator, shape, **attributes)
    assert graph.layers[0].op == {"MaxPool": "max_pool", "AveragePool": "average_pool"}[operator]
    assert graph.tensors["y"].shape == result


@pytest.mark.parametrize(("operator", "op"), [("GlobalAveragePool", "average_pool"), ("GlobalMaxPool", "max_pool")])
def test_a_global_pool_has_a_window_as_large_as_its_input(tmp_path, operator, op):
    graph = pool(tmp_path, operator, [1, 3, 7, 5])
    assert (graph.layers[0].op, graph.layers[0].kernel) == (op, (7, 5))
    assert graph.tensors["y"].shape == (1, 3, 1, 1)


@pytest.mark.parametrize("attributes", [{"kernel_shape": [2]}, {"kernel_shape": [9, 9]}, {"kernel_shape": [0, 1]}])
def test_impossible_windows_are_refused(tmp_path, attributes):
    with pytest.raises(WorkloadError, match=r"MaxPool|kernel"):
        pool(tmp_path, "MaxPool", [1, 3, 8, 8], **attributes)
