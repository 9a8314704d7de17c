import json

import numpy as np
import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.eyeriss_v2 import PUBLISHED_CYCLES, validate_eyeriss_v2


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
    ]:
        write(tmp_path, weights, activations, **changes)
        with pytest.raises(WorkloadError, match=message):
            validate_eyeriss_v2(tmp_path)
    (tmp_path / "cycles.json").write_text("[]")
    with pytest.raises(WorkloadError, match="no list 'layers'"):
        validate_eyeriss_v2(tmp_path)
    (tmp_path / "masks.npz").write_bytes(b"no archive")
    with pytest.raises(WorkloadError, match=r"cannot be read as an \.npz"):
        validate_eyeriss_v2(tmp_path)
