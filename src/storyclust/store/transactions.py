"""Transactions on a store for readers and for the one writer; SQLite's errors as `StoreError`."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from storyclust.errors import StoreBusyError, StoreError
from storyclust.store.lock import TIMEOUT, writers_lock


@contextlib.contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Read in one transaction: the block sees one state of the store."""
    name = usable(connection)
    if connection.in_transaction:  # a writer reads its own changes
        yield
        return
    with explaining(name), transaction(connection, "DEFERRED"):
        yield


def usable(connection: sqlite3.Connection) -> str:
    """Return the name of the file; raises if the connection is closed or belongs to another thread."""
    try:
        return name_of(connection)
    except sqlite3.ProgrammingError as error:
        raise StoreError(
            "the store is closed, or was opened by another thread; each thread has to open its own."
        ) from error


@contextlib.contextmanager
def writing(
    connection: sqlite3.Connection, path: str | os.PathLike[str], timeout: float = TIMEOUT
) -> Iterator[None]:
    """Write in one transaction, which an exception rolls back.

    A change of the store increments its `generation`, by which other processes know that their working set
    is outdated.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `connect`.
    path : str or path-like
        The file of the connection.
    timeout : float, default=30.0
        Seconds to wait for another writer.

    Raises
    ------
    StoreBusyError
        Another process kept writing for longer.
    StoreError
        The disk is full, or cannot be read or written.
    """
    name = os.fspath(path)
    usable(connection)
    with explaining(name, timeout), writers_lock(name, timeout), transaction(connection, "IMMEDIATE"):
        before = connection.total_changes
        yield
        if connection.total_changes != before:
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """Run the block in one transaction: DEFERRED for a reader, IMMEDIATE for a writer."""
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite rolls back some by itself, as on a full disk
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explaining(name: str, timeout: float | None = None) -> Iterator[None]:
    """Turn SQLite's errors about files and locks into a `StoreError` that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        for start, reason in _REASONS.items():
            if code.startswith(start):
                raise StoreError(f"{name}: {reason}") from error
        if not code and "decode to UTF-8" in str(error):  # raised by Python, not by SQLite
            raise StoreError(f"{name}: a text in it is damaged; check(repair=True) puts it right.") from error
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            waited = "" if timeout is None else f" (waited {timeout:g} s)"
            raise StoreBusyError(f"{name} is locked by another program{waited}; try again later.") from error
        raise


_REASONS = {
    "SQLITE_FULL": "disk full: free some space; nothing of this batch was stored.",
    "SQLITE_IOERR": "its disk cannot be read or written; nothing of this batch was stored.",
    "SQLITE_CORRUPT": "the file is damaged or cut short; take a backup, or save what can be "
    "read with sqlite3's .recover.",
    "SQLITE_NOTADB": "the file is no SQLite database; take another name for the store.",
    "SQLITE_READONLY": "it was opened to be read only, or may not be written; nothing was stored.",
    "SQLITE_CANTOPEN": "it cannot be opened, for want of leave to read it or to write into its folder.",
    "SQLITE_PERM": "it may not be read or written.",
}


def read_pragma(connection: sqlite3.Connection, name: str) -> int:
    """Value of an integer pragma."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def table_names(connection: sqlite3.Connection) -> set[str]:
    """Names of all tables in the file."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def name_of(connection: sqlite3.Connection) -> str:
    """Name of the file of a connection."""
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
