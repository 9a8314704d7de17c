import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.eyeriss_v2 import PUBLISHED_CYCLES, validate_eyeriss_v2
from tests.oracle.eyeriss_v2_oracle import step_pass


def write(folder, weights, activations, **changes):
    np.savez(
        folder / "masks.npz",
        A_weights_mc=np.packbits(weights, axis=1),
        A_iacts_pc=np.packbits(activations, axis=1),
    )
    layer = {"layer": "A", "C": weights.shape[1], "M": len(weights), "P": len(activations), "cycles": 3, **changes}
    (folder / "cycles.json").write_text(json.dumps({"layers": [layer]}))


def test_shared_layers_are_exact(reference_dir):
    report = validate_eyeriss_v2()
    rows = [row for row in report.rows if row.quantity == "cycles"]
    assert {row.name: row.simulated for row in rows} == PUBLISHED_CYCLES
    assert {row.verdict for row in rows} == {"pass"}
    simd = [row for row in report.rows if row.quantity == "simd2_cycles"]
    assert [one.simulated / 2 < two.simulated < one.simulated for one, two in zip(rows, simd, strict=True)] == [
        True
    ] * 4


def test_absent_masks_are_told(monkeypatch):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    report = validate_eyeriss_v2()
    assert [row.simulated for row in report.rows] == [None] * 4
    assert "set SIMULATOR_REFERENCE_DIR" in report.notes[-1]


def test_a_folder_is_run_with_and_without_reference_cycles(tmp_path):
    weights, activations = np.array([[1, 0, 1], [1, 0, 0]]), np.array([[1, 1, 1], [0, 1, 1]])
    write(tmp_path, weights, activations)
    row = validate_eyeriss_v2(tmp_path).rows[0]
    assert (row.name, row.quantity, row.reference, row.simulated, row.verdict) == ("A", "cycles", 3, 4, "fail")
    write(tmp_path, weights, activations, cycles=None)
    row = validate_eyeriss_v2(tmp_path).rows[0]
    assert (row.reference, row.simulated, row.verdict, row.tag) == (None, 4, "shown", "predicted")


@settings(max_examples=25)
@given(
    outputs=st.integers(1, 40),
    pixels=st.integers(1, 9),
    channels=st.integers(1, 40),
    densities=st.tuples(*(st.sampled_from([0.0, 0.1, 0.5, 1.0]),) * 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_set_of_the_form_is_the_stepped_pe(tmp_path_factory, *, outputs, pixels, channels, densities, seed):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("set")
    weights = (rng.random((outputs, channels)) < densities[0]).astype(int)
    activations = (rng.random((pixels, channels)) < densities[1]).astype(int)
    cycles = int((activations @ weights.sum(axis=0)).sum())
    write(folder, weights, activations, cycles=cycles)
    rows = validate_eyeriss_v2(folder).rows
    assert (rows[0].simulated, rows[0].verdict) == (cycles, "pass")
    assert step_pass(weights.tolist(), activations.tolist(), 1, 1, None)[0] == cycles
    assert rows[1].simulated == step_pass(weights.tolist(), activations.tolist(), 2, 7, 4)[0]


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="no queues"):
        validate_eyeriss_v2(None, 8)
    with pytest.raises(WorkloadError, match="is no folder"):
        validate_eyeriss_v2(tmp_path / "absent")
    with pytest.raises(WorkloadError, match=r"holds 0 .npz files"):
        validate_eyeriss_v2(tmp_path)
    weights, activations = np.ones((2, 9), int), np.ones((3, 9), int)
    for changes, message in [
        ({"C": 8}, r"A_weights_mc is \[2, 2\] of uint8; give uint8 of \[2, 1\]"),
        ({"M": 3}, r"give uint8 of \[3, 2\]"),
        ({"P": 4}, r"A_iacts_pc is \[3, 2\]"),
        ({"layer": "B"}, "'B_weights_mc' is missing; it holds A_iacts_pc, A_weights_mc"),
        ({"layer": 3}, r"layers\[0\]: names no layer"),
        ({"cycles": "many"}, r"layers\[0\].cycles = 'many'"),
        ({"C": 0}, r"layers\[0\].C = 0: is no count; give a whole number from 1"),
    ]:
        write(tmp_path, weights, activations, **changes)
        with pytest.raises(WorkloadError, match=message):
            validate_eyeriss_v2(tmp_path)
    write(tmp_path, np.ones((2, 16), int), np.ones((3, 16), int), C=13)
    with pytest.raises(
        WorkloadError, match=r"A_weights_mc\[0\] has a non-zero at channel 13, but .* C = 13; correct C"
    ):
        validate_eyeriss_v2(tmp_path)
    write(tmp_path, np.ones((2, 16), int), np.ones((3, 8), int), C=None)
    with pytest.raises(WorkloadError, match=r"masks.npz: layer 'A': .*16 channels, activations 8"):
        validate_eyeriss_v2(tmp_path)
    (tmp_path / "cycles.json").write_text(json.dumps({"layers": [{"layer": "A"}, {"layer": "A"}]}))
    with pytest.raises(WorkloadError, match=r"layers\[1\].layer = 'A' is there twice"):
        validate_eyeriss_v2(tmp_path)
    (tmp_path / "cycles.json").write_text("[]")
    with pytest.raises(WorkloadError, match="no list 'layers'"):
        validate_eyeriss_v2(tmp_path)
    (tmp_path / "masks.npz").write_bytes(b"no archive")
    with pytest.raises(WorkloadError, match=r"cannot be read as an \.npz"):
        validate_eyeriss_v2(tmp_path)
