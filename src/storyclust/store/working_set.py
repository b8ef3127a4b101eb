"""The working set of a writer: what it keeps in memory of a store, and updates along with the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from storyclust._core.progress import stage
from storyclust.articles.article import Article
from storyclust.articles.ordering import DAY
from storyclust.dedup.compared import compared_texts
from storyclust.store.article_index import ArticleIndex
from storyclust.store.copy_lookup import Keys
from storyclust.store.encoding import from_stamp
from storyclust.store.placing import Settings, Structure, look_up
from storyclust.store.tables import read_compared
from storyclust.store.weights import ArticleTerms, find_article_terms
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
    """

    article_index: ArticleIndex
    structure: Structure
    row_of: dict[int, int]
    generation: int


class Derived(NamedTuple):
    """Data derived from an independent article: the columns of `bands` and `vectors`."""

    keys: bytes
    head: int
    terms: bytes


def generation_of(connection: sqlite3.Connection) -> int:
    """Number of write transactions that changed the store."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def load(connection: sqlite3.Connection, settings: Settings) -> WorkingSet:
    """Read a store into memory, inside a transaction; reports progress."""
    index, structure = ArticleIndex(), Structure(settings)
    query = (
        "SELECT number, published, language, event, head, terms, strangers, keys FROM articles "
        "JOIN vectors ON vectors.article = number JOIN bands ON bands.article = number ORDER BY number"
    )
    total = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    cursor = connection.execute(query)
    with stage("reading", total) as advance:
        while rows := cursor.fetchmany(ROWS_PER_READ):
            _add_rows(index, rows)
            advance(len(rows))
    index.fill()
    _fill_structure(connection, index, structure)
    row_of = {number: row for row, number in enumerate(index.numbers.values.tolist())}
    return WorkingSet(index, structure, row_of, generation_of(connection))


def _add_rows(index: ArticleIndex, rows: Sequence[tuple[object, ...]]) -> None:
    numbers, published, languages, events, heads, terms, null_similarity, keys = zip(*rows, strict=True)
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


def derive(articles: Sequence[Article], threshold: float, n_jobs: int | None = None) -> list[Derived]:
    """Derive the keys and terms of independent articles."""
    keys = Keys.of(compared_texts(articles), threshold, n_jobs)
    return derived_of(keys, find_article_terms(articles, group_languages(articles), n_jobs))


def derived_of(keys: Keys, article_terms: ArticleTerms) -> list[Derived]:
    """Encode keys and terms as they are stored."""
    packed, terms = keys.keys.astype("<u4").tobytes(), article_terms.terms.astype("<u4").tobytes()
    key_bounds, bounds = (4 * keys.bounds).tolist(), (4 * article_terms.bounds).tolist()
    return [
        Derived(packed[key_bounds[k] : key_bounds[k + 1]], head, terms[bounds[k] : bounds[k + 1]])
        for k, head in enumerate(article_terms.heads.tolist())
    ]


def texts_of(connection: sqlite3.Connection, index: ArticleIndex) -> Callable[[list[int]], list[str]]:
    """Return a function that reads what is compared of rows of the index."""

    def read(rows: list[int]) -> list[str]:
        numbers = index.numbers.values[rows].tolist()
        return compared_texts([read_compared(connection, number) for number in numbers])

    return read
