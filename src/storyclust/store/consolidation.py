"""Consolidation: articles grouped anew, all at once, and the names of before kept where they can be.

What a batch would find is found again, and each new group takes the id of the group of before with which it
shares most articles. So a name stays with the matter it was given to, and what moved is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.cluster.graph import similarity_graph
from storyclust.stories.grouping import LEAST_SIMILARITY, find_events, find_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import Feed
    from storyclust.store.placing import Groups, Structure


class Move(NamedTuple):
    """Articles that have gone from one group to another: all it had ('merged'), or some of them.

    Some went to a group that is new ('split') or to one that was there ('moved').
    """

    old: int
    new: int
    what: str
    articles: int


class Consolidated(NamedTuple):
    """Rows that were grouped anew, and what moved among events and threads."""

    rows: NDArray[np.int64]
    event_moves: list[Move]
    thread_moves: list[Move]


def consolidate(
    feed: Feed, structure: Structure, threads: set[int], n_jobs: int | None = None
) -> Consolidated:
    """Group the articles of some threads anew; `feed` and `structure` are as it leaves them.

    Parameters
    ----------
    feed : Feed
    structure : Structure
    threads : set of int
        No other thread is touched.
    """
    feed.weigh_all()
    everything = feed.events.values
    inside = {event for thread in threads for event in structure.events_of[thread]}
    rows = np.flatnonzero(np.isin(everything, np.fromiter(inside, np.int64, len(inside))))
    old_events = everything[rows].tolist()
    old_threads = [structure.thread_of[event] for event in old_events]
    events, thread_labels = regroup(feed, structure, rows, n_jobs)
    event_ids, event_moves = rename(old_events, events.tolist(), structure.events)
    thread_ids, thread_moves = rename(old_threads, thread_labels.tolist(), structure.threads)
    for groups, old in ((structure.events, inside), (structure.threads, threads)):
        groups.forget(old)
    for event in inside:
        structure.thread_of.pop(event, None)
    for thread in threads:
        structure.events_of.pop(thread, None)
    everything[rows] = event_ids
    times = feed.times.values[rows].tolist()
    for row, event, thread, time in zip(rows.tolist(), event_ids, thread_ids, times, strict=True):
        structure.put(event, thread)
        structure.events.add(event, row, time)
        structure.threads.add(thread, row, time)
    return Consolidated(rows, event_moves, thread_moves)


def regroup(
    feed: Feed, structure: Structure, rows: NDArray[np.int64], n_jobs: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of the events and threads that these articles make among themselves."""
    settings = structure.settings
    vectors = feed.vectors(rows)
    graph = similarity_graph(
        vectors, LEAST_SIMILARITY, null_similarity=feed.null_similarity(rows), n_jobs=n_jobs
    )
    events = find_events(graph, feed.times.values[rows], settings.event_distance, settings.event_window)
    return events, find_threads(graph, events, settings.thread_distance)


def rename(old: Sequence[int], labels: Sequence[int], groups: Groups) -> tuple[list[int], list[Move]]:
    """Name new groups by old ones: those that share most articles first, of equals the older name.

    Returns the id of each article's new group, and what moved.

    Examples
    --------
    >>> from storyclust.store.placing import Groups
    >>> groups = Groups()
    >>> groups.next_id = 9
    >>> ids, moves = rename([5, 5, 5, 7], [0, 0, 1, 0], groups)
    >>> ids
    [5, 5, 9, 5]
    >>> [tuple(move) for move in moves]
    [(5, 9, 'split', 1), (7, 5, 'merged', 1)]
    """
    shared = Counter(zip(old, labels, strict=True))
    name_of: dict[int, int] = {}
    taken: set[int] = set()
    for (name, label), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if name not in taken and label not in name_of:
            name_of[label] = name
            taken.add(name)
    fresh = {label: groups.new() for label in dict.fromkeys(labels) if label not in name_of}
    name_of |= fresh
    new = set(fresh.values())
    moves = []
    for (name, label), count in sorted(shared.items()):
        if (to := name_of[label]) != name:
            what = "merged" if name not in taken else "split" if to in new else "moved"
            moves.append(Move(name, to, what, count))
    return [name_of[label] for label in labels], moves
