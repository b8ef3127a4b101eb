"""Rows looked up in blocks of earlier ones, and how what is found in all blocks makes the whole graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import map_chunks
from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.graph import default_limits
from storyclust.cluster.pair_search import CANDIDATES_PER_NEIGHBOR, IndexedRows, QueryRows, search_block
from storyclust.cluster.postings import Csr, entry_costs, index_entries, mark_entries
from storyclust.cluster.selection import nth_largest_of_labels
from storyclust.distributed.blocks import Block
from storyclust.distributed.columns import end_to_end, most_of_each, renumbered, some_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MarkedBlock(NamedTuple):
    """What is needed of a block to compare its rows."""

    places: NDArray[np.int64]
    terms: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[Any]
    indexed: NDArray[np.bool_]  # of each entry: whether its term is indexed
    floors: NDArray[np.float64]  # background similarity of each row


class Found(NamedTuple):
    """Candidate pairs, whose cosines were computed."""

    later: NDArray[np.int64]
    earlier: NDArray[np.int64]
    shown: NDArray[np.float32]  # partial dot products over indexed terms
    cosines: NDArray[np.float64]  # 0 where the pair is no edge
    floors: NDArray[np.float64]  # the larger background similarity of the two rows


class Pairs(NamedTuple):
    """Pairs of places that are more similar than the background, each once."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    cosines: NDArray[np.float64]
    floors: NDArray[np.float64]


class Edges(NamedTuple):
    """Pairs of places, each once, and their similarities."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    values: NDArray[np.float64]


class BlockIndex(NamedTuple):
    """A block in which rows are looked up."""

    places: NDArray[np.int64]
    terms: NDArray[np.uint64]
    rows: IndexedRows


def mark_block(block: Block, null_similarity: NDArray[np.float64], n_jobs: int = 1) -> MarkedBlock:
    """Mark the entries of a block that are indexed; its rows have these background similarities."""
    rows = Csr(block.indptr, block.indices, block.data)
    indexed = np.zeros(len(rows.indices), np.bool_)
    limits = default_limits()

    def work(start: int, stop: int) -> None:
        mark_entries(start, stop, rows, block.holders, limits.max_postings, limits.heaviest, indexed)

    map_chunks(work, entry_costs(block.indptr), n_jobs, "index")
    return MarkedBlock(block.places, block.terms, *rows, indexed, null_similarity)


def index_block(block: MarkedBlock) -> BlockIndex:
    """Index a block by its marked entries."""
    matrix = Csr(block.indptr, block.indices, block.data)
    postings = index_entries(matrix, block.indexed, len(block.terms))
    return BlockIndex(block.places, block.terms, IndexedRows(matrix, postings, block.floors))


def find_between(
    rows: MarkedBlock,
    others: BlockIndex,
    numbers: NDArray[np.int32],
    min_similarity: float,
    n_jobs: int = 1,
) -> Found:
    """Compare rows with the earlier ones of a block, which may be their own.

    Parameters
    ----------
    rows : MarkedBlock
    others : BlockIndex
    numbers : int32 array of shape (n_terms,)
        Number of each term of `rows` among those of `others`, -1 where it is not there.
    min_similarity : float
        Least similarity of an edge.
    n_jobs : int, default=1
        Threads.

    Returns
    -------
    found : Found
    """
    *columns, indexed = renumbered(rows.indptr, rows.indices, rows.data, rows.indexed, numbers)
    queries = QueryRows(Csr(*columns), indexed, rows.floors, np.searchsorted(others.places, rows.places))
    hits = search_block(
        queries, others.rows, default_limits(), min_similarity, keep_rejected=True, n_jobs=n_jobs
    )
    floors = np.maximum(rows.floors[hits.rows], others.rows.null_similarity[hits.others])
    return Found(rows.places[hits.rows], others.places[hits.others], hits.partial, hits.cosines, floors)


def merge_found(parts: Sequence[Found]) -> Found:
    """Merge what was found between one block and others; the result may be merged again."""
    whole = end_to_end(parts)
    return some_of(whole, most_of_each(whole.later, whole.shown, whole.earlier, examined()))


def examined() -> int:
    """Candidates of a row among earlier ones whose cosines count: see `find_candidates`."""
    return CANDIDATES_PER_NEIGHBOR * _max_neighbors()


def split_found(found: Found) -> tuple[Found, Found]:
    """Split pairs into edges and others.

    The others matter only where a row has more candidates in all blocks than are examined.
    """
    kept = found.cosines > 0.0
    return some_of(found, kept), some_of(found, ~kept)


def pairs_of(found: Found) -> Pairs:
    """Pairs of the rows of a block with all earlier ones, in any order, within the neighbour cap."""
    found = some_of(found, found.cosines > 0.0)
    found = some_of(found, most_of_each(found.later, found.cosines, found.earlier, _max_neighbors()))
    return Pairs(found.earlier, found.later, found.cosines, found.floors)


def _max_neighbors() -> int:
    return default_limits().max_neighbors


def crowd_cosines(pairs: Pairs, crowded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Largest cosines of rows over the neighbour cap, as many as count: places, cosines."""
    places = np.concatenate((pairs.earlier, pairs.later))
    inside = np.isin(places, crowded)
    places, cosines = places[inside], np.concatenate((pairs.cosines, pairs.cosines))[inside]
    kept = most_of_each(places, cosines, places, _max_neighbors())
    return places[kept], cosines[kept]


def crowd_floors(
    crowded: NDArray[np.int64], parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> NDArray[np.float64]:
    """Cosine of each row over the neighbour cap with its last neighbour that counts, from all `parts`."""
    places = np.concatenate([part[0] for part in parts])
    cosines = np.concatenate([part[1] for part in parts])
    return nth_largest_of_labels(np.searchsorted(crowded, places), cosines, len(crowded), _max_neighbors())


def count_edges(
    pairs: Pairs,
    crowded: NDArray[np.int64],
    raised: NDArray[np.float64],
    few: NDArray[np.int64],
    strong: NDArray[np.float64],
    min_similarity: float,
) -> Edges:
    """Correct cosines for background similarity; the pairs that remain are the edges of the graph.

    Parameters
    ----------
    pairs : Pairs
    crowded : int64 array of shape (k,)
        Rows with more than `MAX_NEIGHBORS` neighbours, ascending.
    raised : float64 array of shape (k,)
        The cosine of each with the last neighbour that counts: see `crowd_floors`.
    few : int64 array of shape (m,)
        Rows whose language has few articles, ascending.
    strong : float64 array of shape (m,)
        Least similarity of an edge of each of them.
    min_similarity : float
        Least similarity of an edge of the others.

    Returns
    -------
    edges : Edges
    """
    similarities = corrected_similarities(pairs.cosines, _raise_to(pairs.floors, pairs, crowded, raised))
    least = _raise_to(np.full(len(similarities), min_similarity), pairs, few, strong)
    kept = (similarities >= least) & (similarities > 0.0)
    return Edges(pairs.earlier[kept], pairs.later[kept], similarities[kept])


def _raise_to(
    values: NDArray[np.float64], pairs: Pairs, rows: NDArray[np.int64], of_rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of pairs, or what some ascending rows require of all their pairs if that is larger."""
    if len(rows):
        for ends in (pairs.earlier, pairs.later):
            at = np.minimum(np.searchsorted(rows, ends), len(rows) - 1)
            values = np.where(rows[at] == ends, np.maximum(values, of_rows[at]), values)
    return values
