"""Revising: what becomes of an article that says something else than before, and of its copies.

It stays in its event. A copy that says something else than its original is no copy any more; and where an
original changes, copies that say what it said before get the earliest of them for an original.
"""

from __future__ import annotations

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.store.copy_lookup import Keys, likeness, relation_of
from storyclust.store.tables import Known, Tables, store_derived
from storyclust.store.weights import hold
from storyclust.store.working_set import Memory, derived_of
from storyclust.text.language import group_languages


def revise(tables: Tables, memory: Memory, known: Known, article: Article) -> None:
    """Store a newer version of an article, in tables and memory."""
    tables.revise(known, article, group_languages([article])[0])
    if known.original is None:
        _enter(tables, memory, known.number, known.event, article)
        _settle_copies(tables, memory, known, article)
    else:
        _compare_with_original(tables, memory, known, article)
    memory.structure.count_again(memory.feed, known.event)
    tables.count([known.event], [known.thread])


def _enter(tables: Tables, memory: Memory, number: int, event: int, article: Article) -> None:
    """Give an article a new row, as one that is no copy, in an event that is there."""
    feed, language = memory.feed, group_languages([article])
    keys = Keys.of([article.content], memory.structure.settings.copy_threshold)
    held = hold([article], language)
    if number in memory.row_of:
        feed.remove(np.array([memory.row_of[number]]))
    rows = feed.add([number], times_of([article]), language, held)
    feed.add_keys(rows, keys.sizes, keys.keys)
    feed.events.values[rows] = event
    memory.row_of[number] = int(rows[0])
    store_derived(tables.connection, [number], derived_of(keys, held), feed.null_similarity(rows).tolist())


def _compare_with_original(tables: Tables, memory: Memory, known: Known, article: Article) -> None:
    """Let a copy be one of the same original still, or of none."""
    original = tables.article(known.original or 0)
    threshold = memory.structure.settings.copy_threshold
    keys = Keys.of([article.content, original.content], threshold)
    similarity = float(likeness(keys, np.array([[0, 1]]), threshold)[0])
    if similarity > 0:
        tables.put_copies([(known.number, known.original or 0, relation_of(similarity), similarity)])
    else:
        tables.drop_copy(known.number)
        _enter(tables, memory, known.number, known.event, article)


def _settle_copies(tables: Tables, memory: Memory, known: Known, article: Article) -> None:
    """Give each copy of an article that says something else now the first original that it is a copy of."""
    copies = tables.copies_of(known.number)
    if not copies:
        return
    threshold = memory.structure.settings.copy_threshold
    numbers = [known.number, *(number for number, _, _ in copies)]
    articles = [article, *(Article(text, title=title) for _, title, text in copies)]
    keys = Keys.of([each.content for each in articles], threshold)
    left = np.arange(1, len(articles))
    original = 0
    while len(left):
        pairs = np.column_stack((np.full(len(left), original), left))
        similarities = likeness(keys, pairs, threshold).tolist()
        tables.put_copies(
            (numbers[k], numbers[original], relation_of(similarity), similarity)
            for k, similarity in zip(left.tolist(), similarities, strict=True)
            if similarity > 0
        )
        left = left[np.array(similarities) == 0]
        if len(left):
            original, left = int(left[0]), left[1:]
            tables.drop_copy(numbers[original])
            _enter(tables, memory, numbers[original], known.event, tables.article(numbers[original]))
