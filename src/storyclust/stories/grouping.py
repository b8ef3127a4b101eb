"""The steps that decide the labels: from articles to a similarity graph, and from it to events and threads.

Average linkage of articles inside a time window gives events; there, similarities are divided by the days
between articles. Average linkage of events, without regard to time, gives threads; there, similarities are
scaled by those of the nearest neighbours of both articles.
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
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.correction import RESOLUTION
from storyclust.cluster.graph import contracted, similarity_graph
from storyclust.cluster.linkage import Merges, agglomerate, below, cut
from storyclust.cluster.local_scaling import scale_graph
from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.stories.settings import COPY_THRESHOLD
from storyclust.text.background import Background
from storyclust.text.furniture import find_furniture
from storyclust.text.page_spans import Span
from storyclust.text.vectorize import BaseVectorizer, vectors_without

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Corrected similarity below which a pair counts as 0. At 0.05 threads lose 0.01 to 0.03 of B-cubed F1,
# because averages over loosely related articles become too small.
LEAST_SIMILARITY = 0.03
# The same among few articles of a language, whose background similarity cannot be measured: a constant and a
# share of one by the number of articles. Nine of ten pairs of unrelated articles in English are less similar
# than half of it. Without a background, vectors consist only of terms that some other article has too, so two
# articles are the more similar the fewer there are. All six are chosen with `bench_small_piles`.
LEAST_OF_FEW, LEAST_UNKNOWN = (0.09, 0.2), (0.15, 0.5)
FEW, ENOUGH = 50, 102  # articles between which these limits fade; at 110, multiling loses up to 0.04


class Prepared(NamedTuple):
    """Articles prepared for grouping, at any distances."""

    deduplicator: BaseDeduplicator
    kept: NDArray[np.int64]  # rows of the independent articles, in the order of the following fields
    place: NDArray[np.int64]  # index in `kept` of the representative of each article
    times: NDArray[np.float64]  # in days, NaN where there is no date
    vectorizer: BaseVectorizer
    vectors: sparse.csr_array
    background: NDArray[np.float64]  # background similarity of each
    graph: sparse.csr_array  # cosines corrected for it
    spans: list[tuple[Span, ...]]  # page furniture of the independent articles
    independent: list[Article]  # these, with it


def prepare(
    articles: Sequence[Article],
    copy_threshold: float = COPY_THRESHOLD,
    clean: bool = True,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    kinds: tuple[type[BaseDeduplicator], type[BaseVectorizer]] = (BaseDeduplicator, BaseVectorizer),
) -> Prepared:
    """Find copies, and compute the similarity graph of the independent articles, without page furniture.

    Copies are found in whole texts. `kinds` are the classes that find copies and make vectors.
    """
    find_copies, make_vectors = kinds
    deduplicator = find_copies(
        copy_threshold, excerpts="ignore", n_jobs=n_jobs, memory_limit=memory_limit
    ).fit(articles)
    release_memory()
    kept = fingerprint_order(deduplicator.fingerprints_, np.flatnonzero(deduplicator.keep_))
    independent = [articles[row] for row in kept.tolist()]
    spans: list[tuple[Span, ...]] = find_furniture(independent, n_jobs) if clean else [()] * len(kept)
    place = np.empty(len(articles), np.int64)
    place[kept] = np.arange(len(kept))
    place = place[deduplicator.representatives_]
    vectorizer = make_vectors(n_jobs=n_jobs, memory_limit=memory_limit)
    vectors = vectors_without(vectorizer, independent, spans)
    release_memory()
    background = background_similarity(vectors, vectorizer.groups_, n_jobs=n_jobs)
    graph = story_graph(vectors, background, vectorizer, n_jobs)
    times = times_of(independent)
    return Prepared(
        deduplicator, kept, place, times, vectorizer, vectors, background, graph, spans, independent
    )


def story_graph(
    vectors: sparse.csr_array,
    background: NDArray[np.float64],
    vectorizer: BaseVectorizer,
    n_jobs: int | None = None,
) -> sparse.csr_array:
    """Similarity graph of the articles that the vectorizer was fitted to."""
    groups = vectorizer.groups_
    graph = similarity_graph(vectors, LEAST_SIMILARITY, null_similarity=background, n_jobs=n_jobs)
    sizes = np.bincount(groups, minlength=len(vectorizer.languages_))
    least = least_similarities(Background.load(vectorizer.background), vectorizer.languages_, sizes)
    return drop_weak_edges(graph, least[groups])


def least_similarities(
    background: Background, languages: Sequence[str], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Least similarity of an edge, by the language of its articles.

    From `ENOUGH` articles on it is `LEAST_SIMILARITY`. Among fewer, two articles that have nothing to do
    with each other may well be that similar, so it is larger, most of all in a language without a background.

    Parameters
    ----------
    background : Background
    languages : sequence of str
    sizes : int64 array of shape (n_languages,)
        Independent articles of each language.

    Returns
    -------
    least : float64 array of shape (n_languages,)

    Examples
    --------
    >>> import numpy as np
    >>> from storyclust.text.background import Background
    >>> english = Background.load("english")
    >>> least_similarities(english, ["en", "en", "fr"], np.array([20, 200, 20])).round(3)
    array([0.1  , 0.03 , 0.175])
    """
    known = np.array([background.knows(language) for language in languages], bool)
    constant, share = np.where(known[:, None], LEAST_OF_FEW, LEAST_UNKNOWN).T
    among_few = constant + share / np.maximum(sizes, 1)
    fading = np.clip((ENOUGH - sizes) / (ENOUGH - FEW), 0.0, 1.0)
    least: NDArray[np.float64] = LEAST_SIMILARITY + fading * (among_few - LEAST_SIMILARITY)
    return least


