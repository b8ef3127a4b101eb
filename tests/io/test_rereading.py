"""Records that are read again are those of the articles, however the inputs are made."""

import json

import pytest

import storyclust as sc
from storyclust.articles.article import with_id
from storyclust.io.reading import ReadReport
from storyclust.io.rereading import reread_records

LINES = [
    {"id": "a", "text": "Snow fell on Carrow."},
    {"id": "b"},
    [1, 2],
    {"id": "a", "title": "Rain", "extra": None},
    {"status": "ok", "articles": [{"body": "One."}, {"note": 3}, {"body": "Two.", "id": "x"}]},
    {"text": "", "title": " "},
    {"text": "The last one."},
]


def written(folder):
    lines = [json.dumps(line) for line in LINES]
    (folder / "a.jsonl").write_text("\n".join([*lines[:3], '{"broken', *lines[3:]]), encoding="utf-8")
    (folder / "b.csv").write_text("id,text\n1,Fog rose.\n2,\n3,Hail fell.\n", encoding="utf-8")
    (folder / "c.json").write_text(json.dumps(LINES[:1] + LINES[3:4]), encoding="utf-8")


@pytest.mark.parametrize("fields", [None, {"text": "body"}, {"title": "id"}])
def test_records_are_those_of_the_articles(tmp_path, fields):
    written(tmp_path)
    paths = sorted(tmp_path.iterdir())
    report = ReadReport()
    articles = list(sc.iter_articles(*paths, fields=fields, report=report))
    assert len(report.rejected) == len(report.rejects) == report.read - len(articles) > 0
    records = list(reread_records(*paths, rejected=report.rejected, fields=fields))
    given = [article.to_record() for article in articles]
    assert [with_id(r, a.id) for r, a in zip(records, articles, strict=True)] == given


def test_texts_are_read_again_too(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"The text of {name}", encoding="utf-8")
    report = ReadReport()
    articles = list(sc.iter_articles(tmp_path, report=report))
    records = reread_records(tmp_path, rejected=report.rejected)
    assert [with_id(r, a.id) for r, a in zip(records, articles, strict=True)] == [
        article.to_record() for article in articles
    ]


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(sc.InputError, match="gone"):
        list(reread_records(tmp_path / "gone.jsonl", rejected=()))
