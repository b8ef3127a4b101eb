"""Adding what comes until told to stop: batches, signals, and what is said meanwhile."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from storyclust.cli.common import LISTED_REJECTS, fields_of, note, say
from storyclust.errors import InputError, StoreBusyError

if TYPE_CHECKING:
    from storyclust.cli.store.following import Portion, Reader
    from storyclust.cli.store.opening import Outcome
    from storyclust.store import NewsStore

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a signal has told to stop; a second one is not waited for."""

    def __init__(self) -> None:
        self.by: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Tell whether one has."""
        return self.by is not None

    def _heed(self, number: int, _: FrameType | None) -> None:
        self.by = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for as long as the block lasts; signals that are ignored stay so."""
        with contextlib.suppress(ValueError):  # signals are for the main thread only
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._heed)
        try:
            yield
        finally:
            self._restore()


def watch(options: argparse.Namespace) -> None:
    """Add what appears until a signal says that it is enough, or a pipe ends."""
    stop = Stop()
    with stop.listening():
        from storyclust.cli.store.following import Reader
        from storyclust.cli.store.opening import Outcome, opened  # here, for they import what takes a second

        _check_places(options)
        reader = Reader(fields_of(options))
        with opened(options, make=True) as store, _rejects_file(options.rejects) as rejects:
            adding = Adding(store, options, reader, Outcome(store, options), rejects, stop)
            if options.input == "-":
                adding.follow_pipe()
            else:
                adding.follow_folder()
            adding.conclude()
    if stop.by == signal.SIGINT:
        raise KeyboardInterrupt


def _check_places(options: argparse.Namespace) -> None:
    from storyclust.io.sources import known_format

    kind = known_format(options.input_format)
    if options.input == "-":
        if kind not in (None, "jsonl"):
            raise InputError(f"watch reads JSONL from stdin, got --input-format {options.input_format}.")
    elif not Path(options.input).is_dir():
        raise InputError(f"{options.input} is no folder; storyclust add reads files.")
    elif options.rejects and Path(options.input).resolve() in Path(options.rejects).resolve().parents:
        raise InputError(
            f"--rejects {options.rejects} lies in the folder that is watched; take another place."
        )


@contextlib.contextmanager
def _rejects_file(path: str | None) -> Iterator[IO[bytes] | None]:
    """Open the file of what cannot be used, to write behind what it has: a watch may be one of many."""
    if path is None:
        yield None
    else:
        with Path(path).open("ab") as file:
            yield file


class Adding:
    """One watch: what was read and not yet added, and what became of the rest."""

    def __init__(
        self,
        store: NewsStore,
        options: argparse.Namespace,
        reader: Reader,
        outcome: Outcome,
        rejects: IO[bytes] | None,
        stop: Stop,
    ) -> None:
        self.store, self.options, self.reader, self.stop = store, options, reader, stop
        self._outcome, self._rejects = outcome, rejects
        self._waiting: list[Portion] = []
        self._n_rejects = 0

    def follow_pipe(self) -> None:
        """Add what comes out of stdin."""
        from storyclust.cli.store.following import Pipe

        pipe = Pipe(sys.stdin.fileno(), self.reader)
        for portion in pipe.portions(self.stop):
            self.take(portion)
            self.flush()

    def follow_folder(self) -> None:
        """Add what appears in a folder."""
        from storyclust.cli.store.following import Folder
        from storyclust.io.sources import known_format

        kind = known_format(self.options.input_format)
        folder = Folder(self.options.input, kind, self.reader, self.store.bookmarks(), say)
        note(self.options, f"Watching {folder.root}; Ctrl-C ends it.")
        while not self.stop():
            for portion in folder.look():
                self.take(portion)
                if self.stop():
                    break
            self.flush()
            self._pause()

    def _pause(self) -> None:
        from storyclust.cli.store.following import LOOK

        end = time.monotonic() + self.options.every
        while not self.stop() and (left := end - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))

    def take(self, portion: Portion) -> None:
        """Put a portion with those that wait, and add them if they are many."""
        from storyclust.cli.store.following import AT_ONCE

        self._waiting.append(portion)
        if sum(len(each.articles) for each in self._waiting) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Add what waits, in one transaction with how far was read."""
        from storyclust.cli.store.following import portion_of

        self._tell_rejects()
        batch = portion_of(self._waiting)
        while batch.articles or batch.bookmarks:
            try:
                added = self.store.add(batch.articles, bookmarks=batch.bookmarks)
            except StoreBusyError as error:
                if self.stop():
                    raise
                say(str(error))
                continue
            self._outcome.count(added)
            if added:
                note(self.options, f"{self._outcome.statuses.total():,} articles so far.")
            break
        self._waiting = []

    def _tell_rejects(self) -> None:
        """Name what could not be used, and forget it: a watch may go on for months."""
        found = self.reader.report.rejects
        for reject in found[:LISTED_REJECTS]:
            say(f"set aside {reject}")
        if len(found) > LISTED_REJECTS:
            say(f"and {len(found) - LISTED_REJECTS:,} more records.")
        if self._rejects and found:
            from storyclust.io.writing import json_bytes

            self._rejects.write(b"".join(json_bytes(asdict(reject)) + b"\n" for reject in found))
            self._rejects.flush()
        self._n_rejects += len(found)
        found.clear()

    def conclude(self) -> None:
        """Say what became of it all."""
        from storyclust.articles.records import dates_unread

        self._tell_rejects()
        if self._n_rejects:
            where = f"see {self.options.rejects}" if self.options.rejects else "--rejects FILE keeps them"
            say(f"{self._n_rejects:,} of {self.reader.report.read:,} records were set aside; {where}.")
        maker = self.reader.maker
        if maker.bad_dates:
            say(dates_unread(maker.bad_dates, maker.dates, self.reader.report.first_bad_date))
        self._outcome.tell()
