"""The rules of estimators: scikit-learn's own checks, and the same questions to those that take texts."""

import inspect
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

import storyclust as sc
from storyclust import Deduplicator, GraphAgglomerative, InputError, MinHasher, NewsVectorizer, StoryClusterer
from storyclust.errors import InputTypeError

NEWSDESK = Path(__file__).parents[1] / "examples" / "newsdesk.jsonl"


@parametrize_with_checks(
    [
        GraphAgglomerative(),
        GraphAgglomerative(distance_threshold=0.5, min_similarity=0, n_jobs=2),
    ]
)
def test_scikit_learn_accepts_the_estimator_of_matrices(estimator, check):
    check(estimator)


# The contract of those that take texts

RECORDS = [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]
TEXTS = [f"{record['title']}. {record['text']}" for record in RECORDS]

TEXT_ESTIMATORS = {
    "MinHasher": (MinHasher(num_perm=32), {"num_perm": 16, "shingle_size": 3, "seed": 7}),
    "NewsVectorizer": (
        NewsVectorizer(),
        {"ngram_range": (1, 1), "min_df": 1, "head_weight": 0.5, "background": None},
    ),
    "Deduplicator": (
        Deduplicator(),
        {"threshold": 0.6, "num_perm": 64, "keep": "longest", "shingle_size": 3},
    ),
    "StoryClusterer": (
        StoryClusterer(),
        {"event_distance": 0.8, "event_window": None, "copy_threshold": 0.9},
    ),
}
every = pytest.mark.parametrize("name", TEXT_ESTIMATORS)
of_articles = pytest.mark.parametrize("name", [name for name in TEXT_ESTIMATORS if name != "MinHasher"])


def make(name, **parameters):
    return clone(TEXT_ESTIMATORS[name][0]).set_params(**parameters)


def answer(name, X, **parameters):
    """All that an estimator says of some texts, as bytes and plain values."""
    model = make(name, **parameters).fit(X)
    return facts(model, X)


def facts(model, X):
    if isinstance(model, MinHasher):
        return model.transform(X).tobytes()
    if isinstance(model, NewsVectorizer):
        matrix = model.transform(X)
        found = [matrix.data, matrix.indices, matrix.indptr, model.vocabulary_, model.df_, model.idf_]
        return [part.tobytes() for part in found] + model.languages_
    if isinstance(model, Deduplicator):
        found = [model.labels_, model.keep_, model.representatives_, model.pairs_, model.similarities_]
        return [part.tobytes() for part in found] + [repr(group) for group in model.groups_]
    threads = [
        (repr(thread), thread.summary, [repr(event) for event in thread.events]) for thread in model.threads_
    ]
    return [model.labels_.tobytes(), model.event_labels_.tobytes(), threads]


@every
def test_init_only_stores(name):
    signature = inspect.signature(type(make(name)).__init__)
    odd = {parameter: object() for parameter in signature.parameters if parameter != "self"}
    model = type(make(name))(**odd)
    assert vars(model) == odd
    assert all(
        parameter.kind == parameter.POSITIONAL_OR_KEYWORD for parameter in signature.parameters.values()
    )


@every
def test_parameters_come_back(name):
    default, other = TEXT_ESTIMATORS[name]
    model = clone(default)
    assert model.set_params(**other) is model
    assert {key: model.get_params()[key] for key in other} == other
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(no_such_parameter=1)


@every
def test_repr_shows_what_was_changed(name):
    _, other = TEXT_ESTIMATORS[name]
    text = repr(make(name, **other))
    assert text.startswith(f"{name}(")
    for key, value in other.items():
        assert f"{key}={value!r}" in text
    rebuilt = eval(text, {name: type(make(name))})  # noqa: S307
    assert rebuilt.get_params() == make(name, **other).get_params()


@every
def test_fit_returns_self_and_changes_no_parameter(name):
    model = make(name)
    before = dict(model.get_params())
    assert model.fit(TEXTS[:20]) is model
    assert model.fit(TEXTS[:20], None) is model
    assert model.get_params() == before


@every
def test_fitting_twice_gives_the_same_and_forgets_the_first(name):
    assert answer(name, TEXTS) == answer(name, TEXTS)
    model = make(name).fit(TEXTS[:30])
    assert facts(model.fit(TEXTS[20:60]), TEXTS[20:60]) == answer(name, TEXTS[20:60])


@every
def test_a_pickled_estimator_is_the_same(name):
    model = pickle.loads(pickle.dumps(make(name).fit(TEXTS)))  # noqa: S301
    assert facts(model, TEXTS) == answer(name, TEXTS)
    unfitted = pickle.loads(pickle.dumps(make(name)))  # noqa: S301
    assert unfitted.get_params() == make(name).get_params()


@of_articles
def test_check_is_fitted_distinguishes_fitted_estimators(name):
    with pytest.raises(NotFittedError):
        check_is_fitted(make(name))
    check_is_fitted(make(name).fit(TEXTS[:5]))
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(make(name).fit(TEXTS[:5])))


def test_methods_of_unfitted_estimators_raise():
    with pytest.raises(NotFittedError):
        NewsVectorizer().transform(TEXTS)
    with pytest.raises(NotFittedError):
        GraphAgglomerative().cut(0.5)
    assert MinHasher().transform(TEXTS).dtype == np.uint32  # has nothing to learn


@every
@pytest.mark.parametrize(
    "form",
    [
        tuple,
        np.array,
        lambda texts: np.array(texts, dtype=object),
        pd.Series,
        lambda texts: pd.Series(texts, index=range(len(texts), 0, -1), dtype=object),
        pl.Series,
    ],
    ids=["tuple", "array", "object array", "pandas", "pandas indexed", "polars"],
)
def test_texts_in_any_container_are_the_same(name, form):
    assert answer(name, form(TEXTS)) == answer(name, TEXTS)


