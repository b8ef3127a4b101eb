"""Backgrounds: loading, counting own ones, and rates."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.errors import InputError, InputTypeError
from storyclust.text.background import Background
from storyclust.text.features import hash_words
from storyclust.text.language import group_languages

# Loading


def test_english_is_a_table_of_rates():
    english = Background.load("english")
    assert english.language == "en"
    assert english.worth > 0
    assert english.terms.dtype == np.uint64
    assert len(english.terms) == len(english.shares) > 10_000
    assert (english.terms[1:] > english.terms[:-1]).all()
    assert (english.shares > 0).all()
    assert (english.shares <= 1).all()


def test_english_knows_what_is_common_in_news():
    words = ["said", "government", "police", "ombudsman", "zxqjv"]
    rates = [Background.load("english").rates("en", hash_words([word]))[0][0] for word in words]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.3
    assert 0 < rates[3] < 0.05
    assert rates[4] == 0


def test_english_holds_no_stop_words():
    rates, _ = Background.load("english").rates("en", hash_words(sorted(ENGLISH_STOP_WORDS)))
    assert not rates.any()


def test_no_background_has_no_rates_and_no_worth():
    none = Background.load(None)
    rates, worth = none.rates("en", hash_words(["said"]))
    assert (rates.tolist(), worth) == ([0.0], 0.0)
    assert none.rates("", hash_words(["said"]))[1] == 0.0


def test_a_background_object_is_returned_unchanged():
    own = Background.from_articles(["a ferry"], min_df=1)
    assert Background.load(own) is own
    assert sc.Background is Background


@pytest.mark.parametrize("name", ["klingon", "English", "", 5, ["english"], b"english", True])
def test_load_rejects_anything_else_and_names_it(name):
    with pytest.raises(InputError) as caught:
        Background.load(name)
    assert str(caught.value) == f"background must be 'english', None or a Background, got {name!r}."


# Own backgrounds


def check_counts(articles, min_df):
    counts = reference.document_frequencies(articles, ENGLISH_STOP_WORDS)
    kept = {word: df for word, df in counts.items() if df >= min_df}
    found = Background.from_articles(articles, min_df=min_df)
    assert len(found.terms) == len(kept)
    assert (found.terms[1:] > found.terms[:-1]).all()
    if kept:
        vocabulary = {word: hash_words([word])[0] for word in kept}
        rates, worth = found.rates("en", np.array(list(vocabulary.values()), dtype=np.uint64))
        assert rates.tolist() == [df / len(articles) for df in kept.values()]
        assert worth == 50.0


WORDS = (
    "ferry",
    "Ferry",
    "pier",
    "the",
    "and",
    "a",
    "é",
    "Zürich",
    "東京都庁",
    "ｶﾅ",
    "दिल्ली",
    "3",
    "13",
    "it's",
    "شَدَّة",
    "ไทย",
)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(WORDS), max_size=4), st.lists(st.sampled_from(WORDS), max_size=8)),
        max_size=8,
    ),
    st.integers(1, 3),
)
def test_words_of_titles_and_texts_are_counted_once_per_article(parts, min_df):
    articles = [Article(" ".join(text), title=" ".join(title)) for title, text in parts]
    check_counts(as_articles(articles), min_df)


def test_rare_words_are_left_out_by_default():
    texts = ["ferry pier", "ferry pier", "ferry pier", "ferry pier", "ferry"]
    found = Background.from_articles(texts)
    assert found.terms.tolist() == hash_words(["ferry"]).tolist()
    assert found.shares.tolist() == [1.0]
    assert found.language == "en"


def test_a_background_of_no_articles_is_empty():
    found = Background.from_articles([])
    assert found.terms.tolist() == found.shares.tolist() == []
    rates, worth = found.rates("en", hash_words(["ferry"]))
    assert (rates.tolist(), worth) == ([0.0], 50.0)


def test_from_articles_accepts_every_form_of_articles():
    assert Background.from_articles([{"headline": "ferry"}, {"body": "ferry"}], min_df=2).shares.tolist() == [
        1.0
    ]
    with pytest.raises(InputTypeError, match="articles must be a sequence"):
        Background.from_articles("one text")


# Rates


def test_rates_of_known_and_unknown_words():
    own = Background.from_articles(["ferry pier", "ferry", "bridge", "bridge ferry"], "de", min_df=1)
    vocabulary = np.concatenate([hash_words([word]) for word in ("bridge", "zeppelin", "ferry", "pier")])
    rates, worth = own.rates("de", vocabulary)
    assert rates.tolist() == [0.5, 0.0, 0.75, 0.25]
    assert worth == own.worth == 50.0
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert own.rates("de", ends)[0].tolist() == [0.0, 0.0]
    assert own.rates("de", ends[:0])[0].shape == (0,)


@pytest.mark.parametrize("language", ["fr", "latin", "cyrillic", ""])
def test_in_another_language_rates_are_zero_and_worth_is_the_same(language):
    rates, worth = Background.load("english").rates(language, hash_words(["said", "police"]))
    assert (rates.tolist(), worth) == ([0.0, 0.0], 50.0)


@pytest.mark.parametrize("language", ["pt-BR", "PT", "pt_PT", "pt"])
def test_rates_apply_to_articles_of_the_background_language(language):
    article = Article("balsa ponte", lang=language)
    own = Background.from_articles([article], article.lang, min_df=1)
    (name,) = group_languages([article])
    assert own.rates(name, hash_words(["balsa"])) == ([1.0], 50.0)
