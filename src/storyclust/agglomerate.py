"""Average linkage on a sparse similarity graph: the dendrogram and its cuts.

Pairs without an edge count as similarity 0. Under that reading the average similarity of two clusters is
(sum of their edges) / (product of their sizes), which merging can never raise above the larger of the
averages it comes from: average linkage is reducible, and following chains of nearest neighbours gives
exactly the merges that always joining the closest two would give, in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from storyclust.chunks import kernel
from storyclust.graph import FINENESS, similarity_graph
from storyclust.unions import by_appearance, find, rows_by_label
from storyclust.validate import check_float

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Merges(NamedTuple):
    """Merges in order of distance, in the numbering of scikit-learn: node `n + k` is merge `k`."""

    children: NDArray[np.int64]  # (m, 2)
    distances: NDArray[np.float64]  # (m,), ascending


class Linkage(NamedTuple):
    """Dendrogram of a connected component."""

    rows: NDArray[np.int64]  # its samples, ascending
    Z: NDArray[np.float64]  # (len(rows) - 1, 4), as SciPy has it


class GraphAgglomerative(ClusterMixin, BaseEstimator):
    """Average-linkage clustering on a sparse graph of cosine similarities.

    What scikit-learn's `AgglomerativeClustering(metric="cosine", linkage="average")` computes from a
    dense matrix of all distances, computed from the pairs that are similar at all: memory and time grow
    with the edges, not with the square of the samples.

    Parameters
    ----------
    distance_threshold : float in [0, 1], default=0.9
        Clusters are merged while the average cosine distance between their members is below it.
    min_similarity : float in [0, 1], default=0.05
        Pairs less similar than this count as similarity 0. With 0 every pair of positive similarity is
        an edge and the result is that of dense average linkage, at quadratic cost.
    n_jobs : int or None, default=None
        Threads that compute the graph.

    Attributes
    ----------
    labels_ : int64 array of shape (n_samples,)
        Cluster of every sample, numbered by first appearance. A sample like no other is a cluster of
        its own.
    n_clusters_ : int
    children_ : int64 array of shape (n_merges, 2)
        The whole dendrogram, as scikit-learn writes it: values below `n_samples` are samples, the value
        `n_samples + k` is the result of merge `k`.
    distances_ : float64 array of shape (n_merges,)
        Average distance at which each merge takes place, ascending.
    n_leaves_ : int
    n_connected_components_ : int
        Parts of the graph; between them nothing merges, so ``n_merges = n_leaves_ -
        n_connected_components_``.
    n_features_in_ : int

    See Also
    --------
    storyclust.StoryClusterer : events and story threads of articles.

    Notes
    -----
    Similarities count in parts of 2**-32: their sums are exact, so that equal averages are equal. These
    are merged in order of the smallest row in the clusters.

    References
    ----------
    F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", The Computer Journal
    26 (1983): nearest-neighbour chains and reducibility.

    Examples
    --------
    >>> import numpy as np, storyclust as sc
    >>> X = np.array([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [0.2, 1.0]])
    >>> model = sc.GraphAgglomerative(distance_threshold=0.5).fit(X)
    >>> model.labels_
    array([0, 0, 1, 1])
    >>> model.cut(0.001)
    array([0, 1, 2, 3])
    """

    labels_: NDArray[np.int64]
    children_: NDArray[np.int64]
    distances_: NDArray[np.float64]
    n_clusters_: int
    n_leaves_: int
    n_connected_components_: int

    def __init__(
        self, distance_threshold: float = 0.9, min_similarity: float = 0.05, n_jobs: int | None = None
    ) -> None:
        self.distance_threshold = distance_threshold
        self.min_similarity = min_similarity
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: object = None) -> GraphAgglomerative:
        """Cluster the rows of a feature matrix.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Rows are compared by cosine; they need not be normalised. A row of zeros is like no other.
        y : object
            Ignored.

        Returns
        -------
        self : GraphAgglomerative

        Raises
        ------
        InputError
            A parameter is out of range.
        ValueError
            `X` is not a finite numeric matrix.
        """
        threshold = check_float("distance_threshold", self.distance_threshold, low=0, high=1)
        floor = check_float("min_similarity", self.min_similarity, low=0, high=1)
        matrix = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        graph = similarity_graph(unit_rows(matrix), floor, n_jobs=self.n_jobs)
        graph.data = np.round(graph.data * FINENESS) / FINENESS
        merges = agglomerate(graph)
        self.children_, self.distances_ = merges
        self.n_leaves_ = graph.shape[0]
        self.n_connected_components_ = self.n_leaves_ - len(self.children_)
        self.labels_ = cut(merges, self.n_leaves_, threshold)
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self

    def cut(self, distance_threshold: float) -> NDArray[np.int64]:
        """Return the clusters at another threshold, without fitting again.

        Parameters
        ----------
        distance_threshold : float in [0, 1]

        Returns
        -------
        labels : int64 array of shape (n_samples,)
        """
        check_is_fitted(self)
        threshold = check_float("distance_threshold", distance_threshold, low=0, high=1)
        return cut(Merges(self.children_, self.distances_), self.n_leaves_, threshold)

    def linkages(self) -> list[Linkage]:
        """Return the dendrogram of each connected component, in the form that SciPy writes and draws.

        Returns
        -------
        linkages : list of Linkage
            Components of two samples or more, biggest first, then by their first row. ``Z`` of each is a
            valid linkage matrix for `scipy.cluster.hierarchy`, whose leaf `i` is sample ``rows[i]``.

        Examples
        --------
        >>> import numpy as np, storyclust as sc
        >>> from scipy.cluster.hierarchy import fcluster
        >>> X = np.array([[1.0, 0.1], [0.0, 1.0], [1.0, 0.0], [0.1, 0.0]])
        >>> rows, Z = sc.GraphAgglomerative(min_similarity=0.3).fit(X).linkages()[0]
        >>> rows, fcluster(Z, 0.001, "distance")
        (array([0, 2, 3]), array([2, 1, 1], dtype=int32))
        """
        check_is_fitted(self)
        component = by_appearance(roots_of(self.children_, self.n_leaves_))
        components = rows_by_label(component)
        of_merge, Z = linkage_rows(self.children_, self.distances_, component)
        found = [
            Linkage(components[of_merge[merges[0]]], Z[merges])
            for merges in rows_by_label(by_appearance(of_merge))
        ]
        return sorted(found, key=lambda linkage: (-len(linkage.rows), linkage.rows[0]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def unit_rows(matrix: Any) -> sparse.csr_array:
    """Rows scaled to length 1, as CSR; rows of zeros stay."""
    X: sparse.csr_array[Any, tuple[int, int]] = sparse.csr_array(matrix, dtype=np.float64, copy=True)
    X.sum_duplicates()
    largest = np.asarray(abs(X).max(axis=1).todense()).ravel()
    _scale_rows(X, largest)  # first, so that squares neither overflow nor vanish
    _scale_rows(X, np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel()))
    return X


def _scale_rows(X: sparse.csr_array, divisors: NDArray[np.float64]) -> None:
    X.data /= np.repeat(np.where(divisors > 0, divisors, 1.0), np.diff(X.indptr))


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
    joined, averages = follow_chains(
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
def tidy(
    c: Any,
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    sums: NDArray[np.float64],
    parent: NDArray[np.int64],
    slot: NDArray[np.int64],
) -> None:
    """Bring the edges of cluster `c` up to date in place: merged neighbours become one entry."""
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
def nearest(
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

    Among equals it is the one that holds the smallest row, wherever `c` was reached from. So all pairs stand
    in one order, which is that of their merges whatever part of the graph is looked at first.
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
    order = np.argsort(begin)
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
def follow_chains(
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
            tidy(c, begin, length, neighbours, sums, parent, slot)
            best, average = nearest(c, begin, length, neighbours, sums, sizes, first, last, window)
            on_chain[c] = True
            if best < 0 or average <= least:
                on_chain[c] = False
                depth -= 1  # nothing near enough: by reducibility, there never will be
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
            tidy(best, begin, length, neighbours, sums, parent, slot)
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
