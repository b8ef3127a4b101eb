"""Page furniture in a store: learnt as it grows, and equal to that of the whole when it is consolidated."""

import itertools
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.store import NewsStore, page_furniture, relearning
from storyclust.store.page_furniture import decode_spans, holders_of, read_sample
from storyclust.store.table_definitions import FURNITURE_TABLES
from storyclust.text.furniture import SAMPLE, WHOLE_SAMPLE, find_furniture, sample_of
from storyclust.text.page_tokens import PageTokens

FOOTERS = {
    "Herald": "Sign the petition for the harbour library and win a weekend in the hills with your family.",
    "Courier": "The Courier belongs to its readers and prints on paper made from the reeds of the lower Esk.",
}
INSERTED = "Why the old lighthouse keeper of Carrow counts every gull that lands on his roof in spring"
START = datetime(2024, 3, 4, tzinfo=UTC)


def wire(n, seed=4):
    """Independent articles of three sources and of none; two sources add a footer, one inserts a headline."""
    made = sc.as_articles(list(make_newswire(n_articles=3 * n, random_state=seed)))
    kept = sc.Deduplicator().fit(made).keep_
    chance = random.Random(seed)  # noqa: S311 - test data
    articles = []
    for number, article in enumerate(np.array(made, object)[kept][:n]):
        source = ("Herald", "Courier", "Desk", None)[number % 4]
        text = article.text
        if source in FOOTERS:
            text = f"{text}\n\n{FOOTERS[source]}"
        if chance.random() < 0.3 and source == "Herald":
            middle = text.find(" ", len(text) // 2)
            text = f"{text[:middle]} {INSERTED}{text[middle:]}"
        if number % 5 == 0:
            text += "\nMore at https://news.example/live or @newsdesk"
        articles.append(Article(text, article.title, f"a{number}", article.published, source))
    return articles


NEWS = wire(72)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_texts_that_hold_something_are_those_with_its_shingles(n_jobs, monkeypatch):
    monkeypatch.setattr(page_furniture, "SEARCHED_AT_ONCE", 7)
    texts = [article.text for article in NEWS]
    pages = PageTokens.of([FOOTERS["Herald"], "Sign up now"])
    units = np.append(pages.shingles[:3], pages.phrases[pages.phrases > 0][-1])
    each = [PageTokens.of([text]) for text in texts]
    held = [{*own.shingles.tolist(), *own.phrases.tolist()} for own in each]
    slow = [k for k, own in enumerate(held) if own.intersection(units.tolist())]
    assert holders_of(units, texts, n_jobs) == slow
    assert 0 < len(slow) < len(texts)
    assert holders_of(units[:0], texts, n_jobs) == []


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_only_articles_that_may_change_are_searched_again_and_all_of_these(tmp_path, monkeypatch, n_jobs):
    def contents(name):
        with NewsStore.open(tmp_path / name, n_jobs=n_jobs) as store:
            for start in range(0, len(NEWS), 12):
                store.add(NEWS[start : start + 12])
            found = store._connection.execute("SELECT * FROM furniture ORDER BY article").fetchall()
            return found, store._connection.execute("SELECT id, event FROM articles ORDER BY id").fetchall()

    searched = contents("some.db")
    monkeypatch.setattr(relearning, "_affected", lambda rows, *_: rows)
    assert contents("all.db") == searched


def groups(labels, articles):
    found = {}
    for label, article in zip(labels, articles, strict=True):
        found.setdefault(label, set()).add(article.id)
    return sorted(map(sorted, found.values()))


def stored(store, kind):
    """Threads or events as sets of ids."""
    column = "thread" if kind == "thread" else "id"
    cursor = store._connection.execute(
        f"SELECT e.{column}, a.id FROM articles a JOIN events e ON e.id = a.event"
    )
    found = {}
    for group, name in cursor.fetchall():
        found.setdefault(group, set()).add(name)
    return sorted(map(sorted, found.values()))


def spans_of(store):
    query = "SELECT a.id, f.spans FROM furniture f JOIN articles a ON a.number = f.article"
    return {name: decode_spans(spans) for name, spans in store._connection.execute(query)}


def is_as_the_whole(store, articles):
    """Whether a consolidated store has the furniture, threads and events of `StoryClusterer`."""
    whole = sc.StoryClusterer().fit(articles)
    assert spans_of(store) == {a.id: own for a, own in zip(articles, whole.furniture_, strict=True)}
    assert stored(store, "thread") == groups(whole.labels_, articles)
    assert stored(store, "event") == groups(whole.event_labels_, articles)
    assert store.check() == []
    return True


def test_the_articles_have_furniture():
    found = find_furniture(NEWS)
    texts = {
        article.text[slice(*span)].strip() for article, own in zip(NEWS, found, strict=True) for span in own
    }
    assert {*FOOTERS.values(), INSERTED} <= texts


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from([1, 7, 30, 72]), st.booleans())
def test_a_consolidated_store_is_as_the_whole(tmp_path_factory, rng, size, reopened):
    path = tmp_path_factory.mktemp("store") / "news.db"
    articles = rng.sample(NEWS, len(NEWS))
    store = NewsStore.open(path)
    for start in range(0, len(articles), size):
        store.add(articles[start : start + size])
        if reopened and rng.random() < 0.3:
            store.close()
            store = NewsStore.open(path)
    with store:
        store.consolidate(None)
        assert is_as_the_whole(store, articles)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_what_is_removed_or_revised_counts_no_more(tmp_path_factory, rng):
    path = tmp_path_factory.mktemp("store") / "news.db"
    articles = {article.id: article for article in NEWS}
    with NewsStore.open(path) as store:
        store.add(NEWS)
        for _ in range(4):
            gone = rng.sample(sorted(articles), 5)
            store.remove(gone)
            for name in gone:
                del articles[name]
            for name in rng.sample(sorted(articles), 4):  # moves to another source, without its footer
                text = articles[name].text.split("\n\n")[0] + f" This is version {name}."
                articles[name] = replace(articles[name], text=text, source="Desk")
                store.add([articles[name]])
        store.consolidate(None)
        # A revised article that is closer to another counts as independent in both.
        assert not store._connection.execute("SELECT 1 FROM copies").fetchall()
        assert is_as_the_whole(store, list(articles.values()))


