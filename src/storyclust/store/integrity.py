"""Checking a store: what must always be true of it, and how it is put right where it is not.

Articles are what a store is for, and are never removed here; everything else can be made of them again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from storyclust.errors import StoreError, StoryclustError
from storyclust.store.integrity_rules import RULES, _derive_missing, _index_again
from storyclust.store.retention import Derive
from storyclust.store.transactions import name_of, reading


def check(connection: sqlite3.Connection) -> list[str]:
    """Look for whatever is wrong with a store.

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
                problems.append(f"{found[0]:,} {rule.said}, first: {found[1]}")
        return problems


def repair(connection: sqlite3.Connection, derive: Derive) -> list[str]:
    """Put right what can be; to be called inside `writing`.

    Parameters
    ----------
    connection : sqlite3.Connection
    derive : callable
        Derives what is stored of articles that are no copies.

    Returns
    -------
    list of str
        What was wrong, as of `check`.

    Raises
    ------
    StoreError
        Something still is.
    """
    problems = check(connection)
    if not _has_sound_words(connection):
        problems.append("the index of words is damaged")
        _index_again(connection)
    if not problems:
        return []
    if _damage(connection):
        connection.execute("REINDEX")
    for rule in RULES:
        if connection.execute(f"SELECT 1 FROM ({rule.query}) LIMIT 1").fetchone():
            if rule.repair is None:
                _derive_missing(connection, derive)
            else:
                rule.repair(connection)
    if left := check(connection):
        raise StoreError(f"{name_of(connection)} cannot be put right: {left[0]}; take a backup.")
    return problems


@contextlib.contextmanager
def blaming_damage(connection: sqlite3.Connection) -> Iterator[None]:
    """Where something fails that does not fail on a sound store, say what is wrong with it.

    On a sound store it is a bug, which keeps its traceback.
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
    """What SQLite itself finds wrong, and a last page that is not all there, which it takes for empty."""
    path = Path(name_of(connection))
    log = Path(f"{path}-wal")
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    if path.stat().st_size % size and not (log.exists() and log.stat().st_size):
        return ["it is cut short"]
    try:
        return [row[0] for row in connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _has_sound_words(connection: sqlite3.Connection) -> bool:
    """Whether the index of words agrees with itself, which only a writer may ask."""
    try:
        connection.execute("INSERT INTO search(search) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith("SQLITE_CORRUPT"):
            return False
        raise
    return True


# Groups: chains of merges first, then what lies in them.


# Copies


# What is derived


# Values
