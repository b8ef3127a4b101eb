"""Ragged arrays that may outgrow memory: rows of hashes, kept in memory while they are few.

Beyond a limit they move to a temporary file without a name (or, on Windows, one that goes with its last
handle), so that nothing is left behind, however the process ends.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPILL_ABOVE = 1 << 30  # bytes of hashes kept in memory: those of about 250,000 articles of 3 KB


class Shelf:
    """Rows of uint64 values, appended in order and read back by number.

    Parameters
    ----------
    limit : int or None, default=None
        Bytes kept in memory; what comes beyond goes to a temporary file, with all before it. None stands
        for `SPILL_ABOVE`.

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
        self.limit = SPILL_ABOVE if limit is None else limit
        self._parts: list[NDArray[np.uint64]] = []
        self._counts: list[NDArray[np.int64]] = []
        self._bytes = 0
        self._file: Any = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Length of each row."""
        return np.concatenate(self._counts) if self._counts else np.empty(0, np.int64)

    @property
    def spilled(self) -> bool:
        """Whether the rows lie in a file."""
        return self._file is not None

    def add(self, parts: list[NDArray[np.uint64]], counts: NDArray[np.int64]) -> None:
        """Append rows: `parts` hold them one after the other, none cut in two; `counts` their lengths."""
        self._counts.append(np.asarray(counts, np.int64))
        self._bytes += sum(part.nbytes for part in parts)
        self._parts += parts
        if self._bytes > self.limit:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="storyclust-")  # noqa: SIM115 - closed with the shelf
        for part in self._parts:
            self._file.write(part.data)
        self._parts = []

    def gather(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Read rows, in the order asked for: their values one after the other, and offsets."""
        counts = self.counts
        starts = np.append(0, np.cumsum(counts))[rows]
        offsets = np.append(0, np.cumsum(counts[rows])).astype(np.int64)
        values = np.empty(int(offsets[-1]), np.uint64)
        if self.spilled:
            self._read(starts, offsets, values)
        else:
            self._copy(starts, offsets, values)
        return values, offsets

    def _copy(
        self, starts: NDArray[np.int64], offsets: NDArray[np.int64], values: NDArray[np.uint64]
    ) -> None:
        begins = np.append(0, np.cumsum([len(part) for part in self._parts])).astype(np.int64)
        homes = np.searchsorted(begins, starts, side="right") - 1
        for k, (home, start) in enumerate(zip(homes.tolist(), starts.tolist(), strict=True)):
            if offsets[k] < offsets[k + 1]:
                at = start - int(begins[home])
                values[offsets[k] : offsets[k + 1]] = self._parts[home][at : at + offsets[k + 1] - offsets[k]]

    def _read(
        self, starts: NDArray[np.int64], offsets: NDArray[np.int64], values: NDArray[np.uint64]
    ) -> None:
        # Read, not mapped: pages of a mapped file would count as memory of this process.
        room = memoryview(values.view(np.uint8))  # type: ignore[arg-type]  # arrays are buffers from Python 3.12 on
        for k in np.argsort(starts, kind="stable").tolist():
            begin, end = 8 * int(offsets[k]), 8 * int(offsets[k + 1])
            self._file.seek(8 * int(starts[k]))
            if self._file.readinto(room[begin:end]) != end - begin:
                raise OSError("the temporary file of shingles ends early.")

    def close(self) -> None:
        """Give the memory or the file back."""
        self._parts = []
        if self._file is not None:
            self._file.close()
            self._file = None
