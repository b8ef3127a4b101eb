"""Placing: the events and threads of new articles, by the same average linkage as a whole corpus.

New articles and the events they touch are the nodes of a small graph, agglomerated as ever: an event that is
there has the size it has, and the sum of its similarities to each new article. What two events that are there
have in common is looked at only where a new article belongs to both, and by their latest members. Then new
events and the threads they touch, likewise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.linkage import agglomerate, cut
from storyclust.stories.grouping import LEAST_SIMILARITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import Edges, Feed

SAMPLED = 16  # members of a group, the latest, by which two groups are compared


class Settings(NamedTuple):
    """What an event and a thread are."""

    event_distance: float = 0.89
    event_window: float = 7.0
    thread_distance: float = 0.96
    copy_threshold: float = 0.8


class Groups:
    """Events, or threads: how many independent articles each has, its span, its latest members.

    Attributes
    ----------
    sizes : dict of int to int
    spans : dict of int to (float, float)
        Times of the first and last dated article; (inf, -inf) where none is.
    latest : dict of int to list of int
        Rows of the latest members, `SAMPLED` at most.
    next_id : int
        The first that was never given.
    """

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.spans: dict[int, tuple[float, float]] = {}
        self.latest: dict[int, list[int]] = {}
        self.next_id = 1

    def new(self) -> int:
        """Give an id to a new group."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, group: int, row: int, time: float) -> None:
        """Add a row to a group, which may be new."""
        self.sizes[group] = self.sizes.get(group, 0) + 1
        first, last = self.spans.get(group, (np.inf, -np.inf))
        dated = not math.isnan(time)
        self.spans[group] = (min(first, time), max(last, time)) if dated else (first, last)
        latest = self.latest.setdefault(group, [])
        latest.append(row)
        del latest[:-SAMPLED]

    def fill(self, groups: NDArray[np.int64], times: NDArray[np.float64]) -> None:
        """Enter all rows at once, by the group of each."""
        order = np.argsort(groups, kind="stable")
        names, starts = np.unique(groups[order], return_index=True)
        if not len(names):
            return
        ends = np.append(starts[1:], len(order)).tolist()
        firsts = np.fmin.reduceat(np.where(np.isnan(times), np.inf, times)[order], starts).tolist()
        lasts = np.fmax.reduceat(np.where(np.isnan(times), -np.inf, times)[order], starts).tolist()
        rows = order.tolist()
        for name, start, end, first, last in zip(
            names.tolist(), starts.tolist(), ends, firsts, lasts, strict=True
        ):
            self.sizes[name] = end - start
            self.spans[name] = first, last
            self.latest[name] = rows[max(start, end - SAMPLED) : end]

    def forget(self, groups: Iterable[int]) -> None:
        """Forget what is known of groups."""
        for group in groups:
            for known in (self.sizes, self.spans, self.latest):
                known.pop(group, None)

    def merge(self, gone: int, kept: int) -> None:
        """Let one group go into another."""
        self.sizes[kept] += self.sizes.pop(gone)
        (a, b), (c, d) = self.spans[kept], self.spans.pop(gone)
        self.spans[kept] = min(a, c), max(b, d)
        self.latest[kept] = sorted(self.latest[kept] + self.latest.pop(gone))[-SAMPLED:]


