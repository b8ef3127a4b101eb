"""`ArticleMaker`, which makes articles of records and counts what it read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from storyclust.articles.article import Article, wrong_type
from storyclust.articles.date_order import DateReader
from storyclust.articles.dates import parse_date
from storyclust.articles.field_counts import FieldCounts
from storyclust.articles.field_names import PERHAPS_TEXTS, Plan, checked_names, make_plan, normal_name
from storyclust.articles.field_values import date_value, host_of, is_blank, is_page, read_value
from storyclust.articles.markup import TextCounts
from storyclust.errors import InputError

# Names that say "when" only sometimes: a value that is no date is not one that cannot be read.
PERHAPS_DATES = frozenset({"pub", "time", "issued", "created", "updated", "modified"})


class ArticleMaker:
    """Convert records to articles; count unreadable dates, texts that were not plain, and fields taken.

    Records of one file mostly have the same fields, so the lookup is planned once for each set of names.

    Parameters
    ----------
    fields : mapping of str to str or None, default=None
        Names of fields that are to be used, by fields of `Article`.
    keep_blank : bool, default=False
        Whether a record with a blank text and no title becomes a blank article, rather than an error.
    """

    def __init__(self, fields: Mapping[str, str] | None = None, *, keep_blank: bool = False) -> None:
        self.named = checked_names(fields)
        self.keep_blank = keep_blank
        self.plans: dict[tuple[Any, ...], Plan] = {}
        self.found: set[str] = set()
        self.first_fields: tuple[Any, ...] | None = None
        self.dates = self.bad_dates = 0
        self.first_bad_date: object = None
        self.read_date = DateReader()
        self.texts = TextCounts()
        self.fields = FieldCounts()

    def plan(self, record: Mapping[Any, Any]) -> dict[str, list[Any]]:
        """Find the keys of `record` that can hold each field, the preferred one first."""
        return self._plan(record).keys

    def _plan(self, record: Mapping[Any, Any]) -> Plan:
        keys = tuple(record)
        plan = self.plans.get(keys)
        if plan is None:
            plan = make_plan(keys, self.named)
            self.found |= {name for name in self.named if plan.keys[name]}
            self.first_fields = keys if self.first_fields is None else self.first_fields
            if len(self.plans) >= 1000:  # bounds the memory for records that all have different fields
                self.plans.clear()
            self.plans[keys] = plan
        return plan

    def check_fields(self, records: Iterable[Mapping[Any, Any]] = ()) -> None:
        """Raise if a named field is in none of the records seen so far, nor in `records`."""
        remaining = iter(records)
        while missing := [name for name in self.named if name not in self.found]:
            record = next(remaining, None)
            if record is None:
                break
            self.plan(record)
        if missing and self.first_fields is not None:
            raise InputError(
                f"no record has the field {self.named[missing[0]]!r} named for {missing[0]}; "
                f"the first has: {_listed(self.first_fields)}."
            )

    def __call__(self, record: Mapping[Any, Any]) -> Article:
        """Convert one record; the message of an InputError has no location, which the caller adds."""
        plan = self._plan(record)
        taken: dict[str, tuple[Any, str]] = {}
        text, title = (self._value(name, record, plan, taken) for name in ("text", "title"))
        if not text and not title:
            self._check_blank(record, plan.keys["text"])
        published = self._date(record, plan.keys["published"], taken)
        source, lang = self._source(record, plan, taken), self._value("lang", record, plan, taken)
        url = self._value("url", record, plan, taken) or self._page(record, plan, taken)
        if text or title:
            text, title = self.texts.read(text, title)
            if is_blank(text) and is_blank(title):  # markup around nothing
                self._check_blank(record, plan.keys["text"])
        article = Article(
            text=text,
            title=title,
            id=self._value("id", record, plan, taken),
            published=published,
            source=source or None,
            lang=lang or None,
            url=url or None,
            record=record,
        )
        self._count(article, plan, taken)
        return article

    def taken(self, record: Mapping[Any, Any], plan: Plan) -> set[Any]:
        """Keys that the fields are taken from."""
        taken: dict[str, tuple[Any, str]] = {}
        for name in ("text", "title", "id", "lang"):
            self._value(name, record, plan, taken)
        self._source(record, plan, taken)
        if not self._value("url", record, plan, taken):
            self._page(record, plan, taken)
        self._date(record, plan.keys["published"], taken)
        return {key for key, _ in taken.values()}

    def _count(self, article: Article, plan: Plan, taken: dict[str, tuple[Any, str]]) -> None:
        counts, dated = self.fields, article.published is not None
        if counts.last_plan is not plan:
            counts.last_plan = plan
            counts.add_names(article.record)
        counts.add_article(article.text, article.title, dated=dated)
        for name, (key, path) in taken.items():
            if (path or normal_name(str(key)) != name) and (path or name not in self.named):
                counts.taken[name, f"{key}{path}"] += 1
        body = taken["text"][0] if "text" in taken else None
        counts.add_others(article.record, (key for key in plan.others if key != body), dated=dated)

    def _check_blank(self, record: Mapping[Any, Any], keys: list[Any]) -> None:
        """Raise if a record without text and title is no article."""
        if keys and not isinstance(record[keys[0]], str):
            raise wrong_type("text", record[keys[0]], "str")
        if not keys or not self.keep_blank:
            raise InputError(f"it has neither a text nor a title; its fields are: {_listed(record)}")

    def _value(
        self, name: str, record: Mapping[Any, Any], plan: Plan, taken: dict[str, tuple[Any, str]]
    ) -> str:
        """Text of the first key that holds one; "" if there is none."""
        unreadable = None
        for key in plan.keys[name]:
            found = read_value(name, record[key])
            if name == "text" and normal_name(str(key)) in PERHAPS_TEXTS and not re.search(r"\s", found.text):
                continue
            if found.text:
                taken[name] = key, found.path
                return found.text
            if not found.readable and unreadable is None:
                unreadable = key
        if unreadable is not None:
            self.fields.add_unreadable(unreadable, record[unreadable])
        return ""

    def _source(self, record: Mapping[Any, Any], plan: Plan, taken: dict[str, tuple[Any, str]]) -> str:
        """Name of the outlet; of a web address, which names it only if nothing else does, the host."""
        address = None
        for key in plan.keys["source"]:
            value = record[key]
            if host := host_of(value) if isinstance(value, str) else "":
                address = address or (key, host)
            elif not (normal_name(str(key)) == "pub" and _is_date(value)):
                one = Plan({"source": [key]}, [])
                if found := self._value("source", record, one, taken):
                    if not (host := host_of(found)):
                        return found
                    address = address or (key, host)
        if address is None:
            return ""
        taken["source"] = address[0], " (its host)"
        return address[1]

    def _page(self, record: Mapping[Any, Any], plan: Plan, taken: dict[str, tuple[Any, str]]) -> str:
        """Address of the article in a field `source`, where trafilatura writes it."""
        for key in plan.keys["source"]:
            if isinstance(value := record[key], str) and is_page(value):
                taken["url"] = key, ""
                return value
        return ""

    def _date(
        self, record: Mapping[Any, Any], keys: list[Any], taken: dict[str, tuple[Any, str]]
    ) -> datetime | None:
        """Date of the first key that holds one that can be read."""
        bad: object = None
        for key in keys:
            value = date_value(record[key])
            if isinstance(value, str) and is_blank(value):
                continue
            try:
                stamp = self.read_date(value)
            except InputError:
                if bad is None and normal_name(str(key)) not in PERHAPS_DATES:
                    bad = record[key]
                continue
            if stamp is not None:
                taken["published"] = key, ""
                self.dates += 1
                return stamp
        if bad is not None:
            self.first_bad_date = bad if not self.bad_dates else self.first_bad_date
            self.bad_dates += 1
            self.dates += 1
        return None


def _is_date(value: object) -> bool:
    try:
        return parse_date(date_value(value)) is not None
    except InputError:
        return False


@lru_cache(maxsize=1000)
def _usual_plan(keys: tuple[Any, ...]) -> Plan:
    return make_plan(keys, {})


def taken_keys(record: Mapping[Any, Any]) -> set[Any]:
    """Return the keys of a record that the fields of its article are taken from.

    Examples
    --------
    >>> from storyclust.articles.maker import taken_keys
    >>> sorted(taken_keys({"headline": "Talks open", "text": "nan", "summary": "They met.", "desk": "asia"}))
    ['headline', 'summary']
    """
    return ArticleMaker().taken(record, _usual_plan(tuple(record)))


def _listed(names: Iterable[Any]) -> str:
    shown = [str(name)[:40] for name in names]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
