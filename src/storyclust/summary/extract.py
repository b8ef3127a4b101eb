"""Which sentences and which title say best what articles agree on: the kernels behind summaries.

Titles and sentences come as rows of tokens. The distinct words of a row make its vector, rare ones weighing
more; the articles' vectors, leading sentences weighing more, make a centroid, in which a word counts by
the share of articles that hold it. Sentences are picked greedily, so that their sum points as the
centroid does, and traded for longer ones where they leave much of the length unused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.summary.sentence_terms import (
    centroid_of,
    distinct_terms,
    number_terms,
    products_with,
    term_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARLY_BONUS = 0.02  # the same power for the sentences to pick: little more than a rule for near ties
CENTRAL = 0.3  # least closeness to the centroid, against the closest sentence's
ALIKE = 0.5  # cosine to a sentence already picked from which another says nothing new
ROUNDING = 1e-12  # of cosines: two words of which one is shared are alike, in whatever order they are summed
SPARE = 0.04  # share of the length that may stay unused before picked sentences are traded for longer ones
NOT_LEANING, ALONE = -1, -2  # instead of a row to lean on: needs none; has none


@kernel
def measure_rows(
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    centroid: NDArray[np.float64],
    candidate: NDArray[np.bool_],
) -> Any:
    """Inner product of each row with the centroid and with itself; which candidates are not far from it."""
    n = len(candidate)
    inner, square = np.zeros(n), np.zeros(n)
    closest = 0.0
    for row in range(n):
        for k in range(bounds[row], bounds[row + 1]):
            inner[row] += weights[terms[k]] * centroid[terms[k]]
            square[row] += weights[terms[k]] ** 2
        square[row] = max(square[row], 1e-12)
        if candidate[row]:
            closest = max(closest, inner[row] / np.sqrt(square[row]))
    return inner, square, candidate & (inner >= CENTRAL * closest * np.sqrt(square))


@kernel
def pick_rows(
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    centroid: NDArray[np.float64],
    position: NDArray[np.int64],
    words: NDArray[np.float64],
    candidate: NDArray[np.bool_],
    leans_on: NDArray[np.int64],
    max_words: float,
) -> NDArray[np.int64]:
    """Pick rows greedily: always the one whose sum with those picked has the largest cosine to the centroid.

    None is picked that is too like one picked, that is far from the centroid, or that leans on a row not
    picked; unless there is no other to begin with. The first may exceed the length if all do.
    """
    n = len(candidate)
    barred = np.zeros(n, np.bool_)
    inner, square, near = measure_rows(bounds, terms, weights, centroid, candidate)
    shortest = np.inf
    for row in range(n):
        if candidate[row]:
            shortest = min(shortest, words[row])
    free = np.zeros(n, np.bool_)
    any_free = False
    for demand in range(3):  # ask less and less of the first one
        for row in range(n):
            if demand == 0:
                free[row] = near[row] and words[row] <= max_words and leans_on[row] == NOT_LEANING
            elif demand == 1:
                free[row] = candidate[row] and words[row] <= max_words
            else:
                free[row] = candidate[row] and words[row] == shortest
            any_free = any_free or free[row]
        if any_free:
            break
    left = max(max_words, shortest)
    mine = np.zeros(len(weights))
    cross, products = np.zeros(n), np.zeros(n)  # with the sum of those picked, with the last of them
    picked = np.empty(n, np.int64)
    n_picked = 0
    total, total_square = 0.0, 0.0
    while True:
        best, best_gain = -1, -1.0
        for row in range(n):
            if free[row] and words[row] <= left:
                gain = (total + inner[row]) / np.sqrt(total_square + 2.0 * cross[row] + square[row])
                gain *= (1.0 + position[row]) ** -EARLY_BONUS
                if gain > best_gain:
                    best, best_gain = row, gain
        if best < 0:
            return picked[:n_picked].copy()
        picked[n_picked] = best
        n_picked += 1
        barred[best] = True
        free[best] = False
        left -= words[best]
        total += inner[best]
        total_square += 2.0 * cross[best] + square[best]
        products_with(best, bounds, terms, weights, candidate, mine, products)
        for row in range(n):
            if not candidate[row]:
                continue
            cross[row] += products[row]
            if products[row] >= (ALIKE - ROUNDING) * np.sqrt(square[row] * square[best]):
                barred[row] = True
            if leans_on[row] == best and near[row]:
                free[row] = True
            free[row] = free[row] and not barred[row]


@kernel
def is_like_others(
    row: int, out: int, picked: NDArray[np.int64], products: NDArray[np.float64], square: NDArray[np.float64]
) -> Any:
    """Whether a row says nothing new beside those picked, less the one that goes out."""
    for k in range(len(picked)):
        if k != out and products[k, row] >= (ALIKE - ROUNDING) * np.sqrt(square[row] * square[picked[k]]):
            return True
    return False


@kernel
def lengthen(
    picked: NDArray[np.int64],
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    centroid: NDArray[np.float64],
    position: NDArray[np.int64],
    words: NDArray[np.float64],
    candidate: NDArray[np.bool_],
    leans_on: NDArray[np.int64],
    max_words: float,
) -> NDArray[np.int64]:
    """Trade a picked row for a longer one, or add one, while that makes the whole better.

    The whole is worth its cosine to the centroid times its length, less for late rows. Each step uses at
    least `SPARE` of the length more; what a picked row may not be like or lean on holds here too.
    """
    n = len(candidate)
    inner, square, near = measure_rows(bounds, terms, weights, centroid, candidate)
    bonus = (1.0 + np.maximum(position, 0)) ** -EARLY_BONUS
    mine = np.zeros(len(weights))
    while len(picked) > 0:
        m = len(picked)
        products = np.zeros((m, n))
        is_picked, is_needed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        for k in range(m):
            products_with(picked[k], bounds, terms, weights, candidate, mine, products[k])
            is_picked[picked[k]] = True
            if leans_on[picked[k]] >= 0:
                is_needed[leans_on[picked[k]]] = True
        cross = products.sum(axis=0)
        total, length, early = inner[picked].sum(), words[picked].sum(), bonus[picked].sum()
        norm = cross[picked].sum()
        best = total / np.sqrt(max(norm, 1e-12)) * length * early / m * (1 + 1e-9)
        best_row, best_out = -1, -1
        for out in range(-1, m):
            old = picked[out]
            if out >= 0 and is_needed[old]:
                continue
            for row in range(n):
                longer = words[row] - (words[old] if out >= 0 else 0.0)
                if (
                    not near[row]
                    or is_picked[row]
                    or longer < SPARE * max_words
                    or length + longer > max_words
                ):
                    continue
                need = leans_on[row]
                if need == ALONE or (need >= 0 and (not is_picked[need] or (out >= 0 and need == old))):
                    continue
                t, e, c, q, size = (
                    total + inner[row],
                    early + bonus[row],
                    cross[row],
                    norm + square[row],
                    m + 1,
                )
                if out >= 0:
                    t, e, size = t - inner[old], e - bonus[old], m
                    c -= products[out, row]
                    q += square[old] - 2.0 * cross[old]
                value = t / np.sqrt(max(q + 2.0 * c, 1e-12)) * (length + longer) * e / size
                if value > best and not is_like_others(row, out, picked, products, square):
                    best, best_row, best_out = value, row, out
        if best_row < 0:
            break
        if best_out >= 0:
            picked[best_out] = best_row
        else:
            picked = np.append(picked, best_row)
    return picked


@kernel
def centrality(
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    centroid: NDArray[np.float64],
    position: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosine of each title with the centroid of the texts, plus that with the sum of all titles."""
    shared = np.zeros(len(weights))
    lengths = np.zeros(len(position))
    for row in range(len(position)):
        if position[row] < 0:
            for k in range(bounds[row], bounds[row + 1]):
                lengths[row] += weights[terms[k]] ** 2
            lengths[row] = np.sqrt(max(lengths[row], 1e-12))
            for k in range(bounds[row], bounds[row + 1]):
                shared[terms[k]] += weights[terms[k]] / lengths[row]
    of_shared, of_centroid = max(np.sqrt((shared**2).sum()), 1e-12), max(np.sqrt((centroid**2).sum()), 1e-12)
    found = np.zeros(len(position))
    for row in range(len(position)):
        if position[row] < 0:
            for k in range(bounds[row], bounds[row + 1]):
                together = shared[terms[k]] / of_shared + centroid[terms[k]] / of_centroid
                found[row] += together * weights[terms[k]] / lengths[row]
    return found


