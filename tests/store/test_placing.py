"""Events and threads that grow, against those of a whole corpus."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.store.consolidation import match_groups
from storyclust.store.groups import Groups, Sums

DAILY = 40


def labels(store, articles):
    where = [store.article(article.id) for article in articles]
    return [article.event for article in where], [article.thread for article in where]


def fill(path, articles, step=DAILY, **settings):
    store = sc.NewsStore.open(path, **settings)
    for start in range(0, len(articles), step):
        store.add(articles[start : start + step])
    return store


@pytest.fixture(scope="module")
def newswire():
    articles = sc.as_articles(sc.datasets.make_newswire(500, random_state=8))
    return sorted(articles, key=lambda article: article.published.timestamp() if article.published else 0)


@pytest.fixture(scope="module")
def newsdesk():
    return sc.read_articles("examples/newsdesk.jsonl")


def test_a_streamed_corpus_is_grouped_nearly_as_a_whole_one(tmp_path, newswire):
    whole = sc.StoryClusterer().fit(newswire)
    with fill(tmp_path / "news.db", newswire) as store:
        events, threads = labels(store, newswire)
        assert sc.evaluate(whole.event_labels_, events).f1 > 0.96
        assert sc.evaluate(whole.labels_, threads).f1 > 0.96
        store.consolidate(None)
        events, threads = labels(store, newswire)
        assert sc.evaluate(whole.event_labels_, events).f1 > 0.995
        assert sc.evaluate(whole.labels_, threads).f1 > 0.995
        assert store.check() == []


def test_consolidating_twice_changes_nothing(tmp_path, newswire):
    with fill(tmp_path / "news.db", newswire[:200]) as store:
        store.consolidate(None)
        before = labels(store, newswire[:200])
        assert store.consolidate(None) == []
        assert labels(store, newswire[:200]) == before


def test_reports_that_come_one_by_one_find_their_event_and_thread(tmp_path, newsdesk):
    whole = sc.StoryClusterer().fit(newsdesk)
    with fill(tmp_path / "news.db", newsdesk, step=1) as store:
        store.consolidate(None)
        events, threads = labels(store, newsdesk)
    assert sc.evaluate(whole.event_labels_, events).f1 == pytest.approx(1.0)
    assert sc.evaluate(whole.labels_, threads).f1 == pytest.approx(1.0)


def test_the_history_tells_what_became_of_every_number(tmp_path, newswire):
    given = {}
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        for start in range(0, len(newswire), DAILY):
            for added in store.add(newswire[start : start + DAILY]):
                given[added.id] = added.thread, added.event
        store.consolidate(None)
        told = {(change.kind, change.old, change.new) for kind in ("thread", "event")
                for change in store.history(kind=kind)}  # fmt: skip
        leads_to = {}
        for kind, old, new in told:
            leads_to.setdefault((kind, old), set()).add(new)
        for name, places in given.items():
            now = store.article(name)
            for kind, old, new in (("thread", places[0], now.thread), ("event", places[1], now.event)):
                reached, waiting = set(), [old]
                while waiting:  # by any way that the history tells
                    place = waiting.pop()
                    if place not in reached:
                        reached.add(place)
                        waiting += leads_to.get((kind, place), ())
                assert new in reached
                assert (store.thread(old) if kind == "thread" else store.event(old)).size > 0


def test_groups_of_another_window_are_left_alone(tmp_path, newswire, monkeypatch):
    monkeypatch.setattr("storyclust.store.store.YOUNG", 0)
    with fill(tmp_path / "news.db", newswire) as store:
        before = {thread.id: sorted(thread.members) for thread in store.threads()}
        recent = {thread.id for thread in store.threads(since=newswire[-1].published - timedelta(days=0.5))}
        moved = {change.old for change in store.consolidate(0.5) if change.kind == "thread"}
        assert moved <= recent | {number for number, members in before.items() if number in recent}
        now = {thread.id: sorted(thread.members) for thread in store.threads()}
        last = newswire[-1].published.date()
        latest = {number for number in before if store.thread(number).end.date() == last}
        for number in set(before) - latest - recent - moved:
            assert now[number] == before[number]


def test_settings_are_those_of_the_file(tmp_path, newsdesk):
    with fill(tmp_path / "news.db", newsdesk, event_distance=0.5, thread_distance=0.6) as store:
        few = sum(thread.size for thread in store.threads(min_size=2))
    with sc.NewsStore.open(tmp_path / "news.db") as store:
        assert store.settings.event_distance == 0.5
    with fill(tmp_path / "other.db", newsdesk) as store:
        assert sum(thread.size for thread in store.threads(min_size=2)) > few
    with pytest.raises(sc.InputError, match=r"was made with event_distance=0\.5, got 0\.7"):
        sc.NewsStore.open(tmp_path / "news.db", event_distance=0.7)
    with pytest.raises(sc.InputError, match="events lie inside threads"):
        sc.NewsStore.open(tmp_path / "new.db", event_distance=0.97)
    with pytest.raises(sc.InputError, match="no setting 'distance'"):
        sc.NewsStore.open(tmp_path / "new.db", distance=0.5)


# Names


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), max_size=40))
def test_new_groups_are_named_once_and_moves_account_for_every_article(pairs):
    old, new = [a for a, _ in pairs], [b for _, b in pairs]
    groups = Groups()
    groups.next_id = 100
    ids, moves = match_groups(old, new, groups)
    named = dict(zip(new, ids, strict=True))
    assert len(set(named.values())) == len(named)
    assert all(ids[k] == named[label] for k, label in enumerate(new))
    assert sum(move.articles for move in moves) == sum(a != b for a, b in zip(old, ids, strict=True))
    for move in moves:
        assert (move.what == "merged") == (move.old not in ids)
        assert (move.what == "split") == (move.old in ids and move.new >= 100)
    for name in set(old):  # a name stays if some group shares more with it than with any other
        shares = {label: pairs.count((name, label)) for label in set(new)}
        best = max(shares.values())
        liked = [label for label in shares if shares[label] == best]
        rivals = max((pairs.count((a, label)) for label in liked for a in old if a != name), default=0)
        if rivals < best:
            assert name in ids


def test_sums_name_the_groups_that_one_is_near_to_both_of():
    groups = Groups()
    for group, size in ((1, 2), (2, 1), (3, 4)):
        for row in range(size):
            groups.add(group, row, float("nan"))
    sums = Sums.of(np.array([0, 0, 0, 1, 1]), np.array([1, 1, 2, 3, 2]), np.array([0.2, 0.2, 0.1, 0.1, 0.3]))
    assert sums.sums.tolist() == pytest.approx([0.4, 0.1, 0.3, 0.1])
    assert sums.bridges(groups, 0.09) == [(1, 2)]
    assert groups.spans[1] == (np.inf, -np.inf)
