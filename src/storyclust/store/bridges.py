"""Compares stored events or threads, two of which a new article is close to, by their latest members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.local_scaling import scaled_similarity
from storyclust.store.groups import Groups, Sums
from storyclust.stories.grouping import event_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex


def bridge_sums(
    index: ArticleIndex, groups: Groups, bridges: list[tuple[int, int]], *, timed: bool = False
) -> Sums:
    """Estimate the sums of similarities of pairs of groups from their latest members.

    If `timed`, articles count by `event_similarity`, as in events; else by `scaled_similarity`.
    """
    ids = np.array(bridges, np.int64).reshape(-1, 2)
    if not len(ids):
        return Sums(ids[:, 0], ids[:, 1], np.zeros(0))
    distinct, sides = np.unique(ids, return_inverse=True)
    members = [groups.latest[group] for group in distinct.tolist()]
    ends = np.cumsum([0, *map(len, members)])
    starts, stops = ends[sides.reshape(-1, 2)], ends[sides.reshape(-1, 2) + 1]
    first, second, bounds = pairs_of_blocks(starts, stops)
    rows = index.row_of.of(np.array([number for group in members for number in group], np.int64))

    X = index.vectors(rows)
    cosines = block_cosines(X.indptr, X.indices, X.data, X.shape[1], starts, stops)
    null_similarity, least = index.null_similarity(rows), index.least_similarities(rows)
    similarities = corrected_similarities(
        cosines, np.maximum(null_similarity[first], null_similarity[second])
    )
    # As in the graph, which has no such edges.
    similarities[similarities < np.maximum(least[first], least[second])] = 0.0
    if timed:
        times = index.times.values[rows]
        similarities = event_similarity(similarities, np.abs(times[first] - times[second]))
    else:
        scales = index.scales.of(rows)
        similarities = scaled_similarity(similarities, scales[first], scales[second])
    sums = np.empty(len(ids))
    for k, (a, b) in enumerate(bridges):
        mean = float(similarities[bounds[k] : bounds[k + 1]].mean())
        sums[k] = mean * groups.sizes[a] * groups.sizes[b]
    return Sums(ids[:, 0], ids[:, 1], sums)


@kernel
def pairs_of_blocks(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of each block, of one of the first rows and one of the second, and where the blocks begin.

    Parameters
    ----------
    starts, ends : int64 arrays of shape (n, 2)
        The first and the second rows of each block.
    """
    bounds = np.zeros(len(starts) + 1, np.int64)
    for k in range(len(starts)):
        bounds[k + 1] = bounds[k] + (ends[k, 0] - starts[k, 0]) * (ends[k, 1] - starts[k, 1])
    first, second = np.empty(bounds[-1], np.int64), np.empty(bounds[-1], np.int64)
    n = 0
    for k in range(len(starts)):
        for a in range(starts[k, 0], ends[k, 0]):
            for b in range(starts[k, 1], ends[k, 1]):
                first[n], second[n] = a, b
                n += 1
    return first, second, bounds


@kernel
def block_cosines(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float32],
    n_columns: int,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Dot products of the pairs of `pairs_of_blocks`, which are rows of a CSR matrix."""
    sizes = ends - starts
    found = np.empty((sizes[:, 0] * sizes[:, 1]).sum(), np.float32)
    values = np.zeros(n_columns, np.float32)  # of one second row by column
    n = 0
    for k in range(len(starts)):
        for b in range(starts[k, 1], ends[k, 1]):
            for p in range(indptr[b], indptr[b + 1]):
                values[indices[p]] = data[p]
            for a in range(starts[k, 0], ends[k, 0]):
                total = np.float32(0.0)
                for p in range(indptr[a], indptr[a + 1]):
                    total += data[p] * values[indices[p]]
                found[n + (a - starts[k, 0]) * sizes[k, 1] + b - starts[k, 1]] = total
            for p in range(indptr[b], indptr[b + 1]):
                values[indices[p]] = 0.0
        n += sizes[k, 0] * sizes[k, 1]
    return found
