"""Article orders that are independent of the input order, and dates as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 86_400.0  # seconds


def canonical_order(articles: Sequence[Article], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort rows by the content of their articles, so that the result is independent of the input order."""

    def key(row: int) -> tuple[str, str, float, str]:
        article = articles[row]
        return article.text, article.title, time_of(article), article.id

    return np.array(sorted(rows.tolist(), key=key), dtype=np.int64)


def fingerprint_order(fingerprints: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort rows of different texts by their fingerprints.

    Unlike `canonical_order` this needs no texts, so it can order articles that are spread over machines.

    Parameters
    ----------
    fingerprints : uint64 array of shape (n, 2)
    rows : int64 array of shape (m,)
    """
    return rows[np.lexsort((fingerprints[rows, 1], fingerprints[rows, 0]))]


def time_of(article: Article) -> float:
    """Seconds since 1970 of an article's date; infinity if it is undated, so that it sorts last."""
    return article.published.timestamp() if article.published else np.inf


def seconds_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Seconds since 1970 of each article; NaN if it is undated."""
    return np.array([a.published.timestamp() if a.published else np.nan for a in articles], np.float64)


def times_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Days since 1970 of each article; NaN if it is undated."""
    return seconds_of(articles) / DAY
