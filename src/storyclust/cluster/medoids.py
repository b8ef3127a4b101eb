"""Medoids of groups of articles, and how similar their members are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Medoids(NamedTuple):
    """Medoid of each group of rows, and similarities inside the group."""

    medoids: NDArray[np.int64]  # row of the member most similar to the group; ties: longest, earliest
    cohesions: NDArray[np.float64]  # mean cosine of the members with the sum of them all
    likenesses: NDArray[np.float64]  # mean cosine of the medoid with the other members, 1 if there is none


def find_medoids(
    vectors: sparse.csr_array, labels: NDArray[np.int64], articles: Sequence[Article]
) -> Medoids:
    """Find the medoid of each group of articles, and how similar the group is to it."""
    n = len(labels)
    order = np.argsort(labels, kind="stable")
    bounds = np.append(0, np.cumsum(np.bincount(labels)))
    indptr, indices, data = vectors.indptr, vectors.indices, vectors.data
    closeness, cohesions = measure_groups(order, bounds, indptr, indices, data, vectors.shape[1])
    length = np.array([len(article.text) for article in articles])
    when = np.nan_to_num(times_of(articles), nan=np.inf)
    order = np.lexsort((np.arange(n), when, -length, -closeness.round(9), labels))
    _, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    medoids = order[first]
    others = np.maximum(sizes - 1, 1)
    likenesses = np.where(sizes > 2, (closeness[medoids] - 1) / others, 2 * cohesions**2 - 1)
    return Medoids(medoids, cohesions, likenesses)


@kernel
def measure_groups(
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    n_terms: int,
) -> Any:
    """Inner products of rows with the sum of their group, 0 in groups of one or two; cohesion of groups."""
    closeness = np.zeros(len(order), np.float64)
    cohesions = np.ones(len(bounds) - 1, np.float64)
    total = np.zeros(n_terms, np.float64)
    for group in range(len(bounds) - 1):
        rows = order[bounds[group] : bounds[group + 1]]
        if len(rows) == 1:
            continue
        for row in rows:
            for k in range(indptr[row], indptr[row + 1]):
                total[indices[k]] += data[k]
        square = 0.0
        for row in rows:
            product = 0.0
            for k in range(indptr[row], indptr[row + 1]):
                product += data[k] * total[indices[k]]
            square += product
            if len(rows) > 2:  # both members of a pair are equally close
                closeness[row] = product
        cohesions[group] = np.sqrt(square) / len(rows)
        for row in rows:
            for k in range(indptr[row], indptr[row + 1]):
                total[indices[k]] = 0.0
    return closeness, cohesions
