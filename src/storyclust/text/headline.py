"""Headlines: the title most like all titles and texts of a group, less what outlets add to their titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from storyclust.articles.article import Article

TAIL_WORDS = 4  # an outlet's name behind a title is no longer
# What stands before a colon or a bar and says what kind of piece it is.
_KIND = re.compile(
    r"^(?:live|live blog|live updates?|watch(?: live)?|breaking(?: news)?|just in|exclusive|update[ds]?|"
    r"video|photos?|in pictures|gallery|podcast|opinion|editorial|op-ed|commentary|column|analysis|explainer|"
    r"fact[ -]check|en direct|direct|vidéo|eilmeldung|live-?ticker|última hora|速報|動画)"
    r"\s*(?:[:|：｜]|\s[-–—]\s)\s*",
    re.IGNORECASE,
)
# Columns of East Asian outlets, and kinds in brackets.
_LABEL = re.compile(
    r"^\s*【[^】]{1,20}】\s*|\s*【[^】]{1,20}】\s*$|^\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*|"
    r"\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*$",
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
        _without_kind(_without_tail(title, article.source or "", tails))
        for title, article in zip(titles, articles, strict=True)
    ]


def _cut(title: str) -> tuple[str, str]:
    """A title before and behind its last separator, if little enough stands behind it."""
    separators = list(_SEPARATOR.finditer(title))
    if not separators or not title[: separators[-1].start()].strip():
        return title, ""
    head, tail = title[: separators[-1].start()], title[separators[-1].end() :]
    return (head, tail) if len(tail.split()) <= TAIL_WORDS else (title, "")


def _without_tail(title: str, source: str, tails: Counter[str]) -> str:
    while True:
        head, tail = _cut(title)
        shared = tails[tail.casefold()] > 1 and not tail[:1].islower()
        if not tail or not (shared or _is_source(tail, source)):
            return title
        title = head


def _is_source(tail: str, source: str) -> bool:
    """Whether a tail names the source: its words are among the source's, or one stands in the other."""
    words, others = ([word for word in _NOT_WORD.split(part.casefold()) if word] for part in (tail, source))
    name, full = "".join(words), "".join(others)
    if not words or not others:
        return False
    return set(words) <= set(others) or (min(len(name), len(full)) > 2 and (name in full or full in name))


def _without_kind(title: str) -> str:
    rest, before = title, ""
    while rest != before:
        before = rest
        rest = _KIND.sub("", _LABEL.sub("", rest), count=1)
    return rest if len(_NOT_WORD.sub("", rest)) > 1 else title
