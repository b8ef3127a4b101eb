"""Why two articles are together or apart: the figures are those of the fit, and the words agree with them."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import storyclust as sc
from storyclust.stories.grouping import event_graph, prepare, thread_graph

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
LIMIT = 40  # articles of the examples of which all pairs are explained


@pytest.fixture(scope="module")
def records():
    return [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def stories(records):
    return sc.StoryClusterer().fit(records)


@pytest.fixture(scope="module")
def pairs(stories):
    """Evidence of all pairs of some articles."""
    rows = range(LIMIT)
    return {(a, b): stories.explain(a, b) for a, b in combinations(rows, 2)}


def test_the_verdict_is_that_of_the_labels(stories, pairs):
    for (a, b), evidence in pairs.items():
        copies = stories.deduplicator_.representatives_
        assert (evidence.verdict == "copy") == (copies[a] == copies[b])
        if evidence.verdict != "copy":
            assert (evidence.verdict == "event") == (stories.event_labels_[a] == stories.event_labels_[b])
            assert (evidence.verdict == "apart") == (stories.labels_[a] != stories.labels_[b])
    assert {evidence.verdict for evidence in pairs.values()} == {"copy", "event", "thread", "apart"}


def test_the_figures_are_those_of_the_graph(stories, records, pairs):
    ready = prepare(sc.as_articles(records))
    graph, ratios = ready.graph.toarray(), thread_graph(ready.graph).toarray() * 10
    timed = event_graph(ready.graph, ready.times, np.inf).toarray()
    compared = 0
    for (a, b), evidence in pairs.items():
        i, j = ready.place[[a, b]]
        if i == j or graph[i, j] == 0:
            continue
        compared += 1
        assert evidence.similarity == pytest.approx(graph[i, j], abs=1e-5)
        assert evidence.event_similarity == pytest.approx(timed[i, j], abs=1e-5)
        assert min(evidence.ratio, 10) == pytest.approx(ratios[i, j], rel=1e-3)
    assert compared > 20


def test_groups_merge_below_the_distances(stories, pairs):
    for evidence in pairs.values():
        if evidence.verdict == "event":
            assert evidence.merged_at < stories.event_distance
        elif evidence.verdict == "thread":
            assert evidence.merged_at < stories.thread_distance
        else:
            assert evidence.merged_at is None


def test_what_is_said_to_part_them_parts_them(records, stories, pairs):
    for (a, b), evidence in [item for item in pairs.items() if item[1].verdict == "event"][:4]:
        distance = np.nextafter(evidence.merged_at, 0)
        stricter = sc.StoryClusterer(event_distance=distance).fit(records)
        assert stricter.event_labels_[a] != stricter.event_labels_[b]
        looser = sc.StoryClusterer(event_distance=evidence.merged_at + 1e-6).fit(records)
        assert looser.event_labels_[a] == looser.event_labels_[b]


def test_the_words_tell_what_decided(pairs):
    for evidence in pairs.values():
        text = str(evidence)
        assert ("Their cosine is" in text) == (evidence.verdict != "copy")
        far = evidence.verdict in ("thread", "apart") and evidence.similarity > 0
        assert ("nearest neighbours" in text) == far
        for term in evidence.shared_terms[:8]:
            assert term in text
        if evidence.merged_at is not None:
            assert f"{evidence.merged_at:.3f}" in text
        json.dumps(evidence.as_dict())


def test_rows_are_checked(stories, records):
    for wrong in ((0, 0), (0, len(records)), (-1, 2)):
        with pytest.raises(sc.InputError):
            stories.explain(*wrong)


def test_an_undated_pair_says_so():
    stories = sc.StoryClusterer().fit(["The ferry Selka hit the pier.", "A pier was hit by the Selka."])
    evidence = stories.explain(0, 1)
    assert evidence.days_apart is None
    assert "One of them has no date" in str(evidence)
