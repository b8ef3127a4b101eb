"""Judgements of pairs: the file survives being cut off anywhere, and scores are counts of pairs."""

import json
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.errors import InputError
from storyclust.evaluation.judgements import JudgementFile, read_judgements, read_pairs, score_judged

VERDICTS = ("event", "story", "different", None)


@pytest.mark.parametrize("cut", range(0, 120, 3))
def test_a_file_cut_off_anywhere_is_read_and_continued(tmp_path, cut):
    path = tmp_path / "answers.jsonl"
    answers = JudgementFile(path)
    for other, verdict in zip("bcd", VERDICTS, strict=False):
        answers.record(("a", other), verdict)
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    whole = data.count(b"\n") + (data[data.rfind(b"\n") + 1 :].endswith(b"}"))
    again = JudgementFile(path)
    assert list(again.judgements) == [("a", "b"), ("a", "c"), ("a", "d")][:whole]
    again.record(("a", "z"), "story")
    assert list(read_judgements(path)) == [*list(again.judgements)[:whole], ("a", "z")]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_the_last_answer_counts_whatever_the_order_of_the_pair(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"a":"x","b":"y","answer":"event"}\n\n{"a":"y","b":"x","answer":"different","by":"me"}')
    assert read_judgements(path) == {("x", "y"): "different"}


@pytest.mark.parametrize(
    "line",
    ["[]", "7", "{]", '{"a":"x","b":"y"}',
     '{"a":"x","b":"y","answer":"same"}', '{"a":1,"b":"y","answer":null}',
     '{"a":"x","b":"y","answer":["event"]}', '{"id":"x","text":"Rain."}', "\ufffd\0"],
)  # fmt: skip
def test_other_lines_are_named_and_the_file_is_left_alone(tmp_path, line):
    path = tmp_path / "articles.jsonl"
    for content in (f"{line}\n" * 2, line):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"articles\.jsonl:1 is not an answer"):
            JudgementFile(path)
        assert path.read_text(encoding="utf-8") == content


def test_pairs_of_links_and_of_tune(tmp_path):
    link = {"a": "x", "b": "y", "relation": "overlap", "similarity": 0.25, "hours_apart": None,
            "shared_terms": ["Selka", "pier"]}  # fmt: skip
    borderline = {"a": "v", "b": "w", "titles": ["One", "Two"], "distance": 0.93, "days_apart": 1.5}
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "\n".join(json.dumps(r) for r in (link, {"borderline": [borderline]}, {**link, "a": "y", "b": "x"}))
    )
    first, second = read_pairs(path)
    assert first.key == ("x", "y")
    assert first.facts == ("overlap", "similarity 0.25", "both: Selka, pier")
    assert (second.titles, second.facts) == (("One", "Two"), ("distance 0.93", "days apart 1.5"))
    path.write_text('{"a": "x"}\n')
    with pytest.raises(InputError, match=r"pairs\.jsonl:1 is neither a pair of ids a and b, nor"):
        read_pairs(path)
    with pytest.raises(InputError, match="cannot read"):
        read_pairs(tmp_path / "none.jsonl")


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([0, 1, None, float("nan")]), min_size=5, max_size=5),
    st.lists(st.sampled_from(VERDICTS), min_size=10, max_size=10),
    st.sampled_from(["event", "thread"]),
)
def test_scores_are_shares_of_pairs(labels, verdicts, level):
    pred = dict(zip("abcde", labels, strict=True))
    judged = dict(zip(combinations("abcde", 2), verdicts, strict=True))
    good = {"event"} if level == "event" else {"event", "story"}
    known = {pair: verdict in good for pair, verdict in judged.items() if verdict}
    if not known:
        with pytest.raises(InputError, match="nothing to compare with"):
            score_judged(judged, pred, level)
        return
    found = {(a, b): pred[a] in (0, 1) and pred[a] == pred[b] for a, b in known}
    both = sum(known[pair] and found[pair] for pair in known)
    scores = score_judged(judged, pred, level)
    assert scores.n_pairs == len(known)
    assert scores.precision == (both / sum(found.values()) if any(found.values()) else 1)
    assert scores.recall == (both / sum(known.values()) if any(known.values()) else 1)
    assert scores.accuracy == sum(known[pair] == found[pair] for pair in known) / len(known)
