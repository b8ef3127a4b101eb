"""NewsStore: yesterday's stories and today's articles, in one file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_float, check_int, check_jobs
from storyclust.articles.article import Article
from storyclust.articles.records import articles_as_given
from storyclust.errors import InputError, InputTypeError
from storyclust.store import integrity, retention
from storyclust.store.adding import LINKED, Added, Adder
from storyclust.store.copy_lookup import NONE, Keys, find_originals, relation_of
from storyclust.store.encoding import from_stamp, id_of, storable, to_stamp
from storyclust.store.integrity import blaming_damage
from storyclust.store.lock import TIMEOUT
from storyclust.store.models import Change
from storyclust.store.placing import Settings
from storyclust.store.queries import BOOKMARK, Answers
from storyclust.store.schema import connect
from storyclust.store.settings import as_noted, check_settings, noted_settings
from storyclust.store.terms_index import YOUNG
from storyclust.store.transactions import writing
from storyclust.store.weights import hold
from storyclust.store.working_set import Memory, derive, generation_of, load, texts_of
from storyclust.text.language import group_languages

CONSOLIDATED_DAYS = 30.0
LONGEST = 1e6  # seconds to wait
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Similar(NamedTuple):
    """An article that is like a text.

    Attributes
    ----------
    id : str
    relation : {'exact', 'near', 'excerpt', 'overlap'}
    similarity : float
        As of a `Link`.
    """

    id: str
    relation: str
    similarity: float


class NewsStore(Answers):
    """Articles, their copies, events and story threads in one SQLite file that grows by the hour.

    Open it with `NewsStore.open`; it is a context manager. What is asked is answered from the file at once.
    Whoever adds reads the terms of the articles into memory first (some five kilobytes an article; two or
    three seconds for 100,000 of them, half a minute for a million), and keeps them there until the store is
    closed.

    The file is SQLite, in WAL mode: any tool for it can read the tables ``articles``, ``copies``,
    ``links``, ``events``, ``threads``, ``history`` and ``revisions``. One process writes at a time, any
    number read. Each batch is in the file as a whole or not at all, whenever a process is killed or the
    power fails.

    Attributes
    ----------
    path : str
    settings : Settings
        Distances and window of events and threads; see `StoryClusterer`. They are noted in the file.

    Notes
    -----
    A new article joins the event, and a new event the thread, that average linkage would join it to: groups
    that are there have the size they have and count by the similarities of all their members. What two
    groups have in common is looked at only where a new article belongs to both. So the result follows that
    of `StoryClusterer` closely, but not exactly; `consolidate` brings it there. A store of fewer than
    20,000 articles consolidates itself now and then, for what its first articles taught is soon outdated.

    The same batches make the same store, whatever the number of threads, the process or the machine. But the
    weights of terms are made anew when a store is read into memory, and seldom in between; so a store that
    was closed between two batches may link and place borderline cases otherwise than one that stayed open.
    An article that is revised stays in its event. A copy that says something else now is no copy any more,
    and copies of an original that does get another of their own.

    Numbers of events and threads never change their meaning. Where later evidence merges or splits them, the
    history says so, and the old number still leads to where the matter is now.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import storyclust as sc
    >>> folder = tempfile.TemporaryDirectory()
    >>> with sc.NewsStore.open(pathlib.Path(folder.name, "news.db")) as store:
    ...     first = store.add([{"id": "a", "text": "The Selka hit Aldmouth pier on Monday."}])
    ...     later = store.add([{"id": "b", "text": "Aldmouth pier was struck by the ferry Selka."}])
    ...     later[0].status, later[0].thread == first[0].thread, store.threads()[0].size
    ('new', True, 2)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        connection: sqlite3.Connection,
        settings: Settings,
        *,
        timeout: float = TIMEOUT,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(connection)
        self.path = os.fspath(path)
        self.settings = settings
        self._timeout = timeout
        self._n_jobs = n_jobs
        self._memory: Memory | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        timeout: float = TIMEOUT,
        n_jobs: int | None = None,
        **settings: float,
    ) -> NewsStore:
        """Open a store, and make it where there is none.

        Parameters
        ----------
        path : str or path-like
        read_only : bool, default=False
            Never change the file, which must be there.
        timeout : float, default=30.0
            Seconds to wait while another process is writing.
        n_jobs : int or None, default=None
            Threads of the processor: None is one, -1 is every core. The result does not depend on it.
        **settings : float
            Of a new store: `event_distance`, `event_window` (days), `thread_distance` and `copy_threshold`,
            as of `StoryClusterer`. Of one that is there they may be left out, and must be the same if
            given.

        Returns
        -------
        store : NewsStore

        Raises
        ------
        InputError
            A setting is out of range, or not that of the store.
        StoreError
            The file is no store, is damaged, or cannot be read or written.
        """
        wanted = check_settings(settings)
        timeout, n_jobs = check_float("timeout", timeout, low=0, high=LONGEST), check_jobs(n_jobs)
        connection = connect(path, read_only, timeout, as_noted(Settings(**wanted)))
        try:
            there = noted_settings(connection)
            for name, value in wanted.items():
                if getattr(there, name) != value:
                    raise InputError(
                        f"{os.fspath(path)} was made with {name}={getattr(there, name):g}, got {value:g}; "
                        "leave it out, or make another store."
                    )
        except BaseException:
            connection.close()
            raise
        return cls(path, connection, there, timeout=timeout, n_jobs=n_jobs)

    def close(self) -> None:
        """Close the file; nothing has to be saved."""
        self._memory = None
        self._connection.close()

    def __enter__(self) -> NewsStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count()

    def __repr__(self) -> str:
        return f"NewsStore({self.path!r})"

    # Writing

    def add(self, articles: Iterable[Any], *, bookmarks: Mapping[str, str] | None = None) -> list[Added]:
        """Add articles: all of them, or none if something goes wrong.

        Adding what is there changes nothing, so a batch of which nobody knows whether it came through is
        simply added again. An article of a known id with another title, text or date is a revision: the
        store has the new text, and keeps the old. An article without an id gets one made of what it says.

        Parameters
        ----------
        articles : sequence of str, mapping or Article, or a DataFrame
            A batch, in any order; some hundreds at a time are quickest.
        bookmarks : mapping of str to str, optional
            Noted in the same transaction, for whoever follows a feed and has to know how far it was read;
            see `bookmarks`.

        Returns
        -------
        added : list of Added
            What happened to each.

        Raises
        ------
        InputError
            An article cannot be read as one.
        StoreBusyError
            Another process went on writing for longer than `timeout`.
        StoreError
            The disk is full, or the file cannot be written.
        """
        given = articles_as_given(articles)
        listed = [replace(article, id=storable(article.id) or id_of(article)) for article in given]
        if not listed and not bookmarks:
            return []
        with self._writing() as adder:
            self._note(bookmarks or {})
            added = adder.add(listed)
            adder.consolidate_if_young()
            return adder.as_it_is(added)

    def _note(self, bookmarks: Mapping[str, str]) -> None:
        rows = [(f"{BOOKMARK}{storable(name)}", storable(value)) for name, value in bookmarks.items()]
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def consolidate(self, days: float | None = CONSOLIDATED_DAYS) -> list[Change]:
        """Group anew, all at once, the threads that have articles of the last days.

        Numbers of events and threads stay with the groups that share most articles with those of before.

        Parameters
        ----------
        days : float or None, default=30
            Counted back from the latest article. None is everything; and so is any number of days while a
            store is young, of 20,000 independent articles and fewer.

        Returns
        -------
        history : list of Change
            What was merged, split and moved.
        """
        if days is not None:
            check_float("days", days, low=0, high=np.inf)
        with self._writing() as adder:
            young = len(adder.memory.row_of) <= YOUNG
            return adder.consolidate(self._recent_threads(None if young else days), "consolidated")

    def _recent_threads(self, days: float | None) -> set[int]:
        since = ""
        if days is not None:
            latest = self._connection.execute("SELECT max(published) FROM articles").fetchone()[0]
            now = datetime.now(UTC)
            end = min(from_stamp(latest), now) if latest else now
            since = to_stamp(end - min(timedelta(days=min(days, 1e6)), end - LONG_AGO))
        query = "SELECT id FROM threads WHERE size > 0 AND coalesce(ended, updated) >= ?"
        return {row[0] for row in self._connection.execute(query, (since,))}

    def remove(self, ids: Iterable[str]) -> int:
        """Remove articles; copies of one that goes get another original.

        Parameters
        ----------
        ids : iterable of str

        Returns
        -------
        n : int
            How many were removed.

        Raises
        ------
        InputError
            One of them is not there; then none is removed.
        """
        if isinstance(ids, str):
            raise InputTypeError("ids must be a sequence of ids, got str; put it in a list.")
        with self._writing_tables():
            return retention.remove(self._connection, ids, self._derive)

    def forget(self, before: object) -> int:
        """Remove what was published before an instant, and undated articles that came in before it.

        Parameters
        ----------
        before : datetime, timedelta or str
            An instant, or how long ago: ``'90d'``.

        Returns
        -------
        n : int
            How many were removed.
        """
        with self._writing_tables():
            return retention.forget(self._connection, before, self._derive)

    def vacuum(self) -> None:
        """Give the space of removed articles back to the disk."""
        retention.vacuum(self._connection, self.path, self._timeout)

    def check(self, repair: bool = False) -> list[str]:
        """Look for whatever is wrong with the store.

        Parameters
        ----------
        repair : bool, default=False
            Put right what can be, from the articles, which are never touched.

        Returns
        -------
        problems : list of str
            A line for each kind; none if it is sound. After a repair, those that are left.
        """
        if repair:
            with self._writing_tables():
                integrity.repair(self._connection, self._derive)
        return integrity.check(self._connection)

    # Asking, beside `Answers`

    def similar(self, text: str, limit: int = 10) -> list[Similar]:
        """Find articles that are like a text: its copies, excerpts, and what overlaps with it.

        The first time, the terms of all articles are read into memory, as by `add`.

        Parameters
        ----------
        text : str
        limit : int, default=10
            How many at most.

        Returns
        -------
        similar : list of Similar
            Copies first, then excerpts, then overlapping articles; closest first.
        """
        if not isinstance(text, str):
            raise InputTypeError(f"text must be str, got {type(text).__name__}.")
        most = check_int("limit", limit, low=0)
        with self._reading():
            return similar_to(Article(text), self._connection, self._loaded(), most)

    def _derive(self, articles: Any) -> Any:
        return derive(articles, self.settings.copy_threshold, self._n_jobs)

    # Transactions

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Adder]:
        """Write in one transaction; what is in memory is forgotten if it fails, for it may be ahead."""
        try:
            with blaming_damage(self._connection), writing(self._connection, self.path, self._timeout):
                before = self._connection.total_changes
                memory = self._loaded()
                yield Adder(self._connection, memory, self._n_jobs)
        except BaseException:
            self._memory = None
            raise
        if self._connection.total_changes != before:
            self._memory = memory._replace(generation=memory.generation + 1)

    @contextlib.contextmanager
    def _writing_tables(self) -> Iterator[None]:
        """Write in one transaction what memory does not follow."""
        self._memory = None
        with blaming_damage(self._connection), writing(self._connection, self.path, self._timeout):
            yield

    def _loaded(self) -> Memory:
        """What is in memory, read anew if another process has written meanwhile."""
        if self._memory is None or self._memory.generation != generation_of(self._connection):
            self._memory = None  # first, so that there are never two
            self._memory = load(self._connection, self.settings)
        return self._memory


