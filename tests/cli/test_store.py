"""The commands of a store: through pipes and processes where these matter, else by calling main."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import storyclust as sc
from storyclust.cli.store import commands, following
from storyclust.cli.store.following import Folder, Reader

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ENV = {**os.environ, "PYTHONPATH": str(Path(sc.__file__).parents[1])}
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
COMMAND = [sys.executable, "-m", "storyclust"]
LONG = 60.0  # seconds in which anything here comes to an end


def jsonl(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def parsed(data):
    return [json.loads(line) for line in data.splitlines()]


def short(name, seed=None, **fields):
    """An article of few words that no other shares."""
    chance = random.Random(f"{name} {seed}")  # noqa: S311 - for words
    words = ("".join(chance.choices("abcdefghiklmnoprstu", k=7)) for _ in range(12))
    return {"id": str(name), "text": " ".join(words), **fields}


def later(name):
    """A later version of it."""
    return {**short(name), "text": f"{short(name)['text']} and more"}


@pytest.fixture
def store(tmp_path):
    return tmp_path / "news.db"


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """A store of the examples, not to be changed."""
    path = tmp_path_factory.mktemp("desk") / "news.db"
    with sc.NewsStore.open(path) as made:
        made.add(sc.read_articles(NEWSDESK))
    return path


def asked(path, query):
    """Ask a store by SQL, as any other tool."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def ids(path):
    return {name for (name,) in asked(path, "SELECT id FROM articles")}


# Adding


def test_a_store_is_made_without_furniture_or_with_it(run, store, tmp_path):
    assert run("add", store, NEWSDESK)[0] == 0
    assert asked(store, "SELECT value FROM meta WHERE name = 'clean'") == [("1.0",)]
    whole = tmp_path / "whole.db"
    assert run("add", whole, NEWSDESK, "--no-clean")[0] == 0
    assert asked(whole, "SELECT value FROM meta WHERE name = 'clean'") == [("0.0",)]
    assert asked(whole, "SELECT count(*) FROM furniture") == [(0,)]
    assert run("add", whole, NEWSDESK)[0] == 0  # the file knows
    code, _, err = run("add", store, NEWSDESK, "--no-clean")
    assert code == 2 or "was made with clean=True, got False" in err


