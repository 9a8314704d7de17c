"""SQLite files of the simulator's own, opened by any number of processes at once, the first of which makes them.

Whose a file is and whether it is empty are read in one transaction, for between two statements another process may have
made it; and the tables and the mark come in one transaction, for a file with tables and no mark is somebody else's.
"""

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from simulator.errors import SimulatorError

_WAIT_S = 60.0
_PAUSE_S = 0.01


def open_database(path: Path, application_id: int, tables: Iterable[str]) -> sqlite3.Connection:
    """Return a connection to the file at ``path``, made if it is not there.

    Parameters
    ----------
    path : Path
        The file; beside it come those of SQLite's write-ahead log.
    application_id : int
        The mark of this kind of file, 32 bits.
    tables : iterable of str
        What creates its tables.

    Raises
    ------
    SimulatorError
        The file is a database of something else.
    sqlite3.Error
        It is no database, damaged, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     database = open_database(Path(folder) / "a.db", 0x53494D43, ["CREATE TABLE entry (key BLOB)"])
    ...     print(database.execute("SELECT count(*) FROM entry").fetchone()[0])
    ...     database.close()
    0
    """
    database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        database.execute("BEGIN")
        mine = _is_mine(database, path, application_id)
        database.execute("COMMIT")
        if not mine:
            _make(database, path, application_id, tables)
        _log_ahead(database)
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def _is_mine(database: sqlite3.Connection, path: Path, application_id: int) -> bool:
    """Return whether the file has the mark; False where it is empty."""
    # The first to be asked starts the transaction's snapshot; the mark alone is read from the file's header.
    filled = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    found = database.execute("PRAGMA application_id").fetchone()[0]
    if found != application_id and filled:
        message = f"{path}: is a database of something else; name another file"
        raise SimulatorError(message)
    return bool(filled)


def _make(database: sqlite3.Connection, path: Path, application_id: int, tables: Iterable[str]) -> None:
    database.execute("BEGIN IMMEDIATE")
    if not _is_mine(database, path, application_id):
        for table in tables:
            database.execute(table)
        database.execute(f"PRAGMA application_id = {application_id}")
    database.execute("COMMIT")


def _log_ahead(database: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side; the file remembers it."""
    last_s = time.monotonic() + _WAIT_S
    # SQLite does not wait for its lock here, whatever the connection's timeout: two that change the mode at once would
    # wait for each other's shared lock.
    while database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last_s:
                raise
            time.sleep(_PAUSE_S)
