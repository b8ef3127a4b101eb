"""The scikit-learn estimators of signatures and copies."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin

from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.dedup.minhash import BaseMinHasher


class MinHasher(BaseMinHasher, TransformerMixin, BaseEstimator):
    """Compute MinHash signatures of texts over word shingles (Broder, 1997).

    The share of equal values in two signatures estimates the Jaccard similarity of the two sets of
    shingles, with a standard error of at most ``0.5 / sqrt(num_perm)``.

    Parameters
    ----------
    num_perm : int, default=128
        Number of permutations: the length of a signature. At 128 the standard error is 0.04, which is
        enough to generate candidates for exact verification.
    shingle_size : int, default=5
        Number of tokens in a shingle. Five words seldom agree by chance, and an edited word changes only
        five shingles.
    seed : int, default=1
        Seed of the permutations; 1 is also datasketch's default. Signatures of different seeds cannot be
        compared.
    n_jobs : int or None, default=None
        Number of threads: None is one, -1 is every core. The result does not depend on it.

    See Also
    --------
    Deduplicator : Find near-duplicates with these signatures.

    Notes
    -----
    A text of fewer than `shingle_size` tokens is a single shingle, so that only equal texts are similar to
    it. A text without tokens is represented by its bytes.

    The permutations are those of ``datasketch.MinHash(scheme="affine32")``.

    References
    ----------
    A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997.

    Examples
    --------
    >>> import storyclust as sc
    >>> hasher = sc.MinHasher(num_perm=64)
    >>> signatures = hasher.transform(["the ministers met in Tokyo on Friday", "rain is expected"])
    >>> signatures.shape, signatures.dtype
    ((2, 64), dtype('uint32'))
    >>> hasher.to_datasketch(signatures[0]).jaccard(hasher.to_datasketch(signatures[1]))
    0.0
    """

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class Deduplicator(ClusterMixin, BaseDeduplicator, BaseEstimator):
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
