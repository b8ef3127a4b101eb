"""Short articles: text and title are compared together, and doubtful copies are kept and listed."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust import Deduplicator
from storyclust.articles.article import Article
from storyclust.dedup.compared import BRIEF, SHORT_TEXT, compared_texts
from storyclust.render.dedup_records import dedup_records

DAY = datetime(2024, 3, 4, 12, tzinfo=UTC)
STUB = "This article is for subscribers only."
HEADLINES = [
    *("Ferry hits pier at Aldmouth", "Carrow adopts its budget", "Storm closes northern rail line"),
    *("Museum buys a lost map", "Grain prices fall again", "Harbour strike enters second week"),
]
DIVIDEND = "Quarterly dividend {} cents against {} cents before. Paid on April {}. Record date March {}."


def equal_classes(articles, **options):
    found = Deduplicator(**options).fit(articles)
    return found.labels_.tolist(), found


def test_one_stub_under_different_headlines_is_kept_and_listed():
    articles = [Article(STUB, title=title, id=title) for title in HEADLINES]
    labels, found = equal_classes(articles)
    assert labels == list(range(6))
    assert found.keep_.all()
    assert found.pairs_.shape == (0, 2)
    (resembled,) = set(found.doubtful_[:, 1].tolist())
    assert sorted([resembled, *found.doubtful_[:, 0].tolist()]) == list(range(6))
    assert found.doubtful_similarities_.tolist() == [1.0] * 5

    labels, found = equal_classes(articles, doubtful="drop")
    assert labels == [0] * 6
    assert found.keep_.sum() == 1
    assert found.doubtful_.shape == (0, 2)


def test_equal_title_and_text_are_a_copy_up_to_case_and_punctuation():
    first = Article(STUB, title=HEADLINES[0])
    second = Article(STUB.upper(), title=HEADLINES[0].replace(" ", ", "))
    labels, found = equal_classes([first, second, Article(STUB, title=HEADLINES[1])])
    assert labels == [0, 0, 1]
    assert not found.groups_[0].doubtful


def test_notices_of_one_form_are_kept_whatever_the_threshold_finds():
    notices = [
        Article(DIVIDEND.format(10, 10, 15, day), title=f"{name} sets quarterly dividend", id=name)
        for name, day in (("Harrow Lane Bank", 20), ("Sefton Graphite", 31), ("Ras Okoto", 31))
    ]
    _, found = equal_classes(notices, threshold=0.5)
    assert found.keep_.all()
    assert len(found.doubtful_) == 2
    assert equal_classes(notices, threshold=0.5, doubtful="drop")[1].keep_.sum() == 1


@pytest.mark.parametrize("n_words", [SHORT_TEXT - 1, SHORT_TEXT, BRIEF - 1, BRIEF])
def test_titles_and_their_figures_count_below_a_length(n_words):
    text = " ".join(f"w{k}" for k in range(n_words))
    same = [Article(text, title=title) for title in HEADLINES[:2]]
    assert Deduplicator().fit(same).keep_.sum() == (2 if n_words < SHORT_TEXT else 1)
    hours = [Article(text, title=f"Copper at {hour}:30") for hour in (10, 11)]
    assert Deduplicator().fit(hours).keep_.sum() == (2 if n_words < BRIEF else 1)
    edited = [Article(text, title="Copper"), Article(f"{text} x", title="Copper")]
    assert Deduplicator().fit(edited).keep_.sum() == (2 if n_words < BRIEF else 1)


def test_without_titles_short_texts_are_compared_as_before():
    words = [f"w{k}" for k in range(30)]
    texts = [" ".join(words), " ".join([*words, "x"])]
    assert Deduplicator().fit(texts).labels_.tolist() == [0, 0]
    assert compared_texts([Article(text, published=DAY) for text in texts]) == texts


def test_pictures_of_different_days_are_no_copies_of_one_another():
    pictures = [
        Article("", title="Cartoon of the day", id=str(k), published=DAY + timedelta(days=k), source="Herald")
        for k in range(12)
    ]
    again = replace(pictures[3], id="again", published=pictures[3].published + timedelta(hours=2))
    elsewhere = replace(pictures[3], id="elsewhere", source="Courier")
    _, found = equal_classes([*pictures, again, elsewhere])
    assert found.keep_.sum() == 13
    assert found.groups_[0].members.tolist() == [3, 12]
    assert len(found.doubtful_) == 12
    undated = [
        replace(picture, published=None, url=f"https://herald.test/{k}") for k, picture in enumerate(pictures)
    ]
    assert Deduplicator().fit(undated).keep_.all()


def test_headlines_without_texts_are_copies_on_the_same_day_from_any_source():
    title = "Ferry strikes the old pier at Aldmouth in thick fog"
    articles = [
        Article("", title=title, source="Herald", published=DAY),
        Article(" \n", title=title.upper(), source="Courier", published=DAY + timedelta(hours=3)),
        Article("", title=title, source="Herald", published=DAY + timedelta(days=1)),
    ]
    assert Deduplicator().fit(articles).labels_.tolist() == [0, 0, 1]
    undated = [replace(article, published=None) for article in articles]
    assert Deduplicator().fit(undated).labels_.tolist() == [0, 0, 0]


@settings(max_examples=40)
@given(st.data())
def test_short_titled_articles_are_grouped_as_an_obvious_twin_groups_them(data):
    titles = st.sampled_from(
        ["Ferry hits pier", "FERRY HITS PIER!", "Budget adopted", "Update 2: Ferry hits pier"]
    )
    texts = st.sampled_from([STUB, STUB.lower(), "The ferry hit the pier.", "The ferry hit the pier today."])
    articles = [
        Article(text, title=title, id=str(k))
        for k, (title, text) in enumerate(data.draw(st.lists(st.tuples(titles, texts), max_size=9)))
    ]

    def words(text):
        return tuple("".join(c if c.isalnum() else " " for c in text.casefold()).split())

    def whole(article):
        return words(article.title.removeprefix("Update 2: ")), words(article.text)

    labels, found = equal_classes(articles)
    assert labels == reference.first_appearance([whole(article) for article in articles])
    order = data.draw(st.permutations(range(len(articles))))
    moved = Deduplicator().fit([articles[row] for row in order])
    named = {(articles[a].id, articles[b].id) for a, b in found.doubtful_}
    assert named == {(articles[order[a]].id, articles[order[b]].id) for a, b in moved.doubtful_}
    assert found.keep_[found.doubtful_].all()
    for a, b in found.doubtful_:
        sets = [reference.shingles(articles[row].text, 5) for row in (a, b)]
        assert reference.jaccard(*sets) >= 0.8
        assert whole(articles[a]) != whole(articles[b])
    # Every kept article with an equal text elsewhere is listed, but for the one that represents them.
    kept = np.flatnonzero(found.keep_).tolist()
    said = [words(article.text) for article in articles]
    same = [(a, b) for a, b in itertools.combinations(kept, 2) if said[a] == said[b]]
    listed = set(found.doubtful_[:, 0].tolist())
    assert all(a in listed or b in listed for a, b in same)


def test_doubtful_copies_of_the_reference_are_kept_and_not_listed():
    archive = [Article(STUB, title=HEADLINES[0])]
    found = Deduplicator().fit([Article(STUB, title=title) for title in HEADLINES[1:3]], reference=archive)
    assert found.keep_.all()
    assert found.doubtful_.tolist() == [[1, 0]]


def test_records_of_doubtful_copies_and_the_reason_for_a_version():
    text = " ".join(f"w{k}" for k in range(80))
    articles = [
        Article(text, title="Ferry hits pier", id="first", published=DAY),
        Article(text, title="UPDATE 1-Ferry hits pier", id="second", published=DAY + timedelta(hours=1)),
        Article(STUB, title=HEADLINES[1], id="stub", published=DAY),
        Article(STUB, title=HEADLINES[2], id="stub 2", published=DAY + timedelta(hours=1)),
    ]
    ids = [article.id for article in articles]
    copy, doubtful = dedup_records(Deduplicator(keep="latest-version").fit(articles), articles, ids)
    assert copy == {
        **{"id": "first", "kept": "second", "relation": "exact", "similarity": 1.0, "doubtful": False},
        **{"passage": text, "reason": "latest version, marked 'UPDATE 1-'"},
    }
    assert doubtful == {
        **{"id": "stub 2", "kept": "stub", "relation": "doubtful", "similarity": 1.0, "doubtful": True},
        "passage": STUB.removesuffix("."),
    }
    assert "reason" not in next(iter(dedup_records(Deduplicator().fit(articles), articles, ids)))
