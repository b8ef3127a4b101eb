"""The estimator that groups articles into events and story threads.

The pipeline: each group of copies is reduced to one representative. Representatives become TF-IDF vectors,
and vectors a sparse similarity graph. Average linkage inside a time window gives events. The linkage of
events, at a larger distance and without a window, gives threads, so an event never spans two threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClusterMixin

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
from storyclust.cluster.medoids import Medoids, find_medoids
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.stories.fitted_stories import FittedStories
from storyclust.stories.grouping import event_merges, number_stories, prepare, thread_merges
from storyclust.stories.settings import (
    COPY_THRESHOLD,
    EVENT_DISTANCE,
    EVENT_WINDOW,
    THREAD_DISTANCE,
    check_grouping,
)
from storyclust.stories.threads import Event, StoryThread
from storyclust.text.furniture import without_spans
from storyclust.text.page_spans import Span
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class StoryClusterer(ClusterMixin, FittedStories):
    """Group articles into events and story threads.

    Parameters
    ----------
    event_distance : float in [0, 1], default=0.92
        Two groups of articles are merged into one event while the average distance between their members is
        below this value. The distance of two articles is 1 minus their corrected cosine similarity, which is
        divided by the days between them (see Notes). A larger value gives fewer, larger events.
    event_window : float or None, default=7.0
        Largest number of days between the first and the last dated article of an event. None means no
        limit. Articles without a date may join any event.
    thread_distance : float in [0, 1], default=0.93
        Two groups of events are merged into one thread while the average distance between their articles is
        below this value, whatever time lies between them. Here, the distance of two articles is 1 minus a
        tenth of the ratio of their corrected similarity to that of their nearest neighbours (see Notes): at
        0.93, articles of a thread are on average 0.7 times as similar as either is to its 20 nearest
        neighbours. It must not be less than `event_distance`.
    copy_threshold : float in (0, 1], default=0.8
        Jaccard similarity of word shingles from which articles are copies. A group of copies counts as one
        article.
    clean : bool, default=True
        Leave page furniture (newsletter boxes, inserted headlines of related articles, licence notes) and web
        addresses out of similarities and summaries; see `find_furniture`. Copies are found in whole texts.
    n_jobs : int or None, default=None
        Number of threads. None means 1, -1 means all cores. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Memory to use besides the articles, in bytes or as a string like '4GB'. Hashes that exceed it are
        kept in temporary files. If the vectors would exceed it, `fit` raises an error before it computes
        them. None means three quarters of the free memory. The result does not depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n_articles,)
        Thread of each article, copies included. ``threads_[labels_[i]]`` is the thread of article `i`. A
        singleton is a thread of one article.
    event_labels_ : int64 array of shape (n_articles,)
        Event of each article. Events are numbered by thread, and by time within a thread.
    threads_ : list of StoryThread
        Threads by decreasing number of articles; among equals, the one that began earlier comes first.
    furniture_ : list of tuple of (int, int)
        Spans of the text of each article that were left out as page furniture, as `find_furniture` returns
        them; none for copies, whose texts are not compared.
    deduplicator_ : Deduplicator
        The fitted estimator that found the copies.
    vectorizer_ : NewsVectorizer
        The fitted estimator that made the TF-IDF vectors.

    See Also
    --------
    Deduplicator : Find copies only.
    GraphAgglomerative : The same linkage for any feature matrix.
    coverage_links : Pairs of articles about the same happening, instead of groups.
    tune : Choose the distances for a collection of articles.
    NewsStore : Events and threads that grow as articles arrive.

    Notes
    -----
    Each group of copies is represented by its earliest article. The others receive its labels afterwards, so
    fifty prints of one agency report weigh as much as one.

    A cosine ``s`` of two articles is corrected for background similarity to ``(s - m) / (1 - m)``. Here ``m``
    is the larger of the two cosines that one in twenty of all articles of the language have with either, or
    its 50th nearest neighbour where these are fewer. Pairs whose corrected similarity is below 0.03 count as
    0.

    For threads, a corrected similarity is divided by the geometric mean of both articles' mean similarities
    with their 20 nearest neighbours, missing ones counting as 0, but each mean as at least 0.04. This local
    scaling [3]_ finds the same threads whether a few hundred or many thousand other articles surround them.

    Up to fifty articles of a language, which may all be about one story, have no such neighbours, and
    unrelated ones may be more similar than 0.03. Among `n` of them the limit is therefore ``0.09 + 0.2 / n``,
    and ``0.15 + 0.5 / n`` in languages other than English, for which there is no background of general news.
    It falls to 0.03 between 50 and 102 articles. A credit of several words at the end of texts of one or two
    sentences can still join them.

    Average linkage follows nearest-neighbour chains [2]_ on the sparse graph of the remaining pairs. Time and
    memory grow with the number of these pairs.

    Before articles are compared, they are sorted by hashes of their texts. The result therefore does not
    depend on the order of `X`, not even through rounding.

    References
    ----------
    .. [1] J. Allan et al., "Topic detection and tracking pilot study: final report", DARPA Broadcast News
       Transcription and Understanding Workshop, 1998. Defines events and topics.
    .. [2] F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", The Computer
       Journal 26 (1983).
    .. [3] L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", Advances in Neural Information
       Processing Systems 17 (2004).

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
    furniture_: list[tuple[Span, ...]]
    deduplicator_: Deduplicator
    vectorizer_: NewsVectorizer

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

    def fit(self, X: Iterable[Any], y: object = None) -> StoryClusterer:
        """Find the events and threads of articles.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`.
        y : Ignored
            Present for compatibility with scikit-learn.

        Returns
        -------
        self : StoryClusterer
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
        articles = as_articles(self._given.data)
        clean, limit = check_bool("clean", self.clean), check_memory(self.memory_limit)
        prepared = prepare(articles, self.copy_threshold, clean, self.n_jobs, limit)
        self.deduplicator_, self.vectorizer_ = prepared.deduplicator, prepared.vectorizer
        kept, place, graph = prepared.kept, prepared.place, prepared.graph
        to_events = event_merges(graph, prepared.times, settings.event_distance, settings.event_window)
        events = cut(to_events, len(kept), settings.event_distance)
        scales = local_scales(graph.indptr, graph.data)
        to_threads = thread_merges(graph, events, settings.thread_distance, scales)
        threads = cut(to_threads, int(events.max(initial=-1)) + 1, settings.thread_distance)[events]
        self._place, self._times, self._settings = place, prepared.times, settings
        self._background, self._scales, self._thread_index = prepared.background, scales, None
        self._merges = to_events, to_threads
        trees = dendrograms_of(to_events, to_threads, graph, events, threads, kept, settings.event_distance)
        self.furniture_ = [()] * len(articles)
        for row, spans in zip(kept.tolist(), prepared.spans, strict=True):
            self.furniture_[row] = spans
        counted = without_spans(articles, self.furniture_)
        independent = [counted[row] for row in kept]
        medoids = [find_medoids(prepared.vectors, labels, independent) for labels in (threads, events)]
        with paused_gc():
            self._describe(articles, counted, kept, trees, threads[place], events[place], *medoids)
        return self

    def _describe(
        self,
        articles: Sequence[Article],
        counted: Sequence[Article],
        kept: NDArray[np.int64],
        trees: Dendrograms,
        threads: NDArray[np.int64],
        events: NDArray[np.int64],
        of_threads: Medoids,
        of_events: Medoids,
    ) -> None:
        """Number threads and events, and create the objects that describe them."""
        self._articles, self._counted = articles, counted
        is_kept = np.zeros(len(articles), bool)
        is_kept[kept] = True
        self.labels_, self.event_labels_ = number_stories(threads, events, seconds_of(articles))
        stories: list[list[Event]] = [[] for _ in range(int(threads.max(initial=-1)) + 1)]
        for number, rows in enumerate(rows_by_label(self.event_labels_)):
            medoid = _medoid_of(of_events, events[rows[0]], kept)
            event = Event(number, rows, rows[is_kept[rows]], *medoid, articles, counted, self.vectorizer_)
            stories[self.labels_[rows[0]]].append(event)
        self.threads_ = []
        for number, rows in enumerate(rows_by_label(self.labels_)):
            medoid = _medoid_of(of_threads, threads[rows[0]], kept)
            common = (number, rows, rows[is_kept[rows]], *medoid, articles, counted, self.vectorizer_)
            begin = int(trees.begins[threads[rows[0]]])
            self.threads_.append(StoryThread(stories[number], trees.rows, begin, *common))


def _medoid_of(found: Medoids, group: Any, kept: NDArray[np.int64]) -> tuple[int, float, float]:
    """Medoid of a group as a row of all articles, its mean similarity to the others, and the cohesion."""
    medoid = int(kept[found.medoids[group]])
    return medoid, float(found.likenesses[group]), float(found.cohesions[group])
