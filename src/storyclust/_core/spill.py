"""Arrays that are spilled to a temporary file once they exceed a memory limit.

The file has no name (on Windows it is deleted with its last handle), so that nothing is left behind even if
the process is killed. It is read, not mapped: mapped pages count as memory of the process.
"""

from __future__ import annotations

import tempfile
import threading
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPILL_ABOVE = 1 << 30  # bytes kept in memory: hashes of about 250,000 articles of 3 KB
BLOCK = 1 << 18  # values read from a file at a time: 2 MB, which stay in a core's second-level cache


class SpillableArray:
    """A long uint64 array, appended part by part.

    Parameters
    ----------
    limit : int or None, default=None
        Bytes kept in memory, at most `SPILL_ABOVE`. Once there are more, all values go to a temporary file.

    Examples
    --------
    >>> import numpy as np
    >>> values = SpillableArray(limit=0)
    >>> values.add(np.array([5, 6, 7], np.uint64))
    >>> len(values), [(start, block.tolist()) for start, block in values.blocks()]
    (3, [(0, [5, 6, 7])])
    >>> values.close()
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = SPILL_ABOVE if limit is None else min(limit, SPILL_ABOVE)
        self._parts: list[NDArray[np.uint64]] = []
        self._starts: list[int] = []
        self._length = 0
        self._file: Any = None
        self._reading = threading.Lock()

    def __len__(self) -> int:
        return self._length

    @property
    def spilled(self) -> bool:
        """Whether the values are in a file."""
        return self._file is not None

    def add(self, part: NDArray[np.uint64]) -> None:
        """Append values."""
        self._parts.append(part)
        self._starts.append(self._length)
        self._length += len(part)
        if 8 * self._length > self.limit:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="storyclust-")  # noqa: SIM115 - closed by `close`
        for part in self._parts:
            self._file.write(part.data)
        self._parts, self._starts = [], []

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """Yield the values start..stop as consecutive blocks, each with the index of its first value.

        Several threads may read at a time.
        """
        stop = self._length if stop is None else stop
        if not self.spilled:
            for begin, part in zip(self._starts, self._parts, strict=True):
                if begin < stop and begin + len(part) > start:
                    yield max(begin, start), part[max(start - begin, 0) : stop - begin]
            return
        for begin in range(start, stop, BLOCK):
            block = np.empty(min(BLOCK, stop - begin), np.uint64)
            self.read(begin, block)
            yield begin, block

    def read(self, start: int, out: NDArray[np.uint64]) -> None:
        """Fill `out` with the values from index `start` on."""
        if self.spilled:
            buffer = memoryview(out.view(np.uint8))  # type: ignore[arg-type]  # typed from Python 3.12 on
            with self._reading:
                self._file.seek(8 * start)
                filled = self._file.readinto(buffer)
            if filled != out.nbytes:
                raise OSError("a temporary file of hashes ends early.")
            return
        number = bisect_right(self._starts, start) - 1
        filled = 0
        while filled < len(out):
            values = self._parts[number][start + filled - self._starts[number] :][: len(out) - filled]
            out[filled : filled + len(values)] = values
            filled += len(values)
            number += 1

    def whole(self) -> NDArray[np.uint64]:
        """Return all values as one array, which must not be changed."""
        if self.spilled:
            values = np.empty(self._length, np.uint64)
            for start, block in self.blocks():
                values[start : start + len(block)] = block
            return values
        if len(self._parts) != 1:
            self._join()
        return self._parts[0]

    def _join(self) -> None:
        """Join the parts to one. Each is released when it is copied, so that memory is not held twice."""
        values = np.empty(self._length, np.uint64)
        self._parts.reverse()
        for start in self._starts:
            part = self._parts.pop()
            values[start : start + len(part)] = part
        self._parts, self._starts = [values], [0]

    def close(self) -> None:
        """Release the memory or the file."""
        self._parts, self._starts, self._length = [], [], 0
        if self._file is not None:
            self._file.close()
            self._file = None


class SpillableRows:
    """Rows of uint64 values, appended in order and read by row number.

    Parameters
    ----------
    limit : int or None, default=None
        Bytes kept in memory; see `SpillableArray`.

    Examples
    --------
    >>> import numpy as np
    >>> rows = SpillableRows(limit=0)
    >>> rows.add([np.array([5, 6, 7], np.uint64)], np.array([2, 1]))
    >>> rows.gather(np.array([1, 0]))
    (array([7, 5, 6], dtype=uint64), array([0, 1, 3]))
    >>> rows.close()
    """

    def __init__(self, limit: int | None = None) -> None:
        self._values = SpillableArray(limit)
        self._counts: list[NDArray[np.int64]] = []

    @property
    def counts(self) -> NDArray[np.int64]:
        """Length of each row."""
        return np.concatenate(self._counts) if self._counts else np.empty(0, np.int64)

    @property
    def spilled(self) -> bool:
        """Whether the rows are in a file."""
        return self._values.spilled

    def add(self, parts: list[NDArray[np.uint64]], counts: NDArray[np.int64]) -> None:
        """Append rows: `parts` hold their concatenated values, `counts` their lengths."""
        self._counts.append(np.asarray(counts, np.int64))
        for part in parts:
            self._values.add(part)

    def gather(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Read rows in the given order: their concatenated values, and the offsets of each."""
        counts, starts = self.counts, self._offsets[rows]
        offsets = np.append(0, np.cumsum(counts[rows])).astype(np.int64)
        values = np.empty(int(offsets[-1]), np.uint64)
        for k in np.argsort(starts, kind="stable").tolist():  # the file is read sequentially
            if offsets[k] < offsets[k + 1]:
                self._values.read(int(starts[k]), values[offsets[k] : offsets[k + 1]])
        return values, offsets

    def whole(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return all rows, which must not be changed: their concatenated values, and the offsets of each."""
        return self._values.whole(), self._offsets

    @property
    def _offsets(self) -> NDArray[np.int64]:
        return np.append(0, np.cumsum(self.counts)).astype(np.int64)

    def close(self) -> None:
        """Release the memory or the file."""
        self._values.close()
