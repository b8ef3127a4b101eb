"""Stored events and threads, and sums of similarities with them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LATEST_MEMBERS = 16  # by which two stored groups are compared


class Groups:
    """Sizes, time spans and latest members of all events, or of all threads; copies do not count.

    Attributes
    ----------
    sizes : dict of int to int
    spans : dict of int to (float, float)
        Times of the first and last dated article; (inf, -inf) without one.
    latest : dict of int to list of int
        Numbers of the latest members, at most `LATEST_MEMBERS`.
    next_id : int
        The first unused id.
    """

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.spans: dict[int, tuple[float, float]] = {}
        self.latest: dict[int, list[int]] = {}
        self.next_id = 1

    def new(self) -> int:
        """Return the id of a new group."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, group: int, number: int, time: float) -> None:
        """Add an article to a group, which is created if need be."""
        self.sizes[group] = self.sizes.get(group, 0) + 1
        first, last = self.spans.get(group, (np.inf, -np.inf))
        dated = not math.isnan(time)
        self.spans[group] = (min(first, time), max(last, time)) if dated else (first, last)
        latest = self.latest.setdefault(group, [])
        latest.append(number)
        if len(latest) > 1 and number < latest[-2]:  # it was indexed again
            latest.sort()
        del latest[:-LATEST_MEMBERS]

    def fill(self, groups: NDArray[np.int64], times: NDArray[np.float64], numbers: NDArray[np.int64]) -> None:
        """Add all articles of some new groups at once, given the group of each."""
        order = np.lexsort((numbers, groups))
        ids, starts = np.unique(groups[order], return_index=True)
        if not len(ids):
            return
        ends = np.append(starts[1:], len(order)).tolist()
        firsts = np.fmin.reduceat(np.where(np.isnan(times), np.inf, times)[order], starts).tolist()
        lasts = np.fmax.reduceat(np.where(np.isnan(times), -np.inf, times)[order], starts).tolist()
        listed = numbers[order].tolist()
        columns = (ids.tolist(), starts.tolist(), ends, firsts, lasts)
        for group, start, end, first, last in zip(*columns, strict=True):
            self.sizes[group] = end - start
            self.spans[group] = first, last
            self.latest[group] = listed[max(start, end - LATEST_MEMBERS) : end]

    def forget(self, groups: Iterable[int]) -> None:
        """Delete groups."""
        for group in groups:
            for table in (self.sizes, self.spans, self.latest):
                table.pop(group, None)

    def merge(self, gone: int, kept: int) -> None:
        """Merge one group into another."""
        self.sizes[kept] += self.sizes.pop(gone)
        (a, b), (c, d) = self.spans[kept], self.spans.pop(gone)
        self.spans[kept] = min(a, c), max(b, d)
        self.latest[kept] = sorted(self.latest[kept] + self.latest.pop(gone))[-LATEST_MEMBERS:]


class Sums(NamedTuple):
    """Sums of similarities: of a new node and a group, or of two new nodes or groups."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    sums: NDArray[np.float64]

    @classmethod
    def of(cls, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]) -> Sums:
        """Sum the weights of equal pairs."""
        if not len(first):
            return cls(first, second, weights)
        pairs, inverse = np.unique(first << 32 | second, return_inverse=True)  # no id exceeds 32 bits
        return cls(pairs >> 32, pairs & 0xFFFFFFFF, np.bincount(inverse, weights).astype(np.float64))

    def bridges(self, groups: Groups, least: float) -> list[tuple[int, int]]:
        """Pairs of groups that one new node is close to both of.

        Parameters
        ----------
        groups : Groups
            Of the `second` column.
        least : float
            Least average similarity of a node and a group that are close.

        Returns
        -------
        list of (int, int)
            For each node, its closest group with each other close one; the smaller id stands first.
        """
        sizes = np.array([groups.sizes[group] for group in self.second.tolist()])
        averages = self.sums / sizes
        close = np.flatnonzero(averages > least)
        order = close[np.lexsort((self.second[close], -averages[close], self.first[close]))]
        pairs: set[tuple[int, int]] = set()
        best = -1
        for k in order.tolist():
            if best < 0 or self.first[k] != self.first[best]:
                best = k
            else:
                pair = int(self.second[best]), int(self.second[k])
                pairs.add((min(pair), max(pair)))
        return sorted(pairs)
