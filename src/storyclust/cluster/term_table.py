"""Hash table of the terms of one row, by which dot products with many other rows are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARKS = 1 << 16  # bits of a term that choose its mark: 64 KB, which stay in a core's second-level cache
SLOTS_PER_TERM = 8  # at least: so few slots are taken that nearly every probe ends at the first one
MIN_SLOTS = 64


@kernel
def table_size(n_terms: Any) -> Any:
    """Slots of a table for the terms of a row: a power of two."""
    size = MIN_SLOTS
    while size < SLOTS_PER_TERM * n_terms:
        size *= 2
    return size


@kernel
def enter_terms(
    table: NDArray[np.int32], marks: NDArray[np.bool_], start: Any, stop: Any, terms: NDArray[Any]
) -> Any:
    """Enter a row into an empty table.

    Parameters
    ----------
    table : int32 array
        Open addressing with linear probing: a slot holds the position of its term in the row, from 1, or 0.
    marks : bool array of shape (MARKS,)
        Whether the row may hold a term with these lowest bits. Most terms of other rows are ruled out here.
    start, stop : int
        The row holds ``terms[start:stop]``, each once.
    terms : int array

    Returns
    -------
    mask : int
        By which `find_term` finds the first slot of a term.
    """
    mask = table_size(stop - start) - 1
    for k in range(start, stop):
        term = np.int64(terms[k])
        marks[term & (MARKS - 1)] = True
        slot = term & mask
        while table[slot] != 0:
            slot = (slot + 1) & mask
        table[slot] = k - start + 1
    return mask


@kernel
def clear_terms(
    table: NDArray[np.int32], marks: NDArray[np.bool_], mask: Any, start: Any, stop: Any, terms: NDArray[Any]
) -> None:
    """Empty the table and the marks again."""
    table[: mask + 1] = 0
    for k in range(start, stop):
        marks[np.int64(terms[k]) & (MARKS - 1)] = False


@kernel
def find_term(
    term: Any,
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    start: Any,
    terms: NDArray[Any],
) -> Any:
    """Index in `terms` of a term of the row that was entered and begins at `start`; -1 if it has no such."""
    if not marks[term & (MARKS - 1)]:
        return -1
    slot = term & mask
    while table[slot] != 0:
        k = start + table[slot] - 1
        if terms[k] == term:
            return k
        slot = (slot + 1) & mask
    return -1


@kernel
def find_marked(
    terms: NDArray[Any], start: Any, stop: Any, marks: NDArray[np.bool_], found: NDArray[np.int64]
) -> Any:
    """Write the indices of those of ``terms[start:stop]`` to `found` that the row may hold; returns how many.

    There is no branch: which terms are marked no processor predicts.
    """
    n = np.uint64(0)
    for k in range(np.uint64(start), np.uint64(stop)):
        found[n] = k
        n += np.uint64(marks[np.uint32(terms[k]) & np.uint32(MARKS - 1)])
    return np.int64(n)
