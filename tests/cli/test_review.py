"""`review` and what reads its answers, and `dedup --check`, as processes with pipes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import storyclust as sc

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ENV = {**os.environ, "PYTHONPATH": str(Path(sc.__file__).parents[1])}
STORYCLUST = [sys.executable, "-m", "storyclust"]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.jsonl"
    records = [
        {"a": f"a{k}", "b": f"b{k}", "titles": [f"One {k}", f"[red]Two\x1b[31m {k}"], "distance": 0.9}
        for k in range(4)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def review(pairs, typed, *more):
    command = [*STORYCLUST, "review", str(pairs), *map(str, more)]
    done = subprocess.run(command, input=typed.encode(), capture_output=True, env=ENV, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_answers_are_appended_and_the_next_run_goes_on(pairs, tmp_path):
    answers = tmp_path / "pairs.answers.jsonl"
    code, out, err = review(pairs, "e\nx\nSTORY\nq\nd\n")
    assert (code, out) == (0, "")
    assert "Please answer e, s, d, k, b or q." in err
    assert "[e]vent, [s]tory, [d]ifferent, s[k]ip, [b]ack or [q]uit: " in err
    assert "2 of 4 pairs judged" in err
    assert "[red]Two" in err, "titles are not markup"
    assert "\x1b" not in err
    assert [(r["a"], r["b"], r["answer"]) for r in lines(answers)] == [
        ("a0", "b0", "event"),
        ("a1", "b1", "story"),
    ]
    code, _, err = review(pairs, "k\nb\nb\ne\nd\n")
    assert code == 0
    assert "3/4" in err
    assert "1/4" not in err
    wanted = [("a2", None), ("a1", "event"), ("a3", "different")]
    assert [(r["a"], r["answer"]) for r in lines(answers)[2:]] == wanted
    code, _, err = review(pairs, "", "--quiet")
    assert (code, err) == (0, ""), "nothing is left to ask"


def test_back_at_the_first_pair_asks_it_again_and_the_end_of_stdin_quits(pairs, tmp_path):
    code, _, err = review(pairs, "b\nd", "-o", tmp_path / "mine.jsonl")
    assert code == 0
    assert err.count("1/4") == 2
    assert [record["answer"] for record in lines(tmp_path / "mine.jsonl")] == ["different"]


def test_articles_are_shown_side_by_side(tmp_path):
    pair = {"a": "n1", "b": "n2", "shared_terms": ["Selka"]}
    (tmp_path / "links.jsonl").write_text(json.dumps(pair), encoding="utf-8")
    articles = [
        {"id": "n1", "title": "Ferry hits pier", "text": "The Selka.", "source": "AP",
         "published": "2024-03-04"},
        {"id": "n2", "title": "Pier struck", "text": "A ferry \x1b[2J came."},
    ]  # fmt: skip
    (tmp_path / "week.jsonl").write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    code, _, err = review(tmp_path / "links.jsonl", "s\n", "--articles", tmp_path / "week.jsonl")
    assert code == 0
    row = next(line for line in err.splitlines() if "Ferry hits pier" in line)
    assert "Pier struck" in row
    assert "n1, AP, 04 Mar 2024" in err
    assert "both: Selka" in err
    assert "\x1b" not in err


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
def test_a_killed_review_keeps_every_answer(pairs, tmp_path):
    answers = tmp_path / "pairs.answers.jsonl"
    with subprocess.Popen(
        [*STORYCLUST, "review", str(pairs)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV
    ) as child:
        child.stdin.write(b"e\nd\n")
        child.stdin.flush()
        deadline = time.monotonic() + 60
        while not (answers.exists() and len(answers.read_bytes().splitlines()) == 2):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    assert [record["answer"] for record in lines(answers)] == ["event", "different"]
    assert "3/4" in review(pairs, "q\n")[2]


def test_wrong_usage(pairs, tmp_path, run):
    assert run("review", "-")[0] == 2
    code, _, err = run("review", pairs, "-o", tmp_path / "answers.csv")
    assert (code, "ends in .jsonl" in err) == (2, True)
    code, _, err = run("review", pairs, "-o", pairs)
    assert code == 2
    code, _, err = run("review", tmp_path / "none.jsonl")
    assert (code, "none.jsonl" in err) == (1, True) or code == 2
    code, _, err = run("review", NEWSDESK)
    assert (code, "neither a pair of ids" in err) == (1, True)
    week = tmp_path / "week.jsonl"
    week.write_text('{"id": "n1", "text": "Rain."}\n')
    code, _, err = run("review", pairs, "-o", week)
    assert (code, "is not an answer" in err) == (1, True)
    assert week.read_text() == '{"id": "n1", "text": "Rain."}\n'


def test_from_tune_to_review_to_tune_and_evaluate(tmp_path, run):
    code, out, _ = run("tune", NEWSDESK, "--format", "json")
    assert code == 0
    tuned, found = tmp_path / "tuned.json", json.loads(out)
    tuned.write_text(out, encoding="utf-8")
    code, _, err = review(tuned, "e\n" * len(found["borderline"]), "--articles", NEWSDESK)
    assert code == 0
    answers = tmp_path / "tuned.answers.jsonl"
    assert len(lines(answers)) == len(found["borderline"])
    code, out, err = run("tune", NEWSDESK, "--format", "json", "--answers", answers)
    assert code == 0
    n = len(found["borderline"])
    assert f"{n} of {n} answers are about the {n} borderline pairs." in err
    learnt = json.loads(out)
    assert f"of your {n} answers agree" in learnt["reasons"][-1]
    assert learnt["settings"]["event_distance"] > found["settings"]["event_distance"]
    code, out, _ = run("evaluate", NEWSDESK, "--answers", answers, "--pred", "event", "--json")
    assert code == 0
    scores = json.loads(out)
    events = {
        record["id"]: record["event"] for record in map(json.loads, NEWSDESK.read_text("utf-8").splitlines())
    }
    together = sum(events[pair["a"]] == events[pair["b"]] for pair in found["borderline"])
    assert (scores["n_pairs"], scores["recall"]) == (n, together / n)
    code, out, _ = run("evaluate", NEWSDESK, "--answers", answers, "--pred", "story", "--level", "thread")
    assert out.startswith(f"{n} judged pairs, {n} of one thread, ")
    assert run("tune", NEWSDESK, "--ask", "--answers", answers)[0] == 2
    assert run("evaluate", NEWSDESK, "--pred", "event")[0] == 2


# dedup --check

FERRY = (
    "The ferry Selka struck the pier in Aldmouth on Monday morning and nobody on board was hurt, police said."
)


def check(path, *more):
    command = [*STORYCLUST, "dedup", str(path), "--check", *more]
    done = subprocess.run(command, capture_output=True, env=ENV, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_check_lists_the_copies_and_writes_nothing(tmp_path):
    path = tmp_path / "week.jsonl"
    texts = {"a": FERRY, "b": FERRY.upper(), "c\x1b[2J": FERRY, "d": "Parliament votes today."}
    path.write_text("".join(json.dumps({"id": k, "text": v}) + "\n" for k, v in texts.items()))
    before = sorted(tmp_path.iterdir()), path.read_bytes()
    code, out, err = check(path)
    assert code == 1
    assert out.splitlines() == ["b is a copy of a", "c[2J is a copy of a"]
    assert err == "storyclust: 2 articles are not original.\n"
    assert (sorted(tmp_path.iterdir()), path.read_bytes()) == before
    unique = tmp_path / "unique.jsonl"
    unique.write_text(json.dumps({"id": "d", "text": "Parliament votes today."}))
    assert check(unique) == (0, "", "")
    assert check(unique, "--reference", str(path))[:2] == (1, "d is a copy of d\n")


def test_check_writes_no_outputs(tmp_path, run):
    for option in ("-o", "--groups", "--labelled"):
        code, _, err = run("dedup", NEWSDESK, "--check", option, tmp_path / "out.jsonl")
        assert (code, "--check only lists the copies" in err) == (2, True)
    assert not list(tmp_path.iterdir())
    code, out, _ = run("dedup", NEWSDESK, "--check", "--excerpts", "drop")
    assert code == 1
    assert " is an excerpt of " in out
