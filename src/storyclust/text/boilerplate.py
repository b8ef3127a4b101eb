"""Page furniture: subscription boxes, links to other articles and the like, which are no part of an article.

Furniture makes unlike texts alike and copies unlike, so it can be left out before texts are compared. It
is known by two signs. A paragraph that recurs in otherwise different articles of one source belongs to the
page and not to the article; no list of words is needed for that. And a short line that opens with a cue, such
as "Subscribe to our newsletter", is furniture wherever it stands.

Copies and updates of one article share all their paragraphs, too. So an article bears witness to a
recurring paragraph only if most of its text is its own, and witnesses must be unlike one another.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise, takewhile

import numpy as np

from storyclust.articles.article import Article
from storyclust.text.boilerplate_cues import SHORT, SHORT_AT_EDGE, is_cue
from storyclust.text.paragraphs import _TOKEN, STOPS, Span, _blocks, count_words, split_paragraphs

WITNESSES = 3  # unlike articles of a source that a paragraph must recur in
WITNESSES_UNNAMED = 10  # of articles without a source, which have no page in common
RECURS = 0.003  # share of a source's articles: stock phrases recur in a large archive by chance
SHORT_RECURS, SHORT_WITNESSES = 0.1, 5  # ... so it must recur oftener ...
LABEL_RECURS = 0.01  # ... unless it is no sentence, holds no figure, and begins or ends articles
OWN = 0.5  # part of a witness that is its own, in characters
LIKE = 0.2  # part of its word pairs that a text shares with another from which the two are alike
SAMPLE = 3000  # characters of it that are compared
MIN_REMAINING = 0.2  # part of a text that must remain, else it is left whole


def find_furniture(articles: Sequence[Article]) -> list[tuple[Span, ...]]:
    r"""Find the page furniture of each article.

    Parameters
    ----------
    articles : sequence of Article
        Best all there are: a paragraph is known for furniture by the company it keeps.

    Returns
    -------
    spans : list of tuple of (int, int)
        For every article the stretches `text[start:end]` that are furniture, in order and apart from one
        another. Each takes the line breaks behind it along, or those before it at the end of a text.

    Notes
    -----
    A paragraph recurs if it stands in three articles of a source that are unlike one another, and in 0.3%
    of all its articles. One of fewer than 15 words, or 12 where it mostly begins or ends articles, may be
    there by chance: it must stand in five, and in 10%; in 1% if it begins or ends articles, is no sentence
    and holds no figure. All articles without a source count as one source, and need ten instead of three.

    Two articles are unlike if, in paragraphs that do not recur, they share less than a fifth of the word
    pairs of the shorter; these paragraphs must be half of an article for it to count at all.

    An article of which less than a fifth would remain is left whole. The result depends neither on the order
    of the articles nor on equal texts within a source.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> text = "Rain fell on Delhi.\n\nSubscribe to our newsletter\n\nMore is expected."
    >>> find_furniture([Article(text)])
    [((21, 50),)]
    >>> text[21:50]
    'Subscribe to our newsletter\n\n'
    """
    found: list[tuple[Span, ...]] = [()] * len(articles)
    for source, rows in _rows_by_text(articles).items():
        recurring = recurring_paragraphs(rows, WITNESSES if source else WITNESSES_UNNAMED)
        for text, same in rows.items():
            if spans := _furniture_spans(text, recurring):
                for row in same:
                    found[row] = spans
    return found


def without_furniture(articles: Sequence[Article]) -> list[str]:
    r"""Return the texts of articles without their page furniture.

    Parameters
    ----------
    articles : sequence of Article
        They stay as they are.

    Returns
    -------
    texts : list of str
        Each article's text less the spans of `find_furniture`; paragraphs stay apart.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> without_furniture([Article("Rain fell on Delhi.\n\nRead more: Floods in Assam\n\nMore is expected.")])
    ['Rain fell on Delhi.\n\nMore is expected.']
    """
    found = find_furniture(articles)
    return [_cut(article.text, spans) for article, spans in zip(articles, found, strict=True)]


def _rows_by_text(articles: Sequence[Article]) -> dict[str, dict[str, list[int]]]:
    """Rows of each text of each source: equal texts are looked at once."""
    sources: dict[str, dict[str, list[int]]] = {}
    for row, article in enumerate(articles):
        sources.setdefault(article.source or "", {}).setdefault(article.text, []).append(row)
    return sources


def _cut(text: str, spans: Sequence[Span]) -> str:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return "".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def cue_spans(text: str) -> tuple[Span, ...]:
    """Spans of the lines of a text that are furniture by their words alone."""
    return _furniture_spans(text, frozenset())


def _furniture_spans(text: str, recurring: frozenset[str]) -> tuple[Span, ...]:
    paragraphs = split_paragraphs(text)
    furniture = [paragraph in recurring or is_cue(paragraph) for paragraph in paragraphs]
    if not any(furniture):
        return ()
    sizes = [len(paragraph) for paragraph in paragraphs]
    kept = sum(size for size, gone in zip(sizes, furniture, strict=True) if not gone)
    if kept < MIN_REMAINING * sum(sizes):
        return ()
    return tuple(_blocks(text, paragraphs, furniture))


# Paragraphs that recur in otherwise different articles


@dataclass(slots=True)
class Recurrence:
    """Where a paragraph recurs."""

    articles: int = 0
    at_edge: int = 0  # of these: with nothing but recurring paragraphs before it, or behind it
    witnesses: dict[str, str] = field(default_factory=dict)  # longest paragraph of its own: text

    def is_wide(self, paragraph: str, n_texts: int, least: int) -> bool:
        """Whether it has witnesses enough for what it is."""
        at_edge = 2 * self.at_edge >= self.articles
        is_label = not paragraph.endswith(STOPS) and not any(map(str.isdecimal, paragraph))
        is_long = count_words(paragraph) >= (SHORT_AT_EDGE if at_edge else SHORT)
        if is_long:
            return len(self.witnesses) >= max(least, RECURS * n_texts)
        share = LABEL_RECURS if at_edge and is_label else SHORT_RECURS
        return len(self.witnesses) >= max(least, SHORT_WITNESSES, share * n_texts)


def recurring_paragraphs(texts: Iterable[str], least: int) -> frozenset[str]:
    """Find the paragraphs that recur in at least `least` otherwise different texts of one source.

    Parameters
    ----------
    texts : iterable of str
        All different; gone through more than once.
    least : int

    Returns
    -------
    paragraphs : frozenset of str
    """
    texts = list(texts)
    if len(texts) < least:
        return frozenset()
    common = _common_hashes(texts, least)
    recurrences = _recurrences(texts, common)

    @functools.cache
    def own_pairs(text: str) -> frozenset[int]:
        own = (paragraph for paragraph in split_paragraphs(text) if hash(paragraph) not in common)
        return frozenset(map(hash, pairwise(_TOKEN.findall("\n".join(own)[:SAMPLE]))))

    def unlike(recurrence: Recurrence) -> bool:
        """Whether enough of the witnesses are unlike, as far as the first few of them can tell."""
        chosen: list[frozenset[int]] = []
        for _, text in sorted(recurrence.witnesses.items())[: 4 * least]:
            pairs = own_pairs(text)
            if all(len(pairs & other) < LIKE * min(len(pairs), len(other)) for other in chosen):
                chosen.append(pairs)
        return len(chosen) >= least

    return frozenset(
        paragraph
        for paragraph, recurrence in recurrences.items()
        if recurrence.is_wide(paragraph, len(texts), least) and unlike(recurrence)
    )


def _common_hashes(texts: Sequence[str], least: int) -> frozenset[int]:
    """Hashes of the paragraphs that stand in at least `least` texts: eight bytes for each are all we keep."""
    hashes = chain.from_iterable(set(map(hash, split_paragraphs(text))) for text in texts)
    values, counts = np.unique(np.fromiter(hashes, dtype=np.int64), return_counts=True)
    return frozenset(values[counts >= least].tolist())


def _recurrences(texts: Iterable[str], common: frozenset[int]) -> dict[str, Recurrence]:
    recurrences: dict[str, Recurrence] = {}
    for text in texts:
        paragraphs = split_paragraphs(text)
        shared = [hash(paragraph) in common for paragraph in paragraphs]
        if not any(shared):
            continue
        own = [paragraph for paragraph, is_shared in zip(paragraphs, shared, strict=True) if not is_shared]
        is_witness = sum(map(len, own)) >= OWN * sum(map(len, paragraphs))
        longest = max(own, key=lambda paragraph: (len(paragraph), paragraph), default="")
        first, last = _edges(shared)
        inside = frozenset(paragraphs[first:last])
        for paragraph in {p for p, is_shared in zip(paragraphs, shared, strict=True) if is_shared}:
            recurrence = recurrences.setdefault(paragraph, Recurrence())
            recurrence.articles += 1
            recurrence.at_edge += paragraph not in inside
            if is_witness:
                witness = recurrence.witnesses.get(longest, text)
                recurrence.witnesses[longest] = min(witness, text)
    return recurrences


def _edges(shared: Sequence[bool]) -> Span:
    """Bounds of the paragraphs from the first to the last that is not shared."""
    first = sum(1 for _ in takewhile(bool, shared))
    last = len(shared) - sum(1 for _ in takewhile(bool, reversed(shared)))
    return first, last
