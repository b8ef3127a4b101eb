"""Prefix filtering: all pairs of sets that can reach a Jaccard threshold, without a miss.

The elements of all sets are put in one order, rarest first. Two sets that reach the threshold share an
element among the first few of both; how many elements are needed follows from the threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.dedup.lsh import decode_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.dedup.jaccard import ShingleSets


def all_candidates(sets: ShingleSets, threshold: float) -> NDArray[np.int64]:
    """Pairs of sets that share an element of their prefixes and whose sizes allow the threshold.

    Parameters
    ----------
    sets : ShingleSets
    threshold : float in (0, 1]
        Jaccard similarity; every pair that reaches it is among the candidates.

    Returns
    -------
    pairs : int64 array of shape (m, 2)
        i < j, sorted, distinct.

    References
    ----------
    S. Chaudhuri, V. Ganti, R. Kaushik, "A primitive operator for similarity joins in data cleaning",
    ICDE 2006. R. Bayardo, Y. Ma, R. Srikant, "Scaling up all pairs similarity search", WWW 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from storyclust.dedup.jaccard import ShingleSets
    >>> sets = ShingleSets.from_texts(["a b c d", "a b c d e", "f g h"], size=1)
    >>> all_candidates(sets, 0.8)
    array([[0, 1]])
    """
    _, inverse, frequency = np.unique(sets.values, return_inverse=True, return_counts=True)
    elements, rows = prefixes(inverse, frequency, sets.offsets, threshold)
    order = np.lexsort((rows, elements))
    codes = joined_codes(elements[order], rows[order], np.diff(sets.offsets), threshold)
    return decode_pairs(np.unique(codes))


@kernel
def prefixes(
    elements: NDArray[np.int64], frequency: NDArray[np.int64], offsets: NDArray[np.int64], threshold: float
) -> Any:
    """Elements of all prefixes, and their rows, without the elements of a single set.

    Parameters
    ----------
    elements : int64 array of shape (k,)
        Set `i` is ``elements[offsets[i]:offsets[i + 1]]``, ascending.
    frequency : int64 array of shape (n_elements,)
        Number of sets that hold each element.
    offsets : int64 array of shape (n + 1,)
    threshold : float
    """
    kept = np.empty(len(elements), np.int64)
    rows = np.empty(len(elements), np.int64)
    n = 0
    for row in range(len(offsets) - 1):
        members = elements[offsets[row] : offsets[row + 1]]
        size = len(members)
        length = size - int(np.ceil(threshold * size - 1e-9)) + 1
        order = np.argsort(frequency[members], kind="mergesort")  # stable, so ties have one order in all sets
        for k in range(min(length, size)):
            element = members[order[k]]
            if frequency[element] > 1:
                kept[n], rows[n] = element, row
                n += 1
    return kept[:n], rows[:n]


@kernel
def joined_codes(
    elements: NDArray[np.int64], rows: NDArray[np.int64], sizes: NDArray[np.int64], threshold: float
) -> Any:
    """Codes of the pairs of rows that share an element and whose sizes allow the threshold.

    Codes may repeat: they are made distinct only when the array is full. See `decode_pairs`.

    Parameters
    ----------
    elements, rows : int64 arrays of shape (k,)
        Elements of prefixes and their rows, sorted by element, then row.
    sizes : int64 array of shape (n,)
    threshold : float
    """
    codes = np.empty(1024, np.int64)
    n, start = 0, 0
    while start < len(elements):
        stop = start + 1
        while stop < len(elements) and elements[stop] == elements[start]:
            stop += 1
        for x in range(start, stop):
            for y in range(x + 1, stop):
                a, b = sizes[rows[x]], sizes[rows[y]]
                if min(a, b) < threshold * max(a, b) - 1e-9:
                    continue
                if n == len(codes):
                    codes = np.unique(codes)
                    n = len(codes)
                    codes = np.concatenate((codes, np.empty(n + 1024, np.int64)))
                codes[n] = (rows[x] << 32) | rows[y]
                n += 1
        start = stop
    return codes[:n].copy()
