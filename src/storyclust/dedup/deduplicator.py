"""Near-duplicate detection: what `Deduplicator` computes.

The pipeline: one pass over the articles computes sketches; equal texts are collapsed by their fingerprints;
MinHash generates candidate pairs, exact Jaccard similarity verifies them; each group forms around the
article that the keep policy ranks first; and among the articles kept, excerpts of longer ones are found.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from storyclust._core.memory import check_memory
from storyclust._core.spill import SpillableRows
from storyclust._core.union_find import by_appearance
from storyclust._core.validation import check_bool, check_choice, check_float, check_jobs
from storyclust.articles.frames import Given, is_stream
from storyclust.articles.records import as_articles
from storyclust.dedup.doubtful import find_doubtful
from storyclust.dedup.fitted_copies import FittedCopies
from storyclust.dedup.groups import (
    SHORT,
    Policy,
    check_policy,
    describe_groups,
    expand_pairs,
    group_twins,
    lead_groups,
    replace_excerpts,
    sort_members,
)
from storyclust.dedup.lsh import Bands, Candidates, candidate_pairs, choose_bands, collision_probability
from storyclust.dedup.matching import without_furniture
from storyclust.dedup.minhash import BaseMinHasher
from storyclust.dedup.prefix_filter import all_candidates
from storyclust.dedup.settings import DOUBTFUL_POLICIES, EXCERPT
from storyclust.dedup.sketches import Sketches, rank_articles
from storyclust.dedup.text_shelf import TextShelf
from storyclust.dedup.verification import DistinctTexts, find_excerpts, verify_candidates
from storyclust.errors import StoryclustWarning

RECALL = 0.99  # of pairs exactly at the threshold: what `Deduplicator.bands_` promises


class BaseDeduplicator(FittedCopies):
    """What `Deduplicator` computes, without scikit-learn, which takes long to import."""

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
        min_containment: float = EXCERPT,
        doubtful: str = "keep",
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
        self.min_containment = min_containment
        self.doubtful = doubtful

    def fit(self, X: Iterable[Any], y: object = None, *, reference: Iterable[Any] | None = None) -> Self:
        """Find the copies among articles.

        Parameters
        ----------
        X : iterable of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`. An iterator or a streaming dataset is read in batches and not
            held in memory.
        y : object
            Ignored.
        reference : iterable of str, mapping or Article, or a DataFrame, optional
            Articles that exist already (an archive, a training set). Articles of `X` that copy one of them
            are not kept; copies within the reference are not reported.

        Returns
        -------
        self : object
            The fitted estimator.

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
        check_choice("doubtful", self.doubtful, DOUBTFUL_POLICIES)
        check_float("min_containment", self.min_containment, low=0, high=1, open_low=True)
        hasher = BaseMinHasher(self.num_perm, self.shingle_size, n_jobs=self.n_jobs).fit()
        self.bands_ = self._choose_bands(threshold)
        limit, policy = check_memory(self.memory_limit) // 4, check_policy(self.keep)
        # Texts of an iterator are not held, and so neither compared with later ones nor returned.
        self._articles, self._kept_index, self._given = None, None, Given(None)
        if self.clean or not is_stream(X):
            self._given = Given.of(X)
            X = self._articles = as_articles(self._given.data)
        # Where no excerpts are looked for, few texts are compared.
        again = self._articles is not None and not is_stream(reference) and self.excerpts == "ignore"
        sketches = Sketches(
            hasher,
            policy,
            TextShelf(self.shingle_size, self.n_jobs) if again else SpillableRows(limit),
            sample=self.excerpts != "ignore",
            doubtful=self.doubtful,
            list_brief=self.doubtful == "keep",
        )
        try:
            if self.clean:
                X = without_furniture(as_articles(X))
                reference = None if reference is None else without_furniture(as_articles(reference))
            n_reference = 0 if reference is None else sketches.add(reference, 0)
            sketches.add(iter(X) if self._articles is None else X, 1)
            self._fit(sketches, n_reference, threshold)
        finally:
            sketches.shelf.close()
        return self

    def _fit(self, sketches: Sketches, n_reference: int, threshold: float) -> None:
        """Set the fitted attributes. The reference has the first `n_reference` rows of the sketches."""
        text_of = sketches.text_of
        fingerprints = sketches.fingerprints[text_of]
        unranked = group_twins(fingerprints)
        texts = DistinctTexts(sketches.shelf, text_of[unranked.heads])
        candidates = self._find_candidates(sketches, texts, threshold)
        rank = rank_articles(sketches, fingerprints, unranked, candidates)
        twins = sort_members(unranked, rank)
        heads = twins.heads
        is_reference = heads < n_reference
        pairs, similarities = verify_candidates(
            texts, candidates, rank[heads], is_reference, threshold, self.n_jobs
        )
        leader, closeness = lead_groups(pairs, similarities, rank[heads], is_reference)
        excerpts, containments = np.empty((0, 2), np.int64), np.empty(0)
        if self.excerpts != "ignore":
            excerpts, containments = find_excerpts(
                texts, sketches.sampled, leader, heads, is_reference, self.min_containment, self.n_jobs
            )

        self.fingerprints_ = fingerprints[n_reference:]
        pairs, similarities = expand_pairs(twins, pairs, similarities)
        inside = (pairs >= n_reference).all(axis=1)
        self.pairs_, self.similarities_ = pairs[inside] - n_reference, similarities[inside]
        inside = excerpts[:, 1] >= n_reference
        self.excerpts_, self.containments_ = excerpts[inside] - n_reference, containments[inside]

        kept_for = heads[leader]
        classes = twins.classes[n_reference:]
        self.labels_ = by_appearance(kept_for[classes])
        self.groups_ = describe_groups(
            self.labels_,
            kept_for[classes],
            closeness[classes],
            ((texts.counts < SHORT) & ~sketches.strict[heads])[classes],
            n_reference,
            threshold,
        )
        if self.excerpts == "drop":
            kept_for = replace_excerpts(kept_for, excerpts[containments >= threshold], len(rank))
        kept_row = kept_for[classes]
        in_reference = kept_row < n_reference
        self.reference_matches_ = np.where(in_reference, kept_row, -1)
        self.representatives_ = np.where(in_reference, -1, kept_row - n_reference)
        self.keep_ = self.representatives_ == np.arange(len(kept_row))
        kept = np.flatnonzero(self.keep_) + n_reference
        doubtful, self.doubtful_similarities_ = find_doubtful(
            sketches, kept, fingerprints, self._find_candidates, threshold, self.n_jobs
        )
        self.doubtful_ = doubtful - n_reference

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

    def _find_candidates(self, sketches: Sketches, texts: DistinctTexts, threshold: float) -> Candidates:
        """Pairs of classes that may reach the threshold."""
        if self.exact:
            return Candidates(all_candidates(texts.shingle_sets(), threshold), [])
        return candidate_pairs(sketches.signature_parts, self.bands_, self.n_jobs, texts.numbers)
