"""What articles of one language hold, in memory and growing: document frequencies, weights, neighbours.

The figures are those of `NewsVectorizer` and of the similarity graph, made to grow: a term is a hash of 32
bits; the weight of a term follows from how many articles hold it now; and an article keeps two factors, for
terms of its head and for all others, by which weights are scaled to a vector of unit length.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.chunks import kernel, map_chunks
from storyclust.graph import (
    HEAVIEST,
    MARKS,
    MOST_HOLDERS,
    NOTHING,
    PROMISE,
    TRACE,
    above,
    index_entries,
    mark_entries,
    table_size,
)
from storyclust.store.growing import Growing
from storyclust.store.levels import Levels
from storyclust.strangers import FARTHEST, LEAST, MOST_COMPARED, NEAREST, middle_means
from storyclust.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from storyclust.background import Background

SETTINGS = NewsVectorizer()  # whose defaults hold here too
YOUNG = 20_000  # articles from which document frequencies, and what is shared with strangers, hardly move
GROWN = 0.1  # share of new articles from which weights of the others are made again
MOST_READ = 200_000  # postings read for one article: a short text of common words must not read them all
FOLD = np.uint64(31)


class Held(NamedTuple):
    """Terms of articles: row `i` has those from `bounds[i]` to `bounds[i + 1]`, the first `heads[i]` in its head."""

    bounds: NDArray[np.int64]
    heads: NDArray[np.int64]
    terms: NDArray[np.uint32]

    def __getitem__(self, rows: Any) -> Held:  # type: ignore[override]
        """Terms of some articles."""
        sizes = np.diff(self.bounds)[rows]
        bounds = np.append(0, np.cumsum(sizes)).astype(np.int64)
        places = np.repeat(self.bounds[:-1][rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return Held(bounds, self.heads[rows], self.terms[places])


class Weighed(NamedTuple):
    """Articles as weights of the terms that all of them hold."""

    bounds: NDArray[np.int64]
    places: NDArray[np.int64]  # of each entry's term among `terms`
    weights: NDArray[np.float32]
    terms: NDArray[np.uint32]  # distinct, ascending


class Neighbours(NamedTuple):
    """Pairs of an article and an earlier one: places of both, and their cosine."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosines: NDArray[np.float64]


