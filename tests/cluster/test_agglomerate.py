"""Average linkage on a sparse graph, against the naive algorithm, SciPy and scikit-learn."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_stories import average_linkage, labels_below, partition, similar_pairs
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import AgglomerativeClustering
from sklearn.exceptions import NotFittedError

from storyclust import GraphAgglomerative, InputError
from storyclust._core.union_find import by_appearance, find
from storyclust.cluster.agglomerate import unit_rows
from storyclust.cluster.correction import RESOLUTION
from storyclust.cluster.linkage import Merges, agglomerate, cut, number_merges

THRESHOLDS = (0.0, 0.2, 0.5, 0.7, 0.85, 0.95, 1.0)
seeds = st.integers(0, 2**32 - 1)


def random_graph(seed, n, density):
    """Symmetric weights in (0, 1), all distinct."""
    rng = np.random.default_rng(seed)
    S = np.triu(rng.random((n, n)) * (rng.random((n, n)) < density), 1)
    return S + S.T


graphs = st.builds(random_graph, seeds, st.integers(1, 12), st.sampled_from([0.1, 0.3, 0.6, 1.0]))


def members(children, n):
    """Leaves under each merge."""
    nodes = [{leaf} for leaf in range(n)]
    for a, b in children.tolist():
        nodes.append(nodes[a] | nodes[b])
    return nodes


def assert_valid_tree(merges, n):
    children, distances = merges
    assert children.shape == (len(distances), 2)
    assert children.dtype == np.int64
    used = children.ravel().tolist()
    assert len(set(used)) == len(used)
    assert all(0 <= a < b < n + k for k, (a, b) in enumerate(children.tolist()))
    assert (np.diff(distances) >= 0).all()
    assert not len(distances) or distances[0] >= -1e-12
    assert not len(distances) or distances[-1] < 1


def assert_like_twin(merges, twin, n):
    """The same merges at the same distances, and the same clusters at every threshold."""
    assert_valid_tree(merges, n)
    np.testing.assert_allclose(merges.distances, sorted(d for *_, d in twin), rtol=0, atol=1e-12)
    joined = {frozenset(leaves) for leaves in members(merges.children, n)[n:]}
    assert joined == {frozenset(a | b) for a, b, _ in twin}
    for threshold in THRESHOLDS:
        assert cut(merges, n, threshold).tolist() == labels_below(twin, n, threshold)


# Against the naive twin


@given(graphs)
@settings(max_examples=40)
def test_merges_are_those_of_the_naive_algorithm(S):
    assert_like_twin(agglomerate(sparse.csr_array(S)), average_linkage(S), len(S))


@given(graphs, st.data())
@settings(max_examples=50)
def test_nodes_may_stand_for_many(S, data):
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=len(S), max_size=len(S)))
    sums = S * np.outer(sizes, sizes)
    merges = agglomerate(sparse.csr_array(sums), np.array(sizes))
    assert_like_twin(merges, average_linkage(sums, sizes), len(S))


@given(graphs, st.data())
@settings(max_examples=40)
def test_groups_given_as_nodes_merge_like_groups_formed_before(S, data):
    """What find_threads relies on: carrying on from a cut gives the merges beyond it."""
    distance = data.draw(st.sampled_from([0.2, 0.5, 0.7]))
    n = len(S)
    full = agglomerate(sparse.csr_array(S))
    labels = cut(full, n, distance)
    belongs = np.eye(labels.max() + 1)[labels]
    on = agglomerate(sparse.csr_array(belongs.T @ S @ belongs), np.bincount(labels))
    for threshold in THRESHOLDS:
        if threshold >= distance:
            assert cut(on, labels.max() + 1, threshold)[labels].tolist() == cut(full, n, threshold).tolist()


@given(graphs, st.sampled_from([0.1, 0.4, 0.7, 0.9]))
@settings(max_examples=50)
def test_a_greatest_distance_leaves_the_merges_beyond_it_out(S, distance):
    merges = agglomerate(sparse.csr_array(S), max_distance=distance)
    assert_like_twin(merges, average_linkage(S, max_distance=distance), len(S))
    whole = agglomerate(sparse.csr_array(S))
    made = int((whole.distances < distance).sum())
    assert np.array_equal(merges.children, whole.children[:made])
    np.testing.assert_allclose(merges.distances, whole.distances[:made], rtol=0, atol=1e-15)


times_of_nodes = st.one_of(st.none(), st.integers(0, 20))


@given(graphs, st.data(), st.sampled_from([0.0, 2.0, 7.0, 19.0, math.inf]))
@settings(max_examples=40)
def test_no_cluster_spans_more_than_the_window(S, data, window):
    n = len(S)
    dates = data.draw(st.lists(times_of_nodes, min_size=n, max_size=n))
    times = np.array([math.nan if date is None else date for date in dates], float)
    merges = agglomerate(sparse.csr_array(S), times=times, window=window)
    spans = [None if date is None else (date, date) for date in dates]
    assert_like_twin(merges, average_linkage(S, spans=spans, window=window), n)
    for leaves in members(merges.children, n)[n:]:
        dated = [dates[leaf] for leaf in leaves if dates[leaf] is not None]
        assert not dated or max(dated) - min(dated) <= window


@given(graphs, st.data())
@settings(max_examples=40)
def test_nodes_may_have_a_first_and_a_last_time(S, data):
    n = len(S)
    spans = data.draw(
        st.lists(
            st.one_of(st.none(), st.tuples(st.integers(0, 9), st.integers(0, 5))), min_size=n, max_size=n
        )
    )
    spans = [span and (span[0], span[0] + span[1]) for span in spans]
    times = np.array([span or (math.nan, math.nan) for span in spans], float)
    merges = agglomerate(sparse.csr_array(S), times=times, window=6.0)
    assert_like_twin(merges, average_linkage(S, spans=spans, window=6.0), n)


def test_a_node_without_a_time_fits_anywhere():
    S = np.array([[0, 0.9, 0], [0.9, 0, 0.6], [0, 0.6, 0]], float)
    for middle in (math.nan, 5.0):
        merges = agglomerate(sparse.csr_array(S), times=np.array([0.0, middle, 10.0]), window=7.0)
        assert merges.children.tolist() == [[0, 1]]
    merges = agglomerate(sparse.csr_array(S), times=np.array([math.nan, math.nan, 10.0]), window=0.0)
    assert merges.children.tolist() == [[0, 1], [2, 3]]


def test_the_diagonal_is_ignored():
    S = random_graph(1, 8, 0.6)
    merges = agglomerate(sparse.csr_array(S + 5 * np.eye(8)))
    assert_like_twin(merges, average_linkage(S), 8)


def test_the_graph_given_is_not_changed():
    graph = sparse.csr_array(random_graph(1, 30, 0.5))
    before = graph.data.copy(), graph.indices.copy(), graph.indptr.copy()
    agglomerate(graph)
    assert all(
        np.array_equal(a, b) for a, b in zip(before, (graph.data, graph.indices, graph.indptr), strict=True)
    )


# Against dense linkage


def dense_data(seed, n, m):
    """Non-negative rows, none of them zeros."""
    rng = np.random.default_rng(seed)
    return rng.random((n, m)) * (rng.random((n, m)) < 0.7) + 0.01 * rng.random((n, m))


@given(seeds, st.integers(2, 30), st.integers(2, 40))
@settings(max_examples=40)
def test_without_a_floor_it_is_dense_average_linkage(seed, n, m):
    X = dense_data(seed, n, m)
    model = GraphAgglomerative(min_similarity=0).fit(X)
    tree = linkage(X, "average", metric="cosine")
    np.testing.assert_allclose(model.distances_, tree[:, 2], rtol=0, atol=1e-9)
    assert model.n_connected_components_ == 1
    for threshold in (0.02, 0.1, 0.2, 0.3, 0.5, 0.9):
        if (np.abs(model.distances_ - threshold) < 1e-9).any():
            continue
        dense = AgglomerativeClustering(
            n_clusters=None, metric="cosine", linkage="average", distance_threshold=threshold
        ).fit(X)
        assert partition(model.cut(threshold)) == partition(dense.labels_)


@given(seeds, st.integers(2, 25), st.integers(2, 25), st.sampled_from([0.05, 0.3]))
@settings(max_examples=40)
def test_with_a_floor_weaker_pairs_count_as_zero(seed, n, m, floor):
    X = np.random.default_rng(seed).random((n, m)) ** 4
    model = GraphAgglomerative(min_similarity=floor).fit(X)
    unit = unit_rows(X).toarray()
    assume(not (np.abs(unit @ unit.T - floor) < 1e-9).any())
    merges = Merges(model.children_, model.distances_)
    similar = np.round(similar_pairs(unit, floor) * RESOLUTION) / RESOLUTION
    assert_like_twin(merges, average_linkage(similar), n)


# Cuts


@given(graphs)
@settings(max_examples=40)
def test_a_larger_threshold_only_merges_clusters(S):
    merges, n = agglomerate(sparse.csr_array(S)), len(S)
    for low, high in itertools.pairwise(np.linspace(0, 1, 12)):
        finer, coarser = cut(merges, n, low), cut(merges, n, high)
        assert len(set(zip(finer.tolist(), coarser.tolist(), strict=True))) == finer.max() + 1


@given(graphs)
@settings(max_examples=40)
def test_labels_are_numbered_by_first_appearance(S):
    merges, n = agglomerate(sparse.csr_array(S)), len(S)
    labels = cut(merges, n, 0.6)
    assert labels.dtype == np.int64
    assert list(dict.fromkeys(labels.tolist())) == list(range(labels.max() + 1))
    assert cut(merges, n, 0.0).tolist() == list(range(n))


def test_a_merge_at_the_threshold_itself_is_not_made():
    merges = agglomerate(sparse.csr_array([[0, 0.5], [0.5, 0]]))
    assert cut(merges, 2, 0.5).tolist() == [0, 1]
    assert cut(merges, 2, np.nextafter(0.5, 1)).tolist() == [0, 0]
    assert len(agglomerate(sparse.csr_array([[0, 0.5], [0.5, 0]]), max_distance=0.5).children) == 0


@given(seeds, st.sampled_from([0.1, 0.3, 0.6, 0.9, 1.0]))
@settings(max_examples=40)
def test_a_cut_of_the_stored_dendrogram_is_a_fit_at_that_threshold(seed, threshold):
    X = dense_data(seed, 20, 15)
    model = GraphAgglomerative(0.5).fit(X)
    labels = model.labels_.copy()
    assert np.array_equal(model.cut(threshold), GraphAgglomerative(threshold).fit_predict(X))
    assert np.array_equal(model.labels_, labels)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).cut(threshold), model.cut(threshold))  # noqa: S301


# Order and ties


@given(graphs, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_permuted_nodes_give_the_same_partitions(S, random):
    n = len(S)
    order = list(range(n))
    random.shuffle(order)
    merges = agglomerate(sparse.csr_array(S))
    permuted = agglomerate(sparse.csr_array(S[np.ix_(order, order)]))
    np.testing.assert_allclose(permuted.distances, merges.distances, rtol=0, atol=1e-12)
    for threshold in THRESHOLDS:
        labels = np.empty(n, int)
        labels[order] = cut(permuted, n, threshold)
        assert partition(labels) == partition(cut(merges, n, threshold))


def tied_graph(seed, n, levels=(0.2, 0.5, 0.8)):
    rng = np.random.default_rng(seed)
    S = np.triu(rng.choice([0.0, *levels], (n, n)), 1)
    return S + S.T


@given(seeds, st.integers(2, 25))
@settings(max_examples=50)
def test_ties_give_a_valid_tree_and_the_same_every_time(seed, n):
    S = tied_graph(seed, n)
    one, other = agglomerate(sparse.csr_array(S)), agglomerate(sparse.csr_array(S))
    assert np.array_equal(one.children, other.children)
    assert one.distances.tobytes() == other.distances.tobytes()
    assert_valid_tree(one, n)
    nodes = members(one.children, n)
    for (a, b), distance in zip(one.children.tolist(), one.distances.tolist(), strict=True):
        pairs = [S[i, j] for i in nodes[a] for j in nodes[b]]
        assert 1 - sum(pairs) / len(pairs) == pytest.approx(distance, abs=1e-9)


@given(seeds, st.integers(2, 14))
@settings(max_examples=50)
def test_weights_a_hair_apart_end_too(seed, n):
    """Differences about as small as what counts as a tie must not make the chain go round."""
    S = tied_graph(seed, n, 0.5 * (1 - 1e-12 * np.array([0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4])))
    merges = agglomerate(sparse.csr_array(S))
    assert_valid_tree(merges, n)
    assert len(merges.children) == n - sparse.csgraph.connected_components(S > 0)[0]


def test_equal_averages_are_merged_in_order_of_the_smallest_row():
    n = 6
    S = np.full((n, n), 0.5)
    np.fill_diagonal(S, 0)
    assert agglomerate(sparse.csr_array(S)).children.tolist() == [[0, 1], [2, 6], [3, 7], [4, 8], [5, 9]]


def test_equal_averages_far_apart_are_merged_in_order_of_the_smallest_row_too():
    S = np.zeros((5, 5))
    for i, j, s in [(0, 3, 0.4), (3, 4, 0.5), (0, 1, 0.35), (1, 2, 0.5)]:
        S[i, j] = S[j, i] = s
    merges = agglomerate(sparse.csr_array(S))
    assert merges.distances[:2].tolist() == [0.5, 0.5]
    assert merges.children[:2].tolist() == [[1, 2], [3, 4]]


# Shapes


def test_rows_of_zeros_are_clusters_of_their_own():
    X = np.array([[0, 0], [1, 0.1], [0, 0], [1, 0], [0, 0]], float)
    model = GraphAgglomerative(1.0).fit(X)
    assert model.labels_.tolist() == [0, 1, 2, 1, 3]
    assert model.n_clusters_ == 4
    assert model.n_connected_components_ == 4
    assert model.children_.tolist() == [[1, 3]]
    zeros = GraphAgglomerative(1.0, min_similarity=0).fit(np.zeros((4, 3)))
    assert zeros.labels_.tolist() == [0, 1, 2, 3]
    assert zeros.children_.shape == (0, 2)
    assert zeros.distances_.shape == (0,)


@pytest.mark.parametrize("n", [0, 1])
def test_graphs_of_no_and_of_one_node(n):
    merges = agglomerate(sparse.csr_array((n, n)))
    assert merges.children.shape == (0, 2)
    assert cut(merges, n, 0.5).tolist() == list(range(n))


def edges(n, pairs, weights):
    i, j = np.array(pairs).T
    return sparse.csr_array((np.tile(weights, 2), (np.append(i, j), np.append(j, i))), shape=(n, n))


@pytest.mark.parametrize("rising", [True, False])
def test_a_long_chain(rising):
    n = 2000
    weights = np.linspace(0.1, 0.9, n - 1)
    graph = edges(n, [(k, k + 1) for k in range(n - 1)], weights if rising else weights[::-1])
    merges = agglomerate(graph)
    assert_valid_tree(merges, n)
    assert len(merges.children) == n - 1
    assert merges.distances[0] == pytest.approx(0.1)


def test_a_star():
    n = 2000
    weights = np.random.default_rng(0).permutation(np.linspace(0.1, 0.9, n - 1))
    merges = agglomerate(edges(n, [(0, k) for k in range(1, n)], weights))
    assert_valid_tree(merges, n)
    assert len(merges.children) == n - 1
    # Each leaf joins the hub in order of weight, which by then has a member more every time.
    expected = np.sort(weights)[::-1] / np.arange(1, n)
    np.testing.assert_allclose(1 - merges.distances, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("equal", [True, False])
def test_a_complete_graph(equal):
    n = 2000
    S = np.full((n, n), 0.5) if equal else np.random.default_rng(0).random((n, n))
    S = np.triu(S, 1)
    merges = agglomerate(sparse.csr_array(S + S.T))
    assert_valid_tree(merges, n)
    assert len(merges.children) == n - 1
    if equal:
        np.testing.assert_allclose(merges.distances, 0.5, rtol=0, atol=1e-12)
        assert cut(merges, n, 0.4).max() == n - 1
        assert cut(merges, n, 0.6).max() == 0


def test_many_separate_parts():
    graph = sparse.block_diag([random_graph(seed, 5, 1.0) for seed in range(300)], format="csr")
    merges = agglomerate(sparse.csr_array(graph))
    assert_valid_tree(merges, 1500)
    assert len(merges.children) == 4 * 300
    assert partition(cut(merges, 1500, 1.0)) == partition(np.arange(1500) // 5)


def test_pieces_of_the_union_find():
    parent = np.array([0, 0, 1, 2])
    assert find(parent, 3) == 0
    assert number_merges(np.array([[0, 2], [1, 3], [0, 1]]), 4).tolist() == [[0, 2], [1, 3], [4, 5]]


# The estimator


def test_fitted_attributes():
    X = np.array([[1, 0.1], [1, 0], [0, 1], [0.2, 1]])
    model = GraphAgglomerative(0.5).fit(X)
    assert model.labels_.tolist() == [0, 0, 1, 1]
    assert model.labels_.dtype == np.int64
    assert (model.n_clusters_, model.n_leaves_, model.n_features_in_) == (2, 4, 2)
    assert model.n_connected_components_ == 4 - len(model.children_) == 1
    assert model.children_[:2].tolist() == [[0, 1], [2, 3]]
    assert np.array_equal(GraphAgglomerative(0.5).fit_predict(X), model.labels_)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix, sparse.coo_array, sparse.csc_array])
def test_sparse_and_dense_input_agree(make):
    X = dense_data(4, 20, 10) * (np.random.default_rng(0).random((20, 10)) < 0.4)
    model, dense = GraphAgglomerative(0.6).fit(make(X)), GraphAgglomerative(0.6).fit(X)
    assert np.array_equal(model.children_, dense.children_)
    np.testing.assert_allclose(model.distances_, dense.distances_, rtol=0, atol=1e-12)


def test_rows_need_not_be_normalised():
    X = dense_data(4, 20, 10)
    scaled = X * np.geomspace(1e-200, 1e150, 20)[:, None]
    model, unscaled = GraphAgglomerative(0.3).fit(scaled), GraphAgglomerative(0.3).fit(X)
    assert np.array_equal(model.labels_, unscaled.labels_)
    np.testing.assert_allclose(model.distances_, unscaled.distances_, rtol=0, atol=1e-12)


@given(seeds)
@settings(max_examples=20)
def test_repeated_entries_of_a_sparse_row_are_added_up(seed):
    rng = np.random.default_rng(seed)
    data, columns = rng.random(24), rng.integers(0, 4, 24)
    X = sparse.csr_array((data, columns, [0, 6, 12, 18, 24]), shape=(4, 4))
    rows = unit_rows(X)
    assert rows.has_canonical_format
    np.testing.assert_allclose(np.sqrt(rows.multiply(rows).sum(axis=1)), 1.0)
    np.testing.assert_allclose(rows.toarray() * np.linalg.norm(X.toarray(), axis=1)[:, None], X.toarray())


def test_threads_change_nothing():
    X = dense_data(9, 60, 30)
    one, two = GraphAgglomerative(0.4).fit(X), GraphAgglomerative(0.4, n_jobs=2).fit(X)
    assert np.array_equal(one.children_, two.children_)
    assert one.distances_.tobytes() == two.distances_.tobytes()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"distance_threshold": -0.1}, r"distance_threshold must lie in \[0, 1\], got -0.1"),
        ({"distance_threshold": 1.5}, r"distance_threshold must lie in \[0, 1\], got 1.5"),
        ({"distance_threshold": None}, "distance_threshold must be a number, got None"),
        ({"min_similarity": 2}, r"min_similarity must lie in \[0, 1\], got 2"),
        ({"min_similarity": math.nan}, r"min_similarity must lie in \[0, 1\], got nan"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(InputError, match=message):
        GraphAgglomerative(**parameters).fit(np.eye(3))


def test_a_cut_wants_a_fitted_model_and_a_threshold_in_range():
    with pytest.raises(NotFittedError):
        GraphAgglomerative().cut(0.5)
    with pytest.raises(InputError, match="distance_threshold must lie in"):
        GraphAgglomerative().fit(np.eye(3)).cut(7)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 25),
    st.sampled_from([0.3, 0.6]),
    st.sampled_from([0.2, 0.6, 0.9]),
)
@settings(max_examples=50)
def test_linkage_matrices_cut_as_the_whole_does(seed, n, floor, threshold):
    X = np.random.default_rng(seed).random((n, 6)) ** 6
    model = GraphAgglomerative(threshold, floor).fit(X)
    linkages = model.linkages()
    assert len(linkages) == model.n_connected_components_ - (n - sum(len(rows) for rows, _ in linkages))
    assert [len(rows) for rows, _ in linkages] == sorted((len(rows) for rows, _ in linkages), reverse=True)
    for rows, Z in linkages:
        assert hierarchy.is_valid_linkage(Z)
        assert (np.diff(rows) > 0).all()
        # SciPy joins what lies at the threshold, too
        parts = hierarchy.fcluster(Z, np.nextafter(threshold, 0), "distance")
        assert by_appearance(parts).tolist() == by_appearance(model.labels_[rows]).tolist()
    assert sum(len(Z) for _, Z in linkages) == len(model.children_)
    apart = [row for row in range(n) if not any(row in rows for rows, _ in linkages)]
    assert all((model.labels_ == model.labels_[row]).sum() == 1 for row in apart)
