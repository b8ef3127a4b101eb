"""The vocabulary, against a reference count, in one part and in many."""

from collections import Counter
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust._core import parallel, spill
from storyclust._core.spill import SpillableArray
from storyclust.text import vocabulary
from storyclust.text.vocabulary import document_frequencies, frequent_terms

hashes = st.lists(
    st.one_of(st.integers(0, 30), st.integers(0, 2**63 - 1)).map(lambda n: 2 * n + 2), max_size=60
)


def reference_vocabulary(terms, min_df, known):
    counts = Counter(terms)
    kept = sorted(term for term, n in counts.items() if n >= min_df or term in known)
    return kept, [kept.index(term) if term in kept else -1 for term in terms]


def as_array(values):
    return np.array(values, dtype=np.uint64)


def spillable(values, limit=None):
    """A spillable array of values, appended in parts of 7,000."""
    pile = SpillableArray(limit)
    for start in range(0, len(values), 7_000):
        pile.add(values[start : start + 7_000])
    return pile


@given(
    hashes.map(lambda terms: [term % 2**64 for term in terms]), st.integers(1, 4), st.sets(st.integers(1, 30))
)
@settings(max_examples=50)
def test_terms_that_are_frequent_or_known_are_numbered(terms, min_df, known):
    terms = [term or 2 for term in terms]  # no term hashes to 0
    known = sorted(2 * n for n in known)
    found, columns = frequent_terms(spillable(as_array(terms)), min_df, as_array(known))
    assert (found.tolist(), columns.tolist()) == reference_vocabulary(terms, min_df, set(known))


@pytest.mark.parametrize("limit", [None, 0])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_parts_buckets_and_threads_change_nothing(n_jobs, limit, monkeypatch):
    rng = np.random.default_rng(2)
    some = rng.integers(1, 2**63, 3000, dtype=np.uint64) << np.uint64(1)
    terms = np.append(rng.choice(some, 20_000), some[:10] | np.uint64(1 << 63))
    known = np.sort(some[::7])
    monkeypatch.setattr(vocabulary, "BUCKET_ENTRIES", 100)
    monkeypatch.setattr(vocabulary, "PARTITION_BYTES", 1 << 14)
    monkeypatch.setattr(vocabulary, "PIECE", 3_000)
    monkeypatch.setattr(spill, "BLOCK", 2_000)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 1 << 12)
    with closing(spillable(terms, limit)) as pile:
        found, columns = frequent_terms(pile, 5, known, n_jobs)
    wanted, numbers = reference_vocabulary(terms.tolist(), 5, set(known.tolist()))
    assert found.tolist() == wanted
    assert columns.tolist() == numbers


def test_terms_of_one_bucket_alone():
    terms = as_array([2, 4, 2, 6] * 40_000)
    found, columns = frequent_terms(spillable(terms), 50_000, as_array([6]))
    assert found.tolist() == [2, 6]
    assert np.bincount(columns + 1).tolist() == [40_000, 80_000, 40_000]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_document_frequencies_are_counted_for_each_group(n_jobs):
    indptr, columns = np.array([0, 3, 3, 5, 6]), np.array([0, -1, 2, 2, 0, -1], np.int32)
    df = document_frequencies(indptr, columns, np.array([1, 0, 1, 0]), 2, 3, n_jobs)
    assert df.tolist() == [[0, 0, 0], [2, 0, 2]]