@kernel
def extract(
    stems: NDArray[np.uint64],
    indptr: NDArray[np.int64],
    article: NDArray[np.int64],
    position: NDArray[np.int64],
    words: NDArray[np.float64],
    good: NDArray[np.bool_],
    candidate: NDArray[np.bool_],
    leans_on: NDArray[np.int64],
    max_words: float,
) -> Any:
    """Pick rows of tokens, and measure how central titles are, in one call.

    Tokens are given by the hashes of their stems. Rows are titles and sentences, article by article;
    `position` is the place of a sentence in its article, from 0, and of a title -1; `words` are lengths. The
    centroid is made of the `good` rows, `candidate` ones may be picked; `leans_on` names the row without
    which one should not be, or is NOT_LEANING or ALONE.

    Returns the rows picked, and for each row 0 or the centrality of a title.
    """
    ids, first = number_terms(stems)
    bounds, terms = distinct_terms(ids, indptr, len(first))
    weights = term_weights(bounds, terms, len(first), good)
    centroid = centroid_of(bounds, terms, weights, article, position, good)
    picked = pick_rows(bounds, terms, weights, centroid, position, words, candidate, leans_on, max_words)
    picked = lengthen(
        picked, bounds, terms, weights, centroid, position, words, candidate, leans_on, max_words
    )
    return picked, centrality(bounds, terms, weights, centroid, position)
