"""The similarity graph by blocks of rows: what two blocks have in common, and how parts make the whole.

A block is some rows of the vectors, whichever, each with its place in the order of all. Rows of one block
are compared with the earlier rows of every block; merged, and only then cut to the bounds of `graph`, what
is found is what `graph_above_strangers` finds in all rows together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.chunks import compressed_rows, kernel
from storyclust.graph import (
    EXAMINED,
    MARKS,
    NOTHING,
    above,
    clear_terms,
    cosine,
    enter_terms,
    invert,
    largest,
    mark_entries,
    promising_rows,
    table_size,
    usual_bounds,
)
from storyclust.strangers import enough_to_tell, for_want_of_neighbours, means_among, sample_rows
from storyclust.unions import rows_by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Block(NamedTuple):
    """Rows of the vectors: row `i` holds ``data[indptr[i]:indptr[i + 1]]`` of the terms ``indices[...]``."""

    places: NDArray[np.int64]  # of each row in the order of all, ascending
    groups: NDArray[np.int64]  # language of each row
    terms: NDArray[np.uint64]  # sorted hashes; column k stands for terms[k]
    holders: NDArray[np.int64]  # rows of all blocks that hold each term
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[Any]  # float32


class IndexedBlock(NamedTuple):
    """A block, and the inverted index of its rare terms."""

    block: Block
    indexed: NDArray[np.bool_]
    bounds: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


class Found(NamedTuple):
    """Pairs that were promising enough to be compared."""

    later: NDArray[np.int64]
    earlier: NDArray[np.int64]
    shown: NDArray[np.float32]  # what indexed terms showed
    cosines: NDArray[np.float64]  # 0 where they did not keep the promise


class Edges(NamedTuple):
    """Pairs of places, each once, and their cosines or similarities."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    values: NDArray[np.float64]


def join_blocks(parts: Sequence[Block]) -> Block:
    """Join blocks to one, rows in the order of their places."""
    terms, first = np.unique(np.concatenate([block.terms for block in parts]), return_index=True)
    holders = np.concatenate([block.holders for block in parts])[first]
    indices = [numbers_in(terms, block.terms)[block.indices] for block in parts]
    lengths = np.concatenate([np.diff(block.indptr) for block in parts])
    places = np.concatenate([block.places for block in parts])
    groups = np.concatenate([block.groups for block in parts])
    data = np.concatenate([block.data for block in parts])
    whole = Block(
        places, groups, terms, holders, np.append(0, np.cumsum(lengths)), np.concatenate(indices), data
    )
    return take_rows(whole, np.argsort(places))


def split_block(block: Block, most_rows: int) -> list[Block]:
    """Split a block to ones of so many rows at most."""
    rows = np.arange(len(block.places))
    return [take_rows(block, rows[start : start + most_rows]) for start in range(0, len(rows), most_rows)]


def rows_at(block: Block, places: NDArray[np.int64]) -> Block:
    """Rows of a block that stand at one of these sorted places."""
    return take_rows(block, np.flatnonzero(np.isin(block.places, places)))


