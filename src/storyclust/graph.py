"""The similarity graph: which rows of a TF-IDF matrix are similar at all, and exactly how similar.

Candidates come from an inverted index of each row's heaviest terms only, so that posting lists of common
terms never make the search quadratic; every survivor's cosine is then computed in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from storyclust.chunks import CHUNK_BYTES, kernel, map_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAVIEST = 64  # terms of a row by which others find it
PROMISE = 0.2  # share of the least similarity that the heaviest terms must show for a pair to be computed


def similarity_graph(
    X: sparse.csr_array,
    min_similarity: float,
    *,
    strangers: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
    heaviest: int = HEAVIEST,
) -> sparse.csr_array:
    """Similarities of all pairs of rows that reach `min_similarity`.

    Parameters
    ----------
    X : csr_array of shape (n, n_features)
        Rows of unit length, or of zeros.
    min_similarity : float
        Least similarity of an edge; with 0, every positive similarity is one.
    strangers : float64 array of shape (n,), optional
        What each row shares with strangers. A cosine `s` is counted from the larger of the two, `m`: the
        similarity is ``(s - m) / (1 - m)``. Without it, the similarity is the cosine.
    n_jobs : int or None
        Threads.
    heaviest : int, default=64
        Terms of each row by weight that go into the index. A pair is found if one row's terms meet the
        other's heaviest with enough weight; what is found is computed from all terms. Of pairs at
        0.25 and more, 98% are found among 6,000 long articles, and all among short ones.

    Returns
    -------
    graph : csr_array of shape (n, n)
        Symmetric, without a diagonal, indices sorted.
    """
    n = X.shape[0]
    indptr, indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    data = X.data.astype(np.float64)
    # The pruned index rests on sums that only grow and on a floor; else everything is indexed.
    everything = min_similarity <= 0 or bool((data < 0).any())
    chosen = heaviest_entries(indptr, data, X.shape[1] if everything else heaviest)
    rows = np.repeat(np.arange(n), np.diff(indptr))[chosen]
    by_term = np.lexsort((rows, indices[chosen]))
    posting_rows, posting_weights = rows[by_term], data[chosen][by_term]
    bounds = np.searchsorted(indices[chosen][by_term], np.arange(X.shape[1] + 1))
    promise = -1.0 if everything else PROMISE
    floors = np.zeros(n) if strangers is None else strangers

    def work(start: int, stop: int) -> Any:
        return edges_of_rows(
            start, stop, indptr, indices, data, bounds, posting_rows, posting_weights, floors,
            promise, min_similarity,
        )  # fmt: skip

    # A row's cost is the length of the posting lists it reads.
    reads = np.add.reduceat(np.append(np.diff(bounds)[indices], 0), np.minimum(indptr[:-1], len(indices)))
    weights = np.where(np.diff(indptr) > 0, 16 * reads, 0) + CHUNK_BYTES // 4096
    parts = map_chunks(work, weights, n_jobs, "similarities") if n else []
    if not parts:
        return sparse.csr_array((n, n), dtype=np.float64)
    codes, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    codes, first = np.unique(codes, return_index=True)  # most pairs are found from both sides
    i, j, s = codes // n, codes % n, values[first]
    graph = sparse.csr_array((np.tile(s, 2), (np.append(i, j), np.append(j, i))), shape=(n, n))
    graph.sort_indices()
    return graph


@kernel
def heaviest_entries(indptr: NDArray[np.int64], data: NDArray[np.float64], most: int) -> Any:
    """Positions of the `most` largest entries of each row; ties go to the earlier column."""
    total = 0
    for row in range(len(indptr) - 1):
        total += min(most, indptr[row + 1] - indptr[row])
    chosen = np.empty(total, np.int64)
    n = 0
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        if stop - start <= most:
            for k in range(start, stop):
                chosen[n] = k
                n += 1
            continue
        weights = data[start:stop].copy()
        weights.sort()
        least = weights[len(weights) - most]
        ties = most
        for k in range(start, stop):
            ties -= data[k] > least
        for k in range(start, stop):
            if data[k] > least or (data[k] == least and ties > 0):
                ties -= data[k] == least
                chosen[n] = k
                n += 1
    return chosen


@kernel
def cosine(
    dense: NDArray[np.float64], start: Any, stop: Any, indices: NDArray[np.int64], data: NDArray[np.float64]
) -> float:
    """Inner product of a row spread out in `dense` with the sparse row start..stop."""
    similarity = 0.0
    for k in range(start, stop):
        similarity += dense[indices[k]] * data[k]
    return similarity


@kernel
def edges_of_rows(
    begin: int,
    end: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int64],
    data: NDArray[np.float64],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int64],
    posting_weights: NDArray[np.float64],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
) -> Any:
    """Edges between rows begin..end and all others: (smaller row * n + larger row, similarity).

    `promise` is the share of the least cosine of an edge that a row's heaviest terms have to show, negative
    where they need not show any.
    """
    n = len(indptr) - 1
    partial = np.zeros(n, np.float64)
    seen = np.zeros(n, np.bool_)
    dense = np.zeros(len(bounds) - 1, np.float64)
    touched = np.empty(n, np.int64)
    codes, values = np.empty(1024, np.int64), np.empty(1024, np.float64)
    found = 0
    for i in range(begin, end):
        met = 0
        promising = promise * (floors[i] + (1.0 - floors[i]) * least) if promise >= 0.0 else -np.inf
        for k in range(indptr[i], indptr[i + 1]):
            term, weight = indices[k], data[k]
            dense[term] = weight
            for p in range(bounds[term], bounds[term + 1]):
                j = posting_rows[p]
                if not seen[j]:
                    seen[j] = True
                    touched[met] = j
                    met += 1
                partial[j] += weight * posting_weights[p]
        for t in range(met):
            j = touched[t]
            worth_it = partial[j] >= promising and j != i
            partial[j] = 0.0
            seen[j] = False
            if not worth_it:
                continue
            floor = max(floors[i], floors[j])
            similarity = (cosine(dense, indptr[j], indptr[j + 1], indices, data) - floor) / (1.0 - floor)
            if similarity < least or similarity <= 0.0:
                continue
            if found == len(codes):
                codes = np.concatenate((codes, np.empty(found, np.int64)))
                values = np.concatenate((values, np.empty(found, np.float64)))
            codes[found] = min(i, j) * n + max(i, j)
            values[found] = similarity
            found += 1
        for k in range(indptr[i], indptr[i + 1]):
            dense[indices[k]] = 0.0
    return codes[:found].copy(), values[:found].copy()
