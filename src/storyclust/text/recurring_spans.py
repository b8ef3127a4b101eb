"""Spans of tokens that recur, word for word, in articles that are otherwise unlike one another.

What a page adds to an article (a newsletter box, a licence note, the headlines of related articles inserted
into a sentence) stands in many articles word for word. So do quotations and agency paragraphs, but those
stand in articles on one story. A span is boilerplate if articles that share nothing else hold it.

The holders of every shingle of five tokens are counted in a hash table. A holder is a witness if at least
half of it is its own, that is, in no other article of the group. Witnesses count only if they are mutually
unlike: of the word pairs that are their own, they share less than a fifth. Shingles with enough witnesses are
boilerplate, and runs of them are spans. The measures are those of `find_furniture`, for spans instead of
paragraphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHINGLE = 5  # tokens: shorter runs recur in unlike articles by chance ("the president of the")
LONG_SPAN = 12  # tokens from which a span recurs by no chance; shorter ones need more witnesses
OWN = 0.5  # share of a witness that no other article of its group holds
LIKE = 0.2  # share of the fewer own word pairs from which two articles are alike
PAIRS = 500  # own word pairs of an article that are compared
TRIED = 4  # times as many holders are tried as witnesses are needed
EDGE = 2  # tokens that may lie between a span and the beginning or end of its article
MOST_NEEDED = 40  # witnesses that are enough in any archive
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd multiplier (the golden ratio), to combine hashes
SHIFT = np.uint64(29)


class Needed(NamedTuple):
    """Witnesses that a shingle needs, by what it is."""

    long: int  # in a span of `LONG_SPAN` tokens and more
    at_edge: int  # in a shorter one that begins or ends articles
    short: int  # in any other


@kernel
def hash_shingles(tokens: NDArray[np.uint64], indptr: NDArray[np.int64]) -> Any:
    """Hash of the shingle that begins at each token, 0 where the article ends before it does."""
    hashes = np.zeros(len(tokens), np.uint64)
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1] - SHINGLE + 1):
            h = MIX
            for j in range(SHINGLE):
                h = (h ^ tokens[p + j]) * MIX
                h ^= h >> SHIFT
            hashes[p] = h | np.uint64(1)
    return hashes


@kernel
def number_shingles(hashes: NDArray[np.uint64], indptr: NDArray[np.int64]) -> Any:
    """Number of each position's shingle in order of appearance, -1 for none, and how many rows hold each."""
    size = 64
    while size < 2 * len(hashes):
        size *= 2
    mask = np.uint64(size - 1)
    keys, slots = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    number = np.full(len(hashes), -1, np.int32)
    holders, latest = np.zeros(len(hashes), np.int32), np.full(len(hashes), -1, np.int32)
    found = 0
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            h = hashes[p]
            if h == 0:
                continue
            at = (h >> np.uint64(20)) & mask
            while keys[at] != 0 and keys[at] != h:
                at = (at + np.uint64(1)) & mask
            if keys[at] == 0:
                keys[at], slots[at] = h, found
                found += 1
            number[p] = slots[at]
            if latest[slots[at]] != row:
                latest[slots[at]] = row
                holders[slots[at]] += 1
    return number, holders[:found].copy()


@kernel
def list_holders(
    number: NDArray[np.int32], indptr: NDArray[np.int64], holders: NDArray[np.int32], fewest: int
) -> Any:
    """Rows that hold each shingle of at least `fewest` holders: bounds by shingle, and rows, ascending."""
    bounds = np.zeros(len(holders) + 1, np.int64)
    for k in range(len(holders)):
        bounds[k + 1] = bounds[k] + (holders[k] if holders[k] >= fewest else 0)
    rows, end = np.empty(bounds[-1], np.int32), bounds[:-1].copy()
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            k = number[p]
            if k >= 0 and holders[k] >= fewest and (end[k] == bounds[k] or rows[end[k] - 1] != row):
                rows[end[k]] = row
                end[k] += 1
    return bounds, rows


@kernel
def mark_covered(number: NDArray[np.int32], indptr: NDArray[np.int64], marked: NDArray[np.bool_]) -> Any:
    """Mark the tokens that stand in a marked shingle."""
    covered = np.zeros(len(number), np.bool_)
    for row in range(len(indptr) - 1):
        until = indptr[row]
        for p in range(indptr[row], indptr[row + 1]):
            if number[p] >= 0 and marked[number[p]]:
                until = p + SHINGLE
            covered[p] = p < until
    return covered


