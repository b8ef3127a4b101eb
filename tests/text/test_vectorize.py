"""Articles to TF-IDF vectors, against reference counts and the formula written out."""

import math
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_stories import article_terms, content_words, plain_words, stop_words, weighted_rows
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from storyclust import Background, InputError, NewsVectorizer
from storyclust._core import parallel
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.text.features import (
    PAIR_BIT,
    PAIR_STEP,
    WORD_MASK,
    find_terms,
    hash_words,
    is_stop,
    stop_hashes,
    stop_tables,
    surface_forms,
)
from storyclust.text.furniture import CountedArticles, without_spans
from storyclust.text.tokens import hash_tokens
from storyclust.text.vectorize import vectors_without

WORDS = "pier ferry Aldmouth storm harbour mayor the of and is a I x7 42 9 vote budget Carrow rail".split()
WORDS += "die der und per vous".split()
texts = st.lists(st.sampled_from(WORDS), max_size=140).map(" ".join)
short_texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
punctuated = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", ", ", "-", ". ", "\n", "'", "_", "  "])),
    max_size=40,
).map(lambda parts: "".join(word + gap for word, gap in parts))


def make(titles_and_texts, lang="en"):
    return [
        Article(text, title=title, id=str(i), lang=lang) for i, (title, text) in enumerate(titles_and_texts)
    ]


@given(st.lists(st.tuples(punctuated, st.lists(st.integers(0, 90), max_size=6)), max_size=6), st.booleans())
@settings(max_examples=50)
def test_vectors_without_furniture_are_those_of_texts_without_it(parts, named):
    articles = make([("Ferry", text) for text, _ in parts], "en" if named else None)
    spans = [tuple(zip(*[iter(sorted(places))] * 2, strict=False)) for _, places in parts]
    spans = [
        tuple((a, min(b, len(text))) for a, b in own if a < len(text))
        for own, (text, _) in zip(spans, parts, strict=True)
    ]
    blanked = without_spans(articles, spans)
    assert [len(article.text) for article in blanked] == [len(article.text) for article in articles]
    counted = CountedArticles(articles, spans)
    assert (list(counted), counted[1:]) == (blanked, blanked[1:])
    one, other = NewsVectorizer(min_df=1), NewsVectorizer(min_df=1)
    assert same_matrix(vectors_without(one, articles, spans), other.fit_transform(blanked))
    assert one.languages_ == other.languages_


def hash_of(term):
    """Hash of a word, its top bit cleared, or of a pair of words, its top bit set; the last bit is 0."""
    if isinstance(term, str):
        return int(hash_tokens([term]).hashes[0]) % 2**63 // 2 * 2
    first, second = (hash_of(word) for word in term)
    h = (first * int(PAIR_STEP) + second) % 2**64
    for step in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * step % 2**64
    return (h ^ h >> 33) % 2**63 // 2 * 2 + 2**63


def same_matrix(one, other):
    return (
        one.shape == other.shape
        and np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
        and one.data.tobytes() == other.data.tobytes()
    )


def by_term(vectorizer, X, terms):
    """Rows of a matrix as dicts from term to weight."""
    names = {hash_of(term): term for term in terms}
    columns = [names[int(value)] for value in vectorizer.vocabulary_]
    return [
        {columns[k]: w for k, w in zip(X[[i]].indices, X[[i]].data, strict=True)} for i in range(X.shape[0])
    ]


# Counting


@given(st.lists(st.tuples(st.one_of(short_texts, punctuated), st.one_of(texts, punctuated)), max_size=4))
@settings(max_examples=40)
@pytest.mark.parametrize("language", ["en", "de", "tlh"])
@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 2)])
def test_terms_are_those_of_the_reference(ngram_range, language, parts):
    counts = find_terms(make(parts, language), ngram_range)
    assert len(counts.indptr) == len(parts) + 1
    for row, (title, text) in enumerate(parts):
        whole, head = article_terms(title, text, *ngram_range, language=language)
        span = slice(counts.indptr[row], counts.indptr[row + 1])
        hashes = sorted((hash_of(term), term) for term in whole)
        assert counts.terms.whole()[span].tolist() == [h for h, _ in hashes]
        assert counts.head[span].tolist() == [term in head for _, term in hashes]


