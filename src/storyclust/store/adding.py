"""Adds a batch of articles to a store, inside one transaction.

An article whose id is stored is unchanged or a revision. A new article is a copy, which joins the event of
its original, or independent: it gets a row in the index, neighbours, links, an event and a thread.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust._core.parallel import beside, beside_while
from storyclust.articles.article import Article
from storyclust.articles.dates import quoted
from storyclust.articles.ordering import times_of
from storyclust.dedup.compared import compared_texts
from storyclust.errors import StoryclustWarning
from storyclust.store.article_index import Edges
from storyclust.store.consolidation import Move, consolidate
from storyclust.store.copy_lookup import NONE, Keys, Originals, find_originals, relation_of
from storyclust.store.encoding import FIELDS, article_values, to_stamp
from storyclust.store.full_text import index_articles
from storyclust.store.group_reading import all_threads, read_groups_of, read_scales, read_threads
from storyclust.store.identity import is_revision, told_apart
from storyclust.store.index_tables import drop_entries, store_index
from storyclust.store.models import Change
from storyclust.store.relearning import learn_all, learn_outgrown
from storyclust.store.revising import revise
from storyclust.store.tables import Known, Tables, store_derived
from storyclust.store.terms_index import YOUNG
from storyclust.store.weights import ArticleTerms, find_article_terms
from storyclust.store.working_set import Counted, WorkingSet, derived_of, load, texts_of
from storyclust.stories.grouping import LEAST_SIMILARITY
from storyclust.text.language import group_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINK_SIMILARITY = 0.16  # least similarity of linked articles: the default of `coverage_links`, measured there
MAX_LINKS = 32  # links stored of one article, the closest
# A young store is consolidated when it has grown by this factor since the last consolidation. A small one
# is consolidated more often, for its document frequencies change more and consolidation takes less time.
SMALL_STORE = 8_000  # independent articles
SMALL_GROWTH, LARGE_GROWTH = 1.25, 2.0
MOST_ROWS = 2.0  # times as many rows as independent articles, from which the index is read again

Links = dict[int, list[tuple[int, str, float]]]  # by article: (earlier article, relation, similarity)


@dataclass(frozen=True, slots=True)
class Added:
    """The result of adding one article, after its whole batch was added.

    Attributes
    ----------
    id : str
    status : {'new', 'copy', 'revision', 'unchanged'}
    event, thread : int
        The event and thread that it belongs to.
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


class Write(NamedTuple):
    """What was written for one article: nothing, a revision or a new article with its links."""

    id: str
    status: str  # 'new', also of a copy; 'revision' or 'unchanged'
    linked: tuple[str, ...] = ()


def _ids_taken(renamed: Sequence[tuple[str, str]]) -> str:
    """Message on articles that have the id of another: their number, and the first."""
    count, (name, given) = len(renamed), renamed[0]
    which = "article has the id of another one" if count == 1 else "articles have the ids of other ones"
    return (
        f"{count:,} {which}, with nothing in common, and replaced nothing; new ids were given, first: "
        f"{quoted(name)} -> {quoted(given)}. Ids that are row numbers say nothing: leave them out."
    )


