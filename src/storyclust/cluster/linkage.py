"""Average linkage on a sparse graph by nearest-neighbour chains (Murtagh, 1983), and cuts of its merges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel
from storyclust._core.sorting import argsort
from storyclust._core.union_find import by_appearance, find

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Merges(NamedTuple):
    """Merges in order of distance, in the numbering of scikit-learn: node `n + k` is merge `k`."""

    children: NDArray[np.int64]  # (m, 2)
    distances: NDArray[np.float64]  # (m,), ascending


def agglomerate(
    graph: sparse.csr_array,
    sizes: NDArray[np.int64] | None = None,
    *,
    max_distance: float = 1.0,
    times: NDArray[np.float64] | None = None,
    window: float = np.inf,
) -> Merges:
    """Agglomerate the nodes of a similarity graph by average linkage.

    Parameters
    ----------
    graph : csr_array of shape (n, n)
        Symmetric. Entry (i, j) is the sum of similarities between members of node i and of node j: for
        single articles, their similarity. The diagonal is ignored. Averages that are equal but for rounding
        count as equal where sums are exact, as those of multiples of a power of two are.
    sizes : int64 array of shape (n,), optional
        Members of each node; one each by default.
    max_distance : float, default=1.0
        Merges at this distance or beyond are not made.
    times : float64 array of shape (n,) or (n, 2), optional
        Time of each node, or the first and last time of its members; NaN where it has none.
    window : float, default=inf
        No cluster may span more time than this. Spans only grow, so the constraint keeps linkage
        reducible.

    Returns
    -------
    merges : Merges
        Ordered by distance, ties by the smallest member.
    """
    n = graph.shape[0]
    sizes = np.ones(n, np.int64) if sizes is None else np.asarray(sizes, np.int64)
    spans = np.full((n, 2), np.nan) if times is None else np.asarray(times, np.float64)
    first, last = (spans, spans) if spans.ndim == 1 else (spans[:, 0], spans[:, 1])
    joined, averages = nearest_neighbor_chain(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32, copy=False),
        graph.data.astype(np.float64, copy=False),
        sizes.astype(np.float64),
        np.where(np.isnan(first), np.inf, first),
        np.where(np.isnan(last), -np.inf, last),
        float(window),
        1.0 - max_distance,
    )
    distances = 1.0 - averages
    order = np.lexsort((np.arange(len(joined)), joined[:, 0], distances))  # [:, 0] is the smallest row
    # A merge made later in a chain may come out a rounding error closer than one it builds on.
    return Merges(number_merges(joined[order], n), np.maximum.accumulate(distances[order]))


def below(merges: Merges, distance: float) -> Merges:
    """Merges that take place below a distance."""
    made = int(np.searchsorted(merges.distances, distance, side="left"))
    return Merges(merges.children[:made], merges.distances[:made])


def cut(merges: Merges, n: int, distance: float) -> NDArray[np.int64]:
    """Labels of the clusters formed by all merges below `distance`, numbered by first appearance."""
    return by_appearance(roots_of(below(merges, distance).children, n))


@kernel
def compact_edges(
    c: Any,
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    sums: NDArray[np.float64],
    parent: NDArray[np.int64],
    slot: NDArray[np.int64],
) -> None:
    """Update the edge list of cluster `c` in place: neighbours that were merged become one entry."""
    start = begin[c]
    kept = start
    for k in range(start, start + length[c]):
        other = find(parent, neighbours[k])
        if other == c:
            continue
        at = slot[other]
        if at >= start and at < kept and neighbours[at] == other:
            sums[at] += sums[k]
        else:
            slot[other] = kept
            neighbours[kept] = other
            sums[kept] = sums[k]
            kept += 1
    length[c] = kept - start


@kernel
def nearest_neighbor(
    c: Any,
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    window: float,
) -> Any:
    """Neighbour of `c` of highest average similarity: (cluster, average), or (-1, 0).

    Ties are broken by the smallest row in the neighbour, whichever cluster precedes `c` in the chain. So
    pairs are merged in the same order whatever part of the graph is processed first.
    """
    best, highest = -1, 0.0
    for k in range(begin[c], begin[c] + length[c]):
        other = neighbours[k]
        if max(last[c], last[other]) - min(first[c], first[other]) > window:
            continue
        average = sums[k] / (sizes[c] * sizes[other])
        if average > highest or (average == highest and other < best):
            best, highest = other, average
    return best, highest


@kernel
def repack(
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    sums: NDArray[np.float64],
) -> int:
    """Move all edge lists to the front of the pool, in their order there; returns where they end."""
    order = argsort(begin)
    end = 0
    for c in order:
        start = begin[c]
        for k in range(length[c]):
            neighbours[end + k] = neighbours[start + k]
            sums[end + k] = sums[start + k]
        begin[c] = end
        end += length[c]
    return end


@kernel
def nearest_neighbor_chain(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[np.float64],
    sizes: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    window: float,
    least: float,
) -> Any:
    """Merge mutual nearest neighbours until no average exceeds `least`.

    Each cluster keeps a list of (neighbour, sum of similarities) in a pool a quarter larger than the graph;
    a merge appends the joint list, and a full pool is repacked, and enlarged should that not do. Lists of
    third clusters are not touched: they are brought up to date when next read.

    Returns the merges as (surviving cluster, absorbed cluster), and their average similarities.
    """
    n = len(indptr) - 1
    edges = len(indices)
    neighbours = np.empty(edges + edges // 4 + 1024, np.int32)
    sums = np.empty(len(neighbours), np.float64)
    neighbours[:edges] = indices
    sums[:edges] = data
    end = edges
    begin = indptr[:-1].copy()
    length = indptr[1:] - indptr[:-1]
    sizes, first, last = sizes.copy(), first.copy(), last.copy()
    parent = np.arange(n)
    slot = np.full(n, -1)
    joined = np.empty((max(n - 1, 0), 2), np.int64)
    averages = np.empty(max(n - 1, 0), np.float64)
    merges = 0
    chain = np.empty(n + 1, np.int64)
    on_chain = np.zeros(n, np.bool_)
    for seed in range(n):
        if parent[seed] != seed:
            continue
        chain[0] = seed
        depth = 1
        while depth > 0:
            c = chain[depth - 1]
            previous = chain[depth - 2] if depth > 1 else -1
            compact_edges(c, begin, length, neighbours, sums, parent, slot)
            best, average = nearest_neighbor(c, begin, length, neighbours, sums, sizes, first, last, window)
            on_chain[c] = True
            if best < 0 or average <= least:
                on_chain[c] = False
                depth -= 1  # no neighbour is near enough; by reducibility, none will ever be
                continue
            if best != previous and not on_chain[best]:
                chain[depth] = best
                depth += 1
                continue
            while chain[depth - 1] != best:  # but for rounding errors, `best` is what `c` was reached from
                depth -= 1
                on_chain[chain[depth]] = False
            if best != previous:
                continue
            depth -= 1
            on_chain[best] = False
            kept, gone = min(c, best), max(c, best)
            compact_edges(best, begin, length, neighbours, sums, parent, slot)
            if end + length[kept] + length[gone] > len(neighbours):
                end = repack(begin, length, neighbours, sums)
                lacking = end + length[kept] + length[gone] - len(neighbours)
                if lacking > 0:
                    neighbours = np.concatenate((neighbours, np.empty(2 * lacking, np.int32)))
                    sums = np.concatenate((sums, np.empty(2 * lacking, np.float64)))
            joint = end
            for part in (kept, gone):
                for k in range(begin[part], begin[part] + length[part]):
                    neighbours[end] = neighbours[k]
                    sums[end] = sums[k]
                    end += 1
            begin[kept], length[kept] = joint, end - joint
            length[gone] = 0
            parent[gone] = kept
            sizes[kept] += sizes[gone]
            first[kept], last[kept] = min(first[kept], first[gone]), max(last[kept], last[gone])
            joined[merges, 0], joined[merges, 1] = kept, gone
            averages[merges] = average
            merges += 1
            if depth == 0:
                chain[0] = kept
                depth = 1
    return joined[:merges], averages[:merges]


@kernel
def number_merges(joined: NDArray[np.int64], n: int) -> Any:
    """Number merged clusters n, n + 1, ... in the order given, as scikit-learn and SciPy do."""
    parent = np.arange(n)
    name = np.arange(n)
    children = np.empty((len(joined), 2), np.int64)
    for k in range(len(joined)):
        a, b = find(parent, joined[k, 0]), find(parent, joined[k, 1])
        children[k, 0], children[k, 1] = min(name[a], name[b]), max(name[a], name[b])
        root, other = min(a, b), max(a, b)
        parent[other] = root
        name[root] = n + k
    return children


@kernel
def roots_of(children: NDArray[np.int64], n: int) -> Any:
    """Topmost merge above each leaf."""
    parent = np.arange(n + len(children))
    for k in range(len(children)):
        parent[children[k, 0]] = n + k
        parent[children[k, 1]] = n + k
    for node in range(n + len(children) - 1, -1, -1):
        parent[node] = parent[parent[node]]
    return parent[:n].copy()


@kernel
def linkage_rows(
    children: NDArray[np.int64],
    distances: NDArray[np.float64],
    component: NDArray[np.int64],
) -> Any:
    """Component of each merge, and its row of that component's linkage matrix.

    `component` names the component of each leaf; leaves are numbered inside theirs in their order, merges
    behind them.
    """
    n, m = len(component), len(children)
    home = np.append(component, np.empty(m, np.int64))
    number, weight = np.empty(n + m, np.int64), np.ones(n + m, np.int64)
    numbered = np.zeros(n, np.int64)  # in each component
    for leaf in range(n):
        number[leaf] = numbered[component[leaf]]
        numbered[component[leaf]] += 1
    Z = np.empty((m, 4), np.float64)
    for k in range(m):
        a, b = children[k, 0], children[k, 1]
        home[n + k] = home[a]
        number[n + k] = numbered[home[a]]
        numbered[home[a]] += 1
        weight[n + k] = weight[a] + weight[b]
        Z[k, 0], Z[k, 1] = min(number[a], number[b]), max(number[a], number[b])
        Z[k, 2], Z[k, 3] = distances[k], weight[n + k]
    return home[n:], Z
