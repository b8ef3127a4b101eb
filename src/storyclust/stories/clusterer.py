"""Stories: articles to events, and events to story threads.

The way of the data: copies collapse to their representatives; representatives become vectors, vectors a
graph of similarities; average linkage inside the time window gives events; the same linkage carried on
from the events, looser and without a window, gives threads. So an event never spans two threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from storyclust._core.memory import check_memory, paused_gc
from storyclust._core.union_find import rows_by_label
from storyclust._core.validation import check_float, check_int
from storyclust.articles.article import Article
from storyclust.articles.ordering import seconds_of
from storyclust.articles.records import as_articles
from storyclust.cluster.dendrograms import Dendrograms, dendrograms_of
from storyclust.cluster.linkage import below, cut
from storyclust.cluster.medoids import Medoids, find_medoids
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.errors import InputError
from storyclust.io.writing import open_output
from storyclust.stories.grouping import event_merges, number_stories, prepare, thread_merges
from storyclust.stories.threads import Event, StoryThread
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        joins = dendrograms_of(to_events, to_threads, events, threads, kept, self.event_distance)
        independent = [articles[row] for row in kept]
        central = [find_medoids(prepared.vectors, labels, independent) for labels in (threads, events)]
        with paused_gc():
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
        from storyclust.render.report import render, report_content

        check_is_fitted(self)
        least = None if min_size is None else check_int("min_size", min_size, low=1)
        page = render(report_content(self, self._articles, least), title)
        if path is not None:
            with open_output(path) as file:
                file.write(page.encode())
        return page

    def _repr_html_(self) -> str:
        """Show the biggest threads in a notebook; before `fit`, the parameters."""
        from storyclust.render.report import glance

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
        joins: Dendrograms,
        threads: NDArray[np.int64],
        events: NDArray[np.int64],
        of_threads: Medoids,
        of_events: Medoids,
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


def middle_of(central: Medoids, group: Any, kept: NDArray[np.int64]) -> tuple[int, float, float]:
    """Medoid of a group as a row of all articles, its likeness, the cohesion."""
    medoid = int(kept[central.medoids[group]])
    return medoid, float(central.likenesses[group]), float(central.cohesions[group])
