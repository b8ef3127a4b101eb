"""Similar rows of two blocks, and how parts make the whole graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.arrays import join_parts
from storyclust._core.parallel import CHUNK_BYTES, kernel, map_chunks
from storyclust.cluster.graph import default_limits
from storyclust.cluster.pair_search import (
    EXAMINED,
    MARKS,
    NOTHING,
    above,
    candidate_rows,
    clear_terms,
    cosine,
    enter_terms,
    table_size,
)
from storyclust.cluster.postings import Index, invert, mark_entries
from storyclust.distributed.blocks import Block
from storyclust.distributed.columns import (
    end_to_end,
    last_of_each,
    most_of_each,
    numbers_in,
    renumbered,
    some_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


PIECES = 8  # that each thread compares


class MarkedBlock(NamedTuple):
    """What is needed of a block to compare its rows: which of their terms are rare enough for an index."""

    places: NDArray[np.int64]
    terms: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[Any]
    indexed: NDArray[np.bool_]  # of each entry
    floors: NDArray[np.float64]  # what each row shares with strangers


class Found(NamedTuple):
    """Pairs that were promising enough to be compared."""

    later: NDArray[np.int64]
    earlier: NDArray[np.int64]
    shown: NDArray[np.float32]  # what indexed terms showed
    cosines: NDArray[np.float64]  # 0 where they did not keep the promise
    floors: NDArray[np.float64]  # what the one of the two that shares more with strangers shares with them


class Pairs(NamedTuple):
    """Pairs of places that are more similar than strangers are, each once."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    cosines: NDArray[np.float64]
    floors: NDArray[np.float64]


class Edges(NamedTuple):
    """Pairs of places, each once, and their similarities."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    values: NDArray[np.float64]


def mark_block(block: Block, floors: NDArray[np.float64]) -> MarkedBlock:
    """Mark the rare terms of a block, whose rows share this much with strangers."""
    _, _, terms, holders, indptr, indices, data = block
    indexed = np.zeros(len(indices), np.bool_)
    most_holders, heaviest, _, _ = default_limits()
    n = len(block.places)
    mark_entries(0, n, indptr, indices, data, holders, most_holders, heaviest, indexed)
    return MarkedBlock(block.places, terms, indptr, indices, data, indexed, floors)


def find_between(rows: MarkedBlock, others: MarkedBlock, least: float, n_jobs: int = 1) -> Found:
    """Compare rows of one block with earlier rows of another, or of the same.

    Parameters
    ----------
    rows, others : MarkedBlock
    least : float
        Least similarity of an edge.
    n_jobs : int, default=1
        Threads.

    Returns
    -------
    found : Found
    """
    _, terms, indptr, indices, data, indexed, floors = others
    own = rows.indptr, rows.indices, rows.data, rows.indexed
    if rows is not others:
        own = renumbered(*own, numbers_in(terms, rows.terms))
    listed = Index(*invert(indptr, indices, data, indexed, len(terms)))
    before = np.searchsorted(others.places, rows.places)
    _, _, promise, crowd = default_limits()
    bounds, own_indices, own_data, own_indexed = own

    def work(start: int, stop: int) -> tuple[NDArray[Any], ...]:
        later, *found = compare_rows(
            bounds[start : stop + 1], own_indices, own_data, own_indexed, before[start:stop],
            rows.floors[start:stop], listed.bounds, listed.rows, listed.weights, indptr, indices, data,
            floors, promise, least, crowd,
        )  # fmt: skip
        return later + start, *found

    # A few pieces for each thread, for each begins with empty tables for all of the others.
    n = len(rows.places)
    weights = np.full(n, CHUNK_BYTES * PIECES * n_jobs // max(n, 1) if n_jobs > 1 else 0)
    parts = map_chunks(work, weights, n_jobs, "similarities")
    later, earlier, shown, cosines = join_parts(parts, (np.int64, np.int64, np.float32, np.float64))
    above = np.maximum(rows.floors[later], floors[earlier])
    return Found(rows.places[later], others.places[earlier], shown, cosines, above)


def merge_found(parts: Sequence[Found]) -> Found:
    """Merge what was found between one block and others; the result may be merged again."""
    whole = end_to_end(parts)
    return some_of(whole, most_of_each(whole.later, whole.shown, whole.earlier, examined()))


def examined() -> int:
    """How many promising pairs of a row with earlier ones are looked at."""
    return EXAMINED * _crowd()


def split_found(found: Found) -> tuple[Found, Found]:
    """Those that kept their promise, and those that did not.

    The others matter only where a row has more promising ones than are looked at.
    """
    kept = found.cosines > 0.0
    return some_of(found, kept), some_of(found, ~kept)


def pairs_of(found: Found) -> Pairs:
    """Pairs of the rows of a block with all earlier ones, in any order."""
    found = some_of(found, found.cosines > 0.0)
    found = some_of(found, most_of_each(found.later, found.cosines, found.earlier, _crowd()))
    return Pairs(found.earlier, found.later, found.cosines, found.floors)


def _crowd() -> int:
    """Neighbours of a row that may belong to its story."""
    return default_limits().crowd


def crowd_cosines(pairs: Pairs, crowded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Largest cosines of rows that have a crowd of neighbours, as many as matter: the places, the cosines."""
    places = np.concatenate((pairs.earlier, pairs.later))
    inside = np.isin(places, crowded)
    places, cosines = places[inside], np.concatenate((pairs.cosines, pairs.cosines))[inside]
    kept = most_of_each(places, cosines, places, _crowd())
    return places[kept], cosines[kept]


