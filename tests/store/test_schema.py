"""The file of a store: made whole or not at all, opened only if it is one, written by one at a time."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust
from storyclust.articles.article import Article
from storyclust.articles.records import article_from_record
from storyclust.errors import InputError, StoreBusyError, StoreError
from storyclust.store import schema
from storyclust.store.encoding import FIELDS, article_of, article_values, from_stamp, storable, to_stamp
from storyclust.store.full_text import index_articles, segment, unindex_words
from storyclust.store.schema import connect
from storyclust.store.search_syntax import parse_search
from storyclust.store.transactions import reading, writing

ROOT = os.name == "posix" and os.geteuid() == 0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "news.db"


@pytest.fixture
def connection(path):
    with closing(connect(path)) as opened:
        yield opened


def generation(connection):
    return connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0]


def threads(connection):
    return [row[0] for row in connection.execute("SELECT id FROM threads ORDER BY id")]


def run(code, *args, **options):
    env = {**os.environ, "PYTHONPATH": str(Path(storyclust.__file__).parents[1])}
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, **options)


# Opening


def test_a_new_store_is_durable_and_says_what_it_is(path):
    with closing(connect(path, settings={"event_window": "7"})) as connection:
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "foreign_keys", "synchronous", "application_id", "user_version")
        ]
        assert found == ["wal", 1, 2, int.from_bytes(b"STCY", "big"), 4]
        assert dict(connection.execute("SELECT * FROM meta")) == {"generation": "0", "event_window": "7"}
    with closing(connect(path, settings={"event_window": "9"})) as connection:
        assert dict(connection.execute("SELECT * FROM meta"))["event_window"] == "7"


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    with pytest.raises(StoreError, match="is empty: no store"):
        connect(path, read_only=True)
    connect(path).close()
    connect(path, read_only=True).close()


def test_read_only_never_writes(path, connection):
    with closing(connect(path, read_only=True)) as reader:
        with pytest.raises(StoreError, match="opened to be read only"), writing(reader, path):
            reader.execute("INSERT INTO threads DEFAULT VALUES")
        assert threads(reader) == []


def foreign(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t(x)")


def branded(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA application_id = 7")


def newer(path):
    connect(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 5")


def without_a_table(path):
    connect(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE copies")


def truncated(path):
    connect(path).close()
    with path.open("r+b") as file:
        file.truncate(8192)


def overwritten(path):
    connect(path).close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(range(256)) * 15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: path.write_text("id,title\n1,Snow\n" * 500),
            "is no SQLite database; take another name",
        ),
        (foreign, "is the database of another application"),
        (branded, "is the database of another application"),
        (newer, "was written by a newer storyclust: its tables are of version 5, .* up to 4; python -m pip"),
        (without_a_table, "is damaged: it lacks some of its tables; take a backup"),
        (truncated, "is damaged or cut short; take a backup"),
        (overwritten, "is damaged or cut short; take a backup"),
        (Path.mkdir, "is a folder; a store is a file"),
    ],
)
def test_what_is_no_store_is_refused_and_left_alone(path, make, message):
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for read_only in (False, True):
        with pytest.raises(StoreError, match=message):
            connect(path, read_only)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"there is no store .*news\.db; open it for writing to make one"):
        connect(tmp_path / "news.db", read_only=True)
    with pytest.raises(StoreError, match="there is no folder"):
        connect(tmp_path / "nowhere" / "news.db")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def as_nobody():
    """Do as one who may not do everything, where the tests run as one who may."""
    if os.name != "posix":
        pytest.skip("modes of files mean little here")
    if not ROOT:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_written_can_be_read(path, tmp_path, request):
    connect(path).close()
    for place in (tmp_path, *tmp_path.parents):  # nobody must get there
        if ROOT and place != Path(place.anchor) and place.stat().st_uid == 0:
            place.chmod(place.stat().st_mode | 0o055)
    Path(f"{path}-writer").unlink()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    request.addfinalizer(lambda: tmp_path.chmod(0o755))
    request.getfixturevalue("as_nobody")
    with pytest.raises(StoreError, match="is read-only; open it with read_only=True"):
        connect(path)
    with closing(connect(path, read_only=True)) as reader:
        assert threads(reader) == []


# Creation and migration


KILLED = """
import sys
from storyclust.store import schema
real, left = schema._statements, int(sys.argv[2])
def some(script):
    for number, statement in enumerate(real(script)):
        if number == left:
            import os
            os.kill(os.getpid(), 9)
        yield statement
