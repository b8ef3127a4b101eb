"""Conversion of records to articles: field names, type checks, and unreadable dates."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from storyclust.articles.article import Article, wrong_type
from storyclust.articles.date_order import DateReader
from storyclust.articles.dates import is_missing, quoted
from storyclust.articles.markup import TextCounts
from storyclust.errors import ConvertedTextWarning, InputError, InputTypeError, StoryclustWarning

# Names under which each field is looked for, the most specific first.
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "maintext", "article_text"),
    "title": ("title", "headline"),
    "id": ("id", "_id", "url", "link"),
    "published": (
        *("published", "published_at", "publishedAt", "date"),
        *("date_publish", "pubDate", "datetime", "timestamp"),
    ),
    "source": ("source", "source_domain", "domain", "publisher"),
    "lang": ("lang", "language"),
    "url": ("url", "link"),
}


class ArticleMaker:
    """Convert records to articles; count unreadable dates, and texts that were not plain.

    Records of one file mostly have the same fields, so the lookup is planned once for each set of names.
    """

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self.named = dict(fields or {})
        for name in self.named:
            if name not in FIELD_NAMES:
                raise InputError(f"fields has no key {name!r}; its keys are {', '.join(FIELD_NAMES)}.")
        self.names = {
            name: (self.named[name],) if name in self.named else FIELD_NAMES[name] for name in FIELD_NAMES
        }
        self.plans: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
        self.found: set[str] = set()
        self.first_fields: tuple[Any, ...] | None = None
        self.dates = self.bad_dates = 0
        self.first_bad_date: object = None
        self.read_date = DateReader()
        self.texts = TextCounts()

    def plan(self, record: Mapping[Any, Any]) -> dict[str, list[Any]]:
        """Find the keys of `record` that can hold each field, the preferred one first."""
        keys = tuple(record)
        plan = self.plans.get(keys)
        if plan is None:
            lower = {str(key).strip().lower(): key for key in reversed(keys)}
            plan = {
                name: [key if key in record else lower[key.lower()] for key in wanted if key.lower() in lower]
                for name, wanted in self.names.items()
            }
            self.found |= {name for name in self.named if plan[name]}
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
        plan = self.plan(record)
        text, title = (_first_value(record, plan[name]) for name in ("text", "title"))
        if text is None and title is None:
            if plan["text"]:
                raise wrong_type("text", record[plan["text"][0]], "str")
            raise InputError(f"it has neither a text nor a title; its fields are: {_listed(record)}")
        text, title = self.texts.read(_text_field("text", text), _text_field("title", title))
        return Article(
            text=text,
            title=title,
            id=_label("id", _first_value(record, plan["id"])) or "",
            published=self._date(_first_value(record, plan["published"])),
            source=_label("source", _first_value(record, plan["source"])),
            lang=_label("lang", _first_value(record, plan["lang"])),
            url=_label("url", _first_value(record, plan["url"])),
            record=record,
        )

    def _date(self, value: object) -> datetime | None:
        try:
            stamp = self.read_date(value)
        except InputError:
            self.first_bad_date = value if not self.bad_dates else self.first_bad_date
            self.bad_dates += 1
            self.dates += 1
            return None
        self.dates += stamp is not None
        return stamp


def article_from_record(record: Mapping[str, Any], *, fields: Mapping[str, str] | None = None) -> Article:
    """Convert one record to an article.

    Parameters
    ----------
    record : mapping
        Fields are found by their usual names, ignoring case: the text is `text, body, content, maintext` or
        `article_text`, the title `title` or `headline`, and so on. If a field is blank, the next is used.
        A text or title that is HTML becomes plain text; `Article.record` remains as it is.
    fields : mapping of str to str or None, default=None
        The names to use instead, such as ``{"text": "lede"}``; the keys are fields of `Article`.

    Returns
    -------
    Article
        Undated, with a StoryclustWarning, if its date cannot be read. A ConvertedTextWarning says if its text
        was HTML, had entities or mis-decoded characters.

    Raises
    ------
    InputError
        If it has neither text nor title, or a field has the wrong type.

    Examples
    --------
    >>> from storyclust.articles.records import article_from_record
    >>> article_from_record({"headline": "Talks open", "pubDate": "2024-03-04", "source": {"name": "AP"}})
    ... # doctest: +NORMALIZE_WHITESPACE
    Article(text='', title='Talks open', id='',
            published=datetime.datetime(2024, 3, 4, 12, 0, tzinfo=datetime.timezone.utc),
            source='AP', lang=None, url=None)
    """
    if not isinstance(record, Mapping):
        raise wrong_type("record", record, "a mapping")
    maker = ArticleMaker(fields)
    maker.check_fields([record])
    (article,) = maker.read_date.settled([maker(record)])
    if maker.bad_dates:
        warnings.warn(dates_unread(1, 1, quoted(maker.first_bad_date)), StoryclustWarning, stacklevel=2)
    for message in maker.read_date.counts.messages():
        warnings.warn(message, StoryclustWarning, stacklevel=2)
    _warn_of_texts(maker.texts)
    return article


def as_articles(data: Any, *, fields: Mapping[str, str] | None = None, first_row: int = 0) -> list[Article]:
    """Convert a sequence or DataFrame to a list of articles with unique ids.

    An article without an id gets its row number. If several share an id, the second is renamed to ``id#2``,
    the third to ``id#3``.

    Parameters
    ----------
    data : iterable of str, mapping or Article, or a DataFrame
        Strings are texts. What is HTML becomes plain text, except in an Article. DataFrames may be of pandas,
        polars, pyarrow or any library that narwhals supports.
    fields : mapping of str to str or None, default=None
        Names of the fields of mappings and DataFrames, as for `article_from_record`.
    first_row : int, default=0
        Number of the first article, where `data` is part of a longer sequence.

    Returns
    -------
    list of Article
        In the order of `data`. Unreadable dates become None, and one StoryclustWarning counts them. One
        ConvertedTextWarning counts texts that were HTML, had entities or mis-decoded characters.

    Raises
    ------
    InputError
        If a row is not an article; the message names it. InputTypeError if `data` is not a sequence.

    Examples
    --------
    >>> from storyclust.articles.records import as_articles
    >>> articles = as_articles(["Rain in Delhi.", {"headline": "Snow", "body": "It snowed.", "id": "n1"}])
    >>> [(article.id, article.title, article.text) for article in articles]
    [('0', '', 'Rain in Delhi.'), ('n1', 'Snow', 'It snowed.')]
    """
    maker = ArticleMaker(fields)
    rows = _rows(data)
    if all(type(row) is Article for row in rows):
        articles = list(rows)
    elif all(type(row) is str for row in rows):
        texts = (maker.texts.read(text.removeprefix("\ufeff"))[0] for text in rows)
        articles = [Article(text, id=str(row)) for row, text in enumerate(texts, first_row)]
        _warn_of_texts(maker.texts)
    else:
        maker.check_fields(row for row in rows if isinstance(row, Mapping))
        articles = _converted(rows, maker, first_row)
    if renamed := ensure_ids(articles, first_row):
        warnings.warn(ids_renamed(renamed), StoryclustWarning, stacklevel=2)
    return articles


def articles_as_given(data: Any) -> list[Article]:
    """Convert a sequence or DataFrame as `as_articles` does, with the ids unchanged.

    A missing id is ''; ids may repeat.
    """
    maker = ArticleMaker()
    rows = _rows(data)
    if all(type(row) is Article for row in rows):
        return list(rows)
    maker.check_fields(row for row in rows if isinstance(row, Mapping))
    return _converted(rows, maker, 0)


def _rows(data: Any) -> Sequence[Any]:
    if isinstance(data, (list, tuple)):
        return data
    if isinstance(data, (str, bytes, Mapping, Article)):
        raise _not_a_sequence(data)
    if isinstance(data, Iterator):
        return list(data)
    import narwhals

    try:
        frame = narwhals.from_native(data, pass_through=True, allow_series=True)
    except narwhals.exceptions.NarwhalsError as error:
        raise InputError(f"this DataFrame cannot be read: {' '.join(str(error).split())}.") from error
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, narwhals.DataFrame):
        return list(frame.iter_rows(named=True))
    if hasattr(frame, "to_pylist"):  # an Arrow array, whose items are Arrow scalars
        return list(frame.to_pylist())
    if not hasattr(frame, "__iter__"):
        raise _not_a_sequence(data)
    return list(frame)


def _not_a_sequence(data: object) -> InputTypeError:
    one = isinstance(data, (Mapping, Article))
    way_out = "put it in a list" if one else "to read a file use storyclust.read_articles(path)"
    return InputTypeError(f"articles must be a sequence of articles, got {type(data).__name__}; {way_out}.")


def _converted(rows: Sequence[Any], maker: ArticleMaker, first_row: int) -> list[Article]:
    bad: list[str] = []
    articles = list(maker.read_date.settled(_each_converted(rows, maker, first_row, bad)))
    messages = [dates_unread(maker.bad_dates, maker.dates, bad[0])] if maker.bad_dates else []
    for message in messages + maker.read_date.counts.messages():
        warnings.warn(message, StoryclustWarning, stacklevel=3)
    _warn_of_texts(maker.texts, stacklevel=4)
    return articles


def _each_converted(
    rows: Sequence[Any], maker: ArticleMaker, first_row: int, bad: list[str]
) -> Iterator[Article]:
    """Convert row by row, and append the place of the first date that cannot be read to `bad`."""
    for number, row in enumerate(rows, first_row):
        place = f"articles[{number}]"
        if isinstance(row, Article):
            yield row
        elif isinstance(row, str):
            yield Article(maker.texts.read(_text_field("text", row))[0])
        elif isinstance(row, Mapping):
            try:
                article = maker(row)
            except InputError as error:
                raise _located(place, error, _first_value(row, maker.plan(row)["id"])) from None
            if maker.bad_dates and not bad:
                bad.append(f"{place} {quoted(maker.first_bad_date)}")
            yield article
        else:
            raise InputTypeError(f"{place} must be str, a mapping or an Article, got {type(row).__name__}.")


def _warn_of_texts(texts: TextCounts, stacklevel: int = 3) -> None:
    if message := texts.message():
        warnings.warn(message, ConvertedTextWarning, stacklevel=stacklevel)


def _located(place: str, error: InputError, name: object) -> InputError:
    reason = str(error)
    hint = "" if name is None else f" (id {quoted(name)})"
    return type(error)(f"{place}{': ' if reason.startswith('it ') else '.'}{reason}{hint}.")


def ensure_ids(articles: list[Article], first_row: int = 0) -> list[tuple[str, str]]:
    """Make all ids unique, in place; return the old and new id of each renamed article."""
    taken = {article.id for article in articles}
    if len(taken) == len(articles) and "" not in taken:
        return []
    given, seen, copies = frozenset(taken), set[str](), dict[str, int]()
    renamed = []
    for row, article in enumerate(articles):
        wanted = name = article.id or str(first_row + row)
        if wanted in seen or (not article.id and wanted in given):
            while name in taken:
                copies[wanted] = copies.get(wanted, 1) + 1
                name = f"{wanted}#{copies[wanted]}"
        taken.add(name)
        seen.add(name)
        if name != article.id:
            articles[row] = replace(article, id=name)
            if article.id:
                renamed.append((article.id, name))
    return renamed


def ids_renamed(renamed: Sequence[tuple[str, str]]) -> str:
    """Message on repeated ids: their number, and how the first was renamed."""
    count = len({old for old, _ in renamed})
    old, new = renamed[0]
    verb = "id occurs" if count == 1 else "ids occur"
    return f"{count:,} {verb} more than once; later ones were renamed, first: {old!r} -> {new!r}."


def dates_unread(bad: int, dates: int, first: str) -> str:
    """Message on unreadable dates: their number, and the location of the first."""
    verb = "counts" if bad == 1 else "count"
    return f"{bad:,} of {dates:,} dates could not be read and {verb} as undated, first: {first}."


def _listed(names: Iterable[Any]) -> str:
    shown = [str(name)[:40] for name in names]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")


def _first_value(record: Mapping[Any, Any], keys: Iterable[Any]) -> Any:
    blank = None
    for key in keys:
        value = record[key]
        if isinstance(value, str) and (not value or value.isspace()):
            blank = value if blank is None else blank
        elif not is_missing(value):
            return value
    return blank


def _text_field(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong_type(name, value, "str")
    return str(value).removeprefix("\ufeff")


def _label(name: str, value: object) -> str | None:
    if isinstance(value, Mapping):  # {"id": "ap", "name": "AP"}, or {"$oid": "65e5"} from MongoDB
        value = value.get("name", value.get("$oid", value))
    if hasattr(value, "__len__") and not isinstance(value, str):
        raise wrong_type(name, value, "str")
    if (
        isinstance(value, float) and value.is_integer()
    ):  # pandas converts integers to floats if one is missing
        value = int(value)
    return None if value is None or value == "" else str(value)
