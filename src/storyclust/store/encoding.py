"""Conversion of instants, texts and articles to the values of a store's tables and back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from storyclust.articles.article import Article
from storyclust.articles.dates import as_utc, parse_date, quoted
from storyclust.articles.maker import taken_keys
from storyclust.articles.markup import plain_text
from storyclust.errors import InputError
from storyclust.io.writing import json_bytes

FIELDS = ("id", "title", "text", "published", "source", "lang", "url", "extra")
_SPAN = re.compile(r"(\d{1,9})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def to_stamp(when: datetime) -> str:
    """Format an instant as text that sorts by time.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> to_stamp(datetime(2024, 3, 4, 9, 30, tzinfo=timezone(timedelta(hours=9))))
    '2024-03-04T00:30:00.000000Z'
    """
    return as_utc(when).isoformat(timespec="microseconds")[:26] + "Z"


def from_stamp(stamp: str) -> datetime:
    """Parse the output of `to_stamp`."""
    return as_utc(datetime.fromisoformat(stamp))


def moment(name: str, value: object) -> datetime:
    """Parse an instant: a date is its first moment, ``'24h'``, ``'7d'`` or a timedelta a time before now.

    Examples
    --------
    >>> print(moment("since", "2024-03-04"))
    2024-03-04 00:00:00+00:00
    """
    try:
        if isinstance(value, str) and (span := _SPAN.fullmatch(value.strip())):
            value = timedelta(**{_UNITS[span[2]]: int(span[1])})
        if isinstance(value, timedelta):
            return datetime.now(UTC) - abs(value)
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
            value = date.fromisoformat(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(), UTC)
        if isinstance(value, (datetime, str)) and (when := parse_date(value)):
            return when
    except (InputError, ValueError, OverflowError):
        pass
    raise InputError(f"{name} must be a date or so long ago, such as '24h' or '7d', got {quoted(value)}.")


def storable(text: str) -> str:
    """Text that SQLite can store: lone surrogates become U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "storyclust.replace").decode()


def valid_utf8(text: bytes | None) -> str | None:
    """Decode bytes that are not valid UTF-8, with U+FFFD for invalid parts; None for valid ones."""
    try:
        (text or b"").decode()
    except UnicodeDecodeError:
        return (text or b"").decode(errors="replace")
    return None


def article_values(article: Article) -> tuple[str | None, ...]:
    """Values of the columns `FIELDS` for an article; `extra` has the other fields of its record.

    Examples
    --------
    >>> from storyclust.articles.records import article_from_record
    >>> article_values(article_from_record({"id": 7, "body": "It snowed.", "desk": "asia"}))
    ('7', '', 'It snowed.', None, None, None, None, '{"desk":"asia"}')
    """
    others = _others(article)
    return (
        storable(article.id),
        storable(article.title),
        storable(article.text),
        to_stamp(article.published) if article.published else None,
        *(value and storable(value) for value in (article.source, article.lang, article.url)),
        storable(_json(others, article.id)) if others else None,
    )


def _json(others: dict[str, Any], name: str) -> str:
    try:
        return json_bytes(others).decode()
    except RecursionError:
        raise InputError(f"a field of article {quoted(name)} is too deeply nested to be stored.") from None


def _others(article: Article) -> dict[str, Any]:
    """Fields of the record that no field of the article was taken from, also empty ones."""
    taken = taken_keys(article.record)
    # The user may have named the fields of these, which may be HTML.
    own = {text for text in (article.text, article.title) if text}
    return {
        str(key): value
        for key, value in article.record.items()
        if key not in taken and not (isinstance(value, str) and plain_text(value) in own)
    }


def article_of(row: Mapping[str, Any]) -> Article:
    """Make an article of a row of the table `articles`."""
    published = from_stamp(row["published"]) if row["published"] else None
    record = {name: row[name] for name in FIELDS[:-1] if row[name] is not None}
    if published:
        record["published"] = published.isoformat()
    return Article(
        text=row["text"],
        title=row["title"],
        id=row["id"],
        published=published,
        source=row["source"],
        lang=row["lang"],
        url=row["url"],
        record={**record, **json.loads(row["extra"] or "{}"), **record},
    )


def id_of(article: Article) -> str:
    """Id of an article without one: a hash of its content.

    Examples
    --------
    >>> id_of(Article("Rain in Delhi."))
    'sha-075beccef199686e'
    """
    when = to_stamp(article.published) if article.published else ""
    parts = (article.title, article.text, when, article.source or "", article.url or "")
    return "sha-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
