"""Shingle sets of texts that are held in memory, computed when they are compared.

The sets of all texts take more memory than the texts. Where few are ever compared, to tokenise these again
takes less time than to store all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from storyclust.dedup.jaccard import ShingleSets

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TextShelf:
    """Shingle sets of texts, with the methods of `SpillableRows` by which they are read.

    Parameters
    ----------
    shingle_size : int
    n_jobs : int or None, default=None
        Threads.

    Examples
    --------
    >>> import numpy as np
    >>> shelf = TextShelf(shingle_size=2)
    >>> shelf.add(["snow fell and snow fell", "rain fell"], np.array([3, 1]))
    >>> [part.shape for part in shelf.gather(np.array([1, 0]))]
    [(4,), (3,)]
    """

    def __init__(self, shingle_size: int, n_jobs: int | None = None) -> None:
        self.shingle_size, self.n_jobs = shingle_size, n_jobs
        self._texts: list[str] = []
        self._counts: list[NDArray[np.int64]] = []

    @property
    def counts(self) -> NDArray[np.int64]:
        """Size of each set."""
        return np.concatenate(self._counts) if self._counts else np.empty(0, np.int64)

    def add(self, texts: Sequence[str], counts: NDArray[np.int64]) -> None:
        """Append texts, whose sets have these sizes."""
        self._texts += texts
        self._counts.append(counts)

    def gather(self, rows: NDArray[np.int64]) -> ShingleSets:
        """Compute the sets of some texts, in the given order."""
        return ShingleSets.from_texts([self._texts[k] for k in rows.tolist()], self.shingle_size, self.n_jobs)

    def close(self) -> None:
        """Release the texts."""
        self._texts, self._counts = [], []