class Adder:
    """Adds articles to a store, inside a write transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a write transaction.
    memory : WorkingSet
        Changed along with the tables.
    n_jobs : int or None, default=None
    """

    def __init__(self, connection: sqlite3.Connection, memory: WorkingSet, n_jobs: int | None = None) -> None:
        self.connection = connection
        self.tables = Tables(connection, to_stamp(datetime.now(UTC)))
        self.memory = memory
        self.n_jobs = n_jobs

    def add(self, articles: Sequence[Article]) -> list[Added]:
        """Add articles, each with an id; of those that share one, each later one revises the earlier."""
        writes = self._write(articles)
        changed = any(write.status != "unchanged" for write in writes)
        if not self._consolidate_if_young() and changed:
            sources = {article.source for article in articles if article.source}
            self.memory = learn_outgrown(self.connection, self.memory, sources, self.n_jobs)
            if len(self.memory.article_index) > MOST_ROWS * len(self.memory.row_of):
                self._load_anew()
        placements = self.tables.placements({write.id for write in writes})
        added = []
        for write in writes:
            place = placements[write.id]
            status = "copy" if write.status == "new" and place.copy_of is not None else write.status
            added.append(Added(write.id, status, *place, linked=write.linked))
        return added

    def _write(self, articles: Sequence[Article]) -> list[Write]:
        """Write articles in rounds: one round takes the first remaining article of every id.

        One whose id belongs to another article gets an id of its own, for the next round.
        """
        articles, former = list(articles), []
        writes: dict[int, Write] = {}
        remaining = list(range(len(articles)))
        while remaining:
            first: dict[str, int] = {}
            for place in remaining:
                first.setdefault(articles[place].id, place)
            known = self.tables.known(first)
            new = [place for name, place in first.items() if name not in known]
            writes |= zip(new, self._add_new([articles[place] for place in new]), strict=True)
            for name in known:  # read again: earlier articles may have changed its event or original
                place, stored = first[name], self.tables.known([name])[name]
                if is_revision(articles[place], stored.title, stored.text):
                    writes[place] = self._revise(articles[place], stored)
                else:
                    articles[place] = told_apart(articles[place])
                    former.append((name, articles[place].id))
            remaining = [place for place in remaining if place not in writes]
        fresh = {write.id for write in writes.values() if write.status == "new"}
        if renamed := [pair for pair in former if pair[1] in fresh]:
            warnings.warn(_ids_taken(renamed), StoryclustWarning, stacklevel=2)
        return [writes[place] for place in range(len(articles))]

    def store_index(self) -> None:
        """Store the entries of the index that have come or changed; at the end of the transaction."""
        store_index(self.connection, self.memory.article_index)

    def _load_anew(self) -> None:
        """Read the working set again, without the former terms of articles, and compute all weights."""
        settings = self.memory.structure.settings
        del self.memory  # first, so that two are never in memory
        drop_entries(self.connection)
        self.memory = load(self.connection, settings, n_jobs=self.n_jobs)

    def _consolidate_if_young(self) -> bool:
        """Consolidate a young store that has grown much since its last consolidation; says if it was."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = 'consolidated'").fetchone()
        before, now = int(row[0]) if row else 0, len(self.memory.row_of)
        growth = SMALL_GROWTH if now <= SMALL_STORE else LARGE_GROWTH
        due = before < now <= YOUNG and now > growth * before
        if due:
            self.consolidate(all_threads(self.connection), "the store was young")
        return due

    def consolidate(self, threads: set[int], why: str) -> list[Change]:
        """Cluster the articles of some threads again.

        Parameters
        ----------
        threads : set of int
        why : str
            The reason that the history gives.

        Returns
        -------
        list of Change
            The lines written to the history.
        """
        present = all_threads(self.connection)
        is_new = self._learn(everything=threads >= present)
        index, structure, tables = self.memory.article_index, self.memory.structure, self.tables
        threads = threads & present
        self._read(threads)
        events_before, thread_before = index.events.values.copy(), dict(structure.thread_of)
        found = beside(consolidate, index, structure, threads, self.n_jobs, is_new)

        if found.measured:
            tables.put_scales(index, found.rows)
        thread_of = structure.thread_of
        now = index.events.values[found.rows]
        inside = {event: thread_of[event] for event in now.tolist()}
        tables.new_groups(inside)
        elsewhere = found.rows[now != events_before[found.rows]]
        numbers = index.numbers.values[elsewhere].tolist()
        tables.move_articles(list(zip(numbers, index.events.values[elsewhere].tolist(), strict=True)))
        tables.move_events((event, to) for event, to in inside.items() if thread_before.get(event, to) != to)
        changes = [tables.add_history("event", move, why) for move in found.event_moves]
        changes += [tables.add_history("thread", move, why) for move in found.thread_moves]
        tables.mark_merged("events", merged_groups(found.event_moves))
        tables.mark_merged("threads", merged_groups(found.thread_moves))
        touched = {*index.events.values[elsewhere].tolist(), *events_before[elsewhere].tolist()}
        self._update_counts(
            touched, {thread for move in found.thread_moves for thread in (move.old, move.new)}
        )
        tables.put_meta("consolidated", len(self.memory.row_of))
        return changes

    def _read(self, threads: set[int]) -> None:
        """Read threads, and the scales of all articles in them."""
        index, structure = self.memory.article_index, self.memory.structure
        read_threads(self.connection, index, structure, threads)
        events = [event for thread in threads for event in structure.events_of[thread]]
        rows = np.flatnonzero(np.isin(index.events.values, np.array(events, np.int64)))
        read_scales(self.connection, index, index.numbers.values[rows].tolist())

    def _learn(self, everything: bool) -> bool:
        """Learn page furniture again before a consolidation; says whether the index was read again."""
        changed = False
        if self.memory.furniture is not None:
            furniture, changed = learn_all(self.connection, self.memory.furniture, everything, self.n_jobs)
            self.memory = self.memory._replace(furniture=furniture)
        is_young = not self.memory.article_index.has_entries
        if anew := changed or (is_young and self.memory.outdated):
            self._load_anew()
        return anew

    def _revise(self, article: Article, known: Known) -> Write:
        """Store a revision if title, text or date have changed; the article stays in its event."""
        values = dict(zip(FIELDS, article_values(article), strict=True))
        same = known[1:4] == (values["title"], values["text"], values["published"])
        if not same:
            revise(self.tables, self.memory, known, article)
        return Write(article.id, "unchanged" if same else "revision")

    # New articles

    def _add_new(self, articles: list[Article]) -> list[Write]:
        if not articles:
            return []
        index, tables = self.memory.article_index, self.tables
        threshold = self.memory.structure.settings.copy_threshold
        first = tables.next_number()
        numbers = np.arange(first, first + len(articles))
        keys = beside(Keys.of, compared_texts(articles), threshold, self.n_jobs)
        found = find_originals(index, keys, texts_of(self.connection, index), threshold, self.n_jobs)

        alone = np.flatnonzero(found.original == NONE)
        chosen = [articles[k] for k in alone]
        independent, furniture = beside(Counted.of, chosen, self.memory.furniture, self.n_jobs)
        as_compared = dict(enumerate(articles)) | dict(zip(alone.tolist(), independent, strict=True))
        languages = beside(group_languages, list(as_compared.values()))
        own = [languages[k] for k in alone]
        article_terms = beside(find_article_terms, independent, own, self.n_jobs)
        own_keys = keys.of_texts(alone)
        rows = beside_while(
            partial(self._index_words, articles, numbers),
            self._enter, numbers[alone], independent, own, article_terms, own_keys,
        )  # fmt: skip
        edges = beside(index.neighbours, rows, LEAST_SIMILARITY, self.n_jobs)
        touched = np.union1d(edges.second, found.original[found.original >= 0])
        read_groups_of(self.connection, index, self.memory.structure, touched)
        changed = np.union1d(rows, beside(index.scales.meet, *edges))
        merged = self._place(rows, edges)

        originals = original_rows(found, alone, rows)
        events = index.events.values[originals].tolist()
        tables.insert_articles(articles, numbers.tolist(), languages, events)
        derived = derived_of(own_keys, article_terms, own, furniture)
        store_derived(self.connection, numbers[alone].tolist(), derived, index.null_similarity(rows).tolist())
        tables.put_scales(index, changed)
        copied_from = index.numbers.values[originals]
        copies = np.flatnonzero(found.original != NONE)
        similarities = found.similarity[copies].tolist()
        tables.put_copies(
            (number, original, relation_of(similarity), similarity)
            for number, original, similarity in zip(
                numbers[copies].tolist(), copied_from[copies].tolist(), similarities, strict=True
            )
        )
        links = self._links(numbers, alone, rows, edges, found)
        tables.put_links((number, *link) for number, each in links.items() for link in each)
        self._update_counts({*events, *merged[0]}, merged[1])
        ids = tables.ids(earlier for each in links.values() for earlier, _, _ in each)
        return [
            Write(article.id, "new", tuple(ids[earlier] for earlier, _, _ in links.get(number, ())))
            for article, number in zip(articles, numbers.tolist(), strict=True)
        ]

    def _index_words(self, articles: list[Article], numbers: NDArray[np.int64]) -> None:
        """Add articles to the full-text index."""
        rows = ((number, a.title, a.text) for number, a in zip(numbers.tolist(), articles, strict=True))
        index_articles(self.connection, rows)

    def _enter(
        self,
        numbers: NDArray[np.int64],
        articles: list[Article],
        languages: list[str],
        article_terms: ArticleTerms,
        keys: Keys,
    ) -> NDArray[np.int64]:
        """Add independent articles to the index; returns their rows."""
        index = self.memory.article_index
        rows = index.add(numbers.tolist(), times_of(articles), languages, article_terms, n_jobs=self.n_jobs)
        index.add_keys(rows, keys.sizes, keys.keys)
        return rows

    def _update_counts(self, events: set[int], threads: set[int]) -> None:
        """Update the sizes and dates of some events, of their threads, and of some other threads."""
        structure = self.memory.structure
        live = {event for event in events if event in structure.thread_of}
        threads = {thread for thread in threads if thread in structure.threads.sizes}
        self.tables.update_counts(live, threads | {structure.thread_of[event] for event in live})

    def _place(self, rows: NDArray[np.int64], edges: Edges) -> tuple[set[int], set[int]]:
        """Place new rows in events and threads, and store those that are new or merged.

        Returns the events and the threads into which others were merged.
        """
        if not len(rows):
            return set(), set()
        structure, tables = self.memory.structure, self.tables
        placed = beside(structure.place, self.memory.article_index, rows, edges)
        tables.new_groups({event: structure.thread_of[event] for event in placed.events})
        why = "a new article belongs to both"
        for gone, kept in placed.merged_events:
            tables.add_history("event", Move(gone, kept, "merged", tables.size("events", gone)), why)
            tables.merge_event(gone, kept)
        for gone, kept in placed.merged_threads:
            tables.add_history("thread", Move(gone, kept, "merged", tables.size("threads", gone)), why)
            tables.merge_thread(gone, kept)
        return {kept for _, kept in placed.merged_events}, {kept for _, kept in placed.merged_threads}

    def _links(
        self,
        numbers: NDArray[np.int64],
        alone: NDArray[np.int64],
        rows: NDArray[np.int64],
        edges: Edges,
        found: Originals,
    ) -> Links:
        """Links of new articles to earlier ones, closest first; articles are named by number."""
        index = self.memory.article_index
        gaps = np.abs(index.times.values[edges.first] - index.times.values[edges.second])
        window = self.memory.structure.settings.event_window
        linked = (edges.similarities >= LINK_SIMILARITY) & ~(gaps > window)
        ends = (index.numbers.values[edges.first[linked]], index.numbers.values[edges.second[linked]])
        links: dict[int, dict[int, tuple[str, float]]] = {}
        columns = (*(end.tolist() for end in ends), edges.similarities[linked].tolist())
        for a, b, similarity in zip(*columns, strict=True):
            links.setdefault(a, {})[b] = "overlap", similarity
        row_at = dict(zip(alone.tolist(), rows.tolist(), strict=True))
        for text, other, share in found.excerpts:
            row = other if other >= 0 else row_at[-2 - other]
            links.setdefault(int(numbers[text]), {})[int(index.numbers.values[row])] = "excerpt", share
        by_similarity = {
            a: sorted(((b, *link) for b, link in each.items()), key=lambda link: (-link[2], link[0]))
            for a, each in links.items()
        }
        return {a: each[:MAX_LINKS] for a, each in by_similarity.items()}


def original_rows(found: Originals, alone: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the original of each new text; an independent text is its own original."""
    out = found.original.copy()
    out[alone] = rows
    within = np.flatnonzero(found.original < NONE)
    out[within] = out[-2 - found.original[within]]
    return out


def merged_groups(moves: Sequence[Move]) -> list[tuple[int, int]]:
    """Pairs of a merged group and the group that took most of its articles."""
    merged = sorted((move for move in moves if move.what == "merged"), key=lambda m: (m.articles, -m.new))
    return list({move.old: move.new for move in merged}.items())
