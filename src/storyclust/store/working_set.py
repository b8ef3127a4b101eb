"""What a writer keeps in memory of a store: read from its file when first needed, and grown with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust._core.progress import stage
from storyclust.articles.article import Article
from storyclust.articles.ordering import DAY
from storyclust.store.article_index import Feed
from storyclust.store.copy_lookup import Keys
from storyclust.store.encoding import from_stamp
from storyclust.store.placing import Settings, Structure, mapped
from storyclust.store.weights import Held, hold
from storyclust.text.language import group_languages

if TYPE_CHECKING:
    pass

READ_AT_ONCE = 20_000  # rows


class Memory(NamedTuple):
    """Independent articles, and the events and threads they are in.

    Attributes
    ----------
    feed : Feed
    structure : Structure
    row_of : dict of int to int
        Row in the feed of each article that is no copy, by its number.
    generation : int
        Of the store, when this was as it is.
    """

    feed: Feed
    structure: Structure
    row_of: dict[int, int]
    generation: int


class Derived(NamedTuple):
    """What is derived of an article that is no copy: the columns of `bands` and `vectors`."""

    keys: bytes
    head: int
    terms: bytes


def generation_of(connection: sqlite3.Connection) -> int:
    """How often the store was changed."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def load(connection: sqlite3.Connection, settings: Settings) -> Memory:
    """Read a store into memory, inside a transaction."""
    feed, structure = Feed(), Structure(settings)
    query = (
        "SELECT number, published, language, event, head, terms, strangers, keys FROM articles "
        "JOIN vectors ON vectors.article = number JOIN bands ON bands.article = number ORDER BY number"
    )
    total = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    cursor = connection.execute(query)
    with stage("reading", total) as advance:
        while rows := cursor.fetchmany(READ_AT_ONCE):
            _enter(feed, rows)
            advance(len(rows))
    feed.fill()
    _group(connection, feed, structure)
    row_of = {number: row for row, number in enumerate(feed.numbers.values.tolist())}
    return Memory(feed, structure, row_of, generation_of(connection))


def _enter(feed: Feed, rows: Sequence[tuple[object, ...]]) -> None:
    numbers, published, languages, events, heads, terms, null_similarity, keys = zip(*rows, strict=True)
    held = Held(
        np.append(0, np.cumsum([len(blob) // 4 for blob in terms])),
        np.array(heads, np.int64),
        np.frombuffer(b"".join(terms), "<u4"),
    )
    days = np.array([days_of(stamp) for stamp in published])
    shared = np.array([np.nan if value is None else value for value in null_similarity], np.float64)
    entered = feed.add(list(numbers), days, list(languages), held, np.nan_to_num(shared))
    sizes = np.array([len(blob) // 4 for blob in keys], np.int64)
    feed.add_keys(entered, sizes, np.frombuffer(b"".join(keys), "<u4"))
    feed.events.values[entered] = events


def _group(connection: sqlite3.Connection, feed: Feed, structure: Structure) -> None:
    """Enter the events and threads that rows of the feed are in."""
    thread_of = dict(
        connection.execute("SELECT id, thread FROM events WHERE merged_into IS NULL AND size > 0")
    )
    events = feed.events.values
    structure.events.fill(events, feed.times.values)
    structure.threads.fill(mapped(thread_of, events), feed.times.values)
    for event in structure.events.sizes:
        structure.put(event, thread_of[event])
    given = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
    structure.events.next_id = given.get("events", 0) + 1
    structure.threads.next_id = given.get("threads", 0) + 1


def days_of(stamp: str | None) -> float:
    """Days since 1970 of a stamp, NaN for none."""
    return np.nan if stamp is None else from_stamp(stamp).timestamp() / DAY


def derive(articles: Sequence[Article], threshold: float, n_jobs: int | None = None) -> list[Derived]:
    """Derive what is stored of articles that are no copies."""
    keys = Keys.of([article.content for article in articles], threshold, n_jobs)
    return derived_of(keys, hold(articles, group_languages(articles), n_jobs))


def derived_of(keys: Keys, held: Held) -> list[Derived]:
    """What is stored of keys and terms."""
    packed, terms = keys.keys.astype("<u4").tobytes(), held.terms.astype("<u4").tobytes()
    key_bounds, bounds = (4 * keys.bounds).tolist(), (4 * held.bounds).tolist()
    return [
        Derived(packed[key_bounds[k] : key_bounds[k + 1]], head, terms[bounds[k] : bounds[k + 1]])
        for k, head in enumerate(held.heads.tolist())
    ]


def texts_of(connection: sqlite3.Connection, feed: Feed) -> Callable[[list[int]], list[str]]:
    """How the texts of rows of the feed are read: what copies are compared by."""

    def read(rows: list[int]) -> list[str]:
        numbers = feed.numbers.values[rows].tolist()
        found = (
            connection.execute("SELECT title, text FROM articles WHERE number = ?", (number,)).fetchone()
            for number in numbers
        )
        return [Article(text=text, title=title).content for title, text in found]

    return read
