"""The command line: as a process where that matters, else by calling main."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

import storyclust as sc

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ENV = {**os.environ, "PYTHONPATH": str(Path(sc.__file__).parents[1])}
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")

FERRY = (
    "The ferry Selka struck the pier in Aldmouth on Monday morning and nobody on board was hurt, police "
    "said, while divers looked at the hull until noon."
)
BUDGET = (
    "Parliament in Carrow adopted the yearly budget after a debate that went on for eleven hours and a night."
)
THREE = [
    {
        "id": "f1",
        "title": "Ferry strikes pier",
        "text": FERRY,
        "published": "2024-01-02",
        "desk": {"name": "sea"},
    },
    {"id": "f2", "title": "Pier struck", "text": FERRY.upper(), "published": "2024-01-01", "tags": [1, None]},
    {"id": "b1", "title": "予算成立", "text": BUDGET, "published": "2024-01-03"},
]


def jsonl(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def parsed(data):
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def three(put):
    return put("three.jsonl", jsonl(*THREE))


def process(*arguments, **options):
    command = [sys.executable, "-m", "storyclust", *map(str, arguments)]
    return subprocess.run(command, check=False, **{"capture_output": True, "env": ENV, **options})


# Processes


def test_a_corpus_through_a_pipe_in_a_locale_without_utf8(tmp_path):
    labelled = tmp_path / "labelled.jsonl"
    env = {**ENV, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    data = NEWSDESK.read_bytes()
    done = process("threads", "-", "--labelled", labelled, input=data, env=env)
    assert done.returncode == 0
    line = b"storyclust: 99 records read, 0 set aside, 0 undated; 99 articles, "
    assert done.stderr.startswith(line)
    assert done.stderr.count(b"\n") == 1
    assert process("threads", "-", "--quiet", input=data, env=env).stderr == b""
    threads, articles = parsed(done.stdout.decode()), parsed(labelled.read_text(encoding="utf-8"))
    originals = parsed(data.decode())
    assert sum(thread["size"] for thread in threads) == len(articles) == len(originals) == 99
    assert sorted(member for thread in threads for member in thread["members"]) == sorted(
        a["id"] for a in originals
    )
    for article, original in zip(articles, originals, strict=True):
        assert article["text"] == original["text"]
        assert article["input_event"] == original["event"]
        assert article["id"] in threads[article["thread"]]["members"]
    japan_india = next(thread for thread in threads if "jp-in-2019-a" in thread["members"])
    assert (japan_india["size"], len(japan_india["events"])) == (5, 3)
    wanted = sc.StoryClusterer().fit(originals)
    assert [article["thread"] for article in articles] == wanted.labels_.tolist()
    assert [article["event"] for article in articles] == wanted.event_labels_.tolist()


def test_a_digest_in_a_locale_without_utf8():
    done = process("threads", NEWSDESK, "--format", "digest", env={**ENV, "PYTHONIOENCODING": "ascii"})
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith(b"articles on their own.")


def test_bodies_that_are_html_through_a_pipe(tmp_path):
    """They are compared as text and told of once; records come out as they were."""
    html = {"id": "h", "title": "Ferry &amp; pier", "body": f"<p>{FERRY}</p><script>x()</script>"}
    plain = {"id": "p", "title": "Ferry", "body": FERRY, "published": "2024-01-02"}
    wrong = {"id": "w", "title": "Budget", "body": BUDGET.replace("Carrow", "CarrowÂ\xa0– cafÃ©")}
    data = jsonl(html, plain, wrong).encode()
    said = (
        "storyclust: 1 of 3 articles was HTML and was read as plain text; "
        "1 had mis-decoded characters, now mended.\n"
        "storyclust: Fields read: text from body.\n"
        "storyclust: 2 of 3 articles are undated; the fields are id, title, body and published.\n"
        "storyclust: 3 records read, 0 set aside, 2 undated; "
    )
    done = process("dedup", "-", "--keep", "first", input=data)
    kept = "2 articles kept, 1 removed; 1 group of copies, 0 excerpts.\n"
    assert (done.returncode, done.stderr.decode()) == (0, said + kept)
    assert parsed(done.stdout.decode()) == [html, wrong]

    labelled, report = tmp_path / "labelled.jsonl", tmp_path / "report.html"
    done = process("threads", "-", "--labelled", labelled, "--report", report, input=data)
    found = "3 articles, 1 of them copies: 2 events in 2 threads.\n"
    assert (done.returncode, done.stderr.decode()) == (0, said + found)
    articles = parsed(labelled.read_text(encoding="utf-8"))
    assert [article["body"] for article in articles] == [html["body"], FERRY, wrong["body"]]
    assert [article["duplicate_of"] for article in articles].count(None) == 2
    page = report.read_text(encoding="utf-8")
    assert FERRY in page
    assert "x()" not in page
    assert "café" in page
    assert "cafÃ©" not in page


@posix_only
@pytest.mark.parametrize("arguments", [["dedup"], ["threads", "--format", "digest"]])
def test_a_closed_output_pipe_is_not_an_error(arguments):
    """As in `storyclust dedup week.jsonl | head -1`."""
    command = [sys.executable, "-m", "storyclust", *arguments, str(NEWSDESK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV) as child:
        if arguments == ["dedup"]:
            assert json.loads(child.stdout.readline())["id"]
        child.stdout.close()
        errors = child.stderr.read()
        assert child.wait(60) == 0
    assert errors == b""


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from storyclust.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.faults
@posix_only
def test_ctrl_c_while_reading_a_pipe_that_never_ends(put):
    old = put("out.jsonl", "old\n")
    command = [sys.executable, "-c", INTERRUPTIBLE, "dedup", "-", "-o", old]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV
    ) as child:
        # More than a pipe holds: once it is written, the child must be reading.
        child.stdin.write(jsonl(THREE[0]).encode() * 2000)
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        errors = child.stderr.read()
        assert child.wait(60) == 130
        assert child.stdout.read() == b""
    assert b"Traceback" not in errors
    assert errors.count(b"\n") == 1
    assert b"interrupted" in errors
    assert Path(old).read_text() == "old\n"
    assert [path.name for path in Path(old).parent.iterdir()] == ["out.jsonl"]


@pytest.mark.faults
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named_without_a_traceback(three):
    with Path("/dev/full").open("wb") as full:
        done = process("dedup", three, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert b"No space left" in done.stderr


# Help, versions, usage


def test_help_names_every_command_and_option(run):
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for command in ("dedup", "threads", "evaluate"):
        assert command in out
        code, text, _ = run(command, "--help")
        assert code == 0
        assert text.startswith(f"usage: storyclust {command}")
        assert "--field" in text


def test_the_defaults_in_the_help_are_those_of_the_library(run):
    text = " ".join(run("threads", "--help")[1].split())
    stories, dedup = sc.StoryClusterer(), sc.Deduplicator()
    assert f"--event-distance D default: {stories.event_distance:g}" in text
    assert f"--event-window DAYS default: {stories.event_window:g}" in text
    assert f"--thread-distance D default: {stories.thread_distance:g}" in text
    text = " ".join(run("dedup", "--help")[1].split())
    assert f"(default: {dedup.threshold})" in text
    assert f"(default: {dedup.keep})" in text


def test_version(run):
    assert run("--version") == (0, f"storyclust {sc.__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dedup"],
        ["unknown"],
        ["threads", "--no-such-option", "x"],
        ["dedup", "x", "--threshold", "high"],
        ["dedup", "x", "--keep", "best"],
        ["threads", "x", "--format", "xml"],
        ["evaluate", "x", "--gold", "story"],
        ["threads", "x", "--min-size", "two"],
    ],
)
def test_wrong_usage_is_2(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: storyclust")


# Bad input


@pytest.mark.parametrize("command", [["dedup"], ["threads"], ["evaluate", "--gold", "a", "--pred", "b"]])
def test_a_missing_path_is_named_on_one_line(run, command, tmp_path):
    missing = tmp_path / "wekk.jsonl"
    code, out, err = run(*command, missing)
    assert (code, out) == (1, "")
    assert str(missing) in err
    assert err.count("\n") == 1
    assert err.startswith("storyclust: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dedup", "--threshold", "2"], "threshold must lie in"),
        (["threads", "--event-distance", "2"], "event_distance must lie in"),
        (
            ["threads", "--event-distance", "0.95", "--thread-distance", "0.5"],
            "thread_distance must not be less",
        ),
        (["dedup", "--field", "text"], "--field"),
        (["dedup", "--field", "text=lede"], "lede"),
        (["dedup", "--field", "body=text"], "body"),
        (["dedup", "--input-format", "xml"], "xml"),
        (["dedup", "-j", "0"], "job"),
        (["threads", "-j", "0"], "job"),
        (["threads", "-o", "out.unknown"], "out.unknown"),
        (["dedup", "-o", "no/such/folder/out.jsonl"], "folder"),
    ],
)
def test_arguments_out_of_range_are_one_line_on_stderr(run, three, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments, three)
    assert code in (1, 2)
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert code == 2 or err.count("\n") == 1


def test_bad_records_are_counted_named_and_set_aside(run, put, tmp_path):
    lines = [jsonl(THREE[0]), "{broken\n", "[1, 2]\n", jsonl({"id": "x", "text": 7}), "\n", jsonl(*THREE[1:])]
    path, rejects, output = (
        put("week.jsonl", "".join(lines)),
        tmp_path / "rejects.jsonl",
        tmp_path / "out.jsonl",
    )
    code, out, err = run("dedup", path, "--rejects", rejects, "-o", output)
    assert (code, out) == (0, "")
    for line in (2, 3, 4):
        assert f"{path}:{line}: " in err
    assert "3 of 6 records" in err
    assert str(rejects) in err
    assert all(line.startswith("storyclust: ") for line in err.splitlines())
    records = parsed(rejects.read_text())
    assert [record["line"] for record in records] == [2, 3, 4]
    assert records[0]["raw"] == "{broken"
    assert len(parsed(output.read_text())) == 2
    assert "--rejects FILE" in run("dedup", path)[2]


def test_of_many_bad_records_the_first_are_listed_and_all_counted(run, put):
    code, out, err = run("dedup", put("week.jsonl", jsonl(THREE[0]) + "{\n" * 500))
    assert code == 1  # over a tenth
    assert len(parsed(out)) == 1
    assert "500 of 501 records" in err
    assert len(err.splitlines()) < 20


def test_where_no_record_can_be_used_it_is_an_error(run, put):
    code, out, err = run("threads", put("week.jsonl", "{\n{\n"))
    assert (code, out) == (1, "")
    assert "week.jsonl:1" in err
    assert err.count("\n") == 1


def test_bad_dates_and_shared_ids_are_reported(run, put):
    records = [{"id": "a", "text": FERRY, "published": "someday"}, {"id": "a", "text": BUDGET}]
    code, out, err = run("dedup", put("week.jsonl", jsonl(*records)))
    assert code == 0
    assert "someday" in err
    assert "a#2" in err
    assert [record["id"] for record in parsed(out)] == ["a", "a#2"]
    assert all(line.startswith("storyclust: ") for line in err.splitlines())


@pytest.mark.parametrize("command", [["dedup"], ["threads"], ["links"]])
def test_over_a_tenth_set_aside_is_an_error_unless_saved(run, put, tmp_path, command):
    good = [{**THREE[0], "id": str(n), "text": f"{FERRY} {n}"} for n in range(9)]
    few, many = put("few.jsonl", jsonl(*good) + "{\n"), put("many.jsonl", jsonl(*good[1:]) + "{\n")
    assert run(*command, few)[0] == 0
    output, rejects = tmp_path / "out.jsonl", tmp_path / "rejects.jsonl"
    code, out, err = run(*command, many, "-o", output, "-q")
    assert (code, out) == (1, "")
    assert "exit code 1, for 1 of 9 records were set aside, over a tenth" in err.splitlines()[-1]
    whole = output.read_bytes()
    assert whole
    code, _, err = run(*command, many, "-o", output, "--rejects", rejects)
    assert code == 0
    assert "exit code" not in err
    assert output.read_bytes() == whole
    assert len(parsed(rejects.read_text())) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["dedup"], "2 articles kept, 1 removed; 1 group of copies, 0 excerpts."),
        (["threads"], "3 articles, 1 of them copies: 2 events in 2 threads."),
        (["links"], "1 link between 3 articles, 1 of them copies."),
        (["tune", "--format", "json"], "recommended for 3 articles: event_distance "),
    ],
)
def test_a_line_on_stderr_says_what_was_done(run, three, command, said):
    code, out, err = run(*command, three)
    assert code == 0
    assert err.startswith(f"storyclust: 3 records read, 0 set aside, 0 undated; {said}")
    assert err.count("\n") == 1
    assert parsed(out)
    assert run(*command, three, "--quiet")[1:] == (out, "")


def test_four_different_articles_in_fields_of_other_names_stay_four(run, put):
    """Such columns were ignored, and articles of the same title became one."""
    records = [
        {"title": "Morning briefing", "plain_text": text, "published_date": f"2024-03-0{day}"}
        for day, text in enumerate((FERRY, BUDGET, "Snow closed the pass above Ebrin.", "Rain fell."), 1)
    ]
    code, out, err = run("dedup", put("week.jsonl", jsonl(*records)))
    assert code == 0
    assert [record["plain_text"] for record in parsed(out)] == [record["plain_text"] for record in records]
    assert "storyclust: Fields read: text from plain_text, published from published_date.\n" in err
    assert "storyclust: 4 records read, 0 set aside, 0 undated; 4 articles kept, 0 removed" in err
    table = f'headline,body_html,pub,outlet\nMorning,"<p>{FERRY}</p>",2024-03-04,A\n'
    err = run("threads", put("week.csv", table))[2]
    assert "text from body_html, title from headline, published from pub, source from outlet" in err


def test_messages_are_sanitized(run, put):
    evil = "\x1b[2J\u202e"
    path = put("week.jsonl", jsonl(*THREE, {evil: 1}, {"id": evil, "text": 5}, {"text": "x", "date": evil}))
    assert "\x1b" not in run("dedup", path)[2]
    labelled = put("labelled.jsonl", jsonl({"text": "x", evil: 1}))
    code, _, err = run("evaluate", labelled, "--gold", "story", "--pred", "thread")
    assert code == 1
    assert "\x1b" not in err


# dedup


def test_dedup_keeps_one_of_each_group_as_it_was(run, three):
    code, out, err = run("dedup", three)
    assert (code, err.count("\n")) == (0, 1)
    assert parsed(out) == [THREE[1], THREE[2]]
    assert parsed(run("dedup", three, "--keep", "latest")[1]) == [THREE[0], THREE[2]]
    assert parsed(run("dedup", three, "--keep", "first", "-j", "1", "-q")[1]) == [THREE[0], THREE[2]]


def test_groups_and_labels_of_dedup(run, three, tmp_path):
    groups, labelled = tmp_path / "groups.jsonl", tmp_path / "labelled.jsonl"
    code, out, _ = run(
        "dedup", three, "--groups", groups, "--labelled", labelled, "-o", tmp_path / "out.jsonl"
    )
    assert (code, out) == (0, "")
    (why,) = parsed(groups.read_text(encoding="utf-8"))
    assert THREE[0]["text"].startswith(why.pop("passage"))
    assert why == {"id": "f1", "kept": "f2", "relation": "exact", "similarity": 1.0, "doubtful": False}
    articles = parsed(labelled.read_text(encoding="utf-8"))
    assert [article["duplicate_of"] for article in articles] == ["f2", None, None]
    assert [{k: v for k, v in a.items() if k != "duplicate_of"} for a in articles] == THREE


def test_a_copy_of_the_reference_is_not_kept_and_says_so(run, three, tmp_path):
    archive, groups = tmp_path / "archive.jsonl", tmp_path / "groups.jsonl"
    old = {"id": "old", "title": "Ferry", "text": THREE[0]["text"]}
    archive.write_text(json.dumps(old), encoding="utf-8")
    code, out, _ = run("dedup", three, "--reference", archive, "--groups", groups)
    assert (code, parsed(out)) == (0, [THREE[2]])
    assert [(r["id"], r["kept"]) for r in parsed(groups.read_text(encoding="utf-8"))] == [
        ("f1", "old"),
        ("f2", "old"),
    ]


def test_the_source_named_first_is_kept(run, tmp_path):
    path = tmp_path / "week.jsonl"
    text = THREE[0]["text"]
    records = [{"id": name, "text": text, "source": name} for name in ("herald", "wire", "post")]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert [r["id"] for r in parsed(run("dedup", path, "--keep", "source:wire,herald")[1])] == ["wire"]


def test_an_excerpt_is_dropped_when_asked(run, tmp_path):
    path = tmp_path / "week.jsonl"
    words = [f"word{k}" for k in range(200)]
    records = [{"id": "long", "text": " ".join(words)}, {"id": "part", "text": " ".join(words[:80])}]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert [r["id"] for r in parsed(run("dedup", path)[1])] == ["long", "part"]
    code, out, _ = run("dedup", path, "--excerpts", "drop", "--exact", "--groups", tmp_path / "why.jsonl")
    assert (code, [r["id"] for r in parsed(out)]) == (0, ["long"])
    (why,) = parsed((tmp_path / "why.jsonl").read_text(encoding="utf-8"))
    assert (why["relation"], why["containment"], why["passage"]) == ("excerpt", 1.0, " ".join(words[:80]))


def test_explain_shows_what_differs(run):
    code, out, err = run("explain", NEWSDESK, "selka-ferry-a", "selka-ferry-d")
    assert (code, err) == (0, "")
    assert "near" in out
    assert "[-began to take-] {+started taking+}" in out
    code, out, _ = run("explain", NEWSDESK, "selka-ferry-a", "selka-ferry-d", "--json")
    evidence = json.loads(out)
    assert (evidence["a"], evidence["relation"]) == ("selka-ferry-a", "near")


def test_explain_names_an_unknown_id(run):
    code, out, err = run("explain", NEWSDESK, "selka-ferry-a", "nowhere")
    assert (code, out) == (1, "")
    assert "'nowhere'" in err


def test_dedup_of_the_example_corpus(run, tmp_path):
    labelled = tmp_path / "labelled.jsonl"
    code, out, err = run("dedup", NEWSDESK, "--labelled", labelled, "-q")
    assert (code, err) == (0, "")
    found = {a["id"]: a["duplicate_of"] for a in parsed(labelled.read_text(encoding="utf-8"))}
    gold = {a["id"]: a["duplicate_of"] for a in parsed(NEWSDESK.read_text(encoding="utf-8"))}
    assert {copy for copy, original in found.items() if original} == {
        c for c, original in gold.items() if original
    }
    assert len(parsed(out)) == sum(original is None for original in gold.values())


# threads


def test_a_record_for_each_thread(run, three):
    code, out, err = run("threads", three, "-q")
    assert (code, err) == (0, "")
    first, second = parsed(out)
    assert (first["members"], first["size"], first["n_independent"]) == (["f1", "f2"], 2, 1)
    assert second["headline"] == "予算成立"
    assert "予算成立" in out  # not escaped
    assert [r["members"] for r in parsed(run("threads", three, "--min-size", "2")[1])] == [["f1", "f2"]]


def test_labels_of_threads_and_fields_of_the_same_name(run, put, tmp_path):
    records = [
        {**record, "event": f"gold {n}", "thread": n, "duplicate_of": "?"} for n, record in enumerate(THREE)
    ]
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    run("threads", put("week.jsonl", jsonl(*records)), "--labelled", once, "-o", tmp_path / "threads.jsonl")
    articles = parsed(once.read_text(encoding="utf-8"))
    assert [article["input_event"] for article in articles] == ["gold 0", "gold 1", "gold 2"]
    assert [article["input_thread"] for article in articles] == [0, 1, 2]
    assert [article["input_duplicate_of"] for article in articles] == ["?"] * 3
    assert [article["event"] for article in articles] == [0, 0, 1]
    assert [article["thread"] for article in articles] == [0, 0, 1]
    assert [article["duplicate_of"] for article in articles] == ["f2", None, None]
    assert articles[0]["desk"] == {"name": "sea"}
    code, _, _ = run("threads", once, "--labelled", twice, "-o", tmp_path / "threads.jsonl")
    assert code == 0
    for article, gold in zip(parsed(twice.read_text(encoding="utf-8")), records, strict=True):
        assert gold["event"] in article.values()  # nothing is lost by a second run
        assert article["event"] in (0, 1)


def test_the_distances_reach_the_clusterer(run):
    out = run("threads", NEWSDESK, "--event-distance", "0", "--thread-distance", "0")[1]
    assert {thread["n_independent"] for thread in parsed(out)} == {1}
    (everything, *_) = parsed(run("threads", NEWSDESK, "--event-distance", "0", "--thread-distance", "1")[1])
    assert everything["size"] > 5


def test_a_window_of_days(run, put):
    common = " ".join(f"harbour{k} ferry{k}" for k in range(30))
    own = {day: " ".join(f"o{day}x{k}" for k in range(40)) for day in (1, 5)}
    records = [
        {"id": f"a{day}", "lang": "en", "published": f"2024-01-0{day}", "text": f"{common} {own[day]}"}
        for day in own
    ]
    path = put("week.jsonl", jsonl(*records))
    for window, events in (("7", 1), ("2", 2)):
        (thread,) = parsed(run("threads", path, "--event-window", window)[1])
        assert len(thread["events"]) == events


def test_the_digest(run):
    code, out, err = run("threads", NEWSDESK, "--format", "digest", "-q")
    assert (code, err) == (0, "")
    assert "5 articles | 3 events | 3 Sep 2019 to 2" in " ".join(out.split())
    assert max(map(cell_len, out.splitlines())) <= 100
    assert "\x1b" not in out


def test_the_digest_leaves_small_threads_out_too(run):
    code, out, _ = run("threads", NEWSDESK, "--format", "digest", "--min-size", "5")
    assert code == 0
    text = " ".join(out.split())
    assert "5 articles" in text
    for few in (" 2 articles", " 3 articles", " 4 articles"):
        assert few not in text


def test_a_terminal_gets_the_digest_and_a_note(run, three, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, err = run("threads", three)
    assert code == 0
    assert "Pier struck" in out or "Ferry strikes pier" in out
    assert "1 thread, and 1 article on its own." in out
    assert "3 articles, 1 of them copies: 2 events in 2 threads." in err
    assert run("threads", three, "-q")[2] == ""
    assert parsed(run("threads", three, "--format", "jsonl", "-q")[1])


def test_hostile_titles_do_not_reach_the_digest(run, put):
    title = "Ferry \x1b[31mstrikes\x1b]0;x\x07 \u202epier\u202c [bold]now[/bold]\x9b2J"
    records = [
        {"id": f"a{n}", "title": title, "text": f"{FERRY} {title}", "source": f"{title}.example"}
        for n in (1, 2)
    ]
    code, out, _ = run("threads", put("week.jsonl", jsonl(*records)), "--format", "digest")
    assert code == 0
    assert "Ferry [31mstrikes]0;x pier [bold]now[/bold]2J" in out
    assert not set("\x1b\x07\u202e\u202c\x9b") & set(out)


# evaluate


def test_evaluate(run, put):
    records = [
        {"id": str(n), "text": f"text {n}", "story": story, "thread": thread}
        for n, (story, thread) in enumerate([("a", 0), ("a", 0), ("b", 0), ("b", 1), (None, 1)])
    ]
    path = put("labelled.jsonl", jsonl(*records))
    code, out, err = run("evaluate", path, "--gold", "story", "--pred", "thread")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "4 articles, 2 gold groups, 2 predicted"
    assert "precision 0.667   recall 0.750   F1 0.706" in out
    (scores,) = parsed(run("evaluate", path, "--gold", "story", "--pred", "thread", "--json")[1])
    assert scores == sc.evaluate(["a", "a", "b", "b"], [0, 0, 0, 1]).as_dict()


def test_threads_then_evaluate_on_the_example_corpus(run, tmp_path):
    labelled = tmp_path / "labelled.jsonl"
    assert run("threads", NEWSDESK, "--labelled", labelled, "-o", tmp_path / "threads.jsonl")[0] == 0
    for gold, pred, least in (("story", "thread", 0.88), ("input_event", "event", 0.95)):
        (scores,) = parsed(run("evaluate", labelled, "--gold", gold, "--pred", pred, "--json")[1])
        assert scores["n_articles"] == 99
        assert scores["f1"] >= least


def test_evaluate_of_labels_that_are_lists(run, put):
    records = [
        {"text": "x", "gold": [1, 2], "pred": {"a": 1}},
        {"text": "y", "gold": [1, 2], "pred": {"a": 1}},
    ]
    (scores,) = parsed(
        run("evaluate", put("l.jsonl", jsonl(*records)), "--gold", "gold", "--pred", "pred", "--json")[1]
    )
    assert scores["f1"] == 1.0


@pytest.mark.parametrize(("gold", "pred"), [("stroy", "thread"), ("story", "cluster")])
def test_evaluate_names_an_unknown_field(run, put, gold, pred):
    code, out, err = run(
        "evaluate",
        put("l.jsonl", jsonl({"text": "x", "story": 1, "thread": 1})),
        "--gold",
        gold,
        "--pred",
        pred,
    )
    assert (code, out) == (1, "")
    assert "no article has a field" in err
    assert "story, text, thread" in err
    assert err.count("\n") == 1


def test_evaluate_without_any_gold_label(run, put):
    code, _, err = run(
        "evaluate", put("l.jsonl", jsonl({"text": "x", "g": None, "p": 1})), "--gold", "g", "--pred", "p"
    )
    assert code == 1
    assert "gold holds no label" in err


# Files


def test_stdin_and_several_inputs_and_patterns(run, put, three, monkeypatch, tmp_path):
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO(jsonl({"id": "s", "text": "from stdin"}).encode()))
    )
    put("more-1.jsonl", jsonl({"id": "m1", "text": "one more text"}))
    put("more-2.csv", "id,text\nm2,another text altogether\n")
    code, out, _ = run("dedup", "-", three, tmp_path / "more-*")
    assert code == 0
    assert [record["id"] for record in parsed(out)] == ["s", "f2", "b1", "m1", "m2"]


def test_fields_of_other_names(run, put):
    path = put("week.jsonl", jsonl({"lede": FERRY, "key": 7, "headline": "H"}))
    code, out, _ = run("threads", path, "--field", "text=lede", "--field", "id=key")
    assert code == 0
    assert parsed(out)[0]["members"] == ["7"]
    assert parsed(out)[0]["summary"] == FERRY
    assert parsed(run("dedup", path, "--field", "text=lede")[1])[0]["lede"] == FERRY


def test_input_formats_by_option(run, put):
    path = put("week.dat", "id\ttext\na\tone text\n")
    assert parsed(run("dedup", path, "--input-format", "tsv")[1]) == [{"id": "a", "text": "one text"}]


def test_compressed_output_and_input(run, three, tmp_path):
    path = tmp_path / "unique.jsonl.gz"
    assert run("dedup", three, "-o", path)[0] == 0
    with gzip.open(path, "rt", encoding="utf-8") as file:
        assert parsed(file.read()) == [THREE[1], THREE[2]]
    assert parsed(run("dedup", path)[1]) == [THREE[1], THREE[2]]


def test_output_as_csv(run, three, tmp_path):
    path = tmp_path / "unique.csv"
    assert run("dedup", three, "-o", path)[0] == 0
    assert parsed(run("dedup", path)[1])[1]["title"] == "予算成立"


def test_a_run_that_fails_leaves_the_old_file(run, put, three, tmp_path, monkeypatch):
    output = put("out.jsonl", "old\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    bad = put("bad.jsonl", "{\n")
    assert run("threads", bad, "-o", output)[0] == 1
    assert run("threads", three, "-o", output, "--event-distance", "7")[0] == 2

    def fails_at_the_second(problem):
        calls = []

        def record(*arguments):
            calls.append(arguments)
            if len(calls) == 2:
                raise problem
            return {"half": "written"}

        return record

    for problem, code in ((OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)):
        monkeypatch.setattr("storyclust.render.digest.thread_record", fails_at_the_second(problem))
        assert run("threads", three, "-o", output)[0] == code
        assert Path(output).read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "bad.jsonl"])


def test_a_run_that_is_done_replaces_the_old_file(run, put, three):
    output = put("out.jsonl", "old\n")
    assert run("dedup", three, "-o", output)[0] == 0
    assert parsed(Path(output).read_text(encoding="utf-8")) == [THREE[1], THREE[2]]


def test_the_input_itself_is_never_the_output(run, three):
    before = Path(three).read_bytes()
    code, out, err = run("dedup", three, "-o", three)
    assert (code, out) == (2, "")
    assert err == f"storyclust: --output would replace an input, {three}.\n"
    assert Path(three).read_bytes() == before


def test_an_empty_file_is_an_empty_corpus(run, put):
    path = put("empty.jsonl", "")
    assert run("dedup", path)[:2] == (0, "")
    assert run("threads", path)[:2] == (0, "")
    code, out, _ = run("threads", path, "--format", "digest")
    assert (code, out) == (0, "0 threads, and 0 articles on their own.\n")
    assert run("evaluate", path, "--gold", "a", "--pred", "b")[0] == 1


def test_unexpected_errors_keep_their_traceback(run, three, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("storyclust.render.digest.thread_record", broken)
    with pytest.raises(ZeroDivisionError):
        run("threads", three)


# Page furniture


def test_furniture_is_listed_by_source_and_left_out_of_threads(put):
    boxed = [
        {**record, "text": f"{record['text']} Photo: Getty Images", "source": "wire"} for record in THREE
    ]
    boxed.append({"id": "c1", "text": "Snow closed the pass above Ebrin.\n\nRead more: Pass closed"})
    path = put("boxed.jsonl", jsonl(*boxed))
    done = process("furniture", path)
    assert (done.returncode, done.stderr) == (0, b"")
    wire, unnamed = parsed(done.stdout)
    assert (wire["source"], wire["articles"], wire["with_furniture"]) == ("wire", 2, 2)
    assert wire["lines"] == [{"text": "Photo: Getty Images", "articles": 2, "id": "f2"}]
    assert (unnamed["source"], unnamed["lines"][0]["text"]) == (None, "Read more: Pass closed")
    threads = parsed(process("threads", path).stdout)
    assert sorted(thread["size"] for thread in threads) == [1, 1, 2]
    assert process("threads", path, "--no-clean", "--labelled", f"{path}.l.jsonl").returncode == 0
    labelled = parsed(Path(f"{path}.l.jsonl").read_text(encoding="utf-8"))
    assert [article["text"] for article in labelled] == [record["text"] for record in boxed]
