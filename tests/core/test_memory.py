"""Memory limits: parsing, enforcement, and independence of the results."""

import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import storyclust as sc
from storyclust._core import memory, spill
from storyclust._core.memory import check_memory, free_memory, require_memory, size_text

SIZES = [
    (200_000_000, 200_000_000),
    (2e8, 200_000_000),
    ("200MB", 200_000_000),
    (" 0.5 gb ", 500_000_000),
    ("4G", 4_000_000_000),
    ("512MiB", 512 << 20),
    ("1TiB", 1 << 40),
    ("300000000", 300_000_000),
]


@pytest.mark.parametrize(("value", "wanted"), SIZES)
def test_memory_sizes_are_parsed_and_formatted(value, wanted):
    assert check_memory(value) == wanted


@pytest.mark.parametrize("value", ["much", "4 apples", "", "-1GB", True, [], float("nan"), 0, 5, "1MB", 1e30])
def test_invalid_memory_sizes_are_an_error(value):
    with pytest.raises(sc.InputError, match=re.escape(f"got {value!r}")):
        check_memory(value)


def test_without_a_limit_it_is_a_share_of_what_is_free(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUP", tmp_path)  # no container
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=8_000_000_000))
    assert check_memory(None) == 6_000_000_000
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory() == 8_000_000_000
    (tmp_path / "memory.max").write_text("3000001000\n")
    assert free_memory() == 3_000_000_000
    (tmp_path / "memory.max").write_text("0\n")
    assert check_memory(None) == memory.LEAST_LIMIT


def test_a_requirement_above_the_limit_is_an_error():
    require_memory("Ten vectors", 100, 100)
    with pytest.raises(sc.InputError, match=r"Ten vectors take 2\.5 GB, but memory_limit is 1\.2 GB"):
        require_memory("Ten vectors", 2_500_000_000, 1_200_000_000)
    assert [size_text(size) for size in (0, 999, 1_500, 10**7, 10**13)] == [
        "0 bytes", "999 bytes", "1.5 KB", "10 MB", "1e+04 GB",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def newswire():
    return list(sc.datasets.make_newswire(3_000, random_state=4))


def answers(stories):
    threads = [(t.representative, t.cohesion, t.members.tolist()) for t in stories.threads_]
    return stories.labels_.tolist(), stories.event_labels_.tolist(), threads


def test_spilled_hashes_give_the_same_copies_and_stories(newswire, monkeypatch):
    held, all_copies = sc.StoryClusterer().fit(newswire), sc.Deduplicator().fit(newswire)
    spilled = []
    begin = spill.SpillableArray._spill
    monkeypatch.setattr(spill.SpillableArray, "_spill", lambda pile: (spilled.append(pile), begin(pile)))
    monkeypatch.setattr(spill, "BLOCK", 10_000)
    limited = sc.StoryClusterer(memory_limit="17MB", n_jobs=2).fit(newswire)
    assert len({id(pile) for pile in spilled}) == 1, "terms"
    assert answers(limited) == answers(held)
    spilled.clear()
    copies = sc.Deduplicator(memory_limit="17MB", n_jobs=2).fit(newswire)
    assert len({id(pile) for pile in spilled}) == 1, "shingles"
    for name in ("pairs_", "similarities_", "excerpts_", "containments_", "labels_"):
        assert getattr(copies, name).tolist() == getattr(all_copies, name).tolist(), name


def test_vectors_that_outgrow_the_limit_are_an_error(newswire, monkeypatch):
    monkeypatch.setattr(memory, "LEAST_LIMIT", 1 << 20)
    message = r"The vectors of [\d,]+ articles take [\d.]+ MB, but memory_limit is 2 MB\. Give more"
    with pytest.raises(sc.InputError, match=message):
        sc.StoryClusterer(memory_limit="2MB").fit(newswire)
    with pytest.raises(sc.InputError, match="memory_limit"):
        sc.NewsVectorizer(memory_limit="2MB").fit_transform(newswire)


def test_transform_reads_from_files_too(newswire, monkeypatch):
    vectorizer = sc.NewsVectorizer().fit(newswire)
    wanted = vectorizer.transform(newswire[:900])
    monkeypatch.setattr(spill, "SPILL_ABOVE", 0)
    monkeypatch.setattr(spill, "BLOCK", 5_000)
    found = vectorizer.transform(newswire[:900])
    assert found.data.tobytes() == wanted.data.tobytes()
    assert np.array_equal(found.indices, wanted.indices)


JOB = """
import sys, storyclust as sc
articles = list(sc.datasets.make_newswire(30_000))
sc.StoryClusterer(n_jobs=2, memory_limit="17MB").fit(articles[:200])
print("ready", flush=True)
while True:
    sc.StoryClusterer(n_jobs=2, memory_limit="500MB").fit(articles)
"""


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="signals of this kind are those of POSIX")
@pytest.mark.parametrize("after", [0.1, 0.7, 1.9])
def test_ctrl_c_ends_a_fit_and_leaves_nothing_behind(after, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", JOB], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=environment)  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    last = told.rstrip().splitlines()[-1]  # inside a compiled function, it is the cause of a SystemError
    assert last == "KeyboardInterrupt" or (last.startswith("SystemError") and "KeyboardInterrupt" in told)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert list(tmp_path.iterdir()) == []
