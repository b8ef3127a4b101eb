"""Inverted index of a sparse matrix: which rows hold a term, and which entries are worth indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import CHUNK_BYTES, kernel, map_chunks, map_shares
from storyclust._core.sorting import nth_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse


# Chunks are cut by estimated memory traffic, which decides how threads share the work and no result.
POSTING_BYTES = 16  # of each posting read: row, weight, and a partial product that is read and written
ENTRY_BYTES = 64  # of each entry: a cache line, for what is known of its term lies anywhere in memory
MIN_ROW_BYTES = CHUNK_BYTES // 4096  # so that a chunk has 4,096 rows at most, however little they read


class Csr(NamedTuple):
    """Sparse rows: row `i` holds ``data[indptr[i]:indptr[i + 1]]`` in the columns ``indices[...]``."""

    indptr: NDArray[Any]
    indices: NDArray[Any]
    data: NDArray[Any]

    @classmethod
    def of(cls, X: sparse.csr_array) -> Csr:
        """Arrays of a matrix, not copied."""
        return cls(X.indptr, X.indices, X.data)


class Postings(NamedTuple):
    """Inverted index of some entries of a matrix: of each term, the rows that hold it, ascending."""

    bounds: NDArray[np.int64]  # of each term's list
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


def lookup_costs(
    rows: Csr, indexed: NDArray[np.bool_], postings: Postings, n_jobs: int | None = None
) -> NDArray[np.int64]:
    """Estimate the bytes that are read when each row is looked up."""
    reads = np.zeros(len(rows.indptr) - 1, np.int64)

    def work(start: int, stop: int) -> None:
        count_reads(start, stop, rows, indexed, postings.bounds, reads)

    map_chunks(work, entry_costs(rows.indptr), n_jobs, "index")
    return POSTING_BYTES * reads + MIN_ROW_BYTES


def entry_costs(indptr: NDArray[Any]) -> NDArray[np.int64]:
    """Estimate the bytes that are read when each row's entries are."""
    return ENTRY_BYTES * np.diff(indptr).astype(np.int64)


@kernel
def count_reads(
    begin: int,
    end: int,
    rows: Csr,
    indexed: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    reads: NDArray[np.int64],
) -> None:
    """Add up the lengths of the posting lists of the indexed terms of rows begin..end."""
    for row in range(begin, end):
        for k in range(rows.indptr[row], rows.indptr[row + 1]):
            if indexed[k]:
                term = rows.indices[k]
                reads[row] += bounds[term + 1] - bounds[term]


def count_holders(indices: NDArray[Any], n_terms: int, n_jobs: int | None = None) -> NDArray[np.int64]:
    """Document frequency of each term."""
    return _count_terms(indices, np.broadcast_to(np.True_, len(indices)), n_terms, n_jobs)


def _count_terms(
    indices: NDArray[Any], counted: NDArray[np.bool_], n_terms: int, n_jobs: int | None
) -> NDArray[np.int64]:
    """Number of marked entries of each term."""
    df = np.zeros(n_terms, np.int64)

    def work(first: int, last: int) -> None:
        count_terms(first, indices, counted, df[first:last])

    map_shares(work, np.ones(n_terms, np.int64), n_jobs, "index")
    return df


@kernel
def count_terms(first: int, indices: NDArray[Any], counted: NDArray[np.bool_], df: NDArray[np.int64]) -> None:
    """Count the marked entries of each of some consecutive terms, beginning with `first`, in `df`."""
    for k in range(len(indices)):
        term = indices[k] - first
        if 0 <= term < len(df):
            df[term] += counted[k]


def choose_entries(
    X: sparse.csr_array,
    max_postings: int,
    heaviest: int,
    n_jobs: int | None = None,
    df: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Mark entries whose terms at most `max_postings` rows hold, and the heaviest of each row.

    Of equally heavy ones, the rarer come first. `df` has the rows that hold each term; by default they are
    counted in `X`.
    """
    df = count_holders(X.indices, X.shape[1], n_jobs) if df is None else df
    chosen = np.zeros(X.nnz, np.bool_)
    rows = Csr.of(X)

    def work(start: int, stop: int) -> None:
        mark_entries(start, stop, rows, df, max_postings, heaviest, chosen)

    map_chunks(work, entry_costs(X.indptr), n_jobs, "index")
    return chosen


@kernel
def mark_entries(
    begin: int,
    end: int,
    rows: Csr,
    df: NDArray[np.int64],
    max_postings: int,
    heaviest: int,
    chosen: NDArray[np.bool_],
) -> None:
    """Mark entries of rows begin..end in `chosen`: see `choose_entries`."""
    indptr, indices, data = rows
    for row in range(begin, end):
        start, stop = indptr[row], indptr[row + 1]
        common = 0
        for k in range(start, stop):
            chosen[k] = df[indices[k]] <= max_postings
            common += not chosen[k]
        if common == 0 or heaviest == 0:
            continue
        if stop - start <= heaviest:
            chosen[start:stop] = True
            continue
        last = nth_largest(data[start:stop], heaviest)
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


def index_entries(rows: Csr, indexed: NDArray[np.bool_], n_terms: int, n_jobs: int | None = None) -> Postings:
    """Index those entries of a matrix that are marked."""
    sizes = _count_terms(rows.indices, indexed, n_terms, n_jobs)
    bounds = np.zeros(n_terms + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    # Arrays that are read in any order are made by NumPy, which asks for large pages of memory.
    postings = Postings(bounds, np.empty(bounds[-1], np.int32), np.empty(bounds[-1], np.float32))

    def work(first: int, last: int) -> None:
        write_postings(first, last, rows, indexed, postings)

    map_shares(work, sizes, n_jobs, "index")
    return postings


@kernel
def write_postings(first: int, last: int, rows: Csr, indexed: NDArray[np.bool_], postings: Postings) -> None:
    """Fill in the lists of the terms first..last; ``postings.bounds`` is given."""
    (indptr, indices, data), (bounds, holders, weights) = rows, postings
    at = bounds[first:last].copy()
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            term = indices[k] - first
            if indexed[k] and 0 <= term < len(at):
                place = at[term]
                holders[place], weights[place] = row, abs(data[k])
                at[term] += 1
