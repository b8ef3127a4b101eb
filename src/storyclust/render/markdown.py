"""Digest of threads in Markdown, with titles escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from storyclust._core.progress import stage
from storyclust._core.terminal import format_count, sanitize
from storyclust.render.digest import closing, facts, span
from storyclust.render.report.content import display_key, title_of, web_address

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.threads import Event, StoryThread

MAX_LISTED = 20  # articles of a thread

# Markup of CommonMark, GitHub or pandoc anywhere in a line, including raw HTML and entities, and the
# characters that turn a bare address into a link.
_MARKS = re.compile(r"[\\`*_\[\]<>&~|$^{}#@]|(?<=[Ww][Ww][Ww])\.|:(?=//)")
# Markup at the beginning of a line: lists, rules, underlined headings, definitions, titles.
_OPENING = re.compile(r"^(?:(?=[-+=:%])|(\(?\w{1,9})(?=[.)](?:\s|$)))")
_NOT_IN_ADDRESS = re.compile(r"[\\<>()\"`|^{}$*]")


def markdown_digest(stories: FittedStories, articles: Sequence[Article], min_size: int = 2) -> Iterator[str]:
    """Yield a digest of the threads of at least `min_size` articles, largest first.

    Parameters
    ----------
    stories : FittedStories
        Fitted.
    articles : sequence of Article
        The articles it was fitted to.
    min_size : int, default=2
        Size of the smallest thread.

    Yields
    ------
    part : str
        The heading, each thread, and the number of other threads; paragraphs end with an empty line.
    """
    threads = [thread for thread in stories.threads_ if len(thread) >= min_size]
    yield "# Story threads\n\n"
    with stage("summaries", len(threads)) as advance:
        for thread in threads:
            yield "".join(f"{paragraph}\n\n" for paragraph in _paragraphs(thread, stories, articles))
            advance(1)
    yield closing(len(threads), len(stories.threads_) - len(threads), min_size) + "\n"


def _paragraphs(thread: StoryThread, stories: FittedStories, articles: Sequence[Article]) -> Iterator[str]:
    yield f"## {escaped(thread.headline) or 'Without a title'}"
    yield " · ".join(map(escaped, facts(thread)))
    if summary := escaped(thread.summary.text):
        yield summary
    if thread.keywords:
        yield f"Key terms: {escaped(', '.join(thread.keywords))}"
    original = stories.deduplicator_.representatives_
    new = {line.event: escaped(line.sentence.string) for line in thread.timeline}
    left = MAX_LISTED
    for event in thread.events:
        rows = _in_order(event, articles)[:left]
        left -= len(rows)
        line = new.get(event.label, "")
        if len(thread.events) > 1 and (rows or line):
            yield f"**{span(event.start, event.end) or 'Undated'}** {line}".rstrip()
        if rows:
            copies = ((original[event.members] == row).sum() - 1 for row in rows)
            yield "\n".join(_item(articles[row], int(n)) for row, n in zip(rows, copies, strict=True))
    more = len(thread.independent) - MAX_LISTED
    if more > 0:
        yield f"And {format_count(more, 'more article')}."


def _in_order(event: Event, articles: Sequence[Article]) -> list[int]:
    """Rows of the independent articles of an event, in order of time."""
    return sorted(event.independent.tolist(), key=lambda row: display_key(articles, row))


def _item(article: Article, copies: int) -> str:
    title = escaped(title_of(article)) or "Without a title"
    address = _address(article.url)
    parts = ["- " + (f"[{title}]({address})" if address else title), escaped(article.source or "")]
    if copies:
        parts.append("1 copy" if copies == 1 else f"{copies:,} copies")
    return ", ".join(filter(None, parts))


def _address(url: str | None) -> str:
    """Escape a web address for use as a link target; empty if it is not a web address."""
    safe = _NOT_IN_ADDRESS.sub(lambda found: f"%{ord(found[0]):02X}", web_address(url))
    return safe.replace("&", "&amp;")


def escaped(text: str) -> str:
    r"""Escape a text for Markdown, in one line.

    Examples
    --------
    >>> print(escaped("<b>2 * 3</b> [now](http://x.example)"))
    \<b\>2 \* 3\</b\> \[now\](http\://x.example)
    >>> print(escaped("1. First"), escaped("- second"))
    1\. First \- second
    """
    return _OPENING.sub(r"\1\\", _MARKS.sub(r"\\\g<0>", sanitize(text)))
