"""Bands, the S-curve and candidate pairs, against brute force."""

import itertools

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.dedup import lsh
from storyclust.dedup.lsh import Bands, candidate_pairs, choose_bands, collision_probability
from storyclust.errors import InputError, InputTypeError

# The S-curve


def curve(s, bands, rows):
    return 1 - (1 - s**rows) ** bands


@pytest.mark.parametrize("bands", [Bands(1, 1), Bands(21, 6), Bands(128, 1), Bands(1, 128), Bands(9, 13)])
def test_the_s_curve_is_its_formula_and_rises(bands):
    similarities = np.linspace(0, 1, 101)
    found = collision_probability(similarities, bands)
    assert found == pytest.approx([curve(s, *bands) for s in similarities])
    assert found[0] == 0
    assert found[-1] == 1
    assert (np.diff(found) >= 0).all()


def test_the_s_curve_of_a_number_is_a_number():
    found = collision_probability(0.8, Bands(21, 6))
    assert isinstance(found, float)
    assert found == pytest.approx(curve(0.8, 21, 6))
    assert collision_probability([[0.5], [1]], Bands(2, 2)).shape == (2, 1)


# Choosing bands


@settings(max_examples=50)
@given(
    st.floats(0.01, 1) | st.sampled_from([0.5, 0.8, 0.9, 1.0]),
    st.integers(1, 300) | st.just(128),
    st.floats(0.01, 0.9999) | st.just(0.99),
)
def test_the_bands_reach_the_recall_with_as_many_rows_as_can_be(threshold, num_perm, recall):
    bands, rows = choose_bands(threshold, num_perm, recall)
    assert rows >= 1
    assert bands == num_perm // rows
    reach = [curve(threshold, num_perm // r, r) for r in range(1, num_perm + 1)]
    assert all(probability < recall + 1e-12 for probability in reach[rows:])
    if rows > 1:
        assert reach[rows - 1] >= recall - 1e-12


def test_bands_for_the_defaults():
    assert choose_bands(0.8) == Bands(bands=21, rows=6)
    assert sc.choose_bands is choose_bands


def test_bands_at_the_ends():
    assert choose_bands(1.0, 128) == Bands(1, 128)
    assert choose_bands(1.0, 1) == Bands(1, 1)
    assert choose_bands(0.001, 16) == Bands(16, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), InputError, "threshold must lie in (0, 1], got 0."),
        ((1.01,), InputError, "threshold must lie in (0, 1], got 1.01."),
        ((float("nan"),), InputError, "threshold must lie in (0, 1], got nan."),
        (("0.8",), InputTypeError, "threshold must be a number, got '0.8'."),
        ((0.8, 0), InputError, "num_perm must be 1 or more, got 0."),
        ((0.8, 12.5), InputTypeError, "num_perm must be an int, got 12.5."),
        ((0.8, 128, 0), InputError, "recall must lie in (0, 1], got 0."),
        ((0.8, 128, 2), InputError, "recall must lie in (0, 1], got 2."),
    ],
)
def test_bands_of_what_is_out_of_range(arguments, error, message):
    with pytest.raises(error) as caught:
        choose_bands(*arguments)
    assert str(caught.value) == message


# Candidates


def check_shape(candidates, n_rows, largest):
    pairs = candidates.pairs
    assert pairs.dtype == np.int64
    assert pairs.shape[1] == 2
    listed = [tuple(pair) for pair in pairs.tolist()]
    assert listed == sorted(set(listed))
    assert all(0 <= i < j < n_rows for i, j in listed)
    for rows in candidates.large_buckets:
        assert len(rows) > largest
        assert rows.tolist() == sorted(set(rows.tolist()))
    return set(listed)


signature_sets = st.tuples(st.integers(0, 30), st.integers(2, 4), st.integers(0, 2**32 - 1))
bandings = st.sampled_from([Bands(4, 2), Bands(8, 1), Bands(1, 8), Bands(2, 4), Bands(2, 3), Bands(1, 1)])


