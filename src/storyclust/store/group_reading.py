"""Reads events, threads and scales of the articles that a batch touches from the tables.

A working set that was restored from entries (see `index_tables`) knows no event and no scale at first. All
functions need the thread that opened the connection, and leave alone what is known. A thread is read as a
whole, so that all its events are known, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from storyclust.cluster.local_scaling import NEIGHBORS
from storyclust.store.neighbor_scales import TYPICAL_SCALE, UNREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.placing import Structure

UNKNOWN = -2  # event of a row that was not read; -1 is none
THREAD_OF = "SELECT e.thread FROM articles a JOIN events e ON e.id = a.event WHERE a.number = ?"
# CROSS JOIN: both tables are read by an index that holds all columns.
MEMBERS = """
    SELECT a.number, a.event FROM events e CROSS JOIN articles a ON a.event = e.id WHERE e.thread = ?
"""
LIVE_THREADS = "SELECT id FROM threads WHERE merged_into IS NULL AND size > 0"


def all_threads(connection: sqlite3.Connection) -> set[int]:
    """Ids of all threads that have articles."""
    return {row[0] for row in connection.execute(LIVE_THREADS)}


def read_groups_of(
    connection: sqlite3.Connection, index: ArticleIndex, structure: Structure, rows: NDArray[np.int64]
) -> None:
    """Read the events, threads and scales of some rows."""
    unknown = rows[index.events.values[rows] == UNKNOWN]
    threads = set()
    for number in index.numbers.values[unknown].tolist():
        if structure.is_whole:
            break
        threads.add(connection.execute(THREAD_OF, (number,)).fetchone()[0])
    read_threads(connection, index, structure, threads)
    read_scales(connection, index, index.numbers.values[rows].tolist())


def read_threads(
    connection: sqlite3.Connection, index: ArticleIndex, structure: Structure, threads: Iterable[int]
) -> None:
    """Read some threads, the events in them, and the scales of their latest members."""
    if structure.is_whole:
        return
    missing = [thread for thread in sorted(set(threads)) if thread not in structure.threads.sizes]
    thread_of: dict[int, int] = {}
    members: list[tuple[int, int]] = []
    for thread in missing:
        own = connection.execute(MEMBERS, (thread,)).fetchall()
        thread_of |= dict.fromkeys((event for _, event in own), thread)
        members += own
    if not members:
        return
    numbers, events = np.array(members, np.int64).T
    rows = index.row_of.of(numbers)
    found = rows >= 0  # others are copies
    index.events.values[rows[found]] = events[found]
    structure.fill(index, rows[found], thread_of)
    latest = structure.threads.latest
    read_scales(connection, index, (number for thread in missing for number in latest.get(thread, ())))


def read_scales(connection: sqlite3.Connection, index: ArticleIndex, numbers: Iterable[int]) -> None:
    """Read the scales of some articles; copies have none."""
    wanted = np.unique(np.fromiter(numbers, np.int64))
    rows = index.row_of.of(wanted)
    rows = rows[rows >= 0]
    rows = rows[index.scales.counts.values[rows] == UNREAD]
    query = "SELECT neighbors, similarity FROM scales WHERE article = ?"
    typical = NEIGHBORS, NEIGHBORS * TYPICAL_SCALE
    found = [
        connection.execute(query, (number,)).fetchone() or typical
        for number in index.numbers.values[rows].tolist()
    ]
    if found:
        counts, sums = zip(*found, strict=True)
        index.scales.put(rows, np.array(counts, np.int64), np.array(sums, np.float64))
