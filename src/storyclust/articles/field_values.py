"""Values of fields: plain, nested as services write them, missing, or of another type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from storyclust.articles.dates import is_missing

# Words by which tools write a missing value. "NA" is not one of them: it is a language, a source, a name.
MISSING_WORDS = frozenset({"nan", "none", "null", "n/a", "#n/a", "<na>"})

# Keys under which nested values are found, the preferred one first.
_CORE = ("rendered", "value", "_value", "@value", "#text", "$t", "_", "raw")
INNER_KEYS: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "plain", "rendered", "html", *_CORE[1:]),
        *("content", "body", "blocks", "children", "paragraphs", "parts", "insert"),
    ),
    "title": ("main", *_CORE, "text", "title", "headline", "name", "default"),
    "id": ("$oid", "id", "_id", *_CORE, "@id", "uri", "url", "href", "name"),
    "published": ("$date", *_CORE, "iso", "date", "datetime", "dateTime", "timestamp"),
    "source": ("name", "title", *_CORE, "label", "sitename", "domain", "uri", "@id", "id", "url", "href"),
    "lang": ("code", "alternateName", *_CORE, "id", "lang", "language", "name", "title"),
    "url": ("url", "href", "uri", "@id", *_CORE, "link"),
}
DEPTH = 6  # levels of nesting that are looked into


class Found(NamedTuple):
    """What a value holds: its text, the path to it, and whether it can be read at all."""

    text: str
    path: str = ""
    readable: bool = True


ABSENT = Found("")
UNREADABLE = Found("", readable=False)


def is_blank(text: str) -> bool:
    """Whether a text is empty or exactly a word for a missing value."""
    return not text or text.isspace() or (len(text) < 16 and text.strip().lower() in MISSING_WORDS)


def read_value(field: str, value: Any, depth: int = 0) -> Found:
    r"""Read a value as text: as it is, or what is nested in it.

    Parameters
    ----------
    field : str
        The field of `Article` it is for.
    value : object
        A text or number, an object such as ``{"rendered": ...}`` or ``{"name": ...}``, or a list of them. Of
        a list, a text has all parts, other fields have the first that can be read.
    depth : int, default=0
        The level of nesting.

    Returns
    -------
    Found
        With an empty text if the value is missing or cannot be read.

    Examples
    --------
    >>> from storyclust.articles.field_values import read_value
    >>> read_value("title", {"rendered": "Talks open"})
    Found(text='Talks open', path='.rendered', readable=True)
    >>> read_value("text", ["One.", "Two."]).text
    'One.\n\nTwo.'
    >>> read_value("source", "N/A")
    Found(text='', path='', readable=True)
    """
    if isinstance(value, str):
        return ABSENT if is_blank(value) else Found(str(value).removeprefix("\ufeff"))
    if is_missing(value):
        return ABSENT
    if depth == DEPTH:
        return UNREADABLE
    plain = value.tolist() if hasattr(value, "tolist") else value  # of NumPy
    if isinstance(plain, Mapping):
        return _of_mapping(field, plain, depth)
    return _of_list(field, plain, depth) if isinstance(plain, (list, tuple)) else _of_scalar(field, plain)


def _of_mapping(field: str, value: Mapping[Any, Any], depth: int) -> Found:
    readable = not value
    for key in INNER_KEYS[field]:
        if key in value:
            found = read_value(field, value[key], depth + 1)
            if found.text:
                return Found(found.text, f".{key}{found.path}")
            readable |= found.readable
    return ABSENT if readable else UNREADABLE


def _of_list(field: str, value: Any, depth: int) -> Found:
    parts = [read_value(field, item, depth + 1) for item in value]
    filled = [part for part in parts if part.text]
    if not filled:
        return ABSENT if all(part.readable for part in parts) else UNREADABLE
    path = f"[]{filled[0].path}"
    if field != "text":
        return Found(filled[0].text, path)
    kinds = [str(item.get("type", "")) if isinstance(item, Mapping) else "" for item in value]
    # Items of different media types are versions of one text, as in a feed.
    if len(set(kinds)) == len(kinds) > 1 and all("/" in kind for kind in kinds):
        return Found(max(filled, key=lambda part: len(part.text)).text, path)
    return Found("\n\n".join(part.text for part in filled), path)


def _of_scalar(field: str, value: object) -> Found:
    if field == "text" or isinstance(value, bool):
        return UNREADABLE
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas converts integers to floats if one is missing
    if isinstance(value, (int, float, Decimal)):
        return Found(str(value), " (a number)" if field == "title" else "")
    return Found(str(value)) if isinstance(value, (UUID, date)) else UNREADABLE


def date_value(value: Any, depth: int = 0) -> Any:
    """Return what `parse_date` can parse of a nested date, or of nine numbers as feedparser writes them.

    Examples
    --------
    >>> from storyclust.articles.field_values import date_value
    >>> date_value([2024, 3, 4, 17, 30, 0, 0, 64, 0])
    datetime.datetime(2024, 3, 4, 17, 30)
    >>> date_value({"@value": "2024-03-04"})
    '2024-03-04'
    """
    if hasattr(value, "tolist") and value.ndim:
        value = value.tolist()
    if isinstance(value, Mapping) and depth < DEPTH:
        inner = next((value[key] for key in INNER_KEYS["published"] if key in value), value)
        return value if inner is value else date_value(inner, depth + 1)
    if isinstance(value, (list, tuple)) and 6 <= len(value) <= 9:
        if all(type(part) is int for part in value):
            try:
                return datetime(*value[:6])
            except (ValueError, OverflowError):
                return value
        return value
    if isinstance(value, (list, tuple)) and len(value) == 1 and depth < DEPTH:
        return date_value(value[0], depth + 1)
    return value


def host_of(address: str) -> str:
    """Return the host of a web address, "" for any other text."""
    if not address.lower().startswith(("http://", "https://")):
        return ""
    try:
        return urlsplit(address.strip()).hostname or ""
    except ValueError:
        return ""


def is_page(address: str) -> bool:
    """Whether a text is the address of a page, rather than of a whole site."""
    try:
        return bool(host_of(address)) and urlsplit(address.strip()).path not in ("", "/")
    except ValueError:
        return False
