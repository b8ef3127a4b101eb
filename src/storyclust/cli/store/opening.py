"""Opening a store by the options of a command, and the note on the articles that were added."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from storyclust.cli.common import note, shows_notes
from storyclust.errors import StoreError

if TYPE_CHECKING:
    from storyclust.store import Added, NewsStore

SETTINGS = ("event_distance", "event_window", "thread_distance", "copy_threshold", "clean")


def opened(options: argparse.Namespace, *, read_only: bool = False, create: bool = False) -> NewsStore:
    """Open the store of a command; only commands that add articles create one."""
    from storyclust.store import NewsStore

    if not (create or Path(options.store).exists()):
        raise StoreError(f"there is no store {options.store}; storyclust add makes one.")
    given = {name: getattr(options, name, None) for name in SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    return NewsStore.open(options.store, read_only=read_only, n_jobs=options.jobs, **settings)


class Outcome:
    """Counts the articles that were added by status, and the threads that are new or merged."""

    def __init__(self, store: NewsStore, options: argparse.Namespace) -> None:
        self.statuses: Counter[str] = Counter()
        self._store, self._options = store, options
        if shows_notes(options):  # counting takes a while in a large store
            self._threads, self._changes = len(store.threads()), len(store.history())

    def count(self, added: Iterable[Added]) -> None:
        """Count the results of a batch."""
        self.statuses.update(each.status for each in added)

    def report(self) -> None:
        """Print the counts, unless the command is quiet."""
        if shows_notes(self._options):
            merged = sum(change.what == "merged" for change in self._store.history()[self._changes :])
            new = max(0, len(self._store.threads()) - self._threads + merged)
            total, parts = self.statuses.total(), ", ".join(self._parts())
            note(self._options, f"{total:,} articles: {parts}; {new:,} new threads, {merged:,} merged.")

    def _parts(self) -> Iterator[str]:
        plurals = {"new": "new", "copy": "copies", "revision": "revisions", "unchanged": "unchanged"}
        for status, plural in plurals.items():
            count = self.statuses[status]
            yield f"{count:,} {status if count == 1 else plural}"
