"""Kernels behind summaries agree with the slow and obvious way, whatever rows there are."""

import numpy as np
import pytest
import reference_summaries as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.summary.extract import (
    MISSING_ANTECEDENT,
    NO_ANTECEDENT,
    Lines,
    extract,
    row_products,
    select_greedily,
)
from storyclust.summary.sentence_terms import (
    TermRows,
    centroid_of,
    distinct_terms,
    hash_stems,
    number_terms,
    term_weights,
)
from storyclust.text.codepoints import codepoint_table
from storyclust.text.tokens import hash_tokens

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
    antecedents = [NO_ANTECEDENT] * len(rows)
    for row in range(1, len(rows)):
        if rows[row][4] and draw(st.integers(0, 3)) == 0:
            antecedents[row] = row - 1 if rows[row - 1][4] else MISSING_ANTECEDENT
    times = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))
    order = np.argsort(np.argsort([times[row[0]] for row in rows], kind="stable"), kind="stable")
    opens = [row[4] and draw(st.booleans()) for row in rows]
    return rows, antecedents, draw(st.integers(1, 30)), order, np.array(opens, bool)


def arrays(rows, antecedents, max_words, order=None, opens=None):
    """What the kernels take, and the words as tokens; by default any row may open a summary."""
    order = np.arange(len(rows)) if order is None else order
    opens = np.ones(len(rows), bool) if opens is None else opens
    article, position, good, candidate = (np.array([row[k] for row in rows]) for k in (0, 1, 3, 4))
    tokens = hash_tokens([" ".join(row[2]) for row in rows])
    stems = hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table())
    lengths = np.array([float(len(row[2])) for row in rows])
    lines = Lines(article, position, lengths, good, candidate, np.array(antecedents), order, opens)
    return stems, tokens.indptr, lines, float(max_words)


def extracted(*group):
    picked, centrality = extract(*arrays(*group))
    return picked.tolist(), centrality


def selected_greedily(*group):
    stems, indptr, lines, limit = arrays(*group)
    ids, first = number_terms(stems)
    bounds, terms = distinct_terms(ids, indptr, len(first))
    vectors = TermRows(bounds, terms, term_weights(bounds, terms, len(first), lines.is_good))
    centroid = centroid_of(vectors, lines.article, lines.position, lines.is_good)
    products = row_products(vectors, centroid, lines.is_candidate)
    return select_greedily(vectors, products, lines, limit).tolist()


def slow_vectors(rows):
    article, position, words, good, _ = zip(*rows, strict=True)
    weights = slow.weights_of(words, good)
    return [slow.vector_of(row, weights) for row in words], slow.centroid_of(
        words, weights, article, position, good
    )


@given(groups())
@settings(max_examples=60)
def test_rows_are_weighed_and_picked_as_the_slow_way_does(group):
    rows, antecedents, max_words, order, opens = group
    article, position, words, good, candidate = zip(*rows, strict=True)
    _, centrality = extracted(*group)
    weights = slow.weights_of(words, good)
    centroid = slow.centroid_of(words, weights, article, position, good)
    np.testing.assert_allclose(centrality, slow.centrality(words, weights, centroid, position), atol=1e-9)
    lengths = [len(row) for row in words]
    limits = antecedents, max_words, order, opens
    wanted = slow.pick(words, weights, centroid, position, lengths, candidate, *limits)
    picked = selected_greedily(*group)
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
@settings(max_examples=50)
def test_no_further_replacement_by_a_longer_row_improves_the_selection(group):
    rows, antecedents, max_words, order, opens = group
    vectors, centroid = slow_vectors(rows)
    position, lengths = [row[1] for row in rows], [len(row[2]) for row in rows]

    def length(picks):
        return sum(lengths[row] for row in picks)

    def worth(picks):
        return slow.worth(picks, vectors, centroid, position, lengths)

    ended = extracted(*group)[0]
    opens = slow.central_openings(opens, vectors, centroid)
    begun = selected_greedily(rows, antecedents, max_words, order, opens)
    assert bool(begun) == bool(ended)
    if ended != begun:
        assert length(begun) < length(ended) <= max_words
        assert worth(ended) > worth(begun)
    if ended:
        candidate = [row[4] for row in rows]
        assert slow.is_opened(ended, order, opens) or not slow.is_opened(begun, order, opens)
        limits = antecedents, max_words, order, opens
        for other in slow.trades(ended, vectors, centroid, lengths, candidate, *limits):
            assert worth(other) <= worth(ended) * (1 + 1e-6)


