"""Blocks of rows of the vectors, and their background similarity.

A block is any subset of the rows, each with its place in the order of all. Rows of one block are compared
with the earlier rows of every block. The results are merged, and only then cut to the limits of the search:
the graph is bit for bit the one that `corrected_similarity_graph` computes from all rows together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.union_find import rows_by_label
from storyclust.cluster.background_similarity import (
    BackgroundSample,
    is_measurable,
    sample_rows,
    similarities_with,
)
from storyclust.cluster.postings import Csr
from storyclust.distributed.columns import numbers_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS_AT_ONCE = 50_000  # rows of a block that are compared with a sample
TERMS_HELD = 1 << 20  # terms that are collected before they are merged


class Block(NamedTuple):
    """Rows of the vectors: row `i` holds ``data[indptr[i]:indptr[i + 1]]`` of the terms ``indices[...]``."""

    places: NDArray[np.int64]  # of each row in the order of all, ascending
    groups: NDArray[np.int64]  # language of each row
    terms: NDArray[np.uint64]  # sorted hashes; column k stands for terms[k]
    holders: NDArray[np.int64]  # rows of all blocks that hold each term
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[Any]  # float32


class BlockHead(NamedTuple):
    """What of a block has to be known of all parts before they are joined."""

    places: NDArray[np.int64]
    groups: NDArray[np.int64]
    terms: NDArray[np.uint64]
    holders: NDArray[np.int64]
    indptr: NDArray[np.int64]


def join_blocks(parts: Sequence[Block]) -> Block:
    """Join blocks into one, rows in the order of their places."""
    return merge_blocks((BlockHead(*part[:5]) for part in parts), parts)


def merge_blocks(heads: Iterable[BlockHead], parts: Iterable[Block]) -> Block:
    """Join blocks that are read one after the other, after what is known of each.

    No more is held than the result and one part.
    """
    places, groups, lengths = [], [], []
    vocabulary = Vocabulary()
    for head in heads:
        places.append(head.places)
        groups.append(head.groups)
        lengths.append(np.diff(head.indptr))
        vocabulary.add(head.terms, head.holders)
    terms, holders = vocabulary.finish()
    order = np.argsort(np.concatenate(places))
    ordered = np.concatenate(places)[order]
    indptr = np.append(0, np.cumsum(np.concatenate(lengths)[order])).astype(np.int64)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for part in parts:
        own = Csr(part.indptr, numbers_in(terms, part.terms)[part.indices], part.data)
        place_rows(own, indptr[np.searchsorted(ordered, part.places)], indices, data)
    return Block(ordered, np.concatenate(groups)[order], terms, holders, indptr, indices, data)


class Vocabulary:
    """Distinct terms of blocks that come one by one, and their holders."""

    def __init__(self) -> None:
        self._held = [(np.empty(0, np.uint64), np.empty(0, np.int64))]
        self._merged = self._pending = 0  # terms

    def add(self, terms: NDArray[np.uint64], holders: NDArray[np.int64]) -> None:
        """Add the terms of a block."""
        self._held.append((terms, holders))
        self._pending += len(terms)
        if self._pending > max(self._merged, TERMS_HELD):
            self.finish()

    def finish(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the terms, ascending, and their holders."""
        terms, holders = (np.concatenate(column) for column in zip(*self._held, strict=True))
        terms, first = np.unique(terms, return_index=True)
        self._held = [(terms, holders[first])]
        self._merged, self._pending = len(terms), 0
        return self._held[0]


@kernel
def place_rows(
    rows: Csr, starts: NDArray[np.int64], indices: NDArray[np.int32], data: NDArray[np.float32]
) -> None:
    """Copy rows to the places of `indices` and `data` from `starts` on."""
    for row in range(len(starts)):
        begin, end = rows.indptr[row], rows.indptr[row + 1]
        for k in range(begin, end):
            indices[starts[row] + k - begin] = rows.indices[k]
            data[starts[row] + k - begin] = rows.data[k]


def rows_at(block: Block, places: NDArray[np.int64]) -> Block:
    """Rows of a block whose places are among these."""
    return take_rows(block, np.flatnonzero(np.isin(block.places, places)))


def take_rows(block: Block, rows: NDArray[np.int64]) -> Block:
    """Rows of a block, with only the terms that they hold."""
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
    """Places of the rows with which each language's background similarity is measured.

    Parameters
    ----------
    groups : int64 array of shape (n,)
        Language of each of all rows, by place.

    Returns
    -------
    places : list of int64 array
        One array for each language, ascending.
    """
    return [rows[sample_rows(len(rows))] for rows in rows_by_label(groups)]


def background_of_block(
    block: Block, samples: Mapping[int, Block], sizes: NDArray[np.int64], n_jobs: int = 1
) -> NDArray[np.float64]:
    """Background similarity of the rows of a block: see `background_similarity`.

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
    similarity : float64 array of shape (n,)
    """
    similarity = np.zeros(len(block.places))
    for group in np.unique(block.groups).tolist():
        rows = np.flatnonzero(block.groups == group)
        if not is_measurable(int(sizes[group])):
            continue
        sample = samples[group]
        matrix = Csr(sample.indptr, sample.indices, sample.data)
        indexed = BackgroundSample.of(matrix, len(sample.terms), sample.places)
        numbers = numbers_in(sample.terms, block.terms)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            own = rows_in_terms(some, Csr(block.indptr, block.indices, block.data), numbers)
            similarity[some] = similarities_with(own, block.places[some], indexed, n_jobs)
    return similarity


@kernel
def rows_in_terms(rows: NDArray[np.int64], matrix: Csr, numbers: NDArray[np.int32]) -> Csr:
    """Some rows of a matrix with its columns renumbered, without the entries of columns numbered -1."""
    bounds = np.zeros(len(rows) + 1, np.int64)
    for row in range(len(rows)):
        bounds[row + 1] = bounds[row]
        for k in range(matrix.indptr[rows[row]], matrix.indptr[rows[row] + 1]):
            bounds[row + 1] += numbers[matrix.indices[k]] >= 0
    indices, data = np.empty(bounds[-1], np.int32), np.empty(bounds[-1], np.float32)
    end = 0
    for row in rows:
        for k in range(matrix.indptr[row], matrix.indptr[row + 1]):
            number = numbers[matrix.indices[k]]
            if number >= 0:
                indices[end], data[end] = number, matrix.data[k]
                end += 1
    return Csr(bounds, indices, data)
