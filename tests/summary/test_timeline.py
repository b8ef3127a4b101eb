"""Timelines: one line an event, what is new in it, whatever the articles say."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.records import as_articles
from storyclust.summary.timeline import line_of_each

DAY = datetime(2024, 3, 1, tzinfo=UTC)
SENTENCES = [
    "The ferry Selka struck the pier in Aldmouth on Monday.",
    "Nobody was hurt when the Selka struck the pier of Aldmouth.",
    "Divers began to raise the ferry from the harbour.",
    "An inquiry blames the captain of the Selka.",
    "It was foggy that morning in the harbour.",
    "港で船が岸壁に衝突した。",
    "SALE | MENU | LOGIN",
    "“We heard a bang,” said a fisherman on the pier.",
]


def lines(*events):
    """Lines of events that are given as lists of texts."""
    articles = as_articles([text for texts in events for text in texts])
    bounds = [0]
    for texts in events:
        bounds.append(bounds[-1] + len(texts))
    rows = [list(range(low, high)) for low, high in itertools.pairwise(bounds)]
    return [line and line.string for line in line_of_each(rows, articles)]


def test_each_event_has_its_sentence():
    struck, _, raised, inquiry, *_ = SENTENCES
    assert lines([struck], [raised], [inquiry]) == [struck, raised, inquiry]


def test_a_line_does_not_repeat_an_earlier_one():
    struck, hurt, raised, *_ = SENTENCES
    assert lines([struck], [f"{struck} {raised}"]) == [struck, raised]
    assert lines([f"{hurt} {struck}"], [f"{hurt} {raised}"]) == [hurt, raised]


def test_what_is_repeated_is_better_than_nothing():
    struck = SENTENCES[0]
    assert lines([struck], [struck]) == [struck, struck]


def test_sentences_that_recur_in_all_events_make_no_line():
    struck, _, raised, inquiry, *_ = SENTENCES
    box = "Want the harbour news of the ferry Selka in your inbox?"
    assert lines([f"** {box} {struck}"], [f"{box} {raised}"], [f"{box} {inquiry}"]) == [
        struck,
        raised,
        inquiry,
    ]
    leaning = ["He said that divers raised it.", "They blame its captain, said the port.", "It sails on."]
    assert lines(*([f"{box} {text}"] for text in leaning)) == leaning


def test_a_sentence_that_refers_back_or_quotes_makes_no_line():
    struck, _, raised, _, foggy, _, menu, quote = SENTENCES
    assert lines([f"{foggy} {struck}"], [f"{quote} {raised}"], [f"{menu}\n{struck}"]) == [
        struck,
        raised,
        struck,
    ]
    assert lines([foggy], [quote]) == [foggy, quote]


def test_an_event_without_text_has_no_line():
    assert lines(["", ""], [SENTENCES[0]]) == [None, SENTENCES[0]]
    assert lines([""], [""]) == [None, None]


@given(
    st.lists(
        st.lists(st.lists(st.sampled_from(SENTENCES), max_size=4).map(" ".join), min_size=1, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.randoms(use_true_random=False),
)
def test_lines_stand_in_their_events_whatever_the_order_of_articles(events, random):
    found = lines(*events)
    for texts, line in zip(events, found, strict=True):
        assert (line is None) == (not any(text.strip() for text in texts))
        assert line is None or any(line in text for text in texts)
    shuffled = [random.sample(texts, len(texts)) for texts in events]
    assert lines(*shuffled) == found


def test_a_thread_of_several_events_has_a_timeline():
    struck, hurt, raised, inquiry, *_ = SENTENCES
    told = [(struck, 0), (hurt, 1), (raised, 20), (inquiry, 40)]
    articles = [{"text": text, "published": DAY + timedelta(days=days)} for text, days in told]
    stories = sc.StoryClusterer(event_distance=1, thread_distance=1).fit(articles)
    (thread,) = stories.threads_
    assert [line.event for line in thread.timeline] == [event.label for event in thread.events]
    assert [line.when for line in thread.timeline] == [event.start for event in thread.events]
    for line, event in zip(thread.timeline, thread.events, strict=True):
        sentence = line.sentence
        assert sentence.article in event.independent
        assert articles[sentence.article]["text"][sentence.start : sentence.end] == sentence.string
    assert str(thread.timeline[-1]) == f"2024-04-10 {inquiry}"
    assert thread.timeline is thread.timeline


def test_a_thread_of_one_event_has_none():
    (thread,) = sc.StoryClusterer().fit([SENTENCES[0]]).threads_
    assert thread.timeline == ()


def test_a_line_without_a_date_is_shown_without_one():
    struck, _, raised, *_ = SENTENCES
    articles = [{"text": struck, "published": DAY}, {"text": f"{struck} {raised}"}]
    stories = sc.StoryClusterer(event_distance=0, thread_distance=1, copy_threshold=1).fit(articles)
    (thread,) = stories.threads_
    assert [line.when for line in thread.timeline] == [DAY, None]
    assert str(thread.timeline[1]) == raised
