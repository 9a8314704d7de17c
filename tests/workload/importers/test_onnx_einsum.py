import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.workload.importers.onnx_einsum import parse_equation
from tests.workload.importers.onnx_models import import_model, model, node, ops, weights


def einsum(tmp_path, equation, shapes, constants=()):
    names = [f"x{i}" for i in range(len(shapes))]
    given = {name: shape for name, shape in zip(names, shapes, strict=True) if name not in constants}
    stored = [weights(name, *shape) for name, shape in zip(names, shapes, strict=True) if name in constants]
    return import_model(model([node("Einsum", names, ["y"], equation=equation)], given, ["y"], stored), tmp_path)


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)], 60),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 8), (2, 3, 5, 8)], 2 * 3 * 4 * 5 * 8),
        ("bqhd,bkhd->bhqk", [(2, 4, 3, 8), (2, 5, 3, 8)], 2 * 3 * 4 * 5 * 8),
        ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)], 120),
        ("ij,jk", [(3, 4), (4, 5)], 60),
        ("abc,ce->abe", [(2, 3, 4), (4, 5)], 120),
        ("bij,bij->b", [(2, 3, 4), (2, 3, 4)], 24),
        ("ij,jk->ki", [(3, 4), (4, 5)], 60),
    ],
)
def test_products_have_numpy_s_shape_and_the_obvious_macs(tmp_path, equation, shapes, macs):
    graph = einsum(tmp_path, equation, shapes)
    expected = np.einsum(equation, *(np.ones(shape) for shape in shapes)).shape
    assert graph.tensors[graph.outputs[0]].shape == expected
    assert graph.total_macs == macs


def test_a_constant_operand_is_a_weight(tmp_path):
    graph = einsum(tmp_path, "bsh,hnd->bsnd", [(2, 5, 8), (8, 4, 3)], ("x1",))
    assert [layer.op for layer in graph.mac_layers] == ["gemm"]
    assert graph.tensors[graph.mac_layers[0].inputs[1]].constant
    assert graph.tensors["y"].shape == (2, 5, 4, 3)


@pytest.mark.parametrize(
    ("equation", "shapes", "op"),
    [
        ("i,j->ij", [(3,), (4,)], "mul"),
        ("ij->ji", [(3, 4)], "transpose"),
        ("ij->i", [(3, 4)], "reduction"),
    ],
)
def test_what_is_no_product(tmp_path, equation, shapes, op):
    graph = einsum(tmp_path, equation, shapes)
    assert ops(graph)[-1] == op
    assert graph.total_macs == 0


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ii->i", [(3, 3)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("ijk,jl->il", [(2, 3, 4), (3, 5)]),
        ("ij,jk->ik", [(3, 4), (5, 6)]),
        ("ij,jk->iz", [(3, 4), (4, 5)]),
        ("ij->ik", [(3, 4), (4, 5)]),
    ],
)
def test_other_equations_are_refused(tmp_path, equation, shapes):
    with pytest.raises(WorkloadError, match="Einsum"):
        einsum(tmp_path, equation, shapes)


def test_an_ellipsis_may_stand_for_fewer_axes_in_one_operand():
    assert parse_equation("...ij,...jk->...ik", [(7, 2, 3), (3, 4)]) == (["0ij", "jk"], "0ik")
