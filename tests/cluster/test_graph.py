"""The similarity graph against the dense product of the matrix with itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_stories import similar_pairs
from scipy import sparse

from storyclust._core import parallel
from storyclust.cluster import pair_search
from storyclust.cluster.agglomerate import unit_rows
from storyclust.cluster.graph import contracted, search, similarity_graph, symmetric_csr
from storyclust.cluster.pair_search import Limits
from storyclust.cluster.postings import (
    POSTING_BYTES,
    Csr,
    choose_entries,
    count_holders,
    index_entries,
    lookup_costs,
)
from storyclust.stories.grouping import near_in_time


@st.composite
def matrices(draw, max_rows=14, max_columns=12):
    """Sparse rows of unit length, some of them zeros."""
    n, m = draw(st.integers(1, max_rows)), draw(st.integers(1, max_columns))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.random((n, m)) * (rng.random((n, m)) < draw(st.sampled_from([0.1, 0.4, 1.0])))
    return unit_rows(X)


def tfidf_like(n=1500, n_terms=20_000, topics=60, seed=0):
    """Rows as an article has them: many rare terms of its topic, and common ones of everyone."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(10, n_terms + 10)
    share /= share.sum()
    idf = np.minimum(-np.log(share * 200), np.log(300)).clip(0.05)
    of_topic = [
        rng.choice(n_terms, 150, replace=False, p=np.sqrt(share) / np.sqrt(share).sum())
        for _ in range(topics)
    ]
    rows, columns, values = [], [], []
    for i in range(n):
        length = int(rng.integers(80, 300))
        own = rng.choice(of_topic[i % topics], length // 4)
        terms, tf = np.unique(np.append(own, rng.choice(n_terms, length, p=share)), return_counts=True)
        rows += [i] * len(terms)
        columns += terms.tolist()
        values += ((1 + np.log(tf)) * idf[terms]).tolist()
    return unit_rows(sparse.csr_array((values, (rows, columns)), shape=(n, n_terms)))


def same_graph(one, other):
    return (
        np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
        and one.data.tobytes() == other.data.tobytes()
    )


def assert_well_formed(graph, n):
    assert isinstance(graph, sparse.csr_array)
    assert graph.shape == (n, n)
    assert graph.dtype == np.float64
    assert (graph - graph.T).nnz == 0
    assert not graph.diagonal().any()
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    assert (np.diff(rows * n + graph.indices) > 0).all()  # sorted, each pair once


@given(matrices(), st.sampled_from([0.0, 0.05, 0.3, 0.9]))
@settings(max_examples=40)
def test_with_every_term_in_the_index_it_is_the_dense_product(X, floor):
    graph = similarity_graph(X, floor, exact=True)
    dense = (X @ X.T).toarray()
    near = np.abs(dense - floor) < 1e-12  # either way is right at the floor itself
    wanted = similar_pairs(X.toarray(), floor)
    if floor:
        wanted[near] = graph.toarray()[near]
    assert_well_formed(graph, X.shape[0])
    assert np.array_equal(graph.toarray() > 0, wanted > 0)
    np.testing.assert_allclose(graph.toarray(), wanted, rtol=0, atol=1e-12)


@given(matrices(max_rows=4, max_columns=40))
@settings(max_examples=50)
def test_without_a_floor_every_positive_pair_is_found_at_the_default(X):
    graph = similarity_graph(X, 0.0)
    np.testing.assert_allclose(graph.toarray(), similar_pairs(X.toarray(), 0.0), rtol=0, atol=1e-12)


def test_without_a_floor_two_rows_that_share_only_a_light_term_have_an_edge():
    X = unit_rows(np.array([[5.0, 4.0, 0.0, 0.0, 1.0], [0.0, 0.0, 5.0, 4.0, 1.0]]))
    assert similarity_graph(X, 0.0).toarray()[0, 1] == pytest.approx(1 / 42)


@given(matrices(), st.sampled_from([0.05, 0.3]), st.integers(0, 3), st.integers(0, 4))
@settings(max_examples=50)
def test_pruning_only_leaves_pairs_out(X, floor, most_holders, heaviest):
    full = similarity_graph(X, floor, exact=True).toarray()
    pruned = search(X, floor, None, Limits(most_holders, heaviest, 0.4, len(full)))
    assert_well_formed(pruned, X.shape[0])
    kept = pruned.toarray() > 0
    np.testing.assert_array_equal(pruned.toarray()[kept], full[kept])


@pytest.fixture(scope="module")
def corpus():
    return tfidf_like()


@pytest.mark.parametrize("floor", [0.05, 0.1])
def test_pruning_finds_nearly_all(corpus, floor):
    dense = similar_pairs(corpus.toarray(), floor)
    graph = similarity_graph(corpus, floor)
    assert_well_formed(graph, corpus.shape[0])
    assert np.diff(corpus.indptr).mean() > 100  # so that 32 terms are far from all
    assert graph.nnz > 10_000
    found = graph.toarray()
    assert not (found[dense == 0] > floor + 1e-9).any()
    np.testing.assert_allclose(found[found > 0], (corpus @ corpus.T).toarray()[found > 0], rtol=0, atol=1e-12)
    assert (found > 0).sum() >= 0.98 * (dense > 0).sum()


@given(matrices(), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.1]))
@settings(max_examples=40)
def test_permuted_rows_give_the_permuted_graph_bit_for_bit(X, random, floor):
    order = list(range(X.shape[0]))
    random.shuffle(order)
    graph = search(X, floor, None, Limits(2, 3, 0.4, X.shape[0]))
    permuted = search(X[order], floor, None, Limits(2, 3, 0.4, X.shape[0]))
    expected = graph[order][:, order].tocsr()
    expected.sort_indices()
    assert same_graph(permuted, expected)


