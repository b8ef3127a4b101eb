"""What stands for a group of articles: an order of its own, the medoid, its fullest version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.article import Article
from storyclust.chunks import kernel
from storyclust.jaccard import ShingleSets, jaccard_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 86_400.0
SHINGLE_SIZE = 5
VERSION = 0.9  # share of a text's shingles that a fuller version of it holds


def canonical_order(articles: Sequence[Article], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put rows in an order that depends on what the articles say, not on where they stand."""

    def key(row: int) -> tuple[str, str, float, str]:
        article = articles[row]
        return article.text, article.title, _time(article), article.id

    return np.array(sorted(rows.tolist(), key=key), dtype=np.int64)


def by_fingerprint(fingerprints: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put rows of different texts in the order of their fingerprints, which means nothing.

    Unlike `canonical_order` it needs no text, so that articles that lie on many machines can be put in it.
    """
    return rows[np.lexsort((fingerprints[rows, 1], fingerprints[rows, 0]))]


def _time(article: Article) -> float:
    return article.published.timestamp() if article.published else np.inf


def seconds_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Seconds since 1970 of each article, NaN where it has no date."""
    return np.array([a.published.timestamp() if a.published else np.nan for a in articles], np.float64)


def times_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Days since 1970 of each article, NaN where it has no date."""
    return seconds_of(articles) / DAY


class Centres(NamedTuple):
    """What stands for each group of rows."""

    medoids: NDArray[np.int64]  # row of the member most like the group: longest, then earliest, among equals
    cohesions: NDArray[np.float64]  # mean cosine of the members with the sum of them all
    likenesses: NDArray[np.float64]  # mean cosine of the medoid with the other members, 1 if there is none


def centres(vectors: sparse.csr_array, labels: NDArray[np.int64], articles: Sequence[Article]) -> Centres:
    """Find the middle of each group of articles, and how close its members lie to it."""
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
    return Centres(medoids, cohesions, likenesses)


def fullest(articles: Sequence[Article], row: int, members: NDArray[np.int64]) -> int:
    """Find the fullest version of an article: the longest member that tells all it tells, and more.

    That is one that opens with its text or holds nine tenths of its word 5-grams; and then of that one, until
    none is longer. Among equally long ones the earliest counts, then the first by text, title and id.
    """
    while True:
        text = articles[row].content
        longer = [other for other in members.tolist() if len(articles[other].content) > len(text)]
        if not text.strip() or not longer:
            return row
        texts = [text, *(articles[other].content for other in longer)]
        pairs = np.column_stack((np.zeros(len(longer), np.int64), np.arange(1, len(texts))))
        sets = ShingleSets.from_texts(texts, SHINGLE_SIZE)
        shares = jaccard_pairs(sets, pairs, VERSION, contained=True)
        versions = [
            other
            for other, whole, share in zip(longer, texts[1:], shares, strict=True)
            if share or whole.startswith(text)
        ]
        if not versions:
            return row
        versions = canonical_order(articles, np.array(versions)).tolist()
        row = min(versions, key=lambda other: (-len(articles[other].content), _time(articles[other])))


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
            if len(rows) > 2:  # of two, both are equally like
                closeness[row] = product
        cohesions[group] = np.sqrt(square) / len(rows)
        for row in rows:
            for k in range(indptr[row], indptr[row + 1]):
                total[indices[k]] = 0.0
    return closeness, cohesions
