"""Queries of a store for articles: one by id, its copies, full-text search and export.

Each query reads in one transaction, so that its result is of one state of the store.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from storyclust._core.validation import check_int
from storyclust.articles.article import Article
from storyclust.articles.dates import quoted
from storyclust.errors import InputError, InputTypeError
from storyclust.io.writing import labelled_record, write_records
from storyclust.store.encoding import article_of, from_stamp, storable
from storyclust.store.full_text import snippet
from storyclust.store.integrity import diagnosing
from storyclust.store.models import SearchHit, StoredArticle
from storyclust.store.search_syntax import parse_search
from storyclust.store.transactions import name_of, reading

IDS_PER_QUERY = 500  # fewer than the variables that any SQLite allows in a statement
BOOKMARK_PREFIX = "bookmark:"  # of names in the table `meta`

ARTICLES = """
    SELECT a.*, e.thread, o.id AS copy_of FROM articles a JOIN events e ON e.id = a.event
    LEFT JOIN copies c ON c.article = a.number LEFT JOIN articles o ON o.number = c.original
"""


class ArticleQueries:
    """Queries of one store for articles.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `schema.connect`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with diagnosing(self._connection), reading(self._connection):
            yield

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, values).fetchall()

    def count(self) -> int:
        """Count the articles.

        Returns
        -------
        int
            Copies are counted too.
        """
        with self._reading():
            return int(self._rows("SELECT count(*) FROM articles")[0][0])

    def latest(self) -> datetime | None:
        """Find when the latest article was published, or last added if none has a date.

        Returns
        -------
        datetime or None
            At most the present time; None for an empty store.
        """
        query = "SELECT coalesce(max(published), max(added)) FROM articles"
        with self._reading():
            stamp = self._rows(query)[0][0]
        return min(from_stamp(stamp), datetime.now(UTC)) if stamp else None

    def bookmarks(self) -> dict[str, str]:
        """Read the bookmarks that `NewsStore.add` stored, such as how far a feed was read.

        Returns
        -------
        dict of str to str
        """
        with self._reading():
            rows = self._rows("SELECT name, value FROM meta WHERE name GLOB ?", [f"{BOOKMARK_PREFIX}*"])
        return {row["name"].removeprefix(BOOKMARK_PREFIX): row["value"] for row in rows}

    def _articles(self, numbers: Sequence[int]) -> dict[int, Article]:
        found = {}
        with self._reading():
            for start in range(0, len(numbers), IDS_PER_QUERY):
                some = numbers[start : start + IDS_PER_QUERY]
                marks = ",".join("?" * len(some))
                rows = self._rows(f"SELECT * FROM articles WHERE number IN ({marks})", some)
                found.update({row["number"]: article_of(dict(row)) for row in rows})
        return found

    def _row(self, id: str) -> sqlite3.Row:  # noqa: A002 - the name of the field
        rows = self._rows(f"{ARTICLES} WHERE a.id = ?", [storable(check_text("id", id))])
        if not rows:
            raise InputError(f"there is no article {quoted(id)} in {name_of(self._connection)}.")
        return rows[0]

    def article(self, id: str) -> StoredArticle:  # noqa: A002 - the name of the field
        """Look up an article by its id.

        Returns
        -------
        StoredArticle

        Raises
        ------
        InputError
            The id is unknown.
        """
        with self._reading():
            row = self._row(id)
        plain = article_of(dict(row))
        fields = {name: getattr(plain, name) for name in Article.__dataclass_fields__}
        places = {name: row[name] for name in ("event", "thread", "copy_of", "revision")}
        return StoredArticle(**fields, **places, added=from_stamp(row["added"]))

    def copies(self, id: str) -> list[str]:  # noqa: A002 - the name of the field
        """Find all copies of the text of an article.

        Returns
        -------
        list of str
            Ids of the original, then of its copies by date; the article is among them.
        """
        query = """
            SELECT a.id FROM articles a LEFT JOIN copies c ON c.article = a.number
            WHERE a.id = ? OR c.original = (SELECT number FROM articles WHERE id = ?)
            ORDER BY c.article IS NOT NULL, a.published IS NULL, a.published, a.number
        """
        with self._reading():
            row = self._row(id)
            original = row["copy_of"] or row["id"]
            return [row[0] for row in self._rows(query, [original, original])]

    def search(self, terms: str, limit: int = 20) -> list[SearchHit]:
        """Search for articles by their words; an original and its copies give one hit.

        Parameters
        ----------
        terms : str
            Words, all of which must occur, phrases in double quotes, beginnings of words (``minist*``), AND,
            OR, NOT and parentheses. Case and accents are ignored.
        limit : int, default=20
            Largest number of hits.

        Returns
        -------
        list of SearchHit
            Ranked by BM25, a word in the title counting twice.

        Raises
        ------
        InputError
            If a quotation mark or parenthesis is never closed, or an operator lacks what it joins.
        """
        most = check_int("limit", limit, low=0)
        wanted = parse_search(check_text("terms", terms))
        if not wanted.expression or not most:
            return []
        query = """
            SELECT s.rowid, coalesce(c.original, s.rowid), bm25(search, 2.0, 1.0) AS rank FROM search s
            LEFT JOIN copies c ON c.article = s.rowid WHERE search MATCH ? ORDER BY rank, s.rowid
        """
        with self._reading():
            best: dict[int, int] = {}
            for number, original, _ in self._connection.execute(query, [wanted.expression]):
                best.setdefault(original, number)
                if len(best) == most:
                    break
            return [self._hit(number, wanted.words) for number in best.values()]

    def _hit(self, number: int, words: str) -> SearchHit:
        row = self._rows(f"{ARTICLES} WHERE a.number = ?", [number])[0]
        return SearchHit(row["id"], row["title"], row["thread"], snippet(row["text"], words))

    def export(self, path: str | os.PathLike[str]) -> int:
        """Write all articles in the order of their addition, with `duplicate_of`, `event` and `thread`.

        Parameters
        ----------
        path : str or path-like
            Its ending determines format and compression, as for `write_records`.

        Returns
        -------
        int
            Number of articles.
        """
        with self._reading():
            return write_records(path, self._records())

    def _records(self) -> Iterator[dict[str, Any]]:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        rows: Iterable[sqlite3.Row] = cursor.execute(f"{ARTICLES} ORDER BY a.number")
        for row in rows:
            places = {"duplicate_of": row["copy_of"], "event": row["event"], "thread": row["thread"]}
            yield labelled_record(article_of(dict(row)).to_record(), places)


def check_text(name: str, value: object) -> str:
    """Return a value that must be a str."""
    if not isinstance(value, str):
        raise InputTypeError(f"{name} must be str, got {type(value).__name__}.")
    return value
