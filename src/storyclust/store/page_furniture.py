"""The tables of page furniture: what recurs in each source, and where it stands in each article.

`furniture` has a row for each article that is no copy: its place in the order from which samples are taken,
and the spans of its text that do not count. `recurring` holds what was learnt from the sample of each source
and, under the empty name, from that of all articles. `unlearnt` counts the articles that have come or gone
since, so that a source is learnt again when it has changed much.

A sample is read by the stored places. It is the sample that `find_furniture` would take of the same articles,
whatever was added, revised or removed before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from storyclust._core.parallel import map_parts
from storyclust.articles.article import Article
from storyclust.store.encoding import storable
from storyclust.text.furniture import SAMPLE, WHOLE_SAMPLE, Furniture, learn_sample, sample_key
from storyclust.text.page_spans import Span
from storyclust.text.page_tokens import PageTokens
from storyclust.text.recurring_spans import Recurring, look_up_kinds, make_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

Spans = tuple[Span, ...]
Differences = dict[str, "NDArray[np.uint64] | None"]

ALL = ""  # in place of a source: all articles
TEXTS_AT_ONCE = 4_000  # learnt from on all threads together
SEARCHED_AT_ONCE = 250  # articles of a thread
GROWTH = 0.25  # share of articles that have come or gone from which a source is learnt again

COUNT = "ON CONFLICT(source) DO UPDATE SET changes = changes + excluded.changes"
COUNT_ENTERED = f"""
    INSERT INTO unlearnt SELECT source, 1 FROM articles WHERE number = ? AND source <> '' {COUNT}
"""
COUNT_ALL = f"INSERT INTO unlearnt VALUES ('{ALL}', ?) {COUNT}"
# Of removed articles, while they are still there.
COUNT_GONE = f"""
    INSERT INTO unlearnt SELECT a.source, count(*)
    FROM gone CROSS JOIN furniture f ON f.article = gone.number CROSS JOIN articles a ON a.number = f.article
    WHERE a.source <> '' GROUP BY a.source {COUNT}
"""
OUTGROWN = """
    SELECT u.source FROM unlearnt u LEFT JOIN recurring r ON r.source = u.source
    WHERE u.source = ? AND u.changes >= ? * coalesce(r.articles, 0)
"""
# CROSS JOIN: SQLite reads the index of sources first, and no text.
PLACES_OF_SOURCE = """
    SELECT f.place, f.article FROM articles a CROSS JOIN furniture f ON f.article = a.number
    WHERE a.source = ? ORDER BY f.place
"""


def place_of(text: str) -> int:
    """Place of a text in the order from which samples are taken; texts at one place are sorted.

    >>> place_of("Rain in Delhi.") == place_of("Rain in Delhi.")
    True
    """
    return sample_key(text)[0]


def encode_spans(spans: Spans) -> bytes:
    """Encode spans as they are stored.

    >>> decode_spans(encode_spans(((3, 9), (12, 20))))
    ((3, 9), (12, 20))
    """
    return np.array(spans, "<i4").tobytes()


def decode_spans(blob: bytes) -> Spans:
    """Decode the spans of an article."""
    return tuple((start, end) for start, end in np.frombuffer(blob, "<i4").reshape(-1, 2).tolist())


def spans_in(
    furniture: Furniture | None, articles: Sequence[Article], n_jobs: int | None = None
) -> list[Spans]:
    """Furniture of articles, as found in their texts as stored; none in a store that compares whole texts."""
    spans: list[Spans] = [()] * len(articles)
    if furniture is None:
        return spans
    order = sorted(range(len(articles)), key=lambda k: articles[k].source or "")

    def find(start: int, stop: int) -> None:
        chosen = [articles[k] for k in order[start:stop]]
        found = furniture.spans([Article(storable(each.text), source=each.source) for each in chosen])
        for k, each in zip(order[start:stop], found, strict=True):
            spans[k] = each

    map_parts(find, len(articles), SEARCHED_AT_ONCE, n_jobs, "furniture")
    return spans


def read_furniture(connection: sqlite3.Connection) -> Furniture:
    """Read what was learnt of all sources."""
    rows = connection.execute("SELECT source, hashes, kinds FROM recurring").fetchall()
    learnt = {
        source: Recurring(np.frombuffer(hashes, "<u8"), np.frombuffer(kinds, np.uint8))
        for source, hashes, kinds in rows
    }
    return Furniture(learnt.pop(ALL, Recurring.nothing()), learnt)


def put_furniture(connection: sqlite3.Connection, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Store the (number, place, spans) of articles that become independent or have another text."""
    if not rows:
        return
    connection.executemany("INSERT OR REPLACE INTO furniture VALUES (?, ?, ?)", rows)
    connection.executemany(COUNT_ENTERED, ((number,) for number, _, _ in rows))
    connection.execute(COUNT_ALL, (len(rows),))


def count_change(connection: sqlite3.Connection, source: str | None) -> None:
    """Count an article that leaves a source."""
    if source:
        connection.execute(f"INSERT INTO unlearnt VALUES (?, 1) {COUNT}", (storable(source),))


def count_gone(connection: sqlite3.Connection) -> None:
    """Count the articles that are about to be removed, those of the table `gone`."""
    connection.execute(COUNT_GONE)
    query = "SELECT count(*) FROM gone CROSS JOIN furniture ON article = gone.number"
    n = connection.execute(query).fetchone()[0]
    if n:
        connection.execute(COUNT_ALL, (n,))


