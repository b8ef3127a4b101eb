"""New articles and fitted threads: against the definition, and what must hold for any of them."""

import json
import pickle
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.cluster.background_similarity import is_measurable
from storyclust.stories import assignment
from storyclust.stories.grouping import event_merges, prepare, thread_merges
from storyclust.text.language import group_languages

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ARTICLES = sc.read_articles(NEWSDESK)
GOLD = [article.record["story"] for article in ARTICLES]
FITTED, NEW = ARTICLES[::2], ARTICLES[1::2]


@pytest.fixture(scope="module")
def stories():
    return sc.StoryClusterer().fit(FITTED)


def leaves_of(children, n_leaves, node):
    """Leaves of a node of a tree."""
    if node < n_leaves:
        return [node]
    return [leaf for child in children[node - n_leaves] for leaf in leaves_of(children, n_leaves, child)]


def nearest_node(merges, groups, similarities, distance, fits):
    """Rows of the node that an article merges with; `groups` are the rows of each leaf."""
    children, n = merges.children.tolist(), len(groups)
    sibling_at = {
        child: 1 - at for pair, at in zip(children, merges.distances, strict=True) for child in pair
    }
    found = []
    for node in range(n + len(children)):
        rows = [row for leaf in leaves_of(children, n, node) for row in groups[leaf]]
        mean = sum(similarities[row] for row in rows) / len(rows)
        if mean > sibling_at.get(node, 1 - distance) and fits(rows):
            found.append((-mean, node, rows))
    return min(found)[2] if found else None


def english(articles):
    return [a for a, name in zip(articles, group_languages(articles), strict=True) if name == "en"]


def thread_by_definition(stories, fitted, article):
    """Thread of one new article, from dense similarities with all fitted ones."""
    prepared = prepare(fitted, clean=False)
    kept, vectorizer = prepared.kept, prepared.vectorizer
    original = sc.Deduplicator().fit([article], reference=[fitted[row] for row in kept])
    if original.reference_matches_[0] >= 0:
        return int(stories.labels_[kept[original.reference_matches_[0]]])
    assert not is_measurable(len(kept)), "no background similarity, and so no correction"
    cosines = (prepared.vectors @ vectorizer.transform([article]).T).toarray()[:, 0].astype(float)
    least = 0.09 + 0.2 / len(kept)
    similarities = np.where(cosines >= least, cosines, 0.0)
    scale = max(sum(sorted(similarities)[-20:]) / 20, 0.04)
    scales = [max(sum(sorted(row)[-20:]) / 20, 0.04) for row in prepared.graph.toarray()]
    scaled = np.minimum(similarities / np.sqrt(scale * np.array(scales)) / 10, 1)
    when = article.published.timestamp() / 86400 if article.published else np.nan
    gaps = np.abs(prepared.times - when)
    recent = np.where(gaps > 1, similarities / gaps, similarities)

    def inside_window(rows):
        times = [t for t in [when, *prepared.times[rows]] if not np.isnan(t)]
        return not times or max(times) - min(times) <= 7

    to_events = event_merges(prepared.graph, prepared.times, 0.92, 7.0)
    leaves = [[row] for row in range(len(kept))]
    rows = nearest_node(to_events, leaves, recent, 0.92, inside_window)
    if rows is None:
        labels = stories.event_labels_[kept]
        order = dict.fromkeys(labels.tolist())
        events = np.array([list(order).index(label) for label in labels])
        groups = [np.flatnonzero(events == event).tolist() for event in range(len(order))]
        to_threads = thread_merges(prepared.graph, events, 0.93)
        rows = nearest_node(to_threads, groups, scaled, 0.93, lambda _: True)
    return -1 if rows is None else int(stories.labels_[kept[rows[0]]])


def test_against_the_definition():
    fitted, fresh = english(FITTED), english(NEW)
    stories = sc.StoryClusterer(clean=False).fit(fitted)
    undated = [replace(article, published=None, id=f"u{article.id}") for article in fresh[:12]]
    late = [
        replace(article, published=article.published + timedelta(days=days), id=f"l{article.id}")
        for article, days in zip(fresh[12:24], range(1, 30), strict=False)
        if article.published
    ]
    new = [*fresh, *undated, *late]
    found = stories.predict(new).tolist()
    assert found == [thread_by_definition(stories, fitted, article) for article in new]
    assert 0 < found.count(-1) < len(new)


def test_new_articles_join_their_story(stories):
    known = {GOLD[2 * row]: thread for row, thread in enumerate(stories.labels_.tolist())}
    found = stories.predict(NEW).tolist()
    right = [known.get(story, -1) == thread for story, thread in zip(GOLD[1::2], found, strict=True)]
    assert np.mean(right) > 0.85


