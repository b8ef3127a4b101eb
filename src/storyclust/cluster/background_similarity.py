"""Strangers: how alike an article is to articles it has nothing to do with.

Articles differ in how much they share with any other: a long one more than a short one, one on politics more
than one on a rare disease, one in syllables more than one in words. What an article shares with strangers is
no sign of anything; similarities are counted from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel, map_chunks
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.postings import index_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_SIZE = 2_000  # articles of a language that each is compared with
NEAREST, FARTHEST = 50, 150  # ranks of the neighbours taken for strangers
LEAST = 0.01  # what any two articles share, where there are too few to tell


def background_similarity(
    X: sparse.csr_array, groups: NDArray[np.int64], *, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Mean cosine of each row with its 50th to 150th neighbours among rows of its group.

    The first fifty may belong to the same story. NeighborPairs that a small group has not got count as
    similarity 0, so that a corpus of fewer than fifty articles, which may be about one thing alone, is hardly
    touched; for those a little is added that fades as the group grows. Of a large group, rows evenly apart
    stand for all: then the figure means the same at any size.

    Parameters
    ----------
    X : csr_array of shape (n, n_features)
        Rows of unit length, or of zeros, in an order that says nothing about their stories.
    groups : int64 array of shape (n,)
        Language of each row, from 0.
    n_jobs : int or None
        Threads.

    Returns
    -------
    similarity : float64 array of shape (n,)
    """
    similarity = np.zeros(X.shape[0])
    for group in range(int(groups.max(initial=-1)) + 1):
        rows = np.flatnonzero(groups == group)
        there = neighbor_coverage(len(rows))
        if there:
            similarity[rows] = _among(X if len(rows) == X.shape[0] else sparse.csr_array(X[rows]), n_jobs)
        similarity[rows] += small_sample_prior(there)
    return similarity


def neighbor_coverage(n: int) -> float:
    """Share of the neighbours taken for strangers that a group of `n` rows has."""
    return min(max(n - NEAREST, 0) / (FARTHEST - NEAREST), 1.0)


def small_sample_prior(there: float) -> float:
    """What any two articles are taken to share, the more the fewer neighbours there are to tell."""
    return LEAST * (1.0 - there) ** 3


def sample_rows(n: int) -> NDArray[np.int64]:
    """Rows, evenly apart, that stand for `n`."""
    return np.unique(np.linspace(0, n - 1, min(n, SAMPLE_SIZE)).astype(np.int64))


def corrected_similarity_graph(
    X: sparse.csr_array, groups: NDArray[np.int64], min_similarity: float, *, n_jobs: int | None = None
) -> sparse.csr_array:
    """Similarities, counted from what rows share with strangers, of all pairs that reach `min_similarity`."""
    null_similarity = background_similarity(X, groups, n_jobs=n_jobs)
    return similarity_graph(X, min_similarity, null_similarity=null_similarity, n_jobs=n_jobs)


def _among(X: sparse.csr_array, n_jobs: int | None) -> NDArray[np.float64]:
    """Mean cosine of each row with its 50th to 150th neighbours in a sample of all."""
    n = X.shape[0]
    sample = sample_rows(n)
    compared = sparse.csr_array(X[sample])
    return mean_similarities_among(X, np.arange(n), compared, sample, n_jobs)


def mean_similarities_among(
    X: sparse.csr_array,
    places: NDArray[np.int64],
    compared: sparse.csr_array,
    sample: NDArray[np.int64],
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Mean cosine of each row with its 50th to 150th neighbours in a sample, less itself.

    `places` are those of the rows in the order of all, `sample` those of `compared`, ascending.
    """
    index = index_entries(compared, np.ones(compared.nnz, np.bool_))
    held = np.packbits(np.diff(index.bounds) > 0, bitorder="little")  # small enough to stay in cache

    def work(start: int, stop: int) -> Any:
        return mean_of_middle_ranks(
            start, stop, X.indptr, X.indices, X.data, held, index.bounds, index.rows, index.weights, places,
            sample, NEAREST, FARTHEST,
        )  # fmt: skip

    costs = 64 * np.diff(X.indptr).astype(np.int64) + 8 * len(sample)
    return np.concatenate(map_chunks(work, costs, n_jobs, "strangers"))


@kernel
def mean_of_middle_ranks(
    begin: int,
    end: int,
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    held: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    places: NDArray[np.int64],
    sample: NDArray[np.int64],
    nearest: int,
    farthest: int,
) -> Any:
    """Mean of the `nearest`-th to `farthest`-th largest cosines of rows begin..end with the sample."""
    out = np.zeros(end - begin, np.float64)
    cosines = np.zeros(len(sample), np.float64)
    for i in range(begin, end):
        cosines[:] = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            term, weight = indices[k], data[k]
            if not held[term >> 3] & (1 << (term & 7)):
                continue
            for p in range(bounds[term], bounds[term + 1]):
                cosines[posting_rows[p]] += weight * posting_weights[p]
        at = np.searchsorted(sample, places[i])
        if at < len(sample) and sample[at] == places[i]:
            cosines[at] = 0.0  # itself
        if len(cosines) <= nearest:
            continue
        if len(cosines) > farthest:
            ranked = np.sort(np.partition(cosines, len(cosines) - farthest)[len(cosines) - farthest :])
        else:
            ranked = np.sort(cosines)
        total = 0.0
        for k in range(len(ranked) - nearest):  # ascending: the nearest stand last
            total += ranked[k]
        out[i - begin] = total / (farthest - nearest)
    return out
