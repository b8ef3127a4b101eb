"""Page furniture: subscription boxes, credits, links to other articles and the like, no part of an article.

Furniture makes unlike texts alike and copies unlike, so it is left out before texts are compared. It is
recognised by four signs, and no list of outlets is needed. Spans that recur word for word in unlike articles
of a source, or of the whole collection, belong to pages and not to articles. A short line that opens with a
cue, such as "Subscribe to our newsletter", is furniture wherever it stands. So are web addresses, e-mail
addresses and @handles.

What recurs is learnt from a sample of each source and one of the whole collection, so that learning takes
bounded time and memory for each source, and can be done as articles arrive or on several machines.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np

from storyclust._core.parallel import map_chunks
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.text.page_spans import Span, blank, cut, page_spans
from storyclust.text.page_tokens import PageTokens
from storyclust.text.recurring_spans import Needed, Recurring, learn_recurring

T = TypeVar("T")

SAMPLE = 1_000  # texts of a source that are compared with one another
WHOLE_SAMPLE = 2_000  # texts of the whole collection
NAMED, UNNAMED = 3, 10  # witnesses in a source, and in a collection, whose articles have no page in common
SHORT_WITNESSES = 5  # of a short span
FEWEST_TAILS, TAIL_SHARE = 2, 0.1  # witnesses of a span at the very end of texts, in a small collection
LONG_SHARE, EDGE_SHARE, SHORT_SHARE = 0.003, 0.01, 0.1  # shares of the sample that must be witnesses
BATCH = 500  # texts that are tokenized at a time


def sample_key(text: str) -> tuple[int, str]:
    """Sort key that puts texts in an arbitrary order, the same wherever they are sorted."""
    return zlib.crc32(f"{len(text)}{text[:64]}{text[-64:]}".encode("utf-8", "replace")), text


def sample_of(texts: Iterable[str], size: int) -> list[str]:
    """Sample of distinct texts that depends on nothing but the texts, in an arbitrary order.

    The sample of a union is that of the samples of its parts.

    >>> sample_of(["snow", "rain", "snow"], 5) == sample_of(["rain", "snow"], 5)
    True
    """
    return sorted(set(texts), key=sample_key)[:size]


def witnesses_needed(n: int, named: bool) -> Needed:
    """Witnesses that a span needs in a sample of `n` texts, of one named source or of any."""
    fewest = NAMED if named else min(UNNAMED, max(NAMED, math.ceil(n / 2)))

    def needed(least: int, share: float) -> int:
        return max(least, math.ceil(share * n))

    short = max(fewest, SHORT_WITNESSES)
    return Needed(
        long=needed(fewest, LONG_SHARE),
        at_edge=needed(short, EDGE_SHARE),
        short=needed(short, SHORT_SHARE),
        tail=needed(FEWEST_TAILS, TAIL_SHARE),
    )


class Furniture(NamedTuple):
    """What recurs in the articles of each source, and in all.

    Local code finds furniture with `find_furniture`. This is for code that sees articles in parts: it
    learns from samples, and gives each article the same spans.
    """

    everywhere: Recurring
    by_source: dict[str, Recurring]

    @classmethod
    def learn(cls, samples: Mapping[str, Sequence[str]], whole: Sequence[str]) -> Furniture:
        """Learn from the samples of named sources, and from one of all articles; see `sample_of`.

        Parameters
        ----------
        samples : mapping of str to sequence of str
            `SAMPLE` texts of each source, or all.
        whole : sequence of str
            `WHOLE_SAMPLE` texts, or all.
        """
        by_source = {source: learn_sample(texts, named=True)[0] for source, texts in samples.items()}
        return cls(learn_sample(whole, named=False)[0], by_source)

    @classmethod
    def of(cls, articles: Sequence[Article]) -> Furniture:
        """Learn from articles, to find the furniture of others as if it recurred in these.

        Examples
        --------
        >>> from storyclust.articles.article import Article
        >>> Furniture.of([Article("Rain fell.", source="Courier")]).spans([Article("Snow fell. @desk")])
        [((10, 16),)]
        """
        sources: dict[str, set[str]] = {}
        for article in articles:
            sources.setdefault(article.source or "", set()).add(article.text)
        whole = sample_of((text for texts in sources.values() for text in texts), WHOLE_SAMPLE)
        named = {source: sample_of(texts, SAMPLE) for source, texts in sorted(sources.items()) if source}
        return cls.learn(named, whole)

    def spans(self, articles: Sequence[Article]) -> list[tuple[Span, ...]]:
        """Find the furniture of articles.

        Examples
        --------
        >>> from storyclust.articles.article import Article
        >>> Furniture.learn({}, []).spans([Article("Rain fell. https://t.co/x")])
        [((10, 25),)]
        """
        rows: dict[str, list[int]] = {}
        for row, article in enumerate(articles):
            rows.setdefault(article.source or "", []).append(row)
        found: list[tuple[Span, ...]] = [()] * len(articles)
        for source, own in rows.items():
            texts = [articles[row].text for row in own]
            learnt = self.by_source.get(source, Recurring.nothing())
            spans = page_spans(texts, PageTokens.of(texts), self.everywhere, learnt)
            for row, each in zip(own, spans, strict=True):
                found[row] = each
        return found


def learn_sample(texts: Sequence[str], named: bool) -> tuple[Recurring, PageTokens]:
    """Learn what recurs in a sample of one named source, or of any; returns its tokens, too."""
    pages = PageTokens.of(texts)
    return learn_recurring(pages, witnesses_needed(len(texts), named)), pages


def find_furniture(articles: Iterable[Any], n_jobs: int | None = None) -> list[tuple[Span, ...]]:
    r"""Find the page furniture of each article.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        The articles; see `as_articles`. Best all there are: what recurs is known for furniture by the company
        it keeps.
    n_jobs : int or None, default=None
        Threads, by joblib's rule.

    Returns
    -------
    spans : list of tuple of (int, int)
        For every article the stretches `text[start:end]` that are furniture, in order and apart from one
        another. Positions are those of the article's text, from which markup was removed (see `as_articles`).
        Those of whole lines take the line breaks behind them along, or those before them at the end
        of a text. The result depends neither on the order of the articles nor on equal texts.

    Notes
    -----
    A span of tokens recurs if three articles of a source that are unlike one another hold it, and 0.3% of a
    sample of a thousand of its articles. A span of fewer than 12 tokens may be there by chance: it must
    stand in five, and in 10%, or in 1% if it begins or ends articles. Spans of fewer than five tokens are
    found if they are lines of their own or end texts. In a sample of all articles, whatever their source, ten
    are needed instead of three, or half of a small collection. At the very end of texts a span of three
    tokens is enough in two unlike articles, or 10%, that share nothing before it.

    Two articles are unlike if of the first 128 words that are their own, they share less than two fifths, and
    of pairs of these less than a fifth; half of an article must be its own for it to count at all.

    An article of which less than a fifth would remain is left whole.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> text = "Rain fell on Delhi.\n\nSubscribe to our newsletter\n\nMore is expected."
    >>> find_furniture([Article(text)])
    [((21, 50),)]
    >>> text[21:50]
    'Subscribe to our newsletter\n\n'
    """
    listed = as_articles(articles)
    sources: dict[str, set[str]] = {}
    for article in listed:
        sources.setdefault(article.source or "", set()).add(article.text)
    found = _spans_by_text(
        {source: sorted(texts, key=sample_key) for source, texts in sources.items()}, n_jobs
    )
    return [found.get((article.source or "", article.text), ()) for article in listed]


Task = tuple[str, list[str]]  # a source, and texts of it
Found = dict[tuple[str, str], tuple[Span, ...]]  # spans of a text of a source


def _spans_by_text(sources: dict[str, list[str]], n_jobs: int | None) -> Found:
    """Find the furniture of the texts of each source, which are in the order of `sample_key`."""
    first = (text for texts in sources.values() for text in texts[:WHOLE_SAMPLE])
    whole = sample_of(first, WHOLE_SAMPLE)
    [everywhere] = _each_task(lambda _, texts: learn_sample(texts, named=False)[0], [("", whole)], n_jobs)
    learnt = {"": Recurring.nothing()}
    found: Found = {}

    def learn(source: str, texts: list[str]) -> tuple[Recurring, Found]:
        own, pages = learn_sample(texts, named=True)
        return own, _nonempty(source, texts, page_spans(texts, pages, everywhere, own))

    def apply(source: str, texts: list[str]) -> Found:
        spans = page_spans(texts, PageTokens.of(texts), everywhere, learnt[source])
        return _nonempty(source, texts, spans)

    samples = [(source, texts[:SAMPLE]) for source, texts in sorted(sources.items()) if source]
    for (source, _), (own, spans) in zip(samples, _each_task(learn, samples, n_jobs), strict=True):
        learnt[source] = own
        found |= spans
    others = [
        (source, texts[start : start + BATCH])
        for source, texts in sorted(sources.items())
        for start in range(SAMPLE if source else 0, len(texts), BATCH)
    ]
    for spans in _each_task(apply, others, n_jobs):
        found |= spans
    return found


def _each_task(work: Callable[[str, list[str]], T], tasks: list[Task], n_jobs: int | None) -> list[T]:
    """Results of some work on each task."""

    def several(start: int, stop: int) -> list[T]:
        return [work(*task) for task in tasks[start:stop]]

    sizes = np.array([sum(map(len, texts)) + 1 for _, texts in tasks], np.int64)
    return [each for chunk in map_chunks(several, sizes, n_jobs, "furniture") for each in chunk]


def _nonempty(source: str, texts: list[str], spans: list[tuple[Span, ...]]) -> Found:
    return {(source, text): own for text, own in zip(texts, spans, strict=True) if own}


def without_furniture(articles: Sequence[Article], n_jobs: int | None = None) -> list[str]:
    r"""Return the texts of articles without their page furniture.

    Parameters
    ----------
    articles : sequence of Article
        They stay as they are.
    n_jobs : int or None, default=None
        Threads, by joblib's rule.

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
    found = find_furniture(articles, n_jobs)
    return [cut(article.text, spans) for article, spans in zip(articles, found, strict=True)]


