"""Average linkage of a graph that is larger than the memory of a worker, level by level.

Average linkage is reducible: merging two clusters never raises their average similarity to a third above the
larger of the two averages. So all merges above some level happen inside the connected components of the pairs
above that level, and each component can be merged separately. Then clusters become nodes, the edges between
them are summed, and the next, lower level follows. Averages decrease as clusters grow, so components stay
small, where those of single articles would include most of the corpus. Sums of similarities are exact, and
ties are broken in a fixed order, so the result is that of the whole graph.

A node is identified by the smallest place in its cluster.

Merging reciprocal nearest neighbours in parts of a large graph follows Sumengen et al., "Scaling Hierarchical
Agglomerative Clustering to Billion-sized Datasets" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust._core.arrays import compressed_rows
from storyclust._core.parallel import cut_ranges, kernel
from storyclust._core.union_find import find, find_all, numbered, unite
from storyclust.cluster.graph import symmetric_csr
from storyclust.cluster.linkage import agglomerate, cut
from storyclust.distributed.block_search import Edges
from storyclust.distributed.columns import Degrees, some_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Nodes(NamedTuple):
    """Clusters as nodes: their numbers of articles, and the dates of their first and last article."""

    sizes: NDArray[np.int32]
    first: NDArray[np.float64]  # days; inf if no article has a date
    last: NDArray[np.float64]  # days; -inf if no article has a date


class Forest(NamedTuple):
    """A maximum spanning forest: its edges, by descending average similarity."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    averages: NDArray[np.float64]


class Level(NamedTuple):
    """A level of merging, and the components inside which it merges."""

    distance: float  # clusters at a smaller distance are merged
    last: bool
    component: NDArray[np.int64]  # smallest node of the component of each node


class ComponentBins(NamedTuple):
    """Components in bins."""

    bin_of: NDArray[np.int32]  # of each node; -1 for a singleton
    edges: list[int]  # upper bound of the edges of each bin

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges)


def singletons(days: NDArray[np.float64]) -> Nodes:
    """Return nodes of one article each, given the days of publication, NaN for no date."""
    undated = np.isnan(days)
    sizes = np.ones(len(days), np.int32)
    return Nodes(sizes, np.where(undated, np.inf, days), np.where(undated, -np.inf, days))


def nodes_of(cluster: NDArray[np.int64], days: NDArray[np.float64]) -> Nodes:
    """Return the nodes of clusters, each at its smallest place; the nodes at other places have size 0."""
    alone = singletons(days)
    sizes = np.bincount(cluster, minlength=len(cluster)).astype(np.int32)
    first, last = np.full(len(days), np.inf), np.full(len(days), -np.inf)
    scatter_date_ranges(cluster, alone.first, alone.last, first, last)
    return Nodes(sizes, first, last)


@kernel
def scatter_date_ranges(
    cluster: NDArray[np.int64],
    firsts: NDArray[np.float64],
    lasts: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
) -> None:
    """Compute the first and last day of each cluster from those of its members, in place."""
    for k in range(len(cluster)):
        first[cluster[k]] = min(first[cluster[k]], firsts[k])
        last[cluster[k]] = max(last[cluster[k]], lasts[k])


def within_window(one: Nodes, other: Nodes, window: float) -> NDArray[np.bool_]:
    """Tell which pairs of clusters together span no more days than the window."""
    within: NDArray[np.bool_] = ~(
        np.maximum(one.last, other.last) - np.minimum(one.first, other.first) > window
    )
    return within


def spanning_forest(
    one: NDArray[np.int64], other: NDArray[np.int64], averages: NDArray[np.float64]
) -> Forest:
    """Return the maximum spanning forest of some pairs (Kruskal, 1956)."""
    nodes, ends = numbered(np.concatenate((one, other)))
    first, second = ends.reshape(2, -1)
    order = np.argsort(-averages, kind="stable")
    kept = order[mark_joins(first[order], second[order], len(nodes))]
    return Forest(one[kept], other[kept], averages[kept])


def add_degrees(parts: Sequence[Degrees]) -> Degrees:
    """Sum the degrees of several parts of a graph."""
    nodes, number = numbered(np.concatenate([part.rows for part in parts]))
    counts = np.concatenate([part.counts for part in parts])
    return Degrees(nodes, np.bincount(number, counts, len(nodes)).astype(np.int64))


def choose_level(forest: Forest, degrees: Degrees, n: int, most_edges: int, distance: float) -> Level:
    """Choose the lowest level at which no component has more than `most_edges` edges.

    Parameters
    ----------
    forest : Forest
        Spanning forest of the whole graph.
    degrees : Degrees
    n : int
        Number of places.
    most_edges : int
    distance : float
        Average distance of the last level.

    Returns
    -------
    level : Level
        A component has more edges only if the smallest distance alone connects it.
    """
    one, other, averages = forest
    distances = 1.0 - averages  # merges compare these, which have coarser steps than averages
    weights = np.zeros(n, np.int64)
    weights[degrees.rows] = degrees.counts
    stop = unite_until(one, other, weights, np.arange(n), 2 * most_edges)
    if stop < len(distances) and distances[stop] == distances[0]:
        stop = int(np.searchsorted(distances, distances[0], side="right"))
    last = stop == len(distances)
    if not last:
        distance = float(distances[stop])
        stop = int(np.searchsorted(distances, distance))
    return Level(distance, last, components(one[:stop], other[:stop], n))


