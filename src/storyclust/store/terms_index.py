"""What articles of one language hold, in memory and growing: document frequencies, strangers, neighbours."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.arrays import compressed_rows
from storyclust._core.parallel import kernel, map_chunks
from storyclust.cluster.background_similarity import (
    FARTHEST,
    NEAREST,
    mean_of_middle_ranks,
    neighbor_coverage,
    sample_rows,
    small_sample_prior,
)
from storyclust.cluster.graph import HEAVIEST, MAX_POSTINGS, PROMISE
from storyclust.cluster.pair_search import MARKS
from storyclust.cluster.postings import index_entries, mark_entries
from storyclust.store.growable_array import GrowableArray
from storyclust.store.neighbor_search import find_neighbors
from storyclust.store.postings import Levels, counts_of
from storyclust.store.weights import (
    SETTINGS,
    ArticleTerms,
    Weighed,
    factors_of_run,
    fold,
    places_under,
    weigh_rows,
)
from storyclust.text.weighting import inverse_document_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from storyclust.text.background import Background

YOUNG = 20_000  # articles from which document frequencies, and what is shared with strangers, hardly move
GROWN = 0.1  # share of new articles from which weights of the others are made again,
OUTGROWN = 0.25  # and what they share with strangers, while the language is young
AT_ONCE, WEIGHED_AT_ONCE = 4_096, 1 << 20  # articles measured, terms weighed
HALF, LOWER = np.uint64(32), np.uint64(0xFFFFFFFF)


class NeighborPairs(NamedTuple):
    """Pairs of an article and an earlier one: places of both, and their cosine."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosines: NDArray[np.float64]


