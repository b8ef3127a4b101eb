"""Background similarity: how similar an article is to articles that have nothing to do with it.

Articles differ in how much they share with any other: a long one more than a short one, one on politics more
than one on a rare disease, one in syllables more than one in words. Cosines are corrected for it; see
`storyclust.cluster.correction`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel, map_chunks
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.postings import Csr, Postings, entry_costs, index_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_SIZE = 2_000  # articles of a language that each is compared with
NEAREST, FARTHEST = 50, 150  # ranks of the neighbours that are background; nearer ranks scored worse


class BackgroundSample(NamedTuple):
    """Rows that stand for all of a language, indexed by all their terms."""

    places: NDArray[np.int64]  # of the rows in the order of all, ascending
    postings: Postings
    held: NDArray[np.uint8]  # bit of each term: whether some row holds it; small enough to stay in cache

    @classmethod
    def of(cls, matrix: Csr, n_terms: int, places: NDArray[np.int64]) -> BackgroundSample:
        """Index the rows of a matrix, which stand at these places; entries of weight 0 are left out."""
        postings = index_entries(matrix, matrix.data != 0, n_terms)
        return cls(places, postings, np.packbits(np.diff(postings.bounds) > 0, bitorder="little"))

    def mean_similarities(
        self, rows: Csr, places: NDArray[np.int64], start: int = 0, stop: int | None = None
    ) -> NDArray[np.float64]:
        """Mean cosine of rows start..stop with their 50th to 150th neighbours in the sample."""
        stop = len(places) if stop is None else stop
        means: NDArray[np.float64] = mean_of_middle_ranks(start, stop, rows, places, self, NEAREST, FARTHEST)
        return means


def background_similarity(
    X: sparse.csr_array, groups: NDArray[np.int64], *, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Mean cosine of each row with its 50th to 150th neighbours among rows of its group.

    The first fifty may belong to the same story. Neighbours that a small group does not have count as
    similarity 0, so that a group of at most fifty articles, which may all be about one thing, is not
    corrected at all. There, edges must be more similar instead: see
    `storyclust.stories.grouping.least_similarities`. In a large group neighbours are taken from a sample of
    evenly spaced rows, so that the measure means the same at any size.

    Parameters
    ----------
    X : csr_array of shape (n, n_features)
        Rows of unit length, or of zeros, in an order that is independent of their stories.
    groups : int64 array of shape (n,)
        Language of each row, from 0.
    n_jobs : int or None
        Threads.

    Returns
    -------
    similarity : float64 array of shape (n,)
    """
    similarity = np.zeros(X.shape[0])
    for group in range(int(groups.max(initial=-1)) + 1):
        rows = np.flatnonzero(groups == group)
        if is_measurable(len(rows)):
            own = X if len(rows) == X.shape[0] else sparse.csr_array(X[rows])
            places = sample_rows(len(rows))
            sample = BackgroundSample.of(Csr.of(sparse.csr_array(own[places])), X.shape[1], places)
            similarity[rows] = mean_similarities_among(Csr.of(own), np.arange(len(rows)), sample, n_jobs)
    return similarity


def is_measurable(n: int) -> bool:
    """Whether the articles of a group of `n` have any neighbour that is background."""
    return n > NEAREST


def sample_rows(n: int) -> NDArray[np.int64]:
    """Evenly spaced rows that stand for `n`."""
    return np.unique(np.linspace(0, n - 1, min(n, SAMPLE_SIZE)).astype(np.int64))


def corrected_similarity_graph(
    X: sparse.csr_array, groups: NDArray[np.int64], min_similarity: float, *, n_jobs: int | None = None
) -> sparse.csr_array:
    """Similarity graph, corrected for the background similarity of rows in their groups."""
    null_similarity = background_similarity(X, groups, n_jobs=n_jobs)
    return similarity_graph(X, min_similarity, null_similarity=null_similarity, n_jobs=n_jobs)


def mean_similarities_among(
    rows: Csr, places: NDArray[np.int64], sample: BackgroundSample, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Mean cosine of rows, which stand at these places, with their 50th to 150th neighbours in a sample."""

    def work(start: int, stop: int) -> NDArray[np.float64]:
        return sample.mean_similarities(rows, places, start, stop)

    costs = entry_costs(rows.indptr) + 8 * len(sample.places)  # a float64 cosine for each
    return np.concatenate(map_chunks(work, costs, n_jobs, "background"))


@kernel
def mean_of_middle_ranks(
    begin: int,
    end: int,
    rows: Csr,
    places: NDArray[np.int64],
    sample: BackgroundSample,
    nearest: int,
    farthest: int,
) -> Any:
    """Mean of the `nearest`-th to `farthest`-th largest cosines of rows begin..end with the sample."""
    (indptr, indices, data), (bounds, posting_rows, posting_weights) = rows, sample.postings
    held, sampled = sample.held, sample.places
    means = np.zeros(end - begin, np.float64)
    cosines = np.zeros(len(sampled), np.float64)
    for i in range(begin, end):
        cosines[:] = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            term, weight = indices[k], data[k]
            if not held[term >> 3] & (1 << (term & 7)):
                continue
            for p in range(bounds[term], bounds[term + 1]):
                cosines[posting_rows[p]] += weight * posting_weights[p]
        at = np.searchsorted(sampled, places[i])
        if at < len(sampled) and sampled[at] == places[i]:
            cosines[at] = 0.0  # itself
        if len(cosines) <= nearest:
            continue
        # Ascending, and summed in this order: the nearest stand last.
        count = min(farthest, len(cosines))
        ranked = np.sort(np.partition(cosines, len(cosines) - count)[len(cosines) - count :])
        total = 0.0
        for k in range(count - nearest):
            total += ranked[k]
        means[i - begin] = total / (farthest - nearest)
    return means
