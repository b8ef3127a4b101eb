"""Outputs that would replace inputs or one another."""

import os

import pytest

from storyclust.errors import InputError
from storyclust.io import read_articles
from storyclust.io.places import PlaceError, check_outputs, same_place


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "news").mkdir()
    for name in ("a.jsonl", "news/b.jsonl", "news/c.jsonl"):
        (tmp_path / name).write_text('{"text": "x"}\n')
    return tmp_path


@pytest.mark.parametrize(
    "output", ["a.jsonl", "./a.jsonl", "news/../a.jsonl", "link.jsonl", "hard.jsonl", "alias/a.jsonl"]
)
def test_an_input_is_recognised_under_any_name(here, output):
    (here / "link.jsonl").symlink_to("a.jsonl")
    (here / "alias").symlink_to(".")
    os.link(here / "a.jsonl", here / "hard.jsonl")
    for path in ("a.jsonl", str(here / "a.jsonl"), here / "a.jsonl"):
        with pytest.raises(PlaceError, match=r"^--output would replace an input, .*a\.jsonl\.$|hard"):
            check_outputs({"--output": output, "--rejects": None}, [path])


@pytest.mark.parametrize("path", ["news", "news/*.jsonl", "n*/c.jsonl", "**/c.jsonl", "news/"])
def test_folders_and_patterns_are_looked_into(here, path):
    with pytest.raises(PlaceError, match="would replace an input"):
        check_outputs({"--groups": "news/c.jsonl"}, [path])


@pytest.mark.parametrize(
    ("path", "output", "refused"),
    [
        ("news", "news/new.jsonl", True),
        ("news", "news/deeper/new.csv.gz", True),
        ("news", "news/report.html", False),
        ("news", "news/.new.jsonl", False),
        ("news", "new.jsonl", False),
        ("news", "news/new.txt", False),
        ("news/*.jsonl", "news/new.jsonl", True),
        ("news/*.jsonl", "news/new.csv", False),
        ("news/*.jsonl", "news/deeper/new.jsonl", False),
        ("**/*.jsonl", "news/deeper/new.jsonl", True),
        ("a.jsonl", "news/new.jsonl", False),
    ],
)
def test_an_output_that_would_be_read_later_is_refused(here, path, output, refused):
    if refused:
        with pytest.raises(PlaceError, match="would be read as an input"):
            check_outputs({"--output": output}, [path])
    else:
        check_outputs({"--output": output}, [path])


def test_two_outputs_must_differ(here):
    for one, other in [
        ("x", "x"),
        ("x", "./x"),
        ("a.jsonl", "news/../a.jsonl"),
        ("-", "-"),
        ("-", "/dev/stdout"),
    ]:
        with pytest.raises(PlaceError, match="--output and --report"):
            check_outputs({"--output": one, "--report": other})
    check_outputs({"--output": "-", "--report": "x", "--groups": "X.y", "--labelled": None})
    check_outputs({"--output": os.devnull, "--report": os.devnull})


def test_names_that_differ_in_case_are_one_file_where_case_is_ignored(here, monkeypatch):
    assert not same_place("new.jsonl", "NEW.jsonl")
    monkeypatch.setattr("storyclust.io.places._ignores_case", lambda folder: True)
    assert same_place("new.jsonl", "NEW.jsonl")
    assert not same_place("new.jsonl", "news/NEW.jsonl")


def test_a_store_is_neither_input_nor_output(here):
    (here / "news.db").write_bytes(b"x")
    for output in ("news.db", "./news.db", "news.db-wal"):
        with pytest.raises(PlaceError, match="would replace the store"):
            check_outputs({"--rejects": output}, ["a.jsonl"], store="news.db")
    with pytest.raises(PlaceError, match="also read as an input"):
        check_outputs({}, ["a.jsonl", "news.db"], store="news.db")
    check_outputs({"--rejects": "other.db"}, ["a.jsonl"], store="news.db")


def test_a_missing_input_is_named_as_ever(here):
    with pytest.raises(InputError, match=r"there is no file b\.jsonl; did you mean a\.jsonl"):
        check_outputs({"--output": "x"}, ["b.jsonl"])


def test_rejects_do_not_replace_what_is_read(here):
    before = (here / "a.jsonl").read_bytes()
    for paths in (["a.jsonl"], [["news", "a.jsonl"]]):
        with pytest.raises(PlaceError, match="rejects would replace an input"):
            read_articles(*paths, rejects="./a.jsonl")
    assert (here / "a.jsonl").read_bytes() == before
