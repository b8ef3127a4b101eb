"""Common substrings of two token sequences, and the best chain of them.

They come from one suffix array over both sequences (Manber and Myers, 1990), which is fast for long texts and
for repetitive ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.sorting import sort
from storyclust._core.union_find import find

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shared_runs(x: NDArray[np.uint64], y: NDArray[np.uint64], least: int) -> NDArray[np.int64]:
    """Maximal common substrings ("runs") of two token sequences, none inside another one in either.

    Parameters
    ----------
    x, y : uint64 arrays of shape (n_x,) and (n_y,)
    least : int
        Tokens of the shortest run, at least 1.

    Returns
    -------
    runs : int64 array of shape (m, 3)
        Start in `x`, start in `y`, length; longest first, then by start. In this order, a run is left out
        if it lies inside a run taken before it, in either sequence.

    Examples
    --------
    >>> shared_runs(np.array([1, 2, 3, 9, 1], np.uint64), np.array([9, 1, 7, 1, 2, 3], np.uint64), 1)
    array([[0, 3, 3],
           [3, 0, 2]])
    """
    if len(x) < least or len(y) < least:
        return np.empty((0, 3), np.int64)
    suffixes = SuffixArray.from_sequences(x, y)
    runs = match_runs(len(x), suffixes.order, suffixes.lcp, least)
    return np.asarray(runs[np.lexsort((runs[:, 1], runs[:, 0], -runs[:, 2]))])


class SuffixArray(NamedTuple):
    """Sorted suffixes of two sequences that are concatenated with a separator between them."""

    order: NDArray[np.int64]  # (n_x + 1 + n_y,) starts of the suffixes, sorted
    lcp: NDArray[np.int64]  # (n_x + 1 + n_y,) length of the prefix shared with the suffix before

    @classmethod
    def from_sequences(cls, x: NDArray[np.uint64], y: NDArray[np.uint64]) -> SuffixArray:
        """Sort the suffixes of two sequences."""
        _, numbers = np.unique(np.concatenate((x, y)), return_inverse=True)
        values = np.insert(numbers + 1, len(x), 0)  # the separator is the only 0
        order, rank = sort_suffixes(values)
        return cls(order, common_prefixes(values, order, rank))


@kernel
def counting_sort(keys: NDArray[np.int64], members: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Sort `members` by their keys, which lie in [0, len(keys)), stably."""
    heads = np.zeros(len(keys) + 1, np.int64)
    for member in members:
        heads[keys[member] + 1] += 1
    for key in range(len(keys)):
        heads[key + 1] += heads[key]
    for member in members:
        out[heads[keys[member]]] = member
        heads[keys[member]] += 1


@kernel
def sort_suffixes(values: NDArray[np.int64]) -> Any:
    """Sort suffixes by prefixes of doubling length; returns their starts in order, and each start's rank."""
    n = len(values)
    order, by_tail = np.empty(n, np.int64), np.arange(n)
    rank, fresh = values.copy(), np.empty(n, np.int64)
    counting_sort(rank, by_tail, order)
    width = 1
    while True:
        for k in range(width):  # suffixes that end within the first half come first
            by_tail[k] = n - width + k
        filled = width
        for k in range(n):
            if order[k] >= width:
                by_tail[filled] = order[k] - width
                filled += 1
        counting_sort(rank, by_tail, order)
        fresh[order[0]] = 0
        for k in range(1, n):
            p, q = order[k - 1], order[k]
            same = rank[p] == rank[q] and max(p, q) + width < n and rank[p + width] == rank[q + width]
            fresh[q] = fresh[p] + (0 if same else 1)
        rank, fresh = fresh, rank
        width *= 2
        if rank[order[n - 1]] == n - 1 or width >= n:
            return order, rank


@kernel
def common_prefixes(values: NDArray[np.int64], order: NDArray[np.int64], rank: NDArray[np.int64]) -> Any:
    """Length of the prefix that each sorted suffix shares with the one before it (Kasai et al., 2001)."""
    n = len(values)
    lcp = np.zeros(n, np.int64)
    length = 0
    for p in range(n):
        if rank[p] == 0:
            length = 0
            continue
        q = order[rank[p] - 1]
        while max(p, q) + length < n and values[p + length] == values[q + length]:
            length += 1
        lcp[rank[p]] = length
        length = max(length - 1, 0)
    return lcp


class PositionLists(NamedTuple):
    """Linked lists of positions: for each of the two sequences (axis 0), one list for each set (axis 1)."""

    first: NDArray[np.int64]  # (2, n)
    last: NDArray[np.int64]  # (2, n)
    size: NDArray[np.int64]  # (2, n)
    following: NDArray[np.int64]  # (n,) the position after each position


@kernel
def merge_sets(parent: NDArray[np.int64], lists: PositionLists, k: Any) -> None:
    """Unite the sets that hold the sorted suffixes `k - 1` and `k`, and concatenate their lists."""
    root, other = find(parent, k - 1), find(parent, k)
    parent[other] = root
    for side in range(2):
        if lists.size[side, other] == 0:
            continue
        if lists.size[side, root] == 0:
            lists.first[side, root] = lists.first[side, other]
        else:
            lists.following[lists.last[side, root]] = lists.first[side, other]
        lists.last[side, root] = lists.last[side, other]
        lists.size[side, root] += lists.size[side, other]


@kernel
def replace_list(lists: PositionLists, side: int, root: Any, positions: NDArray[np.int64]) -> None:
    """Replace the list of a set by `positions`."""
    for k in range(len(positions) - 1):
        lists.following[positions[k]] = positions[k + 1]
    lists.size[side, root] = len(positions)
    if len(positions) > 0:
        lists.first[side, root], lists.last[side, root] = positions[0], positions[-1]


