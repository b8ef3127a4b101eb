"""Timelines: of each event of a thread the sentence that says what is new in it.

It is the one nearest to what the event's articles and their titles agree on, as in summaries; but words
weigh by how rare they are in the whole thread, so that what every event speaks of counts for little, and
a sentence that says nearly what a line before it says is passed over for another.
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
from storyclust.summary.sentence_terms import (
    centroid_of,
    distinct_terms,
    hash_stems,
    number_terms,
    term_weights,
)
from storyclust.summary.summarizer import Candidate, SummarySentence, good_sentences, leans, read_sentences
from storyclust.text.headline import clean_titles
from storyclust.text.tokens import codepoint_table, hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

TITLE = -1  # place of a title
QUOTES = tuple("\"'“‘„«「『")
READ = 5  # leading sentences of each article
USUAL = 40.0  # words; a longer sentence is a line only where there is no shorter one
EARLY = 0.4  # the sentence at place k counts (1 + k) to the power of minus this
SHORT_LIST = 10  # sentences of an event that are compared with the lines before
FURNITURE, TOLD, NEW = range(3)
MANY = 3  # events in which a sentence stands that is the news of none
BEFORE = 32  # lines before that they are compared with
USUALLY = 0.2  # cosine of lines that repeat nothing
REPEATED = 1.5  # what a cosine beyond it takes off, against that of the nearest sentence


Vector = dict[int, float]


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One event of a thread in one sentence.

    Attributes
    ----------
    when : datetime or None
        When its first dated article was published.
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
    """Find the sentence of each event, from the rows of its articles; None where they have no text.

    Events come in the order of the timeline; of equally good sentences the first article's is taken.
    """
    rows = [row for event in events for row in canonical_order(articles, np.array(event)).tolist()]
    told = [articles[row] for row in rows]
    titles = [Candidate(k, TITLE, title, 0, 0, 0.0) for k, title in enumerate(clean_titles(told))]
    read = sorted([*titles, *read_sentences(told, 0.0, READ)])
    tokens = hash_tokens([candidate.string for candidate in read])
    ids, first = number_terms(hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table()))
    bounds, terms = distinct_terms(ids, tokens.indptr, len(first))
    weights = term_weights(bounds, terms, len(first), np.ones(len(read), np.bool_))
    begins = np.searchsorted([c.article for c in read], np.cumsum([0, *map(len, events)]))
    novelty = _novelty(bounds, terms, begins)
    lines: list[SummarySentence | None] = []
    said: list[Vector] = []
    for low, high in itertools.pairwise(begins.tolist()):
        closeness = _closeness(read[low:high], bounds[low : high + 1], terms, weights, novelty[low:high])
        nearest = np.argsort(-closeness.round(9), kind="stable")[:SHORT_LIST].tolist()
        vectors = {
            row: {term: weights[term] for term in terms[bounds[low + row] : bounds[low + row + 1]].tolist()}
            for row in nearest
            if closeness[row] >= 0
        }
        if not vectors:
            lines.append(None)
            continue
        chosen = _newest(vectors, closeness, said)
        said = [*said, vectors[chosen]][-BEFORE:]
        found = read[low + chosen]
        lines.append(SummarySentence(found.string, rows[found.article], found.start, found.end))
    return lines


def _novelty(
    bounds: NDArray[np.int64], terms: NDArray[np.int64], begins: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How new each title or sentence is: FURNITURE stands in many events, TOLD in one before, else NEW."""
    keys = [frozenset(terms[low:high].tolist()) for low, high in itertools.pairwise(bounds.tolist())]
    of_row = np.repeat(np.arange(len(begins) - 1), np.diff(begins)).tolist()
    events: dict[frozenset[int], list[int]] = {}
    for key, event in zip(keys, of_row, strict=True):
        if event not in events.setdefault(key, [])[-1:]:
            events[key].append(event)
    return np.array(
        [
            FURNITURE if len(events[key]) >= MANY else (NEW if events[key][0] == event else TOLD)
            for key, event in zip(keys, of_row, strict=True)
        ]
    )


def _closeness(
    read: Sequence[Candidate],
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    novelty: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosine of an event's sentences with its centroid, less for later ones; -1 of what makes no line."""
    sentences = [candidate for candidate in read if candidate.position != TITLE]
    good = set(good_sentences(sentences))
    is_good = np.array([candidate in good for candidate in read])
    is_title = np.array([candidate.position == TITLE for candidate in read])
    article = np.array([candidate.article for candidate in read])
    position = np.maximum([candidate.position for candidate in read], 0)
    distinct, local = np.unique(terms[bounds[0] : bounds[-1]], return_inverse=True)
    bounds, weights = bounds - bounds[0], weights[distinct]
    centroid = centroid_of(bounds, local, weights, article, position, is_good | is_title)
    row = np.repeat(np.arange(len(read)), np.diff(bounds))
    inner = np.bincount(row, weights[local] * centroid[local], len(read))
    square = np.bincount(row, weights[local] ** 2, len(read))
    cosine = inner / np.sqrt(np.maximum(square, 1e-12)) * (1.0 + position) ** -EARLY
    stands = np.array([_stands_alone(candidate) for candidate in read])
    short = np.array([candidate.words <= USUAL for candidate in read])
    news, told = is_good & (novelty == NEW), is_good & (novelty == TOLD)
    other = (novelty == NEW) & short & ~is_title  # whatever it looks like
    usable = next(filter(np.any, (news & stands & short, news & stands, news, told, other)), is_good)
    return np.where(usable, cosine, -1.0)


def _stands_alone(candidate: Candidate) -> bool:
    """Whether a sentence can be read by itself: it is whole, no quotation, and leans on none before it."""
    string = candidate.string
    return not (string.startswith(QUOTES) or string.endswith(("…", "...")) or leans(string))


def _newest(vectors: dict[int, Vector], closeness: NDArray[np.float64], said: Sequence[Vector]) -> int:
    """Of sentences, nearest first, the one that is nearest in spite of what it repeats."""
    worth = {}
    for row, vector in vectors.items():
        repeated = max([USUALLY, *(_cosine(vector, line) for line in said)]) - USUALLY
        worth[row] = round(closeness[row] - REPEATED * closeness.max() * repeated, 9)
    return max(worth, key=worth.__getitem__)


def _cosine(one: Vector, other: Vector) -> float:
    shared = sum(weight * weight for term, weight in one.items() if term in other)
    lengths = sum(w * w for w in one.values()) * sum(w * w for w in other.values())
    return shared / math.sqrt(lengths) if shared else 0.0
