"""Similarity graph: the pairs of similar rows of a TF-IDF matrix, and exactly how similar they are.

Candidates come from an inverted index of rare terms only: those that few rows hold, and a few of the heaviest
of each row. So posting lists of common terms never make the search quadratic, and the cost of a row hardly
grows with the corpus. No row has more than `MAX_NEIGHBORS` neighbours: what it shares with more than so many
comes from a template or a language, not from a story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows, join_parts
from storyclust._core.memory import release_memory
from storyclust._core.parallel import kernel, map_chunks, map_shares
from storyclust._core.sorting import argsort, nth_largest
from storyclust._core.union_find import GroupedRows
from storyclust.cluster.correction import corrected_similarity
from storyclust.cluster.pair_search import (
    Hits,
    IndexedRows,
    Limits,
    QueryRows,
    enlarged,
    join_hits,
    search_parts,
)
from storyclust.cluster.postings import Csr, choose_entries, entry_costs, index_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

# With these, events and threads on every labelled set are those of the exact graph, in a tenth of the time at
# 10,000 articles.
MAX_POSTINGS = 500  # rows that hold a term, beyond which it is common and not indexed
HEAVIEST = 32  # terms of a row that are indexed all the same, so that short texts have enough
PRUNING_RATIO = 0.4  # share of an edge's least cosine that the indexed terms of two rows must reach
# Without a cap, the notices of one form among 300,000 articles (4% of them) hold nine tenths of all edges. It
# changes nothing on any labelled set.
MAX_NEIGHBORS = 1_000


def default_limits() -> Limits:
    """Limits of a search for stories."""
    return Limits(MAX_POSTINGS, HEAVIEST, PRUNING_RATIO, MAX_NEIGHBORS)


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
    null_similarity : float64 array of shape (n,), optional
        Background similarity of each row. With `m` the larger one of two rows and `s` their cosine, the
        similarity is ``(s - m) / (1 - m)``; without it, it is the cosine. For a row of more than
        `MAX_NEIGHBORS` neighbours, the cosine with the last of so many becomes its background similarity. So
        the number of edges is linear in the rows of any matrix.
    n_jobs : int or None
        Threads.
    exact : bool, default=False
        Index every term, so that no pair is missed, at quadratic cost. This is always done where
        `min_similarity` is 0 or values are negative: pruning requires partial products that only grow.

    Returns
    -------
    graph : csr_array of shape (n, n)
        Symmetric, without a diagonal, indices sorted.

    See Also
    --------
    storyclust.cluster.background_similarity.background_similarity : how `null_similarity` is measured.
    """
    n = X.shape[0]
    limits = default_limits()
    if null_similarity is None:
        limits = limits._replace(max_neighbors=n)
    if exact or min_similarity <= 0 or bool((X.data < 0).any()):
        limits = Limits(n, 0, -1.0, n)
    return search(X, min_similarity, null_similarity, limits, n_jobs)


def search(
    X: sparse.csr_array,
    min_similarity: float,
    null_similarity: NDArray[np.float64] | None,
    limits: Limits,
    n_jobs: int | None = None,
) -> sparse.csr_array:
    """Compute the similarity graph within some limits: see `similarity_graph`."""
    n = X.shape[0]
    background = np.zeros(n) if null_similarity is None else null_similarity
    hits = join_hits(_compare_rows(X, min_similarity, background, limits, n_jobs))
    release_memory()
    graph = symmetric_csr(hits.others, hits.rows, hits.cosines, n, n_jobs)
    del hits
    if null_similarity is not None:
        graph = _corrected(graph, background, min_similarity, limits.max_neighbors, n_jobs)
    return compressed_rows(*graph, (n, n))


