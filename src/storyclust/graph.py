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

from storyclust.chunks import CHUNK_BYTES, compressed_rows, join_parts, kernel, map_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_HOLDERS = 500  # rows that hold a term, beyond which it is common and not indexed
HEAVIEST = 32  # terms of a row that are indexed all the same, so that short texts have enough
PROMISE = 0.4  # share of the least similarity that indexed terms must show for a pair to be computed
CROWD = 1_000  # neighbours of a row that may belong to its story; what it shares with more is no sign of one
EXAMINED = 2  # times as many candidates are computed where more are promising
MARKS = 1 << 16  # places of the small table that says which terms a row may hold
FINENESS = 2.0**32  # parts of 1 that similarities are told apart by
NOTHING, TRACE = np.float32(0.0), np.float32(1e-30)
SPARSENESS = 8


class Bounds(NamedTuple):
    """What bounds a search, so that its work and its edges do not grow with the square of the rows."""

    most_holders: int  # rows that hold a term that is indexed
    heaviest: int  # terms of each row that are indexed however many hold them
    promise: float  # share of the least similarity that indexed terms have to show; negative: none
    crowd: int  # neighbours of a row


class Index(NamedTuple):
    """Inverted index of some entries of a matrix: who holds a term, in ascending order."""

    bounds: NDArray[np.int64]  # of each term's list
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


def usual_bounds() -> Bounds:
    """Bounds of a search for stories."""
    return Bounds(MOST_HOLDERS, HEAVIEST, PROMISE, CROWD)


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
    bounds = usual_bounds()
    if strangers is None:
        bounds = bounds._replace(crowd=n)
    if exact or min_similarity <= 0 or bool((X.data < 0).any()):
        bounds = Bounds(n, 0, -1.0, n)
    return search(X, min_similarity, strangers, bounds, n_jobs)


def search(
    X: sparse.csr_array,
    least: float,
    strangers: NDArray[np.float64] | None,
    bounds: Bounds,
    n_jobs: int | None = None,
) -> sparse.csr_array:
    """Search for similarities inside these bounds."""
    n = X.shape[0]
    floors = np.zeros(n) if strangers is None else strangers
    codes, cosines = _find_edges(X, least, floors, bounds, n_jobs)
    indptr, indices, data = both_ways(codes, cosines, n)
    if strangers is not None:
        floors = above_crowds(indptr, data, floors, bounds.crowd)
        indptr, indices, data = count_from_floors(indptr, indices, data, floors, least)
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
        return edges_of_rows(
            start, stop, X.indptr, X.indices, X.data, indexed, *index, floors, bounds.promise, least,
            bounds.crowd, *own.scratch,
        )  # fmt: skip

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


def choose_entries(
    X: sparse.csr_array, most_holders: int, heaviest: int, n_jobs: int | None = None
) -> NDArray[np.bool_]:
    """Mark entries whose terms so few rows hold, and the heaviest of each row: of equals, the rarer first."""
    df = count_holders(X.indices, X.shape[1])
    chosen = np.zeros(X.nnz, np.bool_)

    def work(start: int, stop: int) -> None:
        mark_entries(start, stop, X.indptr, X.indices, X.data, df, most_holders, heaviest, chosen)

    map_chunks(work, 64 * np.diff(X.indptr).astype(np.int64), n_jobs, "index")
    return chosen


@kernel
def mark_entries(
    begin: int,
    end: int,
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[Any],
    df: NDArray[np.int64],
    most_holders: int,
    heaviest: int,
    chosen: NDArray[np.bool_],
) -> None:
    """Mark entries of rows begin..end: see `choose_entries`."""
    for row in range(begin, end):
        start, stop = indptr[row], indptr[row + 1]
        common = 0
        for k in range(start, stop):
            chosen[k] = df[indices[k]] <= most_holders
            common += not chosen[k]
        if common == 0 or heaviest == 0:
            continue
        if stop - start <= heaviest:
            chosen[start:stop] = True
            continue
        last = np.partition(data[start:stop], stop - start - heaviest)[stop - start - heaviest]
        places = heaviest
        for k in range(start, stop):
            places -= data[k] > last or (data[k] == last and chosen[k])
            chosen[k] = chosen[k] or data[k] > last
        for _ in range(places):
            rarest = -1
            for k in range(start, stop):
                if data[k] == last and not chosen[k] and (rarest < 0 or df[indices[k]] < df[indices[rarest]]):
                    rarest = k
            chosen[rarest] = True


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
                rows[place], weights[place] = row, abs(data[k])
                at[indices[k]] += 1
    return bounds, rows, weights


@kernel
def table_size(n_terms: Any) -> Any:
    """Places of a table for the terms of a row: a power of two."""
    size = 64
    while size < SPARSENESS * n_terms:
        size *= 2
    return size


@kernel
def enter_terms(
    table: NDArray[np.int32], marks: NDArray[np.bool_], start: Any, stop: Any, indices: NDArray[Any]
) -> Any:
    """Enter the terms of row start..stop into a table and marks of zeros; returns the mask of the table.

    The table is open-addressed, and says where in the row a term stands, from 1.
    """
    mask = table_size(stop - start) - 1
    for k in range(start, stop):
        term = np.int64(indices[k])
        marks[term & (MARKS - 1)] = True
        at = term & mask
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = k - start + 1
    return mask


@kernel
def clear_terms(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    mask: Any,
) -> None:
    """Make table and marks zeros again."""
    table[: mask + 1] = 0
    for k in range(start, stop):
        marks[np.int64(indices[k]) & (MARKS - 1)] = False


