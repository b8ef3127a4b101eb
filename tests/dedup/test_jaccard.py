"""Exact similarity against set arithmetic."""

import itertools

import numpy as np
import pytest
import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storyclust._core import parallel
from storyclust.dedup.jaccard import (
    ShingleSets,
    jaccard,
    jaccard_pairs,
    shared_count,
    similarities_to_leaders,
)


def all_pairs(n):
    return np.array(list(itertools.combinations(range(n), 2)), dtype=np.int64).reshape(-1, 2)


def check_pairs(texts, size, threshold):
    sets = [reference.shingles(text, size) for text in texts]
    pairs = all_pairs(len(texts))
    found = jaccard_pairs(ShingleSets.from_texts(texts, size), pairs, threshold)
    exact = [reference.jaccard(sets[i], sets[j]) for i, j in pairs]
    assert found.tolist() == [value if value >= threshold else 0.0 for value in exact]
    return exact


@st.composite
def edited_texts(draw):
    """Texts with edits of one another among them."""
    texts = draw(st.lists(reference.texts(), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for _ in range(draw(st.integers(1, 4))):
        words = texts[rng.integers(len(texts))].split(" ")
        texts.append(" ".join(reference.edited(rng, words, int(rng.integers(0, 3)))))
    return texts


THRESHOLDS = (1e-9, 0.1, 1 / 3, 0.5, 2 / 3, 0.8, 0.9, 1.0)


# Shingle sets


@settings(max_examples=50)
@given(edited_texts(), st.sampled_from([1, 2, 3, 5]))
def test_sets_are_as_large_as_their_twins_and_sorted(texts, size):
    values, offsets = ShingleSets.from_texts(texts, size)
    assert np.diff(offsets).tolist() == [len(reference.shingles(text, size)) for text in texts]
    assert len(values) == offsets[-1]
    for a, b in itertools.pairwise(offsets.tolist()):
        assert (values[a : b - 1] < values[a + 1 : b]).all()


@pytest.mark.parametrize(
    "text", ["a東" * 50 + "a", "a b " * 50 + "a", "東" * 50, "a", "東", "", "é" * 9, "a東b" * 9]
)
def test_there_is_room_for_the_densest_text(text):
    words = " ".join(f"{k}" for k in range(10)) + text
    offsets = ShingleSets.from_texts(["", text, "", words], 1).offsets
    assert np.diff(offsets).tolist() == [
        1,
        len(reference.shingles(text, 1)),
        1,
        len(reference.shingles(words, 1)),
    ]


def test_sets_of_no_texts():
    values, offsets = ShingleSets.from_texts([], 5)
    assert (values.tolist(), offsets.tolist()) == ([], [0])
    assert jaccard_pairs(ShingleSets(values, offsets), np.empty((0, 2), np.int64), 0.8).tolist() == []


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
@pytest.mark.parametrize("chunk_bytes", [1, 300])
def test_neither_threads_nor_chunks_matter(n_jobs, chunk_bytes, monkeypatch):
    rng = np.random.default_rng(3)
    article = reference.news(rng, 80)
    texts = [" ".join(reference.edited(rng, article, 2)) for _ in range(12)] + ["", "!!!", "短い"]
    pairs = all_pairs(len(texts))
    expected = ShingleSets.from_texts(texts, 5)
    similarities = jaccard_pairs(expected, pairs, 0.5)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", chunk_bytes)
    found = ShingleSets.from_texts(texts, 5, n_jobs)
    assert (found.values == expected.values).all()
    assert (found.offsets == expected.offsets).all()
    assert (jaccard_pairs(found, pairs, 0.5, n_jobs) == similarities).all()


# Similarity


@settings(max_examples=40)
@given(edited_texts(), st.sampled_from([1, 2, 3, 5]), st.sampled_from(THRESHOLDS))
@example(["", "", "!", "?", "a", "A!", "\0"], 5, 0.8)
def test_similarity_is_that_of_sets(texts, size, threshold):
    check_pairs(texts, size, threshold)


@settings(max_examples=40)
@given(edited_texts(), st.sampled_from([1, 2]))
def test_a_pair_exactly_at_the_threshold_is_in_and_just_below_it_out(texts, size):
    for value in set(check_pairs(texts, size, 1e-9)) - {0.0}:
        check_pairs(texts, size, value)
        check_pairs(texts, size, min(1.0, np.nextafter(value, 2)))
        check_pairs(texts, size, np.nextafter(value, 0))


sizes = st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(0, 400), st.integers(0, 2**32 - 1))


def make_sets(n_x, n_y, n_shared, seed):
    """Two sorted arrays of which `n_shared` values are the same, and how many those are."""
    n_shared = min(n_shared, n_x, n_y)
    values = np.random.default_rng(seed).permutation(n_x + n_y - n_shared).astype(np.uint64)
    values *= np.uint64(0x9E3779B97F4A7C15)
    return np.sort(values[:n_x]), np.sort(values[n_x - n_shared : n_x - n_shared + n_y]), n_shared


@settings(max_examples=50)
@given(sizes, st.integers(0, 401))
def test_giving_up_early_never_changes_the_count(made, least):
    x, y, shared = make_sets(*made)
    assert shared_count(x, y, least) == (shared if shared >= least else -1)
    assert shared_count(y, x, least) == (shared if shared >= least else -1)


@settings(max_examples=50)
@given(sizes, st.floats(1e-6, 1))
@example((100_000, 100_000, 88_889, 0), 88_889 / 111_111)
@example((9, 9, 8, 0), 0.8)
def test_similarity_of_sets_at_its_own_threshold(made, threshold):
    x, y, shared = make_sets(*made)
    exact = shared / (len(x) + len(y) - shared)
    assert jaccard(x, y, threshold) == (exact if exact >= threshold else 0.0)
    if exact:
        assert jaccard(x, y, exact) == exact
        assert jaccard(x, y, np.nextafter(exact, 2)) == 0.0


# Leaders


@settings(max_examples=50)
@given(edited_texts(), st.sampled_from([1, 2, 3]), st.sampled_from(THRESHOLDS), st.randoms())
def test_rows_follow_their_leaders(texts, size, threshold, random):
    rows = list(range(len(texts)))
    random.shuffle(rows)
    rows = rows[: random.randint(0, len(rows))]
    sets = [reference.shingles(text, size) for text in texts]
    found = similarities_to_leaders(
        *ShingleSets.from_texts(texts, size), np.array(rows, dtype=np.int64), threshold
    )
    led = {follower: (leader, value) for leader, follower, value in zip(*map(list, found), strict=True)}
    assert len(led) == len(found[0])
    leaders = []
    for row in rows:
        first = next((a for a in leaders if reference.jaccard(sets[a], sets[row]) >= threshold), None)
        if first is None:
            assert row not in led
            leaders.append(row)
        else:
            assert led[row] == (first, reference.jaccard(sets[first], sets[row]))
