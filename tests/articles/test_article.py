"""Conversion of records to articles, and parsing of dates."""

import dataclasses
import math
import pickle
import warnings
from datetime import UTC, date, datetime, timedelta, timezone

import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.articles import Article, parse_date
from storyclust.articles.records import article_from_record, as_articles
from storyclust.errors import InputError, InputTypeError, StoryclustWarning

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
FIVE = datetime(2024, 3, 4, 17, tzinfo=UTC)


# Article


def test_content_is_the_text_or_else_the_title():
    assert Article("body", title="head").content == "body"
    assert Article(" \n\u3000", title="head").content == "head"
    assert Article("").content == ""


def test_an_article_cannot_be_changed_and_can_be_pickled_and_hashed():
    article = Article("body", id="a", published=FIVE, record={"x": [1]})
    with pytest.raises(dataclasses.FrozenInstanceError):
        article.id = "b"
    copy = pickle.loads(pickle.dumps(article))  # noqa: S301
    assert copy == article
    assert copy.record == {"x": [1]}
    assert len({article, copy}) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text": None}, "text must be str, got NoneType"),
        ({"text": "x", "title": 5}, "title must be str, got int"),
        ({"text": "x", "id": 5}, "id must be str, got int"),
        ({"text": "x", "published": "2024-03-04"}, "published must be a datetime or None, got str"),
    ],
)
def test_an_article_of_wrong_types_is_refused_at_once(values, message):
    with pytest.raises(InputTypeError, match=message):
        Article(**values)


def test_published_is_kept_in_utc():
    tokyo = timezone(timedelta(hours=9))
    assert Article("x", published=datetime(2024, 3, 5, 2, tzinfo=tokyo)).published == FIVE
    assert Article("x", published=datetime(2024, 3, 4, 17)).published == FIVE
    assert type(Article("x", published=pd.Timestamp("2024-03-04 17:00")).published) is datetime


def test_to_record_gives_the_input_back_with_the_id_in_use():
    record = {"_id": 7, "Body": "b", "extra": {"a": [1]}, "date": "yesterday's"}
    with pytest.warns(StoryclustWarning):
        article = article_from_record(record)
    assert article.to_record() == {"id": "7", **record}
    assert list(article_from_record({"text": "b", "id": 7, "z": 1}).to_record()) == ["text", "id", "z"]
    article.to_record()["extra"] = None
    assert record["extra"] == {"a": [1]}


def test_to_record_without_a_record_gives_the_fields_that_are_set():
    article = Article("b", title="t", id="1", published=FIVE, lang="en")
    expected = {"id": "1", "title": "t", "text": "b", "published": "2024-03-04T17:00:00+00:00", "lang": "en"}
    assert article.to_record() == expected
    assert "id" not in Article("b").to_record()


# Records


@pytest.mark.parametrize(
    ("record", "name", "value"),
    [
        ({"BODY": "b"}, "text", "b"),
        ({"maintext": "b", "content": "c"}, "text", "c"),
        ({"text": None, "content": "c"}, "text", "c"),
        ({"text": " ", "content": "c"}, "text", "c"),
        ({"text": "", "title": "t"}, "text", ""),
        ({"text": None, "title": "t"}, "text", ""),
        ({"text": math.nan, "title": "t"}, "text", ""),
        ({"text": pd.NA, "title": "t"}, "text", ""),
        ({"text": np.float32("nan"), "title": "t"}, "text", ""),
        ({"text": np.str_("b")}, "text", "b"),
        ({"text": "\ufeffb\ufeff"}, "text", "b\ufeff"),
        ({"text": "a\0b\r\nc e\u0301 \ud800"}, "text", "a\0b\r\nc e\u0301 \ud800"),
        ({"headline": "\ufeffh"}, "title", "h"),
        ({"text": "b", " Title ": "h"}, "title", "h"),
        ({"text": "b", "Text": "B"}, "text", "b"),
        ({"text": "b", "_id": 17}, "id", "17"),
        ({"text": "b", "id": None, "url": "u"}, "id", "u"),
        ({"text": "b", "id": 17.0}, "id", "17"),
        ({"text": "b", "id": 0}, "id", "0"),
        ({"text": "b", "_id": {"$oid": "65e5"}}, "id", "65e5"),
        ({"text": "b", "link": "u"}, "url", "u"),
        ({"text": "b", "language": "en"}, "lang", "en"),
        ({"text": "b", "source": {"id": None, "name": "AP"}}, "source", "AP"),
        ({"text": "b", "source": {"id": "ap", "name": None}}, "source", "ap"),
        ({"text": "b", "publisher": "P", "domain": "d.org"}, "source", "d.org"),
        ({"text": "b", "publishedAt": "2024-03-04T17:00:00Z"}, "published", FIVE),
        ({"text": "b", "pubdate": "Mon, 04 Mar 2024 17:00:00 GMT"}, "published", FIVE),
        ({"text": "b", "date": None, "timestamp": 1709571600}, "published", FIVE),
        ({"text": "b", "date": {"$date": "2024-03-04T17:00:00Z"}}, "published", FIVE),
        ({"text": "b", "date": " "}, "published", None),
    ],
)
def test_fields_are_found_by_their_usual_names(record, name, value):
    article = article_from_record(record)
    assert getattr(article, name) == value
    assert article.record is record


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"a": 1, "b": 2}, "it has neither a text nor a title; its fields are: a, b"),
        ({}, "it has neither a text nor a title; its fields are: "),
        ({"text": 5}, "text must be str, got int"),
        ({"text": b"x"}, "text must be str, got bytes"),
        ({"text": None}, "text must be str, got NoneType"),
        ({"text": {"x": 1}}, "text must be str, got dict"),
        ([], "record must be a mapping, got list"),
    ],
)
def test_a_bad_record_is_reported_in_one_sentence(record, message):
    with pytest.raises(InputError) as caught:
        article_from_record(record)
    assert str(caught.value) == message


