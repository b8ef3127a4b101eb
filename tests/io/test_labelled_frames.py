"""Tables in, tables of the same make out, with labels."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

import storyclust as sc
from storyclust.articles.frames import is_stream

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
RECORDS = [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()][:30]
COLUMNS = {name: [record.get(name) for record in RECORDS] for name in RECORDS[0]}
MAKES = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "arrow": lambda: pa.table(COLUMNS),
}
make = pytest.mark.parametrize("make", MAKES)


def values(table, name):
    """Values of a column as a list, None where there is none."""
    if isinstance(table, pd.DataFrame):
        return [None if pd.isna(value) else value for value in table[name].tolist()]
    return table[name].to_pylist() if isinstance(table, pa.Table) else table[name].to_list()


def columns(table):
    return table.column_names if isinstance(table, pa.Table) else list(table.columns)


@pytest.fixture(scope="module")
def stories():
    return sc.StoryClusterer().fit(RECORDS)


@pytest.fixture(scope="module")
def dedup():
    return sc.Deduplicator().fit(RECORDS)


@make
def test_a_table_comes_back_as_it_was_with_labels(make, stories, dedup):
    table = MAKES[make]()
    found = sc.StoryClusterer().fit(table).to_frame()
    assert type(found) is type(table)
    labels = {"duplicate_of", "event", "thread"}
    renamed = {f"input_{name}" if name in labels else name for name in columns(table)}
    assert set(columns(found)) == renamed | labels
    assert values(found, "thread") == stories.labels_.tolist()
    assert values(found, "event") == stories.event_labels_.tolist()
    assert values(found, "input_event") == values(table, "event")
    for name in ("id", "text", "title", "published"):
        assert values(found, name) == values(table, name)
    copies = sc.Deduplicator().fit(table).to_frame()
    assert values(copies, "kept") == dedup.keep_.tolist()
    assert values(copies, "group") == dedup.labels_.tolist()
    ids = [record["id"] for record in RECORDS]
    assert values(copies, "duplicate_of") == [
        None if row == own else ids[row] for own, row in enumerate(dedup.representatives_)
    ]
    assert columns(copies)[-4:] == ["duplicate_of", "kept", "group", "similarity"]
    assert columns(table) == list(COLUMNS), "the input is unchanged"


def test_similarities_are_those_of_the_groups(dedup):
    found = dedup.to_frame()
    wanted = np.ones(len(RECORDS))
    for group in dedup.groups_:
        wanted[group.members] = group.similarities
    assert found["similarity"].tolist() == wanted.tolist()
    assert (found["similarity"][~found["kept"]] >= 0.8).all()


@pytest.mark.parametrize("form", [list, sc.as_articles, tuple, iter], ids=lambda form: form.__name__)
def test_lists_become_frames_of_pandas_with_the_fields_of_articles(form, stories):
    found = sc.StoryClusterer().fit(form(RECORDS)).to_frame()
    assert isinstance(found, pd.DataFrame)
    articles = sc.as_articles(RECORDS)
    labels = ["duplicate_of", "event", "thread"]
    assert list(found.columns) == ["id", "title", "text", "published", "source", "lang", "url", *labels]
    assert found["thread"].dtype == np.int64
    assert found["text"].tolist() == [article.text for article in articles]
    dates = [None if pd.isna(when) else when.to_pydatetime() for when in found["published"]]
    assert dates == [article.published for article in articles]


def test_texts_in_a_series_become_a_frame_of_its_make():
    texts = [record["text"] for record in RECORDS]
    found = sc.StoryClusterer().fit(pl.Series(texts)).to_frame()
    assert isinstance(found, pl.DataFrame)
    assert found["text"].to_list() == texts
    assert isinstance(sc.Deduplicator().fit(pd.Series(texts)).to_frame(), pd.DataFrame)


def test_an_index_of_pandas_is_kept():
    frame = pd.DataFrame(COLUMNS, index=[7, 7, *range(28)])
    stories = sc.StoryClusterer().fit(frame)
    found = stories.to_frame()
    assert found.index.tolist() == frame.index.tolist()
    assert found["thread"].tolist() == stories.labels_.tolist()


def test_ids_are_added_unless_the_table_has_them():
    without = sc.Deduplicator().fit(pl.DataFrame({"text": ["a b c", "a b c"]})).to_frame()
    assert without["id"].to_list() == ["0", "1"]
    assert without["duplicate_of"].to_list() == [None, "0"]
    numbers = sc.Deduplicator().fit(pl.DataFrame({"id": [5, 6], "text": ["a b c", "a b c"]})).to_frame()
    assert numbers["id"].to_list() == [5, 6]
    assert numbers["duplicate_of"].to_list() == [None, "5"]
    with pytest.warns(sc.StoryclustWarning, match="occurs more than once"):
        twice = sc.Deduplicator().fit(pl.DataFrame({"id": [5, 5], "text": ["a b c", "x y z"]})).to_frame()
    assert (twice["id"].to_list(), twice["input_id"].to_list()) == (["5", "5#2"], [5, 5])


def test_lazy_frames_are_collected():
    stories = sc.StoryClusterer().fit(pl.DataFrame(COLUMNS).lazy())
    assert isinstance(stories.to_frame(), pl.DataFrame)


def test_unusual_and_no_articles():
    odd = sc.StoryClusterer().fit(["\ud800 rain \ud800", "\0", "東京"]).to_frame()
    assert odd["text"].tolist() == ["\ufffd rain \ufffd", "\0", "東京"]
    empty = sc.StoryClusterer().fit([]).to_frame()
    assert empty.shape == (0, 10)
    assert empty["thread"].dtype == np.int64


def test_without_pandas_polars_is_used_and_without_both_the_error_has_the_remedy(monkeypatch, stories):
    installed = {"polars"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True if name in installed else None)
    assert isinstance(stories.to_frame(), pl.DataFrame)
    installed.clear()
    with pytest.raises(sc.InputError, match="python -m pip install pandas"):
        stories.to_frame()


def test_errors():
    with pytest.raises(NotFittedError):
        sc.StoryClusterer().to_frame()
    with pytest.raises(NotFittedError):
        sc.Deduplicator().to_frame()
    with pytest.raises(sc.InputError, match="to_frame requires the articles, and fit was given an iterator"):
        sc.Deduplicator().fit(iter(RECORDS)).to_frame()


# Hugging Face datasets


class Streamed:
    """An iterable without a length, like a streaming dataset."""

    def __iter__(self):
        return iter(RECORDS)


def test_streams_are_read_once_and_not_held(dedup):
    assert is_stream(Streamed())
    assert not is_stream(pl.DataFrame(COLUMNS).lazy())
    found = sc.Deduplicator().fit(Streamed())
    assert found.labels_.tolist() == dedup.labels_.tolist()
    with pytest.raises(sc.InputError, match="was given an iterator"):
        found.predict(RECORDS)
    assert [article.id for article in sc.as_articles(Streamed())] == [record["id"] for record in RECORDS]


def test_hugging_face_datasets(stories, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict(COLUMNS)
    fitted = sc.StoryClusterer().fit(dataset)
    assert fitted.labels_.tolist() == stories.labels_.tolist()
    found = fitted.to_frame()
    assert isinstance(found, datasets.Dataset)
    assert list(found["thread"]) == stories.labels_.tolist()
    assert list(found["text"]) == list(dataset["text"])
    backwards = dataset.select(range(len(RECORDS) - 1, -1, -1))
    assert [a.id for a in sc.as_articles(backwards)] == [record["id"] for record in RECORDS[::-1]]
    assert sc.Deduplicator().fit(backwards).to_frame()[0]["id"] == RECORDS[-1]["id"]
    streaming = dataset.to_iterable_dataset()
    assert is_stream(streaming)
    assert sc.StoryClusterer().fit(streaming).labels_.tolist() == stories.labels_.tolist()
    assert sc.Deduplicator().fit(streaming).labels_.shape == (len(RECORDS),)


def test_the_texts_of_an_arrow_table_are_not_copied(stories):
    table = pa.table(COLUMNS)
    found = sc.StoryClusterer().fit(table).to_frame()
    own, given = (t.column("text").chunk(0).buffers()[2].address for t in (found, table))
    assert own == given
