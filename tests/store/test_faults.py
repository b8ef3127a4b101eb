"""A store that is killed, out of space, damaged, watched by a hundred, hostile: it holds, or says why not."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import storyclust
from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.errors import InputError, StoreBusyError, StoreError, StoryclustError
from storyclust.store import NewsStore, adding, retention
from storyclust.store import store as store_module
from storyclust.store.schema import connect
from storyclust.store.transactions import reading
from storyclust.store.working_set import load

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, limits and modes of POSIX")
ROOT = Path(storyclust.__file__).parents[1]
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DAY = datetime(2024, 3, 4, tzinfo=UTC)
ARTICLES = list(make_newswire(n_articles=160, random_state=3))
SIZE = 20
BATCHES = [ARTICLES[k : k + SIZE] for k in range(0, len(ARTICLES), SIZE)]
TEXT = "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday, and nobody was hurt."


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store of three batches, in one file."""
    path = tmp_path_factory.mktemp("filled") / "news.db"
    with NewsStore.open(path) as store:
        for batch in BATCHES[:3]:
            store.add(batch)
        store.add([Article(TEXT, id="r", title="Ferry", published=DAY)])
        store.add([Article(f"{TEXT} It sank.", id="r", title="Ferry", published=DAY)])
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


@pytest.fixture
def path(filled, tmp_path):
    path = tmp_path / "news.db"
    path.write_bytes(filled)
    return path


def run(code, *args, **options):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(BENCHMARKS)])}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], env=env, text=True, **options)


def agrees_with_its_file(store):
    """Whether what is in memory is what would be read."""
    if store._memory is None:
        return True
    with reading(store._connection):
        anew = load(store._connection, store.settings)
    memory = store._memory
    return (
        memory.generation == anew.generation
        and memory.structure.thread_of == anew.structure.thread_of
        and memory.structure.events.sizes == anew.structure.events.sizes
        and sorted(memory.row_of) == sorted(anew.row_of)
    )


def works_on(path):
    """Whether a store is sound and takes up what is new."""
    with NewsStore.open(path) as store:
        assert store.check() == []
        before = len(store)
        store.add(BATCHES[-1])
        assert store.check() == []
        return len(store) == before + SIZE


# Killed and interrupted


@pytest.mark.faults
@POSIX
def test_who_is_killed_loses_no_batch_and_leaves_no_half(tmp_path):
    code = (
        "import sys; from pathlib import Path; from kill_store import kill_loop; "
        "kill_loop(Path(sys.argv[1]), 6); sys.exit(7)"
    )
    with run(code, tmp_path) as process:
        assert process.wait() == 7


@pytest.mark.faults
@POSIX
def test_an_interrupt_leaves_all_or_nothing(path):
    def interrupt(number, frame):
        raise KeyboardInterrupt

    moments = random.Random(1)  # noqa: S311
    former = signal.signal(signal.SIGALRM, interrupt)
    stopped = 0
    try:
        with NewsStore.open(path) as store:
            there = len(store)
            for batch in BATCHES[3:7]:
                for _ in range(3):
                    try:
                        signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.001, 0.06))
                        store.add(batch)
                        signal.setitimer(signal.ITIMER_REAL, 0)
                    except (KeyboardInterrupt, SystemError):  # which is what Numba makes of it
                        stopped += 1
                    assert not store._connection.in_transaction
                    assert len(store) in (there, there + SIZE)
                    assert agrees_with_its_file(store)
                store.add(batch)
                there += SIZE
                assert len(store) == there
                assert store.check() == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert stopped
    assert works_on(path)


@pytest.mark.faults
def test_a_torn_log_holds_whole_batches(tmp_path):
    """What the power failing may leave: the log cut anywhere, or with a page that was not written."""
    path = tmp_path / "news.db"
    sizes = [0]
    with NewsStore.open(path) as store:
        store._connection.execute("PRAGMA wal_autocheckpoint = 0")
        for batch in BATCHES[:4]:
            store.add(batch)
            sizes.append(len(store))
        shutil.copy(path, tmp_path / "copy.db")
        log = Path(f"{path}-wal").read_bytes()
    moments = random.Random(2)  # noqa: S311
    seen = set()
    for number in range(24):
        torn = bytearray(log[: moments.randrange(len(log))] if number % 2 else log)
        if not number % 2:
            at = moments.randrange(32, len(torn))
            torn[at : at + 4096] = bytes(len(torn[at : at + 4096]))
        cut = tmp_path / f"{number}.db"
        shutil.copy(tmp_path / "copy.db", cut)
        Path(f"{cut}-wal").write_bytes(torn)
        with NewsStore.open(cut) as store:
            assert store.check() == []
            assert len(store) in sizes
            seen.add(len(store))
    assert len(seen) > 2


