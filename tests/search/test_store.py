"""The file of mappings: what is written is read, and nothing else."""

import sqlite3
import subprocess
import sys

import pytest

from simulator.errors import SimulatorError
from simulator.search import store as store_module
from simulator.search.store import Store, content_key, model_version


def test_entries_are_read_back_and_stay(tmp_path):
    path = tmp_path / "a.db"
    with Store(path) as store:
        store.write({b"k": b"one"})
        store.write({b"k": b"two", b"l": b"three"})
        assert store.read([b"k", b"l", b"m"]) == {b"k": b"one", b"l": b"three"}
    with Store(path) as store:
        assert len(store) == 2


def test_entries_of_another_version_are_passed_over(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    with Store(path) as store:
        store.write({b"k": b"one"})
    monkeypatch.setattr(store_module, "model_version", lambda: "another")
    with Store(path) as store:
        assert store.read([b"k"]) == {}
        store.write({b"k": b"two"})
        assert store.read([b"k"]) == {b"k": b"two"}


def test_a_file_from_elsewhere_is_refused(tmp_path):
    text, other = tmp_path / "a.txt", tmp_path / "b.db"
    text.write_text("no database\n" * 100)
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(SimulatorError, match=r"a\.txt: cannot be used .*delete it"):
        Store(text)
    with pytest.raises(SimulatorError, match=r"b\.db: is a database of something else"):
        Store(other)
    with pytest.raises(SimulatorError, match="cannot be used"):
        Store(tmp_path / "nowhere" / "c.db")


def test_a_damaged_entry_is_named(tmp_path):
    path = tmp_path / "a.db"
    with Store(path) as store:
        store.write({b"k": b"one"})
    with sqlite3.connect(path) as database:
        database.execute("UPDATE entry SET value = ?", (b"two",))
    with Store(path) as store, pytest.raises(SimulatorError, match="checksum is wrong"):
        store.read([b"k"])


def test_keys_tell_parts_apart():
    assert content_key(b"a", b"b") != content_key(b"ab")
    assert len(model_version()) == 32


WRITER = """
import sys
from pathlib import Path
from simulator.search.store import Store
with Store(Path(sys.argv[1])) as store:
    for i in range(200):
        store.write({b"%d" % i: b"value %d" % i})
"""


def test_two_processes_on_one_file(tmp_path):
    path = tmp_path / "a.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    with Store(path) as store:
        assert store.read(b"%d" % i for i in range(200)) == {b"%d" % i: b"value %d" % i for i in range(200)}
        assert len(store) == 200


def test_an_entry_that_is_no_bytes_is_named(tmp_path):
    path = tmp_path / "cache.sqlite"
    with Store(path) as store:
        store.write({b"k" * 20: b"value"})
    with sqlite3.connect(path) as database:
        database.execute("UPDATE entry SET value = 'text', checksum = 'text'")
    with Store(path) as store, pytest.raises(SimulatorError, match="checksum is wrong"):
        store.read([b"k" * 20])


@pytest.mark.parametrize("path", [3, "a\0b", b"cache"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(SimulatorError, match="give the path of a file"):
        Store(path)
