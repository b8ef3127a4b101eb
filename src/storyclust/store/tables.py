"""The statements that write articles, events and threads, inside a write transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storyclust.articles.article import Article
from storyclust.store.encoding import FIELDS, article_values, from_stamp
from storyclust.store.full_text import index_articles, unindex_words
from storyclust.store.models import Change
from storyclust.store.page_furniture import put_furniture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.consolidation import Move
    from storyclust.store.working_set import Derived

EMPTY_COUNTS = "size = 0, independent = 0, started = NULL, ended = NULL"
COUNT_EVENTS = """
    UPDATE events SET (size, independent, started, ended) = (
        SELECT count(*), count(*) - count(c.article), min(a.published), max(a.published)
        FROM articles a LEFT JOIN copies c ON c.article = a.number WHERE a.event = events.id
    )
"""
COUNT_THREADS = """
    UPDATE threads SET (size, independent, started, ended) = (
        SELECT coalesce(sum(size), 0), coalesce(sum(independent), 0), min(started), max(ended)
        FROM events WHERE thread = threads.id
    )
"""


class Known(NamedTuple):
    """A stored article: what a newer version is compared with, and the rows it refers to."""

    number: int
    title: str
    text: str
    published: str | None
    revision: int
    event: int
    thread: int
    original: int | None


class ArticlePlacement(NamedTuple):
    """The event and thread of a stored article, and its relation to its original if it is a copy."""

    event: int
    thread: int
    copy_of: str | None
    relation: str | None
    similarity: float | None


def store_derived(
    connection: sqlite3.Connection,
    numbers: Sequence[int],
    derived: Sequence[Derived],
    null_similarity: Sequence[float | None],
) -> None:
    """Store the keys, terms, background similarity and furniture of independent articles."""
    rows = list(zip(numbers, derived, null_similarity, strict=True))
    connection.executemany(
        "INSERT OR REPLACE INTO bands VALUES (?, ?)", ((number, each.keys) for number, each, _ in rows)
    )
    connection.executemany(
        "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
        ((number, each.head, each.terms, value) for number, each, value in rows),
    )
    connection.executemany(
        "UPDATE articles SET language = ?2 WHERE number = ?1 AND language <> ?2",
        ((number, each.language) for number, each, _ in rows),
    )
    put_furniture(connection, [(number, *each.furniture) for number, each, _ in rows if each.furniture])


def read_compared(connection: sqlite3.Connection, number: int) -> Article:
    """Read what an article is compared by: its title, text, date, source, language and address."""
    query = "SELECT title, text, published, source, lang, url FROM articles WHERE number = ?"
    title, text, published, source, lang, url = connection.execute(query, (number,)).fetchone()
    when = from_stamp(published) if published else None
    return Article(text, title=title, published=when, source=source, lang=lang, url=url)


class Tables:
    """Writes to the tables of a store, and reads what a writer needs.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    now : str
        Timestamp of everything that is written.
    """

    def __init__(self, connection: sqlite3.Connection, now: str) -> None:
        self.connection = connection
        self.now = now

    # Articles

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """Find the articles that are stored under some ids; unknown ids are left out."""
        query = (
            "SELECT a.number, a.title, a.text, a.published, a.revision, a.event, e.thread, c.original "
            "FROM articles AS a JOIN events AS e ON e.id = a.event "
            "LEFT JOIN copies AS c ON c.article = a.number WHERE a.id = ?"
        )
        return {name: Known(*row) for name, row in self._by_id(query, ids) if row}

    def placements(self, ids: Iterable[str]) -> dict[str, ArticlePlacement]:
        """Find where articles belong."""
        query = (
            "SELECT a.event, e.thread, o.id, c.relation, c.similarity "
            "FROM articles AS a JOIN events AS e ON e.id = a.event "
            "LEFT JOIN copies AS c ON c.article = a.number LEFT JOIN articles AS o ON o.number = c.original "
            "WHERE a.id = ?"
        )
        return {name: ArticlePlacement(*row) for name, row in self._by_id(query, ids) if row}

    def _by_id(self, query: str, ids: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Run a query for each id: a JSON array of ids would lose what follows a NUL in one."""
        return ((name, self.connection.execute(query, (name,)).fetchone()) for name in ids)

    def ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """Ids of articles by their numbers."""
        query = (
            "SELECT a.number, a.id FROM json_each(?) AS wanted JOIN articles AS a ON a.number = wanted.value"
        )
        return dict(self.connection.execute(query, (json.dumps(sorted(set(numbers))),)))

    def article(self, number: int) -> Article:
        """Read what is compared of an article."""
        return read_compared(self.connection, number)

    def next_number(self) -> int:
        """Return the next number; numbers of removed articles are not reused."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'articles'"
        found = self.connection.execute(query).fetchone()
        return 1 + (found[0] if found else 0)

    def insert_articles(
        self,
        articles: Sequence[Article],
        numbers: Sequence[int],
        languages: Sequence[str],
        events: Sequence[int],
    ) -> None:
        """Store new articles."""
        columns = ", ".join(("number", *FIELDS, "language", "added", "event"))
        places = ", ".join("?" * (len(FIELDS) + 4))
        rows = zip(numbers, articles, languages, events, strict=True)
        self.connection.executemany(
            f"INSERT INTO articles({columns}) VALUES ({places})",
            ((number, *article_values(a), language, self.now, event) for number, a, language, event in rows),
        )

    def revise(self, known: Known, article: Article, language: str) -> None:
        """Store a newer version of an article, and move the former one to `revisions`."""
        execute = self.connection.execute
        before = (known.number, known.revision, known.title, known.text, known.published, self.now)
        execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)", before)
        columns = ", ".join(f"{name} = ?" for name in FIELDS[1:])
        execute(
            f"UPDATE articles SET {columns}, language = ?, revision = ? WHERE number = ?",
            (*article_values(article)[1:], language, known.revision + 1, known.number),
        )
        unindex_words(self.connection, known.number, known.title, known.text)
        index_articles(self.connection, [(known.number, article.title, article.text)])

    def copies_of(self, original: int) -> list[int]:
        """Numbers of the copies of an article: the earliest first, then the longest."""
        query = (
            "SELECT number FROM copies JOIN articles ON number = article WHERE original = ? "
            "ORDER BY published IS NULL, published, length(text) DESC, number"
        )
        return [number for (number,) in self.connection.execute(query, (original,))]

    def put_copies(self, copies: Iterable[tuple[int, int, str, float]]) -> None:
        """Store or replace copies: (article, original, relation, similarity)."""
        self.connection.executemany("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)", copies)

    def drop_copy(self, number: int) -> None:
        """Make a copy an independent article."""
        self.connection.execute("DELETE FROM copies WHERE article = ?", (number,))

    def put_links(self, links: Iterable[tuple[int, int, str, float]]) -> None:
        """Store links: (article, earlier article, relation, similarity)."""
        self.connection.executemany("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?)", links)

    # Events and threads

    def new_groups(self, thread_of: dict[int, int]) -> None:
        """Store new events and threads, given the thread of each event; before the articles in them."""
        many = self.connection.executemany
        threads = sorted(set(thread_of.values()))
        many("INSERT OR IGNORE INTO threads(id) VALUES (?)", ((thread,) for thread in threads))
        many("INSERT OR IGNORE INTO events(id, thread) VALUES (?, ?)", sorted(thread_of.items()))

    def merge_event(self, gone: int, kept: int) -> None:
        """Merge an event into another."""
        self.connection.execute("UPDATE articles SET event = ? WHERE event = ?", (kept, gone))
        self.mark_merged("events", [(gone, kept)])

    def merge_thread(self, gone: int, kept: int) -> None:
        """Merge a thread into another."""
        self.connection.execute("UPDATE events SET thread = ? WHERE thread = ?", (kept, gone))
        self.mark_merged("threads", [(gone, kept)])

    def mark_merged(self, table: str, merged: Iterable[tuple[int, int]]) -> None:
        """Mark events or threads as merged: pairs of (gone, kept)."""
        rows = ((kept, gone) for gone, kept in merged)
        self.connection.executemany(f"UPDATE {table} SET {EMPTY_COUNTS}, merged_into = ? WHERE id = ?", rows)

    def put_scales(self, index: ArticleIndex, rows: NDArray[np.int64]) -> None:
        """Store what is known of the nearest neighbours of some rows of the index."""
        numbers, counts, sums = (
            column.values[rows].tolist() for column in (index.numbers, index.scales.counts, index.scales.sums)
        )
        self.connection.executemany(
            "INSERT OR REPLACE INTO scales VALUES (?, ?, ?)", zip(numbers, counts, sums, strict=True)
        )

    def move_articles(self, moved: Sequence[tuple[int, int]]) -> None:
        """Move articles and their copies to other events: pairs of (article, event)."""
        many = self.connection.executemany
        rows = [(event, number) for number, event in moved]
        many("UPDATE articles SET event = ? WHERE number = ?", rows)
        copies = "SELECT article FROM copies WHERE original = ?"
        many(f"UPDATE articles SET event = ? WHERE number IN ({copies})", rows)

    def move_events(self, moved: Iterable[tuple[int, int]]) -> None:
        """Move events to other threads: pairs of (event, thread)."""
        rows = ((thread, event) for event, thread in moved)
        self.connection.executemany("UPDATE events SET thread = ? WHERE id = ?", rows)

    def size(self, table: str, group: int) -> int:
        """Number of articles of an event or thread."""
        return int(self.connection.execute(f"SELECT size FROM {table} WHERE id = ?", (group,)).fetchone()[0])

    def update_counts(self, events: Iterable[int], threads: Iterable[int]) -> None:
        """Update the sizes and dates of events, then of threads."""
        many = self.connection.executemany
        ids = [(thread,) for thread in sorted(set(threads))]
        many(f"{COUNT_EVENTS} WHERE id = ?", ((event,) for event in sorted(set(events))))
        many(f"{COUNT_THREADS} WHERE id = ?", ids)
        many("UPDATE threads SET updated = ? WHERE id = ?", ((self.now, *each) for each in ids))

    def add_history(self, kind: str, move: Move, why: str) -> Change:
        """Add a line to the history."""
        change = Change(from_stamp(self.now), kind, move.old, move.new, move.what, move.articles, why)
        columns = ", ".join(Change._fields)
        values = (self.now, *change[1:])
        self.connection.execute(f"INSERT INTO history({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return change

    def put_meta(self, name: str, value: object) -> None:
        """Store a value that concerns the whole store."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, str(value)))
