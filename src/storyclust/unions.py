"""Disjoint sets over an array of parents, for kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.chunks import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def find(parent: NDArray[np.int64], i: Any) -> Any:
    """Root of the set that `i` is in, halving its path on the way (Tarjan and van Leeuwen, 1984)."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i
