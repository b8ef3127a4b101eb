"""What a store answers: of one state of it, in order, and the same as what went in."""

from collections import defaultdict
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.errors import InputError, StoreError
from storyclust.store import queries
from storyclust.store.encoding import moment
from storyclust.store.full_text import SNIPPET, snippet
from storyclust.store.models import StoredArticle
from storyclust.store.queries import StoreQueries
from storyclust.store.schema import connect
from storyclust.store.store import NewsStore
from storyclust.store.transactions import writing

NEWS = list(make_newswire(n_articles=300, random_state=1))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "news.db"
    with NewsStore.open(path) as store:
        store.add(NEWS)
    return path


@pytest.fixture
def answers(path):
    with closing(connect(path, read_only=True)) as connection:
        yield StoreQueries(connection)


@pytest.fixture
def own(tmp_path):
    """A store to change."""
    with closing(connect(tmp_path / "own.db")) as connection:
        yield connection


def fill(connection, path, articles):
    with NewsStore.open(path) as store:
        return store.add(articles)


# Threads and events


def test_threads_hold_every_article_once(answers):
    threads = answers.threads()
    assert sorted(id_ for thread in threads for id_ in thread.members) == sorted(a.id for a in NEWS)
    assert answers.count() == len(NEWS)
    assert [(t.size, t.end, t.id) for t in threads] == sorted(
        ((t.size, t.end, t.id) for t in threads), reverse=True
    )
    by_id = {article.id: article for article in NEWS}
    for thread in threads:
        inside = [by_id[id_] for id_ in thread.members]
        assert len(thread) == thread.size == len(inside)
        assert (thread.start, thread.end) == (inside[0].published, inside[-1].published)
        assert thread.sources == sorted({article.source for article in inside})
        assert sorted(id_ for event in thread.events for id_ in event.members) == sorted(thread.members)
        starts = [event.start for event in thread.events]
        assert starts == sorted(starts)
        assert {event.thread for event in thread.events} == {thread.id}
        assert sum(event.independent for event in thread.events) == thread.independent


def test_a_thread_says_what_its_independent_articles_say(answers):
    thread = next(t for t in answers.threads() if t.independent < t.size and len(t.events) > 1)
    by_id = {article.id: article for article in NEWS}
    alone = [by_id[id_] for id_ in thread.members if answers.article(id_).copy_of is None]
    wanted = sc.summarize(alone)
    assert (thread.headline, thread.summary.text, thread.keywords) == (
        wanted.headline,
        wanted.text,
        wanted.keywords,
    )
    assert thread.representative in {article.id for article in alone}
    for sentence in thread.summary.sentences:
        text = answers.article(thread.members[sentence.article]).text
        assert " ".join(text[sentence.start : sentence.end].split()) == sentence.string
    lines = answers.timeline(thread.id)
    assert lines == thread.timeline
    assert [(line.event, line.when, line.headline, line.size) for line in lines] == [
        (event.id, event.start, event.headline, event.size) for event in thread.events
    ]
    assert repr(thread) == f"StoredThread({thread.id}, {thread.size} articles, {thread.headline!r})"


def test_threads_can_be_chosen(answers):
    threads = answers.threads()
    ids = [thread.id for thread in threads]
    assert [t.id for t in answers.threads(limit=3)] == ids[:3]
    assert answers.threads(limit=0) == []
    assert [t.id for t in answers.threads(min_size=4)] == [t.id for t in threads if t.size >= 4]
    source = threads[0].sources[0]
    assert [t.id for t in answers.threads(source=source)] == [t.id for t in threads if source in t.sources]
    since = sorted(t.end for t in threads)[len(threads) // 2]
    wanted = [t.id for t in threads if t.end >= since]
    assert [t.id for t in answers.threads(since=since)] == wanted
    assert [t.id for t in answers.threads(since=since.isoformat())] == wanted
    assert answers.threads(since="1m") == []
    word = answers.article(threads[0].representative).title.split()[0]
    found = answers.threads(term=word, source=source)
    assert threads[0].id in [t.id for t in found]
    for thread in found:
        texts = " ".join(answers.article(i).title + " " + answers.article(i).text for i in thread.members)
        assert word.lower() in texts.lower()
    assert answers.threads(term="?!") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"since": "soon"}, r"since must be a date or so long ago, such as '24h' or '7d', got 'soon'\."),
        ({"since": 3}, r"since must be a date or so long ago, such as '24h' or '7d', got 3\."),
        ({"min_size": 0}, "min_size must be 1 or more, got 0"),
        ({"limit": -1}, "limit must be 0 or more, got -1"),
        ({"source": 1}, "source must be str, got int"),
        ({"term": b"x"}, "term must be str, got bytes"),
    ],
)
def test_what_cannot_be_asked_for_is_told(answers, arguments, message):
    with pytest.raises(InputError, match=message):
        answers.threads(**arguments)


