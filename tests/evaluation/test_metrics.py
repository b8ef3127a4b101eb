"""Scores of predicted groups, against their definitions written out and scikit-learn."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_stories import b_cubed, numbered, pair_scores
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    v_measure_score,
)
from sklearn.metrics.cluster import pair_confusion_matrix

from storyclust import InputError, Scores, evaluate
from storyclust.evaluation.metrics import score

labels = st.one_of(
    st.integers(0, 4),
    st.sampled_from(["a", "b", "été", ""]),
    st.tuples(st.integers(0, 1)),
    st.sampled_from([0.5, 2.5]),
)
gold_labels = st.one_of(labels, st.sampled_from([None, math.nan, np.float64("nan"), np.float32("nan")]))


@st.composite
def groupings(draw, gold=labels, pred=labels, min_size=1, max_size=14):
    n = draw(st.integers(min_size, max_size))
    return [draw(st.lists(one, min_size=n, max_size=n)) for one in (gold, pred)]


def harmonic(a, b):
    return 2 * a * b / (a + b) if a + b else 0.0


@given(groupings())
@settings(max_examples=40)
def test_scores_follow_their_definitions(both):
    gold, pred = both
    scores = evaluate(gold, pred)
    precision, recall = b_cubed(gold, pred)
    pair_precision, pair_recall = pair_scores(gold, pred)
    assert scores.precision == pytest.approx(precision)
    assert scores.recall == pytest.approx(recall)
    assert scores.f1 == pytest.approx(harmonic(precision, recall))
    assert scores.pair_precision == pytest.approx(pair_precision)
    assert scores.pair_recall == pytest.approx(pair_recall)
    assert scores.pair_f1 == pytest.approx(harmonic(pair_precision, pair_recall))
    truth, guess = numbered(gold), numbered(pred)
    assert scores.ari == pytest.approx(adjusted_rand_score(truth, guess))
    assert scores.ami == pytest.approx(adjusted_mutual_info_score(truth, guess))
    assert scores.v_measure == pytest.approx(v_measure_score(truth, guess))
    assert (scores.n_articles, scores.n_gold, scores.n_pred) == (len(gold), len(set(gold)), len(set(pred)))


@given(groupings(min_size=2))
@settings(max_examples=40)
def test_pairs_are_those_of_scikit_learn(both):
    gold, pred = both
    (_, false_positive), (false_negative, right) = pair_confusion_matrix(
        numbered(gold), numbered(pred)
    ).tolist()
    scores = evaluate(gold, pred)
    if right + false_positive:
        assert scores.pair_precision == pytest.approx(right / (right + false_positive))
    if right + false_negative:
        assert scores.pair_recall == pytest.approx(right / (right + false_negative))


@given(groupings(gold=gold_labels, pred=st.one_of(labels, st.none())))
@settings(max_examples=50)
def test_articles_without_gold_are_left_out_and_without_a_prediction_are_alone(both):
    gold, pred = both
    kept = [
        (g, ("alone", row) if p is None else p)
        for row, (g, p) in enumerate(zip(gold, pred, strict=True))
        if g is not None and g == g  # noqa: PLR0124 (NaN)
    ]
    if not kept:
        with pytest.raises(InputError, match="no label"):
            evaluate(gold, pred)
        return
    assert evaluate(gold, pred) == evaluate(*zip(*kept, strict=True))
    assert evaluate(gold, pred).n_articles == len(kept)


@given(st.lists(labels, min_size=1, max_size=12))
def test_a_perfect_answer_scores_one_whatever_its_names(gold):
    scores = evaluate(gold, [f"group {number}" for number in numbered(gold)])
    for name, value in scores.as_dict().items():
        if not name.startswith("n_"):
            assert value == pytest.approx(1.0), name
    assert scores.n_gold == scores.n_pred == len(set(gold))


def test_by_hand():
    scores = evaluate(gold=["a", "a", "b", "b"], pred=[0, 0, 0, 1])
    assert scores.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert scores.recall == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)
    assert scores.pair_precision == pytest.approx(1 / 3)
    assert scores.pair_recall == pytest.approx(1 / 2)
    assert (scores.n_articles, scores.n_gold, scores.n_pred) == (4, 2, 2)


def test_all_together_and_all_apart():
    gold = ["a", "a", "b", "b", "b"]
    together, apart = evaluate(gold, [1] * 5), evaluate(gold, range(5))
    assert (together.recall, together.pair_recall) == (1.0, 1.0)
    assert together.precision == pytest.approx(13 / 25)
    assert (apart.precision, apart.pair_precision) == (1.0, 1.0)
    assert apart.pair_recall == 0.0
    assert apart.pair_f1 == 0.0
    assert apart.recall == pytest.approx(2 / 5)
    assert apart.n_pred == 5


def test_one_article_is_perfect():
    assert evaluate(["a"], [0]).f1 == 1.0
    assert evaluate(["a"], [None]).pair_f1 == 1.0


def test_several_unpredicted_articles_are_not_one_group():
    scores = evaluate(["a", "a", "b"], [None, None, None])
    assert scores.n_pred == 3
    assert scores.precision == 1.0
    assert scores.recall == pytest.approx(2 / 3)
    assert evaluate(["a", "a"], [math.nan, math.nan]).n_pred == 2


def test_labels_may_be_arrays_and_tuples():
    wanted = evaluate(["a", "a", "b"], [0, 1, 1])
    assert evaluate(np.array(["a", "a", "b"]), np.array([0, 1, 1])) == wanted
    assert evaluate(("a", "a", "b"), np.array([0, 1, 1], dtype=np.int8)) == wanted
    assert evaluate(np.array([1.0, 1.0, 2.0]), ["x", "y", "y"]) == wanted
    assert evaluate(np.array([1.0, 1.0, 2.0, math.nan]), ["x", "y", "y", "x"]) == wanted


def test_labels_may_be_columns_of_a_data_frame_whatever_its_index():
    frame = pd.DataFrame({"gold": ["a", "b", "a", None, "b"], "pred": [0, 1, 0, 0, 0]})
    wanted = evaluate(frame["gold"].tolist(), frame["pred"].tolist())
    assert evaluate(frame["gold"], frame["pred"]) == wanted
    shuffled = frame.sort_values("pred")
    for pred in (shuffled["pred"], shuffled["pred"].to_numpy()):
        assert evaluate(shuffled["gold"], pred).as_dict() == pytest.approx(wanted.as_dict())
    assert evaluate(frame[frame["gold"] != "a"]["gold"], [1, 0, 0]).n_articles == 2


def test_missing_values_of_pandas_are_left_out():
    wanted = evaluate(["a", "a", "b"], [0, 1, 1])
    assert evaluate(pd.Series(["a", "a", "b", None], dtype="string"), [0, 1, 1, 1]) == wanted
    assert evaluate(pd.Series([1, 1, 2, None], dtype="Int64"), [0, 1, 1, 1]) == wanted
    assert evaluate(["a", "a", "b"], pd.Series([0, None, None], dtype="Int64")).n_pred == 3


def test_lengths_must_agree():
    with pytest.raises(InputError, match="one length, got 2 and 3"):
        evaluate(["a", "b"], [0, 1, 1])


@pytest.mark.parametrize("gold", [[], [None], [None, math.nan]])
def test_without_gold_there_is_nothing_to_score(gold):
    with pytest.raises(InputError, match="gold holds no label"):
        evaluate(gold, [0] * len(gold))


def test_scores_are_plain_numbers():
    scores = evaluate(np.array([1, 1, 2]), np.array([1, 2, 2]))
    assert isinstance(scores, Scores)
    assert {type(value) for value in scores.as_dict().values()} == {float, int}
    assert list(scores.as_dict())[:3] == ["precision", "recall", "f1"]


def test_many_articles_in_one_group_do_not_overflow():
    n = 100_000
    scores = score(np.zeros(n, np.int64), np.arange(n) % 2)
    assert scores.pair_recall == pytest.approx((n / 2 - 1) / (n - 1))
    assert scores.pair_precision == 1.0
    assert scores.recall == pytest.approx(0.5)
