"""Ids that are no identities: nothing is replaced by what has nothing in common with it."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.store.identity import is_revision

FERRY = "The ferry Selka hit the pier in Aldmouth on Monday, and nobody on board was hurt, police said."
BUDGET = "Parliament in Carrow adopted a budget at night after the coalition agreed on a tax on sugar."
SNOW = "Snow fell in Delhi for the first time in a hundred years, and schools were closed for a day."
LATER = f"{FERRY} The harbour will be closed for a week."


def texts_of(store):
    return sorted(text for (text,) in store._connection.execute("SELECT text FROM articles"))


def test_row_numbers_of_two_days_do_not_overwrite_one_another(tmp_path):
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        store.add([{"id": 0, "text": FERRY}, {"id": 1, "text": BUDGET}])
        day_two = [{"id": 0, "text": SNOW}, {"id": 1, "text": "Rain stopped the cup final in Port Ravel."}]
        with pytest.warns(sc.StoryclustWarning, match="2 articles have the ids of other ones, with nothing"):
            told = store.add(day_two)
        assert [each.status for each in told] == ["new", "new"]
        assert [each.id.split("-")[0] for each in told] == ["0", "1"]
        assert len(store) == 4
        assert store.article("0").text == FERRY
        assert store.article(told[0].id).text == SNOW
        again = store.add(day_two)  # known, and no reason to warn
        assert [(each.id, each.status) for each in again] == [(each.id, "unchanged") for each in told]
        assert store.check() == []


def test_an_id_that_repeats_within_a_file(tmp_path):
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        batch = [{"id": "a", "text": text} for text in (FERRY, BUDGET, LATER, SNOW)]
        with pytest.warns(sc.StoryclustWarning, match="2 articles"):
            told = store.add(batch)
        assert [each.status for each in told] == ["new", "new", "revision", "new"]
        assert texts_of(store) == sorted([LATER, BUDGET, SNOW])


def test_what_has_the_title_or_much_of_the_text_is_a_revision(tmp_path):
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        store.add([{"id": "a", "title": "Ferry hits pier", "text": FERRY}])
        for title, text in (
            ("Ferry hits pier", SNOW),  # a live blog, of which nothing is left
            ("Snow in Delhi", f"{SNOW} It melted at noon."),
            ("Snow melts", f"{SNOW} It melted at noon."),
        ):
            assert store.add([{"id": "a", "title": title, "text": text}])[0].status == "revision"
        assert len(store) == 1


def test_two_files_of_an_export(tmp_path, run):
    days = {"day1.csv": (FERRY, BUDGET), "day2.csv": (SNOW, LATER)}
    for name, texts in days.items():
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(texts))
    store = tmp_path / "news.db"
    for name in days:
        code, _, err = run("add", store, tmp_path / name)
        assert code == 0, err
    assert "replaced nothing" in err
    with sc.NewsStore.open(store) as opened:
        assert texts_of(opened) == sorted([FERRY, BUDGET, SNOW, LATER])


words = st.lists(st.sampled_from("ferry pier budget snow vote storm mayor court".split()), max_size=30)


@given(words, words)
def test_it_is_symmetric_and_true_of_the_same(one, other):
    a, b = " ".join(one), " ".join(other)
    assert is_revision(Article(a), "", a)
    assert is_revision(Article(a), "", b) == is_revision(Article(b), "", a)
    assert is_revision(Article(a, title="Ferry"), "Ferry", b)
