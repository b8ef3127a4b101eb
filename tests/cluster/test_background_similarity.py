"""Background similarity, against ranks taken from the dense product."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from storyclust._core import parallel
from storyclust.cluster.agglomerate import unit_rows
from storyclust.cluster.background_similarity import SAMPLE_SIZE, background_similarity, nearest_first
from storyclust.cluster.graph import similarity_graph


def corpus(n, width=400, seed=0):
    rng = np.random.default_rng(seed)
    return unit_rows(sparse.random_array((n, width), density=0.05, rng=rng, format="csr"))


def slow_twin(X, groups):
    products = (X @ X.T).toarray()
    np.fill_diagonal(products, 0.0)
    found = []
    for row, group in enumerate(groups):
        own = np.flatnonzero(groups == group)
        if len(own) >= SAMPLE_SIZE:
            own = own[np.unique(np.linspace(0, len(own) - 1, SAMPLE_SIZE).astype(int))]
            found.append(np.sort(products[row, own])[::-1][50:150].mean())
        else:
            ranked = np.sort(products[row, own[own != row]])[::-1]
            rank = max(50, len(ranked) / 20)
            around = ranked[int(0.8 * rank) : int(1.2 * rank) + 1]
            found.append(around.mean() if len(ranked) >= 50 else 0.0)
    return np.array(found)


@pytest.mark.parametrize("n", [0, 1, 49, 50, 51, 52, 120, 300, 1100, SAMPLE_SIZE - 1, SAMPLE_SIZE + 137])
def test_it_is_what_one_in_twenty_or_the_fiftieth_of_the_others_reach(n):
    X = corpus(n) if n else sparse.csr_array((0, 400))
    groups = np.zeros(n, np.int64)
    np.testing.assert_allclose(background_similarity(X, groups), slow_twin(X, groups), rtol=0, atol=1e-7)


def test_each_language_is_compared_with_itself_alone():
    X = corpus(340)
    groups = np.random.default_rng(1).permutation(np.repeat([0, 1, 3], [200, 100, 40]))
    found = background_similarity(X, groups)
    np.testing.assert_allclose(found, slow_twin(X, groups), rtol=0, atol=1e-7)
    assert (found[groups == 3] == 0).all(), "forty articles may all be of one story"
    alone = background_similarity(sparse.csr_array(X[groups == 1]), np.zeros(100, np.int64))
    assert alone.tobytes() == found[groups == 1].tobytes()


def test_threads_and_chunks_change_nothing(monkeypatch):
    X, groups = corpus(400), np.repeat([0, 1], 200)
    once = background_similarity(X, groups)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 1 << 10)
    assert background_similarity(X, groups, n_jobs=2).tobytes() == once.tobytes()


@given(st.integers(0, 2**32 - 1), st.integers(1, 700), st.integers(1, 200), st.integers(0, 3))
@settings(max_examples=60)
def test_the_nearest_are_the_largest_whatever_their_distribution(seed, n, count, distinct):
    cosines = np.random.default_rng(seed).random(n) ** 4
    if distinct:
        cosines = np.floor(cosines * distinct) / distinct
    count = min(count, n)
    assert nearest_first(cosines, count).tolist() == np.sort(cosines)[::-1][:count].tolist()


def test_rows_without_terms_share_nothing():
    X = sparse.csr_array(np.vstack([np.zeros((60, 5)), np.ones((60, 5)) / np.sqrt(5)]))
    found = background_similarity(X, np.zeros(120, np.int64))
    assert (found[:60] == 0).all()
    assert found[60:] == pytest.approx(found[60]), "all of one kind"
    assert found[60] > 0.5, "half of all are equal to it"


def test_few_articles_are_measured_like_many():
    """A random part of a corpus tells what one in twenty reach in the whole."""
    X = corpus(4_000, width=4_000, seed=2)
    whole = background_similarity(X, np.zeros(4_000, np.int64)).mean()
    for n in (1000, 1500, 1999):
        rows = np.random.default_rng(n).permutation(4_000)[:n]
        part = background_similarity(sparse.csr_array(X[rows]), np.zeros(n, np.int64)).mean()
        assert part == pytest.approx(whole, rel=0.1), n


def test_similarities_are_counted_from_the_larger_of_both():
    X = corpus(80)
    null_similarity = np.linspace(0.0, 0.3, 80)
    products = (X @ X.T).toarray()
    np.fill_diagonal(products, 0.0)
    floor = np.maximum(null_similarity[:, None], null_similarity[None, :])
    wanted = (products - floor) / (1 - floor)
    wanted[(wanted < 0.02) | np.eye(80, dtype=bool)] = 0.0
    found = similarity_graph(X, 0.02, null_similarity=null_similarity, exact=True).toarray()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-10)
