"""The similarity graph: which rows of a TF-IDF matrix are similar at all, and exactly how similar.

Candidates come from an inverted index of each row's heaviest terms only, so that posting lists of common
terms never make the search quadratic; every survivor's cosine is then computed in full.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from storyclust.chunks import CHUNK_BYTES, join_parts, kernel, map_chunks

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
    # The pruned index rests on sums that only grow and on a floor; else everything is indexed.
    everything = min_similarity <= 0 or bool((X.data < 0).any())
    most = X.shape[1] if everything else heaviest
    bounds, posting_rows, posting_weights = index_heaviest(X.indptr, X.indices, X.data, X.shape[1], most)
    promise = -1.0 if everything else PROMISE
    floors = np.zeros(n) if strangers is None else strangers
    own = threading.local()

    def work(start: int, stop: int) -> Any:
        if not hasattr(own, "scratch"):  # once for each thread: rows leave it as they found it
            own.scratch = np.zeros(n), np.zeros(n, np.bool_), np.zeros(X.shape[1])
        return edges_of_rows(
            start, stop, X.indptr, X.indices, X.data, bounds, posting_rows, posting_weights, floors,
            promise, min_similarity, *own.scratch,
        )  # fmt: skip

    parts = map_chunks(work, reads_of_rows(X.indptr, X.indices, bounds), n_jobs, "similarities")
    codes, values = join_parts(parts, (np.int64, np.float64))
    codes, first = np.unique(codes, return_index=True)  # most pairs are found from both sides
    i, j, s = codes // n, codes % n, values[first]
    graph = sparse.csr_array((np.tile(s, 2), (np.append(i, j), np.append(j, i))), shape=(n, n))
    graph.sort_indices()
    return graph


def reads_of_rows(
    indptr: NDArray[Any], indices: NDArray[Any], bounds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Bytes of posting lists that each row reads: its cost, for cutting chunks."""
    reads = np.empty(len(indptr) - 1, np.int64)
    count_reads(indptr, indices, bounds, reads)
    return 16 * reads + CHUNK_BYTES // 4096


@kernel
def count_reads(
    indptr: NDArray[Any], indices: NDArray[Any], bounds: NDArray[np.int64], reads: NDArray[np.int64]
) -> None:
    """Length of the posting lists of each row's terms."""
    for row in range(len(reads)):
        reads[row] = 0
        for k in range(indptr[row], indptr[row + 1]):
            reads[row] += bounds[indices[k] + 1] - bounds[indices[k]]


@kernel
def heaviest_entries(
    indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[np.float64], df: NDArray[np.int64], most: int
) -> Any:
    """Positions of the `most` largest entries of each row; of equals the rarer, then the earlier columns."""
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
        weights = np.sort(data[start:stop])
        least = weights[len(weights) - most]
        ties = np.flatnonzero(data[start:stop] == least)
        rarity = np.empty(len(ties), np.int64)
        for t in range(len(ties)):
            rarity[t] = df[indices[start + ties[t]]]
        ties = ties[np.argsort(rarity, kind="mergesort")]
        above = np.sum(weights > least)
        taken = np.zeros(stop - start, np.bool_)
        taken[ties[: most - above]] = True
        for k in range(start, stop):
            if data[k] > least or taken[k - start]:
                chosen[n] = k
                n += 1
    return chosen


@kernel
def index_heaviest(
    indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[np.float64], n_terms: int, most: int
) -> Any:
    """Inverted index of each row's heaviest entries: bounds of the terms' lists, rows ascending, weights."""
    df = np.zeros(n_terms, np.int64)
    for column in indices:
        df[column] += 1
    chosen = heaviest_entries(indptr, indices, data, df, most)
    bounds = np.zeros(n_terms + 1, np.int64)
    for k in chosen:
        bounds[indices[k] + 1] += 1
    for term in range(n_terms):
        bounds[term + 1] += bounds[term]
    at = bounds[:-1].copy()
    rows, weights = np.empty(len(chosen), np.int32), np.empty(len(chosen), np.float64)
    row = 0
    for k in chosen:
        while k >= indptr[row + 1]:
            row += 1
        place = at[indices[k]]
        rows[place], weights[place] = row, data[k]
        at[indices[k]] += 1
    return bounds, rows, weights


@kernel
def cosine(
    dense: NDArray[np.float64], start: Any, stop: Any, indices: NDArray[Any], data: NDArray[np.float64]
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
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float64],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    partial: NDArray[np.float64],
    seen: NDArray[np.bool_],
    dense: NDArray[np.float64],
) -> Any:
    """Edges between rows begin..end and all others: (smaller row * n + larger row, similarity).

    `promise` is the share of the least cosine of an edge that a row's heaviest terms have to show, negative
    where they need not show any. `partial`, `seen` and `dense` are scratch, all zeros before and after.
    """
    n = len(indptr) - 1
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