@kernel
def own_pairs(tokens: NDArray[np.uint64], indptr: NDArray[np.int64], shared: NDArray[np.bool_]) -> Any:
    """Sorted hashes of the word pairs that are a row's own, their bounds, and the share of own tokens."""
    n = len(indptr) - 1
    bounds, own = np.zeros(n + 1, np.int64), np.zeros(n, np.float64)
    pairs = np.empty(min(len(tokens), PAIRS * n) + 1, np.uint64)
    for row in range(n):
        start, stop, at = indptr[row], indptr[row + 1], bounds[row]
        kept = 0
        for p in range(start, stop):
            kept += not shared[p]
            if p + 1 < stop and not shared[p] and not shared[p + 1] and at - bounds[row] < PAIRS:
                pairs[at] = (tokens[p] * MIX) ^ tokens[p + 1]
                at += 1
        own[row] = kept / max(stop - start, 1)
        pairs[bounds[row] : at].sort()
        end = bounds[row]
        for k in range(bounds[row], at):
            if k == bounds[row] or pairs[k] != pairs[end - 1]:
                pairs[end] = pairs[k]
                end += 1
        bounds[row + 1] = end
    return pairs, bounds, own


@kernel
def are_alike(pairs: NDArray[np.uint64], bounds: NDArray[np.int64], one: int, other: int) -> bool:
    """Whether two rows share a fifth of the word pairs of the one that has fewer."""
    i, j = bounds[one], bounds[other]
    fewer = min(bounds[one + 1] - i, bounds[other + 1] - j)
    shared = 0
    while i < bounds[one + 1] and j < bounds[other + 1]:
        if pairs[i] == pairs[j]:
            shared += 1
            i += 1
            j += 1
        elif pairs[i] < pairs[j]:
            i += 1
        else:
            j += 1
    return bool(shared >= LIKE * max(fewer, 1))


@kernel
def count_witnesses(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int32],
    pairs: NDArray[np.uint64],
    pair_bounds: NDArray[np.int64],
    own: NDArray[np.float64],
    most: int,
) -> Any:
    """Mutually unlike witnesses of each shingle, counted up to `most`.

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
            if own[rows[t]] < OWN:
                continue
            tried += 1
            alike = False
            for c in range(n):
                if are_alike(pairs, pair_bounds, rows[t], chosen[c]):
                    alike = True
                    break
            if not alike:
                chosen[n] = rows[t]
                n += 1
            if n == most or tried == TRIED * most:
                break
        witnesses[k], last = n, k
    return witnesses


@kernel
def spans_of_runs(
    number: NDArray[np.int32],
    indptr: NDArray[np.int64],
    witnesses: NDArray[np.int32],
    covered: NDArray[np.bool_],
    long: int,
    at_edge: int,
    short: int,
) -> Any:
    """Runs of covered tokens that are boilerplate: row, first token and the one after the last."""
    found = np.empty((len(covered) // SHINGLE + 1, 3), np.int64)
    n = 0
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        p = start
        while p < stop:
            if not covered[p]:
                p += 1
                continue
            end, most = p, 0
            while end < stop and covered[end]:
                if number[end] >= 0:
                    most = max(most, witnesses[number[end]])
                end += 1
            needed = long
            if end - p < LONG_SPAN:
                needed = at_edge if p - start <= EDGE or stop - end <= EDGE else short
            if most >= needed:
                found[n, 0], found[n, 1], found[n, 2] = row, p, end
                n += 1
            p = end
    return found[:n].copy()


def recurring_spans(
    tokens: NDArray[np.uint64], indptr: NDArray[np.int64], needed: Needed
) -> NDArray[np.int64]:
    """Find spans of tokens that recur in mutually unlike rows of a group.

    Parameters
    ----------
    tokens : uint64 array of shape (n_tokens,)
        Hashes of the tokens of all rows; all rows are different texts, in an order that means nothing.
    indptr : int64 array of shape (n + 1,)
        Bounds of the rows.
    needed : Needed
        Mutually unlike witnesses that a span needs.

    Returns
    -------
    spans : int64 array of shape (m, 3)
        Row, first token, and the token after the last; in order and apart from one another.
    """
    number, holders = number_shingles(hash_shingles(tokens, indptr), indptr)
    fewest = min(needed)
    if len(holders) == 0 or int(holders.max()) < fewest:
        return np.empty((0, 3), np.int64)
    shared = mark_covered(number, indptr, holders >= 2)
    pairs, pair_bounds, own = own_pairs(tokens, indptr, shared)
    bounds, rows = list_holders(number, indptr, holders, fewest)
    witnesses = count_witnesses(bounds, rows, pairs, pair_bounds, own, min(max(needed), MOST_NEEDED))
    covered = mark_covered(number, indptr, witnesses >= fewest)
    spans: NDArray[np.int64] = spans_of_runs(
        number, indptr, witnesses, covered, *(min(each, MOST_NEEDED) for each in needed)
    )
    return spans