def test_many_fields_are_listed_in_part():
    with pytest.raises(InputError, match="f11 and 88 more"):
        article_from_record({f"f{number}": 1 for number in range(100)})


def test_fields_can_be_named():
    record = {"text": "teaser", "Lede": "body", "when": "2024-03-04"}
    article = article_from_record(record, fields={"text": "lede", "published": "when"})
    assert (article.text, article.published) == ("body", NOON)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"body": "x"},
            "fields has no key 'body'; its keys are text, title, id, published, source, lang, url.",
        ),
        ({"text": "x"}, "no record has the field 'x' named for text; the first has: text, when."),
    ],
)
def test_wrongly_named_fields_are_an_error(fields, message):
    with pytest.raises(InputError) as caught:
        as_articles([{"text": "b", "when": 1}, {"c": 1}], fields=fields)
    assert str(caught.value) == message


def test_a_named_field_may_be_missing_in_some_records():
    records = [{"title": "t"}, {"lede": "b"}]
    assert [article.content for article in as_articles(records, fields={"text": "lede"})] == ["t", "b"]


def test_a_bad_date_leaves_the_article_undated():
    with pytest.warns(
        StoryclustWarning, match=r"^1 of 1 dates could not be read and counts as undated, first: 'soon'"
    ):
        assert article_from_record({"text": "b", "date": "soon"}).published is None


# as_articles


def test_plain_kinds_can_be_mixed():
    own = Article("c", id="own")
    articles = as_articles(iter(["a", {"body": "b"}, own]))
    assert [article.text for article in articles] == ["a", "b", "c"]
    assert [article.id for article in articles] == ["0", "1", "own"]
    assert articles[2] is own


def test_articles_with_ids_pass_through_untouched():
    given_articles = [Article("x", id=str(number)) for number in range(3)]
    assert all(one is other for one, other in zip(as_articles(given_articles), given_articles, strict=True))
    assert as_articles([]) == []


FRAME = {
    "headline": ["one", None, "three"],
    "body": ["first", "second", "third"],
    "published": [datetime(2024, 3, 4, 17), None, datetime(2024, 3, 4, 17)],
    "id": [7, 8, 9],
}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(FRAME),
        pd.DataFrame(FRAME).convert_dtypes(),
        pd.DataFrame(FRAME, index=["x", "y", "z"]),
        pl.DataFrame(FRAME),
        pl.DataFrame(FRAME).lazy(),
        pa.table(FRAME),
        narwhals.from_native(pl.DataFrame(FRAME)),
    ],
    ids=lambda frame: f"{type(frame).__module__}.{type(frame).__name__}",
)
def test_dataframes(frame):
    articles = as_articles(frame)
    assert [article.title for article in articles] == ["one", "", "three"]
    assert [article.text for article in articles] == ["first", "second", "third"]
    assert [article.published for article in articles] == [FIVE, None, FIVE]
    assert [article.id for article in articles] == ["7", "8", "9"]
    assert articles[0].record["body"] == "first"


def test_a_dataframe_with_missing_ids_and_a_column_twice():
    frame = pd.DataFrame({"id": [5, None, 7], "text": ["a", "b", "c"]})
    assert [article.id for article in as_articles(frame)] == ["5", "1", "7"]
    with pytest.raises(InputError, match=r"this DataFrame cannot be read: .*unique"):
        as_articles(pd.DataFrame([["a", "b"]], columns=["text", "text"]))


