"""Copies: from articles to duplicate groups in which every member is verified against the one kept.

The way of the data: contents are signed in one pass; equal texts collapse by their fingerprints; bands
propose pairs of what is left; exact Jaccard similarity disposes; groups form around the article that the
keep policy ranks first. A chain of small edits never makes one group of unlike ends, because membership
is similarity to the representative, not to any neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from storyclust.article import Article, as_articles
from storyclust.chunks import kernel
from storyclust.errors import StoryclustWarning
from storyclust.jaccard import ShingleSets, follow_leaders, jaccard_pairs
from storyclust.lsh import Bands, candidate_pairs, choose_bands, collision_probability
from storyclust.minhash import MinHasher
from storyclust.validate import check_choice, check_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = ("earliest", "latest", "longest", "first")
LISTED_TWINS = 32  # equal texts whose pairs are all listed; of more, only those with the first of them
RECALL = 0.99


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Copies of one text, and the one that is kept.

    Attributes
    ----------
    members : int64 array of shape (size,)
        Rows of the articles, ascending; the representative is among them.
    representative : int
        Row of the article that is kept.
    similarities : float64 array of shape (size,)
        Exact Jaccard similarity of each member to the representative.
    """

    members: NDArray[np.int64]
    representative: int
    similarities: NDArray[np.float64]

    @property
    def min_similarity(self) -> float:
        """Least similarity of a member to the representative; never below the threshold."""
        return float(self.similarities.min())

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return (
            f"DuplicateGroup({len(self)} articles, representative={self.representative}, "
            f"min_similarity={self.min_similarity:.3f})"
        )