def crowd_floors(
    crowded: NDArray[np.int64], parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> NDArray[np.float64]:
    """What rows in a crowd share with the last neighbour that counts, from all their largest cosines."""
    places = np.concatenate([part[0] for part in parts])
    cosines = np.concatenate([part[1] for part in parts])
    last: NDArray[np.float64] = last_of_each(
        np.searchsorted(crowded, places), cosines, len(crowded), _crowd()
    )
    return last


def count_edges(pairs: Pairs, crowded: NDArray[np.int64], raised: NDArray[np.float64], least: float) -> Edges:
    """Count cosines from what rows share with strangers; what remains are the edges of the graph.

    Parameters
    ----------
    pairs : Pairs
    crowded : int64 array of shape (k,)
        Rows with a crowd of neighbours, ascending.
    raised : float64 array of shape (k,)
        What each shares with the last of them that counts.
    least : float
        Least similarity of an edge.

    Returns
    -------
    edges : Edges
    """
    floors = pairs.floors
    if len(crowded):
        for ends in (pairs.earlier, pairs.later):
            at = np.minimum(np.searchsorted(crowded, ends), len(crowded) - 1)
            floors = np.where(crowded[at] == ends, np.maximum(floors, raised[at]), floors)
    similarities = corrected_similarities(pairs.cosines, floors)
    kept = (similarities >= least) & (similarities > 0.0)
    return Edges(pairs.earlier[kept], pairs.later[kept], similarities[kept])


@kernel
def corrected_similarities(cosines: NDArray[np.float64], floors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity of each pair, counted from what the two share with strangers."""
    similarities = np.empty(len(cosines), np.float64)
    for k in range(len(cosines)):
        similarities[k] = above(cosines[k], floors[k])
    return similarities


@kernel
def compare_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[Any],
    indexed: NDArray[np.bool_],
    before: NDArray[np.int64],
    own_floors: NDArray[np.float64],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    other_indptr: NDArray[np.int64],
    other_indices: NDArray[np.int32],
    other_data: NDArray[Any],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    crowd: int,
) -> Any:
    """Compare rows with those of another matrix that are promising, row `i` with those before ``before[i]``.

    Returns the rows, the others, what their indexed terms show, and their cosines, 0 for no edge.
    """
    widest = 0
    for i in range(len(indptr) - 1):
        widest = max(widest, indptr[i + 1] - indptr[i])
    table, marks = np.zeros(table_size(widest), np.int32), np.zeros(MARKS, np.bool_)
    partial, touched = np.zeros(len(floors), np.float32), np.empty(len(floors), np.int32)
    rows, others = np.empty(1024, np.int32), np.empty(1024, np.int32)
    shown, cosines = np.empty(1024, np.float32), np.empty(1024, np.float64)
    found = 0
    for i in range(len(indptr) - 1):
        own, stop = indptr[i], indptr[i + 1]
        if before[i] == 0 or own == stop:
            continue
        promising = candidate_rows(
            own, stop, indices, data, indexed, bounds, posting_rows, posting_weights, before[i],
            own_floors[i], floors, promise, least, crowd, partial, touched,
        )  # fmt: skip
        if promising == 0:
            continue
        if found + promising > len(rows):
            more = found + promising
            rows, others = (
                np.append(rows, np.empty(more, np.int32)),
                np.append(others, np.empty(more, np.int32)),
            )
            shown = np.append(shown, np.empty(more, np.float32))
            cosines = np.append(cosines, np.empty(more, np.float64))
        mask = enter_terms(table, marks, own, stop, indices)
        for t in range(promising):
            j = touched[t]
            product = cosine(
                table, marks, mask, own, indices, data, other_indptr[j], other_indptr[j + 1], other_indices,
                other_data,
            )  # fmt: skip
            similarity = above(product, max(own_floors[i], floors[j]))
            is_edge = similarity >= least and similarity > 0.0
            rows[found], others[found], shown[found] = i, j, partial[j]
            cosines[found] = product if is_edge else 0.0
            partial[j] = NOTHING
            found += 1
        clear_terms(table, marks, own, stop, indices, mask)
    return rows[:found].copy(), others[:found].copy(), shown[:found].copy(), cosines[:found].copy()
