"""Arrays with amortised appending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class GrowableArray:
    """An array whose capacity grows geometrically.

    Examples
    --------
    >>> import numpy as np
    >>> array = GrowableArray(np.int64)
    >>> array.extend(np.array([3, 4]))
    >>> array.values
    array([3, 4])
    """

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._buffer: NDArray[Any] = np.empty((64, *shape), dtype)
        self._size = 0

    @classmethod
    def over(cls, buffer: NDArray[Any], size: int) -> GrowableArray:
        """Use a buffer, of which the first `size` elements are set."""
        array = cls(buffer.dtype)
        array._buffer, array._size = buffer, size
        return array

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """The elements: a view that is valid until the array grows."""
        return self._buffer[: self._size]

    def extend(self, values: NDArray[Any]) -> None:
        """Append values; a full buffer grows by half or more."""
        size = self._size + len(values)
        if size > len(self._buffer):
            capacity = max(size, len(self._buffer) * 3 // 2)
            buffer = np.empty((capacity, *self._buffer.shape[1:]), self._buffer.dtype)
            buffer[: self._size] = self.values
            self._buffer = buffer
        self._buffer[self._size : size] = values
        self._size = size
