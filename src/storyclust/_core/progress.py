"""Progress of stages: bars at a terminal, lines in a log, nothing in a pipe."""

from __future__ import annotations

import contextlib
import contextvars
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

PATIENCE = 2.0  # seconds of silence before a bar appears


class Reporter(Protocol):
    """Who hears of progress: told the stage, its total and each step done."""

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage of `total` steps, or of nobody knows how many."""

    def advance(self, steps: int) -> None:
        """Count steps done."""

    def finish(self) -> None:
        """End the stage."""


_reporter: contextvars.ContextVar[Reporter | None] = contextvars.ContextVar("reporter", default=None)
_open_stage: contextvars.ContextVar[tuple[str, Callable[[int], None]] | None] = contextvars.ContextVar(
    "open_stage", default=None
)


@contextlib.contextmanager
def reporting_to(reporter: Reporter | None) -> Iterator[None]:
    """Send the progress of everything run inside to `reporter`."""
    token, around = _reporter.set(reporter), _open_stage.set(None)
    try:
        yield
    finally:
        _open_stage.reset(around)
        _reporter.reset(token)


@contextlib.contextmanager
def show_progress() -> Iterator[None]:
    """Show progress bars on stderr for every stage that takes longer than two seconds.

    Nothing is shown where stderr is not a terminal or a notebook.

    Examples
    --------
    >>> import storyclust as sc
    >>> with sc.show_progress():
    ...     dedup = sc.Deduplicator().fit(["one text", "another text"])
    """
    with Bars() as bars, reporting_to(bars):
        yield


class Bars:
    """Progress bars by rich, one a stage, that appear only once a stage proves long."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._stage, self._done, self._since = "", 0, 0.0
        self._total: int | None = None
        self._task: Any = None
        self._shown = self.console.is_terminal or self.console.is_jupyter

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *error: object) -> None:
        self.finish()

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage; its bar waits for two seconds to have passed."""
        self.finish()
        self._stage, self._total, self._done, self._since = stage, total, 0, time.monotonic()

    def advance(self, steps: int) -> None:
        """Count steps done, and show the bar once the stage has proved long."""
        self._done += steps
        lasted = time.monotonic() - self._since
        rate = f"{self._done / lasted:,.0f}/s" if lasted > 0 else ""
        if self._task is None:
            if not self._shown or lasted < PATIENCE:
                return
            self._progress.start()
            self._task = self._progress.add_task(self._stage, total=self._total, rate=rate)
        self._progress.update(self._task, completed=self._done, rate=rate)

    def finish(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._progress.stop()
            self._task = None


class Lines:
    """Progress as lines, for a log: one when a stage that was long is done, and some on its way.

    Parameters
    ----------
    say : callable
        Told each line.
    every : float
        Seconds between two lines of one stage.
    """

    def __init__(self, say: Callable[[str], None], every: float = 30.0) -> None:
        self.say, self.every = say, every
        self._stage, self._done, self._since, self._said = "", 0, 0.0, 0.0
        self._total: int | None = None

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage."""
        self._stage, self._total, self._done = stage, total, 0
        self._since = self._said = time.monotonic()

    def advance(self, steps: int) -> None:
        """Count steps done."""
        self._done += steps
        if time.monotonic() - self._said >= self.every:
            self._tell()

    def finish(self) -> None:
        """Say how long it took."""
        if time.monotonic() - self._since >= PATIENCE:
            self._tell()

    def _tell(self) -> None:
        self._said = time.monotonic()
        of = "" if self._total is None else f" of {self._total:,}"
        self.say(f"{self._stage}: {self._done:,}{of} in {self._said - self._since:,.0f} s")


@contextlib.contextmanager
def stage(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Report one stage; yields the function that counts steps done.

    A stage inside another of the same name is a part of it: what is done there counts here.
    """
    reporter, around = _reporter.get(), _open_stage.get()
    if around is not None and around[0] == name:
        yield around[1]
        return
    if reporter is None:
        yield lambda _: None
        return
    reporter.start(name, total)
    token = _open_stage.set((name, reporter.advance))
    try:
        yield reporter.advance
    finally:
        _open_stage.reset(token)
        reporter.finish()


@contextlib.contextmanager
def tell_compiling() -> Iterator[None]:
    """Say once, on stderr, that kernels are being compiled, should that happen inside."""
    from numba.core import event

    class Note(event.Listener):
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:
                self.told = True
                sys.stderr.write(
                    "storyclust: compiling its kernels (once on this machine, some twenty seconds)\n"
                )

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Note()):
        yield
