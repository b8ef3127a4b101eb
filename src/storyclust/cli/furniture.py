"""`storyclust furniture`: the page furniture that comparisons leave out, by source."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.common import note
from storyclust.cli.reading import read_inputs

if TYPE_CHECKING:
    from storyclust.text.furniture_counts import SourceFurniture

SHOWN = 100  # characters of a line on a terminal


def run_furniture(options: argparse.Namespace) -> None:
    """Run `storyclust furniture`."""
    from storyclust.dedup.deduplicator import BaseDeduplicator
    from storyclust.text.furniture_counts import count_furniture

    read = read_inputs(options)
    copies = BaseDeduplicator(excerpts="ignore", n_jobs=options.jobs).fit(read)  # as threads do
    articles = [article for article, kept in zip(read, copies.keep_, strict=True) if kept]
    spans = sc.find_furniture(articles, n_jobs=options.jobs)
    found = count_furniture(articles, spans, options.most)
    if options.output == "-" and sys.stdout.isatty():
        _print(found)
    else:
        sc.write_records(options.output, _records(found))
    affected, ignored = sum(each.affected for each in found), sum(each.ignored for each in found)
    share = ignored / max(sum(len(article.text) for article in articles), 1)
    note(
        options,
        f"{affected:,} of {len(articles):,} articles have page furniture, {share:.1%} of all characters; "
        f"{len(read) - len(articles):,} copies were left out.",
    )


def _records(found: Sequence[SourceFurniture]) -> Iterator[dict[str, Any]]:
    for each in found:
        yield {
            "source": each.source or None,
            "articles": each.articles,
            "with_furniture": each.affected,
            "share": round(each.ignored / max(each.characters, 1), 4),
            "lines": [{"text": line, "articles": count, "id": name} for line, count, name in each.lines],
        }


def _print(found: Sequence[SourceFurniture]) -> None:
    """Print the sources with their lines to a terminal."""
    from rich.text import Text

    from storyclust._core.terminal import format_count, sanitize, stdout_console

    console = stdout_console()
    for each in found:
        share = each.ignored / max(each.characters, 1)
        head = Text(sanitize(each.source) or "(no source)", style="bold")
        head.append(
            f"  {each.affected:,} of {format_count(each.articles, 'article')}, {share:.1%} of the text",
            style="dim",
        )
        console.print(head)
        for line, count, _ in each.lines:
            shown = sanitize(line)
            shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
            console.print(Text(f"{count:>7,}  {shown}"), overflow="ellipsis", no_wrap=True)