def test_a_sample_is_that_of_the_texts(tmp_path, monkeypatch):
    texts = [f"Report {k % 90} of the harbour." for k in range(120)]
    with NewsStore.open(tmp_path / "news.db", copy_threshold=1.0) as store:
        # Equal texts are independent if their titles differ.
        store.add([Article(text, f"Title {k}", str(k), None, "AB"[k % 2]) for k, text in enumerate(texts)])
        store.remove([str(k) for k in range(0, 120, 7)])
        left = [(k, text) for k, text in enumerate(texts) if k % 7]
        monkeypatch.setattr(page_furniture, "place_of", lambda text: 0)
        for size in (1, 20, 1_000):
            assert read_sample(store._connection, "", size) == sample_of([text for _, text in left], size)
            mine = [text for k, text in left if k % 2 == 0]
            assert read_sample(store._connection, "A", size) == sample_of(mine, size)
        # At one place texts are in order.
        store._connection.execute("UPDATE furniture SET place = 5")
        assert read_sample(store._connection, "A", 9) == sorted(set(mine))[:9]
        assert read_sample(store._connection, "nowhere", 9) == []


def test_a_headline_that_is_learnt_late_is_taken_back(tmp_path):
    """The first two reports hold it before anyone can know that it is furniture."""
    plain = [article for article in NEWS if article.source == "Desk"]
    desk = [replace(a, text=a.text.replace(". ", f". {INSERTED} ", 1)) for a in plain[:8]]

    def left_out(store):
        spans = spans_of(store)
        return [a.id for a in desk if any(INSERTED in a.text[slice(*s)] for s in spans.get(a.id, ()))]

    def terms(store):
        query = "SELECT terms FROM vectors JOIN articles ON number = article WHERE id = ?"
        return [store._connection.execute(query, [a.id]).fetchone()[0] for a in desk[:2]]

    with NewsStore.open(tmp_path / "news.db") as store:
        store.add([article for article in NEWS if article.source is None])
        store.add(desk[:2])
        assert left_out(store) == []
        before, events = terms(store), [store.article(a.id).event for a in desk[:2]]
        store._connection.execute("UPDATE meta SET value = '1000' WHERE name = 'consolidated'")  # not again
        for article in desk[2:5]:
            store.add([article])
        assert left_out(store) == [a.id for a in desk[:5]]
        assert [store.article(a.id).event for a in desk[:2]] == events
        assert all(len(now) < len(old) for now, old in zip(terms(store), before, strict=True))
        memory = store._memory
        inside = np.flatnonzero(memory.article_index.events.values >= 0)
        assert sorted(memory.row_of.values()) == inside.tolist()
        latest = {number for numbers in memory.structure.events.latest.values() for number in numbers}
        assert latest <= set(memory.row_of)
        assert store.article(desk[0].id).text == desk[0].text
        assert {hit.id for hit in store.search('"lighthouse keeper"')} == {a.id for a in desk[:5]}
        assert store.check() == []