# No space, no leave


@contextlib.contextmanager
def limited(size):
    """Let no file grow beyond so many bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.faults
@POSIX
@pytest.mark.parametrize("room", [0, 30_000, 200_000])
def test_a_file_that_cannot_grow_stores_nothing_of_a_batch(path, room):
    with NewsStore.open(path) as store:
        store.add(BATCHES[3])
        before = len(store)
        with limited(Path(f"{path}-wal").stat().st_size + room):
            said = []
            for batch in BATCHES[4:]:
                try:
                    store.add(batch)
                except StoreError as error:
                    said.append(str(error))
                else:
                    before += SIZE
            assert said
            assert all("disk" in each and "nothing of this batch was stored" in each for each in said)
            assert len(store) == before
            assert store.check() == []
        assert agrees_with_its_file(store)
        store.add([article for batch in BATCHES[4:] for article in batch])
        assert agrees_with_its_file(store)
        assert len(store) == len(ARTICLES) + 1
        assert store.check() == []


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.faults
def test_a_full_disk_stores_nothing_of_a_batch(small_disk, filled):
    path = small_disk / "news.db"
    path.write_bytes(filled)
    ballast = small_disk / "ballast"
    with NewsStore.open(path) as store:
        store.add(BATCHES[3])
        before = len(store)
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        for _ in range(2):
            with pytest.raises(StoreError, match="disk full: free some space; nothing of this batch"):
                store.add(BATCHES[4] + BATCHES[5])
            assert len(store) == before
        with pytest.raises(StoreError, match=r"disk full|cannot be"):
            NewsStore.open(small_disk / "new.db")
        ballast.unlink()
        assert store.check() == []
        store.add(BATCHES[4] + BATCHES[5])
        assert len(store) == before + 2 * SIZE
        assert agrees_with_its_file(store)
    assert works_on(path)


@contextlib.contextmanager
def as_nobody(folder):
    """Do as one who may not do everything, where the tests run as one who may."""
    if os.geteuid():
        yield
        return
    for place in (folder, *folder.parents):
        if place != Path(place.anchor) and place.stat().st_uid == 0 and place.stat().st_mode & 0o055 != 0o055:
            place.chmod(place.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.faults
@POSIX
def test_who_may_not_write_can_ask_and_is_told(path, request):
    with NewsStore.open(path) as store:
        store.add(BATCHES[0])  # kernels are compiled before it is somebody else who works
        asked = store.similar(ARTICLES[0].text), len(store.threads()), store.search("the", 3)
    Path(f"{path}-writer").unlink(missing_ok=True)
    request.addfinalizer(lambda: path.parent.chmod(0o755))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    with as_nobody(path.parent):
        with pytest.raises(StoreError, match="is read-only; open it with read_only=True"):
            NewsStore.open(path)
        with NewsStore.open(path, read_only=True) as store:
            assert asked == (store.similar(ARTICLES[0].text), len(store.threads()), store.search("the", 3))
            assert store.check() == []
            for change in (lambda: store.add(["It snowed."]), lambda: store.forget("1d"), store.vacuum):
                with pytest.raises(StoreError):
                    change()
    path.chmod(0o666)
    with as_nobody(path.parent), pytest.raises(StoreError, match=r"cannot be|may not be written"):
        NewsStore.open(path).add(["It snowed."])  # the folder may not be written
    path.parent.chmod(0o000)
    with as_nobody(path.parent.parent), pytest.raises(StoreError, match=r"cannot open .*: Permission denied"):
        NewsStore.open(path)


# Damage


SPOKEN = {  # what says something rather than that something is so, or cannot be told from what is right
    "articles": {"id", "title", "text", "source", "lang", "url", "extra", "language", "published", "added"},
    "revisions": {"title", "text", "published", "replaced", "revision"},
    "copies": {"similarity", "relation"},
    "links": {"a", "b", "similarity", "relation"},
    "events": {"started", "ended"},
    "threads": {"updated", "started", "ended"},
    "history": {"at", "old", "new", "articles", "why", "what", "kind"},
    "bands": {"keys"},
    "vectors": {"terms", "head", "strangers"},
    "furniture": {"place", "spans"},
    "recurring": {"source", "articles", "hashes", "kinds"},
    "unlearnt": {"source", "changes"},
    "entries": {"language", "first", "packed"},
    "weighed": {"language", "articles", "measured", "places", "bounds", "columns", "weights", "terms"},
    "unindexed": {"article"},
    "meta": {"value", "name"},
}


def skeleton(path):
    """What is in the tables but for what may be altered unseen."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        found = {}
        for table, spoken in SPOKEN.items():
            rows = connection.execute(f"SELECT * FROM {table}")
            kept = [k for k, column in enumerate(rows.description) if column[0] not in spoken]
            found[table] = sorted(tuple(row[k] for k in kept) for row in rows)
        return found


