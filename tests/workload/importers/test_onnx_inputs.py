import pytest
from onnx import TensorProto

from simulator.errors import WorkloadError
from tests.workload.importers.onnx_models import import_model, model, node, weights


def adding(shape_a, shape_b=None):
    inputs = {"image": shape_a, **({"other": shape_b} if shape_b is not None else {})}
    second = "other" if shape_b is not None else "image"
    return model([node("Add", ["image", second], ["y"])], inputs, ["y"])


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (["batch", 3, 8], r"'image' has unbound dimensions 'batch' in \[batch,3,8\]; give --shape image=1,3,8"),
        ([1, 3, None], r"unbound dimensions '\(\?\)'.*--shape image=1,3,d2"),
        ([0, 3, 8], r"unbound dimensions.*--shape image=1,3,8"),
        ([-1, 3, 8], r"unbound dimensions '\(-1\)'"),
        (None, r"'image' has no shape; give --shape image=d0,d1"),
        ([1, 2**40], r"image.* every dimension must lie in 1\.\.2147483647"),
    ],
)
def test_unbound_and_absurd_dimensions_say_how_to_bind_them(tmp_path, shape, says):
    with pytest.raises(WorkloadError, match=says):
        import_model(adding(shape), tmp_path)


def test_all_unbound_inputs_are_named_at_once(tmp_path):
    with pytest.raises(WorkloadError) as caught:
        import_model(adding(["n", 3], ["n", 3]), tmp_path)
    assert "--shape image=1,3" in str(caught.value)
    assert "--shape other=1,3" in str(caught.value)


def test_shapes_bind_and_a_symbol_holds_in_all_inputs(tmp_path):
    graph = import_model(adding(["n", 3], ["n", 3]), tmp_path, {"image": (4, 3)})
    assert graph.tensors["other"].shape == (4, 3)


def test_an_input_without_shape_takes_any(tmp_path):
    assert import_model(adding(None), tmp_path, {"image": (4, 3)}).tensors["y"].shape == (4, 3)


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({"imgae": (4, 3)}, r"--shape imgae: the model has no such input \(did you mean 'image'\?\)"),
        ({"image": (4, 3, 1)}, "3 dimensions given, the input has 2"),
        ({"image": (4, 5)}, "the model fixes 3 where 5 is given"),
        ({"image": (4, 3), "other": (5, 3)}, "dimension 'n' is already bound to 4"),
        ({"image": (0, 3)}, r"--shape image.*\[0, 3\]"),
        ({"image": (-4, 3)}, r"--shape image.*\[-4, 3\]"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(tmp_path, shapes, says):
    with pytest.raises(WorkloadError, match=says):
        import_model(adding(["n", 3], ["n", 3]), tmp_path, shapes)


def test_initializers_among_the_inputs_are_no_inputs(tmp_path):
    proto = model([node("MatMul", ["x", "w"], ["y"])], {"x": [2, 4], "w": ["k", "n"]}, ["y"], [weights("w", 4, 5)])
    graph = import_model(proto, tmp_path)
    assert graph.inputs == ("x",)
    with pytest.raises(WorkloadError, match="no such input"):
        import_model(proto, tmp_path, {"w": (4, 5)})


def test_inputs_that_are_no_numbers_are_refused(tmp_path):
    proto = model([node("Identity", ["x"], ["y"])], {"x": [2]}, ["y"], kinds={"x": TensorProto.STRING})
    with pytest.raises(WorkloadError, match="'x' is no tensor of numbers"):
        import_model(proto, tmp_path)