def test_a_permuted_corpus_gives_the_permuted_graph_bit_for_bit(corpus):
    X = corpus[:400]
    order = np.random.default_rng(5).permutation(400)
    expected = similarity_graph(X, 0.05)[order][:, order].tocsr()
    expected.sort_indices()
    assert same_graph(similarity_graph(X[order], 0.05), expected)


def test_neither_threads_nor_chunks_change_anything(corpus, monkeypatch):
    X = corpus[:300]
    graph = similarity_graph(X, 0.05)
    assert same_graph(similarity_graph(X, 0.05, n_jobs=2), graph)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 20_000)
    assert same_graph(similarity_graph(X, 0.05), graph)
    assert same_graph(similarity_graph(X, 0.05, n_jobs=3), graph)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 0), (1, 3), (4, 0), (5, 3)])
def test_no_rows_one_row_and_rows_of_zeros(shape):
    for floor in (0.0, 0.05):
        graph = similarity_graph(sparse.csr_array(shape), floor)
        assert graph.shape == (shape[0], shape[0])
        assert graph.nnz == 0
        assert graph.dtype == np.float64


@pytest.mark.parametrize("empty", [[0], [4], [0, 1, 4], [2, 3]])
def test_rows_of_zeros_among_others_have_no_edge(empty):
    X = np.full((5, 3), 1 / np.sqrt(3))
    X[empty] = 0
    graph = similarity_graph(sparse.csr_array(X), 0.05).toarray()
    full = [row for row in range(5) if row not in empty]
    assert not graph[empty].any()
    assert (graph[np.ix_(full, full)] > 0.99).sum() == len(full) * (len(full) - 1)


def test_the_matrix_given_is_not_changed(corpus):
    X = corpus[:50].copy()
    before = X.data.copy(), X.indices.copy(), X.indptr.copy()
    similarity_graph(X, 0.05)
    assert all(np.array_equal(a, b) for a, b in zip(before, (X.data, X.indices, X.indptr), strict=True))


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(1, 8), st.integers(1, 3))
def test_edges_between_labels_are_added_up(seed, n, n_labels, n_jobs):
    rng = np.random.default_rng(seed)
    S = np.triu(np.floor(rng.random((n, n)) * 2**10) / 2**10 * (rng.random((n, n)) < 0.3), 1)
    labels = rng.integers(0, n_labels, n)
    membership = np.eye(n_labels)[labels]
    found = contracted(sparse.csr_array(S + S.T), labels, n_labels, n_jobs)
    assert found.toarray().tolist() == (membership.T @ (S + S.T) @ membership).tolist()
    assert found.has_canonical_format


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 3))
def test_edges_given_once_make_a_symmetric_graph(seed, n, n_jobs):
    rng = np.random.default_rng(seed)
    S = np.tril(rng.random((n, n)) * (rng.random((n, n)) < 0.3), -1)
    later, earlier = S.nonzero()
    indptr, indices, data = symmetric_csr(earlier, later, S[later, earlier], n, n_jobs)
    found = sparse.csr_array((data, indices, indptr), shape=(n, n))
    assert found.has_canonical_format
    assert found.toarray().tolist() == (S + S.T).tolist()