@pytest.mark.parametrize(
    "column",
    [
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        pd.Series(["a", "b"]),
        pl.Series(["a", "b"]),
        pa.array(["a", "b"]),
        pa.chunked_array([["a"], ["b"]]),
        {"a": 1, "b": 2}.keys(),
    ],
)
def test_columns_of_texts(column):
    articles = as_articles(column)
    assert [article.text for article in articles] == ["a", "b"]
    assert type(articles[0].text) is str


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("week.jsonl", "got str; to read a file use storyclust.read_articles(path)."),
        (b"x", "got bytes; to read a file use"),
        (5, "got int; to read"),
        (None, "got NoneType; to read"),
        ({"text": "x"}, "got dict; put it in a list."),
        (Article("x"), "got Article; put it in a list."),
        ([5], "articles[0] must be str, a mapping or an Article, got int."),
        (["x", None], "articles[1] must be str, a mapping or an Article, got NoneType."),
        (["x", {"id": "x-17", "text": None}], "articles[1].text must be str, got NoneType (id 'x-17')."),
        ([{"text": 5}], "articles[0].text must be str, got int."),
    ],
)
def test_input_that_is_not_a_sequence_is_a_type_error(data, message):
    with pytest.raises(InputTypeError) as caught:
        as_articles(data)
    assert message in str(caught.value)


def test_a_record_without_text_is_named_by_its_row():
    with pytest.raises(InputError) as caught:
        as_articles([{"text": "x"}, {"id": 5, "keywords": "s"}])
    assert str(caught.value) == (
        "articles[1]: it has neither a text nor a title; its fields are: id, keywords (id 5)."
    )


def test_bad_dates_are_counted_in_one_warning():
    records = [{"text": "x", "date": value} for value in ("2024-03-04", None, "yesterday", "soon", "")]
    with pytest.warns(StoryclustWarning) as caught:
        articles = as_articles(records)
    assert [str(warning.message) for warning in caught] == [
        "2 of 3 dates could not be read and count as undated, first: articles[2] 'yesterday'."
    ]
    assert caught[0].filename == __file__
    assert [article.published for article in articles] == [NOON, None, None, None, None]


def test_ids_are_made_unique_in_order():
    articles = [Article("x", id=name) for name in ("a", "b", "a", "a#2", "a", "b")]
    with pytest.warns(StoryclustWarning) as caught:
        renamed = as_articles(articles)
    assert [article.id for article in renamed] == ["a", "b", "a#3", "a#2", "a#4", "b#2"]
    assert [str(warning.message) for warning in caught] == [
        "2 ids occur more than once; later ones were renamed, first: 'a' -> 'a#3'."
    ]
    assert renamed[2].to_record()["id"] == "a#3"


def test_a_row_number_gives_way_to_a_given_id():
    articles = as_articles(["x", Article("y", id="0"), "z", Article("y", id="2")])
    assert [article.id for article in articles] == ["0#2", "0", "2#2", "2"]


@given(st.lists(st.sampled_from(["", "a", "b", "a#2", "0", "1", "2#2"]), max_size=12))
def test_ids_are_unique(names):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoryclustWarning)
        ids = [article.id for article in as_articles([Article("x", id=name) for name in names])]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    first = {name: names.index(name) for name in names if name}
    assert all(ids[row] == name for name, row in first.items())


