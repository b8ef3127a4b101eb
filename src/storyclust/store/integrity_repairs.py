"""Repairs of a store's file that take more than a few SQL statements."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from storyclust.store.encoding import to_stamp
from storyclust.store.full_text import index_all
from storyclust.store.retention import Derive, read_articles
from storyclust.store.tables import store_derived

BATCH_SIZE = 1_000  # articles derived together
COPIES = "(SELECT article FROM copies)"
LIVE_EVENTS = "(SELECT id FROM events WHERE merged_into IS NULL)"
LIVE_THREADS = "(SELECT id FROM threads WHERE merged_into IS NULL)"
ARTICLES_WITHOUT_EVENT = f"SELECT id AS broken, number, event FROM articles WHERE event NOT IN {LIVE_EVENTS}"
# A merged or emptied event may belong to a merged thread, for it has no articles.
EVENTS_WITHOUT_THREAD = f"""
    SELECT id AS broken, thread FROM events WHERE thread NOT IN (SELECT id FROM threads)
    OR (id IN (SELECT event FROM articles) AND thread NOT IN {LIVE_THREADS})
"""
BAD_BANDS = "length(keys) % 4 <> 0"
BAD_VECTORS = "length(terms) % 4 <> 0 OR head < 0 OR head > length(terms) / 4"
BAD_FURNITURE = "length(spans) % 8 <> 0"
IS_CLEAN = "EXISTS (SELECT 1 FROM meta WHERE name = 'clean' AND value = '1.0')"
UNDERIVED = f"""
    SELECT number, id AS broken FROM articles WHERE number NOT IN {COPIES} AND (
        number NOT IN (SELECT article FROM bands WHERE NOT ({BAD_BANDS}))
        OR number NOT IN (SELECT article FROM vectors WHERE NOT ({BAD_VECTORS}))
        OR ({IS_CLEAN} AND number NOT IN (SELECT article FROM furniture WHERE NOT ({BAD_FURNITURE})))
    )
"""


def assign_events(connection: sqlite3.Connection, _: Derive) -> None:
    """Move articles to the event that theirs was merged into, or to a new one."""
    for _id, number, event in connection.execute(ARTICLES_WITHOUT_EVENT).fetchall():
        live = _end_of_merges(connection, "event", event)
        if live is None:
            thread = _new_thread(connection)
            live = connection.execute("INSERT INTO events(thread) VALUES (?)", [thread]).lastrowid
        connection.execute("UPDATE articles SET event = ? WHERE number = ?", (live, number))


def assign_threads(connection: sqlite3.Connection, _: Derive) -> None:
    """Move events to the thread that theirs was merged into, or to a new one."""
    for event, thread in connection.execute(EVENTS_WITHOUT_THREAD).fetchall():
        live = _end_of_merges(connection, "thread", thread) or _new_thread(connection)
        connection.execute("UPDATE events SET thread = ? WHERE id = ?", (live, event))


def _end_of_merges(connection: sqlite3.Connection, kind: str, number: int) -> int | None:
    """Follow `merged_into` to a live event or thread; None if there is none."""
    query = f"SELECT merged_into FROM {kind}s WHERE id = ?"
    while row := connection.execute(query, [number]).fetchone():
        if row[0] is None:
            return number
        number = row[0]
    return None


def _new_thread(connection: sqlite3.Connection) -> int | None:
    now = to_stamp(datetime.now(UTC))
    return connection.execute("INSERT INTO threads(updated) VALUES (?)", [now]).lastrowid


def flatten_copies(connection: sqlite3.Connection, _: Derive) -> None:
    """Make each copy of a copy one of the first original; without an original it becomes independent."""
    original_of = dict(connection.execute("SELECT article, original FROM copies"))
    known = {row[0] for row in connection.execute("SELECT number FROM articles")}
    for article in sorted(original_of):
        seen, original = {article}, original_of[article]
        while original in original_of and original not in seen:
            seen.add(original)
            original = original_of[original]
        if original in seen or original not in known or article not in known:
            connection.execute("DELETE FROM copies WHERE article = ?", [article])
            del original_of[article]
        elif original != original_of[article]:
            connection.execute("UPDATE copies SET original = ? WHERE article = ?", (original, article))


def derive_missing(connection: sqlite3.Connection, derive: Derive) -> None:
    """Derive keys and terms that independent articles lack.

    An unknown background similarity becomes the average of the article's language.
    """
    connection.execute(f"DELETE FROM bands WHERE {BAD_BANDS}")
    connection.execute(f"DELETE FROM vectors WHERE {BAD_VECTORS}")
    connection.execute(f"DELETE FROM furniture WHERE {BAD_FURNITURE}")
    averages = dict(
        connection.execute(
            "SELECT language, avg(strangers) FROM vectors JOIN articles ON number = article GROUP BY language"
        )
    )
    rows = connection.execute(
        "SELECT number, language, strangers FROM articles LEFT JOIN vectors ON article = number "
        f"WHERE number IN (SELECT number FROM ({UNDERIVED}))"
    ).fetchall()
    for start in range(0, len(rows), BATCH_SIZE):
        batch = rows[start : start + BATCH_SIZE]
        numbers = [row[0] for row in batch]
        null_similarity = [averages.get(language) if known is None else known for _, language, known in batch]
        store_derived(connection, numbers, derive(read_articles(connection, numbers)), null_similarity)


def rebuild_full_text(connection: sqlite3.Connection, _: Derive) -> None:
    """Index the words of all articles again."""
    index_all(connection)
