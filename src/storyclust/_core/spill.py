"""Arrays that may outgrow memory: kept there while they are short, and else in a temporary file.

The file has no name (or, on Windows, one that goes with its last handle), so that nothing is left behind,
however the process ends. It is read, not mapped: pages of a mapped file count as memory of the process.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPILL_ABOVE = 1 << 30  # bytes kept in memory: hashes of about 250,000 articles of 3 KB
BLOCK = 1 << 22  # values read from a file at a time


class SpillableArray:
    """A long uint64 array, appended part by part.

    Parameters
    ----------
    limit : int or None, default=None
        Bytes kept in memory, at most `SPILL_ABOVE`; what comes beyond goes to a temporary file, with all
        before it.

    Examples
    --------
    >>> import numpy as np
    >>> pile = SpillableArray(limit=0)
    >>> pile.add(np.array([5, 6, 7], np.uint64))
    >>> len(pile), [(start, block.tolist()) for start, block in pile.blocks()]
    (3, [(0, [5, 6, 7])])
    >>> pile.close()
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = SPILL_ABOVE if limit is None else min(limit, SPILL_ABOVE)
        self._parts: list[NDArray[np.uint64]] = []
        self._starts: list[int] = []
        self._length = 0
        self._file: Any = None

    def __len__(self) -> int:
        return self._length

    @property
    def spilled(self) -> bool:
        """Whether the values lie in a file."""
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
            self._file = tempfile.TemporaryFile(prefix="storyclust-")  # noqa: SIM115 - closed with the pile
        for part in self._parts:
            self._file.write(part.data)
        self._parts, self._starts = [], []

    def blocks(self) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """All values, as blocks in order, each with the place where it begins."""
        if not self.spilled:
            yield from zip(self._starts, self._parts, strict=True)
            return
        for start in range(0, self._length, BLOCK):
            block = np.empty(min(BLOCK, self._length - start), np.uint64)
            self.read(start, block)
            yield start, block

    def read(self, start: int, out: NDArray[np.uint64]) -> None:
        """Fill an array with the values from `start` on."""
        if self.spilled:
            self._file.seek(8 * start)
            room = memoryview(out.view(np.uint8))  # type: ignore[arg-type]  # buffers from Python 3.12 on
            if self._file.readinto(room) != out.nbytes:
                raise OSError("a temporary file of hashes ends early.")
            return
        home = bisect_right(self._starts, start) - 1
        filled = 0
        while filled < len(out):
            part = self._parts[home]
            some = part[start + filled - self._starts[home] :][: len(out) - filled]
            out[filled : filled + len(some)] = some
            filled += len(some)
            home += 1

    def whole(self) -> NDArray[np.uint64]:
        """All values as one array."""
        values = np.empty(self._length, np.uint64)
        for start, block in self.blocks():
            values[start : start + len(block)] = block
        return values

    def close(self) -> None:
        """Give the memory or the file back."""
        self._parts, self._starts, self._length = [], [], 0
        if self._file is not None:
            self._file.close()
            self._file = None


class Shelf:
    """Rows of uint64 values, appended in order and read back by number.

    Parameters
    ----------
    limit : int or None, default=None
        Bytes kept in memory; see `SpillableArray`.

    Examples
    --------
    >>> import numpy as np
    >>> shelf = Shelf(limit=0)
    >>> shelf.add([np.array([5, 6, 7], np.uint64)], np.array([2, 1]))
    >>> shelf.gather(np.array([1, 0]))
    (array([7, 5, 6], dtype=uint64), array([0, 1, 3]))
    >>> shelf.close()
    """

    def __init__(self, limit: int | None = None) -> None:
        self.pile = SpillableArray(limit)
        self._counts: list[NDArray[np.int64]] = []

    @property
    def counts(self) -> NDArray[np.int64]:
        """Length of each row."""
        return np.concatenate(self._counts) if self._counts else np.empty(0, np.int64)

    @property
    def spilled(self) -> bool:
        """Whether the rows lie in a file."""
        return self.pile.spilled

    def add(self, parts: list[NDArray[np.uint64]], counts: NDArray[np.int64]) -> None:
        """Append rows: `parts` hold them one after the other; `counts` their lengths."""
        self._counts.append(np.asarray(counts, np.int64))
        for part in parts:
            self.pile.add(part)

    def gather(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Read rows, in the order asked for: their values one after the other, and offsets."""
        counts = self.counts
        starts = np.append(0, np.cumsum(counts))[rows]
        offsets = np.append(0, np.cumsum(counts[rows])).astype(np.int64)
        values = np.empty(int(offsets[-1]), np.uint64)
        for k in np.argsort(starts, kind="stable").tolist():  # a file is read from its beginning to its end
            if offsets[k] < offsets[k + 1]:
                self.pile.read(int(starts[k]), values[offsets[k] : offsets[k + 1]])
        return values, offsets

    def close(self) -> None:
        """Give the memory or the file back."""
        self.pile.close()
