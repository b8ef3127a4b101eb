"""The working set of a writer: what it keeps in memory of a store, and updates along with the file."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from storyclust._core.parallel import beside
from storyclust._core.progress import stage
from storyclust.articles.article import Article
from storyclust.articles.ordering import DAY
from storyclust.cluster.local_scaling import NEIGHBORS
from storyclust.dedup.compared import compared_texts
from storyclust.store.article_index import ArticleIndex
from storyclust.store.copy_lookup import Keys
from storyclust.store.encoding import from_stamp, storable
from storyclust.store.neighbor_scales import TYPICAL_SCALE
from storyclust.store.page_furniture import Spans, encode_spans, place_of, read_furniture, spans_in
from storyclust.store.placing import Settings, Structure, look_up
from storyclust.store.tables import read_compared
from storyclust.store.weights import ArticleTerms, find_article_terms
from storyclust.text.furniture import Furniture, without_spans
from storyclust.text.language import group_languages

ROWS_PER_READ = 20_000


class WorkingSet(NamedTuple):
    """Independent articles, and the events and threads that they belong to.

    Attributes
    ----------
    article_index : ArticleIndex
    structure : Structure
    row_of : dict of int to int
        Row in the index of each independent article, by its number.
    generation : int
        Generation of the store that this agrees with.
    furniture : Furniture or None
        What is known to recur; None in a store that compares whole texts.
    """

    article_index: ArticleIndex
    structure: Structure
    row_of: dict[int, int]
    generation: int
    furniture: Furniture | None

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
    def of(cls, articles: Sequence[Article], known: Furniture | None) -> Counted:
        """Leave out the furniture of articles; all of a text counts where nothing is `known`."""
        if known is None:
            return cls(list(articles), [None] * len(articles))
        spans: list[Spans] = spans_in(known, articles)
        stored = [
            (place_of(storable(a.text)), encode_spans(own)) for a, own in zip(articles, spans, strict=True)
        ]
        return cls(without_spans(articles, spans), list(stored))


def generation_of(connection: sqlite3.Connection) -> int:
    """Number of write transactions that changed the store."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def load(connection: sqlite3.Connection, settings: Settings) -> WorkingSet:
    """Read a store into memory, inside a transaction; reports progress."""
    index, structure = ArticleIndex(), Structure(settings)
    query = (
        "SELECT number, published, language, event, head, terms, strangers, keys, neighbors, similarity "
        "FROM articles JOIN vectors ON vectors.article = number JOIN bands ON bands.article = number "
        "LEFT JOIN scales ON scales.article = number ORDER BY number"
    )
    total = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    cursor = connection.execute(query)
    with stage("reading", total) as advance:
        while rows := cursor.fetchmany(ROWS_PER_READ):
            beside(_add_rows, index, rows)
            advance(len(rows))
    beside(index.fill)
    _fill_structure(connection, index, structure)
    row_of = {number: row for row, number in enumerate(index.numbers.values.tolist())}
    furniture = read_furniture(connection) if settings.clean else None
    return WorkingSet(index, structure, row_of, generation_of(connection), furniture)


def _add_rows(index: ArticleIndex, rows: Sequence[tuple[object, ...]]) -> None:
    numbers, published, languages, events, heads, terms, null_similarity, keys, *scales = zip(
        *rows, strict=True
    )
    article_terms = ArticleTerms(
        np.append(0, np.cumsum([len(blob) // 4 for blob in terms])),
        np.array(heads, np.int64),
        np.frombuffer(b"".join(terms), "<u4"),
    )
    days = np.array([days_of(stamp) for stamp in published])
    background = np.array([np.nan if value is None else value for value in null_similarity], np.float64)
    added = index.add(list(numbers), days, list(languages), article_terms, np.nan_to_num(background))
    sizes = np.array([len(blob) // 4 for blob in keys], np.int64)
    index.add_keys(added, sizes, np.frombuffer(b"".join(keys), "<u4"))
    index.events.values[added] = events
    counts, sums = (
        np.array([unknown if value is None else value for value in column])
        for unknown, column in zip((NEIGHBORS, NEIGHBORS * TYPICAL_SCALE), scales, strict=True)
    )
    index.scales.put(added, counts, sums)


def _fill_structure(connection: sqlite3.Connection, index: ArticleIndex, structure: Structure) -> None:
    """Enter the events and threads of the rows of the index."""
    thread_of = dict(
        connection.execute("SELECT id, thread FROM events WHERE merged_into IS NULL AND size > 0")
    )
    events = index.events.values
    structure.events.fill(events, index.times.values)
    structure.threads.fill(look_up(thread_of, events), index.times.values)
    for event in structure.events.sizes:
        structure.put(event, thread_of[event])
    last_ids = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
    structure.events.next_id = last_ids.get("events", 0) + 1
    structure.threads.next_id = last_ids.get("threads", 0) + 1


def days_of(stamp: str | None) -> float:
    """Days since 1970 of a timestamp; NaN for None."""
    return np.nan if stamp is None else from_stamp(stamp).timestamp() / DAY


def derive(
    articles: Sequence[Article],
    threshold: float,
    n_jobs: int | None = None,
    furniture: Furniture | None = None,
) -> list[Derived]:
    """Derive the keys of independent articles from their texts, and the terms from what counts of them."""
    keys = Keys.of(compared_texts(articles), threshold, n_jobs)
    counted = Counted.of(articles, furniture)
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
