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

from storyclust._core.union_find import by_appearance, rows_by_label
from storyclust._core.validation import check_float
from storyclust.cluster.correction import RESOLUTION
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.linkage import Merges, agglomerate, cut, linkage_rows, roots_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
        Cluster of every sample, numbered by first appearance. A sample without edges is a singleton.
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
    Similarities are rounded to multiples of 2**-32: their sums are exact, so that equal averages compare as
    equal. Ties are merged in order of the smallest row in the clusters.

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
            Rows are compared by cosine; they need not be normalised. A row of zeros is a singleton.
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
        graph.data = np.round(graph.data * RESOLUTION) / RESOLUTION
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
