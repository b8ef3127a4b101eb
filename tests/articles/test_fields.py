"""Fields of records as crawlers, services and archives write them, and what is said of them."""

import json
import math
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.articles.field_counts import FieldCounts
from storyclust.articles.field_names import FIELD_NAMES, PREVIEWS, USUAL_NAMES, normal_name
from storyclust.articles.field_values import MISSING_WORDS, read_value
from storyclust.articles.maker import ArticleMaker, taken_keys
from storyclust.articles.records import article_from_record, as_articles
from storyclust.errors import FieldsWarning, InputError, StoryclustWarning

FIVE = datetime(2024, 3, 4, 17, tzinfo=UTC)
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
BODY = (
    "The ferry struck the pier on Monday, and nobody on board was hurt, police in Aldmouth said later. " * 2
)

# Records as tools write them, and the article that each is: text, title, id, published, source, lang, url.
FORMS = {
    "CC-News": (
        {"title": "T", "plain_text": BODY, "published_date": "2024-03-04", "domain": "a.example"},
        (BODY, "T", "", NOON, "a.example", None, None),
    ),
    "a table": (
        {"headline": "T", "body_html": f"<p>{BODY}</p>", "pub": "2024-03-04", "outlet": "Herald"},
        (BODY.strip(), "T", "", NOON, "Herald", None, None),
    ),
    "news-please": (
        {
            **{"maintext": BODY, "title": "T", "title_rss": "NULL", "description": "D", "language": "en"},
            **{"date_publish": "2024-03-04 17:00:00", "date_download": "2025-01-01", "date_modify": None},
            **{"source_domain": "a.example", "url": "https://a.example/x", "authors": ["A"]},
        },
        (BODY, "T", "https://a.example/x", FIVE, "a.example", "en", "https://a.example/x"),
    ),
    "newspaper": (
        {
            **{"text": BODY, "title": "T", "publish_date": "2024-03-04", "summary": ""},
            **{"source_url": "https://a.example", "url": "https://a.example/x"},
        },
        (BODY, "T", "https://a.example/x", NOON, "a.example", None, "https://a.example/x"),
    ),
    "trafilatura": (
        {
            **{
                "title": "T",
                "hostname": "a.example",
                "date": "2024-03-04",
                "id": None,
                "raw_text": BODY.lower(),
            },
            **{"text": BODY, "language": None, "source": "https://a.example/x", "source-hostname": "A News"},
            **{"excerpt": "E", "filedate": "2025-01-01", "fingerprint": "ab"},
        },
        (BODY, "T", "", NOON, "A News", None, "https://a.example/x"),
    ),
    "feedparser": (
        {
            **{"title": "T", "summary": "S", "id": "tag:1", "link": "https://a.example/x"},
            "content": [
                {"type": "text/plain", "value": "S"},
                {"type": "text/html", "value": f"<p>{BODY}</p>"},
            ],
            "published_parsed": [2024, 3, 4, 17, 0, 0, 0, 64, 0],
            "source": {"href": "https://b.example", "title": "B"},
        },
        (BODY.strip(), "T", "tag:1", FIVE, "B", None, "https://a.example/x"),
    ),
    "schema.org": (
        {
            **{"@type": "NewsArticle", "articleBody": BODY, "headline": "T", "description": "D"},
            **{"datePublished": "2024-03-04T17:00:00Z", "publisher": {"@type": "Organization", "name": "P"}},
            "inLanguage": {"@type": "Language", "name": "English", "alternateName": "en"},
        },
        (BODY, "T", "", FIVE, "P", "en", None),
    ),
    "Event Registry": (
        {
            **{"uri": "8000", "lang": "eng", "date": "2024-03-05", "time": "17:00:00", "title": "T"},
            **{"dateTime": "2024-03-04T17:00:00Z", "url": "https://a.example/x", "body": BODY},
            "source": {"uri": "a.example", "dataType": "news", "title": "A"},
        },
        (BODY, "T", "8000", FIVE, "A", "eng", "https://a.example/x"),
    ),
    "NewsAPI": (
        {
            **{"source": {"id": None, "name": "A"}, "title": "T", "description": "D", "content": BODY},
            **{"url": "https://a.example/x", "publishedAt": "2024-03-04T17:00:00Z"},
        },
        (BODY, "T", "https://a.example/x", FIVE, "A", None, "https://a.example/x"),
    ),
    "GDELT": (
        {
            "url": "u",
            "title": "T",
            "seendate": "20240304T170000Z",
            "domain": "a.example",
            "language": "English",
        },
        ("", "T", "u", FIVE, "a.example", "English", "u"),
    ),
    "WordPress": (
        {
            **{"id": 5, "date": "2024-03-04T18:00:00", "date_gmt": "2024-03-04T17:00:00", "link": "u"},
            **{
                "title": {"rendered": "T &amp; U"},
                "content": {"rendered": f"<p>{BODY}</p>", "protected": False},
            },
            **{"excerpt": {"rendered": "E"}, "guid": {"rendered": "g"}, "modified": "2024-04-01T00:00:00"},
        },
        (BODY.strip(), "T & U", "5", FIVE, None, None, "u"),
    ),
    "a WordPress table": (
        {
            **{"ID": 5, "post_content": BODY, "post_title": "T", "post_excerpt": ""},
            **{"post_date": "2024-03-04 18:00:00", "post_date_gmt": "2024-03-04 17:00:00"},
        },
        (BODY, "T", "5", FIVE, None, None, None),
    ),
    "RSS": (
        {
            **{"title": "T", "description": "D", "pubDate": "Mon, 04 Mar 2024 17:00:00 GMT", "link": "u"},
            "guid": {"#text": "g", "@isPermaLink": "false"},
        },
        ("D", "T", "g", FIVE, None, None, "u"),
    ),
    "flattened": (
        {"title": "T", "content.rendered": BODY, "source.name": "A", "attributes.x": 1},
        (BODY, "T", "", None, "A", None, None),
    ),
    "blocks": (
        {
            "headline": {"main": "T"},
            "paragraphs": [{"type": "p", "text": "One."}, {"type": "h", "text": "Two."}],
        },
        ("One.\n\nTwo.", "T", "", None, None, None, None),
    ),
    "markup beside its source": (
        {"title": "T", "body": {"raw": "# source", "html": "<p>One.</p><p>Two.</p>"}},
        ("One.\n\nTwo.", "T", "", None, None, None, None),
    ),
    "blocks in a document": (
        {"title": "T", "text": {"blocks": [{"text": "One."}, {"text": "Two."}]}},
        ("One.\n\nTwo.", "T", "", None, None, None, None),
    ),
    "MongoDB": (
        {"_id": {"$oid": "65e5"}, "text": BODY, "published": {"$date": "2024-03-04T17:00:00Z"}},
        (BODY, "", "65e5", FIVE, None, None, None),
    ),
    "a WARC extract": (
        {"WARC-Target-URI": "u", "WARC-Date": "2025-01-01T00:00:00Z", "extracted_text": BODY},
        (BODY, "", "", None, None, None, "u"),
    ),
}


