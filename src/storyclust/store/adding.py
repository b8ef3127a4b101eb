"""Adding: what becomes of articles that come in, in one transaction.

An article whose id is known is unchanged, or a revision. Of the others, copies go to their original; the rest are
independent: they get a row in memory, neighbours, links, an event and a thread.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from storyclust.article import Article
from storyclust.central import times_of
from storyclust.language import group_languages
from storyclust.stories import LEAST_SIMILARITY
from storyclust.store.consolidation import Consolidated, Move, consolidate
from storyclust.store.feed import Edges, hold
from storyclust.store.memory import Memory, derived_of, subset, texts_of
from storyclust.store.originals import NONE, Keys, find_originals
from storyclust.store.terms_index import YOUNG
from storyclust.store.values import FIELDS, article_values, to_stamp
from storyclust.store.words import index_words, unindex_words

LINKED = 0.16  # similarity from which independent articles are linked; see `coverage_links`
MOST_LINKS = 32  # of an article, the closest
SMALL = 2_000  # independent articles up to which a store is consolidated whenever it has grown by a quarter


@dataclass(frozen=True, slots=True)
class Added:
    """What happened to an article that was added.

    Attributes
    ----------
    id : str
    status : {'new', 'copy', 'revision', 'unchanged'}
    event, thread : int
        Where it is now.
    copy_of : str or None
        Id of the original, for a copy.
    relation : {'exact', 'near'} or None
        How a copy is related to the original.
    similarity : float or None
        Exact Jaccard similarity of a copy to the original.
    linked : tuple of str
        Ids of earlier articles that overlap with it or share an excerpt, closest first.
    """

    id: str
    status: str
    event: int
    thread: int
    copy_of: str | None = None
    relation: str | None = None
    similarity: float | None = None
    linked: tuple[str, ...] = ()


class Adder:
    """Adds articles to a store, inside a transaction of writing."""

    def __init__(self, connection: sqlite3.Connection, memory: Memory, n_jobs: int | None = None) -> None:
        self.connection = connection
        self.memory = memory
        self.n_jobs = n_jobs
        self.now = to_stamp(datetime.now(UTC))

    def add(self, articles: Sequence[Article]) -> list[Added]:
        """Add articles, each with an id; of those that share one, the later is a revision of the former."""
        results: dict[int, Added] = {}
        waiting = list(range(len(articles)))
        while waiting:
            batch: dict[str, int] = {}
            for place in waiting:
                batch.setdefault(articles[place].id, place)
            chosen = list(batch.values())
            known = self._known([articles[place].id for place in chosen])
            fresh = [place for place in chosen if articles[place].id not in known]
            for place, added in zip(fresh, self._add_new([articles[p] for p in fresh]), strict=True):
                results[place] = added
            for place in chosen:
                if (row := known.get(articles[place].id)) is not None:
                    results[place] = self._revise(articles[place], row)
            done = set(chosen)
            waiting = [place for place in waiting if place not in done]
        return [results[place] for place in range(len(articles))]

    def consolidate_if_young(self) -> bool:
        """Group all anew once a store has grown by so much that what its first articles taught is outdated."""
        found = self.connection.execute("SELECT value FROM meta WHERE name = 'consolidated'").fetchone()
        before, now = int(found[0]) if found else 0, len(self.memory.row_of)
        due = now <= YOUNG and now > (1.25 if now <= SMALL else 2.0) * before
        if due:
            self.consolidate(set(self.memory.structure.threads.sizes), "the store was young")
        return due

    def placed_anew(self, added: list[Added]) -> list[Added]:
        """Say again where articles are, after a consolidation."""
        now = self._known([each.id for each in added])
        return [replace(each, event=now[each.id][-2], thread=now[each.id][-1]) for each in added]

    def consolidate(self, threads: set[int], why: str) -> list[tuple[Any, ...]]:
        """Group the articles of threads anew; returns the rows of the history."""
        structure = self.memory.structure
        thread_of_before = dict(structure.thread_of)
        events_before = self.memory.feed.events.values.copy()
        found = consolidate(self.memory.feed, structure, threads, self.n_jobs)
        lines = self._store_groups(found, thread_of_before, events_before, why)
        note = ("consolidated", str(len(self.memory.row_of)))
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", note)
        return lines

    # Known ids

    def _known(self, ids: list[str]) -> dict[str, sqlite3.Row | Any]:
        query = (
            "SELECT a.id, a.number, a.title, a.text, a.published, a.revision, a.event, e.thread "
            "FROM json_each(?) AS wanted JOIN articles AS a ON a.id = wanted.value JOIN events AS e ON e.id = a.event"
        )
        return {row[0]: row[1:] for row in self.connection.execute(query, (json.dumps(ids),))}

    def _revise(self, article: Article, row: Any) -> Added:
        """Keep what an article said before, unless it says the same; it stays in its event."""
        number, title, text, published, revision, event, thread = row
        values = dict(zip(FIELDS, article_values(article), strict=True))
        if (title, text, published) == (values["title"], values["text"], values["published"]):
            return Added(article.id, "unchanged", event, thread)
        execute = self.connection.execute
        execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)", (number, revision, title, text, published, self.now)
        )
        language = group_languages([article])[0]
        columns = ", ".join(f"{name} = ?" for name in FIELDS[1:])
        execute(
            f"UPDATE articles SET {columns}, language = ?, revision = ? WHERE number = ?",
            (*[values[name] for name in FIELDS[1:]], language, revision + 1, number),
        )
        unindex_words(self.connection, number, title, text)
        index_words(self.connection, number, article.title, article.text)
        if number in self.memory.row_of:
            self._derive_again(number, article, language, event)
        self.refresh([event])
        return Added(article.id, "revision", event, thread)

    def _derive_again(self, number: int, article: Article, language: str, event: int) -> None:
        """Give an independent article a new row, in the event it is in."""
        feed, structure = self.memory.feed, self.memory.structure
        keys = Keys.of([article.content], structure.settings.copy_threshold)
        held = hold([article], [language])
        feed.remove(np.array([self.memory.row_of[number]]))
        rows = feed.add([number], times_of([article]), [language], held)
        feed.add_keys(rows, keys.sizes, keys.keys)
        feed.events.values[rows] = event
        self.memory.row_of[number] = int(rows[0])
        self._store_derived([number], rows, keys, held)

    # New articles

    def _add_new(self, articles: list[Article]) -> list[Added]:
        if not articles:
            return []
        feed, structure = self.memory.feed, self.memory.structure
        settings = structure.settings
        first = self._first_number()
        numbers = list(range(first, first + len(articles)))
        keys = Keys.of([article.content for article in articles], settings.copy_threshold, self.n_jobs)
        found = find_originals(
            feed, keys, texts_of(self.connection, feed), settings.copy_threshold, self.n_jobs
        )
        alone = np.flatnonzero(found.original == NONE)
        independent = [articles[k] for k in alone.tolist()]
        languages = group_languages(articles)
        own_languages = [languages[k] for k in alone.tolist()]
        held = hold(independent, own_languages, self.n_jobs)
        own_keys = subset(keys, alone)
        own_numbers = [numbers[k] for k in alone.tolist()]

        rows = feed.add(own_numbers, times_of(independent), own_languages, held)
        feed.add_keys(rows, own_keys.sizes, own_keys.keys)
        self.memory.row_of.update(zip(own_numbers, rows.tolist(), strict=True))
        edges = feed.neighbours(rows, LEAST_SIMILARITY, self.n_jobs)
        merged_events: list[tuple[int, int]] = []
        if len(rows):
            _, merged_events, merged_threads = structure.place(feed, rows, edges)
            self._store_new_groups(feed.events.values[rows].tolist())
            self._store_merges(merged_events, merged_threads)

        row_at = np.full(len(articles), -1)
        row_at[alone] = rows
        original_rows = np.where(
            found.original >= 0, found.original, row_at[np.where(found.original < NONE, -2 - found.original, alone[0] if len(alone) else 0)]
        )
        original_rows[alone] = rows
        events = feed.events.values[original_rows].tolist()
        self._store_articles(articles, numbers, languages, events)
        self._store_derived(own_numbers, rows, own_keys, held)
        self._store_copies(found, numbers, feed.numbers.values[original_rows])
        links = self._store_links(numbers, row_at, edges, found)
        self.refresh(set(events))
        return self._tell(articles, numbers, found, feed.numbers.values[original_rows], events, links)

    def _first_number(self) -> int:
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'articles'"
        found = self.connection.execute(query).fetchone()
        return (found[0] if found else 0) + 1

    def _store_articles(
        self, articles: list[Article], numbers: list[int], languages: list[str], events: list[int]
    ) -> None:
        columns = ", ".join(("number", *FIELDS, "language", "added", "event"))
        places = ", ".join("?" * (len(FIELDS) + 4))
        self.connection.executemany(
            f"INSERT INTO articles({columns}) VALUES ({places})",
            (
                (number, *article_values(article), language, self.now, event)
                for number, article, language, event in zip(numbers, articles, languages, events, strict=True)
            ),
        )
        for number, article in zip(numbers, articles, strict=True):
            index_words(self.connection, number, article.title, article.text)

    def _store_derived(self, numbers: list[int], rows: np.ndarray[Any, Any], keys: Keys, held: Any) -> None:
        derived = derived_of(keys, held)
        strangers = self.memory.feed.strangers(rows).tolist()
        self.connection.executemany(
            "INSERT OR REPLACE INTO bands VALUES (?, ?)",
            ((number, each.keys) for number, each in zip(numbers, derived, strict=True)),
        )
        self.connection.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
            (
                (number, each.head, each.terms, shared)
                for number, each, shared in zip(numbers, derived, strangers, strict=True)
            ),
        )

    def _store_copies(self, found: Any, numbers: list[int], originals: np.ndarray[Any, Any]) -> None:
        copies = np.flatnonzero(found.original != NONE).tolist()
        self.connection.executemany(
            "INSERT INTO copies VALUES (?, ?, ?, ?)",
            (
                (numbers[k], int(originals[k]), relation_of(found.similarity[k]), float(found.similarity[k]))
                for k in copies
            ),
        )

    def _store_links(
        self, numbers: list[int], row_at: np.ndarray[Any, Any], edges: Edges, found: Any
    ) -> dict[int, list[tuple[float, int, str]]]:
        """Store links to earlier articles; returns those of each number, closest first."""
        feed = self.memory.feed
        links: dict[int, dict[int, tuple[str, float]]] = {}
        gaps = np.abs(feed.times.values[edges.first] - feed.times.values[edges.second])
        linked = (edges.similarities >= LINKED) & ~(gaps > self.memory.structure.settings.event_window)
        columns = (feed.numbers.values[edges.first[linked]], feed.numbers.values[edges.second[linked]])
        for a, b, similarity in zip(*(c.tolist() for c in columns), edges.similarities[linked].tolist(), strict=True):
            links.setdefault(a, {})[b] = "overlap", similarity
        for k, other, share in found.excerpts:
            row = other if other >= 0 else int(row_at[-2 - other])
            if row >= 0 and row_at[k] >= 0:
                links.setdefault(numbers[k], {})[int(feed.numbers.values[row])] = "excerpt", share
        closest = {
            a: sorted(((-s, b, relation) for b, (relation, s) in each.items()))[:MOST_LINKS]
            for a, each in links.items()
        }
        self.connection.executemany(
            "INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?)",
            ((a, b, relation, -s) for a, each in closest.items() for s, b, relation in each),
        )
        return closest

    def _tell(
        self,
        articles: list[Article],
        numbers: list[int],
        found: Any,
        originals: np.ndarray[Any, Any],
        events: list[int],
        links: dict[int, list[tuple[float, int, str]]],
    ) -> list[Added]:
        named = {int(n) for n in originals} | {b for each in links.values() for _, b, _ in each}
        query = "SELECT a.number, a.id FROM json_each(?) AS wanted JOIN articles AS a ON a.number = wanted.value"
        ids = dict(self.connection.execute(query, (json.dumps(sorted(named)),)))
        thread_of = self.memory.structure.thread_of
        told = []
        for k, article in enumerate(articles):
            event = events[k]
            copied = found.original[k] != NONE
            similarity = float(found.similarity[k]) if copied else None
            told.append(
                Added(
                    id=article.id,
                    status="copy" if copied else "new",
                    event=event,
                    thread=thread_of[event],
                    copy_of=ids[int(originals[k])] if copied else None,
                    relation=relation_of(similarity) if similarity is not None else None,
                    similarity=similarity,
                    linked=tuple(ids[b] for _, b, _ in links.get(numbers[k], [])),
                )
            )
        return told

    # Events and threads

    def _store_new_groups(self, events: Iterable[int]) -> None:
        """Store events and threads that are new, before articles are that are in them."""
        thread_of = self.memory.structure.thread_of
        there = sorted({event for event in events if event in thread_of})
        self.connection.executemany(
            "INSERT OR IGNORE INTO threads(id) VALUES (?)", ((t,) for t in sorted({thread_of[e] for e in there}))
        )
        self.connection.executemany(
            "INSERT OR IGNORE INTO events(id, thread) VALUES (?, ?)", ((e, thread_of[e]) for e in there)
        )

    def _store_merges(self, events: list[tuple[int, int]], threads: list[tuple[int, int]]) -> None:
        """Let events and threads that turned out to be one be one."""
        execute = self.connection.execute
        for gone, kept in events:
            why = "a new article belongs to both"
            self._note("event", Move(gone, kept, "merged", self._size("events", gone)), why)
            execute("UPDATE articles SET event = ? WHERE event = ?", (kept, gone))
            execute(f"UPDATE events SET {EMPTIED}, merged_into = ? WHERE id = ?", (kept, gone))
        for gone, kept in threads:
            why = "a new article belongs to both"
            self._note("thread", Move(gone, kept, "merged", self._size("threads", gone)), why)
            execute("UPDATE events SET thread = ? WHERE thread = ?", (kept, gone))
            execute(f"UPDATE threads SET {EMPTIED}, merged_into = ? WHERE id = ?", (kept, gone))

    def _size(self, table: str, group: int) -> int:
        return int(self.connection.execute(f"SELECT size FROM {table} WHERE id = ?", (group,)).fetchone()[0])

    def _store_groups(
        self, found: Consolidated, thread_of_before: dict[int, int], before: np.ndarray[Any, Any], why: str
    ) -> list[tuple[Any, ...]]:
        """Store what a consolidation changed."""
        feed, thread_of = self.memory.feed, self.memory.structure.thread_of
        self._store_new_groups(found.events)
        moved = [
            (event, int(feed.numbers.values[row]))
            for row, event in zip(found.rows.tolist(), found.events, strict=True)
            if before[row] != event
        ]
        many = self.connection.executemany
        many("UPDATE articles SET event = ? WHERE number = ?", moved)
        many("UPDATE articles SET event = ? WHERE number IN (SELECT article FROM copies WHERE original = ?)", moved)
        changed = [e for e in dict.fromkeys(found.events) if thread_of_before.get(e, thread_of[e]) != thread_of[e]]
        many("UPDATE events SET thread = ? WHERE id = ?", ((thread_of[e], e) for e in changed))
        touched = dict.fromkeys([*(e for e, _ in moved), *(int(before[r]) for r in found.rows.tolist()), *changed])
        lines = [self._note("event", move, why) for move in found.event_moves]
        lines += [self._note("thread", move, why) for move in found.thread_moves]
        for table, moves in (("events", found.event_moves), ("threads", found.thread_moves)):
            merged = [move for move in moves if move.what == "merged"]
            into = {move.old: move.new for move in sorted(merged, key=lambda move: (move.articles, -move.new))}
            many(f"UPDATE {table} SET {EMPTIED}, merged_into = ? WHERE id = ?", ((n, o) for o, n in into.items()))
        self.refresh(e for e in touched if e in thread_of)
        self._refresh_threads({move.old for move in found.thread_moves} & set(self.memory.structure.threads.sizes))
        return lines

    def _note(self, kind: str, move: Move, why: str) -> tuple[Any, ...]:
        line = (self.now, kind, move.old, move.new, move.what, move.articles, why)
        self.connection.execute(
            "INSERT INTO history(at, kind, old, new, what, articles, why) VALUES (?, ?, ?, ?, ?, ?, ?)", line
        )
        return line

    def refresh(self, events: Iterable[int]) -> None:
        """Count again what is in events, and in their threads."""
        listed = sorted(set(events))
        self.connection.executemany(COUNT_EVENT, ((event, event) for event in listed))
        self._refresh_threads({self.memory.structure.thread_of[event] for event in listed})

    def _refresh_threads(self, threads: Iterable[int]) -> None:
        self.connection.executemany(COUNT_THREAD, ((t, self.now, t) for t in sorted(threads)))


EMPTIED = "size = 0, independent = 0, started = NULL, ended = NULL"
COUNT_EVENT = """
UPDATE events SET (size, independent, started, ended) = (
    SELECT count(*), count(*) - count(copies.article), min(published), max(published)
    FROM articles LEFT JOIN copies ON copies.article = articles.number WHERE event = ?
) WHERE id = ?
"""
COUNT_THREAD = """
UPDATE threads SET (size, independent, started, ended, updated) = (
    SELECT coalesce(sum(size), 0), coalesce(sum(independent), 0), min(started), max(ended), ?2
    FROM events WHERE thread = ?1
) WHERE id = ?3
"""


def relation_of(similarity: float) -> str:
    """How a copy is related to its original."""
    return "exact" if similarity == 1.0 else "near"


def id_of(article: Article) -> str:
    """Id of an article that has none: a hash of what it says, so that the same one gets the same.

    Examples
    --------
    >>> from storyclust.article import Article
    >>> id_of(Article("Rain in Delhi."))
    'sha-d0b9c8fe46a6a9ab'
    """
    when = to_stamp(article.published) if article.published else ""
    parts = (article.title, article.text, when, article.source or "", article.url or "")
    return "sha-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
