"""Locality-sensitive hashing of MinHash signatures: bands, the S-curve, candidate pairs.

Signatures are cut into bands of a few rows; two texts become candidates if all values of some band agree.
Buckets are found by sorting band keys, without a dictionary of Python objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.validation import check_float, check_int
from storyclust.text.tokens import mix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CROWD = 128  # rows of the largest bucket whose pairs are listed: 8,128 of them


class Bands(NamedTuple):
    """Banding of signatures: `bands` bands of `rows` values each."""

    bands: int
    rows: int


class Candidates(NamedTuple):
    """Candidates for verification."""

    pairs: NDArray[np.int64]  # (m, 2), i < j, sorted, distinct
    large_buckets: list[NDArray[np.int64]]  # rows, ascending, of each bucket whose pairs are not listed


def collision_probability(similarity: ArrayLike, bands: Bands) -> Any:
    """Probability that two texts become candidates, by their similarity: the S-curve.

    Parameters
    ----------
    similarity : array_like of float in [0, 1]
        Jaccard similarity of two shingle sets.
    bands : Bands
        Number of bands, and rows in each.

    Returns
    -------
    probability : float or float64 array of the same shape

    References
    ----------
    J. Leskovec, A. Rajaraman, J. Ullman, "Mining of Massive Datasets", section 3.4.

    Examples
    --------
    >>> from storyclust.dedup.lsh import Bands, collision_probability
    >>> round(collision_probability(0.8, Bands(21, 6)), 3)
    0.998
    """
    s = np.asarray(similarity, dtype=np.float64)
    probability = 1.0 - (1.0 - s**bands.rows) ** bands.bands
    return float(probability) if probability.ndim == 0 else probability


def choose_bands(threshold: float, num_perm: int = 128, recall: float = 0.99) -> Bands:
    """Choose the most selective banding that finds pairs at the threshold with probability `recall`.

    More rows in a band let fewer dissimilar pairs through; fewer rows leave room for more bands, which miss
    fewer pairs. Of all bandings that reach the recall, the one with the most rows is chosen. If none does,
    a band has one row, which has the highest recall that `num_perm` permutations allow.

    Parameters
    ----------
    threshold : float in (0, 1]
        Jaccard similarity from which pairs are to be found.
    num_perm : int, default=128
        Length of a signature; ``bands * rows <= num_perm``.
    recall : float in (0, 1), default=0.99
        Least probability of finding a pair whose similarity is the threshold. More similar pairs are
        found with a higher one.

    Returns
    -------
    bands : Bands
        A named tuple (bands, rows).

    Examples
    --------
    >>> import storyclust as sc
    >>> sc.choose_bands(0.8, 128)
    Bands(bands=21, rows=6)
    """
    check_float("threshold", threshold, low=0, high=1, open_low=True)
    check_int("num_perm", num_perm, low=1)
    check_float("recall", recall, low=0, high=1, open_low=True)
    for rows in range(num_perm, 1, -1):
        bands = Bands(num_perm // rows, rows)
        if collision_probability(threshold, bands) >= recall:
            return bands
    return Bands(num_perm, 1)


def candidate_pairs(
    signatures: NDArray[np.uint32] | Sequence[NDArray[np.uint32]],
    bands: Bands,
    n_jobs: int | None = None,
    rows: NDArray[np.int64] | None = None,
) -> Candidates:
    """Find the pairs of rows that share at least one band.

    Parameters
    ----------
    signatures : uint32 array of shape (n, num_perm), or a list of arrays of consecutive rows
    bands : Bands
        As `choose_bands` returns it.
    n_jobs : int or None, default=None
        Threads, as in joblib.
    rows : int64 array, optional
        Rows that are compared; pairs are numbered by their places here.

    Returns
    -------
    candidates : Candidates
        Pairs, and the buckets of more than `CROWD` rows, whose pairs would be too many to list.
    """
    parts = [signatures] if isinstance(signatures, np.ndarray) else signatures

    def keys_of(band: int) -> NDArray[np.uint64]:
        found = [band_keys(part, band, bands.rows) for part in parts]
        keys = np.concatenate([np.empty(0, np.uint64), *found])
        return keys if rows is None else keys[rows]

    def work(first: int, last: int) -> list[tuple[NDArray[np.int64], list[NDArray[np.int64]]]]:
        return [_candidates_of_band(keys_of(band)) for band in range(first, last)]

    weights = np.full(bands.bands, 4 * bands.rows * sum(map(len, parts)) + 1)
    found = list(chain.from_iterable(map_chunks(work, weights, n_jobs, "bands")))
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(codes for codes, _ in found)]))
    # By content: several bands may have the same bucket.
    large = {bucket.tobytes(): bucket for _, buckets in found for bucket in buckets}
    return Candidates(decode_pairs(codes), [large[key] for key in sorted(large)])


def _candidates_of_band(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Distinct codes of the pairs of rows of equal keys, and the large buckets, sorted."""
    order = np.argsort(keys)
    bounds = run_bounds(keys[order])
    is_large = bounds[:, 1] - bounds[:, 0] > CROWD
    codes = np.unique(pair_codes(order, bounds[~is_large]))
    return codes, [np.sort(order[start:stop]) for start, stop in bounds[is_large]]


def run_bounds(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Half-open bounds of the runs of two or more equal values in a sorted array, shape (n_runs, 2)."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate(([0], changes))
    stops = np.concatenate((changes, [len(ordered)]))
    return np.column_stack((starts, stops))[stops - starts > 1].astype(np.int64)


@kernel
def band_keys(signatures: NDArray[np.uint32], band: int, rows: int) -> Any:
    """Hash the values of one band of each signature to a 64-bit bucket key."""
    keys = np.empty(len(signatures), np.uint64)
    for i in range(len(signatures)):
        h = np.uint64(band)
        for k in range(band * rows, band * rows + rows):
            h = mix(h ^ np.uint64(signatures[i, k])) + np.uint64(signatures[i, k])
        keys[i] = h
    return keys


def decode_pairs(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of pairs coded as one int64: the smaller row in the high 32 bits, the larger in the low 32."""
    return np.column_stack((codes >> 32, codes & 0xFFFFFFFF))


@kernel
def pair_codes(order: NDArray[np.int64], bounds: NDArray[np.int64]) -> Any:
    """List the pairs of rows within each run, each as one int64; see `decode_pairs`.

    Parameters
    ----------
    order : int64 array of shape (n,)
        Rows, sorted by key.
    bounds : int64 array of shape (n_runs, 2)
        Half-open bounds in `order` of the rows that share a key.
    """
    total = 0
    for r in range(len(bounds)):
        size = bounds[r, 1] - bounds[r, 0]
        total += size * (size - 1) // 2
    codes = np.empty(total, np.int64)
    n = 0
    for r in range(len(bounds)):
        for x in range(bounds[r, 0], bounds[r, 1]):
            for y in range(x + 1, bounds[r, 1]):
                i, j = order[x], order[y]
                codes[n] = (min(i, j) << 32) | max(i, j)
                n += 1
    return codes
