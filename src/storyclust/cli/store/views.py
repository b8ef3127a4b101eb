"""Threads, search hits and changes of a store as records and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storyclust._core.terminal import format_count, sanitize, stdout_console
from storyclust.render.digest import closing, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from storyclust.store import Change, NewsStore, SearchHit, StoredEvent, StoredThread

MAX_EVENTS = 8  # of a thread in a digest, the latest


def thread_record(thread: StoredThread) -> dict[str, Any]:
    """Return a thread as a plain record, with the fields of `digest.thread_record`."""
    members, summary = thread.members, thread.summary
    sentences = [
        {"text": one.string, "id": members[one.article], "start": one.start, "end": one.end}
        for one in summary.sentences
    ]
    return {
        "thread": thread.id,
        "headline": summary.headline,
        "summary": summary.text,
        "keywords": list(summary.keywords),
        "sources": thread.sources,
        **_reports(thread),
        "n_independent": thread.independent,
        "updated": _iso(thread.updated),
        "sentences": sentences,
        "events": [{"event": event.id, **_reports(event)} for event in thread.events],
    }


def _reports(reports: StoredThread | StoredEvent) -> dict[str, Any]:
    return {
        "size": reports.size,
        "start": _iso(reports.start),
        "end": _iso(reports.end),
        "representative": reports.representative,
        "members": reports.members,
    }


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


def hit_record(store: NewsStore, hit: SearchHit) -> dict[str, Any]:
    """Return a search hit as a plain record."""
    article = store.article(hit.id)
    return {**hit._asdict(), "published": _iso(article.published), "source": article.source}


def print_threads(threads: Sequence[StoredThread], limit: int, since: object) -> None:
    """Print the largest threads of two or more articles, and count the others."""
    console = stdout_console()
    larger = [thread for thread in threads if thread.size > 1]
    chosen = larger[: max(0, limit)]
    for thread in chosen:
        _print_block(console, thread, MAX_EVENTS)
        console.print()
    some = f"The biggest {len(chosen):,} of " if len(chosen) < len(larger) else ""
    when = f" since {since:%Y-%m-%d %H:%M} UTC" if isinstance(since, datetime) else ""
    whole = closing(len(larger), len(threads) - len(larger), 2).removesuffix(".")
    console.print(f"{some}{whole}{when}.")


def print_thread(store: NewsStore, thread: StoredThread) -> None:
    """Print a thread with all its events and articles."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = stdout_console()
    _print_block(console, thread, None)
    console.print()
    lines = Table.grid(padding=(0, 2, 0, 0))
    for name in thread.members:
        article = store.article(name)
        copied = f" (copy of {article.copy_of})" if article.copy_of else ""
        lines.add_row(
            Text(span(article.published, article.published), style="cyan"),
            Text(sanitize(article.source or "")),
            Text(sanitize(f"{article.title or article.text[:100]}{copied}")),
            Text(sanitize(name), style="dim"),
        )
    console.print(Padding(lines, (0, 0, 0, 2)))


def _print_block(console: Console, thread: StoredThread, most: int | None) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print(Text(sanitize(thread.headline), style="bold"))
    block = Table.grid()
    block.add_row(Text(" | ".join(_facts(thread)), style="dim"))
    block.add_row(Text(sanitize(thread.summary.text)))
    if len(thread.events) > 1:
        block.add_row(_timeline(thread.events, most))
    if thread.keywords:
        block.add_row(Text(sanitize(" · ".join(thread.keywords)), style="green"))
    console.print(Padding(block, (0, 0, 0, 2)))


def _facts(thread: StoredThread) -> list[str]:
    copies, sources = thread.size - thread.independent, thread.sources
    found = [
        f"thread {thread.id}",
        format_count(thread.size, "article") + (f", {copies:,} of them copies" if copies else ""),
        format_count(len(thread.events), "event"),
    ]
    if thread.start:
        found.append(span(thread.start, thread.end))
    if sources:
        more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
        found.append(sanitize(", ".join(sources[:3])) + more)
    return found


def _timeline(events: Sequence[StoredEvent], most: int | None) -> Table:
    """One line for each event: first day, headline, number of articles."""
    from rich.table import Table
    from rich.text import Text

    lines = Table.grid(padding=(0, 2, 0, 0))
    shown = events if most is None else events[-most:]
    if len(shown) < len(events):
        lines.add_row("", Text(f"{format_count(len(events) - len(shown), 'earlier event')}", style="dim"))
    for event in shown:
        day = Text(span(event.start, event.start), style="cyan", no_wrap=True)
        lines.add_row(day, Text(f"{sanitize(event.headline)} ({event.size})"))
    return lines


def print_hits(store: NewsStore, hits: Sequence[SearchHit]) -> None:
    """Print search hits: title, source, date and snippet."""
    from rich.padding import Padding
    from rich.text import Text

    console = stdout_console()
    if not hits:
        console.print("No article has all these words.")
    for hit in hits:
        article = store.article(hit.id)
        facts = (hit.id, article.source or "", span(article.published, article.published))
        console.print(Text(sanitize(hit.title) or sanitize(hit.id), style="bold"))
        place = " | ".join(filter(None, (*map(sanitize, facts), f"thread {hit.thread}")))
        console.print(Padding(Text(place, style="dim"), (0, 0, 0, 2)))
        console.print(Padding(Text(sanitize(hit.snippet)), (0, 0, 0, 2)))


def print_changes(changes: Sequence[Change]) -> None:
    """Print one line for each change, and their number."""
    from rich.text import Text

    console = stdout_console()
    for change in changes:
        preposition = "into" if change.what == "merged" else "to"
        target = "" if change.new is None else f" {preposition} {change.new}"
        details = f"({format_count(change.articles, 'article')}; {change.why})"
        line = f"{change.kind} {change.old} {change.what}{target} {details}"
        console.print(Text.assemble((f"{change.at:%Y-%m-%d %H:%M}", "cyan"), "  ", sanitize(line)))
    console.print(f"{format_count(len(changes), 'change')}.")
