"""A store takes for copies what `Deduplicator` does, also of short articles, by title, day and source."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article

DAY = datetime(2024, 3, 4, 12, tzinfo=UTC)
STUB = "This article is for subscribers only."
LONG = " ".join(f"w{k}" for k in range(80))


@st.composite
def feeds(draw):
    texts, titles = st.sampled_from(["", STUB, LONG]), st.sampled_from(["Ferry hits pier", "Of the day", ""])
    days, sources = st.sampled_from([None, 0, 1]), st.sampled_from(["Herald", "Courier"])
    drawn = draw(st.lists(st.tuples(texts, titles, days, sources), min_size=1, max_size=8))
    return [
        Article(
            text,
            title=title or "Untitled",
            id=f"a{k}",
            published=None if day is None else DAY + timedelta(days=day),
            source=source,
        )
        for k, (text, title, day, source) in enumerate(drawn)
    ]


@settings(max_examples=15)
@given(feeds(), st.integers(1, 8))
def test_originals_are_the_first_of_what_the_deduplicator_groups(tmp_path_factory, articles, step):
    with sc.NewsStore.open(tmp_path_factory.mktemp("store") / "news.db") as store:
        for start in range(0, len(articles), step):
            store.add(articles[start : start + step])
        assert store.check() == []
        found = [store.article(article.id).copy_of or article.id for article in articles]
    labels = sc.Deduplicator(keep="first").fit(articles).labels_
    assert found == [articles[int(np.flatnonzero(labels == label)[0])].id for label in labels]


def test_a_revised_title_makes_a_short_copy_independent(tmp_path):
    first, second = (Article(STUB, title="Ferry hits pier", id=name, published=DAY) for name in "ab")
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        store.add([first, second])
        assert store.article("b").copy_of == "a"
        store.add([Article(STUB, title="Budget adopted", id="b", published=DAY)])
        assert store.article("b").copy_of is None
        assert store.check() == []
