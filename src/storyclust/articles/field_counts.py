"""Counts of what was read from which field, and the notes that tell of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from storyclust.articles.dates import quoted
from storyclust.articles.field_names import FIELD_NAMES, PREVIEWS, USUAL_NAMES, normal_name

LONG = 100  # characters from which a value looks like a text: a long headline has fewer
SHARE = 0.5  # of the mean length of the texts that a value must have to compete with them
BODY_SHARE = 2.0  # the same for another known body, such as one with its markup
LISTED = 8  # names in a note
MOST_NAMES = 1000  # names of fields that are kept
DATE = re.compile(r"\b(?:19|20)\d\d[-/.]?\d\d|\d{1,2}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ,]+(?:\d\d)?\d\d\b")

_TOTALS = ("records", "only_titles", "blank", "undated", "characters")
_COUNTERS = ("taken", "unreadable", "long", "long_characters", "dated")


class FieldCounts:
    """Counts of the fields of records, to tell what was taken for what.

    Attributes
    ----------
    records, only_titles, blank, undated : int
        Number of records that became articles, of those with a title but no text, with neither, and without
        a date.
    taken : Counter of (str, str)
        How often a field was taken from a key that is not the first choice, by field and key.
    unreadable : Counter of str
        How often a value of another type was left out, by key.
    """

    def __init__(self) -> None:
        self.records = self.only_titles = self.blank = self.undated = self.characters = 0
        self.taken: Counter[tuple[str, str]] = Counter()
        self.unreadable: Counter[str] = Counter()
        self.first_unreadable = ""
        self.long: Counter[str] = Counter()
        self.long_characters: Counter[str] = Counter()
        self.dated: Counter[str] = Counter()
        self.names: dict[str, None] = {}
        self.last_plan: object = None  # of the record before, whose names are noted

    def add_names(self, keys: Iterable[Any]) -> None:
        """Note the names of the fields of a record."""
        if len(self.names) < MOST_NAMES:
            self.names.update(dict.fromkeys(str(key) for key in keys))

    def add_unreadable(self, key: object, value: object) -> None:
        """Note a value of another type that was left out."""
        self.first_unreadable = self.first_unreadable or f"{key}: {quoted(value)}"
        self.unreadable[str(key)] += 1

    def add_article(self, text: str, title: str, *, dated: bool) -> None:
        """Note which fields of an article are set."""
        self.records += 1
        self.characters += len(text)
        self.only_titles += bool(title) and not text
        self.blank += not title and not text
        self.undated += not dated

    def add_others(self, record: Mapping[Any, Any], keys: Iterable[Any], *, dated: bool) -> None:
        """Note values that were not taken though they look like texts or dates."""
        for key in keys:
            value = record[key]
            if isinstance(value, str):
                if len(value) >= LONG:
                    if not value.startswith(("http:", "https:", "data:")):
                        self.long[str(key)] += 1
                        self.long_characters[str(key)] += len(value)
                elif not dated and 6 <= len(value) <= 40 and DATE.search(value):
                    self.dated[str(key)] += 1
            elif not dated and isinstance(value, date):
                self.dated[str(key)] += 1

    def add(self, other: FieldCounts) -> None:
        """Add the counts of another file."""
        for name in _TOTALS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.first_unreadable = self.first_unreadable or other.first_unreadable
        self.add_names(other.names)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as values for JSON; `of_dict` is the inverse.

        Examples
        --------
        >>> from storyclust.articles.field_counts import FieldCounts
        >>> counts = FieldCounts()
        >>> counts.taken["text", "body"] += 1
        >>> FieldCounts.of_dict(counts.as_dict()).mapping()
        'Fields read: text from body (1).'
        """
        counters = {name: [*getattr(self, name).items()] for name in _COUNTERS}
        names = {"names": [*self.names], "first_unreadable": self.first_unreadable}
        return {**{name: getattr(self, name) for name in _TOTALS}, **counters, **names}

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> FieldCounts:
        """Return the counts of `as_dict`."""
        counts = cls()
        for name in _TOTALS:
            setattr(counts, name, values[name])
        for name in _COUNTERS:
            pairs = {tuple(key) if isinstance(key, list) else key: count for key, count in values[name]}
            getattr(counts, name).update(pairs)
        counts.first_unreadable = values["first_unreadable"]
        counts.add_names(values["names"])
        return counts

    def mapping(self) -> str:
        """Say what was read from which key, "" if every key is the first choice."""
        if not self.taken:
            return ""
        found = []
        for field in FIELD_NAMES:
            keys = [(key, count) for (name, key), count in self.taken.items() if name == field]
            keys.sort(key=lambda pair: (-pair[1], pair[0]))
            shown = [key if count == self.records else f"{key} ({count:,})" for key, count in keys]
            if shown:
                found.append(f"{field} from {_listed(shown)}")
        return f"Fields read: {', '.join(found)}."

    def is_guess(self) -> bool:
        """Whether a text, title, date or source came from a key that is not one of the usual ones."""
        return any(
            field in ("text", "title", "published", "source")
            and normal_name(re.split(r"[.\[ ]", key)[0]) not in USUAL_NAMES[field]
            and normal_name(key) not in USUAL_NAMES[field]
            for field, key in self.taken
        )

    def left_over(self) -> list[str]:
        """Names of keys that were not taken though they look like texts, or like missing dates."""
        texts = self.records - self.only_titles - self.blank
        mean = self.characters / texts if texts else 0
        found = [
            key
            for key, count in sorted(self.long.items())
            if 2 * texts < self.records
            or (2 * count > self.records and self.long_characters[key] >= _share(key) * mean * count)
        ]
        if 2 * self.undated > self.records:
            dates = [key for key, count in sorted(self.dated.items()) if 2 * count > self.undated]
            found += [key for key in dates if key not in found]
        return found

    def doubts(self) -> list[str]:
        """Say what may have been misread: previews, values of another type, long texts not read."""
        found = []
        previews = sum(
            count
            for (field, key), count in self.taken.items()
            if field == "text" and normal_name(re.split(r"[.\[]", key)[0]) in PREVIEWS
        )
        if previews:
            found.append(f"{previews:,} of {self.records:,} articles have only a preview, read as the text")
        if count := self.unreadable.total():
            found.append(
                f"{count:,} {'value' if count == 1 else 'values'} of another type left out, "
                f"first {self.first_unreadable}"
            )
        if self.blank:
            found.append(f"{self.blank:,} of {self.records:,} articles have neither a text nor a title")
        if others := self.left_over():
            found.append(f"not read, though they hold long texts or dates: {_listed(others)}")
        return found

    def gaps(self) -> list[str]:
        """Say that most records have no text or no date."""
        found = []
        if 2 * self.only_titles > self.records:
            found.append(f"{self.only_titles:,} of {self.records:,} articles have a title and no text")
        if 2 * self.undated > self.records:
            articles = "" if found else " articles"
            found.append(f"{self.undated:,} of {self.records:,}{articles} are undated")
        if found:
            found.append(f"the fields are {_listed([*self.names])}")
        return found

    def messages(self) -> list[str]:
        """Return at most two lines: what was taken for what, and what may have been misread.

        Examples
        --------
        >>> from storyclust.articles.maker import ArticleMaker
        >>> maker = ArticleMaker()
        >>> article = maker({"headline": "Talks open", "body_html": "<p>They met.</p>", "pub": "2024-03-04"})
        >>> maker.fields.messages()
        ['Fields read: text from body_html, title from headline, published from pub.']
        """
        lines = [self.mapping(), _sentence([*self.doubts(), *self.gaps()])]
        return [line for line in lines if line]

    def warning(self) -> str:
        """Return the message for Python: without the usual names, and without gaps, which are no error."""
        doubts = _sentence(self.doubts())
        parts = [self.mapping() if doubts or self.is_guess() else "", doubts]
        return " ".join(part for part in parts if part)


def _share(key: str) -> float:
    return BODY_SHARE if normal_name(key) in FIELD_NAMES["text"] else SHARE


def _sentence(parts: list[str]) -> str:
    joined = "; ".join(parts)
    return f"{joined[:1].upper()}{joined[1:]}." if joined else ""


def _listed(names: list[str]) -> str:
    shown = [name[:60] for name in names[:LISTED]]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(shown) + more if more or len(shown) < 2 else f"{', '.join(shown[:-1])} and {shown[-1]}"
