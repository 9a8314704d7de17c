import numpy as np
import pytest

from simulator.workload.importers.onnx_sizes import SIZE_RULES
from simulator.workload.importers.onnx_values import Value
from simulator.workload.precision import FLOAT32
from tests.workload.importers.test_onnx_axes import constant, made


def image(*shape):
    return Value("x", shape, 1, FLOAT32)


def sized(op, data, *inputs, opset=18, **attributes):
    node = made(*inputs, op=op, **attributes)
    node.inputs[0], node.opset = data, opset
    return SIZE_RULES[op](node)


@pytest.mark.parametrize(
    ("policy", "result"), [("stretch", (1, 1, 8, 4)), ("not_larger", (1, 1, 4, 4)), ("not_smaller", (1, 1, 8, 8))]
)
def test_resize_policies(policy, result):
    found = sized(
        "Resize", image(1, 1, 6, 6), None, None, constant([8, 4]), axes=[2, 3], keep_aspect_ratio_policy=policy
    )
    assert found == [result]


def test_scales_round_down_and_older_sets_have_them_second():
    assert sized("Resize", image(1, 1, 5, 5), None, constant([1, 1, 1.5, 0.5])) == [(1, 1, 7, 2)]
    assert sized("Resize", image(1, 1, 5, 5), constant([1, 1, 2, 2]), opset=10) == [(1, 1, 10, 10)]


@pytest.mark.parametrize("form", ["input", "scales", "pair"])
def test_upsample_in_its_three_forms(form):
    given = {"scales": {"scales": [1.0, 1.0, 2.0, 3.0]}, "pair": {"height_scale": 2.0, "width_scale": 3.0}}.get(
        form, {}
    )
    inputs = [constant([1, 1, 2, 3])] if form == "input" else []
    assert sized("Upsample", image(1, 2, 4, 4), *inputs, **given) == [(1, 2, 8, 12)]


def test_blocks():
    assert sized("DepthToSpace", image(1, 8, 2, 3), blocksize=2) == [(1, 2, 4, 6)]
    assert sized("SpaceToDepth", image(1, 2, 4, 6), blocksize=2) == [(1, 8, 2, 3)]


def test_selections():
    assert sized("TopK", image(2, 9), constant([3])) == [(2, 3)] * 2
    assert sized("TopK", image(9, 2), k=4, axis=0) == [(4, 2)] * 2
    assert sized("OneHot", image(2, 3), constant(5), axis=1) == [(2, 5, 3)]


@pytest.mark.parametrize(
    ("start", "limit", "delta"), [(0, 5, 1), (1, 6, 2), (10, 0, -3), (0, 0, 1), (0.5, 3.0, 0.7), (5, 0, 1)]
)
def test_ranges_are_as_long_as_numpy_s(start, limit, delta):
    found = sized("Range", constant(start), constant(limit), constant(delta))
    assert found == [np.arange(start, limit, delta).shape]


def test_samples_and_regions():
    grid, boxes = image(2, 5, 6, 2), image(7, 4)
    assert sized("GridSample", image(2, 3, 8, 8), grid) == [(2, 3, 5, 6)]
    assert sized("RoiAlign", image(2, 3, 8, 8), boxes, output_height=2, output_width=4) == [(7, 3, 2, 4)]
    assert sized("Det", image(2, 3, 4, 4)) == [(2, 3)]
    assert sized("ConstantOfShape", constant([2, 3])) == [(2, 3)]
