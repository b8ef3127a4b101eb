"""Assignment of new articles to fitted threads.

The rule is that of the fit, with everything fixed that was learnt from the fitted articles: each new article
is an independent article more, and average linkage attaches it to the trees of merges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.cluster.background_similarity import BackgroundSample, is_measurable, sample_rows
from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.graph import default_limits, raise_null_similarity
from storyclust.cluster.linkage import Merges, cut
from storyclust.cluster.local_scaling import local_scales, scaled_similarity
from storyclust.cluster.pair_search import IndexedRows, QueryRows, search_block
from storyclust.cluster.postings import Csr, choose_entries, count_holders, index_entries
from storyclust.stories.grouping import LEAST_SIMILARITY, event_similarity, least_similarities
from storyclust.text.background import Background
from storyclust.text.furniture import Furniture, without_spans
from storyclust.text.language import common_latin, name_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.settings import GroupingSettings
    from storyclust.text.vectorize import BaseVectorizer

BATCH = 10_000  # new articles compared at a time: bounds memory, and no result depends on it


class Neighbors(NamedTuple):
    """Similar pairs of a new article and a fitted one, by new article."""

    rows: NDArray[np.int64]  # of new articles
    others: NDArray[np.int64]  # places of fitted ones
    similarities: NDArray[np.float64]  # corrected for background similarity
    scaled: NDArray[np.float64]  # and relative to those of the nearest neighbours of both


class Tree(NamedTuple):
    """Merges of a fit: leaves, and from number `n_leaves` on what they were merged to."""

    parent: NDArray[np.int64]  # of each node, -1 if there is none
    threads: NDArray[np.int64]  # of each node, and -1 at the end, for none
    sizes: NDArray[np.int64]  # articles of each node
    merged_at: NDArray[np.float64]  # mean similarity with its sibling; the least of a merge if there is none
    first: NDArray[np.float64]  # earliest time, infinite where no article has a date
    last: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        merges: Merges,
        distance: float,
        leaf_threads: NDArray[np.int64],
        sizes: NDArray[np.int64],
        times: NDArray[np.float64],
    ) -> Tree:
        """Tree of merges below a distance, from the threads, sizes and times of its leaves."""
        n, m = len(sizes), len(merges.children)
        parent, merged_at = np.full(n + m, -1), np.full(n + m, 1.0 - distance)
        threads = np.append(leaf_threads, np.full(m + 1, -1))
        all_sizes = np.append(sizes, np.zeros(m, np.int64))
        first = np.append(np.where(np.isnan(times), np.inf, times), np.empty(m))
        last = np.append(np.where(np.isnan(times), -np.inf, times), np.empty(m))
        for node, (a, b) in enumerate(merges.children.tolist(), n):
            parent[[a, b]], threads[node], all_sizes[node] = node, threads[a], all_sizes[a] + all_sizes[b]
            first[node], last[node] = min(first[a], first[b]), max(last[a], last[b])
            merged_at[[a, b]] = 1.0 - merges.distances[node - n]
        return cls(parent, threads, all_sizes, merged_at, first, last)


class ThreadIndex:
    """The independent articles of a fit, indexed by their terms, with their events and threads.

    Parameters
    ----------
    stories : FittedStories
        Fitted.
    """

    def __init__(self, stories: FittedStories) -> None:
        self.vectorizer: BaseVectorizer = stories.vectorizer_
        self.settings: GroupingSettings = stories._settings
        self.n_jobs: int | None = stories.n_jobs
        kept = np.flatnonzero(stories.deduplicator_.keep_)
        kept = kept[np.argsort(stories._place[kept])]
        self.threads: NDArray[np.int64] = stories.labels_[kept]
        self.times: NDArray[np.float64] = stories._times
        self.scales: NDArray[np.float64] = stories._scales
        rows = kept.tolist()
        to_events, to_threads = stories._merges
        self.event_of = cut(to_events, len(kept), self.settings.event_distance)
        ones = np.ones(len(kept), np.int64)
        self.to_events = Tree.of(to_events, self.settings.event_distance, self.threads, ones, self.times)
        _, first, sizes = np.unique(self.event_of, return_index=True, return_counts=True)
        undated = np.full(len(first), np.nan)
        self.to_threads = Tree.of(
            to_threads, self.settings.thread_distance, self.threads[first], sizes, undated
        )
        self.furniture = Furniture.of([stories._articles[row] for row in rows]) if stories.clean else None

        self.groups: NDArray[np.int64] = self.vectorizer.groups_
        languages = self.vectorizer.languages_ or ["en"]
        named = [languages[code] for code in self.groups.tolist()]
        self.common = common_latin(Counter(named))
        vectors = self._vectors([stories._counted[row] for row in rows], named)
        sizes = np.bincount(self.groups, minlength=len(languages))
        self.least = least_similarities(Background.load(self.vectorizer.background), languages, sizes)
        self.samples = {
            group: _sample(vectors, np.flatnonzero(self.groups == group))
            for group, size in enumerate(sizes.tolist())
            if is_measurable(size)
        }
        self.df = count_holders(vectors.indices, vectors.shape[1])
        postings = index_entries(Csr.of(vectors), self._indexed(vectors), vectors.shape[1])
        self.block = IndexedRows(Csr.of(vectors), postings, stories._background)

    def assign(self, articles: Sequence[Article]) -> NDArray[np.int64]:
        """Thread of each new article, or -1."""
        parts = [self._assign(articles[k : k + BATCH]) for k in range(0, len(articles), BATCH)]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _assign(self, articles: Sequence[Article]) -> NDArray[np.int64]:
        furniture = self.furniture
        near = self._neighbors(
            articles if furniture is None else without_spans(articles, furniture.spans(articles))
        )
        indptr = np.searchsorted(near.rows, np.arange(len(articles) + 1))
        times = times_of(articles)
        gaps = np.abs(times[near.rows] - self.times[near.others])
        recent = event_similarity(near.similarities, gaps)
        undated = np.full(len(articles), np.nan)
        events = attached(indptr, near.others, recent, times, self.to_events, self.settings.event_window)
        threads = attached(indptr, self.event_of[near.others], near.scaled, undated, self.to_threads, np.inf)
        by_event, by_thread = self.to_events.threads[events], self.to_threads.threads[threads]
        found: NDArray[np.int64] = np.where(events >= 0, by_event, by_thread)
        return found

    def _neighbors(self, articles: Sequence[Article]) -> Neighbors:
        """Fitted articles that are similar to new ones, as in the graph of the fit."""
        named = [name or self.common for name in name_languages(articles)]
        vectors = self._vectors(articles, named)
        known = {name: code for code, name in enumerate(self.vectorizer.languages_)}
        groups = np.array([known.get(name, 0) for name in named], np.int64)
        background = self._background_of(vectors, groups)
        ends = np.full(len(articles), len(self.threads))
        queries = QueryRows(Csr.of(vectors), self._indexed(vectors), background, ends)
        limits = default_limits()
        hits = search_block(queries, self.block, limits, LEAST_SIMILARITY, n_jobs=self.n_jobs)
        rows, others = hits.rows.astype(np.int64), hits.others.astype(np.int64)
        indptr = np.searchsorted(rows, np.arange(len(articles) + 1))
        # A row with as many neighbours as a search returns may have more.
        background = raise_null_similarity(indptr, hits.cosines, background, limits.max_neighbors - 1)
        floors = np.maximum(background[rows], self.block.null_similarity[others])
        similarities = corrected_similarities(hits.cosines, floors)
        strong = similarities >= np.maximum(self.least[groups[rows]], self.least[self.groups[others]])
        rows, others, similarities = rows[strong], others[strong], similarities[strong]
        scales = local_scales(np.searchsorted(rows, np.arange(len(articles) + 1)), similarities)
        scaled = scaled_similarity(similarities, scales[rows], self.scales[others])
        return Neighbors(rows, others, similarities, scaled)

    def _vectors(self, articles: Sequence[Article], languages: Sequence[str]) -> sparse.csr_array:
        """Vectors of articles in these languages, none of which depends on the others."""
        return self.vectorizer.transform(
            [replace(article, lang=name) for article, name in zip(articles, languages, strict=True)]
        )

    def _indexed(self, vectors: sparse.csr_array) -> NDArray[np.bool_]:
        """Entries that are looked up, by how many fitted articles hold their terms."""
        limits = default_limits()
        return choose_entries(vectors, limits.max_postings, limits.heaviest, self.n_jobs, self.df)

    def _background_of(self, vectors: sparse.csr_array, groups: NDArray[np.int64]) -> NDArray[np.float64]:
        """Background similarity of new articles with the fitted ones of their language."""
        background = np.zeros(len(groups))
        for group, sample in self.samples.items():
            rows = np.flatnonzero(groups == group)
            beyond = np.full(len(rows), sample.places[-1] + 1)  # none of them is in the sample
            background[rows] = sample.similarities(Csr.of(sparse.csr_array(vectors[rows])), beyond)
        return background


def _sample(vectors: sparse.csr_array, rows: NDArray[np.int64]) -> BackgroundSample:
    """Sample of the rows of one language, as `background_similarity` takes it."""
    places = sample_rows(len(rows))
    sampled = sparse.csr_array(vectors[rows[places]])
    return BackgroundSample.of(Csr.of(sampled), vectors.shape[1], places)


@kernel
def attached(
    indptr: NDArray[np.int64],
    leaves: NDArray[np.int64],
    similarities: NDArray[np.float64],
    times: NDArray[np.float64],
    tree: Tree,
    window: float,
) -> Any:
    """Node of a tree that average linkage merges each new article with, or -1.

    An article merges with a node if its mean similarity with it is larger than that at which the node was
    merged with its sibling, or than the least of a merge; of several nodes with the most similar.

    Parameters
    ----------
    indptr : int64 array of shape (n_new + 1,)
        Bounds of the neighbours of each article in the following two arrays.
    leaves : int64 array
    similarities : float64 array
    times : float64 array of shape (n_new,)
        NaN where there is none.
    tree : Tree
    window : float
        Most time between an article and the first and last of a node.
    """
    sums = np.zeros(len(tree.parent), np.float64)
    met = np.empty(len(tree.parent), np.int64)
    found = np.full(len(indptr) - 1, -1, np.int64)
    for row in range(len(found)):
        n = 0
        for k in range(indptr[row], indptr[row + 1]):
            node = leaves[k] if similarities[k] > 0.0 else -1
            while node >= 0:
                if sums[node] == 0.0:
                    met[n] = node
                    n += 1
                sums[node] += similarities[k]
                node = tree.parent[node]
        most = 0.0
        for k in range(n):
            node = met[k]
            mean = sums[node] / tree.sizes[node]
            sums[node] = 0.0
            late = max(tree.last[node], times[row]) - min(tree.first[node], times[row]) > window
            ahead = mean > most or (mean == most and node < found[row])
            if mean > tree.merged_at[node] and ahead and not late:
                most, found[row] = mean, node
    return found
