"""Titles without what outlets add: the outlet's name at the end, the kind of article at the start."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from storyclust.articles.article import Article

TAIL_WORDS = 4  # at most, in an outlet's name at the end of a title
# Kind of article, before a colon, a bar or a dash.
_KIND = re.compile(
    r"^(?:live|live blog|live updates?|watch(?: live)?|breaking(?: news)?|just in|exclusive|update[ds]?|"
    r"video|photos?|in pictures|gallery|podcast|opinion|editorial|op-ed|commentary|column|analysis|explainer|"
    r"fact[ -]check|en direct|direct|vidéo|eilmeldung|live-?ticker|última hora|速報|動画)"
    r"\s*(?:[:|：｜]|\s[-–—]\s)\s*",
    re.IGNORECASE,
)
# Section labels of East Asian outlets, and kinds in brackets.
_LABEL = re.compile(
    r"^\s*【[^】]{1,20}】\s*|\s*【[^】]{1,20}】\s*$|^\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*|"
    r"\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s+[-–—|·•»:]{1,2}\s+|\s*[|｜]\s*")
_NOT_WORD = re.compile(r"[\W_]+")


def clean_titles(articles: Sequence[Article]) -> list[str]:
    """Titles without the outlet's name at the end and the kind of article at the start.

    A tail is removed where it names the article's source or where several distinct titles end with it. A
    title never becomes empty.
    """
    titles = [" ".join(article.title.split()) for article in articles]
    tails = Counter(tail.casefold() for title in set(titles) if (tail := _split_tail(title)[1]))
    return [
        _without_kind(_without_tail(title, article.source or "", tails))
        for title, article in zip(titles, articles, strict=True)
    ]


def _split_tail(title: str) -> tuple[str, str]:
    """Split a title at its last separator; the tail is "" where it would be longer than `TAIL_WORDS`."""
    separators = list(_SEPARATOR.finditer(title))
    if not separators or not title[: separators[-1].start()].strip():
        return title, ""
    head, tail = title[: separators[-1].start()], title[separators[-1].end() :]
    return (head, tail) if len(tail.split()) <= TAIL_WORDS else (title, "")


def _without_tail(title: str, source: str, tails: Counter[str]) -> str:
    while True:
        head, tail = _split_tail(title)
        shared = tails[tail.casefold()] > 1 and not tail[:1].islower()
        if not tail or not (shared or _is_source(tail, source)):
            return title
        title = head


def _is_source(tail: str, source: str) -> bool:
    """Whether a tail names the source: its words are among the source's, or one name contains the other."""
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
