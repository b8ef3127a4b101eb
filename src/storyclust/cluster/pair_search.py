"""Search for similar rows of two blocks: candidates by partial dot products, then exact cosines.

A row is looked up in an inverted index of rare terms (all-pairs similarity search; Bayardo, Ma and Srikant,
2007): partial dot products are accumulated term by term, candidates are the rows whose partial product passes
a pruning bound, and for these the cosine is computed in full. One machine compares one block with itself, a
cluster many blocks with each other.

References
----------
R. J. Bayardo, Y. Ma and R. Srikant, "Scaling up all pairs similarity search", Proceedings of the 16th
International Conference on World Wide Web (2007).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from storyclust._core.arrays import join_parts
from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.sorting import nth_largest, sort
from storyclust.cluster.correction import is_edge, pruning_bound
from storyclust.cluster.postings import Csr, Postings, lookup_costs
from storyclust.cluster.selection import mark_largest
from storyclust.cluster.term_table import MARKS, clear_terms, enter_terms, find_marked, find_term, table_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

CANDIDATES_PER_NEIGHBOR = 2  # candidates of a row that are examined for each neighbour it may have
# MET is added to the partial product of each row met, so that it is never ZERO. The lines that do so stand in
# two kernels: as a kernel of their own they made the whole search 30% slower.
ZERO, MET = np.float32(0.0), np.float32(1e-30)


class Limits(NamedTuple):
    """What bounds a search, so that neither its work nor its edges grow with the square of the rows."""

    max_postings: int  # rows that hold a term, beyond which it is not indexed as such
    heaviest: int  # terms of each row that are indexed however many rows hold them
    pruning_ratio: float  # share of an edge's least cosine that a partial product must reach; negative: none
    max_neighbors: int  # neighbours of a row


class QueryRows(NamedTuple):
    """Rows that are looked up in a block of others."""

    matrix: Csr
    indexed: NDArray[np.bool_]  # of each entry: whether its term is looked up
    null_similarity: NDArray[np.float64]  # background similarity of each row
    ends: NDArray[np.int64]  # each row is compared with the rows of the block before this one


class IndexedRows(NamedTuple):
    """Block of rows in which others are looked up; the columns of both mean the same terms."""

    matrix: Csr
    postings: Postings
    null_similarity: NDArray[np.float64]


class PostingLists(NamedTuple):
    """Posting lists that are read for a row."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    weights: NDArray[np.float32]  # of the row's entries


class Scratch(NamedTuple):
    """Arrays of a thread. All but `candidates` are zeros whenever no row is being looked up."""

    partial: NDArray[np.float32]  # partial dot product with each row of the block
    candidates: NDArray[np.int32]  # with room for one more
    table: NDArray[np.int32]  # see `enter_terms`
    marks: NDArray[np.bool_]


class Hits(NamedTuple):
    """Pairs of a query row and a row of the block."""

    rows: NDArray[np.int32]
    others: NDArray[np.int32]
    partial: NDArray[np.float32]  # partial dot products; empty unless rejected pairs are kept
    cosines: NDArray[np.float64]  # 0 where the pair is no edge


def search_block(
    queries: QueryRows,
    block: IndexedRows,
    limits: Limits,
    min_similarity: float,
    *,
    keep_rejected: bool = False,
    n_jobs: int | None = None,
) -> Hits:
    """Find the rows of a block that each query row is similar to.

    Parameters
    ----------
    queries : QueryRows
    block : IndexedRows
    limits : Limits
    min_similarity : float
        Least similarity of an edge, corrected for background similarity.
    keep_rejected : bool, default=False
        Return every candidate, so that those of several blocks can be merged before the limits apply.
        Otherwise no row has more than ``limits.max_neighbors`` pairs, and all of them are edges.
    n_jobs : int or None
        Threads.

    Returns
    -------
    hits : Hits
        In the order of the query rows.
    """
    return join_hits(
        search_parts(queries, block, limits, min_similarity, keep_rejected=keep_rejected, n_jobs=n_jobs)
    )


def join_hits(parts: list[Any]) -> Hits:
    """Join the hits of chunks of rows; `parts` is emptied."""
    return Hits(*join_parts(parts, (np.int32, np.int32, np.float32, np.float64)))


