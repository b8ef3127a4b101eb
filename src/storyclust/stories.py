"""Stories: articles to events, and events to story threads.

The way of the data: copies collapse to their representatives; representatives become vectors, vectors a
graph of similarities; average linkage inside the time window gives events; the same linkage carried on
from the events, looser and without a window, gives threads. So an event never spans two threads.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from storyclust.agglomerate import below, cut
from storyclust.article import Article, as_articles
from storyclust.central import Centres, centres, fullest, seconds_of
from storyclust.dedup import Deduplicator
from storyclust.errors import InputError
from storyclust.grouping import event_merges, number_stories, prepare, thread_merges
from storyclust.joins import Joins, joins_of
from storyclust.memory import check_memory, no_collection
from storyclust.output import open_output
from storyclust.summary import Summary, summarize_independent
from storyclust.timeline import TimelineLine, line_of_each
from storyclust.unions import rows_by_label
from storyclust.validate import check_float, check_int
from storyclust.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reports:
    """Articles about one thing: what an event and a thread have in common.

    Attributes
    ----------
    label : int
        Its number.
    members : int64 array of shape (size,)
        Rows of all articles, copies included, ascending.
    independent : int64 array
        Rows of the members that are not copies of another member.
    medoid : int
        Row of the independent article that is most like the others; ties (and so two articles) go to the
        longer, then the earlier.
    likeness : float
        Mean cosine of the medoid with the other independent articles; 1 where there is none.
    cohesion : float in (0, 1]
        Mean cosine of the independent articles with the sum of their vectors. An article alone has 1. Average
        linkage keeps chains from forming, whose ends have nothing in common: no two groups are joined
        unless all their members are alike on average. So a low figure (below 0.4, say) means many
        articles about one wide matter.
    """

    def __init__(
        self,
        label: int,
        members: NDArray[np.int64],
        independent: NDArray[np.int64],
        medoid: int,
        likeness: float,
        cohesion: float,
        articles: Sequence[Article],
        vectorizer: NewsVectorizer,
    ) -> None:
        self.label = label
        self.members = members
        self.independent = independent
        self.medoid = medoid
        self.likeness = likeness
        self.cohesion = cohesion
        self._articles = articles
        self._vectorizer = vectorizer

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label}, {len(self)} articles, {self.headline!r})"

    @property
    def headline(self) -> str:
        """Most central title, less what outlets add to titles; where there is none, a first sentence."""
        return self.summary.headline

    @functools.cached_property
    def representative(self) -> int:
        """Row of the article to read: the medoid in its fullest version.

        That is the longest member, copies included, that opens with the medoid's text or holds nine tenths of
        its word 5-grams; so it is never an article that another member only cuts short.
        """
        return fullest(self._articles, self.medoid, self.members)

    @property
    def representative_reason(self) -> str:
        """Why the representative is the one, in words."""
        others = len(self.independent) - 1
        if others == 0:
            reason = "the only report"
        elif others == 1:
            lengths = {len(self._articles[row].text) for row in self.independent}
            reason = f"the {'longer' if len(lengths) > 1 else 'earlier'} of two independent reports"
        else:
            reason = f"most like the {others} other independent reports (mean cosine {self.likeness:.2f})"
        fuller = self.representative != self.medoid
        return f"{reason}, in its fullest version" if fuller else reason

    @functools.cached_property
    def summary(self) -> Summary:
        """Its summary; made when first asked for."""
        rows = [self.medoid, *(row for row in self.independent.tolist() if row != self.medoid)]
        return summarize_independent([self._articles[row] for row in rows], rows, self._vectorizer)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Its key terms, weightiest first."""
        return self.summary.keywords

    @property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return sorted({source for row in self.members if (source := self._articles[row].source)})

    @property
    def start(self) -> datetime | None:
        """When the first dated article was published."""
        return min(self._dates, default=None)

    @property
    def end(self) -> datetime | None:
        """When the last dated article was published."""
        return max(self._dates, default=None)

    @property
    def _dates(self) -> list[datetime]:
        return [when for row in self.members if (when := self._articles[row].published)]