def outgrown(connection: sqlite3.Connection, sources: Iterable[str]) -> list[str]:
    """Those of some sources that have changed much since they were learnt."""
    return [
        source
        for source in sorted(set(sources))
        if connection.execute(OUTGROWN, (storable(source), GROWTH)).fetchone()
    ]


def unlearnt(connection: sqlite3.Connection) -> list[str]:
    """All sources that have changed since they were learnt."""
    return [row[0] for row in connection.execute("SELECT source FROM unlearnt ORDER BY source")]


def learn(
    connection: sqlite3.Connection,
    furniture: Furniture,
    sources: Iterable[str],
    n_jobs: int | None = None,
) -> tuple[Furniture, Differences]:
    """Learn some sources again.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    furniture : Furniture
        What the file holds.
    sources : iterable of str
    n_jobs : int or None, default=None

    Returns
    -------
    furniture : Furniture
        What it holds now.
    different : dict of str to uint64 array or None
        Sources in which something else recurs than before, and the hashes of what does or did; None where
        it is not known what recurred before.
    """
    everywhere, by_source = furniture.everywhere, dict(furniture.by_source)
    different: Differences = {}
    for source, now in _learnt(connection, sources, n_jobs):
        before = by_source.get(source) if source else everywhere
        if before is None or not _is_stored(connection, source):
            different[source] = None
        elif len(changed := _changed_units(before, now)):
            different[source] = changed
        if source:
            by_source[source] = now
        else:
            everywhere = now
        _store(connection, source, now)
        if source and not _is_stored(connection, source):
            del by_source[source]
    return Furniture(everywhere, by_source), different


def _is_stored(connection: sqlite3.Connection, source: str) -> bool:
    found = connection.execute("SELECT 1 FROM recurring WHERE source = ?", (source,)).fetchone()
    return found is not None


def _learnt(
    connection: sqlite3.Connection, sources: Iterable[str], n_jobs: int | None
) -> Iterator[tuple[str, Recurring]]:
    """Learn what recurs in each source; the samples of some are in memory at a time."""
    part: list[tuple[str, list[str]]] = []
    for source in sources:
        part.append((source, read_sample(connection, source, SAMPLE if source else WHOLE_SAMPLE)))
        if sum(len(texts) for _, texts in part) >= TEXTS_AT_ONCE:
            yield from _learn_part(part, n_jobs)
            part = []
    yield from _learn_part(part, n_jobs)


def _learn_part(samples: list[tuple[str, list[str]]], n_jobs: int | None) -> list[tuple[str, Recurring]]:
    def learn_one(k: int, _: int) -> tuple[str, Recurring]:
        source, texts = samples[k]
        return source, learn_sample(texts, named=bool(source))[0] if texts else Recurring.nothing()

    return map_parts(learn_one, len(samples), 1, n_jobs, "furniture")


def _changed_units(before: Recurring, now: Recurring) -> NDArray[np.uint64]:
    """Hashes of the units that recur in only one of two, or as other kinds."""
    one, other = (set(zip(each.hashes.tolist(), each.kinds.tolist(), strict=True)) for each in (before, now))
    return np.array([code for code, _ in one ^ other], np.uint64)


def holders_of(units: NDArray[np.uint64], texts: Sequence[str], n_jobs: int | None = None) -> list[int]:
    """Places of the texts that hold any of some units: shingles or phrases, see `Recurring`."""
    keys, values = make_table(units, np.ones(len(units), np.uint8))

    def find(start: int, stop: int) -> list[int]:
        pages = PageTokens.of(texts[start:stop])
        held = np.zeros(len(pages.hashes), np.uint8)
        look_up_kinds(pages.shingles, keys, values, held)
        look_up_kinds(pages.phrases, keys, values, held)
        rows = np.searchsorted(pages.indptr, np.flatnonzero(held), side="right") - 1
        places: list[int] = (start + np.unique(rows)).tolist()
        return places

    found = map_parts(find, len(texts), SEARCHED_AT_ONCE, n_jobs, "furniture")
    return [place for part in found for place in part]


def _store(connection: sqlite3.Connection, source: str, learnt: Recurring) -> None:
    query = "SELECT count(*) FROM furniture"
    if source:
        query = f"SELECT count(*) FROM ({PLACES_OF_SOURCE})"
    n = connection.execute(query, (source,) if source else ()).fetchone()[0]
    values = source, n, learnt.hashes.astype("<u8").tobytes(), learnt.kinds.tobytes()
    connection.execute("INSERT OR REPLACE INTO recurring VALUES (?, ?, ?, ?)", values)
    connection.execute("DELETE FROM recurring WHERE source = ? AND articles = 0", (source,))
    connection.execute("DELETE FROM unlearnt WHERE source = ?", (source,))


def read_sample(connection: sqlite3.Connection, source: str, size: int) -> list[str]:
    """Sample of the distinct texts of a source, or of `ALL`, that are no copies: see `sample_of`."""
    if source:
        rows = connection.execute(PLACES_OF_SOURCE, (source,))
    else:
        rows = connection.execute("SELECT place, article FROM furniture ORDER BY place")
    texts: list[str] = []
    query = "SELECT text FROM articles WHERE number = ?"
    with closing(rows):
        for _, group in groupby(rows, key=itemgetter(0)):
            texts += sorted({connection.execute(query, (number,)).fetchone()[0] for _, number in group})
            if len(texts) >= size:
                break
    return texts[:size]
