"""Adding: what becomes of articles that come in, in one transaction.

An article whose id is known is unchanged, or a revision. Of the others, copies go to their original; the
rest are independent: they get a row in memory, neighbours, links, an event and a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.store.article_index import Edges
from storyclust.store.consolidation import Move, consolidate
from storyclust.store.copy_lookup import NONE, Found, Keys, find_originals, relation_of
from storyclust.store.encoding import FIELDS, article_values, to_stamp
from storyclust.store.models import Change
from storyclust.store.revising import revise
from storyclust.store.tables import Known, Tables, store_derived
from storyclust.store.terms_index import YOUNG
from storyclust.store.weights import Held, hold
from storyclust.store.working_set import Memory, derived_of, texts_of
from storyclust.stories.grouping import LEAST_SIMILARITY
from storyclust.text.language import group_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINKED = 0.16  # similarity from which independent articles are linked; see `coverage_links`
MOST_LINKS = 32  # of an article, the closest
SMALL = 8_000  # independent articles up to which a store is consolidated whenever it has grown by a quarter,
OFTEN, SELDOM = 1.25, 2.0  # and from which only when it has doubled, until it is no longer young

Links = dict[int, list[tuple[int, str, float]]]


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
        self.tables = Tables(connection, to_stamp(datetime.now(UTC)))
        self.memory = memory
        self.n_jobs = n_jobs

    def add(self, articles: Sequence[Article]) -> list[Added]:
        """Add articles, each with an id; of those that share one, the later is a revision of the former."""
        results: dict[int, Added] = {}
        waiting = list(range(len(articles)))
        while waiting:
            first: dict[str, int] = {}
            for place in waiting:
                first.setdefault(articles[place].id, place)
            known = self.tables.known(first)
            fresh = [place for name, place in first.items() if name not in known]
            results |= zip(fresh, self._add_new([articles[place] for place in fresh]), strict=True)
            for name in known:  # which may have come into another event, or have become an original
                place = first[name]
                results[place] = self._revise(articles[place], self.tables.known([name])[name])
            waiting = [place for place in waiting if place not in results]
        return [results[place] for place in range(len(articles))]

    def consolidate_if_young(self) -> None:
        """Group all anew once what the first articles of a store taught is outdated."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = 'consolidated'").fetchone()
        before, now = int(row[0]) if row else 0, len(self.memory.row_of)
        if before < now <= YOUNG and now > (OFTEN if now <= SMALL else SELDOM) * before:
            self.consolidate(set(self.memory.structure.threads.sizes), "the store was young")

    def as_it_is(self, added: Sequence[Added]) -> list[Added]:
        """Say where articles are after all that came later in their batch, and what they are copies of."""
        known = self.tables.known({each.id for each in added})
        told = []
        for each in added:
            now = known[each.id]
            status = "new" if each.status == "copy" and now.copy_of is None else each.status
            told.append(
                replace(
                    each, status=status, event=now.event, thread=now.thread, copy_of=now.copy_of,
                    relation=now.relation, similarity=now.similarity,
                )
            )  # fmt: skip
        return told

    def consolidate(self, threads: set[int], why: str) -> list[Change]:
        """Group the articles of threads anew; returns what it wrote into the history."""
        feed, structure, tables = self.memory.feed, self.memory.structure, self.tables
        threads = threads & set(structure.threads.sizes)
        events_before, thread_before = feed.events.values.copy(), dict(structure.thread_of)
        found = consolidate(feed, structure, threads, self.n_jobs)

        thread_of = structure.thread_of
        now = feed.events.values[found.rows]
        inside = {event: thread_of[event] for event in now.tolist()}
        tables.new_groups(inside)
        elsewhere = found.rows[now != events_before[found.rows]]
        numbers = feed.numbers.values[elsewhere].tolist()
        tables.move_articles(list(zip(numbers, feed.events.values[elsewhere].tolist(), strict=True)))
        tables.move_events((event, to) for event, to in inside.items() if thread_before.get(event, to) != to)
        lines = [tables.note("event", move, why) for move in found.event_moves]
        lines += [tables.note("thread", move, why) for move in found.thread_moves]
        tables.empty("events", merged_into(found.event_moves))
        tables.empty("threads", merged_into(found.thread_moves))
        touched = {*feed.events.values[elsewhere].tolist(), *events_before[elsewhere].tolist()}
        self._count(touched, {thread for move in found.thread_moves for thread in (move.old, move.new)})
        tables.put_meta("consolidated", len(self.memory.row_of))
        return lines

    def _revise(self, article: Article, known: Known) -> Added:
        """Keep what an article said before, unless it says the same; it stays in its event."""
        values = dict(zip(FIELDS, article_values(article), strict=True))
        same = known[1:4] == (values["title"], values["text"], values["published"])
        if not same:
            revise(self.tables, self.memory, known, article)
        return Added(article.id, "unchanged" if same else "revision", known.event, known.thread)

    # New articles

    def _add_new(self, articles: list[Article]) -> list[Added]:
        if not articles:
            return []
        feed, tables = self.memory.feed, self.tables
        threshold = self.memory.structure.settings.copy_threshold
        first = tables.next_number()
        numbers = np.arange(first, first + len(articles))
        keys = Keys.of([article.content for article in articles], threshold, self.n_jobs)
        found = find_originals(feed, keys, texts_of(self.connection, feed), threshold, self.n_jobs)
        languages = group_languages(articles)

        alone = np.flatnonzero(found.original == NONE)
        independent, own = [articles[k] for k in alone], [languages[k] for k in alone]
        held, own_keys = hold(independent, own, self.n_jobs), keys.of_texts(alone)
        rows = self._enter(numbers[alone], independent, own, held, own_keys)
        edges = feed.neighbours(rows, LEAST_SIMILARITY, self.n_jobs)
        merged = self._place(rows, edges)

        originals = original_rows(found, alone, rows)
        events = feed.events.values[originals].tolist()
        tables.insert_articles(articles, numbers.tolist(), languages, events)
        derived = derived_of(own_keys, held)
        store_derived(self.connection, numbers[alone].tolist(), derived, feed.null_similarity(rows).tolist())
        copied_from = feed.numbers.values[originals]
        copies = np.flatnonzero(found.original != NONE)
        similarities = found.similarity[copies].tolist()
        tables.insert_copies(
            (number, original, relation_of(similarity), similarity)
            for number, original, similarity in zip(
                numbers[copies].tolist(), copied_from[copies].tolist(), similarities, strict=True
            )
        )
        links = self._links(numbers, alone, rows, edges, found)
        tables.put_links((number, *link) for number, each in links.items() for link in each)
        self._count({*events, *merged[0]}, merged[1])
        return self._tell(articles, numbers, found, events, links)

    def _enter(
        self,
        numbers: NDArray[np.int64],
        articles: list[Article],
        languages: list[str],
        held: Held,
        keys: Keys,
    ) -> NDArray[np.int64]:
        """Enter independent articles into memory."""
        rows = self.memory.feed.add(numbers.tolist(), times_of(articles), languages, held)
        self.memory.feed.add_keys(rows, keys.sizes, keys.keys)
        self.memory.row_of.update(zip(numbers.tolist(), rows.tolist(), strict=True))
        return rows

    def _count(self, events: set[int], threads: set[int]) -> None:
        """Count again what is in some events, in their threads, and in some other threads."""
        structure = self.memory.structure
        live = {event for event in events if event in structure.thread_of}
        threads = {thread for thread in threads if thread in structure.threads.sizes}
        self.tables.count(live, threads | {structure.thread_of[event] for event in live})

    def _place(self, rows: NDArray[np.int64], edges: Edges) -> tuple[set[int], set[int]]:
        """Find the events and threads of new rows, and store what is new or merged among those.

        Returns the events and threads that others have gone into.
        """
        if not len(rows):
            return set(), set()
        structure, tables = self.memory.structure, self.tables
        placed = structure.place(self.memory.feed, rows, edges)
        tables.new_groups({event: structure.thread_of[event] for event in placed.events})
        why = "a new article belongs to both"
        for gone, kept in placed.merged_events:
            tables.note("event", Move(gone, kept, "merged", tables.size("events", gone)), why)
            tables.merge_event(gone, kept)
        for gone, kept in placed.merged_threads:
            tables.note("thread", Move(gone, kept, "merged", tables.size("threads", gone)), why)
            tables.merge_thread(gone, kept)
        return {kept for _, kept in placed.merged_events}, {kept for _, kept in placed.merged_threads}

    def _links(
        self,
        numbers: NDArray[np.int64],
        alone: NDArray[np.int64],
        rows: NDArray[np.int64],
        edges: Edges,
        found: Found,
    ) -> Links:
        """Links of new articles to earlier ones, by number: (earlier number, relation, similarity)."""
        feed = self.memory.feed
        gaps = np.abs(feed.times.values[edges.first] - feed.times.values[edges.second])
        window = self.memory.structure.settings.event_window
        linked = (edges.similarities >= LINKED) & ~(gaps > window)
        ends = (feed.numbers.values[edges.first[linked]], feed.numbers.values[edges.second[linked]])
        links: dict[int, dict[int, tuple[str, float]]] = {}
        columns = (*(end.tolist() for end in ends), edges.similarities[linked].tolist())
        for a, b, similarity in zip(*columns, strict=True):
            links.setdefault(a, {})[b] = "overlap", similarity
        row_at = dict(zip(alone.tolist(), rows.tolist(), strict=True))
        for text, other, share in found.excerpts:
            row = other if other >= 0 else row_at[-2 - other]
            links.setdefault(int(numbers[text]), {})[int(feed.numbers.values[row])] = "excerpt", share
        return {
            a: sorted(((b, *link) for b, link in each.items()), key=lambda link: (-link[2], link[0]))[
                :MOST_LINKS
            ]
            for a, each in links.items()
        }

    def _tell(
        self,
        articles: list[Article],
        numbers: NDArray[np.int64],
        found: Found,
        events: list[int],
        links: Links,
    ) -> list[Added]:
        """Say what happened to new articles; what a copy is of, `as_it_is` says."""
        ids = self.tables.ids(b for each in links.values() for b, _, _ in each)
        thread_of = self.memory.structure.thread_of
        return [
            Added(
                article.id, "new" if original == NONE else "copy", event, thread_of[event],
                linked=tuple(ids[b] for b, _, _ in links.get(number, ())),
            )
            for article, number, original, event in zip(
                articles, numbers.tolist(), found.original.tolist(), events, strict=True
            )
        ]  # fmt: skip


def original_rows(found: Found, alone: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the original of each new text: its own, where it is independent."""
    out = found.original.copy()
    out[alone] = rows
    within = np.flatnonzero(found.original < NONE)
    out[within] = out[-2 - found.original[within]]
    return out


def merged_into(moves: Sequence[Move]) -> list[tuple[int, int]]:
    """Groups that are no more, each with the one that took most of it: (gone, kept)."""
    merged = sorted((move for move in moves if move.what == "merged"), key=lambda m: (m.articles, -m.new))
    return list({move.old: move.new for move in merged}.items())
