"""What is made part by part equals what is made at once: arrays to the last bit, labels number by number."""

import contextlib

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from in_parts import Cut, compare, edges_between, floors_of, graph_of, linked, same, split_block
from scipy import sparse

import storyclust as sc
from storyclust.articles.records import as_articles
from storyclust.cluster.agglomerate import unit_rows
from storyclust.cluster.background_similarity import background_similarity, corrected_similarity_graph
from storyclust.cluster.linkage import agglomerate, cut
from storyclust.cluster.postings import count_holders
from storyclust.distributed.block_search import Edges, Found, merge_found, pairs_of
from storyclust.distributed.blocks import Block, join_blocks, sample_places, take_rows
from storyclust.distributed.columns import Degrees, degrees_of, numbers_in, some_of
from storyclust.distributed.linkage import (
    Forest,
    add_degrees,
    choose_level,
    pack_bins,
    spanning_forest,
)
from storyclust.distributed.term_counts import TermCounts, add_counts, join_tables, parts_of, weigh_terms
from storyclust.stories.grouping import number_stories
from storyclust.text.features import PAIR_BIT

seeds = st.integers(0, 2**32 - 1)


@contextlib.contextmanager
def bounds(max_neighbors=2, nearest=2):
    """Limits that a handful of rows reach; with `nearest` of 150, background similarity is 0."""
    small = {
        "cluster.graph.MAX_NEIGHBORS": max_neighbors,
        "cluster.graph.MAX_POSTINGS": 4,
        "cluster.graph.HEAVIEST": 3,
        "cluster.background_similarity.NEAREST": nearest,
        "cluster.background_similarity.FARTHEST": nearest + 4,
        "cluster.background_similarity.SAMPLE_SIZE": max(12, nearest + 4),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in small.items():
            patch.setattr(f"storyclust.{name}", value)
        yield


# Vectors and edges, by blocks


def block_of(X, groups, rng):
    """All rows of a matrix as one block, of terms whose hashes mean nothing."""
    terms = np.unique(rng.integers(0, 2**63, 4 * X.shape[1] + 8, dtype=np.uint64))[: X.shape[1]]
    holders = count_holders(X.indices, X.shape[1])
    places = np.arange(X.shape[0])
    indptr = X.indptr.astype(np.int64)
    return Block(places, groups, terms, holders, indptr, X.indices.astype(np.int32), X.data)


def random_matrix(rng, n, width, density, alike):
    """Rows of unit length, some of them zeros; with `alike`, many are equal, and others nearly."""
    X = rng.random((n, width)) * (rng.random((n, width)) < density)
    if alike:
        X = X[rng.integers(0, n // 3 + 1, n)] * (rng.random((n, width)) < 0.95)
    return sparse.csr_array(unit_rows(X).astype(np.float32)) if n else sparse.csr_array(X.astype(np.float32))


def dealt(block, rng, n_blocks):
    """Rows of a block, dealt to blocks at random."""
    owner = rng.integers(0, n_blocks, len(block.places))
    return [take_rows(block, np.flatnonzero(owner == number)) for number in range(n_blocks)]


def assert_same_graph(blocks, X, groups, least):
    """Return how many edges there are."""
    n_groups = int(groups.max()) + 1
    null_similarity = floors_of(blocks, groups, n_groups, len(groups))
    assert same(null_similarity, background_similarity(X, groups))
    whole = corrected_similarity_graph(X, groups, least)
    places, graph = graph_of(edges_between(blocks, null_similarity, len(groups), least))
    assert np.array_equal(places, np.flatnonzero(np.diff(whole.indptr)))
    assert np.array_equal(np.diff(graph.indptr), np.diff(whole.indptr)[places])
    assert np.array_equal(places[graph.indices], whole.indices)
    assert same(graph.data, whole.data)
    return whole.nnz


@given(
    seeds, st.integers(1, 40), st.integers(1, 30), st.sampled_from([0.1, 0.3, 0.9]), st.booleans(),
    st.integers(1, 6), st.integers(1, 3), st.sampled_from([0.03, 0.2]), st.sampled_from([1, 2, 5, 50]),
    st.sampled_from([2, 150]),
)  # fmt: skip
@settings(max_examples=50)
def test_the_graph_is_the_same_by_whatever_blocks(
    seed, n, width, density, alike, n_blocks, n_groups, least, max_neighbors, nearest
):
    rng = np.random.default_rng(seed)
    X = random_matrix(rng, n, width, density, alike)
    _, groups = np.unique(rng.integers(0, n_groups, n), return_inverse=True)
    with bounds(max_neighbors, nearest):
        edges = assert_same_graph(dealt(block_of(X, groups, rng), rng, n_blocks), X, groups, least)
    event("edges" if edges else "no edge")


@pytest.mark.parametrize("max_neighbors", [2, 3, 10])
@pytest.mark.parametrize("n_blocks", [1, 2, 7, 40])
def test_the_neighbour_cap_is_the_same_by_whatever_blocks(max_neighbors, n_blocks):
    """Rows that all share terms: every pair is a candidate, and more are edges than the cap allows."""
    rng = np.random.default_rng(3)
    X = random_matrix(rng, 150, 8, 0.9, alike=False)
    groups = np.zeros(150, np.int64)
    with bounds(max_neighbors, nearest=150):
        edges = assert_same_graph(dealt(block_of(X, groups, rng), rng, n_blocks), X, groups, 0.03)
    assert 0 < edges < 150 * 2 * max_neighbors


@given(seeds, st.integers(0, 20), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=40)
def test_blocks_split_and_joined_are_what_they_were(seed, n, width, most_rows):
    rng = np.random.default_rng(seed)
    X = random_matrix(rng, n, width, 0.4, alike=False)
    block = take_rows(block_of(X, np.zeros(n, np.int64), rng), np.arange(n))
    parts = split_block(block, most_rows)
    assert all(len(part.places) <= most_rows for part in parts)
    parts.append(take_rows(block, np.arange(0)))
    rng.shuffle(parts)
    assert all(same(*columns) for columns in zip(join_blocks(parts), block, strict=True))


@given(seeds, st.integers(1, 60), st.integers(1, 5))
@settings(max_examples=40)
def test_what_was_found_may_be_merged_in_any_order(seed, n, n_parts):
    rng = np.random.default_rng(seed)
    later, earlier = np.divmod(rng.permutation(200)[:n], 50)
    shown = rng.integers(1, 4, n).astype(np.float32)  # many are equal
    cosines, floors = rng.integers(0, 3, n) / 4, rng.integers(0, 3, n) / 4
    found = Found(later + 50, earlier, shown, cosines, floors)
    owner = rng.integers(0, n_parts, n)
    parts = [Found(*(column[owner == number] for column in found)) for number in range(n_parts)]
    with bounds():
        once = set(zip(*pairs_of(merge_found([found])), strict=True))
        merged = parts[0]
        for part in parts[1:]:
            merged = merge_found([part, merged])
        assert set(zip(*pairs_of(merge_found([merged])), strict=True)) == once


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True))
def test_sorted_terms_are_found_among_sorted_ones(terms, wanted):
    numbers = numbers_in(np.array(sorted(terms), np.uint64), np.array(sorted(wanted), np.uint64))
    places = {term: number for number, term in enumerate(sorted(terms))}
    assert numbers.tolist() == [places.get(term, -1) for term in sorted(wanted)]


def test_each_language_has_a_sample_of_its_own(monkeypatch):
    monkeypatch.setattr("storyclust.cluster.background_similarity.SAMPLE_SIZE", 3)
    places = sample_places(np.array([0, 1, 0, 0, 1, 0, 0]))
    assert [one.tolist() for one in places] == [[0, 3, 6], [1, 4]]


# Terms, by partitions


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(1, 9))
def test_every_term_has_one_partition(hashes, n_partitions):
    terms = np.unique(np.array(hashes, np.uint64))
    parts = [np.concatenate([terms[one] for one in part]) for part in parts_of(terms, n_partitions)]
    assert sorted(np.concatenate(parts).tolist()) == terms.tolist()
    for number, part in enumerate(parts):
        assert (np.diff(part) > 0).all()
        for term in part.tolist():
            assert term % int(PAIR_BIT) * n_partitions >> 63 == number, "whoever asks finds it there"


