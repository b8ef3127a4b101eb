"""The tree of a thread, and its strongest links with the shared terms and passages.

The tree is the linkage of the fit, and the links are its first merges. Similarities are those of
`coverage_links`; relations are those of `explain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.articles.article import Article
from storyclust.articles.ordering import fingerprint_order
from storyclust.dedup.alignment import character_places
from storyclust.dedup.evidence import compare
from storyclust.stories.coverage import shared_terms
from storyclust.text.features import WORD_MASK, pair_hashes, stop_hashes
from storyclust.text.terms import Terms, parts_of
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.threads import StoryThread

LEAVES = 60  # of the largest tree that is drawn
LINKS = 3  # of each thread
ALL_LINKS = 1_000  # in all
COMPARED = 20_000  # characters of each text that are compared

RELATIONS = ("exact", "near", "excerpt", "overlap")
TERM, PASSAGE = 1, 2


def tree_of(thread: StoryThread, leaves: dict[int, int]) -> list[int] | None:
    """Merges of a thread, each as three numbers: two nodes, and their distance in thousandths.

    The `n` leaves are the independent articles, whose rows `leaves` maps to numbers, or the events if there
    are too many articles to draw. Node ``n + k`` is merge `k`. None if there is nothing to draw.
    """
    n = len(thread.independent)
    if n > LEAVES:
        leaves = {row: k for k, event in enumerate(thread.events) for row in event.independent.tolist()}
        n = len(thread.events)
    if not 2 <= n <= LEAVES:
        return None
    node = [leaves[row] for row in thread.independent.tolist()]
    tree: list[int] = []
    for a, b, distance, _ in thread.linkage().tolist():
        one, other = sorted((node[int(a)], node[int(b)]))
        if one == other:  # within an event
            node.append(one)
            continue
        node.append(n + len(tree) // 3)
        tree += [one, other, round(1000 * distance)]
    return tree


class Links:
    """The strongest links of each thread, at most `ALL_LINKS` in all."""

    def __init__(self, stories: FittedStories, articles: Sequence[Article]) -> None:
        self.articles, self.stories = articles, stories
        self.vectorizer = stories.vectorizer_
        copies = stories.deduplicator_
        kept = fingerprint_order(copies.fingerprints_, np.flatnonzero(copies.keep_))  # the order of the fit
        self.language = np.empty(len(articles), np.int64)
        self.language[kept] = self.vectorizer.groups_
        self.left = ALL_LINKS
        self.missed = 0

    def of(self, thread: StoryThread, texts: dict[int, str]) -> list[list[Any]]:
        """Links of a thread, the strongest first.

        Parameters
        ----------
        thread : StoryThread
        texts : dict
            Text shown for each independent article, by row, in display order.

        Returns
        -------
        links : list of list
            For each link the positions of the two articles in `texts`, the number of the relation, the
            similarity in thousandths, the number of shared passages, the shared terms, why they are together,
            and the marks in either text.
        """
        pairs = thread.closest_pairs(LINKS)
        taken = pairs[: self.left]
        self.left -= len(taken)
        self.missed += len(pairs) - len(taken)
        place = {row: k for k, row in enumerate(texts)}
        return [self.link(*pair, place, texts) for pair in taken]

    def link(self, a: int, b: int, alike: float, place: dict[int, int], texts: dict[int, str]) -> list[Any]:
        """Describe a link."""
        a, b = sorted((a, b), key=place.__getitem__)
        pair = self.articles[a], self.articles[b]
        names = self.vectorizer.languages_
        languages = names[self.language[a]], names[self.language[b]]
        evidence = compare(pair[0].content[:COMPARED], pair[1].content[:COMPARED])
        terms = shared_terms(*pair, languages, self.vectorizer)
        relation = RELATIONS.index(evidence.relation) if evidence.relation in RELATIONS else 3
        similarity = (evidence.similarity, evidence.similarity, evidence.containment, alike)[relation]
        marks = marks_of(texts[a], texts[b], terms, languages)
        number = len(evidence.passages)
        why = " ".join(self.stories._explain([a, b], terms=False).reasons)
        return [place[a], place[b], relation, round(1000 * similarity), number, list(terms), why, *marks]


def marks_of(a: str, b: str, terms: Sequence[str], languages: tuple[str, str]) -> list[list[int]]:
    """Positions of shared passages and terms in two texts: a flat list of (start, end, kind) for each.

    Positions are characters, `end` is exclusive, and kind is 1 for terms, 2 for passages.

    Examples
    --------
    >>> marks_of("Selka hit a pier at noon", "Ships: Selka hit a pier. Noon", ["noon"], ("en", "en"))
    [[20, 24, 1], [25, 29, 1]]
    """
    stop = np.union1d(*map(stop_hashes, languages))
    wanted = term_hashes(terms)
    painted = [np.zeros(len(text), np.int8) for text in (a, b)]
    for paint, text in zip(painted, (a, b), strict=True):
        for start, end in term_places(text, wanted, stop):
            paint[start:end] = TERM
    for passage in compare(a, b).passages:
        painted[0][passage.start_a : passage.end_a] = PASSAGE
        painted[1][passage.start_b : passage.end_b] = PASSAGE
    return [stretches(paint) for paint in painted]


def term_hashes(terms: Sequence[str]) -> NDArray[np.uint64]:
    """Hashes of terms: of the pair for two words, of each n-gram for a script without spaces."""
    tokens = hash_tokens(terms)
    of_terms = np.split(tokens.hashes & WORD_MASK, tokens.indptr[1:-1])
    found = [
        pair_hashes(words[:1], words[1:]) if len(words) == len(parts_of(term)) == 2 else words
        for term, words in zip(terms, of_terms, strict=True)
    ]
    return np.concatenate([np.zeros(0, np.uint64), *found])


def term_places(text: str, wanted: NDArray[np.uint64], stop: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Start and end characters of the wanted terms in a text."""
    terms = Terms.of(Article(text), stop)
    begins, ends = character_places(f"\n{text}", np.frombuffer(terms.data, np.uint8))
    here = np.isin(terms.hashes, wanted)
    firsts, behind = begins[terms.starts[here]] - 1, ends[terms.ends[here]] - 1
    return list(zip(firsts.tolist(), behind.tolist(), strict=True))


def stretches(paint: NDArray[np.int8]) -> list[int]:
    """Run-length encode an array of kinds: start, end and kind of each run other than 0, in a flat list.

    Examples
    --------
    >>> stretches(np.array([0, 1, 1, 2, 0, 2], np.int8))
    [1, 3, 1, 3, 4, 2, 5, 6, 2]
    """
    edges = np.flatnonzero(np.diff(paint, prepend=np.int8(0), append=np.int8(0)))
    found: list[int] = []
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if paint[start]:
            found += [start, end, int(paint[start])]
    return found
