"""Blocks of rows of the vectors, and their background similarity.

A block is any subset of the rows, each with its place in the order of all. Rows of one block are compared
with the earlier rows of every block. The results are merged, and only then cut to the limits of the search:
the graph is bit for bit the one that `corrected_similarity_graph` computes from all rows together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.union_find import rows_by_label
from storyclust.cluster.background_similarity import (
    BackgroundSample,
    is_measurable,
    sample_rows,
    similarities_with,
)
from storyclust.cluster.postings import Csr
from storyclust.distributed.columns import numbers_in, renumbered

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


def join_blocks(parts: Sequence[Block]) -> Block:
    """Join blocks into one, rows in the order of their places."""
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
        if is_measurable(int(sizes[group])):
            sample = samples[group]
            own = _in_terms_of(take_rows(block, rows), sample.terms)
            compared = Csr(sample.indptr, sample.indices, sample.data)
            indexed = BackgroundSample.of(compared, len(sample.terms), sample.places)
            similarity[rows] = similarities_with(own, block.places[rows], indexed, n_jobs)
    return similarity


def _in_terms_of(block: Block, terms: NDArray[np.uint64]) -> Csr:
    """Rows of a block with these terms as columns, without other terms."""
    every = np.ones(len(block.indices), np.bool_)
    numbers = numbers_in(terms, block.terms)
    return Csr(*renumbered(block.indptr, block.indices, block.data, every, numbers)[:3])