def components(one: NDArray[np.int64], other: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the smallest node of the connected component of each node."""
    parent = np.arange(n)
    unite(parent, one, other)
    roots: NDArray[np.int64] = find_all(parent)
    return roots


def oversized_components(forest: Forest, degrees: Degrees, n: int, most_edges: int) -> list[int]:
    """Return the edge counts above `most_edges` of connected components, in descending order."""
    edges = edges_within(components(forest.one, forest.other, n), degrees, n)
    listed: list[int] = np.sort(edges[edges > most_edges])[::-1].tolist()
    return listed


def edges_within(component: NDArray[np.int64], degrees: Degrees, n: int) -> NDArray[np.int64]:
    """Return an upper bound of the edges of each component, by its smallest node."""
    ends: NDArray[np.int64] = np.bincount(component[degrees.rows], degrees.counts, n).astype(np.int64)
    return ends // 2


def pack_bins(component: NDArray[np.int64], degrees: Degrees, most_edges: int) -> ComponentBins:
    """Pack components into bins of at most `most_edges` edges; larger components come first, each alone.

    Parameters
    ----------
    component : int64 array of shape (n,)
        Smallest node of the component of each node.
    degrees : Degrees
    most_edges : int

    Returns
    -------
    bins : ComponentBins
    """
    n = len(component)
    counts = edges_within(component, degrees, n)
    counts[np.bincount(component, minlength=n) < 2] = 0
    descending = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    bin_of, edges = np.full(n, -1, np.int32), []
    for number, (start, stop) in enumerate(cut_ranges(counts[descending], most_edges)):
        bin_of[descending[start:stop]] = number
        edges.append(int(counts[descending[start:stop]].sum()))
    return ComponentBins(bin_of[component], edges)


class Moved(NamedTuple):
    """Nodes that were merged into another, and the smallest node of their new cluster."""

    nodes: NDArray[np.int64]
    into: NDArray[np.int64]


def merge_bin(edges: Edges, places: NDArray[np.int64], nodes: Nodes, distance: float, window: float) -> Moved:
    """Merge the nodes of a bin by average linkage.

    Parameters
    ----------
    edges : Edges
        All edges inside the bin; the values are sums of similarities.
    places : int64 array of shape (k,)
        Nodes of the bin, ascending.
    nodes : Nodes
        Sizes and dates of these nodes.
    distance : float
        Average distance below which clusters are merged.
    window : float
        Days that a cluster may span.

    Returns
    -------
    moved : Moved
    """
    n = len(places)
    earlier, later = np.searchsorted(places, edges.earlier), np.searchsorted(places, edges.later)
    order = np.argsort(later, kind="stable")
    indptr, indices, data = symmetric_csr(earlier[order], later[order], edges.values[order], n)
    graph = compressed_rows(indptr, indices, data, (n, n))
    times = np.column_stack((nodes.first, nodes.last))
    merges = agglomerate(
        graph, nodes.sizes.astype(np.int64), max_distance=distance, times=times, window=window
    )
    _, first, cluster = np.unique(cut(merges, n, distance), return_index=True, return_inverse=True)
    into = places[first[cluster]]
    moved = into != places
    return Moved(places[moved], into[moved])


def contract(edges: Edges, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> Edges:
    """Sum edges between merged nodes; `earlier` and `later` are the new nodes of the ends of each edge."""
    one, other = np.minimum(earlier, later), np.maximum(earlier, later)
    between = one != other
    return add_edges(Edges(one[between], other[between], edges.values[between]))


def add_edges(edges: Edges) -> Edges:
    """Sum edges between the same two nodes."""
    order = np.lexsort((edges.later, edges.earlier))
    earlier, later, values = some_of(edges, order)
    changes = (earlier[1:] != earlier[:-1]) | (later[1:] != later[:-1])
    begins = np.flatnonzero(np.append(True, changes)[: len(earlier)])
    sums = np.add.reduceat(values, begins) if len(begins) else values
    return Edges(earlier[begins], later[begins], sums)


def partition_edges(edges: Edges, part_of: NDArray[np.int64], n_parts: int) -> list[Edges]:
    """Partition edges; `part_of` is the part of each edge."""
    order = np.argsort(part_of, kind="stable")
    stops = np.cumsum(np.bincount(part_of, minlength=n_parts))
    return [some_of(edges, rows) for rows in np.split(order, stops[:-1])]


@kernel
def mark_joins(one: NDArray[np.int64], other: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Mark the pairs that connect two components of the pairs before them."""
    parent, joins = np.arange(n), np.zeros(len(one), np.bool_)
    for k in range(len(one)):
        a, b = find(parent, one[k]), find(parent, other[k])
        if a != b:
            parent[max(a, b)] = min(a, b)
            joins[k] = True
    return joins


@kernel
def unite_until(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    weights: NDArray[np.int64],
    parent: NDArray[np.int64],
    most: int,
) -> int:
    """Unite pairs until a set would weigh more than `most`; returns the index of that pair."""
    for k in range(len(one)):
        a, b = find(parent, one[k]), find(parent, other[k])
        if a == b:
            continue
        if weights[a] + weights[b] > most:
            return k
        parent[max(a, b)] = min(a, b)
        weights[min(a, b)] = weights[a] + weights[b]
    return len(one)
