"""The vocabulary: which terms are kept, and their numbers.

Entries are partitioned into buckets by the leading bits of their hashes, so that each bucket's hash table of
distinct terms fits in the processor's cache. Only some buckets are held at a time, to bound memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.arrays import join_parts
from storyclust._core.parallel import cut_ranges, kernel, map_chunks, map_shares
from storyclust._core.progress import stage
from storyclust._core.sorting import sort
from storyclust._core.spill import SpillableArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_ENTRIES = 16_384  # upper bound of the mean size of a bucket, whose hash table then fits in cache
MAX_BUCKET_BITS = 16
PIECE = 1 << 20  # entries by which those to be counted are divided between threads
ENTRY_BYTES = 12  # a hash and a place
KNOWN = -1  # instead of the count of a term that is kept however rare it is
# Bytes of entries in the buckets held at a time, as least and most.
MIN_PARTITION_BYTES, PARTITION_BYTES = 1 << 25, 1 << 30


class BucketEntries(NamedTuple):
    """Entries in the order of their buckets."""

    hashes: NDArray[np.uint64]
    places: NDArray[Any]  # in the array of all entries


def frequent_terms(
    terms: SpillableArray,
    min_df: int,
    known: NDArray[np.uint64],
    n_jobs: int | None = None,
    limit: int | None = None,
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Find the terms that occur at least `min_df` times or are known.

    Parameters
    ----------
    terms : SpillableArray of n values
        Hashes, each once for every article that holds it; the lowest bit is clear.
    min_df : int
    known : uint64 array
        Sorted hashes of terms that are kept however rare they are.
    n_jobs : int or None
        Threads.
    limit : int or None, default=None
        Bytes of entries partitioned at a time, clipped to `MIN_PARTITION_BYTES` and `PARTITION_BYTES`; None
        is the latter.

    Returns
    -------
    vocabulary : uint64 array of shape (n_terms,)
        Sorted.
    columns : int32 array of shape (n,)
        Number of each entry's term in the vocabulary, -1 for a term that is not kept.
    """
    bits = 1
    while bits < MAX_BUCKET_BITS and len(terms) >> bits > BUCKET_ENTRIES:
        bits += 1
    shift = np.uint64(64 - bits)
    limit = PARTITION_BYTES if limit is None else min(max(limit, MIN_PARTITION_BYTES), PARTITION_BYTES)
    columns = np.empty(len(terms), np.int32)
    vocabulary = [np.empty(0, np.uint64)]
    n_terms = 0
    with stage("vocabulary", -(-len(terms) // PIECE) + (3 << bits)):
        sizes = _bucket_sizes(terms, bits, n_jobs)
        for low, high in cut_ranges(ENTRY_BYTES * sizes, limit):
            bounds = np.append(0, np.cumsum(sizes[low:high]))
            entries = partition_entries(terms, shift, low, bounds, n_jobs)
            chosen, per_bucket = _select_terms(entries.hashes, bounds, min_df, known, n_jobs)
            firsts = n_terms + np.cumsum(per_bucket) - per_bucket
            _number_entries(entries, bounds, firsts, columns, n_jobs)
            vocabulary.append(chosen)
            n_terms += len(chosen)
            del entries  # before those of the next buckets are made
    return np.concatenate(vocabulary), columns


def _bucket_sizes(terms: SpillableArray, bits: int, n_jobs: int | None) -> NDArray[np.int64]:
    """Entries of each of ``2**bits`` buckets."""

    def work(first: int, last: int) -> NDArray[np.int64]:
        sizes = np.zeros(1 << bits, np.int64)
        for _, block in terms.blocks(PIECE * first, min(PIECE * last, len(terms))):
            count_buckets(block, np.uint64(64 - bits), sizes)
        return sizes

    pieces = np.ones(-(-len(terms) // PIECE), np.int64)
    return sum(map_shares(work, pieces, n_jobs, "vocabulary"), np.zeros(1 << bits, np.int64))


def _select_terms(
    hashes: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    min_df: int,
    known: NDArray[np.uint64],
    n_jobs: int | None,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Terms of the buckets that are kept, sorted, and how many there are in each bucket.

    Each hash is overwritten by the number of its term among those of its bucket, see `select_in_buckets`.
    """

    def work(first: int, last: int) -> Any:
        return select_in_buckets(hashes, bounds[first : last + 1], min_df, known)

    chosen, sizes = join_parts(
        map_chunks(work, 32 * np.diff(bounds), n_jobs, "vocabulary"), (np.uint64, np.int64)
    )
    return chosen, sizes


def _number_entries(
    entries: BucketEntries,
    bounds: NDArray[np.int64],
    firsts: NDArray[np.int64],
    columns: NDArray[np.int32],
    n_jobs: int | None,
) -> None:
    """Write the number of each entry's term, or -1, to `columns`; `firsts` has the first of each bucket."""

    def work(first: int, last: int) -> None:
        number_in_buckets(entries, bounds[first : last + 1], firsts[first:last], columns)

    map_chunks(work, 32 * np.diff(bounds), n_jobs, "vocabulary")


def partition_entries(
    terms: SpillableArray, shift: Any, low: int, bounds: NDArray[np.int64], n_jobs: int | None = None
) -> BucketEntries:
    """Entries of consecutive buckets, the first of which is `low`, bucket by bucket."""
    place = np.uint32 if len(terms) <= np.iinfo(np.uint32).max else np.int64
    entries = BucketEntries(np.empty(bounds[-1], np.uint64), np.empty(bounds[-1], place))

    def work(first: int, last: int) -> None:
        next_free = bounds[first:last].copy()
        for start, block in terms.blocks():
            partition_block(start, block, shift, low + first, next_free, entries)

    map_shares(work, np.diff(bounds), n_jobs, "vocabulary")
    return entries


@kernel
def count_buckets(terms: NDArray[np.uint64], shift: Any, sizes: NDArray[np.int64]) -> None:
    """Count entries of each bucket."""
    for term in terms:
        sizes[np.int64(term >> shift)] += 1


@kernel
def partition_block(
    start: int,
    block: NDArray[np.uint64],
    shift: Any,
    low: int,
    next_free: NDArray[np.int64],
    entries: BucketEntries,
) -> None:
    """Copy a block of entries to their buckets and advance `next_free`; the block begins at `start`."""
    for k in range(len(block)):
        bucket = np.int64(block[k] >> shift) - low
        if 0 <= bucket < len(next_free):
            at = next_free[bucket]
            entries.hashes[at], entries.places[at] = block[k], start + k
            next_free[bucket] += 1


@kernel
def find_slot(table: NDArray[np.uint64], term: Any) -> Any:
    """Slot of a term in an open-addressed table, or the empty slot where it belongs.

    Terms are stored with their lowest bit set, so that 0 is an empty slot.
    """
    last = np.uint64(len(table) - 1)
    at = (term >> np.uint64(1)) & last
    while table[at] != 0 and table[at] != term | np.uint64(1):
        at = (at + np.uint64(1)) & last
    return at


@kernel
def empty_table(n: int) -> NDArray[np.uint64]:
    """An open-addressed table for `n` terms, at most half full."""
    size = 16
    while size < 2 * n:
        size *= 2
    return np.zeros(size, np.uint64)


@kernel
def select_in_buckets(
    hashes: NDArray[np.uint64], bounds: NDArray[np.int64], min_df: int, known: NDArray[np.uint64]
) -> Any:
    """Terms of buckets that are frequent or known, sorted, and how many there are in each bucket.

    Each hash is overwritten by one more than the number of its term among those of its bucket, and by 0
    where that is not kept.
    """
    chosen = np.empty(bounds[len(bounds) - 1] - bounds[0], np.uint64)
    sizes = np.zeros(len(bounds) - 1, np.int64)
    largest = n = 0
    for bucket in range(len(sizes)):
        largest = max(largest, bounds[bucket + 1] - bounds[bucket])
    slots = np.empty(largest, np.int32)
    for bucket in range(len(sizes)):
        own = hashes[bounds[bucket] : bounds[bucket + 1]]
        table = empty_table(len(own))
        counts = np.zeros(len(table), np.int32)
        for k in range(len(own)):
            slot = find_slot(table, own[k])
            table[slot] = own[k] | np.uint64(1)
            counts[slot] += 1
            slots[k] = slot
        mark_known(own, known, table, counts)
        first = n
        for slot in range(len(table)):
            if counts[slot] >= min_df or counts[slot] == KNOWN:
                chosen[n] = table[slot] & ~np.uint64(1)
                n += 1
        sort(chosen[first:n])
        counts[:] = 0
        for number in range(first, n):
            counts[find_slot(table, chosen[number])] = number - first + 1
        for k in range(len(own)):
            own[k] = counts[slots[k]]
        sizes[bucket] = n - first
    return chosen[:n].copy(), sizes


@kernel
def mark_known(
    hashes: NDArray[np.uint64],
    known: NDArray[np.uint64],
    table: NDArray[np.uint64],
    counts: NDArray[np.int32],
) -> None:
    """Set the counts of the known terms among the hashes of a bucket to `KNOWN`."""
    if len(hashes) == 0:
        return
    at, largest = np.searchsorted(known, hashes.min()), hashes.max()
    while at < len(known) and known[at] <= largest:
        slot = find_slot(table, known[at])
        if table[slot] != 0:
            counts[slot] = KNOWN
        at += 1


@kernel
def number_in_buckets(
    entries: BucketEntries, bounds: NDArray[np.int64], firsts: NDArray[np.int64], columns: NDArray[np.int32]
) -> None:
    """Write the number of each entry's term at the entry's place, -1 where its term was not chosen.

    The hashes are those that `select_in_buckets` has overwritten.
    """
    for bucket in range(len(bounds) - 1):
        before = firsts[bucket] - 1
        for k in range(bounds[bucket], bounds[bucket + 1]):
            number = np.int64(entries.hashes[k])
            columns[entries.places[k]] = before + number if number > 0 else -1


def document_frequencies(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    groups: NDArray[np.int64],
    n_groups: int,
    n_terms: int,
    n_jobs: int | None = None,
) -> NDArray[np.int64]:
    """Rows of each group that hold each term."""
    df = np.zeros((n_groups, n_terms), np.int64)

    def work(first: int, last: int) -> None:
        count_rows(indptr, columns, groups, first, df[:, first:last])

    map_shares(work, np.ones(n_terms, np.int64), n_jobs, "vocabulary")
    return df


@kernel
def count_rows(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    groups: NDArray[np.int64],
    first: int,
    df: NDArray[np.int64],
) -> None:
    """Count the rows of each group that hold each of some consecutive terms, beginning with `first`."""
    for row in range(len(indptr) - 1):
        group = groups[row]
        for k in range(indptr[row], indptr[row + 1]):
            column = columns[k] - first
            if 0 <= column < df.shape[1]:
                df[group, column] += 1