def _compare_rows(
    X: sparse.csr_array,
    min_similarity: float,
    null_similarity: NDArray[np.float64],
    limits: Limits,
    n_jobs: int | None,
) -> list[Hits]:
    """Compare every row with those before it: one block with itself. Its index is freed with the return."""
    rows = Csr.of(X)
    indexed = choose_entries(X, limits.max_postings, limits.heaviest, n_jobs)
    queries = QueryRows(rows, indexed, null_similarity, np.arange(X.shape[0]))
    block = IndexedRows(rows, index_entries(rows, indexed, X.shape[1], n_jobs), null_similarity)
    return search_parts(queries, block, limits, min_similarity, n_jobs=n_jobs)


def _corrected(
    cosines: Csr,
    null_similarity: NDArray[np.float64],
    min_similarity: float,
    max_neighbors: int,
    n_jobs: int | None,
) -> Csr:
    """Edges of a graph of cosines that remain when these are corrected for background similarity."""
    costs = 12 * np.diff(cosines.indptr) + 8

    def raised(first: int, last: int) -> NDArray[np.float64]:
        bounds, own = cosines.indptr[first : last + 1], null_similarity[first:last]
        values: NDArray[np.float64] = raise_null_similarity(bounds, cosines.data, own, max_neighbors)
        return values

    null_similarity = np.concatenate([np.empty(0), *map_chunks(raised, costs, n_jobs, "graph")])

    def work(first: int, last: int) -> tuple[NDArray[Any], ...]:
        edges: tuple[NDArray[Any], ...] = correct_rows(first, last, cosines, null_similarity, min_similarity)
        return edges

    sizes, indices, data = join_parts(
        map_chunks(work, costs, n_jobs, "graph"), (np.int64, np.int32, np.float64)
    )
    return Csr(np.append(0, np.cumsum(sizes)), indices, data)


@kernel
def raise_null_similarity(
    indptr: NDArray[np.int64],
    cosines: NDArray[np.float64],
    null_similarity: NDArray[np.float64],
    max_neighbors: int,
) -> NDArray[np.float64]:
    """Background similarities; of rows over the cap, the cosine with the last neighbour if that is larger."""
    raised = null_similarity.copy()
    for row in range(len(raised)):
        own = cosines[indptr[row] : indptr[row + 1]]
        if len(own) > max_neighbors:
            raised[row] = max(raised[row], nth_largest(own, max_neighbors))
    return raised


@kernel
def correct_rows(
    first: int, last: int, cosines: Csr, null_similarity: NDArray[np.float64], min_similarity: float
) -> Any:
    """Edges of rows first..last that remain when cosines are corrected: their numbers, indices and values."""
    indptr, indices, data = cosines
    sizes = np.zeros(last - first, np.int64)
    room = indptr[last] - indptr[first]
    others, similarities = np.empty(room, np.int32), np.empty(room, np.float64)
    end = 0
    for row in range(first, last):
        for k in range(indptr[row], indptr[row + 1]):
            floor = max(null_similarity[row], null_similarity[indices[k]])
            similarity = corrected_similarity(data[k], floor)
            if similarity >= min_similarity and similarity > 0.0:
                others[end], similarities[end] = indices[k], similarity
                sizes[row - first] += 1
                end += 1
    return sizes, others[:end].copy(), similarities[:end].copy()


