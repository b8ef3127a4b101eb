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
    limit : int, default=SPILL_ABOVE
        Bytes kept in memory; what comes beyond goes to a temporary file, with all before it.

    Examples
    --------
    >>> import numpy as np
    >>> shelf = Shelf(limit=0)
    >>> shelf.add([np.array([5, 6, 7], np.uint64)], np.array([2, 1]))
    >>> shelf.gather(np.array([1, 0]))
    (array([7, 5, 6], dtype=uint64), array([0, 1, 3]))
    >>> shelf.close()
    """

    def __init__(self, limit: int = SPILL_ABOVE) -> None:
        self.limit = limit
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
        starts = np.append(0, np.cumsum(counts))
        offsets = np.append(0, np.cumsum(counts[rows])).astype(np.int64)
        values = np.empty(int(offsets[-1]), np.uint64)
        parts = [self._mapped()] if self.spilled else self._parts
        begins = np.append(0, np.cumsum([len(part) for part in parts])).astype(np.int64)
        homes = np.searchsorted(begins, starts[rows], side="right") - 1
        for k, (home, start) in enumerate(zip(homes.tolist(), starts[rows].tolist(), strict=True)):
            if offsets[k] < offsets[k + 1]:
                at = start - int(begins[home])
                values[offsets[k] : offsets[k + 1]] = parts[home][at : at + offsets[k + 1] - offsets[k]]
        return values, offsets

    def _mapped(self) -> NDArray[np.uint64]:
        self._file.flush()
        if self._bytes == 0:
            return np.empty(0, np.uint64)
        return np.memmap(self._file, dtype=np.uint64, mode="r", shape=(self._bytes // 8,))

    def close(self) -> None:
        """Give the memory or the file back."""
        self._parts = []
        if self._file is not None:
            self._file.close()
            self._file = None
