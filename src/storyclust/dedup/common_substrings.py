"""Shared runs of tokens: where two texts say the same.

Runs come from one suffix array over both token sequences (Manber and Myers, 1990), so that neither long
texts nor repetitive ones are slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.union_find import find

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD, TAIL, SIZE = 0, 1, 2  # of a list of places


def shared_runs(x: NDArray[np.uint64], y: NDArray[np.uint64], least: int) -> NDArray[np.int64]:
    """Maximal runs that two token sequences share, none of them lying within another one in either.

    Parameters
    ----------
    x, y : uint64 arrays of shape (n_x,) and (n_y,)
    least : int
        Tokens of the shortest run, at least 1.

    Returns
    -------
    runs : int64 array of shape (m, 3)
        Place in `x`, place in `y`, length; longest first, then by place. Taken in that order, each run is
        left out that lies within one already taken in either sequence.

    Examples
    --------
    >>> shared_runs(np.array([1, 2, 3, 9, 1], np.uint64), np.array([9, 1, 7, 1, 2, 3], np.uint64), 1)
    array([[0, 3, 3],
           [3, 0, 2]])
    """
    if len(x) < least or len(y) < least:
        return np.empty((0, 3), np.int64)
    _, order, common = Suffixes.of(x, y)
    runs = pair_runs(len(x), order, common, least)
    return np.asarray(runs[np.lexsort((runs[:, 1], runs[:, 0], -runs[:, 2]))])


class Suffixes(NamedTuple):
    """All suffixes of two sequences that are set one behind the other, with a mark between them."""

    values: NDArray[np.int64]  # the sequences in small numbers; 0 is the mark
    order: NDArray[np.int64]  # places of the suffixes, sorted
    common: NDArray[np.int64]  # leading values each of them shares with the one sorted before it

    @classmethod
    def of(cls, x: NDArray[np.uint64], y: NDArray[np.uint64]) -> Suffixes:
        """Sort the suffixes of two sequences."""
        _, numbers = np.unique(np.concatenate((x, y)), return_inverse=True)
        values = np.insert(numbers + 1, len(x), 0)
        order, rank = suffix_order(values)
        return cls(values, order, common_prefixes(values, order, rank))


@kernel
def deal(keys: NDArray[np.int64], members: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Sort `members` by their keys, which lie in [0, len(keys)); equal ones keep their order."""
    heads = np.zeros(len(keys) + 1, np.int64)
    for member in members:
        heads[keys[member] + 1] += 1
    for key in range(len(keys)):
        heads[key + 1] += heads[key]
    for member in members:
        out[heads[keys[member]]] = member
        heads[keys[member]] += 1


@kernel
def suffix_order(values: NDArray[np.int64]) -> Any:
    """Places of the suffixes in order, and the rank of each place: by prefixes of doubling length."""
    n = len(values)
    order, by_tail = np.empty(n, np.int64), np.arange(n)
    rank, fresh = values.copy(), np.empty(n, np.int64)
    deal(rank, by_tail, order)
    width = 1
    while True:
        for k in range(width):  # suffixes that end within the first half come first
            by_tail[k] = n - width + k
        filled = width
        for k in range(n):
            if order[k] >= width:
                by_tail[filled] = order[k] - width
                filled += 1
        deal(rank, by_tail, order)
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
    """Count the leading values each suffix shares with the one before it (Kasai et al., 2001)."""
    n = len(values)
    common = np.zeros(n, np.int64)
    length = 0
    for p in range(n):
        if rank[p] == 0:
            length = 0
            continue
        q = order[rank[p] - 1]
        while max(p, q) + length < n and values[p + length] == values[q + length]:
            length += 1
        common[rank[p]] = length
        length = max(length - 1, 0)
    return common


@kernel
def unite(parent: NDArray[np.int64], lists: NDArray[np.int64], following: NDArray[np.int64], k: Any) -> None:
    """Unite the sets that sorted suffixes `k - 1` and `k` are in, and their lists of places."""
    root, other = find(parent, k - 1), find(parent, k)
    parent[other] = root
    for side in range(2):
        if lists[side, SIZE, other] == 0:
            continue
        if lists[side, SIZE, root] == 0:
            lists[side, HEAD, root] = lists[side, HEAD, other]
        else:
            following[lists[side, TAIL, root]] = lists[side, HEAD, other]
        lists[side, TAIL, root] = lists[side, TAIL, other]
        lists[side, SIZE, root] += lists[side, SIZE, other]


@kernel
def relink(
    lists: NDArray[np.int64], following: NDArray[np.int64], root: Any, places: NDArray[np.int64]
) -> None:
    """Make `places` the list of a set."""
    for k in range(len(places) - 1):
        following[places[k]] = places[k + 1]
    lists[SIZE, root] = len(places)
    if len(places) > 0:
        lists[HEAD, root], lists[TAIL, root] = places[0], places[-1]