def test_an_index_is_read_again_before_former_terms_fill_it(tmp_path, monkeypatch):
    monkeypatch.setattr("storyclust.store.adding.MOST_ROWS", 1.0)
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(NEWS[:40])
        for article in NEWS[40:]:
            store.add([article])
            assert len(store._memory.row_of) == len(store._memory.article_index)


def test_sources_are_learnt_again_when_they_have_grown(tmp_path):
    herald = [replace(NEWS[0], id=str(k), text=f"Report {k}. " + NEWS[k].text) for k in range(60)]
    learnt_from = []
    with NewsStore.open(tmp_path / "news.db") as store:
        store._connection.execute("INSERT INTO meta VALUES ('consolidated', '1000')")  # never by itself
        for article in herald:
            store.add([article])
            row = store._connection.execute(
                "SELECT articles FROM recurring WHERE source = 'Herald'"
            ).fetchone()
            learnt_from.append(row[0])
    distinct = sorted(set(learnt_from))
    assert distinct[:5] == [1, 2, 3, 4, 5]
    assert all((b - a) / a >= 0.25 for a, b in itertools.pairwise(distinct))
    assert len(distinct) < 20
    assert distinct[-1] > 60 / 1.3


def test_what_all_have_is_left_to_consolidation_in_a_large_store(tmp_path, monkeypatch):
    learnt = "SELECT articles FROM recurring WHERE source = ''"
    for module in ("relearning", "adding", "store"):
        monkeypatch.setattr(f"storyclust.store.{module}.YOUNG", 10)
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(NEWS[:8])
        before = store._connection.execute(learnt).fetchall()
        for article in NEWS[8:]:
            store.add([article])
        now = store._connection.execute(learnt).fetchone()[0]
        assert now <= 10
        assert before[0][0] <= now
        store.consolidate(1000)
        assert store._connection.execute(learnt).fetchone()[0] == len(NEWS)


def test_a_copy_that_takes_the_place_of_its_original_has_its_furniture(tmp_path):
    herald = [article for article in NEWS if article.source == "Herald"][:6]
    twins = [replace(a, id=f"twin {a.id}", published=a.published + timedelta(days=1)) for a in herald[:3]]
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add([*herald, *twins])
        store.consolidate(None)
        assert set(spans_of(store)) == {a.id for a in herald}
        store.remove([a.id for a in herald[:3]])
        assert set(spans_of(store)) == {a.id for a in (*twins, *herald[3:])}
        assert store.check() == []
        store.consolidate(None)
        assert is_as_the_whole(store, [*herald[3:], *twins])
        # A copy whose text changes becomes independent.
        store.add([replace(twins[0], id="again"), replace(herald[3], id="changed")])
        other = next(a for a in NEWS if a.source == "Courier")
        store.add([replace(other, id="changed", title=herald[3].title)])
        store.add([replace(other, id="changed", title=herald[3].title, text=NEWS[70].text)])
        assert "changed" in spans_of(store)
        assert store.check() == []


