"""Coverage: pairs of articles that report the same thing, how they are related, and what shows it.

Copies and excerpts come from the `Deduplicator`. Two desks that wrote on one happening share no sentence, but
names, figures and the words of the matter: pairs of independent articles are linked when the cosine of their
TF-IDF vectors is high enough above what each shares with strangers, among those published near one another.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from scipy import sparse

from storyclust._core.validation import check_float
from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order, times_of
from storyclust.articles.records import as_articles
from storyclust.cluster.background_similarity import corrected_similarity_graph
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.dedup.evidence import Passage, explain
from storyclust.text.features import PAIR_BIT, stop_hashes
from storyclust.text.language import group_languages
from storyclust.text.terms import Terms, is_name, parts_of
from storyclust.text.vectorize import NewsVectorizer

MOST_TERMS = 12
SHORT_LIST = 60
DENSE = "\u3000"  # from here on, scripts without spaces
HIRAGANA = re.compile("[ぁ-ゟ]")
PAIR_BONUS = 1.5  # "Yoko Kamikawa" says more than "Kamikawa"


class Link:
    """Two articles about the same happening.

    Attributes
    ----------
    a, b : int
        Rows of the articles, a < b.
    relation : {'exact', 'near', 'excerpt', 'overlap'}
        Equal token sequences; near copies; a fifth or more of one's shingles stand in the other; or written
        apart on the same thing.
    similarity : float
        For copies the exact Jaccard similarity, for excerpts the containment, for overlapping coverage the
        cosine of the two vectors, counted from what they share with strangers.
    """

    def __init__(
        self,
        a: int,
        b: int,
        relation: str,
        similarity: float,
        articles: Sequence[Article],
        languages: tuple[str, str],
        vectorizer: NewsVectorizer,
    ) -> None:
        self.a = a
        self.b = b
        self.relation = relation
        self.similarity = similarity
        self._articles = articles
        self._languages = languages
        self._vectorizer = vectorizer

    def __repr__(self) -> str:
        return f"Link({self.a}, {self.b}, {self.relation!r}, {self.similarity:.3f})"

    @property
    def gap(self) -> timedelta | None:
        """Time between the two publications, None where one is undated."""
        first, second = self._articles[self.a].published, self._articles[self.b].published
        return abs(first - second) if first and second else None

    @functools.cached_property
    def shared_terms(self) -> tuple[str, ...]:
        """Words and pairs of words that both hold, as they are written: names first, weightiest first."""
        return shared_terms(self._articles[self.a], self._articles[self.b], self._languages, self._vectorizer)

    @functools.cached_property
    def shared_passages(self) -> tuple[Passage, ...]:
        """Runs of five words and more that stand in both, longest first."""
        return explain(self._articles[self.a], self._articles[self.b]).passages


def coverage_links(
    articles: Iterable[Any],
    min_similarity: float = 0.16,
    event_window: float | None = 7.0,
    n_jobs: int | None = None,
) -> list[Link]:
    """Link articles that report the same happening.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        See `as_articles`.
    min_similarity : float in (0, 1], default=0.16
        Similarity from which two independent articles are linked: their cosine, counted from what they
        share with strangers. At 0.16, 95% of the links of the development sets join articles of one story
        and 53% of all such pairs are linked; at 0.20 it is 97% and 43%, at 0.12 it is 92% and 63%.
    event_window : float or None, default=7.0
        Days between two dated articles beyond which they are not linked as overlapping coverage; copies
        and excerpts are linked whenever. None means no limit. An undated article may be linked with any.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.

    Returns
    -------
    links : list of Link
        Sorted by rows. Overlapping coverage is sought among articles that are not copies of one another:
        of a group of copies, the earliest stands for all.

    Raises
    ------
    InputError
        A parameter is out of range, or an article cannot be read as one.

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = [
    ...     {"title": "Ferry Selka hits pier", "text": "The ferry Selka hit the Aldmouth pier on Monday."},
    ...     {"title": "Pier struck by ferry", "text": "An Aldmouth pier was struck on Monday by the Selka."},
    ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
    ... ]
    >>> links = sc.coverage_links(articles)
    >>> links[0].relation, links[0].shared_terms[:2]
    ('overlap', ('Aldmouth', 'Selka'))
    """
    least = check_float("min_similarity", min_similarity, low=0, high=1, open_low=True)
    window = np.inf if event_window is None else check_float("event_window", event_window, low=0, high=np.inf)
    listed = as_articles(articles)
    dedup = Deduplicator(n_jobs=n_jobs).fit(listed)
    kept = canonical_order(listed, np.flatnonzero(dedup.keep_))
    vectorizer = NewsVectorizer(n_jobs=n_jobs)
    independent = [listed[row] for row in kept]
    vectors = vectorizer.fit_transform(independent)
    graph = sparse.triu(corrected_similarity_graph(vectors, vectorizer.groups_, least, n_jobs=n_jobs)).tocoo()
    times = times_of(independent)
    near = ~(np.abs(times[graph.row] - times[graph.col]) > window)  # also where a date is missing

    found: dict[tuple[int, int], tuple[str, float]] = {}
    for i, j, similarity in zip(kept[graph.row[near]], kept[graph.col[near]], graph.data[near], strict=True):
        found[min(i, j), max(i, j)] = "overlap", float(similarity)
    for (i, j), share in zip(dedup.excerpts_, dedup.containments_, strict=True):
        found[min(i, j), max(i, j)] = "excerpt", float(share)
    for (i, j), similarity in zip(dedup.pairs_, dedup.similarities_, strict=True):
        found[i, j] = "exact" if similarity == 1.0 else "near", float(similarity)
    names = group_languages(listed)
    return [
        Link(int(a), int(b), *found[a, b], listed, (names[a], names[b]), vectorizer) for a, b in sorted(found)
    ]


def shared_terms(
    a: Article, b: Article, languages: tuple[str, str], vectorizer: NewsVectorizer, most: int = MOST_TERMS
) -> tuple[str, ...]:
    """Words and pairs that two articles share: names first, then by weight; no word inside a pair shown.

    Where no spaces mark words, terms are pairs of characters: those that overlap are put together, and those
    with Hiragana left out.
    """
    stop = np.union1d(*(stop_hashes(language) for language in languages))
    terms_a, terms_b = Terms.of(a, stop), Terms.of(b, stop)
    common, in_a, in_b = np.intersect1d(
        terms_a.distinct, terms_b.distinct, assume_unique=True, return_indices=True
    )
    often = np.minimum(terms_a.counts[in_a], terms_b.counts[in_b])
    bonus = np.where(common >= PAIR_BIT, PAIR_BONUS, 1.0)
    idf = np.minimum(*(vectorizer.idf_of(common, language) for language in languages))
    strength = idf * np.sqrt(1 + np.log(often)) * bonus
    ranked = []
    for k in np.argsort(-strength, kind="stable")[:SHORT_LIST]:
        surfaces = terms_a.surfaces(common[k]) + terms_b.surfaces(common[k])
        surface = max(surfaces, key=lambda form: (surfaces[form], form))
        named = sum(n for form, n in surfaces.items() if is_name(form)) > 0.6 * surfaces.total()
        ranked.append((not named, -float(strength[k]), surface))
    shown: list[str] = []
    taken: set[str] = set()
    for _, weight, surface in sorted(ranked):
        parts = set(parts_of(surface.casefold()))
        if weight < 0 and not parts & taken and not HIRAGANA.search(surface):
            shown.append(surface)
            taken |= parts
    return tuple(put_together(shown, (a.content, b.content))[:most])


def put_together(terms: list[str], texts: tuple[str, str]) -> list[str]:
    """Make words of overlapping pairs of characters, as long as both texts hold them.

    Examples
    --------
    >>> put_together(["内細", "転車", "自転", "Tokyo"], ("自転車 内細", "自転車 内細"))
    ['内細', '自転車', 'Tokyo']
    """
    words, left = [], list(terms)
    while left:
        word = left.pop(0)
        while longer := next(_longer(word, left, texts), None):
            word, piece = longer
            left.remove(piece)
        words.append(word)
    return words


def _longer(word: str, pieces: list[str], texts: tuple[str, str]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        if len(piece) == 2 and min(word + piece) >= DENSE:
            for whole, overlap in (
                (word + piece[1], word[-1] == piece[0]),
                (piece[0] + word, piece[1] == word[0]),
            ):
                if overlap and all(whole in text for text in texts):
                    yield whole, piece
