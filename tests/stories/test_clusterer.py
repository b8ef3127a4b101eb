"""Articles to events and story threads: the running example, and what must hold for any corpus."""

import json
import math
import pickle
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_stories import b_cubed, partition
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order
from storyclust.articles.records import as_articles
from storyclust.cluster.local_scaling import local_scales
from storyclust.cluster.medoids import find_medoids, medoids_of
from storyclust.stories.grouping import find_events, find_threads, thread_graph
from storyclust.text.furniture import without_spans

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
JAPAN_INDIA = "japan-india-two-plus-two"


@pytest.fixture(scope="module")
def records():
    return [json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def stories(records):
    return sc.StoryClusterer().fit(records)


def without(records, *fields):
    return [{name: value for name, value in record.items() if name not in fields} for record in records]


def ids(records, rows):
    return {records[row]["id"] for row in rows}


def f1(gold, pred):
    precision, recall = b_cubed(gold, pred)
    return 2 * precision * recall / (precision + recall)


def assert_well_formed(stories, articles):
    """What holds for every corpus."""
    n = len(articles)
    threads = stories.threads_
    assert stories.labels_.shape == stories.event_labels_.shape == (n,)
    assert stories.labels_.dtype == stories.event_labels_.dtype == np.int64
    assert sorted(row for thread in threads for row in thread.members) == list(range(n))
    assert [len(thread) for thread in threads] == sorted(map(len, threads), reverse=True)
    events = [event for thread in threads for event in thread.events]
    assert [event.label for event in events] == list(range(len(events)))
    for number, thread in enumerate(threads):
        assert thread.label == number
        assert np.flatnonzero(stories.labels_ == number).tolist() == thread.members.tolist()
        assert sorted(row for event in thread.events for row in event.members) == thread.members.tolist()
        starts = [event.start for event in thread.events]
        dated = [start for start in starts if start is not None]
        assert starts == sorted(dated) + [None] * (len(starts) - len(dated))
    for event in events:
        assert np.flatnonzero(stories.event_labels_ == event.label).tolist() == event.members.tolist()
    keep = stories.deduplicator_.keep_
    for reports in [*threads, *events]:
        assert reports.independent.tolist() == [row for row in reports.members if keep[row]]
        assert reports.medoid in reports.independent
        assert reports.representative in reports.members
        dates = [articles[row].published for row in reports.members if articles[row].published]
        assert reports.start == min(dates, default=None)
        assert reports.end == max(dates, default=None)
        assert reports.sources == sorted({articles[row].source for row in reports.members} - {None, ""})
    for row, original in enumerate(stories.deduplicator_.representatives_):
        assert stories.event_labels_[row] == stories.event_labels_[original]
    for thread in threads:
        assert_linkage(thread, stories)


def assert_linkage(thread, stories):
    """Its matrix is one, and cuts at the distances give its events and the whole."""
    rows, Z = thread.independent, thread.linkage()
    assert Z.shape == (len(rows) - 1, 4)
    assert Z.dtype == np.float64
    if len(rows) == 1:
        return
    assert hierarchy.is_valid_linkage(Z)
    assert hierarchy.is_monotonic(Z)
    events = hierarchy.fcluster(Z, stories.event_distance, "distance").tolist()
    assert partition(events) == partition(stories.event_labels_[rows].tolist())
    assert Z[-1, 2] < stories.thread_distance or Z[-1, 2] == np.nextafter(stories.event_distance, 2)


# The running example


def example(records):
    return [row for row, record in enumerate(records) if record["story"] == JAPAN_INDIA]


def assert_one_thread_of_the_five(stories, records):
    rows = example(records)
    assert len(rows) == 5
    thread = stories.threads_[stories.labels_[rows[0]]]
    assert ids(records, thread.members) == ids(records, rows)
    return thread


def assert_three_events(thread, records):
    wanted = [
        {"jp-in-2019-a"},
        {"jp-in-2024-march-a", "jp-in-2024-march-b"},
        {"jp-in-2024-aug-a", "jp-in-2024-aug-b"},
    ]
    assert [ids(records, event.members) for event in thread.events] == wanted


def test_five_reports_of_three_meetings_are_one_thread_of_three_events(stories, records):
    thread = assert_one_thread_of_the_five(stories, records)
    assert_three_events(thread, records)
    assert len(thread.independent) == 5
    assert thread.start == datetime(2019, 9, 3, 9, 40, tzinfo=UTC)
    assert thread.end.year == 2024


def test_five_reports_alone(records):
    five = [records[row] for row in example(records)]
    stories = sc.StoryClusterer().fit(five)
    thread = assert_one_thread_of_the_five(stories, five)
    assert_three_events(thread, five)
    assert len(stories.threads_) == 1


def test_without_dates_they_are_one_thread(records):
    undated = without(records, "published")
    thread = assert_one_thread_of_the_five(sc.StoryClusterer().fit(undated), undated)
    assert thread.start is thread.end is None
    five = [undated[row] for row in example(undated)]
    assert_one_thread_of_the_five(sc.StoryClusterer().fit(five), five)


def test_without_a_window_they_are_one_thread(records):
    stories = sc.StoryClusterer(event_window=None).fit(records)
    assert_one_thread_of_the_five(stories, records)
    five = [records[row] for row in example(records)]
    assert_one_thread_of_the_five(sc.StoryClusterer(event_window=None).fit(five), five)
    infinite = sc.StoryClusterer(event_window=math.inf).fit(records)
    assert np.array_equal(infinite.event_labels_, stories.event_labels_)


@pytest.mark.parametrize("window", [2.0, 30.0])
def test_the_width_of_the_window_does_not_matter_much(records, window):
    stories = sc.StoryClusterer(event_window=window).fit(records)
    assert_three_events(assert_one_thread_of_the_five(stories, records), records)


def test_untitled_they_are_one_thread_of_three_events(records):
    untitled = without(records, "title")
    thread = assert_one_thread_of_the_five(sc.StoryClusterer().fit(untitled), untitled)
    assert_three_events(thread, untitled)


# The example corpus


def test_scores_on_the_example_corpus(stories, records):
    assert len(records) == 99
    assert f1([record["story"] for record in records], stories.labels_.tolist()) >= 0.88
    assert f1([record["event"] for record in records], stories.event_labels_.tolist()) >= 0.95


def test_the_example_corpus_is_well_formed(stories, records):
    assert_well_formed(stories, as_articles(records))


def test_copies_share_event_and_thread_with_their_originals(stories, records):
    row_of = {record["id"]: row for row, record in enumerate(records)}
    copies = [(row_of[r["id"]], row_of[r["duplicate_of"]]) for r in records if r["duplicate_of"]]
    assert len(copies) > 5
    for copy, original in copies:
        assert stories.labels_[copy] == stories.labels_[original]
        assert stories.event_labels_[copy] == stories.event_labels_[original]
        assert not stories.deduplicator_.keep_[copy]


def test_templated_notices_are_not_copies(stories, records):
    rows = [row for row, record in enumerate(records) if record["story"].startswith("notice-")]
    assert len(rows) >= 5
    assert stories.deduplicator_.keep_[rows].all()


def test_summaries_and_headlines_come_from_the_members(stories, records):
    for thread in stories.threads_:
        assert thread.headline in {records[row]["title"] for row in thread.independent}
        assert thread.keywords
        for sentence in thread.summary.sentences:
            assert sentence.article in thread.independent
            source = records[sentence.article]["text"][sentence.start : sentence.end]
            assert " ".join(source.split()) == sentence.string
        assert repr(thread).startswith(f"StoryThread({thread.label}, {len(thread)} articles, ")
    assert repr(stories.threads_[0].events[0]).startswith("Event(0, ")


def by_id(stories, records):
    names = [record["id"] for record in records]
    return (
        partition_of(stories.labels_, names),
        partition_of(stories.event_labels_, names),
        {
            frozenset(names[row] for row in thread.members): (
                thread.headline,
                thread.summary.text,
                thread.keywords,
                names[thread.representative],
                tuple(names[event.representative] for event in thread.events),
            )
            for thread in stories.threads_
        },
    )


def partition_of(labels, names):
    return {frozenset(names[row] for row in group) for group in partition(labels.tolist())}


def test_the_order_of_the_example_corpus_does_not_matter(stories, records):
    shuffled = [records[row] for row in np.random.default_rng(7).permutation(len(records))]
    assert by_id(sc.StoryClusterer().fit(shuffled), shuffled) == by_id(stories, records)
    assert by_id(sc.StoryClusterer().fit(records[::-1]), records[::-1]) == by_id(stories, records)


def test_threads_of_the_processor_and_chunks_do_not_matter(stories, records, monkeypatch):
    monkeypatch.setattr("storyclust._core.parallel.CHUNK_BYTES", 5000)
    other = sc.StoryClusterer(n_jobs=2).fit(records)
    assert np.array_equal(other.labels_, stories.labels_)
    assert np.array_equal(other.event_labels_, stories.event_labels_)
    assert [thread.summary for thread in other.threads_] == [thread.summary for thread in stories.threads_]


def test_input_of_every_make(stories, records):
    wanted = stories.labels_
    for X in (tuple(records), iter(records), pd.DataFrame(records), as_articles(records)):
        other = sc.StoryClusterer().fit(X)
        assert np.array_equal(other.labels_, wanted)
    assert np.array_equal(sc.StoryClusterer().fit_predict(records), wanted)
    strings = sc.StoryClusterer().fit([f"{record['title']}. {record['text']}" for record in records])
    assert_one_thread_of_the_five(strings, records)


def test_the_input_is_not_changed(records):
    before = json.dumps(records)
    sc.StoryClusterer().fit(records)
    assert json.dumps(records) == before


# Any corpus

START = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = "ferry pier Aldmouth storm harbour mayor budget vote Carrow rail strike union tram museum".split()


@st.composite
def corpora(draw, max_size=12):
    """Small worlds in which much resembles much, with copies, gaps, empty texts and dates or none."""
    n = draw(st.integers(0, max_size))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = []
    for number in range(n):
        kind = rng.integers(8)
        text = " ".join(rng.choice(WORDS, rng.integers(3, 25)))
        if kind == 0:
            text = ""
        if kind == 1 and found:
            text = found[rng.integers(len(found))]["text"]
        record = {"id": f"a{number}", "title": " ".join(rng.choice(WORDS, rng.integers(0, 4))), "text": text}
        if rng.random() < 0.7:
            record["published"] = (START + timedelta(days=int(rng.integers(0, 25)))).isoformat()
        if rng.random() < 0.5:
            record["source"] = str(rng.choice(["b.example", "a.example"]))
        found.append(record)
    return found


@given(
    corpora(), st.sampled_from([None, 0.0, 3.0, 7.0]), st.sampled_from([(0.84, 0.9), (0.3, 0.95), (0.6, 0.6)])
)
@settings(max_examples=40)
def test_any_corpus_gives_nested_well_formed_groups(corpus, window, distances):
    stories = sc.StoryClusterer(distances[0], window, distances[1]).fit(corpus)
    articles = as_articles(corpus)
    assert_well_formed(stories, articles)
    for thread in stories.threads_:
        for event in thread.events:
            dates = [articles[row].published for row in event.independent if articles[row].published]
            if dates and window is not None:
                assert max(dates) - min(dates) <= timedelta(days=window)


@given(corpora(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_any_corpus_does_not_matter(corpus, random):
    shuffled = random.sample(corpus, len(corpus))
    one, other = (by_id(sc.StoryClusterer().fit(c), c) for c in (corpus, shuffled))
    assert one[0] == other[0]
    assert one[1] == other[1]
    headlines = [{members: facts[0] for members, facts in found[2].items()} for found in (one, other)]
    assert headlines[0] == headlines[1]


def test_of_copies_without_an_id_the_same_is_kept_in_any_order():
    text = "The ferry Selka struck the pier in Aldmouth on Monday and nobody on board was hurt."
    corpus = [{"title": "Ferry strikes pier", "text": text}, {"title": "Pier struck by ferry", "text": text}]
    one, other = (sc.StoryClusterer().fit(c).threads_[0].headline for c in (corpus, corpus[::-1]))
    assert one == other


def report(number, story=0):
    """Independent reports of one happening: some of its sentences, in some order, and two of its own."""
    rng = np.random.default_rng((story, number))
    common = [" ".join(f"s{story}w{8 * k + j}" for j in range(8)) for k in range(6)]
    own = [" ".join(f"own{story}x{number}x{8 * k + j}" for j in range(8)) for k in range(2)]
    chosen = [*(common[k] for k in rng.permutation(6)[:4]), *own]
    return " ".join(f"{chosen[k].capitalize()}." for k in rng.permutation(6))


def test_the_order_does_not_matter_to_a_thread_too_long_to_be_read_whole():
    corpus = [{"id": f"a{k}", "title": f"Title {k}", "text": report(k)} for k in range(45)]
    shuffled = [corpus[row] for row in np.random.default_rng(0).permutation(45)]
    one, other = (by_id(sc.StoryClusterer().fit(c), c) for c in (corpus, shuffled))
    assert len(one[0]) == 1
    assert one == other


def test_an_event_spans_no_more_than_the_window():
    texts = [report(k) for k in range(12)]
    dated = [{"text": t, "published": (START + timedelta(days=k)).isoformat()} for k, t in enumerate(texts)]
    stories = sc.StoryClusterer(event_window=3).fit(dated)
    assert len(stories.threads_) == 1
    assert len(stories.threads_[0].events) >= 3
    for event in stories.threads_[0].events:
        assert event.end - event.start <= timedelta(days=3)
    assert len(sc.StoryClusterer(event_window=11).fit(dated).threads_[0].events) == 1
    assert len(sc.StoryClusterer(event_window=None).fit(dated).threads_[0].events) == 1


def test_the_edge_of_the_window_is_inside_it():
    pair = [
        {"text": report(0), "published": "2024-01-01T00:00:00Z", "lang": "en"},
        {"text": report(1), "published": "2024-01-08T00:00:00Z", "lang": "en"},
    ]
    assert sc.StoryClusterer(event_window=7).fit(pair).event_labels_.tolist() == [0, 0]
    assert sc.StoryClusterer(event_window=6.99).fit(pair).event_labels_.tolist() == [0, 1]


def test_a_window_of_nothing_still_joins_what_has_one_time():
    same = [{"text": report(k), "published": "2024-01-01T00:00:00Z"} for k in range(3)]
    assert sc.StoryClusterer(event_window=0).fit(same).event_labels_.tolist() == [0, 0, 0]


def test_threads_are_biggest_first_then_earliest():
    corpus = [
        {"text": report(k, story), "published": f"2024-01-0{9 - story}"}
        for story in range(3)
        for k in range(4)
    ]
    corpus += [{"text": report(9, 1), "published": "2024-01-09"}]
    stories = sc.StoryClusterer().fit(corpus)
    assert [len(thread) for thread in stories.threads_[:3]] == [5, 4, 4]
    assert stories.labels_.tolist() == [2] * 4 + [0] * 4 + [1] * 4 + [0]


# Extremes


def test_no_article():
    stories = sc.StoryClusterer().fit([])
    assert_well_formed(stories, [])
    assert stories.threads_ == []


@pytest.mark.parametrize(
    "article", ["The ferry struck the pier.", "", " ", {"title": "Only a title", "text": ""}]
)
def test_one_article(article):
    stories = sc.StoryClusterer().fit([article])
    assert_well_formed(stories, as_articles([article]))
    thread = stories.threads_[0]
    assert isinstance(thread.headline, str)
    assert isinstance(thread.summary.text, str)
    assert len(thread) == len(thread.events) == 1


def test_all_alike():
    stories = sc.StoryClusterer().fit(["The ferry struck the pier in Aldmouth on Monday."] * 50)
    assert stories.labels_.tolist() == [0] * 50
    assert stories.event_labels_.tolist() == [0] * 50
    assert len(stories.threads_[0].independent) == 1


def test_all_texts_empty():
    stories = sc.StoryClusterer().fit([""] * 20)
    assert_well_formed(stories, as_articles([""] * 20))
    assert [thread.summary.text for thread in stories.threads_] == [""] * len(stories.threads_)


def test_texts_empty_and_titles_different():
    corpus = [{"title": f"Title{k} w{k} x{k} y{k}", "text": ""} for k in range(20)]
    stories = sc.StoryClusterer().fit(corpus)
    assert_well_formed(stories, as_articles(corpus))
    assert len(stories.threads_) == 20
    assert {thread.headline for thread in stories.threads_} == {record["title"] for record in corpus}


def test_a_hundred_empty_titles():
    corpus = [{"title": "", "text": report(k, k % 10)} for k in range(100)]
    stories = sc.StoryClusterer().fit(corpus)
    assert_well_formed(stories, as_articles(corpus))
    assert partition(stories.labels_.tolist()) == partition([k % 10 for k in range(100)])
    assert all(thread.headline for thread in stories.threads_)


def test_articles_like_no_other_are_threads_of_their_own():
    stories = sc.StoryClusterer().fit([report(0, story) for story in range(30)])
    assert len(stories.threads_) == 30
    assert sorted(stories.labels_.tolist()) == list(range(30))


def test_unrelated_articles_that_share_one_ordinary_word_are_not_one_story():
    corpus = [
        "The ferry struck the pier in Aldmouth on Monday and sank. Nobody was hurt, its master said.",
        "Parliament in Carrow adopted the yearly budget on Monday. The opposition abstained after debate.",
        "A museum in Voormann reopened on Monday with a show of clocks lent by a maker from Strandhaven.",
    ]
    assert sc.StoryClusterer().fit(corpus).labels_.tolist() == [0, 1, 2]


FRENCH = [
    "Le traversier Selka a heurté lundi le quai d'Aldmouth dans le brouillard, sans faire de blessé.",
    "Dans le brouillard, le traversier Selka a percuté lundi le quai d'Aldmouth. Aucun blessé n'est signalé.",
]


@pytest.mark.parametrize("others", [0, 60])
def test_two_reports_in_a_language_of_their_own_are_one_story(records, others):
    english = [record for record in records if record["lang"] == "en"][:others]
    stories = sc.StoryClusterer().fit([*english, *({"text": text, "lang": "fr"} for text in FRENCH)])
    assert stories.event_labels_[-1] == stories.event_labels_[-2]
    thread = stories.threads_[stories.labels_[-1]]
    assert len(thread) == 2


# Parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"event_distance": 1.2}, r"event_distance must lie in \[0, 1\], got 1.2"),
        ({"event_distance": "tight"}, "event_distance must be a number, got 'tight'"),
        ({"thread_distance": -1}, r"thread_distance must lie in \[0, 1\], got -1"),
        ({"thread_distance": math.nan}, r"thread_distance must lie in \[0, 1\], got nan"),
        (
            {"event_distance": 0.95, "thread_distance": 0.9},
            r"thread_distance must not be less than event_distance \(0.95\), got 0.9",
        ),
        ({"event_window": -1}, "event_window must lie in"),
        ({"event_window": "week"}, "event_window must be a number, got 'week'"),
        ({"event_window": math.nan}, "event_window must lie in"),
        ({"copy_threshold": 0}, r"copy_threshold must lie in \(0, 1\], got 0"),
        ({"copy_threshold": None}, "copy_threshold must be a number, got None"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(sc.InputError, match=message):
        sc.StoryClusterer(**parameters).fit(["a text"])


def test_equal_distances_make_every_thread_one_event_where_there_is_no_window():
    corpus = [report(k, k % 3) for k in range(12)]
    stories = sc.StoryClusterer(0.85, None, 0.85).fit(corpus)
    assert partition(stories.labels_.tolist()) == partition(stories.event_labels_.tolist())


def test_distances_of_nothing_and_of_everything():
    corpus = [report(k, k % 3) for k in range(9)]
    alone = sc.StoryClusterer(0, None, 0).fit(corpus)
    assert len(alone.threads_) == 9
    assert_well_formed(sc.StoryClusterer(0, None, 1).fit(corpus), as_articles(corpus))


def test_clone_pickle_and_parameters(stories, records):
    model = sc.StoryClusterer(event_window=3, n_jobs=2)
    assert model.get_params() == {
        "event_distance": 0.92,
        "event_window": 3,
        "thread_distance": 0.93,
        "copy_threshold": 0.8,
        "clean": True,
        "n_jobs": 2,
        "memory_limit": None,
    }
    assert clone(model).get_params() == model.get_params()
    assert "event_window=3" in repr(model)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    copy = pickle.loads(pickle.dumps(stories))  # noqa: S301
    assert np.array_equal(copy.labels_, stories.labels_)
    assert by_id(copy, records) == by_id(stories, records)
    assert np.array_equal(copy.threads_[0].linkage(), stories.threads_[0].linkage())


@pytest.mark.parametrize("lang", ["en", None])
def test_a_few_unrelated_english_articles_that_share_one_word_are_apart(lang):
    texts = [
        "The ferry struck the old harbour wall. Three sailors were slightly injured. The police ask why.",
        "A baker won the national contest. His bread charmed every judge. He thanked the police for help.",
        "Snow closed the mountain road on Sunday. Two buses got stuck for hours. The police turned back.",
    ]
    for n in (2, 3):
        stories = sc.StoryClusterer().fit([{"text": text, "lang": lang} for text in texts[:n]])
        assert stories.labels_.tolist() == stories.event_labels_.tolist() == list(range(n))


# Pieces


def test_pairs_outside_the_window_do_not_count_towards_an_event():
    S = np.array([[0, 0.5, 0.9], [0.5, 0, 0.0], [0.9, 0.0, 0]])
    labels = find_events(sparse.csr_array(S), np.array([0.0, 1.0, 30.0]), 0.8, 7.0)
    assert labels.tolist() == [0, 0, 1]
    labels = find_events(sparse.csr_array(S), np.array([0.0, 1.0, math.nan]), 0.8, 7.0)
    assert labels.tolist() == [0, 0, 0]


def test_a_linkage_is_what_was_joined_and_when(stories, records):
    thread = assert_one_thread_of_the_five(stories, records)
    Z = thread.linkage()
    assert Z[:2, 2].max() < stories.event_distance < Z[2, 2] <= Z[3, 2] < stories.thread_distance
    assert Z[:2, 3].tolist() == [2, 2]
    Z[:] = 0
    assert thread.linkage()[:, 3].all(), "a copy is given"


def test_linkages_are_of_one_make_whatever_the_order(stories, records):
    again = sc.StoryClusterer().fit(records[::-1])
    for thread, other in zip(stories.threads_, again.threads_, strict=True):
        if len(thread.independent) > 1:
            one, two = (squareform(hierarchy.cophenet(each.linkage())) for each in (thread, other))
            assert np.array_equal(one, two[::-1, ::-1])


def test_what_only_the_window_parts_is_joined_just_above_the_events():
    text = "The ferry Selka hit the pier in Aldmouth and nobody was hurt, police said"
    days = ["2024-03-04", "2024-03-05", "2024-08-20"]
    articles = [{"text": f"{text} {k} {'once again' * k}", "published": day} for k, day in enumerate(days)]
    stories = sc.StoryClusterer(copy_threshold=1.0).fit(articles)
    assert [len(event) for event in stories.threads_[0].events] == [2, 1]
    Z = stories.threads_[0].linkage()
    assert Z[0, 2] < Z[1, 2] == np.nextafter(stories.event_distance, 1)


def test_the_closest_pairs_are_links(stories, records):
    links = {(link.a, link.b): link.similarity for link in sc.coverage_links(records, 0.03, None)}
    kinds = Counter()
    # At the defaults no two events of a single article each are a thread.
    narrow = sc.StoryClusterer(event_distance=0.7).fit(records)
    for fitted, thread in ((each, thread) for each in (stories, narrow) for thread in each.threads_):
        pairs = thread.closest_pairs(most=2)
        assert [s for *_, s in pairs] == sorted((s for *_, s in pairs), reverse=True)
        for a, b, similarity in pairs:
            kinds[fitted.event_labels_[a] == fitted.event_labels_[b]] += 1
            assert {a, b} <= set(thread.independent.tolist())
            wanted = links[min(a, b), max(a, b)]
            assert similarity == pytest.approx(wanted, abs=1e-6) or wanted == 1.0, "an excerpt"
    assert min(kinds[True], kinds[False]) > 0


def test_threads_are_unions_of_events():
    S = np.array([[0, 0.9, 0.1, 0.1], [0.9, 0, 0.1, 0.1], [0.1, 0.1, 0, 0], [0.1, 0.1, 0, 0]])
    events = np.array([0, 0, 1, 2])
    scales = np.full(4, 0.1)
    assert find_threads(sparse.csr_array(S), events, 0.95, scales).tolist() == [0, 0, 0, 0]
    assert find_threads(sparse.csr_array(S), events, 0.85, scales).tolist() == [0, 0, 1, 2]


def test_threads_are_found_by_similarities_relative_to_the_nearest():
    """Three articles of one thread at a fifth of the similarities are one thread too, down to a limit."""
    S = np.full((3, 3), 0.5)
    np.fill_diagonal(S, 0.0)
    for factor, wanted in ((1.0, [0, 0, 0]), (0.2, [0, 0, 0]), (0.04, [0, 1, 2])):
        found = find_threads(sparse.csr_array(S * factor), np.arange(3), 0.93)
        assert found.tolist() == wanted


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.sampled_from([0.05, 0.5, 1.0]))
def test_scales_are_means_of_the_nearest(seed, n, density):
    rng = np.random.default_rng(seed)
    S = np.triu(rng.random((n, n)) * (rng.random((n, n)) < density), 1)
    S = np.round((S + S.T) * 2.0**32) / 2.0**32
    graph = sparse.csr_array(S)
    scales = np.maximum(-np.sort(-S, axis=1)[:, :20].sum(axis=1) / 20, 0.04)
    assert local_scales(graph.indptr, graph.data).tolist() == scales.tolist()
    wanted = np.minimum(S / np.sqrt(np.multiply.outer(scales, scales)) / 10, 1.0)
    np.testing.assert_allclose(thread_graph(graph).toarray(), wanted, rtol=0, atol=2.0**-32)


def test_the_medoid_is_the_longest_then_the_earliest_of_equals():
    late, early = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    pair = [Article("four words of text", published=late), Article("a longer text of six words")]
    vectors = sparse.csr_array(np.eye(2))
    assert find_medoids(vectors, np.array([0, 0]), pair).medoids.tolist() == [1]
    pair = [Article("same length", published=late), Article("same lengzz", published=early)]
    assert find_medoids(vectors, np.array([0, 0]), pair).medoids.tolist() == [1]
    three = [Article("x"), Article("y"), Article("z" * 50)]
    vectors = sparse.csr_array(np.array([[1, 0], [np.sqrt(0.5), np.sqrt(0.5)], [0, 1]]))
    assert find_medoids(vectors, np.array([0, 0, 0]), three).medoids.tolist() == [1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(1, 3))
@settings(max_examples=30)
def test_medoids_have_the_largest_product_with_the_sum_of_their_group(seed, n, n_jobs):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 12)) * (rng.random((n, 12)) < 0.5)
    labels = np.unique(rng.integers(0, 5, n), return_inverse=True)[1]
    preference = rng.permutation(n)
    found = medoids_of(sparse.csr_array(X), labels, preference, n_jobs)
    for group in range(labels.max() + 1):
        rows = np.flatnonzero(labels == group)
        total = X[rows].sum(axis=0)
        products = (X[rows] @ total).round(9) if len(rows) > 2 else np.zeros(len(rows))
        assert found.medoids[group] == min(zip(-products, preference[rows], rows, strict=True))[2]
        if len(rows) > 1:
            np.testing.assert_allclose(found.cohesions[group], np.linalg.norm(total) / len(rows))


def test_the_order_of_work_depends_on_what_articles_say():
    articles = [
        Article("b", id="1"),
        Article("a", id="2"),
        Article("a", title="t", id="0"),
        Article("a", id="0"),
    ]
    order = canonical_order(articles, np.arange(4)).tolist()
    assert [articles[row].id + articles[row].title for row in order] == ["0", "2", "0t", "1"]
    assert canonical_order(articles, np.array([0, 3])).tolist() == [3, 0]


def test_cohesion_is_the_mean_cosine_with_the_centre(stories, records):
    vectorizer = sc.NewsVectorizer()
    kept = np.flatnonzero(stories.deduplicator_.keep_)
    independent = sc.as_articles([records[row] for row in kept])
    spans = [stories.furniture_[row] for row in kept]
    X = vectorizer.fit_transform(without_spans(independent, spans)).toarray()
    for group in [*stories.threads_, *stories.threads_[0].events]:
        rows = X[np.searchsorted(kept, group.independent)]
        centre = rows.sum(axis=0)
        wanted = np.mean(rows @ centre / np.linalg.norm(centre))
        assert group.cohesion == pytest.approx(wanted)
        cosines = rows @ rows[group.independent.tolist().index(group.medoid)]
        others = len(rows) - 1
        assert group.likeness == pytest.approx((cosines.sum() - 1) / others if others else 1)
        assert 0 < group.cohesion <= 1 + 1e-12


# The representative


def assert_no_longer_version(stories, articles):
    for reports in [*stories.threads_, *(event for thread in stories.threads_ for event in thread.events)]:
        text = articles[reports.representative].text
        longer = [articles[row].text for row in reports.members if len(articles[row].text) > len(text)]
        assert not any(other.startswith(text) for other in longer)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.data())
