"""Local scaling: how similar two rows are in proportion to the nearest neighbours of both.

In a large or dense corpus every article has neighbours that are rather similar, in a small or varied one
hardly any. What counts as close therefore depends on the surroundings of both articles. Self-tuning spectral
clustering divides distances by those to a point's neighbours (Zelnik-Manor and Perona, 2004); here,
similarities are divided by the geometric mean of two scales, each the mean similarity of a row with its
`NEIGHBORS` nearest neighbours.

References
----------
L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", Advances in Neural Information Processing
Systems 17 (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows
from storyclust._core.parallel import kernel
from storyclust.cluster.correction import RESOLUTION
from storyclust.cluster.selection import sum_of_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBORS = 20  # 10 makes threads of more than ten articles fall apart; 50 are seldom of one thread
LEAST_SCALE = 0.04  # of rows with few or weak neighbours; at 0.03 what is left over is joined in pairs
LARGEST_RATIO = 10.0  # of a similarity and the scale of its rows; larger ones count as this


def local_scales(indptr: NDArray[Any], data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean similarity of each row of a graph with its nearest neighbours; missing ones count as 0."""
    return scales_of_sums(nearest_sums(indptr, data))


def scales_of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales of rows with these sums of the similarities of their nearest neighbours."""
    scales: NDArray[np.float64] = np.maximum(sums / NEIGHBORS, LEAST_SCALE)
    return scales


@kernel
def nearest_sums(indptr: NDArray[Any], data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the `NEIGHBORS` largest similarities of each row of a graph."""
    sums = np.empty(len(indptr) - 1, np.float64)
    for row in range(len(sums)):
        sums[row] = sum_of_largest(data[indptr[row] : indptr[row + 1]], NEIGHBORS)
    return sums


@kernel
def scaled_similarity(similarity: Any, one: Any, other: Any) -> Any:
    """Similarity of two rows of these scales, from 0 to 1: numbers, or arrays of one shape."""
    scaled = np.fmin(similarity / np.sqrt(one * other) / LARGEST_RATIO, 1.0)
    return np.floor(scaled * RESOLUTION + 0.5) / RESOLUTION


def scale_graph(graph: sparse.csr_array, scales: NDArray[np.float64] | None = None) -> sparse.csr_array:
    """Similarity graph scaled by the neighbours of its rows.

    Parameters
    ----------
    graph : csr_array of shape (n, n)
        Symmetric, with positive similarities and without a diagonal.
    scales : float64 array of shape (n,), optional
        Scale of each row; computed from the graph by default.

    Returns
    -------
    scaled : csr_array of shape (n, n)
        The same edges.

    Examples
    --------
    >>> from scipy import sparse
    >>> graph = sparse.csr_array([[0.0, 0.12, 0.0], [0.12, 0.0, 0.6], [0.0, 0.6, 0.0]])
    >>> scale_graph(graph).toarray().round(3)
    array([[0. , 0.3, 0. ],
           [0.3, 0. , 1. ],
           [0. , 1. , 0. ]])
    """
    if scales is None:
        scales = local_scales(graph.indptr, graph.data)
    data = scale_edges(graph.indptr, graph.indices, graph.data, scales)
    return compressed_rows(graph.indptr, graph.indices, data, graph.shape)


@kernel
def scale_edges(
    indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scaled similarities of the edges of a graph, given the scale of each row."""
    scaled = np.empty(len(data), np.float64)
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            scaled[k] = scaled_similarity(data[k], scales[row], scales[indices[k]])
    return scaled
