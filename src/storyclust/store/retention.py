"""Keeping a store: removing articles, forgetting old ones, giving space back.

What stays is consistent: the copies of an article that goes get another original, events and threads are
counted anew, and the numbers of those left empty stay, so that whoever kept one is told what became of it.
All but `vacuum` are to be called inside `writing`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.dates import quoted
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs
from storyclust.errors import InputError, InputTypeError
from storyclust.store.encoding import article_of, moment, storable, to_stamp
from storyclust.store.full_text import unindex_words
from storyclust.store.lock import TIMEOUT, writers_lock
from storyclust.store.tables import COUNT_EVENTS, COUNT_THREADS, store_derived
from storyclust.store.transactions import explaining, name_of, usable
from storyclust.store.working_set import Derived

Derive = Callable[[Sequence[Article]], Sequence[Derived]]
KINDS = ("event", "thread")
AT_ONCE = 1_000  # articles read together
SHINGLE_SIZE = 5  # as of `MinHasher`, by which copies were found

# Of the copies of an article that goes, the earliest becomes the original, the longest among equals.
HEIRS = """
    SELECT original, article FROM (
        SELECT c.original, c.article, row_number() OVER (
            PARTITION BY c.original ORDER BY a.published IS NULL, a.published, length(a.text) DESC, a.number
        ) AS place
        FROM copies c JOIN articles a ON a.number = c.article
        WHERE c.original IN (SELECT number FROM gone) AND c.article NOT IN (SELECT number FROM gone)
    ) WHERE place = 1 ORDER BY original
