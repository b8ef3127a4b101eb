"""Reading of inputs and writing of labelled articles, shared by the commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.common import fields_of, report_reading

if TYPE_CHECKING:
    from storyclust.articles.article import Article


def collect_ids(articles: Iterable[Article], ids: list[str]) -> Iterator[Article]:
    """Pass articles through, and append their ids to `ids`."""
    for article in articles:
        ids.append(article.id)
        yield article


def article_reader(options: argparse.Namespace) -> Callable[..., Iterator[Article]]:
    """Return a function that reads the inputs; it can be called repeatedly.

    Files are read again each time; articles from stdin are held in memory. The first call reports on it.
    """
    from storyclust.io.reading import ReadReport

    settings = {"fields": fields_of(options), "format": options.input_format, "encoding": options.encoding}
    held = read_inputs(options) if "-" in options.inputs else None

    def read(*, first: bool = False) -> Iterator[Article]:
        if held is not None:
            yield from held
            return
        report = ReadReport()
        rejects = options.rejects if first else None
        yield from sc.iter_articles(*options.inputs, rejects=rejects, report=report, **settings)
        if first:
            report_reading(report, options)

    return read


def field_values(articles: Sequence[Article], field: str) -> list[Any]:
    """Values of a field, None where it is missing; raises if every article lacks it."""
    if not any(field in article.record for article in articles):
        names = sorted({name for article in articles[:100] for name in article.record})
        raise sc.InputError(f"no article has a field {field!r}; the fields are: {', '.join(names)}.")
    return [_hashable(article.record.get(field)) for article in articles]


def _hashable(label: Any) -> Any:
    return str(label) if isinstance(label, (list, dict)) else label


def read_inputs(options: argparse.Namespace, *, tell_fields: bool = True) -> list[Article]:
    """Read the inputs into a list, and report on the reading.

    `tell_fields` is false for commands that compare no texts and dates of many articles.
    """
    from storyclust.io.reading import ReadReport

    report = ReadReport()
    articles = sc.read_articles(
        *options.inputs,
        fields=fields_of(options),
        format=options.input_format,
        encoding=options.encoding,
        rejects=options.rejects,
        report=report,
    )
    report_reading(report, options, tell_fields=tell_fields)
    return articles


def write_labelled(path: str, articles: Iterable[Article], added: Iterator[dict[str, Any]]) -> None:
    """Write articles with added fields; an input field of the same name is renamed to input_NAME."""
    from storyclust.io.writing import labelled_record

    def records() -> Iterator[dict[str, Any]]:
        for article, labels in zip(articles, added, strict=True):
            yield labelled_record(article.to_record(), labels)

    sc.write_records(path, records())
