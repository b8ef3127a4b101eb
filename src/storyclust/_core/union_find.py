"""Union-find over an array of parents, renumbering of labels, and the rows of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPARSE = 16  # largest ratio of the greatest id to the number of ids for which a lookup table is used


@kernel
def find(parent: NDArray[np.int64], i: Any) -> Any:
    """Root of the set of `i`, with path halving (Tarjan and van Leeuwen, 1984)."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def unite(parent: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
    """Merge the sets of each pair of members; the smaller root becomes the root of both."""
    for k in range(len(first)):
        a, b = find(parent, first[k]), find(parent, second[k])
        parent[max(a, b)] = min(a, b)


@kernel
def find_all(parent: NDArray[np.int64]) -> Any:
    """Root of the set of each member."""
    roots = np.empty(len(parent), np.int64)
    for i in range(len(parent)):
        roots[i] = find(parent, i)
    return roots


def numbered(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct ids in ascending order, and the index of each id among them.

    Equal to `numpy.unique` with `return_inverse`, but without sorting if the ids are dense.

    Examples
    --------
    >>> import numpy as np
    >>> numbered(np.array([7, 3, 7]))
    (array([3, 7]), array([1, 0, 1]))
    """
    if not len(ids) or ids.max() > SPARSE * len(ids):
        distinct, inverse = np.unique(ids, return_inverse=True)
        return distinct, inverse
    present = np.zeros(int(ids.max()) + 1, np.bool_)
    present[ids] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[ids]


def by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber labels from zero in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


class GroupedRows(NamedTuple):
    """Rows of labels, ascending: label `i` has ``order[bounds[i]:bounds[i + 1]]``."""

    order: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.int64], n_labels: int = 0) -> GroupedRows:
        """Group the rows of labels, of which there are `n_labels` at least."""
        sizes = np.bincount(labels, minlength=n_labels)
        return cls(np.argsort(labels, kind="stable"), np.append(0, np.cumsum(sizes)))

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum of the values of each label's rows."""
        return np.diff(np.append(0, np.cumsum(values[self.order]))[self.bounds])


def rows_by_label(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of each label, in ascending order."""
    order, bounds = GroupedRows.of(labels)
    return np.split(order, bounds[1:-1]) if len(labels) else []
