"""Results of queries: threads, events, articles, search hits, timelines and history."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order
from storyclust.cluster.medoids import find_medoids
from storyclust.store.encoding import from_stamp
from storyclust.summary.summarizer import Summary, summarize_independent
from storyclust.summary.versions import fullest
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    import sqlite3

    from storyclust.store.queries import StoreQueries


@dataclass(frozen=True, slots=True)
class StoredArticle(Article):
    """A stored article: an `Article` with its event, thread and original.

    Attributes
    ----------
    event, thread : int
        The event and thread that it belongs to.
    copy_of : str or None
        Id of its original, for a copy.
    revision : int
        1 when first added, then one more for each change of its text.
    added : datetime or None
        When it was first added.
    """

    event: int = 0
    thread: int = 0
    copy_of: str | None = None
    revision: int = 1
    added: datetime | None = None


class SearchHit(NamedTuple):
    """An article that contains all words of a search."""

    id: str
    title: str
    thread: int
    snippet: str


class TimelineEntry(NamedTuple):
    """An event of a thread: its start, headline and number of articles."""

    event: int
    when: datetime | None
    headline: str
    size: int


class Change(NamedTuple):
    """A change of an event or thread: articles of `old` went to `new` (None if they were removed)."""

    at: datetime
    kind: str
    old: int
    new: int | None
    what: str
    articles: int
    why: str


class Member(NamedTuple):
    """An article of a thread or event, by number and by id."""

    number: int
    id: str
    is_copy: bool
    revision: int


class GroupSummary(NamedTuple):
    """The summary of an event or thread, and its representative article by position among the members."""

    summary: Summary
    representative: int


class StoredReports:
    """The common base of stored events and threads.

    Counts and dates are of the time of the query. Everything else, such as the summary, is read when first
    used, from the store as it is then.

    Attributes
    ----------
    id : int
        Its number, which is never reused.
    size, independent : int
        Number of articles, and of those that are not copies.
    start, end : datetime or None
        When the first and the last dated article were published.
    """

    kind = ""

    def __init__(self, queries: StoreQueries, row: sqlite3.Row) -> None:
        self._queries = queries
        self.id: int = row["id"]
        self.size: int = row["size"]
        self.independent: int = row["independent"]
        self.start = from_stamp(row["started"]) if row["started"] else None
        self.end = from_stamp(row["ended"]) if row["ended"] else None

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id}, {self.size} articles, {self.headline!r})"

    @functools.cached_property
    def _members(self) -> list[Member]:
        return self._queries.members(self.kind, self.id)

    @property
    def members(self) -> list[str]:
        """Ids of all articles, copies included, by date; undated ones last."""
        return [member.id for member in self._members]

    @functools.cached_property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return self._queries.sources(self.kind, self.id)

    @functools.cached_property
    def _group_summary(self) -> GroupSummary:
        return self._queries.group_summary(self._members)

    @property
    def summary(self) -> Summary:
        """Summary of the latest articles. Its sentences refer to articles by their position in `members`."""
        return self._group_summary.summary

    @property
    def headline(self) -> str:
        """Most central title, without what outlets add to titles."""
        return self.summary.headline

    @property
    def keywords(self) -> tuple[str, ...]:
        """Key terms, those with the largest weight first."""
        return self.summary.keywords

    @property
    def representative(self) -> str:
        """Id of the most central independent article, in its fullest version."""
        return self.members[self._group_summary.representative]


class StoredEvent(StoredReports):
    """An event of a store: articles about one happening.

    Attributes
    ----------
    thread : int
        The thread that it belongs to.
    """

    kind = "event"

    def __init__(self, queries: StoreQueries, row: sqlite3.Row) -> None:
        super().__init__(queries, row)
        self.thread: int = row["thread"]


class StoredThread(StoredReports):
    """A story thread of a store: events that continue one another.

    Attributes
    ----------
    updated : datetime or None
        When an article was last added.
    """

    kind = "thread"

    def __init__(self, queries: StoreQueries, row: sqlite3.Row) -> None:
        super().__init__(queries, row)
        self.updated = from_stamp(row["updated"]) if row["updated"] else None

    @functools.cached_property
    def events(self) -> list[StoredEvent]:
        """Events in order of time; undated ones last."""
        return self._queries.events_of(self.id)

    @property
    def timeline(self) -> list[TimelineEntry]:
        """One entry for each event."""
        return [TimelineEntry(event.id, event.start, event.headline, event.size) for event in self.events]


def summarize_members(articles: list[Article], counted: list[Article], places: list[int]) -> GroupSummary:
    """Summarise independent articles by the texts that count.

    `places` are their positions among the members of the group.
    """
    order = canonical_order(articles, np.arange(len(articles)))
    kept = [counted[k] for k in order]
    vectorizer = BaseVectorizer(min_df=1)
    one_group = np.zeros(len(kept), np.int64)
    medoid = int(find_medoids(vectorizer.fit_transform(kept), one_group, kept).medoids[0])
    ranked = [medoid, *(k for k in range(len(kept)) if k != medoid)]
    rows = [places[order[k]] for k in ranked]
    whole = [articles[k] for k in order]
    summary = summarize_independent([kept[k] for k in ranked], rows, vectorizer)
    return GroupSummary(summary, places[order[fullest(whole, medoid, np.arange(len(kept)))]])
