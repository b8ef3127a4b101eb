"""Terms of the articles of one language, in memory: weights, background similarity, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel, map_parts
from storyclust.cluster.background_similarity import (
    BackgroundSample,
    is_measurable,
    sample_rows,
    similarities_with,
)
from storyclust.cluster.graph import default_limits
from storyclust.cluster.pair_search import Scratch, map_with_scratch
from storyclust.cluster.postings import MIN_ROW_BYTES, Csr, entry_costs, mark_entries
from storyclust.store.growable_array import GrowableArray
from storyclust.store.neighbor_search import NeighborPairs, QueryArticles, StoredArticles, find_neighbors
from storyclust.store.postings import Levels, counts_of, look_up_sorted
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

    from storyclust.text.background import Background

YOUNG = 20_000  # articles from which document frequencies and background similarities hardly change
REWEIGH_GROWTH = 0.1  # share of new articles from which the weights of all articles are computed again,
REMEASURE_GROWTH = 0.25  # and their background similarities, while the index has at most YOUNG articles
MEASURED_AT_ONCE, WEIGHED_AT_ONCE = 1_024, 1 << 18  # articles, terms: so that arrays stay small
HALF, LOWER = np.uint64(32), np.uint64(0xFFFFFFFF)


class TermsIndex:
    """Articles of one language, in the order in which they were added.

    Attributes
    ----------
    rows : GrowableArray of int64
        Rows of the articles in the article index, ascending.
    null_similarity : GrowableArray of float64
        Background similarity of each.
    """

    def __init__(self, language: str, background: Background, family: list[TermsIndex]) -> None:
        self.background = background
        self.family = family  # the indexes of all languages, this one among them
        self.known = fold(background.terms)
        order = np.argsort(self.known)
        self.known = self.known[order]
        self.rates = background.shares[order] if language == background.language else np.zeros(len(order))
        self.levels = Levels()
        self.gone = Levels()  # postings of removed articles that are still in `levels`
        self.rows = GrowableArray(np.int64)
        self.bounds = GrowableArray(np.int64)
        self.bounds.extend(np.zeros(1, np.int64))
        self.heads = GrowableArray(np.int64)
        self.terms = GrowableArray(np.uint32)
        self.factors = GrowableArray(np.float32, 2)
        self.null_similarity = GrowableArray(np.float64)
        self.removed = GrowableArray(np.bool_)
        self.n_removed = 0
        self.n_filled = 0  # articles whose postings are in `levels`
        self.n_stored = 0  # articles whose entries are in the file, with their weights
        self.n_weighed = self.n_measured = 0
        self.sample: TermSample | None = None
        self._latest: tuple[int, Weighed] | None = None  # the articles last added, from a place on

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_kept(self) -> int:
        """Number of articles that have not been removed."""
        return len(self) - self.n_removed

    @property
    def held(self) -> ArticleTerms:
        """Terms of all articles."""
        return ArticleTerms(self.bounds.values, self.heads.values, self.terms.values)

    def add(self, rows: NDArray[np.int64], held: ArticleTerms, n_jobs: int | None = None) -> None:
        """Add articles and compute their weights."""
        first = len(self)
        self.enter(rows, held, np.zeros(len(rows)))
        self.fill()
        if self.sample is None or self.n_kept > (1.0 + REWEIGH_GROWTH) * self.n_weighed:
            self.weigh_all(measured=first, n_jobs=n_jobs)
        else:
            self._weigh_new(first, n_jobs)

    def enter(
        self, rows: NDArray[np.int64], held: ArticleTerms, null_similarity: NDArray[np.float64]
    ) -> None:
        """Enter articles that are read from a store; when all have been, call `fill`, then `weigh_all`."""
        self.bounds.extend(len(self.terms) + held.bounds[1:])
        self.rows.extend(rows)
        self.heads.extend(held.heads)
        self.terms.extend(held.terms)
        self.factors.extend(np.zeros((len(rows), 2), np.float32))
        self.null_similarity.extend(null_similarity)
        self.removed.extend(np.zeros(len(rows), np.bool_))

    def restore(self, rows: NDArray[np.int64], held: dict[str, NDArray[Any]], terms: GrowableArray) -> None:
        """Enter the articles of a snapshot in an empty index; then set `levels` and `gone`."""
        n = len(rows)
        self.rows.extend(rows)
        self.bounds.extend(held["bounds"][1:])
        self.heads.extend(held["heads"])
        self.terms = terms
        self.factors.extend(np.zeros((n, 2), np.float32))
        self.null_similarity.extend(np.zeros(n))
        self.removed.extend(held["removed"])
        self.n_removed, self.n_filled = int(np.count_nonzero(held["removed"])), n

    def fill(self) -> None:
        """Build the postings of the articles entered since the last call."""
        first, (bounds, heads, terms) = self.n_filled, self.held
        bounds, heads = bounds[first:] - bounds[first], heads[first:]
        terms = terms[len(terms) - bounds[-1] :]
        add = self.levels.add if first else self.levels.fill
        add(terms, places_under(first, bounds, heads))
        self.n_filled = len(self)

    def remove(self, places: NDArray[np.int64]) -> None:
        """Leave articles without neighbours; their terms are dropped when the store is next read."""
        terms = self.held.of(places).terms
        self.gone.add(terms, np.zeros(len(terms), np.int32))
        self.factors.values[places] = 0.0
        self.removed.values[places] = True
        self.n_removed += len(places)

    def counts(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Document frequencies of ascending terms."""
        return self._without_removed(terms, self.levels.counts(terms))

    def _without_removed(self, terms: NDArray[np.uint32], df: NDArray[np.int64]) -> NDArray[np.int64]:
        return df - self.gone.counts(terms) if len(self.gone) else df

    def idf(self, terms: NDArray[np.uint32], df: NDArray[np.int64], guest: int = 0) -> NDArray[np.float32]:
        """Inverse document frequencies of ascending terms; 0 for one that is below `min_df` everywhere."""
        rates, known = known_rates(self.known, self.rates, terms)
        n, df = max(self.n_kept + guest, 1), df + guest
        weights = inverse_document_frequencies(df, n, rates, self.background.worth, SETTINGS.max_idf_ratio)
        rare = np.flatnonzero((df < SETTINGS.min_df) & ~known)
        anywhere = df[rare]
        for index in self.family:
            if index is not self:
                anywhere = anywhere + index.counts(terms[rare])
        weights[rare[anywhere < SETTINGS.min_df]] = 0.0
        return np.asarray(weights, np.float32)

    def weigh(self, held: ArticleTerms, guest: int = 0) -> tuple[Weighed, NDArray[np.float32]]:
        """Weights of articles of this language, and their factors.

        `guest` is 1 for an article that is not in this index but is counted as if it were.
        """
        terms, places = distinct(held.terms)
        spans = self.levels.spans(terms)
        df = self._without_removed(terms, counts_of(spans))
        idf = self.idf(terms, df, guest)
        weights, factors = weigh_rows(held.bounds, held.heads, places, idf, SETTINGS.head_weight)
        return Weighed(held.bounds, places, weights, terms, spans, df, idf), factors

    def weighed(self, places: NDArray[np.int64]) -> Weighed:
        """Weights of articles at some ascending places; those of the articles last added are cached."""
        first, latest = self._latest or (len(self), None)
        if latest and len(places) == len(self) - first and places[0] == first:
            return latest
        return self.weigh(self.held.of(places))[0]

    def measure_background(
        self, weighed: Weighed, places: NDArray[np.int64], n_jobs: int | None = None
    ) -> NDArray[np.float64]:
        """Background similarity of articles at some places: see `background_similarity`."""
        if is_measurable(self.n_kept) and self.sample is not None:
            return self.sample.similarities(weighed, places, n_jobs)
        return np.zeros(len(places))

    def _weigh_new(self, first: int, n_jobs: int | None) -> None:
        """Weigh the articles from a place on."""
        places = np.arange(first, len(self))
        weighed, self.factors.values[first:] = self.weigh(self.held.of(places))
        self.null_similarity.values[first:] = self.measure_background(weighed, places, n_jobs)
        self._latest = first, weighed

    def weigh_all(self, measured: int, *, anew: bool = False, n_jobs: int | None = None) -> None:
        """Compute the weights of all articles again, and draw the sample for background similarity.

        Background similarity is measured for articles from the place `measured` on. It is measured for all if
        `anew` asks for it, or the index has grown by `REMEASURE_GROWTH`, as long as it has at most `YOUNG`.
        """
        run = self.levels.compact()
        removed = self.removed.values
        idf = np.empty(len(run.keys), np.float32)

        def weigh_terms(start: int, stop: int) -> None:
            keys, df = run.keys[start:stop], np.diff(run.bounds[start : stop + 1])
            idf[start:stop] = self.idf(keys, self._without_removed(keys, df))

        map_parts(weigh_terms, len(idf), WEIGHED_AT_ONCE, n_jobs, "weights")
        self.factors.values[:] = factors_of_run(run.bounds, run.values, idf, len(self), SETTINGS.head_weight)
        self.factors.values[removed] = 0.0
        self.n_weighed, self.n_stored = self.n_kept, 0
        self.sample = TermSample.of(self, np.flatnonzero(~removed))
        if self.n_kept <= YOUNG and (anew or self.n_kept > (1.0 + REMEASURE_GROWTH) * self.n_measured):
            measured, self.n_measured = 0, self.n_kept
        held, null_similarity = self.held, self.null_similarity.values
        numbers = np.arange(len(idf) + 1)

        def measure(start: int, stop: int) -> None:
            places = np.arange(measured + start, measured + stop)
            weighed = weigh_by(run.keys, idf, numbers, held.of(places))
            null_similarity[places] = self.measure_background(weighed, places)

        map_parts(measure, len(self) - measured, MEASURED_AT_ONCE, n_jobs, "background")

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
        """Find articles here that are similar to some articles of any language.

        Parameters
        ----------
        weighed : Weighed
            The articles, by the weights of their own language.
        null_similarity : float64 array of shape (n,)
            Background similarity of each.
        before : int64 array of shape (n,)
            Each is compared with the articles before this place.
        least : float
            Least similarity, corrected for background similarity.
        n_jobs : int or None
            Threads.
        own : bool, default=False
            Whether they are of this language.
        guest : int, default=0
            1 for articles that are in no index; see `weigh`.

        Returns
        -------
        pairs : NeighborPairs
        """
        if not own:
            spans = self.levels.spans(weighed.terms)
            df = self._without_removed(weighed.terms, counts_of(spans))
            weighed = weighed._replace(spans=spans, df=df, idf=self.idf(weighed.terms, df, guest))
        limits = default_limits()
        rows, indexed = Csr(*weighed[:3]), np.zeros(len(weighed.places), np.bool_)
        mark_entries(0, len(before), rows, weighed.df, limits.max_postings, limits.heaviest, indexed)
        queries = QueryArticles(weighed, indexed, null_similarity, before)
        runs = tuple(run.values for run in self.levels.runs)
        stored = StoredArticles(self.held, self.factors.values, self.null_similarity.values, runs)

        def work(start: int, stop: int, scratch: Scratch) -> Any:
            return find_neighbors(start, stop, queries, stored, limits, least, scratch)

        longest = int(np.diff(weighed.bounds).max(initial=0))
        costs = entry_costs(weighed.bounds) + MIN_ROW_BYTES
        parts = map_with_scratch(work, len(self), longest, costs, n_jobs, "neighbours")
        return NeighborPairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class TermSample(NamedTuple):
    """Evenly spaced articles of an index, with which background similarity is measured."""

    terms: NDArray[np.uint32]  # ascending; columns of the sample
    rows: Csr
    sample: BackgroundSample

    @classmethod
    def of(cls, index: TermsIndex, places: NDArray[np.int64]) -> TermSample:
        """Sample the articles of an index that stand at these places."""
        sample = places[sample_rows(len(places))]
        weighed, _ = index.weigh(index.held.of(sample))
        return cls.of_rows(weighed.terms, Csr(*weighed[:3]), sample)

    @classmethod
    def of_rows(cls, terms: NDArray[np.uint32], rows: Csr, places: NDArray[np.int64]) -> TermSample:
        """Index the weighted rows of a sample."""
        return cls(terms, rows, BackgroundSample.of(rows, len(terms), places))

    def similarities(
        self, weighed: Weighed, places: NDArray[np.int64], n_jobs: int | None = None
    ) -> NDArray[np.float64]:
        """Background similarity of articles at these places with the sample."""
        at = np.searchsorted(self.terms, weighed.terms)
        known = at < len(self.terms)
        known[known] = self.terms[at[known]] == weighed.terms[known]
        kept = known[weighed.places]
        bounds = np.append(0, np.cumsum(kept))[weighed.bounds]
        rows = Csr(bounds, at[weighed.places[kept]], weighed.weights[kept])
        return similarities_with(rows, places, self.sample, n_jobs)


def weigh_by(
    keys: NDArray[np.uint32], idf: NDArray[np.float32], numbers: NDArray[np.int64], held: ArticleTerms
) -> Weighed:
    """Weights of articles by the weight of each of ascending keys, without places and numbers of postings.

    `numbers` are those of the keys, and their count.
    """
    terms, places = distinct(held.terms)
    at = np.zeros((len(terms), 2), np.int64)
    look_up_sorted(keys, numbers, len(idf), terms, at)
    own = np.where(at[:, 1] > at[:, 0], idf[at[:, 0]], np.float32(0.0))
    weights, _ = weigh_rows(held.bounds, held.heads, places, own, SETTINGS.head_weight)
    none = np.empty(0, np.int64)
    return Weighed(held.bounds, places, weights, terms, none, none, own)


def distinct(terms: NDArray[np.uint32]) -> Any:
    """Distinct terms, ascending, and the number of each entry's term among them."""
    codes = terms.astype(np.uint64) << HALF | np.arange(len(terms), dtype=np.uint64)
    codes.sort()  # much faster than argsort
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
    """Rates of ascending terms among known ones, 0 for unknown ones, and whether each is known."""
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
