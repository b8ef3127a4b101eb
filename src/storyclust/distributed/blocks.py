"""The similarity graph by blocks of rows: what two blocks have in common, and how parts make the whole.

A block is some rows of the vectors, whichever, each with its place in the order of all. Rows of one block
are compared with the earlier rows of every block; merged, and only then cut to the bounds of `graph`, what
is found is what `corrected_similarity_graph` finds in all rows together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows
from storyclust._core.union_find import rows_by_label
from storyclust.cluster.background_similarity import (
    mean_similarities_among,
    neighbor_coverage,
    sample_rows,
    small_sample_prior,
)
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


def background_of_block(
    block: Block, samples: Mapping[int, Block], sizes: NDArray[np.int64], n_jobs: int = 1
) -> NDArray[np.float64]:
    """What rows of a block share with strangers: see `background_similarity`.

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
        there = neighbor_coverage(int(sizes[group]))
        if there:
            sample = samples[group]
            X = _in_terms_of(take_rows(block, rows), sample.terms)
            compared = _matrix(sample.indptr, sample.indices, sample.data, len(sample.terms))
            similarity[rows] = mean_similarities_among(X, block.places[rows], compared, sample.places, n_jobs)
        similarity[rows] += small_sample_prior(there)
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