class TermsIndex:
    """Articles of one language, by the order in which they came.

    Attributes
    ----------
    rows : GrowableArray of int64
        What the articles are called outside, ascending.
    strangers : GrowableArray of float64
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
        self.rows = GrowableArray(np.int64)
        self.bounds = GrowableArray(np.int64)
        self.bounds.extend(np.zeros(1, np.int64))
        self.heads = GrowableArray(np.int64)
        self.terms = GrowableArray(np.uint32)
        self.factors = GrowableArray(np.float32, 2)
        self.null_similarity = GrowableArray(np.float64)
        self.removed = GrowableArray(np.bool_)
        self.n_removed = 0
        self._n_weighed = self._n_measured = 0
        self._sample: Sample | None = None
        self._latest: tuple[int, Weighed] | None = None  # the articles last added, from a place on

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def held(self) -> ArticleTerms:
        """Terms of all articles."""
        return ArticleTerms(self.bounds.values, self.heads.values, self.terms.values)

    def add(self, rows: NDArray[np.int64], held: ArticleTerms) -> None:
        """Add articles, and weigh them."""
        first = len(self)
        self.enter(rows, held, np.zeros(len(rows)))
        self.levels.add(held.terms, places_under(first, held.bounds, held.heads))
        if self._sample is None or len(self) > (1.0 + GROWN) * self._n_weighed:
            self.weigh_all(measured=first)
        else:
            self._weigh_new(first)

    def enter(
        self, rows: NDArray[np.int64], held: ArticleTerms, null_similarity: NDArray[np.float64]
    ) -> None:
        """Enter articles that are read from a store; when all have been, `fill`, then `weigh_all`."""
        self.bounds.extend(len(self.terms) + held.bounds[1:])
        self.rows.extend(rows)
        self.heads.extend(held.heads)
        self.terms.extend(held.terms)
        self.factors.extend(np.zeros((len(rows), 2), np.float32))
        self.null_similarity.extend(null_similarity)
        self.removed.extend(np.zeros(len(rows), np.bool_))

    def fill(self) -> None:
        """Make the levels of all articles entered."""
        held = self.held
        self.levels.fill(held.terms, places_under(0, held.bounds, held.heads))

    def remove(self, places: NDArray[np.int64]) -> None:
        """Let articles have no neighbours any more; their terms are forgotten when the store is next read."""
        self.factors.values[places] = 0.0
        self.removed.values[places] = True
        self.n_removed += len(places)

    def idf(self, terms: NDArray[np.uint32], df: NDArray[np.int64], guest: int = 0) -> NDArray[np.float32]:
        """Weights of terms, in ascending order, that so many articles hold; 0 for one that is left out."""
        rates, known = known_rates(self.known, self.rates, terms)
        n, df = max(len(self) - self.n_removed + guest, 1), df + guest
        weights = inverse_document_frequencies(df, n, rates, self.background.worth, SETTINGS.max_idf_ratio)
        rare = np.flatnonzero((df < SETTINGS.min_df) & ~known)
        anywhere = df[rare]
        for index in self.family:
            if index is not self:
                anywhere = anywhere + index.levels.counts(terms[rare])
        weights[rare[anywhere < SETTINGS.min_df]] = 0.0
        return np.asarray(weights, np.float32)

    def weigh(self, held: ArticleTerms, guest: int = 0) -> tuple[Weighed, NDArray[np.float32]]:
        """Weights of articles of this language, and the factors that belong to them.

        A guest is no article of this index and counts as one: `guest` is 1.
        """
        terms, places = distinct(held.terms)
        spans = self.levels.spans(terms)
        idf = self.idf(terms, counts_of(spans), guest)
        weights, factors = weigh_rows(held.bounds, held.heads, places, idf, SETTINGS.head_weight)
        return Weighed(held.bounds, places, weights, terms, spans, idf), factors

    def weighed(self, places: NDArray[np.int64]) -> Weighed:
        """Weights of articles at some places, ascending; those of the articles last added are at hand."""
        first, latest = self._latest or (len(self), None)
        if latest and len(places) == len(self) - first and places[0] == first:
            return latest
        return self.weigh(self.held.of(places))[0]

    def measure_background(self, weighed: Weighed, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean cosine of articles, which stand at these places, with their 50th to 150th neighbours."""
        there = neighbor_coverage(len(self) - self.n_removed)
        shared = np.zeros(len(places))
        if there and self._sample is not None:
            shared = self._sample.mean_of_middle_ranks(weighed, places)
        return shared + small_sample_prior(there)

    def _weigh_new(self, first: int) -> None:
        """Weigh the articles from a place on."""
        places = np.arange(first, len(self))
        weighed, self.factors.values[first:] = self.weigh(self.held.of(places))
        self.null_similarity.values[first:] = self.measure_background(weighed, places)
        self._latest = first, weighed

    def weigh_all(self, measured: int, *, anew: bool = False) -> None:
        """Weigh all articles anew, and choose those that stand for strangers.

        What is shared with strangers is measured for articles from the place `measured` on; for all where the
        language is young and has outgrown what was measured, or `anew` asks for it.
        """
        run = self.levels.compact()
        removed = self.removed.values
        idf = np.empty(len(run.keys), np.float32)
        for start in range(0, len(idf), WEIGHED_AT_ONCE):  # so that what lies between is small
            part = slice(start, start + WEIGHED_AT_ONCE)
            idf[part] = self.idf(run.keys[part], np.diff(run.bounds[start : start + WEIGHED_AT_ONCE + 1]))
        self.factors.values[:] = factors_of_run(run.bounds, run.values, idf, len(self), SETTINGS.head_weight)
        self.factors.values[removed] = 0.0
        self._n_weighed = len(self)
        self._sample = Sample.of(self, np.flatnonzero(~removed))
        if len(self) <= YOUNG and (anew or len(self) > (1.0 + OUTGROWN) * self._n_measured):
            measured, self._n_measured = 0, len(self)
        for start in range(measured, len(self), AT_ONCE):
            places = np.arange(start, min(start + AT_ONCE, len(self)))
            self.null_similarity.values[places] = self.measure_background(
                self.weigh(self.held.of(places))[0], places
            )

    def neighbours(
        self,
        weighed: Weighed,
        null_similarity: NDArray[np.float64],
        before: NDArray[np.int64],
        least: float,
        n_jobs: int | None = None,
        *,
        own: bool = False,
        guest: int = 0,
    ) -> NeighborPairs:
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
        own : bool
            Whether they are of this language, by which they have been weighed.
        guest : int
            1 where they are articles of no index; see `weigh`.
        """
        spans, idf = weighed.spans, weighed.idf
        if not own:
            spans = self.levels.spans(weighed.terms)
            idf = self.idf(weighed.terms, counts_of(spans), guest)
        df = counts_of(spans)
        chosen = np.zeros(len(weighed.places), np.bool_)
        of_rows = weighed.bounds, weighed.places, weighed.weights
        mark_entries(0, len(before), *of_rows, df, MAX_POSTINGS, HEAVIEST, chosen)
        large, middle, fresh = (run.values for run in self.levels.runs)
        held, factors, floors = self.held, self.factors.values, self.null_similarity.values
        local = threading.local()

        def work(start: int, stop: int) -> Any:
            if not hasattr(local, "scratch"):
                local.scratch = (np.zeros(len(self), np.float32), np.empty(len(self), np.int32),
                                 np.zeros(MARKS, np.bool_))  # fmt: skip
            return find_neighbors(
                start, stop, *of_rows, weighed.terms, chosen, null_similarity, before, idf, spans, large,
                middle, fresh, held.bounds, held.heads, held.terms, factors, floors, PROMISE, least,
                *local.scratch,
            )  # fmt: skip

        costs = 64 * np.diff(weighed.bounds) + 4096
        parts = map_chunks(work, costs, n_jobs, "neighbours")
        first, second, cosines = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return NeighborPairs(first, second, cosines)


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
        sample = places[sample_rows(len(places))]
        weighed, _ = index.weigh(index.held.of(sample))
        shape = len(sample), len(weighed.terms)
        matrix: sparse.csr_array = compressed_rows(
            weighed.bounds, weighed.places.astype(np.int32), weighed.weights, shape
        )
        inverted = index_entries(matrix, weighed.weights > 0)
        held = np.packbits(np.diff(inverted.bounds) > 0, bitorder="little")
        return cls(sample, weighed.terms, held, *inverted)

    def mean_of_middle_ranks(self, weighed: Weighed, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean of the 50th to 150th largest cosines of articles at these places with the sample."""
        at = np.searchsorted(self.terms, weighed.terms)
        known = np.append(self.terms, np.uint32(0))[at] == weighed.terms
        known &= at < len(self.terms)
        kept = known[weighed.places]
        bounds = np.append(0, np.cumsum(kept))[weighed.bounds]
        means: NDArray[np.float64] = mean_of_middle_ranks(
            0, len(places), bounds, at[weighed.places[kept]], weighed.weights[kept], self.held, self.bounds,
            self.rows, self.weights, places, self.places, NEAREST, FARTHEST,
        )  # fmt: skip
        return means


