"""Inverted index of a sparse matrix: which rows hold a term, and which entries are worth indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import CHUNK_BYTES, kernel, map_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Index(NamedTuple):
    """Inverted index of some entries of a matrix: who holds a term, in ascending order."""

    bounds: NDArray[np.int64]  # of each term's list
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


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
