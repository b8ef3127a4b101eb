"""Threads as a digest in Markdown, in which titles stay titles whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from storyclust._core.progress import stage
from storyclust._core.terminal import clean, counted
from storyclust.render.digest import closing, facts, span
from storyclust.render.report.content import title_of, web_address

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.clusterer import StoryClusterer
    from storyclust.stories.threads import Event, StoryThread

MOST_LISTED = 20  # articles of a thread

# What means something anywhere in a line to CommonMark, GitHub or pandoc; raw HTML and entities among it,
# and what would make a link of a bare address.
_MARKS = re.compile(r"[\\`*_\[\]<>&~|$^{}#@]|(?<=[Ww][Ww][Ww])\.|:(?=//)")
# What means something where a line begins: lists, rules, underlined headings, definitions, titles.
_OPENING = re.compile(r"^(?:(?=[-+=:%])|(\(?\w{1,9})(?=[.)](?:\s|$)))")
_NOT_IN_ADDRESS = re.compile(r"[\\<>()\"`|^{}$*]")


def markdown_digest(stories: StoryClusterer, articles: Sequence[Article], min_size: int = 2) -> Iterator[str]:
    """Yield a digest of the threads of so many articles and more, biggest first, and count the rest.

    Parameters
    ----------
    stories : StoryClusterer
        Fitted.
    articles : sequence of Article
        What it was fitted to.
    min_size : int, default=2
        Articles of the smallest thread.

    Yields
    ------
    part : str
        The heading, each thread, and the count; paragraphs end with an empty line.
    """
    threads = [thread for thread in stories.threads_ if len(thread) >= min_size]
    yield "# Story threads\n\n"
    with stage("summaries", len(threads)) as advance:
        for thread in threads:
            yield "".join(f"{paragraph}\n\n" for paragraph in _paragraphs(thread, stories, articles))
            advance(1)
    yield closing(len(threads), len(stories.threads_) - len(threads), min_size) + "\n"


def _paragraphs(thread: StoryThread, stories: StoryClusterer, articles: Sequence[Article]) -> Iterator[str]:
    yield f"## {escaped(thread.headline) or 'Without a title'}"
    yield " · ".join(map(escaped, facts(thread)))
    if summary := escaped(thread.summary.text):
        yield summary
    if thread.keywords:
        yield f"Key terms: {escaped(', '.join(thread.keywords))}"
    original = stories.deduplicator_.representatives_
    new = {line.event: escaped(line.sentence.string) for line in thread.timeline}
    left = MOST_LISTED
    for event in thread.events:
        rows = _in_order(event, articles)[:left]
        left -= len(rows)
        line = new.get(event.label, "")
        if len(thread.events) > 1 and (rows or line):
            yield f"**{span(event.start, event.end) or 'Undated'}** {line}".rstrip()
        if rows:
            copies = ((original[event.members] == row).sum() - 1 for row in rows)
            yield "\n".join(_item(articles[row], int(n)) for row, n in zip(rows, copies, strict=True))
    more = len(thread.independent) - MOST_LISTED
    if more > 0:
        yield f"And {counted(more, 'more article')}."


def _in_order(event: Event, articles: Sequence[Article]) -> list[int]:
    """Rows of an event that are no copies, by time and then by what no input order can change."""

    def place(row: int) -> tuple[float, str, str, int]:
        article = articles[row]
        when = article.published.timestamp() if article.published else float("inf")
        return when, article.title, article.id, row

    return sorted(event.independent.tolist(), key=place)


def _item(article: Article, copies: int) -> str:
    title = escaped(title_of(article)) or "Without a title"
    address = _address(article.url)
    parts = ["- " + (f"[{title}]({address})" if address else title), escaped(article.source or "")]
    if copies:
        parts.append("1 copy" if copies == 1 else f"{copies:,} copies")
    return ", ".join(filter(None, parts))


def _address(url: str | None) -> str:
    """Address of the web, as the target of a link; nothing where it is none."""
    safe = _NOT_IN_ADDRESS.sub(lambda found: f"%{ord(found[0]):02X}", web_address(url))
    return safe.replace("&", "&amp;")


def escaped(text: str) -> str:
    r"""Text in one line that Markdown shows as it stands.

    Examples
    --------
    >>> print(escaped("<b>2 * 3</b> [now](http://x.example)"))
    \<b\>2 \* 3\</b\> \[now\](http\://x.example)
    >>> print(escaped("1. First"), escaped("- second"))
    1\. First \- second
    """
    return _OPENING.sub(r"\1\\", _MARKS.sub(r"\\\g<0>", clean(text)))
