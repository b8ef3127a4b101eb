"""The fullest version of an article among its near-copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order, time_of
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION_SHINGLE_SIZE = 5
VERSION_CONTAINMENT = 0.9  # share of a text's shingles that a fuller version of it contains


def fullest(articles: Sequence[Article], row: int, members: NDArray[np.int64]) -> int:
    """Find the row of the fullest version of an article among the members of a group.

    A version is a longer member that begins with the article's text or contains nine tenths of its word
    5-grams. The longest is taken, then its own longest version, until there is none. Ties go to the earliest,
    then to the first by text, title and id.
    """
    while True:
        text = articles[row].content
        longer = [other for other in members.tolist() if len(articles[other].content) > len(text)]
        if not text.strip() or not longer:
            return row
        texts = [text, *(articles[other].content for other in longer)]
        pairs = np.column_stack((np.zeros(len(longer), np.int64), np.arange(1, len(texts))))
        sets = ShingleSets.from_texts(texts, VERSION_SHINGLE_SIZE)
        shares = jaccard_pairs(sets, pairs, VERSION_CONTAINMENT, contained=True)
        versions = [
            other
            for other, whole, share in zip(longer, texts[1:], shares, strict=True)
            if share or whole.startswith(text)
        ]
        if not versions:
            return row
        versions = canonical_order(articles, np.array(versions)).tolist()
        row = min(versions, key=lambda other: (-len(articles[other].content), time_of(articles[other])))
