"""Scales of stored articles, against the sums of all edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import storyclust as sc
from storyclust.cluster.local_scaling import NEIGHBORS, local_scales
from storyclust.store.neighbor_scales import NeighborScales

seeds = st.integers(0, 2**32 - 1)


def scales_of(graph, batch):
    """Scales of rows that come in batches, with their edges to earlier rows; and the rows that changed."""
    found, changed, n = NeighborScales(), [], graph.shape[0]
    for start in range(0, n, batch):
        stop = min(start + batch, n)
        found.add(stop - start)
        rows = sparse.csr_array(graph[start:stop]).tocoo()
        earlier = rows.col < rows.row + start
        first, second = rows.row[earlier] + start, rows.col[earlier]
        changed.append(found.meet(first, second, rows.data[earlier]))
        full = np.flatnonzero(found.counts.values == NEIGHBORS)
        assert set(changed[-1].tolist()) >= set(first.tolist()) - set(full.tolist())
    return found


@given(seeds, st.integers(0, 60), st.sampled_from([0.1, 0.3, 1.0]), st.sampled_from([1, 7, 60]))
def test_they_are_exact_as_long_as_neighbours_are_few_and_near_later(seed, n, density, batch):
    rng = np.random.default_rng(seed)
    S = np.triu(rng.random((n, n)) * (rng.random((n, n)) < density), 1)
    S = np.round((S + S.T) * 2.0**32) / 2.0**32
    graph = sparse.csr_array(S)
    exact = local_scales(graph.indptr, graph.data)
    found = scales_of(graph, batch)
    own = found.of(np.arange(n))
    few = np.diff(graph.indptr) <= NEIGHBORS
    assert own[few].tolist() == exact[few].tolist()
    assert (own[~few] > 0.8 * exact[~few]).all()
    assert (own[~few] < 1.3 * exact[~few]).all()
    found.measure(np.arange(n), graph.indptr, graph.data)
    assert found.of(np.arange(n)).tolist() == exact.tolist()


def test_the_file_tells_them_when_it_is_opened_again(tmp_path):
    articles = list(sc.datasets.make_newswire(60, random_state=3))
    path = tmp_path / "news.db"
    with sc.NewsStore.open(path) as store:
        for start in range(0, 60, 20):
            store.add(articles[start : start + 20])
        index = store._memory.article_index
        stored = dict(store._connection.execute("SELECT article, similarity FROM scales").fetchall())
        independent = store._connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
        assert len(stored) == independent
        numbers = index.numbers.values.tolist()
        kept = dict(zip(numbers, index.scales.sums.values.tolist(), strict=True))  # the last row of each
        assert kept == pytest.approx(stored)
        store.consolidate(None)
        after = dict(store._connection.execute("SELECT article, similarity FROM scales").fetchall())
    assert after.keys() == stored.keys()
    assert sum(after.values()) == pytest.approx(sum(stored.values()), rel=0.3)
