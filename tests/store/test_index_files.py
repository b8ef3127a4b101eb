"""A large store, whose index is in files beside it: as one that is read from its tables, whatever happens."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from large_store import agrees, patch_all

import storyclust
from storyclust.datasets.newswire import make_newswire
from storyclust.errors import StoreError
from storyclust.store import NewsStore
from storyclust.store.index_files import MANIFEST

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")
ARTICLES = list(make_newswire(n_articles=300, random_state=4))
BATCHES = [ARTICLES[k : k + 30] for k in range(0, len(ARTICLES), 30)]
DAY = datetime(2024, 3, 4, tzinfo=UTC)
ASKED = [article.text for article in make_newswire(n_articles=6, random_state=9)]


@pytest.fixture
def large(monkeypatch):
    patch_all(monkeypatch)


def test_a_question_in_another_language_leaves_nothing(large, tmp_path):
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(BATCHES[0])
        store.similar("東京湾で四日朝、フェリーが事故を起こし、三人が軽いけがをした。")
        store.consolidate(None)
        assert list(store._memory.article_index.by_language()) == ["en"]
        agrees(store)


def test_a_store_of_removed_articles_can_be_asked(tmp_path):
    with NewsStore.open(tmp_path / "news.db") as store:
        store.remove([added.id for added in store.add(BATCHES[0])])
        assert store.similar(ASKED[0]) == []


def results(store):
    """What it answers."""
    return (
        [store.similar(text) for text in ASKED],
        [(thread.id, thread.members) for thread in store.threads()],
        store.check(),
    )


def grown(path, batches=BATCHES, *, closed=False):
    """Told about each batch; the store is closed in between, if asked for."""
    told, store = [], NewsStore.open(path)
    for batch in batches:
        if closed:
            store.close()
            store = NewsStore.open(path)
        told.append(store.add(batch))
    store.close()
    return told


@pytest.mark.usefixtures("large")
def test_it_does_not_matter_when_a_store_is_closed_or_whether_its_files_are_there(tmp_path):
    paths = [tmp_path / f"{name}.db" for name in ("open", "closed", "moved")]
    told = [grown(paths[0]), grown(paths[1], closed=True)]
    third = []
    for number, batch in enumerate(BATCHES):
        with NewsStore.open(paths[2]) as store:
            third.append(store.add(batch))
        folder = Path(f"{paths[2]}-index")
        if number % 3 == 1:
            shutil.rmtree(folder)
        elif number % 3 == 2:
            paths[2] = shutil.copy(paths[2], tmp_path / f"{number}.db")  # alone
    assert told[0] == told[1] == third
    answers = []
    for path in paths:
        with NewsStore.open(path) as store:
            answers.append(results(store))
            assert store._memory.n_saved > 0 or path == paths[2]
    assert answers[0] == answers[1] == answers[2]


def test_a_young_store_has_no_files_and_one_that_grows_up_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "news.db"
    with monkeypatch.context() as patch:
        patch_all(patch, **{"index_tables.YOUNG": 150})
        with NewsStore.open(path) as store:
            for batch in BATCHES[:4]:
                store.add(batch)
            assert not store._connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        assert not Path(f"{path}-index").exists()
        with NewsStore.open(path) as store:
            for batch in BATCHES[4:]:
                store.add(batch)
            agrees(store)
        with NewsStore.open(path) as store:
            store.add(["It snowed."])
            assert store._memory.n_saved > 150
            assert agrees(store)


@pytest.fixture
def store_file(tmp_path, large):
    path = tmp_path / "news.db"
    grown(path, BATCHES[:5])
    return path


def saved(path):
    """Number of rows that are read from files; the store works and is sound."""
    with NewsStore.open(path) as store:
        n = agrees(store)
        store.add([replace(article, id=f"{len(store)} {article.id}") for article in BATCHES[5]])
        agrees(store)
        assert store.check() == []
    return n


def test_damaged_files_are_not_used(store_file, tmp_path):
    folder = Path(f"{store_file}-index")
    names = sorted(path.name for path in folder.iterdir())
    manifest = (folder / MANIFEST).read_bytes()
    harms = [lambda name=name: (folder / name).unlink() for name in names]
    harms += [
        lambda name=name: os.truncate(folder / name, (folder / name).stat().st_size // 3) for name in names
    ]
    harms += [
        lambda: (folder / MANIFEST).write_bytes(manifest.replace(b'"rows": 1', b'"rows": 2', 1)),
        lambda: (folder / MANIFEST).write_bytes(b""),
        lambda: (folder / MANIFEST).write_bytes(b"\xff" * 4000),
    ]
    backup = tmp_path / "backup"
    shutil.copytree(folder, backup)
    for number, harm in enumerate(harms):
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)
        harm()
        with NewsStore.open(store_file) as store:
            assert agrees(store) == 0, number
            store.similar(ASKED[0])


def test_files_of_another_state_are_not_used(store_file, tmp_path):
    """A backup of the store alone, put back under newer files; and the files of another store."""
    with NewsStore.open(store_file) as store:
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = store_file.read_bytes()
    grown(store_file, BATCHES[5:8])
    for other in (f"{store_file}-wal", f"{store_file}-shm"):
        Path(other).unlink(missing_ok=True)
    store_file.write_bytes(backup)
    with NewsStore.open(store_file) as store:
        store.add([replace(article, id=f"later {article.id}") for article in BATCHES[9]])
        for batch in BATCHES[6:9]:
            store.add(batch)
        agrees(store)
    path = tmp_path / "other.db"
    grown(path, BATCHES[3:9])
    folder = Path(f"{path}-index")
    shutil.rmtree(folder)
    shutil.copytree(f"{store_file}-index", folder)
    assert saved(path) == 0
    assert saved(path) > 0


@pytest.mark.usefixtures("large")
def test_removed_and_revised_articles_count_no_more(tmp_path):
    path = tmp_path / "news.db"
    grown(path, BATCHES[:6])
    with NewsStore.open(path) as store:
        store.remove([article.id for article in ARTICLES[10:40]])
        store.add([replace(article, text=f"{article.text} It rained.") for article in ARTICLES[60:80]])
        assert agrees(store)
        assert store.forget(DAY) >= 0
    with NewsStore.open(path) as store:
        assert agrees(store)
        store.vacuum()
        store.add(BATCHES[7])
        assert agrees(store)
        assert store.check() == []


def test_damaged_entries_are_named_and_made_again(store_file):
    with NewsStore.open(store_file) as store:
        store._connection.execute("UPDATE entries SET packed = substr(packed, 2)")
        assert "entries of the index" in store.check()[0]
        assert agrees(store) == 0
        store.check(repair=True)
        assert store.check() == []
    assert saved(store_file) == 0
    assert saved(store_file) > 0


@pytest.mark.faults
@POSIX
def test_files_that_cannot_be_written_are_left_out(store_file):
    import resource

    folder = Path(f"{store_file}-index")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with NewsStore.open(store_file) as store:
        store.add(BATCHES[5])
        n, room = agrees(store), Path(f"{store_file}-wal").stat().st_size
        store.add(["It snowed."])
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (min(room, 3_000), before[1]))
            store._save(0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert agrees(store) == n
        named = json.loads((folder / MANIFEST).read_bytes().partition(b"\n")[2])["arrays"].values()
        assert {path.name for path in folder.iterdir()} == {MANIFEST, *(place[0] for place in named)}
    with NewsStore.open(store_file) as store:
        store.add(["It rained."])
        assert agrees(store) == n
    with NewsStore.open(store_file) as store:
        assert agrees(store) == n + 2


KILLED = """
import sys, pytest
sys.path.insert(0, sys.argv[2])
from large_store import patch_all
from storyclust.datasets.newswire import make_newswire
from storyclust.store import NewsStore
patch_all(pytest.MonkeyPatch(), **{"store.UNSAVED_IN_SESSION": 0})
with NewsStore.open(sys.argv[1]) as store:
    print("ready", flush=True)
    for article in make_newswire(n_articles=300, random_state=int(sys.argv[3])):
        store.add([article])
