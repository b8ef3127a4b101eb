"""Exact similarity: sorted shingle sets, and the Jaccard similarity and containment of pairs of them.

Shingles are compared by their 64-bit hashes. Two different shingles share a hash with probability 2**-64;
apart from that, the similarities are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel, map_chunks
from storyclust.dedup.minhash import BaseMinHasher

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ShingleSets(NamedTuple):
    """Sorted distinct shingle hashes of texts: set `i` is `values[offsets[i]:offsets[i + 1]]`."""

    values: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    @classmethod
    def from_texts(cls, texts: Sequence[str], size: int, n_jobs: int | None = None) -> ShingleSets:
        """Tokenise, shingle and sort each text."""
        signed = BaseMinHasher(num_perm=1, shingle_size=size, n_jobs=n_jobs).sign(texts, keep_shingles=True)
        return cls.of(signed.shingles, signed.counts)

    @classmethod
    def of(cls, parts: Sequence[NDArray[np.uint64]], counts: NDArray[np.int64]) -> ShingleSets:
        """Join sets that are sorted: `parts` hold their concatenated values, `counts` their sizes."""
        offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
        return cls(np.concatenate([np.empty(0, np.uint64), *parts]), offsets)


def jaccard_pairs(
    sets: ShingleSets,
    pairs: NDArray[np.int64],
    threshold: float,
    n_jobs: int | None = None,
    *,
    contained: bool = False,
) -> NDArray[np.float64]:
    """Jaccard similarity of each pair of sets, or 0 where it cannot reach the threshold.

    Parameters
    ----------
    sets : ShingleSets
    pairs : int64 array of shape (m, 2)
    threshold : float
        The comparison of two sets stops as soon as they cannot reach it.
    n_jobs : int or None
        Threads.
    contained : bool, default=False
        Compute containment instead: the share of the smaller set that is in the larger.

    Returns
    -------
    similarities : float64 array of shape (m,)
    """
    out = np.empty(len(pairs))

    def work(start: int, stop: int) -> None:
        compare_sets(sets, pairs[start:stop], threshold, contained, out[start:stop])

    sizes = np.diff(sets.offsets)
    map_chunks(work, 8 * sizes[pairs].sum(axis=1), n_jobs, "verification")
    return out


@kernel
def shared_count(x: NDArray[np.uint64], y: NDArray[np.uint64], least: int) -> int:
    """Count the values that two sorted sets share, or return -1 as soon as there cannot be `least`."""
    i, j, shared = 0, 0, 0
    spare_x, spare_y = len(x) - least, len(y) - least  # elements that may remain unmatched
    if spare_x < 0 or spare_y < 0:
        return -1
    while i < len(x) and j < len(y):
        if x[i] == y[j]:
            shared += 1
            i += 1
            j += 1
        elif x[i] < y[j]:
            i += 1
            if i - shared > spare_x:
                return -1
        else:
            j += 1
            if j - shared > spare_y:
                return -1
    return shared if shared >= least else -1


@kernel
def jaccard(x: NDArray[np.uint64], y: NDArray[np.uint64], threshold: float) -> float:
    """Jaccard similarity of two sorted sets, or 0 if it is below the threshold."""
    total = len(x) + len(y)
    least = int(np.ceil(threshold * total / (1.0 + threshold) - 1e-9))
    shared = shared_count(x, y, least)
    if shared < 0:
        return 0.0
    similarity = shared / (total - shared)
    return similarity if similarity >= threshold else 0.0


@kernel
def containment(x: NDArray[np.uint64], y: NDArray[np.uint64], threshold: float) -> float:
    """Share of the smaller set that is in the larger, or 0 if it is below the threshold."""
    size = min(len(x), len(y))
    shared = shared_count(x, y, int(np.ceil(threshold * size - 1e-9)))
    return shared / size if shared > 0 else 0.0


@kernel
def compare_sets(
    sets: ShingleSets,
    pairs: NDArray[np.int64],
    threshold: float,
    contained: bool,
    out: NDArray[np.float64],
) -> None:
    """Jaccard similarity, or containment, of each pair of sets; see `jaccard_pairs`."""
    values, offsets = sets.values, sets.offsets
    for k in range(len(pairs)):
        i, j = pairs[k]
        x = values[offsets[i] : offsets[i + 1]]
        y = values[offsets[j] : offsets[j + 1]]
        out[k] = containment(x, y, threshold) if contained else jaccard(x, y, threshold)


@kernel
def similarities_to_leaders(
    values: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    threshold: float,
    n_reference: int = 0,
) -> Any:
    """Group sets around leaders without listing all pairs (the leader algorithm, Hartigan 1975).

    The first row leads all rows that reach the threshold to it, the first of the rest leads next, and so on.

    Parameters
    ----------
    values, offsets : arrays
        The fields of `ShingleSets`.
    rows : int64 array of shape (n,)
        Sets to group, by rank.
    threshold : float
    n_reference : int, default=0
        The first rows, of this number, lead and are never led.

    Returns
    -------
    leaders, followers : int64 arrays of shape (m,)
    similarities : float64 array of shape (m,)
    """
    left = rows.copy()
    leaders = np.empty(len(rows), np.int64)
    followers = np.empty(len(rows), np.int64)
    similarities = np.empty(len(rows), np.float64)
    found, n = 0, len(rows)
    while n > 1:
        leader = left[0]
        x = values[offsets[leader] : offsets[leader + 1]]
        rest = max(n_reference - 1, 0)
        left[:rest] = left[1 : rest + 1]
        n_reference = rest
        for k in range(rest + 1, n):
            row = left[k]
            similarity = jaccard(x, values[offsets[row] : offsets[row + 1]], threshold)
            if similarity > 0.0:
                leaders[found], followers[found], similarities[found] = leader, row, similarity
                found += 1
            else:
                left[rest] = row
                rest += 1
        n = rest
    return leaders[:found], followers[:found], similarities[:found]
