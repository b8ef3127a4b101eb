"""The command `watch`: adds articles as they appear, until a signal stops it."""

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

from storyclust.cli.common import LISTED_REJECTS, UsageError, fields_of, note, say
from storyclust.cli.store.opening import Outcome, opened
from storyclust.errors import InputError, StoreBusyError

if TYPE_CHECKING:
    from storyclust.cli.store.following import Portion, Reader
    from storyclust.store import NewsStore

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a signal has asked to stop; a second signal acts as usual."""

    def __init__(self) -> None:
        self.by: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether a signal has arrived."""
        return self.by is not None

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.by = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle signals during the block; ignored signals stay ignored."""
        with contextlib.suppress(ValueError):  # only the main thread receives signals
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        try:
            yield
        finally:
            self._restore()


def run_watch(options: argparse.Namespace) -> None:
    """Run `storyclust watch`: add articles until a signal arrives or the pipe ends."""
    stop = Stop()
    with stop.listening():  # before the imports, which take a second
        from storyclust.cli.store.following import Reader

        _check_places(options)
        reader = Reader(fields_of(options), options.encoding)
        with opened(options, create=True) as store, _rejects_file(options.rejects) as rejects:
            watch = Watch(store, options, reader, Outcome(store, options), rejects, stop)
            if options.input == "-":
                watch.follow_pipe()
            else:
                watch.follow_folder()
            watch.report()
    if stop.by == signal.SIGINT:
        raise KeyboardInterrupt


def _check_places(options: argparse.Namespace) -> None:
    from storyclust.io.sources import known_format

    kind = known_format(options.input_format)
    if options.input == "-":
        if kind not in (None, "jsonl"):
            raise UsageError(f"watch reads JSONL from stdin, got --input-format {options.input_format}.")
    elif not Path(options.input).is_dir():
        raise InputError(f"{options.input} is no folder; storyclust add reads files.")
    elif options.rejects and Path(options.input).resolve() in Path(options.rejects).resolve().parents:
        raise UsageError(
            f"--rejects {options.rejects} lies in the folder that is watched; take another place."
        )


@contextlib.contextmanager
def _rejects_file(path: str | None) -> Iterator[IO[bytes] | None]:
    """Open the file of rejected records for appending, for each run of `watch` adds to it."""
    if path is None:
        yield None
    else:
        with Path(path).open("ab") as file:
            yield file


class Watch:
    """One run of `watch`: the articles not yet added, and the counts of the others."""

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
        self._queued: list[Portion] = []
        self._n_rejects = 0

    def follow_pipe(self) -> None:
        """Add the articles of stdin."""
        from storyclust.cli.store.following import Pipe

        pipe = Pipe(sys.stdin.fileno(), self.reader)
        for portion in pipe.portions(self.stop):
            self.take(portion)
            self.flush()

    def follow_folder(self) -> None:
        """Add the articles of a folder."""
        from storyclust.cli.store.following import Folder
        from storyclust.io.sources import known_format

        kind = known_format(self.options.input_format)
        folder = Folder(self.options.input, kind, self.reader, self.store.bookmarks(), say)
        note(self.options, f"Watching {folder.root}; Ctrl-C ends it.")
        while not self.stop():
            for portion in folder.scan():
                self.take(portion)
                if self.stop():
                    break
            self.flush()
            self._pause()

    def _pause(self) -> None:
        from storyclust.cli.store.following import POLL

        end = time.monotonic() + self.options.every
        while not self.stop() and (left := end - time.monotonic()) > 0:
            time.sleep(min(POLL, left))

    def take(self, portion: Portion) -> None:
        """Queue a portion; a full batch is added at once."""
        from storyclust.cli.store.following import BATCH_SIZE

        self._queued.append(portion)
        if sum(len(each.articles) for each in self._queued) >= BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Add the queued articles and their bookmarks in one transaction."""
        from storyclust.cli.store.following import joined

        self._report_rejects()
        batch = joined(self._queued)
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
        self._queued = []

    def _report_rejects(self) -> None:
        """Report rejected records, and forget them, for `watch` may run for months."""
        rejects = self.reader.report.rejects
        for reject in rejects[:LISTED_REJECTS]:
            say(f"set aside {reject}")
        if len(rejects) > LISTED_REJECTS:
            say(f"and {len(rejects) - LISTED_REJECTS:,} more records.")
        if self._rejects and rejects:
            from storyclust.io.writing import json_bytes

            self._rejects.write(b"".join(json_bytes(asdict(reject)) + b"\n" for reject in rejects))
            self._rejects.flush()
        self._n_rejects += len(rejects)
        rejects.clear()

    def report(self) -> None:
        """Print how many articles were added and how many records were set aside."""
        from storyclust.articles.records import dates_unread
        from storyclust.io.reading import encodings_taken

        self._report_rejects()
        if self._n_rejects:
            where = f"see {self.options.rejects}" if self.options.rejects else "--rejects FILE keeps them"
            say(f"{self._n_rejects:,} of {self.reader.report.read:,} records were set aside; {where}.")
        maker = self.reader.maker
        if maker.bad_dates:
            say(dates_unread(maker.bad_dates, maker.dates, self.reader.report.first_bad_date))
        report = self.reader.report
        for message in maker.read_date.counts.messages() + encodings_taken(report.encodings, report.replaced):
            say(message)
        if converted := maker.texts.message():
            say(converted)
        for message in [] if self.options.quiet else maker.fields.messages():
            say(message)
        self._outcome.report()
