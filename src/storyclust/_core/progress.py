"""Progress of stages: bars at a terminal, lines in a log, nothing in a pipe."""

from __future__ import annotations

import contextlib
import contextvars
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

SHOW_AFTER = 2.0  # seconds before a stage is shown


class Reporter(Protocol):
    """Receiver of progress: the name of a stage, its total and its completed steps."""

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage of `total` steps; None if the number is unknown."""

    def advance(self, steps: int) -> None:
        """Count completed steps."""

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

    Nothing is shown if stderr is neither a terminal nor a notebook.

    Examples
    --------
    >>> import storyclust as sc
    >>> with sc.show_progress():
    ...     dedup = sc.Deduplicator().fit(["one text", "another text"])
    """
    with ProgressBars() as bars, reporting_to(bars):
        yield


class ProgressBars:
    """Progress bars by rich, one per stage, shown once a stage has lasted for `SHOW_AFTER` seconds."""

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

    def __enter__(self) -> ProgressBars:
        return self

    def __exit__(self, *error: object) -> None:
        self.finish()

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage; its bar is shown later."""
        self.finish()
        self._stage, self._total, self._done, self._since = stage, total, 0, time.monotonic()

    def advance(self, steps: int) -> None:
        """Count completed steps, and update the bar."""
        self._done += steps
        lasted = time.monotonic() - self._since
        rate = f"{self._done / lasted:,.0f}/s" if lasted > 0 else ""
        if self._task is None:
            if not self._shown or lasted < SHOW_AFTER:
                return
            self._progress.start()
            self._task = self._progress.add_task(self._stage, total=self._total, rate=rate)
        self._progress.update(self._task, completed=self._done, rate=rate)

    def finish(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._progress.stop()
            self._task = None


class ProgressLog:
    """Progress as lines of a log: one at the end of a long stage, and one at intervals during it.

    Parameters
    ----------
    say : callable
        Called with each line.
    every : float
        Seconds between two lines of one stage.
    """

    def __init__(self, say: Callable[[str], None], every: float = 30.0) -> None:
        self.say, self.every = say, every
        self._stage, self._done, self._since, self._logged = "", 0, 0.0, 0.0
        self._total: int | None = None

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage."""
        self._stage, self._total, self._done = stage, total, 0
        self._since = self._logged = time.monotonic()

    def advance(self, steps: int) -> None:
        """Count completed steps."""
        self._done += steps
        if time.monotonic() - self._logged >= self.every:
            self._log()

    def finish(self) -> None:
        """Log the duration of the stage if it was long."""
        if time.monotonic() - self._since >= SHOW_AFTER:
            self._log()

    def _log(self) -> None:
        self._logged = time.monotonic()
        of = "" if self._total is None else f" of {self._total:,}"
        self.say(f"{self._stage}: {self._done:,}{of} in {self._logged - self._since:,.0f} s")


@contextlib.contextmanager
def stage(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Report one stage; yields the function that counts completed steps.

    A stage nested in one of the same name is part of it: its steps count there.
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


_observers: list[Callable[[], None]] = []


@contextlib.contextmanager
def on_compilation(notify: Callable[[], None]) -> Iterator[None]:
    """Call a function when the first kernel is compiled inside, instead of loaded."""
    notified = False

    def notify_once() -> None:
        nonlocal notified
        if not notified:
            notified = True
            notify()

    _observers.append(notify_once)
    try:
        yield
    finally:
        _observers.remove(notify_once)


def report_compilation() -> None:
    """Tell those who wait for it that a kernel is compiled."""
    for notify in _observers:
        notify()


def announce_compilation() -> None:
    """Print a note on stderr."""
    sys.stderr.write("storyclust: compiling its functions (once on this machine, up to a minute)\n")
