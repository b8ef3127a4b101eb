"""Candidates for excerpts: texts of which most is contained in longer ones.

An excerpt and a much longer text have a low Jaccard similarity, so LSH over MinHash does not find them. A
fixed share of all shingles is sampled by hash (FracMinHash): a shingle is in the sample of every text that
holds it, or of none. So the share of a text's sample found in another's estimates its containment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.sorting import INSERTED, argsort
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
    values: NDArray[np.uint64],
    rows: NDArray[np.int64],
    n_rows: int,
    least: float = EXCERPT,
    n_jobs: int | None = None,
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
    n_jobs : int or None, default=None
        Threads, as in joblib.

    Returns
    -------
    pairs : int64 array of shape (m, 2)
        i < j, sorted, distinct.

    References
    ----------
    L. Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash", bioRxiv 2022.
    """
    sizes = np.bincount(rows, minlength=n_rows)
    buckets = bucket_values(values, rows, *_bucket_bits(values))

    def work(first: int, last: int) -> NDArray[np.int64]:
        sort_buckets(buckets, first, last)
        part = slice(buckets.bounds[first], buckets.bounds[last])
        codes: NDArray[np.int64] = shared_codes(buckets.values[part], buckets.rows[part], MAX_TEXTS)
        return codes

    parts = map_chunks(work, 16 * np.diff(buckets.bounds), n_jobs, "excerpts")
    codes, shared = np.unique(np.concatenate([np.empty(0, np.int64), *parts]), return_counts=True)
    pairs = decode_pairs(codes)
    promising: NDArray[np.int64] = pairs[shared > promising_containment(least) * sizes[pairs].min(axis=1) - 1]
    return promising


class Buckets(NamedTuple):
    """Values of bucket `b`, all less than those of the next, are ``values[bounds[b]:bounds[b + 1]]``."""

    values: NDArray[np.uint64]
    rows: NDArray[np.int64]  # that hold them
    bounds: NDArray[np.int64]


def _bucket_bits(values: NDArray[np.uint64]) -> tuple[int, int]:
    """Leading bits that distribute values to buckets of four to eight, and the bits behind them."""
    bits = max(0, len(values).bit_length() - 3)
    return bits, max(0, int(values.max(initial=0)).bit_length() - bits)


@kernel
def bucket_values(values: NDArray[np.uint64], rows: NDArray[np.int64], bits: int, behind: int) -> Buckets:
    """Distribute values to buckets by their leading bits. Hashes are uniform, so that buckets are small."""
    shift = np.uint64(behind)
    heads = np.zeros((1 << bits) + 2, np.int64)
    for k in range(len(values)):
        heads[np.int64(values[k] >> shift) + 2] += 1
    for b in range(2, len(heads)):
        heads[b] += heads[b - 1]
    own, holders = np.empty(len(values), np.uint64), np.empty(len(values), np.int64)
    for k in range(len(values)):
        bucket = np.int64(values[k] >> shift) + 1
        own[heads[bucket]], holders[heads[bucket]] = values[k], rows[k]
        heads[bucket] += 1
    return Buckets(own, holders, heads[:-1])


@kernel
def sort_buckets(buckets: Buckets, first: int, last: int) -> None:
    """Sort the values of the buckets first..last in place, and their rows with them."""
    for bucket in range(first, last):
        start, stop = buckets.bounds[bucket], buckets.bounds[bucket + 1]
        values, rows = buckets.values[start:stop], buckets.rows[start:stop]
        if len(values) > INSERTED:
            order = argsort(values)
            values[:], rows[:] = values[order], rows[order]
            continue
        for k in range(1, len(values)):
            value, row, at = values[k], rows[k], k
            while at > 0 and values[at - 1] > value:
                values[at], rows[at] = values[at - 1], rows[at - 1]
                at -= 1
            values[at], rows[at] = value, row


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
