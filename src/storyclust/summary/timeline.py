"""Timelines: for each event of a thread, the sentence that states what is new in it.

It is the sentence nearest to the centroid of the event's articles and titles, as in summaries. Words are
weighted by their rarity in the whole thread, so that what all events mention counts little. A sentence is
penalized for its similarity to earlier lines.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order
from storyclust.summary.sentence_checks import OPENING_QUOTES, refers_back
from storyclust.summary.sentence_terms import (
    TermRows,
    centroid_of,
    distinct_terms,
    hash_stems,
    number_terms,
    term_weights,
)
from storyclust.summary.summarizer import (
    Sentence,
    SummarySentence,
    good_sentences,
    read_sentences,
)
from storyclust.text.codepoints import codepoint_table
from storyclust.text.headline import clean_titles
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

TITLE_POSITION = -1
SENTENCES_READ = 5  # of each article
MAX_LINE_WORDS = 40.0  # a longer sentence becomes a line only if there is no shorter one
LINE_POSITION_DECAY = 0.4  # a sentence at position k counts (1 + k) ** -0.4
MAX_COMPARED = 10  # sentences of an event that are compared with earlier lines
EARLIER_LINES = 32  # that they are compared with
RECURRING, REPORTED, NEW = range(3)  # novelty of a sentence
RECURRING_EVENTS = 3  # events from which a sentence in all of them is page furniture
UNRELATED_COSINE = 0.2  # cosine of two lines up to which nothing counts as repeated
REPETITION_PENALTY = 1.5  # per unit of cosine beyond that, times the centrality of the nearest sentence

Vector = dict[int, float]


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One event of a thread in one sentence.

    Attributes
    ----------
    when : datetime or None
        Time of its first dated article.
    event : int
        Label of the event.
    sentence : SummarySentence
    """

    when: datetime | None
    event: int
    sentence: SummarySentence

    def __str__(self) -> str:
        return f"{self.when:%Y-%m-%d} {self.sentence}" if self.when else str(self.sentence)


def line_of_each(
    events: Sequence[Sequence[int]], articles: Sequence[Article]
) -> list[SummarySentence | None]:
    """Find the sentence of each event.

    Parameters
    ----------
    events : sequence of sequence of int
        Rows of the articles of each event, in the order of the timeline.
    articles : sequence of Article

    Returns
    -------
    lines : list of SummarySentence or None
        None for an event whose articles have no text. Among equally good sentences that of the first article
        is taken.
    """
    rows = [row for event in events for row in canonical_order(articles, np.array(event)).tolist()]
    reports = [articles[row] for row in rows]
    titles = [Sentence(k, TITLE_POSITION, title, 0, 0, 0.0) for k, title in enumerate(clean_titles(reports))]
    read = sorted([*titles, *read_sentences(reports, 0.0, SENTENCES_READ)])
    tokens = hash_tokens([sentence.string for sentence in read])
    ids, first = number_terms(hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table()))
    bounds, terms = distinct_terms(ids, tokens.indptr, len(first))
    weights = term_weights(bounds, terms, len(first), np.ones(len(read), np.bool_))
    begins = np.searchsorted([sentence.article for sentence in read], np.cumsum([0, *map(len, events)]))
    novelty = _novelty(bounds, terms, begins)
    lines: list[SummarySentence | None] = []
    earlier: list[Vector] = []
    for low, high in itertools.pairwise(begins.tolist()):
        of_event = TermRows(bounds[low : high + 1], terms, weights)
        centrality = _centrality(read[low:high], of_event, novelty[low:high])
        nearest = np.argsort(-centrality.round(9), kind="stable")[:MAX_COMPARED].tolist()
        vectors = {
            row: {term: weights[term] for term in terms[bounds[low + row] : bounds[low + row + 1]].tolist()}
            for row in nearest
            if centrality[row] >= 0
        }
        if not vectors:
            lines.append(None)
            continue
        chosen = _least_repetitive(vectors, centrality, earlier)
        earlier = [*earlier, vectors[chosen]][-EARLIER_LINES:]
        found = read[low + chosen]
        lines.append(SummarySentence(found.string, rows[found.article], found.start, found.end))
    return lines


