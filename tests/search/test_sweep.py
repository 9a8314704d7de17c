"""Sweeps: numbers, resumption after a kill, clusters, fronts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from simulator.api import simulate
from simulator.errors import SimulatorError
from simulator.search import sweep as sweep_module
from simulator.search.evaluate import Evaluator
from simulator.search.sweep import pareto_front, run_sweep
from simulator.search.sweep_spec import SweepSpec

SPEC = SweepSpec(
    workloads=("lenet5_int8",),
    accelerators=("tpu_like_128", "gemmini_like_16"),
    bits=("w4a4", "w8a8", "w16a16", None),
    sparsity=(None, "0.5"),
)


def test_rows_are_runs_and_a_point_that_cannot_run_says_why(tmp_path):
    rows = run_sweep(SPEC, tmp_path / "r.csv")
    assert [row["number"] for row in rows] == list(range(16))
    assert rows[2]["cycles"] == Evaluator("lenet5_int8", "tpu_like_128").evaluate(np.full((5, 2), 8))["cycles"]
    assert (
        rows[7]["cycles"] == simulate("lenet5_int8", "tpu_like_128", fidelity="bandwidth", sparsity="0.5").total.cycles
    )
    failed = [row for row in rows if row["error"]]
    assert {(row["accelerator"], row["bits"]) for row in failed} == {("gemmini_like_16", "w16a16")}
    assert all("cannot multiply 16 x 16 bits" in row["error"] and row["cycles"] is None for row in failed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv"]


def test_a_sweep_that_stops_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = tmp_path / "whole.csv"
    run_sweep(SPEC, whole)
    monkeypatch.setattr(sweep_module, "CHUNK_POINTS", 3)
    path, ran = tmp_path / "r.csv", []
    original = sweep_module.run_points

    def stopping(points):
        if len(ran) == 2:
            raise KeyboardInterrupt
        ran.append([point.number for point in points])
        return original(points)

    monkeypatch.setattr(sweep_module, "run_points", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(SPEC, path)
    assert not path.exists()
    monkeypatch.setattr(
        sweep_module, "run_points", lambda points: ran.append([p.number for p in points]) or original(points)
    )
    told = []
    run_sweep(SPEC, path, progress=lambda done, total: told.append((done, total)))
    assert sorted(number for chunk in ran for number in chunk) == list(range(16))
    assert told[0][0] == 9
    assert told[-1] == (16, 16)
    assert path.read_bytes() == whole.read_bytes()


KILLED = """
import sys
from pathlib import Path
from simulator.search import sweep
from simulator.search.sweep_spec import SweepSpec
sweep.CHUNK_POINTS = 4
sweep.run_sweep(SweepSpec.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
"""


def killed_and_resumed(tmp_path, spec, kills):
    """Run a sweep in processes that are killed at random moments; return the result of the last, undisturbed one."""
    path, text = tmp_path / "killed.csv", spec.model_dump_json(by_alias=True)
    values = np.random.default_rng(0)
    for _ in range(kills):
        running = subprocess.Popen([sys.executable, "-c", KILLED, text, str(path)], env=os.environ)
        deadline = time.monotonic() + 60
        while not path.with_name("killed.csv.journal.db").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
            if running.poll() is not None:
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=float(values.uniform(0.05, 1.0)))
        running.send_signal(signal.SIGKILL)
        running.wait()
    subprocess.run([sys.executable, "-c", KILLED, text, str(path)], check=True)
    return path


@pytest.mark.parametrize(
    ("points", "kills"), [pytest.param(60, 2, id="short"), pytest.param(2000, 10, id="long", marks=pytest.mark.slow)]
)
def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path, points, kills):
    bits = tuple(f"w{1 + i % 64}a{1 + i // 64}" for i in range(points))
    spec = SweepSpec(workloads=("lenet5_int8",), accelerators=("tpu_like_128",), bits=bits)
    run_sweep(spec, tmp_path / "whole.csv")
    path = killed_and_resumed(tmp_path, spec, kills)
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.slow
def test_local_processes_give_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_module, "CHUNK_POINTS", 3)
    run_sweep(SPEC, tmp_path / "one.csv")
    run_sweep(SPEC, tmp_path / "two.csv", workers=2)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_cluster_of_two_workers_gives_the_same(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(sweep_module, "CHUNK_POINTS", 3)
    run_sweep(SPEC, tmp_path / "one.csv")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp", host="127.0.0.1") as cluster:
        run_sweep(SPEC, tmp_path / "two.csv", scheduler=cluster.scheduler_address)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.slow
def test_a_cluster_of_two_processes_by_command(tmp_path):
    """Two workers in processes of their own, the sweep in a third: as across machines."""
    distributed = pytest.importorskip("distributed")
    spec = SPEC.model_copy(update={"bits": tuple(f"w{w}a{a}" for w in range(1, 9) for a in (4, 8))})
    path = tmp_path / "spec.json"
    path.write_text(spec.model_dump_json(by_alias=True))
    run_sweep(spec, tmp_path / "one.csv")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp", host="127.0.0.1") as cluster:
        command = [sys.executable, "-m", "simulator", "sweep", str(path), "-o", str(tmp_path / "two.csv")]
        subprocess.run([*command, "--scheduler", cluster.scheduler_address], check=True, timeout=240)
        workers = cluster.scheduler_info["workers"]
        assert len(workers) == 2
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.slow
def test_a_worker_that_dies_is_named_and_nothing_is_lost(tmp_path):
    """A local worker is killed in the middle: the command ends with code 2, and goes on when run again."""
    psutil = pytest.importorskip("psutil")
    bits = tuple(f"w{1 + i % 64}a{1 + i // 64}" for i in range(600))
    spec = SweepSpec(workloads=("lenet5_int8",), accelerators=("tpu_like_128",), bits=bits)
    run_sweep(spec, tmp_path / "whole.csv")
    path, output = tmp_path / "spec.json", tmp_path / "r.csv"
    path.write_text(spec.model_dump_json(by_alias=True))
    command = [sys.executable, "-m", "simulator", "sweep", str(path), "-o", str(output), "--workers", "2"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = output.with_name("r.csv.journal.db")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and running.poll() is None:
        workers = [
            child for child in psutil.Process(running.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]
        if len(workers) == 2 and journal.exists() and journal.with_name("r.csv.journal.db-wal").stat().st_size > 30_000:
            workers[0].kill()
            break
        time.sleep(0.02)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 2, said
    assert "a worker process died (killed, or out of memory); what was done is kept: run the sweep again" in said
    assert journal.exists()
    assert not output.exists()
    subprocess.run(command, check=True, timeout=240)
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep_module, "CONNECT_S", 1)
    with pytest.raises(SimulatorError, match=r"scheduler tcp://127.0.0.1:9: cannot be reached"):
        run_sweep(SPEC, tmp_path / "r.csv", scheduler="tcp://127.0.0.1:9")


def test_results_as_a_database_and_as_parquet(tmp_path):
    spec = SweepSpec(workloads=("lenet5_int8",), accelerators=("tpu_like_128",))
    pl = pytest.importorskip("polars")
    rows = run_sweep(spec, tmp_path / "r.parquet")
    assert pl.read_parquet(tmp_path / "r.parquet")["cycles"].to_list() == [rows[0]["cycles"]]
    assert run_sweep(spec, tmp_path / "r.db") == run_sweep(spec, tmp_path / "r.db") == rows
    with pytest.raises(SimulatorError, match=r"results are .db, .csv or .parquet"):
        run_sweep(spec, tmp_path / "r.txt")


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_a_file_of_other_results_is_spared_and_one_of_the_same_points_is_written_anew(tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("polars")
    output, one = tmp_path / name, SweepSpec(workloads=("lenet5",), accelerators=("gemmini_like_16",))
    rows = run_sweep(one, output)
    before = output.read_bytes()
    with pytest.raises(SimulatorError, match="holds something else than this sweep's results"):
        run_sweep(one.model_copy(update={"batch": 2}), output)
    assert output.read_bytes() == before
    assert run_sweep(one, output) == rows
    output.write_bytes(b"\xff not a table")
    with pytest.raises(SimulatorError, match="holds something else"):
        run_sweep(one, output)
    assert output.read_bytes() == b"\xff not a table"


def test_front_by_hand():
    rows = [{"cycles": c, "energy_pj": e} for c, e in [(1, 9), (2, 5), (3, 5), (4, 1), (None, 0)]]
    assert [row["cycles"] for row in pareto_front(rows)] == [1, 2, 4]


def test_a_spec_of_the_command_line(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"workloads": ["lenet5_int8"], "accelerators": ["tpu_like_128"]}))
    command = [sys.executable, "-m", "simulator", "sweep", str(path), "-o", str(tmp_path / "r.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 points, 0 could not run" in done.stdout