@given(seeds, st.integers(0, 40), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=40)
def test_counts_add_up_in_any_order(seed, n, n_parts, n_groups):
    rng = np.random.default_rng(seed)
    pairs = [
        (int(t), int(g)) for t, g in zip(rng.integers(0, 9, n), rng.integers(0, n_groups, n), strict=True)
    ]
    owner = rng.integers(0, n_parts, n).tolist()

    def counted(chosen):
        keys = sorted(set(chosen))
        return TermCounts(
            np.array([term for term, _ in keys], np.uint64),
            np.array([group for _, group in keys], np.int16),
            np.array([chosen.count(key) for key in keys], np.int32),
        )

    parts = [
        counted([p for p, o in zip(pairs, owner, strict=True) if o == number]) for number in range(n_parts)
    ]
    folded = add_counts([])
    for part in parts:
        folded = add_counts([folded, part])
    for total in (folded, add_counts(parts)):
        assert all(same(*columns) for columns in zip(total, counted(pairs), strict=True))


def test_a_partition_without_terms_has_an_empty_table():
    table = weigh_terms(add_counts([]), ["de", "en"], np.array([3, 4]))
    assert table.df.shape == table.idf.shape == (2, 0)
    assert join_tables([table, table]).holders.shape == (0,)


# Linkage, level by level