class Event(Reports):
    """One happening, as covered by everyone."""


class StoryThread(Reports):
    """Events that continue one another.

    Attributes
    ----------
    events : list of Event
        In order of time; undated ones last.
    """

    def __init__(self, events: list[Event], joins: NDArray[np.float64], begin: int, *reports: Any) -> None:
        super().__init__(*reports)
        self.events = events
        self._all_joins = joins  # of all threads: a view of each would cost more
        self._begin = begin

    def linkage(self) -> NDArray[np.float64]:
        """Return how its articles were joined, as SciPy writes and draws it.

        Returns
        -------
        Z : float64 array of shape (n_independent - 1, 4)
            A valid, monotonic linkage matrix for `scipy.cluster.hierarchy`, whose leaf `i` is the article
            in row ``independent[i]``. Distances are those at which articles were joined to events, and then
            events to the thread.

        Notes
        -----
        Events that only `event_window` kept apart may be nearer than `event_distance`. Here they are joined
        just above it, so that a cut at `event_distance` always gives the events.

        Examples
        --------
        >>> import storyclust as sc
        >>> from scipy.cluster.hierarchy import fcluster
        >>> stories = sc.StoryClusterer().fit([
        ...     {"text": "The ferry Selka hit the pier.", "published": "2024-03-04"},
        ...     {"text": "A pier was hit by the Selka.", "published": "2024-03-04"},
        ...     {"text": "The ferry Selka is back at the pier.", "published": "2024-08-20"},
        ... ])
        >>> Z = stories.threads_[0].linkage()
        >>> Z[:, [0, 1, 3]]
        array([[0., 1., 2.],
               [2., 3., 3.]])
        >>> fcluster(Z, stories.event_distance, "distance")
        array([1, 1, 2], dtype=int32)
        """
        return self._joins[:, :4].copy()

    def closest_pairs(self, most: int = 3) -> list[tuple[int, int, float]]:
        """Return independent articles that were joined to each other before any other, closest first.

        Parameters
        ----------
        most : int, default=3
            How many pairs, at most.

        Returns
        -------
        pairs : list of (int, int, float)
            Rows of two articles and their similarity, as `coverage_links` has it.

        Examples
        --------
        >>> import storyclust as sc
        >>> texts = ["The ferry Selka hit the pier.", "A pier was hit by the Selka."]
        >>> sc.StoryClusterer().fit(texts).threads_[0].closest_pairs()[0][:2]
        (0, 1)
        """
        joins = self._joins
        direct = joins[(joins[:, :2] < len(self.independent)).all(axis=1)]
        found = direct[np.argsort(direct[:, 4], kind="stable")[:most]]
        rows = self.independent[found[:, :2].astype(np.int64)]
        return [(int(a), int(b), float(s)) for (a, b), s in zip(rows, 1.0 - found[:, 4], strict=True)]

    @property
    def _joins(self) -> NDArray[np.float64]:
        return self._all_joins[self._begin : self._begin + len(self.independent) - 1]

    @functools.cached_property
    def timeline(self) -> tuple[TimelineLine, ...]:
        """One sentence an event, in order of time, undated ones last; made when first asked for.

        It says what its articles agree on and the lines before do not say. A thread of one event has no
        timeline, its summary says it all; an event whose articles are titles only has no line.
        """
        if len(self.events) == 1:
            return ()
        lines = line_of_each([event.independent.tolist() for event in self.events], self._articles)
        return tuple(
            TimelineLine(event.start, event.label, line)
            for event, line in zip(self.events, lines, strict=True)
            if line is not None
        )


