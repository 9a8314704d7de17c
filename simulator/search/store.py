"""Mappings kept on disk between searches and processes: SQLite, keyed by content and by the version of the model.

A key is a digest of everything a mapping depends on (layer shape, widths, array, memories, prices, dataflows,
objective);
a row also names the model version (a digest of the package's sources), and rows of other versions are passed over. Each
row carries a checksum. Writers wait for one another; a killed one loses its last batch and nothing else.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.errors import SimulatorError
from simulator.search.database import open_database

APPLICATION_ID = 0x53494D43  # "SIMC"
_TABLE = (
    "CREATE TABLE entry (version TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, checksum BLOB NOT NULL, "
    "PRIMARY KEY (version, key)) WITHOUT ROWID"
)
_BATCH = 500


@cache
def model_version() -> str:
    """Return a digest of the package's sources: results of another version are never mixed with this one's."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def content_key(*parts: bytes) -> bytes:
    """Return a digest of ``parts``, each delimited by its length.

    Examples
    --------
    >>> content_key(b"a", b"bc") == content_key(b"ab", b"c")
    False
    """
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


class Store:
    """A file of byte strings by content key.

    Parameters
    ----------
    path : Path
        Made if it is not there.

    Raises
    ------
    SimulatorError
        The file is no cache of this simulator, damaged, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        given: object = path
        if not isinstance(given, str | Path) or "\0" in str(given):
            message = f"cache {path!r}: give the path of a file"
            raise SimulatorError(message)
        self.path = Path(path)
        try:
            self._database = open_database(self.path, APPLICATION_ID, [_TABLE])
        except sqlite3.Error as problem:
            raise SimulatorError(self._fault(problem)) from None
        except SimulatorError as problem:
            message = f"cache {problem}"
            raise SimulatorError(message) from None

    def _fault(self, problem: object) -> str:
        return f"cache {self.path}: cannot be used ({problem}); delete it, or name another file"

    def read(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is known of ``keys`` under this version of the model.

        Raises
        ------
        SimulatorError
            The file, or one of the entries, is damaged.
        """
        wanted, found = list(dict.fromkeys(keys)), {}
        for first in range(0, len(wanted), _BATCH):
            some = wanted[first : first + _BATCH]
            marks = ",".join("?" * len(some))
            query = f"SELECT key, value, checksum FROM entry WHERE version = ? AND key IN ({marks})"  # noqa: S608
            try:
                rows = self._database.execute(query, (model_version(), *some)).fetchall()
            except sqlite3.Error as problem:
                raise SimulatorError(self._fault(problem)) from None
            for key, value, checksum in rows:
                if not isinstance(value, bytes) or content_key(key, value) != checksum:
                    raise SimulatorError(self._fault("an entry's checksum is wrong"))
                found[key] = value
        return found

    def write(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep ``entries``; one that is there already stays.

        Raises
        ------
        SimulatorError
            The file is damaged or cannot be written.
        """
        rows = [(model_version(), key, value, content_key(key, value)) for key, value in entries.items()]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as problem:
            raise SimulatorError(self._fault(problem)) from None

    def __len__(self) -> int:
        query = "SELECT count(*) FROM entry WHERE version = ?"
        return int(self._database.execute(query, (model_version(),)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
