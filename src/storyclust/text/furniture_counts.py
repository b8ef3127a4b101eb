"""Counts of page furniture by source, with the lines found most often: what was ignored, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storyclust.articles.article import Article
from storyclust.text.page_spans import Span, cut, link_spans

MOST = 5  # lines of each source
LINKS = "(web addresses and @handles)"


@dataclass(slots=True)
class SourceFurniture:
    """Page furniture of one source.

    Attributes
    ----------
    source : str
        Empty for articles without a source.
    articles : int
        Articles of the source.
    affected : int
        Those of them in which furniture was found.
    characters, ignored : int
        Characters of all texts, and of the furniture in them.
    lines : list of tuple (str, int, str)
        Lines of furniture, how many articles have each, and the id of the first: the most frequent ones.
    """

    source: str
    articles: int = 0
    affected: int = 0
    characters: int = 0
    ignored: int = 0
    lines: list[tuple[str, int, str]] = field(default_factory=list)


def count_furniture(
    articles: Sequence[Article], spans: Sequence[tuple[Span, ...]], most: int = MOST
) -> list[SourceFurniture]:
    r"""Count the furniture of each source.

    Parameters
    ----------
    articles : sequence of Article
    spans : sequence of tuple of (int, int)
        Of each article, as `find_furniture` returns them.
    most : int, default=5
        Lines to list of each source.

    Returns
    -------
    found : list of SourceFurniture
        Of all sources that have furniture, those with most affected articles first.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> article = Article("Snow fell.\nRead more: Ferry late", id="a1", source="Gazette")
    >>> count_furniture([article], [((10, 32),)])[0].lines
    [('Read more: Ferry late', 1, 'a1')]
    """
    found: dict[str, SourceFurniture] = {}
    counts: dict[str, Counter[str]] = {}
    first: dict[tuple[str, str], str] = {}
    for article, own in zip(articles, spans, strict=True):
        source = article.source or ""
        entry = found.setdefault(source, SourceFurniture(source))
        entry.articles += 1
        entry.affected += bool(own)
        entry.characters += len(article.text)
        entry.ignored += sum(end - start for start, end in own)
        for line in {line for span in own for line in _lines(article.text[slice(*span)])}:
            counts.setdefault(source, Counter())[line] += 1
            first.setdefault((source, line), article.id)
    for source, lines in counts.items():
        ranked = sorted(lines.items(), key=lambda each: (-each[1], each[0]))[:most]
        found[source].lines = [(line, count, first[source, line]) for line, count in ranked]
    affected = (entry for entry in found.values() if entry.affected)
    return sorted(affected, key=lambda entry: (-entry.affected, entry.source))


def _lines(text: str) -> list[str]:
    """Lines of a span with white space collapsed; links are no words of it."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept = [(line, cut(line, sorted(link_spans(line)))) for line in lines if line]
    return [line if any(map(str.isalnum, rest)) else LINKS for line, rest in kept]
