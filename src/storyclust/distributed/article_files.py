"""Files of articles as they were read, for parts of large shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.articles.article import Article
from storyclust.distributed.array_files import ArrayFile, pack_texts, read_texts, write_arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELDS = ("text", "title", "id", "source", "lang", "url", "published")
ARTICLES_AT_ONCE = 1000  # that a reader holds


def write_articles(address: str, articles: Sequence[Article]) -> None:
    """Write articles without their input records."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in FIELDS:
        values = [getattr(article, name) for article in articles]
        if name == "published":
            values = [value and value.isoformat() for value in values]
        arrays |= pack_texts(name, [value or "" for value in values])
        arrays[f"{name}.given"] = np.array([value is not None for value in values], np.bool_)
    write_arrays(address, arrays)


def iter_written(address: str) -> Iterator[Article]:
    """Yield the articles of a file of `write_articles`."""
    with ArrayFile(address) as file:
        n = file.length("text.given")
        for start, stop in pairwise([*range(0, n, ARTICLES_AT_ONCE), n]):
            yield from map(_article, *(_column(file, name, start, stop) for name in FIELDS))


def _column(file: ArrayFile, name: str, start: int, stop: int) -> list[str | None]:
    texts = read_texts(file, name, np.arange(start, stop))
    given = file.read(f"{name}.given", start, stop).tolist()
    return [text if known else None for text, known in zip(texts, given, strict=True)]


def _article(text: Any, title: Any, own: Any, source: Any, lang: Any, url: Any, published: Any) -> Article:
    date = None if published is None else datetime.fromisoformat(published)
    return Article(text, title=title, id=own, published=date, source=source, lang=lang, url=url)