def test_the_head_is_the_title_and_a_hundred_tokens_including_stop_words():
    text = " ".join(["the pier"] * 49 + ["the ferry", "the mayor", "the storm"])
    counts = find_terms(make([("Ferry", text)]), (1, 1))
    in_head = dict(zip(counts.terms.whole().tolist(), counts.head.tolist(), strict=True))
    assert in_head == {
        hash_of("pier"): True,
        hash_of("ferry"): True,
        hash_of("mayor"): False,
        hash_of("storm"): False,
    }


def test_stop_words_and_single_letters_are_removed_before_pairs_are_formed():
    terms = find_terms(make([("", "Mayor of the storm, a B vote")]), (2, 2)).terms.whole()
    assert set(terms.tolist()) == {hash_of(("mayor", "storm")), hash_of(("storm", "vote"))}


def test_no_pair_joins_the_title_to_the_text():
    terms = find_terms(make([("ferry", "pier")]), (2, 2)).terms.whole()
    assert len(terms) == 0


def test_a_letter_of_any_alphabet_is_left_out_and_an_ideograph_is_not():
    counts = find_terms(make([("", "é ж ש q 東 x1")]), (1, 1))
    assert sorted(counts.terms.whole().tolist()) == sorted([hash_of("東"), hash_of("x1")])


def test_stop_words_are_those_of_the_language_of_the_article():
    text = "die pier und the ferry vous per"
    own = {
        "en": "die pier und ferry vous",
        "de": "pier the ferry vous per",
        "fr": "die pier und the ferry per",
        "tlh": text,
    }
    articles = [Article(text, id=name, lang=name) for name in own]
    counts = find_terms(articles, (1, 1))
    for row, words in enumerate(own.values()):
        assert counts.terms.whole()[counts.indptr[row] : counts.indptr[row + 1]].tolist() == sorted(
            hash_of(word) for word in words.split()
        )


def test_given_names_override_the_languages_of_the_articles():
    articles = make([("", "die pier"), ("", "die pier")])
    counts = find_terms(articles, (1, 1), names=["de", "fr"])
    assert np.diff(counts.indptr).tolist() == [1, 2]
    assert counts.terms.whole().tolist()[0] == hash_of("pier")
    assert np.diff(find_terms(articles, (1, 1)).indptr).tolist() == [2, 2]


@given(st.lists(st.sampled_from(WORDS), max_size=30))
@settings(max_examples=30)
def test_the_top_bit_tells_pairs_from_words(words):
    articles = make([("", " ".join(words))])
    single, pairs = (find_terms(articles, ngram_range).terms.whole() for ngram_range in ((1, 1), (2, 2)))
    assert (single <= WORD_MASK).all()
    assert (pairs >= PAIR_BIT).all()
    both = find_terms(articles, (1, 2)).terms.whole()
    assert both.tolist() == [*single.tolist(), *pairs.tolist()]


def test_english_stop_words_are_those_of_scikit_learn():
    assert set(stop_hashes()) == set(hash_words(sorted(ENGLISH_STOP_WORDS)))


def test_stop_hashes_are_those_of_the_stop_words():
    assert hash_of("the") in stop_hashes()
    assert hash_of("ferry") not in stop_hashes()
    for language in ("en", "de", "fr", "ru"):
        words = {word for word in stop_words(language) if word.isalpha()}
        assert set(map(hash_of, words)) <= set(stop_hashes(language).tolist())
        assert (np.diff(stop_hashes(language)) > 0).all()
    assert hash_of("the") not in stop_hashes("de")
    for name in ("latin", "cyrillic", "", "tlh"):
        assert stop_hashes(name).tolist() == []
    assert hash_words(["pier", "ferry", "pier"]).tolist() == sorted([hash_of("pier"), hash_of("ferry")])


@pytest.mark.parametrize("lengths", [[0], [0, 0, 3], [5000, 1, 0, 2500]])
def test_long_and_empty_texts_are_counted_alike(lengths):
    rng = np.random.default_rng(1)
    parts = [("", " ".join(f"w{k}" for k in rng.integers(0, 4000, n))) for n in lengths]
    counts = find_terms(make(parts), (1, 2))
    for row, (title, text) in enumerate(parts):
        whole, _ = article_terms(title, text)
        span = slice(counts.indptr[row], counts.indptr[row + 1])
        assert counts.terms.whole()[span].tolist() == sorted(hash_of(term) for term in whole)