def search_parts(
    queries: QueryRows,
    block: IndexedRows,
    limits: Limits,
    min_similarity: float,
    *,
    keep_rejected: bool = False,
    n_jobs: int | None = None,
) -> list[Hits]:
    """Do the work of `search_block`; returns hits in parts, before whose joining the index may be freed."""

    def work(start: int, stop: int, scratch: Scratch) -> Any:
        return search_rows(start, stop, queries, block, limits, min_similarity, keep_rejected, scratch)

    longest = int(np.diff(queries.matrix.indptr).max(initial=0))
    costs = lookup_costs(queries.matrix, queries.indexed, block.postings, n_jobs)
    return map_with_scratch(work, len(block.null_similarity), longest, costs, n_jobs, "similarities")


def map_with_scratch(
    work: Callable[[int, int, Scratch], T],
    n_rows: int,
    longest: int,
    costs: NDArray[np.int64],
    n_jobs: int | None,
    name: str,
) -> list[T]:
    """Call `work(start, stop, scratch)` over chunks of query rows, with one scratch for each thread.

    `n_rows` is the size of the block, `longest` the most terms of a query row; see `map_chunks`.
    """
    own = threading.local()

    def work_on_thread(start: int, stop: int) -> T:
        if not hasattr(own, "scratch"):
            own.scratch = Scratch(
                np.zeros(n_rows, np.float32), np.empty(n_rows + 1, np.int32),
                np.zeros(table_size(longest), np.int32), np.zeros(MARKS, np.bool_),
            )  # fmt: skip
        return work(start, stop, own.scratch)

    return map_chunks(work_on_thread, costs, n_jobs, name)


@kernel
def search_rows(
    begin: int,
    end: int,
    queries: QueryRows,
    block: IndexedRows,
    limits: Limits,
    min_similarity: float,
    keep_rejected: bool,
    scratch: Scratch,
) -> Hits:
    """Look up query rows begin..end: see `search_block`."""
    partial, candidates, table, marks = scratch
    own, other = queries.matrix, block.matrix
    indptr, indices, _ = own
    null_similarity, other_null_similarity = queries.null_similarity, block.null_similarity
    rows, others = np.empty(1024, np.int32), np.empty(1024, np.int32)
    products, cosines = np.empty(1024, np.float32), np.empty(1024, np.float64)
    longest = longest_row(indptr, begin, end)
    lists = PostingLists(
        np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.float32)
    )
    marked = np.empty(1024, np.int64)
    found = 0
    for i in range(begin, end):
        n_candidates = find_candidates(i, queries, block, limits, min_similarity, partial, candidates, lists)
        if n_candidates == 0:
            continue
        if found + n_candidates > len(rows):
            more = found + n_candidates
            rows, others = enlarged(rows, more), enlarged(others, more)
            products, cosines = enlarged(products, more), enlarged(cosines, more)
        first, start, stop = found, indptr[i], indptr[i + 1]
        mask = enter_terms(table, marks, start, stop, indices)
        for t in range(n_candidates):
            j = np.uint32(candidates[t])
            size = other.indptr[j + 1] - other.indptr[j]
            if size > len(marked):
                marked = np.empty(2 * size, np.int64)
            cosine = dot(own, start, table, marks, mask, other, j, marked)
            floor = max(null_similarity[i], other_null_similarity[j])
            edge = is_edge(cosine, floor, min_similarity)
            if edge or keep_rejected:
                rows[found], others[found], products[found] = i, j, partial[j]
                cosines[found] = cosine if edge else 0.0
                found += 1
            partial[j] = ZERO
        clear_terms(table, marks, mask, start, stop, indices)
        if found - first > limits.max_neighbors and not keep_rejected:
            found = keep_largest(others, cosines, first, found, limits.max_neighbors)
    returned = found if keep_rejected else 0
    return Hits(
        rows[:found].copy(), others[:found].copy(), products[:returned].copy(), cosines[:found].copy()
    )


@kernel
def longest_row(indptr: NDArray[Any], begin: int, end: int) -> int:
    """Most entries of any of the rows begin..end."""
    longest = 0
    for row in range(begin, end):
        longest = max(longest, indptr[row + 1] - indptr[row])
    return longest