def drop_weak_edges(graph: sparse.csr_array, least: NDArray[np.float64]) -> sparse.csr_array:
    """Edges of a graph that are at least as similar as both of their rows require; `graph` is overwritten."""
    if not (least > LEAST_SIMILARITY).any():
        return graph
    indptr, end = keep_strong(graph.indptr, graph.indices, graph.data, least)
    return compressed_rows(indptr, graph.indices[:end], graph.data[:end], graph.shape)


def event_graph(graph: sparse.csr_array, times: NDArray[np.float64], window: float) -> sparse.csr_array:
    """Similarities of articles as reports of one event, from those of their contents.

    Pairs more than `window` days apart are dropped, and the others count by `event_similarity`.
    """
    if np.isnan(times).all():
        return graph
    indptr, indices, data = near_in_time(graph.indptr, graph.indices, graph.data, times, float(window))
    return compressed_rows(indptr, indices, data, graph.shape)


def thread_graph(graph: sparse.csr_array, scales: NDArray[np.float64] | None = None) -> sparse.csr_array:
    """Similarities of articles as parts of one thread, from those of their contents: see `local_scaling`.

    What an event is hardly depends on how densely the news around it is reported, so events are not scaled.
    A thread ends where articles become less alike than usual around them.
    """
    return scale_graph(graph, scales)


def find_events(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> NDArray[np.int64]:
    """Event of each article: average linkage in which no event spans more than the window."""
    return cut(event_merges(graph, times, distance, window), graph.shape[0], distance)


def event_merges(
    graph: sparse.csr_array, times: NDArray[np.float64], distance: float, window: float
) -> Merges:
    """Merges of articles into events, at distances below `distance`."""
    near = event_graph(graph, times, window)
    return below(agglomerate(near, max_distance=distance, times=times, window=window), distance)


def find_threads(
    graph: sparse.csr_array,
    events: NDArray[np.int64],
    distance: float,
    scales: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """Thread of each article: average linkage of the events, without a window."""
    merges = thread_merges(graph, events, distance, scales)
    return cut(merges, int(events.max(initial=-1)) + 1, distance)[events]


def thread_merges(
    graph: sparse.csr_array,
    events: NDArray[np.int64],
    distance: float,
    scales: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
) -> Merges:
    """Merges of events into threads, at distances below `distance`; `scales` are computed by default."""
    n_events = int(events.max(initial=-1)) + 1
    sums = contracted(thread_graph(graph, scales), events, n_events, n_jobs)
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
def keep_strong(
    indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[np.float64], least: NDArray[np.float64]
) -> Any:
    """Move the edges that are similar enough for both rows to the front; returns their indptr and number."""
    bounds, end = np.zeros(len(indptr), np.int64), 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if data[k] >= max(least[row], least[indices[k]]):
                indices[end], data[end] = indices[k], data[k]
                end += 1
        bounds[row + 1] = end
    return bounds, end


@kernel
def event_similarity(similarity: Any, gap: Any) -> Any:
    """Similarity of two articles as reports of one event: divided by the days between them.

    Reports of one event appear within a day or two; with every further day, a similar article is more likely
    about what came of it, or about another event of its kind. Articles less than a day apart keep their
    similarity, and so do those without a date (`gap` is NaN). Both are numbers, or arrays of one shape.
    `bench_time` compares other decays.
    """
    return np.floor(similarity / np.fmax(gap, 1.0) * RESOLUTION + 0.5) / RESOLUTION


@kernel
def near_in_time(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    times: NDArray[np.float64],
    window: float,
) -> Any:
    """CSR arrays of the edges whose ends are at most `window` apart, or of which one has no time (NaN).

    Their values are those of `event_similarity`.
    """
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
                columns[at] = indices[k]
                similarities[at] = event_similarity(data[k], abs(times[row] - times[indices[k]]))
                at += 1
    return kept, columns, similarities
