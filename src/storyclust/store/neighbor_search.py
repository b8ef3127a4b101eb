"""Search for the neighbours of a few articles among many stored ones.

The method is that of `storyclust.cluster.pair_search`, with which this module shares limits, pruning bound,
the table of a row's terms, scratch arrays and the test for an edge. The loops over postings and terms are not
shared, because a stored term is a 32-bit hash without a weight of its own (each article has two factors, for
its head and for the rest) and its postings lie in several runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.cluster.correction import is_edge, pruning_bound
from storyclust.cluster.pair_search import MET, ZERO, Limits, Scratch, enlarged
from storyclust.cluster.term_table import clear_terms, enter_terms, find_term
from storyclust.store.weights import ArticleTerms, Weighed

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_READS = 200_000  # postings read for one article: a short text of common words must not read them all


class NeighborPairs(NamedTuple):
    """Pairs of a row and the place of an earlier article, and their cosine."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosines: NDArray[np.float64]


class QueryArticles(NamedTuple):
    """Articles that are looked up."""

    weighed: Weighed
    indexed: NDArray[np.bool_]  # of each entry: whether its term is looked up
    null_similarity: NDArray[np.float64]  # background similarity of each article
    ends: NDArray[np.int64]  # each is compared with the stored articles before this place


class StoredArticles(NamedTuple):
    """Articles in which others are looked up."""

    held: ArticleTerms
    factors: NDArray[np.float32]  # (n, 2): for terms outside the head of an article, for those in it
    null_similarity: NDArray[np.float64]
    postings: tuple[NDArray[np.int32], ...]  # of each level: place << 1, lowest bit set in the head


@kernel
def find_neighbors(
    begin: int,
    end: int,
    queries: QueryArticles,
    stored: StoredArticles,
    limits: Limits,
    min_similarity: float,
    scratch: Scratch,
) -> NeighborPairs:
    """Find the stored articles that each of the rows begin..end is similar to."""
    partial, candidates, table, marks = scratch
    first, second = np.empty(1024, np.int64), np.empty(1024, np.int64)
    cosines = np.empty(1024, np.float64)
    found = 0
    for row in range(begin, end):
        met = add_products(row, queries, stored.factors, stored.postings, limits, partial, candidates)
        if met == 0:
            continue
        terms, values = weighted_terms(row, queries.weighed)
        mask = enter_terms(table, marks, 0, len(terms), terms)
        own, ratio = queries.null_similarity[row], limits.pruning_ratio
        bound = pruning_bound(own, min_similarity, ratio)
        for t in range(met):
            place = candidates[t]
            product = partial[place]
            partial[place] = ZERO
            if product < bound:  # most: the background similarity of the other need not be read
                continue
            floor = max(own, stored.null_similarity[place])
            if product < pruning_bound(floor, min_similarity, ratio):
                continue
            cosine = dot_stored(table, marks, mask, terms, values, stored.held, stored.factors, place)
            cosine = min(cosine, 1.0)  # factors are not updated with every article, so that it may exceed 1
            if not is_edge(cosine, floor, min_similarity):
                continue
            if found == len(first):
                first, second = enlarged(first, found), enlarged(second, found)
                cosines = enlarged(cosines, found)
            first[found], second[found], cosines[found] = row, place, cosine
            found += 1
        clear_terms(table, marks, mask, 0, len(terms), terms)
    return NeighborPairs(first[:found].copy(), second[:found].copy(), cosines[:found].copy())


@kernel
def add_products(
    row: int,
    queries: QueryArticles,
    factors: NDArray[np.float32],
    postings: tuple[NDArray[np.int32], ...],
    limits: Limits,
    partial: NDArray[np.float32],
    candidates: NDArray[np.int32],
) -> Any:
    """Add up partial dot products of a row with stored articles; returns how many articles have been met.

    Rare terms come first; of the others, those whose postings fit into `MAX_READS` are read.
    """
    weighed, end = queries.weighed, queries.ends[row]
    met, read = 0, 0
    for common in range(2):
        for k in range(weighed.bounds[row], weighed.bounds[row + 1]):
            at = weighed.places[k]
            weight = weighed.weights[k] * weighed.idf[at]
            if weight == ZERO or not queries.indexed[k]:
                continue
            size = weighed.df[at]
            if (size > limits.max_postings) != (common == 1) or (common == 1 and read + size > MAX_READS):
                continue
            read += size
            for level in range(len(postings)):
                run = postings[level]
                for p in range(weighed.spans[level, at, 0], weighed.spans[level, at, 1]):
                    place = run[p] >> 1
                    if place >= end or place < 0:  # none is, except in a damaged file
                        break
                    before = partial[place]
                    if before == ZERO:
                        candidates[met] = place
                        met += 1
                    partial[place] = before + weight * factors[place, run[p] & 1] + MET
    return met


@kernel
def weighted_terms(row: int, weighed: Weighed) -> Any:
    """Terms of a row that weigh anything, and what they weigh."""
    start, stop = weighed.bounds[row], weighed.bounds[row + 1]
    terms, values = np.empty(stop - start, np.uint32), np.empty(stop - start, np.float32)
    n = 0
    for k in range(start, stop):
        at = weighed.places[k]
        weight = weighed.weights[k] * weighed.idf[at]
        if weight != ZERO:
            terms[n], values[n] = weighed.terms[at], weight
            n += 1
    return terms[:n], values[:n]


@kernel
def dot_stored(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    terms: NDArray[np.uint32],
    values: NDArray[np.float32],
    held: ArticleTerms,
    factors: NDArray[np.float32],
    place: Any,
) -> float:
    """Dot product of the row in the table with a stored article: its head, then the rest."""
    start, stop = held.bounds[place], held.bounds[place + 1]
    middle = start + held.heads[place]
    head = sum_of_values(table, marks, mask, terms, values, held.terms, start, middle)
    rest = sum_of_values(table, marks, mask, terms, values, held.terms, middle, stop)
    product: float = head * factors[place, 1] + rest * factors[place, 0]
    return product


@kernel
def sum_of_values(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    terms: NDArray[np.uint32],
    values: NDArray[np.float32],
    others: NDArray[np.uint32],
    start: Any,
    stop: Any,
) -> float:
    """Sum the values of those terms ``others[start:stop]`` that are in the table."""
    total = 0.0
    for k in range(start, stop):
        at = find_term(np.int64(others[k]), table, marks, mask, 0, terms)
        if at >= 0:
            total += values[at]
    return total
