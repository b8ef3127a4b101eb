"""The largest values of an array, and of each label; of equal values, the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.sorting import nth_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def sum_of_largest(values: NDArray[np.float64], n: int) -> Any:
    """Sum of the `n` largest values, or of all if there are fewer."""
    total, above = 0.0, 0
    if len(values) <= n:
        for value in values:
            total += value
        return total
    last = nth_largest(values, n)
    for value in values:
        if value > last:
            total += value
            above += 1
    return total + (n - above) * last


@kernel
def mark_largest(values: NDArray[Any], n: int) -> NDArray[np.bool_]:
    """Mark the `n` largest of at least `n` values; of equal ones, the first."""
    last = nth_largest(values, n)
    chosen: NDArray[np.bool_] = values > last
    ties = n
    for is_larger in chosen:
        ties -= is_larger
    for k in range(len(values)):
        if ties > 0 and values[k] == last:
            chosen[k] = True
            ties -= 1
    return chosen


@kernel
def mark_largest_of_runs(labels: NDArray[np.int64], values: NDArray[Any], n: int) -> NDArray[np.bool_]:
    """Mark the `n` largest values of each run of equal labels; of equal ones, the first."""
    chosen = np.ones(len(labels), np.bool_)
    start = 0
    for k in range(1, len(labels) + 1):
        if k == len(labels) or labels[k] != labels[start]:
            if k - start > n:
                chosen[start:k] = mark_largest(values[start:k], n)
            start = k
    return chosen


@kernel
def nth_largest_of_labels(
    labels: NDArray[np.int64], values: NDArray[np.float64], n_labels: int, n: int
) -> NDArray[np.float64]:
    """The `n`-th largest value of each label 0, 1, ..., each of which has at least `n`."""
    bounds = np.zeros(n_labels + 1, np.int64)
    for label in labels:
        bounds[label + 1] += 1
    for label in range(n_labels):
        bounds[label + 1] += bounds[label]
    ends, by_label = bounds[:-1].copy(), np.empty(len(values), np.float64)
    for k in range(len(labels)):
        by_label[ends[labels[k]]] = values[k]
        ends[labels[k]] += 1
    last = np.empty(n_labels, np.float64)
    for label in range(n_labels):
        last[label] = nth_largest(by_label[bounds[label] : bounds[label + 1]], n)
    return last
