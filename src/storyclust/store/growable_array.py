"""Arrays that grow at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Growing:
    """An array with room at its end; what it holds is `values`, a view.

    Examples
    --------
    >>> import numpy as np
    >>> grown = Growing(np.int64)
    >>> grown.extend(np.array([3, 4]))
    >>> grown.values
    array([3, 4])
    """

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._room: NDArray[Any] = np.empty((64, *shape), dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """What it holds; a view that holds until it grows."""
        return self._room[: self._size]

    def extend(self, values: NDArray[Any]) -> None:
        """Add values at the end; at least half as much room again is made when it is full."""
        size = self._size + len(values)
        if size > len(self._room):
            room = np.empty((max(size, len(self._room) * 3 // 2), *self._room.shape[1:]), self._room.dtype)
            room[: self._size] = self.values
            self._room = room
        self._room[self._size : size] = values
        self._size = size
