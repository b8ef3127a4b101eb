"""Learns page furniture again as a store grows, and compares stored articles by what counts now.

Between consolidations a source is learnt again when it has changed by a quarter. Those of its articles of
which something else counts are indexed again, and stay in their events. All articles together are learnt
again in the same way while the store is young, and later when it is consolidated, for what recurs in a large
sample hardly changes and all texts have to be read. A consolidation of all threads learns everything again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust._core.parallel import beside
from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.store.encoding import from_stamp
from storyclust.store.group_reading import read_groups_of
from storyclust.store.page_furniture import (
    ALL,
    Differences,
    Spans,
    encode_spans,
    holders_of,
    learn,
    outgrown,
    spans_in,
    unlearnt,
)
from storyclust.store.terms_index import YOUNG
from storyclust.store.weights import ArticleTerms, find_article_terms
from storyclust.store.working_set import WorkingSet, terms_blobs
from storyclust.text.furniture import Furniture, without_spans
from storyclust.text.language import name_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex

TEXTS_AT_ONCE = 1_000  # read and searched for furniture together

STORED = """
    SELECT a.number, a.title, a.text, a.published, a.source, a.lang, a.language, f.spans
    FROM articles a CROSS JOIN furniture f ON f.article = a.number
    WHERE {of_source} a.number > ? ORDER BY a.number LIMIT ?
"""


# A row of `STORED`: number, title, text, date, source, declared language, language, spans.
Stored = tuple[int, str, str, str | None, str | None, str | None, str, bytes]


class Recounted(NamedTuple):
    """Articles of which another part counts than before; their terms are stored already."""

    numbers: list[int]
    articles: list[Article]
    languages: list[str]
    terms: ArticleTerms


def learn_outgrown(
    connection: sqlite3.Connection,
    memory: WorkingSet,
    sources: Iterable[str],
    n_jobs: int | None = None,
) -> WorkingSet:
    """Learn those of some sources again that have changed much, and all articles together if young.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    memory : WorkingSet
        Its index is changed along with the tables.
    sources : iterable of str
    n_jobs : int or None, default=None

    Returns
    -------
    WorkingSet
        With what has been learnt.
    """
    if memory.furniture is None:
        return memory
    wanted = set(sources) - {ALL}
    if len(memory.row_of) <= YOUNG:
        wanted.add(ALL)
    furniture, different = learn(connection, memory.furniture, outgrown(connection, wanted), n_jobs)
    for changed in _recount(connection, furniture, different, n_jobs):
        _index_again(connection, memory, changed, n_jobs)
    return memory._replace(furniture=furniture)


def learn_all(
    connection: sqlite3.Connection, furniture: Furniture, everything: bool, n_jobs: int | None = None
) -> tuple[Furniture, bool]:
    """Bring the file up to date: all that has changed, or what has changed much.

    Returns
    -------
    furniture : Furniture
    changed : bool
        Whether terms of stored articles have changed: a working set has to be read again.
    """
    sources = unlearnt(connection)
    wanted = sources if everything else outgrown(connection, sources)
    furniture, different = learn(connection, furniture, wanted, n_jobs)
    changed = [True for _ in _recount(connection, furniture, different, n_jobs)]
    return furniture, bool(changed)


def _recount(
    connection: sqlite3.Connection, furniture: Furniture, different: Differences, n_jobs: int | None
) -> Iterator[Recounted]:
    """Find furniture in the articles of some sources again, and store what counts; yields what changed.

    The spans of an article stay the same unless it holds something that recurs now, or recurred before.
    """
    for source in [ALL] if ALL in different else sorted(different):
        last = 0
        query = STORED.format(of_source="a.source = ? AND" if source else "")
        values = [source] if source else []
        own = different if source == ALL else {source: different[source]}
        while rows := connection.execute(query, [*values, last, TEXTS_AT_ONCE]).fetchall():
            last = rows[-1][0]
            if changed := _recount_rows(connection, furniture, _affected(rows, own, n_jobs), n_jobs):
                yield changed


def _affected(rows: list[Stored], different: Differences, n_jobs: int | None) -> list[Stored]:
    """Select the articles of which something else may count."""
    unknown = {source for source, units in different.items() if units is None}
    if ALL in unknown:
        return rows
    units = np.concatenate(
        [np.empty(0, np.uint64), *(each for each in different.values() if each is not None)]
    )
    held = set(beside(holders_of, units, [row[2] for row in rows], n_jobs))
    return [row for k, row in enumerate(rows) if k in held or row[4] in unknown]


def _recount_rows(
    connection: sqlite3.Connection, furniture: Furniture, rows: list[Stored], n_jobs: int | None
) -> Recounted | None:
    numbers, languages, articles, before = [], [], [], []
    for number, title, text, published, source, lang, language, spans in rows:
        when = from_stamp(published) if published else None
        articles.append(Article(text, title=title, published=when, source=source, lang=lang))
        numbers.append(number)
        languages.append(language)
        before.append(spans)
    now = beside(spans_in, furniture, articles, n_jobs)
    found: list[tuple[int, Spans]] = [
        (k, spans) for k, spans in enumerate(now) if encode_spans(spans) != before[k]
    ]
    if not found:
        return None
    places = [k for k, _ in found]
    counted = without_spans([articles[k] for k in places], [spans for _, spans in found])
    # Short texts keep the language that their batch gave them.
    names = [name or languages[k] for k, name in zip(places, beside(name_languages, counted), strict=True)]
    terms = beside(find_article_terms, counted, names, n_jobs)
    changed = Recounted([numbers[k] for k in places], counted, names, terms)
    many = connection.executemany
    many(
        "UPDATE furniture SET spans = ? WHERE article = ?",
        [(encode_spans(spans), numbers[k]) for k, spans in found],
    )
    many(
        "UPDATE vectors SET head = ?, terms = ? WHERE article = ?",
        zip(terms.heads.tolist(), terms_blobs(terms), changed.numbers, strict=True),
    )
    many(
        "UPDATE articles SET language = ? WHERE number = ?",
        [(name, numbers[k]) for k, name in zip(places, names, strict=True) if name != languages[k]],
    )
    return changed


def _index_again(
    connection: sqlite3.Connection, memory: WorkingSet, changed: Recounted, n_jobs: int | None
) -> None:
    """Index articles by other terms; they stay in their events."""
    index = memory.article_index
    before = index.row_of.of(np.array(changed.numbers, np.int64))
    read_groups_of(connection, index, memory.structure, before)
    events = index.events.values[before]
    query = "SELECT keys FROM bands WHERE article = ?"
    keys = [connection.execute(query, (number,)).fetchone()[0] for number in changed.numbers]
    rows = beside(_replace_rows, index, before, changed, keys, n_jobs)
    index.events.values[rows] = events
    index.scales.carry_over(before, rows)
    connection.executemany(
        "UPDATE vectors SET strangers = ? WHERE article = ?",
        zip(index.null_similarity(rows).tolist(), changed.numbers, strict=True),
    )


def _replace_rows(
    index: ArticleIndex,
    before: NDArray[np.int64],
    changed: Recounted,
    keys: list[bytes],
    n_jobs: int | None,
) -> NDArray[np.int64]:
    """Index articles anew; returns their new rows."""
    index.remove(before)
    times = times_of(changed.articles)
    rows = index.add(changed.numbers, times, changed.languages, changed.terms, n_jobs=n_jobs)
    sizes = np.array([len(blob) // 4 for blob in keys], np.int64)
    index.add_keys(rows, sizes, np.frombuffer(b"".join(keys), "<u4"))
    return rows