def all_is_asked(store):
    """Ask everything that a store answers."""
    for thread in store.threads():
        _ = thread.members, thread.sources, thread.headline, thread.timeline
        store.thread(thread.id)
    for article in ARTICLES[:10]:
        store.copies(article.id)
        store.article(article.id)
    store.search("the", 5)
    store.history()
    store.similar(ARTICLES[0].text)


def problems_of(path):
    """What is told of a file: by opening it, by checking it, or by working with it."""
    try:
        with NewsStore.open(path, timeout=1) as store:
            try:
                all_is_asked(store)
                store.add(BATCHES[3])
            except StoryclustError as error:
                told = [str(error)]
            else:
                told = []
            return store.check() + told
    except StoryclustError as error:
        return [str(error)]


def told_by_checking(path):
    try:
        with NewsStore.open(path, timeout=1) as store:
            return store.check()
    except StoryclustError as error:
        return [str(error)]


@pytest.mark.faults
def test_a_file_cut_short_anywhere_is_told(filled, tmp_path):
    lengths = [10, 99, 100, 101, 512, 4095, 4096, 4097, *range(5000, len(filled), len(filled) // 20)]
    for number, length in enumerate([*lengths, len(filled) - 4096, len(filled) - 1]):
        path = tmp_path / f"{length}.db"
        path.write_bytes(filled[:length])
        assert told_by_checking(path), length
        if number % 4 == 0:
            problems_of(path)  # which raises nothing but errors of ours


@pytest.mark.faults
def test_a_flipped_bit_is_told_or_lies_in_what_is_said(filled, tmp_path):
    moments = random.Random(4)  # noqa: S311
    whole = tmp_path / "whole.db"
    whole.write_bytes(filled)
    right = skeleton(whole)
    pages = len(filled) // 4096
    # The header of the file and of pages, where little says much, and anywhere.
    places = [
        *range(16, 100, 14),
        *(4096 * moments.randrange(pages) + moments.randrange(24) for _ in range(20)),
    ]
    places += [moments.randrange(len(filled)) for _ in range(24)]
    told = 0
    for number, place in enumerate(places):
        damaged = bytearray(filled)
        damaged[place] ^= 1 << moments.randrange(8)
        path = tmp_path / f"{number}.db"
        path.write_bytes(damaged)
        problems = told_by_checking(path)
        if not problems:
            assert skeleton(path) == right, f"byte {place}"
        else:
            told += 1
        if number % 2:
            problems_of(path)  # which raises nothing but errors of ours
        path.unlink()
    assert told > 8


MALICE = [
    ("CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM articles; END", "has a trigger 't'"),
    ("CREATE VIEW v AS SELECT load_extension('evil')", "has a view 'v'"),
    ("DROP TABLE copies; CREATE VIEW copies AS SELECT 1 AS article", "lacks some of its tables"),
    ("DROP TABLE links; CREATE TABLE links(a, b, relation, similarity)", "its table links is not that"),
    ("ALTER TABLE articles RENAME COLUMN text TO body", "its table articles is not that"),
    ("UPDATE meta SET value = 'many' WHERE name = 'event_distance'", "its settings cannot be read"),
    ("UPDATE meta SET value = '-1' WHERE name = 'event_distance'", "its settings cannot be read"),
    ("DELETE FROM meta WHERE name = 'event_window'", "its settings cannot be read"),
    ("PRAGMA user_version = 99", "written by a newer storyclust"),
    ("PRAGMA application_id = 7", "is the database of another application"),
]


@pytest.mark.parametrize(("malice", "said"), MALICE)
def test_a_store_that_is_none_is_refused(path, malice, said):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(malice)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=said):
            NewsStore.open(path, read_only=read_only)


HARM = [
    "UPDATE meta SET value = 'many' WHERE name = 'generation'",
    "DELETE FROM meta WHERE name = 'generation'",
    "UPDATE articles SET published = 'soon' WHERE number = 3",
    "UPDATE articles SET title = CAST(x'61ff62' AS TEXT) WHERE number = 3",
    "UPDATE articles SET extra = '[1]'",
    "UPDATE articles SET extra = '{' WHERE number = 3",
    "UPDATE articles SET event = 99999 WHERE number = 3",
    "UPDATE events SET thread = 99999",
    "UPDATE events SET merged_into = id",
    "UPDATE threads SET merged_into = 99999",
    "UPDATE threads SET size = -5",
    "UPDATE threads SET updated = 'x'",
    "UPDATE vectors SET head = 99999, terms = x'010203'",
    "UPDATE bands SET keys = x'01'",
    "DELETE FROM vectors",
    "DELETE FROM search_data WHERE id > 1000",
    "DELETE FROM search_docsize WHERE id % 2",
    "UPDATE copies SET original = 99999",
    "DELETE FROM articles WHERE number % 2",
    "DELETE FROM events",
    "DELETE FROM sqlite_sequence",
]


@pytest.mark.parametrize("harm", HARM)
def test_harm_is_named_and_put_right(path, harm):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.executescript(harm)
    problems_of(path)
    with NewsStore.open(path) as store:
        store.check(repair=True)
        assert store.check() == []
        all_is_asked_of_what_is_left(store)
    assert works_on(path)


def all_is_asked_of_what_is_left(store):
    for thread in store.threads():
        assert len(thread.members) == thread.size
        _ = thread.headline, thread.timeline
    store.search("the", 5)
    store.similar(ARTICLES[0].text)
    store.add(BATCHES[4])


# Time and identity


@pytest.fixture
def clock(monkeypatch):
    """A clock that can be set."""

    class Clock(datetime):
        value = datetime(2026, 6, 1, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.value

    for module in (adding, retention, store_module):
        monkeypatch.setattr(module, "datetime", Clock)
    return Clock


def test_a_clock_set_back_does_no_harm(tmp_path, clock):
    with NewsStore.open(tmp_path / "news.db") as store, NewsStore.open(tmp_path / "other.db") as other:
        for number, batch in enumerate(BATCHES[:4]):
            clock.value = datetime(2026, 6, 1, tzinfo=UTC) - number * timedelta(days=400)
            told = store.add(batch)
            clock.value = datetime(2026, 6, 1, tzinfo=UTC) + number * timedelta(days=400)
            assert told == other.add(batch)
            assert store.check() == []
        clock.value = datetime(1999, 1, 1, tzinfo=UTC)
        store.consolidate()
        store.add([Article(f"{ARTICLES[0].text} Later.", id=ARTICLES[0].id)])
        assert store.check() == []
        assert store.article(ARTICLES[0].id).revision == 2


def test_articles_may_come_weeks_late_or_without_a_date(tmp_path):
    late = sorted(BATCHES[0] + BATCHES[1], key=lambda a: a.published, reverse=True)
    some = [a if k % 3 else Article(a.text, title=a.title, id=a.id) for k, a in enumerate(late)]
    with NewsStore.open(tmp_path / "news.db") as store:
        for article in some:
            store.add([article])
        assert store.check() == []
        assert len(store) == len(some)
        for event in (event for thread in store.threads() for event in thread.events):
            if event.start:
                assert (event.end - event.start).days <= 7


def test_an_id_that_is_seen_again(tmp_path):
    path = tmp_path / "news.db"
    with NewsStore.open(path) as store:
        told = store.add([{"id": "a", "text": TEXT}, {"id": "a", "text": f"{TEXT} All are well."}])
        assert [each.status for each in told] == ["new", "revision"]
        assert store.article("a").text.endswith("All are well.")
        assert [each.status for each in store.add([{"id": "b", "text": TEXT + " All are well."}])] == ["copy"]
        assert store.add([{"id": "a", "text": TEXT + " All are well."}])[0].status == "unchanged"
        former = store._connection.execute("SELECT revision, text FROM revisions").fetchall()
        assert former == [(1, TEXT)]
        assert store.check() == []


def test_a_copy_that_says_something_else_is_none(tmp_path):
    budget = "Parliament in Carrow adopted a budget at night."
    snow = "Snow fell in Delhi for the first time in a hundred years."
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add([{"id": name, "title": "Notice", "text": TEXT} for name in "abcd"])
        told = store.add([{"id": "b", "title": "Notice", "text": budget}])
        assert [(each.status, each.copy_of) for each in told] == [("revision", None)]
        assert store.copies("a") == ["a", "c", "d"]
        store.add([{"id": "a", "title": "Notice", "text": snow}])
        assert store.copies("a") == ["a"]
        assert store.copies("c") == ["c", "d"]  # which say what it said before
        assert store.check() == []
        assert agrees_with_its_file(store)
        assert store.add([{"id": "e", "title": "Notice", "text": TEXT}])[0].copy_of == "c"


@pytest.mark.parametrize("names", [["x\0y", "x"], ["\ud800", "\udfff"], ["'", '"'], ["é", "e\u0301"]])
def test_any_id_is_one(tmp_path, names):
    batch = [Article(f"{TEXT} {k}", id=name) for k, name in enumerate(names)]
    with NewsStore.open(tmp_path / "news.db") as store:
        first = store.add(batch)
        again = store.add(batch[-1:])
        assert [each.status for each in again] == ["unchanged"]
        assert len(store) == len({each.id for each in first})
        assert store.article(names[-1]).text == batch[-1].text
        assert store.remove(names[:1]) == 1


def test_what_cannot_be_stored_is_told_and_nothing_of_its_batch_is(tmp_path):
    deep = {}
    for _ in range(5000):
        deep = {"in": deep}
    with NewsStore.open(tmp_path / "news.db") as store:
        for bad in ({"id": "b", "text": TEXT, "desk": deep}, {"id": "b", "text": TEXT, "desk": object()}):
            with pytest.raises(InputError):
                store.add([{"id": "a", "text": TEXT}, bad])
            assert len(store) == 0
        assert store.add([{"id": "a", "text": TEXT}])[0].status == "new"


def test_removed_and_revised_articles_stay_out_of_the_way(tmp_path):
    """They were found again once all terms had been weighed anew."""
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(BATCHES[0])
        for number, batch in enumerate(BATCHES[1:]):
            revised = Article(f"{batch[0].text} Again.", id=batch[0].id, published=batch[0].published)
            store.add([batch[0], *batch[2:4]])
            store.add([revised])
            store.add([Article(batch[0].text, id=f"again {number}", published=batch[0].published)])
        assert store.check() == []
        assert agrees_with_its_file(store)


def test_a_summary_names_articles_by_where_they_stand_now(tmp_path):
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(
            [Article(TEXT, id=name, published=DAY + timedelta(hours=k)) for k, name in enumerate("cba")]
        )
        assert store.threads()[0].representative == "c"
        store.add([Article(TEXT, id="first", published=DAY - timedelta(hours=9))])
        assert store.threads()[0].representative == "c"
        store.remove(["first", "a", "b"])
        assert store.threads()[0].representative == "c"


# Many at once


READERS = """
import os, sys, time
from storyclust.store import NewsStore
from storyclust.store.transactions import reading
children = []
for _ in range(20):
    if not (child := os.fork()):
        break
    children.append(child)
else:
    print(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9 for child in children), flush=True)
    sys.exit()
stores = [NewsStore.open(sys.argv[1], read_only=True) for _ in range(5)]
os.write(1, b"open\\n")
end, seen = time.monotonic() + 200, set()
while not os.path.exists(sys.argv[2]) and time.monotonic() < end:
    time.sleep(0.01)  # some time for the writer
    for store in stores:
        with reading(store._connection):
            count = len(store)
            assert count % 20 == 0, count
            threads = store.threads()
            assert sum(thread.size for thread in threads) == count
            assert sum(len(thread.members) for thread in threads) == count
            assert sum(event.size for thread in threads for event in thread.events) == count
        seen.add(count)
os._exit(9 if len(seen) > 1 else 8)
"""


@pytest.mark.faults
@POSIX
def test_a_hundred_readers_see_whole_batches(tmp_path):
    path, done = tmp_path / "news.db", tmp_path / "done"
    with NewsStore.open(path) as store:
        with run(READERS, path, done, stdout=subprocess.PIPE) as readers:
            for _ in range(20):
                assert readers.stdout.readline() == "open\n"
            for batch in BATCHES:
                store.add(batch)
                time.sleep(0.2)
            done.touch()
            assert int(readers.stdout.readline()) == 20  # each saw more than one state, and all were whole
        assert store.check() == []


@pytest.mark.faults
def test_threads_that_read_and_write_at_once(path):
    failures = []

    def read():
        try:
            with NewsStore.open(path, read_only=True) as store:
                while not done.is_set():
                    with reading(store._connection):
                        assert sum(thread.size for thread in store.threads()) == len(store)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    def write(batches):
        try:
            with NewsStore.open(path, timeout=60) as store:
                for batch in batches:
                    store.add(batch)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    done = threading.Event()
    readers = [threading.Thread(target=read) for _ in range(6)]
    writers = [threading.Thread(target=write, args=[part]) for part in (BATCHES[3:6], BATCHES[5:8])]
    for each in (*readers, *writers):
        each.start()
    for each in writers:
        each.join()
    done.set()
    for each in readers:
        each.join()
    assert failures == []
    with NewsStore.open(path) as store:
        assert store.check() == []
        assert len(store) == len(ARTICLES) + 1


def test_a_store_is_for_the_thread_that_opened_it(path):
    told = []

    def ask():
        with pytest.raises(StoreError, match="opened by another thread"):
            len(store)
        told.append(True)

    with NewsStore.open(path) as store:
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    assert told
    for ask_closed in (lambda: len(store), lambda: store.add(["It snowed."]), store.check, store.vacuum):
        with pytest.raises(StoreError, match="is closed"):
            ask_closed()


def test_two_writers_take_turns_or_are_told(path):
    with NewsStore.open(path) as one, NewsStore.open(path, timeout=0.1) as other:
        with one._writing() as adder:
            adder.add(BATCHES[3])
            with pytest.raises(StoreBusyError, match=rf"written by process {os.getpid()} .*waited 0.1 s"):
                other.add(BATCHES[4])
        assert other.add(BATCHES[4])[0].status in ("new", "copy")
        one.add(BATCHES[5])
        assert agrees_with_its_file(one)
        assert one.check() == []
        assert len(one) == len(other)


# The same again


DUMP = """
import hashlib, sys
from storyclust.datasets import make_newswire
from storyclust.store import NewsStore
articles = list(make_newswire(n_articles=80, random_state=8))
with NewsStore.open(sys.argv[1], n_jobs=int(sys.argv[2])) as store:
    for start in range(0, 80, 20):
        print(*store.add(articles[start:start + 30]), sep="\\n")
    print(*(change[1:] for change in store.consolidate()))
    tables = "articles copies links events threads bands vectors meta search_data"
    for table in tables.split():
        rows = store._connection.execute(f"SELECT * FROM {table}")
        kept = [k for k, column in enumerate(rows.description) if column[0] not in ("added", "updated")]
        print(table, *(repr([row[k] for k in kept]) for row in rows), sep="\\n")
    for thread in store.threads(limit=5):
        print(thread.id, thread.members, thread.headline, thread.keywords, thread.summary.text)
"""


@pytest.mark.faults
def test_another_process_makes_the_same_store(tmp_path):
    told = []
    for seed, jobs in (("0", 1), ("1234", 2)):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", DUMP, str(tmp_path / f"{seed}.db"), str(jobs)]
        told.append(subprocess.run(command, env=env, check=True, capture_output=True).stdout)
    assert len(told[0]) > 10_000
    assert told[0] == told[1]
