"""Named tuples of columns: some rows, all parts, the largest values of each label; columns renumbered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.union_find import numbered
from storyclust.cluster.selection import mark_largest_of_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray


T = TypeVar("T", bound=tuple[Any, ...])


class Degrees(NamedTuple):
    """Degrees of rows in a graph."""

    rows: NDArray[np.int64]  # ascending
    counts: NDArray[np.int64]


def some_of(rows: T, which: NDArray[np.bool_] | NDArray[np.int64]) -> T:
    """Some rows of a named tuple of columns."""
    return type(rows)(*(column[which] for column in rows))


def end_to_end(parts: Sequence[T]) -> T:
    """Rows of several named tuples of columns, one after the other."""
    return type(parts[0])(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def most_of_each(
    labels: NDArray[np.int64], values: NDArray[Any], ties: NDArray[np.int64], most: int
) -> NDArray[np.bool_]:
    """Mark the `most` largest values of each label; of equal ones, those of the smallest in `ties`.

    Equal labels mostly stand together, and few have more values than they may keep: only these are sorted.
    """
    begins = np.flatnonzero(np.append(True, labels[1:] != labels[:-1])[: len(labels)])
    lengths = np.diff(begins, append=len(labels))
    _, of_run = np.unique(labels[begins], return_inverse=True)
    over = np.repeat((np.bincount(of_run, weights=lengths) > most)[of_run], lengths)
    kept = ~over
    rows = np.flatnonzero(over)
    rows = rows[np.lexsort((ties[rows], labels[rows]))]
    kept[rows] = mark_largest_of_runs(labels[rows], values[rows], most)
    return kept


def degrees_of(one: NDArray[np.int64], other: NDArray[np.int64]) -> Degrees:
    """Degrees of all rows that stand in some pair; `one` and `other` are the ends of the pairs."""
    rows, number = numbered(np.concatenate((one, other)))
    return Degrees(rows, np.bincount(number, minlength=len(rows)))


@kernel
def numbers_in(terms: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Number of each wanted term among `terms`, both ascending; -1 where it is not there."""
    numbers = np.full(len(wanted), -1, np.int32)
    at = 0
    for k in range(len(wanted)):
        while at < len(terms) and terms[at] < wanted[k]:
            at += 1
        if at < len(terms) and terms[at] == wanted[k]:
            numbers[k] = at
    return numbers


@kernel
def renumbered(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[Any],
    marked: NDArray[np.bool_],
    numbers: NDArray[np.int32],
) -> Any:
    """Rows of a matrix with its columns renumbered, without the entries of columns that get number -1.

    Parameters
    ----------
    indptr, indices, data : arrays
        CSR arrays of the matrix.
    marked : bool array of shape (nnz,)
        A mark of each entry, which it keeps.
    numbers : int32 array of shape (n_columns,)

    Returns
    -------
    indptr, indices, data, marked : arrays
    """
    bounds = np.zeros(len(indptr), np.int64)
    n = 0
    for k in range(len(indices)):
        n += numbers[indices[k]] >= 0
    to, values, marks = np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.bool_)
    end = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            number = numbers[indices[k]]
            if number >= 0:
                to[end], values[end], marks[end] = number, data[k], marked[k]
                end += 1
        bounds[row + 1] = end
    return bounds, to, values, marks