def similar_to(article: Article, connection: sqlite3.Connection, memory: Memory, most: int) -> list[Similar]:
    """Find what an article that is not in a store is like."""
    feed, threshold = memory.feed, memory.structure.settings.copy_threshold
    found: dict[int, tuple[int, str, float]] = {}
    language = group_languages([article])[0]
    rows, similarities = feed.like(language, hold([article], [language]), LINKED)
    for row, similarity in zip(rows.tolist(), similarities.tolist(), strict=True):
        found[row] = 2, "overlap", similarity
    texts = texts_of(connection, feed)
    originals = find_originals(feed, Keys.of([article.content], threshold), texts, threshold, None)
    for _, row, share in originals.excerpts:
        found[row] = 1, "excerpt", share
    if originals.original[0] != NONE:
        similarity = float(originals.similarity[0])
        found[int(originals.original[0])] = 0, relation_of(similarity), similarity
    order = sorted(found, key=lambda row: (found[row][0], -found[row][2], row))[:most]
    query = "SELECT id FROM articles WHERE number = ?"
    numbers = feed.numbers.values
    ids = [connection.execute(query, (int(numbers[row]),)).fetchone()[0] for row in order]
    return [Similar(name, *found[row][1:]) for name, row in zip(ids, order, strict=True)]
