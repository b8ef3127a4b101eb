"""Links between articles that report the same happening, with the relation and the evidence.

Copies and excerpts come from the `Deduplicator`. Independent reports of one happening share no sentence, but
names, figures and subject terms. Two such articles are linked if they were published close in time and the
cosine of their TF-IDF vectors, corrected for background similarity, is high enough.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

from storyclust._core.validation import check_bool, check_float
from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order, times_of
from storyclust.articles.records import as_articles
from storyclust.cluster.background_similarity import corrected_similarity_graph
from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.dedup.evidence import Passage, explain
from storyclust.dedup.groups import group_twins, sort_pairs
from storyclust.dedup.settings import EXCERPT
from storyclust.stories.settings import EVENT_WINDOW, LINK_SIMILARITY, check_window
from storyclust.text.features import PAIR_BIT, stop_hashes
from storyclust.text.furniture import find_furniture, without_spans
from storyclust.text.language import group_languages
from storyclust.text.terms import Terms, is_name, parts_of
from storyclust.text.vectorize import BaseVectorizer

Value = TypeVar("Value")

MAX_SHARED_TERMS = 12
REMEMBERED = 256  # pairs of texts whose evidence is held: links of one article follow one another
SHARED_TERM_CANDIDATES = 60  # strongest terms for which written forms are looked up
FIRST_UNSPACED = "\u3000"  # characters from here on are of scripts without spaces
HIRAGANA = re.compile("[ぁ-ゟ]")
PAIR_BONUS = 1.5  # a pair of words ("Yoko Kamikawa") is more specific than one ("Kamikawa")


class Link:
    """Two articles that report the same happening.

    Attributes
    ----------
    a, b : int
        Rows of the articles, ``a < b``.
    relation : {'exact', 'near', 'excerpt', 'overlap'}
        'exact' means equal token sequences, 'near' near-duplicates. 'excerpt' means that most of one
        article's shingles occur in the other. 'overlap' means independent reports of the same happening.
    similarity : float
        Jaccard similarity of copies, containment of excerpts, or the cosine of independent reports corrected
        for background similarity.
    """

    def __init__(
        self,
        a: int,
        b: int,
        relation: str,
        similarity: float,
        articles: Sequence[Article],
        evidence: LinkEvidence,
    ) -> None:
        self.a = a
        self.b = b
        self.relation = relation
        self.similarity = similarity
        self._articles = articles
        self._evidence = evidence

    def __repr__(self) -> str:
        return f"Link({self.a}, {self.b}, {self.relation!r}, {self.similarity:.3f})"

    @property
    def gap(self) -> timedelta | None:
        """Time between the two publications, None where one has no date."""
        first, second = self._articles[self.a].published, self._articles[self.b].published
        return abs(first - second) if first and second else None

    @functools.cached_property
    def shared_terms(self) -> tuple[str, ...]:
        """Words and pairs of words that occur in both, as they are written: names first, then by weight."""
        return self._evidence.shared_terms(self._articles, self.a, self.b)

    @functools.cached_property
    def shared_passages(self) -> tuple[Passage, ...]:
        """Sequences of at least five words that occur in both, longest first."""
        return self._evidence.shared_passages(self._articles, self.a, self.b)


class LinkEvidence:
    """What two articles share, computed once for all links between equal pairs of texts.

    Thousands of copies of one text have links with the same evidence.

    Parameters
    ----------
    languages : sequence of str
        Language of each article.
    vectorizer : BaseVectorizer
    """

    def __init__(self, languages: Sequence[str], vectorizer: BaseVectorizer) -> None:
        self._languages = languages
        self._vectorizer = vectorizer
        self._terms: OrderedDict[Any, tuple[str, ...]] = OrderedDict()
        self._passages: OrderedDict[Any, tuple[Passage, ...]] = OrderedDict()

    def shared_terms(self, articles: Sequence[Article], a: int, b: int) -> tuple[str, ...]:
        """Terms that two articles share; see the function of that name."""
        pair, languages = (articles[a], articles[b]), (self._languages[a], self._languages[b])
        key = (*((article.title, article.text) for article in pair), languages)
        return remember(self._terms, key, lambda: shared_terms(*pair, languages, self._vectorizer))

    def shared_passages(self, articles: Sequence[Article], a: int, b: int) -> tuple[Passage, ...]:
        """Passages that two articles share; see `explain`."""
        key = articles[a].content, articles[b].content
        return remember(self._passages, key, lambda: explain(articles[a], articles[b]).passages)


def remember(known: OrderedDict[Any, Value], key: Any, compute: Callable[[], Value]) -> Value:
    """Look a value up, or compute it and forget the oldest of `REMEMBERED` values."""
    if key not in known:
        known[key] = compute()
        if len(known) > REMEMBERED:
            known.popitem(last=False)
    return known[key]


def coverage_links(
    articles: Iterable[Any],
    min_similarity: float = LINK_SIMILARITY,
    event_window: float | None = EVENT_WINDOW,
    clean: bool = True,
    n_jobs: int | None = None,
    min_containment: float = EXCERPT,
) -> list[Link]:
    """Link articles that report the same happening.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        The articles; see `as_articles`.
    min_similarity : float in (0, 1], default=0.16
        Smallest similarity at which two independent articles are linked: their cosine, corrected for
        background similarity as in `StoryClusterer`. A larger value gives fewer, more precise links (see
        Notes).
    event_window : float or None, default=7.0
        Largest number of days between two dated independent articles that are linked. None means no limit.
        Copies and excerpts, and articles without a date, are linked whatever time lies between them.
    clean : bool, default=True
        Leave page furniture out of the similarity of independent articles; see `find_furniture`.
    n_jobs : int or None, default=None
        Number of threads. None means 1, -1 means all cores. The result does not depend on it.
    min_containment : float in (0, 1], default=0.8
        Least share of an excerpt's shingles that occur in the longer article.

    Returns
    -------
    links : list of Link
        Sorted by ``(a, b)``. Each pair of articles has one link at most. Of equal texts, each is linked to
        one of them only: the kept article if that is among them, else the first. Only this one is linked to
        other texts.

    Raises
    ------
    InputError
        If a parameter is out of range, or an element of `articles` is not an article.

    See Also
    --------
    StoryClusterer : Group articles, instead of linking pairs.
    Deduplicator : Find only copies and excerpts.
    explain : Compare the texts of two articles.

    Notes
    -----
    Independent articles are those that are not copies. Each group of copies is represented by its earliest
    article, and only representatives are compared for links of the relation 'overlap'.

    On the development sets, precision is the share of these links that join articles of one story, and
    recall the share of such pairs that are linked:

    ================  =========  ======
    `min_similarity`  precision  recall
    ================  =========  ======
    0.12              0.92       0.63
    0.16              0.95       0.53
    0.20              0.97       0.43
    ================  =========  ======

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
    window = check_window(event_window)
    listed = as_articles(articles)
    dedup = BaseDeduplicator(n_jobs=n_jobs, min_containment=min_containment).fit(listed)
    kept = canonical_order(listed, np.flatnonzero(dedup.keep_))
    vectorizer = BaseVectorizer(n_jobs=n_jobs)
    independent = [listed[row] for row in kept]
    if check_bool("clean", clean):
        independent = without_spans(independent, find_furniture(independent, n_jobs))
    counted = list(listed)
    for row, article in zip(kept.tolist(), independent, strict=True):
        counted[row] = article
    vectors = vectorizer.fit_transform(independent)
    graph = sparse.triu(corrected_similarity_graph(vectors, vectorizer.groups_, least, n_jobs=n_jobs)).tocoo()
    times = times_of(independent)
    near = ~(np.abs(times[graph.row] - times[graph.col]) > window)  # also where a date is missing

    found: dict[tuple[int, int], tuple[str, float]] = {}
    for i, j, similarity in zip(kept[graph.row[near]], kept[graph.col[near]], graph.data[near], strict=True):
        found[min(i, j), max(i, j)] = "overlap", float(similarity)
    for (i, j), share in zip(dedup.excerpts_, dedup.containments_, strict=True):
        found[min(i, j), max(i, j)] = "excerpt", float(share)
    found |= copy_relations(dedup)
    # Thousands of copies of one text have one language.
    distinct = {(article.title, article.text, article.lang): article for article in listed}
    named = dict(zip(distinct, group_languages(list(distinct.values())), strict=True))
    evidence = LinkEvidence([named[a.title, a.text, a.lang] for a in listed], vectorizer)
    return [Link(int(a), int(b), *found[a, b], counted, evidence) for a, b in sorted(found)]


