"""The `Article` data class.

An article keeps the input record it was made from, so that output can include all input fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storyclust.articles.dates import as_utc
from storyclust.errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True)
class Article:
    """One published text.

    Parameters
    ----------
    text : str
        The body.
    title : str, default=""
        The headline.
    id : str, default=""
        Identifier in every output; `as_articles` assigns missing ones.
    published : datetime or None, default=None
        Publication time, stored as an aware datetime in UTC. A naive datetime is taken as UTC.
    source, lang, url : str or None, default=None
        Outlet, language code and web address.
    record : mapping, default={}
        The input record; ignored by comparisons.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> Article("Ministers met on Monday.", title="Talks open", id="a1").content
    'Ministers met on Monday.'
    """

    text: str
    title: str = ""
    id: str = ""
    published: datetime | None = None
    source: str | None = None
    lang: str | None = None
    url: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (isinstance(self.text, str) and isinstance(self.title, str) and isinstance(self.id, str)):
            raise self._not_text()
        if self.published is not None:
            if not isinstance(self.published, datetime):
                raise wrong_type("published", self.published, "a datetime or None")
            try:
                object.__setattr__(self, "published", as_utc(self.published))
            except OverflowError:
                raise InputError(
                    f"published must lie in the years 1 to 9999 in UTC, got {self.published}."
                ) from None

    def _not_text(self) -> InputTypeError:
        """Error that names the first of the fields of text that is no text."""
        fields = (("text", self.text), ("title", self.title), ("id", self.id))
        name, value = next(field for field in fields if not isinstance(field[1], str))
        return wrong_type(name, value, "str")

    @property
    def content(self) -> str:
        """The text used to find copies: the body or, if that is blank, the headline."""
        return self.text if self.text and not self.text.isspace() else self.title

    def to_record(self) -> dict[str, Any]:
        """Return the input record with the current id, or the fields that are set if there is no record.

        Returns
        -------
        dict
            A new dict. Without an input record, `published` is in ISO 8601.

        Examples
        --------
        >>> from storyclust.articles import Article, article_from_record
        >>> Article("Ministers met.", id="a1").to_record()
        {'id': 'a1', 'title': '', 'text': 'Ministers met.'}
        >>> article_from_record({"ID": 7, "Body": "Ministers met.", "desk": "asia"}).to_record()
        {'id': '7', 'ID': 7, 'Body': 'Ministers met.', 'desk': 'asia'}
        """
        if self.record:
            return with_id(self.record, self.id)
        fields = {"id": self.id or None, "title": self.title, "text": self.text}
        fields["published"] = self.published.isoformat() if self.published else None
        fields |= {"source": self.source, "lang": self.lang, "url": self.url}
        return {name: value for name, value in fields.items() if value is not None}


def with_id(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Copy of a record with an id, which comes first if the record has none."""
    return {**({} if "id" in record else {"id": name}), **record, "id": name}


def wrong_type(name: str, value: object, wanted: str) -> InputTypeError:
    """Return an error that names a field, its type and the expected type."""
    return InputTypeError(f"{name} must be {wanted}, got {type(value).__name__}")