"""


def remove(connection: sqlite3.Connection, ids: Iterable[str], derive: Derive) -> int:
    """Remove articles.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction of writing.
    ids : iterable of str
        All must be there.
    derive : callable
        Derives what is stored of articles that are no copies: of those that become originals.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    InputError
        There is no article of an id; nothing is removed.
    """
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InputTypeError(f"ids must be a sequence of ids, got {type(ids).__name__}.")
    numbers = set()
    for name in ids:
        if not isinstance(name, str):
            raise InputTypeError(f"ids must be a sequence of str, got one {type(name).__name__}.")
        row = connection.execute("SELECT number FROM articles WHERE id = ?", [storable(name)]).fetchone()
        if row is None:
            raise InputError(f"there is no article {quoted(name)} in {name_of(connection)}.")
        numbers.add(row[0])
    _mark(connection, [(number,) for number in sorted(numbers)])
    return _remove_marked(connection, derive, "removed")


def forget(connection: sqlite3.Connection, before: object, derive: Derive) -> int:
    """Remove all articles published before a time; undated ones that came in before it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction of writing.
    before : datetime, timedelta or str
        A date, or so long ago: ``'90d'``.
    derive : callable
        As for `remove`.

    Returns
    -------
    int
        How many there were.
    """
    stamp = to_stamp(moment("before", before))
    old = connection.execute("SELECT number FROM articles WHERE coalesce(published, added) < ?", [stamp])
    _mark(connection, old.fetchall())
    return _remove_marked(connection, derive, f"older than {stamp[:10]}")


def _mark(connection: sqlite3.Connection, numbers: Iterable[tuple[int]]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS gone(number INTEGER PRIMARY KEY)")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS touched(event INTEGER PRIMARY KEY, thread INTEGER)")
    connection.execute("DELETE FROM gone")
    connection.execute("DELETE FROM touched")
    connection.executemany("INSERT INTO gone VALUES (?)", numbers)
    connection.execute(
        "INSERT INTO touched SELECT DISTINCT e.id, e.thread FROM articles a JOIN events e ON e.id = a.event "
        "WHERE a.number IN (SELECT number FROM gone)"
    )


def _remove_marked(connection: sqlite3.Connection, derive: Derive, why: str) -> int:
    heirs = connection.execute(HEIRS).fetchall()
    for start in range(0, len(heirs), AT_ONCE):
        _inherit(connection, heirs[start : start + AT_ONCE], derive)
    gone = connection.execute(
        "SELECT number, title, text FROM articles WHERE number IN (SELECT number FROM gone) ORDER BY number"
    )
    while rows := gone.fetchmany(AT_ONCE):
        for number, title, text in rows:
            unindex_words(connection, number, title, text)
    connection.execute("DELETE FROM copies WHERE article IN (SELECT number FROM gone)")
    removed = connection.execute("DELETE FROM articles WHERE number IN (SELECT number FROM gone)").rowcount
    for kind in KINDS:
        _count_touched(connection, kind, why)
    return removed


def _inherit(connection: sqlite3.Connection, heirs: Sequence[tuple[int, int]], derive: Derive) -> None:
    """Make copies the originals of the other copies of articles that go: pairs of (original, heir).

    An heir says almost what the original said, and so shares with strangers what that did.
    """
    execute = connection.execute
    shared: list[float | None] = []
    for original, heir in heirs:
        execute("DELETE FROM copies WHERE article = ?", [heir])
        execute("UPDATE copies SET original = ? WHERE original = ?", (heir, original))
        found = execute("SELECT strangers FROM vectors WHERE article = ?", [original]).fetchone()
        shared.append(found[0] if found else None)
    numbers = [heir for _, heir in heirs]
    articles = read_articles(connection, numbers)
    store_derived(connection, numbers, derive(articles), shared)
    for heir, article in zip(numbers, articles, strict=True):
        rest = execute(
            "SELECT article FROM copies WHERE original = ? AND article NOT IN (SELECT number FROM gone)",
            [heir],
        )
        copies = [row[0] for row in rest.fetchall()]
        for start in range(0, len(copies), AT_ONCE):
            _compare(connection, article, copies[start : start + AT_ONCE])


def _compare(connection: sqlite3.Connection, original: Article, copies: Sequence[int]) -> None:
    """Store how similar copies are to their original."""
    texts = [original.content, *(article.content for article in read_articles(connection, copies))]
    pairs = np.array([(0, k) for k in range(1, len(texts))])
    similarities = jaccard_pairs(ShingleSets.from_texts(texts, SHINGLE_SIZE), pairs, 0.0).tolist()
    connection.executemany(
        "UPDATE copies SET relation = ?, similarity = ? WHERE article = ?",
        (
            ("exact" if similarity == 1.0 else "near", similarity, number)
            for similarity, number in zip(similarities, copies, strict=True)
        ),
    )


def read_articles(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Article]:
    """Read articles by their numbers."""
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    query = "SELECT * FROM articles WHERE number = ?"
    return [article_of(dict(cursor.execute(query, [number]).fetchone())) for number in numbers]


def _count_touched(connection: sqlite3.Connection, kind: str, why: str) -> None:
    """Count events or threads anew, and note which of them are empty now."""
    sizes = f"SELECT id, size FROM {kind}s WHERE id IN (SELECT {kind} FROM touched) AND size > 0"
    before = connection.execute(sizes).fetchall()
    count = COUNT_EVENTS if kind == "event" else COUNT_THREADS
    connection.execute(f"{count} WHERE id IN (SELECT {kind} FROM touched)")
    left = {row[0] for row in connection.execute(sizes)}
    now = to_stamp(datetime.now(UTC))
    lines: list[tuple[Any, ...]] = [
        (now, kind, number, size, why) for number, size in before if number not in left
    ]
    connection.executemany(
        "INSERT INTO history(at, kind, old, what, articles, why) VALUES (?, ?, ?, 'emptied', ?, ?)", lines
    )


def vacuum(connection: sqlite3.Connection, path: str | os.PathLike[str], timeout: float = TIMEOUT) -> None:
    """Give the space of what was removed back to the disk; nobody can write meanwhile.

    It takes as much free space as the store itself.
    """
    name = os.fspath(path)
    usable(connection)
    with explaining(name, timeout), writers_lock(name, timeout):
        connection.execute("INSERT INTO search(search) VALUES ('optimize')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
