"""New articles against the kept ones of a fit."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.dedup import matching

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ARTICLES = sc.read_articles(NEWSDESK)
EDITS = (
    lambda article: article,
    lambda article: replace(article, text=article.text.upper()),
    lambda article: replace(article, text=article.text[: len(article.text) * 9 // 10]),
    lambda article: replace(article, text=article.text[len(article.text) // 2 :]),
    lambda article: replace(article, text=article.text + " More is expected on Friday."),
    lambda article: replace(article, title=f"UPDATE 2-{article.title}"),
    lambda article: replace(article, text="", title=article.title.upper()),
    lambda article: replace(article, text=""),
)


def originals_one_by_one(dedup, fitted, new):
    """The same by a fit of each new article, with the kept articles as the reference."""
    kept = np.flatnonzero(dedup.keep_)
    reference = [fitted[row] for row in kept]
    parameters = dedup.get_params() | {"excerpts": "ignore"}
    alone = [sc.Deduplicator(**parameters).fit([article], reference=reference) for article in new]
    return [kept[d.reference_matches_[0]] if d.reference_matches_[0] >= 0 else -1 for d in alone]


def edited(rng, articles, count):
    chosen = [EDITS[rng.integers(len(EDITS))](articles[rng.integers(len(articles))]) for _ in range(count)]
    return [replace(article, id="") for article in chosen]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"exact": True},
        {"keep": "latest"},
        {"keep": "first", "threshold": 0.3},
        pytest.param({"keep": lambda article: len(article.text), "threshold": 0.5}, id="function"),
        {"doubtful": "drop"},
        {"excerpts": "drop"},
    ],
    ids=str,
)
def test_against_a_fit_of_each_new_article_with_the_kept_ones_as_reference(parameters):
    fitted = ARTICLES[:60]
    dedup = sc.Deduplicator(**parameters).fit(fitted)
    new = [*edited(np.random.default_rng(3), ARTICLES, 25), Article(""), Article("...")]
    found = dedup.predict(new)
    assert found.tolist() == originals_one_by_one(dedup, fitted, new)
    assert found.dtype == np.int64
    assert (found >= 0).any()
    assert (found < 0).any()


@pytest.mark.parametrize("parameters", [{}, {"exact": True}, {"keep": "longest"}, {"clean": True}], ids=str)
def test_fitted_articles_belong_to_their_own_kept_article(parameters):
    dedup = sc.Deduplicator(**parameters).fit(ARTICLES)
    assert dedup.predict(ARTICLES).tolist() == dedup.representatives_.tolist()


@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(1, 30))
def test_neither_order_nor_company_nor_batches_count(rng, batch):
    dedup = sc.Deduplicator(threshold=0.5).fit(ARTICLES[:50])
    new = edited(np.random.default_rng(rng.randrange(2**32)), ARTICLES, 20)
    together = dedup.predict(new).tolist()
    order = rng.sample(range(len(new)), len(new))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "BATCH", batch)
        assert dedup.predict([new[k] for k in order]).tolist() == [together[k] for k in order]
    assert [int(dedup.predict([article])[0]) for article in new] == together


def test_furniture_of_new_articles_is_what_recurs_in_the_fitted_ones():
    box = "Subscribe to the Courier for nineteen crowns a month and read every story before anyone else does."
    stories = [
        " ".join(f"{name}{k}" for k in range(40)) for name in ("marta", "oleg", "petra", "simon", "vera")
    ]
    fitted = [{"text": f"{text} {box}", "source": "Courier"} for text in stories]
    new = [{"text": stories[3], "source": "Courier"}, {"text": f"{stories[1]} {box}", "source": "Courier"}]
    dedup = sc.Deduplicator(clean=True).fit(fitted)
    assert dedup.predict(new).tolist() == [3, 1]
    assert sc.Deduplicator().fit(fitted).predict(new).tolist() == [-1, 1]


def test_the_reference_is_not_looked_up():
    archive, week = ARTICLES[:20], ARTICLES[20:40]
    dedup = sc.Deduplicator().fit(week, reference=archive)
    assert set(dedup.predict(archive)) <= {-1, *np.flatnonzero(dedup.keep_)}
    assert dedup.predict([week[0]]).tolist() == [0]


def test_a_second_fit_forgets_the_first_index():
    dedup = sc.Deduplicator().fit(ARTICLES[:30])
    assert dedup.predict(ARTICLES[:1]).tolist() == [0]
    dedup.fit(ARTICLES[50:60])
    assert dedup.predict(ARTICLES[:1]).tolist() == [-1]


def test_records_frames_and_pickles():
    records = [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]
    dedup = sc.Deduplicator().fit(records)
    copy = pickle.loads(pickle.dumps(dedup))  # noqa: S301
    assert copy.predict(records[:9]).tolist() == dedup.predict(records[:9]).tolist()
    assert dedup.predict([]).shape == (0,)
    assert sc.Deduplicator().fit([]).predict(records[:2]).tolist() == [-1, -1]


def test_errors():
    with pytest.raises(NotFittedError):
        sc.Deduplicator().predict(ARTICLES)
    with pytest.raises(sc.InputError, match="predict requires the articles, and fit was given an iterator"):
        sc.Deduplicator().fit(iter(ARTICLES)).predict(ARTICLES)
