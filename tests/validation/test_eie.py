import json
import shutil

import numpy as np
import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.eie import validate_eie
from simulator.validation.eie_profiles import SKEWS
from simulator.validation.eie_published import BENCHMARKS


def by_name(report):
    return {row.name: row for row in report.rows}


@pytest.fixture(scope="module")
def absent_report():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
        return validate_eie()


def test_the_real_layer_is_exact_and_on_time(reference_dir):
    rows = {row.quantity: row for row in validate_eie().rows if row.name.startswith("Alex-8 (real)")}
    for quantity, count in (("cycles", 7926), ("pointer_reads", 112_640), ("weight_row_reads", 100_900)):
        assert (rows[quantity].simulated, rows[quantity].verdict) == (count, "pass")
    assert rows["time"].simulated == pytest.approx(9.9075)
    assert rows["time"].verdict == "pass"


def test_eight_benchmarks_within_three_percent_on_average(absent_report):
    rows = by_name(absent_report)
    mean = rows["mean of 8, without VGG-6"]
    assert mean.simulated < 3.0
    assert mean.verdict == "pass"
    assert rows["VGG-6"].verdict == "fail"  # red stays red: uniform density does not explain it
    assert rows["VGG-6"].error_pct == pytest.approx(-11.5, abs=1)
    even, alike, far, rows_alone = (rows[f"VGG-6: {skew}"] for skew in SKEWS)
    assert even.reference == pytest.approx(1.224, abs=1e-3)
    assert even.simulated < alike.simulated < far.simulated < even.reference < rows_alone.simulated
    assert {row.verdict for row in (even, alike, far, rows_alone)} == {"shown"}
    assert even.simulated == pytest.approx(rows["VGG-6"].simulated / 28.1, rel=0.005)
    for name in ("Alex-6", "Alex-7", "NT-We", "NT-Wd"):
        assert rows[name].verdict == "pass"
        assert rows[f"{name}: raw density"].verdict == "shown"
    assert json.loads(absent_report.to_json())["chip"] == "eie"


def test_a_benchmarks_energy_is_told_by_component(absent_report):
    rows = by_name(absent_report)
    for benchmark in BENCHMARKS:
        parts = {name: row for name, row in rows.items() if name.startswith(f"{benchmark.name}: energy_")}
        assert sum(row.simulated for row in parts.values()) == pytest.approx(
            rows[f"{benchmark.name}: energy"].simulated
        )
        assert {(row.unit, row.tag, row.verdict) for row in parts.values()} == {("uJ", "inferred", "shown")}
        own = f"{benchmark.name}: energy_"
        pointers, entries = rows[f"{own}pointer_read"], rows[f"{own}sparse_matrix_read"]
        many_entries = benchmark.outputs * benchmark.weight_density > 64  # more than one a PE and pointer pair
        assert (entries.simulated > pointers.simulated) == many_entries


def test_an_absent_file_is_told(absent_report):
    row = by_name(absent_report)["Alex-8 (real)"]
    assert (row.reference, row.simulated, row.verdict) == (7926, None, "shown")
    assert any("alex8.npz is absent" in note for note in absent_report.notes)


def test_a_file_is_run_at_any_depth(tmp_path):
    path = tmp_path / "layer.npz"
    np.savez(path, entries_per_column_and_pe=np.full((3, 2), 5), activation_nonzero=np.array([True, True]))
    deep, shallow = validate_eie(path, 8), validate_eie(path, 2)
    assert deep.rows[0].name == "layer"
    assert deep.rows[0].quantity == "cycles"
    assert deep.rows[0].simulated == 1 + 3 * 5 + 7  # first pop, three columns, the pipeline
    assert shallow.rows[0].simulated >= deep.rows[0].simulated
    assert {row.verdict for row in deep.rows} == {"shown"}
    assert [row.quantity for row in deep.rows].count("cycles") == 1


def test_the_reference_file_by_path(reference_dir, tmp_path):
    shutil.copy(reference_dir / "eie" / "alex8.npz", tmp_path / "other.npz")
    assert validate_eie(tmp_path / "other.npz").rows[0].simulated == 7926


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="queue_depth = 0"):
        validate_eie(None, 0)
    with pytest.raises(WorkloadError, match=r"absent.npz: cannot be read"):
        validate_eie(tmp_path / "absent.npz")
    with pytest.raises(WorkloadError, match="cannot be read"):
        validate_eie(tmp_path)
