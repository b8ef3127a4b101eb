"""Kernels behind summaries agree with the slow and obvious way, whatever rows there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_summaries as slow
from storyclust.extract import ALONE, NOT_LEANING, extract
from storyclust.tokens import hash_tokens

VOCABULARY = [f"word{k}" for k in range(12)]


@st.composite
def groups(draw):
    """Articles as rows: a title each, then sentences."""
    rows = []
    for number in range(draw(st.integers(1, 4))):
        for position in range(-1, draw(st.integers(0, 5))):
            words = draw(st.lists(st.sampled_from(VOCABULARY), max_size=7))
            good = position >= 0 and draw(st.booleans())
            candidate = good and draw(st.booleans())
            rows.append((number, position, words, good, candidate))
    leans_on = [NOT_LEANING] * len(rows)
    for row in range(1, len(rows)):
        if rows[row][4] and draw(st.integers(0, 3)) == 0:
            leans_on[row] = row - 1 if rows[row - 1][4] else ALONE
    return rows, leans_on, draw(st.integers(1, 30))


def extracted(rows, leans_on, max_words):
    article, position, words, good, candidate = zip(*rows, strict=True)
    tokens = hash_tokens([" ".join(row) for row in words])
    lengths = np.array([float(len(row)) for row in words])
    ids, first, picked, centrality = extract(
        tokens.hashes, tokens.indptr, np.array(article), np.array(position), lengths, np.array(good),
        np.array(candidate), np.array(leans_on), float(max_words),
    )  # fmt: skip
    return ids, first, picked.tolist(), centrality


@given(groups())
@settings(max_examples=300, deadline=None)
def test_rows_are_weighed_and_picked_as_the_slow_way_does(group):
    rows, leans_on, max_words = group
    article, position, words, good, candidate = zip(*rows, strict=True)
    _, _, picked, centrality = extracted(rows, leans_on, max_words)
    weights = slow.weights_of(words, good)
    centroid = slow.centroid_of(words, weights, article, position, good)
    np.testing.assert_allclose(centrality, slow.centrality(words, weights, centroid, position), atol=1e-9)
    lengths = [len(row) for row in words]
    wanted = slow.pick(words, weights, centroid, position, lengths, candidate, leans_on, max_words)
    if picked != wanted:  # equally good but for the last bits of a sum
        vectors = [slow.vector_of(row, weights) for row in words]
        at = next(k for k in range(len(wanted) + 1) if picked[k : k + 1] != wanted[k : k + 1])
        assert at < min(len(picked), len(wanted))
        gains = []
        for row in (picked[at], wanted[at]):
            total = slow.Counter()
            for other in (*wanted[:at], row):
                total.update(vectors[other])
            gains.append(slow.cosine(total, centroid) / (1 + position[row]) ** 0.02)
        assert gains[0] == pytest.approx(gains[1], abs=1e-6)


@given(groups())
@settings(max_examples=100, deadline=None)
def test_words_are_numbered_as_they_appear(group):
    rows, leans_on, max_words = group
    ids, first, _, _ = extracted(rows, leans_on, max_words)
    said = [word for row in rows for word in row[2]]
    numbers = {word: number for number, word in enumerate(dict.fromkeys(said))}
    assert ids.tolist() == [numbers[word] for word in said]
    assert first.tolist() == [said.index(word) for word in numbers]


def sentence(number, position, text):
    return number, position, text.split(), True, True


def test_no_sentence_is_picked_that_leans_on_one_left_out():
    rows = [
        (0, -1, [], False, False),
        sentence(0, 0, "budget vote carrow"),
        sentence(0, 1, "ferry aldmouth fog harbour"),
        (1, -1, [], False, False),
        sentence(1, 0, "ferry pier monday storm"),
    ]
    assert 2 in extracted(rows, [NOT_LEANING] * 5, 30)[2]
    leaning = [NOT_LEANING, NOT_LEANING, 1, NOT_LEANING, NOT_LEANING]
    assert 2 not in extracted(rows, leaning, 4)[2]
    assert 2 not in extracted(rows, [NOT_LEANING, NOT_LEANING, ALONE, NOT_LEANING, NOT_LEANING], 30)[2]


def test_where_all_lean_one_is_picked_even_so():
    rows = [(0, -1, [], False, False), sentence(0, 0, "ferry pier"), sentence(0, 1, "storm harbour")]
    assert extracted(rows, [NOT_LEANING, ALONE, 1], 30)[2]


def test_without_words_there_is_nothing_to_pick():
    ids, first, picked, centrality = extracted([(0, -1, [], False, False)], [NOT_LEANING], 10)
    assert len(ids) == len(first) == len(picked) == 0
    assert centrality.tolist() == [0.0]
