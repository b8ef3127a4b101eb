"""Levels: which rows hold a key, for as many rows as come, a few at a time.

Keys and the values under them are kept in three sorted runs. What comes goes into the smallest; when it has
grown to a share of the next, the two are merged. So adding costs little, however much there is, and a key
is looked up in three places at most (a log-structured merge tree in memory; O'Neil et al., 1996).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 3
FRESH = 1 << 19  # values in the smallest run before they move on to the middle one
SHARE = 16  # the middle run moves on once it holds one value for so many of the largest
PART_VALUES = 1 << 26  # values sorted at a time
HALF = np.uint64(32)


class Run(NamedTuple):
    """Keys in ascending order, and the values under each: `values[bounds[k]:bounds[k + 1]]`, ascending."""

    keys: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    values: NDArray[np.int32]

    @classmethod
    def of_many(cls, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> Run:
        """Sort very many values by their keys, a part of the keys at a time."""
        parts = max(1, len(keys) // PART_VALUES)
        if parts == 1:
            return cls.of(keys, values)
        cuts = np.linspace(0, 1 << 32, parts + 1).astype(np.int64)
        runs = [cls.of(*chosen(keys, values, low, high)) for low, high in itertools.pairwise(cuts.tolist())]
        ends = np.cumsum([0, *(len(run.values) for run in runs)])
        bounds = [run.bounds[:-1] + end for run, end in zip(runs, ends[:-1], strict=True)]
        return cls(
            np.concatenate([run.keys for run in runs]), np.append(np.concatenate(bounds), ends[-1]),
            np.concatenate([run.values for run in runs]),
        )  # fmt: skip

    @classmethod
    def of(cls, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> Run:
        """Sort values by their keys."""
        ordered = keys.astype(np.uint64) << HALF | values.astype(np.uint64)
        ordered.sort()
        upper = (ordered >> HALF).astype(np.uint32)
        starts = np.flatnonzero(np.append(True, upper[1:] != upper[:-1])[: len(upper)])
        return cls(upper[starts], np.append(starts, len(upper)).astype(np.int64), ordered.astype(np.int32))


EMPTY = Run(np.empty(0, np.uint32), np.zeros(1, np.int64), np.empty(0, np.int32))


class Levels:
    """A growing table from keys to values; values are added in ascending order.

    Attributes
    ----------
    runs : list of Run
        Largest first.

    Examples
    --------
    >>> import numpy as np
    >>> levels = Levels()
    >>> levels.add(np.array([7, 9], np.uint32), np.array([0, 0], np.int32))
    >>> levels.add(np.array([9], np.uint32), np.array([1], np.int32))
    >>> levels.counts(np.array([7, 8, 9], np.uint32))
    array([1, 0, 2])
    """

    def __init__(self) -> None:
        self.runs = [EMPTY] * LEVELS

    def __len__(self) -> int:
        return sum(len(run.values) for run in self.runs)

    def add(self, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> None:
        """Add values under keys; none smaller than a value that is there."""
        large, middle, fresh = self.runs
        fresh = joined(fresh, Run.of(keys, values))
        if len(fresh.values) > FRESH:
            middle, fresh = joined(middle, fresh), EMPTY
        if SHARE * len(middle.values) > len(large.values) + FRESH:
            large, middle = joined(large, middle), EMPTY
        self.runs = [large, middle, fresh]

    def fill(self, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> None:
        """Add very many values at once."""
        self.runs[0] = joined(self.compact(), Run.of_many(keys, values))

    def compact(self) -> Run:
        """Merge all into one run, and return it."""
        large, middle, fresh = self.runs
        if len(middle.values) or len(fresh.values):
            self.runs = [joined(large, joined(middle, fresh)), EMPTY, EMPTY]
        return self.runs[0]

    def spans(self, keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Where the values of each key begin and end in each run, shape (LEVELS, n_keys, 2); keys ascend."""
        found = np.zeros((LEVELS, len(keys), 2), np.int64)
        for level, run in enumerate(self.runs):
            look_up_sorted(run.keys, run.bounds, keys, found[level])
        return found

    def counts(self, keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """How many values each key has; keys ascend."""
        return counts_of(self.spans(keys))


def counts_of(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many values lie in the spans of each key."""
    counts: NDArray[np.int64] = (spans[:, :, 1] - spans[:, :, 0]).sum(axis=0)
    return counts


def joined(first: Run, second: Run) -> Run:
    """Join two runs; of a key in both, the values of the first come before those of the second."""
    if not len(second.values):
        return first
    if not len(first.values):
        return second
    return Run(*join_runs(*first, *second))


@kernel
def chosen(keys: NDArray[np.uint32], values: NDArray[np.int32], low: int, high: int) -> Any:
    """Keys from `low` to below `high`, and their values."""
    n = 0
    for key in keys:
        n += low <= key < high
    own, mine = np.empty(n, np.uint32), np.empty(n, np.int32)
    n = 0
    for k in range(len(keys)):
        if low <= keys[k] < high:
            own[n], mine[n] = keys[k], values[k]
            n += 1
    return own, mine


@kernel
def join_runs(
    keys_a: NDArray[np.uint32],
    bounds_a: NDArray[np.int64],
    values_a: NDArray[np.int32],
    keys_b: NDArray[np.uint32],
    bounds_b: NDArray[np.int64],
    values_b: NDArray[np.int32],
) -> Any:
    """Arrays of the run that two runs make."""
    keys = np.empty(len(keys_a) + len(keys_b), np.uint32)
    bounds = np.empty(len(keys) + 1, np.int64)
    values = np.empty(len(values_a) + len(values_b), np.int32)
    i, j, n, filled = 0, 0, 0, 0
    bounds[0] = 0
    while i < len(keys_a) or j < len(keys_b):
        from_a = j == len(keys_b) or (i < len(keys_a) and keys_a[i] <= keys_b[j])
        key = keys_a[i] if from_a else keys_b[j]
        keys[n] = key
        if from_a:
            for k in range(bounds_a[i], bounds_a[i + 1]):
                values[filled] = values_a[k]
                filled += 1
            i += 1
        if j < len(keys_b) and keys_b[j] == key:
            for k in range(bounds_b[j], bounds_b[j + 1]):
                values[filled] = values_b[k]
                filled += 1
            j += 1
        n += 1
        bounds[n] = filled
    return keys[:n].copy(), bounds[: n + 1].copy(), values


@kernel
def look_up_sorted(
    keys: NDArray[np.uint32], bounds: NDArray[np.int64], wanted: NDArray[np.uint32], found: NDArray[np.int64]
) -> None:
    """Write the bounds of each wanted key, in ascending order; (0, 0) stays for one that is not there.

    From one to the next the search doubles its steps, so that few keys in a large run and many in a small one
    are both quick.
    """
    low = 0
    for k in range(len(wanted)):
        step = 1
        while low + step < len(keys) and keys[low + step] < wanted[k]:
            low += step
            step *= 2
        high = min(low + step, len(keys))
        while low < high:
            middle = (low + high) // 2
            if keys[middle] < wanted[k]:
                low = middle + 1
            else:
                high = middle
        if low == len(keys):
            return
        if keys[low] == wanted[k]:
            found[k, 0], found[k, 1] = bounds[low], bounds[low + 1]