# Weights

corpora = st.lists(
    st.tuples(short_texts, texts, st.sampled_from(["en", "en-GB", "de"])), min_size=1, max_size=8
)


def own_background(worth=30.0):
    shares = {"pier": 0.5, "ferry": 0.01, "vote": 0.9, "unseen": 0.2}
    hashes = np.array([hash_of(word) for word in shares], dtype=np.uint64)
    order = np.argsort(hashes)
    return Background("en", hashes[order], np.array(list(shares.values()))[order], worth), (
        "en",
        shares,
        worth,
    )


@given(
    corpora,
    st.sampled_from([(1, 1), (1, 2), (2, 2)]),
    st.integers(1, 3),
    st.sampled_from([1.0, 1.7, 3.0, 300.0]),
    st.sampled_from([0.0, 0.7, 4.0]),
    st.booleans(),
)
@settings(max_examples=50)
def test_weights_follow_the_formula(corpus, ngram_range, min_df, cap, head_weight, with_background):
    articles = [Article(text, title, id=str(i), lang=lang) for i, (title, text, lang) in enumerate(corpus)]
    background, reference = own_background() if with_background else (None, ("", {}, 0.0))
    vectorizer = NewsVectorizer(ngram_range, min_df, cap, head_weight, background)
    X = vectorizer.fit_transform(articles)
    languages = [lang.partition("-")[0] for *_, lang in corpus]
    counts = [
        article_terms(title, text, *ngram_range, language=language)
        for (title, text, _), language in zip(corpus, languages, strict=True)
    ]
    wanted = weighted_rows(
        counts,
        languages,
        min_df=min_df,
        cap=cap,
        head_weight=head_weight,
        background=reference,
    )
    rows = by_term(vectorizer, X, {term for whole, _ in counts for term in whole})
    for row, wanted_row in zip(rows, wanted, strict=True):
        assert row.keys() == wanted_row.keys()
        assert all(abs(row[term] - wanted_row[term]) < 1e-7 for term in row)


@given(corpora)
@settings(max_examples=40)
def test_rows_are_of_unit_length_or_zeros_and_indices_are_sorted(corpus):
    X = NewsVectorizer().fit_transform([{"title": t, "text": x, "lang": lang} for t, x, lang in corpus])
    assert isinstance(X, sparse.csr_array)
    assert X.dtype == np.float32
    lengths = np.sqrt(X.multiply(X).sum(axis=1))
    assert np.all((lengths == 0) | (np.abs(lengths - 1) < 1e-6))
    assert (X.data > 0).all()
    assert all((np.diff(X[[i]].indices) > 0).all() for i in range(X.shape[0]))


def test_idf_is_capped():
    corpus = [f"shared word{i // 2}" for i in range(2000)]
    vectorizer = NewsVectorizer(background=None, max_idf_ratio=300).fit(corpus)
    assert vectorizer.idf_.max() == pytest.approx(math.log(300))
    assert vectorizer.idf_.min() == 0.0
    assert NewsVectorizer(background=None, max_idf_ratio=1e9).fit(corpus).idf_.max() == pytest.approx(
        math.log(1000)
    )


def test_the_background_gives_weight_to_words_of_every_article():
    corpus = [
        {"text": f"the ferry Selka struck the pier again, report {i} says", "lang": "en"} for i in range(5)
    ]
    with_background = NewsVectorizer(min_df=1).fit(corpus)
    without = NewsVectorizer(min_df=1, background=None).fit(corpus)
    term = np.array([hash_of("selka")], dtype=np.uint64)
    assert without.idf_of(term, "en")[0] == 0.0
    assert with_background.idf_of(term, "en")[0] > 1.0


