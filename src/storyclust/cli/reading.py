"""Reading of inputs and writing of labelled articles, shared by the commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.common import fields_of, report_reading

if TYPE_CHECKING:
    from storyclust.articles.article import Article


class InputReader:
    """Reads the inputs of a command several times.

    Files are read again each time; articles from stdin are held in memory.

    Attributes
    ----------
    ids : list of str
        Ids of the articles, after the first reading.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ids: list[str] = []
        self._settings = {
            "fields": fields_of(options), "format": options.input_format, "encoding": options.encoding
        }  # fmt: skip
        self._held = read_inputs(options) if "-" in options.inputs else None
        self._rejected: set[int] = set()

    def first(self) -> Iterator[Article]:
        """Read the articles for the first time, and report on it."""
        if self._held is not None:
            articles = iter(self._held)
        else:
            from storyclust.io.reading import ReadReport

            report = ReadReport()
            articles = sc.iter_articles(
                *self.options.inputs, rejects=self.options.rejects, report=report, **self._settings
            )
        for article in articles:
            self.ids.append(article.id)
            yield article
        if self._held is None:
            self._rejected = report.rejected
            report_reading(report, self.options)

    def articles(self) -> Iterator[Article]:
        """Read the articles again."""
        if self._held is not None:
            return iter(self._held)
        from storyclust.io.reading import ReadReport

        return sc.iter_articles(*self.options.inputs, report=ReadReport(), **self._settings)

    def records(self) -> Iterator[dict[str, Any]]:
        """Read the records of the articles again, each with its id."""
        if self._held is not None:
            yield from (article.to_record() for article in self._held)
            return
        from storyclust.articles.article import with_id
        from storyclust.io.rereading import reread_records

        records = reread_records(*self.options.inputs, rejected=self._rejected, **self._settings)
        for record, name in zip(records, self.ids, strict=True):
            yield with_id(record, name)


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


def write_labelled(path: str, records: Iterable[dict[str, Any]], added: Iterator[dict[str, Any]]) -> None:
    """Write records with added fields; an input field of the same name is renamed to input_NAME."""
    from storyclust.io.writing import labelled_record

    pairs = zip(records, added, strict=True)
    sc.write_records(path, (labelled_record(record, labels) for record, labels in pairs))
