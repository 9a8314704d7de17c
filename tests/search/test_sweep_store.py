"""Result files of sweeps: whose they are, and what is in them."""

import sqlite3

import pytest

from simulator.errors import SimulatorError
from simulator.search import sweep_store
from simulator.search.sweep_spec import SweepSpec
from simulator.search.sweep_store import SweepStore

SPEC = SweepSpec(workloads=("a",), accelerators=("x",))


def test_chunks_are_kept_once(tmp_path):
    store = SweepStore(tmp_path / "r.db", SPEC)
    store.append([{"number": 1, "workload": "a", "cycles": 5}, {"number": 0, "workload": "a", "cycles": 4}])
    store.append([{"number": 1, "workload": "a", "cycles": 9}])
    assert store.done() == {0, 1}
    assert [row["cycles"] for row in store.rows()] == [4, 5]
    store.close()
    again = SweepStore(tmp_path / "r.db", SPEC)
    assert again.done() == {0, 1}
    again.close()


def test_another_s_file_is_refused(tmp_path, monkeypatch):
    SweepStore(tmp_path / "r.db", SPEC).close()
    with pytest.raises(SimulatorError, match="holds another sweep's results"):
        SweepStore(tmp_path / "r.db", SweepSpec(workloads=("b",), accelerators=("x",)))
    monkeypatch.setattr(sweep_store, "model_version", lambda: "later")
    with pytest.raises(SimulatorError, match="another version of the simulator"):
        SweepStore(tmp_path / "r.db", SPEC)
    with sqlite3.connect(tmp_path / "o.db") as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(SimulatorError, match="a database of something else"):
        SweepStore(tmp_path / "o.db", SPEC)
    (tmp_path / "t.db").write_text("no database" * 200)
    with pytest.raises(SimulatorError, match="cannot be used"):
        SweepStore(tmp_path / "t.db", SPEC)


def test_a_file_damaged_or_taken_away_meanwhile_is_named(tmp_path):
    store = SweepStore(tmp_path / "r.db", SPEC)
    with sqlite3.connect(tmp_path / "r.db") as database:
        database.execute("DROP TABLE result")
    for use in (store.done, store.rows, lambda: store.append([{"number": 0}])):
        with pytest.raises(SimulatorError, match=r"r\.db: cannot be used \(no such table: result\)"):
            use()
    store.close()
