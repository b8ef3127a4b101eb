"""Options that cannot be right: exit code 2 before any work, and nothing is written."""

import json

import pytest

TEXTS = [
    "The ferry Selka struck the pier in Aldmouth on Monday morning and nobody on board was hurt.",
    "Parliament in Carrow adopted the yearly budget after a debate of eleven hours and a night.",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"id": str(n), "text": text, "date": "13/03/2024"}) for n, text in enumerate(TEXTS)]
    (tmp_path / "src.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "link.jsonl").symlink_to("src.jsonl")
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "src.jsonl").write_bytes((tmp_path / "src.jsonl").read_bytes())
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


REFUSED = {
    "an output that is an input": [
        ["threads", "src.jsonl", "-o", "src.jsonl"],
        ["threads", "src.jsonl", "-o", "x.jsonl", "--labelled", "./src.jsonl"],
        ["threads", "src.jsonl", "-o", "link.jsonl"],
        ["threads", "news", "-o", "news/src.jsonl"],
        ["threads", "news", "-o", "news/new.jsonl"],
        ["threads", "n*/*.jsonl", "-o", "news/src.jsonl"],
        ["threads", "src.jsonl", "--rejects", "src.jsonl"],
        ["threads", "src.jsonl", "--report", "src.jsonl"],
        ["dedup", "src.jsonl", "-o", "src.jsonl"],
        ["dedup", "src.jsonl", "--reference", "news/src.jsonl", "-o", "news/src.jsonl"],
        ["links", "src.jsonl", "-o", "src.jsonl"],
        ["furniture", "src.jsonl", "-o", "src.jsonl"],
        ["tune", "src.jsonl", "--plot", "src.jsonl"],
        ["evaluate", "src.jsonl", "--gold", "a", "--pred", "b", "--rejects", "src.jsonl"],
        ["add", "news.db", "src.jsonl", "-o", "src.jsonl"],
        ["add", "src.jsonl", "src.jsonl"],
        ["add", "news.db", "src.jsonl", "--rejects", "news.db"],
        ["export", "src.jsonl", "-o", "src.jsonl"],
        ["dedup", "src.jsonl", "--engine", "ray", "-o", "."],
        ["dedup", "news/src.jsonl", "--engine", "ray", "-o", "news"],
        ["dedup", "src.jsonl", "--engine", "ray", "-o", "out", "--rejects", "out/src.jsonl"],
    ],
    "two outputs of one name": [
        ["threads", "src.jsonl", "-o", "x.jsonl", "--labelled", "x.jsonl"],
        ["threads", "src.jsonl", "-o", "x.html", "--report", "./x.html"],
        ["threads", "src.jsonl", "--labelled", "-"],
        ["dedup", "src.jsonl", "-o", "x.jsonl", "--rejects", "x.jsonl"],
        ["dedup", "src.jsonl", "-o", "x.jsonl", "--groups", "news/../x.jsonl"],
        ["dedup", "src.jsonl", "--groups", "-"],
    ],
    "a value out of range": [
        ["dedup", "src.jsonl", "--threshold", "2"],
        ["dedup", "src.jsonl", "--threshold", "nan"],
        ["dedup", "src.jsonl", "--memory", "nonsense"],
        ["dedup", "src.jsonl", "--keep", "best"],
        ["dedup", "src.jsonl", "-j", "0"],
        ["dedup", "src.jsonl", "--input-format", "xml"],
        ["dedup", "src.jsonl", "--encoding", "nonsense"],
        ["dedup", "src.jsonl", "--field", "text"],
        ["dedup", "src.jsonl", "--field", "body=text"],
        ["dedup", "src.jsonl", "-o", "x.unknown"],
        ["dedup", "src.jsonl", "--labelled", "x.html"],
        ["threads", "src.jsonl", "--event-window", "-1"],
        ["threads", "src.jsonl", "--event-distance", "7"],
        ["threads", "src.jsonl", "--event-distance", "0.9", "--thread-distance", "0.5"],
        ["threads", "src.jsonl", "--format", "wrong"],
        ["threads", "src.jsonl", "--report", "-"],
        ["threads", "src.jsonl", "-o", "x.unknown"],
        ["threads", "src.jsonl", "--engine", "ray"],
        ["threads", "src.jsonl", "--engine", "ray", "-o", "out", "--min-size", "2"],
        ["threads", "src.jsonl", "--min-size", "-1"],
        ["links", "src.jsonl", "--min-similarity", "0"],
        ["links", "src.jsonl", "--event-window", "-1"],
        ["furniture", "src.jsonl", "--most", "0"],
        ["add", "news.db", "src.jsonl", "--copy-threshold", "2"],
        ["add", "news.db", "src.jsonl", "--event-window", "-2"],
        ["show", "news.db", "--since", "whenever"],
        ["show", "news.db", "--limit", "-1"],
        ["consolidate", "news.db", "--days", "-1"],
        ["forget", "news.db", "--before", "whenever"],
        ["watch", "news.db", "-", "--input-format", "csv"],
        ["watch", "news.db", "news", "--rejects", "news/rejects.jsonl"],
    ],
}


