"""What stands for a group of articles: an order that no input order can change, the medoid, the cohesion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.article import Article

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 86_400.0


def canonical_order(articles: Sequence[Article], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put rows in an order that depends on what the articles say, not on where they stand."""

    def key(row: int) -> tuple[str, str, float, str]:
        article = articles[row]
        when = article.published.timestamp() if article.published else np.inf
        return article.text, article.title, when, article.id

    return np.array(sorted(rows.tolist(), key=key), dtype=np.int64)


def times_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Days since 1970 of each article, NaN where it has no date."""
    return np.array([a.published.timestamp() / DAY if a.published else np.nan for a in articles])


class Centres(NamedTuple):
    """What stands for each group of rows."""

    medoids: NDArray[np.int64]  # row of the member most like the group: longest, then earliest, among equals
    cohesions: NDArray[np.float64]  # mean cosine of the members with the sum of them all


def centres(vectors: sparse.csr_array, labels: NDArray[np.int64], articles: Sequence[Article]) -> Centres:
    """Find the middle of each group of articles, and how close its members lie to it."""
    n, n_groups = len(labels), int(labels.max(initial=-1)) + 1
    sizes = np.bincount(labels, minlength=n_groups)
    belongs = sparse.csr_array((np.ones(n), (labels, np.arange(n))), shape=(n_groups, n))
    sums = sparse.csr_array(belongs @ vectors)
    lengths = np.sqrt(np.asarray(sums.multiply(sums).sum(axis=1)).ravel())
    cohesions = np.where(sizes > 1, lengths / np.maximum(sizes, 1), 1.0)
    closeness = np.zeros(n)
    shared = np.flatnonzero(sizes[labels] > 2)  # of two, both are equally like
    if len(shared):
        closeness[shared] = np.asarray(vectors[shared].multiply(sums[labels[shared]]).sum(axis=1)).ravel()
    length = np.array([len(article.text) for article in articles])
    when = np.nan_to_num(times_of(articles), nan=np.inf)
    order = np.lexsort((np.arange(n), when, -length, -closeness.round(9), labels))
    _, first = np.unique(labels[order], return_index=True)
    return Centres(order[first], cohesions)