entries = st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.integers(1, 4))


@given(st.lists(entries, max_size=8), st.integers(0, 4), st.integers(0, 9))
def test_rare_terms_are_indexed_and_the_heaviest_of_equals_the_rarer(row, most_holders, heaviest):
    data, df = np.array([weight for weight, _ in row]), np.array([n for _, n in row], np.int64)
    held = np.repeat(np.arange(len(row)), df - 1)  # as many more rows hold each term
    rows = sparse.csr_array(
        (
            np.append(data, np.ones(len(held))),
            np.append(np.arange(len(row)), held),
            np.append(0, np.arange(len(row), len(row) + len(held) + 1)),
        ),
        shape=(1 + len(held), len(row)),
    )
    chosen = choose_entries(rows, most_holders, heaviest)[: len(row)]
    first = sorted(range(len(row)), key=lambda k: (-data[k], df[k], k))[:heaviest]
    wanted = {k for k in range(len(row)) if df[k] <= most_holders} | set(first)
    assert set(np.flatnonzero(chosen).tolist()) == wanted


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 8), st.integers(1, 3))
def test_an_index_has_the_rows_of_each_term(seed, n, n_terms, n_jobs):
    rng = np.random.default_rng(seed)
    X = sparse.csr_array(rng.random((n, n_terms)) * (rng.random((n, n_terms)) < 0.5), dtype=np.float32)
    indexed = rng.random(X.nnz) < 0.7
    bounds, rows, weights = index_entries(Csr.of(X), indexed, n_terms, n_jobs)
    row_of = np.repeat(np.arange(n), np.diff(X.indptr))
    for term in range(n_terms):
        held = indexed & (X.indices == term)
        assert rows[bounds[term] : bounds[term + 1]].tolist() == row_of[held].tolist()
        assert weights[bounds[term] : bounds[term + 1]].tolist() == X.data[held].tolist()
    df = np.bincount(X.indices, minlength=n_terms)
    assert count_holders(X.indices, n_terms, n_jobs).tolist() == df.tolist()
    sizes = np.where(indexed, np.diff(bounds)[X.indices], 0)
    costs = lookup_costs(Csr.of(X), indexed, index_entries(Csr.of(X), indexed, n_terms), n_jobs)
    read = np.bincount(row_of, weights=sizes, minlength=n)
    assert ((costs - costs.min()) == POSTING_BYTES * (read - read.min())).all()


def stored_zeros():
    data, columns = np.zeros(80), np.tile(np.arange(40), 2)
    data[40:42] = 1
    return sparse.csr_array((data, columns, [0, 40, 80]), shape=(2, 40))


def products_too_small():
    X = np.full((2, 42), 1e-200)
    X[0, :2], X[1, :2] = (1, 0), (0, 1)
    return X


@pytest.mark.parametrize("floor", [0.0, 0.05])
@pytest.mark.parametrize(
    ("X", "edges"),
    [
        (np.vstack((np.tile([1.0, -1.0], 20), np.ones(40), np.ones(40))), [(1, 2)]),
        (stored_zeros(), []),
        (products_too_small(), []),
    ],
    ids=["products that cancel out", "stored zeros", "products too small"],
)
def test_sums_that_are_zero_again_do_no_harm(X, edges, floor, monkeypatch):
    """Kernels are run as plain Python, where a write beyond an array is an error, not a fault elsewhere."""
    for name in ("search_rows", "find_candidates"):
        compiled = getattr(pair_search, name)
        monkeypatch.setattr(pair_search, name, getattr(compiled, "py_func", compiled))
    found = similarity_graph(unit_rows(X), floor)
    assert list(zip(*sparse.triu(found).nonzero(), strict=True)) == edges


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 10))
@settings(max_examples=40)
def test_rows_with_negative_values_are_compared_exactly(seed, n, m):
    X = unit_rows(np.random.default_rng(seed).normal(size=(n, m)))
    graph = similarity_graph(X, 0.0)
    np.testing.assert_allclose(graph.toarray(), similar_pairs(X.toarray(), 0.0), rtol=0, atol=1e-12)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=40), st.data())
