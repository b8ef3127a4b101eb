"""The similarity graph: which rows of a TF-IDF matrix are similar at all, and exactly how similar.

Candidates come from an inverted index of rare terms only: those that few rows hold, and a few of the heaviest
of each row, whoever else holds them. So posting lists of common terms never make the search quadratic, and
what a row costs hardly grows with the corpus. Each pair is met once; if the rare terms show enough promise,
its cosine is computed in full.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.chunks import CHUNK_BYTES, compressed_rows, join_parts, kernel, map_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_HOLDERS = 500  # rows that hold a term, beyond which it is common and not indexed
HEAVIEST = 32  # terms of a row that are indexed all the same, so that short texts have enough
PROMISE = 0.4  # share of the least similarity that indexed terms must show for a pair to be computed
MARKS = 1 << 16  # places of the small table that says which terms a row may hold


class Index(NamedTuple):
    """Inverted index of some entries of a matrix: who holds a term, in ascending order."""

    bounds: NDArray[np.int64]  # of each term's list
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


def similarity_graph(
    X: sparse.csr_array,
    min_similarity: float,
    *,
    strangers: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
    exact: bool = False,
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
    exact : bool, default=False
        Index every term, so that no pair is missed, at quadratic cost. It is always so where
        `min_similarity` is 0 or values are negative, for the search rests on sums that only grow.

    Returns
    -------
    graph : csr_array of shape (n, n)
        Symmetric, without a diagonal, indices sorted.
    """
    if exact or min_similarity <= 0 or bool((X.data < 0).any()):
        return _search(X, min_similarity, strangers, n_jobs, X.shape[0], 0, -1.0)
    return _search(X, min_similarity, strangers, n_jobs, MOST_HOLDERS, HEAVIEST, PROMISE)


def _search(
    X: sparse.csr_array,
    least: float,
    strangers: NDArray[np.float64] | None,
    n_jobs: int | None,
    most_holders: int,
    heaviest: int,
    promise: float,
) -> sparse.csr_array:
    """Search with an index of terms that so many rows hold at most, and of so many of each row's heaviest."""
    codes, values = _find_edges(X, least, strangers, n_jobs, most_holders, heaviest, promise)
    n = X.shape[0]
    indptr, indices, data = both_ways(codes, values, n)
    return compressed_rows(indptr, indices, data, (n, n))


def _find_edges(
    X: sparse.csr_array,
    least: float,
    strangers: NDArray[np.float64] | None,
    n_jobs: int | None,
    most_holders: int,
    heaviest: int,
    promise: float,
) -> list[NDArray[Any]]:
    """Edges as earlier row * n + row, in order of the row, and their similarities."""
    n = X.shape[0]
    df = count_holders(X.indices, X.shape[1])
    indexed = choose_entries(X.indptr, X.indices, X.data, df, most_holders, heaviest)
    index = index_entries(X, indexed)
    floors = np.zeros(n) if strangers is None else strangers
    own = threading.local()

    def work(start: int, stop: int) -> Any:
        if not hasattr(own, "scratch"):  # once for each thread: rows leave it as they found it
            own.scratch = (np.zeros(n), np.zeros(n, np.bool_), np.empty(n, np.int64), np.zeros(X.shape[1]),
                           np.zeros(MARKS, np.bool_))  # fmt: skip
        return edges_of_rows(
            start, stop, X.indptr, X.indices, X.data, indexed, *index, floors, promise, least, *own.scratch
        )

    costs = reads_of_rows(X.indptr, X.indices, index.bounds, indexed)
    return join_parts(map_chunks(work, costs, n_jobs, "similarities"), (np.int64, np.float64))


def index_entries(X: sparse.csr_array, indexed: NDArray[np.bool_]) -> Index:
    """Index those entries of a matrix that are marked."""
    return Index(*invert(X.indptr, X.indices, X.data, indexed, X.shape[1]))