class Sums(NamedTuple):
    """Sums of similarities of pairs; `averages` are those sums by the size of the second."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    sums: NDArray[np.float64]

    @classmethod
    def of(cls, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]) -> Sums:
        """Sum the weights of equal pairs."""
        if not len(first):
            return cls(first, second, weights)
        pairs, inverse = np.unique(np.column_stack((first, second)), axis=0, return_inverse=True)
        sums = np.bincount(inverse.ravel(), weights).astype(np.float64)
        return cls(pairs[:, 0], pairs[:, 1], sums)

    def bridges(self, groups: Groups, least: float) -> list[tuple[int, int]]:
        """Pairs of groups that one of the first is near enough to both of: the nearest with each other."""
        sizes = np.array([groups.sizes[group] for group in self.second.tolist()])
        averages = self.sums / sizes
        near = np.flatnonzero(averages > least)
        order = near[np.lexsort((self.second[near], -averages[near], self.first[near]))]
        found: set[tuple[int, int]] = set()
        best = -1
        for k in order.tolist():
            if best < 0 or self.first[k] != self.first[best]:
                best = k
            else:
                found.add((int(self.second[best]), int(self.second[k])))
        return sorted({(min(pair), max(pair)) for pair in found})


class Cluster(NamedTuple):
    """New nodes and groups that are one; the group to keep stands first."""

    nodes: list[int]
    groups: list[int]


class Placement(NamedTuple):
    """What became of new rows, and of groups that turned out to be one: (gone, kept)."""

    events: list[int]
    merged_events: list[tuple[int, int]]
    merged_threads: list[tuple[int, int]]


class Structure:
    """All events and threads, and which thread each event is in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events = Groups()
        self.threads = Groups()
        self.thread_of: dict[int, int] = {}
        self.events_of: dict[int, set[int]] = {}

    def put(self, event: int, thread: int) -> None:
        """Put an event into a thread."""
        self.thread_of[event] = thread
        self.events_of.setdefault(thread, set()).add(event)

    def count_again(self, feed: Feed, event: int) -> None:
        """Count an event and its thread anew, after rows have come in or gone."""
        thread = self.thread_of[event]
        self.events.forget([event])
        self.threads.forget([thread])
        inside = np.array(sorted(self.events_of[thread]), np.int64)
        rows = np.flatnonzero(np.isin(feed.events.values, inside))
        columns = (rows, feed.events.values[rows], feed.times.values[rows])
        for row, of, time in zip(*(column.tolist() for column in columns), strict=True):
            self.threads.add(thread, row, time)
            if of == event:
                self.events.add(event, row, time)

    def place(self, feed: Feed, rows: NDArray[np.int64], edges: Edges) -> Placement:
        """Place new rows, the last of the feed, by their edges to earlier ones."""
        times = feed.times.values
        gaps = np.abs(times[edges.first] - times[edges.second])
        near = ~(gaps > self.settings.event_window)
        clusters, merged_events = self._join_events(feed, rows, *(column[near] for column in edges))
        for cluster in clusters:
            event = cluster.groups[0] if cluster.groups else self.events.new()
            for node in cluster.nodes:
                row = int(rows[node])
                feed.events.values[row] = event
                self.events.add(event, row, float(times[row]))
                if event in self.thread_of:
                    self.threads.add(self.thread_of[event], row, float(times[row]))
        merged_threads = self._join_threads(feed, rows, edges)
        return Placement(feed.events.values[rows].tolist(), merged_events, merged_threads)

    def _join_events(
        self,
        feed: Feed,
        rows: NDArray[np.int64],
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> tuple[list[Cluster], list[tuple[int, int]]]:
        """Join new rows with one another and with events that are there."""
        start, times = int(rows[0]), feed.times.values[rows]
        new = second >= start
        pairs = Sums(first[new] - start, second[new] - start, weights[new])
        to_events = Sums.of(first[~new] - start, feed.events.values[second[~new]], weights[~new])
        least = 1.0 - self.settings.event_distance
        bridges = [
            pair
            for pair in to_events.bridges(self.events, least)
            if self.thread_of[pair[0]] == self.thread_of[pair[1]]
        ]
        clusters = join(
            self.events, np.ones(len(rows), np.int64), np.column_stack((times, times)), pairs, to_events,
            bridge_sums(feed, self.events, bridges), self.settings.event_distance, self.settings.event_window,
        )  # fmt: skip
        merged = []
        for cluster in clusters:
            for gone in cluster.groups[1:]:
                kept = cluster.groups[0]
                if self.thread_of[gone] == self.thread_of[kept]:  # else each stays what it is
                    self._merge_event(feed, gone, kept)
                    merged.append((gone, kept))
        return clusters, merged

    def _merge_event(self, feed: Feed, gone: int, kept: int) -> None:
        self.events.merge(gone, kept)
        feed.events.values[feed.events.values == gone] = kept
        self.events_of[self.thread_of.pop(gone)].discard(gone)

    def _join_threads(self, feed: Feed, rows: NDArray[np.int64], edges: Edges) -> list[tuple[int, int]]:
        """Put new events into threads; returns the threads that turned out to be one."""
        of_first, of_second = feed.events.values[edges.first], feed.events.values[edges.second]
        event_ids = feed.events.values[rows]
        new_events = [event for event in dict.fromkeys(event_ids.tolist()) if event not in self.thread_of]
        node_of = {event: node for node, event in enumerate(new_events)}
        nodes_a, nodes_b = mapped(node_of, of_first), mapped(node_of, of_second)
        threads_a, threads_b = mapped(self.thread_of, of_first), mapped(self.thread_of, of_second)
        within = (nodes_a >= 0) & (nodes_b >= 0) & (nodes_a != nodes_b)
        forth, back = (nodes_a >= 0) & (threads_b >= 0), (threads_a >= 0) & (nodes_b >= 0)
        pairs = Sums(nodes_a[within], nodes_b[within], edges.similarities[within])
        to_threads = Sums.of(
            np.concatenate((nodes_a[forth], nodes_b[back])),
            np.concatenate((threads_b[forth], threads_a[back])),
            np.concatenate((edges.similarities[forth], edges.similarities[back])),
        )
        least = 1.0 - self.settings.thread_distance
        across = threads_b >= 0
        of_rows = Sums.of(edges.first[across], threads_b[across], edges.similarities[across])
        bridges = of_rows.bridges(self.threads, least)
        sizes = np.array([self.events.sizes[event] for event in new_events], np.int64)
        clusters = join(
            self.threads, sizes, None, pairs, to_threads, bridge_sums(feed, self.threads, bridges),
            self.settings.thread_distance, np.inf,
        )  # fmt: skip
        merged = []
        for cluster in clusters:
            thread = cluster.groups[0] if cluster.groups else self.threads.new()
            for gone in cluster.groups[1:]:
                self._merge_thread(gone, thread)
                merged.append((gone, thread))
            for event in (new_events[node] for node in cluster.nodes):
                self.put(event, thread)
                for row in rows[event_ids == event].tolist():
                    self.threads.add(thread, row, float(feed.times.values[row]))
        return merged

    def _merge_thread(self, gone: int, kept: int) -> None:
        self.threads.merge(gone, kept)
        for event in self.events_of.pop(gone):
            self.put(event, kept)


def join(
    groups: Groups,
    sizes: NDArray[np.int64],
    spans: NDArray[np.float64] | None,
    pairs: Sums,
    to_groups: Sums,
    between: Sums,
    distance: float,
    window: float,
) -> list[Cluster]:
    """Agglomerate new nodes with one another and with groups that are there.

    Parameters
    ----------
    groups : Groups
    sizes, spans : arrays of shape (n,) and (n, 2)
        Of the new nodes.
    pairs, to_groups, between : Sums
        Of new nodes, of a new node and a group, and of groups.
    distance, window : float
        See `agglomerate`.

    Returns
    -------
    clusters : list of Cluster
        Every new node is in one of them, and so are groups that are joined with something.
    """
    n = len(sizes)
    touched = np.unique(np.concatenate((to_groups.second, between.first, between.second)))
    names = touched.tolist()
    rows = (pairs.first, to_groups.first, n + np.searchsorted(touched, between.first))
    columns = (pairs.second, *(n + np.searchsorted(touched, part.second) for part in (to_groups, between)))
    data = np.concatenate((pairs.sums, to_groups.sums, between.sums))
    total = n + len(touched)
    half = sparse.coo_array((data, (np.concatenate(rows), np.concatenate(columns))), shape=(total, total))
    graph: sparse.csr_array = sparse.csr_array(half + half.T)
    graph.sort_indices()
    times = None
    if spans is not None:
        there = np.array([groups.spans[group] for group in names]).reshape(-1, 2)
        times = np.concatenate((spans, np.where(np.isinf(there), np.nan, there)))
    all_sizes = np.append(sizes, [groups.sizes[group] for group in names]).astype(np.int64)
    merges = agglomerate(graph, all_sizes, max_distance=distance, times=times, window=window)
    clusters: dict[int, Cluster] = {}
    for node, label in enumerate(cut(merges, total, distance).tolist()):
        cluster = clusters.setdefault(label, Cluster([], []))
        if node < n:
            cluster.nodes.append(node)
        else:
            cluster.groups.append(names[node - n])
    for cluster in clusters.values():
        cluster.groups.sort(key=lambda group: (-groups.sizes[group], group))
    return [cluster for cluster in clusters.values() if cluster.nodes or len(cluster.groups) > 1]


def bridge_sums(feed: Feed, groups: Groups, bridges: list[tuple[int, int]]) -> Sums:
    """Sums of the similarities of pairs of groups, from those of their latest members."""
    ids = np.array(bridges, np.int64).reshape(-1, 2)
    names = np.unique(ids).tolist()
    sizes = [len(groups.latest[group]) for group in names]
    bounds = dict(
        zip(names, zip(np.cumsum([0, *sizes]).tolist(), np.cumsum(sizes).tolist(), strict=False), strict=True)
    )
    rows = np.array([row for group in names for row in groups.latest[group]], np.int64)
    sums = np.zeros(len(bridges))
    if len(bridges):
        X = feed.vectors(rows)
        null_similarity = feed.null_similarity(rows)
    for k, (a, b) in enumerate(bridges):
        first, second = slice(*bounds[a]), slice(*bounds[b])
        cosines = (X[first] @ X[second].T).toarray()
        similarities = corrected_similarities(
            cosines, np.maximum.outer(null_similarity[first], null_similarity[second])
        )
        similarities[similarities < LEAST_SIMILARITY] = 0.0  # too little to count
        average = float(similarities.mean())
        sums[k] = average * groups.sizes[a] * groups.sizes[b]
    return Sums(ids[:, 0], ids[:, 1], sums)


def mapped(known: dict[int, int], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a dictionary has for each name, -1 where it has nothing."""
    distinct, places = np.unique(names, return_inverse=True)
    return np.array([known.get(name, -1) for name in distinct.tolist()], np.int64)[places]
