"""Average linkage of a graph that no worker holds, level by level.

Clusters merge only where the average similarity of all their pairs is high enough, and what joining them to a
third gives is never above the larger of the averages it comes from. So merges above some level happen inside
the connected components of the pairs above it, and each component can be merged by itself; then clusters
become nodes, edges between them are added up, and a lower level can be taken. Averages thin out as clusters
grow: components stay small where those of single articles would be most of the corpus. Sums of similarities
are exact, and all pairs stand in one order: so what comes out are the clusters of the whole graph.

Nodes are known by the smallest place in their cluster.

Merging reciprocal neighbours in parts of a large graph is the idea of Sumengen et al., "Scaling Hierarchical
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
    """Clusters as nodes: how many articles each has, and when the first and the last was published."""

    sizes: NDArray[np.int32]
    first: NDArray[np.float64]  # in days; infinite where nothing has a date
    last: NDArray[np.float64]  # and infinitely early


class Forest(NamedTuple):
    """Pairs of nodes that connect what is connected, by the highest averages that do, which come first."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    averages: NDArray[np.float64]


class Level(NamedTuple):
    """How far merges are made now, and the components that they are made in."""

    distance: float  # below which all are made
    last: bool  # whether that is all there are
    component: NDArray[np.int64]  # smallest node of that of each node


class Bins(NamedTuple):
    """Which bin the component of each node is in."""

    bin_of: NDArray[np.int32]  # -1 for a node by itself, which needs none
    edges: list[int]  # that each has at most

    @property
    def n_bins(self) -> int:
        """How many there are."""
        return len(self.edges)


def singletons(days: NDArray[np.float64]) -> Nodes:
    """Nodes of one article each, by the days on which these were published, NaN for no date."""
    undated = np.isnan(days)
    sizes = np.ones(len(days), np.int32)
    return Nodes(sizes, np.where(undated, np.inf, days), np.where(undated, -np.inf, days))


def nodes_of(cluster: NDArray[np.int64], days: NDArray[np.float64]) -> Nodes:
    """Nodes of the clusters that articles are in, each at the place of the smallest; of size 0 elsewhere."""
    alone = singletons(days)
    sizes = np.bincount(cluster, minlength=len(cluster)).astype(np.int32)
    first, last = np.full(len(days), np.inf), np.full(len(days), -np.inf)
    spread(cluster, alone.first, alone.last, first, last)
    return Nodes(sizes, first, last)


@kernel
def spread(
    cluster: NDArray[np.int64],
    firsts: NDArray[np.float64],
    lasts: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
) -> None:
    """First and last day of each cluster, from those of its members."""
    for k in range(len(cluster)):
        first[cluster[k]] = min(first[cluster[k]], firsts[k])
        last[cluster[k]] = max(last[cluster[k]], lasts[k])


def feasible(one: Nodes, other: Nodes, window: float) -> NDArray[np.bool_]:
    """Whether pairs of clusters would span no more days than the window."""
    within: NDArray[np.bool_] = ~(
        np.maximum(one.last, other.last) - np.minimum(one.first, other.first) > window
    )
    return within


def spanning_forest(
    one: NDArray[np.int64], other: NDArray[np.int64], averages: NDArray[np.float64]
) -> Forest:
    """Forest of the highest averages among some pairs (Kruskal, 1956)."""
    nodes, ends = numbered(np.concatenate((one, other)))
    first, second = ends.reshape(2, -1)
    order = np.argsort(-averages, kind="stable")
    kept = order[joining(first[order], second[order], len(nodes))]
    return Forest(one[kept], other[kept], averages[kept])


def add_degrees(parts: Sequence[Degrees]) -> Degrees:
    """Add up the degrees of several parts of a graph."""
    nodes, number = numbered(np.concatenate([part.rows for part in parts]))
    counts = np.concatenate([part.counts for part in parts])
    return Degrees(nodes, np.bincount(number, counts, len(nodes)).astype(np.int64))


def choose_level(forest: Forest, degrees: Degrees, n: int, most_edges: int, distance: float) -> Level:
    """Go as far as components allow: to where none has more edges than a worker can take.

    Parameters
    ----------
    forest : Forest
        Of the whole graph.
    degrees : Degrees
    n : int
        How many nodes there are, or places for them.
    most_edges : int
    distance : float
        Average distance below which clusters are merged in the end.

    Returns
    -------
    level : Level
        A component has more only where already the smallest distance makes it so.
    """
    one, other, averages = forest
    distances = 1.0 - averages  # merges are told apart by these, which are coarser
    weights = np.zeros(n, np.int64)
    weights[degrees.rows] = degrees.counts
    stop = joined_until(one, other, weights, np.arange(n), 2 * most_edges)
    if stop < len(distances) and distances[stop] == distances[0]:
        stop = int(np.searchsorted(distances, distances[0], side="right"))
    last = stop == len(distances)
    if not last:
        distance = float(distances[stop])
        stop = int(np.searchsorted(distances, distance))
    return Level(distance, last, components(one[:stop], other[:stop], n))