@kernel
def cosine(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    own: Any,
    own_indices: NDArray[Any],
    own_data: NDArray[np.float64],
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    data: NDArray[np.float64],
) -> float:
    """Inner product of the row that begins at `own`, whose terms are in the table, with row start..stop.

    Most terms of one are not in the other: the marks, which stay in the nearest cache, say so.
    """
    similarity = 0.0
    for k in range(start, stop):
        term = np.int64(indices[k])
        if not marks[term & (MARKS - 1)]:
            continue
        at = term & mask
        while table[at] != 0:
            place = own + table[at] - 1
            if own_indices[place] == term:
                similarity += own_data[place] * data[k]
                break
            at = (at + 1) & mask
    return similarity


@kernel
def largest(values: NDArray[Any], most: int) -> NDArray[np.bool_]:
    """Mark the `most` largest values; of equals, the first."""
    last = np.partition(values, len(values) - most)[len(values) - most]
    chosen: NDArray[np.bool_] = values > last
    ties = most - chosen.sum()
    for k in range(len(values)):
        if ties > 0 and values[k] == last:
            chosen[k] = True
            ties -= 1
    return chosen


@kernel
def most_promising(candidates: NDArray[np.int32], n: int, most: int, partial: NDArray[np.float32]) -> int:
    """Move the `most` candidates that show most to the front; what the others show is forgotten."""
    chosen = largest(partial[candidates[:n]], most)
    kept = 0
    for t in range(n):
        if chosen[t]:
            candidates[kept] = candidates[t]
            kept += 1
        else:
            partial[candidates[t]] = NOTHING
    return kept


@kernel
def above(cosine: float, floor: float) -> float:
    """Similarity of a cosine, counted from what both share with strangers; none where that is everything.

    It is a multiple of a small power of two: sums of such are the same in any order.
    """
    return np.floor((cosine - floor) / (1.0 - floor) * FINENESS + 0.5) / FINENESS if floor < 1.0 else 0.0


@kernel
def promising_rows(
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    data: NDArray[np.float64],
    indexed: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    end: Any,
    own_floor: float,
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    crowd: int,
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
) -> int:
    """Rows before `end` whose indexed terms promise an edge with row start..stop: those that show most.

    Returns how many there are; they are put into `touched`, and what each shows into `partial`, which is all
    zeros before. Where they are a crowd, they stand in their order, so that of equals the first counts.
    """
    met = 0
    for k in range(start, stop):
        if not indexed[k]:
            continue
        term = indices[k]
        weight = np.float32(abs(data[k]))
        for p in range(bounds[term], bounds[term + 1]):
            j = posting_rows[p]
            if j >= end:
                break
            shown = partial[j]
            if shown == NOTHING:
                touched[met] = j
                met += 1
            partial[j] = shown + weight * posting_weights[p] + TRACE
    enough = promise * (own_floor + (1.0 - own_floor) * least)
    promising = 0
    for t in range(met):
        j = touched[t]
        if partial[j] < enough or partial[j] < promise * (floors[j] + (1.0 - floors[j]) * least):
            partial[j] = NOTHING
        else:
            touched[promising] = j
            promising += 1
    if promising > crowd:
        touched[:promising].sort()
    if promising > EXAMINED * crowd:
        promising = most_promising(touched, promising, EXAMINED * crowd, partial)
    return promising


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
    crowd: int,
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
) -> Any:
    """Edges between rows begin..end and `crowd` earlier ones at most: (earlier row * n + row, cosine).

    `promise` is the share of the least cosine of an edge that indexed terms have to show, negative where they
    need not show any. `partial`, `table` and `marks` are scratch, all zeros before and after.
    """
    n = len(indptr) - 1
    codes, values = np.empty(1024, np.int64), np.empty(1024, np.float64)
    found = 0
    for i in range(begin, end):
        first, own, stop = found, indptr[i], indptr[i + 1]
        mask = enter_terms(table, marks, own, stop, indices)
        promising = promising_rows(
            own, stop, indices, data, indexed, bounds, posting_rows, posting_weights, i, floors[i], floors,
            promise, least, crowd, partial, touched,
        )  # fmt: skip
        for t in range(promising):
            j = touched[t]
            partial[j] = NOTHING
            product = cosine(table, marks, mask, own, indices, data, indptr[j], indptr[j + 1], indices, data)
            similarity = above(product, max(floors[i], floors[j]))
            if similarity < least or similarity <= 0.0:
                continue
            if found == len(codes):
                codes = np.concatenate((codes, np.empty(found, np.int64)))
                values = np.concatenate((values, np.empty(found, np.float64)))
            codes[found] = j * n + i
            values[found] = product
            found += 1
        if found - first > crowd:
            found = keep_best(codes, values, first, found, crowd)
        clear_terms(table, marks, own, stop, indices, mask)
    return codes[:found].copy(), values[:found].copy()


@kernel
def keep_best(codes: NDArray[np.int64], values: NDArray[np.float64], start: int, stop: int, most: int) -> int:
    """Move the `most` largest values of start..stop to its front, of equals the first; returns their end."""
    chosen = largest(values[start:stop], most)
    end = start
    for k in range(start, stop):
        if chosen[k - start]:
            codes[end], values[end] = codes[k], values[k]
            end += 1
    return end


@kernel
def above_crowds(
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
def count_from_floors(
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