def test_averages_that_no_distance_tells_apart_are_merged_at_once():
    """0.05 and what is next to it have the same distance from 1: no level lies between."""
    values = np.array([np.nextafter(0.05, 1), 0.05])
    forest = Forest(np.array([0, 2]), np.array([1, 3]), values)
    level = choose_level(forest, degrees_of(forest.one, forest.other), 4, 0, distance=0.96)
    assert level.last
    assert level.component.tolist() == [0, 0, 2, 2]


def random_edges(rng, n, n_edges, levels):
    """Edges of a graph without loops, each pair once, some of the same weight."""
    pairs = [(i, j) for j in range(n) for i in range(j)]
    chosen = rng.permutation(len(pairs))[:n_edges]
    ends = np.array([pairs[k] for k in chosen], np.int64).reshape(-1, 2)
    return Edges(ends[:, 0], ends[:, 1], rng.integers(1, levels + 1, len(ends)) / 1024)


@given(
    seeds, st.integers(1, 30), st.integers(0, 200), st.sampled_from([2, 7, 1000]), st.integers(1, 4),
    st.sampled_from([1, 3, 10, 10**6]), st.sampled_from([0.5, 0.998, 0.9999]),
    st.sampled_from([1.0, 3.0, np.inf]),
)  # fmt: skip
@settings(max_examples=60)
def test_linkage_level_by_level_is_that_of_the_whole_graph(
    seed, n, n_edges, levels, n_parts, most, distance, window
):
    rng = np.random.default_rng(seed)
    edges = random_edges(rng, n, n_edges, levels)
    days = np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 9, n).astype(float))
    parts = [some_of(edges, rows) for rows in np.array_split(np.arange(len(edges.values)), n_parts)]
    found, giants = linked(parts, np.arange(n), days, distance, window, Cut([], bin_edges=most))
    dense = np.zeros((n, n))
    dense[edges.earlier, edges.later] = dense[edges.later, edges.earlier] = edges.values
    merges = agglomerate(sparse.csr_array(dense), max_distance=distance, times=days, window=window)
    events = cut(merges, n, distance)
    _, first = np.unique(events, return_index=True)
    assert found.tolist() == first[events].tolist()
    event("several levels" if giants else "one level")


@given(seeds, st.integers(1, 30), st.integers(0, 60), st.integers(1, 4), st.integers(1, 30))
@settings(max_examples=50)
def test_a_level_is_the_lowest_at_which_components_fit(seed, n, n_edges, n_parts, most):
    rng = np.random.default_rng(seed)
    edges = random_edges(rng, n, n_edges, 6)
    rows = np.array_split(rng.permutation(len(edges.values)), n_parts)
    forests = [spanning_forest(*some_of(edges, part)) for part in rows]
    forest = spanning_forest(*(np.concatenate(column) for column in zip(*forests, strict=True)))
    degrees = add_degrees([degrees_of(*some_of(edges, part)[:2]) for part in rows])
    level = choose_level(forest, degrees, n, most, distance=1.0)
    heights = 1 - forest.averages

    def weights(distance):
        above = some_of(edges, 1 - edges.values < distance)
        graph = sparse.coo_array((np.ones(len(above.values)), (above.earlier, above.later)), shape=(n, n))
        _, labels = sparse.csgraph.connected_components(graph, directed=False)
        ends = np.bincount(np.concatenate((edges.earlier, edges.later)), minlength=n)
        alone = np.bincount(labels) < 2
        return np.where(alone, 0, np.bincount(labels, ends)), labels

    heavy, labels = weights(level.distance)
    _, first = np.unique(labels, return_index=True)
    assert level.component.tolist() == first[labels].tolist()
    if (heavy > 2 * most).any():  # then only where the highest averages make it so
        assert np.unique(heights[heights < level.distance]).size == 1
    if not level.last:
        further = heights[heights > level.distance].min(initial=1.0)
        assert (weights(further)[0] > 2 * most).any()


