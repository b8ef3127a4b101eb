"""Search for similar rows: candidates by partial dot products over rare terms, then exact cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


EXAMINED = 2  # times as many candidates are computed where more are promising
MARKS = 1 << 16  # places of the small table that says which terms a row may hold
FINENESS = 2.0**32  # parts of 1 that similarities are told apart by
NOTHING, TRACE = np.float32(0.0), np.float32(1e-30)
SPARSENESS = 8


@kernel
def table_size(n_terms: Any) -> Any:
    """Places of a table for the terms of a row: a power of two."""
    size = 64
    while size < SPARSENESS * n_terms:
        size *= 2
    return size


@kernel
def enter_terms(
    table: NDArray[np.int32], marks: NDArray[np.bool_], start: Any, stop: Any, indices: NDArray[Any]
) -> Any:
    """Enter the terms of row start..stop into a table and marks of zeros; returns the mask of the table.

    The table is open-addressed, and says where in the row a term stands, from 1.
    """
    mask = table_size(stop - start) - 1
    for k in range(start, stop):
        term = np.int64(indices[k])
        marks[term & (MARKS - 1)] = True
        at = term & mask
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = k - start + 1
    return mask


@kernel
def clear_terms(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    mask: Any,
) -> None:
    """Make table and marks zeros again."""
    table[: mask + 1] = 0
    for k in range(start, stop):
        marks[np.int64(indices[k]) & (MARKS - 1)] = False


@kernel
def cosine(
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
    mask: Any,
    own: Any,
    own_indices: NDArray[Any],
    own_data: NDArray[np.float64],
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    data: NDArray[np.float64],
) -> float:
    """Inner product of the row that begins at `own`, whose terms are in the table, with row start..stop.

    Most terms of one are not in the other: the marks, which stay in the nearest cache, say so.
    """
    similarity = 0.0
    for k in range(start, stop):
        term = np.int64(indices[k])
        if not marks[term & (MARKS - 1)]:
            continue
        at = term & mask
        while table[at] != 0:
            place = own + table[at] - 1
            if own_indices[place] == term:
                similarity += own_data[place] * data[k]
                break
            at = (at + 1) & mask
    return similarity


@kernel
def largest(values: NDArray[Any], most: int) -> NDArray[np.bool_]:
    """Mark the `most` largest values; of equals, the first."""
    last = np.partition(values, len(values) - most)[len(values) - most]
    chosen: NDArray[np.bool_] = values > last
    ties = most - chosen.sum()
    for k in range(len(values)):
        if ties > 0 and values[k] == last:
            chosen[k] = True
            ties -= 1
    return chosen


@kernel
def most_promising(candidates: NDArray[np.int32], n: int, most: int, partial: NDArray[np.float32]) -> int:
    """Move the `most` candidates that show most to the front; what the others show is forgotten."""
    chosen = largest(partial[candidates[:n]], most)
    kept = 0
    for t in range(n):
        if chosen[t]:
            candidates[kept] = candidates[t]
            kept += 1
        else:
            partial[candidates[t]] = NOTHING
    return kept


@kernel
def above(cosine: float, floor: float) -> float:
    """Similarity of a cosine, counted from what both share with strangers; none where that is everything.

    It is a multiple of a small power of two: sums of such are the same in any order.
    """
    return np.floor((cosine - floor) / (1.0 - floor) * FINENESS + 0.5) / FINENESS if floor < 1.0 else 0.0


@kernel
def candidate_rows(
    start: Any,
    stop: Any,
    indices: NDArray[Any],
    data: NDArray[np.float64],
    indexed: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    end: Any,
    own_floor: float,
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    crowd: int,
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
) -> int:
    """Rows before `end` whose indexed terms promise an edge with row start..stop: those that show most.

    Returns how many there are; they are put into `touched`, and what each shows into `partial`, which is all
    zeros before. Where they are a crowd, they stand in their order, so that of equals the first counts.
    """
    met = 0
    for k in range(start, stop):
        if not indexed[k]:
            continue
        term = indices[k]
        weight = np.float32(abs(data[k]))
        for p in range(bounds[term], bounds[term + 1]):
            j = posting_rows[p]
            if j >= end:
                break
            shown = partial[j]
            if shown == NOTHING:
                touched[met] = j
                met += 1
            partial[j] = shown + weight * posting_weights[p] + TRACE
    enough = promise * (own_floor + (1.0 - own_floor) * least)
    promising = 0
    for t in range(met):
        j = touched[t]
        if partial[j] < enough or partial[j] < promise * (floors[j] + (1.0 - floors[j]) * least):
            partial[j] = NOTHING
        else:
            touched[promising] = j
            promising += 1
    if promising > crowd:
        touched[:promising].sort()
    if promising > EXAMINED * crowd:
        promising = most_promising(touched, promising, EXAMINED * crowd, partial)
    return promising


@kernel
def similar_pairs_of_rows(
    begin: int,
    end: int,
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    indexed: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    posting_rows: NDArray[np.int32],
    posting_weights: NDArray[np.float32],
    floors: NDArray[np.float64],
    promise: float,
    least: float,
    crowd: int,
    partial: NDArray[np.float32],
    touched: NDArray[np.int32],
    table: NDArray[np.int32],
    marks: NDArray[np.bool_],
) -> Any:
    """Edges between rows begin..end and `crowd` earlier ones at most: (earlier row * n + row, cosine).

    `promise` is the share of the least cosine of an edge that indexed terms have to show, negative where they
    need not show any. `partial`, `table` and `marks` are scratch, all zeros before and after.
    """
    n = len(indptr) - 1
    codes, values = np.empty(1024, np.int64), np.empty(1024, np.float64)
    found = 0
    for i in range(begin, end):
        first, own, stop = found, indptr[i], indptr[i + 1]
        mask = enter_terms(table, marks, own, stop, indices)
        promising = candidate_rows(
            own, stop, indices, data, indexed, bounds, posting_rows, posting_weights, i, floors[i], floors,
            promise, least, crowd, partial, touched,
        )  # fmt: skip
        for t in range(promising):
            j = touched[t]
            partial[j] = NOTHING
            product = cosine(table, marks, mask, own, indices, data, indptr[j], indptr[j + 1], indices, data)
            similarity = above(product, max(floors[i], floors[j]))
            if similarity < least or similarity <= 0.0:
                continue
            if found == len(codes):
                codes = np.concatenate((codes, np.empty(found, np.int64)))
                values = np.concatenate((values, np.empty(found, np.float64)))
            codes[found] = j * n + i
            values[found] = product
            found += 1
        if found - first > crowd:
            found = keep_best(codes, values, first, found, crowd)
        clear_terms(table, marks, own, stop, indices, mask)
    return codes[:found].copy(), values[:found].copy()


@kernel
def keep_best(codes: NDArray[np.int64], values: NDArray[np.float64], start: int, stop: int, most: int) -> int:
    """Move the `most` largest values of start..stop to its front, of equals the first; returns their end."""
    chosen = largest(values[start:stop], most)
    end = start
    for k in range(start, stop):
        if chosen[k - start]:
            codes[end], values[end] = codes[k], values[k]
            end += 1
    return end