def test_what_is_not_there_is_told(answers):
    with pytest.raises(InputError, match=r"there is no thread 9999 in .*news\.db\."):
        answers.thread(9999)
    with pytest.raises(InputError, match="there is no event -1"):
        answers.event(-1)
    with pytest.raises(InputError, match="there is no event 9999"):
        answers.event(9999)
    with pytest.raises(InputError, match="thread id must be an int, got '1'"):
        answers.thread("1")
    with pytest.raises(InputError, match="there is no article 'nowhere'"):
        answers.article("nowhere")
    with pytest.raises(InputError, match="there is no article 'nowhere'"):
        answers.copies("nowhere")


def test_numbers_of_merged_threads_lead_to_what_they_were_merged_into(own, tmp_path):
    with writing(own, tmp_path / "own.db"):
        own.execute("INSERT INTO threads(id, size, merged_into) VALUES (1, 0, 2), (2, 0, 3), (3, 1, NULL)")
        own.execute("INSERT INTO threads(id) VALUES (4)")
        own.execute("INSERT INTO threads(id, merged_into) VALUES (5, 4)")
        own.execute("INSERT INTO events(id, thread, size, merged_into) VALUES (1, 3, 0, 2), (2, 3, 1, NULL)")
        own.execute("UPDATE threads SET merged_into = 6 - id WHERE id = 3")
    answers = StoreQueries(own)
    with pytest.raises(StoreError, match=r"thread 1 was merged into itself; check\(repair=True\)"):
        answers.thread(1)
    with writing(own, tmp_path / "own.db"):
        own.execute("UPDATE threads SET merged_into = NULL WHERE id = 3")
    assert [answers.thread(number).id for number in (1, 2, 3)] == [3, 3, 3]
    assert answers.event(1).id == 2
    for number in (4, 5):
        with pytest.raises(InputError, match=f"thread {number} was emptied: all its articles were removed"):
            answers.thread(number)
    assert [thread.id for thread in answers.threads()] == [3]


def test_many_articles_are_summarised_by_the_latest(answers, monkeypatch):
    thread = answers.threads()[0]
    monkeypatch.setattr(queries, "MAX_SUMMARIZED", 2)
    alone = [id_ for id_ in thread.members if answers.article(id_).copy_of is None]
    assert thread.representative in alone[-2:]


def test_summaries_are_remembered_as_long_as_they_hold(answers, monkeypatch):
    thread = answers.threads()[0]
    first = thread.summary
    assert answers.thread(thread.id).summary is first
    monkeypatch.setattr(queries, "CACHED_SUMMARIES", 1)
    assert answers.threads()[1].summary is not first
    again = answers.thread(thread.id).summary
    assert again is not first
    assert again == first


# Articles


def test_an_article_comes_back_as_it_went_in(answers):
    for article in NEWS[::7]:
        stored = answers.article(article.id)
        assert isinstance(stored, StoredArticle)
        for name in ("id", "title", "text", "published", "source", "lang", "url"):
            assert getattr(stored, name) == getattr(article, name)
        assert stored.revision == 1
        assert datetime.now(UTC) - stored.added < timedelta(hours=1)
        assert stored.id in answers.event(stored.event).members
        assert stored.id in answers.thread(stored.thread).members
    assert sc.explain(stored, article).relation == "exact"


def test_copies_are_told_from_either_end(answers):
    groups = defaultdict(list)
    for article in NEWS:
        groups[answers.article(article.id).copy_of or article.id].append(article.id)
    assert max(map(len, groups.values())) > 1
    for original, ids in groups.items():
        for id_ in ids:
            found = answers.copies(id_)
            assert found[0] == original
            assert sorted(found) == sorted(ids)


def test_a_search_finds_what_holds_all_words_and_of_copies_one(answers):
    article = NEWS[0]
    words = [word for word in article.text.split() if word.isalpha()][:6]
    hits = answers.search(" ".join(words), limit=1000)
    assert len({tuple(answers.copies(hit.id)) for hit in hits}) == len(hits)
    assert any(article.id in answers.copies(hit.id) for hit in hits)
    for hit in hits:
        stored = answers.article(hit.id)
        text = f"{stored.title} {stored.text}".lower()
        assert all(word.lower() in text for word in words)
        assert (hit.title, hit.thread) == (stored.title, stored.thread)
        assert hit.snippet.strip("… ") in " ".join(stored.text.split())
    assert answers.search(" ".join(words), limit=1) == hits[:1]
    assert answers.search("the", limit=0) == []
    assert answers.search('"?!" -') == []
    assert answers.search(words[0] + " nowhereatall") == []


def test_words_in_titles_weigh_more(own, tmp_path):
    filler = "Parliament in Carrow adopted its budget after a long night of talks on Tuesday. "
    fill(own, tmp_path / "own.db", [
        Article(filler * 3 + "A ferry was late.", title="Carrow adopts budget", id="text"),
        Article("It struck the stone pier of Aldmouth in fog; nobody was hurt, police said. " * 3,
                title="Ferry hits pier", id="title"),
    ])  # fmt: skip
    assert [hit.id for hit in StoreQueries(own).search("FERRY")] == ["title", "text"]


