"""Finds the originals of new articles, among stored articles and in the batch, and excerpts.

Keys generate candidates: a sixteenth of a text's shingles, sampled by hash (FracMinHash), and for a short
text, which has few of those, also the LSH bands of its MinHash signature. The exact similarity of all
shingles then verifies the candidates that share most keys.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import beside, kernel
from storyclust.dedup.excerpt_candidates import CUT, FEWEST_SHINGLES
from storyclust.dedup.groups import group_twins
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs
from storyclust.dedup.lsh import band_keys, choose_bands
from storyclust.dedup.minhash import BaseMinHasher
from storyclust.dedup.settings import EXCERPT
from storyclust.store.postings import Levels, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex

SHORT_TEXT = 160  # shingles: a text with fewer has bands too, for less than ten of its shingles are sampled
MAX_POSTINGS_PER_KEY = 32  # texts read for one key, the first ones: frequent shingles say little
MAX_CANDIDATES = 64  # texts that are verified for one new text: those that share most keys
PROMISE = 0.15  # least estimated containment of a candidate: below that of copies at any useful threshold
LOWER = np.uint64(0xFFFFFFFF)
NONE = -1


chosen_bands = functools.cache(choose_bands)


class Keys(NamedTuple):
    """Candidate keys of texts, and the shingles by which candidates are verified.

    Attributes
    ----------
    sizes : int64 array of shape (n,)
        Number of keys of each text.
    keys : uint32 array of shape (sizes.sum(),)
        Ascending for each text.
    short : bool array of shape (n,)
        Whether the keys include bands.
    fingerprints : uint64 array of shape (n,) or (n, k)
        Equal for equal texts.
    shingles : uint64 array of shape (counts.sum(),)
        Set of shingle hashes of each text, ascending.
    counts : int64 array of shape (n,)
        Size of each set.
    """

    sizes: NDArray[np.int64]
    keys: NDArray[np.uint32]
    short: NDArray[np.bool_]
    fingerprints: NDArray[np.uint64]
    shingles: NDArray[np.uint64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str], threshold: float, n_jobs: int | None = None) -> Keys:
        """Compute the keys of compared texts, by which copies of at least `threshold` are found."""
        hasher = BaseMinHasher(n_jobs=n_jobs)
        signed = hasher.sign(texts, keep_shingles=True, cut=CUT)
        is_short = signed.counts < SHORT_TEXT
        short = np.flatnonzero(is_short)
        banding = chosen_bands(threshold, hasher.num_perm)
        parts = [band_keys(signed.signatures[short], band, banding.rows) for band in range(banding.bands)]
        found = np.concatenate((signed.sampled, *parts)) & LOWER
        texts_of = np.repeat(np.arange(len(texts)), signed.sampled_counts)
        owners = np.concatenate((texts_of, np.tile(short, banding.bands)))
        codes = np.unique(owners.astype(np.uint64) << np.uint64(32) | found)
        sizes = np.bincount((codes >> np.uint64(32)).astype(np.int64), minlength=len(texts))
        shingles = np.concatenate([np.empty(0, np.uint64), *signed.shingles])
        return cls(sizes, codes.astype(np.uint32), is_short, signed.fingerprints, shingles, signed.counts)

    def of_texts(self, chosen: NDArray[np.int64]) -> Keys:
        """Keys of some texts, without their shingles."""
        keys = self.keys[self.places(chosen)]
        none = np.empty(0, np.uint64)
        return self._replace(
            sizes=self.sizes[chosen], keys=keys, short=self.short[chosen],
            fingerprints=self.fingerprints[chosen], shingles=none, counts=none.astype(np.int64),
        )  # fmt: skip

    def places(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in `keys` of those of some texts."""
        sizes = self.sizes[chosen]
        ends = np.cumsum(sizes)
        return np.repeat(self.bounds[chosen] - ends + sizes, sizes) + np.arange(sizes.sum())

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Bounds of the keys of each text, shape (n + 1,)."""
        return np.append(0, np.cumsum(self.sizes))


class Originals(NamedTuple):
    """Originals and excerpts of `n` new texts.

    Attributes
    ----------
    original : int64 array of shape (n,)
        The original of each: a row of the index, or `-2 - k` for the new text `k`; `NONE` for none.
    similarity : float64 array of shape (n,)
        Jaccard similarity to the original; 1 without one.
    excerpts : list of (int, int, float)
        New text, row of the index or `-2 - k`, and the containment of the shorter text in the longer.
    """

    original: NDArray[np.int64]
    similarity: NDArray[np.float64]
    excerpts: list[tuple[int, int, float]]


def find_originals(
    index: ArticleIndex,
    keys: Keys,
    texts_of: Callable[[list[int]], list[str]],
    threshold: float,
    n_jobs: int | None,
) -> Originals:
    """Find the original and the excerpts of each new text.

    Parameters
    ----------
    index : ArticleIndex
    keys : Keys
        Of the new texts.
    texts_of : callable
        Returns what is compared of rows of the index; see `compared_texts`.
    threshold : float
        Least Jaccard similarity of copies.
    n_jobs : int or None

    Returns
    -------
    Originals
    """
    n, twins = len(keys.sizes), group_twins(keys.fingerprints)
    leader = twins.heads[twins.classes]
    pairs = beside(find_candidates, index, keys, np.flatnonzero(leader == np.arange(n)))
    rows = np.unique(pairs[pairs[:, 1] >= 0, 1])
    similarities, shares = beside(verify, pairs, keys, rows, texts_of(rows.tolist()), threshold, n_jobs)

    original, similarity = np.full(n, NONE), np.ones(n)
    by_text: list[list[int]] = [[] for _ in range(n)]
    for k in np.lexsort((-pairs[:, 1], -similarities)).tolist():
        by_text[pairs[k, 0]].append(k)
    excerpts = []
    for text in range(n):
        if leader[text] != text:
            original[text] = original[leader[text]]
            similarity[text] = similarity[leader[text]]
            if original[text] == NONE:
                original[text] = -2 - leader[text]
            continue
        free = [k for k in by_text[text] if pairs[k, 1] >= 0 or original[-2 - pairs[k, 1]] == NONE]
        if free and similarities[free[0]] > 0:
            original[text], similarity[text] = pairs[free[0], 1], similarities[free[0]]
        else:
            excerpts += [(text, int(pairs[k, 1]), float(shares[k])) for k in free if shares[k] > 0]
    return Originals(original, similarity, excerpts)


def find_candidates(index: ArticleIndex, keys: Keys, texts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Generate candidate pairs of a new text and a text that shares enough keys with it.

    Parameters
    ----------
    index : ArticleIndex
    keys : Keys
        Of all new texts.
    texts : int64 array
        The new texts that do not equal an earlier one.

    Returns
    -------
    int64 array of shape (n_pairs, 2)
        New text, and row of the index or `-2 - k`; those of one new text by shared keys.
    """
    owners, values = np.repeat(texts, keys.sizes[texts]), keys.keys[keys.places(texts)]
    order = np.argsort(values, kind="stable")
    owners, values = owners[order], values[order]
    wanted, at = np.unique(values, return_inverse=True)
    new = Levels()
    new.runs[0] = Run.of(values, owners.astype(np.int32))
    sizes_of = index.key_counts.values
    stored = count_shared_keys(index.keys, sizes_of, wanted, at, owners)
    among = count_shared_keys(new, keys.sizes, wanted, at, owners)
    among = among[among[:, 1] < among[:, 0]]
    least = PROMISE * np.minimum(keys.sizes[stored[:, 0]], sizes_of[stored[:, 1]]) - 1
    stored = stored[stored[:, 2] > np.where(keys.short[stored[:, 0]], 0, least)]
    least = PROMISE * keys.sizes[among[:, :2]].min(axis=1) - 1
    among = among[among[:, 2] > np.where(keys.short[among[:, :2]].any(axis=1), 0, least)]
    among[:, 1] = -2 - among[:, 1]
    both = np.concatenate((stored, among))
    both = both[np.lexsort((-both[:, 1], -both[:, 2], both[:, 0]))]
    starts = np.searchsorted(both[:, 0], both[:, 0])
    return both[np.arange(len(both)) - starts < MAX_CANDIDATES, :2]


