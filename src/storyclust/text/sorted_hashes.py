"""Sorting of 64-bit hashes, removal of repeats, and search among sorted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SORT_HEADS = (1 << 16) + 1  # places of the array of bucket heads of `sort_hashes`: at most 2**16 buckets


@kernel
def sort_hashes(
    values: NDArray[np.uint64], n: int, out: NDArray[np.uint64], heads: NDArray[np.int64]
) -> None:
    """Write the first `n` hashes sorted to `out`; `heads` is a scratch array of `SORT_HEADS` places.

    A bucket sort by the leading bits brings each hash within a step or two of its place, and an insertion
    sort finishes. This is linear on average, since hashes are uniform.
    """
    bits = 0
    while (2 << bits) <= n and (2 << bits) < SORT_HEADS:
        bits += 1
    buckets = 1 << bits
    shift = np.uint64(63 - bits)  # of half a hash: a shift by all 64 bits is not defined
    heads[: buckets + 1] = 0
    for k in range(n):
        heads[np.int64((values[k] >> np.uint64(1)) >> shift) + 1] += 1
    for k in range(buckets):
        heads[k + 1] += heads[k]
    for k in range(n):
        bucket = np.int64((values[k] >> np.uint64(1)) >> shift)
        out[heads[bucket]] = values[k]
        heads[bucket] += 1
    for k in range(1, n):
        v = out[k]
        at = k
        while at > 0 and out[at - 1] > v:
            out[at] = out[at - 1]
            at -= 1
        out[at] = v


@kernel
def drop_repeats(values: NDArray[np.uint64], n: int) -> int:
    """Remove the repeats of sorted values in place; returns the number of values left."""
    kept = 0
    for k in range(n):
        if kept == 0 or values[k] != values[kept - 1]:
            values[kept] = values[k]
            kept += 1
    return kept


def look_up(
    terms: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find hashes among sorted ones: the place of each (arbitrary if missing), and whether it is there."""
    if not len(terms):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(terms, wanted), len(terms) - 1)
    return at, terms[at] == wanted
