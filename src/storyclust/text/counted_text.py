"""The text of an article that counts: without page furniture, links and handles, at its original length.

What does not count is replaced by spaces, so that every other character keeps its position: sentences and
passages that are found in the result have the same places in the original text.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from storyclust._core.parallel import map_chunks
from storyclust.articles.article import Article
from storyclust.text.boilerplate import MIN_REMAINING, cue_spans
from storyclust.text.paragraphs import Span
from storyclust.text.recurring_spans import Needed, recurring_spans
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMED, UNNAMED = 3, 10  # witnesses that a span needs in articles of one source, and in articles without one
SHORT_WITNESSES = 5  # and if it is short
LONG_SHARE, EDGE_SHARE, SHORT_SHARE = 0.003, 0.01, 0.1  # shares of the texts that must be witnesses
BATCH = 20_000  # texts that are compared at a time: so many know the furniture of their source
LINKS = re.compile(
    r"(?:https?://|www\.|pic\.twitter\.com/)\S+"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w@])@\w+",
    re.IGNORECASE,
)
LINK_SIGNS = ("://", "@", "www.", "WWW.", "pic.twitter.com/")  # one of them is in every link


def counted_articles(articles: Sequence[Article], n_jobs: int | None = None) -> list[Article]:
    """Return the articles with everything that does not count replaced by spaces.

    That is: spans of tokens that recur in mutually unlike articles of a source (see `recurring_spans`), short
    lines that open with a cue such as "Subscribe to our newsletter", web and e-mail addresses, and @handles.

    Parameters
    ----------
    articles : sequence of Article
        They stay as they are. Boilerplate is recognised by recurrence, so pass all articles there are.
    n_jobs : int or None, default=None
        Threads, by joblib's rule.

    Returns
    -------
    counted : list of Article
        Texts have their original lengths and line breaks. A text of which less than a fifth would remain is
        left whole. The result does not depend on the order of the articles.

    Examples
    --------
    >>> from storyclust.articles import Article
    >>> counted_articles([Article("Rain fell. https://t.co/x"), Article("By @desk: snow.")])[0].text
    'Rain fell.               '
    """
    groups = _groups_of_texts(articles)
    weights = np.array([sum(map(len, texts)) + 1 for _, texts in groups], np.int64)

    def work(start: int, stop: int) -> list[dict[str, str]]:
        return [_counted_texts(texts, source) for source, texts in groups[start:stop]]

    counted: dict[tuple[str, str], str] = {}
    results = (each for chunk in map_chunks(work, weights, n_jobs, "furniture") for each in chunk)
    for (source, _), changed in zip(groups, results, strict=True):
        counted |= {(source, text): new for text, new in changed.items()}
    return [
        article if new is None else replace(article, text=new)
        for article in articles
        for new in [counted.get((article.source or "", article.text))]
    ]


def _groups_of_texts(articles: Iterable[Article]) -> list[tuple[str, list[str]]]:
    """Distinct texts of each source, in an order that does not depend on that of the articles."""
    sources: dict[str, set[str]] = {}
    for article in articles:
        sources.setdefault(article.source or "", set()).add(article.text)
    return [
        (source, texts[start : start + BATCH])
        for source, texts in sorted((source, sorted(texts)) for source, texts in sources.items())
        for start in range(0, len(texts), BATCH)
    ]


def _counted_texts(texts: list[str], source: str) -> dict[str, str]:
    """Counted texts of those texts of a source that change."""
    found = _recurring(texts, NAMED if source else UNNAMED)
    changed = {}
    for text, recurring in zip(texts, found, strict=True):
        spans = [*recurring, *cue_spans(text), *_link_spans(text)]
        if spans and (new := blank(text, spans)) != text:
            changed[text] = new
    return changed


def _link_spans(text: str) -> list[Span]:
    return [match.span() for match in LINKS.finditer(text)] if any(map(text.__contains__, LINK_SIGNS)) else []


def blank(text: str, spans: Iterable[Span]) -> str:
    """Replace spans of a text by spaces, but for line breaks; a text that would be nearly empty stays whole.

    >>> blank("Snow fell. Read more. It melted.", [(11, 21)])
    'Snow fell.            It melted.'
    """
    parts, end = [], 0
    for start, stop in sorted(spans):
        if stop <= end:
            continue
        begin = max(start, end)
        parts += [text[end:begin], re.sub(r"[^\n]", " ", text[begin:stop])]
        end = stop
    new = "".join(parts) + text[end:]
    remaining, whole = len("".join(new.split())), len("".join(text.split()))
    return new if remaining >= MIN_REMAINING * whole else text


def _recurring(texts: list[str], fewest: int) -> list[list[Span]]:
    """Spans of characters of each text whose tokens recur in mutually unlike texts."""
    found: list[list[Span]] = [[] for _ in texts]
    if len(texts) < fewest:
        return found

    def needed(least: int, share: float) -> int:
        return max(fewest, least, math.ceil(share * len(texts)))

    tokens = hash_tokens(texts)
    spans = recurring_spans(
        tokens.hashes,
        tokens.indptr,
        Needed(
            needed(0, LONG_SHARE), needed(SHORT_WITNESSES, EDGE_SHARE), needed(SHORT_WITNESSES, SHORT_SHARE)
        ),
    )
    if not len(spans):
        return found
    rows, first, last = spans.T
    sizes = [len(_composed(text).encode("utf-8", "replace")) for text in texts]
    bounds = np.append(0, np.cumsum(sizes))
    places = _characters(tokens.data, bounds[rows], tokens.starts[first], tokens.ends[last - 1])
    for row, start, stop in zip(rows.tolist(), *places, strict=True):
        if _composed(texts[row]) == texts[row]:  # in other texts, which are rare, places would be shifted
            found[row].append((start, stop))
    return found


def _composed(text: str) -> str:
    """A text as `TextBuffer` encodes it."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _characters(
    data: NDArray[np.uint8], begins: NDArray[np.int64], *places: NDArray[np.int64]
) -> list[list[int]]:
    """Places of bytes as places of characters, each in the text that begins at `begins`."""
    counts = np.append(0, np.cumsum((data & 0xC0) != 0x80))
    return [(counts[each] - counts[begins]).tolist() for each in places]
