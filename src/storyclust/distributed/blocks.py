"""The similarity graph by blocks of rows: what two blocks have in common, and how parts make the whole.

A block is some rows of the vectors, whichever, each with its place in the order of all. Rows of one block
are compared with the earlier rows of every block; merged, and only then cut to the bounds of `graph`, what
is found is what `graph_above_strangers` finds in all rows together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    data: NDArray[np.float32]


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
    raise NotImplementedError


def split_block(block: Block, most_rows: int) -> list[Block]:
    """Split a block to ones of so many rows at most."""
    raise NotImplementedError


def rows_at(block: Block, places: NDArray[np.int64]) -> Block:
    """Rows of a block that stand at one of these sorted places."""
    raise NotImplementedError


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
    raise NotImplementedError


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
    raise NotImplementedError


def index_block(block: Block) -> IndexedBlock:
    """Index the rare terms of a block."""
    raise NotImplementedError


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
    raise NotImplementedError


def merge_found(parts: Sequence[Found]) -> Found:
    """Merge what was found between one block and others; the result may be merged again."""
    raise NotImplementedError


def edges_of(found: Found) -> Edges:
    """Edges between the rows of a block and all earlier ones; the values are cosines."""
    raise NotImplementedError


def degrees_of(edges: Edges, n: int) -> NDArray[np.int32]:
    """Neighbours of each of `n` rows among these edges."""
    raise NotImplementedError


def crowd_cosines(edges: Edges, crowded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Largest cosines of rows that have a crowd of neighbours, as many as matter: the places, the cosines."""
    raise NotImplementedError


def raise_floors(
    strangers: NDArray[np.float64],
    crowded: NDArray[np.int64],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """What rows share with strangers: those of a crowd, what they share with the last neighbour that counts."""
    raise NotImplementedError


def count_edges(edges: Edges, floors: NDArray[np.float64], least: float) -> Edges:
    """Count cosines from what rows share with strangers; what remains are the edges of the graph."""
    raise NotImplementedError