def quietly(record):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoryclustWarning)
        return article_from_record(record)


def parts(article):
    names = ("text", "title", "id", "published", "source", "lang", "url")
    return tuple(getattr(article, name) for name in names)


@pytest.mark.parametrize("form", FORMS)
def test_records_of_common_tools_are_read_whole(form):
    record, expected = FORMS[form]
    assert parts(quietly(record)) == expected


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_the_fields_does_not_matter(form):
    record, expected = FORMS[form]
    assert parts(quietly(dict(reversed(record.items())))) == expected


def test_names_are_in_normal_form_and_each_is_listed_once():
    for names in (*FIELD_NAMES.values(), PREVIEWS):
        assert [normal_name(name) for name in names] == [*names]
        assert len(set(names)) == len(names)
    assert not {*PREVIEWS} & {*FIELD_NAMES["text"]}
    for field, names in USUAL_NAMES.items():
        assert names <= {*FIELD_NAMES[field]}


@pytest.mark.parametrize(
    "form", ["publishedAt", "published_at", "Published-At", " PUBLISHED AT ", "published.at"]
)
def test_names_are_compared_without_case_and_punctuation(form):
    assert quietly({"text": "b", form: "2024-03-04"}).published == NOON


def test_a_preview_is_the_text_only_where_there_is_no_body():
    assert quietly({"summary": "s", "content": {"rendered": "c"}}).text == "c"
    assert quietly({"summary": "s", "body": " "}).text == "s"
    assert quietly({"description": "d", "text": "N/A"}).text == "d"


def test_names_that_also_label_articles_are_no_text_then():
    record = {
        "title": "T",
        "document": "d17",
        "article": "17",
        "story": "ferry sinks off Ebrin",
        "name": "A. B.",
    }
    assert parts(quietly(record))[:2] == ("", "T")
    assert quietly({"article": "It snowed."}).text == "It snowed."


def test_pub_is_a_date_or_an_outlet():
    assert parts(quietly({"text": "b", "pub": "2024-03-04"}))[3:5] == (NOON, None)
    assert parts(quietly({"text": "b", "pub": "Herald"}))[3:5] == (None, "Herald")