@every
def test_generators_are_accepted(name):
    model = make(name)
    if hasattr(model, "fit_transform"):
        once = model.fit_transform(text for text in TEXTS)
        again = make(name).fit_transform(TEXTS)
        assert abs(once.astype(float) - again.astype(float)).sum() == 0
    else:
        assert model.fit_predict(text for text in TEXTS).tolist() == make(name).fit_predict(TEXTS).tolist()


@of_articles
def test_records_articles_and_frames_are_the_same(name):
    wanted = answer(name, RECORDS)
    frame = pd.DataFrame(RECORDS)
    for X in (
        sc.as_articles(RECORDS),
        tuple(RECORDS),
        frame,
        frame.iloc[::-1].iloc[::-1],
        pl.DataFrame(RECORDS),
    ):
        assert answer(name, X) == wanted


@of_articles
def test_fit_predict_and_fit_transform_are_fit_and_more(name):
    model, again = make(name), make(name)
    if hasattr(model, "fit_predict"):
        assert model.fit_predict(RECORDS).tolist() == again.fit(RECORDS).labels_.tolist()
    else:
        assert (model.fit_transform(RECORDS) - again.fit(RECORDS).transform(RECORDS)).nnz == 0


@every
def test_the_input_is_not_changed(name):
    texts, records = list(TEXTS), json.loads(json.dumps(RECORDS))
    make(name).fit(texts)
    assert texts == TEXTS
    if name != "MinHasher":
        frame = pd.DataFrame(records)
        before = frame.copy(deep=True)
        make(name).fit(records)
        make(name).fit(frame)
        assert records == RECORDS
        pd.testing.assert_frame_equal(frame, before)


@every
@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_results_are_independent_of_the_number_of_threads(name, n_jobs, monkeypatch):
    wanted = answer(name, TEXTS)
    monkeypatch.setattr("storyclust._core.parallel.CHUNK_BYTES", 3000)
    assert answer(name, TEXTS, n_jobs=n_jobs) == wanted


@every
def test_one_str_is_not_a_corpus(name):
    model = make(name)
    use = model.transform if isinstance(model, MinHasher) else model.fit
    for one in ("a single text", b"bytes"):
        with pytest.raises(InputTypeError, match="must be a sequence"):
            use(one)
    for nothing in (None, 7):
        with pytest.raises(TypeError):
            use(nothing)


@every
@pytest.mark.parametrize("bad", [None, 7, 1.5, b"bytes", ["list"]], ids=repr)
def test_an_entry_that_is_no_text_is_named_by_its_row(name, bad):
    model = make(name)
    use = model.transform if isinstance(model, MinHasher) else model.fit
    with pytest.raises(InputTypeError, match=rf"\[3\] must be .*, got {type(bad).__name__}"):
        use([*TEXTS[:3], bad, *TEXTS[3:5]])


@of_articles
def test_a_field_of_the_wrong_type_is_named_by_its_row_and_id(name):
    with pytest.raises(InputTypeError, match=r"articles\[1\].text must be str, got int \(id 'x-17'\)\."):
        make(name).fit([{"text": "good"}, {"id": "x-17", "text": 17}])


@every
def test_no_texts(name):
    model = make(name).fit([])
    assert facts(model, []) == facts(make(name).fit([]), [])
    if isinstance(model, MinHasher):
        assert model.transform([]).shape == (0, 32)
    elif isinstance(model, NewsVectorizer):
        assert model.transform([]).shape == (0, 0)
    else:
        assert model.labels_.shape == (0,)
        assert model.labels_.dtype == np.int64


@every
def test_unusual_texts(name):
    odd = [
        "",
        " ",
        "\n",
        "\0",
        "\ud800",
        "e\u0301",
        "é",
        "\ufeffbom",
        "a" * 10_000,
        "\U0001f600",
        "東京" * 50,
        "क्\u200dष",
        ".",
    ]
    assert answer(name, odd) == answer(name, odd, n_jobs=2)


@every
def test_every_parameter_and_attribute_is_documented(name):
    model = make(name)
    doc = inspect.getdoc(type(model))
    for parameter in model.get_params():
        assert f"\n{parameter} : " in doc, parameter
    for attribute in vars(model.fit(TEXTS[:20])):
        if attribute.endswith("_") and not attribute.startswith("_"):
            assert f"\n{attribute} : " in doc, attribute


@pytest.mark.parametrize("parameter", ["num_perm", "shingle_size"])
@pytest.mark.parametrize("value", [0, -1, 2.5, None, "many", True])
def test_counts_out_of_range_are_named(parameter, value):
    for model in (MinHasher(), Deduplicator()):
        with pytest.raises(InputError, match=f"^{parameter} must be"):
            model.set_params(**{parameter: value}).fit(TEXTS[:3])


def test_the_output_of_the_vectorizer_is_input_for_the_clusterer():
    X = NewsVectorizer().fit_transform(RECORDS)
    assert isinstance(X, sparse.csr_array)
    labels = GraphAgglomerative(distance_threshold=0.85).fit_predict(X)
    gold = [record["event"] for record in RECORDS]
    assert sc.evaluate(gold, labels).f1 > 0.7


def test_stories_have_public_estimators():
    stories = StoryClusterer().fit(RECORDS)
    for part, kind in ((stories.deduplicator_, Deduplicator), (stories.vectorizer_, NewsVectorizer)):
        assert type(part) is kind
        assert isinstance(part, BaseEstimator)
        assert type(clone(part)) is kind
