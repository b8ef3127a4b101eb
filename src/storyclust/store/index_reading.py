"""Reads the index of a store from its tables, and from the files beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import beside
from storyclust._core.progress import stage
from storyclust.articles.ordering import DAY
from storyclust.cluster.local_scaling import NEIGHBORS
from storyclust.store.encoding import from_stamp
from storyclust.store.group_reading import UNKNOWN
from storyclust.store.index_snapshot import restore_snapshot, valid_snapshot
from storyclust.store.index_tables import Entries, read_unindexed, read_weighed, restore_weights
from storyclust.store.neighbor_scales import TYPICAL_SCALE, UNREAD
from storyclust.store.weights import ArticleTerms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.index_files import IndexFiles

ROWS_PER_READ = 20_000
SPARSE = 4  # numbers that span more than so many times their count are read one by one
WEIGHT_COLUMNS = "strangers, event, neighbors, similarity"
ROWS = """
    SELECT number, published, language, head, terms, keys, {more} FROM articles
    JOIN vectors ON vectors.article = number JOIN bands ON bands.article = number {joins}
"""
YOUNG_ROWS = ROWS.format(more=WEIGHT_COLUMNS, joins="LEFT JOIN scales ON scales.article = number")
INDEXED_ROWS = ROWS.format(more="0", joins="")


class Rows(NamedTuple):
    """What is indexed of some articles."""

    numbers: NDArray[np.int64]
    times: NDArray[np.float64]
    languages: list[str]
    terms: ArticleTerms
    key_sizes: NDArray[np.int64]
    keys: NDArray[np.uint32]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Rows:
        """Decode rows of a query, whose first columns are those of `ROWS`."""
        numbers, published, languages, heads, terms, keys = tuple(zip(*rows, strict=True))[:6]
        bounds = np.append(0, np.cumsum([len(blob) // 4 for blob in terms]))
        held = ArticleTerms(bounds, np.array(heads, np.int64), _words(terms))
        sizes = np.array([len(blob) // 4 for blob in keys], np.int64)
        times = np.array([days_of(stamp) for stamp in published], np.float64)
        return cls(np.array(numbers, np.int64), times, list(languages), held, sizes, _words(keys))


def _words(blobs: Sequence[bytes]) -> NDArray[np.uint32]:
    words: NDArray[np.uint32] = np.frombuffer(bytearray(b"".join(blobs)), "<u4")
    return words


def days_of(stamp: str | None) -> float:
    """Days since 1970 of a timestamp; NaN for None."""
    return np.nan if stamp is None else from_stamp(stamp).timestamp() / DAY


def read_young(connection: sqlite3.Connection, index: ArticleIndex, n_jobs: int | None = None) -> None:
    """Read all independent articles, by number, with their events, and compute their weights."""
    total = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    cursor = connection.execute(f"{YOUNG_ROWS} ORDER BY number")
    with stage("reading", total) as advance:
        while rows := cursor.fetchmany(ROWS_PER_READ):
            beside(_add_young, index, rows)
            advance(len(rows))
    beside(index.fill)
    beside(index.weigh_all, n_jobs)


def _add_young(index: ArticleIndex, rows: Sequence[tuple[Any, ...]]) -> None:
    null_similarity, events, *scales = tuple(zip(*rows, strict=True))[6:]
    background = np.array([np.nan if value is None else value for value in null_similarity], np.float64)
    added = _enter(index, Rows.of(rows), np.nan_to_num(background))
    index.events.values[added] = events
    counts, sums = (
        np.array([unknown if value is None else value for value in column])
        for unknown, column in zip((NEIGHBORS, NEIGHBORS * TYPICAL_SCALE), scales, strict=True)
    )
    index.scales.put(added, counts, sums)


def _enter(
    index: ArticleIndex, rows: Rows, null_similarity: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    added = index.add(rows.numbers.tolist(), rows.times, rows.languages, rows.terms, null_similarity)
    index.add_keys(added, rows.key_sizes, rows.keys)
    return added


def read_indexed(
    connection: sqlite3.Connection, index: ArticleIndex, entries: Entries, files: IndexFiles | None
) -> int:
    """Read the articles that have entries, in the order of their rows, with their weights, and the others.

    The first rows come from `files` if these are valid. Events and scales stay unknown.

    Returns
    -------
    int
        Number of rows that come from files.
    """
    order = _Order.of(entries, read_unindexed(connection))
    contents = beside(valid_snapshot, files, entries) if files else None
    saved = beside(restore_snapshot, index, contents, entries) if contents else 0
    total = len(order.numbers)
    with stage("reading", total) as advance:
        advance(saved)
        for start in range(saved, total, ROWS_PER_READ):
            part = slice(start, min(start + ROWS_PER_READ, total))
            read = read_numbers(connection, order.numbers[part][order.is_current[part]])
            beside(_add_rows, index, order, part, read)
            advance(part.stop - start)
    beside(_restore, index, order, entries, read_weighed(connection))
    for rows in _in_parts(connection, order.unindexed):
        beside(_enter, index, Rows.of(rows))
    index.events.values[:] = UNKNOWN
    index.scales.counts.values[:] = UNREAD
    index.has_entries = True
    return saved


class _Order(NamedTuple):
    """The rows of a store."""

    numbers: NDArray[np.int64]
    marks: NDArray[np.uint64]
    languages: NDArray[np.object_]
    is_current: NDArray[np.bool_]  # others were removed, or indexed again
    unindexed: NDArray[np.int64]  # numbers

    @classmethod
    def of(cls, entries: Entries, unindexed: NDArray[np.int64]) -> _Order:
        n = sum(map(len, entries.values()))
        numbers, marks = np.empty(n, np.int64), np.empty(n, np.uint64)
        languages = np.empty(n, object)
        for name, own in entries.items():
            numbers[own["row"]], marks[own["row"]], languages[own["row"]] = own["number"], own["mark"], name
        last = np.zeros(int(numbers.max(initial=0)) + 1, np.int64)
        last[numbers] = np.arange(n)
        is_current = (last[numbers] == np.arange(n)) & ~np.isin(numbers, unindexed)
        return cls(numbers, marks, languages, is_current, unindexed)


def _in_parts(connection: sqlite3.Connection, numbers: NDArray[np.int64]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(numbers), ROWS_PER_READ):
        if rows := read_numbers(connection, numbers[start : start + ROWS_PER_READ]):
            yield rows


def read_numbers(connection: sqlite3.Connection, numbers: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """Read what is indexed of those of some articles that are independent, in the order given."""
    if not len(numbers):
        return []
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > SPARSE * len(numbers):
        query = f"{INDEXED_ROWS} WHERE number = ?"
        found = (connection.execute(query, (number,)).fetchone() for number in numbers.tolist())
        return [row for row in found if row]
    query = f"{INDEXED_ROWS} WHERE number BETWEEN ? AND ?"
    by_number = {row[0]: row for row in connection.execute(query, (low, high))}
    return [by_number[number] for number in numbers.tolist() if number in by_number]


def _add_rows(index: ArticleIndex, order: _Order, part: slice, read: list[tuple[Any, ...]]) -> None:
    """Enter some rows; nothing is held by those that are not current."""
    numbers, n = order.numbers[part], part.stop - part.start
    sizes, key_sizes, heads = (np.zeros(n, np.int64) for _ in range(3))
    times, terms, keys = np.full(n, np.nan), np.empty(0, np.uint32), np.empty(0, np.uint32)
    if read:
        rows = Rows.of(read)
        at = np.flatnonzero(order.is_current[part] & np.isin(numbers, rows.numbers))
        sizes[at], heads[at] = np.diff(rows.terms.bounds), rows.terms.heads
        times[at], key_sizes[at] = rows.times, rows.key_sizes
        terms, keys = rows.terms.terms, rows.keys
    held = ArticleTerms(np.append(0, np.cumsum(sizes)), heads, terms)
    languages = order.languages[part].tolist()
    _enter(index, Rows(numbers, times, languages, held, key_sizes, keys), np.zeros(n))


def _restore(index: ArticleIndex, order: _Order, entries: Entries, weighed: dict[str, list[Any]]) -> None:
    """Build the postings of what was read, take out rows that are not current, and set all weights."""
    index.fill()
    index.marks.values[~order.is_current] = order.marks[~order.is_current]
    index.take_out(np.flatnonzero(~order.is_current))
    by_language = index.by_language()
    for name, own in entries.items():
        restore_weights(by_language[name], weighed[name], own)