def test_a_store_that_compares_whole_texts(tmp_path):
    with NewsStore.open(tmp_path / "news.db", clean=False) as store:
        store.add(NEWS)
        store.consolidate(None)
        assert store.settings.clean is False
        whole = sc.StoryClusterer(clean=False).fit(NEWS)
        assert stored(store, "thread") == groups(whole.labels_, NEWS)
        for table in ("furniture", "recurring", "unlearnt"):
            assert store._connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        store.remove(["a1"])
        assert store.check() == []
    with NewsStore.open(tmp_path / "news.db") as store:
        assert store.settings.clean is False
    with pytest.raises(sc.InputError, match="was made with clean=False, got True"):
        NewsStore.open(tmp_path / "news.db", clean=True)
    with pytest.raises(sc.InputError, match="clean must be True or False"):
        NewsStore.open(tmp_path / "other.db", clean=1)


def test_summaries_leave_furniture_out(tmp_path):
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(NEWS)
        store.consolidate(None)
        for thread in store.threads():
            told = " ".join((thread.headline, thread.summary.text, *thread.keywords))
            assert not {"petition", "lighthouse", "reeds", "@newsdesk"} & set(told.split())
            for sentence in thread.summary.sentences:
                text = store.article(thread.members[sentence.article]).text
                assert " ".join(text[sentence.start : sentence.end].split()) == sentence.string


def test_a_summary_follows_what_is_learnt(tmp_path):
    day = timedelta(hours=1)
    reports = [
        Article(
            f"The ferry Selka struck pier number {word} in fog. {FOOTERS['Herald']}",
            id=word, published=START + k * day, source="Herald",
        )
        for k, word in enumerate(("one", "two"))
    ]  # fmt: skip
    others = [a for a in NEWS if a.source == "Herald"][:8]
    with NewsStore.open(tmp_path / "news.db", copy_threshold=1.0) as store:
        store.add(reports)
        assert "petition" in " ".join(thread.summary.text for thread in store.threads())
        store.add(others)
        store.consolidate(None)
        told = store.thread(store.article("one").thread).summary.text
        assert "Selka" in told
        assert "petition" not in told


def test_similar_texts_are_found_by_what_counts(tmp_path):
    herald = [article for article in NEWS if article.source == "Herald"]
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(NEWS)
        store.consolidate(None)
        footer = f"Nothing is known of this.\n\n{INSERTED}"
        found = {each.id for each in store.similar(footer) if each.relation == "overlap"}
    assert len(found & {a.id for a in herald if INSERTED in a.text}) < 3


# Files of an earlier version, and damaged ones


def make_old(path):
    """Make of a store a file of the first version."""
    with closing(sqlite3.connect(path)) as connection:
        for name in ("furniture", "recurring", "unlearnt", "scales", "entries", "weighed", "unindexed"):
            connection.execute(f"DROP TABLE {name}")
        connection.execute("DELETE FROM meta WHERE name = 'clean'")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def test_an_old_file_is_opened_and_goes_on_as_before(tmp_path):
    path = tmp_path / "news.db"
    with NewsStore.open(path, clean=False, event_distance=0.8) as store:
        store.add(NEWS[:40])
        told = [(thread.id, thread.members, thread.summary) for thread in store.threads()]
    make_old(path)
    with NewsStore.open(path, read_only=True) as store:
        assert store.settings.clean is False
        assert [(thread.id, thread.members, thread.summary) for thread in store.threads()] == told
        assert store.similar(NEWS[0].text)[0].id == "a0"
        assert store.check() == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    with NewsStore.open(path) as store:
        assert store.settings.clean is False
        assert store.settings.event_distance == 0.8
        assert [(thread.id, thread.members, thread.summary) for thread in store.threads()] == told
        store.add(NEWS[40:])
        store.remove(["a3"])
        store.consolidate(None)
        assert store.check() == []
        assert spans_of(store) == {}
    with NewsStore.open(path, read_only=True) as store:
        assert len(store) == len(NEWS) - 1
    with pytest.raises(sc.InputError, match="was made with clean=False"):
        NewsStore.open(path, clean=True)