def test_adding_twice_changes_nothing_the_second_time(run, store, tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert run("add", store, NEWSDESK, "-o", first) == (0, "", "")
    assert run("add", store, NEWSDESK, "-o", second) == (0, "", "")
    before, after = parsed(first.read_text()), parsed(second.read_text())
    wanted = [article.id for article in sc.read_articles(NEWSDESK)]
    assert [each["id"] for each in before] == [each["id"] for each in after] == wanted
    assert {each["status"] for each in before} == {"new", "copy"}
    assert {each["status"] for each in after} == {"unchanged"}
    places = [(each["event"], each["thread"]) for each in before]
    assert places == [(each["event"], each["thread"]) for each in after]


@posix_only
def test_a_reader_of_what_happened_that_has_seen_enough(store, tmp_path):
    """As in `storyclust add news.db - -o - | head -1`: all is added, for that is what was asked for."""
    records = [short(number) for number in range(3000)]
    path = tmp_path / "feed.jsonl"
    path.write_text(jsonl(*records))
    arguments = [*COMMAND, "add", store, "-", "-o", "-"]
    with (
        path.open("rb") as feed,
        subprocess.Popen(
            arguments, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV
        ) as child,
    ):
        assert json.loads(child.stdout.readline())["status"] == "new"
        child.stdout.close()
        errors = child.stderr.read().decode()
        assert errors == "storyclust: 3,000 of 3,000 articles are undated; the fields are id and text.\n"
        assert child.wait(LONG) == 0
    assert ids(store) == {record["id"] for record in records}


def test_articles_without_an_id_are_known_again(run, store, tmp_path):
    path = tmp_path / "feed.jsonl"
    texts = [short(number)["text"] for number in range(4)]
    path.write_text(jsonl(*({"text": text} for text in texts)))
    assert run("add", store, path)[0] == 0
    path.write_text(jsonl(*({"text": text} for text in ["Wholly new it is.", *texts[::-1]])))
    code, out, _ = run("add", store, path, "-o", "-")
    assert code == 0
    assert [each["status"] for each in parsed(out)] == ["new", *["unchanged"] * 4]
    assert all(each["id"].startswith("sha-") for each in parsed(out))


def test_two_of_an_id_are_a_revision(run, store, tmp_path):
    path = tmp_path / "feed.jsonl"
    path.write_text(jsonl(short("a"), short("b"), later("a")))
    code, out, err = run("add", store, path, "-o", "-", "-q")
    assert (code, err) == (0, "")
    assert [(each["id"], each["status"]) for each in parsed(out)] == [
        ("a", "new"),
        ("b", "new"),
        ("a", "revision"),
    ]


def test_bad_lines_are_named_and_set_aside(run, store, tmp_path):
    path, rejects = tmp_path / "feed.jsonl", tmp_path / "rejects.jsonl"
    path.write_text(f"{jsonl(short('a'))}{{broken\n[1]\n{jsonl(short('b'))}")
    code, out, err = run("add", store, path, "--rejects", rejects)
    assert (code, out) == (0, "")
    assert f"{path}:2: not valid JSON" in err
    assert f"{path}:3: it is not an object" in err
    assert "2 of 4 records were set aside" in err
    assert [each["line"] for each in parsed(rejects.read_text())] == [2, 3]
    assert ids(store) == {"a", "b"}


def test_fields_and_settings(run, store, tmp_path):
    path = tmp_path / "feed.csv"
    path.write_text("nr,story\n1,Rain in the valley all day long.\n")
    given = ("--field", "text=story", "--field", "id=nr", "--event-window", "3", "--copy-threshold", "0.7")
    assert run("add", store, path, *given, "-q") == (0, "", "")
    assert ids(store) == {"1"}
    with sc.NewsStore.open(store) as opened:
        assert (opened.settings.event_window, opened.settings.copy_threshold) == (3, 0.7)
    code, _, err = run("add", store, path, *given[:4], "--event-window", "5")
    assert code == 1
    assert "was made with event_window=3, got 5" in err
    assert err.count("\n") == 1


def test_progress_and_the_note_at_a_terminal(run, store, tmp_path, monkeypatch):
    path = tmp_path / "feed.jsonl"
    path.write_text(jsonl(*(short(number) for number in range(30)), later(3), short(4)))
    monkeypatch.setattr(commands, "BATCH_SIZE", 10)
    monkeypatch.setattr(commands, "NOTE_INTERVAL", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    err = run("add", store, path)[2]
    assert "10 articles so far." in err
    assert "32 articles: 30 new, 0 copies, 1 revision, 1 unchanged; 30 new threads, 0 merged." in err
    assert run("add", store, path, "-q")[2] == ""


# Asking


def test_threads_as_records(run, desk):
    code, out, err = run("show", desk, "--all")
    assert (code, err) == (0, "")
    threads = parsed(out)
    articles = [article.id for article in sc.read_articles(NEWSDESK)]
    assert sorted(member for thread in threads for member in thread["members"]) == sorted(articles)
    assert [thread["size"] for thread in threads] == sorted(
        (len(t["members"]) for t in threads), reverse=True
    )
    for thread in threads:
        assert sum(event["size"] for event in thread["events"]) == thread["size"]
        assert thread["representative"] in thread["members"]
        assert thread["headline"]


def test_what_moved_is_what_the_latest_day_brought(run, desk):
    last = max(article.published for article in sc.read_articles(NEWSDESK))
    moved = parsed(run("show", desk)[1])
    everything = parsed(run("show", desk, "--since", "2000-01-01")[1])
    assert 0 < len(moved) < len(everything) == len(parsed(run("show", desk, "--all")[1]))
    since = (last - (day := last - last.replace(day=last.day - 1))).isoformat()
    assert day.days == 1
    assert [t["thread"] for t in moved] == [t["thread"] for t in everything if t["end"] >= since]


def test_choosing_threads(run, desk):
    everything = parsed(run("show", desk, "--all")[1])
    big = parsed(run("show", desk, "--all", "--min-size", "6")[1])
    assert [t["thread"] for t in big] == [t["thread"] for t in everything if t["size"] >= 6]
    assert parsed(run("show", desk, "--all", "--limit", "2")[1]) == everything[:2]
    source = everything[0]["sources"][0]
    found = parsed(run("show", desk, "--all", "--source", source)[1])
    assert found == [t for t in everything if source in t["sources"]]
    assert any("ferry" in t["headline"] for t in parsed(run("show", desk, "--all", "--term", "ferry")[1]))
    number = everything[1]["thread"]
    assert parsed(run("show", desk, "--thread", number)[1]) == [everything[1]]
    code, _, err = run("show", desk, "--thread", 10**6)
    assert (code, err.count("\n")) == (1, 1)
    assert "there is no thread 1000000" in err


def test_the_digest_of_a_store(run, desk):
    code, text, _ = run("show", desk, "--format", "digest", "--all", "--limit", "3")
    assert code == 0
    first = parsed(run("show", desk, "--all", "--limit", "1")[1])[0]
    assert text.startswith(first["headline"])
    assert f"thread {first['thread']} | {first['size']} articles" in text
    assert "The biggest 3 of" in text
    assert "on their own" in text
    one = run("show", desk, "--format", "digest", "--thread", first["thread"])[1]
    assert all(member in one for member in first["members"])


def test_long_threads_show_their_latest_events(run, store, monkeypatch):
    with sc.NewsStore.open(store) as made:
        words = "The inquiry into the Selka ferry at Aldmouth pier heard captain Orvald and the harbour board"
        days = [{"id": f"d{n}", "text": words, "published": f"2024-01-{n:02}"} for n in (1, 12, 23)]
        made.add([{**day, "text": f"{words} about {short(day['id'])['text'][:15]}."} for day in days])
    from storyclust.cli.store import views

    monkeypatch.setattr(views, "MAX_EVENTS", 1)
    threads = parsed(run("show", store, "--all")[1])
    text = run("show", store, "--all", "--format", "digest")[1]
    assert [len(thread["events"]) for thread in threads] == [3]
    assert "2 earlier events" in text
    assert "23 Jan 2024" in text


def test_search(run, desk):
    code, out, _ = run("search", desk, "ferry", "islands", "--limit", "2")
    hits = parsed(out)
    assert code == 0
    assert 0 < len(hits) <= 2
    assert {"id", "title", "thread", "snippet", "published", "source"} == set(hits[0])
    digest = run("search", desk, "ferry", "islands", "--format", "digest")[1]
    assert hits[0]["id"] in digest
    assert run("search", desk, "zzzz")[1] == ""
    assert "No article" in run("search", desk, "zzzz", "--format", "digest")[1]


def test_export_gives_back_what_came_in(run, desk, tmp_path):
    code, out, _ = run("export", desk)
    articles, given = parsed(out), parsed(NEWSDESK.read_text(encoding="utf-8"))
    assert code == 0
    assert [article["id"] for article in articles] == [article["id"] for article in given]
    for article, original in zip(articles, given, strict=True):
        assert article["text"] == original["text"]
        assert article["input_event"] == original["event"]
        assert isinstance(article["event"], int)
    path = tmp_path / "all.csv.gz"
    assert run("export", desk, "-o", path) == (0, "", "")
    assert len(sc.read_articles(path)) == len(given)


def test_hostile_texts_do_not_reach_a_terminal(run, store, tmp_path):
    path = tmp_path / "feed.jsonl"
    bad = "\x1b[31mRed\x1b]0;title\x07 alert \u202egnorts\x9b2J in Aldmouth harbour today"
    path.write_text(jsonl(*({"id": f"\x1b{n}", "title": bad, "text": bad, "source": bad} for n in range(2))))
    assert run("add", store, path)[0] == 0
    number = parsed(run("show", store)[1])[0]["thread"]
    for arguments in (
        ["show", store],
        ["show", store, "--thread", number],
        ["search", store, "aldmouth"],
        ["show", store, "--history"],
    ):
        text = run(*arguments, "--format", "digest")[1]
        assert text
        assert not set(text) & set("\x1b\x07\x9b\u202e")
    code, _, err = run("remove", store, "\x1b[31m")
    assert code == 1
    assert "\x1b" not in err


@posix_only
def test_a_reader_of_the_digest_that_has_seen_enough(desk):
    command = [*COMMAND, "show", desk, "--all", "--format", "digest"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(LONG) == 0


# Keeping


def test_changes_are_told(run, store):
    with sc.NewsStore.open(store) as made:
        made.add(sc.read_articles(NEWSDESK)[::-1])
    code, out, _ = run("consolidate", store, "--all")
    assert code == 0
    assert run("remove", store, parsed(run("show", store, "--all")[1])[-1]["members"][0])[0] == 0
    history = parsed(run("show", store, "--history")[1])
    assert history[-1]["what"] == "emptied"
    assert len(history) == len([each for each in parsed(out) if each["kind"] == "thread"]) + 1
    text = run("show", store, "--history", "--format", "digest")[1]
    assert f"thread {history[-1]['old']} emptied (1 article; removed)" in text
    assert parsed(run("show", store, "--history", "--thread", history[-1]["old"])[1]) == history[-1:]
    assert run("show", store, "--history", "--since", "2100-01-01")[1] == ""


def test_removing_and_forgetting(run, store):
    with sc.NewsStore.open(store) as made:
        made.add([short(name, published=f"2024-0{name}-01") for name in range(1, 7)])
    assert run("remove", store, 1, 2) == (0, "", "")
    code, _, err = run("remove", store, 3, "nobody")
    assert code == 1
    assert "there is no article 'nobody'" in err
    assert run("forget", store, "--before", "2024-05-01") == (0, "", "")
    assert ids(store) == {"5", "6"}
    assert run("check", store) == (0, "", "")


def test_check_finds_and_repairs(run, store):
    with sc.NewsStore.open(store) as made:
        made.add([short(name) for name in range(5)])
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE threads SET size = 7 WHERE id = 2")
        connection.commit()
    code, out, err = run("check", store)
    assert (code, out.count("\n"), err.count("\n")) == (1, 1, 1)
    assert "--repair" in err
    assert run("check", store, "--repair") == (0, "", "")
    assert run("check", store) == (0, "", "")


# What cannot be done


COMMANDS = [
    ["show"],
    ["search", "x"],
    ["export"],
    ["check"],
    ["check", "--repair"],
    ["consolidate"],
    ["forget", "--before", "9d"],
    ["remove", "x"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_store_that_is_not_there_is_not_made(run, store, arguments):
    code, out, err = run(arguments[0], store, *arguments[1:])
    assert (code, out) == (1, "")
    assert err == f"storyclust: there is no store {store}; storyclust add makes one.\n"
    assert not list(store.parent.iterdir())


@pytest.mark.parametrize("arguments", [*COMMANDS, ["add", NEWSDESK], ["watch", "."]], ids=str)
def test_what_is_no_store_is_left_alone(run, store, arguments):
    store.write_text("not a database, but a text that is longer than one hundred characters " * 3)
    before = store.read_bytes()
    code, out, err = run(arguments[0], store, *arguments[1:])
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert str(store) in err
    assert store.read_bytes() == before


def test_a_store_that_may_not_be_written(run, store, tmp_path):
    with sc.NewsStore.open(store) as made:
        made.add([short("a")])
    store.chmod(0o444)
    if os.access(store, os.W_OK):
        pytest.skip("everything may be written by this user")
    for arguments in (["add", NEWSDESK], ["remove", "a"], ["watch", tmp_path], ["check", "--repair"]):
        code, out, err = run(arguments[0], store, *arguments[1:])
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "read-only" in err
    assert run("check", store) == (0, "", "")
    assert parsed(run("show", store)[1])[0]["members"] == ["a"]


def test_inputs_that_are_not_there_make_no_store(run, store, tmp_path):
    for arguments in (
        ["add", tmp_path / "none.jsonl"],
        ["add", NEWSDESK, "--field", "words=x"],
        ["add", NEWSDESK, "--field", "words"],
        ["watch", tmp_path / "none"],
        ["watch", NEWSDESK],
        ["watch", "-", "--input-format", "csv"],
        ["watch", tmp_path, "--rejects", tmp_path / "in" / "rejects.jsonl"],
        ["watch", tmp_path, "--field", "words=x"],
    ):
        code, out, err = run(arguments[0], store, *arguments[1:])
        wrong_usage = any(str(word).startswith("--") for word in arguments)
        assert (code, out, err.count("\n")) == (2 if wrong_usage else 1, "", 1), err
        assert not store.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["add"],
        ["show"],
        ["forget", "x.db"],
        ["watch", "x.db", "."],
        ["consolidate", "x.db", "--all", "--days"],
    ],
    ids=" ".join,
)
def test_wrong_usage(run, arguments):
    if arguments[0] == "watch":
        arguments = [*arguments, "--every", "0"]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: ")


def test_help_names_the_defaults_of_the_library(run):
    for command in ("add", "show", "search", "export", "check", "consolidate", "forget", "remove", "watch"):
        code, text, _ = run(command, "--help")
        assert code == 0
        assert text.startswith(f"usage: storyclust {command}")
    text = " ".join(run("add", "--help")[1].split())
    stories = sc.StoryClusterer()
    assert f"--event-distance D default: {stories.event_distance:g}" in text
    assert f"--event-window DAYS default: {stories.event_window:g}" in text
    assert f"--thread-distance D default: {stories.thread_distance:g}" in text


# Following a folder, look by look


class Looks:
    """A folder, and what each look at it finds."""

    def __init__(self, root):
        self.root, self.said, self.bookmarks = root, [], {}
        self.restart()

    def restart(self, kind=None):
        self.reader = Reader(None)
        self.folder = Folder(str(self.root), kind, self.reader, self.bookmarks, self.said.append)

    def __call__(self):
        found = []
        for portion in self.folder.scan():
            found += portion.articles
            self.bookmarks |= portion.bookmarks
        return [article.id for article in found]

    def put(self, name, content, how="wb"):
        with (self.root / name).open(how) as file:
            file.write(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def looks(tmp_path):
    root = tmp_path / "feed"
    root.mkdir()
    return Looks(root)


def test_lines_are_read_as_they_end(looks):
    looks.put("a.jsonl", jsonl(short("1")) + '{"id": "2", "te')
    assert looks() == ["1"]
    assert looks() == looks() == []
    looks.put("a.jsonl", 'xt": "It rained."}', "ab")
    assert looks() == []
    assert looks() == ["2"]  # an object, and nothing was added to it since
    looks.put("a.jsonl", "\n" + jsonl(short("3")), "ab")
    looks.restart()
    assert looks() == ["3"]
    assert looks() == []
    assert not looks.reader.report.rejects


def test_a_file_that_took_the_place_of_another_is_read_from_its_start(looks):
    looks.put("a.jsonl", jsonl(short("1"), short("2")))
    assert looks() == ["1", "2"]
    looks.put("a.jsonl", jsonl(short("3"), short("4"), short("5")))
    assert looks() == ["3", "4", "5"]
    looks.restart()
    looks.put("a.jsonl", jsonl(short("6")))
    assert looks() == ["6"]


def test_other_files_are_read_once_they_stay_as_they_are(looks):
    looks.put("a.txt", "Rain\n\nIt rained.")
    looks.put("b.csv", "id,text\n7,It snowed.\n")
    (looks.root / "deep").mkdir()
    looks.put("deep/c.json", json.dumps([short("8")]))
    looks.put("d.jsonl", json.dumps([short("9")]))  # an array cannot be followed
    looks.put(".hidden.jsonl", jsonl(short("10")))
    looks.put("e.jsonl.tmp", jsonl(short("11")))
    assert looks() == []
    assert looks() == ["a", "7", "9", "8"]
    assert looks() == []
    looks.restart()
    assert [looks(), looks()] == [[], []]
    looks.put("b.csv", "8,It hailed.\n", "ab")
    assert [looks(), looks(), looks()] == [[], ["7", "8"], []]
    assert json.loads(looks.bookmarks[str((looks.root / "b.csv").resolve())])["articles"] == 2


def test_a_whole_file_goes_on_where_it_was_left(looks, monkeypatch):
    monkeypatch.setattr(following, "BATCH_SIZE", 2)
    looks.put("a.json", json.dumps([short(n) for n in range(5)]))
    assert looks() == []
    first = next(looks.folder.scan())
    looks.bookmarks |= first.bookmarks
    looks.restart()
    looks()
    assert [article.id for article in first.articles] + looks() == ["0", "1", "2", "3", "4"]


def test_lines_go_on_where_they_were_left(looks, monkeypatch):
    monkeypatch.setattr(following, "BATCH_SIZE", 2)
    looks.put("a.jsonl", jsonl(*(short(n) for n in range(5))) + "{bad\n")
    first = next(looks.folder.scan())
    looks.bookmarks |= first.bookmarks
    looks.restart()
    assert [article.id for article in first.articles] + looks() == ["0", "1", "2", "3", "4"]
    assert [reject.line for reject in looks.reader.report.rejects] == [6]


def test_what_cannot_be_read_is_named_once(looks):
    looks.put("a.parquet", b"PAR1 no more")
    looks.put("b.json.gz", b"\x1f\x8b damaged")
    looks.put("c.jsonl", b"\xff\xfe broken")
    looks.put("d.jsonl", jsonl(short("1")))
    if os.name == "posix":
        os.mkfifo(looks.root / "e.jsonl")
        (looks.root / "f.jsonl").symlink_to("nowhere")
    assert looks() == ["1"]
    assert looks() == looks() == []
    named = {Path(reject.path).name for reject in looks.reader.report.rejects}
    assert named | {Path(one.split()[-1]).name for one in looks.said} >= {"a.parquet", "b.json.gz"}
    assert len(looks.reader.report.rejects) + len(looks.said) == 3


def test_one_format_only(looks):
    looks.restart("csv")
    looks.put("a.csv", "id,text\n7,It snowed.\n")
    looks.put("a.jsonl", jsonl(short("1")))
    assert [looks(), looks()] == [[], ["7"]]


# Following, in processes


@contextmanager
def watching(store, *arguments, **options):
    command = [*COMMAND, "watch", str(store), *map(str, arguments), "-q", "--every", "0.05"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENV, **pipes, **options) as child:
        try:
            yield child
        finally:
            child.kill()


def until(child, condition):
    """Wait for something that a process is to bring about."""
    end = time.monotonic() + LONG
    while not condition():
        assert child.poll() is None, child.stderr.read().decode()
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


def counted(store):
    """How many articles a store has, which may not be there yet."""
    try:
        return asked(f"file:{store}", "SELECT count(*) FROM articles")[0][0] if store.exists() else 0
    except sqlite3.OperationalError:
        return 0


@pytest.mark.faults
@posix_only
def test_files_that_appear_and_grow(store, tmp_path):
    folder, rejects = tmp_path / "feed", tmp_path / "rejects.jsonl"
    folder.mkdir()
    growing = folder / "growing.jsonl"
    growing.write_text(jsonl(short("1")))
    with watching(store, folder, "--rejects", rejects) as child:
        until(child, lambda: counted(store) == 1)
        with growing.open("a") as file:
            file.write(jsonl(short("2")) + "{bad\n" + jsonl(short("3"))[:-20])
        until(child, lambda: counted(store) == 2)
        (tmp_path / "beside").write_text("Title\n\nA text of some words that stands alone.")
        (tmp_path / "beside").rename(folder / "named.txt")
        until(child, lambda: counted(store) == 3)
        with growing.open("a") as file:
            file.write(jsonl(short("3"))[-20:])
        until(child, lambda: counted(store) == 4)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=LONG)
        assert child.returncode == 0
    assert ids(store) == {"1", "2", "3", "named"}
    assert err.decode().splitlines() == [
        f"storyclust: set aside {growing}:3: not valid JSON (Expecting property name enclosed in double "
        "quotes, column 2)",
        f"storyclust: 1 of 5 records were set aside; see {rejects}.",
    ]
    assert [each["line"] for each in parsed(rejects.read_text())] == [3]


N_FILES, IN_ONE = 300, 8


@pytest.mark.faults
@posix_only
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_stopped_in_the_middle_of_many_files_and_started_again(store, tmp_path, how):
    """Nothing is missing, and nothing is there twice: each file revises the article `live` once."""
    folder = tmp_path / "feed"
    folder.mkdir()
    for number in range(N_FILES):
        records = [short(f"{number}-{k}") for k in range(IN_ONE)]
        path = folder / (f"{number:03}.jsonl" if number % 2 else f"{number:03}.json")
        path.write_text(jsonl(*records, short("live", number, title="Live: the storm")))
    with watching(store, folder) as child:
        until(child, lambda: counted(store) > 1)
        child.send_signal(how)
        _, err = child.communicate(timeout=LONG)
        assert child.returncode == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    some = counted(store)
    assert 1 < some < N_FILES * IN_ONE + 1
    with watching(store, folder) as child:
        until(child, lambda: counted(store) == N_FILES * IN_ONE + 1)
        child.send_signal(signal.SIGTERM)
        _, again = child.communicate(timeout=LONG)
        assert child.returncode == 0
    assert (err, again) == (b"", b"")
    assert asked(store, "SELECT revision FROM articles WHERE id = 'live'") == [(N_FILES,)]
    assert asked(store, "SELECT count(*) FROM revisions") == [(N_FILES - 1,)]
    with sc.NewsStore.open(store, read_only=True) as opened:
        assert opened.check() == []


@pytest.mark.faults
@posix_only
def test_a_pipe_that_stays_open(store):
    with watching(store, "-") as child:
        child.stdin.write(jsonl(short("1"), short("2")).encode() + b'{"id": "3", "text": "It ')
        child.stdin.flush()
        until(child, lambda: counted(store) == 2)
        child.stdin.write(b'rained."}\n[1]\n' + jsonl(*(short(n) for n in range(4, 80))).encode())
        child.stdin.flush()
        until(child, lambda: counted(store) == 79)
        child.stdin.write(json.dumps(short("80")).encode())
        child.stdin.flush()
        time.sleep(0.5)  # what has been read when the signal comes is added
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=LONG)
        assert child.returncode == 130
    assert ids(store) == {str(n) for n in range(1, 81)}
    lines = err.decode().splitlines()
    assert lines[0] == "storyclust: set aside <stdin>:4: it is not an object but a list"
    assert "interrupted" in lines[-1]
    assert len(lines) == 3


def test_a_pipe_that_ends(store):
    data = jsonl(short("1"), short("2")) + json.dumps(short("3")) + "\n\n" + '{"id": "4'
    done = subprocess.run(
        [*COMMAND, "watch", store, "-"], input=data.encode(), capture_output=True, env=ENV, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert ids(store) == {"1", "2", "3"}
    assert b"set aside <stdin>:5: not valid JSON" in done.stderr
