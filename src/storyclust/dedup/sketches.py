"""Sketches of articles, computed in one pass: deduplication does not need the texts again.

Kept of each distinct text: signature, fingerprint, and shingles, which spill to disk, or the text itself
where it is held anyway. Kept of each article: the number of its text, its id, and its sort key under the keep
policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from storyclust._core.memory import paused_gc
from storyclust._core.progress import stage
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.compared import BRIEF, hashed_texts
from storyclust.dedup.excerpt_candidates import CUT
from storyclust.dedup.groups import Policy, Twins, preferences, rank_rows
from storyclust.dedup.text_shelf import TextShelf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust._core.spill import SpillableRows
    from storyclust.dedup.lsh import Candidates
    from storyclust.dedup.minhash import BaseMinHasher

Scalar = TypeVar("Scalar", bound=np.generic)

BATCH_CHARACTERS = 64 << 20  # characters held at a time: bounds memory where articles come from an iterator
UNREAD_CHARACTERS = 4096  # assumed length of a record that is not read yet


class Sketches:
    """Sketches of articles, added batch by batch.

    Parameters
    ----------
    hasher : BaseMinHasher
    keep : str or callable
        Keep policy; see `preferences`.
    shelf : SpillableRows or TextShelf
        Is filled with the shingles of every distinct text. A `TextShelf` is for articles that are held in
        memory anyway.
    sample : bool, default=True
        Sample shingles, from which excerpts are found.
    doubtful : {'keep', 'drop'}, default='keep'
        What is compared of short articles; see `compared_texts`.
    list_brief : bool, default=False
        Hold the contents of short articles, among which doubtful copies are found.

    Attributes
    ----------
    n_texts : int
        Number of distinct texts. Equal texts of one batch share a number; those of two batches do not.
    ids : list of str
        Id of each article.
    brief : dict
        Content of each short article, by row.
    preferences : list of tuple
        Sort key of each article under the keep policy.
    signature_parts : list of uint32 arrays
        Signatures of the distinct texts, in order.
    """

    def __init__(
        self,
        hasher: BaseMinHasher,
        keep: Policy,
        shelf: SpillableRows | TextShelf,
        *,
        sample: bool = True,
        doubtful: str = "keep",
        list_brief: bool = False,
    ) -> None:
        self.hasher = hasher
        self.keep = keep
        self.sample = sample
        self.doubtful = doubtful
        self.list_brief = list_brief
        self.shelf = shelf
        self.ids: list[str] = []
        self.brief: dict[int, str] = {}
        self._strict: list[NDArray[np.bool_]] = []
        self.preferences: list[tuple[Any, ...]] = []
        self._texts_of: list[NDArray[np.int64]] = []
        self.signature_parts: list[NDArray[np.uint32]] = []
        self._fingerprints: list[NDArray[np.uint64]] = []
        self._sampled: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
        self.n_texts = 0

    def add(self, articles: Iterable[Any], tier: int) -> int:
        """Sketch articles, which rank after those of a smaller `tier`; returns their number."""
        before = len(self.ids)
        total = len(articles) if isinstance(articles, Sized) else None
        with paused_gc(), stage("signatures", total) as advance:
            for batch in batches(articles):
                n_distinct = self._add_batch(batch, tier)
                advance(len(batch) - n_distinct)  # signing has counted the distinct texts
        return len(self.ids) - before

    def _add_batch(self, batch: list[Article], tier: int) -> int:
        """Sketch a batch of articles; returns its number of distinct texts."""
        contents = [article.content for article in batch]
        hashed = hashed_texts(batch) if self.doubtful == "keep" else {}
        strict = np.zeros(len(batch), bool)
        strict[list(hashed)] = True
        self._strict.append(strict)
        numbers: dict[str, int] = {}
        compared = (hashed.get(row, content) for row, content in enumerate(contents))
        text_of = [numbers.setdefault(text, len(numbers)) for text in compared]
        distinct = list(numbers)
        signed = self.hasher.sign(
            distinct,
            count=True,
            keep_shingles=not isinstance(self.shelf, TextShelf),
            cut=CUT if self.sample else 0,
        )
        if self.list_brief:
            # A text with a similarity of 0.5 to one of `BRIEF` words has twice as many at most. What is
            # compared by a hash, a single shingle, is brief itself.
            brief = np.flatnonzero(signed.counts[text_of] < max(2, 2 * BRIEF - self.hasher.shingle_size))
            self.brief |= {len(self.ids) + row: contents[row] for row in brief.tolist()}
        self._texts_of.append(np.array(text_of, np.int64) + self.n_texts)
        self.signature_parts.append(signed.signatures)
        self._fingerprints.append(signed.fingerprints)
        texts = np.arange(self.n_texts, self.n_texts + len(numbers))
        self._sampled.append((signed.sampled, np.repeat(texts, signed.sampled_counts)))
        if isinstance(self.shelf, TextShelf):
            self.shelf.add(distinct, signed.counts)
        else:
            self.shelf.add(signed.shingles, signed.counts)
        rows = range(len(self.ids), len(self.ids) + len(batch))
        self.preferences += [(tier, *by_rule) for by_rule in preferences(batch, self.keep, rows)]
        self.ids += [article.id for article in batch]
        self.n_texts += len(numbers)
        return len(numbers)

    @property
    def strict(self) -> NDArray[np.bool_]:
        """Whether each article is compared by a hash of text and title, shape (n,)."""
        return np.concatenate(self._strict) if self._strict else np.empty(0, bool)

    @property
    def text_of(self) -> NDArray[np.int64]:
        """Number of each article's text, shape (n,)."""
        return np.concatenate(self._texts_of) if self._texts_of else np.empty(0, np.int64)

    @property
    def signatures(self) -> NDArray[np.uint32]:
        """Signatures of the distinct texts, shape (n_texts, num_perm)."""
        return _stacked(self.signature_parts, np.empty((0, self.hasher.num_perm), np.uint32))

    @property
    def fingerprints(self) -> NDArray[np.uint64]:
        """Fingerprints of the distinct texts, shape (n_texts, 2)."""
        return _stacked(self._fingerprints, np.empty((0, 2), np.uint64))

    @property
    def sampled(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Sampled shingles, and the number of the text that holds each."""
        values, texts = zip(*self._sampled, strict=True) if self._sampled else ((), ())
        return _stacked(list(values), np.empty(0, np.uint64)), _stacked(list(texts), np.empty(0, np.int64))


def _stacked(parts: list[NDArray[Scalar]], empty: NDArray[Scalar]) -> NDArray[Scalar]:
    """Concatenate arrays, and replace the list's entries by the result, so that memory is not held twice."""
    parts[:] = [np.concatenate(parts)] if parts else [empty]
    return parts[0]


def rank_articles(
    sketches: Sketches, fingerprints: NDArray[np.uint64], twins: Twins, candidates: Candidates
) -> NDArray[np.int64]:
    """Rank articles by the keep policy: rank 0 is kept before rank 1.

    Only articles that may have copies are ranked, as sorting all of them is slow. The others share the
    last rank.
    """
    involved = np.diff(twins.bounds) > 1
    involved[candidates.pairs.ravel()] = True
    for bucket in candidates.large_buckets:
        involved[bucket] = True
    rows = twins.rows[involved[twins.classes[twins.rows]]]
    order = rank_rows(rows, sketches.preferences, fingerprints, sketches.ids)
    rank = np.full(len(sketches.ids), len(sketches.ids), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def batches(articles: Iterable[Any]) -> Iterator[list[Article]]:
    """Cut articles into batches of `BATCH_CHARACTERS`. An iterator is not read ahead of its batch."""
    if not isinstance(articles, Iterator):
        articles = iter(as_articles(articles))
    batch: list[Any] = []
    size = before = 0
    for article in articles:
        batch.append(article)
        is_read = isinstance(article, Article)
        size += len(article.text) + len(article.title) if is_read else UNREAD_CHARACTERS
        if size >= BATCH_CHARACTERS:
            yield as_articles(batch, first_row=before)
            before += len(batch)
            batch, size = [], 0
    if batch:
        yield as_articles(batch, first_row=before)