@given(groups())
@settings(max_examples=50)
def test_words_are_numbered_as_they_appear(group):
    said = [word for row in group[0] for word in row[2]]
    ids, first = number_terms(hash_tokens([" ".join(said)]).hashes)
    numbers = {word: number for number, word in enumerate(dict.fromkeys(said))}
    assert ids.tolist() == [numbers[word] for word in said]
    assert first.tolist() == [said.index(word) for word in numbers]


def stems_of(text):
    tokens = hash_tokens([text])
    return hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table()).tolist()


def test_words_that_begin_alike_have_one_stem():
    for same in [
        "elections Election",
        "zemětřesení ZEMĚTŘESENÍM",
        "ministers ministerial",
        "विश्वविद्यालय विश्वविद्यालयों",
    ]:
        one, other = stems_of(same)
        assert one == other
    for unlike in ["ferry ferries", "minute minister", "Kyoto Tokyo", "会議"]:
        assert len(set(stems_of(unlike))) == len(stems_of(unlike))


def sentence(number, position, text):
    return number, position, text.split(), True, True


def test_no_sentence_is_picked_that_refers_back_to_one_left_out():
    rows = [
        (0, -1, [], False, False),
        sentence(0, 0, "budget vote carrow"),
        sentence(0, 1, "ferry aldmouth fog harbour"),
        (1, -1, [], False, False),
        sentence(1, 0, "ferry pier monday storm"),
    ]
    assert 2 in extracted(rows, [NO_ANTECEDENT] * 5, 30)[0]
    referring = [NO_ANTECEDENT, NO_ANTECEDENT, 1, NO_ANTECEDENT, NO_ANTECEDENT]
    assert 2 not in extracted(rows, referring, 4)[0]
    referring[2] = MISSING_ANTECEDENT
    assert 2 not in extracted(rows, referring, 30)[0]


def test_a_sentence_that_does_not_open_a_summary_follows_one_that_does():
    rows = [
        (0, -1, [], False, False),
        sentence(0, 0, "ferry pier aldmouth"),
        sentence(0, 1, "ferry pier fog"),
        (1, -1, [], False, False),
        sentence(1, 0, "ferry harbour"),
    ]
    none, opens = [NO_ANTECEDENT] * 5, np.array([False, False, False, False, True])
    assert extracted(rows, none, 5)[0] != [4]
    assert extracted(rows, none, 5, np.arange(5), opens)[0] == [4]
    assert 1 in extracted(rows, none, 30, np.array([2, 3, 4, 0, 1]), opens)[0]
    assert extracted(rows, none, 5, np.arange(5), np.zeros(5, bool))[0] == extracted(rows, none, 5)[0]


def test_where_all_sentences_refer_back_one_is_picked():
    rows = [(0, -1, [], False, False), sentence(0, 0, "ferry pier"), sentence(0, 1, "storm harbour")]
    assert extracted(rows, [NO_ANTECEDENT, MISSING_ANTECEDENT, 1], 30)[0]


def test_without_words_there_is_nothing_to_pick():
    picked, centrality = extracted([(0, -1, [], False, False)], [NO_ANTECEDENT], 10)
    assert picked == []
    assert centrality.tolist() == [0.0]


def test_a_sentence_is_traded_for_a_longer_one_where_much_of_the_length_is_unused():
    rows = [
        (0, -1, [], False, False),
        sentence(0, 0, "ferry aldmouth"),
        sentence(0, 1, "ferry aldmouth pier fog storm"),
        (1, -1, [], False, False),
        sentence(1, 0, "ferry aldmouth"),
    ]
    assert len(selected_greedily(rows, [NO_ANTECEDENT] * 5, 6)) == 1
    picked = extracted(rows, [NO_ANTECEDENT] * 5, 6)[0]
    assert sum(len(rows[row][2]) for row in picked) >= 5
