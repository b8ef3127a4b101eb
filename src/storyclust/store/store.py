"""NewsStore: stories that grow, in one file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storyclust.article import Article, articles_as_given
from storyclust.errors import InputError
from storyclust.store.adding import Added, Adder, id_of
from storyclust.store.lock import TIMEOUT
from storyclust.store.memory import Memory, generation_of, load
from storyclust.store.placing import Settings
from storyclust.store.schema import connect, reading, writing
from storyclust.store.values import to_stamp
from storyclust.validate import check_float


class NewsStore:
    """Yesterday's stories and today's articles, in one SQLite file that grows.

    Open it with `NewsStore.open`. What is asked is answered from the file at once; `add` first reads what it has
    to know into memory, some two kilobytes an article, and keeps it there.
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
        self.path = os.fspath(path)
        self.settings = settings
        self._connection = connection
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
        """Open a store, and make it where there is none."""
        wanted = check_settings(settings)
        noted = {name: repr(value) for name, value in Settings(**wanted)._asdict().items()}
        connection = connect(path, read_only, timeout, noted)
        try:
            found = {
                name: float(value)
                for name, value in connection.execute("SELECT name, value FROM meta")
                if name in Settings._fields
            }
            there = Settings(**found)
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
        """Close the file."""
        self._memory = None
        self._connection.close()

    def __enter__(self) -> NewsStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM articles").fetchone()[0])

    def __repr__(self) -> str:
        return f"NewsStore({self.path!r}, {len(self):,} articles)"

    def add(self, articles: Iterable[Any]) -> list[Added]:
        """Add articles: all of them, or none if something goes wrong."""
        listed = [
            article if article.id else named(article) for article in articles_as_given(articles)
        ]
        if not listed:
            return []
        with self._writing() as adder:
            added = adder.add(listed)
            if adder.consolidate_if_young():
                added = adder.placed_anew(added)
        return added

    def consolidate(self, days: float | None = 30.0) -> list[Any]:
        """Group anew the threads that have articles of the last days."""
        with self._writing() as adder:
            since = "" if days is None else to_stamp(datetime.now(UTC) - timedelta(days=days))
            query = "SELECT id FROM threads WHERE size > 0 AND (? = '' OR coalesce(ended, updated) >= ?)"
            threads = {row[0] for row in self._connection.execute(query, (since, since))}
            return adder.consolidate(threads, "consolidated")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Adder]:
        """Write in one transaction; what is in memory is forgotten if it fails, for it may be ahead."""
        before = self._connection.total_changes
        try:
            with writing(self._connection, self.path, self._timeout):
                memory = self._loaded()
                yield Adder(self._connection, memory, self._n_jobs)
        except BaseException:
            self._memory = None
            raise
        if self._connection.total_changes != before:
            self._memory = memory._replace(generation=memory.generation + 1)

    def _loaded(self) -> Memory:
        """What is in memory, read anew if another process has written meanwhile."""
        if self._memory is None or self._memory.generation != generation_of(self._connection):
            self._memory = None
            self._memory = load(self._connection, self.settings)
        return self._memory


def named(article: Article) -> Article:
    """Article with an id made of what it says."""
    return replace(article, id=id_of(article))


def check_settings(settings: dict[str, float]) -> dict[str, float]:
    """Check what an event and a thread are to be."""
    for name in settings:
        if name not in Settings._fields:
            raise InputError(f"NewsStore.open has no setting {name!r}; there are {', '.join(Settings._fields)}.")
    return {
        name: check_float(name, value, low=0, high=float("inf") if name == "event_window" else 1)
        for name, value in settings.items()
    }