class Deduplicator(ClusterMixin, BaseEstimator):
    """Find copies: articles whose texts are the same, give or take edits.

    Two articles are compared by their text, or by their title where the text is empty.

    Parameters
    ----------
    threshold : float in (0, 1], default=0.8
        Jaccard similarity of shingle sets from which two texts are copies. At 0.8 and five-word
        shingles, about one word in forty may differ, or a ninth of the text be cut.
    num_perm : int, default=128
        MinHash permutations. They only propose candidates; similarity itself is exact.
    shingle_size : int, default=5
        Tokens in a shingle.
    keep : {'earliest', 'latest', 'longest', 'first'}, default='earliest'
        Which article of a group is kept; undated articles come after dated ones. Ties: 'earliest' and
        'latest' take the longer text, 'longest' the earlier article; then the text and last the id that
        sorts first. 'first' is the order of the input.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n,)
        Group of every article, numbered by first appearance. An article without copies is alone in
        its group.
    keep_ : bool array of shape (n,)
        True for the one that is kept of each group.
    representatives_ : int64 array of shape (n,)
        Row of the article kept for each article: its own row where it is kept itself.
    pairs_ : int64 array of shape (m, 2)
        Verified pairs, i < j, sorted. Of more than 32 equal texts, and of crowds of more than 128
        texts that look alike, only the pairs with one of them are listed.
    similarities_ : float64 array of shape (m,)
        Exact Jaccard similarity of each pair.
    groups_ : list of DuplicateGroup
        Groups of two or more, biggest first, then by their first row.
    bands_ : Bands
        Bands and rows used, chosen to find at least 99% of pairs at the threshold.
    expected_recall_ : float
        Probability that a pair exactly at the threshold is found.

    Notes
    -----
    Every member of a group is at least `threshold` similar to its representative. Hence a text that
    resembles a removed copy but not the kept one is kept: nothing is removed on hearsay.

    A text of fewer than `shingle_size` tokens is a copy of equal texts only, up to case, width and
    punctuation; a text without any token, of texts with equal characters.

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
    pairs_: NDArray[np.int64]
    similarities_: NDArray[np.float64]
    groups_: list[DuplicateGroup]
    bands_: Bands
    expected_recall_: float

    def __init__(
        self,
        threshold: float = 0.8,
        num_perm: int = 128,
        shingle_size: int = 5,
        keep: str = "earliest",
        n_jobs: int | None = None,
    ) -> None:
        self.threshold = threshold
        self.num_perm = num_perm
        self.shingle_size = shingle_size
        self.keep = keep
        self.n_jobs = n_jobs

    def fit(self, X: Iterable[Any], y: object = None) -> Deduplicator:
        """Find the copies among articles.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`.
        y : object
            Ignored.

        Returns
        -------
        self : Deduplicator

        Raises
        ------
        InputError
            A parameter is out of range, or an article cannot be read as one.
        """
        threshold = check_float("threshold", self.threshold, low=0, high=1, open_low=True)
        check_choice("keep", self.keep, KEEP)
        hasher = MinHasher(self.num_perm, self.shingle_size, n_jobs=self.n_jobs).fit()
        articles = as_articles(X)
        contents = [article.content for article in articles]

        self.bands_ = self._choose_bands(threshold)
        signatures, fingerprints = hasher.sign(contents)
        twins = group_twins(fingerprints)
        firsts = twins.rows[twins.bounds[:-1]]
        pairs, crowds = candidate_pairs(signatures[firsts], self.bands_)
        rank = self._rank(articles, twins, pairs, crowds)
        pairs, similarities = self._verify(contents, firsts, pairs, crowds, rank, threshold)
        self._group(twins, pairs, similarities, rank)
        self.pairs_, self.similarities_ = expand_pairs(twins, pairs, similarities)
        return self

    def _choose_bands(self, threshold: float) -> Bands:
        bands = choose_bands(threshold, self.num_perm, RECALL)
        self.expected_recall_ = collision_probability(threshold, bands)
        if self.expected_recall_ < RECALL:
            import warnings

            warnings.warn(
                f"{self.num_perm} permutations find {self.expected_recall_:.0%} of the pairs at threshold "
                f"{threshold:g}; raise num_perm to find more.",
                StoryclustWarning,
                stacklevel=3,
            )
        return bands

    def _rank(
        self,
        articles: Sequence[Article],
        twins: Twins,
        pairs: NDArray[np.int64],
        crowds: list[NDArray[np.int64]],
    ) -> NDArray[np.int64]:
        """Rank every article that may be in a group by the keep policy: 0 is kept before 1.

        Members of each class of twins are put in that order, too.
        """
        involved = np.diff(twins.bounds) > 1
        involved[pairs.ravel()] = True
        for crowd in crowds:
            involved[crowd] = True
        rows = twins.rows[involved[twins.classes[twins.rows]]]
        order = rank_rows(articles, rows.tolist(), self.keep)
        rank = np.full(len(articles), len(articles), dtype=np.int64)
        rank[order] = np.arange(len(order))
        twins.rows[:] = twins.rows[np.lexsort((rank[twins.rows], twins.classes[twins.rows]))]
        return rank

    def _verify(
        self,
        contents: Sequence[str],
        firsts: NDArray[np.int64],
        pairs: NDArray[np.int64],
        crowds: list[NDArray[np.int64]],
        rank: NDArray[np.int64],
        threshold: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Keep the candidates whose exact similarity reaches the threshold, and resolve crowds."""
        needed = np.unique(np.concatenate([pairs.ravel(), *crowds]))
        sets = ShingleSets.from_texts(
            [contents[row] for row in firsts[needed]], self.shingle_size, self.n_jobs
        )
        local = np.searchsorted(needed, pairs)
        similarities = jaccard_pairs(sets, local, threshold, self.n_jobs)
        found = similarities > 0
        parts, values = [pairs[found]], [similarities[found]]
        for crowd in crowds:
            by_rank = crowd[np.argsort(rank[firsts[crowd]])]
            leaders, followers, scores = follow_leaders(*sets, np.searchsorted(needed, by_rank), threshold)
            parts.append(np.sort(np.column_stack((needed[leaders], needed[followers])), axis=1))
            values.append(scores)
        return sort_pairs(np.concatenate(parts), np.concatenate(values))

    def _group(
        self,
        twins: Twins,
        pairs: NDArray[np.int64],
        similarities: NDArray[np.float64],
        rank: NDArray[np.int64],
    ) -> None:
        """Form groups around the best ranked, and set the attributes that describe them."""
        heads = twins.rows[twins.bounds[:-1]]  # after ranking: the best of each class
        leader, closeness = lead_groups(pairs, similarities, rank[heads])
        self.representatives_ = heads[leader[twins.classes]]
        self.keep_ = self.representatives_ == np.arange(len(rank))
        _, first, inverse = np.unique(self.representatives_, return_index=True, return_inverse=True)
        self.labels_ = np.argsort(np.argsort(first))[inverse].astype(np.int64)

        order = np.argsort(self.labels_, kind="stable")
        sizes = np.bincount(self.labels_) if len(order) else np.empty(0, np.int64)
        stops = np.cumsum(sizes)
        self.groups_ = []
        for label in sorted(np.flatnonzero(sizes > 1), key=lambda g: (-sizes[g], g)):
            members = order[stops[label] - sizes[label] : stops[label]]
            group = DuplicateGroup(
                members, int(self.representatives_[members[0]]), closeness[twins.classes[members]]
            )
            self.groups_.append(group)


class Twins(NamedTuple):
    """Classes of equal texts: class `c` holds `rows[bounds[c]:bounds[c + 1]]`."""

    classes: NDArray[np.int64]  # (n,) class of every row, numbered by fingerprint
    rows: NDArray[np.int64]  # (n,)
    bounds: NDArray[np.int64]  # (n_classes + 1,)


def group_twins(fingerprints: NDArray[np.uint64]) -> Twins:
    """Group rows of equal fingerprints. Classes are numbered by fingerprint, whatever the order of rows."""
    n = len(fingerprints)
    rows = np.lexsort((fingerprints[:, 1], fingerprints[:, 0])).astype(np.int64)
    ordered = fingerprints[rows]
    new = np.ones(n, dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    classes = np.empty(n, dtype=np.int64)
    classes[rows] = np.cumsum(new) - 1
    return Twins(classes, rows, np.append(np.flatnonzero(new), n).astype(np.int64))


def rank_rows(articles: Sequence[Article], rows: list[int], keep: str) -> list[int]:
    """Put rows in the order in which a keep policy prefers them."""
    never = datetime.max.replace(tzinfo=UTC).timestamp()

    def when(article: Article, sign: int) -> float:
        return never if article.published is None else sign * article.published.timestamp()

    def key(row: int) -> tuple[float, float, str, str, int]:
        article = articles[row]
        longer = -len(article.content)
        if keep == "longest":
            return longer, when(article, 1), article.content, article.id, row
        return when(article, -1 if keep == "latest" else 1), longer, article.content, article.id, row

    return sorted(rows) if keep == "first" else sorted(rows, key=key)


def sort_pairs(
    pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort pairs, each listed once."""
    _, first = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_index=True)
    return pairs[first], similarities[first]


def expand_pairs(
    twins: Twins, pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Turn pairs of classes into pairs of rows, and add the pairs within each class."""
    codes, first_members, second_members, values = expand(
        twins.rows, twins.bounds, pairs, similarities, LISTED_TWINS
    )
    rows = np.column_stack((first_members, second_members))[:codes]
    return sort_pairs(np.sort(rows, axis=1), values[:codes])


@kernel
def expand(
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    listed: int,
) -> Any:
    """Pairs of rows for pairs of classes and within classes; of a class above `listed`, its head only."""
    total = 0
    for c in range(len(bounds) - 1):
        size = bounds[c + 1] - bounds[c]
        total += size * (size - 1) // 2 if size <= listed else size - 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        total += min(bounds[u + 1] - bounds[u], listed) * min(bounds[v + 1] - bounds[v], listed)
    first = np.empty(total, np.int64)
    second = np.empty(total, np.int64)
    values = np.ones(total, np.float64)
    n = 0
    for c in range(len(bounds) - 1):
        stop = bounds[c + 1]
        for x in range(bounds[c], stop if stop - bounds[c] <= listed else bounds[c] + 1):
            for y in range(x + 1, stop):
                first[n], second[n] = rows[x], rows[y]
                n += 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        for x in range(bounds[u], bounds[u + 1] if bounds[u + 1] - bounds[u] <= listed else bounds[u] + 1):
            for y in range(
                bounds[v], bounds[v + 1] if bounds[v + 1] - bounds[v] <= listed else bounds[v] + 1
            ):
                first[n], second[n], values[n] = rows[x], rows[y], similarities[k]
                n += 1
    return n, first, second, values


def lead_groups(
    pairs: NDArray[np.int64], similarities: NDArray[np.float64], rank: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Let each node, best rank first, lead the free nodes it is paired with.

    Returns the leader of every node (itself where it leads or stands alone) and its similarity to it.
    """
    leader = np.arange(len(rank), dtype=np.int64)
    closeness = np.ones(len(rank))
    both = np.concatenate((pairs, pairs[:, ::-1]))
    values = np.concatenate((similarities, similarities))
    order = np.lexsort((rank[both[:, 1]], rank[both[:, 0]]))
    lead(np.ascontiguousarray(both[order]), values[order], leader, closeness)
    return leader, closeness


@kernel
def lead(
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    leader: NDArray[np.int64],
    closeness: NDArray[np.float64],
) -> None:
    """Go through pairs (a, b) sorted by the rank of a: a leads b if a is not led and b is free."""
    free = np.ones(len(leader), np.bool_)
    for k in range(len(pairs)):
        a, b = pairs[k]
        if leader[a] != a:
            continue
        free[a] = False
        if free[b]:
            free[b] = False
            leader[b] = a
            closeness[b] = similarities[k]
