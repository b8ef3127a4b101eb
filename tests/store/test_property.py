"""Whatever is done to a store, in whatever order: it is sound, says what it did, and does it again alike."""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from large_store import agrees, patch_all

from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.store import NewsStore
from storyclust.store.transactions import reading
from storyclust.store.working_set import load

DAY = datetime(2024, 3, 4, tzinfo=UTC)
ENGLISH = [(article.title, article.text) for article in make_newswire(n_articles=24, random_state=5)]
PLACES, THINGS = ("東京湾", "大阪港", "札幌市", "那覇空港"), ("フェリー", "貨物列車", "小型機")
JAPANESE = [
    (
        f"{place}で{thing}が事故",
        f"{place}で四日朝、{thing}が事故を起こし、三人が軽いけがをした。警察が原因を調べている。" * k,
    )
    for place in PLACES
    for thing in THINGS
    for k in (1, 3)
]
ODD = [("", ""), ("", " \n"), ("x", ""), ("", "\0"), ("", "!?"), ("", "Rain in Delhi."), ("\ud800", "雨")]
# What differs between two stores that were told the same: when they were told.
STAMPS = {"added", "updated", "replaced", "at"}
TABLES = (
    "articles",
    "revisions",
    "copies",
    "links",
    "events",
    "threads",
    "history",
    "bands",
    "vectors",
    "furniture",
    "recurring",
    "unlearnt",
    "entries",
    "weighed",
    "unindexed",
    "meta",
)


def whole(text):
    return text


