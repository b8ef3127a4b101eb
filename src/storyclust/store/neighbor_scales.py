"""How similar stored articles are to their nearest neighbours, as far as these have come.

Threads need the mean similarity of an article with its nearest neighbours: see
`storyclust.cluster.local_scaling`. Every article keeps the sum of the similarities of up to `NEIGHBORS`
neighbours. While it has fewer, the sum is exact. Later a neighbour of more than average similarity replaces
one of which only the average is known. A consolidation of all threads measures the sums again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.cluster.local_scaling import NEIGHBORS, nearest_sums, scales_of_sums
from storyclust.store.growable_array import GrowableArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SHARE = 0.7  # of the mean of the nearest similarities: the typical least of them, which is replaced
TYPICAL_SCALE = 0.06  # of an article from a file that does not tell
UNREAD = -1  # number of neighbours of a row of which the file has not been asked


class NeighborScales:
    """Number and summed similarity of the nearest neighbours of each row.

    Attributes
    ----------
    counts : GrowableArray of int64
        At most `NEIGHBORS`; `UNREAD` for rows that have to be read from the file first.
    sums : GrowableArray of float64
    """

    def __init__(self) -> None:
        self.counts = GrowableArray(np.int64)
        self.sums = GrowableArray(np.float64)

    def add(self, n: int) -> None:
        """Add rows without neighbours."""
        self.counts.extend(np.zeros(n, np.int64))
        self.sums.extend(np.zeros(n))

    def put(self, rows: NDArray[np.int64], counts: NDArray[np.int64], sums: NDArray[np.float64]) -> None:
        """Set what is known of rows."""
        self.counts.values[rows], self.sums.values[rows] = counts, sums

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scales of rows."""
        return scales_of_sums(self.sums.values[rows])

    def carry_over(self, before: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Let rows have what is known of others, in whose place they stand."""
        self.put(rows, self.counts.values[before], self.sums.values[before])

    def meet(
        self, first: NDArray[np.int64], second: NDArray[np.int64], similarities: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Count new edges for the rows at both ends; returns the rows whose sums have changed."""
        rows, values = np.concatenate((first, second)), np.tile(similarities, 2)
        order = np.lexsort((rows, -values))
        rows = rows[order]
        return np.unique(rows[add_neighbors(self.counts.values, self.sums.values, rows, values[order])])

    def measure(self, rows: NDArray[np.int64], indptr: NDArray[Any], data: NDArray[np.float64]) -> None:
        """Set the sums of rows from their whole rows of the similarity graph."""
        self.put(rows, np.minimum(np.diff(indptr), NEIGHBORS), nearest_sums(indptr, data))


@kernel
def add_neighbors(
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
    rows: NDArray[np.int64],
    similarities: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Add similarities, the largest first, to the sums of their rows; marks those that changed one."""
    changed = np.zeros(len(rows), np.bool_)
    for k, row in enumerate(rows):
        similarity = similarities[k]
        mean = sums[row] / NEIGHBORS
        if counts[row] < NEIGHBORS:
            counts[row] += 1
            sums[row] += similarity
        elif similarity > mean:
            sums[row] += similarity - LEAST_SHARE * mean
        else:
            continue
        changed[k] = True
    return changed