def test_background_words_are_kept_and_other_words_below_min_df_are_not():
    corpus = make([("", "ferry pier selka"), ("", "selka vote qqzzx"), ("", "ferry yyzzx")])
    background, _ = own_background()
    kept = {1: "ferry pier selka vote qqzzx yyzzx", 2: "ferry pier selka vote", 9: "ferry pier vote"}
    for min_df, words in kept.items():
        vectorizer = NewsVectorizer((1, 1), min_df, background=background).fit(corpus)
        assert vectorizer.vocabulary_.tolist() == sorted(map(hash_of, words.split()))
    assert len(NewsVectorizer((1, 1), 3, background=None).fit(corpus).vocabulary_) == 0
    # Pairs are never words of a background.
    vectorizer = NewsVectorizer((2, 2), 2, background=background).fit(corpus)
    assert vectorizer.vocabulary_.tolist() == []


def test_weights_of_background_words_below_min_df():
    corpus = [
        *make([("", "ferry pier vote"), ("", "ferry selka"), ("", "selka")]),
        Article("pier", lang="de"),
    ]
    background, (_, shares, worth) = own_background()
    vectorizer = NewsVectorizer((1, 1), 2, background=background).fit(corpus)
    assert vectorizer.languages_ == ["de", "en"]
    for word, df in {"ferry": 2, "pier": 1, "vote": 1, "selka": 2}.items():
        term = np.array([hash_of(word)], np.uint64)
        expected = math.log((3 + worth) / (df + worth * shares.get(word, 0.0)))
        assert vectorizer.idf_of(term, "en")[0] == pytest.approx(expected)
    # In German the background has no rate for the word, and the same worth.
    pier = np.array([hash_of("pier")], np.uint64)
    assert vectorizer.idf_of(pier, "de")[0] == pytest.approx(math.log((1 + worth) / 1))
    assert vectorizer.idf_of(np.array([hash_of("ferry")], np.uint64), "de")[0] == pytest.approx(math.log(300))


UNRELATED = [
    "The ferry struck the old harbour wall. Three sailors were slightly injured. The police ask why.",
    "A baker won the national contest. His bread charmed every judge. He thanked the police for guarding it.",
]


def test_unrelated_articles_with_one_common_word_are_dissimilar():
    X = NewsVectorizer().fit_transform([{"text": text, "lang": "en"} for text in UNRELATED])
    police = np.intersect1d(X[[0]].indices, X[[1]].indices)
    assert len(police) == 1
    assert 0 < (X[[0]] @ X[[1]].T).toarray()[0, 0] < 0.1
    without = NewsVectorizer(background=None).fit_transform([*UNRELATED, "Rain is expected in Carrow."])
    assert (without[[0]] @ without[[1]].T).toarray()[0, 0] == pytest.approx(1.0)  # why there is a background


def test_the_english_background_knows_which_words_are_common():
    english = Background.load("english")
    words = ["year", "government", "president", "qqzzx"]
    rates, worth = english.rates("en", np.array([hash_of(word) for word in words], np.uint64))
    assert worth > 10
    assert rates[0] > 0.1
    assert (rates[:3] > 0.02).all()
    assert rates[3] == 0
    assert (np.diff(english.terms.astype(np.float64)) >= 0).all()
    assert ((english.shares > 0) & (english.shares <= 1)).all()
    assert english.rates("fr", np.array([hash_of("year")], np.uint64))[0].tolist() == [0.0]


def test_an_unknown_word_has_the_largest_weight():
    vectorizer = NewsVectorizer(max_idf_ratio=50).fit(["ferry pier", "ferry pier", "storm"])
    weights = vectorizer.idf_of(np.array([hash_of("ferry"), hash_of("unseen")], dtype=np.uint64), "en")
    assert weights[1] == pytest.approx(math.log(50))
    assert weights[0] < weights[1]


# Parity with scikit-learn


