"""Places new articles in events and threads, by incremental average linkage.

New articles and the events that they are similar to are the nodes of a small graph, which is agglomerated. A
stored event counts with its size and with the sum of its similarities to each new article. Two stored events
are compared only if a new article is close to both, and by their latest members. New events and threads are
joined in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.cluster.linkage import agglomerate, cut
from storyclust.cluster.local_scaling import scaled_similarity
from storyclust.store.bridges import bridge_sums
from storyclust.store.groups import Groups, Sums
from storyclust.stories.grouping import event_similarity
from storyclust.stories.settings import COPY_THRESHOLD, EVENT_DISTANCE, EVENT_WINDOW, THREAD_DISTANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex, Edges


class Settings(NamedTuple):
    """Settings of a store: `StoryClusterer` explains the distances, the window (days) and `clean`."""

    event_distance: float = EVENT_DISTANCE
    event_window: float = EVENT_WINDOW
    thread_distance: float = THREAD_DISTANCE
    copy_threshold: float = COPY_THRESHOLD
    clean: bool = True


class Cluster(NamedTuple):
    """New nodes and stored groups that form one group; the group to keep stands first."""

    nodes: list[int]
    groups: list[int]


class Placement(NamedTuple):
    """Events of new rows, and stored groups that were merged: pairs of (gone, kept)."""

    events: list[int]
    merged_events: list[tuple[int, int]]
    merged_threads: list[tuple[int, int]]


class Structure:
    """Events and threads, and the thread of each event: all, or those that were read (`group_reading`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_whole = True
        self.events = Groups()
        self.threads = Groups()
        self.thread_of: dict[int, int] = {}
        self.events_of: dict[int, set[int]] = {}

    def put(self, event: int, thread: int) -> None:
        """Assign an event to a thread."""
        self.thread_of[event] = thread
        self.events_of.setdefault(thread, set()).add(event)

    def fill(self, index: ArticleIndex, rows: NDArray[np.int64], thread_of: dict[int, int]) -> None:
        """Enter whole threads: all rows in them, and the thread of each of their events."""
        events, times, numbers = (
            column.values[rows] for column in (index.events, index.times, index.numbers)
        )
        self.events.fill(events, times, numbers)
        self.threads.fill(look_up(thread_of, events), times, numbers)
        for event in np.unique(events).tolist():
            self.put(event, thread_of[event])

    def recount(self, index: ArticleIndex, event: int) -> None:
        """Compute an event and its thread again, after rows were added or removed."""
        thread = self.thread_of[event]
        self.events.forget([event])
        self.threads.forget([thread])
        inside = np.array(sorted(self.events_of[thread]), np.int64)
        rows = np.flatnonzero(np.isin(index.events.values, inside))
        events, times, numbers = (
            column.values[rows] for column in (index.events, index.times, index.numbers)
        )
        self.threads.fill(np.full(len(rows), thread), times, numbers)
        own = events == event
        self.events.fill(events[own], times[own], numbers[own])

    def place(self, index: ArticleIndex, rows: NDArray[np.int64], edges: Edges) -> Placement:
        """Place new rows in events and threads, and update both.

        Parameters
        ----------
        index : ArticleIndex
        rows : int64 array
            The last rows of the index.
        edges : Edges
            From the new rows to earlier rows and to one another.

        Returns
        -------
        Placement
        """
        times, numbers = index.times.values, index.numbers.values
        gaps = np.abs(times[edges.first] - times[edges.second])
        near = ~(gaps > self.settings.event_window)
        first, second, similarities = (column[near] for column in edges)
        weights = event_similarity(similarities, gaps[near])
        clusters, merged_events = self._join_events(index, rows, first, second, weights)
        for cluster in clusters:
            event = cluster.groups[0] if cluster.groups else self.events.new()
            for node in cluster.nodes:
                row = int(rows[node])
                index.events.values[row] = event
                self.events.add(event, int(numbers[row]), float(times[row]))
                if event in self.thread_of:
                    self.threads.add(self.thread_of[event], int(numbers[row]), float(times[row]))
        scaled = scaled_similarity(
            edges.similarities, index.scales.of(edges.first), index.scales.of(edges.second)
        )
        merged_threads = self._join_threads(index, rows, edges._replace(similarities=scaled))
        return Placement(index.events.values[rows].tolist(), merged_events, merged_threads)

    def _join_events(
        self,
        index: ArticleIndex,
        rows: NDArray[np.int64],
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> tuple[list[Cluster], list[tuple[int, int]]]:
        """Cluster new rows with one another and with stored events; returns clusters and merged events."""
        start, times = int(rows[0]), index.times.values[rows]
        new = second >= start
        pairs = Sums(first[new] - start, second[new] - start, weights[new])
        to_events = Sums.of(first[~new] - start, index.events.values[second[~new]], weights[~new])
        least = 1.0 - self.settings.event_distance
        bridges = [
            pair
            for pair in to_events.bridges(self.events, least)
            if self.thread_of[pair[0]] == self.thread_of[pair[1]]
        ]
        clusters = join(
            self.events, np.ones(len(rows), np.int64), np.column_stack((times, times)), pairs, to_events,
            bridge_sums(index, self.events, bridges, timed=True),
            self.settings.event_distance, self.settings.event_window,
        )  # fmt: skip
        merged = []
        for cluster in clusters:
            for gone in cluster.groups[1:]:
                kept = cluster.groups[0]
                if self.thread_of[gone] == self.thread_of[kept]:  # events of different threads stay apart
                    self._merge_event(index, gone, kept)
                    merged.append((gone, kept))
        return clusters, merged

    def _merge_event(self, index: ArticleIndex, gone: int, kept: int) -> None:
        self.events.merge(gone, kept)
        index.events.values[index.events.values == gone] = kept
        self.events_of[self.thread_of.pop(gone)].discard(gone)

    def _join_threads(
        self, index: ArticleIndex, rows: NDArray[np.int64], edges: Edges
    ) -> list[tuple[int, int]]:
        """Assign new events to threads by scaled similarities; returns the threads that were merged."""
        of_first, of_second = index.events.values[edges.first], index.events.values[edges.second]
        event_ids = index.events.values[rows]
        new_events = [event for event in dict.fromkeys(event_ids.tolist()) if event not in self.thread_of]
        node_of = {event: node for node, event in enumerate(new_events)}
        nodes_a, nodes_b = look_up(node_of, of_first), look_up(node_of, of_second)
        threads_a, threads_b = look_up(self.thread_of, of_first), look_up(self.thread_of, of_second)
        within = (nodes_a >= 0) & (nodes_b >= 0) & (nodes_a != nodes_b)
        ab, ba = (nodes_a >= 0) & (threads_b >= 0), (threads_a >= 0) & (nodes_b >= 0)
        pairs = Sums(nodes_a[within], nodes_b[within], edges.similarities[within])
        to_threads = Sums.of(
            np.concatenate((nodes_a[ab], nodes_b[ba])),
            np.concatenate((threads_b[ab], threads_a[ba])),
            np.concatenate((edges.similarities[ab], edges.similarities[ba])),
        )
        to_stored = threads_b >= 0
        of_rows = Sums.of(edges.first[to_stored], threads_b[to_stored], edges.similarities[to_stored])
        bridges = of_rows.bridges(self.threads, 1.0 - self.settings.thread_distance)
        sizes = np.array([self.events.sizes[event] for event in new_events], np.int64)
        clusters = join(
            self.threads, sizes, None, pairs, to_threads, bridge_sums(index, self.threads, bridges),
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
                    time = float(index.times.values[row])
                    self.threads.add(thread, int(index.numbers.values[row]), time)
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
    """Agglomerate new nodes with one another and with stored groups.

    Parameters
    ----------
    groups : Groups
    sizes, spans : arrays of shape (n,) and (n, 2)
        Number of articles and first and last time of each new node; no spans without a window.
    pairs, to_groups, between : Sums
        Similarities of two new nodes, of a new node and a group, and of two groups.
    distance, window : float
        See `agglomerate`.

    Returns
    -------
    clusters : list of Cluster
        Each new node is in one; a group is in one only if it is joined with something.
    """
    n = len(sizes)
    if not (len(pairs.sums) or len(to_groups.sums) or len(between.sums)):
        return [Cluster([node], []) for node in range(n)]
    touched = np.unique(np.concatenate((to_groups.second, between.first, between.second)))
    ids = touched.tolist()
    rows = (pairs.first, to_groups.first, n + np.searchsorted(touched, between.first))
    columns = (pairs.second, *(n + np.searchsorted(touched, part.second) for part in (to_groups, between)))
    data = np.concatenate((pairs.sums, to_groups.sums, between.sums))
    total = n + len(touched)
    half = sparse.coo_array((data, (np.concatenate(rows), np.concatenate(columns))), shape=(total, total))
    graph: sparse.csr_array = sparse.csr_array(half + half.T)
    graph.sort_indices()
    times = None
    if spans is not None:
        stored = np.array([groups.spans[group] for group in ids]).reshape(-1, 2)
        times = np.concatenate((spans, np.where(np.isinf(stored), np.nan, stored)))
    all_sizes = np.append(sizes, [groups.sizes[group] for group in ids]).astype(np.int64)
    merges = agglomerate(graph, all_sizes, max_distance=distance, times=times, window=window)
    clusters: dict[int, Cluster] = {}
    for node, label in enumerate(cut(merges, total, distance).tolist()):
        cluster = clusters.setdefault(label, Cluster([], []))
        if node < n:
            cluster.nodes.append(node)
        else:
            cluster.groups.append(ids[node - n])
    for cluster in clusters.values():
        cluster.groups.sort(key=lambda group: (-groups.sizes[group], group))
    return [cluster for cluster in clusters.values() if cluster.nodes or len(cluster.groups) > 1]


def look_up(table: dict[int, int], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values of many keys of a dictionary; -1 for keys that it lacks."""
    distinct, places = np.unique(keys, return_inverse=True)
    return np.array([table.get(key, -1) for key in distinct.tolist()], np.int64)[places]
