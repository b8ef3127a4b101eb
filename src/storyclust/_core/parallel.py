"""How kernels are run: compiled once, over chunks of rows, on a pool of threads, with progress.

A kernel is a free function over arrays that releases the GIL. It never starts threads itself: it is
given a range of rows, and this room decides how many ranges there are and who works on them. So
threads, progress, Ctrl-C and bounded memory live in one place, and no result can depend on them.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

from storyclust._core.progress import stage
from storyclust._core.validation import check_jobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CHUNK_BYTES = 4 << 20  # text per chunk: large enough to amortise a call, small enough to stay in cache
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
    folder = Path(__file__).parents[1]
    stats = ((str(path.relative_to(folder)), path.stat()) for path in sorted(folder.rglob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


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