@kernel
def edge_values(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Values of edges between rows and columns, 0 where there is none; the indices of each row are sorted."""
    values = np.zeros(len(rows), np.float64)
    for k in range(len(rows)):
        begin, end = indptr[rows[k]], indptr[rows[k] + 1]
        at = begin + np.searchsorted(indices[begin:end], columns[k])
        if at < end and indices[at] == columns[k]:
            values[k] = data[at]
    return values


def symmetric_csr(
    earlier: NDArray[Any],
    later: NDArray[Any],
    values: NDArray[np.float64],
    n: int,
    n_jobs: int | None = None,
) -> Csr:
    """Symmetric graph from its edges, each given once, in the order of the later row.

    Parameters
    ----------
    earlier, later : int arrays of shape (n_edges,)
    values : float64 array of shape (n_edges,)
    n : int
        Nodes.
    n_jobs : int or None, default=None
        Threads.
    """
    before, after = np.bincount(later, minlength=n), np.bincount(earlier, minlength=n)
    indptr = np.append(0, np.cumsum(before + after))
    middle = indptr[:-1] + before
    graph = Csr(indptr, np.empty(indptr[n], np.int32), np.empty(indptr[n], np.float64))
    edges = Csr(later, earlier, values)

    # Later neighbours come in order and fill a row from its middle on; read from there in order of rows,
    # they give the earlier neighbours of others in order too.
    def work_on_later(first: int, last: int) -> None:
        write_later(first, last, edges, middle, graph)

    def work_on_earlier(first: int, last: int) -> None:
        write_earlier(first, last, middle, graph)

    map_shares(work_on_later, after + 1, n_jobs, "graph")
    map_shares(work_on_earlier, before + 1, n_jobs, "graph")
    return graph


@kernel
def write_later(first: int, last: int, edges: Csr, middle: NDArray[np.int64], graph: Csr) -> None:
    """Write the neighbours of rows first..last that come after them."""
    later, earlier, values = edges
    at = middle[first:last].copy()
    for k in range(len(values)):
        row = np.int64(earlier[k]) - first
        if 0 <= row < len(at):
            graph.indices[at[row]], graph.data[at[row]] = later[k], values[k]
            at[row] += 1


@kernel
def write_earlier(first: int, last: int, middle: NDArray[np.int64], graph: Csr) -> None:
    """Write the neighbours of rows first..last that come before them, from those that come after others."""
    indptr, indices, data = graph
    at = indptr[first:last].copy()
    for row in range(len(middle)):
        for k in range(middle[row], indptr[row + 1]):
            other = np.int64(indices[k]) - first
            if 0 <= other < len(at):
                indices[at[other]], data[at[other]] = row, data[k]
                at[other] += 1


def contracted(
    graph: sparse.csr_array, labels: NDArray[np.int64], n_labels: int, n_jobs: int | None = None
) -> sparse.csr_array:
    """Graph of the labels of nodes: sums of the edges between those of two labels, and inside of one.

    Sums of similarities are exact, so they do not depend on the order of nodes.
    """
    edges, groups = Csr.of(graph), GroupedRows.of(labels, n_labels)

    def work(first: int, last: int) -> Any:
        return sum_edges(first, last, edges, labels, groups)

    parts = map_chunks(work, groups.sums(entry_costs(graph.indptr)), n_jobs, "graph")
    sizes, indices, data = join_parts(parts, (np.int64, np.int32, np.float64))
    return compressed_rows(np.append(0, np.cumsum(sizes)), indices, data, (n_labels, n_labels))


@kernel
def sum_edges(
    first: int,
    last: int,
    graph: Csr,
    labels: NDArray[np.int64],
    groups: GroupedRows,
) -> Any:
    """Sizes, neighbours and sums of edges of the labels first..last."""
    order, bounds = groups
    slots = np.full(len(bounds) - 1, -1, np.int64)
    sizes, met = np.zeros(last - first, np.int64), np.empty(1024, np.int32)
    sums, found = np.empty(1024, np.float64), 0
    for label in range(first, last):
        begin = found
        for row in order[bounds[label] : bounds[label + 1]]:
            for k in range(graph.indptr[row], graph.indptr[row + 1]):
                other = labels[graph.indices[k]]
                if slots[other] < 0:
                    if found == len(met):
                        met, sums = enlarged(met, found), enlarged(sums, found)
                    slots[other], met[found], sums[found] = found, other, 0.0
                    found += 1
                sums[slots[other]] += graph.data[k]
        for other in met[begin:found]:
            slots[other] = -1
        by_label = argsort(met[begin:found])
        met[begin:found], sums[begin:found] = met[begin:found][by_label], sums[begin:found][by_label]
        sizes[label - first] = found - begin
    return sizes, met[:found].copy(), sums[:found].copy()
