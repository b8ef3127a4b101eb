"""Stores a revision of an article, and updates its copies.

A revised article stays in its event. A copy that no longer matches its original becomes independent. When an
original is revised, copies that no longer match it get the earliest of them as their original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storyclust._core.parallel import beside
from storyclust.articles.article import Article
from storyclust.articles.ordering import times_of
from storyclust.dedup.compared import compared_texts
from storyclust.store.copy_lookup import Keys, new_text_similarities, relation_of
from storyclust.store.group_reading import read_scales, read_threads
from storyclust.store.page_furniture import count_change
from storyclust.store.tables import Known, Tables, store_derived
from storyclust.store.weights import find_article_terms
from storyclust.store.working_set import Counted, Derived, WorkingSet, derived_of
from storyclust.text.language import group_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray


def revise(tables: Tables, memory: WorkingSet, known: Known, article: Article) -> None:
    """Store a newer version of an article, in tables and memory."""
    read_threads(tables.connection, memory.article_index, memory.structure, [known.thread])
    read_scales(tables.connection, memory.article_index, [known.number])
    former_source = tables.article(known.number).source
    tables.revise(known, article, beside(group_languages, [article])[0])
    if known.original is None:
        if memory.furniture is not None:
            count_change(tables.connection, former_source)
        _enter(tables, memory, known.number, known.event, article)
        _reassign_copies(tables, memory, known, article)
    else:
        _compare_with_original(tables, memory, known, article, known.original)
    beside(memory.structure.recount, memory.article_index, known.event)
    tables.update_counts([known.event], [known.thread])


def _enter(tables: Tables, memory: WorkingSet, number: int, event: int, article: Article) -> None:
    """Index an independent article, in place of its former version, in an existing event."""
    rows, derived = beside(_replace_row, memory, number, article)
    index = memory.article_index
    index.events.values[rows] = event
    store_derived(tables.connection, [number], derived, index.null_similarity(rows).tolist())
    tables.put_scales(index, rows)


def _replace_row(
    memory: WorkingSet, number: int, article: Article
) -> tuple[NDArray[np.int64], list[Derived]]:
    """Index an article anew; returns its row, in an array, and what is stored of it."""
    index, counted = memory.article_index, Counted.of([article], memory.furniture)
    language = group_languages(counted.articles)
    keys = Keys.of(compared_texts([article]), memory.structure.settings.copy_threshold)
    article_terms = find_article_terms(counted.articles, language)
    former = memory.row_of.get(number)
    if former is not None:
        index.remove(np.array([former]))
    rows = index.add([number], times_of([article]), language, article_terms)
    index.add_keys(rows, keys.sizes, keys.keys)
    if former is not None:
        index.scales.carry_over(np.array([former]), rows)
    return rows, derived_of(keys, article_terms, language, counted.furniture)


def _compare_with_original(
    tables: Tables, memory: WorkingSet, known: Known, article: Article, original: int
) -> None:
    """Keep a revised copy if it still matches its original; else make it independent."""
    threshold = memory.structure.settings.copy_threshold
    keys = beside(Keys.of, compared_texts([article, tables.article(original)]), threshold)
    similarity = float(beside(new_text_similarities, keys, np.array([[0, 1]]), threshold)[0])
    if similarity > 0:
        tables.put_copies([(known.number, original, relation_of(similarity), similarity)])
    else:
        tables.drop_copy(known.number)
        _enter(tables, memory, known.number, known.event, article)


def _reassign_copies(tables: Tables, memory: WorkingSet, known: Known, article: Article) -> None:
    """Assign each copy of a revised original to the first text that it matches: the original or a copy."""
    copies = tables.copies_of(known.number)
    if not copies:
        return
    threshold = memory.structure.settings.copy_threshold
    numbers = [known.number, *copies]
    articles = [article, *map(tables.article, numbers[1:])]
    keys = beside(Keys.of, compared_texts(articles), threshold)
    unassigned = np.arange(1, len(articles))
    original = 0
    while len(unassigned):
        pairs = np.column_stack((np.full(len(unassigned), original), unassigned))
        similarities = beside(new_text_similarities, keys, pairs, threshold).tolist()
        tables.put_copies(
            (numbers[k], numbers[original], relation_of(similarity), similarity)
            for k, similarity in zip(unassigned.tolist(), similarities, strict=True)
            if similarity > 0
        )
        unassigned = unassigned[np.array(similarities) == 0]
        if len(unassigned):
            original, unassigned = int(unassigned[0]), unassigned[1:]
            tables.drop_copy(numbers[original])
            _enter(tables, memory, numbers[original], known.event, tables.article(numbers[original]))
