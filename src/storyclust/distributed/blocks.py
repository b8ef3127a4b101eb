"""The similarity graph by blocks of rows: what two blocks have in common, and how parts make the whole.

A block is some rows of the vectors, whichever, each with its place in the order of all. Rows of one block
are compared with the earlier rows of every block; merged, and only then cut to the bounds of `graph`, what
is found is what `graph_above_strangers` finds in all rows together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse

from storyclust.chunks import CHUNK_BYTES, compressed_rows, join_parts, kernel, map_chunks
from storyclust.graph import (
    EXAMINED,
    MARKS,
    NOTHING,
    Index,
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
from storyclust.unions import numbered, rows_by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray


T = TypeVar("T", bound=tuple[Any, ...])
PIECES = 8  # that each thread compares


class Block(NamedTuple):
    """Rows of the vectors: row `i` holds ``data[indptr[i]:indptr[i + 1]]`` of the terms ``indices[...]``."""

    places: NDArray[np.int64]  # of each row in the order of all, ascending
    groups: NDArray[np.int64]  # language of each row
    terms: NDArray[np.uint64]  # sorted hashes; column k stands for terms[k]
    holders: NDArray[np.int64]  # rows of all blocks that hold each term
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[Any]  # float32


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


class Degrees(NamedTuple):
    """How many pairs some rows stand in, which are in ascending order."""

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]


def some_of(rows: T, which: NDArray[np.bool_] | NDArray[np.int64]) -> T:
    """Some rows of a named tuple of columns."""
    return type(rows)(*(column[which] for column in rows))


def end_to_end(parts: Sequence[T]) -> T:
    """Rows of several named tuples of columns, one after the other."""
    return type(parts[0])(*(np.concatenate(column) for column in zip(*parts, strict=True)))


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


def strangers_of(
    block: Block, samples: Mapping[int, Block], sizes: NDArray[np.int64], n_jobs: int = 1
) -> NDArray[np.float64]:
    """What rows of a block share with strangers: see `stranger_similarity`.

    Parameters
    ----------
    block : Block
    samples : dict of int to Block
        Rows at the `sample_places` of each language that the block has.
    sizes : int64 array of shape (n_languages,)
        Rows of each language among all.
    n_jobs : int, default=1
        Threads.

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
            X = _in_terms_of(take_rows(block, rows), sample.terms)
            compared = _matrix(sample.indptr, sample.indices, sample.data, len(sample.terms))
            similarity[rows] = means_among(X, block.places[rows], compared, sample.places, n_jobs)
        similarity[rows] += for_want_of_neighbours(there)
    return similarity


def _matrix(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], data: NDArray[Any], n_terms: int
) -> sparse.csr_array:
    return compressed_rows(indptr, indices, data, (len(indptr) - 1, n_terms))


def _in_terms_of(block: Block, terms: NDArray[np.uint64]) -> sparse.csr_array:
    """Rows of a block by the columns of other terms, less what these have not got."""
    all_of_it = np.ones(len(block.indices), np.bool_)
    indptr, indices, data, _ = renumbered(
        block.indptr, block.indices, block.data, all_of_it, numbers_in(terms, block.terms)
    )
    return _matrix(indptr, indices, data, len(terms))


def mark_block(block: Block, floors: NDArray[np.float64]) -> MarkedBlock:
    """Mark the rare terms of a block, whose rows share this much with strangers."""
    _, _, terms, holders, indptr, indices, data = block
    indexed = np.zeros(len(indices), np.bool_)
    most_holders, heaviest, _, _ = usual_bounds()
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
    _, _, promise, crowd = usual_bounds()
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
    return usual_bounds().crowd


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


def degrees_of(one: NDArray[np.int64], other: NDArray[np.int64]) -> Degrees:
    """In how many pairs every row stands that is in some."""
    rows, number = numbered(np.concatenate((one, other)))
    return Degrees(rows, np.bincount(number, minlength=len(rows)))


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
    similarities = similarities_above(pairs.cosines, floors)
    kept = (similarities >= least) & (similarities > 0.0)
    return Edges(pairs.earlier[kept], pairs.later[kept], similarities[kept])


@kernel
def similarities_above(cosines: NDArray[np.float64], floors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity of each pair, counted from what the two share with strangers."""
    similarities = np.empty(len(cosines), np.float64)
    for k in range(len(cosines)):
        similarities[k] = above(cosines[k], floors[k])
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
def last_of_each(
    labels: NDArray[np.int64], values: NDArray[np.float64], n: int, most: int
) -> NDArray[np.float64]:
    """The last of the `most` largest values of each label, all of which have so many."""
    bounds = np.zeros(n + 1, np.int64)
    for label in labels:
        bounds[label + 1] += 1
    for label in range(n):
        bounds[label + 1] += bounds[label]
    ends, dealt = bounds[:-1].copy(), np.empty(len(values), np.float64)
    for k in range(len(labels)):
        dealt[ends[labels[k]]] = values[k]
        ends[labels[k]] += 1
    last = np.empty(n, np.float64)
    for label in range(n):
        own = dealt[bounds[label] : bounds[label + 1]]
        last[label] = np.partition(own, len(own) - most)[len(own) - most]
    return last


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
