"""Background similarity: how similar an article is to articles that have nothing to do with it.

Articles differ in how much they share with any other: a long one more than a short one, one on politics more
than one on a rare disease, one in syllables more than one in words. Cosines are corrected for it; see
`storyclust.cluster.correction`.

It is the cosine that one in twenty of all other articles reach, but not that of the fifty nearest, which may
all be about the same story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.sorting import nth_largest, sort
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.pair_search import longest_row
from storyclust.cluster.postings import Csr, Postings, entry_costs, index_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_SIZE = 2_000  # articles of a language that each is compared with
NEAREST, FARTHEST = 50, 150  # ranks in a whole sample that are background; nearer ranks scored worse
SHARE = 0.05  # of all others: rank 100 in a whole sample
STEP = 8  # of the cosines by which the largest are found
AROUND = 0.2  # of a rank: cosines of ranks up to so far from it are averaged


class Ranks(NamedTuple):
    """Ranks of neighbours that are background."""

    nearest: int
    farthest: int
    sample_size: int


def default_ranks() -> Ranks:
    """Ranks for articles."""
    return Ranks(NEAREST, FARTHEST, SAMPLE_SIZE)


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

    def similarities(
        self, rows: Csr, places: NDArray[np.int64], start: int = 0, stop: int | None = None
    ) -> NDArray[np.float64]:
        """Background similarity of rows start..stop, which stand at these places."""
        stop = len(places) if stop is None else stop
        found: NDArray[np.float64] = measure_rows(start, stop, rows, places, self, default_ranks())
        return found


def background_similarity(
    X: sparse.csr_array, groups: NDArray[np.int64], *, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Cosine that one in twenty of the other rows of its group have with a row.

    Among at least `SAMPLE_SIZE` rows it is the mean cosine with the 50th to 150th neighbours in a sample of
    evenly spaced rows. Among fewer it is the mean cosine around the rank of one in twenty, but at least
    around the 50th neighbour. A group of up to fifty rows, which may all be about one story, is not
    corrected. There, edges must be more similar instead: see
    `storyclust.stories.grouping.least_similarities`.

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
            similarity[rows] = similarities_with(Csr.of(own), np.arange(len(rows)), sample, n_jobs)
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


def similarities_with(
    rows: Csr, places: NDArray[np.int64], sample: BackgroundSample, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Background similarity of rows, which stand at these places, with a sample."""

    def work(start: int, stop: int) -> NDArray[np.float64]:
        return sample.similarities(rows, places, start, stop)

    costs = entry_costs(rows.indptr) + 8 * len(sample.places)  # a float64 cosine for each
    return np.concatenate(map_chunks(work, costs, n_jobs, "background"))


@kernel
def measure_rows(
    begin: int, end: int, rows: Csr, places: NDArray[np.int64], sample: BackgroundSample, ranks: Ranks
) -> Any:
    """Background similarity of rows begin..end with a sample."""
    (indptr, indices, data), (bounds, posting_rows, posting_weights) = rows, sample.postings
    held, sampled = sample.held, sample.places
    found = np.zeros(end - begin, np.float64)
    cosines = np.zeros(len(sampled), np.float64)
    of_sample = np.empty(longest_row(indptr, begin, end), np.int64)
    for i in range(begin, end):
        cosines[:] = 0.0
        n = np.uint64(0)
        for k in range(indptr[i], indptr[i + 1]):
            of_sample[n] = k
            n += np.uint64(is_held(held, indices[k]))
        for k in of_sample[:n]:
            term, weight = np.uint32(indices[k]), data[k]
            for p in range(np.uint64(bounds[term]), np.uint64(bounds[term + 1])):
                cosines[np.uint32(posting_rows[p])] += weight * posting_weights[p]
        at = np.searchsorted(sampled, places[i])
        others = len(cosines)
        if at < len(sampled) and sampled[at] == places[i]:
            cosines[at] = 0.0  # itself
            others -= 1
        found[i - begin] = background_of(cosines, others, ranks)
    return found


@kernel
def is_held(held: NDArray[np.uint8], term: Any) -> Any:
    """Whether the bit of a term is set."""
    return (held[np.uint32(term) >> np.uint32(3)] >> np.uint8(term & 7)) & np.uint8(1)


@kernel
def background_of(cosines: NDArray[np.float64], others: int, ranks: Ranks) -> Any:
    """Background similarity of a row, given its cosines with `others` rows in any order, and 0 for itself."""
    if others < ranks.nearest:
        return 0.0
    if len(cosines) >= ranks.sample_size:
        return mean_of_ranks(nearest_first(cosines, ranks.farthest), ranks.nearest, ranks.farthest)
    rank = max(float(ranks.nearest), SHARE * others)
    end = min(int((1.0 + AROUND) * rank) + 1, others)
    return mean_of_ranks(nearest_first(cosines, end), int((1.0 - AROUND) * rank), end)


@kernel
def nearest_first(cosines: NDArray[np.float64], count: int) -> Any:
    """The `count` largest cosines, descending."""
    large = large_ones(cosines, count)
    least, found = nth_largest(large, count), np.empty(count, np.float64)
    n = 0
    for cosine in large:
        if cosine > least:
            found[n] = cosine
            n += 1
    found[n:] = least
    sort(found[:n])
    found[:n] = found[:n][::-1].copy()
    return found


@kernel
def large_ones(cosines: NDArray[np.float64], count: int) -> Any:
    """Some of the cosines, among them the `count` largest: of many, hardly more than these.

    One in `STEP` of the cosines tell how large these are. Comparing all with one value takes no branches, of
    which a selection among all of them has thousands.
    """
    some = cosines[::STEP].copy()
    rank = 3 * count // (2 * STEP) + 1  # half as many again, so that those above are seldom too few
    if rank > len(some):
        return cosines
    least, large, n = nth_largest(some, rank), np.empty_like(cosines), np.uint64(0)
    for cosine in cosines:
        large[n] = cosine
        n += np.uint64(cosine >= least)
    return large[:n] if n >= count else cosines


@kernel
def mean_of_ranks(ranked: NDArray[np.float64], begin: int, end: int) -> Any:
    """Mean of descending cosines begin..end, the smallest added first."""
    total = 0.0
    for k in range(end - 1, begin - 1, -1):
        total += ranked[k]
    return total / (end - begin)