def test_a_date_that_cannot_be_read_gives_way_to_the_next():
    maker = ArticleMaker()
    assert maker({"text": "b", "published": "soon", "date": "2024-03-04"}).published == NOON
    assert maker.bad_dates == 0
    assert maker({"text": "b", "published": "soon", "date": "later"}).published is None
    assert (maker.bad_dates, maker.first_bad_date) == (1, "soon")
    assert maker({"text": "b", "time": "17:00"}).published is None
    assert maker.bad_dates == 1


# Missing values and values of another type


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "None", "null", "NULL", "N/A", " none ", "<NA>", "", math.nan, None, pd.NA]
)
@pytest.mark.parametrize("field", ["title", "id", "source", "lang", "url"])
def test_words_for_missing_values_are_missing(word, field):
    article = quietly({"text": "b", field: word})
    assert getattr(article, field) == ("" if field in ("title", "id") else None)
    assert quietly({"text": word, "title": "t"}).text == ""
    assert quietly({"text": word, "body": "b"}).text == "b"


@pytest.mark.parametrize("title", ["None of the above", "Null result", "NaN-nan", "na", "Nano", "Nothing"])
def test_a_title_that_contains_such_a_word_is_a_title(title):
    assert quietly({"text": "b", "title": title}).title == title
    assert not {title.lower()} & MISSING_WORDS


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("source", {"uri": "a.example", "title": "A"}, "A"),
        ("source", {"id": "ap", "name": None}, "ap"),
        ("source", ["A", "B"], "A"),
        ("source", [{"name": "A"}], "A"),
        ("source", np.array(["A"]), "A"),
        ("source", {"x": 1}, None),
        ("source", True, None),
        ("source", b"A", None),
        ("source", {"name": {"name": {"name": "A"}}}, "A"),
        ("source", "https://a.example/feed?x", "a.example"),
        ("source", "http://[", "http://["),
        ("lang", ["en", "de"], "en"),
        ("lang", {"code": "en"}, "en"),
        ("title", 5, "5"),
        ("title", ["T"], "T"),
        ("title", {"x": 1}, ""),
        ("id", ["a"], "a"),
        ("id", 17.0, "17"),
        ("id", Decimal(17), "17"),
        ("id", UUID(int=5), str(UUID(int=5))),
        ("id", object(), ""),
        ("url", {"@id": "u"}, "u"),
        ("url", [], None),
        ("published", {"@value": "2024-03-04"}, NOON),
        ("published", ["2024-03-04"], NOON),
        ("published", [2024, 3, 4, 17, 0, 0], FIVE),
        ("published", [2024, 13, 4, 17, 0, 0], None),
        ("published", {"x": 1}, None),
    ],
)
def test_an_optional_field_never_costs_the_article(field, value, expected):
    article = quietly({"text": "b", field: value})
    assert article.text == "b"
    assert getattr(article, field) == expected


def test_a_nested_value_that_never_ends_cannot_be_read():
    loop = {}
    loop["name"] = loop
    assert quietly({"text": "b", "source": loop}).source is None
    assert not read_value("source", loop).readable


def test_fields_of_another_type_are_counted_and_told():
    records = [{"text": "b", "source": {"x": 1}}, {"text": "c", "source": "A"}, {"text": "d", "lang": [b"x"]}]
    with pytest.warns(FieldsWarning) as caught:
        as_articles(records)
    assert [str(warning.message) for warning in caught] == [
        "2 values of another type left out, first source: {'x': 1}."
    ]
    assert caught[0].filename == __file__


def test_a_text_of_another_type_is_set_aside_unless_there_is_a_title():
    with pytest.raises(InputError, match="text must be str, got int"):
        article_from_record({"text": 5})
    with pytest.warns(FieldsWarning, match="1 value of another type left out, first text: 5"):
        assert article_from_record({"text": 5, "title": "T"}).title == "T"


def test_markup_around_nothing_is_no_text():
    maker = ArticleMaker()
    with pytest.raises(InputError, match="neither a text nor a title"):
        maker({"text": "<p> </p>", "title": "&nbsp;"})
    assert [article.text for article in as_articles(["b"])] == ["b"]


def test_a_blank_row_of_a_sequence_keeps_its_place_and_is_told():
    with pytest.warns(FieldsWarning, match="1 of 2 articles have neither a text nor a title"):
        assert [article.text for article in as_articles([{"text": "b"}, {"text": "nan"}])] == ["b", ""]


# Notes


def notes(*records, **options):
    maker = ArticleMaker(**options)
    for record in records:
        maker(record)
    return maker.fields


DATED = {"published": "2024-03-04"}


