"""What the commands read and write: articles, columns of records, labelled articles."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.common import fields_of, tell_rejects

if TYPE_CHECKING:
    from storyclust.articles.article import Article


def _noting_ids(articles: Iterable[Article], ids: list[str]) -> Iterator[Article]:
    for article in articles:
        ids.append(article.id)
        yield article


def _reader(options: argparse.Namespace) -> Callable[..., Iterator[Article]]:
    """How to read the inputs, more than once: from their files, or what came from stdin from memory.

    The first reading says what was set aside.
    """
    from storyclust.io.reading import ReadReport

    settings = {
        "fields": fields_of(options),
        "format": options.input_format,
    }
    held = _read(options) if "-" in options.inputs else None

    def read(*, first: bool = False) -> Iterator[Article]:
        if held is not None:
            yield from held
            return
        report = ReadReport()
        rejects = options.rejects if first else None
        yield from sc.iter_articles(*options.inputs, rejects=rejects, report=report, **settings)
        if first:
            tell_rejects(report, options.rejects)

    return read


def _column(articles: Sequence[Article], field: str) -> list[Any]:
    """A field of every article, None where it is missing; an error where it is missing everywhere."""
    if not any(field in article.record for article in articles):
        names = sorted({name for article in articles[:100] for name in article.record})
        raise sc.InputError(f"No article has a field {field!r}; there are: {', '.join(names)}.")
    return [_hashable(article.record.get(field)) for article in articles]


def _hashable(label: Any) -> Any:
    return str(label) if isinstance(label, (list, dict)) else label


def _read(options: argparse.Namespace) -> list[Article]:
    """Read the inputs; say what was set aside."""
    from storyclust.io.reading import ReadReport

    report = ReadReport()
    articles = sc.read_articles(
        *options.inputs,
        fields=fields_of(options),
        format=options.input_format,
        rejects=options.rejects,
        report=report,
    )
    tell_rejects(report, options.rejects)
    return articles


def _write_labelled(path: str, articles: Iterable[Article], added: Iterator[dict[str, Any]]) -> None:
    """Write articles with fields added; an input field of the same name moves to input_NAME."""
    from storyclust.io.writing import labelled_record

    def records() -> Iterator[dict[str, Any]]:
        for article, labels in zip(articles, added, strict=True):
            yield labelled_record(article.to_record(), labels)

    sc.write_records(path, records())
