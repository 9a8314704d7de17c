"""Files of results, made and opened by many at once."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from simulator.errors import SimulatorError
from simulator.search.database import open_database
from simulator.search.store import Store
from simulator.search.sweep_spec import SweepSpec
from simulator.search.sweep_store import SweepStore

MARK = 0x53494D43
OPENERS = 6
FILES = 60


def opened_at_once(tmp_path, use):
    """Call ``use`` of each of FILES paths from OPENERS connections at the same moment; return what they returned."""
    barrier = Barrier(OPENERS)

    def opener(_):
        found = []
        for number in range(FILES):
            barrier.wait(60)
            found.append(use(tmp_path / f"{number}.db"))
        return found

    with ThreadPoolExecutor(OPENERS) as pool:
        return list(pool.map(opener, range(OPENERS)))


def test_who_comes_second_finds_a_whole_file(tmp_path):
    """Between reading the mark and counting the tables, the first may have made both: still one of ours."""

    def use(path):
        with Store(path) as store:
            store.write({b"key": b"value"})
            return store.read([b"key"])

    assert opened_at_once(tmp_path, use) == [[{b"key": b"value"}] * FILES] * OPENERS


def test_sweeps_too(tmp_path):
    spec = SweepSpec(workloads=("a",), accelerators=("x",))

    def use(path):
        store = SweepStore(path, spec)
        done = store.done()
        store.close()
        return done

    assert opened_at_once(tmp_path, use) == [[set()] * FILES] * OPENERS


def test_the_file_reads_and_writes_at_once(tmp_path):
    database = open_database(tmp_path / "a.db", MARK, ["CREATE TABLE entry (key)"])
    assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database.execute("PRAGMA application_id").fetchone()[0] == MARK
    database.close()


@pytest.mark.parametrize("mark", [0, MARK + 1])
def test_what_is_another_s_is_left_as_it_was(tmp_path, mark):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
        theirs.execute(f"PRAGMA application_id = {mark}")
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(SimulatorError, match=r"a\.db: is a database of something else; name another file"):
        open_database(path, MARK, ["CREATE TABLE entry (key)"])
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]
