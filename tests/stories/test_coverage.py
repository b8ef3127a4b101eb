"""Links between articles on one happening: the running example, and what must hold for any corpus."""

import itertools
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reference_stories import stop_words

import storyclust as sc
from storyclust.articles.records import as_articles
from storyclust.cli.app import main
from storyclust.cluster.background_similarity import background_similarity
from storyclust.text.furniture import find_furniture, without_spans

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
JAPAN_INDIA = "japan-india-two-plus-two"
MARCH = frozenset(("jp-in-2024-march-a", "jp-in-2024-march-b"))

FERRY = {"title": "Ferry Selka hits pier", "text": "The ferry Selka hit the Aldmouth pier on Monday."}
PIER = {"title": "Pier struck by ferry", "text": "An Aldmouth pier was struck on Monday by the Selka."}
BUDGET = {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."}

JAPANESE = (
    {"title": "日印外相が会談", "text": "上川陽子外相は東京でインドのジャイシャンカル外相と会談した。"},
    {
        "title": "東京で日印会談",
        "text": "インドのジャイシャンカル外相が東京を訪れ、上川陽子外相と会談を行った。",
    },
)
HINDI = (
    {
        "title": "टोक्यो में वार्ता",
        "text": "विदेश मंत्री जयशंकर ने टोक्यो में जापान की विदेश मंत्री कामिकावा से मुलाकात की।",
    },
    {
        "title": "जयशंकर टोक्यो पहुंचे",
        "text": "जापान की कामिकावा और भारत के जयशंकर के बीच टोक्यो में गुरुवार को वार्ता हुई।",
    },
)


@pytest.fixture(scope="module")
def records():
    return [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def links(records):
    return sc.coverage_links(records)


@pytest.fixture(scope="module")
def whenever(records):
    return sc.coverage_links(records, event_window=None)


@pytest.fixture(scope="module")
def dedup(records):
    return sc.Deduplicator().fit(records)


def without(records, *fields):
    return [{name: value for name, value in record.items() if name not in fields} for record in records]


def overlaps(links):
    return [link for link in links if link.relation == "overlap"]


def by_id(links, records):
    """What is said of each pair, by the ids of its articles."""
    return {
        frozenset((records[link.a]["id"], records[link.b]["id"])): (
            link.relation,
            round(link.similarity, 9),
            link.gap,
            link.shared_terms,
        )
        for link in links
    }


def words(text):
    """Words of a text in a script that has spaces, case-folded."""
    return re.findall(r"\w+", text.casefold())


def phrases(record):
    """Words and pairs of words that stand next to one another in an article."""
    tokens = words(f"{record['title']}\n{record['text']}")
    return {(token,) for token in tokens} | set(itertools.pairwise(tokens))


# The running example


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("dated", [True, False])
def test_two_reports_on_one_meeting_are_linked_by_the_names_in_them(records, alone, dated):
    chosen = [record for record in records if not alone or record["story"] == JAPAN_INDIA]
    assert len(chosen) == (5 if alone else 99)
    chosen = chosen if dated else without(chosen, "published")
    relation, similarity, gap, terms = by_id(sc.coverage_links(chosen), chosen)[MARCH]
    assert relation == "overlap"
    assert 0.16 <= similarity < 1
    assert (gap is not None) == dated
    assert any("Kamikawa" in term for term in terms[:5])
    assert any("Jaishankar" in term for term in terms[:5])


def test_the_five_reports_are_linked_within_their_meetings_only(records):
    five = [record for record in records if record["story"] == JAPAN_INDIA]
    links = sc.coverage_links(five)
    assert len(links) == 2
    assert all(five[link.a]["event"] == five[link.b]["event"] for link in links)


def test_nearly_all_links_join_articles_of_one_story(records, links):
    found = overlaps(links)
    right = sum(records[link.a]["story"] == records[link.b]["story"] for link in found)
    assert len(found) >= 40
    assert right / len(found) >= 0.95


# Relations


def test_rows_are_ordered_and_no_pair_is_linked_twice(links):
    pairs = [(link.a, link.b) for link in links]
    assert pairs == sorted(set(pairs))
    assert all(type(row) is int for pair in pairs for row in pair)
    assert all(a < b for a, b in pairs)


def test_copies_are_what_the_deduplicator_says(links, dedup):
    found = {(link.a, link.b): (link.relation, link.similarity) for link in links}
    copies = {pair: said for pair, said in found.items() if said[0] in ("exact", "near")}
    prints = [tuple(each) for each in dedup.fingerprints_.tolist()]
    first = {}
    for row, own in enumerate(prints):
        if own not in first or dedup.keep_[row]:
            first[own] = row
    heads = [first[own] for own in prints]
    expected = {
        (int(a), int(b)): ("exact" if jaccard == 1 else "near", jaccard)
        for (a, b), jaccard in zip(dedup.pairs_, dedup.similarities_, strict=True)
        if (heads[a] == a and heads[b] == b) or heads[a] == heads[b] in (a, b)
    }
    assert copies == expected
    assert {relation for relation, _ in copies.values()} == {"exact", "near"}


def test_excerpts_are_what_the_deduplicator_says(links, dedup):
    excerpts = {(link.a, link.b): link.similarity for link in links if link.relation == "excerpt"}
    copies = {tuple(pair) for pair in dedup.pairs_.tolist()}
    expected = {
        pair: share
        for excerpt, share in zip(dedup.excerpts_.tolist(), dedup.containments_, strict=True)
        if (pair := tuple(sorted(excerpt))) not in copies
    }
    assert excerpts == expected
    assert len(excerpts) > 0


def test_near_copies_have_the_jaccard_similarity_of_their_shingles(records, links):
    near = [link for link in links if link.relation == "near"]
    assert len(near) > 0
    for link in near:
        evidence = sc.explain(records[link.a], records[link.b])
        assert link.similarity == pytest.approx(evidence.similarity)
        assert 0.8 <= link.similarity < 1


def test_overlap_is_among_those_kept_of_each_group_of_copies(links, dedup):
    assert all(dedup.keep_[link.a] and dedup.keep_[link.b] for link in overlaps(links))


def test_overlap_is_the_corrected_cosine_and_no_pair_is_missed(records, whenever, dedup):
    kept = np.flatnonzero(dedup.keep_)
    vectorizer = sc.NewsVectorizer()
    independent = sc.as_articles([records[row] for row in kept])
    X = vectorizer.fit_transform(without_spans(independent, find_furniture(independent)))
    null_similarity = background_similarity(X, vectorizer.groups_)
    floor = np.maximum.outer(null_similarity, null_similarity)
    cosines = ((X @ X.T).toarray() - floor) / (1 - floor)
    found = {(link.a, link.b): link.similarity for link in overlaps(whenever)}
    other = {(link.a, link.b) for link in whenever if link.relation != "overlap"}
    expected = {
        (int(kept[i]), int(kept[j])): cosines[i, j]
        for i, j in itertools.combinations(range(len(kept)), 2)
        if cosines[i, j] >= 0.16 and (kept[i], kept[j]) not in other
    }
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("least", [0.15, 0.3, 0.5, 1.0])
def test_least_similarity(records, least):
    links = sc.coverage_links(records, min_similarity=least)
    assert all(link.similarity >= least - 1e-12 for link in overlaps(links))
    assert sum(link.relation != "overlap" for link in links) == 12


# Time


def test_overlap_lies_within_the_window(records, links, whenever, dedup):
    assert all(link.gap <= timedelta(days=7) for link in overlaps(links))
    assert any(link.gap > timedelta(days=7) for link in overlaps(whenever))
    near = {pair: said for pair, said in by_id(whenever, records).items() if said[2] <= timedelta(days=7)}
    for pair, said in by_id(links, records).items():
        assert near.get(pair) == said or said[0] != "overlap"


@pytest.mark.parametrize(("days", "linked"), [(6.99, True), (7, True), (7.01, False)])
def test_the_end_of_the_window(days, linked):
    start = datetime(2024, 3, 7, 8, 20, 13, tzinfo=UTC)
    pair = [FERRY | {"published": start + timedelta(days=days)}, PIER | {"published": start}]
    links = sc.coverage_links(pair)
    assert [link.relation for link in links] == ["overlap"] * linked
    assert len(sc.coverage_links(pair, event_window=None)) == 1


def test_no_window_at_all_is_only_what_appeared_at_once():
    now, later = "2024-03-07T08:20:13Z", "2024-03-07T08:20:14Z"
    assert sc.coverage_links([FERRY | {"published": now}, PIER | {"published": later}], event_window=0) == []
    together = [FERRY | {"published": now}, PIER | {"published": now}]
    assert len(sc.coverage_links(together, event_window=0)) == 1


def test_undated_articles_are_linked_with_any(records):
    links = sc.coverage_links([FERRY, PIER | {"published": "1999-01-01"}], event_window=0)
    assert [link.gap for link in links] == [None]


def test_copies_are_linked_however_long_after():
    links = sc.coverage_links(
        [FERRY | {"published": "1999-01-01"}, FERRY | {"published": "2024-01-01"}], event_window=1
    )
    assert [(link.relation, link.similarity) for link in links] == [("exact", 1.0)]


LONG_FERRY = " ".join(f"The ferry Selka hit pier {k} of Aldmouth." for k in range(20))


def test_equal_texts_are_linked_to_the_kept_one_only():
    later = [{"title": "Ferry", "text": LONG_FERRY, "published": f"2024-03-0{day}"} for day in (3, 2, 4, 5)]
    edited = {"title": "Ferry", "text": LONG_FERRY + " More soon.", "published": "2024-03-09"}
    links = sc.coverage_links([*later, edited, edited])
    assert [(link.a, link.b, link.relation) for link in links] == [
        *((0, 1, "exact"), (1, 2, "exact"), (1, 3, "exact"), (1, 4, "near"), (4, 5, "exact")),
    ]
    assert links[0].shared_passages == links[1].shared_passages == links[2].shared_passages
    assert links[0].shared_passages == sc.explain(LONG_FERRY, LONG_FERRY).passages
    assert links[0].shared_terms == links[2].shared_terms


def test_the_least_containment_of_excerpts_is_a_parameter():
    words = [f"w{k}" for k in range(200)]
    texts = [" ".join(words), " ".join([*words[:60], *(f"x{k}" for k in range(60))])]
    assert [link for link in sc.coverage_links(texts) if link.relation == "excerpt"] == []
    (link,) = sc.coverage_links(texts, min_containment=0.2)
    assert (link.relation, link.similarity) == ("excerpt", pytest.approx(56 / 116))


def test_gap_is_the_time_between(records, links):
    listed = as_articles(records)
    assert all(link.gap == abs(listed[link.a].published - listed[link.b].published) for link in links)
    zones = [
        FERRY | {"published": "2024-03-07T23:00:00+09:00"},
        PIER | {"published": "2024-03-07T12:30:00Z"},
    ]
    assert sc.coverage_links(zones)[0].gap == timedelta(hours=1, minutes=30)
    assert {link.gap for link in sc.coverage_links(without(records, "published"))} == {None}


# Terms and passages


def test_shared_terms_stand_in_both_articles(records, whenever):
    seen = 0
    for link in whenever:
        pair = records[link.a], records[link.b]
        if {record["lang"] for record in pair} & {"ja", "hi"}:
            continue
        in_both = set.intersection(*map(phrases, pair))
        for term in link.shared_terms:
            assert tuple(words(term)) in in_both, (pair[0]["id"], pair[1]["id"], term)
            seen += 1
    assert seen > 500


def test_no_term_shares_a_word_with_another_and_none_is_a_stop_word(records, whenever):
    for link in whenever:
        language = records[link.a]["lang"]
        used = [word for term in link.shared_terms for word in re.split(r"[\s-]+", term.casefold())]
        assert max(Counter(used).values(), default=1) == 1, link.shared_terms
        assert not set(used) & set(stop_words(language)), link.shared_terms
        assert len(link.shared_terms) <= 12


def test_terms_of_articles_without_a_word_in_common_are_none():
    links = sc.coverage_links(["...", "..."])
    assert [(link.relation, link.shared_terms) for link in links] == [("exact", ())]


def test_passages_are_what_explain_finds(records, links):
    for link in links[:20]:
        assert link.shared_passages == sc.explain(records[link.a], records[link.b]).passages
    copy = next(link for link in links if link.relation == "exact")
    assert copy.shared_passages[0].n_tokens > 50


@pytest.mark.parametrize("pair", [JAPANESE, HINDI])
def test_other_scripts(pair):
    (link,) = sc.coverage_links(pair, min_similarity=0.05)
    assert (link.a, link.b, link.relation) == (0, 1, "overlap")
    assert len(link.shared_terms) > 0
    texts = [record["title"] + "\n" + record["text"] for record in pair]
    assert all(term in text for term in link.shared_terms for text in texts)
    assert isinstance(link.shared_passages, tuple)


def test_scripts_together_are_not_linked():
    links = sc.coverage_links([*JAPANESE, *HINDI, FERRY, PIER], min_similarity=0.05)
    assert {(link.a, link.b) for link in links} == {(0, 1), (2, 3), (4, 5)}


# Any order, any number of threads, any make of input


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_order_of_articles_does_not_matter(records, seed, dated):
    chosen = records if dated else without(records, "published")
    shuffled = [chosen[row] for row in np.random.default_rng(seed).permutation(len(chosen))]
    assert by_id(sc.coverage_links(shuffled), shuffled) == by_id(sc.coverage_links(chosen), chosen)


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_number_of_threads_does_not_matter(records, links, n_jobs):
    found = sc.coverage_links(records, n_jobs=n_jobs)
    assert [(k.a, k.b, k.relation, k.similarity) for k in found] == [
        (k.a, k.b, k.relation, k.similarity) for k in links
    ]
    assert [link.shared_terms for link in found] == [link.shared_terms for link in links]


def test_strings_frames_articles_and_iterators(records, links):
    def said(links):
        return [(link.a, link.b, link.relation, link.similarity, link.gap) for link in links]

    assert said(sc.coverage_links(as_articles(records))) == said(links)
    assert said(sc.coverage_links(iter(records))) == said(links)
    assert said(sc.coverage_links(pd.DataFrame(records))) == said(links)
    texts = [f"{record['title']}. {record['text']}" for record in (FERRY, PIER, BUDGET)]
    (link,) = sc.coverage_links(texts)
    assert (link.a, link.b, link.relation, link.gap) == (0, 1, "overlap", None)
    assert {"Aldmouth", "Selka"} <= set(link.shared_terms)


def test_none_one_and_empty_articles():
    assert sc.coverage_links([]) == []
    assert sc.coverage_links([FERRY]) == []
    assert sc.coverage_links([FERRY, BUDGET]) == []
    assert [link.relation for link in sc.coverage_links(["", ""])] == ["exact"]
    assert sc.coverage_links(["", FERRY]) == []


def test_repr():
    (link,) = sc.coverage_links([FERRY, PIER, BUDGET])
    assert repr(link) == f"Link(0, 1, 'overlap', {link.similarity:.3f})"


@pytest.mark.parametrize("articles", [[], [FERRY, PIER]])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_similarity", 0),
        ("min_similarity", 1.01),
        ("min_similarity", float("nan")),
        ("min_similarity", "high"),
        ("min_similarity", True),
        ("event_window", -1),
        ("event_window", float("nan")),
        ("event_window", "week"),
        ("n_jobs", 0),
        ("n_jobs", 1.5),
    ],
)
def test_parameters_out_of_range_are_named(name, value, articles):
    with pytest.raises(sc.InputError, match=name):
        sc.coverage_links(articles, **{name: value})