@kernel
def uncovered_positions(
    lists: PositionLists, side: int, root: Any, reach: NDArray[np.int64], length: Any, out: NDArray[np.int64]
) -> int:
    """Write to `out` the positions of a set, ascending, whose run of `length` no run taken covers.

    Returns their number. For `reach` see `cover`.
    """
    n = 0
    position = lists.first[side, root]
    for _ in range(lists.size[side, root]):
        if position + length > reach[position]:
            out[n] = position
            n += 1
        position = lists.following[position]
    sort(out[:n])
    return n


@kernel
def cover(reach: NDArray[np.int64], start: Any, length: Any) -> None:
    """Mark a run as taken: `reach` is the furthest end of the runs that start at or before a position."""
    p = start
    while p < start + length and reach[p] < start + length:
        reach[p] = start + length
        p += 1


@kernel
def match_runs(n_x: int, order: NDArray[np.int64], lcp: NDArray[np.int64], least: int) -> Any:
    """Match the runs of sorted suffixes, longest first; see `shared_runs`.

    For ever smaller lengths, the suffixes that share a prefix of that length are united, and in each set
    positions in the first sequence are matched with positions in the second, in order. Whatever could be
    matched at a greater length has been by then, or lies inside a longer run. Hence each set retains
    positions of one sequence only, every match is maximal, and a position is dropped once it is covered.

    Parameters
    ----------
    n_x : int
        Length of the first sequence.
    order, lcp : int64 arrays of shape (n,)
        Fields of `SuffixArray`.
    least : int
        Tokens of the shortest run, at least 1.

    Returns
    -------
    runs : int64 array of shape (m, 3)
        Start in the first sequence, start in the second, length.
    """
    n = len(order)
    parent, reach = np.arange(n), np.zeros(n, np.int64)
    shape = (2, n)
    lists = PositionLists(
        np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(n, np.int64)
    )
    for k in range(n):
        if order[k] != n_x:
            side = 0 if order[k] < n_x else 1
            lists.first[side, k] = lists.last[side, k] = order[k]
            lists.size[side, k] = 1
    by_length = np.empty(n, np.int64)
    counting_sort(lcp, np.arange(n), by_length)
    positions, counts = np.empty(shape, np.int64), np.zeros(2, np.int64)
    runs = np.empty((min(n_x, n - n_x - 1), 3), np.int64)
    found, k = 0, n - 1
    while k >= 0 and lcp[by_length[k]] >= least:
        length, stop = lcp[by_length[k]], k
        while k >= 0 and lcp[by_length[k]] == length:
            merge_sets(parent, lists, by_length[k])
            k -= 1
        for m in range(k + 1, stop + 1):
            root = find(parent, by_length[m])
            if min(lists.size[0, root], lists.size[1, root]) == 0:
                continue
            # The shorter list first: if it has nothing left, the longer one need not be read.
            short = 0 if lists.size[0, root] < lists.size[1, root] else 1
            long = 1 - short
            counts[short] = uncovered_positions(lists, short, root, reach, length, positions[short])
            if counts[short] == 0:
                lists.size[short, root] = 0
                continue
            counts[long] = uncovered_positions(lists, long, root, reach, length, positions[long])
            pairs = counts.min()
            for t in range(pairs):
                p, q = positions[0, t], positions[1, t]
                runs[found, 0], runs[found, 1], runs[found, 2] = p, q - n_x - 1, length
                found += 1
                cover(reach, p, length)
                cover(reach, q, length)
            for side in range(2):
                replace_list(lists, side, root, positions[side, pairs : counts[side]])
    return runs[:found].copy()


def best_chain(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Chain of runs, in the same order in both sequences and without overlaps, of the highest score.

    A run of n tokens scores 2n - 1, so that one long run outweighs as many tokens in several runs.
    """
    if len(runs) == 0:
        return runs
    by_start = np.argsort(runs[:, 0], kind="stable")
    by_end = np.argsort(runs[:, 0] + runs[:, 2], kind="stable")
    return np.asarray(chain_runs(runs, by_start, by_end))


@kernel
def chain_runs(runs: NDArray[np.int64], by_start: NDArray[np.int64], by_end: NDArray[np.int64]) -> Any:
    """Best chain of runs, given their order by start and by end in the first sequence; see `best_chain`.

    A Fenwick tree over positions in the second sequence has the best chain that ends at or before each.
    """
    m = len(runs)
    starts, ends = runs[:, 0], runs[:, 0] + runs[:, 2]
    ends_y = runs[:, 1] + runs[:, 2]
    tree = np.full(ends_y.max() + 1, -1)
    score, before = np.empty(m, np.int64), np.full(m, -1)
    inserted, top = 0, by_start[0]
    for r in by_start:
        while ends[by_end[inserted]] <= starts[r]:
            done = by_end[inserted]
            at = ends_y[done]
            while at < len(tree):
                if tree[at] < 0 or score[tree[at]] < score[done]:
                    tree[at] = done
                at += at & -at
            inserted += 1
        at = runs[r, 1]
        while at > 0:
            if tree[at] >= 0 and (before[r] < 0 or score[before[r]] < score[tree[at]]):
                before[r] = tree[at]
            at -= at & -at
        score[r] = 2 * runs[r, 2] - 1 + (score[before[r]] if before[r] >= 0 else 0)
        if score[r] > score[top]:
            top = r
    chain, n = np.empty((m, 3), np.int64), m
    while top >= 0:
        n -= 1
        chain[n] = runs[top]
        top = before[top]
    return chain[n:].copy()