@kernel
def find_candidates(
    row: int,
    queries: QueryRows,
    block: IndexedRows,
    limits: Limits,
    min_similarity: float,
    partial: NDArray[np.float32],
    candidates: NDArray[np.int32],
    lists: PostingLists,
) -> int:
    """Find rows of a block whose partial dot product with a query row passes the pruning bound.

    Returns how many there are. They stand in `candidates`, their products in `partial`. Where they are more
    than ``limits.max_neighbors`` they ascend, so that of equal ones the first count.
    """
    end = np.uint32(queries.ends[row])
    if end == 0:
        return 0
    posting_rows, posting_weights = block.postings.rows, block.postings.weights
    background, n_met = block.null_similarity, np.uint64(0)
    # Half of the time goes here. Unsigned indices are used as they are, but signed ones tested for being
    # negative; and there is no branch where a row is met for the first time, which no processor predicts.
    for t in range(list_postings(row, queries, block.postings, lists)):
        weight = lists.weights[t]
        for p in range(np.uint64(lists.starts[t]), np.uint64(lists.stops[t])):
            j = np.uint32(posting_rows[p])
            if j >= end:
                break
            before = partial[j]
            candidates[n_met] = j
            n_met += np.uint64(before == ZERO)
            partial[j] = before + weight * posting_weights[p] + MET
    ratio, kept = limits.pruning_ratio, 0
    bound = pruning_bound(queries.null_similarity[row], min_similarity, ratio)
    for t in range(n_met):
        j = np.uint32(candidates[t])
        if partial[j] < bound or partial[j] < pruning_bound(background[j], min_similarity, ratio):
            partial[j] = ZERO
        else:
            candidates[kept] = j
            kept += 1
    most = CANDIDATES_PER_NEIGHBOR * limits.max_neighbors
    if kept > most:
        kept = keep_best_candidates(candidates[:kept], most, partial)
    if kept > limits.max_neighbors:
        sort(candidates[:kept])
    return kept


@kernel
def list_postings(row: int, queries: QueryRows, postings: Postings, lists: PostingLists) -> int:
    """Collect the posting lists of a row's indexed terms that begin with a row to be met; returns how many.

    They lie anywhere in memory: collected first, their beginnings are fetched at the same time, not in turn.
    """
    (indptr, indices, data), indexed, end = queries.matrix, queries.indexed, queries.ends[row]
    starts, stops, weights = lists
    n, kept = 0, 0
    for k in range(indptr[row], indptr[row + 1]):
        term = np.uint32(indices[k])
        starts[n], stops[n], weights[n] = postings.bounds[term], postings.bounds[term + 1], abs(data[k])
        n += indexed[k] & (starts[n] < stops[n])
    for t in range(n):
        first = postings.rows[np.uint64(starts[t])]
        starts[kept], stops[kept], weights[kept] = starts[t], stops[t], weights[t]
        kept += first < end
    return kept


@kernel
def keep_best_candidates(candidates: NDArray[np.int32], most: int, partial: NDArray[np.float32]) -> int:
    """Move the `most` candidates of largest partial product to the front, and forget the others.

    Of equal ones the first rows count. There may be a large share of all rows, so only some are ordered.
    """
    least, n_equal, kept = nth_largest(partial[candidates], most), 0, 0
    equal = np.empty(len(candidates), np.int32)
    for j in candidates:
        if partial[j] > least:
            candidates[kept] = j
            kept += 1
        elif partial[j] == least:
            equal[n_equal] = j
            n_equal += 1
        else:
            partial[j] = ZERO
    last = nth_largest(equal[:n_equal], n_equal - (most - kept) + 1)
    for j in equal[:n_equal]:
        if j <= last:
            candidates[kept] = j
            kept += 1
        else:
            partial[j] = ZERO
    return kept


@kernel
def keep_largest(
    others: NDArray[np.int32], cosines: NDArray[np.float64], start: int, stop: int, most: int
) -> int:
    """Move the `most` pairs of largest cosine among start..stop to its front; returns their end."""
    chosen = mark_largest(cosines[start:stop], most)
    end = start
    for k in range(start, stop):
        if chosen[k - start]:
            others[end], cosines[end] = others[k], cosines[k]
            end += 1
    return end


@kernel
def dot(
    own: Csr,
    start: Any,
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    other: Csr,
    row: Any,
    marked: NDArray[np.int64],
) -> float:
    """Dot product of the row of `own` that begins at `start` and is in the table, with a row of `other`.

    `marked` has room for that row.
    """
    own_indices, own_data = own.indices, own.data
    indptr, indices, data = other
    product = 0.0
    for t in range(find_marked(indices, indptr[row], indptr[row + 1], marks, marked)):
        k = np.uint64(marked[t])
        place = find_term(np.int64(indices[k]), table, marks, mask, start, own_indices)
        if place >= 0:
            product += own_data[place] * data[k]
    return product


@kernel
def enlarged(values: NDArray[Any], more: int) -> NDArray[Any]:
    """Array with uninitialised room for so many values more."""
    return np.concatenate((values, np.empty(more, values.dtype)))
