"""Stored articles that are similar to a text that is not in the store."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from storyclust.articles.article import Article
from storyclust.dedup.compared import compared_texts
from storyclust.store.adding import LINK_SIMILARITY
from storyclust.store.copy_lookup import NONE, Keys, find_originals, relation_of
from storyclust.store.weights import find_article_terms
from storyclust.store.working_set import Counted, WorkingSet, texts_of
from storyclust.text.language import group_languages


class Similar(NamedTuple):
    """An article that is similar to a text.

    Attributes
    ----------
    id : str
    relation : {'exact', 'near', 'excerpt', 'overlap'}
    similarity : float
        Defined as in `Link`.
    """

    id: str
    relation: str
    similarity: float


def find_similar(
    article: Article, connection: sqlite3.Connection, memory: WorkingSet, limit: int
) -> list[Similar]:
    """Find stored articles that are similar to one that is not stored.

    Parameters
    ----------
    article : Article
    connection : sqlite3.Connection
        In a read transaction.
    memory : WorkingSet
    limit : int

    Returns
    -------
    list of Similar
        Copies first, then excerpts, then overlapping articles; closest first.
    """
    index, threshold = memory.article_index, memory.structure.settings.copy_threshold
    found: dict[int, tuple[int, str, float]] = {}  # by row: (rank of the relation, relation, similarity)
    counted = Counted.of([article], memory.furniture).articles
    language = group_languages(counted)[0]
    rows, similarities = index.like(language, find_article_terms(counted, [language]), LINK_SIMILARITY)
    for row, similarity in zip(rows.tolist(), similarities.tolist(), strict=True):
        found[row] = 2, "overlap", similarity
    texts = texts_of(connection, index)
    originals = find_originals(index, Keys.of(compared_texts([article]), threshold), texts, threshold, None)
    for _, row, share in originals.excerpts:
        found[row] = 1, "excerpt", share
    if originals.original[0] != NONE:
        similarity = float(originals.similarity[0])
        found[int(originals.original[0])] = 0, relation_of(similarity), similarity
    order = sorted(found, key=lambda row: (found[row][0], -found[row][2], row))[:limit]
    query = "SELECT id FROM articles WHERE number = ?"
    numbers = index.numbers.values
    ids = [connection.execute(query, (int(numbers[row]),)).fetchone()[0] for row in order]
    return [Similar(name, *found[row][1:]) for name, row in zip(ids, order, strict=True)]
