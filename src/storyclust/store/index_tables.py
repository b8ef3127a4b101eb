"""The tables of the index of terms: `entries`, `weighed` and `unindexed`.

The weights of an article's terms depend on the document frequencies at the time when they were computed. A
young store computes them anew whenever it is read. A large one stores them, and the order of the rows, so
that a working set is the same whether its store was closed between two batches or not.

Of an article that was indexed again the last entry counts. The articles in `unindexed` have no valid entry:
they were removed, or derived again outside a working set.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.cluster.postings import Csr
from storyclust.store.terms_index import YOUNG, TermSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.terms_index import TermsIndex

ENTRY = np.dtype(
    [
        ("row", "<i4"),
        ("number", "<i8"),  # of the article
        ("mark", "<u8"),  # hash of what is indexed
        ("factors", "<f4", (2,)),
        ("strangers", "<f8"),  # background similarity
    ]
)
ENTRIES_PER_BLOB = 1 << 15

Entries = dict[str, "NDArray[np.void]"]  # by language, in the order of their places


def read_entries(connection: sqlite3.Connection) -> Entries:
    """Read all entries; none of a young store, or if they are damaged."""
    blobs: dict[str, list[bytes]] = {}
    for language, packed in connection.execute(
        "SELECT language, packed FROM entries ORDER BY language, first"
    ):
        blobs.setdefault(language, []).append(packed)
    if any(len(blob) % ENTRY.itemsize for each in blobs.values() for blob in each):
        return {}
    entries = {language: np.frombuffer(b"".join(each), ENTRY) for language, each in blobs.items()}
    weighed = {row[0] for row in connection.execute("SELECT language FROM weighed")}
    rows = np.sort(np.concatenate([np.empty(0, np.int32), *(each["row"] for each in entries.values())]))
    if not entries.keys() <= weighed or not np.array_equal(rows, np.arange(len(rows))):
        return {}
    return entries


def read_unindexed(connection: sqlite3.Connection) -> NDArray[np.int64]:
    """Numbers of the articles without a valid entry."""
    rows = connection.execute("SELECT article FROM unindexed ORDER BY article").fetchall()
    return np.array(rows, np.int64).reshape(-1)


def put_unindexed(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Invalidate the entries of some articles, if there are any."""
    if not connection.execute("SELECT 1 FROM entries LIMIT 1").fetchone():
        return
    rows = ((number,) for number in numbers)
    connection.executemany("INSERT OR IGNORE INTO unindexed VALUES (?)", rows)


def drop_entries(connection: sqlite3.Connection) -> None:
    """Let the next reader compute all weights anew."""
    for table in ("entries", "weighed", "unindexed"):
        connection.execute(f"DELETE FROM {table}")


def read_weighed(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    """Read when each language was weighed, and its sample."""
    columns = "language, articles, measured, places, bounds, columns, weights, terms"
    return {name: row for name, *row in connection.execute(f"SELECT {columns} FROM weighed")}


def restore_weights(index: TermsIndex, weighed: Sequence[Any], own: NDArray[np.void]) -> None:
    """Set weights, background similarities and the sample of a language to what was read."""
    index.n_weighed, index.n_measured = weighed[:2]
    places, bounds, columns = (np.frombuffer(bytearray(blob), "<i8") for blob in weighed[2:5])
    rows = Csr(bounds, columns, np.frombuffer(bytearray(weighed[5]), "<f4"))
    index.sample = TermSample.of_rows(np.frombuffer(bytearray(weighed[6]), "<u4"), rows, places)
    index.factors.values[:] = own["factors"]
    index.factors.values[index.removed.values] = 0.0
    index.null_similarity.values[:] = own["strangers"]
    index.n_stored = len(index)


def store_index(connection: sqlite3.Connection, index: ArticleIndex) -> None:
    """Store the entries that have come or changed, unless the store is young."""
    if index.n_kept <= YOUNG and not index.has_entries:
        return
    if not index.has_entries:
        drop_entries(connection)
        index.has_entries = True
    for name, own in index.by_language().items():
        if not own.n_stored:
            connection.execute("DELETE FROM entries WHERE language = ?", [name])
            _store_weighing(connection, name, own)
        for start in range(own.n_stored, len(own), ENTRIES_PER_BLOB):
            packed = _packed(index, own, start, min(start + ENTRIES_PER_BLOB, len(own)))
            connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (name, start, packed))
        own.n_stored = len(own)
    now_indexed = "EXISTS (SELECT 1 FROM vectors WHERE vectors.article = unindexed.article)"
    connection.execute(f"DELETE FROM unindexed WHERE {now_indexed}")


def _packed(index: ArticleIndex, own: TermsIndex, start: int, stop: int) -> bytes:
    rows = own.rows.values[start:stop]
    packed = np.empty(stop - start, ENTRY)
    packed["row"], packed["number"] = rows, index.numbers.values[rows]
    packed["mark"] = index.marks.values[rows]
    packed["factors"] = own.factors.values[start:stop]
    packed["strangers"] = own.null_similarity.values[start:stop]
    return packed.tobytes()


def _store_weighing(connection: sqlite3.Connection, name: str, own: TermsIndex) -> None:
    if own.sample is None:  # a language without articles
        return
    rows, terms = own.sample.rows, own.sample.terms
    arrays = (
        own.sample.sample.places.astype("<i8"), rows.indptr.astype("<i8"), rows.indices.astype("<i8"),
        rows.data.astype("<f4"), terms.astype("<u4"),
    )  # fmt: skip
    values = (name, own.n_weighed, own.n_measured, *(array.tobytes() for array in arrays))
    connection.execute("INSERT OR REPLACE INTO weighed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
