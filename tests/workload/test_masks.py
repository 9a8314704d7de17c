"""Masks: what each description promises, the same bits everywhere, and files that do not fit."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks, random_mask
from simulator.workload.sparsity import (
    Blocks,
    DensityProfile,
    FromFile,
    NOfM,
    Skewed,
    Structured,
    UniformDensity,
)


def network(sparsity, *, folder=None):
    """x [1, 6] times w [6, 10], both of the same sparsity."""
    net = GraphBuilder("tiny")
    net.input("x", (1, 6))
    weight = net.constant("w", (6, 10))
    graph = net.build(net.layer("gemm", ("x", weight)))
    return graph.with_sparsities({"w": sparsity, "x": sparsity}, folder=folder)


def digest(mask):
    return hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()[:16]


def test_masks_are_the_same_bits_on_every_machine():
    shape = (37, 5, 24)
    found = {
        "uniform": random_mask(shape, UniformDensity(kind="uniform", density=0.3), "7/w/0"),
        "n_of_m": random_mask(shape, NOfM(kind="n_of_m", n=2, m=4, axis=0), "7/w/0"),
        "skewed": random_mask(shape, Skewed(kind="skewed", density=0.3, axes=(0, 2), skews=(0.5, 0.9)), "7/w/0"),
        "structured": random_mask(shape, Structured(kind="structured", axis=2, block=3, density=0.5), "7/w/0"),
        "blocks": random_mask(shape, Blocks(kind="blocks", shape=(2, 4), density=0.4), "7/w/0"),
    }
    assert {name: digest(mask) for name, mask in found.items()} == DIGESTS


DIGESTS = {
    "uniform": "07ad2f3a2b010fb2",
    "n_of_m": "f3227a6dd2b781e5",
    "skewed": "8d54253e4042e88d",
    "structured": "2e484f992cead586",
    "blocks": "edf4a8fb15724784",
}
"""Written once; a mask that changes makes every seeded result of every user another."""


def test_slabs_are_one_stream(monkeypatch):
    shape, sparsity = (37, 5, 24), Skewed(kind="skewed", density=0.3, axes=(0, 2), skews=(0.5, 0.9))
    whole = random_mask(shape, sparsity, "k")
    monkeypatch.setattr("simulator.workload.masks._SLAB", 200)
    assert (random_mask(shape, sparsity, "k") == whole).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30), st.integers(1, 4), st.integers(0, 1))
def test_n_of_m_keeps_n_in_each_group(n, m, size, other, axis):
    n = min(n, m)
    mask = random_mask((size, other) if axis == 0 else (other, size), NOfM(kind="n_of_m", n=n, m=m, axis=axis), "k")
    line = np.moveaxis(mask, axis, -1)
    for first in range(0, size, m):
        group = line[:, first : first + m]
        assert (group.sum(axis=1) == min(n, group.shape[1])).all()


def test_density_is_that_of_the_mask_where_it_is_exact():
    for sparsity in (
        NOfM(kind="n_of_m", n=2, m=4),
        NOfM(kind="n_of_m", n=1, m=4, axis=-1),
        Structured(kind="structured", axis=1, block=3, density=0.3),
        Structured(kind="structured", axis=0, density=0.4),
    ):
        masks = Masks(network(sparsity), seed=3)
        for name in ("w", "x") if sparsity.kind == "n_of_m" else ("w",):
            assert masks.density(name) == pytest.approx(masks.mask(name).mean(), abs=1e-12)


@given(st.floats(0, 1))
def test_uniform_density_is_met_and_its_ends_are_exact(density):
    mask = random_mask((200, 100), UniformDensity(kind="uniform", density=density), "k")
    assert abs(mask.mean() - density) < 0.02
    assert random_mask((50,), UniformDensity(kind="uniform", density=1.0), "k").all()
    assert not random_mask((50,), UniformDensity(kind="uniform", density=0.0), "k").any()


def test_profiles_and_skews_differ_along_their_axes():
    mask = random_mask((3, 4000), DensityProfile(kind="profile", axis=0, densities=(0.0, 0.5, 1.0)), "k")
    assert mask.mean(axis=1) == pytest.approx([0.0, 0.5, 1.0], abs=0.05)
    skewed = random_mask((400, 3000), Skewed(kind="skewed", density=0.3, axes=(0,), skews=(0.8,)), "k")
    rows = np.sort(skewed.mean(axis=1))
    assert rows[[0, -1]] == pytest.approx([0.06, 0.54], abs=0.05)
    assert skewed.mean() == pytest.approx(0.3, abs=0.005)
    assert skewed.mean(axis=0).std() < 0.03  # the other axis stays even
    order = np.argsort(skewed.mean(axis=1))
    assert abs(np.corrcoef(order, np.arange(400))[0, 1]) < 0.2  # in random order


def test_structures_are_whole():
    channels = random_mask((8, 3, 3), Structured(kind="structured", axis=0, block=2, density=0.5), "k")
    per_channel = channels.reshape(8, -1)
    assert (per_channel.all(axis=1) == per_channel.any(axis=1)).all()
    assert per_channel.any(axis=1).reshape(4, 2).all(axis=1).sum() == 2
    blocks = random_mask((7, 9), Blocks(kind="blocks", shape=(2, 4), density=0.5), "k")
    padded = np.zeros((8, 12), dtype=bool)
    padded[:7, :9] = blocks
    tiles = padded.reshape(4, 2, 3, 4).transpose(0, 2, 1, 3)[:3, :2].reshape(6, 8)
    assert (tiles.all(axis=1) == tiles.any(axis=1)).all()


def test_seed_name_and_image_choose_the_mask():
    graph = network(UniformDensity(kind="uniform", density=0.5))
    first, second = Masks(graph, 1), Masks(graph, 2)
    assert (first.mask("w") == Masks(graph, 1).mask("w")).all()
    assert (first.mask("w") != second.mask("w")).any()
    assert (first.mask("w", image=3) == first.mask("w")).all()
    assert (first.mask("x", image=1) != first.mask("x")).any()
    for seed in (-1, True, 1.0, 1 << 63):
        with pytest.raises(WorkloadError, match="seed"):
            Masks(graph, seed)
    with pytest.raises(WorkloadError, match="no tensor named 'y2'"):
        first.mask("y2")


def test_dense_is_all_ones_without_memory():
    graph = network(UniformDensity(kind="uniform", density=0.5)).with_sparsities({})
    mask = Masks(graph).mask(graph.outputs[0])
    assert mask.all()
    assert mask.strides == (0,) * mask.ndim


def test_masks_from_files(tmp_path):
    values = np.arange(60).reshape(6, 10) % 3
    samples = np.stack([np.eye(1, 6, i, dtype=bool) for i in range(2)])
    np.savez(tmp_path / "m.npz", w=values, x=samples)
    net = network(FromFile(kind="values", file="m.npz", array="w"), folder=tmp_path)
    masks = Masks(net.with_sparsities({"x": FromFile(kind="mask", file="m.npz", array="x")}))
    assert (masks.mask("w") == (values != 0)).all()
    assert (masks.values("w") == values).all()
    assert masks.values("x") is None
    assert masks.density("w") == pytest.approx(2 / 3)
    assert masks.density("x") == pytest.approx(1 / 6)
    assert [int(masks.mask("x", image=i).argmax()) for i in range(3)] == [0, 1, 0]
    np.savez(tmp_path / "m.npz", w=np.zeros((6, 10)), x=samples)
    assert masks.density("w") == 0.0, "a file that changed is read again"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"w": np.ones((10, 6))}, r"has shape \[10, 6\]; give one of the tensor's shape \[6, 10\]"),
        ({"w": np.ones((2, 6, 10))}, r"has shape \[2, 6, 10\]"),
        ({"v": np.ones((6, 10))}, "no array named 'w'"),
        ({"w": np.full((6, 10), np.nan)}, "holds NaN"),
        ({"w": np.full((6, 10), "a")}, "give numbers or booleans"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path, arrays, words):
    if arrays is not None:
        np.savez(tmp_path / "m.npz", **arrays)
    masks = Masks(network(FromFile(kind="mask", file="m.npz", array="w"), folder=tmp_path))
    with pytest.raises(WorkloadError, match=words) as caught:
        masks.mask("w")
    with pytest.raises(WorkloadError, match=r"m\.npz"):
        masks.check_files()
    assert "m.npz" in str(caught.value)


def test_files_need_a_folder():
    with pytest.raises(WorkloadError, match="need a folder"):
        Masks(network(FromFile(kind="mask", file="m.npz", array="w"))).mask("w")
