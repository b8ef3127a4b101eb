"""Titles without what outlets add, and those that are no headlines of reports.

Outlets add their name at the end and the kind of article at the start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from storyclust.articles.article import Article
from storyclust.text.boilerplate_cues import UNSPACED

FEWEST_WORDS = 4  # of the headline of a report; fewer only name a topic
TAIL_WORDS = 4  # at most, in an outlet's name at the end of a title
_REPORT_KINDS = "breaking(?: news)?|just in|exclusive|update[ds]?|eilmeldung|última hora|速報"
_OTHER_KINDS = (
    "live|live blog|live updates?|watch(?: live)?|video|photos?|in pictures|gallery|podcast|opinion|"
    "editorial|op-ed|commentary|column|analysis|explainer|fact[ -]check|en direct|direct|vidéo|"
    "live-?ticker|動画"
)
# Kind of article, before a colon, a bar or a dash.
_KIND = re.compile(
    rf"^(?:{_REPORT_KINDS}|{_OTHER_KINDS})\s*(?:[:|：｜]|\s[-–—]\s)\s*",
    re.IGNORECASE,
)
# Section labels of East Asian outlets, and kinds in brackets.
_LABEL = re.compile(
    r"^\s*【[^】]{1,20}】\s*|\s*【[^】]{1,20}】\s*$|^\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*|"
    r"\s*[\[(](?:video|watch|photos?|opinion|live)[\])]\s*$",
    re.IGNORECASE,
)
# Questions, live coverage, and pieces that explain, list or argue; words at the beginning only in English.
_NO_REPORT = re.compile(
    rf"[?？؟]|^(?:{_OTHER_KINDS})\s*(?:[:|：｜]|\s[-–—]\s)|"
    r"^(?:who|what|why|how|where|when|which|here[’']?s|everything|the best|the worst|"
    r"\d+ (?:things|ways|reasons|takeaways|questions))\b|"
    r"\b(?:live (?:updates?|blog|coverage)|as it happened|transcript|timeline|explained|explainer|"
    r"what (?:to|you need to|we) know|highlights|takeaways|in pictures|quiz|full text|minute by minute|"
    r"liveblog|liveticker|en direct)\b",
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


def is_plain(title: str) -> bool:
    """Whether a title is the headline of a report: not that of a live blog, a question or a bare topic.

    The title is whole, with the kind of article at the start.

    >>> is_plain("Ferry strikes pier at Aldmouth"), is_plain("Live: ferry strikes a pier")
    (True, False)
    """
    if _NO_REPORT.search(title):
        return False
    has_spaces = not UNSPACED.search(title)
    return not (has_spaces and len(title.split()) < FEWEST_WORDS)


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