def shortened(text):
    return text[: len(text) * 9 // 10]


def cut(text):
    return text[: len(text) // 3]


def edited(text):
    return text.replace("the", "this", 2).replace("。", "と発表した。", 1)


names = st.sampled_from([*(f"a{k}" for k in range(18)), "é", "東", "x\0y", "\ud800", "' --"])
texts = st.sampled_from(ENGLISH) | st.sampled_from(JAPANESE) | st.sampled_from(ODD)
changes = st.sampled_from([whole, whole, shortened, cut, edited])
hours = st.integers(-900, 900)
sources = st.sampled_from([None, "", "AP", "読売"])


@st.composite
def articles(draw):
    title, text = draw(texts)
    date = draw(st.none() | hours)
    published = None if date is None else DAY + timedelta(hours=date)
    return Article(
        draw(changes)(text), title=title, id=draw(names), published=published, source=draw(sources)
    )


batches = st.lists(articles(), max_size=12)


def contents(store):
    """All that is in the tables, but for when it was written."""
    found = {}
    cursor = store._connection.cursor()
    for table in TABLES:
        rows = cursor.execute(f"SELECT * FROM {table}")
        columns = [k for k, column in enumerate(rows.description) if column[0] not in STAMPS]
        found[table] = sorted(repr([row[k] for k in columns]) for row in rows)
    return found


class Store(RuleBasedStateMachine):
    """A store, and a twin that is told the same but works on two threads."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.known = {}

    @initialize(batch=batches)
    def open(self, batch):
        self.store = NewsStore.open(self.folder / "news.db")
        self.twin = NewsStore.open(self.folder / "twin.db", n_jobs=2)
        self.add(batch)

    @rule(batch=batches)
    def add(self, batch):
        told = self.store.add(batch)
        assert told == self.twin.add(batch)
        self.added(told, batch)

    def added(self, told, batch):
        assert len(told) == len(batch)
        for added, article in zip(told, batch, strict=True):
            name = article.id.replace("\ud800", "\ufffd")
            assert added.id == name or added.id.startswith(f"{name}-sha-")  # beside another of the id
            assert (added.status in ("new", "copy")) == (added.id not in self.known)
            self.known[added.id] = replace(article, id=added.id)
        for added in {added.id: added for added in told}.values():  # of one id, what was said last
            found = self.store.article(added.id)
            assert (found.event, found.thread) == (added.event, added.thread)
            assert found.copy_of == added.copy_of
            assert (added.relation is None) == (added.similarity is None) == (added.copy_of is None)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def add_again(self, data):
        some = data.draw(st.lists(st.sampled_from(sorted(self.known)), max_size=5))
        told = self.store.add([self.known[name] for name in some])
        assert {added.status for added in told} <= {"unchanged"}

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def remove(self, data):
        some = data.draw(st.lists(st.sampled_from(sorted(self.known)), unique=True, max_size=6))
        assert self.store.remove(some) == self.twin.remove(some) == len(some)
        for name in some:
            del self.known[name]

    @rule(hours=hours)
    def forget(self, hours):
        before = DAY + timedelta(hours=hours)
        old = [name for name, each in self.known.items() if each.published and each.published < before]
        assert self.store.forget(before) == self.twin.forget(before) == len(old)
        for name in old:
            del self.known[name]

    @rule(days=st.sampled_from([None, 30, 1]))
    def consolidate(self, days):
        told, other = self.store.consolidate(days), self.twin.consolidate(days)
        assert [change[1:] for change in told] == [change[1:] for change in other]

    @rule()
    def reopen(self):
        for name in ("store", "twin"):
            path = getattr(self, name).path
            getattr(self, name).close()
            setattr(self, name, NewsStore.open(path, n_jobs=2 if name == "twin" else None))

    @rule(batch=batches)
    def written_by_another(self, batch):
        # Both are read anew after that, so the weights of their terms are the same again.
        with NewsStore.open(self.store.path) as other, NewsStore.open(self.twin.path, n_jobs=2) as its_twin:
            told = other.add(batch)
            assert told == its_twin.add(batch)
        self.added(told, batch)

    @rule(text=texts)
    def ask(self, text):
        """What is asked of a store changes nothing in it."""
        found = self.store.similar(text[1])
        assert {each.id for each in found} <= set(self.known)
        for number, thread in enumerate(self.store.threads(limit=2)):
            assert thread.representative in thread.members, number

    @rule()
    def vacuum(self):
        self.store.vacuum()

    @invariant()
    def is_sound(self):
        if not hasattr(self, "store"):
            return
        assert self.store.check() == []
        assert len(self.store) == len(self.known)
        for name, article in self.known.items():
            found = self.store.article(name)
            assert (found.title, found.text) == (
                article.title.replace("\ud800", "\ufffd"), article.text.replace("\ud800", "\ufffd"),
            )  # fmt: skip
            assert found.published == article.published
            assert found.event in {event.id for event in self.store.thread(found.thread).events}
        threads = self.store.threads()
        assert sorted(name for thread in threads for name in thread.members) == sorted(self.known)
        assert all(len(thread.members) == thread.size for thread in threads)

    @invariant()
    def twins_are_alike(self):
        if hasattr(self, "store"):
            mine, theirs = contents(self.store), contents(self.twin)
            for table in TABLES:
                assert mine[table] == theirs[table], table

    @invariant()
    def memory_is_as_the_file(self):
        """What is kept in memory is what would be read anew."""
        memory = getattr(self, "store", None) and self.store._memory
        if not memory:
            return
        with reading(self.store._connection):
            anew = load(self.store._connection, self.store.settings)
        if memory.generation != anew.generation:
            return
        kept, read = memory.structure, anew.structure
        assert kept.thread_of == read.thread_of
        for mine, theirs in ((kept.events, read.events), (kept.threads, read.threads)):
            assert mine.sizes == theirs.sizes
            assert mine.spans == theirs.spans
            assert mine.next_id == theirs.next_id
        assert sorted(memory.row_of) == sorted(anew.row_of)
        for number, row in memory.row_of.items():
            other = anew.row_of[number]
            assert memory.article_index.events.values[row] == anew.article_index.events.values[other]
            assert np.array_equal(
                memory.article_index.times.values[row], anew.article_index.times.values[other], equal_nan=True
            )

    def teardown(self):
        for name in ("store", "twin"):
            if hasattr(self, name):
                getattr(self, name).close()
        shutil.rmtree(self.folder)


TestStore = pytest.mark.filterwarnings("ignore:.* with nothing in common")(Store.TestCase)
TestStore.settings = settings(
    max_examples=12, stateful_step_count=12, suppress_health_check=list(HealthCheck)
)


class LargeStore(Store):
    """A store that is closed and read from its files; its twin stays open, or loses them."""

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        patch_all(self.patch)

    @rule()
    def reopen(self):
        self.store.close()
        self.store = NewsStore.open(self.store.path)

    @invariant()
    def twins_are_alike(self):
        """But for the count of changes, in which temporary tables of an open store count."""
        if hasattr(self, "store"):
            mine, theirs = contents(self.store), contents(self.twin)
            for found in (mine, theirs):
                found["meta"] = [row for row in found["meta"] if "'generation'" not in row]
            assert mine == theirs

    @rule()
    def lose_files(self):
        self.twin.close()
        shutil.rmtree(f"{self.twin.path}-index", ignore_errors=True)
        self.twin = NewsStore.open(self.twin.path, n_jobs=2)

    @rule(batch=batches)
    def written_by_another(self, batch):
        with NewsStore.open(self.store.path) as other:
            told = other.add(batch)
        assert told == self.twin.add(batch)
        self.added(told, batch)

    @invariant()
    def memory_is_as_the_file(self):
        if hasattr(self, "store"):
            agrees(self.store)

    def teardown(self):
        super().teardown()
        self.patch.undo()


TestLargeStore = pytest.mark.filterwarnings("ignore:.* with nothing in common")(LargeStore.TestCase)
TestLargeStore.settings = settings(
    max_examples=12, stateful_step_count=12, suppress_health_check=list(HealthCheck)
)