class StoryClusterer(ClusterMixin, BaseEstimator):
    """Group articles into events and story threads.

    Parameters
    ----------
    event_distance : float in [0, 1], default=0.89
        Groups of articles are one event while the average distance between their members is below it: 1
        less their cosine, which is counted from what both share with strangers (see Notes). Chosen over
        all development sets together.
    event_window : float or None, default=7.0
        Days that the dated articles of one event may span. None means no limit. Articles without a
        date fit into any event.
    thread_distance : float in [0, 1], default=0.96
        Events are one thread while the average distance between their articles is below it; whatever
        time lies between them. Not less than `event_distance`.
    copy_threshold : float in (0, 1], default=0.8
        Jaccard similarity from which articles are copies, which count as one article here.
    n_jobs : int or None, default=None
        Threads of the processor: None is one, -1 is every core. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Bytes taken besides the articles, as a number or a text like '4GB'. Hashes that do not fit wait in
        temporary files; vectors that would not fit are an error before they are made, which says what
        they take. None is three quarters of what is free. The result does not depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n,)
        Story thread of every article, copies included; ``threads_[labels_[i]]`` is that of article `i`.
        An article like no other is a thread of its own.
    event_labels_ : int64 array of shape (n,)
        Event of every article, numbered in the order of threads and, inside them, of time.
    threads_ : list of StoryThread
        Biggest first; then those that began earlier.
    deduplicator_ : Deduplicator
        The copies found.
    vectorizer_ : NewsVectorizer
        Terms and weights of the articles.

    Notes
    -----
    Copies are collapsed to the earliest of them before anything is compared, and get its labels
    afterwards, so that fifty prints of one agency report weigh as one.

    A cosine ``s`` of two articles counts as ``(s - m) / (1 - m)``, where ``m`` is the larger of their mean
    cosines with their 50th to 150th neighbours among articles of their language: strangers.

    Articles are put into an order of their own (of hashes of their texts) before anything else, so that the
    result does not depend on the order they come in, not even in the last bit of a sum.

    References
    ----------
    J. Allan et al., "Topic detection and tracking pilot study", DARPA 1998 (events and topics).

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = [
    ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
    ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
    ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
    ... ]
    >>> stories = sc.StoryClusterer().fit(articles)
    >>> stories.labels_
    array([0, 0, 1])
    >>> stories.threads_[0].headline
    'Aldmouth pier struck by ferry'
    """

    labels_: NDArray[np.int64]
    event_labels_: NDArray[np.int64]
    threads_: list[StoryThread]
    deduplicator_: Deduplicator
    vectorizer_: NewsVectorizer

    def __init__(
        self,
        event_distance: float = 0.89,
        event_window: float | None = 7.0,
        thread_distance: float = 0.96,
        copy_threshold: float = 0.8,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self.event_distance = event_distance
        self.event_window = event_window
        self.thread_distance = thread_distance
        self.copy_threshold = copy_threshold
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

    def fit(self, X: Iterable[Any], y: object = None) -> StoryClusterer:
        """Group articles.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`.
        y : object
            Ignored.

        Returns
        -------
        self : StoryClusterer

        Raises
        ------
        InputError
            A parameter is out of range, an article cannot be read as one, or the vectors would outgrow
            `memory_limit`.
        """
        window = self._check()
        articles = as_articles(X)
        prepared = prepare(articles, self.copy_threshold, self.n_jobs, check_memory(self.memory_limit))
        self.deduplicator_, self.vectorizer_ = prepared.deduplicator, prepared.vectorizer
        kept, place, graph = prepared.kept, prepared.place, prepared.graph
        to_events = below(
            event_merges(graph, prepared.times, self.event_distance, window), self.event_distance
        )
        events = cut(to_events, len(kept), self.event_distance)
        to_threads = below(thread_merges(graph, events, self.thread_distance), self.thread_distance)
        threads = cut(to_threads, int(events.max(initial=-1)) + 1, self.thread_distance)[events]
        joins = joins_of(to_events, to_threads, events, threads, kept, self.event_distance)
        independent = [articles[row] for row in kept]
        central = [centres(prepared.vectors, labels, independent) for labels in (threads, events)]
        with no_collection():
            self._describe(articles, kept, joins, threads[place], events[place], *central)
        return self

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str = "Story threads",
        min_size: int | None = None,
    ) -> str:
        """Make a report of the threads: one page of HTML that needs no network and no other file.

        It has an overview, a timeline, search and filters, and of each thread the summary, events,
        sources and articles, with copies folded under the article kept; the tree it was put together by, and
        its closest articles side by side, with what both say marked. Texts are cut to excerpts.

        Parameters
        ----------
        path : str or path-like, optional
            Where to write it too; the file has either all of it in the end or what it had before.
        title : str, default="Story threads"
            What stands above it.
        min_size : int or None, default=None
            Articles of the smallest thread listed; smaller ones are only counted. None is 1, or as much
            more as keeps the list to 50,000 articles.

        Returns
        -------
        html : str
            The same stories make the same page, to the last byte.

        Raises
        ------
        InputError
            `min_size` is less than 1, or the file cannot be written.

        Examples
        --------
        >>> import storyclust as sc
        >>> html = sc.StoryClusterer().fit(["Rain in Delhi.", "Snow in Tokyo."]).to_html()
        >>> html[:15], "https:" in html
        ('<!DOCTYPE html>', False)
        """
        from storyclust.report import render, report_content

        check_is_fitted(self)
        least = None if min_size is None else check_int("min_size", min_size, low=1)
        page = render(report_content(self, self._articles, least), title)
        if path is not None:
            with open_output(path) as file:
                file.write(page.encode())
        return page

    def _repr_html_(self) -> str:
        """Show the biggest threads in a notebook; before `fit`, the parameters."""
        from storyclust.report import glance

        if not hasattr(self, "threads_"):
            return str(estimator_html_repr(self))
        return glance(self, self._articles)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _check(self) -> float:
        """Check the parameters; the window in days, infinite where there is none."""
        event = check_float("event_distance", self.event_distance, low=0, high=1)
        thread = check_float("thread_distance", self.thread_distance, low=0, high=1)
        if thread < event:
            raise InputError(
                f"thread_distance must not be less than event_distance ({event:g}), got {thread:g}: "
                "events lie inside threads."
            )
        check_float("copy_threshold", self.copy_threshold, low=0, high=1, open_low=True)
        if self.event_window is None:
            return np.inf
        return check_float("event_window", self.event_window, low=0, high=np.inf)

    def _describe(
        self,
        articles: Sequence[Article],
        kept: NDArray[np.int64],
        joins: Joins,
        threads: NDArray[np.int64],
        events: NDArray[np.int64],
        of_threads: Centres,
        of_events: Centres,
    ) -> None:
        """Number threads and events, and make the objects that describe them."""
        self._articles = articles
        is_kept = np.zeros(len(articles), bool)
        is_kept[kept] = True
        self.labels_, self.event_labels_ = number_stories(threads, events, seconds_of(articles))
        stories: list[list[Event]] = [[] for _ in range(int(threads.max(initial=-1)) + 1)]
        for number, rows in enumerate(rows_by_label(self.event_labels_)):
            middle = middle_of(of_events, events[rows[0]], kept)
            event = Event(number, rows, rows[is_kept[rows]], *middle, articles, self.vectorizer_)
            stories[self.labels_[rows[0]]].append(event)
        self.threads_ = []
        for number, rows in enumerate(rows_by_label(self.labels_)):
            middle = middle_of(of_threads, threads[rows[0]], kept)
            parts = (number, rows, rows[is_kept[rows]], *middle, articles, self.vectorizer_)
            begin = int(joins.begins[threads[rows[0]]])
            self.threads_.append(StoryThread(stories[number], joins.rows, begin, *parts))


def middle_of(central: Centres, group: Any, kept: NDArray[np.int64]) -> tuple[int, float, float]:
    """Medoid of a group as a row of all articles, its likeness, the cohesion."""
    medoid = int(kept[central.medoids[group]])
    return medoid, float(central.likenesses[group]), float(central.cohesions[group])
