"""Candidates for excerpts against a count of shared values, pair by pair."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust._core import parallel
from storyclust.dedup.excerpt_candidates import MAX_TEXTS, containment_candidates, promising_containment


def candidates_by_counting(entries, n_rows):
    sizes = Counter(row for _, row in entries)
    holders = defaultdict(list)
    for value, row in entries:
        holders[value].append(row)
    shared = Counter()
    for rows in holders.values():
        if len(rows) <= MAX_TEXTS:
            shared.update(itertools.combinations(sorted(rows), 2))
    least = promising_containment(0.8)
    return sorted(
        [i, j] for (i, j), n in shared.items() if i != j and n > least * min(sizes[i], sizes[j]) - 1
    )


def check(entries, n_rows, **options):
    values = np.array([value for value, _ in entries], np.uint64)
    rows = np.array([row for _, row in entries], np.int64)
    found = containment_candidates(values, rows, n_rows, **options)
    assert found.tolist() == candidates_by_counting(entries, n_rows)


few = st.tuples(st.integers(0, 40), st.integers(0, 5))
spread = st.tuples(st.sampled_from([k << s for s in (0, 20, 57) for k in range(8)]), st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(st.sets(few | spread, max_size=120), st.randoms())
def test_candidates_are_those_of_counting(entries, random):
    entries = sorted(entries)
    random.shuffle(entries)
    check(entries, 6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_threads_chunks_and_crowded_buckets_do_not_matter(monkeypatch, n_jobs):
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 2_000)
    random = np.random.default_rng(0)
    values = np.concatenate((random.integers(0, 1 << 60, 150), np.arange(150)))  # half of them in one bucket
    entries = {(int(value), int(row)) for value in values for row in random.integers(0, 60, 4)}
    entries |= {(7, row) for row in range(60)}  # an ordinary phrase
    check(sorted(entries), 60, n_jobs=n_jobs)