@kernel
def collect(
    lists: NDArray[np.int64],
    following: NDArray[np.int64],
    root: Any,
    reach: NDArray[np.int64],
    length: Any,
    out: NDArray[np.int64],
) -> int:
    """List, in order, the places of a set whose run of `length` lies within none taken; returns how many."""
    n = 0
    place = lists[HEAD, root]
    for _ in range(lists[SIZE, root]):
        if place + length > reach[place]:
            out[n] = place
            n += 1
        place = following[place]
    out[:n].sort()
    return n


@kernel
def cover(reach: NDArray[np.int64], start: Any, length: Any) -> None:
    """Note a run as taken: `reach` is how far runs go that start at a place or before it."""
    p = start
    while p < start + length and reach[p] < start + length:
        reach[p] = start + length
        p += 1


@kernel
def pair_runs(n_x: int, order: NDArray[np.int64], common: NDArray[np.int64], least: int) -> Any:
    """Shared runs of sorted suffixes, longest first; see `shared_runs`.

    Suffixes that share `length` values are united, for ever smaller lengths, and in each set places in
    the first sequence are paired with places in the second, in order. Whatever could be paired at a
    greater length has been by then, or lies within a longer run; so of each set places of only one
    sequence are left over, every pair is maximal, and a place is given up once it is covered.
    """
    n = len(order)
    parent, following, reach = np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    lists = np.zeros((2, 3, n), np.int64)  # of either sequence: first and last place of a set, how many
    for k in range(n):
        if order[k] != n_x:
            side = 0 if order[k] < n_x else 1
            lists[side, HEAD, k] = lists[side, TAIL, k] = order[k]
            lists[side, SIZE, k] = 1
    by_length = np.empty(n, np.int64)
    deal(common, np.arange(n), by_length)
    places, counts = np.empty((2, n), np.int64), np.zeros(2, np.int64)
    runs = np.empty((min(n_x, n - n_x - 1), 3), np.int64)
    found, k = 0, n - 1
    while k >= 0 and common[by_length[k]] >= least:
        length, stop = common[by_length[k]], k
        while k >= 0 and common[by_length[k]] == length:
            unite(parent, lists, following, by_length[k])
            k -= 1
        for m in range(k + 1, stop + 1):
            root = find(parent, by_length[m])
            if min(lists[0, SIZE, root], lists[1, SIZE, root]) == 0:
                continue
            # The shorter list first: often it has nothing left, and a long one need not be gone through.
            short = 0 if lists[0, SIZE, root] < lists[1, SIZE, root] else 1
            counts[short] = collect(lists[short], following, root, reach, length, places[short])
            if counts[short] == 0:
                lists[short, SIZE, root] = 0
                continue
            counts[1 - short] = collect(lists[1 - short], following, root, reach, length, places[1 - short])
            pairs = counts.min()
            for t in range(pairs):
                p, q = places[0, t], places[1, t]
                runs[found, 0], runs[found, 1], runs[found, 2] = p, q - n_x - 1, length
                found += 1
                cover(reach, p, length)
                cover(reach, q, length)
            relink(lists[0], following, root, places[0, pairs : counts[0]])
            relink(lists[1], following, root, places[1, pairs : counts[1]])
    return runs[:found].copy()


def best_chain(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs that stand one behind the other in both sequences and together hold the most.

    A run of n tokens counts 2n - 1, so that one long run outweighs as many tokens in pieces.
    """
    if len(runs) == 0:
        return runs
    by_start = np.argsort(runs[:, 0], kind="stable")
    by_end = np.argsort(runs[:, 0] + runs[:, 2], kind="stable")
    return np.asarray(chain_runs(runs, by_start, by_end))


@kernel
def chain_runs(runs: NDArray[np.int64], by_start: NDArray[np.int64], by_end: NDArray[np.int64]) -> Any:
    """Best chain of runs, given their order by start and by end in the first sequence; see `best_chain`.

    The best chain that ends at a place in the second sequence or before it is kept in a Fenwick tree.
    """
    m = len(runs)
    starts, ends = runs[:, 0], runs[:, 0] + runs[:, 2]
    ends_y = runs[:, 1] + runs[:, 2]
    tree = np.full(ends_y.max() + 1, -1)
    worth, before = np.empty(m, np.int64), np.full(m, -1)
    entered, top = 0, by_start[0]
    for r in by_start:
        while ends[by_end[entered]] <= starts[r]:
            done = by_end[entered]
            at = ends_y[done]
            while at < len(tree):
                if tree[at] < 0 or worth[tree[at]] < worth[done]:
                    tree[at] = done
                at += at & -at
            entered += 1
        at = runs[r, 1]
        while at > 0:
            if tree[at] >= 0 and (before[r] < 0 or worth[before[r]] < worth[tree[at]]):
                before[r] = tree[at]
            at -= at & -at
        worth[r] = 2 * runs[r, 2] - 1 + (worth[before[r]] if before[r] >= 0 else 0)
        if worth[r] > worth[top]:
            top = r
    chain, n = np.empty((m, 3), np.int64), m
    while top >= 0:
        n -= 1
        chain[n] = runs[top]
        top = before[top]
    return chain[n:].copy()
