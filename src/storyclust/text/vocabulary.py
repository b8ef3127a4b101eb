"""The vocabulary: which terms count, and their numbers, for as many entries as memory holds.

Entries are dealt into buckets by the leading bits of their hashes, so that each bucket's table of distinct
terms stays in the processor's cache, and a part of the buckets at a time, so that what is dealt stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.arrays import join_parts
from storyclust._core.parallel import cut_ranges, kernel, map_chunks
from storyclust._core.progress import stage
from storyclust._core.spill import SpillableArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_ENTRIES = 16_384  # on average
MOST_BITS = 16
LEAST_DEALT, DEALT_BYTES = 1 << 25, 1 << 30  # of entries dealt at a time: hash and place


def frequent_terms(
    terms: SpillableArray,
    min_df: int,
    known: NDArray[np.uint64],
    n_jobs: int | None = None,
    limit: int | None = None,
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Sorted terms that occur `min_df` times or more or are known from elsewhere.

    Parameters
    ----------
    terms : SpillableArray of n values
        Hashes, each once for every article that holds it. None is odd.
    min_df : int
    known : uint64 array
        Sorted hashes of terms that stay though they occur less often.
    n_jobs : int or None
        Threads.
    limit : int or None, default=None
        Bytes of entries that are dealt at a time, from `LEAST_DEALT` to `DEALT_BYTES`, which None stands for.

    Returns
    -------
    vocabulary : uint64 array of shape (n_terms,)
    columns : int32 array of shape (n,)
        Number of each entry's term in the vocabulary, -1 for a term that is left out.
    """
    bits = 1
    while bits < MOST_BITS and len(terms) >> bits > BUCKET_ENTRIES:
        bits += 1
    shift = np.uint64(64 - bits)
    sizes = np.zeros(1 << bits, np.int64)
    for _, block in terms.blocks():
        count_buckets(block, shift, sizes)
    dealt = DEALT_BYTES if limit is None else min(max(limit, LEAST_DEALT), DEALT_BYTES)
    columns = np.full(len(terms), -1, np.int32)
    vocabulary = [np.empty(0, np.uint64)]
    n_terms = 0
    with stage("vocabulary", 2 * len(sizes)):
        for low, high in cut_ranges(16 * sizes, dealt):
            bounds = np.append(0, np.cumsum(sizes[low:high]))
            values, places = deal(terms, shift, low, bounds)
            chosen, per_bucket = _choose(values, bounds, min_df, known, n_jobs)
            _number(
                values, places, bounds, chosen, n_terms + np.append(0, np.cumsum(per_bucket)), columns, n_jobs
            )
            vocabulary.append(chosen)
            n_terms += len(chosen)
    return np.concatenate(vocabulary), columns


