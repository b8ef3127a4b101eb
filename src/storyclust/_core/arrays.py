"""Concatenation of columns, and CSR arrays without copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray


def join_parts(parts: list[tuple[NDArray[Any], ...]], dtypes: Sequence[Any]) -> list[NDArray[Any]]:
    """Concatenate the columns of the results of chunks; `parts` is emptied on the way, to save memory."""
    sizes = [sum(len(part[column]) for part in parts) for column in range(len(dtypes))]
    columns = [np.empty(size, dtype) for size, dtype in zip(sizes, dtypes, strict=True)]
    parts.reverse()
    at = [0] * len(columns)
    while parts:
        for number, values in enumerate(parts.pop()):
            columns[number][at[number] : at[number] + len(values)] = values
            at[number] += len(values)
    return columns


def compressed_rows(
    indptr: NDArray[Any], indices: NDArray[np.int32], data: NDArray[Any], shape: tuple[int, int]
) -> sparse.csr_array:
    """Build a CSR array without copies: SciPy copies `indptr` and `indices` unless their dtypes are equal."""
    if len(indices) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    return sparse.csr_array((data, indices, indptr), shape=shape)
