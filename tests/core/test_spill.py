import json
import os
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust._core import spill
from storyclust._core.spill import SpillableArray, SpillableRows

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
hashes = st.lists(st.integers(0, 2**64 - 1), max_size=6)


@settings(max_examples=40)
@given(st.lists(st.lists(hashes, max_size=5), max_size=5), st.sampled_from([0, 40, 10**9]), st.randoms())
def test_rows_come_back_as_they_were_added(batches, limit, random):
    rows = [row for batch in batches for row in batch]
    # Closed even when Hypothesis runs out of choices in the middle of an example.
    with closing(SpillableRows(limit)) as shelf:
        for batch in batches:
            values = np.array([value for row in batch for value in row], np.uint64)
            shelf.add([values], np.array([len(row) for row in batch], np.int64))
        wanted = [random.randrange(len(rows)) for _ in range(8)] if rows else []
        values, offsets = shelf.gather(np.array(wanted, np.int64))
        parts = [values[a:b].tolist() for a, b in pairwise(offsets)]
        assert parts == [rows[row] for row in wanted]
        assert shelf.counts.tolist() == [len(row) for row in rows]


def test_copies_are_equal_from_memory_and_from_disk(monkeypatch):
    articles = sc.read_articles(NEWSDESK)
    held = sc.Deduplicator().fit(articles)
    monkeypatch.setattr(spill, "SPILL_ABOVE", 0)
    spilled = sc.Deduplicator().fit(iter(articles))
    for name in ("labels_", "keep_", "pairs_", "similarities_", "excerpts_", "containments_"):
        assert getattr(held, name).tolist() == getattr(spilled, name).tolist(), name


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), max_size=6), st.sampled_from([0, 40, 10**9]), st.integers(1, 7))
def test_values_come_back_as_they_were_added(sizes, limit, block):
    with closing(SpillableArray(limit)) as pile, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "BLOCK", block)
        for number, size in enumerate(sizes):
            pile.add(np.arange(size, dtype=np.uint64) + np.uint64(100 * number))
        wanted = [100 * number + k for number, size in enumerate(sizes) for k in range(size)]
        assert pile.whole().tolist() == wanted
        assert len(pile) == len(wanted)
        for start, values in pile.blocks():
            assert values.tolist() == wanted[start : start + len(values)]
        for start in range(len(wanted)):
            out = np.empty(min(5, len(wanted) - start), np.uint64)
            pile.read(start, out)
            assert out.tolist() == wanted[start : start + 5]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the file has a name until it is closed")
def test_nothing_is_left_in_the_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(spill, "SPILL_ABOVE", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shelf = SpillableRows()
    shelf.add([np.arange(1000, dtype=np.uint64)], np.array([1000]))
    assert shelf.spilled
    assert list(tmp_path.iterdir()) == []  # unlinked from the start: no kill can leave it behind
    shelf.close()


def test_reading_in_batches_gives_the_same_result(monkeypatch):
    records = [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]
    whole = sc.Deduplicator().fit(records)
    monkeypatch.setattr("storyclust.dedup.sketches.BATCH_CHARACTERS", 5_000)
    batched = sc.Deduplicator().fit(iter(records))
    assert whole.labels_.tolist() == batched.labels_.tolist()
    assert whole.representatives_.tolist() == batched.representatives_.tolist()
