"""Copies among shards: what equal values of many shards say, and groups of what hangs together.

Pure functions over arrays. Articles have the numbers that they have in the whole corpus; a text has that of
the first article that has it. Whatever the cut into shards and parts, what comes out in the end are the
representatives that `Deduplicator` finds.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.union_find import find_all, unite
from storyclust.dedup.groups import group_twins, lead_groups, rank_rows, sort_pairs
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs, similarities_to_leaders
from storyclust.dedup.lsh import CROWD, pair_codes, run_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_SHINGLES = 1 << 23  # shingles sorted at a time: 64 MB
LOW = 0xFFFFFFFF

Gather = Callable[["NDArray[np.int64]"], tuple["NDArray[np.uint64]", "NDArray[np.int64]"]]


class Later(NamedTuple):
    """Texts that stand in an earlier shard already, and the article that has each first."""

    rows: NDArray[np.int64]
    firsts: NDArray[np.int64]


def later_twins(prints: NDArray[np.uint64], rows: NDArray[np.int64]) -> Later:
    """Find the texts that another article has before.

    Parameters
    ----------
    prints : uint64 array of shape (k, 2)
        Fingerprints of some texts, among them all that are equal to one of them.
    rows : int64 array of shape (k,)
        The article of each.
    """
    by_row = np.argsort(rows, kind="stable")
    twins = group_twins(prints[by_row])
    ordered = rows[by_row]
    firsts = ordered[twins.rows[twins.bounds[:-1]]][twins.classes]
    late = firsts != ordered
    return Later(ordered[late], firsts[late])


class Proposed(NamedTuple):
    """What sharing a band key proposes: pairs, and crowds too large to list their pairs."""

    codes: NDArray[np.int64]  # smaller row above, larger below; sorted, distinct
    crowds: list[NDArray[np.int64]]  # each ascending


def propose(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> Proposed:
    """Pair the texts that share a key of one band; `keys` has all that are equal to one of them."""
    order = np.argsort(keys, kind="stable")
    bounds = run_bounds(keys[order])
    ordered = rows[order]
    large = bounds[:, 1] - bounds[:, 0] > CROWD
    crowds = [np.sort(ordered[start:stop]) for start, stop in bounds[large]]
    return Proposed(np.unique(pair_codes(ordered, bounds[~large])), crowds)


def pairs_of(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of coded pairs, shape (m, 2)."""
    return np.column_stack((codes >> 32, codes & LOW))


def verified(
    codes: NDArray[np.int64],
    sizes: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    gather: Gather,
    threshold: float,
) -> NDArray[np.int64]:
    """Those of the pairs whose exact similarity reaches the threshold.

    Parameters
    ----------
    codes : int64 array of shape (m,)
        Sorted.
    sizes, gather : callable
        Given rows: how many shingles each has; the shingles one after the other, and their bounds.
    threshold : float
    """
    pairs = pairs_of(codes)
    rows, places = np.unique(pairs, return_inverse=True)
    weights = sizes(rows)[places.reshape(-1, 2)].sum(axis=1)
    block = np.cumsum(weights) // BLOCK_SHINGLES
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(codes)]
    found = np.zeros(len(codes), bool)
    for start, stop in pairwise(cuts):
        needed, local = np.unique(pairs[start:stop], return_inverse=True)
        sets = ShingleSets.from_shingles(*gather(needed))
        found[start:stop] = jaccard_pairs(sets, local.reshape(-1, 2), threshold) > 0
    return codes[found]


# Components ------------------------------------------------------------------------------------


def join_pairs(parent: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
    """Join the sets of coded pairs, in place."""
    unite(parent, codes >> 32, codes & LOW)


def join_crowd(parent: NDArray[np.int64], crowd: NDArray[np.int64]) -> None:
    """Join a crowd to one set: who leads whom depends on all of it."""
    unite(parent, np.full(len(crowd), crowd[0]), crowd)


class Bins(NamedTuple):
    """Sets of articles dealt into bins of about equal size, each set to one bin."""

    bin_of: NDArray[np.int32]  # of every article; -1 for one that is alone
    n_bins: int
    largest: int  # articles of the largest set


def deal(parent: NDArray[np.int64], most: int) -> Bins:
    """Deal the sets of a corpus into bins of about `most` articles, in the order of their first articles."""
    roots = find_all(parent)
    sizes = np.bincount(roots, minlength=len(roots))
    sizes[sizes == 1] = 0
    number = ((np.cumsum(sizes) - sizes) // most).astype(np.int32)
    used = np.unique(number[sizes > 0])
    number = np.searchsorted(used, number).astype(np.int32)
    number[sizes == 0] = -1
    return Bins(number[roots], len(used), int(sizes.max(initial=0)))


class Members(NamedTuple):
    """What is known of the articles of a bin, in ascending order of rows."""

    rows: NDArray[np.int64]
    firsts: NDArray[np.int64]  # the article that has the same text first
    prints: NDArray[np.uint64]
    preferences: list[tuple[Any, ...]]
    names: list[str]


def represent(
    members: Members,
    codes: NDArray[np.int64],
    crowds: list[NDArray[np.int64]],
    gather: Gather,
    threshold: float,
) -> NDArray[np.int64]:
    """Find which article is kept for each member of a bin.

    Parameters
    ----------
    members : Members
    codes : int64 array
        Verified pairs of texts.
    crowds : list of int64 array
        Texts that share a band key.
    gather : callable
        Shingles of rows, as for `verified`.
    threshold : float

    Returns
    -------
    representatives : int64 array
        Of each member, the row of the one kept.
    """
    n = len(members.rows)
    order = rank_rows(np.arange(n), members.preferences, members.prints, members.names)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    texts, text_of = np.unique(members.firsts, return_inverse=True)
    best = order[::-1]
    heads = np.empty(len(texts), np.int64)
    heads[text_of[best]] = best  # the best of equal texts is written last
    parts = [np.searchsorted(texts, pairs_of(codes))]
    for crowd in crowds:
        local = np.searchsorted(texts, crowd)
        by_rank = np.argsort(rank[heads[local]])
        sets = ShingleSets.from_shingles(*gather(crowd))
        leaders, followers, _ = similarities_to_leaders(*sets, by_rank, threshold)
        parts.append(np.sort(np.column_stack((local[leaders], local[followers])), axis=1))
    pairs = np.concatenate(parts)
    pairs, ones = sort_pairs(pairs, np.ones(len(pairs)))
    leader, _ = lead_groups(pairs, ones, rank[heads])
    return members.rows[heads[leader[text_of]]]