def without_spans(articles: Sequence[Article], spans: Sequence[tuple[Span, ...]]) -> list[Article]:
    """Return articles with spans of their texts replaced by spaces: the text that counts.

    Every other character keeps its place, so that sentences and passages found in the result have the same
    places in the original text.

    Parameters
    ----------
    articles : sequence of Article
        They stay as they are.
    spans : sequence of tuple of (int, int)
        Of each article, as `find_furniture` returns them.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> articles = [Article("Rain fell."), Article("By @desk: snow.")]
    >>> without_spans(articles, find_furniture(articles))[1].text
    'By      : snow.'
    """
    return list(CountedArticles(articles, spans))


class CountedArticles(Sequence[Article]):
    """Articles with spans of their texts replaced by spaces, each made when it is asked for.

    Of a large corpus such texts would take much memory, and few are ever read. See `without_spans`.
    """

    def __init__(self, articles: Sequence[Article], spans: Sequence[tuple[Span, ...]]) -> None:
        if len(articles) != len(spans):
            raise ValueError("there must be spans of every article.")
        self._articles, self._spans = articles, spans

    def __len__(self) -> int:
        return len(self._articles)

    @overload
    def __getitem__(self, row: int) -> Article: ...
    @overload
    def __getitem__(self, row: slice) -> list[Article]: ...
    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[k] for k in range(*row.indices(len(self)))]
        article, spans = self._articles[row], self._spans[row]
        return replace(article, text=blank(article.text, spans)) if spans else article
