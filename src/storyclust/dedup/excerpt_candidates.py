"""Excerpts: texts a good part of which stands inside longer ones.

Jaccard similarity is blind to them, and so are its bands. A fixed share of all shingles is sampled by
hash (FracMinHash): a shingle is in the sample of either every text that holds it or of none, so the
share of a text's sample found in another's estimates its containment. Candidates are verified exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLED = 16  # one of so many shingles
CUT = np.uint64(2**64 // SAMPLED)
COMMON = 32  # texts that share a shingle from which it is an ordinary phrase and proposes nothing
EXCERPT = 0.2  # share of the shorter text's shingles in the longer from which it is called an excerpt
PROMISE = 0.15  # share of the shorter text's sample, less one, that must be shared for a pair to be verified


def containment_candidates(
    values: NDArray[np.uint64], rows: NDArray[np.int64], n_rows: int
) -> NDArray[np.int64]:
    """Pairs of rows that share a good part of the smaller one's sample.

    Parameters
    ----------
    values : uint64 array of shape (k,)
        Sampled shingles.
    rows : int64 array of shape (k,)
        The row that holds each.
    n_rows : int

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
    codes, shared = np.unique(shared_codes(values[order], rows[order], COMMON), return_counts=True)
    pairs = np.column_stack((codes >> 32, codes & 0xFFFFFFFF))
    promising: NDArray[np.int64] = pairs[shared > PROMISE * sizes[pairs].min(axis=1) - 1]
    return promising


@kernel
def shared_codes(values: NDArray[np.uint64], rows: NDArray[np.int64], common: int) -> Any:
    """A code (smaller row above, larger below) for each pair of rows, each time they share a value."""
    codes = np.empty(1024, np.int64)
    n, start = 0, 0
    while start < len(values):
        stop = start + 1
        while stop < len(values) and values[stop] == values[start]:
            stop += 1
        size = stop - start
        if size <= common:
            if n + size * (size - 1) // 2 > len(codes):
                codes = np.concatenate((codes, np.empty(len(codes) + size * size, np.int64)))
            for x in range(start, stop):
                for y in range(x + 1, stop):
                    if rows[x] != rows[y]:
                        codes[n] = (min(rows[x], rows[y]) << 32) | max(rows[x], rows[y])
                        n += 1
        start = stop
    return codes[:n]
