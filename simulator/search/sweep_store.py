"""Results of a sweep, appended to SQLite as they come: a killed sweep goes on where it stopped, nothing twice."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator.errors import SimulatorError
from simulator.search.database import open_database
from simulator.search.store import model_version
from simulator.search.sweep_spec import Point, SweepSpec

APPLICATION_ID = 0x53494D53  # "SIMS"
MEASURES = ("cycles", "latency_s", "energy_pj", "dram_bytes", "area_mm2")
COLUMNS = (*Point._fields, *MEASURES, "error")
_TABLES = (
    "CREATE TABLE about (spec TEXT NOT NULL, version TEXT NOT NULL)",
    f"CREATE TABLE result ({', '.join(COLUMNS)}, PRIMARY KEY (number))",
)


class SweepStore:
    """The file of one sweep's results.

    Raises
    ------
    SimulatorError
        The file is of something else, of another sweep or version, or damaged.
    """

    def __init__(self, path: Path, spec: SweepSpec) -> None:
        self.path = path
        with self._faults_named():
            self._database = open_database(path, APPLICATION_ID, _TABLES)
            self._open(spec)

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            message = f"{self.path}: cannot be used ({problem}); make room if the disk is full, else delete it"
            raise SimulatorError(message) from None

    def _open(self, spec: SweepSpec) -> None:
        run = self._database.execute
        run("BEGIN IMMEDIATE")
        known = run("SELECT spec, version FROM about").fetchone()
        if known is None:
            run("INSERT INTO about VALUES (?, ?)", (spec.digest_text(), model_version()))
        run("COMMIT")
        if known is not None and known[0] != spec.digest_text():
            message = f"{self.path}: holds another sweep's results; name another file, or delete it"
            raise SimulatorError(message)
        if known is not None and known[1] != model_version():
            message = f"{self.path}: holds results of another version of the simulator; name another file, or delete it"
            raise SimulatorError(message)

    def done(self) -> set[int]:
        """Return the numbers of the points that are there."""
        with self._faults_named():
            return {row[0] for row in self._database.execute("SELECT number FROM result")}

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep a chunk of results, whole or not at all; one that is there already stays."""
        marks = ", ".join("?" * len(COLUMNS))
        with self._faults_named():
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                f"INSERT OR IGNORE INTO result VALUES ({marks})",  # noqa: S608 - column names of this module
                [tuple(row.get(name) for name in COLUMNS) for row in rows],
            )
            self._database.execute("COMMIT")

    def rows(self) -> list[dict[str, Any]]:
        """Return every result, by number."""
        with self._faults_named():
            found = self._database.execute("SELECT * FROM result ORDER BY number").fetchall()
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):  # what is in the log is read from there
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
