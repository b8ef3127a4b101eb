"""The steps that decide the labels: from articles to a similarity graph, and from it to events and threads.

Average linkage of articles inside a time window gives events. Average linkage of events, at a larger distance
and without a window, gives threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows
from storyclust._core.memory import release_memory
from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.articles.ordering import fingerprint_order, times_of
from storyclust.cluster.background_similarity import corrected_similarity_graph
from storyclust.cluster.linkage import Merges, agglomerate, below, cut
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.stories.settings import COPY_THRESHOLD
from storyclust.text.furniture import find_furniture, without_spans
from storyclust.text.page_spans import Span
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Corrected similarity below which a pair counts as 0. At 0.05 threads lose 0.01 to 0.03 of B-cubed F1,
# because averages over loosely related articles become too small.
LEAST_SIMILARITY = 0.03


class Prepared(NamedTuple):
    """Articles prepared for grouping, at any distances."""

    deduplicator: Deduplicator
    kept: NDArray[np.int64]  # rows of the independent articles, in the order of the following fields
    place: NDArray[np.int64]  # index in `kept` of the representative of each article
    times: NDArray[np.float64]  # in days, NaN where there is no date
    vectorizer: NewsVectorizer
    vectors: sparse.csr_array
    graph: sparse.csr_array  # cosines corrected for background similarity
    spans: list[tuple[Span, ...]]  # page furniture of the independent articles


def prepare(
    articles: Sequence[Article],
    copy_threshold: float = COPY_THRESHOLD,
    clean: bool = True,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
) -> Prepared:
    """Find copies, and compute the similarity graph of the independent articles, without page furniture.

    Copies are found in whole texts.
    """
    deduplicator = Deduplicator(
        copy_threshold, excerpts="ignore", n_jobs=n_jobs, memory_limit=memory_limit
    ).fit(articles)
    release_memory()
    kept = fingerprint_order(deduplicator.fingerprints_, np.flatnonzero(deduplicator.keep_))
    independent = [articles[row] for row in kept]
    spans: list[tuple[Span, ...]] = find_furniture(independent, n_jobs) if clean else [()] * len(kept)
    independent = without_spans(independent, spans)
    place = np.empty(len(articles), np.int64)
    place[kept] = np.arange(len(kept))
    place = place[deduplicator.representatives_]
    vectorizer = NewsVectorizer(n_jobs=n_jobs, memory_limit=memory_limit)
    vectors = vectorizer.fit_transform(independent)
    graph = corrected_similarity_graph(vectors, vectorizer.groups_, LEAST_SIMILARITY, n_jobs=n_jobs)
    return Prepared(deduplicator, kept, place, times_of(independent), vectorizer, vectors, graph, spans)


def inside_window(graph: sparse.csr_array, times: NDArray[np.float64], window: float) -> sparse.csr_array:
    """Edges of a graph whose articles are at most `window` days apart, or of which one has no date."""
    if window == np.inf or np.isnan(times).all():
        return graph
    indptr, indices, data = near_in_time(graph.indptr, graph.indices, graph.data, times, float(window))
    return compressed_rows(indptr, indices, data, graph.shape)


def find_events(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> NDArray[np.int64]:
    """Event of each article: average linkage in which no event spans more than the window."""
    return cut(event_merges(graph, times, distance, window), graph.shape[0], distance)


def event_merges(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> Merges:
    """Merges of articles into events, at distances below `distance`."""
    near = inside_window(graph, times, window)
    return below(agglomerate(near, max_distance=distance, times=times, window=window), distance)


def find_threads(graph: sparse.csr_array, events: NDArray[np.int64], distance: float) -> NDArray[np.int64]:
    """Thread of each article: average linkage of the events, without a window."""
    return cut(thread_merges(graph, events, distance), int(events.max(initial=-1)) + 1, distance)[events]


def thread_merges(graph: sparse.csr_array, events: NDArray[np.int64], distance: float) -> Merges:
    """Merges of events into threads, at distances below `distance`."""
    n, n_events = graph.shape[0], int(events.max(initial=-1)) + 1
    membership = sparse.csr_array((np.ones(n), (np.arange(n), events)), shape=(n, n_events))
    sums = sparse.csr_array(membership.T @ graph @ membership)
    sums.sort_indices()
    sizes = np.bincount(events, minlength=n_events)
    return below(agglomerate(sums, sizes, max_distance=distance), distance)


def number_stories(
    threads: NDArray[np.int64], events: NDArray[np.int64], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number threads by decreasing size, then by beginning; events by thread, then by beginning.

    Parameters
    ----------
    threads, events : int64 array of shape (n,)
        Labels of each article, numbered from 0 in any order.
    seconds : float64 array of shape (n,)
        Time of publication, NaN where there is no date. A group without dates begins last; among equals, the
        group with the smallest row comes first.

    Returns
    -------
    threads, events : int64 array of shape (n,)
        The new labels.

    Examples
    --------
    >>> import numpy as np
    >>> number_stories(np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([0.0, 9.0, 5.0]))
    (array([1, 0, 0]), array([2, 1, 0]))
    """
    begins, first = _beginnings(threads, seconds)
    new_threads = np.argsort(np.lexsort((first, begins, -np.bincount(threads))))
    begins, first = _beginnings(events, seconds)
    new_events = np.argsort(np.lexsort((first, begins, new_threads[threads[first]])))
    return new_threads[threads], new_events[events]


def _beginnings(
    labels: NDArray[np.int64], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Earliest time of each label, infinite where no article has a date, and its first row."""
    _, first = np.unique(labels, return_index=True)
    begins = np.full(len(first), np.inf)
    np.fmin.at(begins, labels, seconds)
    return begins, first


@kernel
def near_in_time(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    times: NDArray[np.float64],
    window: float,
) -> Any:
    """CSR arrays of the edges whose ends are at most `window` apart, or of which one has no time (NaN)."""
    kept = np.zeros(len(indptr), np.int64)
    for row in range(len(indptr) - 1):
        kept[row + 1] = kept[row]
        for k in range(indptr[row], indptr[row + 1]):
            kept[row + 1] += not abs(times[row] - times[indices[k]]) > window
    columns, similarities = np.empty(kept[-1], np.int32), np.empty(kept[-1], np.float64)
    at = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if not abs(times[row] - times[indices[k]]) > window:
                columns[at], similarities[at] = indices[k], data[k]
                at += 1
    return kept, columns, similarities
