"""What a store answers: threads, events, articles, searches, timelines, its history, and all of it as a file.

Each answer is read in one transaction, and so of one state of the store, whatever is written meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from storyclust._core.validation import check_choice, check_int
from storyclust.articles.article import Article
from storyclust.articles.dates import quoted
from storyclust.errors import InputError, InputTypeError, StoreError
from storyclust.io.writing import labelled_record, write_records
from storyclust.store.encoding import article_of, from_stamp, moment, storable, to_stamp
from storyclust.store.full_text import match_expression, snippet
from storyclust.store.integrity import blaming_damage
from storyclust.store.models import (
    Change,
    Essence,
    Member,
    SearchHit,
    StoredArticle,
    StoredEvent,
    StoredReports,
    StoredThread,
    TimelineEntry,
    essence_of,
)
from storyclust.store.transactions import name_of, reading

KINDS = ("event", "thread")
MOST_READ = 200  # articles that a summary is made of
REMEMBERED = 1_000  # summaries
IDS_AT_ONCE = 500
BOOKMARK = "bookmark:"  # before their names in the table `meta`

ARTICLES = """
    SELECT a.*, e.thread, o.id AS copy_of FROM articles a JOIN events e ON e.id = a.event
    LEFT JOIN copies c ON c.article = a.number LEFT JOIN articles o ON o.number = c.original
