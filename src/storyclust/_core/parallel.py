"""Execution of kernels: compiled once, over chunks of rows, on a thread pool, with progress.

A kernel is a module-level function over arrays that releases the GIL. It never starts threads: it is called
with a range of rows, and this module decides on the ranges and the threads. Threads, progress, Ctrl-C and
bounded memory are handled in this one place, and results are independent of them.
"""

from __future__ import annotations

import _thread
import contextvars
import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np
from numba.core import event, types
from numba.core.compiler_lock import global_compiler_lock

from storyclust._core.compile_lock import compile_lock
from storyclust._core.memory import paused_gc
from storyclust._core.progress import report_compilation, stage
from storyclust._core.validation import check_jobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CHUNK_BYTES = 4 << 20  # text per chunk: large enough to amortise a call, small enough to stay in cache
_abandoned: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("abandoned", default=None)
OPTIONS: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}  # no C function calls a kernel
AHEAD = 2  # chunks per thread that are submitted before the first result is consumed


class _Compilation(event.Listener):
    """Reports compilations; a function that is loaded from the disk is none."""

    def on_start(self, event: Any) -> None:
        report_compilation()

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Compilation())  # type: ignore[no-untyped-call]  # numba has no types


def kernel(function: F) -> F:
    """Compile a function over arrays that releases the GIL, and cache it on disk if possible.

    Types are not declared, so importing storyclust compiles nothing; the first call does, once per
    machine. If neither the package's folder nor the user's cache folder is writable, each process
    compiles again.
    """
    try:
        compiled: Any = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return cast("F", numba.njit(**OPTIONS)(function))
    # numba invalidates its cache if the source file of a kernel has changed. Callees from other files are
    # compiled into a kernel, so any change of the package has to invalidate it.
    compiled._cache._cache_file._source_stamp = _package_stamp()
    compiled.compile = functools.partial(_compile, compiled)
    return cast("F", compiled)


def _compile(compiled: Any, signature: Any) -> Any:
    """Compile a function for a signature, or load it if this process or another one has compiled it.

    Numba's own lock between threads is taken first, always in this order. A constant argument is no type of
    its own, else a kernel would be compiled again for each.
    """
    if isinstance(signature, tuple):
        signature = tuple(map(types.unliteral, signature))
    name = f"{compiled.__module__}.{compiled.__qualname__}"
    # A tenth of the time would go to collections that find nothing.
    with global_compiler_lock, compile_lock(compiled._cache.cache_path, name), paused_gc():
        return type(compiled).compile(compiled, signature)