def test_the_representative_is_never_a_shorter_version_of_another_member(seed, data):
    articles = list(sc.datasets.make_newswire(60, random_state=seed))
    for row in data.draw(st.lists(st.integers(0, 59), max_size=30)):
        whole = articles[row].text
        cut = data.draw(st.integers(1, len(whole)))
        when = data.draw(st.none() | st.just(datetime(2000, 1, 1, tzinfo=UTC)))
        articles.append(
            Article(whole[:cut], title=articles[row].title, published=when, id=f"cut {len(articles)}")
        )
    assert_no_longer_version(sc.StoryClusterer().fit(articles), articles)


REPORT = (
    "The ferry Selka struck the pier in Aldmouth harbour on Monday morning in thick fog, and nobody was "
    "hurt. Its captain said that he had seen the light of the pier too late to turn. Divers will look at the "
    "hull on Tuesday, and the port hopes that the ferry will sail again by the end of the week, the company "
    "said."
)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_of_a_text_and_its_shortened_copy_the_whole_one_stands_for_both(share):
    first, then = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    short = Article(REPORT[: int(share * len(REPORT))] + "...", published=first, id="short")
    whole = Article(REPORT, published=then, id="whole")
    other = Article("Monday's fog: the Selka hit a pier at Aldmouth. " * 3, published=first, id="other")
    for articles in [short, whole], [whole, short], [short, other, whole]:
        stories = sc.StoryClusterer(event_distance=1, thread_distance=1).fit(articles)
        (thread,) = stories.threads_
        representative = articles[thread.representative].id
        assert representative == "whole" or articles[thread.medoid].id == "other"


def test_the_reason_says_how_many_are_how_like_and_whether_it_is_fuller():
    first, then = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)

    def told(*texts):
        articles = [
            Article(text, published=when) for text, when in zip(texts, (first, then, then), strict=False)
        ]
        stories = sc.StoryClusterer(event_distance=1, thread_distance=1).fit(articles)
        return stories.threads_[0].representative, stories.threads_[0].representative_reason

    other = "On Monday the Selka, a ferry, ran into the pier of Aldmouth."
    third = "Selka ferry: the pier of Aldmouth will be repaired."
    assert told(REPORT) == (0, "the only report")
    assert told(REPORT[:-20], REPORT) == (1, "the only report, in its fullest version")
    assert told(REPORT, other) == (0, "the longer of two independent reports")
    assert told(other, " ".join(other.split()[::-1])) == (0, "the earlier of two independent reports")
    assert told(REPORT[:120], REPORT) == (1, "the longer of two independent reports")
    row, reason = told(REPORT, other, third)
    assert reason.startswith("most like the 2 other independent reports (mean cosine 0.")
    assert row in range(3)
