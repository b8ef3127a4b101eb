"""What copies are found by, gathered from articles in one pass: after it the texts are not needed again.

Of each distinct text: its signature, its fingerprint, and its shingles on a shelf that spills to disk; of
each article: its text's number, its id, and what the keep policy sorts it by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.memory import paused_gc
from storyclust._core.progress import stage
from storyclust._core.spill import SpillableRows
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.excerpt_candidates import CUT
from storyclust.dedup.groups import Policy, preference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.dedup.minhash import MinHasher

BATCH_CHARACTERS = 64 << 20


class Sketches:
    """Sketches of articles, added batch by batch.

    Attributes
    ----------
    shelf : SpillableRows
        Shingles of every distinct text.
    n_texts : int
        Distinct texts; equal ones share a number if they stand in one batch.
    ids : list of str
    preferences : list of tuple
    """

    def __init__(
        self, hasher: MinHasher, keep: Policy, *, sample: bool = True, limit: int | None = None
    ) -> None:
        self.hasher = hasher
        self.keep = keep
        self.sample = sample
        self.shelf = SpillableRows(limit)
        self.ids: list[str] = []
        self.preferences: list[tuple[Any, ...]] = []
        self._texts_of: list[NDArray[np.int64]] = []
        self._signatures: list[NDArray[np.uint32]] = []
        self._fingerprints: list[NDArray[np.uint64]] = []
        self._sampled: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
        self.n_texts = 0

    def add(self, articles: Iterable[Any], place: int) -> int:
        """Sketch articles, ranked behind those of a smaller `place`; returns how many there were."""
        before = len(self.ids)
        total = len(articles) if isinstance(articles, Sized) else None
        with paused_gc(), stage("signatures", total) as advance:
            for batch in batches(articles):
                distinct = self._add_batch(batch, place)
                advance(len(batch) - distinct)  # what was signed has been counted
        return len(self.ids) - before

    def _add_batch(self, batch: list[Article], place: int) -> int:
        """Sketch some articles; returns how many distinct texts they have."""
        numbers: dict[str, int] = {}
        text_of = [numbers.setdefault(article.content, len(numbers)) for article in batch]
        signed = self.hasher.sign(list(numbers), keep_shingles=True, cut=CUT if self.sample else 0)
        self._texts_of.append(np.array(text_of, np.int64) + self.n_texts)
        self._signatures.append(signed.signatures)
        self._fingerprints.append(signed.fingerprints)
        texts = np.arange(self.n_texts, self.n_texts + len(numbers))
        self._sampled.append((signed.sampled, np.repeat(texts, signed.sampled_counts)))
        self.shelf.add(signed.shingles, signed.counts)
        for row, article in enumerate(batch, start=len(self.ids)):
            by_rule = (row,) if self.keep == "first" else preference(article, self.keep)
            self.preferences.append((place, *by_rule))
        self.ids += [article.id for article in batch]
        self.n_texts += len(numbers)
        return len(numbers)

    @property
    def text_of(self) -> NDArray[np.int64]:
        """Number of each article's text, shape (n,)."""
        return np.concatenate(self._texts_of) if self._texts_of else np.empty(0, np.int64)

    @property
    def signatures(self) -> NDArray[np.uint32]:
        """Signatures of the distinct texts, shape (n_texts, num_perm)."""
        empty = np.empty((0, self.hasher.num_perm), np.uint32)
        signatures: NDArray[np.uint32] = _stacked(self._signatures, empty)
        return signatures

    @property
    def fingerprints(self) -> NDArray[np.uint64]:
        """Fingerprints of the distinct texts, shape (n_texts, 2)."""
        fingerprints: NDArray[np.uint64] = _stacked(self._fingerprints, np.empty((0, 2), np.uint64))
        return fingerprints

    @property
    def sampled(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Sampled shingles, and the text that holds each."""
        values, texts = zip(*self._sampled, strict=True) if self._sampled else ((), ())
        return _stacked(list(values), np.empty(0, np.uint64)), _stacked(list(texts), np.empty(0, np.int64))


def _stacked(parts: list[Any], empty: Any) -> Any:
    """Stack arrays, and hold on to the stack alone."""
    parts[:] = [np.concatenate(parts)] if parts else [empty]
    return parts[0]


def batches(articles: Iterable[Any]) -> Iterator[list[Article]]:
    """Cut articles into batches of `BATCH_CHARACTERS`; of an iterator, no more is read ahead."""
    if not isinstance(articles, Iterator):
        articles = iter(as_articles(articles))
    batch: list[Any] = []
    size = before = 0
    for article in articles:
        batch.append(article)
        size += len(article.content) if isinstance(article, Article) else 4096
        if size >= BATCH_CHARACTERS:
            yield as_articles(batch, first_row=before)
            before += len(batch)
            batch, size = [], 0
    if batch:
        yield as_articles(batch, first_row=before)
