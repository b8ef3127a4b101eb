"""Orders of articles that no input order can change, and their dates as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article

if TYPE_CHECKING:
    from numpy.typing import NDArray


DAY = 86_400.0


def canonical_order(articles: Sequence[Article], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put rows in an order that depends on what the articles say, not on where they stand."""

    def key(row: int) -> tuple[str, str, float, str]:
        article = articles[row]
        return article.text, article.title, time_of(article), article.id

    return np.array(sorted(rows.tolist(), key=key), dtype=np.int64)


def fingerprint_order(fingerprints: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put rows of different texts in the order of their fingerprints, which means nothing.

    Unlike `canonical_order` it needs no text, so that articles that lie on many machines can be put in it.
    """
    return rows[np.lexsort((fingerprints[rows, 1], fingerprints[rows, 0]))]


def time_of(article: Article) -> float:
    """Seconds since 1970 of an article's date; infinite without one, so that it sorts last."""
    return article.published.timestamp() if article.published else np.inf


def seconds_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Seconds since 1970 of each article, NaN where it has no date."""
    return np.array([a.published.timestamp() if a.published else np.nan for a in articles], np.float64)


def times_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Days since 1970 of each article, NaN where it has no date."""
    return seconds_of(articles) / DAY