def test_copies_of_fitted_articles_get_their_threads(stories):
    assert stories.predict(FITTED).tolist() == stories.labels_.tolist()


def test_neither_order_nor_company_nor_batches_count(stories, monkeypatch):
    together = stories.predict(NEW)
    assert stories.predict(NEW[::-1]).tolist() == together[::-1].tolist()
    assert [int(stories.predict([article])[0]) for article in NEW] == together.tolist()
    monkeypatch.setattr(assignment, "BATCH", 7)
    assert stories.predict(NEW).tolist() == together.tolist()
    assert sc.StoryClusterer(n_jobs=2).fit(FITTED[::-1]).predict(NEW).tolist() == [
        thread if thread < 0 else int(np.flatnonzero(same)[0])
        for thread in together.tolist()
        for same in [_same_threads(stories, thread)]
    ]


def _same_threads(stories, thread):
    """Which threads of a fit in the reverse order are a thread of the fit."""
    other = sc.StoryClusterer().fit(FITTED[::-1]).labels_[::-1]
    return np.array(
        [set(np.flatnonzero(other == k)) == set(np.flatnonzero(stories.labels_ == thread)) for k in range(99)]
    )


def test_unusual_articles(stories):
    odd = [
        "",
        " ",
        "...",
        "\ud800",
        "東京で会議が開かれた。",
        "Правительство приняло новый закон.",
        "a" * 9999,
    ]
    found = stories.predict(odd)
    assert found.tolist() == [-1] * len(odd)
    assert found.dtype == np.int64
    assert stories.predict([]).shape == (0,)
    assert sc.StoryClusterer().fit([]).predict(odd).tolist() == [-1] * len(odd)


def test_short_articles_have_the_commonest_language_of_the_fitted_ones():
    texts = ["Die Fähre Selka stieß am Montag in Aldmouth gegen die Mole, sagte die Polizei.",
             "Am Montag hat die Fähre Selka in Aldmouth die Mole gerammt, und es gab keine Verletzten.",
             "Das Parlament in Carrow hat am Dienstag den Haushalt beschlossen, wie es hieß."]  # fmt: skip
    stories = sc.StoryClusterer().fit(texts)
    assert stories.predict(["Fähre Selka rammt Mole Aldmouth"]).tolist() == [stories.labels_[0]]


def test_a_second_fit_forgets_the_first_index_and_a_pickle_keeps_it(stories):
    other = sc.StoryClusterer().fit(ARTICLES[:10])
    other.predict(NEW[:3])
    assert other.fit(FITTED).predict(NEW).tolist() == stories.predict(NEW).tolist()
    copy = pickle.loads(pickle.dumps(stories))  # noqa: S301
    assert copy.predict(NEW).tolist() == stories.predict(NEW).tolist()


def test_unfitted():
    with pytest.raises(NotFittedError):
        sc.StoryClusterer().predict(NEW)


def test_score_is_b_cubed_of_a_fit_of_the_given_articles(stories):
    wanted = sc.evaluate(GOLD, sc.StoryClusterer().fit(ARTICLES).labels_.tolist()).f1
    assert sc.StoryClusterer().score(ARTICLES, GOLD) == wanted
    labels = stories.labels_.copy()
    assert stories.score(ARTICLES, GOLD) == wanted, "what was fitted does not count"
    assert stories.labels_.tolist() == labels.tolist()
    assert sc.StoryClusterer(event_distance=0.1, thread_distance=0.1).score(ARTICLES, GOLD) < wanted
    some = [story if row % 3 else None for row, story in enumerate(GOLD)]
    assert sc.StoryClusterer().score(ARTICLES, np.array(some, dtype=object)) > 0.5


def test_score_needs_labels():
    with pytest.raises(sc.InputError, match=r"y was not given; without labels storyclust\.tune"):
        sc.StoryClusterer().score(ARTICLES)
    with pytest.raises(sc.InputError, match="of one length"):
        sc.StoryClusterer().score(ARTICLES, GOLD[:3])


def test_grid_search_needs_no_scorer():
    records = [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]
    grid = {"event_distance": [0.3], "thread_distance": [0.3, 0.93]}
    search = GridSearchCV(sc.StoryClusterer(), grid, cv=GroupKFold(2), error_score="raise")
    search.fit(records, GOLD, groups=GOLD)
    assert search.best_params_["thread_distance"] == 0.93
    low, high = search.cv_results_["mean_test_score"]
    assert low < high
    assert search.predict(records[:5]).tolist() == search.best_estimator_.labels_[:5].tolist()


def test_an_article_object_without_an_id_is_accepted(stories):
    assert stories.predict([Article(NEW[0].text, title=NEW[0].title)]).shape == (1,)