@given(st.text(max_size=400), st.text(max_size=20))
@settings(max_examples=50)
def test_a_snippet_is_a_part_of_the_text(text, terms):
    part = snippet(text, terms)
    assert len(part) <= SNIPPET + 4
    assert (
        part.removeprefix("… ").removesuffix(" …") in " ".join(text.replace("\ud800", "\ufffd").split())
        or not part
    )


def test_a_snippet_shows_the_word():
    text = "word " * 100 + "The FERRY sank. " + "word " * 100
    assert "FERRY sank" in snippet(text, "ferry")
    assert snippet(text, "nowhere").startswith("word word")
    assert "会談" in snippet("日本" * 200 + "会談" + "日本" * 200, "会談")


# Time


def test_moments_are_read_as_they_are_meant():
    now = datetime.now(UTC)
    assert (
        moment("since", date(2024, 3, 4)) == moment("since", "2024-03-04") == datetime(2024, 3, 4, tzinfo=UTC)
    )
    assert moment("since", "2024-03-04T05:00:00+05:00") == datetime(2024, 3, 4, tzinfo=UTC)
    assert moment("since", datetime(2024, 3, 4)) == datetime(2024, 3, 4, tzinfo=UTC)
    for given_, span in {
        "30m": timedelta(minutes=30),
        "24h": timedelta(days=1),
        "2 w": timedelta(weeks=2),
    }.items():
        assert abs(now - span - moment("since", given_)) < timedelta(minutes=1)
    assert abs(now - timedelta(days=7) - moment("since", timedelta(days=7))) < timedelta(minutes=1)
    for wrong in ("999999999w", "2024-02-31", "24 hours ago or so", "", None, 20240304, timedelta.max):
        with pytest.raises(InputError, match="since must be a date"):
            moment("since", wrong)


def test_undated_threads_go_by_when_they_changed(own, tmp_path):
    fill(own, tmp_path / "own.db", [Article("The ferry Selka struck a pier.", id="a")])
    assert len(StoreQueries(own).threads(since="1h")) == 1
    assert StoreQueries(own).threads(since=datetime.now(UTC) + timedelta(hours=1)) == []
    thread = StoreQueries(own).threads()[0]
    assert (thread.start, thread.end) == (None, None)
    assert StoreQueries(own).timeline(thread.id)[0].when is None


# Everything


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv", "all.parquet", "all.jsonl.gz"])
def test_an_export_holds_what_went_in_and_where_it_belongs(answers, tmp_path, name):
    assert answers.export(tmp_path / name) == len(NEWS)
    back = sc.read_articles(tmp_path / name)
    assert [article.id for article in back] == [article.id for article in NEWS]
    for before, after in zip(NEWS, back, strict=True):
        assert (after.title, after.text, after.published) == (before.title, before.text, before.published)
        stored = answers.article(before.id)
        places = [after.record[field] for field in ("duplicate_of", "event", "thread")]
        assert [str(place or "") for place in places] == [
            str(place or "") for place in (stored.copy_of, stored.event, stored.thread)
        ]
        assert set(before.record) - {"event"} <= set(after.record)


def test_history_is_told_of_all_or_of_one(own, tmp_path):
    with writing(own, tmp_path / "own.db"):
        own.executemany(
            "INSERT INTO history(at, kind, old, new, what, articles, why) VALUES (?, ?, ?, ?, ?, ?, 'x')",
            [
                ("2024-03-04T00:00:00.000000Z", "thread", 1, 2, "merged", 3),
                ("2024-03-05T00:00:00.000000Z", "thread", 3, 4, "split", 1),
                ("2024-03-06T00:00:00.000000Z", "event", 1, None, "emptied", 2),
            ],
        )
    answers = StoreQueries(own)
    assert [(c.old, c.new, c.what, c.articles) for c in answers.history()] == [
        (1, 2, "merged", 3),
        (3, 4, "split", 1),
    ]
    assert [change.old for change in answers.history(2)] == [1]
    assert answers.history(1, kind="event")[0][1:] == ("event", 1, None, "emptied", 2, "x")
    with pytest.raises(InputError, match="kind must be one of 'event', 'thread', got 'story'"):
        answers.history(kind="story")


def test_what_is_asked_is_of_one_state_while_another_writes(own, tmp_path):
    place = tmp_path / "own.db"
    fill(own, place, NEWS[:50])
    with closing(connect(place, read_only=True)) as reader:
        answers = StoreQueries(reader)
        records = answers._records()
        reader.execute("BEGIN")
        first = next(records)["id"]
        fill(own, place, NEWS[50:60])
        assert len([first, *records]) == answers.count() == 50
        reader.execute("COMMIT")
        assert answers.count() == 60


def test_what_was_removed_meanwhile_is_told(own, tmp_path):
    fill(own, tmp_path / "own.db", [Article("The ferry Selka struck a pier.", id="a")])
    answers = StoreQueries(own)
    thread = answers.threads()[0]
    with writing(own, tmp_path / "own.db"):
        own.execute("DELETE FROM articles")
    with pytest.raises(InputError, match="there is nothing left to summarise"):
        thread.headline  # noqa: B018
