"""Near-duplicate detection: the `Deduplicator`.

The pipeline: one pass over the articles computes sketches; equal texts are collapsed by their fingerprints;
MinHash generates candidate pairs, exact Jaccard similarity verifies them; each group forms around the
article that the keep policy ranks first; and among the articles kept, excerpts of longer ones are found.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClusterMixin

from storyclust._core.memory import check_memory
from storyclust._core.union_find import by_appearance
from storyclust._core.validation import check_bool, check_choice, check_float, check_jobs
from storyclust.articles.frames import Given, is_stream
from storyclust.articles.records import as_articles
from storyclust.dedup.doubtful import find_doubtful
from storyclust.dedup.fitted_copies import FittedCopies
from storyclust.dedup.groups import (
    SHORT,
    DuplicateGroup,
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
from storyclust.dedup.minhash import MinHasher
from storyclust.dedup.prefix_filter import all_candidates
from storyclust.dedup.settings import DOUBTFUL_POLICIES, EXCERPT
from storyclust.dedup.sketches import Sketches, rank_articles
from storyclust.dedup.verification import DistinctTexts, find_excerpts, verify_candidates
from storyclust.errors import StoryclustWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECALL = 0.99  # of pairs exactly at the threshold: what `Deduplicator.bands_` promises


class Deduplicator(ClusterMixin, FittedCopies):
    """Find near-duplicate articles and choose which one of each group to keep.

    Two articles are copies if the Jaccard similarity of their word shingles reaches a threshold. MinHash
    with locality-sensitive hashing generates candidate pairs; exact similarity verifies them. Articles
    are compared by their text, or by their title where the text is empty. Of titled articles with fewer than
    55 words, texts must be equal, and with fewer than 25 also titles (see Notes).

    Parameters
    ----------
    threshold : float in (0, 1], default=0.8
        Jaccard similarity of shingle sets from which two texts are copies. At 0.8 and five-word
        shingles, about one word in forty may differ, or a fifth of the text be cut.
    num_perm : int, default=128
        Number of MinHash permutations. They only generate candidates; similarity itself is exact.
    shingle_size : int, default=5
        Number of tokens in a shingle.
    keep : str or callable, default='earliest'
        Which article of a group is kept: 'earliest', 'latest', 'longest', 'first' (in the order of the
        input), 'source:A,B' (from source A, else B, else any), 'latest-version', or a function that maps an
        `Article` to a sort key, of which the least is kept. Undated articles come after dated ones. Ties go
        to the earlier article, then the longer, then by title, a hash of the text, and id.
        'latest-version' prefers articles marked as a correction or an update ("CORRECTED-", "UPDATE 2-",
        "(Updates with ...)", "(refiled)"), and of these the latest; if none is marked, the earliest is kept.
    exact : bool, default=False
        Generate candidates by prefix filtering instead of MinHash: no pair is missed. Slower, the more so
        the lower the threshold.
    excerpts : {'report', 'drop', 'ignore'}, default='report'
        What to do with articles that stand in a longer one, all or most of them. 'report' lists them in
        `excerpts_`. 'drop' lists them, too, and does not keep those with a containment of at least
        `threshold`. 'ignore' does not look for them.
    min_containment : float in (0, 1], default=0.8
        Least share of an excerpt's shingles that are in the longer article. Lower it to find reused text: at
        0.2 two articles of one outlet may share no more than its usual paragraphs.
    doubtful : {'keep', 'drop'}, default='keep'
        What to do with doubtful copies: short texts that are copies under different titles, such as one
        note for subscribers under many headlines, or equal titles without a text from different days. 'keep'
        keeps them, and lists them in `doubtful_`. 'drop' compares short articles like long ones.
    clean : bool, default=False
        Remove the boilerplate of web pages (see `find_furniture`) before the comparison. Boilerplate makes
        different texts similar and copies different. Off by default because it reads the whole corpus
        first, holds it in memory and takes twice as long as the rest of the fit; text from feeds and
        archives has little of it.
    n_jobs : int or None, default=None
        Number of threads: None is one, -1 is every core. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Bytes to use besides the articles, as a number or a text like '4GB'. Shingles that exceed a quarter
        of it are written to a temporary file. None is three quarters of the free memory. The result does
        not depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n,)
        Group of every article, numbered by first appearance. An article without copies is a singleton.
    keep_ : bool array of shape (n,)
        True for the article of each group that is kept.
    representatives_ : int64 array of shape (n,)
        Row of the article kept in place of each article: its own row if it is kept itself, -1 if it
        copies an article of the reference.
    reference_matches_ : int64 array of shape (n,)
        Row of the reference article that an article copies, or -1.
    pairs_ : int64 array of shape (m, 2)
        Verified pairs, i < j, sorted. Of more than 32 equal texts, only the pairs with one of them
        are listed; of more than 128 texts that share an LSH bucket, only the pairs with a leader.
    similarities_ : float64 array of shape (m,)
        Exact Jaccard similarity of each pair.
    groups_ : list of DuplicateGroup
        Groups of two or more articles, or with a match in the reference, largest first, then by first row.
    excerpts_ : int64 array of shape (k, 2)
        Pairs (excerpt, longer article) among the representatives of groups, by row of the excerpt, highest
        containment first.
    containments_ : float64 array of shape (k,)
        Share of the excerpt's shingles that are in the longer article.
    doubtful_ : int64 array of shape (d, 2)
        Pairs (article, the one that it resembles) that are both kept and would be copies with
        ``doubtful="drop"``, by row of the first. Each article is listed once, with the one that comes first
        under the keep policy. Empty if `doubtful` is 'drop'.
    doubtful_similarities_ : float64 array of shape (d,)
        Jaccard similarity of their texts.
    fingerprints_ : uint64 array of shape (n, 2)
        128-bit hash of what is compared of each article: its token sequence, and that of the title of a
        short one.
    bands_ : Bands
        Number of LSH bands and rows, chosen to find at least 99% of the pairs at the threshold.
    expected_recall_ : float
        Probability that a pair exactly at the threshold is found; more similar pairs are found with
        a higher one. 1 with `exact`.

    See Also
    --------
    explain : Show what two texts share and where they differ.
    MinHasher : Compute the MinHash signatures of texts.
    choose_bands : Choose the number of bands and rows for a threshold.

    Notes
    -----
    Every member of a group has a similarity of at least `threshold` to its representative. A text that
    resembles a removed copy but not the kept article is kept: removal requires direct similarity to the
    kept article.

    A text of fewer than `shingle_size` tokens is a copy of equal texts only, up to case, width and
    punctuation; a text without tokens, of texts with equal characters.

    Of titled articles with fewer than 55 words, the texts must be equal, up to case, width and punctuation,
    and the figures in the titles. With fewer than 25 words, the titles must be equal, apart from marks of a
    correction. Without a text, the day (in UTC) must be the same, too, and the source if the title has fewer
    than five words. Short texts that differ are mostly different notices
    of one form. Excerpts of fewer than 55 words may be missed.

    The articles of a list or table are held for `predict` and `to_frame`. Those of an iterator (such as
    `iter_articles`) are read once and not held: memory peaks at about 5 KB for an article of 3 KB, and 5.5 GB
    were measured for a million. The temporary file of shingles has no name and vanishes when the process
    ends.

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
    doubtful_: NDArray[np.int64]
    doubtful_similarities_: NDArray[np.float64]
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

    def fit(
        self, X: Iterable[Any], y: object = None, *, reference: Iterable[Any] | None = None
    ) -> Deduplicator:
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
        self : Deduplicator
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
        hasher = MinHasher(self.num_perm, self.shingle_size, n_jobs=self.n_jobs).fit()
        self.bands_ = self._choose_bands(threshold)
        limit = check_memory(self.memory_limit) // 4
        sketches = Sketches(
            hasher,
            check_policy(self.keep),
            sample=self.excerpts != "ignore",
            limit=limit,
            doubtful=self.doubtful,
            list_brief=self.doubtful == "keep",
        )
        # Texts of an iterator are not held, and so neither compared with later ones nor returned.
        self._articles, self._kept_index, self._given = None, None, Given(None)
        if self.clean or not is_stream(X):
            self._given = Given.of(X)
            X = self._articles = as_articles(self._given.data)
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
        return candidate_pairs(sketches.signatures[texts.numbers], self.bands_)