schema._statements = some
schema.connect(sys.argv[1])
"""


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("statements", [0, 5, 18])
def test_who_is_killed_while_making_a_store_leaves_none_or_one_that_opens(path, statements):
    with run(KILLED, path, statements) as process:
        assert process.wait() == -signal.SIGKILL
    with closing(connect(path)) as connection:
        assert threads(connection) == []


@pytest.mark.faults
def test_two_may_make_it_at_once(path):
    code = "import sys; from storyclust.store.schema import connect; connect(sys.argv[1]).close()"
    with run(code, path) as one, run(code, path) as two, run(code, path) as three:
        assert [one.wait(), two.wait(), three.wait()] == [0, 0, 0]


def test_an_older_file_is_brought_up_all_the_way_or_not_at_all(path, monkeypatch):
    connect(path).close()

    def add_column(connection):
        connection.execute("ALTER TABLE threads ADD COLUMN pinned INTEGER")

    def fail(connection):
        raise ZeroDivisionError

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_column, fail))
    with pytest.raises(ZeroDivisionError):
        connect(path)
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:-1])
    with pytest.raises(StoreError, match="written by an older storyclust; open it for writing once"):
        connect(path, read_only=True)
    for read_only in (False, True):
        with closing(connect(path, read_only)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == 5
            assert connection.execute("SELECT pinned FROM threads").fetchall() == []


# Writing


def test_a_block_is_written_as_a_whole(path, connection):
    with writing(connection, path):
        connection.execute("INSERT INTO threads DEFAULT VALUES")
    assert (threads(connection), generation(connection)) == ([1], "1")
    with writing(connection, path):
        pass
    assert generation(connection) == "1"

    def fail(error):
        with writing(connection, path):
            connection.execute("INSERT INTO threads DEFAULT VALUES")
            raise error

    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error):
            fail(error)
    assert (threads(connection), generation(connection)) == ([1], "1")
    assert not connection.in_transaction


def test_a_mistake_of_ours_keeps_its_name(path, connection):
    with pytest.raises(sqlite3.IntegrityError), writing(connection, path):
        connection.execute("INSERT INTO copies VALUES (1, 1, 'exact', 1.0)")
    with pytest.raises(sqlite3.IntegrityError), writing(connection, path):
        connection.execute("INSERT INTO events(thread) VALUES (9)")


HOLDER = """
import sys, time
from storyclust.store.schema import connect
from storyclust.store.transactions import writing
connection = connect(sys.argv[1])
with writing(connection, sys.argv[1]):
    connection.execute("INSERT INTO threads DEFAULT VALUES")
    print("writing", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_who_waits_too_long_is_told_for_whom_and_who_is_killed_holds_nothing(path, connection):
    with run(HOLDER, path, 60) as process:
        assert process.stdout.readline() == "writing\n"
        said = rf"written by process {process.pid} \(-c .*\) on host .+ since 20.* UTC \(waited 0.1 s\)"
        with pytest.raises(StoreBusyError, match=said), writing(connection, path, timeout=0.1):
            pass
        assert threads(connection) == []  # readers do not wait
        process.kill()
    with writing(connection, path, timeout=10):
        assert threads(connection) == []


@pytest.mark.faults
def test_who_waits_gets_its_turn(path, connection):
    with run(HOLDER, path, 0.3) as process:
        assert process.stdout.readline() == "writing\n"
        with writing(connection, path, timeout=30):
            assert threads(connection) == [1]
        assert process.wait() == 0


def test_a_lock_of_another_program_is_told_apart(path, connection):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA busy_timeout = 50")
        with (
            pytest.raises(StoreBusyError, match="locked by another program"),
            writing(connection, path, 0.05),
        ):
            pass


def test_a_lock_without_its_holders_name_is_still_one(path, connection, monkeypatch):
    with writing(connection, path):
        place = Path(f"{path}-writer")
        assert json.loads(place.read_text())["pid"] == os.getpid()
        place.write_text("{")
        with (
            closing(connect(path)) as other,
            pytest.raises(StoreBusyError, match="written by another process"),
            writing(other, path, timeout=0),
        ):
            pass
    assert place.read_text() == ""


def test_threads_of_one_process_take_turns(path):
    connect(path).close()

    def add():
        with closing(connect(path)) as connection:
            for _ in range(10):
                with writing(connection, path):
                    connection.execute("INSERT INTO threads DEFAULT VALUES")

    workers = [threading.Thread(target=add) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with closing(connect(path, read_only=True)) as connection:
        assert (len(threads(connection)), generation(connection)) == (40, "40")


@pytest.mark.faults
def test_a_full_disk_stores_nothing_of_a_batch(path, connection):
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")

    def fill():
        with writing(connection, path):
            for number in range(500):
                connection.execute("INSERT INTO meta VALUES (?, ?)", (str(number), "x" * 1000))

    with pytest.raises(StoreError, match=r"news\.db: disk full: free some space; nothing of this batch"):
        fill()
    assert connection.execute("SELECT count(*) FROM meta").fetchone()[0] == 1
    with writing(connection, path):
        connection.execute("INSERT INTO threads DEFAULT VALUES")


UNWRITABLE = """
import resource, sys
from storyclust.errors import StoreError
from storyclust.store.schema import connect
from storyclust.store.transactions import writing
connection = connect(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    with writing(connection, sys.argv[1]):
        connection.execute("INSERT INTO threads DEFAULT VALUES")
except StoreError as error:
    print(error)
print(connection.execute("SELECT count(*) FROM threads").fetchone()[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with writing(connection, sys.argv[1]):
    connection.execute("INSERT INTO threads DEFAULT VALUES")
"""


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="limits of a process")
def test_a_disk_that_fails_stores_nothing_and_is_no_end(path):
    connect(path).close()
    with run(UNWRITABLE, path) as process:
        said, left = process.stdout.read().splitlines()
    assert re.search(
        r"news\.db: (disk full|its disk cannot be read).* nothing of this batch was stored\.$", said
    )
    assert left == "0"
    with closing(connect(path)) as connection:
        assert (threads(connection), generation(connection)) == ([1], "1")


def test_a_reader_sees_one_state(path, connection):
    with closing(connect(path, read_only=True)) as reader:
        with reading(reader):
            assert threads(reader) == []
            with writing(connection, path):
                connection.execute("INSERT INTO threads DEFAULT VALUES")
            assert threads(reader) == []
        assert threads(reader) == [1]


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_who_is_killed_at_any_moment_leaves_whole_batches(path):
    code = """
import sys
from storyclust.store.schema import connect
from storyclust.store.transactions import writing
connection = connect(sys.argv[1])
print("open", flush=True)
while True:
    with writing(connection, sys.argv[1]):
        connection.executemany("INSERT INTO threads(size) VALUES (?)", [(k,) for k in range(50)])
"""
    moments = random.Random(1)  # noqa: S311
    for _ in range(3):
        with run(code, path) as process:
            process.stdout.readline()
            time.sleep(moments.uniform(0.01, 0.1))
            process.kill()
        with closing(connect(path)) as connection:
            assert len(threads(connection)) == 50 * int(generation(connection))
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


# Values


instants = st.datetimes(datetime(1600, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(instants, instants)
def test_stamps_sort_by_time(one, other):
    assert from_stamp(to_stamp(one)) == one
    assert (to_stamp(one) < to_stamp(other)) == (one < other)


def test_stamps_are_in_utc():
    assert to_stamp(datetime(2024, 3, 4, 1, tzinfo=timezone(timedelta(hours=9)))).startswith(
        "2024-03-03T16:00"
    )
    assert to_stamp(datetime(2024, 3, 4, 1)) == "2024-03-04T01:00:00.000000Z"


def test_an_article_comes_back_as_it_went_in(connection):
    record = {
        "ID": 7, "headline": "Snow", "Body": "It snowed\0 \ud800.", "pubDate": "2024-03-04", "desk": ["asia"],
        "text": " ", "domain": "ap.example", "publisher": "AP",
    }  # fmt: skip
    article = article_from_record(record)
    row = dict(zip(FIELDS, article_values(article), strict=True))
    again = article_of(row)
    assert (again.id, again.title, again.text) == ("7", "Snow", "It snowed\0 \ufffd.")
    assert (again.published, again.source) == (article.published, "ap.example")
    assert again.record["desk"] == ["asia"]
    assert again.record["publisher"] == "AP"
    assert set(again.record) == {"id", "title", "text", "published", "source", "desk", "publisher"}


def test_a_date_that_could_not_be_read_is_kept():
    with pytest.warns(storyclust.StoryclustWarning):
        article = article_from_record({"text": "It snowed.", "date": "soon"})
    assert json.loads(article_values(article)[-1]) == {"date": "soon"}
    assert article_values(Article("It snowed.", id="a"))[-1] is None


@given(st.text(), st.text())
def test_any_text_can_be_stored(title, text):
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute("SELECT ?, ?", (storable(title), storable(text))).fetchone()


# Words


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with closing(connect(tmp_path_factory.mktemp("words") / "news.db")) as connection:
        yield connection


def found(connection, terms):
    try:
        expression = parse_search(terms).expression
    except InputError:  # which says what is wrong with a search: see test_search_syntax
        return None
    if not expression:
        return None
    rows = connection.execute("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid", (expression,))
    return [row[0] for row in rows]


TEXTS = [
    ("Two-plus-two talks", "Ministers of Japan and India met at the café."),
    ("東京都庁で会談", "日本とインドの閣僚が会談した。雪"),
    ("हिन्दी समाचार", "सरकार ने कहा"),
    ("ข่าววันนี้", "นายกรัฐมนตรีกล่าว"),
    ("مُحَمَّد", "ｆｕｌｌ ｗｉｄｔｈ ﾃｽﾄ"),
    ("Straße am Irmak", "Kızıl ırmak; eﬀort ｶﾞｿﾘﾝ"),
]


@pytest.mark.parametrize(
    ("terms", "numbers"),
    [
        ("talks japan", [0]),
        ("JAPAN cafe", [0]),
        ('"plus two"', [0]),
        ("two-plus-two", [0]),
        ('"two talks plus"', []),
        ("japan 会談", []),
        ("会談", [1]),
        ("東京都", [1]),
        ("京", [1]),
        ("雪", [1]),
        ("都京", []),
        ('"都庁で"', [1]),
        ("समाचार सरकार", [2]),
        ("รัฐมนตรี", [3]),
        ("محمد", [4]),
        ("full テスト", [4]),
        ("STRASSE", [5]),
        ("IRMAK kizil", [5]),
        ("effort ガソリン", [5]),
        ("OR AND NOT", None),
        ("?!", None),
        ("", None),
    ],
)
def test_what_is_typed_is_found(index, terms, numbers):
    if not index.execute("SELECT count(*) FROM search_docsize").fetchone()[0]:
        for number, (title, text) in enumerate(TEXTS):
            index_articles(index, [(number, title, text)])
    assert found(index, terms) == numbers


@given(st.text())
@settings(max_examples=60)
def test_nothing_that_is_typed_is_an_error_of_the_database(index, terms):
    found(index, terms)


@given(st.text(st.sampled_from('ab" *:^()-+{}東京ก\ud800\0,OR'), max_size=20))
@settings(max_examples=60)
def test_no_sign_of_the_language_of_queries_is_one(index, terms):
    found(index, terms)


def test_much_may_be_typed(index):
    words = " ".join(f"word{number}" for number in range(10_000))
    for terms in (words, f'"{words}"', "東京" * 10_000):
        assert found(index, terms) == []


@given(st.text(st.sampled_from("東京都庁で ab.ก"), min_size=1, max_size=12), st.data())
def test_a_part_of_a_text_without_spaces_is_found(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))].strip()
    if not all(char in "東京都庁で" for char in part):
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in schema._statements(schema.TABLES):
            if "VIRTUAL" in statement:
                connection.execute(statement)
        index_articles(connection, [(1, "", text)])
        assert found(connection, part) == ([1] if part else None)
        unindex_words(connection, 1, "", text)
        assert not found(connection, part)


def test_texts_in_ascii_stay_as_they_are():
    assert segment("Ferry hits\0pier.") == "Ferry hits pier."
