"""Export of threads in every format, to a file or to standard output."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storyclust._core.terminal import sanitize
from storyclust.errors import InputError
from storyclust.io.sources import unpacked
from storyclust.io.writing import is_special, open_output, write_records
from storyclust.render.digest import print_digest, thread_records

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.threads import StoryThread

FORMATS = ("digest", "md", "html", "jsonl", "csv")
_ENDINGS = {
    **{".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".txt": "digest"},
    **{".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv"},
    **{".parquet": "parquet", ".pq": "parquet"},
}
# Characters that start a formula in a spreadsheet; East Asian versions accept the full-width forms too.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def chosen_format(format: str | None, path: str) -> str:  # noqa: A002  (the word that people look for)
    """Choose the format of threads: the one given, or by file extension, or by the kind of stdout.

    Examples
    --------
    >>> chosen_format(None, "week.md"), chosen_format(None, "week.html.gz"), chosen_format("csv", "week.md")
    ('md', 'html', 'csv')
    """
    found = format or _ENDINGS.get(Path(unpacked(path)).suffix.lower())
    if found:
        return found
    if path == "-":
        return "digest" if sys.stdout.isatty() else "jsonl"
    if is_special(path):
        return "jsonl"
    raise InputError(
        f"the name {path!r} has none of the endings .md, .html, .txt, .jsonl, .json, .csv, .tsv, .parquet; "
        "choose one with --format FORMAT."
    )


def write_threads(
    path: str, stories: FittedStories, articles: Sequence[Article], kind: str, min_size: int = 1
) -> None:
    """Write the threads of at least `min_size` articles; digests omit threads of a single article.

    Parameters
    ----------
    path : str
        ``-`` is standard output; the extension selects compression.
    stories : FittedStories
        Fitted.
    articles : sequence of Article
        The articles it was fitted to.
    kind : {"digest", "md", "html", "jsonl", "json", "csv", "tsv", "parquet"}
    min_size : int, default=1
    """
    shown = [thread for thread in stories.threads_ if len(thread) >= min_size]
    if kind == "digest":
        _write_digest(path, stories, articles, max(2, min_size))
    elif kind == "md":
        from storyclust.render.markdown import markdown_digest

        with open_output(path) as file:
            for part in markdown_digest(stories, articles, max(2, min_size)):
                file.write(part.encode())
    elif kind == "html":
        stories.to_html(path, min_size=min_size if min_size > 1 else None)
    elif kind in ("csv", "tsv"):
        write_records(path, table_rows(shown, articles), format=kind)
    else:
        write_records(path, thread_records(shown, [article.id for article in articles]), format=kind)


def _write_digest(path: str, stories: FittedStories, articles: Sequence[Article], min_size: int) -> None:
    if path == "-":
        print_digest(stories, articles, min_size=min_size)
        return
    from rich.console import Console

    text = io.StringIO()
    print_digest(stories, articles, Console(file=text, width=100, highlight=False), min_size)
    with open_output(path) as file:
        file.writelines(line.rstrip().encode() + b"\n" for line in text.getvalue().splitlines())


def table_rows(threads: Sequence[StoryThread], articles: Sequence[Article]) -> Iterator[dict[str, Any]]:
    """Yield one row per thread for a spreadsheet, without lists, line breaks and formulas."""
    for record in thread_records(threads, [article.id for article in articles]):
        yield {
            "thread": record["thread"],
            "headline": cell(record["headline"]),
            "articles": record["size"],
            "independent": record["n_independent"],
            "events": len(record["events"]),
            "start": record["start"],
            "end": record["end"],
            "sources": cell("; ".join(record["sources"])),
            "keywords": cell("; ".join(record["keywords"])),
            "summary": cell(record["summary"]),
            "representative": cell(record["representative"]),
        }


def cell(text: str) -> str:
    r"""Format a text in one line, with an apostrophe before the start of a formula.

    Examples
    --------
    >>> cell("=HYPERLINK(0)"), cell("Two\nlines"), cell("1 + 1")
    ("'=HYPERLINK(0)", 'Two lines', '1 + 1')
    """
    line = sanitize(text)
    return "'" + line if line.startswith(_FORMULA) else line