def test_an_old_file_that_lacks_a_table_is_damaged(tmp_path):
    path = tmp_path / "news.db"
    NewsStore.open(path).close()
    make_old(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE copies")
    for read_only in (False, True):
        with pytest.raises(sc.StoreError, match="lacks some of its tables"):
            NewsStore.open(path, read_only=read_only)


HARM = [
    "DELETE FROM furniture",
    "UPDATE furniture SET spans = x'0102'",
    "INSERT INTO furniture SELECT article, 7, x'' FROM copies",
    "UPDATE recurring SET hashes = x'01'",
    "UPDATE recurring SET kinds = x''",
    "DELETE FROM recurring",
]


@pytest.mark.parametrize("harm", HARM)
def test_harm_is_named_and_put_right(tmp_path, harm):
    path = tmp_path / "news.db"
    twins = [replace(a, id=f"twin {a.id}") for a in NEWS[:3]]
    with NewsStore.open(path) as store:
        store.add([*NEWS, *twins])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(harm)
        if harm == "DELETE FROM recurring":  # as if nothing had ever been learnt: no violation
            connection.execute(
                "INSERT OR REPLACE INTO unlearnt SELECT DISTINCT source, 1 FROM articles WHERE source <> ''"
            )
            connection.execute("INSERT OR REPLACE INTO unlearnt VALUES ('', 1)")
        connection.commit()
    with NewsStore.open(path) as store:
        assert (store.check() == []) == (harm == "DELETE FROM recurring")
        store.check(repair=True)
        assert store.check() == []
        store.consolidate(None)
        whole = sc.StoryClusterer().fit(NEWS)
        expected = {a.id: own for a, own in zip(NEWS, whole.furniture_, strict=True)}
        assert spans_of(store) == expected


def test_a_batch_that_fails_leaves_what_was_learnt(tmp_path, monkeypatch):
    path = tmp_path / "news.db"
    tables = ("furniture", "recurring", "unlearnt", "vectors")

    def contents(store):
        return [store._connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]

    def fail(*_):
        raise MemoryError

    with NewsStore.open(path) as store:
        store.add(NEWS[:30])
        before = contents(store)
        with monkeypatch.context() as patch:
            patch.setattr(relearning, "_index_again", fail)
            patch.setattr("storyclust.store.adding.Adder.consolidate", fail)
            with pytest.raises(MemoryError):
                store.add(NEWS[30:])
        assert contents(store) == before
        store.add(NEWS[30:])
        store.consolidate(None)
        assert is_as_the_whole(store, NEWS)


def test_samples_are_bounded(tmp_path, monkeypatch):
    sizes = []

    def learn(texts, named):
        sizes.append((len(texts), named))
        return real(texts, named)

    real = page_furniture.learn_sample
    monkeypatch.setattr(page_furniture, "learn_sample", learn)
    monkeypatch.setattr(page_furniture, "SAMPLE", 10)
    monkeypatch.setattr(page_furniture, "WHOLE_SAMPLE", 30)
    with NewsStore.open(tmp_path / "news.db") as store:
        store.add(NEWS)
    assert max(n for n, named in sizes if named) == 10
    assert max(n for n, named in sizes if not named) == 30
    assert WHOLE_SAMPLE > SAMPLE
    assert "REFERENCES articles" in FURNITURE_TABLES
