"""Copies: from articles to duplicate groups in which every member is verified against the one kept.

The way of the data: articles are sketched in one pass; equal texts collapse by their fingerprints; bands
propose pairs of what is left; exact Jaccard similarity disposes; groups form around the article that the
keep policy ranks first; and among the articles kept, those that stand inside others are named excerpts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from storyclust._core.memory import check_memory
from storyclust._core.union_find import by_appearance
from storyclust._core.validation import check_bool, check_choice, check_float, check_jobs
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.excerpt_candidates import EXCERPT, containment_candidates
from storyclust.dedup.groups import (
    DOUBTFUL,
    SHORT,
    DuplicateGroup,
    Policy,
    Twins,
    check_policy,
    expand_pairs,
    group_twins,
    lead_groups,
    rank_rows,
    sort_pairs,
)
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs, similarities_to_leaders
from storyclust.dedup.lsh import Bands, Candidates, candidate_pairs, choose_bands, collision_probability
from storyclust.dedup.minhash import MinHasher
from storyclust.dedup.prefix_filter import all_candidates
from storyclust.dedup.sketches import Sketches
from storyclust.errors import StoryclustWarning
from storyclust.text.boilerplate import without_furniture

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECALL = 0.99
BLOCK_SHINGLES = 1 << 26  # shingles sorted at a time for verification: 512 MB
FEWEST_SHINGLES = 12  # a text of fewer is too short to be called an excerpt


class Deduplicator(ClusterMixin, BaseEstimator):
    """Find copies: articles whose texts are the same, give or take edits.

    Two articles are compared by their text, or by their title where the text is empty.

    Parameters
    ----------
    threshold : float in (0, 1], default=0.8
        Jaccard similarity of shingle sets from which two texts are copies. At 0.8 and five-word
        shingles, about one word in forty may differ, or a fifth of the text be cut.
    num_perm : int, default=128
        MinHash permutations. They only propose candidates; similarity itself is exact.
    shingle_size : int, default=5
        Tokens in a shingle.
    keep : str or callable, default='earliest'
        Which article of a group is kept: 'earliest', 'latest', 'longest', 'first' (in order of the
        input), 'source:A,B' (from source A, else B, else any), or a function of an `Article` that
        returns what to sort by, least first. Undated articles come after dated ones. What is left
        undecided goes to the earlier article, then the longer, then by title, a hash of the text, and id.
    exact : bool, default=False
        Find candidates by prefixes instead of MinHash: no pair is missed. Slower, the more so the
        lower the threshold.
    excerpts : {'report', 'drop', 'ignore'}, default='report'
        What becomes of articles that stand inside longer ones: 'report' lists them in `excerpts_`;
        'drop' does, and does not keep those that stand there by `threshold` or more; 'ignore' does not
        look for them.
    clean : bool, default=False
        Leave the furniture of web pages (see `find_furniture`) out of the comparison. It makes unlike
        texts alike and copies unlike. Off by default because it reads the whole corpus first, holds it in
        memory and takes twice as long as all the rest; text from feeds and archives has little of it.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Bytes taken besides the articles, as a number or a text like '4GB': shingles that go beyond a quarter
        of it wait in a temporary file. None is three quarters of what is free. The result does not
        depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n,)
        Group of every article, numbered by first appearance. An article without copies is alone in
        its group.
    keep_ : bool array of shape (n,)
        True for the one that is kept of each group.
    representatives_ : int64 array of shape (n,)
        Row of the article kept for each article: its own row where it is kept itself, -1 where it
        copies an article of the reference.
    reference_matches_ : int64 array of shape (n,)
        Row of the reference article that an article copies, or -1.
    pairs_ : int64 array of shape (m, 2)
        Verified pairs, i < j, sorted. Of more than 32 equal texts, and of crowds of more than 128
        texts that look alike, only the pairs with one of them are listed.
    similarities_ : float64 array of shape (m,)
        Exact Jaccard similarity of each pair.
    groups_ : list of DuplicateGroup
        Groups of two or more, or with an article of the reference, biggest first, then by first row.
    excerpts_ : int64 array of shape (k, 2)
        Pairs (excerpt, longer article) among the articles that lead groups, by row of the excerpt,
        closest first: a fifth or more of the shorter text's shingles stand in the longer.
    containments_ : float64 array of shape (k,)
        Share of the excerpt's shingles that stand in the longer article.
    fingerprints_ : uint64 array of shape (n, 2)
        Hash of each article's tokens, which says what text it is.
    bands_ : Bands
        Bands and rows used, chosen to find at least 99% of pairs at the threshold.
    expected_recall_ : float
        Probability that a pair exactly at the threshold is found; more similar pairs are found with
        a higher one. 1 with `exact`.

    Notes
    -----
    Every member of a group is at least `threshold` similar to its representative. Hence a text that
    resembles a removed copy but not the kept one is kept: nothing is removed on hearsay.

    A text of fewer than `shingle_size` tokens is a copy of equal texts only, up to case, width and
    punctuation; a text without any token, of texts with equal characters. Excerpts shorter than some
    fifty words may be missed.

    Texts are read once and not held. Given an iterator (such as `iter_articles`), memory peaks at about
    5 KB an article of 3 KB: measured, 5.5 GB for a million. The temporary file of shingles has no name and
    is gone with the process.

    References
    ----------
    A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997.
    P. Indyk, R. Motwani, "Approximate nearest neighbors", STOC 1998.

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = [
    ...     "The harbour ferry struck the pier on Monday morning and nobody was hurt, police said.",
    ...     "THE HARBOUR FERRY struck the pier on Monday morning and nobody was hurt, police said",
    ...     "A second crossing is planned for next year.",
    ... ]
    >>> dedup = sc.Deduplicator().fit(articles)
    >>> dedup.labels_
    array([0, 0, 1])
    >>> dedup.keep_
    array([ True, False,  True])
    >>> dedup.groups_
    [DuplicateGroup(2 articles, representative=0, min_similarity=1.000)]
    """

    labels_: NDArray[np.int64]
    keep_: NDArray[np.bool_]
    representatives_: NDArray[np.int64]
    reference_matches_: NDArray[np.int64]
    pairs_: NDArray[np.int64]
    similarities_: NDArray[np.float64]
    groups_: list[DuplicateGroup]
    excerpts_: NDArray[np.int64]
    containments_: NDArray[np.float64]
    fingerprints_: NDArray[np.uint64]
    bands_: Bands
    expected_recall_: float

    def __init__(
        self,
        threshold: float = 0.8,
        num_perm: int = 128,
        shingle_size: int = 5,
        keep: Policy = "earliest",
        exact: bool = False,
        excerpts: str = "report",
        clean: bool = False,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self.threshold = threshold
        self.num_perm = num_perm
        self.shingle_size = shingle_size
        self.keep = keep
        self.exact = exact
        self.excerpts = excerpts
        self.clean = clean
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

    def fit(
        self, X: Iterable[Any], y: object = None, *, reference: Iterable[Any] | None = None
    ) -> Deduplicator:
        """Find the copies among articles.

        Parameters
        ----------
        X : iterable of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`. An iterator is read in batches and not held in memory.
        y : object
            Ignored.
        reference : iterable of str, mapping or Article, or a DataFrame, optional
            Articles that are there already (an archive, a training set): what copies one of them is not
            kept, and they themselves are never compared with one another nor touched.

        Returns
        -------
        self : Deduplicator

        Raises
        ------
        InputError
            A parameter is out of range, or an article cannot be read as one.
        """
        threshold = check_float("threshold", self.threshold, low=0, high=1, open_low=True)
        check_bool("exact", self.exact)
        check_bool("clean", self.clean)
        check_jobs(self.n_jobs)
        check_choice("excerpts", self.excerpts, ("report", "drop", "ignore"))
        hasher = MinHasher(self.num_perm, self.shingle_size, n_jobs=self.n_jobs).fit()
        self.bands_ = self._choose_bands(threshold)
        limit = check_memory(self.memory_limit) // 4
        sketches = Sketches(hasher, check_policy(self.keep), sample=self.excerpts != "ignore", limit=limit)
        try:
            if self.clean:
                X, reference = cleaned(X), None if reference is None else cleaned(reference)
            n_reference = 0 if reference is None else sketches.add(reference, 0)
            sketches.add(X, 1)
            self._fit(sketches, n_reference, threshold)
        finally:
            sketches.shelf.close()
        return self

    def _fit(self, sketches: Sketches, n_reference: int, threshold: float) -> None:
        text_of = sketches.text_of
        fingerprints = sketches.fingerprints[text_of]
        self.fingerprints_ = fingerprints[n_reference:]
        twins = group_twins(fingerprints)
        texts = text_of[twins.rows[twins.bounds[:-1]]]  # one of each class
        candidates = self._candidates(sketches, texts, threshold)
        rank = self._rank(sketches, fingerprints, twins, candidates)
        heads = twins.rows[twins.bounds[:-1]]  # after ranking: the best of each class
        untouched = heads < n_reference
        pairs, similarities = self._verify(sketches, texts, candidates, rank[heads], untouched, threshold)
        leader, closeness = lead_groups(pairs, similarities, rank[heads], untouched)

        self.pairs_, self.similarities_ = within(n_reference, *expand_pairs(twins, pairs, similarities))
        excerpts, shares = self._find_excerpts(sketches, texts, leader, heads, n_reference)
        short = sketches.shelf.counts[texts] < SHORT
        self._describe(twins, leader, heads, closeness, short, n_reference, threshold)
        self._describe_excerpts(excerpts, shares, n_reference, threshold)

    def _choose_bands(self, threshold: float) -> Bands:
        bands = choose_bands(threshold, self.num_perm, RECALL)
        self.expected_recall_ = 1.0 if self.exact else collision_probability(threshold, bands)
        if self.expected_recall_ < RECALL:
            warnings.warn(
                f"{self.num_perm} permutations find {self.expected_recall_:.0%} of the pairs at threshold "
                f"{threshold:g}; raise num_perm to find more, or set exact=True to find all.",
                StoryclustWarning,
                stacklevel=3,
            )
        return bands

    def _candidates(self, sketches: Sketches, texts: NDArray[np.int64], threshold: float) -> Candidates:
        """Pairs of classes that may reach the threshold."""
        if not self.exact:
            return candidate_pairs(sketches.signatures[texts], self.bands_)
        sets = ShingleSets.from_shingles(*sketches.shelf.gather(texts))
        return Candidates(all_candidates(sets, threshold), [])

    def _rank(
        self, sketches: Sketches, fingerprints: NDArray[np.uint64], twins: Twins, candidates: Candidates
    ) -> NDArray[np.int64]:
        """Rank every article that may be in a group by the keep policy: 0 is kept before 1.

        Members of each class of twins are put in that order, too.
        """
        involved = np.diff(twins.bounds) > 1
        involved[candidates.pairs.ravel()] = True
        for crowd in candidates.crowds:
            involved[crowd] = True
        rows = twins.rows[involved[twins.classes[twins.rows]]]
        order = rank_rows(rows, sketches.preferences, fingerprints, sketches.ids)
        rank = np.full(len(sketches.ids), len(sketches.ids), dtype=np.int64)
        rank[order] = np.arange(len(order))
        twins.rows[:] = twins.rows[np.lexsort((rank[twins.rows], twins.classes[twins.rows]))]
        return rank

    def _verify(
        self,
        sketches: Sketches,
        texts: NDArray[np.int64],
        candidates: Candidates,
        rank: NDArray[np.int64],
        untouched: NDArray[np.bool_],
        threshold: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Keep the candidates whose exact similarity reaches the threshold, and resolve crowds."""
        similarities, _ = self._compare(sketches, texts, candidates.pairs, threshold)
        found = similarities > 0
        parts, values = [candidates.pairs[found]], [similarities[found]]
        for crowd in candidates.crowds:
            sets = ShingleSets.from_shingles(*sketches.shelf.gather(texts[crowd]))
            by_rank = np.argsort(rank[crowd], kind="stable")
            firm = int(untouched[crowd].sum())  # the reference ranks before all others
            leaders, followers, scores = similarities_to_leaders(*sets, by_rank, threshold, firm)
            parts.append(np.sort(np.column_stack((crowd[leaders], crowd[followers])), axis=1))
            values.append(scores)
        return sort_pairs(np.concatenate(parts), np.concatenate(values))

    def _compare(
        self,
        sketches: Sketches,
        texts: NDArray[np.int64],
        pairs: NDArray[np.int64],
        threshold: float,
        *,
        contained: bool = False,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Compute exact similarities of pairs of classes, as many at a time as `BLOCK_SHINGLES` allows.

        Returns them, and the sizes of both sets.
        """
        counts = sketches.shelf.counts[texts]
        out, sizes = np.empty(len(pairs)), np.empty(pairs.shape, np.int64)
        block = np.cumsum(counts[pairs].sum(axis=1)) // BLOCK_SHINGLES
        for start, stop in blocks_of(block):
            needed, local = np.unique(pairs[start:stop], return_inverse=True)
            sets = ShingleSets.from_shingles(*sketches.shelf.gather(texts[needed]))
            local = local.reshape(-1, 2)
            out[start:stop] = jaccard_pairs(sets, local, threshold, self.n_jobs, contained=contained)
            sizes[start:stop] = np.diff(sets.offsets)[local]
        return out, sizes

    def _find_excerpts(
        self,
        sketches: Sketches,
        texts: NDArray[np.int64],
        leader: NDArray[np.int64],
        heads: NDArray[np.int64],
        n_reference: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find articles that lead groups and stand inside others: rows (excerpt, longer), shares."""
        if self.excerpts == "ignore":
            return np.empty((0, 2), np.int64), np.empty(0)
        class_of = np.full(sketches.n_texts, -1, np.int64)
        leads = leader == np.arange(len(leader))
        class_of[texts[leads]] = np.flatnonzero(leads)
        values, owners = sketches.sampled
        classes = class_of[owners]
        known = classes >= 0
        pairs = containment_candidates(values[known], classes[known], len(texts))
        counts = sketches.shelf.counts[texts]
        pairs = pairs[counts[pairs].min(axis=1) >= FEWEST_SHINGLES]
        shares, sizes = self._compare(sketches, texts, pairs, EXCERPT, contained=True)
        longer_first = sizes[:, 0] > sizes[:, 1]
        pairs = np.where(longer_first[:, None], pairs[:, ::-1], pairs)
        found = (shares > 0) & (heads[pairs[:, 0]] >= n_reference)
        # Of several longer articles, the one that holds most comes first, then the longest.
        order = np.lexsort((pairs[:, 1], -sizes.max(axis=1), -shares, pairs[:, 0]))
        order = order[found[order]]
        return heads[pairs[order]], shares[order]

    def _describe(
        self,
        twins: Twins,
        leader: NDArray[np.int64],
        heads: NDArray[np.int64],
        closeness: NDArray[np.float64],
        short: NDArray[np.bool_],
        n_reference: int,
        threshold: float,
    ) -> None:
        """Set the attributes that describe groups; rows of the reference come before all others."""
        kept_for = heads[leader[twins.classes]][n_reference:]
        close = closeness[twins.classes][n_reference:]
        rows = np.arange(len(kept_for))
        self.reference_matches_ = np.where(kept_for < n_reference, kept_for, -1)
        self.representatives_ = np.where(kept_for < n_reference, -1, kept_for - n_reference)
        self.keep_ = self.representatives_ == rows
        self.labels_ = by_appearance(kept_for)

        order = np.argsort(self.labels_, kind="stable")
        sizes = np.bincount(self.labels_)
        stops = np.cumsum(sizes)
        grouped = sizes > 1
        grouped[self.labels_[self.reference_matches_ >= 0]] = True
        self.groups_ = []
        for label in sorted(np.flatnonzero(grouped), key=lambda g: (-sizes[g], g)):
            members = order[stops[label] - sizes[label] : stops[label]]
            borderline = close[members].min() < min(threshold + DOUBTFUL, 1.0)
            doubtful = bool(borderline or short[twins.classes[n_reference + members]].any())
            kept = int(self.representatives_[members[0]])
            match = int(self.reference_matches_[members[0]])
            self.groups_.append(DuplicateGroup(members, kept, close[members], doubtful, match))

    def _describe_excerpts(
        self, excerpts: NDArray[np.int64], shares: NDArray[np.float64], n_reference: int, threshold: float
    ) -> None:
        """List excerpts of articles and, if they are to be dropped, let the longer stand for them."""
        by_row = np.argsort(excerpts[:, 0], kind="stable")
        excerpts, shares = excerpts[by_row], shares[by_row]
        inside = excerpts[:, 1] >= n_reference
        self.excerpts_, self.containments_ = excerpts[inside] - n_reference, shares[inside]
        if self.excerpts != "drop":
            return
        whole = np.arange(n_reference + len(self.keep_))
        dropped = excerpts[shares >= threshold][::-1]  # so that the closest is written last
        whole[dropped[:, 0]] = dropped[:, 1]
        while (further := whole[whole] != whole).any():  # excerpts of excerpts
            whole[further] = whole[whole[further]]
        copies = self.representatives_ >= 0
        stands_for = whole[self.representatives_[copies] + n_reference]
        self.reference_matches_[copies] = np.where(stands_for < n_reference, stands_for, -1)
        self.representatives_[copies] = np.where(stands_for < n_reference, -1, stands_for - n_reference)
        self.keep_ = self.representatives_ == np.arange(len(self.keep_))


def cleaned(articles: Iterable[Any]) -> list[Article]:
    """Articles without the furniture of their pages, for comparison only."""
    listed = as_articles(articles)
    texts = without_furniture(listed)
    return [replace(article, text=text) for article, text in zip(listed, texts, strict=True)]


def within(
    n_reference: int, pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs that lie behind the reference, by their rows there."""
    inside = (pairs >= n_reference).all(axis=1)
    return pairs[inside] - n_reference, similarities[inside]


def blocks_of(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open bounds of the runs of equal, ascending numbers."""
    bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return [(start, stop) for start, stop in pairwise(bounds) if start < stop]
