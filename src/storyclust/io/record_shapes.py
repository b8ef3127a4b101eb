"""Records inside one JSON value: responses of services, feeds, and the orientations of pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storyclust.articles.field_names import PREVIEWS, normal_name
from storyclust.articles.field_values import INNER_KEYS, is_blank
from storyclust.articles.maker import ArticleMaker

# Names of lists of articles, which have priority over a title of the whole, as in a feed.
CONTAINERS = frozenset(
    {
        *("articles", "items", "item", "entries", "results", "posts", "stories", "documents", "docs", "news"),
        *("records", "rows", "hits", "response", "channel", "rss"),
    }
)
# Names of such lists and of parts of one article: a part has no title.
PERHAPS_CONTAINERS = frozenset({"content", "data", "value", "feed"})
DEPTH = 4  # levels of a response that are looked into
LOOKED_AT = 100  # items of a list that are tried: the first may be another thing
NESTED = frozenset(key for keys in INNER_KEYS.values() for key in keys)


def records_of(value: Any, maker: ArticleMaker) -> list[Any]:
    """Records inside a value: those that `unpacked` finds in an object, else the value itself."""
    inside = unpacked(value, maker) if isinstance(value, dict) else None
    return [value] if inside is None else inside


def unpacked(record: dict[str, Any], maker: ArticleMaker) -> list[Any] | None:
    """Find the records inside an object.

    Parameters
    ----------
    record : dict
        One JSON value.
    maker : ArticleMaker
        Knows the names of fields.

    Returns
    -------
    list or None
        None if the object itself is a record. Records are unpacked from the response of a service, such as
        ``{"status": "ok", "articles": [...]}``, from a feed, and from what pandas writes by columns, by rows
        with or without an index, or as a table.

    Examples
    --------
    >>> from storyclust.articles.maker import ArticleMaker
    >>> from storyclust.io.record_shapes import unpacked
    >>> unpacked({"text": {"0": "One.", "1": "Two."}, "id": {"0": 7, "1": 8}}, ArticleMaker())
    [{'text': 'One.', 'id': 7}, {'text': 'Two.', 'id': 8}]
    """
    plan = maker.plan(record)
    if not plan["text"] and not plan["title"]:
        return _split(record, maker) or _by_index(record, maker) or _listed(record, maker, 0) or None
    if columns := _by_columns(record):
        return columns
    # A feed may have a title and a description of its own, but no body.
    texts = [key for key in plan["text"] if isinstance(record[key], str) and not is_blank(record[key])]
    if any(normal_name(str(key)) not in PREVIEWS for key in texts):
        return None
    named = {key: value for key, value in record.items() if _holds_articles(str(key), value, maker)}
    return _listed(named, maker, 0) or None


def _by_columns(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of ``{"text": {"0": ..., "1": ...}, ...}`` and of ``{"text": [..., ...], ...}``."""
    first, *others = record.values()
    if isinstance(first, dict) and first and not NESTED & {*first}:
        whole = all(isinstance(other, dict) and other.keys() == first.keys() for other in others)
        return [{name: column[row] for name, column in record.items()} for row in first] if whole else []
    if isinstance(first, list) and first and others:
        whole = all(isinstance(other, list) and len(other) == len(first) for other in others)
        rows = zip(*record.values(), strict=True) if whole else ()
        return [dict(zip(record, row, strict=True)) for row in rows]
    return []


def _split(record: dict[str, Any], maker: ArticleMaker) -> list[dict[str, Any]]:
    """Rows of ``{"columns": [...], "index": [...], "data": [[...], ...]}``."""
    columns, rows = record.get("columns"), record.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list) or not columns:
        return []
    if not all(isinstance(name, str) for name in columns):
        return []
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return []
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return found if _is_article(dict.fromkeys(columns), maker) else []


def _by_index(record: dict[str, Any], maker: ArticleMaker) -> list[dict[str, Any]]:
    """Rows of ``{"0": {"text": ...}, "1": {"text": ...}}``."""
    rows = [*record.values()]
    if rows and all(isinstance(row, dict) for row in rows) and all(_is_article(row, maker) for row in rows):
        return rows
    return []


def _listed(record: Mapping[Any, Any], maker: ArticleMaker, depth: int) -> list[Any]:
    """Records of the only list of articles in a response."""
    lists = _lists(record, depth)
    articles = [value for value in lists if any(_is_article(item, maker) for item in value[:LOOKED_AT])]
    return articles[0] if len(articles) == 1 else []


def _lists(value: Any, depth: int) -> Iterator[list[Any]]:
    """Lists in an object and the objects in it."""
    for inner in value.values():
        if isinstance(inner, list) and inner:
            yield inner
        elif isinstance(inner, dict) and depth < DEPTH:
            yield from _lists(inner, depth + 1)


def _holds_articles(key: str, value: Any, maker: ArticleMaker) -> bool:
    """Whether a field of a record that has a title holds a list of articles, by its name and items."""
    name = normal_name(key)
    if name not in CONTAINERS | PERHAPS_CONTAINERS or not isinstance(value, (list, dict)):
        return False
    lists = [value] if isinstance(value, list) else [*_lists(value, 0)]
    fields = ("title",) if name in PERHAPS_CONTAINERS else ("text", "title")
    return any(_is_article(item, maker, fields) for found in lists for item in found[:LOOKED_AT])


def _is_article(record: Any, maker: ArticleMaker, fields: Sequence[str] = ("text", "title")) -> bool:
    """Whether an object has a text or a title by its names."""
    if not isinstance(record, dict):
        return False
    plan = maker.plan(record)
    return any(plan[field] for field in fields)