@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(1, 15))
def test_bins_hold_no_more_than_they_may_but_for_giants(edge_counts, most):
    """Components of two nodes, the second of which has all the edges."""
    counts = np.array(edge_counts)
    component = np.repeat(np.arange(0, 2 * len(counts), 2), 2)
    degrees = Degrees(np.arange(1, 2 * len(counts), 2), 2 * counts)
    bins = pack_bins(component, degrees, most)
    assert ((bins.bin_of[::2] < 0) == (counts == 0)).all()
    held = [counts[bins.bin_of[::2] == number] for number in range(bins.n_bins)]
    assert all(len(one) for one in held)
    assert [one.sum() for one in held] == bins.edges
    assert all(one.sum() <= most or len(one) == 1 for one in held)


@given(seeds, st.integers(0, 12))
@settings(max_examples=50)
def test_stories_are_numbered_by_size_beginning_and_row(seed, n):
    rng = np.random.default_rng(seed)
    _, events = np.unique(rng.integers(0, 5, n), return_inverse=True)
    thread_of_event = rng.integers(0, 3, 5)
    _, threads = np.unique(thread_of_event[events], return_inverse=True)
    seconds = np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 4, n).astype(float))

    def key(labels, label):
        rows = [row for row in range(n) if labels[row] == label]
        return min((seconds[row] for row in rows if seconds[row] >= 0), default=np.inf), rows[0]

    by_rank = sorted(set(threads), key=lambda t: (-(threads == t).sum(), key(threads, t)))
    inside = sorted(
        set(events), key=lambda e: (by_rank.index(threads[events.tolist().index(e)]), key(events, e))
    )
    found = number_stories(threads, events, seconds)
    assert found[0].tolist() == [by_rank.index(t) for t in threads]
    assert found[1].tolist() == [inside.index(e) for e in events]


# The whole

WORDS = {
    "en": "ferry pier harbour strike budget vote minister storm rain bridge the of and said was".split(),
    "de": "Fähre Hafen Streik Haushalt Minister Sturm Regen Brücke der die und nicht wurde ist".split(),
    "ja": ["東京で会談した", "大臣は港に", "嵐の予報", "予算が可決された"],
    "ru": "паром порт забастовка бюджет министр буря дождь мост и не что был".split(),
}


@st.composite
def corpora(draw):
    """Articles of some languages on few things: copies, undated ones, ones without terms or text."""
    rng = np.random.default_rng(draw(seeds))
    languages = draw(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=3, unique=True))
    records = []
    for number in range(draw(st.integers(1, 45))):
        kind = rng.random()
        words = WORDS[str(rng.choice(languages))]
        text = " ".join(rng.choice(words, int(rng.integers(1, 30))))
        if kind < 0.15 and records:
            text = records[int(rng.integers(len(records)))]["text"]
        elif kind < 0.25:
            text = str(rng.choice(["", " ", "!", "a b c", "the of and"]))
        record = {"id": f"a{number}", "text": text, "title": str(rng.choice(words))}
        if rng.random() < 0.7:
            record["published"] = f"2024-03-{int(rng.integers(1, 29)):02d}T0{int(rng.integers(0, 3))}:00:00Z"
        if rng.random() < 0.1:
            record["lang"] = str(rng.choice(["en-GB", "xx", "fr"]))
        records.append(record)
    return as_articles(records)


@st.composite
def cuts(draw, n):
    inside = draw(st.lists(st.integers(0, n), max_size=4))
    return Cut(
        [0, *sorted(inside), n],
        draw(st.integers(1, 5)),
        draw(st.integers(1, 12)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from([1, 10, 1000])),
    )


@given(st.data(), corpora())
@settings(max_examples=40)
def test_stories_made_of_parts_are_those_made_at_once(data, articles):
    cut = data.draw(cuts(len(articles)))
    window = data.draw(st.sampled_from([None, 2.0, 7.0]))
    with bounds(data.draw(st.sampled_from([2, 50])), data.draw(st.sampled_from([2, 50]))):
        parts, differing = compare(articles, cut, event_window=window)
    assert not differing
    event("threads of several" if np.bincount(parts.labels).max() > 1 else "all alone")


def test_synthetic_news_at_the_usual_bounds():
    articles = list(sc.datasets.make_newswire(1500, random_state=5))
    cut = Cut([0, 0, 400, 1100, len(articles)], 4, 300, together=False, fold=True, bin_edges=50)
    parts, differing = compare(articles, cut)
    assert not differing
    assert parts.giants


def test_articles_without_a_term():
    _, differing = compare(as_articles(["", "!", "?", "the of"]), Cut([0, 1, 4], 2, 1))
    assert not differing
