"""Articles to events and story threads: what `StoryClusterer` computes.

The pipeline: each group of copies is reduced to one representative. Representatives become TF-IDF vectors,
and vectors a sparse similarity graph. Average linkage inside a time window gives events. The linkage of
events, at a larger distance and without a window, gives threads, so an event never spans two threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from storyclust._core.memory import check_memory, paused_gc
from storyclust._core.union_find import rows_by_label
from storyclust._core.validation import check_bool
from storyclust.articles.article import Article
from storyclust.articles.frames import Given
from storyclust.articles.ordering import seconds_of
from storyclust.articles.records import as_articles
from storyclust.cluster.dendrograms import Dendrograms, dendrograms_of
from storyclust.cluster.linkage import cut
from storyclust.cluster.local_scaling import local_scales
from storyclust.cluster.medoids import Medoids, medoid_preference, medoids_of
from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.stories.fitted_stories import FittedStories
from storyclust.stories.grouping import event_merges, number_stories, prepare, thread_merges
from storyclust.stories.settings import (
    COPY_THRESHOLD,
    EVENT_DISTANCE,
    EVENT_WINDOW,
    THREAD_DISTANCE,
    GroupingSettings,
    check_grouping,
)
from storyclust.stories.threads import Event, StoryThread
from storyclust.text.furniture import CountedArticles
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BaseStoryClusterer(FittedStories):
    """What `StoryClusterer` computes, without scikit-learn, which takes long to import."""

    _kinds: ClassVar[tuple[type[BaseDeduplicator], type[BaseVectorizer]]] = BaseDeduplicator, BaseVectorizer

    def __init__(
        self,
        event_distance: float = EVENT_DISTANCE,
        event_window: float | None = EVENT_WINDOW,
        thread_distance: float = THREAD_DISTANCE,
        copy_threshold: float = COPY_THRESHOLD,
        clean: bool = True,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self.event_distance = event_distance
        self.event_window = event_window
        self.thread_distance = thread_distance
        self.copy_threshold = copy_threshold
        self.clean = clean
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

    def fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Find the events and threads of articles.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`.
        y : Ignored
            Present for compatibility with scikit-learn.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InputError
            If a parameter is out of range, an element of `X` is not an article, or the vectors would exceed
            `memory_limit`.
        """
        settings = check_grouping(
            self.event_distance, self.event_window, self.thread_distance, self.copy_threshold
        )
        self._given = Given.of(X)
        with paused_gc():
            self._fit(as_articles(self._given.data), settings)
        return self

    def _fit(self, articles: Sequence[Article], settings: GroupingSettings) -> None:
        """Set the fitted attributes."""
        clean, limit = check_bool("clean", self.clean), check_memory(self.memory_limit)
        prepared = prepare(articles, self.copy_threshold, clean, self.n_jobs, limit, self._kinds)
        self.deduplicator_, self.vectorizer_ = prepared.deduplicator, prepared.vectorizer
        kept, place, graph = prepared.kept, prepared.place, prepared.graph
        to_events = event_merges(graph, prepared.times, settings.event_distance, settings.event_window)
        events = cut(to_events, len(kept), settings.event_distance)
        scales = local_scales(graph.indptr, graph.data)
        to_threads = thread_merges(graph, events, settings.thread_distance, scales, self.n_jobs)
        threads = cut(to_threads, int(events.max(initial=-1)) + 1, settings.thread_distance)[events]
        self._place, self._times, self._settings = place, prepared.times, settings
        self._background, self._scales, self._thread_index = prepared.background, scales, None
        self._merges = to_events, to_threads
        trees = dendrograms_of(to_events, to_threads, graph, events, threads, kept, settings.event_distance)
        self.furniture_ = [()] * len(articles)
        for row, spans in zip(kept.tolist(), prepared.spans, strict=True):
            self.furniture_[row] = spans
        preferred = medoid_preference(prepared.independent)
        medoids = [
            medoids_of(prepared.vectors, labels, preferred, self.n_jobs) for labels in (threads, events)
        ]
        self._describe(articles, kept, trees, threads[place], events[place], *medoids)

    def _describe(
        self,
        articles: Sequence[Article],
        kept: NDArray[np.int64],
        trees: Dendrograms,
        threads: NDArray[np.int64],
        events: NDArray[np.int64],
        of_threads: Medoids,
        of_events: Medoids,
    ) -> None:
        """Number threads and events, and create the objects that describe them."""
        counted = CountedArticles(articles, self.furniture_)
        self._articles, self._counted = articles, counted
        self.labels_, self.event_labels_ = number_stories(threads, events, seconds_of(articles))
        stories: list[list[Event]] = [[] for _ in range(int(threads.max(initial=-1)) + 1)]
        shared = articles, counted, self.vectorizer_
        first = _first_rows(self.event_labels_)
        described = zip(
            self.labels_[first].tolist(),
            _described(self.event_labels_, events[first], kept, of_events),
            strict=True,
        )
        for thread, event in described:
            stories[thread].append(Event(*event, *shared))
        first = _first_rows(self.labels_)
        described = zip(
            trees.begins[threads[first]].tolist(),
            _described(self.labels_, threads[first], kept, of_threads),
            strict=True,
        )
        self.threads_ = [
            StoryThread(own, trees.rows, begin, *thread, *shared)
            for own, (begin, thread) in zip(stories, described, strict=True)
        ]


def _first_rows(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """First row of each label."""
    first: NDArray[np.int64] = np.unique(labels, return_index=True)[1]
    return first


def _described(
    labels: NDArray[np.int64], groups: NDArray[np.int64], kept: NDArray[np.int64], found: Medoids
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64], int, float, float]]:
    """Yield what `Reports` begins with: the number of each label, its rows, and so on.

    `groups` are the numbers by which `found` has the labels.
    """
    kept_rows = np.sort(kept)
    independent = [kept_rows[own] for own in rows_by_label(labels[kept_rows])]
    medoids = kept[found.medoids[groups]].tolist()
    figures = found.likenesses[groups].tolist(), found.cohesions[groups].tolist()
    return zip(range(len(groups)), rows_by_label(labels), independent, medoids, *figures, strict=True)