def take_rows(block: Block, rows: NDArray[np.int64]) -> Block:
    """Rows of a block, with those terms alone that they hold."""
    lengths = np.diff(block.indptr)[rows]
    indptr = np.append(0, np.cumsum(lengths))
    entries = np.repeat(block.indptr[:-1][rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
    held = np.zeros(len(block.terms), np.bool_)
    held[block.indices[entries]] = True
    numbers = (np.cumsum(held) - 1).astype(np.int32)
    return Block(
        block.places[rows], block.groups[rows], block.terms[held], block.holders[held], indptr,
        numbers[block.indices[entries]], block.data[entries],
    )  # fmt: skip


def sample_places(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Places of the rows that each language's rows are compared with to tell strangers.

    Parameters
    ----------
    groups : int64 array of shape (n,)
        Language of each row of all, by place.

    Returns
    -------
    places : list of int64 array
        Of each language, ascending.
    """
    return [rows[sample_rows(len(rows))] for rows in rows_by_label(groups)]


def strangers_of(block: Block, samples: Sequence[Block], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """What rows of a block share with strangers: see `stranger_similarity`.

    Parameters
    ----------
    block : Block
    samples : sequence of Block
        Rows at the `sample_places` of each language.
    sizes : int64 array of shape (n_languages,)
        Rows of each language among all.

    Returns
    -------
    strangers : float64 array of shape (n,)
        Of each row of the block.
    """
    similarity = np.zeros(len(block.places))
    for group in np.unique(block.groups).tolist():
        rows = np.flatnonzero(block.groups == group)
        there = enough_to_tell(int(sizes[group]))
        if there:
            sample = samples[group]
            X = _matrix(*_in_terms_of(take_rows(block, rows), sample.terms)[:3], len(sample.terms))
            compared = _matrix(sample.indptr, sample.indices, sample.data, len(sample.terms))
            similarity[rows] = means_among(X, block.places[rows], compared, sample.places)
        similarity[rows] += for_want_of_neighbours(there)
    return similarity


def _matrix(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], data: NDArray[Any], n_terms: int
) -> sparse.csr_array:
    return compressed_rows(indptr, indices, data, (len(indptr) - 1, n_terms))


def _in_terms_of(
    block: Block, terms: NDArray[np.uint64], indexed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any], NDArray[np.bool_]]:
    """Rows of a block by the columns of other terms, less what these have not got."""
    numbers = numbers_in(terms, block.terms)
    marked = np.ones(len(block.indices), np.bool_) if indexed is None else indexed
    rows: tuple[Any, Any, Any, Any] = renumbered(block.indptr, block.indices, block.data, marked, numbers)
    return rows


def index_block(block: Block) -> IndexedBlock:
    """Index the rare terms of a block."""
    indptr, indices, data = block.indptr, block.indices, block.data
    indexed = np.zeros(len(indices), np.bool_)
    n = len(block.places)
    most_holders, heaviest, _, _ = usual_bounds()
    mark_entries(0, n, indptr, indices, data, block.holders, most_holders, heaviest, indexed)
    return IndexedBlock(block, indexed, *invert(indptr, indices, data, indexed, len(block.terms)))


def find_between(
    rows: IndexedBlock, others: IndexedBlock, strangers: NDArray[np.float64], least: float
) -> Found:
    """Compare rows of one block with earlier rows of another, or of the same.

    Parameters
    ----------
    rows, others : IndexedBlock
    strangers : float64 array of shape (n,)
        What each row of all shares with strangers, by place.
    least : float
        Least similarity of an edge.

    Returns
    -------
    found : Found
    """
    block, other = rows.block, others.block
    if rows is others:
        own = (block.indptr, block.indices, block.data, rows.indexed)
    else:
        own = _in_terms_of(block, other.terms, rows.indexed)
    before = np.searchsorted(other.places, block.places)
    _, _, promise, crowd = usual_bounds()
    later, earlier, shown, cosines = compare_rows(
        *own, before, strangers[block.places], others.bounds, others.rows, others.weights,
        other.indptr, other.indices, other.data, strangers[other.places], promise, least, crowd,
    )  # fmt: skip
    return Found(block.places[later], other.places[earlier], shown, cosines)


def merge_found(parts: Sequence[Found]) -> Found:
    """Merge what was found between one block and others; the result may be merged again."""
    whole = Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return _rows_of(whole, most_of_each(whole.later, whole.shown, whole.earlier, EXAMINED * _crowd()))


def edges_of(found: Found) -> Edges:
    """Edges between the rows of a block and all earlier ones, in any order; the values are cosines."""
    found = _rows_of(found, found.cosines > 0.0)
    found = _rows_of(found, most_of_each(found.later, found.cosines, found.earlier, _crowd()))
    return Edges(found.earlier, found.later, found.cosines)


def _crowd() -> int:
    """Neighbours of a row that may belong to its story."""
    return usual_bounds().crowd


def _rows_of(found: Found, rows: NDArray[np.bool_]) -> Found:
    if rows.all():
        return found
    later, earlier, shown, cosines = found
    return Found(later[rows], earlier[rows], shown[rows], cosines[rows])


def most_of_each(
    labels: NDArray[np.int64], values: NDArray[Any], ties: NDArray[np.int64], most: int
) -> NDArray[np.bool_]:
    """Mark the `most` largest values of each label; of equal ones, those of the smallest in `ties`.

    Equal labels mostly stand together, and few have more values than they may keep: only these are sorted.
    """
    begins = np.flatnonzero(np.append(True, labels[1:] != labels[:-1])[: len(labels)])
    lengths = np.diff(begins, append=len(labels))
    _, of_run = np.unique(labels[begins], return_inverse=True)
    crowded = np.repeat((np.bincount(of_run, weights=lengths) > most)[of_run], lengths)
    kept = ~crowded
    rows = np.flatnonzero(crowded)
    rows = rows[np.lexsort((ties[rows], labels[rows]))]
    kept[rows] = largest_of_runs(labels[rows], values[rows], most)
    return kept


def degrees_of(edges: Edges, n: int) -> NDArray[np.int32]:
    """Neighbours of each of `n` rows among these edges."""
    ends = np.concatenate((edges.earlier, edges.later))
    return np.bincount(ends, minlength=n).astype(np.int32)


def crowd_cosines(edges: Edges, crowded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Largest cosines of rows that have a crowd of neighbours, as many as matter: the places, the cosines."""
    places = np.concatenate((edges.earlier, edges.later))
    inside = np.isin(places, crowded)
    places, cosines = places[inside], np.concatenate((edges.values, edges.values))[inside]
    kept = most_of_each(places, cosines, places, _crowd())
    return places[kept], cosines[kept]


def raise_floors(
    strangers: NDArray[np.float64],
    crowded: NDArray[np.int64],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """What rows share with strangers: in a crowd, what they share with the last neighbour that counts."""
    places = np.concatenate([part[0] for part in parts])
    cosines = np.concatenate([part[1] for part in parts])
    order = np.lexsort((cosines, places))
    stops = np.searchsorted(places[order], crowded, side="right")
    raised = strangers.copy()
    raised[crowded] = np.maximum(strangers[crowded], cosines[order][stops - _crowd()])
    return raised


def count_edges(edges: Edges, floors: NDArray[np.float64], least: float) -> Edges:
    """Count cosines from what rows share with strangers; what remains are the edges of the graph."""
    similarities = similarities_above(edges.earlier, edges.later, edges.values, floors)
    kept = (similarities >= least) & (similarities > 0.0)
    return Edges(edges.earlier[kept], edges.later[kept], similarities[kept])


@kernel
def similarities_above(
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
    cosines: NDArray[np.float64],
    floors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Similarity of each pair, counted from what both share with strangers."""
    similarities = np.empty(len(cosines), np.float64)
    for k in range(len(cosines)):
        similarities[k] = above(cosines[k], max(floors[earlier[k]], floors[later[k]]))
    return similarities


@kernel
def numbers_in(terms: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Where sorted terms stand among other sorted ones, -1 where they do not."""
    numbers = np.full(len(wanted), -1, np.int32)
    at = 0
    for k in range(len(wanted)):
        while at < len(terms) and terms[at] < wanted[k]:
            at += 1
        if at < len(terms) and terms[at] == wanted[k]:
            numbers[k] = at
    return numbers


@kernel
def renumbered(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[Any],
    marked: NDArray[np.bool_],
    numbers: NDArray[np.int32],
) -> Any:
    """Rows of a matrix by other numbers of its columns, less those that have none."""
    bounds = np.zeros(len(indptr), np.int64)
    n = 0
    for k in range(len(indices)):
        n += numbers[indices[k]] >= 0
    to, values, marks = np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.bool_)
    end = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            number = numbers[indices[k]]
            if number >= 0:
                to[end], values[end], marks[end] = number, data[k], marked[k]
                end += 1
        bounds[row + 1] = end
    return bounds, to, values, marks


@kernel
def largest_of_runs(labels: NDArray[np.int64], values: NDArray[Any], most: int) -> NDArray[np.bool_]:
    """Mark the `most` largest values of each run of equal labels; of equal ones, the first."""
    chosen = np.ones(len(labels), np.bool_)
    start = 0
    for k in range(1, len(labels) + 1):
        if k == len(labels) or labels[k] != labels[start]:
            if k - start > most:
                chosen[start:k] = largest(values[start:k], most)
            start = k
    return chosen


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
        promising = promising_rows(
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