def make_signatures(n, values, seed):
    choices = np.array([0, 0xFFFFFFFF, 1, 0x80000000], dtype=np.uint32)[:values]
    return np.random.default_rng(seed).choice(choices, (n, 8))


@settings(max_examples=50)
@given(signature_sets, bandings)
def test_candidates_are_the_pairs_that_share_a_band(made, bands):
    signatures = make_signatures(*made)
    found = candidate_pairs(signatures, bands)
    assert check_shape(found, len(signatures), 128) == reference.band_pairs(signatures.tolist(), *bands)
    assert found.large_buckets == []


@settings(max_examples=50)
@given(signature_sets, bandings, st.integers(1, 6))
def test_pairs_and_large_buckets_together_are_the_pairs_that_share_a_band(made, bands, largest):
    signatures = make_signatures(*made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lsh, "CROWD", largest)
        found = candidate_pairs(signatures, bands)
    pairs = check_shape(found, len(signatures), largest)
    bucketed = {pair for rows in found.large_buckets for pair in itertools.combinations(rows.tolist(), 2)}
    assert pairs | bucketed == reference.band_pairs(signatures.tolist(), *bands)
    assert len({tuple(rows.tolist()) for rows in found.large_buckets}) == len(found.large_buckets)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_rows_make_no_candidates(n):
    found = candidate_pairs(np.zeros((n, 8), np.uint32), Bands(4, 2))
    assert found.pairs.shape == (0, 2)
    assert found.pairs.dtype == np.int64
    assert found.large_buckets == []


def test_two_rows():
    alike = np.zeros((2, 8), np.uint32)
    assert candidate_pairs(alike, Bands(4, 2)).pairs.tolist() == [[0, 1]]
    other = np.array([[0] * 8, [1] * 8], dtype=np.uint32)
    assert candidate_pairs(other, Bands(4, 2)).pairs.tolist() == []


def test_values_that_agree_in_another_band_or_place_do_not_count():
    signatures = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3]], dtype=np.uint32)
    assert candidate_pairs(signatures, Bands(2, 2)).pairs.tolist() == []


def test_values_beyond_the_bands_do_not_count():
    signatures = np.array([[1, 2, 9], [3, 4, 9]], dtype=np.uint32)
    assert candidate_pairs(signatures, Bands(1, 2)).pairs.tolist() == []


@pytest.mark.parametrize(("n", "n_buckets", "pairs"), [(128, 0, 8128), (129, 1, 0)])
def test_a_large_bucket_has_more_rows_than_the_limit(n, n_buckets, pairs):
    found = candidate_pairs(np.zeros((n, 4), np.uint32), Bands(2, 2))
    assert len(found.large_buckets) == n_buckets  # one, though two bands hold it
    assert len(found.pairs) == pairs


@settings(max_examples=50)
@given(signature_sets, bandings, st.integers(0, 12), st.randoms(use_true_random=False))
def test_candidates_of_some_rows_in_parts_are_those_of_these_rows(made, bands, cut, rng):
    signatures = make_signatures(*made)
    rows = np.array([row for row in range(len(signatures)) if rng.random() < 0.7], np.int64)
    parts = [signatures[:cut], signatures[cut:]]
    found, expected = candidate_pairs(parts, bands, None, rows), candidate_pairs(signatures[rows], bands)
    assert found.pairs.tolist() == expected.pairs.tolist()


def test_candidates_follow_their_rows_when_these_change_places():
    rng = np.random.default_rng(0)
    signatures = rng.integers(0, 4, (60, 8)).astype(np.uint32)
    order = rng.permutation(60)
    found = candidate_pairs(signatures, Bands(4, 2)).pairs
    moved = candidate_pairs(signatures[order], Bands(4, 2)).pairs
    assert {frozenset(pair) for pair in order[moved].tolist()} == {frozenset(pair) for pair in found.tolist()}
