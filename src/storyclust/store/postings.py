"""Postings lists that grow: the rows of each key, as a log-structured merge tree in memory.

Keys and their values are kept in four sorted runs. New values go to the smallest run, which is merged into
the next once it has grown to a fraction of it. So adding a few values costs little however many there are,
and a key is looked up in four runs (O'Neil, Cheng, Gawlick and O'Neil, 1996).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.errors import StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 4
LATEST = 1 << 14  # values in the smallest run before it is merged into the next one, those of a few articles,
FRESH = 1 << 19  # and in this one before it is merged into the middle one, those of a thousand
SIZE_RATIO = 16  # of the largest run to the middle one, which is merged into it from there on
VALUES_PER_SORT = 1 << 26  # values sorted at a time, to bound memory: 512 MB
KEY_SHIFT = np.uint64(32)


class Run(NamedTuple):
    """Ascending keys and the values of each: `values[bounds[k]:bounds[k + 1]]`, ascending."""

    keys: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    values: NDArray[np.int32]

    @classmethod
    def of_many(cls, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> Run:
        """Sort very many values by their keys, one range of keys at a time."""
        parts = max(1, len(keys) // VALUES_PER_SORT)
        if parts == 1:
            return cls.of(keys, values)
        cuts = np.linspace(0, 1 << 32, parts + 1).astype(np.int64)
        runs = [
            cls.of(*keys_between(keys, values, low, high)) for low, high in itertools.pairwise(cuts.tolist())
        ]
        ends = np.cumsum([0, *(len(run.values) for run in runs)])
        bounds = [run.bounds[:-1] + end for run, end in zip(runs, ends[:-1], strict=True)]
        return cls(
            np.concatenate([run.keys for run in runs]), np.append(np.concatenate(bounds), ends[-1]),
            np.concatenate([run.values for run in runs]),
        )  # fmt: skip

    @classmethod
    def of(cls, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> Run:
        """Sort values by their keys."""
        ordered = keys.astype(np.uint64) << KEY_SHIFT | values.astype(np.uint64)
        ordered.sort()
        upper = (ordered >> KEY_SHIFT).astype(np.uint32)
        starts = np.flatnonzero(np.append(True, upper[1:] != upper[:-1])[: len(upper)])
        return cls(upper[starts], np.append(starts, len(upper)).astype(np.int64), ordered.astype(np.int32))


EMPTY_RUN = Run(np.empty(0, np.uint32), np.zeros(1, np.int64), np.empty(0, np.int32))


class Levels:
    """Postings lists that grow; values are added in ascending order.

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
        self.runs = [EMPTY_RUN] * LEVELS

    def __len__(self) -> int:
        return sum(len(run.values) for run in self.runs)

    def add(self, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> None:
        """Add pairs of key and value, no value smaller than a stored one."""
        large, middle, fresh, latest = self.runs
        latest = merged(latest, Run.of(keys, values))
        if len(latest.values) > LATEST:
            fresh, latest = merged(fresh, latest), EMPTY_RUN
        if len(fresh.values) > FRESH:
            middle, fresh = merged(middle, fresh), EMPTY_RUN
        if SIZE_RATIO * len(middle.values) > len(large.values) + FRESH:
            large, middle = merged(large, middle), EMPTY_RUN
        self.runs = [large, middle, fresh, latest]

    def fill(self, keys: NDArray[np.uint32], values: NDArray[np.int32]) -> None:
        """Add very many pairs of key and value at once."""
        self.runs[0] = merged(self.compact(), Run.of_many(keys, values))

    def compact(self) -> Run:
        """Merge all runs into one, and return it."""
        self.settle()
        large, middle, fresh, _ = self.runs
        if len(middle.values) or len(fresh.values):
            self.runs = [merged(large, merged(middle, fresh)), EMPTY_RUN, EMPTY_RUN, EMPTY_RUN]
        return self.runs[0]

    def settle(self) -> None:
        """Merge the smallest run into the next one."""
        self.runs[-2:] = [merged(*self.runs[-2:]), EMPTY_RUN]

    def spans(self, keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Bounds of the values of ascending keys in each run, shape (LEVELS, n_keys, 2)."""
        found = np.zeros((LEVELS, len(keys), 2), np.int64)
        for level, run in enumerate(self.runs):
            look_up_sorted(run.keys, run.bounds, len(run.values), keys, found[level])
        return found

    def counts(self, keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Number of values of ascending keys."""
        return counts_of(self.spans(keys))


@kernel
def counts_of(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of values in the spans of each key."""
    counts = np.zeros(spans.shape[1], np.int64)
    for level in range(spans.shape[0]):
        for key in range(spans.shape[1]):
            counts[key] += spans[level, key, 1] - spans[level, key, 0]
    return counts


def merged(first: Run, second: Run) -> Run:
    """Merge two runs; the values that a key has in the first come before those in the second."""
    if not len(second.values):
        return first
    if not len(first.values):
        return second
    if not (is_sound(first.bounds, len(first.values)) and is_sound(second.bounds, len(second.values))):
        raise StoreError("the files of the index are damaged; delete the folder beside the store.")
    return Run(*merge_runs(first, second))


@kernel
def is_sound(bounds: NDArray[np.int64], size: int) -> Any:
    """Whether bounds ascend from 0 to the number of values; those of a damaged file may not."""
    for k in range(len(bounds) - 1):
        if bounds[k] > bounds[k + 1]:
            return False
    return bounds[0] == 0 and bounds[-1] == size


@kernel
def keys_between(keys: NDArray[np.uint32], values: NDArray[np.int32], low: int, high: int) -> Any:
    """Select keys with low <= key < high, and their values."""
    n = 0
    for key in keys:
        n += low <= key < high
    selected_keys, selected_values = np.empty(n, np.uint32), np.empty(n, np.int32)
    n = 0
    for k in range(len(keys)):
        if low <= keys[k] < high:
            selected_keys[n], selected_values[n] = keys[k], values[k]
            n += 1
    return selected_keys, selected_values


@kernel
def merge_runs(a: Run, b: Run) -> Any:
    """Merge two runs; returns the arrays of a `Run`."""
    keys = np.empty(len(a.keys) + len(b.keys), np.uint32)
    bounds = np.empty(len(keys) + 1, np.int64)
    values = np.empty(len(a.values) + len(b.values), np.int32)
    i, j, n, filled = 0, 0, 0, 0
    bounds[0] = 0
    while i < len(a.keys) or j < len(b.keys):
        from_a = j == len(b.keys) or (i < len(a.keys) and a.keys[i] <= b.keys[j])
        key = a.keys[i] if from_a else b.keys[j]
        keys[n] = key
        if from_a:
            for k in range(a.bounds[i], a.bounds[i + 1]):
                values[filled] = a.values[k]
                filled += 1
            i += 1
        if j < len(b.keys) and b.keys[j] == key:
            for k in range(b.bounds[j], b.bounds[j + 1]):
                values[filled] = b.values[k]
                filled += 1
            j += 1
        n += 1
        bounds[n] = filled
    return keys[:n].copy(), bounds[: n + 1].copy(), values


@kernel
def lower_bound(keys: NDArray[np.uint32], key: Any, low: Any, guess: Any) -> Any:
    """Place of the first of ascending keys that is not below a key, searched from a guess at it.

    ``keys[low] < key <= keys[-1]`` and ``low <= guess``.
    """
    step = 1
    if keys[guess] < key:
        low = guess
        while low + step < len(keys) and keys[low + step] < key:
            low += step
            step *= 2
        high = min(low + step, len(keys) - 1)
    else:
        high = guess
        while high - step > low and keys[high - step] >= key:
            high -= step
            step *= 2
        low = max(low, high - step)
    while high - low > 1:  # keys[low] < key <= keys[high]
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle
        else:
            high = middle
    return high


@kernel
def look_up_sorted(
    keys: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    size: int,
    wanted: NDArray[np.uint32],
    found: NDArray[np.int64],
) -> None:
    """Look up ascending keys by galloping search (Bentley and Yao, 1976), fast for few and for many keys.

    Keys are hashes, hence spread evenly: each search begins where that lets expect the key.

    Parameters
    ----------
    keys, bounds : arrays of shape (n,) and (n + 1,)
        As in `Run`.
    size : int
        Number of values; no bound exceeds it, whatever a damaged file says.
    wanted : uint32 array of shape (m,)
        Ascending.
    found : int64 array of shape (m, 2)
        Receives the bounds of the values of each wanted key; rows of unknown keys stay as they are.
    """
    if not len(keys):
        return
    density = len(keys) / (1.0 + np.float64(keys[-1]) - np.float64(keys[0]))
    low = 0
    for k in range(len(wanted)):
        if wanted[k] > keys[-1]:
            return
        if wanted[k] > keys[low]:
            distance = np.int64(density * (np.float64(wanted[k]) - np.float64(keys[low])))
            low = lower_bound(keys, wanted[k], low, min(low + distance, len(keys) - 1))
        if keys[low] == wanted[k]:
            found[k, 0] = min(max(bounds[low], 0), size)
            found[k, 1] = min(max(bounds[low + 1], 0), size)
