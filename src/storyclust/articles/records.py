"""Conversion of records and DataFrames to articles, with the warnings on what was read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storyclust.articles.article import Article, wrong_type
from storyclust.articles.dates import quoted
from storyclust.articles.field_counts import FieldCounts
from storyclust.articles.field_values import read_value
from storyclust.articles.frames import Given
from storyclust.articles.maker import ArticleMaker
from storyclust.articles.markup import TextCounts
from storyclust.errors import (
    ConvertedTextWarning,
    FieldsWarning,
    InputError,
    InputTypeError,
    StoryclustWarning,
)


def article_from_record(record: Mapping[str, Any], *, fields: Mapping[str, str] | None = None) -> Article:
    """Convert one record to an article.

    Parameters
    ----------
    record : mapping
        Fields are found by their usual names, ignoring case and punctuation: the text is `text, body,
        content, maintext, articleBody` and so on, or a preview such as `summary` if there is no body; see
        `storyclust.articles.field_names`. Values may be nested, as in ``{"rendered": ...}``. If a field is
        blank, a word such as "nan" or "null", or of another type, the next is used. A text or title that is
        HTML becomes plain text; `Article.record` remains as it is.
    fields : mapping of str to str or None, default=None
        The names to use instead, such as ``{"text": "lede"}``; the keys are fields of `Article`.

    Returns
    -------
    Article
        Undated, with a StoryclustWarning, if its date cannot be read. A ConvertedTextWarning says if its text
        was HTML, had entities or mis-decoded characters, a FieldsWarning if fields were taken from names that
        are not usual, left out for their type, or not taken though they look like texts or dates.

    Raises
    ------
    InputError
        If it has neither text nor title.

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
    maker = ArticleMaker(fields, keep_blank=True)
    maker.check_fields([record])
    (article,) = maker.read_date.settled([maker(record)])
    if maker.bad_dates:
        warnings.warn(dates_unread(1, 1, quoted(maker.first_bad_date)), StoryclustWarning, stacklevel=2)
    for message in maker.read_date.counts.messages():
        warnings.warn(message, StoryclustWarning, stacklevel=2)
    _warn_of_texts(maker.texts)
    _warn_of_fields(maker.fields)
    return article


def as_articles(data: Any, *, fields: Mapping[str, str] | None = None, first_row: int = 0) -> list[Article]:
    """Convert a sequence or DataFrame to a list of articles with unique ids.

    An article without an id gets its row number. If several share an id, the second is renamed to ``id#2``,
    the third to ``id#3``.

    Parameters
    ----------
    data : iterable of str, mapping or Article, or a DataFrame
        Strings are texts. What is HTML becomes plain text, except in an Article. DataFrames may be of pandas,
        polars, pyarrow or any library that narwhals supports. A Hugging Face dataset is read as its Arrow
        table, a streaming one as an iterable of mappings.
    fields : mapping of str to str or None, default=None
        Names of the fields of mappings and DataFrames, as for `article_from_record`.
    first_row : int, default=0
        Number of the first article, where `data` is part of a longer sequence.

    Returns
    -------
    list of Article
        In the order of `data`. Unreadable dates become None, and one StoryclustWarning counts them. One
        ConvertedTextWarning counts texts that were HTML, had entities or mis-decoded characters, and one
        FieldsWarning says which unusual fields were taken and which were not.

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
    maker = ArticleMaker(fields, keep_blank=True)
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
    maker = ArticleMaker(keep_blank=True)
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
    given = Given.of(data)
    if given.frame is not None:
        return list(given.frame.iter_rows(named=True))
    frame = given.data
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
    _warn_of_fields(maker.fields, stacklevel=4)
    return articles


def _warn_of_fields(counts: FieldCounts, stacklevel: int = 3) -> None:
    if message := counts.warning():
        warnings.warn(message, FieldsWarning, stacklevel=stacklevel)


def _each_converted(
    rows: Sequence[Any], maker: ArticleMaker, first_row: int, bad: list[str]
) -> Iterator[Article]:
    """Convert row by row, and append the place of the first date that cannot be read to `bad`."""
    for number, row in enumerate(rows, first_row):
        place = f"articles[{number}]"
        if isinstance(row, Article):
            yield row
        elif isinstance(row, str):
            yield Article(maker.texts.read(_plain(row))[0])
        elif isinstance(row, Mapping):
            try:
                article = maker(row)
            except InputError as error:
                raise _located(place, error, _id_shown(row, maker)) from None
            if maker.bad_dates and not bad:
                bad.append(f"{place} {quoted(maker.first_bad_date)}")
            yield article
        else:
            raise InputTypeError(f"{place} must be str, a mapping or an Article, got {type(row).__name__}.")


def _warn_of_texts(texts: TextCounts, stacklevel: int = 3) -> None:
    if message := texts.message():
        warnings.warn(message, ConvertedTextWarning, stacklevel=stacklevel)


def _id_shown(record: Mapping[Any, Any], maker: ArticleMaker) -> object:
    """The first id of a record, for a message."""
    return next((record[key] for key in maker.plan(record)["id"] if read_value("id", record[key]).text), None)


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


def _plain(text: str) -> str:
    return str(text).removeprefix("\ufeff")
