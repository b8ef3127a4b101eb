"""Doubtful copies: articles that are kept, although their short texts are copies of one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article
from storyclust.dedup.groups import group_twins, lead_groups, rank_rows, sort_members
from storyclust.dedup.sketches import Sketches
from storyclust.dedup.text_shelf import TextShelf
from storyclust.dedup.verification import DistinctTexts, verify_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.dedup.lsh import Candidates


def find_doubtful(
    sketches: Sketches,
    kept: NDArray[np.int64],
    fingerprints: NDArray[np.uint64],
    find_candidates: Callable[[Sketches, DistinctTexts, float], Candidates],
    threshold: float,
    n_jobs: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find kept articles that would be copies if their titles and dates did not count.

    Parameters
    ----------
    sketches : Sketches
        With the texts of short articles.
    kept : int64 array
        Rows of the articles that are kept, ascending.
    fingerprints : uint64 array of shape (n, 2)
        Of all rows.
    find_candidates : callable
        Returns pairs of texts that may reach the threshold.
    threshold : float
    n_jobs : int or None

    Returns
    -------
    pairs : int64 array of shape (k, 2)
        Rows (article, the one that it resembles), by article. The second comes first under the keep policy.
    similarities : float64 array of shape (k,)
        Jaccard similarity of their texts.
    """
    rows = np.array([row for row in kept.tolist() if row in sketches.brief], np.int64)
    strict = sketches.strict
    if np.count_nonzero(strict[rows]) == 0 or len(rows) < 2:
        return np.empty((0, 2), np.int64), np.empty(0)
    rows = rank_rows(rows, sketches.preferences, fingerprints, sketches.ids)
    shelf = TextShelf(sketches.hasher.shingle_size, n_jobs)
    inner = Sketches(sketches.hasher, "first", shelf, sample=False, doubtful="drop")
    try:
        inner.add([Article(sketches.brief[row]) for row in rows.tolist()], 0)
        rank = np.arange(len(rows))
        twins = sort_members(group_twins(inner.fingerprints[inner.text_of]), rank)
        texts = DistinctTexts(inner.shelf, inner.text_of[twins.heads])
        nobody = np.zeros(len(twins.heads), bool)
        candidates = find_candidates(inner, texts, threshold)
        pairs, values = verify_candidates(texts, candidates, twins.heads, nobody, threshold, n_jobs)
        leader, closeness = lead_groups(pairs, values, twins.heads)
    finally:
        shelf.close()
    first = twins.heads[leader][twins.classes]
    found = np.flatnonzero(first != rank)
    pairs, values = np.column_stack((rows[found], rows[first[found]])), closeness[twins.classes[found]]
    # Two articles of which neither is strict were compared by these texts, and are both kept on purpose.
    chosen = np.flatnonzero(strict[pairs].any(axis=1))
    chosen = chosen[np.argsort(pairs[chosen, 0], kind="stable")]
    return pairs[chosen], values[chosen]
