"""Checks the integrity of a store and repairs violations.

A repair never removes articles; everything else in the file can be derived from them again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from storyclust.errors import StoreError, StoryclustError
from storyclust.store.index_tables import drop_entries
from storyclust.store.integrity_repairs import rebuild_full_text
from storyclust.store.integrity_rules import RULES
from storyclust.store.retention import Derive
from storyclust.store.transactions import name_of, reading


def check(connection: sqlite3.Connection) -> list[str]:
    """Find the violations of integrity in a store.

    Returns
    -------
    list of str
        A line for each kind of problem; none if it is sound.
    """
    with reading(connection):
        if damage := _damage(connection):
            return [f"the file is damaged: {line}" for line in damage]
        problems = []
        for rule in RULES:
            found = connection.execute(f"SELECT count(*), min(broken) FROM ({rule.query})").fetchone()
            if found[0]:
                problems.append(f"{found[0]:,} {rule.violation}, first: {found[1]}")
        return problems


def repair(connection: sqlite3.Connection, derive: Derive) -> list[str]:
    """Repair the violations of integrity in a store.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    derive : callable
        Derives keys and terms of independent articles.

    Returns
    -------
    list of str
        What `check` found before the repair.

    Raises
    ------
    StoreError
        A violation is left after the repair.
    """
    problems = check(connection)
    if not _is_full_text_sound(connection):
        problems.append("the index of words is damaged")
        rebuild_full_text(connection, derive)
    if not problems:
        return []
    if _damage(connection):
        connection.execute("REINDEX")
    drop_entries(connection)
    for rule in RULES:
        if connection.execute(f"SELECT 1 FROM ({rule.query}) LIMIT 1").fetchone():
            if callable(rule.repair):
                rule.repair(connection, derive)
            else:
                for statement in rule.repair:
                    connection.execute(statement)
    if left := check(connection):
        raise StoreError(f"{name_of(connection)} cannot be put right: {left[0]}; take a backup.")
    return problems


@contextlib.contextmanager
def diagnosing(connection: sqlite3.Connection) -> Iterator[None]:
    """Turn an unexpected exception into a `StoreError` if the store is damaged.

    On a sound store the exception is a bug, and is raised as it is.
    """
    try:
        yield
    except (StoryclustError, OSError):
        raise
    except Exception as error:
        problems = check(connection)
        if not problems:
            raise
        raise StoreError(
            f"{name_of(connection)} is damaged: {problems[0]}; check(repair=True) may put it right, "
            "or take a backup."
        ) from error


def _damage(connection: sqlite3.Connection) -> list[str]:
    """Damage that SQLite finds, and a truncated last page, which SQLite takes for empty."""
    path = Path(name_of(connection))
    log = Path(f"{path}-wal")
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    if path.stat().st_size % size and not (log.exists() and log.stat().st_size):
        return ["it is cut short"]
    try:
        return [row[0] for row in connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _is_full_text_sound(connection: sqlite3.Connection) -> bool:
    """Whether the full-text index is consistent; only a writer may ask."""
    try:
        connection.execute("INSERT INTO search(search) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith("SQLITE_CORRUPT"):
            return False
        raise
    return True