def _choose(
    values: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    min_df: int,
    known: NDArray[np.uint64],
    n_jobs: int | None,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Terms of buckets that stay, sorted, and how many there are in each bucket."""

    def work(first: int, last: int) -> Any:
        return frequent_in_buckets(values, bounds[first : last + 1], min_df, known)

    chosen, sizes = join_parts(
        map_chunks(work, 32 * np.diff(bounds), n_jobs, "vocabulary"), (np.uint64, np.int64)
    )
    return chosen, sizes


def _number(
    values: NDArray[np.uint64],
    places: NDArray[np.int64],
    bounds: NDArray[np.int64],
    chosen: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    columns: NDArray[np.int32],
    n_jobs: int | None,
) -> None:
    """Write the number of each entry's term at the entry's place; those of a bucket begin at `numbers`."""

    def work(first: int, last: int) -> None:
        own = chosen[numbers[first] - numbers[0] : numbers[last] - numbers[0]]
        number_entries(values, places, bounds[first : last + 1], own, numbers[first : last + 1], columns)

    map_chunks(work, 32 * np.diff(bounds), n_jobs, "vocabulary")


def deal(
    terms: SpillableArray, shift: Any, low: int, bounds: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Entries of the buckets from `low` on, bucket by bucket: their hashes and their places in `terms`."""
    values, places = np.empty(bounds[-1], np.uint64), np.empty(bounds[-1], np.int64)
    at = bounds[:-1].copy()
    for start, block in terms.blocks():
        deal_block(start, block, shift, low, at, values, places)
    return values, places


@kernel
def count_buckets(terms: NDArray[np.uint64], shift: Any, sizes: NDArray[np.int64]) -> None:
    """Count entries of each bucket."""
    for term in terms:
        sizes[np.int64(term >> shift)] += 1


@kernel
def deal_block(
    start: int,
    terms: NDArray[np.uint64],
    shift: Any,
    low: int,
    at: NDArray[np.int64],
    values: NDArray[np.uint64],
    places: NDArray[np.int64],
) -> None:
    """Deal a block of entries, that begins at `start`, to their buckets: `at` says where each goes on."""
    for k in range(len(terms)):
        bucket = np.int64(terms[k] >> shift) - low
        if 0 <= bucket < len(at):
            values[at[bucket]] = terms[k]
            places[at[bucket]] = start + k
            at[bucket] += 1


@kernel
def place_of(table: NDArray[np.uint64], term: Any) -> Any:
    """Where a term stands in an open-addressed table, or the empty place where it would."""
    last = np.uint64(len(table) - 1)
    at = (term >> np.uint64(1)) & last
    while table[at] != 0 and table[at] != term | np.uint64(1):
        at = (at + np.uint64(1)) & last
    return at


@kernel
def empty_table(n: int) -> NDArray[np.uint64]:
    """An open-addressed table with room for `n` terms."""
    size = 16
    while size < 2 * n:
        size *= 2
    return np.zeros(size, np.uint64)


@kernel
def frequent_in_buckets(
    values: NDArray[np.uint64], bounds: NDArray[np.int64], min_df: int, known: NDArray[np.uint64]
) -> Any:
    """Terms of buckets that are frequent or known, sorted, and how many there are in each bucket."""
    chosen = np.empty(bounds[len(bounds) - 1] - bounds[0], np.uint64)
    sizes = np.zeros(len(bounds) - 1, np.int64)
    n = 0
    for bucket in range(len(bounds) - 1):
        start, stop = bounds[bucket], bounds[bucket + 1]
        table = empty_table(stop - start)
        counts = np.zeros(len(table), np.int64)
        for k in range(start, stop):
            at = place_of(table, values[k])
            table[at] = values[k] | np.uint64(1)
            counts[at] += 1
        first = n
        for at in range(len(table)):
            if table[at] == 0:
                continue
            term = table[at] & ~np.uint64(1)
            if counts[at] < min_df:
                near = np.searchsorted(known, term)
                if near == len(known) or known[near] != term:
                    continue
            chosen[n] = term
            n += 1
        chosen[first:n].sort()
        sizes[bucket] = n - first
    return chosen[:n].copy(), sizes


@kernel
def number_entries(
    values: NDArray[np.uint64],
    places: NDArray[np.int64],
    bounds: NDArray[np.int64],
    chosen: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    columns: NDArray[np.int32],
) -> None:
    """Write the number of each entry's term at the entry's place, where its term was chosen."""
    for bucket in range(len(bounds) - 1):
        first, last = numbers[bucket], numbers[bucket + 1]
        table = empty_table(last - first)
        named = np.empty(len(table), np.int64)
        for number in range(first, last):
            term = chosen[number - numbers[0]]
            at = place_of(table, term)
            table[at] = term | np.uint64(1)
            named[at] = number
        for k in range(bounds[bucket], bounds[bucket + 1]):
            at = place_of(table, values[k])
            if table[at] != 0:
                columns[places[k]] = named[at]


@kernel
def document_frequencies(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    groups: NDArray[np.int64],
    n_groups: int,
    n_terms: int,
) -> NDArray[np.int64]:
    """Rows of each group that hold each term."""
    df = np.zeros((n_groups, n_terms), np.int64)
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if columns[k] >= 0:
                df[groups[row], columns[k]] += 1
    return df