def count_shared_keys(
    levels: Levels,
    sizes: NDArray[np.int64],
    wanted: NDArray[np.uint32],
    at: NDArray[np.int64],
    owners: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Count the keys that new texts share with indexed ones.

    Parameters
    ----------
    levels : Levels
        Indexed texts by key.
    sizes : int64 array
        Number of keys of each indexed text; 0 for a removed one.
    wanted : uint32 array
        Distinct keys of the new texts, ascending.
    at, owners : int64 arrays
        One entry for each key of each new text: its place in `wanted`, and the new text.

    Returns
    -------
    int64 array of shape (n, 3)
        New text, indexed text, number of shared keys.
    """
    runs = tuple(run.values for run in levels.runs)
    codes = texts_with_keys(runs, levels.spans(wanted), sizes, at, owners, MAX_POSTINGS_PER_KEY)
    pairs, counts = np.unique(codes, return_counts=True)
    return np.column_stack((pairs >> 32, pairs & 0xFFFFFFFF, counts))


@kernel
def texts_with_keys(
    runs: tuple[NDArray[np.int32], ...],
    spans: NDArray[np.int64],
    sizes: NDArray[np.int64],
    at: NDArray[np.int64],
    owners: NDArray[np.int64],
    most: int,
) -> Any:
    """Pairs of a new text and one of the first `most` texts that have a key of it, as one number each."""
    codes = np.empty(most * len(at), np.int64)
    n = 0
    for k in range(len(at)):
        left = most
        for level in range(len(runs)):
            for p in range(spans[level, at[k], 0], spans[level, at[k], 1]):
                text = np.int64(runs[level][p])
                if left == 0:
                    break
                if 0 <= text < len(sizes) and sizes[text] > 0:
                    codes[n] = owners[k] << 32 | text
                    n += 1
                    left -= 1
    return codes[:n].copy()


def verify(
    pairs: NDArray[np.int64],
    keys: Keys,
    rows: NDArray[np.int64],
    texts: list[str],
    threshold: float,
    n_jobs: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the exact similarity of candidate pairs.

    Parameters
    ----------
    pairs : int64 array of shape (n_pairs, 2)
        See `find_candidates`.
    keys : Keys
        Of all new texts.
    rows : int64 array
        Rows of the index in `pairs`, ascending.
    texts : list of str
        What is compared of these rows.
    threshold : float
    n_jobs : int or None

    Returns
    -------
    similarities, containments : float64 arrays of shape (n_pairs,)
        Jaccard similarity, 0 below the threshold; and containment, 0 unless one text is an excerpt.
    """
    if not len(pairs):
        return np.empty(0), np.empty(0)
    new = np.unique(np.append(pairs[:, 0], -2 - pairs[pairs[:, 1] < 0, 1]))
    there = BaseMinHasher(num_perm=1, n_jobs=n_jobs).sign(texts, keep_shingles=True)
    starts = np.append(0, np.cumsum(keys.counts))
    own = [keys.shingles[starts[k] : starts[k + 1]] for k in new.tolist()]
    counts = np.append(there.counts, keys.counts[new]).astype(np.int64)
    sets = ShingleSets.of([*there.shingles, *own], counts)
    other = np.where(
        pairs[:, 1] >= 0,
        np.searchsorted(rows, pairs[:, 1]),
        len(rows) + np.searchsorted(new, -2 - pairs[:, 1]),
    )
    local = np.column_stack((len(rows) + np.searchsorted(new, pairs[:, 0]), other))
    similarities = jaccard_pairs(sets, local, threshold, n_jobs)
    shares = jaccard_pairs(sets, local, EXCERPT, n_jobs, contained=True)
    shares[counts[local].min(axis=1) < FEWEST_SHINGLES] = 0.0
    return similarities, shares


def new_text_similarities(keys: Keys, pairs: NDArray[np.int64], threshold: float) -> NDArray[np.float64]:
    """Jaccard similarity of pairs of new texts; 0 below the threshold."""
    sets = ShingleSets.of([keys.shingles], keys.counts)
    same = (keys.fingerprints[pairs[:, 0]] == keys.fingerprints[pairs[:, 1]]).reshape(len(pairs), -1)
    return np.where(same.all(axis=1), 1.0, jaccard_pairs(sets, pairs, threshold))


def relation_of(similarity: float) -> str:
    """Relation of a copy to its original."""
    return "exact" if similarity == 1.0 else "near"
