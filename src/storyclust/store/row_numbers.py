"""Rows of the index by the numbers of their articles."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

import numpy as np

from storyclust.store.growable_array import GrowableArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ROW = -1


class RowNumbers(MutableMapping[int, int]):
    """A mapping from the number of an article to its row, in one array.

    Examples
    --------
    >>> import numpy as np
    >>> rows = RowNumbers()
    >>> rows.put(np.array([3, 1, 3]), np.array([0, 1, 2]))
    >>> dict(rows), len(rows)
    ({1: 1, 3: 2}, 2)
    >>> rows[8] = 3
    >>> rows.of(np.array([2, 8, 90]))
    array([-1,  3, -1])
    """

    def __init__(self) -> None:
        self._rows = GrowableArray(np.int32)
        self._size = 0

    def put(self, numbers: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Set the rows of many numbers; of equal numbers the last counts."""
        self._make_room(int(numbers.max(initial=-1)))
        self._size += len(np.unique(numbers[self._rows.values[numbers] == NO_ROW]))
        self._rows.values[numbers] = rows

    def _make_room(self, number: int) -> None:
        missing = number + 1 - len(self._rows)
        if missing > 0:
            self._rows.extend(np.full(missing, NO_ROW))

    def remove(self, numbers: NDArray[np.int64]) -> None:
        """Remove known numbers."""
        self._rows.values[numbers] = NO_ROW
        self._size -= len(numbers)

    def of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of many numbers; -1 for unknown ones."""
        known = (numbers >= 0) & (numbers < len(self._rows))
        rows = np.full(len(numbers), NO_ROW, np.int64)
        rows[known] = self._rows.values[numbers[known]]
        return rows

    def __getitem__(self, number: int) -> int:
        if 0 <= number < len(self._rows) and (row := int(self._rows.values[number])) != NO_ROW:
            return row
        raise KeyError(number)

    def __setitem__(self, number: int, row: int) -> None:
        self._make_room(number)
        self._size += int(self._rows.values[number] == NO_ROW)
        self._rows.values[number] = row

    def __delitem__(self, number: int) -> None:
        self[number]  # raises
        self._size -= 1
        self._rows.values[number] = NO_ROW

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._rows.values != NO_ROW).tolist())

    def __len__(self) -> int:
        return self._size
