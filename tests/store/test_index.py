"""The index that a writer keeps in memory, against what is computed from a whole corpus."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import storyclust as sc
from storyclust.articles.ordering import times_of
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.local_scaling import scaled_similarity
from storyclust.store.article_index import ArticleIndex
from storyclust.store.bridges import bridge_sums
from storyclust.store.copy_lookup import NONE, Keys, find_originals
from storyclust.store.groups import Groups
from storyclust.store.postings import LEVELS, Levels, Run
from storyclust.store.weights import find_article_terms
from storyclust.stories.grouping import LEAST_SIMILARITY
from storyclust.text.language import group_languages

FRENCH = [
    "Le ferry Selka a heurté la jetée d'Aldmouth lundi, sans faire de victimes, selon la police du port.",
    "La jetée d'Aldmouth a été heurtée par le ferry Selka ; la police du port ne signale pas de victimes.",
]


def corpus(n=400, seed=3):
    made = sc.as_articles(sc.datasets.make_newswire(n, random_state=seed))
    return made + sc.as_articles([{"id": f"fr{k}", "text": text} for k, text in enumerate(FRENCH)])


def fed(articles, step):
    index = ArticleIndex()
    for start in range(0, len(articles), step):
        part = articles[start : start + step]
        names = group_languages(part)
        rows = index.add(
            list(range(start, start + len(part))), times_of(part), names, find_article_terms(part, names)
        )
        keys = Keys.of([article.content for article in part], 0.8)
        index.add_keys(rows, keys.sizes, keys.keys)
    return index


@pytest.fixture(scope="module")
def independent():
    articles = corpus()
    kept = sc.Deduplicator(excerpts="ignore").fit(articles).keep_
    return [article for article, keep in zip(articles, kept, strict=True) if keep]


@pytest.fixture(scope="module")
def batch(independent):
    vectorizer = sc.NewsVectorizer()
    vectors = vectorizer.fit_transform(independent)
    return vectors, background_similarity(vectors, vectorizer.groups_)


# Levels


@given(
    batches=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=25),
    latest=st.integers(1, 20),
    fresh=st.integers(1, 40),
)
@settings(max_examples=40)
def test_levels_hold_what_a_dictionary_would(batches, latest, fresh):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storyclust.store.postings.LATEST", latest)
        patch.setattr("storyclust.store.postings.FRESH", fresh)
        levels, twin = Levels(), {}
        for value, keys in enumerate(batches):
            levels.add(np.array(keys, np.uint32), np.full(len(keys), value, np.int32))
            for key in keys:
                twin.setdefault(key, []).append(value)
        wanted = np.arange(32, dtype=np.uint32)
        assert levels.counts(wanted).tolist() == [len(twin.get(key, ())) for key in range(32)]
        spans = levels.spans(wanted)
        for key in range(32):
            found = [levels.runs[k].values[slice(*spans[k, key])] for k in range(LEVELS)]
            assert np.concatenate(found).tolist() == twin.get(key, [])
        run = levels.compact()
        assert run.keys.tolist() == sorted(twin)
        assert len(levels) == sum(map(len, batches)) == len(run.values)


@given(
    held=st.sets(st.integers(0, 2**32 - 1) | st.integers(0, 60), max_size=60),
    wanted=st.sets(st.integers(0, 2**32 - 1) | st.integers(0, 60), max_size=60),
)
def test_keys_are_found_wherever_they_stand(held, wanted):
    wanted = np.array(sorted(wanted | set(sorted(held)[::2])), np.uint32)
    levels = Levels()
    levels.add(np.array(sorted(held), np.uint32), np.zeros(len(held), np.int32))
    assert levels.counts(wanted).tolist() == [int(key in held) for key in wanted.tolist()]


def test_a_run_of_nothing_has_no_keys():
    run = Run.of(np.empty(0, np.uint32), np.empty(0, np.int32))
    assert (len(run.keys), run.bounds.tolist(), len(run.values)) == (0, [0], 0)


# Weights, background similarity, neighbours


def test_stored_groups_are_compared_by_their_latest_members(independent):
    index = fed(independent, 64)
    index.scales.sums.values[:] = 2.0
    groups = Groups()
    for number in range(60):
        groups.add(number % 7, number, 0.0)
    bridges = [(0, 1), (0, 3), (2, 6), (3, 4)]
    found = bridge_sums(index, groups, bridges)
    for k, (a, b) in enumerate(bridges):
        first, second = np.array(groups.latest[a]), np.array(groups.latest[b])  # numbers are rows here
        X = index.vectors(np.concatenate((first, second)))
        null_similarity, least = (
            [values[: len(first), None], values[None, len(first) :]]
            for values in (
                index.null_similarity(np.append(first, second)),
                index.least_similarities(np.append(first, second)),
            )
        )
        cosines = (X[: len(first)] @ X[len(first) :].T).toarray()
        similarities = corrected_similarities(cosines, np.maximum(*null_similarity))
        similarities[similarities < np.maximum(*least)] = 0.0
        scaled = scaled_similarity(similarities, index.scales.of(first)[:, None], index.scales.of(second))
        assert found.sums[k] == pytest.approx(scaled.mean() * groups.sizes[a] * groups.sizes[b], rel=1e-6)
    assert found.sums.max() > 0
    assert len(bridge_sums(index, groups, []).sums) == 0


@pytest.mark.parametrize("step", [64, 1000])
def test_vectors_are_those_of_the_batch(independent, batch, step):
    index = fed(independent, step)
    index.weigh_all()
    mine, theirs = index.vectors(np.arange(len(independent))), batch[0]
    difference = abs(mine @ mine.T - theirs @ theirs.T)
    assert difference.max() < 0.05  # two terms may share 32 bits
    assert difference.sum() < 1e-4 * (theirs @ theirs.T).sum()
    np.testing.assert_allclose(index.null_similarity(np.arange(len(independent))), batch[1], atol=2e-3)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_neighbours_are_the_edges_of_the_graph(independent, batch, n_jobs):
    index = fed(independent, 1000)
    n = len(independent)
    edges = index.neighbours(np.arange(n), LEAST_SIMILARITY, n_jobs)
    assert (edges.first > edges.second).all()
    half = sparse.csr_array((edges.similarities, (edges.first, edges.second)), shape=(n, n))
    graph = similarity_graph(batch[0], LEAST_SIMILARITY, null_similarity=batch[1])
    assert abs((half + half.T) - graph).sum() < 0.005 * graph.sum()


def test_neighbours_are_found_across_languages_and_in_one():
    index = fed(corpus(), 1000)
    last = np.array([len(index) - 1])
    assert index.neighbours(last, LEAST_SIMILARITY).second.tolist() == [len(index) - 2]


def test_a_removed_row_is_nobodys_neighbour():
    index = fed(corpus(), 1000)
    last = np.array([len(index) - 1])
    index.remove(last - 1)
    assert not len(index.neighbours(last, LEAST_SIMILARITY).second)


def test_what_is_asked_about_finds_what_adding_it_would(independent):
    article = independent[-1]
    names = group_languages([article])
    before = fed(independent[:-1], 1000)
    rows, similarities = before.like(names[0], find_article_terms([article], names), LEAST_SIMILARITY)
    index = fed(independent, 1000)
    edges = index.neighbours(np.array([len(index) - 1]), LEAST_SIMILARITY)
    assert set(edges.second.tolist()) == set(rows.tolist()) != set()
    order = np.argsort(rows)
    np.testing.assert_allclose(similarities[order], edges.similarities, atol=0.1)


# Originals


def texts():
    articles = [a.content for a in corpus(120, seed=5)]
    edited = [text.replace(" on ", " upon ") for text in articles[:40]]
    cut = [text[: len(text) // 3] for text in articles[40:60]]
    return articles + edited + cut + articles[:10]


def test_copies_are_those_that_the_deduplicator_finds():
    listed = texts()
    dedup = sc.Deduplicator(keep="first").fit(listed)
    keys = Keys.of(listed, 0.8)
    found = find_originals(ArticleIndex(), keys, lambda rows: [], 0.8, None)
    leaders = np.where(found.original == NONE, np.arange(len(listed)), -2 - found.original)
    assert (leaders == dedup.representatives_).mean() > 0.99
    excerpts = {(min(a, -2 - b), max(a, -2 - b)) for a, b, _ in found.excerpts}
    theirs = {(int(min(pair)), int(max(pair))) for pair in dedup.excerpts_}
    assert len(excerpts & theirs) > 0.95 * len(theirs) > 0


def test_copies_of_what_is_stored_are_found_in_the_feed():
    listed = texts()
    stored, new = listed[:120], listed[120:]
    articles = sc.as_articles(stored)
    index = fed(articles, 1000)
    found = find_originals(index, Keys.of(new, 0.8), lambda rows: [stored[row] for row in rows], 0.8, None)
    assert found.original[-10:].tolist() == [stored.index(text) for text in new[-10:]]
    assert (found.similarity[-10:] == 1.0).all()
    index.remove(np.arange(len(stored)))
    again = find_originals(
        index, Keys.of(new[-10:], 0.8), lambda rows: [stored[row] for row in rows], 0.8, None
    )
    assert (again.original < 0).all()


def test_thousands_of_equal_texts_and_of_a_template_are_copies_of_the_first():
    words = " ".join(f"word{k}" for k in range(60))
    notice = "{} says that " + words
    listed = ["Rain is expected in all parts of the country until the evening of Sunday"] * 500
    listed += [notice.format(f"Firm{k}") for k in range(500)]
    found = find_originals(ArticleIndex(), Keys.of(listed, 0.8), lambda rows: [], 0.8, None)
    assert np.flatnonzero(found.original == NONE).tolist() == [0, 500]
    assert not found.excerpts
