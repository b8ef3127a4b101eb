"""From the edges of the graph to labels, one bin of connected components at a time.

Rows that no path of edges joins are never in one thread, so that each component is grouped by itself; small
ones share a bin. Numbers are given in the end, when all is known that they depend on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.central import DAY
from storyclust.chunks import compressed_rows, cut_ranges, kernel
from storyclust.distributed.blocks import Edges
from storyclust.graph import both_ways
from storyclust.grouping import find_events, find_threads
from storyclust.unions import by_appearance, find

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bins(NamedTuple):
    """Which bin the component of each row is in."""

    bin_of: NDArray[np.int32]  # -1 for a row without an edge, which needs none
    n_bins: int
    giants: NDArray[np.int64]  # bins that one component fills alone, and overfills


class BinLabels(NamedTuple):
    """Events and threads of the rows of a bin, numbered from 0 in it."""

    places: NDArray[np.int64]
    events: NDArray[np.int64]
    threads: NDArray[np.int64]


def join_edges(parent: NDArray[np.int64], edges: Edges) -> None:
    """Join the ends of edges in a forest of all rows, which begins as ``np.arange(n)``, in place."""
    join_all(parent, edges.earlier, edges.later)


def component_of(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected component of each row, numbered by first appearance."""
    return by_appearance(roots(parent))


def edges_per_component(edges: Edges, component: NDArray[np.int64], n_components: int) -> NDArray[np.int64]:
    """Count the edges of each component."""
    return np.bincount(component[edges.earlier], minlength=n_components)


def pack_bins(component: NDArray[np.int64], edge_counts: NDArray[np.int64], most_edges: int) -> Bins:
    """Pack components into bins of so many edges at most, but for components of more, which have their own.

    Parameters
    ----------
    component : int64 array of shape (n,)
        Of each row.
    edge_counts : int64 array of shape (n_components,)
    most_edges : int

    Returns
    -------
    bins : Bins
    """
    biggest_first = np.argsort(-edge_counts, kind="stable")
    biggest_first = biggest_first[edge_counts[biggest_first] > 0]
    ranges = list(cut_ranges(edge_counts[biggest_first], most_edges))
    bin_of = np.full(len(edge_counts), -1, np.int32)
    for number, (start, stop) in enumerate(ranges):
        bin_of[biggest_first[start:stop]] = number
    giants = int((edge_counts > most_edges).sum())  # they come first, each by itself
    return Bins(bin_of[component], len(ranges), np.arange(giants))


def deal_edges(edges: Edges, bin_of: NDArray[np.int32], n_bins: int) -> list[Edges]:
    """Edges of each bin; `bin_of` says where each edge belongs."""
    order = np.argsort(bin_of, kind="stable")
    stops = np.cumsum(np.bincount(bin_of, minlength=n_bins))
    parts = np.split(order, stops[:-1]) if n_bins else []
    return [Edges(edges.earlier[rows], edges.later[rows], edges.values[rows]) for rows in parts]


def cluster_bin(
    parts: Sequence[Edges],
    seconds: NDArray[np.float64],
    event_distance: float,
    event_window: float,
    thread_distance: float,
) -> BinLabels:
    """Find the events and threads of a bin.

    Parameters
    ----------
    parts : sequence of Edges
        All its edges; the values are similarities.
    seconds : float64 array of shape (n,)
        When each row that has an edge was published, in ascending order of these rows: in seconds since
        1970, NaN where it has no date.
    event_distance, event_window, thread_distance : float
        As `StoryClusterer` has them; the window is infinite where there is none.

    Returns
    -------
    labels : BinLabels
        Of all rows that have an edge in the bin.
    """
    places, graph = graph_of(parts)
    events = find_events(graph, seconds / DAY, event_distance, event_window)
    return BinLabels(places, events, find_threads(graph, events, thread_distance))


def graph_of(parts: Sequence[Edges]) -> tuple[NDArray[np.int64], sparse.csr_array]:
    """Places of the rows that have edges, ascending, and their graph as `similarity_graph` has it."""
    earlier, later, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    places = np.unique(np.concatenate((earlier, later)))
    n = len(places)
    codes = np.searchsorted(places, earlier) * n + np.searchsorted(places, later)
    order = np.argsort(codes % n, kind="stable")
    indptr, indices, data = both_ways(codes[order], values[order], n)
    return places, compressed_rows(indptr, indices, data, (n, n))


def join_labels(n: int, parts: Sequence[BinLabels]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Events and threads of all `n` rows; one in no bin is an event and a thread of its own."""
    alone = np.ones(n, np.bool_)
    for part in parts:
        alone[part.places] = False
    n_alone = int(alone.sum())
    events, threads = np.empty(n, np.int64), np.empty(n, np.int64)
    events[alone] = threads[alone] = np.arange(n_alone)
    n_events = n_threads = n_alone
    for part in parts:
        events[part.places] = part.events + n_events
        threads[part.places] = part.threads + n_threads
        n_events += int(part.events.max(initial=-1)) + 1
        n_threads += int(part.threads.max(initial=-1)) + 1
    return events, threads


@kernel
def join_all(parent: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    """Join pairs of rows: of two roots, the earlier row stays one."""
    for k in range(len(one)):
        a, b = find(parent, one[k]), find(parent, other[k])
        parent[max(a, b)] = min(a, b)


@kernel
def roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Root of each row."""
    found = np.empty(len(parent), np.int64)
    for row in range(len(parent)):
        found[row] = find(parent, row)
    return found
