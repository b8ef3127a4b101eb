"""Keeping a store: what is removed is gone, what stays is consistent, what is broken is put right."""

import functools
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.dedup.evidence import explain
from storyclust.errors import InputError, StoreError
from storyclust.store.integrity import check, repair
from storyclust.store.page_furniture import read_furniture
from storyclust.store.queries import StoreQueries
from storyclust.store.retention import forget, remove, vacuum
from storyclust.store.schema import connect
from storyclust.store.store import NewsStore
from storyclust.store.transactions import writing
from storyclust.store.working_set import derive
from storyclust.text.furniture import Furniture

DERIVE = functools.partial(derive, threshold=0.8, furniture=Furniture.learn({}, []))
WORDS = (
    "The ferry Selka struck the old stone pier of Aldmouth in thick fog on Monday morning and nobody of the"
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with copies, links and a thread of several events."""
    path = tmp_path_factory.mktemp("store") / "news.db"
    with NewsStore.open(path) as store:
        store.add(list(make_newswire(n_articles=300, random_state=1)))
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


@pytest.fixture
def path(filled, tmp_path):
    path = tmp_path / "news.db"
    path.write_bytes(filled)
    return path


@pytest.fixture
def connection(path):
    with closing(connect(path)) as opened:
        yield opened


def one(connection, query, *values):
    return connection.execute(query, values).fetchone()[0]


def ids_of(connection, query, *values):
    return [row[0] for row in connection.execute(query, values)]


def removed(connection, path, ids):
    with writing(connection, path):
        return remove(connection, ids, DERIVE)


def test_a_store_as_it_is_filled_is_sound(connection):
    assert check(connection) == []
    for table in ("articles", "copies", "links", "bands", "vectors"):
        assert one(connection, f"SELECT count(*) FROM {table}") > 0


# Removing


def test_what_is_removed_is_gone(connection, path):
    id_, number = connection.execute("SELECT id, number FROM articles LIMIT 1").fetchone()
    before = one(connection, "SELECT count(*) FROM articles")
    assert removed(connection, path, [id_, id_]) == 1
    assert one(connection, "SELECT count(*) FROM articles") == before - 1
    assert not one(connection, "SELECT count(*) FROM search_docsize WHERE id = ?", number)
    with pytest.raises(InputError, match="there is no article"):
        StoreQueries(connection).article(id_)
    assert check(connection) == []


def test_an_unknown_id_removes_nothing(connection, path):
    known = one(connection, "SELECT id FROM articles")
    before = one(connection, "SELECT count(*) FROM articles")
    with pytest.raises(InputError, match=r"there is no article 'nowhere' in .*news\.db"):
        removed(connection, path, [known, "nowhere"])
    with pytest.raises(InputError, match="ids must be a sequence of ids, got str"):
        removed(connection, path, known)
    with pytest.raises(InputError, match="ids must be a sequence of str, got one int"):
        removed(connection, path, [7])
    assert one(connection, "SELECT count(*) FROM articles") == before


def test_the_earliest_copy_inherits_the_others(tmp_path):
    path = tmp_path / "news.db"
    text = " ".join(f"{WORDS} part {k} was hurt." for k in range(8))
    day = datetime(2024, 3, 4, tzinfo=UTC)
    articles = [
        Article(text, id="original", published=day),
        Article(text.replace("part 3", "section 3"), id="late", published=day + timedelta(hours=2)),
        Article(text.replace("part 5", "section 5"), id="early", published=day + timedelta(hours=1)),
        Article(text, id="undated"),
        Article("Parliament in Carrow adopted a budget after a long night of talks.", id="other"),
    ]
    with NewsStore.open(path) as store:
        store.add(articles)
    with closing(connect(path)) as connection:
        assert StoreQueries(connection).copies("late") == ["original", "early", "late", "undated"]
        assert removed(connection, path, ["original"]) == 1
        assert StoreQueries(connection).copies("undated") == ["early", "late", "undated"]
        assert check(connection) == []
        told = connection.execute(
            "SELECT id, relation, similarity FROM copies JOIN articles ON number = article ORDER BY id"
        ).fetchall()
        wanted = [explain(articles[2], articles[k]).similarity for k in (1, 3)]
        assert told == [("late", "near", wanted[0]), ("undated", "near", wanted[1])]
    with NewsStore.open(path) as store:  # what was derived of the heir finds further copies
        added = store.add([Article(text.replace("part 5", "section 5") + " It sank.", id="again")])
        assert added[0].copy_of == "early"


def test_emptied_threads_are_told_from_unknown_ones(connection, path):
    thread = one(connection, "SELECT id FROM threads WHERE size > 2 ORDER BY size LIMIT 1")
    answers = StoreQueries(connection)
    members = answers.thread(thread).members
    events = [event.id for event in answers.thread(thread).events]
    assert removed(connection, path, members) == len(members)
    assert check(connection) == []
    with pytest.raises(InputError, match=f"thread {thread} was emptied: all its articles were removed"):
        answers.thread(thread)
    with pytest.raises(InputError, match=f"event {events[0]} was emptied"):
        answers.event(events[0])
    change = answers.history(thread)[-1]
    assert change[1:] == ("thread", thread, None, "emptied", len(members), "removed")
    assert thread not in [found.id for found in answers.threads()]


def test_everything_can_be_removed(connection, path):
    removed(connection, path, ids_of(connection, "SELECT id FROM articles"))
    assert check(connection) == []
    for table in ("articles", "copies", "links", "bands", "vectors", "search_docsize"):
        assert one(connection, f"SELECT count(*) FROM {table}") == 0
    with NewsStore.open(path) as store:
        assert [added.status for added in store.add(["Rain in Delhi."])] == ["new"]
    assert check(connection) == []


@pytest.mark.parametrize("share", [3, 2])
def test_any_part_can_be_removed_and_added_again(connection, path, share):
    ids = ids_of(connection, "SELECT id FROM articles ORDER BY number")[::share]
    removed(connection, path, ids)
    assert check(connection) == []
    back = [article for article in make_newswire(n_articles=300, random_state=1) if article.id in set(ids)]
    with NewsStore.open(path) as store:
        assert len(store.add(back)) == len(ids)
        assert len(store) == 300
    assert check(connection) == []


def test_old_articles_are_forgotten_undated_ones_by_when_they_came(connection, path):
    middle = ids_of(connection, "SELECT published FROM articles ORDER BY published")[150]
    old = one(connection, "SELECT count(*) FROM articles WHERE published < ?", middle)
    with writing(connection, path):
        connection.execute(
            "UPDATE articles SET published = NULL WHERE published >= ? AND number % 5 = 0", [middle]
        )
        repair(connection, DERIVE)
        assert forget(connection, middle, DERIVE) == old
    assert one(connection, "SELECT min(published) FROM articles") >= middle
    assert one(connection, "SELECT count(*) FROM articles WHERE published IS NULL") > 0
    assert check(connection) == []
    with writing(connection, path):
        assert forget(connection, "1600-01-01", DERIVE) == 0
        with pytest.raises(
            InputError, match="before must be a date or so long ago, such as '24h' or '7d', got 'x'"
        ):
            forget(connection, "x", DERIVE)
        assert forget(connection, timedelta(0), DERIVE) == 300 - old
    assert one(connection, "SELECT why FROM history ORDER BY number DESC").startswith("older than 20")


def test_space_is_given_back(connection, path):
    removed(connection, path, ids_of(connection, "SELECT id FROM articles WHERE number > 20"))
    before = path.stat().st_size
    vacuum(connection, path)
    assert path.stat().st_size < before / 2
    assert check(connection) == []
    assert len(StoreQueries(connection).search("the", limit=100)) > 0


def change(store, news, rng):
    """Do one of the things that may be done to a store."""
    have = ids_of(store._connection, "SELECT id FROM articles ORDER BY number")
    what = rng.choice(
        ["add", "add", "revise", "remove", "forget", "thread", "consolidate"] if have else ["add"]
    )
    if what == "add":
        store.add(rng.sample(news, 60))
    elif what == "revise":
        chosen = [article for article in news if article.id in set(rng.sample(have, min(5, len(have))))]
        store.add([replace(article, text=article.text + " More follows.", record={}) for article in chosen])
    elif what == "remove":
        ids = rng.sample(have, min(30, len(have)))
        assert store.remove(ids) == len(ids)
    elif what == "forget":
        dates = ids_of(store._connection, "SELECT published FROM articles ORDER BY published")
        assert store.forget(dates[len(dates) // 4]) <= len(dates) // 4
    elif what == "thread":
        store.remove(store.threads()[0].members)
    else:
        store.consolidate(None)
    return what


@pytest.mark.parametrize("seed", [0])
def test_a_store_stays_sound_whatever_is_done_to_it(tmp_path, seed):
    rng = random.Random(seed)  # noqa: S311
    news = list(make_newswire(n_articles=400, random_state=seed))
    with NewsStore.open(tmp_path / "news.db") as store:
        for _ in range(15):
            done = change(store, news, rng)
            assert store.check() == [], done
            assert sum(thread.size for thread in store.threads()) == len(store)


# Checking


ANY = "(SELECT number FROM articles ORDER BY number LIMIT 1)"
COPY = "(SELECT article FROM copies ORDER BY article LIMIT 1)"
ALONE = (
    "(SELECT number FROM articles WHERE number NOT IN (SELECT article FROM copies) ORDER BY number LIMIT 1)"
)
EVENT = "(SELECT min(event) FROM articles)"
THREAD = f"(SELECT thread FROM events WHERE id = {EVENT})"
BROKEN = [
    (f"UPDATE articles SET published = 'soon' WHERE number = {ANY}", "date that cannot be read"),
    (f"UPDATE articles SET published = '2024-02-31T00:00:00.000000Z' WHERE number = {ANY}", "cannot be read"),
    (f"UPDATE articles SET added = '2024-03-04T00:00:00Z' WHERE number = {ANY}", "date that cannot be read"),
    (f"UPDATE threads SET updated = '2024' WHERE id = {THREAD}", "a date that cannot be read"),
    ("INSERT INTO history(at, kind, old, what, articles, why) VALUES ('', 'event', 1, 'emptied', 1, '')",
     "a date that cannot be read"),
    (f"UPDATE articles SET extra = '{{' WHERE number = {ANY}", "other fields cannot be read"),
    (f"UPDATE articles SET extra = '[1]' WHERE number = {ANY}", "other fields cannot be read"),
    (f"UPDATE articles SET event = 9999 WHERE number = {ANY}", "without a live event"),
    (f"UPDATE events SET merged_into = (SELECT max(id) FROM events) WHERE id = {EVENT}", "a live event"),
    (f"UPDATE events SET merged_into = 9999 WHERE id = {EVENT}", "events merged into nothing"),
    (f"UPDATE events SET merged_into = id WHERE id = {EVENT}", "events merged into nothing"),
    ("UPDATE events SET merged_into = 3 - id WHERE id IN (1, 2)", "events merged into nothing"),
    (f"UPDATE threads SET merged_into = id WHERE id = {THREAD}", "threads merged into nothing"),
    (f"UPDATE threads SET merged_into = 9999 WHERE id = {THREAD}", "threads merged into nothing"),
    (f"UPDATE events SET thread = 9999 WHERE id = {EVENT}", "events without a live thread"),
    (f"DELETE FROM threads WHERE id = {THREAD}", "events without a live thread"),
    (f"UPDATE threads SET merged_into = (SELECT max(id) FROM threads) WHERE id = {THREAD}", "live thread"),
    (f"UPDATE copies SET original = {COPY} WHERE article <> {COPY}", "copies of what is no original"),
    (f"UPDATE copies SET original = 9999 WHERE article = {COPY}", "copies of what is no original"),
    ("UPDATE copies SET original = (SELECT article FROM copies AS o WHERE o.article <> copies.article)",
     "copies of what is no original"),
    ("DELETE FROM articles WHERE number = (SELECT original FROM copies)", "copies of what is no original"),
    (f"UPDATE articles SET event = (SELECT max(event) FROM articles) WHERE number = {COPY}",
     "another event than their original"),
    (f"INSERT INTO bands VALUES ({COPY}, x'00000000')", "bands, vectors, scales or furniture of copies"),
    ("INSERT INTO vectors VALUES (9999, 0, x'', 0.0)", "bands, vectors, scales or furniture of copies"),
    (f"DELETE FROM bands WHERE article = {ALONE}", "without bands, vectors or furniture"),
    ("DELETE FROM vectors", "without bands, vectors or furniture"),
    (f"UPDATE vectors SET terms = x'00' WHERE article = {ALONE}", "without bands, vectors or furniture"),
    (f"UPDATE vectors SET head = 999999 WHERE article = {ALONE}", "without bands, vectors or furniture"),
    ("UPDATE links SET a = b, b = a WHERE a = (SELECT max(a) FROM links)", "links that join no articles"),
    ("INSERT INTO links VALUES (9999, 1, 'overlap', 0.5)", "links that join no articles"),
    ("INSERT INTO revisions VALUES (9999, 1, '', '', NULL, '2024-03-04T00:00:00.000000Z')", "former texts"),
    (f"UPDATE events SET size = size + 1 WHERE id = {EVENT}", "events with wrong sizes or dates"),
    (f"UPDATE events SET independent = 0 WHERE id = {EVENT}", "events with wrong sizes or dates"),
    (f"UPDATE events SET ended = NULL WHERE id = {EVENT}", "events with wrong sizes or dates"),
    (f"UPDATE threads SET size = 0 WHERE id = {THREAD}", "threads with wrong sizes or dates"),
    (f"UPDATE threads SET started = '2024' WHERE id = {THREAD}", "threads with wrong sizes or dates"),
    ("INSERT INTO search(search) VALUES ('delete-all')", "articles missing from the index of words"),
    ("INSERT INTO search(rowid, title, body) VALUES (9999, 'a', 'b')", "or words of none"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "said"), BROKEN)
def test_what_is_broken_is_named_and_put_right(connection, path, statement, said):
    texts = connection.execute("SELECT number, id, title, text FROM articles ORDER BY number").fetchall()
    with closing(sqlite3.connect(path)) as other:  # without foreign keys
        other.execute(statement)
        other.commit()
    problems = check(connection)
    assert any(said in problem for problem in problems), problems
    with writing(connection, path):
        assert repair(connection, DERIVE) == problems
    assert check(connection) == []
    if not statement.startswith("DELETE FROM articles"):
        assert (
            connection.execute("SELECT number, id, title, text FROM articles ORDER BY number").fetchall()
            == texts
        )
    with NewsStore.open(path) as store:
        assert len(store.add(["The ferry Selka struck the pier of Aldmouth."])) == 1
    assert check(connection) == []


def test_repair_makes_again_what_was_there(connection, path):
    queries = (
        "SELECT article, keys FROM bands",
        "SELECT article, head, terms FROM vectors",
        "SELECT * FROM furniture",
    )
    before = [connection.execute(query).fetchall() for query in queries]
    with writing(connection, path):
        connection.execute("DELETE FROM bands")
        connection.execute("DELETE FROM vectors")
        connection.execute("DELETE FROM furniture")
        repair(connection, functools.partial(DERIVE, furniture=read_furniture(connection)))
    assert [connection.execute(query).fetchall() for query in queries] == before


def test_a_damaged_index_of_words_is_made_again(connection, path):
    word = one(connection, "SELECT title FROM articles").split()[0]
    before = StoreQueries(connection).search(word, limit=1000)
    with writing(connection, path):
        connection.execute("UPDATE search_data SET block = zeroblob(50) WHERE id > 100")
    with writing(connection, path):
        assert repair(connection, DERIVE)[-1] == "the index of words is damaged"
        assert repair(connection, DERIVE) == []
    assert StoreQueries(connection).search(word, limit=1000) == before


def test_a_sound_store_is_left_alone(connection, path):
    tables = ("articles", "copies", "links", "bands", "vectors", "events", "threads", "history")
    before = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    with writing(connection, path):
        assert repair(connection, DERIVE) == []
    assert [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables] == before


def test_a_damaged_page_is_told(filled, path):
    at = filled.rindex(b"\x0d\x00\x00\x00") // 4096 * 4096 + 4096
    with path.open("r+b") as file:
        for page in range(60, at // 4096, 7):
            file.seek(4096 * page)
            file.write(b"\xff" * 4096)
    with closing(connect(path, read_only=True)) as connection:
        assert "the file is damaged" in check(connection)[0]
    with (
        closing(connect(path)) as connection,
        pytest.raises(sc.StoreError, match="damaged"),
        writing(connection, path),
    ):
        repair(connection, DERIVE)
    assert issubclass(StoreError, sc.StoryclustError)
