"""DRAM validation: the reference's own runs, and runs in the same form that are wrong or damaged."""

import json

import numpy as np
import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.memory.dram_run import dram_trace, run_trace
from simulator.validation.dram import validate_dram
from tests.memory.dram_cases import small_config


@pytest.fixture
def folder(tmp_path):
    """A reference of one run, made by the simulator itself."""
    config = small_config()
    columns = {"addr": np.arange(100) * 192 % 65536, "is_write": np.arange(100) % 3 == 0, "arrival": np.arange(100)}
    trace = dram_trace(columns)
    result = run_trace(config, trace)
    done = np.zeros(100, dtype=np.int64)
    done[~trace.is_write] = result.read_done_cycle
    (tmp_path / "configs").mkdir()
    (tmp_path / "traces").mkdir()
    (tmp_path / "configs" / "small.json").write_text(config.model_dump_json(), encoding="utf-8")
    np.savez(tmp_path / "traces" / "small__mixed.npz", **columns, done=done)
    results = {"small__mixed": {"makespan_cycles": result.makespan_cycles}}
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return tmp_path


def test_the_references_runs_are_equal_to_the_cycle(reference_dir):
    report = validate_dram()
    assert len(report.rows) > 40
    assert report.failed == 0
    assert all(row.simulated == 0 for row in report.rows if row.quantity == "worst_read_error")
    assert all(row.error_pct == 0 for row in report.rows if row.quantity == "makespan")


def test_a_run_of_ones_own_passes(folder):
    for data in (folder, folder / "traces" / "small__mixed.npz"):
        report = validate_dram(data)
        assert [(row.quantity, row.verdict) for row in report.rows] == [
            ("makespan", "pass"),
            ("worst_read_error", "pass"),
        ]


def test_a_wrong_reference_fails(folder):
    path = folder / "traces" / "small__mixed.npz"
    with np.load(path) as arrays:
        columns = dict(arrays)
    columns["done"][1] += 1
    np.savez(path, **columns)
    (folder / "results.json").write_text(json.dumps({"small__mixed": {"makespan_cycles": 5}}), encoding="utf-8")
    report = validate_dram(folder)
    assert [row.verdict for row in report.rows] == ["fail", "fail"]
    assert report.rows[1].simulated == 1


def test_another_queue_depth_is_only_shown(folder):
    report = validate_dram(folder, queue_depth=1)
    assert {row.verdict for row in report.rows} == {"shown"}
    with pytest.raises(ArchitectureError, match="queue depth is 0"):
        validate_dram(folder, queue_depth=0)


def test_without_reference_there_are_no_rows(monkeypatch):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    report = validate_dram()
    assert report.rows == ()
    assert "not set" in report.notes[-1]


def test_damaged_references_are_refused(folder):
    with pytest.raises(WorkloadError, match="there is no traces"):
        validate_dram(folder / "configs")
    (folder / "results.json").write_text('{"small__mixed": 3}', encoding="utf-8")
    with pytest.raises(WorkloadError, match=r"results\.json"):
        validate_dram(folder)
    (folder / "results.json").unlink()
    np.savez(folder / "traces" / "small__short.npz", addr=[0], is_write=[False])
    with pytest.raises(WorkloadError, match="'done' is missing"):
        validate_dram(folder)
