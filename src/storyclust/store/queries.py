"""Queries of a store for threads, events, timelines and history, beside those for articles."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from storyclust._core.validation import check_choice, check_int
from storyclust.errors import InputError, StoreError
from storyclust.store.article_queries import ArticleQueries, check_text
from storyclust.store.encoding import from_stamp, moment, storable, to_stamp
from storyclust.store.models import (
    Change,
    GroupSummary,
    Member,
    StoredEvent,
    StoredThread,
    TimelineEntry,
    summarize_members,
)
from storyclust.store.page_furniture import decode_spans
from storyclust.store.search_syntax import parse_search
from storyclust.store.transactions import name_of
from storyclust.text.furniture import without_spans

KINDS = ("event", "thread")
MAX_SUMMARIZED = 200  # articles of a group that its summary reads, the latest
CACHED_SUMMARIES = 1_000


class StoreQueries(ArticleQueries):
    """Queries of one store.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `schema.connect`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._summaries: OrderedDict[tuple[tuple[int, int, int, bytes], ...], GroupSummary] = OrderedDict()

    def threads(
        self,
        since: object = None,
        source: str | None = None,
        term: str | None = None,
        min_size: int = 1,
        limit: int | None = None,
    ) -> list[StoredThread]:
        """Select threads, the largest first and the newest first among equals.

        Parameters
        ----------
        since : datetime, timedelta or str, optional
            Only threads with an article published since then, or in the last ``'24h'``; of threads without
            any date, those to which an article was added since.
        source : str, optional
            Only threads with an article of this source.
        term : str, optional
            Only threads with an article that contains all these words; see `search`.
        min_size : int, default=1
            Least number of articles.
        limit : int, optional
            Largest number of threads returned.

        Returns
        -------
        list of StoredThread
        """
        conditions = ["t.merged_into IS NULL", "t.size >= ?"]
        values: list[Any] = [min(check_int("min_size", min_size, low=1), 2**63 - 1)]
        if since is not None:
            conditions.append("coalesce(t.ended, t.updated) >= ?")
            values.append(to_stamp(moment("since", since)))
        if source is not None:
            conditions.append(
                "t.id IN (SELECT e.thread FROM articles a JOIN events e ON e.id = a.event WHERE a.source = ?)"
            )
            values.append(storable(check_text("source", source)))
        if term is not None:
            conditions.append(
                "t.id IN (SELECT e.thread FROM search s JOIN articles a ON a.number = s.rowid "
                "JOIN events e ON e.id = a.event WHERE search MATCH ?)"
            )
            if not (expression := parse_search(check_text("term", term)).expression):
                return []
            values.append(expression)
        most = -1 if limit is None else min(check_int("limit", limit, low=0), 2**63 - 1)
        query = (
            f"SELECT t.* FROM threads t WHERE {' AND '.join(conditions)} "
            "ORDER BY t.size DESC, t.ended DESC, t.id DESC LIMIT ?"
        )
        with self._reading():
            return [StoredThread(self, row) for row in self._rows(query, [*values, most])]

    def thread(self, id: int) -> StoredThread:  # noqa: A002 - the name of the field
        """Look up a thread by its number.

        Returns
        -------
        StoredThread
            Of a merged thread, the one it was merged into.

        Raises
        ------
        InputError
            The number is unknown, or all articles of the thread were removed.
        """
        with self._reading():
            return StoredThread(self, self._live("thread", id))

    def event(self, id: int) -> StoredEvent:  # noqa: A002 - as in `thread`
        """Look up an event by its number, as `thread` does.

        Returns
        -------
        StoredEvent
        """
        with self._reading():
            return StoredEvent(self, self._live("event", id))

    def _live(self, kind: str, number: int) -> sqlite3.Row:
        """Row of an event or thread, or of the one it was merged into."""
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
        """Articles of an event or thread.

        Returns
        -------
        list of Member
            By date, undated ones last.
        """
        query = f"""
            SELECT a.number, a.id, c.article IS NOT NULL, a.revision
            FROM events e JOIN articles a ON a.event = e.id
            LEFT JOIN copies c ON c.article = a.number WHERE e.{_column(kind)} = ?
            ORDER BY a.published IS NULL, a.published, a.number
        """
        with self._reading():
            return [Member(row[0], row[1], bool(row[2]), row[3]) for row in self._rows(query, [number])]

    def sources(self, kind: str, number: int) -> list[str]:
        """Sources of an event or thread.

        Returns
        -------
        list of str
            Distinct names, sorted.
        """
        query = f"""
            SELECT DISTINCT a.source FROM events e JOIN articles a ON a.event = e.id
            WHERE e.{_column(kind)} = ? AND a.source <> '' ORDER BY 1
        """
        with self._reading():
            return [row[0] for row in self._rows(query, [number])]

    def events_of(self, thread: int) -> list[StoredEvent]:
        """Events of a thread.

        Returns
        -------
        list of StoredEvent
            In order of time, undated ones last.
        """
        query = """
            SELECT * FROM events WHERE thread = ? AND merged_into IS NULL AND size > 0
            ORDER BY started IS NULL, started, id
        """
        with self._reading():
            return [StoredEvent(self, row) for row in self._rows(query, [thread])]

    def timeline(self, thread_id: int) -> list[TimelineEntry]:
        """Summarise a thread by one line for each event.

        Returns
        -------
        list of TimelineEntry
            In order of time.
        """
        with self._reading():
            return self.thread(thread_id).timeline

    def group_summary(self, members: Sequence[Member]) -> GroupSummary:
        """Summarise the latest `MAX_SUMMARIZED` independent articles of a group; recent results are cached.

        Returns
        -------
        GroupSummary

        Raises
        ------
        InputError
            Members were moved or removed since they were read.
        """
        places = [k for k, member in enumerate(members) if not member.is_copy][-MAX_SUMMARIZED:]
        if not places:
            raise InputError(
                "there is nothing left to summarise: the articles were moved or removed meanwhile."
            )
        numbers = [members[k].number for k in places]
        with self._reading():
            furniture = self._furniture(numbers)
            # The key includes positions among the members, which new copies shift.
            key = tuple(
                (k, members[k].number, members[k].revision, furniture.get(members[k].number, b""))
                for k in places
            )
            if key not in self._summaries:
                texts = self._articles(numbers)
                if len(texts) < len(key):
                    raise InputError("some of the articles were removed meanwhile; ask for the thread anew.")
                articles = [texts[number] for number in numbers]
                counted = without_spans(articles, [decode_spans(spans) for *_, spans in key])
                self._summaries[key] = summarize_members(articles, counted, places)
        self._summaries.move_to_end(key)
        while len(self._summaries) > CACHED_SUMMARIES:
            self._summaries.popitem(last=False)
        return self._summaries[key]

    def _furniture(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """Encoded spans of the furniture of articles that have any."""
        query = "SELECT article, spans FROM furniture WHERE article IN (SELECT value FROM json_each(?))"
        return {row[0]: row[1] for row in self._rows(query, [json.dumps(numbers)])}

    def history(self, id: int | None = None, kind: str = "thread") -> list[Change]:  # noqa: A002 - as in `thread`
        """Read the merges, splits, moves and removals of threads or events.

        Parameters
        ----------
        id : int, optional
            Only changes of this thread or event; None is all.
        kind : {'thread', 'event'}, default='thread'

        Returns
        -------
        list of Change
            The latest last.
        """
        query, values = "SELECT * FROM history WHERE kind = ?", [check_choice("kind", kind, KINDS)]
        wanted = [] if id is None else [check_int("id", id, low=-(2**63), high=2**63 - 1)] * 2
        query += " AND (old = ? OR new = ?)" if wanted else ""
        with self._reading():
            rows = self._rows(f"{query} ORDER BY number", [*values, *wanted])
            return [Change(from_stamp(row["at"]), *tuple(row)[2:]) for row in rows]


def _column(kind: str) -> str:
    return "id" if kind == "event" else "thread"
