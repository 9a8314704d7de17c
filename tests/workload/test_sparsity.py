import pytest
from pydantic import TypeAdapter, ValidationError

from simulator.workload.layers import Tensor
from simulator.workload.sparsity import Blocks, DensityProfile, NOfM, Skewed, Sparsity, Structured, check_axes
from tests.workload.networks import SPARSITIES

ADAPTER = TypeAdapter(Sparsity)


@pytest.mark.parametrize("sparsity", SPARSITIES, ids=lambda sparsity: sparsity.kind)
def test_kind_chooses_the_description(sparsity):
    assert ADAPTER.validate_json(ADAPTER.dump_json(sparsity)) == sparsity


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "uniform", "density": 1.01},
        {"kind": "uniform", "density": -0.1},
        {"kind": "uniform", "density": float("nan")},
        {"kind": "uniform", "density": float("inf")},
        {"kind": "uniform"},
        {"kind": "n_of_m", "n": 3, "m": 2},
        {"kind": "n_of_m", "n": 0, "m": 2},
        {"kind": "structured", "axis": 0, "density": 0.5, "block": 0},
        {"kind": "profile", "axis": 0, "densities": [0.5, 2.0]},
        {"kind": "blocky"},
        {"kind": "skewed", "density": 0.7, "axes": [0], "skews": [0.5]},
        {"kind": "skewed", "density": 0.1, "axes": [0], "skews": [1.5]},
        {"kind": "skewed", "density": 0.1, "axes": [0, 1], "skews": [0.5]},
        {"kind": "blocks", "shape": [], "density": 0.5},
        {"kind": "blocks", "shape": [0, 4], "density": 0.5},
        {"density": 0.5},
        {"kind": "mask", "file": "", "array": "w"},
    ],
)
def test_nonsense_is_refused(form):
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(form)


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret.npz", "a/../../b.npz", "C:\\w.npz", "..\\w.npz", "c:w.npz"])
def test_mask_file_stays_below_the_workload(file):
    with pytest.raises(ValidationError, match="relative path below"):
        ADAPTER.validate_python({"kind": "mask", "file": file, "array": "w"})


def test_n_of_m_says_what_to_give():
    with pytest.raises(ValidationError, match=r"n = 4 exceeds m = 2; give n <= m"):
        NOfM(kind="n_of_m", n=4, m=2)


def test_axis_must_be_one_of_the_tensor():
    profile = DensityProfile(kind="profile", axis=1, densities=(0.1, 0.2, 0.3))
    assert Tensor(name="w", shape=(8, 3), sparsity=profile).sparsity == profile
    for shape in ((8,), (), (3, 8)):
        with pytest.raises(ValidationError, match="sparsity"):
            Tensor(name="w", shape=shape, sparsity=profile)
    for axis in (-3, 2):
        with pytest.raises(ValueError, match="is not an axis of shape"):
            check_axes(Structured(kind="structured", axis=axis, density=0.5), (8, 3))


def test_blocks_and_skews_must_fit_the_tensor():
    with pytest.raises(ValueError, match="more axes than"):
        check_axes(Blocks(kind="blocks", shape=(2, 2, 2), density=0.5), (8, 3))
    with pytest.raises(ValueError, match="twice"):
        check_axes(Skewed(kind="skewed", density=0.1, axes=(0, -2), skews=(0.1, 0.1)), (8, 3))
