"""The similarity graph: which rows of a TF-IDF matrix are similar at all, and exactly how similar.

Candidates come from an inverted index of rare terms only: those that few rows hold, and a few of the heaviest
of each row, whoever else holds them. So posting lists of common terms never make the search quadratic, and
what a row costs hardly grows with the corpus. Each pair is met once; if the rare terms show enough promise,
its cosine is computed in full. And no row has more than a thousand neighbours: what it shares with so many
is a template, or a language, and no story.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows, join_parts
from storyclust._core.parallel import kernel, map_chunks
from storyclust.cluster.pair_search import MARKS, above, similar_pairs_of_rows, table_size
from storyclust.cluster.postings import choose_entries, index_entries, reads_of_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_POSTINGS = 500  # rows that hold a term, beyond which it is common and not indexed
HEAVIEST = 32  # terms of a row that are indexed all the same, so that short texts have enough
PROMISE = 0.4  # share of the least similarity that indexed terms must show for a pair to be computed
CROWD = 1_000  # neighbours of a row that may belong to its story; what it shares with more is no sign of one


class Bounds(NamedTuple):
    """What bounds a search, so that its work and its edges do not grow with the square of the rows."""

    most_holders: int  # rows that hold a term that is indexed
    heaviest: int  # terms of each row that are indexed however many hold them
    promise: float  # share of the least similarity that indexed terms have to show; negative: none
    crowd: int  # neighbours of a row


def default_limits() -> Bounds:
    """Bounds of a search for stories."""
    return Bounds(MAX_POSTINGS, HEAVIEST, PROMISE, CROWD)


def similarity_graph(
    X: sparse.csr_array,
    min_similarity: float,
    *,
    null_similarity: NDArray[np.float64] | None = None,
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
        similarity is ``(s - m) / (1 - m)``. Without it, the similarity is the cosine. A row of more than
        `CROWD` neighbours shares with strangers what it shares with the last of so many: it is made from a
        template that thousands use. So the edges of any matrix are linear in its rows.
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
    n = X.shape[0]
    bounds = default_limits()
    if null_similarity is None:
        bounds = bounds._replace(crowd=n)
    if exact or min_similarity <= 0 or bool((X.data < 0).any()):
        bounds = Bounds(n, 0, -1.0, n)
    return search(X, min_similarity, null_similarity, bounds, n_jobs)


def search(
    X: sparse.csr_array,
    least: float,
    null_similarity: NDArray[np.float64] | None,
    bounds: Bounds,
    n_jobs: int | None = None,
) -> sparse.csr_array:
    """Search for similarities inside these bounds."""
    n = X.shape[0]
    floors = np.zeros(n) if null_similarity is None else null_similarity
    codes, cosines = _find_edges(X, least, floors, bounds, n_jobs)
    indptr, indices, data = symmetric_csr(codes, cosines, n)
    if null_similarity is not None:
        floors = raise_floors_of_crowded(indptr, data, floors, bounds.crowd)
        indptr, indices, data = correct_similarities(indptr, indices, data, floors, least)
    return compressed_rows(indptr, indices, data, (n, n))


def _find_edges(
    X: sparse.csr_array, least: float, floors: NDArray[np.float64], bounds: Bounds, n_jobs: int | None
) -> list[NDArray[Any]]:
    """Edges as earlier row * n + row, in order of the row, and their cosines."""
    n = X.shape[0]
    indexed = choose_entries(X, bounds.most_holders, bounds.heaviest, n_jobs)
    index = index_entries(X, indexed)
    places = table_size(int(np.diff(X.indptr).max(initial=0)))
    own = threading.local()

    def work(start: int, stop: int) -> Any:
        if not hasattr(own, "scratch"):  # once for each thread: rows leave it as they found it
            own.scratch = (np.zeros(n, np.float32), np.empty(n, np.int32),
                           np.zeros(places, np.int32), np.zeros(MARKS, np.bool_))  # fmt: skip
        return similar_pairs_of_rows(
            start, stop, X.indptr, X.indices, X.data, indexed, *index, floors, bounds.promise, least,
            bounds.crowd, *own.scratch,
        )  # fmt: skip

    costs = reads_of_rows(X.indptr, X.indices, index.bounds, indexed)
    return join_parts(map_chunks(work, costs, n_jobs, "similarities"), (np.int64, np.float64))


@kernel
def raise_floors_of_crowded(
    indptr: NDArray[np.int64], cosines: NDArray[np.float64], floors: NDArray[np.float64], crowd: int
) -> NDArray[np.float64]:
    """What rows share with strangers, where they have more than `crowd` neighbours: its last cosine."""
    raised = floors.copy()
    for row in range(len(floors)):
        own = cosines[indptr[row] : indptr[row + 1]]
        if len(own) > crowd:
            raised[row] = max(floors[row], np.partition(own, len(own) - crowd)[len(own) - crowd])
    return raised


@kernel
def correct_similarities(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cosines: NDArray[np.float64],
    floors: NDArray[np.float64],
    least: float,
) -> Any:
    """CSR arrays of the similarities above what rows share with strangers; written over the cosines."""
    kept = np.zeros(len(indptr), np.int64)
    end = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            similarity = above(cosines[k], max(floors[row], floors[indices[k]]))
            if similarity >= least and similarity > 0.0:
                indices[end], cosines[end] = indices[k], similarity
                end += 1
        kept[row + 1] = end
    return kept, indices[:end].copy(), cosines[:end].copy()


@kernel
def symmetric_csr(codes: NDArray[np.int64], values: NDArray[np.float64], n: int) -> Any:
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