def copy_relations(dedup: BaseDeduplicator) -> dict[tuple[int, int], tuple[str, float]]:
    """Relation and similarity of copies, where equal texts are linked to one of them, not to one another."""
    twins = group_twins(dedup.fingerprints_)
    classes, heads = twins.classes, twins.heads
    kept = np.flatnonzero(dedup.keep_)
    heads[classes[kept]] = kept  # no two articles that are kept have equal texts
    head_of = heads[classes]
    relations: dict[tuple[int, int], tuple[str, float]] = {}
    pairs, similarities = sort_pairs(np.sort(head_of[dedup.pairs_], axis=1), dedup.similarities_)
    for (i, j), similarity in zip(pairs.tolist(), similarities.tolist(), strict=True):
        if i != j:
            relations[i, j] = "exact" if similarity == 1.0 else "near", similarity
    for row in np.flatnonzero(head_of != np.arange(len(head_of))).tolist():
        head = int(head_of[row])
        relations[min(row, head), max(row, head)] = "exact", 1.0
    return relations


def shared_terms(
    a: Article,
    b: Article,
    languages: tuple[str, str],
    vectorizer: BaseVectorizer,
    most: int = MAX_SHARED_TERMS,
) -> tuple[str, ...]:
    """Words and pairs of words that two articles share: names first, then by weight.

    No word of one term occurs in another. In scripts without spaces terms are pairs of characters:
    overlapping pairs are joined, and pairs with Hiragana are left out.
    """
    stop = np.union1d(*(stop_hashes(language) for language in languages))
    terms_a, terms_b = Terms.of(a, stop), Terms.of(b, stop)
    common, in_a, in_b = np.intersect1d(
        terms_a.distinct, terms_b.distinct, assume_unique=True, return_indices=True
    )
    counts = np.minimum(terms_a.counts[in_a], terms_b.counts[in_b])
    bonus = np.where(common >= PAIR_BIT, PAIR_BONUS, 1.0)
    idf = np.minimum(*(vectorizer.idf_of(common, language) for language in languages))
    strength = idf * np.sqrt(1 + np.log(counts)) * bonus
    ranked = []
    for k in np.argsort(-strength, kind="stable")[:SHARED_TERM_CANDIDATES]:
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
    return tuple(join_overlapping(shown, (a.content, b.content))[:most])


def join_overlapping(terms: list[str], texts: tuple[str, str]) -> list[str]:
    """Join overlapping pairs of characters to words, as long as both texts contain the result.

    Examples
    --------
    >>> join_overlapping(["内細", "転車", "自転", "Tokyo"], ("自転車 内細", "自転車 内細"))
    ['内細', '自転車', 'Tokyo']
    """
    words, left = [], list(terms)
    while left:
        word = left.pop(0)
        while longer := next(_extensions(word, left, texts), None):
            word, piece = longer
            left.remove(piece)
        words.append(word)
    return words


def _extensions(word: str, pieces: list[str], texts: tuple[str, str]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        if len(piece) == 2 and min(word + piece) >= FIRST_UNSPACED:
            for whole, overlap in (
                (word + piece[1], word[-1] == piece[0]),
                (piece[0] + word, piece[1] == word[0]),
            ):
                if overlap and all(whole in text for text in texts):
                    yield whole, piece