def distinct(terms: NDArray[np.uint32]) -> Any:
    """Distinct terms, ascending, and the place of each entry's term among them."""
    codes = terms.astype(np.uint64) << HALF | np.arange(len(terms), dtype=np.uint64)
    codes.sort()  # faster by far than sorting indirectly
    return number_sorted(codes)


@kernel
def number_sorted(codes: NDArray[np.uint64]) -> Any:
    """Number the upper halves of sorted codes, and put the numbers where the lower halves say."""
    terms, places = np.empty(len(codes), np.uint32), np.empty(len(codes), np.int64)
    n = 0
    for code in codes:
        term = np.uint32(code >> HALF)
        if n == 0 or terms[n - 1] != term:
            terms[n] = term
            n += 1
        places[np.int64(code & LOWER)] = n - 1
    return terms[:n].copy(), places


@kernel
def known_rates(known: NDArray[np.uint32], rates: NDArray[np.float64], terms: NDArray[np.uint32]) -> Any:
    """Rates of ascending terms among known ones, 0 where it is not known, and whether it is."""
    out, found = np.zeros(len(terms), np.float64), np.zeros(len(terms), np.bool_)
    at = 0
    for k in range(len(terms)):
        if len(terms) * 16 < len(known):
            at = np.searchsorted(known, terms[k])
        while at < len(known) and known[at] < terms[k]:
            at += 1
        if at < len(known) and known[at] == terms[k]:
            out[k], found[k] = rates[at], True
    return out, found
