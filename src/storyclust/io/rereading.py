"""Read the records of articles again, without making articles of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from storyclust.articles.maker import ArticleMaker
from storyclust.io.encodings import known_encoding
from storyclust.io.reading import opened
from storyclust.io.record_readers import read_rows
from storyclust.io.record_shapes import records_of
from storyclust.io.sources import known_format, sources


def reread_records(
    *paths: Any,
    rejected: Collection[int],
    fields: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002  (as of `read_articles`)
    encoding: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the records that became articles when the same inputs were read with the same settings.

    Parameters
    ----------
    *paths, fields, format, encoding
        As of `read_articles`.
    rejected : collection of int
        ``ReadReport.rejected`` of that reading.

    Yields
    ------
    record : dict
    """
    maker, number = ArticleMaker(fields), 0
    for source in sources(paths, known_format(format), known_encoding(encoding)):
        with opened(source) as file:
            for row in read_rows(file, source):
                records: list[Any] = [None] if row.reason else records_of(row.record, maker)
                for record in records:
                    number += 1
                    if number not in rejected:
                        yield record