def components(one: NDArray[np.int64], other: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Smallest node of the connected component of each."""
    parent = np.arange(n)
    unite(parent, one, other)
    found: NDArray[np.int64] = find_all(parent)
    return found


def oversized(forest: Forest, degrees: Degrees, n: int, most_edges: int) -> list[int]:
    """Edges of those connected components that have more than so many, largest first."""
    edges = edges_within(components(forest.one, forest.other, n), degrees, n)
    listed: list[int] = np.sort(edges[edges > most_edges])[::-1].tolist()
    return listed


def edges_within(component: NDArray[np.int64], degrees: Degrees, n: int) -> NDArray[np.int64]:
    """Edges that each component has at most, by its smallest node."""
    ends: NDArray[np.int64] = np.bincount(component[degrees.rows], degrees.counts, n).astype(np.int64)
    return ends // 2


def pack_bins(component: NDArray[np.int64], degrees: Degrees, most_edges: int) -> Bins:
    """Pack components into bins of so many edges at most, but for larger ones: these come first, each alone.

    Parameters
    ----------
    component : int64 array of shape (n,)
        Smallest node of that of each node.
    degrees : Degrees
    most_edges : int

    Returns
    -------
    bins : Bins
    """
    n = len(component)
    counts = edges_within(component, degrees, n)
    counts[np.bincount(component, minlength=n) < 2] = 0
    biggest_first = np.argsort(-counts, kind="stable")
    biggest_first = biggest_first[: np.count_nonzero(counts)]
    bin_of, edges = np.full(n, -1, np.int32), []
    for number, (start, stop) in enumerate(cut_ranges(counts[biggest_first], most_edges)):
        bin_of[biggest_first[start:stop]] = number
        edges.append(int(counts[biggest_first[start:stop]].sum()))
    return Bins(bin_of[component], edges)


class Moved(NamedTuple):
    """Nodes that are part of another cluster now, and the smallest node of that."""

    nodes: NDArray[np.int64]
    into: NDArray[np.int64]


def merge_bin(edges: Edges, places: NDArray[np.int64], nodes: Nodes, distance: float, window: float) -> Moved:
    """Merge the nodes of a bin by average linkage.

    Parameters
    ----------
    edges : Edges
        All that lie inside the bin; the values are sums of similarities.
    places : int64 array of shape (k,)
        Its nodes, ascending.
    nodes : Nodes
        The same.
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
    """Edges between new nodes, given those that their ends have become: each once, with its sum."""
    one, other = np.minimum(earlier, later), np.maximum(earlier, later)
    between = one != other
    return add_edges(Edges(one[between], other[between], edges.values[between]))


def add_edges(edges: Edges) -> Edges:
    """Add up edges between the same two nodes."""
    order = np.lexsort((edges.later, edges.earlier))
    earlier, later, values = some_of(edges, order)
    changes = (earlier[1:] != earlier[:-1]) | (later[1:] != later[:-1])
    begins = np.flatnonzero(np.append(True, changes)[: len(earlier)])
    sums = np.add.reduceat(values, begins) if len(begins) else values
    return Edges(earlier[begins], later[begins], sums)


def deal_edges(edges: Edges, part_of: NDArray[np.int64], n_parts: int) -> list[Edges]:
    """Edges of each part; `part_of` says where each edge belongs."""
    order = np.argsort(part_of, kind="stable")
    stops = np.cumsum(np.bincount(part_of, minlength=n_parts))
    return [some_of(edges, rows) for rows in np.split(order, stops[:-1])]


@kernel
def joining(one: NDArray[np.int64], other: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Mark the pairs that join two sets of the pairs before."""
    parent, joins = np.arange(n), np.zeros(len(one), np.bool_)
    for k in range(len(one)):
        a, b = find(parent, one[k]), find(parent, other[k])
        if a != b:
            parent[max(a, b)] = min(a, b)
            joins[k] = True
    return joins


@kernel
def joined_until(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    weights: NDArray[np.int64],
    parent: NDArray[np.int64],
    most: int,
) -> int:
    """Join pairs until a set would weigh more than `most`; returns which pair that is."""
    for k in range(len(one)):
        a, b = find(parent, one[k]), find(parent, other[k])
        if a == b:
            continue
        if weights[a] + weights[b] > most:
            return k
        parent[max(a, b)] = min(a, b)
        weights[min(a, b)] = weights[a] + weights[b]
    return len(one)