"""


@pytest.mark.faults
@POSIX
def test_who_is_killed_leaves_files_that_are_right_or_not_used(store_file):
    moments, used = random.Random(5), 0  # noqa: S311
    for number in range(12):
        command = [sys.executable, "-c", KILLED, str(store_file), str(Path(__file__).parent), str(number)]
        env = {**os.environ, "PYTHONPATH": str(Path(storyclust.__file__).parents[1])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
            process.stdout.readline()
            time.sleep(moments.uniform(0.3, 1.5))
            process.send_signal(signal.SIGKILL)
        with NewsStore.open(store_file) as store:
            used += agrees(store) > 0
            assert store.check() == []
    assert used


def test_a_reader_maps_files_and_writes_none(store_file):
    folder = Path(f"{store_file}-index")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    with NewsStore.open(store_file, read_only=True) as store:
        assert store.similar(ARTICLES[3].text)[0].id
        assert store._memory.n_saved == len(store._memory.article_index)
        with pytest.raises(StoreError):
            store.add(["It snowed."])
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_is_saved_grows_by_what_is_new(store_file):
    """Files of runs and terms are written again only where they have changed."""
    folder = Path(f"{store_file}-index")
    places = json.loads((folder / MANIFEST).read_bytes().partition(b"\n")[2])["arrays"]
    with NewsStore.open(store_file) as store:
        store.add(["It snowed on the pier of Aldmouth on Monday."])
    now = json.loads((folder / MANIFEST).read_bytes().partition(b"\n")[2])["arrays"]
    kept = [name for name, place in places.items() if place[0] == now[name][0]]
    assert "[en] terms" in kept
    assert "[en] levels 0 values" in kept
    assert now["[en] terms"][3] > places["[en] terms"][3]
    with contextlib.suppress(FileNotFoundError):
        assert {path.name for path in folder.iterdir()} == {MANIFEST, *(place[0] for place in now.values())}
    with NewsStore.open(store_file) as store:
        assert agrees(store) == len(store._memory.article_index) if store._memory else True
