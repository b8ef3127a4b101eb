"""Medoids of groups of articles, and how similar their members are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.union_find import GroupedRows
from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.cluster.postings import Csr, entry_costs

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
    return medoids_of(vectors, labels, medoid_preference(articles))


def medoid_preference(articles: Sequence[Article]) -> NDArray[np.int64]:
    """Rank of each article among equally central ones: the longest first, then the earliest."""
    length = np.array([len(article.text) for article in articles])
    when = np.nan_to_num(times_of(articles), nan=np.inf)
    rank = np.empty(len(articles), np.int64)
    rank[np.lexsort((when, -length))] = np.arange(len(articles))
    return rank


def medoids_of(
    vectors: sparse.csr_array,
    labels: NDArray[np.int64],
    preference: NDArray[np.int64],
    n_jobs: int | None = None,
) -> Medoids:
    """Find the medoid of each group of rows, given their ranks; see `medoid_preference`."""
    rows, groups, n_terms = Csr.of(vectors), GroupedRows.of(labels), vectors.shape[1]
    closeness, cohesions = np.zeros(len(labels)), np.ones(len(groups.bounds) - 1)

    def work(first: int, last: int) -> None:
        measure_groups(first, last, rows, groups, n_terms, closeness, cohesions)

    map_chunks(work, groups.sums(entry_costs(rows.indptr)), n_jobs, "medoids")
    order = np.lexsort((preference, -closeness.round(9), labels))
    _, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    medoids = order[first]
    others = np.maximum(sizes - 1, 1)
    likenesses = np.where(sizes > 2, (closeness[medoids] - 1) / others, 2 * cohesions**2 - 1)
    return Medoids(medoids, cohesions, likenesses)


@kernel
def measure_groups(
    first: int,
    last: int,
    rows: Csr,
    groups: GroupedRows,
    n_terms: int,
    closeness: NDArray[np.float64],
    cohesions: NDArray[np.float64],
) -> None:
    """Compare the rows of groups first..last with the sums of their groups.

    `closeness` receives their inner products, but not in groups of one or two, and `cohesions` those of the
    groups.
    """
    (indptr, indices, data), (order, bounds) = rows, groups
    terms, totals, slots = np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
    for group in range(first, last):
        members = order[bounds[group] : bounds[group + 1]]
        if len(members) == 1:
            continue
        n_entries = 0
        for row in members:
            n_entries += indptr[row + 1] - indptr[row]
        size = 16  # slots of an open-addressed table of the group's terms, at most half full
        while size < 2 * min(n_entries, n_terms):
            size *= 2
        if size > len(terms):
            terms, totals = np.empty(size, np.int64), np.empty(size)
        if n_entries > len(slots):
            slots = np.empty(2 * n_entries, np.int64)
        terms[:size] = -1
        totals[:size] = 0.0
        at = 0
        for row in members:
            for k in range(indptr[row], indptr[row + 1]):
                term = np.int64(indices[k])
                slot = term & (size - 1)
                while terms[slot] >= 0 and terms[slot] != term:
                    slot = (slot + 1) & (size - 1)
                terms[slot], slots[at] = term, slot
                totals[slot] += data[k]
                at += 1
        square, at = 0.0, 0
        for row in members:
            product = 0.0
            for k in range(indptr[row], indptr[row + 1]):
                product += data[k] * totals[slots[at]]
                at += 1
            square += product
            if len(members) > 2:  # both members of a pair are equally close
                closeness[row] = product
        cohesions[group] = np.sqrt(square) / len(members)
