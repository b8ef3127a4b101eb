"""Dendrograms of threads: merges of articles into events, and of events into threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.cluster.graph import edge_values
from storyclust.cluster.linkage import Merges, linkage_rows, roots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse


class Dendrograms(NamedTuple):
    """Linkage matrices of all threads, concatenated, which takes less memory than one array for each.

    Attributes
    ----------
    rows : float64 array of shape (m, 6)
        As SciPy has them; leaves are the independent articles of a thread, in the order of their rows.
        Events that are nearer than `event_distance` are joined just above it, so that the height tells
        events from what they are joined to. The fifth column is the similarity of two articles that were
        merged with each other, and NaN for other merges; the sixth is the distance at which a merge was made.
    begins : int64 array of shape (n_threads,)
    """

    rows: NDArray[np.float64]
    begins: NDArray[np.int64]


def dendrograms_of(
    to_events: Merges,
    to_threads: Merges,
    graph: sparse.csr_array,
    events: NDArray[np.int64],
    threads: NDArray[np.int64],
    kept: NDArray[np.int64],
    event_distance: float,
) -> Dendrograms:
    """Put the merges of articles and those of events together, for each thread.

    Parameters
    ----------
    to_events, to_threads : Merges
    graph : csr_array of shape (n, n)
        Similarities of the independent articles.
    events, threads : int64 array of shape (n,)
        Of every independent article.
    kept : int64 array of shape (n,)
        Its row.
    event_distance : float

    Returns
    -------
    joins : Dendrograms
    """
    n, inside = len(events), len(to_events.children)
    by_row = np.argsort(kept)
    node = np.arange(n + inside)
    node[by_row] = np.arange(n)
    of_event = np.empty(int(events.max(initial=-1)) + 1, np.int64)
    of_event[events] = node[roots_of(to_events.children, n)]
    of_event = np.append(of_event, n + inside + np.arange(len(to_threads.children)))
    children = np.concatenate((node[to_events.children], of_event[to_threads.children]))
    distances = np.concatenate((to_events.distances, to_threads.distances))
    distances = np.maximum(distances, 0.0)  # but for rounding
    heights = distances.copy()
    heights[inside:] = np.maximum(heights[inside:], np.nextafter(event_distance, 2.0))
    thread, Z = linkage_rows(children, heights, threads[by_row])
    ends = np.cumsum(np.bincount(threads) - 1)
    similarities = np.full(len(children), np.nan)
    direct = (children < n).all(axis=1)
    similarities[direct] = edge_values(
        graph.indptr, graph.indices, graph.data, *by_row[children[direct]].T.copy()
    )
    rows = np.column_stack((Z, similarities, distances))[np.argsort(thread, kind="stable")]
    return Dendrograms(rows, np.append(0, ends)[:-1])