def newsroom(n=60, seed=3):
    rng = np.random.default_rng(seed)
    vocabulary = [f"w{k}" for k in range(300)] + ["the", "of", "and", "a", "i"]
    share = 1 / np.arange(1, len(vocabulary) + 1)
    return [" ".join(rng.choice(vocabulary, rng.integers(5, 160), p=share / share.sum())) for _ in range(n)]


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
@pytest.mark.parametrize("min_df", [1, 2, 4])
def test_parity_with_scikit_learn(ngram_range, min_df):
    corpus = newsroom()
    vectorizer = NewsVectorizer(ngram_range, min_df, 1e300, head_weight=0, background=None)
    X = vectorizer.fit_transform([{"text": text, "lang": "en"} for text in corpus])

    counter = CountVectorizer(stop_words="english", ngram_range=ngram_range, min_df=min_df, binary=True)
    there = counter.fit_transform(corpus).toarray().astype(float)
    weights = there * np.log(len(corpus) / there.sum(axis=0))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)

    words = [tuple(name.split()) if " " in name else name for name in counter.get_feature_names_out()]
    columns = np.searchsorted(vectorizer.vocabulary_, np.array([hash_of(word) for word in words], np.uint64))
    assert len(vectorizer.vocabulary_) == len(words)
    np.testing.assert_allclose(X.toarray()[:, columns], weights, rtol=0, atol=1e-7)


def test_the_token_rules_of_the_parity_test_are_the_same():
    corpus = newsroom(5)
    analyse = CountVectorizer(stop_words="english").build_analyzer()
    assert [analyse(text) for text in corpus] == [content_words(plain_words(text)) for text in corpus]


@given(st.lists(st.tuples(st.one_of(short_texts, punctuated), st.one_of(texts, punctuated)), max_size=3))
@settings(max_examples=40)
@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 2)])
def test_surface_forms_are_the_terms_of_the_article_and_occur_in_it(ngram_range, parts):
    for article in make(parts, "en"):
        names = surface_forms(article, ngram_range, "en")
        terms = find_terms([article], ngram_range, names=["en"]).terms.whole()
        assert sorted(names) == terms.tolist()
        written = " ".join(f"{article.title} {article.text}".split())
        assert all(name in unicodedata.normalize("NFC", written) for name in names.values())


def test_terms_of_returns_the_spelling_of_the_article():
    vectorizer = NewsVectorizer().fit(CORPUS)
    terms = vectorizer.terms_of(
        {"title": "FERRY struck", "text": "Struck the pier at the Aldmouth ferry.", "lang": "en"}
    )
    assert {"FERRY", "struck", "pier", "Aldmouth", "pier at the Aldmouth"} <= set(terms)
    assert list(terms.values()) == sorted(terms.values(), reverse=True)
    assert vectorizer.terms_of("") == {}
    with pytest.raises(NotFittedError):
        NewsVectorizer().terms_of("ferry")


# Fitting and transforming

CORPUS = [
    {"title": "Ferry strikes pier", "text": "The Aldmouth ferry struck the pier on Monday.", "lang": "en"},
    {"title": "Pier closed", "text": "The pier in Aldmouth is closed after a ferry struck it.", "lang": "en"},
    {"title": "Budget passes", "text": "Carrow adopts its budget on Monday.", "lang": "en"},
    {"title": "Fähre rammt Pier", "text": "Die Fähre rammt die Pier in Aldmouth.", "lang": "de"},
    {"title": "Pier gesperrt", "text": "Die Pier in Aldmouth ist gesperrt.", "lang": "de"},
    {"title": "", "text": "", "lang": "en"},
]


def test_transform_gives_the_rows_of_fit_transform():
    vectorizer = NewsVectorizer()
    fitted = vectorizer.fit_transform(CORPUS)
    assert same_matrix(vectorizer.transform(CORPUS), fitted)
    assert same_matrix(NewsVectorizer().fit(CORPUS).transform(CORPUS), fitted)
    assert same_matrix(vectorizer.transform(CORPUS[1:3]), fitted[[1, 2]])


def test_transform_leaves_unknown_terms_out():
    vectorizer = NewsVectorizer(background=None).fit(CORPUS)
    unknown, mixed = vectorizer.transform(
        [{"text": "zebra quagga", "lang": "en"}, {"text": "the ferry zebra", "lang": "en"}]
    ).toarray()
    assert not unknown.any()
    assert np.flatnonzero(mixed).tolist() == [np.searchsorted(vectorizer.vocabulary_, hash_of("ferry"))]
    assert mixed.max() == pytest.approx(1.0)


def test_transform_of_an_unknown_language():
    row = (
        NewsVectorizer(min_df=1)
        .fit(CORPUS)
        .transform([{"text": "Aldmouth ferry", "lang": "sv"}])
        .toarray()[0]
    )
    assert np.linalg.norm(row) == pytest.approx(1.0)