class TermsIndex:
    """Articles of one language, by the order in which they came.

    Attributes
    ----------
    rows : Growing of int64
        What the articles are called outside, ascending.
    strangers : Growing of float64
        What each shares with strangers.
    """

    def __init__(self, language: str, background: Background, family: list[TermsIndex]) -> None:
        self.background = background
        self.family = family  # the indexes of all languages, this one among them
        self.known = fold(background.terms)
        order = np.argsort(self.known)
        self.known = self.known[order]
        self.rates = background.shares[order] if language == background.language else np.zeros(len(order))
        self.levels = Levels()
        self.rows = Growing(np.int64)
        self.ends = Growing(np.int64)
        self.heads = Growing(np.int64)
        self.terms = Growing(np.uint32)
        self.factors = Growing(np.float32, 2)
        self.strangers = Growing(np.float64)
        self.n_removed = 0
        self._n_weighed = 0
        self._sample: Sample | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def held(self) -> Held:
        """Terms of all articles."""
        return Held(np.append(0, self.ends.values), self.heads.values, self.terms.values)

    def add(self, rows: NDArray[np.int64], held: Held, strangers: NDArray[np.float64] | None = None) -> None:
        """Add articles; unless it is given what they share with strangers, they are weighed at once."""
        first = len(self)
        before = len(self.terms)
        sizes = np.diff(held.bounds)
        places = np.arange(first, first + len(rows), dtype=np.int32)
        in_head = np.arange(held.bounds[-1]) - np.repeat(held.bounds[:-1], sizes) < np.repeat(held.heads, sizes)
        self.levels.add(held.terms, (np.repeat(places, sizes) << 1 | in_head).astype(np.int32))
        self.rows.extend(rows)
        self.ends.extend(before + held.bounds[1:])
        self.heads.extend(held.heads)
        self.terms.extend(held.terms)
        self.factors.extend(np.zeros((len(rows), 2), np.float32))
        self.strangers.extend(np.zeros(len(rows)) if strangers is None else strangers)
        if strangers is not None:
            return
        if self._sample is None or len(self) > (1.0 + GROWN) * self._n_weighed:
            self.weigh_all(measured=first)
        else:
            self._weigh_new(first)

    def remove(self, places: NDArray[np.int64]) -> None:
        """Let articles have no neighbours any more; their terms are forgotten when the store is next read."""
        self.factors.values[places] = 0.0
        self.n_removed += len(places)

    def idf(self, terms: NDArray[np.uint32], df: NDArray[np.int64]) -> NDArray[np.float32]:
        """Weights of terms, in ascending order, that so many articles hold; 0 for one that is left out."""
        at = np.minimum(np.searchsorted(self.known, terms), max(len(self.known) - 1, 0))
        known = self.known[at] == terms if len(self.known) else np.zeros(len(terms), bool)
        rates = np.where(known, self.rates[at], 0.0) if len(self.known) else np.zeros(len(terms))
        worth = self.background.worth
        n = max(len(self) - self.n_removed, 1)
        weights = np.log((n + worth) / np.maximum(df + worth * rates, 1e-9))
        weights = np.clip(weights, 0.0, np.log(SETTINGS.max_idf_ratio))
        rare = np.flatnonzero((df < SETTINGS.min_df) & ~known)
        anywhere = sum((index.levels.counts(terms[rare]) for index in self.family), np.zeros(len(rare), np.int64))
        weights[rare[anywhere < SETTINGS.min_df]] = 0.0
        return weights.astype(np.float32)

    def weigh(self, held: Held) -> tuple[Weighed, NDArray[np.float32]]:
        """Weights of articles of this language, and the factors that belong to them."""
        terms, places = np.unique(held.terms, return_inverse=True)
        idf = self.idf(terms, self.levels.counts(terms))
        weights, factors = weigh_rows(held.bounds, held.heads, places, idf, SETTINGS.head_weight)
        return Weighed(held.bounds, places, weights, terms), factors

    def share_with_strangers(self, weighed: Weighed, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean cosine of articles, which stand at these places, with their 50th to 150th neighbours."""
        n = len(self) - self.n_removed
        there = min(max(n - NEAREST, 0) / (FARTHEST - NEAREST), 1.0)
        shared = np.zeros(len(places))
        if there and self._sample is not None:
            shared = self._sample.middle_means(weighed, places)
        return shared + LEAST * (1.0 - there) ** 3

    def _weigh_new(self, first: int) -> None:
        """Weigh the articles from a place on."""
        places = np.arange(first, len(self))
        weighed, self.factors.values[first:] = self.weigh(self.held[places])
        self.strangers.values[first:] = self.share_with_strangers(weighed, places)

    def weigh_all(self, measured: int) -> None:
        """Weigh all articles anew, and choose those that stand for strangers.

        What is shared with strangers is measured anew for all while the language is young, and else for those
        from the place `measured` on.
        """
        run = self.levels.compact()
        removed = ~self.factors.values.any(axis=1)
        removed[self._n_weighed :] = False
        idf = self.idf(run.keys, np.diff(run.bounds))
        self.factors.values[:] = factors_of_run(run.bounds, run.values, idf, len(self), SETTINGS.head_weight)
        self.factors.values[removed] = 0.0
        self._n_weighed = len(self)
        self._sample = Sample.of(self, np.flatnonzero(~removed))
        for start in range(0 if len(self) <= YOUNG else measured, len(self), 4096):
            places = np.arange(start, min(start + 4096, len(self)))
            self.strangers.values[places] = self.share_with_strangers(self.weigh(self.held[places])[0], places)

    def neighbours(
        self,
        weighed: Weighed,
        strangers: NDArray[np.float64],
        before: NDArray[np.int64],
        least: float,
        n_jobs: int | None = None,
    ) -> Neighbours:
        """Find articles here that are similar to some articles, of whatever language.

        Parameters
        ----------
        weighed : Weighed
            Of the articles, by the weights of their own language.
        strangers : float64 array
            What each shares with strangers.
        before : int64 array
            Each is compared with the articles before this place.
        least : float
            Least similarity, counted above what two articles share with strangers.
        """
        spans = self.levels.spans(weighed.terms)
        df = (spans[:, :, 1] - spans[:, :, 0]).sum(axis=0)
        idf = self.idf(weighed.terms, df)
        chosen = np.zeros(len(weighed.places), np.bool_)
        mark_entries(
            0, len(before), weighed.bounds, weighed.places, weighed.weights, df, MOST_HOLDERS, HEAVIEST, chosen
        )  # fmt: skip
        values = [run.values for run in self.levels.runs]
        held, factors, floors = self.held, self.factors.values, self.strangers.values
        own = threading.local()

        def work(start: int, stop: int) -> Any:
            if not hasattr(own, "scratch"):
                own.scratch = (np.zeros(len(self), np.float32), np.empty(len(self), np.int32),
                               np.zeros(MARKS, np.bool_))  # fmt: skip
            return find_neighbours(
                start, stop, weighed.bounds, weighed.places, weighed.weights, weighed.terms, chosen, strangers,
                before, idf, spans, *values, held.bounds, held.heads, held.terms, factors, floors, PROMISE,
                least, *own.scratch,
            )  # fmt: skip

        costs = 64 * np.diff(weighed.bounds) + 4096
        parts = map_chunks(work, costs, n_jobs, "neighbours")
        first, second, cosines = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return Neighbours(first, second, cosines)


class Sample(NamedTuple):
    """Articles evenly apart, that stand for strangers."""

    places: NDArray[np.int64]
    terms: NDArray[np.uint32]
    held: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, index: TermsIndex, places: NDArray[np.int64]) -> Sample:
        """Sample the articles of an index that stand at these places."""
        from storyclust.chunks import compressed_rows

        last = max(len(places) - 1, 0)
        chosen = np.unique(np.linspace(0, last, min(len(places), MOST_COMPARED)).astype(np.int64))
        sample = places[chosen] if len(places) else places
        weighed, _ = index.weigh(index.held[sample])
        shape = len(sample), len(weighed.terms)
        matrix: sparse.csr_array = compressed_rows(
            weighed.bounds, weighed.places.astype(np.int32), weighed.weights, shape
        )
        inverted = index_entries(matrix, weighed.weights > 0)
        held = np.packbits(np.diff(inverted.bounds) > 0, bitorder="little")
        return cls(sample, weighed.terms, held, *inverted)

    def middle_means(self, weighed: Weighed, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean of the 50th to 150th largest cosines of articles, which stand at these places, with the sample."""
        at = np.searchsorted(self.terms, weighed.terms)
        known = np.append(self.terms, np.uint32(0))[at] == weighed.terms
        known &= at < len(self.terms)
        kept = known[weighed.places]
        bounds = np.append(0, np.cumsum(kept))[weighed.bounds]
        means: NDArray[np.float64] = middle_means(
            0, len(places), bounds, at[weighed.places[kept]], weighed.weights[kept], self.held, self.bounds,
            self.rows, self.weights, self.places - (places[0] if len(places) else 0), NEAREST, FARTHEST,
        )  # fmt: skip
        return means


def fold(terms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Fold hashes of terms to 32 bits, of which no two articles share one by chance."""
    return (terms >> FOLD).astype(np.uint32)


@kernel
def weigh_rows(
    bounds: NDArray[np.int64],
    heads: NDArray[np.int64],
    places: NDArray[np.int64],
    idf: NDArray[np.float32],
    head_weight: float,
) -> Any:
    """Weights of the entries of rows, and of each row the factors for terms of the head and for others."""
    weights = np.zeros(len(places), np.float32)
    factors = np.zeros((len(heads), 2), np.float32)
    for row in range(len(heads)):
        start, middle, stop = bounds[row], bounds[row] + heads[row], bounds[row + 1]
        of_head, of_rest = 0.0, 0.0
        for k in range(start, middle):
            of_head += np.float64(idf[places[k]]) ** 2
        for k in range(middle, stop):
            of_rest += np.float64(idf[places[k]]) ** 2
        early, late = factors_of(of_head, of_rest, head_weight)
        factors[row, 0], factors[row, 1] = late, early
        for k in range(start, stop):
            weights[k] = idf[places[k]] * (early if k < middle else late)
    return weights, factors


@kernel
def factors_of(of_head: float, of_rest: float, head_weight: float) -> Any:
    """Scale terms of the head, and others, to a vector of unit length; see `vectorize.weigh`."""
    if of_head + of_rest == 0.0:
        return 0.0, 0.0
    late = 1.0 / np.sqrt(of_head + of_rest)
    early = late + (head_weight / np.sqrt(of_head) if of_head > 0.0 else 0.0)
    length = np.sqrt(early**2 * of_head + late**2 * of_rest)
    return early / length, late / length


@kernel
def factors_of_run(
    bounds: NDArray[np.int64],
    values: NDArray[np.int32],
    idf: NDArray[np.float32],
    n: int,
    head_weight: float,
) -> NDArray[np.float32]:
    """Factors of all rows, from the values (place, whether in the head) under each term."""
    squares = np.zeros((n, 2), np.float64)
    for term in range(len(idf)):
        square = np.float64(idf[term]) ** 2
        for k in range(bounds[term], bounds[term + 1]):
            squares[values[k] >> 1, values[k] & 1] += square
    factors = np.zeros((n, 2), np.float32)
    for row in range(n):
        early, late = factors_of(squares[row, 1], squares[row, 0], head_weight)
        factors[row, 0], factors[row, 1] = late, early
    return factors


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
def find_neighbours(
    begin: int,
    end: int,
    bounds: NDArray[np.int64],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    terms: NDArray[np.uint32],
    chosen: NDArray[np.bool_],
    strangers: NDArray[np.float64],
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
    """Pairs of rows begin..end and places they are similar to, and their cosines; see `TermsIndex.neighbours`.

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
                if not chosen[k] or (size > MOST_HOLDERS) != (common == 1):
                    continue
                if common == 1 and read + size > MOST_READ:
                    continue
                read += size
                limit = before[row]
                met = show(spans[0, at, 0], spans[0, at, 1], large, limit, weight, factors, partial, touched, met)
                met = show(spans[1, at, 0], spans[1, at, 1], middle, limit, weight, factors, partial, touched, met)
                met = show(spans[2, at, 0], spans[2, at, 1], fresh, limit, weight, factors, partial, touched, met)
        floor = strangers[row]
        for t in range(met):
            place = touched[t]
            shown = partial[place]
            partial[place] = NOTHING
            both = max(floor, floors[place])
            if shown < promise * (both + (1.0 - both) * least):
                continue
            a, c = their_bounds[place], their_bounds[place + 1]
            b = a + their_heads[place]
            product = inner(keys, values, marks, a, b, their_terms) * factors[place, 1]
            product += inner(keys, values, marks, b, c, their_terms) * factors[place, 0]
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
