"""Consolidation: clusters stored articles again, all at once, and keeps the ids of groups where it can.

The articles are clustered as `StoryClusterer` would. Each new group takes the id of the former group with
which it shares most articles, and what moved between groups is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.cluster.graph import similarity_graph
from storyclust.stories.grouping import LEAST_SIMILARITY, drop_weak_edges, find_events, find_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.groups import Groups
    from storyclust.store.placing import Structure


class Move(NamedTuple):
    """Articles that went from one group to another.

    `what` is 'merged' if the old group is gone, 'split' if it remains and the new group is new, else 'moved'.
    """

    old: int
    new: int
    what: str
    articles: int


class Consolidated(NamedTuple):
    """Rows that were clustered again, and the moves among events and threads."""

    rows: NDArray[np.int64]
    measured: bool  # whether the neighbours of the rows were, which takes all articles
    event_moves: list[Move]
    thread_moves: list[Move]


def consolidate(
    index: ArticleIndex,
    structure: Structure,
    threads: set[int],
    n_jobs: int | None = None,
    weighed: bool = False,
) -> Consolidated:
    """Cluster the articles of some threads again, and update `index` and `structure`.

    Parameters
    ----------
    index : ArticleIndex
    structure : Structure
    threads : set of int
        Other threads stay as they are.
    n_jobs : int or None, default=None
    weighed : bool, default=False
        Whether all weights are current, as in an index that has just been read.

    Returns
    -------
    Consolidated
    """
    if not weighed:
        index.weigh_all(n_jobs)
    event_of_row = index.events.values
    inside = {event for thread in threads for event in structure.events_of[thread]}
    rows = np.flatnonzero(np.isin(event_of_row, np.fromiter(inside, np.int64, len(inside))))
    old_events = event_of_row[rows].tolist()
    old_threads = [structure.thread_of[event] for event in old_events]
    measured = len(rows) == index.n_kept
    events, thread_labels = regroup(index, structure, rows, n_jobs, measure=measured)
    event_ids, event_moves = match_groups(old_events, events.tolist(), structure.events)
    thread_ids, thread_moves = match_groups(old_threads, thread_labels.tolist(), structure.threads)
    for groups, old in ((structure.events, inside), (structure.threads, threads)):
        groups.forget(old)
    for event in inside:
        structure.thread_of.pop(event, None)
    for thread in threads:
        structure.events_of.pop(thread, None)
    event_of_row[rows] = event_ids
    structure.fill(index, rows, dict(zip(event_ids, thread_ids, strict=True)))
    return Consolidated(rows, measured, event_moves, thread_moves)


def regroup(
    index: ArticleIndex, structure: Structure, rows: NDArray[np.int64], n_jobs: int | None, *, measure: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of the events and threads into which these rows are clustered; may `measure` their scales."""
    settings = structure.settings
    vectors = index.vectors(rows)
    graph = similarity_graph(
        vectors, LEAST_SIMILARITY, null_similarity=index.null_similarity(rows), n_jobs=n_jobs
    )
    graph = drop_weak_edges(graph, index.least_similarities(rows))
    events = find_events(graph, index.times.values[rows], settings.event_distance, settings.event_window)
    if measure:
        index.scales.measure(rows, graph.indptr, graph.data)
    return events, find_threads(graph, events, settings.thread_distance, index.scales.of(rows))


def match_groups(old: Sequence[int], labels: Sequence[int], groups: Groups) -> tuple[list[int], list[Move]]:
    """Match new groups to old ids greedily: the largest overlap first, then the smaller id.

    Parameters
    ----------
    old : sequence of int
        Old group of each article.
    labels : sequence of int
        New group of each article.
    groups : Groups
        Gives ids to groups without a match.

    Returns
    -------
    ids : list of int
        Id of the new group of each article.
    moves : list of Move

    Examples
    --------
    >>> from storyclust.store.groups import Groups
    >>> groups = Groups()
    >>> groups.next_id = 9
    >>> ids, moves = match_groups([5, 5, 5, 7], [0, 0, 1, 0], groups)
    >>> ids
    [5, 5, 9, 5]
    >>> [tuple(move) for move in moves]
    [(5, 9, 'split', 1), (7, 5, 'merged', 1)]
    """
    overlaps = Counter(zip(old, labels, strict=True))
    id_of: dict[int, int] = {}
    kept: set[int] = set()
    for (group, label), _ in sorted(overlaps.items(), key=lambda item: (-item[1], item[0])):
        if group not in kept and label not in id_of:
            id_of[label] = group
            kept.add(group)
    unmatched = {label: groups.new() for label in dict.fromkeys(labels) if label not in id_of}
    id_of |= unmatched
    new = set(unmatched.values())
    moves = []
    for (group, label), count in sorted(overlaps.items()):
        if (to := id_of[label]) != group:
            what = "merged" if group not in kept else "split" if to in new else "moved"
            moves.append(Move(group, to, what, count))
    return [id_of[label] for label in labels], moves