def test_transform_before_fit_raises():
    with pytest.raises(NotFittedError):
        NewsVectorizer().transform(["ferry"])
    with pytest.raises(NotFittedError):
        NewsVectorizer().idf_of(np.empty(0, np.uint64), "en")


def test_document_frequencies_are_counted_by_language():
    vectorizer = NewsVectorizer(background=None, min_df=1).fit(CORPUS)
    assert vectorizer.languages_ == ["de", "en"]
    words = ("pier", "fähre", "aldmouth")
    column = {word: int(np.searchsorted(vectorizer.vocabulary_, hash_of(word))) for word in words}
    assert vectorizer.df_[:, column["pier"]].tolist() == [2, 2]
    assert vectorizer.df_[:, column["fähre"]].tolist() == [1, 0]
    assert vectorizer.df_[:, column["aldmouth"]].tolist() == [2, 2]
    assert hash_of("die") not in vectorizer.vocabulary_
    assert vectorizer.idf_[0, column["pier"]] == 0.0  # in both German articles
    assert vectorizer.idf_[1, column["pier"]] == pytest.approx(math.log(4 / 2))
    assert vectorizer.df_.dtype == np.int64
    assert vectorizer.vocabulary_.dtype == np.uint64


@given(corpora, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_permuted_articles_give_the_permuted_matrix_bit_for_bit(corpus, random):
    articles = as_articles([{"title": t, "text": x, "lang": lang} for t, x, lang in corpus])
    order = list(range(len(articles)))
    random.shuffle(order)
    X = NewsVectorizer().fit_transform(articles)
    permuted = NewsVectorizer().fit_transform([articles[i] for i in order])
    assert same_matrix(permuted, X[order])


def test_neither_threads_nor_chunks_change_anything(monkeypatch):
    corpus = newsroom(80)
    X = NewsVectorizer().fit_transform(corpus)
    assert same_matrix(NewsVectorizer(n_jobs=2).fit_transform(corpus), X)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 100)
    for n_jobs in (None, 3):
        vectorizer = NewsVectorizer(n_jobs=n_jobs)
        assert same_matrix(vectorizer.fit_transform(corpus), X)
        assert same_matrix(vectorizer.transform(corpus), X)


def test_empty_corpora_and_texts():
    empty = NewsVectorizer().fit([])
    assert empty.transform([]).shape == (0, 0)
    assert empty.transform(["ferry"]).shape == (1, 0)
    assert NewsVectorizer().fit_transform([]).shape == (0, 0)
    assert NewsVectorizer(min_df=1).fit_transform([]).shape == (0, 0)
    X = NewsVectorizer(min_df=1).fit_transform(["", " \n", "!?", "ferry pier"])
    assert X.shape == (4, 3)
    assert np.diff(X.indptr).tolist() == [0, 0, 0, 3]
    assert NewsVectorizer().fit_transform(["", ""]).shape == (2, 0)


