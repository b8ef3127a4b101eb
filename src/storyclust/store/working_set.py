"""The working set of a writer: what it keeps in memory of a store, and updates along with the file."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from storyclust.articles.article import Article
from storyclust.dedup.compared import compared_texts
from storyclust.store.article_index import ArticleIndex
from storyclust.store.copy_lookup import Keys
from storyclust.store.encoding import storable
from storyclust.store.index_files import IndexFiles
from storyclust.store.index_reading import read_indexed, read_young
from storyclust.store.index_tables import read_entries
from storyclust.store.page_furniture import Spans, encode_spans, place_of, read_furniture, spans_in
from storyclust.store.placing import Settings, Structure
from storyclust.store.row_numbers import RowNumbers
from storyclust.store.tables import read_compared
from storyclust.store.weights import ArticleTerms, find_article_terms
from storyclust.text.furniture import Furniture, without_spans
from storyclust.text.language import group_languages


class WorkingSet(NamedTuple):
    """Independent articles, and the events and threads that they belong to.

    Attributes
    ----------
    article_index : ArticleIndex
    structure : Structure
    generation : int
        Generation of the store that this agrees with.
    furniture : Furniture or None
        What is known to recur; None in a store that compares whole texts.
    n_saved : int
        Number of rows that are also in the files beside the store.
    files : IndexFiles or None
        These files.
    """

    article_index: ArticleIndex
    structure: Structure
    generation: int
    furniture: Furniture | None
    n_saved: int = 0
    files: IndexFiles | None = None

    @property
    def n_unsaved(self) -> int:
        """Number of rows that could be saved: none as long as they have no entries in the file."""
        return len(self.article_index) - self.n_saved if self.article_index.is_stored else 0

    @property
    def row_of(self) -> RowNumbers:
        """Row in the index of each independent article, by its number."""
        return self.article_index.row_of

    @property
    def outdated(self) -> bool:
        """Whether the index holds terms of removed articles, or of former texts."""
        return len(self.row_of) < len(self.article_index)


class Derived(NamedTuple):
    """Data derived from an independent article: the columns of `bands`, `vectors` and `furniture`."""

    keys: bytes
    head: int
    terms: bytes
    language: str  # of the text that counts
    furniture: tuple[int, bytes] | None  # its place in samples, and spans; None where whole texts count


class Counted(NamedTuple):
    """Independent articles by the text that counts."""

    articles: list[Article]
    furniture: list[tuple[int, bytes] | None]

    @classmethod
    def of(cls, articles: Sequence[Article], known: Furniture | None, n_jobs: int | None = None) -> Counted:
        """Leave out the furniture of articles; all of a text counts where nothing is `known`."""
        if known is None:
            return cls(list(articles), [None] * len(articles))
        spans: list[Spans] = spans_in(known, articles, n_jobs)
        stored = [
            (place_of(storable(a.text)), encode_spans(own)) for a, own in zip(articles, spans, strict=True)
        ]
        return cls(without_spans(articles, spans), list(stored))


def generation_of(connection: sqlite3.Connection) -> int:
    """Number of write transactions that changed the store."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def load(
    connection: sqlite3.Connection,
    settings: Settings,
    files: IndexFiles | None = None,
    n_jobs: int | None = None,
) -> WorkingSet:
    """Read a store into memory, inside a transaction; reports progress.

    The index is the same with and without `files`, but read much faster with them if the store is large.
    """
    index, structure = ArticleIndex(), Structure(settings)
    entries = read_entries(connection)
    if entries:
        saved = read_indexed(connection, index, entries, files)
        structure.is_whole = False
    else:
        saved = 0
        read_young(connection, index, n_jobs)
        _fill_structure(connection, index, structure)
    last_ids = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
    structure.events.next_id = last_ids.get("events", 0) + 1
    structure.threads.next_id = last_ids.get("threads", 0) + 1
    furniture = read_furniture(connection) if settings.clean else None
    return WorkingSet(index, structure, generation_of(connection), furniture, saved, files if saved else None)


def _fill_structure(connection: sqlite3.Connection, index: ArticleIndex, structure: Structure) -> None:
    """Enter the events and threads of all articles."""
    thread_of = dict(
        connection.execute("SELECT id, thread FROM events WHERE merged_into IS NULL AND size > 0")
    )
    structure.fill(index, np.arange(len(index)), thread_of)


def derive(
    articles: Sequence[Article],
    threshold: float,
    n_jobs: int | None = None,
    furniture: Furniture | None = None,
) -> list[Derived]:
    """Derive the keys of independent articles from their texts, and the terms from what counts of them."""
    keys = Keys.of(compared_texts(articles), threshold, n_jobs)
    counted = Counted.of(articles, furniture, n_jobs)
    languages = group_languages(counted.articles)
    article_terms = find_article_terms(counted.articles, languages, n_jobs)
    return derived_of(keys, article_terms, languages, counted.furniture)


def derived_of(
    keys: Keys,
    article_terms: ArticleTerms,
    languages: Sequence[str],
    furniture: Sequence[tuple[int, bytes] | None],
) -> list[Derived]:
    """Encode keys and terms as they are stored."""
    packed, bounds = keys.keys.astype("<u4").tobytes(), (4 * keys.bounds).tolist()
    own_keys = [packed[start:stop] for start, stop in itertools.pairwise(bounds)]
    columns = (own_keys, article_terms.heads.tolist(), terms_blobs(article_terms), languages, furniture)
    return [Derived(*each) for each in zip(*columns, strict=True)]


def terms_blobs(article_terms: ArticleTerms) -> list[bytes]:
    """Encode the terms of each article."""
    packed, bounds = article_terms.terms.astype("<u4").tobytes(), (4 * article_terms.bounds).tolist()
    return [packed[start:stop] for start, stop in itertools.pairwise(bounds)]


def texts_of(connection: sqlite3.Connection, index: ArticleIndex) -> Callable[[list[int]], list[str]]:
    """Return a function that reads what is compared of rows of the index."""

    def read(rows: list[int]) -> list[str]:
        numbers = index.numbers.values[rows].tolist()
        return compared_texts([read_compared(connection, number) for number in numbers])

    return read
