"""Sorting and selection inside kernels.

Numba compiles its own implementations of ``np.sort``, ``np.argsort`` and ``np.partition`` anew for every type
of array, in a second each and more. These take a fraction of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSERTED = 16  # runs of this length are sorted by insertion, and longer ones merged


@kernel
def argsort(values: NDArray[Any]) -> Any:
    """Order that sorts values, ascending; of equal ones, the first comes first.

    Parameters
    ----------
    values : array of shape (n,)
        Without NaN.

    Returns
    -------
    order : int64 array of shape (n,)
    """
    n = len(values)
    order, merged = np.empty(n, np.int64), np.empty(n, np.int64)
    for k in range(n):
        at = k
        while at % INSERTED > 0 and values[order[at - 1]] > values[k]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
    width = INSERTED
    while width < n:
        for start in range(0, n, 2 * width):
            i, j = start, min(start + width, n)
            middle, end = j, min(start + 2 * width, n)
            for k in range(start, end):
                if j == end or (i < middle and values[order[i]] <= values[order[j]]):
                    merged[k] = order[i]
                    i += 1
                else:
                    merged[k] = order[j]
                    j += 1
        order, merged = merged, order
        width *= 2
    return order


@kernel
def sort(values: NDArray[Any]) -> None:
    """Sort values in place, ascending."""
    ordered = values[argsort(values)]
    for k in range(len(values)):
        values[k] = ordered[k]


@kernel
def nth_largest(values: NDArray[Any], n: int) -> Any:
    """The `n`-th largest of at least `n` values, counted from 1 (quickselect, Hoare 1961)."""
    left = values.copy()
    low, high, wanted = 0, len(left) - 1, len(left) - n
    while low < high:
        middle = (low + high) // 2
        a, b, c = left[low], left[middle], left[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while left[i] < pivot:
                i += 1
            while left[j] > pivot:
                j -= 1
            if i <= j:
                left[i], left[j] = left[j], left[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return left[wanted]