def _novelty(
    bounds: NDArray[np.int64], terms: NDArray[np.int64], begins: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Novelty of each title or sentence: RECURRING in many events, REPORTED in an earlier one, or NEW."""
    keys = [frozenset(terms[low:high].tolist()) for low, high in itertools.pairwise(bounds.tolist())]
    of_row = np.repeat(np.arange(len(begins) - 1), np.diff(begins)).tolist()
    events: dict[frozenset[int], list[int]] = {}
    for key, event in zip(keys, of_row, strict=True):
        if event not in events.setdefault(key, [])[-1:]:
            events[key].append(event)
    return np.array(
        [
            RECURRING
            if len(events[key]) >= RECURRING_EVENTS
            else NEW
            if events[key][0] == event
            else REPORTED
            for key, event in zip(keys, of_row, strict=True)
        ]
    )


def _centrality(read: Sequence[Sentence], rows: TermRows, novelty: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosine of an event's sentences to its centroid, times a position decay; -1 where they make no line."""
    bounds, terms, weights = rows
    sentences = [sentence for sentence in read if sentence.position != TITLE_POSITION]
    good = set(good_sentences(sentences))
    is_good = np.array([sentence in good for sentence in read])
    is_title = np.array([sentence.position == TITLE_POSITION for sentence in read])
    article = np.array([sentence.article for sentence in read])
    position = np.maximum([sentence.position for sentence in read], 0)
    distinct, local = np.unique(terms[bounds[0] : bounds[-1]], return_inverse=True)
    bounds, weights = bounds - bounds[0], weights[distinct]
    centroid = centroid_of(TermRows(bounds, local, weights), article, position, is_good | is_title)
    row = np.repeat(np.arange(len(read)), np.diff(bounds))
    inner = np.bincount(row, weights[local] * centroid[local], len(read))
    square = np.bincount(row, weights[local] ** 2, len(read))
    cosine = inner / np.sqrt(np.maximum(square, 1e-12)) * (1.0 + position) ** -LINE_POSITION_DECAY
    stands = np.array([_stands_alone(sentence) for sentence in read])
    short = np.array([sentence.n_words <= MAX_LINE_WORDS for sentence in read])
    new, reported = is_good & (novelty == NEW), is_good & (novelty == REPORTED)
    other = (novelty == NEW) & short & ~is_title  # even if not well formed
    usable = next(filter(np.any, (new & stands & short, new & stands, new, reported, other)), is_good)
    return np.where(usable, cosine, -1.0)


def _stands_alone(sentence: Sentence) -> bool:
    """Whether a sentence can be read by itself: complete, no quotation, and without a back reference."""
    string = sentence.string
    return not (string.startswith(OPENING_QUOTES) or string.endswith(("…", "...")) or refers_back(string))


def _least_repetitive(
    vectors: dict[int, Vector], centrality: NDArray[np.float64], earlier: Sequence[Vector]
) -> int:
    """The sentence of the largest centrality less a penalty for repeating earlier lines.

    This is maximal marginal relevance: J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking
    for reordering documents and producing summaries", SIGIR 1998.
    """
    value = {}
    for row, vector in vectors.items():
        repeated = max([UNRELATED_COSINE, *(_cosine(vector, line) for line in earlier)]) - UNRELATED_COSINE
        value[row] = round(centrality[row] - REPETITION_PENALTY * centrality.max() * repeated, 9)
    return max(value, key=value.__getitem__)


def _cosine(one: Vector, other: Vector) -> float:
    shared = sum(weight * weight for term, weight in one.items() if term in other)
    lengths = sum(w * w for w in one.values()) * sum(w * w for w in other.values())
    return shared / math.sqrt(lengths) if shared else 0.0
