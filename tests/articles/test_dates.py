"""Dates: zones, languages, and the order of day and month in each file."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyclust.articles import Article, as_articles, parse_date
from storyclust.articles import date_order as orders
from storyclust.articles.date_order import DateCounts, DateReader
from storyclust.errors import InputError, StoryclustWarning

ONE = datetime(2024, 3, 11, 1, tzinfo=UTC)
TEN = datetime(2024, 3, 11, 10, 15, tzinfo=UTC)
NOON = datetime(2024, 3, 11, 12, tzinfo=UTC)
SUMMER = datetime(2024, 7, 11, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Mon Mar 11 2024 10:00:00 GMT+0900 (Japan Standard Time)",
        "Sun Mar 10 2024 20:00:00 GMT-0500 (Central Daylight Time)",
        "Mon Mar 11 2024 01:00:00 GMT+0000 (Coordinated Universal Time)",
        "Mon Mar 11 2024 10:00:00 GMT+0900",
        "2024-03-11 10:00 UTC+9",
        "2024-03-11 10:00 UTC +09:00",
        "2024-03-10 19:30 UTC-05:30",
        "March 11, 2024 10:00 GMT+9",
        "2024-03-11T10:00:00 GMT+09:00",
        "2024-03-11 10:00 (GMT+9)",
        "2024-03-11 10:00 (JST)",
        "Mon, 11 Mar 2024 10:00:00 JST+0900",
        "2024-03-10T20:00:00\u221205:00",
        "11/Mar/2024:10:00:00 +0900",
        "Thứ hai, 11/3/2024, 10:00 (GMT+9)",
    ],
)
def test_offsets_have_the_sign_of_the_news_and_not_of_posix(text):
    assert parse_date(text) == ONE


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("Mon, 11 Mar 2024 11:15:00 CET", TEN),
        ("Thu, 11 Jul 2024 12:15:00 CEST", SUMMER),
        ("2024-03-11 19:15 JST", TEN),
        ("Mon, 11 Mar 2024 20:15:00 AEST", TEN),
        ("Mon Mar 11 13:15:00 MSK 2024", TEN),
        ("Thu, 11 Jul 2024 11:15 BST", SUMMER),
        ("July 11, 2024 6:15 AM ET", SUMMER),
        ("Jul 11, 2024 3:15 a.m. PT", SUMMER),
        ("March 11, 2024 5:15 AM CT", TEN),
        ("March 4, 2024 5:15 AM ET", datetime(2024, 3, 4, 10, 15, tzinfo=UTC)),
        ("July 11, 2024 6:15 AM EDT", SUMMER),
    ],
)
def test_named_zones_have_their_offsets(text, stamp):
    assert parse_date(text) == stamp
    assert [article.published for article in as_articles([{"text": "x", "date": text}])] == [stamp]


@pytest.mark.parametrize("text", ["11 Mar 2024 10:15 IST", "2024-03-11 10:15 XYZ", "11 March 2024 10:15 BST"])
def test_an_unknown_zone_keeps_the_day_and_is_counted(text):
    assert parse_date(text) == TEN
    with pytest.warns(
        StoryclustWarning, match=r"^1 date, .*, was read as UTC: the name of the zone"
    ) as caught:
        assert as_articles([{"text": "x", "date": text}])[0].published == TEN
    assert len(caught) == 1


@pytest.mark.parametrize(
    "text",
    [
        *(
            "11.03.2024",
            "11.3.24",
            "11. 3. 2024",
            "Montag, 11. März 2024",
            "11 de marzo de 2024",
            "11 mars 2024",
        ),
        *(
            "11 tháng 3, 2024",
            "ngày 11 tháng ba năm 2024",
            "2024年3月11日",
            "２０２４年３月１１日",
            "2024.03.11",
        ),
        *("2024-W11-1", "mar. 11 mars 2024", "Mo., 11. Mrz. 2024", "11 mrt. 2024", "lunedì 11 marzo 2024"),
        *("segunda-feira, 11 de março de 2024", "2024년 3월 11일", "20240311", "11/mars/2024"),
    ],
)
def test_a_day_in_any_of_these_forms_is_noon(text):
    assert parse_date(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        *(
            "11.03.2024 10:15",
            "11.03.2024, 10.15 Uhr",
            "lundi 11 mars 2024 à 10h15",
            "2024年3月11日 10时15分",
        ),
        *("2024年3月11日 10時15分", "2024年3月11日(月) 午前10時15分", "2024년 3월 11일 오전 10시 15분"),
        *("11 tháng 3 năm 2024 10:15", "Monday, 11-Mar-24 10:15:00 GMT", "20240311T101500Z"),
        *(
            "2024-03-11 10:15:00.000000+00",
            "Publié le 11 mars 2024 à 10:15",
            "lunes, 11 de marzo de 2024 10:15",
        ),
        *("1710152100", "1710152100000", "1710152100000000", "1710152100000000000", 1710152100_000_000_000),
    ],
)
def test_a_time_in_any_of_these_forms(text):
    assert parse_date(text) == TEN


@pytest.mark.parametrize(
    "text", ["10 Uhr", "lundi", "mars 2024", "tháng 3 năm 2024", "2024年3月", "32.01.2024"]
)
def test_a_part_of_a_date_is_no_date(text):
    with pytest.raises(InputError, match="is not a date"):
        parse_date(text)


def test_the_order_of_numbers_can_be_given():
    assert parse_date("7/3/2024").month == 7
    assert parse_date("7/3/2024", day_first=True).month == 3
    assert parse_date("07-03-2024 10:15", day_first=True) == datetime(2024, 3, 7, 10, 15, tzinfo=UTC)
    assert parse_date("3/13/2024", day_first=True).day == 13
    for text in ("2024-03-07", "2024/03/07", "March 7, 2024", "7.3.2024"):
        assert parse_date(text, day_first=True) == parse_date(text) == datetime(2024, 3, 7, 12, tzinfo=UTC)


def published(*dates):
    return [(stamp.month, stamp.day) for stamp in dates_of(*dates)]


def dates_of(*dates):
    return [article.published for article in as_articles([{"text": "x", "date": date} for date in dates])]


def test_one_date_decides_for_all():
    with pytest.warns(StoryclustWarning) as caught:
        assert published("07/03/2024", "2024-05-01", "13/03/2024", "08/03/2024") == [
            (3, 7),
            (5, 1),
            (3, 13),
            (3, 8),
        ]
    assert [str(one.message) for one in caught] == [
        "2 dates such as 07/03/2024 were read as day/month, because of 13/03/2024."
    ]
    with pytest.warns(StoryclustWarning, match="read as month/day, because of 03/13/24"):
        assert published("07/03/24", "03/13/24") == [(7, 3), (3, 13)]


def test_without_a_date_that_decides_the_month_is_first_and_this_is_said():
    with pytest.warns(StoryclustWarning) as caught:
        assert published(*["07/03/2024"] * 31, "05/05/2024") == [(7, 3)] * 31 + [(5, 5)]
    assert [str(one.message) for one in caught] == [
        "31 dates such as 07/03/2024 were read as month/day; no date says which order is meant."
    ]


def test_dates_in_both_orders_are_reported():
    with pytest.warns(StoryclustWarning) as caught:
        assert published("13/03/2024", "03/14/2024", "04/03/2024") == [(3, 13), (3, 14), (3, 4)]
    assert [str(one.message) for one in caught] == [
        "1 date, 04/03/2024, was read as day/month, because of 13/03/2024.",
        "1 date, 03/14/2024, was read in another order than that of dates before.",
    ]


def test_numbers_that_leave_no_doubt_say_nothing():
    assert published("05/05/2024", "25/12/2024", "26/12/2024") == [(5, 5), (12, 25), (12, 26)]


def test_articles_wait_only_so_long(monkeypatch):
    monkeypatch.setattr(orders, "HELD", 3)
    taken = []

    def articles():
        for number, text in enumerate(["1/2/2024"] * 5 + ["13/2/2024", "2/3/2024"]):
            taken.append(number)
            yield Article("x", published=read(text))

    read = DateReader()
    settled = read.settled(articles())
    assert next(settled).published.month == 1
    assert taken == [0, 1, 2]
    assert [article.published.month for article in settled] == [1, 1, 1, 1, 2, 3]
    assert (read.counts.ambiguous, read.counts.day_first) == (5, 1)


def test_without_such_dates_nothing_waits():
    read = DateReader()
    stream = read.settled(
        Article("x", published=read(date)) for date in ["2024-01-02", "2/13/2024", "2/3/2024"]
    )
    assert [next(stream).published.day for _ in range(3)] == [2, 13, 3]


def test_each_file_has_an_order_of_its_own_which_a_continued_file_keeps():
    read = DateReader()

    def months(file, *dates):
        read.begin(file)
        return [
            article.published.month
            for article in read.settled(Article("x", published=read(d)) for d in dates)
        ]

    assert months("a", "13/2/2024", "1/2/2024") == [2, 2]
    assert months("b", "1/2/2024") == [1]
    assert months("a", "1/2/2024") == [2]


def test_counts_of_files_add_up():
    whole = DateCounts(ambiguous=1, examples={"ambiguous": "1/2/2024"})
    whole.merge(
        DateCounts(2, 0, 3, examples={"ambiguous": "3/4/2024", "day_first": "5/6/24", "day_proof": "13/1/24"})
    )
    assert (whole.ambiguous, whole.day_first, whole.examples["ambiguous"]) == (4, 2, "1/2/2024")
    assert len(whole.messages()) == 2


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)), min_size=1), st.booleans())
def test_files_with_a_date_that_decides_come_back(stamps, day_first):
    """The slow twin: the format is known, whatever the order of the dates."""
    form = "%d/%m/%Y %H:%M:%S" if day_first else "%m/%d/%Y %H:%M:%S"
    wanted = [stamp.replace(microsecond=0, tzinfo=UTC) for stamp in [*stamps, datetime(2024, 3, 25)]]
    read = DateReader()
    articles = read.settled(Article("x", published=read(stamp.strftime(form))) for stamp in wanted)
    assert [article.published for article in articles] == wanted
    assert read.counts.ambiguous == read.counts.contrary == 0