def test_the_best_candidates_are_kept_and_of_equal_ones_the_first(products, data):
    partial, most = np.array([0, *products], np.float32), data.draw(st.integers(1, len(products)))
    rows = data.draw(st.permutations(range(1, len(partial))))
    wanted = sorted(sorted(rows), key=lambda row: -products[row - 1])[:most]
    candidates, left = np.array(rows, np.int32), partial.copy()
    kept = candidates[: pair_search.keep_best_candidates(candidates, most, left)]
    assert sorted(kept.tolist()) == sorted(wanted)
    assert np.flatnonzero(left).tolist() == sorted(wanted), "the others are forgotten"


def capped(X, null_similarity, least, max_neighbors):
    """Slow twin: each row keeps its best earlier neighbours; a row of too many counts from the last."""
    n = X.shape[0]
    cosines = np.tril((X @ X.T).toarray(), -1)
    floor = np.maximum(null_similarity[:, None], null_similarity[None, :])
    cosines[(cosines - floor) / (1 - floor) < least] = 0
    for row in cosines:
        row[np.argsort(-row)[max_neighbors:]] = 0
    cosines += cosines.T
    last = np.sort(cosines, axis=1)[:, -max_neighbors]
    raised = np.where(
        (cosines > 0).sum(axis=1) > max_neighbors, np.maximum(null_similarity, last), null_similarity
    )
    floor = np.maximum(raised[:, None], raised[None, :])
    similarities = (cosines - floor) / (1 - floor)
    return np.where((similarities >= least) & ~np.eye(n, dtype=bool), similarities, 0)


@given(st.integers(0, 2**32 - 1), st.integers(8, 60), st.integers(1, 7))
@settings(max_examples=50)
def test_rows_over_the_cap_are_corrected_by_their_last_neighbour(seed, n, max_neighbors):
    rng = np.random.default_rng(seed)
    X = unit_rows(rng.random((n, 30)) * (rng.random((n, 30)) < 0.4))
    null_similarity = rng.uniform(0, 0.1, n)
    graph = search(X, 0.03, null_similarity, Limits(n, 0, 0.1, max_neighbors))
    assert_well_formed(graph, n)
    np.testing.assert_allclose(
        graph.toarray(), capped(X, null_similarity, 0.03, max_neighbors), rtol=0, atol=1e-6
    )


def test_rows_that_are_all_background_have_no_edge():
    X = sparse.csr_array(np.tile(np.eye(4)[0], (60, 1)))
    assert similarity_graph(X, 0.03, null_similarity=np.ones(60)).nnz == 0


def test_a_template_that_thousands_use_joins_only_those_that_share_more(monkeypatch):
    monkeypatch.setattr("storyclust.cluster.graph.MAX_NEIGHBORS", 50)
    form = np.tile(np.eye(4)[0], (400, 1))  # four hundred notices of one form, in pairs of the same town
    towns = np.repeat(np.eye(200), 2, axis=0)
    X = unit_rows(np.hstack((2 * form, towns)))
    graph = similarity_graph(X, 0.03, null_similarity=np.full(400, 0.01))
    pairs = sparse.csr_array((np.ones(400), (np.arange(400), np.arange(400) ^ 1)))
    assert ((graph > 0) != (pairs > 0)).nnz == 0
    assert similarity_graph(X, 0.03).nnz == 400 * 399, "without correction there is no cap"


@given(matrices(), st.lists(st.one_of(st.just(np.nan), st.integers(0, 5)), min_size=40, max_size=40))
@settings(max_examples=40)
def test_similarities_for_events_are_divided_by_days_and_end_at_the_window(X, days):
    graph = similarity_graph(X, 0.0)
    times = np.array(days[: X.shape[0]], dtype=float)
    near = sparse.csr_array(
        near_in_time(graph.indptr, graph.indices, graph.data, times, 2.0)[::-1], graph.shape
    )
    gap = np.abs(times[:, None] - times[None, :])
    expected = np.where(gap > 2.0, 0.0, graph.toarray() / np.where(gap > 1.0, gap, 1.0))
    np.testing.assert_allclose(near.toarray(), expected, rtol=0, atol=1e-9)
