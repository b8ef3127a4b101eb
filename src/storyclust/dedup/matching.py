"""Copies of kept articles among new ones: candidates by LSH keys of the kept articles, verified exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.articles.article import Article
from storyclust.dedup.compared import compared_texts
from storyclust.dedup.groups import preferences, rank_rows
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs
from storyclust.dedup.lsh import Bands, band_keys
from storyclust.dedup.minhash import BaseMinHasher
from storyclust.dedup.prefix_filter import all_candidates
from storyclust.text.furniture import Furniture, find_furniture
from storyclust.text.page_spans import Span, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.dedup.fitted_copies import FittedCopies

BATCH = 1_000  # new articles compared at a time: bounds memory, and no result depends on it


class Comparison(NamedTuple):
    """Settings by which articles are compared."""

    threshold: float
    num_perm: int
    shingle_size: int
    bands: Bands
    exact: bool
    doubtful: str
    n_jobs: int | None

    @property
    def hasher(self) -> BaseMinHasher:
        """What computes the signatures."""
        return BaseMinHasher(self.num_perm, self.shingle_size, n_jobs=self.n_jobs)


class KeptIndex(NamedTuple):
    """Kept articles, the best by the keep policy first, and where their LSH keys are found."""

    rows: NDArray[np.int64]  # of each kept article among all fitted ones
    texts: list[str]  # what is compared of each
    keys: NDArray[np.uint64]  # (n_bands, n), sorted by band
    places: NDArray[np.int64]  # (n_bands, n), of the kept article with each key
    settings: Comparison

    furniture: Furniture | None  # what is left out of the texts of new articles

    @classmethod
    def of(cls, dedup: FittedCopies, fitted: Sequence[Article]) -> KeptIndex:
        """Index the articles that a fitted estimator keeps, among those that it was fitted to."""
        settings = Comparison(
            dedup.threshold, dedup.num_perm, dedup.shingle_size, dedup.bands_, dedup.exact, dedup.doubtful,
            dedup.n_jobs,
        )  # fmt: skip
        furniture = Furniture.of(fitted) if dedup.clean else None
        compared = without_furniture(fitted) if dedup.clean else fitted
        rows = np.flatnonzero(dedup.keep_)
        kept = [compared[row] for row in rows.tolist()]
        by_rule = preferences(kept, dedup.keep, rows.tolist())
        ids = [article.id for article in kept]
        order = rank_rows(np.arange(len(rows)), by_rule, dedup.fingerprints_[rows], ids)
        texts = compared_texts([kept[place] for place in order.tolist()], settings.doubtful)
        keys, places = np.empty((0, len(texts)), np.uint64), np.empty((0, len(texts)), np.int64)
        if not settings.exact:
            keys = keys_of(texts, settings)
            places = np.argsort(keys, axis=1, kind="stable")
            keys = np.take_along_axis(keys, places, axis=1)
        return cls(rows[order], texts, keys, places, settings, furniture)

    def originals(self, articles: Sequence[Article]) -> NDArray[np.int64]:
        """Row of the kept article that each new article is a copy of, or -1.

        Of several, it is the first by the keep policy.
        """
        if self.furniture is not None:
            articles = without_furniture(articles, self.furniture.spans(articles))
        texts = compared_texts(articles, self.settings.doubtful)
        found = [self._originals(texts[k : k + BATCH]) for k in range(0, len(texts), BATCH)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def _originals(self, texts: list[str]) -> NDArray[np.int64]:
        pairs = self._candidates(texts)
        needed, local = np.unique(pairs[:, 0], return_inverse=True)
        compared = [self.texts[place] for place in needed.tolist()] + texts
        sets = ShingleSets.from_texts(compared, self.settings.shingle_size, self.settings.n_jobs)
        ends = np.column_stack((local, pairs[:, 1] + len(needed)))
        similar = jaccard_pairs(sets, ends, self.settings.threshold, self.settings.n_jobs) > 0
        first = np.full(len(texts), len(self.texts), np.int64)
        np.minimum.at(first, pairs[similar, 1], pairs[similar, 0])
        rows = np.full(len(self.rows) + 1, -1, np.int64)
        rows[:-1] = self.rows
        return rows[first]

    def _candidates(self, texts: list[str]) -> NDArray[np.int64]:
        """Pairs (place of a kept article, new article) that may reach the threshold."""
        n = len(self.texts)
        if self.settings.exact:
            sets = ShingleSets.from_texts(
                self.texts + texts, self.settings.shingle_size, self.settings.n_jobs
            )
            pairs = all_candidates(sets, self.settings.threshold)
            pairs = pairs[(pairs[:, 0] < n) & (pairs[:, 1] >= n)]
            pairs[:, 1] -= n
            return pairs
        codes = [np.empty(0, np.int64)]
        for keys, places, wanted in zip(self.keys, self.places, keys_of(texts, self.settings), strict=True):
            begin, end = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
            counts = end - begin
            new = np.repeat(np.arange(len(texts)), counts)
            within = np.arange(len(new)) - np.repeat(np.cumsum(counts) - counts, counts)
            codes.append(new * n + places[np.repeat(begin, counts) + within])
        new, place = np.divmod(np.unique(np.concatenate(codes)), max(n, 1))
        return np.column_stack((place, new))


def keys_of(texts: Sequence[str], settings: Comparison) -> NDArray[np.uint64]:
    """LSH keys of texts, shape (n_bands, n)."""
    signatures, (bands, rows) = settings.hasher.transform(texts), settings.bands
    keys = [band_keys(signatures, band, rows) for band in range(bands)]
    return np.array(keys, np.uint64).reshape(bands, len(texts))


def without_furniture(
    articles: Sequence[Article], spans: Sequence[tuple[Span, ...]] | None = None
) -> list[Article]:
    """Articles without the page furniture in these spans, by default what `find_furniture` finds."""
    found = find_furniture(articles) if spans is None else spans
    return [
        replace(article, text=cut(article.text, own)) for article, own in zip(articles, found, strict=True)
    ]