@pytest.mark.parametrize("arguments", [case for cases in REFUSED.values() for case in cases], ids=" ".join)
def test_it_is_refused_before_any_work(run, here, arguments):
    before = contents(here)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert contents(here) == before


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["thread", "src.jsonl"], "did you mean threads?"),
        (["dedub", "src.jsonl"], "did you mean dedup?"),
        (["threads", "src.jsonl", "--lablled", "x.jsonl"], "did you mean --labelled?"),
        (["dedup", "src.jsonl", "--treshold=0.7"], "did you mean --threshold?"),
        (["threads", "src.jsonl", "--format", "htlm"], "did you mean html?"),
        (["dedup", "src.jsonl", "--excerpts", "droop"], "did you mean drop?"),
        (["dedup", "src.jsonl", "--zzz"], "unrecognized arguments: --zzz"),
    ],
)
def test_misspelt_words_are_corrected(run, here, arguments, hint):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.rstrip().endswith(hint)


def test_messages_name_the_option(run, here):
    assert "--threshold must lie in (0, 1], got 2.0." in run("dedup", "src.jsonl", "--threshold", "2")[2]
    assert "--memory must be bytes" in run("dedup", "src.jsonl", "--memory", "nonsense")[2]
    assert "--since must be a date" in run("show", "news.db", "--since", "whenever")[2]


def test_a_missing_input_is_not_an_error_of_usage(run, here):
    assert run("threads", "none.jsonl", "-o", "x.jsonl")[0] == 1
    assert run("show", "none.db")[0] == 1


def test_outputs_beside_inputs_are_written(run, here):
    code, _, _ = run(
        "dedup", "src.jsonl", "-o", "kept.jsonl", "--labelled", "all.csv", "--rejects", "r.jsonl"
    )
    assert code == 0
    assert len((here / "kept.jsonl").read_text().splitlines()) == 2


def test_the_encoding_and_the_order_of_dates_are_told(run, here):
    rows = ["id;text;date", f"1;{TEXTS[0]} Straße;07/03/2024", f"2;{TEXTS[1]} Café;13/03/2024"]
    (here / "week.csv").write_bytes("\n".join(rows).encode("cp1252"))
    code, out, err = run("dedup", "week.csv")
    assert code == 0
    assert [json.loads(line)["text"][-4:] for line in out.splitlines()] == ["raße", "Café"]
    assert "week.csv was read as cp1252" in err
    assert "1 date, 07/03/2024, was read as day/month, because of 13/03/2024." in err
    code, out, err = run("dedup", "week.csv", "--encoding", "cp1252")
    assert "cp1252" not in err
    assert "Straße" in out
    assert run("add", "news.db", "week.csv")[0] == 0
    stored = [
        json.loads(line) for line in run("search", "news.db", "ferry", "--format", "jsonl")[1].splitlines()
    ]
    assert stored[0]["published"].startswith("2024-03-07")