def test_one_article():
    assert NewsVectorizer(background=None).fit_transform(["The ferry struck the pier."]).shape == (1, 0)
    vectorizer = NewsVectorizer().fit(["The ferry struck the qqzzx pier."])
    assert vectorizer.vocabulary_.tolist() == sorted(map(hash_of, ("ferry", "struck", "pier")))
    row = (
        NewsVectorizer(min_df=1)
        .fit_transform([{"text": "The ferry struck the pier.", "lang": "en"}])
        .toarray()[0]
    )
    assert len(row) == 5
    assert np.linalg.norm(row) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ngram_range": (0, 1)}, "ngram_range must be"),
        ({"ngram_range": (2, 1)}, "ngram_range must be"),
        ({"ngram_range": (1, 3)}, "ngram_range must be"),
        ({"ngram_range": (1, 2, 2)}, "ngram_range must be"),
        ({"ngram_range": 2}, "ngram_range must be"),
        ({"ngram_range": "12"}, "ngram_range must be"),
        ({"ngram_range": (1.5, 2)}, "ngram_range must be"),
        ({"min_df": 0}, "min_df must be 1 or more, got 0"),
        ({"min_df": 0.5}, "min_df must be an int, got 0.5"),
        ({"max_idf_ratio": 0.5}, "max_idf_ratio must lie in"),
        ({"max_idf_ratio": math.nan}, "max_idf_ratio must lie in"),
        ({"head_weight": -1}, "head_weight must lie in"),
        ({"head_weight": math.inf}, "head_weight must"),
        ({"head_weight": "much"}, "head_weight must be a number"),
        ({"background": "klingon"}, "background must be 'english', None or a Background, got 'klingon'"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(InputError, match=message):
        NewsVectorizer(**parameters).fit(["ferry pier"])


# Names of features


def test_feature_names_spell_what_is_known_and_are_stable():
    articles = as_articles(["The Selka struck the pier", "Pier struck by the Selka", "SELKA late, pier shut"])
    vectorizer = NewsVectorizer().fit(articles)
    names = vectorizer.get_feature_names_out()
    assert names.dtype == object
    assert names.shape == (len(vectorizer.vocabulary_),)
    spelt = vectorizer.get_feature_names_out(articles=articles)
    assert sorted(spelt) == ["Selka", "late", "pier", "shut", "struck"]
    unknown = [name for name in names if name.startswith("term_")]
    assert unknown == [f"term_{term:016x}" for term in vectorizer.vocabulary_[spelt == "Selka"].tolist()]
    again = NewsVectorizer().fit(["Selka sails", "the Selka sank"]).get_feature_names_out()
    assert set(unknown) <= set(again)
    assert vectorizer.get_feature_names_out(articles=articles[::-1]).tolist() == spelt.tolist()


def test_feature_names_agree_with_the_terms_of_articles():
    records = ["Das Haus am See brennt", "Am See brennt ein Haus", "日本の会議が東京で開かれた", "東京で会議"]
    vectorizer = NewsVectorizer(min_df=1).fit(records)
    names = vectorizer.get_feature_names_out(articles=records)
    assert len(set(names)) == len(names)
    for record in records:
        row = vectorizer.transform([record])
        assert {name.casefold() for name in names[row.indices]} == {
            name.casefold() for name in vectorizer.terms_of(record)
        }


def test_feature_names_are_distinct():
    articles = ["An E-Mail came.", "e mail", "E-Mail!", "the e mail"]
    names = NewsVectorizer(min_df=1).fit(articles).get_feature_names_out(articles=articles)
    assert len(set(names)) == len(names)


def test_a_column_transformer_joins_the_vectors_with_other_columns():
    frame = pd.DataFrame({"text": ["Ferry near pier", "Pier, and a ferry"], "words": [3, 4]})
    joined = ColumnTransformer([("news", NewsVectorizer(), "text"), ("rest", "passthrough", ["words"])])
    matrix = joined.fit_transform(frame)
    assert matrix.shape == (2, 4)
    names = joined.get_feature_names_out()
    assert sorted(names) == ["news__ferry", "news__near", "news__pier", "rest__words"]


def test_the_output_is_sparse_and_cannot_be_a_frame():
    vectorizer = NewsVectorizer().set_output(transform="pandas")
    with pytest.raises(ValueError, match="sparse"):
        vectorizer.fit_transform(["Ferry hits pier", "Pier hit by ferry"])


def test_feature_names_of_unfitted_and_empty_vectorizers():
    with pytest.raises(NotFittedError):
        NewsVectorizer().get_feature_names_out()
    assert NewsVectorizer().fit([]).get_feature_names_out().shape == (0,)


# Words are told apart by the bits from `STOP_SHIFT` on.
hashed_words = st.sets(st.integers(1, 1 << 14).map(lambda high: high << 20), max_size=40)


@settings(max_examples=40, deadline=None)
@given(st.lists(hashed_words))
def test_stop_tables_hold_their_words_and_no_others(lists):
    arrays = [np.array(sorted(words), np.uint64) for words in lists]
    tables = stop_tables(arrays)
    others = np.random.default_rng(0).integers(1, 1 << 63, 30).astype(np.uint64)
    for words, table in zip(arrays, tables, strict=True):
        assert all(is_stop(table, word) for word in words)
        assert not any(is_stop(table, word) for word in others if word not in words)
