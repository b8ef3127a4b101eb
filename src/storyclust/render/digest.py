"""Threads as records for a file, and as a digest for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storyclust._core.progress import stage
from storyclust._core.terminal import format_count, sanitize, stdout_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from storyclust.articles.article import Article
    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.threads import Reports, StoryThread
    from storyclust.summary.summarizer import SummarySentence


def thread_records(threads: Sequence[StoryThread], ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the record of each thread; summaries are computed here."""
    with stage("summaries", len(threads)) as advance:
        for thread in threads:
            yield thread_record(thread, ids)
            advance(1)


def thread_record(thread: StoryThread, ids: Sequence[str]) -> dict[str, Any]:
    """Convert a thread to a record in which articles are given by their ids.

    Parameters
    ----------
    thread : StoryThread
    ids : sequence of str
        Id of every article, by row.

    Returns
    -------
    record : dict
    """
    summary = thread.summary
    sentences = [_sentence(sentence, ids) for sentence in summary.sentences]
    timeline = [
        {"when": _iso(line.when), "event": line.event, **_sentence(line.sentence, ids)}
        for line in thread.timeline
    ]
    events = [{"event": event.label, **_reports(event, ids)} for event in thread.events]
    return {
        "thread": thread.label,
        "headline": summary.headline,
        "summary": summary.text,
        "keywords": list(summary.keywords),
        "sources": thread.sources,
        **_reports(thread, ids),
        "n_independent": len(thread.independent),
        "sentences": sentences,
        "timeline": timeline,
        "events": events,
    }


def _sentence(sentence: SummarySentence, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "text": sentence.string, "id": ids[sentence.article], "start": sentence.start, "end": sentence.end
    }  # fmt: skip


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


def _reports(reports: Reports, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "size": len(reports),
        "start": _iso(reports.start),
        "end": _iso(reports.end),
        "representative": ids[reports.representative],
        "representative_reason": reports.representative_reason,
        "cohesion": round(reports.cohesion, 4),
        "members": [ids[row] for row in reports.members],
    }


def print_digest(
    stories: FittedStories,
    articles: Sequence[Article],
    console: Console | None = None,
    min_size: int = 2,
) -> None:
    """Print the threads of at least `min_size` articles, largest first, and the number of other threads.

    Parameters
    ----------
    stories : FittedStories
        Fitted.
    articles : sequence of Article
        The articles it was fitted to.
    console : rich.console.Console, optional
        By default stdout, at most 100 columns wide.
    min_size : int, default=2
        Size of the smallest thread printed.
    """
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = console or stdout_console()
    threads = [thread for thread in stories.threads_ if len(thread) >= min_size]
    for thread in threads:
        console.print(Text(sanitize(thread.headline), style="bold"))
        block = Table.grid()
        block.add_row(Text(" | ".join(facts(thread)), style="dim"))
        block.add_row(Text(sanitize(thread.summary.text)))
        if len(thread.events) > 1:
            block.add_row(_timeline(thread, articles))
        if len(thread) > 1 and (representative := _representative_line(thread, articles)):
            block.add_row(representative)
        if thread.keywords:
            block.add_row(Text(sanitize(" · ".join(thread.keywords)), style="green"))
        console.print(Padding(block, (0, 0, 0, 2)))
        console.print()
    console.print(closing(len(threads), len(stories.threads_) - len(threads), min_size))


def closing(shown: int, rest: int, min_size: int) -> str:
    """Format the number of threads shown and of those left out.

    Examples
    --------
    >>> closing(12, 1, 2)
    '12 threads, and 1 article on its own.'
    """
    if min_size > 2:
        others = f"{format_count(rest, 'thread')} of fewer than {min_size} articles"
    else:
        others = f"{format_count(rest, 'article')} on {'its' if rest == 1 else 'their'} own"
    return f"{format_count(shown, 'thread')}, and {others}."


def _timeline(thread: StoryThread, articles: Sequence[Article]) -> Table:
    """One line per event: first day, what is new in it (or else its title), number of articles."""
    from rich.table import Table
    from rich.text import Text

    sentences = {line.event: line.sentence.string for line in thread.timeline}
    lines = Table.grid(padding=(0, 2, 0, 0))
    for event in thread.events:
        line = sanitize(sentences.get(event.label, "")) or sanitize(articles[event.representative].title)
        day = Text(span(event.start, event.start), style="cyan", no_wrap=True)
        lines.add_row(day, Text(f"{line} ({len(event)})"))
    return lines


def _representative_line(thread: StoryThread, articles: Sequence[Article]) -> Text | None:
    """The representative article and the reason for it; None if it has neither title nor source."""
    from rich.text import Text

    article = articles[thread.representative]
    name = ", ".join(filter(None, (sanitize(article.title), sanitize(article.source or ""))))
    return Text(f"Read {name}: {thread.representative_reason}", style="dim") if name else None


def facts(thread: StoryThread) -> list[str]:
    """Size, events, dates and sources of a thread, as short texts."""
    copies = len(thread) - len(thread.independent)
    found = [
        format_count(len(thread), "article") + (f", {copies:,} of them copies" if copies else ""),
        format_count(len(thread.events), "event"),
    ]
    if thread.start:
        found.append(span(thread.start, thread.end))
    if thread.sources:
        more = len(thread.sources) - 3
        found.append(sanitize(", ".join(thread.sources[:3])) + (f" and {more} more" if more > 0 else ""))
    return found


def span(start: datetime | None, end: datetime | None) -> str:
    """Format a day or a range of days, as short as possible."""
    if start is None or end is None:
        return ""
    first, last = f"{start.day} {start:%b %Y}", f"{end.day} {end:%b %Y}"
    if first == last:
        return first
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} to {last}"
    return f"{start.day} {start:%b} to {last}" if start.year == end.year else f"{first} to {last}"