def test_what_is_no_article_is_named():
    with pytest.raises(sc.StoryclustError, match="1"):
        sc.coverage_links([FERRY, 7])


# The command line


def test_links_on_the_command_line(records, links, capsysbinary):
    assert main(["links", str(NEWSDESK)]) == 0
    out, err = capsysbinary.readouterr()
    said = [json.loads(line) for line in out.splitlines()]
    assert f"{len(links)} links".encode() in err
    assert len(said) == len(links)
    for record, link in zip(said, links, strict=True):
        assert record == {
            "a": records[link.a]["id"],
            "b": records[link.b]["id"],
            "relation": link.relation,
            "similarity": round(link.similarity, 4),
            "hours_apart": round(link.gap.total_seconds() / 3600, 1),
            "shared_terms": list(link.shared_terms),
            "shared_passages": [passage.text_a for passage in link.shared_passages],
        }


@pytest.mark.parametrize(
    ("option", "value", "code", "named"),
    [
        ("--min-similarity", "1.5", 2, b"--min-similarity must lie in"),
        ("--event-window", "-1", 2, b"event_window must lie in"),
        ("--min-similarity", "high", 2, b"--min-similarity"),
    ],
)
def test_bad_values_on_the_command_line(option, value, code, named, capsysbinary):
    try:
        left = main(["links", str(NEWSDESK), f"{option}={value}"])
    except SystemExit as leave:
        left = leave.code
    out, err = capsysbinary.readouterr()
    assert left == code
    assert out == b""
    assert named in err
