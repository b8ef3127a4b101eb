"""Records inside one JSON value, and records of any shape in files."""

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storyclust.articles.maker import ArticleMaker
from storyclust.errors import FieldsWarning, InputError
from storyclust.io import ReadReport, read_articles
from storyclust.io.record_shapes import unpacked

TWO = [{"headline": "One", "body": "First text."}, {"headline": "Two", "body": "Second text."}]
PAIRS = [("One", "First text."), ("Two", "Second text.")]


def read(path, data):
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    report = ReadReport()
    articles = read_articles(path, report=report)
    return [(article.title, article.text) for article in articles], report


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("orient", ["records", "columns", "split", "table", "index"])
@pytest.mark.parametrize("index", [None, ["x", "y"]])
def test_what_pandas_writes_is_read_as_records(tmp_path, name, orient, index):
    found, report = read(tmp_path / name, pd.DataFrame(TWO, index=index).to_json(orient=orient))
    assert found == PAIRS
    assert (report.read, report.kept) == (2, 2)


def test_columns_as_lists_are_read_as_records(tmp_path):
    assert read(tmp_path / "a.json", pd.DataFrame(TWO).to_dict("list"))[0] == PAIRS


def test_values_without_names_are_set_aside(tmp_path):
    with pytest.raises(InputError, match="no record could be used"):
        read(tmp_path / "a.json", pd.DataFrame(TWO).to_json(orient="values"))


@pytest.mark.parametrize(
    "wrapped",
    [
        {"status": "ok", "articles": TWO},
        {"articles": {"results": TWO, "totalResults": 2}},
        {"response": {"docs": TWO, "meta": {"hits": 2}}},
        {"title": "A feed", "description": "All news", "items": TWO, "authors": [{"name": "A"}]},
        {"rss": {"channel": {"title": "A feed", "item": TWO}}},
        {"title": "A page", "content": TWO, "totalPages": 1},
        {"meta": {"fields": [{"name": "x"}]}, "data": TWO},
    ],
)
def test_responses_and_feeds_are_unpacked(tmp_path, wrapped):
    assert read(tmp_path / "a.json", wrapped)[0] == PAIRS


@pytest.mark.parametrize(
    "record",
    [
        {"title": "One", "text": "First text.", "related": TWO, "items": TWO},
        {"title": "One", "content": [{"type": "p", "text": "First text."}]},
        {"title": {"rendered": "One"}, "content": {"rendered": "First text."}},
        {"title": ["One"], "text": ["First text."], "id": "x"},
        {"title": "One", "text": ["First text."], "tags": [{"name": "A"}], "data": [{"value": 1}]},
    ],
)
def test_an_article_with_lists_of_its_own_is_one_article(tmp_path, record):
    assert unpacked(record, ArticleMaker()) is None
    assert read(tmp_path / "a.json", record)[0] == [("One", "First text.")]


def test_every_item_of_a_response_is_read_or_set_aside(tmp_path):
    found, report = read(tmp_path / "a.json", {"articles": [TWO[0], 5, {"id": "x"}, None, TWO[1]]})
    assert found == PAIRS
    assert (report.read, [reject.raw for reject in report.rejects]) == (5, ["5", '{"id":"x"}', "null"])
    assert report.rejects[0].reason == "it is not an object but a number"


def test_fields_are_told_by_a_warning_or_in_the_report(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"plain_text": "First text."}\n')
    with pytest.warns(FieldsWarning, match=r"^Fields read: text from plain_text\.$") as caught:
        read_articles(path)
    assert caught[0].filename == __file__
    report = ReadReport()
    read_articles(path, report=report)
    assert report.fields.messages() == [
        "Fields read: text from plain_text.",
        "1 of 1 articles are undated; the fields are plain_text.",
    ]


SCALARS = st.sampled_from(["", "nan", "One", "First text.", "2024-03-04"]) | st.none() | st.integers(0, 9)
NAMES = [
    "text",
    "title",
    "body",
    "summary",
    "source",
    "date",
    "articles",
    "items",
    "columns",
    "data",
    "content",
    "0",
    "x",
]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES.filter(lambda value: value is not None), min_size=1, max_size=4))
def test_every_record_of_a_file_is_an_article_or_a_reject(tmp_path, values):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in [{"text": "sure"}, *values]))
    report = ReadReport()
    articles = read_articles(path, report=report)
    assert len(articles) == report.kept == report.fields.records
    assert report.kept + len(report.rejects) == report.read
    assert report.read >= 1  # a line holds any number of records, and none only if it is an empty frame
    lines = {reject.line for reject in report.rejects} | _lines_of(values, articles)
    assert lines >= set(range(2, len(values) + 2))
    assert all(article.text or article.title for article in articles)


def _lines_of(values, articles):
    """Lines whose value is, or has in it, the record of an article or an empty collection of records."""
    records = [json.dumps(dict(article.record), sort_keys=True) for article in articles]
    return {line for line, value in enumerate(values, 2) if _holds(value, records)}


def _holds(value, records):
    maker = ArticleMaker()
    inside = unpacked(value, maker) if isinstance(value, dict) else None
    return any(json.dumps(one, sort_keys=True) in records for one in ([value] if inside is None else inside))
