"""What a store answers with: threads, events, articles, hits, lines of a timeline and of the history."""

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
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    import sqlite3

    from storyclust.store.queries import Answers


@dataclass(frozen=True, slots=True)
class StoredArticle(Article):
    """An article as a store has it: an `Article`, and where it belongs.

    Attributes
    ----------
    event, thread : int
        What it belongs to.
    copy_of : str or None
        Id of the article that it is a copy of.
    revision : int
        1 as it first came in, one more each time its text changed.
    added : datetime or None
        When it came in.
    """

    event: int = 0
    thread: int = 0
    copy_of: str | None = None
    revision: int = 1
    added: datetime | None = None


class SearchHit(NamedTuple):
    """An article in which all words stand."""

    id: str
    title: str
    thread: int
    snippet: str


class TimelineEntry(NamedTuple):
    """An event of a thread: when it began, what it is about, how many articles it has."""

    event: int
    when: datetime | None
    headline: str
    size: int


class Change(NamedTuple):
    """What became of an event or a thread: articles of `old` went to `new` (None if they were removed)."""

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


class Essence(NamedTuple):
    """What articles say, and which of them says it best."""

    summary: Summary
    representative: int  # which of the members


class StoredReports:
    """Articles about one thing: what an event and a thread of a store have in common.

    Its counts and dates are those of when it was asked for; what is read later, as its summary, is as the
    store is then.

    Attributes
    ----------
    id : int
        Its number, which stays.
    size, independent : int
        Articles, and those of them that are no copies.
    start, end : datetime or None
        When the first and the last dated article were published.
    """

    kind = ""

    def __init__(self, answers: Answers, row: sqlite3.Row) -> None:
        self._answers = answers
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
        return self._answers.members(self.kind, self.id)

    @property
    def members(self) -> list[str]:
        """Ids of all articles, copies included, by date; undated ones last."""
        return [member.id for member in self._members]

    @functools.cached_property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return self._answers.sources(self.kind, self.id)

    @functools.cached_property
    def _essence(self) -> Essence:
        return self._answers.essence(self._members)

    @property
    def summary(self) -> Summary:
        """Its summary, of the latest if there are many. Sentences name articles by place in `members`."""
        return self._essence.summary

    @property
    def headline(self) -> str:
        """Most central title, less what outlets add to titles."""
        return self.summary.headline

    @property
    def keywords(self) -> tuple[str, ...]:
        """Its key terms, weightiest first."""
        return self.summary.keywords

    @property
    def representative(self) -> str:
        """Id of the independent article that is most like the others."""
        return self.members[self._essence.representative]


class StoredEvent(StoredReports):
    """One happening, as covered by everyone.

    Attributes
    ----------
    thread : int
        The thread that it belongs to.
    """

    kind = "event"

    def __init__(self, answers: Answers, row: sqlite3.Row) -> None:
        super().__init__(answers, row)
        self.thread: int = row["thread"]


class StoredThread(StoredReports):
    """Events that continue one another.

    Attributes
    ----------
    updated : datetime or None
        When an article last came in.
    """

    kind = "thread"

    def __init__(self, answers: Answers, row: sqlite3.Row) -> None:
        super().__init__(answers, row)
        self.updated = from_stamp(row["updated"]) if row["updated"] else None

    @functools.cached_property
    def events(self) -> list[StoredEvent]:
        """Its events in order of time; undated ones last."""
        return self._answers.events_of(self.id)

    @property
    def timeline(self) -> list[TimelineEntry]:
        """A line for each event."""
        return [TimelineEntry(event.id, event.start, event.headline, event.size) for event in self.events]


def essence_of(articles: list[Article], places: list[int]) -> Essence:
    """Summarise articles none of which is a copy; `places` are the numbers by which they are named."""
    order = canonical_order(articles, np.arange(len(articles)))
    kept = [articles[k] for k in order]
    vectorizer = NewsVectorizer(min_df=1)
    one_group = np.zeros(len(kept), np.int64)
    medoid = int(find_medoids(vectorizer.fit_transform(kept), one_group, kept).medoids[0])
    ranked = [medoid, *(k for k in range(len(kept)) if k != medoid)]
    rows = [places[order[k]] for k in ranked]
    summary = summarize_independent([kept[k] for k in ranked], rows, vectorizer)
    return Essence(summary, places[order[fullest(kept, medoid, np.arange(len(kept)))]])
