"""Headlines: the title most like all titles and texts of a group, less what outlets add to their titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from storyclust.article import Article

TAIL_WORDS = 4  # an outlet's name behind a title is no longer
# What stands before a colon or a bar and says what kind of piece it is.
_KIND = re.compile(
    r"(?:live|live blog|live updates?|watch(?: live)?|breaking(?: news)?|just in|exclusive|update[ds]?|video|"
    r"photos?|in pictures|gallery|podcast|opinion|editorial|op-ed|commentary|column|analysis|explainer|"
    r"fact[ -]check|"
    r"en direct|direct|vidéo|eilmeldung|live-?ticker|última hora|速報|動画)"
    r"\s*(?:[:|：｜]|\s[-–—]\s)\s*",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s+[-–—|·•»:]{1,2}\s+|\s*[|｜]\s*")
_NOT_WORD = re.compile(r"[\W_]+")


def clean_titles(articles: Sequence[Article]) -> list[str]:
    """Titles without the names of outlets behind them and kinds of pieces before them.

    A tail goes where it is what the article gives as its source, or where titles of several articles end in
    it; a title never goes as a whole.
    """
    titles = [" ".join(article.title.split()) for article in articles]
    tails = Counter(tail.casefold() for title in set(titles) if (tail := _cut(title)[1]))
    return [
        _without_kind(_without_tail(title, article, tails))
        for title, article in zip(titles, articles, strict=True)
    ]


def _cut(title: str) -> tuple[str, str]:
    """A title before and behind its last separator, if little enough stands behind it."""
    last = None
    for last in _SEPARATOR.finditer(title):  # noqa: B007 - the last one is wanted
        pass
    if last is None or not title[: last.start()].strip():
        return title, ""
    tail = title[last.end() :]
    return (title[: last.start()], tail) if len(tail.split()) <= TAIL_WORDS else (title, "")


def _without_tail(title: str, article: Article, tails: Counter[str]) -> str:
    while True:
        head, tail = _cut(title)
        if not tail or not (_is_source(tail, article) or tails[tail.casefold()] > 1):
            return title
        title = head


def _is_source(tail: str, article: Article) -> bool:
    """Whether a tail is the name of the article's source, or stands in it, or it in the tail."""
    name, source = (_NOT_WORD.sub("", part).casefold() for part in (tail, article.source or ""))
    return name == source != "" or (min(len(name), len(source)) > 2 and (name in source or source in name))


def _without_kind(title: str) -> str:
    kind = _KIND.match(title)
    rest = title[kind.end() :] if kind else ""
    return rest if len(_NOT_WORD.sub("", rest)) > 1 else title
