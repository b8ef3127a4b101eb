"""Candidate pairs from equal band keys, their verification, and the representatives of groups.

Pure functions over arrays. Articles have their numbers in the whole corpus, and a text has the number of the
first article that has it. For any division into shards and parts, the results together are the
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

BLOCK_SHINGLES = 1 << 23  # shingles sorted at once: 64 MB
LOW_BITS = 0xFFFFFFFF

GatherShingles = Callable[["NDArray[np.int64]"], tuple["NDArray[np.uint64]", "NDArray[np.int64]"]]


class RepeatedTexts(NamedTuple):
    """Texts that occur in an earlier article, and the first article that has each."""

    rows: NDArray[np.int64]
    firsts: NDArray[np.int64]


def find_repeated_texts(prints: NDArray[np.uint64], rows: NDArray[np.int64]) -> RepeatedTexts:
    """Find the texts that occur in an earlier article.

    Parameters
    ----------
    prints : uint64 array of shape (k, 2)
        Fingerprints: of equal ones, all or none are given.
    rows : int64 array of shape (k,)
        The article of each.
    """
    by_row = np.argsort(rows, kind="stable")
    classes = group_twins(prints[by_row])
    ordered = rows[by_row]
    firsts = ordered[classes.heads][classes.classes]
    repeated = firsts != ordered
    return RepeatedTexts(ordered[repeated], firsts[repeated])


class BandCandidates(NamedTuple):
    """Texts that share a band key: pairs, and runs of equal keys that are too large to list their pairs."""

    codes: NDArray[np.int64]  # smaller row in the high bits, larger in the low ones; sorted, distinct
    large_runs: list[NDArray[np.int64]]  # each ascending


def pair_band(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> BandCandidates:
    """Pair the texts that share a key of one band; of equal keys, all or none are given."""
    order = np.argsort(keys, kind="stable")
    bounds = run_bounds(keys[order])
    ordered = rows[order]
    large = bounds[:, 1] - bounds[:, 0] > CROWD
    large_runs = [np.sort(ordered[start:stop]) for start, stop in bounds[large]]
    return BandCandidates(np.unique(pair_codes(ordered, bounds[~large])), large_runs)


def decode_pairs(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of encoded pairs, shape (m, 2)."""
    return np.column_stack((codes >> 32, codes & LOW_BITS))


def verify_pairs(
    codes: NDArray[np.int64],
    sizes: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    gather: GatherShingles,
    threshold: float,
) -> NDArray[np.int64]:
    """Return the pairs whose exact Jaccard similarity reaches the threshold.

    Parameters
    ----------
    codes : int64 array of shape (m,)
        Encoded pairs, sorted.
    sizes : callable
        Returns the number of shingles of each of some rows.
    gather : callable
        Returns the concatenated shingle sets of some rows, and their bounds.
    threshold : float
    """
    pairs = decode_pairs(codes)
    rows, places = np.unique(pairs, return_inverse=True)
    weights = sizes(rows)[places.reshape(-1, 2)].sum(axis=1)
    block = np.cumsum(weights) // BLOCK_SHINGLES
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(codes)]
    similar = np.zeros(len(codes), bool)
    for start, stop in pairwise(cuts):
        needed, local = np.unique(pairs[start:stop], return_inverse=True)
        sets = ShingleSets(*gather(needed))
        similar[start:stop] = jaccard_pairs(sets, local.reshape(-1, 2), threshold) > 0
    return codes[similar]


def unite_pairs(parent: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
    """Unite the sets of encoded pairs, in place."""
    unite(parent, codes >> 32, codes & LOW_BITS)


def unite_run(parent: NDArray[np.int64], run: NDArray[np.int64]) -> None:
    """Unite a large run to one set: representatives depend on all of its texts."""
    unite(parent, np.full(len(run), run[0]), run)


class ArticleBins(NamedTuple):
    """Connected components in bins of about equal size."""

    bin_of: NDArray[np.int32]  # of every article; -1 for a singleton
    n_bins: int
    largest: int  # articles of the largest component


def assign_bins(parent: NDArray[np.int64], most: int) -> ArticleBins:
    """Assign components to bins of about `most` articles, in the order of their first articles."""
    roots = find_all(parent)
    sizes = np.bincount(roots, minlength=len(roots))
    sizes[sizes == 1] = 0
    number = ((np.cumsum(sizes) - sizes) // most).astype(np.int32)
    used = np.unique(number[sizes > 0])
    number = np.searchsorted(used, number).astype(np.int32)
    number[sizes == 0] = -1
    return ArticleBins(number[roots], len(used), int(sizes.max(initial=0)))


class BinArticles(NamedTuple):
    """The articles of a bin, in ascending order of rows."""

    rows: NDArray[np.int64]
    firsts: NDArray[np.int64]  # first article with the same text
    prints: NDArray[np.uint64]
    preferences: list[tuple[Any, ...]]
    names: list[str]


def choose_representatives(
    members: BinArticles,
    codes: NDArray[np.int64],
    large_runs: list[NDArray[np.int64]],
    gather: GatherShingles,
    threshold: float,
) -> NDArray[np.int64]:
    """Choose the article that is kept for each article of a bin.

    Parameters
    ----------
    members : BinArticles
    codes : int64 array
        Verified pairs of texts.
    large_runs : list of int64 array
        Texts that share a band key, ascending.
    gather : callable
        As for `verify_pairs`.
    threshold : float

    Returns
    -------
    representatives : int64 array
        Row of the kept article, for each article of the bin.
    """
    n = len(members.rows)
    order = rank_rows(np.arange(n), members.preferences, members.prints, members.names)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    texts, text_of = np.unique(members.firsts, return_inverse=True)
    best = order[::-1]
    heads = np.empty(len(texts), np.int64)
    heads[text_of[best]] = best  # of equal texts, the best is written last
    parts = [np.searchsorted(texts, decode_pairs(codes))]
    for run in large_runs:
        local = np.searchsorted(texts, run)
        by_rank = np.argsort(rank[heads[local]])
        sets = ShingleSets(*gather(run))
        leaders, followers, _ = similarities_to_leaders(*sets, by_rank, threshold)
        parts.append(np.sort(np.column_stack((local[leaders], local[followers])), axis=1))
    pairs = np.concatenate(parts)
    pairs, ones = sort_pairs(pairs, np.ones(len(pairs)))
    leader, _ = lead_groups(pairs, ones, rank[heads])
    return members.rows[heads[leader[text_of]]]
