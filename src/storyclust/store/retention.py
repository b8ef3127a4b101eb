"""Removes articles from a store, all or the old ones, and gives space back to the disk.

The copies of a removed article get another original, and the counts of events and threads are updated. Empty
events and threads keep their rows, so that a query for one can say that it was emptied. All functions but
`vacuum` need a write transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.dates import quoted
from storyclust.dedup.compared import compared_texts
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs
from storyclust.errors import InputError, InputTypeError
from storyclust.store.encoding import article_of, moment, storable, to_stamp
from storyclust.store.full_text import unindex_words
from storyclust.store.index_tables import put_unindexed
from storyclust.store.lock import TIMEOUT, writers_lock
from storyclust.store.page_furniture import count_gone
from storyclust.store.tables import COUNT_EVENTS, COUNT_THREADS, store_derived
from storyclust.store.transactions import explaining, name_of, usable
from storyclust.store.working_set import Derived

Derive = Callable[[Sequence[Article]], Sequence[Derived]]
KINDS = ("event", "thread")
BATCH_SIZE = 1_000  # articles read together
SHINGLE_SIZE = 5  # the default of `MinHasher`, by which copies were found

# The earliest copy of a removed original becomes the new original, the longest among equals.
NEW_ORIGINALS = """
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
        In a write transaction.
    ids : iterable of str
    derive : callable
        Derives keys and terms of copies that become independent.

    Returns
    -------
    int
        Number of removed articles.

    Raises
    ------
    InputError
        An id is unknown; nothing is removed.
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
    """Remove articles published before an instant, and undated ones added before it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    before : datetime, timedelta or str
        An instant, or how long ago: ``'90d'``.
    derive : callable
        As for `remove`.

    Returns
    -------
    int
        Number of removed articles.
    """
    stamp = to_stamp(moment("before", before))
    old = connection.execute("SELECT number FROM articles WHERE coalesce(published, added) < ?", [stamp])
    _mark(connection, old.fetchall())
    return _remove_marked(connection, derive, f"older than {stamp[:10]}")


def _mark(connection: sqlite3.Connection, numbers: Iterable[tuple[int]]) -> None:
    """Fill the temporary tables: `gone` with articles, `touched` with their events and threads."""
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
    promoted = connection.execute(NEW_ORIGINALS).fetchall()
    for start in range(0, len(promoted), BATCH_SIZE):
        _promote(connection, promoted[start : start + BATCH_SIZE], derive)
    gone = connection.execute(
        "SELECT number, title, text FROM articles WHERE number IN (SELECT number FROM gone) ORDER BY number"
    )
    while rows := gone.fetchmany(BATCH_SIZE):
        for number, title, text in rows:
            unindex_words(connection, number, title, text)
    count_gone(connection)
    connection.execute("DELETE FROM copies WHERE article IN (SELECT number FROM gone)")
    put_unindexed(connection, (row[0] for row in connection.execute("SELECT number FROM gone").fetchall()))
    removed = connection.execute("DELETE FROM articles WHERE number IN (SELECT number FROM gone)").rowcount
    for kind in KINDS:
        _update_touched(connection, kind, why)
    return removed


def _promote(connection: sqlite3.Connection, promoted: Sequence[tuple[int, int]], derive: Derive) -> None:
    """Replace removed originals by one of their copies: pairs of (original, copy).

    The texts are almost equal, so the new original takes over the background similarity of the removed one,
    and what is known of its nearest neighbours.
    """
    execute = connection.execute
    null_similarity: list[float | None] = []
    for original, copy in promoted:
        execute("DELETE FROM copies WHERE article = ?", [copy])
        execute("UPDATE copies SET original = ? WHERE original = ?", (copy, original))
        row = execute("SELECT strangers FROM vectors WHERE article = ?", [original]).fetchone()
        null_similarity.append(row[0] if row else None)
        taken = "SELECT ?, neighbors, similarity FROM scales WHERE article = ?"
        execute(f"INSERT OR REPLACE INTO scales {taken}", (copy, original))
    numbers = [copy for _, copy in promoted]
    articles = read_articles(connection, numbers)
    store_derived(connection, numbers, derive(articles), null_similarity)
    put_unindexed(connection, numbers)
    for number, article in zip(numbers, articles, strict=True):
        rest = execute(
            "SELECT article FROM copies WHERE original = ? AND article NOT IN (SELECT number FROM gone)",
            [number],
        )
        copies = [row[0] for row in rest.fetchall()]
        for start in range(0, len(copies), BATCH_SIZE):
            _update_similarities(connection, article, copies[start : start + BATCH_SIZE])


def _update_similarities(connection: sqlite3.Connection, original: Article, copies: Sequence[int]) -> None:
    """Update relation and similarity of copies to their new original."""
    texts = compared_texts([original, *read_articles(connection, copies)])
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


def _update_touched(connection: sqlite3.Connection, kind: str, why: str) -> None:
    """Update the counts of events or threads, and write to the history which of them were emptied."""
    sizes = f"SELECT id, size FROM {kind}s WHERE id IN (SELECT {kind} FROM touched) AND size > 0"
    before = connection.execute(sizes).fetchall()
    count = COUNT_EVENTS if kind == "event" else COUNT_THREADS
    connection.execute(f"{count} WHERE id IN (SELECT {kind} FROM touched)")
    left = {row[0] for row in connection.execute(sizes)}
    now = to_stamp(datetime.now(UTC))
    connection.executemany(
        "INSERT INTO history(at, kind, old, what, articles, why) VALUES (?, ?, ?, 'emptied', ?, ?)",
        [(now, kind, number, size, why) for number, size in before if number not in left],
    )


def vacuum(connection: sqlite3.Connection, path: str | os.PathLike[str], timeout: float = TIMEOUT) -> None:
    """Give the space of removed articles back to the disk; other writers have to wait.

    It needs as much free disk space as the store itself.
    """
    name = os.fspath(path)
    usable(connection)
    with explaining(name, timeout), writers_lock(name, timeout):
        connection.execute("INSERT INTO search(search) VALUES ('optimize')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
