"""From articles to a graph of similarities, and from it to events and threads: what decides the labels.

Copies collapse to their representatives; representatives become vectors, vectors a graph; average linkage
inside the time window gives events, and carried on from these, looser and without a window, threads.
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
from storyclust.cluster.linkage import Merges, agglomerate, cut
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SIMILARITY = 0.03  # above that of strangers; pairs below it count as 0


class Prepared(NamedTuple):
    """Articles made ready to be grouped, by whatever distances."""

    deduplicator: Deduplicator
    kept: NDArray[np.int64]  # rows of the independent articles, in the order of what follows
    place: NDArray[np.int64]  # where in `kept` the representative of each article stands
    times: NDArray[np.float64]  # in days, NaN where there is no date
    vectorizer: NewsVectorizer
    vectors: sparse.csr_array
    graph: sparse.csr_array  # similarities above those of strangers


def prepare(
    articles: Sequence[Article],
    copy_threshold: float = 0.8,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
) -> Prepared:
    """Find copies, and the similarities of all articles that are none."""
    deduplicator = Deduplicator(
        copy_threshold, excerpts="ignore", n_jobs=n_jobs, memory_limit=memory_limit
    ).fit(articles)
    release_memory()
    kept = fingerprint_order(deduplicator.fingerprints_, np.flatnonzero(deduplicator.keep_))
    independent = [articles[row] for row in kept]
    place = np.empty(len(articles), np.int64)
    place[kept] = np.arange(len(kept))
    place = place[deduplicator.representatives_]
    vectorizer = NewsVectorizer(n_jobs=n_jobs, memory_limit=memory_limit)
    vectors = vectorizer.fit_transform(independent)
    graph = corrected_similarity_graph(vectors, vectorizer.groups_, LEAST_SIMILARITY, n_jobs=n_jobs)
    return Prepared(deduplicator, kept, place, times_of(independent), vectorizer, vectors, graph)


def inside_window(graph: sparse.csr_array, times: NDArray[np.float64], window: float) -> sparse.csr_array:
    """Pairs of a graph that are no further apart than the window; an undated article is near to all."""
    if window == np.inf or np.isnan(times).all():
        return graph
    indptr, indices, data = near_in_time(graph.indptr, graph.indices, graph.data, times, float(window))
    return compressed_rows(indptr, indices, data, graph.shape)


def find_events(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> NDArray[np.int64]:
    """Event of each article: average linkage on pairs inside the window, no event longer than it."""
    return cut(event_merges(graph, times, distance, window), graph.shape[0], distance)


def event_merges(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> Merges:
    """Merges of articles into events, up to a distance."""
    near = inside_window(graph, times, window)
    return agglomerate(near, max_distance=distance, times=times, window=window)


def find_threads(graph: sparse.csr_array, events: NDArray[np.int64], distance: float) -> NDArray[np.int64]:
    """Thread of each article: average linkage carried on from the events, without a window."""
    return cut(thread_merges(graph, events, distance), int(events.max(initial=-1)) + 1, distance)[events]


def thread_merges(graph: sparse.csr_array, events: NDArray[np.int64], distance: float) -> Merges:
    """Merges of events into threads, up to a distance."""
    n, n_events = graph.shape[0], int(events.max(initial=-1)) + 1
    belongs = sparse.csr_array((np.ones(n), (np.arange(n), events)), shape=(n, n_events))
    between = sparse.csr_array(belongs.T @ graph @ belongs)
    between.sort_indices()
    return agglomerate(between, np.bincount(events, minlength=n_events), max_distance=distance)


def number_stories(
    threads: NDArray[np.int64], events: NDArray[np.int64], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number threads and events: threads by size, then beginning; events by thread, then beginning.

    Parameters
    ----------
    threads, events : int64 array of shape (n,)
        Of every article, numbered from 0 in any order.
    seconds : float64 array of shape (n,)
        When each was published, NaN where it has no date. What has no date begins last; among equals, what
        holds an earlier row is first.

    Returns
    -------
    threads, events : int64 array of shape (n,)
        By their new numbers.

    Examples
    --------
    >>> import numpy as np
    >>> number_stories(np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([0.0, 9.0, 5.0]))
    (array([1, 0, 0]), array([2, 1, 0]))
    """
    begins, first = beginnings(threads, seconds)
    of_threads = np.argsort(np.lexsort((first, begins, -np.bincount(threads))))
    begins, first = beginnings(events, seconds)
    of_events = np.argsort(np.lexsort((first, begins, of_threads[threads[first]])))
    return of_threads[threads], of_events[events]


def beginnings(
    labels: NDArray[np.int64], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """When the first dated article of each label was published, infinite without one, and its first row."""
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
    """CSR arrays of the edges whose ends are no further apart than the window; no date is near to all."""
    kept = np.zeros(len(indptr), np.int64)
    for row in range(len(indptr) - 1):
        kept[row + 1] = kept[row]
        for k in range(indptr[row], indptr[row + 1]):
            kept[row + 1] += not abs(times[row] - times[indices[k]]) > window
    to, similarities = np.empty(kept[-1], np.int32), np.empty(kept[-1], np.float64)
    at = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if not abs(times[row] - times[indices[k]]) > window:
                to[at], similarities[at] = indices[k], data[k]
                at += 1
    return kept, to, similarities