def reads_of_rows(
    indptr: NDArray[Any], indices: NDArray[Any], bounds: NDArray[np.int64], indexed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Bytes of posting lists that each row reads: its cost, for cutting chunks."""
    return 16 * count_reads(indptr, indices, bounds, indexed) + CHUNK_BYTES // 4096


@kernel
def count_reads(
    indptr: NDArray[Any], indices: NDArray[Any], bounds: NDArray[np.int64], indexed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Length of the posting lists of each row's indexed terms."""
    reads = np.zeros(len(indptr) - 1, np.int64)
    for row in range(len(reads)):
        for k in range(indptr[row], indptr[row + 1]):
            if indexed[k]:
                reads[row] += bounds[indices[k] + 1] - bounds[indices[k]]
    return reads


@kernel
def count_holders(indices: NDArray[Any], n_terms: int) -> NDArray[np.int64]:
    """How many rows hold each term."""
    df = np.zeros(n_terms, np.int64)
    for term in indices:
        df[term] += 1
    return df


@kernel
def choose_entries(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    df: NDArray[np.int64],
    most_holders: int,
    heaviest: int,
) -> NDArray[np.bool_]:
    """Mark entries whose terms so few rows hold, and the heaviest of each row: of equals, the rarer first."""
    chosen = np.zeros(len(indices), np.bool_)
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        rare = 0
        for k in range(start, stop):
            chosen[k] = df[indices[k]] <= most_holders
            rare += chosen[k]
        if rare == stop - start or heaviest == 0:
            continue
        if stop - start <= heaviest:
            chosen[start:stop] = True
            continue
        order = np.argsort(df[indices[start:stop]], kind="mergesort")
        order = order[np.argsort(-data[start:stop][order], kind="mergesort")]
        chosen[start + order[:heaviest]] = True
    return chosen


@kernel
def invert(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    indexed: NDArray[np.bool_],
    n_terms: int,
) -> Any:
    """Lists of marked entries by term: their bounds, rows in ascending order, and weights."""
    bounds = np.zeros(n_terms + 1, np.int64)
    for k in range(len(indices)):
        bounds[indices[k] + 1] += indexed[k]
    for term in range(n_terms):
        bounds[term + 1] += bounds[term]
    at = bounds[:-1].copy()
    rows, weights = np.empty(bounds[n_terms], np.int32), np.empty(bounds[n_terms], np.float32)
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if indexed[k]:
                place = at[indices[k]]
                rows[place], weights[place] = row, data[k]
                at[indices[k]] += 1
    return bounds, rows, weights


@kernel
def mark_of(term: Any) -> Any:
    """Place of a term in the small table of marks."""
    return (np.int64(term) * np.int64(40_503)) & np.int64(MARKS - 1)


@kernel
def cosine(
    dense: NDArray[np.float64],
    marks: NDArray[np.bool_],
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    data: NDArray[np.float64],
) -> float:
    """Inner product of a row spread out in `dense` with the sparse row start..stop.

    Most terms of one are not in the other: `marks`, which stays in the nearest cache, says so.
    """
    similarity = 0.0
    for k in range(start, stop):
        if marks[mark_of(indices[k])]:
            similarity += dense[indices[k]] * data[k]
    return similarity


@kernel
def edges_of_rows(
    begin: int,
    end: int,
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    indexed: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    partial: NDArray[np.float64],
    seen: NDArray[np.bool_],
    touched: NDArray[np.int64],
    dense: NDArray[np.float64],
    marks: NDArray[np.bool_],
) -> Any:
    """Edges between rows begin..end and earlier ones: (earlier row * n + row, similarity).

    `promise` is the share of the least cosine of an edge that indexed terms have to show, negative where they
    need not show any. `partial`, `seen`, `dense` and `marks` are scratch, all zeros before and after.
    """
    n = len(indptr) - 1
    codes, values = np.empty(1024, np.int64), np.empty(1024, np.float64)
    found = 0
    for i in range(begin, end):
        met = 0
        for k in range(indptr[i], indptr[i + 1]):
            term = indices[k]
            dense[term] = data[k]
            marks[mark_of(term)] = True
            if not indexed[k]:
                continue
            weight = np.float32(data[k])
            for p in range(bounds[term], bounds[term + 1]):
                j = posting_rows[p]
                if j >= i:
                    break
                if not seen[j]:
                    seen[j] = True
                    touched[met] = j
                    met += 1
                partial[j] += weight * posting_weights[p]
        for t in range(met):
            j = touched[t]
            floor = max(floors[i], floors[j])
            worth_it = promise < 0.0 or partial[j] >= promise * (floor + (1.0 - floor) * least)
            partial[j] = 0.0
            seen[j] = False
            if not worth_it:
                continue
            product = cosine(dense, marks, indptr[j], indptr[j + 1], indices, data)
            similarity = (product - floor) / (1.0 - floor)
            if similarity < least or similarity <= 0.0:
                continue
            if found == len(codes):
                codes = np.concatenate((codes, np.empty(found, np.int64)))
                values = np.concatenate((values, np.empty(found, np.float64)))
            codes[found] = j * n + i
            values[found] = similarity
            found += 1
        for k in range(indptr[i], indptr[i + 1]):
            dense[indices[k]] = 0.0
            marks[mark_of(indices[k])] = False
    return codes[:found].copy(), values[:found].copy()


@kernel
def both_ways(codes: NDArray[np.int64], values: NDArray[np.float64], n: int) -> Any:
    """CSR arrays of a symmetric graph from its edges, given once each in order of the later row."""
    sizes = np.zeros(n, np.int64)
    for code in codes:
        sizes[code // n] += 1
        sizes[code % n] += 1
    indptr = np.zeros(n + 1, np.int64)
    for row in range(n):
        indptr[row + 1] = indptr[row] + sizes[row]
    indices = np.empty(indptr[n], np.int32)
    data = np.empty(indptr[n], np.float64)
    # Later neighbours come in order and fill a row from its middle on; read from there in order of rows,
    # they give the earlier neighbours of others in order too.
    middle = indptr[:-1].copy()
    for code in codes:
        middle[code % n] += 1
    at = middle.copy()
    for k in range(len(codes)):
        row, later = codes[k] // n, codes[k] % n
        indices[at[row]], data[at[row]] = later, values[k]
        at[row] += 1
    at = indptr[:-1].copy()
    for row in range(n):
        for k in range(middle[row], indptr[row + 1]):
            later = indices[k]
            indices[at[later]], data[at[later]] = row, data[k]
            at[later] += 1
    return indptr, indices, data


@kernel
def near_in_time(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    times: NDArray[np.float64],
    window: float,
) -> Any:
    """CSR arrays of the edges whose ends are no further apart than the window; no date is near to all."""
    kept = np.zeros(len(indptr), np.int64)
    for row in range(len(indptr) - 1):
        kept[row + 1] = kept[row]
        for k in range(indptr[row], indptr[row + 1]):
            kept[row + 1] += not abs(times[row] - times[indices[k]]) > window
    to, similarities = np.empty(kept[-1], np.int32), np.empty(kept[-1], np.float64)
    at = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if not abs(times[row] - times[indices[k]]) > window:
                to[at], similarities[at] = indices[k], data[k]
                at += 1
    return kept, to, similarities