def test_nothing_is_said_where_the_first_names_are_taken():
    full = {"id": "1", "title": "T", "text": BODY, "source": "A", "lang": "en", "url": "u", **DATED}
    assert notes({**full, "summary": BODY, "raw_text": BODY, "authors": "A"}).messages() == []
    assert notes({"_id": 1, "TEXT": BODY, **DATED}).messages() == []


def test_it_is_said_which_field_was_taken_for_what():
    counts = notes(*[{"headline": "T", "body": BODY, **DATED}] * 2, {"title": "T", "teaser": BODY, **DATED})
    assert counts.messages() == [
        "Fields read: text from body (2) and teaser (1), title from headline (2).",
        "1 of 3 articles have only a preview, read as the text.",
    ]
    assert "text from source" not in notes({"text": BODY, "source": {"name": "A"}, **DATED}).mapping()


def test_names_that_the_user_gave_are_not_said():
    counts = notes(
        {"lede": "b", "title": "T", "when": "2024-03-04"}, fields={"text": "lede", "published": "when"}
    )
    assert counts.messages() == []


def test_long_texts_and_dates_that_were_not_taken_are_named():
    rows = [{"title": "T", "lede_paras": BODY, "when_out": "4 Mar 2024", "image": f"https://{'a' * 200}"}] * 3
    line = (
        "Not read, though they hold long texts or dates: lede_paras and when_out; 3 of 3 articles have a "
        "title and no text; 3 of 3 are undated; the fields are title, lede_paras, when_out and image."
    )
    assert notes(*rows).messages() == [line]
    # A caption beside a longer text is no candidate, another long text is.
    assert notes({"text": BODY * 9, "caption": BODY, **DATED}).messages() == []
    assert "full" in notes({"text": BODY, "full": BODY * 9, **DATED}).messages()[0]
    # Another body is one only if it has clearly more.
    assert "raw_text" in notes({"text": BODY, "raw_text": BODY * 9, **DATED}).messages()[0]


def test_it_is_said_that_most_are_undated_but_not_that_few_are():
    (line,) = notes({"text": BODY}, {"text": BODY}, {"text": BODY, **DATED}).messages()
    assert line == "2 of 3 articles are undated; the fields are text and published."
    assert notes({"text": BODY}, {"text": BODY, **DATED}).messages() == []


def test_python_warns_of_guesses_only():
    with pytest.warns(
        FieldsWarning, match=r"^Fields read: text from plain_text, published from published_date\.$"
    ):
        as_articles([{"plain_text": BODY, "published_date": "2024-03-04"}])
    assert as_articles(
        [{"body": BODY, "headline": "T"}, {"title": "T"}, "a text"]
    )  # a warning is an error here


def test_counts_of_files_add_up_and_go_through_json():
    first = {"plain_text": BODY, "published_date": "2024-03-04", "source": {"x": 1}}
    second = {"title": "T", "lede_paras": BODY, "when_out": "4 Mar 2024"}
    together = notes(first, second, second)
    parted = FieldCounts()
    for counts in (notes(first), notes(second, second)):
        parted.add(FieldCounts.of_dict(json.loads(json.dumps(counts.as_dict()))))
    assert parted.messages() == together.messages()
    assert len(together.messages()) == 2


def test_taken_keys_are_those_of_the_article():
    for record, _ in FORMS.values():
        keys = taken_keys(record)
        assert parts(quietly({key: record[key] for key in keys})) == parts(quietly(record))


# Any shape

WORDS = st.sampled_from(
    ["", " ", "nan", "None", "N/A", "T", "2024-03-04", BODY, "https://a.example/x", "<p>x</p>"]
)
SCALARS = (
    WORDS | st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats() | st.binary(max_size=3)
)
SHAPES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "rendered", "value", "type", "uri", "$oid", "$date", "text", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    sorted(
        {name for names in FIELD_NAMES.values() for name in names[:12]}
        | {*PREVIEWS[:4], "Text", "_id", "x", "story"}
    )
)
RECORDS = st.dictionaries(NAMES, SHAPES, max_size=6)


@settings(max_examples=60)
@given(RECORDS)
def test_any_record_becomes_an_article_or_is_named(record):
    maker = ArticleMaker()
    try:
        article = maker(record)
    except InputError:
        assert maker.fields.records == 0
        return
    assert article.text or article.title
    assert article.record is record
    assert maker.fields.records == 1
    for name in ("title", "source", "lang", "url", "id"):
        value = getattr(article, name)
        assert value is None or value.strip().lower() not in MISSING_WORDS
    assert all(line.endswith(".") for line in maker.fields.messages())
    assert len(maker.fields.messages()) <= 2