"""


class Answers:
    """Answers of one store.

    Parameters
    ----------
    connection : sqlite3.Connection
        As of `schema.connect`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._essences: OrderedDict[tuple[tuple[int, int, int], ...], Essence] = OrderedDict()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with blaming_damage(self._connection), reading(self._connection):
            yield

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, values).fetchall()

    def count(self) -> int:
        """How many articles there are."""
        with self._reading():
            return int(self._rows("SELECT count(*) FROM articles")[0][0])

    def latest(self) -> datetime | None:
        """When the latest article was published, but not after now; without dates, when one last came in."""
        query = "SELECT coalesce(max(published), max(added)) FROM articles"
        with self._reading():
            stamp = self._rows(query)[0][0]
        return min(from_stamp(stamp), datetime.now(UTC)) if stamp else None

    def bookmarks(self) -> dict[str, str]:
        """What was noted by `NewsStore.add` on how far feeds were read."""
        with self._reading():
            rows = self._rows("SELECT name, value FROM meta WHERE name GLOB ?", [f"{BOOKMARK}*"])
        return {row["name"].removeprefix(BOOKMARK): row["value"] for row in rows}

    # Threads and events

    def threads(
        self,
        since: object = None,
        source: str | None = None,
        term: str | None = None,
        min_size: int = 1,
        limit: int | None = None,
    ) -> list[StoredThread]:
        """Threads by size, the newest first among equals.

        Parameters
        ----------
        since : datetime, timedelta or str, optional
            Only those with an article published since then, or in the last ``'24h'``; of threads without
            any date, those to which one was added.
        source : str, optional
            Only those with an article of this source.
        term : str, optional
            Only those with an article in which all these words stand; see `search`.
        min_size : int, default=1
            Articles of the smallest.
        limit : int, optional
            How many at most.
        """
        conditions, values = (
            ["t.merged_into IS NULL", "t.size >= ?"],
            [min(check_int("min_size", min_size, low=1), 2**63 - 1)],
        )
        filters: list[Any] = []
        if since is not None:
            conditions.append("coalesce(t.ended, t.updated) >= ?")
            filters.append(to_stamp(moment("since", since)))
        if source is not None:
            conditions.append(
                "t.id IN (SELECT e.thread FROM articles a JOIN events e ON e.id = a.event WHERE a.source = ?)"
            )
            filters.append(storable(_text("source", source)))
        if term is not None:
            conditions.append(
                "t.id IN (SELECT e.thread FROM search s JOIN articles a ON a.number = s.rowid "
                "JOIN events e ON e.id = a.event WHERE search MATCH ?)"
            )
            filters.append(match_expression(_text("term", term)))
            if not filters[-1]:
                return []
        most = -1 if limit is None else min(check_int("limit", limit, low=0), 2**63 - 1)
        query = (
            f"SELECT t.* FROM threads t WHERE {' AND '.join(conditions)} "
            "ORDER BY t.size DESC, t.ended DESC, t.id DESC LIMIT ?"
        )
        with self._reading():
            return [StoredThread(self, row) for row in self._rows(query, [*values, *filters, most])]

    def thread(self, id: int) -> StoredThread:  # noqa: A002 - the word of the whole interface
        """A thread by its number; of one that was merged into another, that other.

        Raises
        ------
        InputError
            There is none, or all its articles were removed.
        """
        with self._reading():
            return StoredThread(self, self._live("thread", id))

    def event(self, id: int) -> StoredEvent:  # noqa: A002
        """An event by its number, as `thread`."""
        with self._reading():
            return StoredEvent(self, self._live("event", id))

    def _live(self, kind: str, number: int) -> sqlite3.Row:
        """Row of an event or thread, or of what it was merged into."""
        wanted: int | None = check_int(f"{kind} id", number, low=-(2**63), high=2**63 - 1)
        seen = set()
        while wanted not in seen:
            seen.add(wanted)
            rows = self._rows(f"SELECT * FROM {kind}s WHERE id = ?", [wanted])
            if not rows:
                raise InputError(f"there is no {kind} {number} in {name_of(self._connection)}.")
            wanted = rows[0]["merged_into"]
            if wanted is None:
                if not rows[0]["size"]:
                    raise InputError(f"{kind} {number} was emptied: all its articles were removed.")
                return rows[0]
        raise StoreError(
            f"{name_of(self._connection)} is damaged: {kind} {number} was merged into itself; "
            "check(repair=True) puts it right."
        )

    def members(self, kind: str, number: int) -> list[Member]:
        """Articles of an event or thread by date, undated ones last."""
        query = f"""
            SELECT a.number, a.id, c.article IS NOT NULL, a.revision
            FROM events e JOIN articles a ON a.event = e.id
            LEFT JOIN copies c ON c.article = a.number WHERE e.{_column(kind)} = ?
            ORDER BY a.published IS NULL, a.published, a.number
        """
        with self._reading():
            return [Member(row[0], row[1], bool(row[2]), row[3]) for row in self._rows(query, [number])]

    def sources(self, kind: str, number: int) -> list[str]:
        """Names of all sources of an event or thread, sorted."""
        query = f"""
            SELECT DISTINCT a.source FROM events e JOIN articles a ON a.event = e.id
            WHERE e.{_column(kind)} = ? AND a.source <> '' ORDER BY 1
        """
        with self._reading():
            return [row[0] for row in self._rows(query, [number])]

    def events_of(self, thread: int) -> list[StoredEvent]:
        """Events of a thread in order of time, undated ones last."""
        query = """
            SELECT * FROM events WHERE thread = ? AND merged_into IS NULL AND size > 0
            ORDER BY started IS NULL, started, id
        """
        with self._reading():
            return [StoredEvent(self, row) for row in self._rows(query, [thread])]

    def timeline(self, thread_id: int) -> list[TimelineEntry]:
        """A line for each event of a thread, in order of time."""
        with self._reading():
            return self.thread(thread_id).timeline

    def essence(self, members: Sequence[Member]) -> Essence:
        """Summarise the independent among them, the latest `MOST_READ`; what was made last is remembered."""
        places = [k for k, member in enumerate(members) if not member.is_copy][-MOST_READ:]
        if not places:
            raise InputError(
                "there is nothing left to summarise: the articles were moved or removed meanwhile."
            )
        # The places are part of it, for copies may come in between.
        key = tuple((k, members[k].number, members[k].revision) for k in places)
        if key not in self._essences:
            texts = self._articles([number for _, number, _ in key])
            if len(texts) < len(key):
                raise InputError("some of the articles were removed meanwhile; ask for the thread anew.")
            self._essences[key] = essence_of([texts[number] for _, number, _ in key], places)
        self._essences.move_to_end(key)
        while len(self._essences) > REMEMBERED:
            self._essences.popitem(last=False)
        return self._essences[key]

    # Articles

    def _articles(self, numbers: Sequence[int]) -> dict[int, Article]:
        found = {}
        with self._reading():
            for start in range(0, len(numbers), IDS_AT_ONCE):
                some = numbers[start : start + IDS_AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = self._rows(f"SELECT * FROM articles WHERE number IN ({marks})", some)
                found.update({row["number"]: article_of(dict(row)) for row in rows})
        return found

    def _row(self, id: str) -> sqlite3.Row:  # noqa: A002
        rows = self._rows(f"{ARTICLES} WHERE a.id = ?", [storable(_text("id", id))])
        if not rows:
            raise InputError(f"there is no article {quoted(id)} in {name_of(self._connection)}.")
        return rows[0]

    def article(self, id: str) -> StoredArticle:  # noqa: A002
        """An article by its id.

        Raises
        ------
        InputError
            There is none.
        """
        with self._reading():
            row = self._row(id)
        plain = article_of(dict(row))
        fields = {name: getattr(plain, name) for name in Article.__dataclass_fields__}
        places = {name: row[name] for name in ("event", "thread", "copy_of", "revision")}
        return StoredArticle(**fields, **places, added=from_stamp(row["added"]))

    def copies(self, id: str) -> list[str]:  # noqa: A002
        """Ids of an article and of all copies of the same text, the original first, the others by date."""
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
        """Articles in which all words stand, most telling first; of copies of one text, the best.

        Parameters
        ----------
        terms : str
            Words, and phrases in double quotes. Case and accents do not matter.
        limit : int, default=20
            How many at most.

        Returns
        -------
        list of SearchHit
        """
        most = check_int("limit", limit, low=0)
        expression = match_expression(_text("terms", terms))
        if not expression or not most:
            return []
        query = """
            SELECT s.rowid, coalesce(c.original, s.rowid), bm25(search, 2.0, 1.0) AS rank FROM search s
            LEFT JOIN copies c ON c.article = s.rowid WHERE search MATCH ? ORDER BY rank, s.rowid
        """
        with self._reading():
            best: dict[int, int] = {}
            for number, original, _ in self._connection.execute(query, [expression]):
                best.setdefault(original, number)
                if len(best) == most:
                    break
            return [self._hit(number, terms) for number in best.values()]

    def _hit(self, number: int, terms: str) -> SearchHit:
        row = self._rows(f"{ARTICLES} WHERE a.number = ?", [number])[0]
        return SearchHit(row["id"], row["title"], row["thread"], snippet(row["text"], terms))

    # Everything

    def history(self, id: int | None = None, kind: str = "thread") -> list[Change]:  # noqa: A002
        """What became of threads (or, with ``kind="event"``, events), the latest last; of one, or of all."""
        query, values = "SELECT * FROM history WHERE kind = ?", [check_choice("kind", kind, KINDS)]
        wanted = [] if id is None else [check_int("id", id, low=-(2**63), high=2**63 - 1)] * 2
        query += " AND (old = ? OR new = ?)" if wanted else ""
        with self._reading():
            rows = self._rows(f"{query} ORDER BY number", [*values, *wanted])
            return [Change(from_stamp(row["at"]), *tuple(row)[2:]) for row in rows]

    def export(self, path: str | os.PathLike[str]) -> int:
        """Write all articles, in the order they came in, with `duplicate_of`, `event` and `thread`.

        Parameters
        ----------
        path : str or path-like
            Its ending names the format and compression, as for `write_records`.

        Returns
        -------
        int
            How many there are.
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


def _column(kind: str) -> str:
    return "id" if kind == "event" else "thread"


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InputTypeError(f"{name} must be str, got {type(value).__name__}.")
    return value


__all__ = ["Answers", "Change", "SearchHit", "StoredArticle", "StoredEvent", "StoredReports", "StoredThread"]
