"""`NewsStore`, the public class of the package."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from storyclust._core.parallel import beside
from storyclust._core.validation import check_float, check_int, check_jobs
from storyclust.articles.article import Article
from storyclust.articles.records import articles_as_given
from storyclust.errors import InputError, InputTypeError, StoreError
from storyclust.store import integrity, retention
from storyclust.store.adding import Added, Adder
from storyclust.store.article_queries import BOOKMARK_PREFIX
from storyclust.store.encoding import from_stamp, id_of, storable, to_stamp
from storyclust.store.index_files import IndexFiles
from storyclust.store.index_snapshot import write_snapshot
from storyclust.store.integrity import diagnosing
from storyclust.store.lock import TIMEOUT, writers_lock
from storyclust.store.models import Change
from storyclust.store.page_furniture import read_furniture
from storyclust.store.placing import Settings
from storyclust.store.queries import StoreQueries
from storyclust.store.schema import connect
from storyclust.store.settings import check_settings, read_settings, settings_rows, shown
from storyclust.store.similar_articles import Similar, find_similar
from storyclust.store.terms_index import YOUNG
from storyclust.store.transactions import writing
from storyclust.store.working_set import Derived, WorkingSet, derive, generation_of, load

CONSOLIDATED_DAYS = 30.0
LONGEST_TIMEOUT = 1e6  # seconds
# Rows that the files beside a store may lack: each takes 50 microseconds when it is opened again.
UNSAVED_AT_CLOSE, UNSAVED_IN_SESSION = 1_000, 20_000
FIRST_DATE = datetime(1, 1, 1, tzinfo=UTC)  # no `datetime` is earlier


class NewsStore(StoreQueries):
    """Articles, their copies, events and story threads in one SQLite file that grows by the hour.

    Open it with `NewsStore.open`; it is a context manager. Queries are answered from the file. A process
    that adds articles to a store of up to 20,000 that are no copies first reads the terms of all of them,
    in two seconds. Those of a larger store are also in a folder beside it, ``news.db-index``, which is mapped
    into memory: with 800,000 articles the first `add` takes a second, and the process 0.9 GB. The folder
    takes four kilobytes an article, and is written when a store is closed and after 20,000 articles. It may
    be deleted, or left behind when the store is copied: without it all terms are read into memory (half a
    minute and 6.8 GB for 800,000 articles), and the results are the same.

    The file is an SQLite database in WAL mode: any SQLite tool can read the tables ``articles``, ``copies``,
    ``links``, ``events``, ``threads``, ``history`` and ``revisions``. One process writes at a time, any
    number read. Each batch is stored as a whole or not at all, even if a process is killed or the power
    fails.

    Attributes
    ----------
    path : str
    settings : Settings
        Distances and window of events and threads, and `clean`; see `StoryClusterer`. The file keeps them.

    Notes
    -----
    A new article joins an event, and a new event a thread, by average linkage: a stored group counts with its
    size and the similarities of all its members. Two stored groups are compared only if a new article is
    close to both. So the result follows that of `StoryClusterer` closely, but not exactly; `consolidate`
    clusters the articles again, all at once. A store of fewer than 20,000 articles does so by itself from
    time to time, because its document frequencies still change much.

    The same batches make the same store, whatever the number of threads, the process or the machine. The
    weights of terms are computed again when a store has grown by a tenth. A store of more than 20,000
    articles keeps them in its file, so it does not matter whether it is closed between two batches. A
    smaller one computes them whenever it is read, so closing it may make it place borderline cases
    differently.
    Page furniture does not count in the comparison of articles, nor in summaries, unless a store is made with
    ``clean=False``. What recurs is learnt as articles arrive: a source is learnt again when it has changed by
    a quarter, and everything when all threads are consolidated. Copies are found in whole texts, and texts
    are stored and searched as they are.

    A revised article stays in its event. A copy whose revision differs too much from its original becomes
    independent; when an original is revised, the copies that no longer match it get another original.

    Numbers of events and threads are never reused. Where later evidence merges or splits a group, the history
    records it, and the old number leads to the group that took its articles.

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
        read_only: bool = False,
        timeout: float = TIMEOUT,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(connection)
        self.path = os.fspath(path)
        self.settings = settings
        self._timeout = timeout
        self._n_jobs = n_jobs
        self._memory: WorkingSet | None = None
        self._can_save = not read_only

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        timeout: float = TIMEOUT,
        n_jobs: int | None = None,
        **settings: float | bool,
    ) -> NewsStore:
        """Open a store; create the file if it does not exist.

        Parameters
        ----------
        path : str or path-like
        read_only : bool, default=False
            Never change the file, which must exist.
        timeout : float, default=30.0
            Seconds to wait while another process is writing.
        n_jobs : int or None, default=None
            Threads of the processor: None is one, -1 is every core. The result does not depend on it.
        **settings : float or bool
            Of a new store: `event_distance`, `event_window` (days), `thread_distance`, `copy_threshold` and
            `clean`, as of `StoryClusterer`. For an existing store they may be left out, and must be the same
            if given. A store made before there was `clean` compares whole texts, as with `clean=False`.

        Returns
        -------
        store : NewsStore

        Raises
        ------
        InputError
            A setting is out of range, or differs from that of the store.
        StoreError
            The file is not a store, is damaged, or cannot be read or written.
        """
        wanted = check_settings(settings)
        timeout, n_jobs = check_float("timeout", timeout, low=0, high=LONGEST_TIMEOUT), check_jobs(n_jobs)
        connection = connect(path, read_only, timeout, settings_rows(Settings(**wanted)))
        try:
            there = read_settings(connection)
            for name, value in wanted.items():
                if getattr(there, name) != value:
                    raise InputError(
                        f"{os.fspath(path)} was made with {name}={shown(getattr(there, name))}, "
                        f"got {shown(value)}; "
                        "leave it out, or make another store."
                    )
        except BaseException:
            connection.close()
            raise
        return cls(path, connection, there, read_only=read_only, timeout=timeout, n_jobs=n_jobs)

    def close(self) -> None:
        """Close the file; nothing has to be saved before."""
        self._save(UNSAVED_AT_CLOSE)
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

        Adding stored articles again changes nothing, so a batch that may or may not have been stored can be
        added again. An article of a known id with another title, text or date is a revision: the store
        returns the new text, and keeps the old. If it has neither the title nor a tenth of the text in common
        with the stored one, its id is no identity (a row number, say): it replaces nothing, and a hash of its
        content is appended to its id, with a `StoryclustWarning`. An article without an id gets such a hash.

        Parameters
        ----------
        articles : sequence of str, mapping or Article, or a DataFrame
            A batch, in any order; some hundreds at a time are quickest.
        bookmarks : mapping of str to str, optional
            Stored in the same transaction, such as how far a feed was read; see `bookmarks`.

        Returns
        -------
        added : list of Added
            The result for each article, in the order given.

        Raises
        ------
        InputError
            An article cannot be read as one.
        StoreBusyError
            Another process kept writing for longer than `timeout`.
        StoreError
            The disk is full, or the file cannot be written.
        """
        given = articles_as_given(articles)
        listed = [replace(article, id=storable(article.id) or id_of(article)) for article in given]
        if not listed and not bookmarks:
            return []
        with self._writing() as adder:
            for name, value in (bookmarks or {}).items():
                adder.tables.put_meta(f"{BOOKMARK_PREFIX}{storable(name)}", storable(value))
            return adder.add(listed)

    def consolidate(self, days: float | None = CONSOLIDATED_DAYS) -> list[Change]:
        """Cluster the articles of all threads that were active in the last days again.

        A new group takes the number of the former group with which it shares most articles.

        Parameters
        ----------
        days : float or None, default=30
            Counted back from the latest article. None is everything, and so is any number of days in a
            store of up to 20,000 independent articles.

        Returns
        -------
        history : list of Change
            Merges, splits and moves of events and threads.
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
            since = to_stamp(end - min(timedelta(days=min(days, 1e6)), end - FIRST_DATE))
        query = "SELECT id FROM threads WHERE size > 0 AND coalesce(ended, updated) >= ?"
        return {row[0] for row in self._connection.execute(query, (since,))}

    def remove(self, ids: Iterable[str]) -> int:
        """Remove articles; copies of a removed article get another original.

        Parameters
        ----------
        ids : iterable of str

        Returns
        -------
        n : int
            Number of removed articles.

        Raises
        ------
        InputError
            An id is unknown; nothing is removed.
        """
        if isinstance(ids, str):
            raise InputTypeError("ids must be a sequence of ids, got str; put it in a list.")
        with self._writing_tables():
            return retention.remove(self._connection, ids, self._derive)

    def forget(self, before: object) -> int:
        """Remove articles published before an instant, and undated ones added before it.

        Parameters
        ----------
        before : datetime, timedelta or str
            An instant, or how long ago: ``'90d'``.

        Returns
        -------
        n : int
            Number of removed articles.
        """
        with self._writing_tables():
            return retention.forget(self._connection, before, self._derive)

    def vacuum(self) -> None:
        """Shrink the file by the space of removed articles."""
        retention.vacuum(self._connection, self.path, self._timeout)

    def check(self, repair: bool = False) -> list[str]:
        """Check the integrity of the store.

        Parameters
        ----------
        repair : bool, default=False
            Repair what can be derived from the articles; no article is removed.

        Returns
        -------
        problems : list of str
            One line for each kind of problem; empty for a sound store. After a repair, those that are left.
        """
        if repair:
            with self._writing_tables():
                integrity.repair(self._connection, self._derive)
        return integrity.check(self._connection)

    # Queries that need the working set

    def similar(self, text: str, limit: int = 10) -> list[Similar]:
        """Find articles that are similar to a text: its copies, excerpts and overlapping articles.

        The first call reads the index into memory, as `add` does.

        Parameters
        ----------
        text : str
        limit : int, default=10
            Largest number of articles returned.

        Returns
        -------
        similar : list of Similar
            Copies first, then excerpts, then overlapping articles; closest first.
        """
        if not isinstance(text, str):
            raise InputTypeError(f"text must be str, got {type(text).__name__}.")
        most = check_int("limit", limit, low=0)
        with self._reading():
            return find_similar(Article(text), self._connection, self._working_set(), most)

    def _derive(self, articles: Sequence[Article]) -> list[Derived]:
        furniture = read_furniture(self._connection) if self.settings.clean else None
        return beside(derive, articles, self.settings.copy_threshold, self._n_jobs, furniture)

    # Transactions

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Adder]:
        """Write in one transaction; a failure drops the working set, which may be ahead of the file."""
        try:
            with diagnosing(self._connection), writing(self._connection, self.path, self._timeout):
                before = self._connection.total_changes
                adder = Adder(self._connection, self._working_set(), self._n_jobs)
                self._memory = None  # the adder may read it again
                yield adder
                if self._connection.total_changes != before:
                    adder.store_index()
        except BaseException:
            self._memory = None
            raise
        changed = self._connection.total_changes != before
        self._memory = adder.memory._replace(generation=adder.memory.generation + changed)
        self._save(UNSAVED_IN_SESSION)

    def _save(self, most: int) -> None:
        """Write the files beside the store if they lack more than `most` rows."""
        memory = self._memory
        if memory is None or not self._can_save or memory.n_unsaved <= most:
            return
        with contextlib.suppress(StoreError), writers_lock(self.path, timeout=0.0):
            files = memory.files or IndexFiles(self.path)
            if beside(write_snapshot, files, memory.article_index):
                self._memory = memory._replace(n_saved=len(memory.article_index), files=files)
            else:
                self._can_save = False  # a full disk is not to be filled again after every batch

    @contextlib.contextmanager
    def _writing_tables(self) -> Iterator[None]:
        """Write in one transaction, and drop the working set, which is not updated."""
        self._memory = None
        with diagnosing(self._connection), writing(self._connection, self.path, self._timeout):
            yield

    def _working_set(self) -> WorkingSet:
        """Return the working set; read it again if another process has written meanwhile."""
        if self._memory is None or self._memory.generation != generation_of(self._connection):
            self._memory = None  # first, so that two are never in memory
            self._memory = load(self._connection, self.settings, IndexFiles(self.path), self._n_jobs)
        return self._memory
