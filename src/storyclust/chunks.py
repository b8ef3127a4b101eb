"""How kernels are run: compiled once, over chunks of rows, on a pool of threads, with progress.

A kernel is a free function over arrays that releases the GIL. It never starts threads itself: it is
given a range of rows, and this room decides how many ranges there are and who works on them. So
threads, progress, Ctrl-C and bounded memory live in one place, and no result can depend on them.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numba
import numpy as np
from scipy import sparse

from storyclust.validate import check_jobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CHUNK_BYTES = 4 << 20  # text per chunk: large enough to amortise a call, small enough to stay in cache
PATIENCE = 2.0  # seconds of silence before a bar appears
AHEAD = 2  # chunks for each thread that are begun or done before their results are taken


def kernel(function: F) -> F:
    """Compile a function over arrays: no GIL, cached on disk where there is a place for it.

    Types are not declared, so importing storyclust compiles nothing; the first call does, once for
    the machine. Where neither the package's folder nor the user's cache folder can be written,
    numba refuses to cache: then each process compiles for itself.
    """
    try:
        compiled: Any = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return cast("F", numba.njit(nogil=True)(function))
    # What numba keeps on disk is renewed when the file a kernel stands in has changed. Kernels call others
    # that stand elsewhere, and are compiled with them: any change of the package has to renew it.
    compiled._cache._cache_file._source_stamp = _package_stamp()
    return cast("F", compiled)


@functools.cache
def _package_stamp() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every source file."""
    folder = Path(__file__).parent
    stats = ((str(path.relative_to(folder)), path.stat()) for path in sorted(folder.rglob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


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


def effective_jobs(n_jobs: int | None) -> int:
    """Threads that `n_jobs` stands for, by joblib's rule: None is 1, -1 all cores, -2 all but one."""
    import joblib

    return int(joblib.effective_n_jobs(check_jobs(n_jobs)))


def map_chunks(
    work: Callable[[int, int], T], weights: NDArray[np.int64], n_jobs: int | None, name: str
) -> list[T]:
    """Call `work(start, stop)` over consecutive ranges of rows and return the results in order.

    Parameters
    ----------
    work : callable
        Given a half-open range of rows; should spend its time in kernels, outside the GIL.
    weights : int64 array of shape (n,)
        Bytes of each row. Ranges are cut so that each holds about `CHUNK_BYTES`, whatever the
        number of threads.
    n_jobs : int or None
        Threads, by joblib's rule.
    name : str
        What to call the stage in a progress bar.
    """
    return list(each_chunk(work, weights, n_jobs, name))


def each_chunk(
    work: Callable[[int, int], T], weights: NDArray[np.int64], n_jobs: int | None, name: str
) -> Iterator[T]:
    """Yield the results of `map_chunks` one by one, while no more than a few are held for each thread."""
    ranges = list(cut_ranges(weights))
    jobs = min(effective_jobs(n_jobs), len(ranges))
    with stage(name, len(weights)) as advance:
        results = _on_threads(work, ranges, jobs) if jobs > 1 else (work(*each) for each in ranges)
        for (start, stop), result in zip(ranges, results, strict=True):
            advance(stop - start)
            yield result


def join_parts(parts: list[tuple[NDArray[Any], ...]], dtypes: Sequence[Any]) -> list[NDArray[Any]]:
    """Concatenate the columns of what chunks returned; `parts` is emptied, so that no two copies are held."""
    sizes = [sum(len(part[column]) for part in parts) for column in range(len(dtypes))]
    columns = [np.empty(size, dtype) for size, dtype in zip(sizes, dtypes, strict=True)]
    parts.reverse()
    at = [0] * len(columns)
    while parts:
        for number, values in enumerate(parts.pop()):
            columns[number][at[number] : at[number] + len(values)] = values
            at[number] += len(values)
    return columns


def compressed_rows(
    indptr: NDArray[Any], indices: NDArray[np.int32], data: NDArray[Any], shape: tuple[int, int]
) -> sparse.csr_array:
    """CSR array of these arrays themselves: bounds of one kind with the indices, or SciPy copies both."""
    if len(indices) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    return sparse.csr_array((data, indices, indptr), shape=shape)


def cut_ranges(weights: NDArray[np.int64], most: int | None = None) -> Iterator[tuple[int, int]]:
    """Cut rows into consecutive ranges of about `most` bytes, by default `CHUNK_BYTES` (at least one row)."""
    most = CHUNK_BYTES if most is None else most
    ends = np.cumsum(weights)
    start = 0
    while start < len(weights):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield start, stop
        start = stop


def _on_threads(work: Callable[[int, int], T], ranges: list[tuple[int, int]], jobs: int) -> Iterator[T]:
    """Run all ranges on a pool; the first error, or Ctrl-C, drops whatever has not begun."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="storyclust")
    begun: deque[Future[T]] = deque()
    try:
        for start, stop in ranges:
            begun.append(pool.submit(work, start, stop))
            if len(begun) > AHEAD * jobs:
                yield _wait_for(begun.popleft())
        while begun:
            yield _wait_for(begun.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _wait_for(future: Future[T]) -> T:
    """Result of a future; woken now and then, so that Ctrl-C is heard on every system."""
    while not wait([future], timeout=0.2).done:
        pass
    return future.result()


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