@functools.cache
def _package_stamp() -> tuple[tuple[str, int, int], ...]:
    """Name, modification time and size of every source file."""
    folder = Path(__file__).parents[1]
    stats = ((str(path.relative_to(folder)), path.stat()) for path in sorted(folder.rglob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def effective_jobs(n_jobs: int | None) -> int:
    """Number of threads for `n_jobs`, as in joblib: None is 1, -1 all cores, -2 all but one."""
    import joblib

    return int(joblib.effective_n_jobs(check_jobs(n_jobs)))


def map_chunks(
    work: Callable[[int, int], T], weights: NDArray[np.int64], n_jobs: int | None, name: str
) -> list[T]:
    """Call `work(start, stop)` over consecutive ranges of rows and return the results in order.

    Parameters
    ----------
    work : callable
        Called with a half-open range of rows; should spend its time in kernels that release the GIL.
    weights : int64 array of shape (n,)
        Bytes of each row. Each range has about `CHUNK_BYTES`, independent of the number of threads.
    n_jobs : int or None
        Number of threads, as in joblib.
    name : str
        Name of the stage in a progress bar.
    """
    return list(each_chunk(work, weights, n_jobs, name))


def map_shares(
    work: Callable[[int, int], T], weights: NDArray[np.int64], n_jobs: int | None, name: str
) -> list[T]:
    """Call `work(start, stop)` over one range for each thread, of about equal weight.

    For work that reads all data for every range, as in counting by terms what is stored by rows.
    """
    share = -(-int(weights.sum()) // effective_jobs(n_jobs)) + int(weights.max(initial=0))
    return list(each_chunk(work, weights, n_jobs, name, share))


def each_chunk(
    work: Callable[[int, int], T],
    weights: NDArray[np.int64],
    n_jobs: int | None,
    name: str,
    most: int | None = None,
) -> Iterator[T]:
    """Yield the results of `map_chunks` one by one, with at most a few per thread in memory.

    Each range has about `most` bytes, by default `CHUNK_BYTES`.
    """
    ranges = list(cut_ranges(weights, most))
    check_jobs(n_jobs)
    # Joblib takes a while to import, so it is asked only if there is something to divide.
    jobs = min(effective_jobs(n_jobs), len(ranges)) if len(ranges) > 1 else 1
    with stage(name, len(weights)) as advance:
        if jobs > 1:
            results = _run_on_threads(work, ranges, jobs)
        else:
            results = (beside(work, *each) for each in ranges)
        for (start, stop), result in zip(ranges, results, strict=True):
            if (abandoned := _abandoned.get()) is not None and abandoned.is_set():
                raise KeyboardInterrupt
            advance(stop - start)
            yield result


def map_parts(work: Callable[[int, int], T], n: int, size: int, n_jobs: int | None, name: str) -> list[T]:
    """Call `work(start, stop)` over consecutive ranges of `size` of `n` rows; see `map_chunks`."""

    def on_part(part: int, _: int) -> T:
        return work(part * size, min((part + 1) * size, n))

    return map_chunks(on_part, np.full(-(-n // size), CHUNK_BYTES), n_jobs, name)


def cut_ranges(weights: NDArray[np.int64], most: int | None = None) -> Iterator[tuple[int, int]]:
    """Split rows into consecutive ranges of about `most` bytes, at least one row each."""
    most = CHUNK_BYTES if most is None else most
    ends = np.cumsum(weights)
    start = 0
    while start < len(weights):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield start, stop
        start = stop


def beside(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function on a thread beside the main thread; elsewhere, where it stands.

    Signals are handled on the main thread. An exception of theirs inside a compiled function, while it is
    loaded, reads its arguments or returns, can end the process. After such an exception the call ends at its
    next chunk: what it changes has to be discarded. Progress is reported as on the main thread.
    """
    return beside_while(_nothing, function, *arguments)


def beside_while(meanwhile: Callable[[], None], function: Callable[..., T], *arguments: Any) -> T:
    """Call a function as `beside` does, while the main thread does something else."""
    if threading.current_thread() is not threading.main_thread():
        meanwhile()
        return function(*arguments)
    context, abandoned = contextvars.copy_context(), threading.Event()
    context.run(_abandoned.set, abandoned)
    done: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put(([context.run(function, *arguments)], None))
        except BaseException as error:  # noqa: BLE001 - raised on the main thread
            done.put(([], error))

    try:
        _tasks().put(run)
        meanwhile()
        results, error = _taken(done)
    except BaseException:
        abandoned.set()
        raise
    if error is not None:
        raise error
    return results.pop()


@functools.cache
def _tasks() -> SimpleQueue[Callable[[], None]]:
    """Return the queue of a thread that is made once in each process.

    It is no thread pool, nor a `threading.Thread`: an exception of a signal can leave their locks locked
    forever.
    """
    tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def work() -> None:
        while True:
            tasks.get()()

    _thread.start_new_thread(work, ())
    return tasks


if hasattr(os, "register_at_fork"):  # a process that is forked has no threads
    os.register_at_fork(after_in_child=_tasks.cache_clear)


def _taken(queue: SimpleQueue[T]) -> T:
    """Take from a queue with a timeout, so that Ctrl-C is handled on every platform."""
    while True:
        try:
            return queue.get(timeout=0.2)
        except Empty:
            continue


def _nothing() -> None:
    """Do nothing."""


def _run_on_threads(work: Callable[[int, int], T], ranges: list[tuple[int, int]], jobs: int) -> Iterator[T]:
    """Run all ranges on a thread pool; the first error, or Ctrl-C, cancels those that have not started."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="storyclust")
    pending: deque[Future[T]] = deque()
    try:
        for start, stop in ranges:
            pending.append(pool.submit(work, start, stop))
            if len(pending) > AHEAD * jobs:
                yield _wait_for(pending.popleft())
        while pending:
            yield _wait_for(pending.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _wait_for(future: Future[T]) -> T:
    """Wait for a future with a timeout, so that Ctrl-C is handled on every platform."""
    while not wait([future], timeout=0.2).done:
        pass
    return future.result()
