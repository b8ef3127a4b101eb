"""Witnesses of what recurs: articles that hold it and are otherwise unlike one another.

A witness has enough words of its own, which no other article of the sample holds in the same order. Two
articles are unlike if of their first own words they share little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.page_tokens import MIX
from storyclust.text.sorted_hashes import SORT_HEADS, drop_repeats, sort_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN = 0.5  # share of a witness that no other article of its sample holds
LONG_OWN = 0.25  # the same of an article with `COMPARED` own words: galleries can be longer than reports
ALIKE_PAIRS, ALIKE_WORDS = 0.2, 0.4  # share of own word pairs, or words, from which two articles are alike
TAIL_ALIKE_PAIRS = 0.1  # the same for tails, in what is before them
COMPARED = 128  # own words of an article that are compared
TRIED = 4  # times as many holders are tried as witnesses are needed


class Samples(NamedTuple):
    """First own words of articles, and their neighbouring pairs, as sorted distinct hashes with bounds."""

    words: NDArray[np.uint64]
    word_bounds: NDArray[np.int64]
    pairs: NDArray[np.uint64]
    pair_bounds: NDArray[np.int64]
    is_witness: NDArray[np.bool_]  # whether enough of an article is its own


@kernel
def mark_tails(indptr: NDArray[np.int64], shared: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the shared tokens at the end of each row."""
    tails = np.zeros(len(shared), np.bool_)
    for row in range(len(indptr) - 1):
        p = indptr[row + 1] - 1
        while p >= indptr[row] and shared[p]:
            tails[p] = True
            p -= 1
    return tails


@kernel
def own_samples(tokens: NDArray[np.uint64], indptr: NDArray[np.int64], shared: NDArray[np.bool_]) -> Samples:
    """Collect the first own words and word pairs of rows."""
    n = len(indptr) - 1
    words, pairs = np.empty(COMPARED * n + 1, np.uint64), np.empty(COMPARED * n + 1, np.uint64)
    word_bounds, pair_bounds = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    is_witness = np.zeros(n, np.bool_)
    scratch, heads = np.empty(COMPARED, np.uint64), np.empty(SORT_HEADS, np.int64)
    for row in range(n):
        start, stop = indptr[row], indptr[row + 1]
        w, q, kept = word_bounds[row], pair_bounds[row], 0
        for p in range(start, stop):
            if shared[p]:
                continue
            kept += 1
            if kept <= COMPARED:
                words[w] = tokens[p]
                w += 1
                if p + 1 < stop and not shared[p + 1]:
                    pairs[q] = (tokens[p] * MIX) ^ tokens[p + 1]
                    q += 1
        is_witness[row] = kept >= OWN * (stop - start) or kept >= max(COMPARED, LONG_OWN * (stop - start))
        word_bounds[row + 1] = word_bounds[row] + sort_distinct(words[word_bounds[row] : w], scratch, heads)
        pair_bounds[row + 1] = pair_bounds[row] + sort_distinct(pairs[pair_bounds[row] : q], scratch, heads)
    return Samples(words, word_bounds, pairs, pair_bounds, is_witness)


@kernel
def sort_distinct(values: NDArray[np.uint64], scratch: NDArray[np.uint64], heads: NDArray[np.int64]) -> Any:
    """Sort hashes in place and drop repeats; returns how many are left. See `sort_hashes`."""
    sort_hashes(values, len(values), scratch, heads)
    kept = drop_repeats(scratch, len(values))
    values[:kept] = scratch[:kept]
    return kept


@kernel
def shared_part(values: NDArray[np.uint64], bounds: NDArray[np.int64], one: Any, other: Any) -> Any:
    """Share of the fewer values of two rows that both have."""
    i, j = bounds[one], bounds[other]
    fewer = min(bounds[one + 1] - i, bounds[other + 1] - j)
    shared = 0
    while i < bounds[one + 1] and j < bounds[other + 1]:
        if values[i] == values[j]:
            shared += 1
            i += 1
            j += 1
        elif values[i] < values[j]:
            i += 1
        else:
            j += 1
    return shared / fewer if fewer > 0 else 1.0


@kernel
def are_alike(samples: Samples, one: Any, other: Any, alike_pairs: float) -> bool:
    """Whether two rows share so many own words or word pairs that they report the same thing."""
    return bool(
        shared_part(samples.pairs, samples.pair_bounds, one, other) >= alike_pairs
        or shared_part(samples.words, samples.word_bounds, one, other) >= ALIKE_WORDS
    )


@kernel
def count_witnesses(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int32],
    samples: Samples,
    alike_pairs: float,
    most: int,
) -> NDArray[np.int32]:
    """Mutually unlike witnesses of each unit, counted up to `most`.

    Shingles of one span follow one another and mostly have the same holders: these are counted once.
    """
    witnesses = np.zeros(len(bounds) - 1, np.int32)
    chosen = np.empty(most, np.int64)
    last = -1
    for k in range(len(bounds) - 1):
        start, stop = bounds[k], bounds[k + 1]
        if start == stop:
            continue
        if last >= 0 and stop - start == bounds[last + 1] - bounds[last]:
            same = True
            for t in range(stop - start):
                if rows[start + t] != rows[bounds[last] + t]:
                    same = False
                    break
            if same:
                witnesses[k] = witnesses[last]
                continue
        n = tried = 0
        for t in range(start, stop):
            if not samples.is_witness[rows[t]]:
                continue
            tried += 1
            alike = False
            for c in range(n):
                if are_alike(samples, rows[t], chosen[c], alike_pairs):
                    alike = True
                    break
            if not alike:
                chosen[n] = rows[t]
                n += 1
            if n == most or tried == TRIED * most:
                break
        witnesses[k], last = n, k
    return witnesses