# Dates


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-04",
        "20240304",
        " 2024-03-04\n",
        "\ufeff2024-03-04",
        20240304,
        20240304.0,
        np.int64(20240304),
        "2024-064",
        "2024-W10-1",
        "2024-03-04Z",
        "2024-03-04+09:00",
        "2024-03-04-05:00",
        "March 4, 2024",
        "4 Mar 2024",
        "Mon, 4 March 2024",
        "4th of March, 2024",
        "04-Mar-2024",
        "2024/03/04",
        "3/4/2024",
        date(2024, 3, 4),
        np.datetime64("2024-03-04"),
    ],
)
def test_a_date_without_a_time_is_noon_utc(value):
    assert parse_date(value) == NOON


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-04T17:00:00Z",
        "2024-03-04T17:00:00",
        "2024-03-04T17",
        "2024-03-04t17:00z",
        "20240304T170000Z",
        "2024-064T17:00Z",
        "2024-03-04T17:00:00.000000000Z",
        "2024-03-04T17:00:00,0+00:00",
        "2024-03-04 17:00:00 UTC",
        "2024-03-04 17:00:00 GMT",
        "2024-03-04 22:30:00 +0530",
        "2024-03-04T12:00:00-05:00",
        "Mon, 04 Mar 2024 17:00:00 GMT",
        "Mon, 04 Mar 2024 17:00:00 +0000",
        "Mon, 04 Mar 2024 17:00:00 -0000",
        "04 Mar 2024 17:00 UT",
        "Mon, 04 Mar 2024 12:00:00 EST",
        "Mon, 04 Mar 2024 17:00:00 +0000 (UTC)",
        "Mon, 04 Mar 24 17:00:00 GMT",
        "Mon Mar 04 17:00:00 +0000 2024",
        "March 4, 2024 5:00 pm",
        "March 4, 2024 at 5 pm",
        "March 4, 2024 5:00 p.m.",
        "March 4, 2024 10 am PDT",
        "202403041700",
        "20240304170000",
        20240304170000,
        1709571600,
        1709571600.0,
        "1709571600",
        "1709571600.0",
        1709571600000,
        1709571600000000,
        1709571600000000000,
        np.int64(1709571600),
        datetime(2024, 3, 4, 17),
        datetime(2024, 3, 5, 2, tzinfo=timezone(timedelta(hours=9))),
        np.datetime64("2024-03-04T17:00"),
        np.datetime64("2024-03-04T17:00:00.000000000"),
        pd.Timestamp("2024-03-04 17:00"),
        pd.Timestamp("2024-03-05 02:00", tz="Asia/Tokyo"),
        {"$date": "2024-03-04T17:00:00Z"},
    ],
)
def test_times_are_read_in_utc(value):
    stamp = parse_date(value)
    assert stamp == FIVE
    assert type(stamp) is datetime
    assert stamp.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "null",
        "None",
        "NaN",
        "NaT",
        math.nan,
        np.float32("nan"),
        pd.NaT,
        pd.NA,
        np.datetime64("NaT"),
    ],
)
def test_missing_dates_are_none(value):
    assert parse_date(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            "yesterday",
            "today",
            "now",
            "Monday",
            "17:00",
            "March",
            "March 4",
            "March 2024",
            "2024",
            "2024-03",
        ),
        *("Monday March 2024", "Thursday, March 2024", "2024-W10"),
        *(
            "2024-02-30",
            "2024-13-01",
            "31/31/2024",
            "20241301",
            "2024-03-04T25:00:00",
            "2024-03-04 17:00 +25:00",
        ),
        *("0000-00-00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "10000-01-01", "00000000"),
        *("1599-12-31", "2201-01-01", 7_300_000_000, 0, 1, 2024, 45355, -1, "0", "2024.03"),
        *(math.inf, -math.inf, 1e300, 10**30, "9" * 50, "9" * 5000, "a" * 200, "infinity", "1e400"),
        *(True, [1], b"2024-03-04", "\ud800", {"x": 1}, {}, np.array([1, 2]), object()),
        *(datetime.min, datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), date(1, 1, 1)),
    ],
)
def test_incomplete_dates_are_an_error(value):
    with pytest.raises(InputError, match="is not a date that can be read"):
        parse_date(value)


def test_times_before_1970_and_fractions():
    assert parse_date(-1e9) == datetime(1938, 4, 24, 22, 13, 20, tzinfo=UTC)
    assert parse_date(1709571600123) == FIVE.replace(microsecond=123000)
    assert parse_date("2024-03-04T17:00:00.123456789Z") == FIVE.replace(microsecond=123456)
    assert parse_date("2024-03-04T24:00:00") == datetime(2024, 3, 5, tzinfo=UTC)
    assert parse_date("4 Mar 97").year == 1997


PARTS_OF_DATES = [
    "Mon",
    "March",
    "4",
    "2024",
    "24",
    "5:00",
    "pm",
    "EST",
    "UTC",
    "+3",
    "-99:99",
    "of",
    "99999",
    "W",
    ",",
]


@settings(max_examples=60)
@given(
    st.text(max_size=30)
    | st.text("0123456789 -/:.,TZ+", max_size=25)
    | st.lists(st.sampled_from(PARTS_OF_DATES)).map(" ".join)
    | st.integers()
    | st.floats()
    | st.datetimes()
)
def test_parse_date_returns_a_date_or_raises_input_error(value):
    try:
        stamp = parse_date(value)
    except InputError:
        return
    assert stamp is None or (stamp.tzinfo is UTC and 1600 <= stamp.year <= 2200)


@given(st.datetimes(datetime(1700, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_iso_dates_round_trip(stamp):
    assert parse_date(stamp.isoformat()) == stamp
    assert parse_date(str(stamp)) == stamp
