"""Opening the store that was named, and what became of the articles that were added."""

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


SETTINGS = ("event_distance", "event_window", "thread_distance", "copy_threshold")


def opened(options: argparse.Namespace, *, read_only: bool = False, make: bool = False) -> NewsStore:
    """Open the store that was named; a new one is made only by who adds to it."""
    from storyclust.store import NewsStore

    if not (make or Path(options.store).exists()):
        raise StoreError(f"there is no store {options.store}; storyclust add makes one.")
    given = {name: getattr(options, name, None) for name in SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    return NewsStore.open(options.store, read_only=read_only, n_jobs=options.jobs, **settings)


class Outcome:
    """What became of the articles that were added, and of the threads that were there."""

    def __init__(self, store: NewsStore, options: argparse.Namespace) -> None:
        self.statuses: Counter[str] = Counter()
        self._store, self._options = store, options
        if shows_notes(options):  # for it takes a while in a large store
            self._threads, self._changes = len(store.threads()), len(store.history())

    def count(self, added: Iterable[Added]) -> None:
        """Count what became of some of them."""
        self.statuses.update(each.status for each in added)

    def tell(self) -> None:
        """Print the counts as a note."""
        if shows_notes(self._options):
            merged = sum(change.what == "merged" for change in self._store.history()[self._changes :])
            begun = max(0, len(self._store.threads()) - self._threads + merged)
            total, parts = self.statuses.total(), ", ".join(self._parts())
            note(self._options, f"{total:,} articles: {parts}; {begun:,} new threads, {merged:,} merged.")

    def _parts(self) -> Iterator[str]:
        plurals = {"new": "new", "copy": "copies", "revision": "revisions", "unchanged": "unchanged"}
        for status, plural in plurals.items():
            count = self.statuses[status]
            yield f"{count:,} {status if count == 1 else plural}"
