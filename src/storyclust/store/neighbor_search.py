"""The search for what articles are similar to, in three levels of postings.

It is the search of the similarity graph, of a few rows among many: rare terms of a row, and a few of its
heaviest, say who shows promise; of those the cosine is computed in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.cluster.graph import MAX_POSTINGS
from storyclust.cluster.pair_search import MARKS, NOTHING, TRACE, above, table_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_READ = 200_000  # postings read for one article: a short text of common words must not read them all


@kernel
def show(
    start: Any,
    stop: Any,
    values: NDArray[np.int32],
    before: Any,
    weight: Any,
    factors: NDArray[np.float32],
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
    met: Any,
) -> Any:
    """Add what a term shows of the articles that hold it; returns how many have been met."""
    for p in range(start, stop):
        place = values[p] >> 1
        if place >= before:
            break
        shown = partial[place]
        if shown == NOTHING:
            touched[met] = place
            met += 1
        partial[place] = shown + weight * factors[place, values[p] & 1] + TRACE
    return met


@kernel
def enter(
    keys: NDArray[np.uint32],
    values: NDArray[np.float32],
    marks: NDArray[np.bool_],
    term: Any,
    value: Any,
) -> None:
    """Enter a term into an open-addressed table and its marks; no value is 0."""
    mask = len(keys) - 1
    at = np.int64(term) & mask
    while values[at] != NOTHING:
        at = (at + 1) & mask
    keys[at], values[at] = term, value
    marks[np.int64(term) & (MARKS - 1)] = True


@kernel
def inner(
    keys: NDArray[np.uint32],
    values: NDArray[np.float32],
    marks: NDArray[np.bool_],
    start: Any,
    stop: Any,
    terms: NDArray[np.uint32],
) -> float:
    """Sum the values of terms start..stop that are in the table."""
    mask = len(keys) - 1
    total = 0.0
    for k in range(start, stop):
        term = terms[k]
        if not marks[np.int64(term) & (MARKS - 1)]:
            continue
        at = np.int64(term) & mask
        while values[at] != NOTHING:
            if keys[at] == term:
                total += values[at]
                break
            at = (at + 1) & mask
    return total


@kernel
def find_neighbors(
    begin: int,
    end: int,
    bounds: NDArray[np.int64],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    terms: NDArray[np.uint32],
    chosen: NDArray[np.bool_],
    null_similarity: NDArray[np.float64],
    before: NDArray[np.int64],
    idf: NDArray[np.float32],
    spans: NDArray[np.int64],
    large: NDArray[np.int32],
    middle: NDArray[np.int32],
    fresh: NDArray[np.int32],
    their_bounds: NDArray[np.int64],
    their_heads: NDArray[np.int64],
    their_terms: NDArray[np.uint32],
    factors: NDArray[np.float32],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
    marks: NDArray[np.bool_],
) -> Any:
    """Pairs of rows begin..end and places they are similar to, and their cosines; see `TermsIndex`.

    `partial` and `marks` are scratch, all zeros before and after.
    """
    first, second = np.empty(1024, np.int64), np.empty(1024, np.int64)
    cosines = np.empty(1024, np.float64)
    found = 0
    for row in range(begin, end):
        start, stop = bounds[row], bounds[row + 1]
        keys = np.empty(table_size(stop - start), np.uint32)
        values = np.zeros(len(keys), np.float32)
        met, read = 0, 0
        for common in range(2):  # rare terms first
            for k in range(start, stop):
                at = places[k]
                weight = weights[k] * idf[at]
                if weight == NOTHING:
                    continue
                if common == 0:
                    enter(keys, values, marks, terms[at], weight)
                size = 0
                for level in range(3):
                    size += spans[level, at, 1] - spans[level, at, 0]
                if not chosen[k] or (size > MAX_POSTINGS) != (common == 1):
                    continue
                if common == 1 and read + size > MOST_READ:
                    continue
                read += size
                limit = before[row]
                met = show(
                    spans[0, at, 0], spans[0, at, 1], large, limit, weight, factors, partial, touched, met
                )
                met = show(
                    spans[1, at, 0], spans[1, at, 1], middle, limit, weight, factors, partial, touched, met
                )
                met = show(
                    spans[2, at, 0], spans[2, at, 1], fresh, limit, weight, factors, partial, touched, met
                )
        floor = null_similarity[row]
        enough = promise * (floor + (1.0 - floor) * least)
        for t in range(met):
            place = touched[t]
            shown = partial[place]
            partial[place] = NOTHING
            if shown < enough:  # most: without a look at the floor of the other
                continue
            both = max(floor, floors[place])
            if shown < promise * (both + (1.0 - both) * least):
                continue
            a, c = their_bounds[place], their_bounds[place + 1]
            b = a + their_heads[place]
            product = inner(keys, values, marks, a, b, their_terms) * factors[place, 1]
            product += inner(keys, values, marks, b, c, their_terms) * factors[place, 0]
            product = min(product, 1.0)  # their factors are those of a while ago
            if above(product, both) < least:
                continue
            if found == len(first):
                first = np.concatenate((first, np.empty(found, np.int64)))
                second = np.concatenate((second, np.empty(found, np.int64)))
                cosines = np.concatenate((cosines, np.empty(found, np.float64)))
            first[found], second[found], cosines[found] = row, place, product
            found += 1
        for k in range(start, stop):
            marks[np.int64(terms[places[k]]) & (MARKS - 1)] = False
    return first[:found].copy(), second[:found].copy(), cosines[:found].copy()
