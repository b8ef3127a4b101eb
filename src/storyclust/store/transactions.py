"""Transactions on a store: readers, the one writer, and SQLite's errors in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from storyclust.errors import StoreBusyError, StoreError
from storyclust.store.lock import TIMEOUT, writers_lock


@contextlib.contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """See one state of the store for as long as the block lasts, whatever others write meanwhile."""
    name = usable(connection)
    if connection.in_transaction:  # as a writer, who sees what it has written
        yield
        return
    with explaining(name), _transaction(connection, "DEFERRED"):
        yield


def usable(connection: sqlite3.Connection) -> str:
    """Name of its file; raises if a connection is closed, or another thread's."""
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
    """Write all that the block does, or nothing if it ends by an exception.

    What changes the store raises its `generation`, by which others see that they have to read anew.

    Parameters
    ----------
    connection : sqlite3.Connection
        As of `connect`.
    path : str or path-like
        The file it is to.
    timeout : float, default=30.0
        Seconds to wait for another writer.

    Raises
    ------
    StoreBusyError
        Another process went on writing for so long.
    StoreError
        The disk is full, or cannot be read or written.
    """
    name = os.fspath(path)
    usable(connection)
    with explaining(name, timeout), writers_lock(name, timeout), _transaction(connection, "IMMEDIATE"):
        before = connection.total_changes
        yield
        if connection.total_changes != before:
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite takes back some by itself, as on a full disk
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explaining(name: str, timeout: float | None = None) -> Iterator[None]:
    """Make of SQLite's errors that are nobody's mistake a `StoreError` that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        for start, reason in _REASONS.items():
            if code.startswith(start):
                raise StoreError(f"{name}: {reason}") from error
        if not code and "decode to UTF-8" in str(error):  # said by Python, not by SQLite
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


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def name_of(connection: sqlite3.Connection) -> str:
    """Name of the file that a connection is to."""
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
