"""Exact verification: candidates are compared by the full shingle sets of their texts.

Sets that are on disk, or computed again, are loaded block by block, so memory stays bounded.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust._core.spill import SpillableRows
from storyclust.dedup.excerpt_candidates import FEWEST_SHINGLES, containment_candidates
from storyclust.dedup.groups import sort_pairs
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs, similarities_to_leaders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.dedup.lsh import Candidates
    from storyclust.dedup.text_shelf import TextShelf

BLOCK_SHINGLES = 1 << 26  # shingles read at a time: bounds their memory to 512 MB


class DistinctTexts(NamedTuple):
    """One text of each class of equal texts, with its shingles in storage."""

    shelf: SpillableRows | TextShelf
    numbers: NDArray[np.int64]  # (n_classes,) place of each text on the shelf

    @property
    def counts(self) -> NDArray[np.int64]:
        """Distinct shingles of each text."""
        return self.shelf.counts[self.numbers]

    def shingle_sets(self, classes: NDArray[np.int64] | None = None) -> ShingleSets:
        """Load the shingle sets of some classes, of all by default."""
        numbers = self.numbers if classes is None else self.numbers[classes]
        return ShingleSets(*self.shelf.gather(numbers))

    def sets_of_pairs(self, pairs: NDArray[np.int64]) -> tuple[ShingleSets, NDArray[np.int64]]:
        """Load the shingle sets of pairs of classes; returns also the places of both among the sets."""
        if isinstance(self.shelf, SpillableRows) and not self.shelf.spilled:
            return ShingleSets(*self.shelf.whole()), self.numbers[pairs]  # joined once, and not copied again
        needed, local = np.unique(pairs, return_inverse=True)
        return self.shingle_sets(needed), local.reshape(-1, 2)


def compare_pairs(
    texts: DistinctTexts,
    pairs: NDArray[np.int64],
    threshold: float,
    n_jobs: int | None,
    *,
    contained: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Compare pairs of classes exactly, `BLOCK_SHINGLES` at a time.

    Parameters
    ----------
    texts : DistinctTexts
    pairs : int64 array of shape (m, 2)
    threshold : float
    n_jobs : int or None
    contained : bool, default=False
        Compute containment instead of Jaccard similarity; see `jaccard_pairs`.

    Returns
    -------
    similarities : float64 array of shape (m,)
        0 where a pair does not reach the threshold.
    sizes : int64 array of shape (m, 2)
        Sizes of both sets.
    """
    similarities, sizes = np.empty(len(pairs)), np.empty(pairs.shape, np.int64)
    block = np.cumsum(texts.counts[pairs].sum(axis=1)) // BLOCK_SHINGLES
    bounds = np.unique([0, *(np.flatnonzero(np.diff(block)) + 1), len(pairs)])
    for start, stop in pairwise(bounds.tolist()):
        sets, local = texts.sets_of_pairs(pairs[start:stop])
        similarities[start:stop] = jaccard_pairs(sets, local, threshold, n_jobs, contained=contained)
        sizes[start:stop] = np.diff(sets.offsets)[local]
    return similarities, sizes


def verify_candidates(
    texts: DistinctTexts,
    candidates: Candidates,
    rank: NDArray[np.int64],
    is_reference: NDArray[np.bool_],
    threshold: float,
    n_jobs: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Select the candidate pairs whose exact similarity reaches the threshold.

    Parameters
    ----------
    texts : DistinctTexts
    candidates : Candidates
        Of a large bucket, only the pairs of each text with its leader are compared and returned.
    rank : int64 array of shape (n_classes,)
        Classes of lower rank lead; those of the reference rank before all others.
    is_reference : bool array of shape (n_classes,)
        Classes that may lead and are never led.
    threshold : float
    n_jobs : int or None

    Returns
    -------
    pairs : int64 array of shape (m, 2)
        i < j, sorted, distinct.
    similarities : float64 array of shape (m,)
    """
    similarities, _ = compare_pairs(texts, candidates.pairs, threshold, n_jobs)
    found = similarities > 0
    parts, values = [candidates.pairs[found]], [similarities[found]]
    for bucket in candidates.large_buckets:
        by_rank = np.argsort(rank[bucket], kind="stable")
        n_reference = int(is_reference[bucket].sum())
        leaders, followers, scores = similarities_to_leaders(
            *texts.shingle_sets(bucket), by_rank, threshold, n_reference
        )
        parts.append(np.sort(np.column_stack((bucket[leaders], bucket[followers])), axis=1))
        values.append(scores)
    return sort_pairs(np.concatenate(parts), np.concatenate(values))


def find_excerpts(
    texts: DistinctTexts,
    sampled: tuple[NDArray[np.uint64], NDArray[np.int64]],
    leader: NDArray[np.int64],
    heads: NDArray[np.int64],
    is_reference: NDArray[np.bool_],
    least: float,
    n_jobs: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find group representatives whose texts are contained in longer ones.

    Parameters
    ----------
    texts : DistinctTexts
    sampled : tuple of arrays
        Sampled shingles, and the number of the text that holds each.
    leader : int64 array of shape (n_classes,)
        Leader of each class; only classes that lead are compared.
    heads : int64 array of shape (n_classes,)
        Article that represents each class.
    is_reference : bool array of shape (n_classes,)
        Classes that are not reported as excerpts.
    least : float
        Least containment.
    n_jobs : int or None

    Returns
    -------
    excerpts : int64 array of shape (k, 2)
        Articles (excerpt, longer), by excerpt. Of several longer ones, the one that holds most of the
        excerpt comes first, then the longest.
    containments : float64 array of shape (k,)
    """
    leaders = np.flatnonzero(leader == np.arange(len(leader)))
    class_of = np.full(len(texts.shelf.counts), -1, np.int64)
    class_of[texts.numbers[leaders]] = leaders
    values, owners = sampled
    classes = class_of[owners]
    known = classes >= 0
    pairs = containment_candidates(values[known], classes[known], len(heads), least, n_jobs)
    pairs = pairs[texts.counts[pairs].min(axis=1) >= FEWEST_SHINGLES]
    containments, sizes = compare_pairs(texts, pairs, least, n_jobs, contained=True)
    pairs = np.where((sizes[:, 0] > sizes[:, 1])[:, None], pairs[:, ::-1], pairs)
    order = np.lexsort((pairs[:, 1], -sizes.max(axis=1), -containments, heads[pairs[:, 0]]))
    order = order[(containments[order] > 0) & ~is_reference[pairs[order, 0]]]
    return heads[pairs[order]], containments[order]
