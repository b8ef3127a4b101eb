"""Candidates for excerpts: texts of which most is contained in longer ones.

An excerpt and a much longer text have a low Jaccard similarity, so LSH over MinHash does not find them. A
fixed share of all shingles is sampled by hash (FracMinHash): a shingle is in the sample of every text that
holds it, or of none. So the share of a text's sample found in another's estimates its containment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.dedup.lsh import decode_pairs
from storyclust.dedup.settings import EXCERPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLING = 16  # one of this many shingles is sampled: three of a text of fifty words
CUT = np.uint64(2**64 // SAMPLING)  # hashes below it are sampled
MAX_TEXTS = 32  # shingles of more texts are ordinary phrases and generate no candidates
FEWEST_SHINGLES = 12  # shorter texts are not called excerpts
PROMISE = 0.75  # least estimated containment of a candidate, as a share of the least containment,
MOST_PROMISE = 0.4  # up to this, as small samples vary: of ten sampled shingles, eight expected, four suffice


def promising_containment(least: float) -> float:
    """Least estimated containment of a candidate for a containment of at least `least`."""
    return min(PROMISE * least, MOST_PROMISE)


def containment_candidates(
    values: NDArray[np.uint64], rows: NDArray[np.int64], n_rows: int, least: float = EXCERPT
) -> NDArray[np.int64]:
    """Pairs of rows whose samples overlap enough for an excerpt.

    A pair is a candidate if the values it shares exceed the share `promising_containment` of the smaller
    sample, less one.

    Parameters
    ----------
    values : uint64 array of shape (k,)
        Sampled shingles.
    rows : int64 array of shape (k,)
        Row that holds each.
    n_rows : int
    least : float, default=0.8
        Least containment of an excerpt.

    Returns
    -------
    pairs : int64 array of shape (m, 2)
        i < j, sorted, distinct.

    References
    ----------
    L. Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash", bioRxiv 2022.
    """
    sizes = np.bincount(rows, minlength=n_rows)
    order = np.argsort(values)
    codes, shared = np.unique(shared_codes(values[order], rows[order], MAX_TEXTS), return_counts=True)
    pairs = decode_pairs(codes)
    promising: NDArray[np.int64] = pairs[shared > promising_containment(least) * sizes[pairs].min(axis=1) - 1]
    return promising


@kernel
def shared_codes(values: NDArray[np.uint64], rows: NDArray[np.int64], most: int) -> Any:
    """Code of a pair of rows, once for each value they share; see `decode_pairs`.

    Parameters
    ----------
    values : uint64 array of shape (k,)
        Sorted.
    rows : int64 array of shape (k,)
        Row that holds each.
    most : int
        Values that occur more often are skipped.
    """
    codes = np.empty(1024, np.int64)
    n, start = 0, 0
    while start < len(values):
        stop = start + 1
        while stop < len(values) and values[stop] == values[start]:
            stop += 1
        size = stop - start
        if size <= most:
            if n + size * (size - 1) // 2 > len(codes):
                codes = np.concatenate((codes, np.empty(len(codes) + size * size, np.int64)))
            for x in range(start, stop):
                for y in range(x + 1, stop):
                    if rows[x] != rows[y]:
                        codes[n] = (min(rows[x], rows[y]) << 32) | max(rows[x], rows[y])
                        n += 1
        start = stop
    return codes[:n]
