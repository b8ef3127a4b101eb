"""Kernels that select the sentences of a summary and rate titles.

Titles and sentences are rows of tokens. Each row is a vector of its distinct terms, weighted by inverse
sentence frequency. The articles' vectors, in which leading sentences weigh more, make a centroid, in which a
term counts by the share of articles that contain it. Sentences are selected greedily so that the cosine of
their sum to the centroid is largest. They are then replaced by longer ones where much of the length limit is
unused.

Centroids of articles as the target of extraction: D. Radev et al., "Centroid-based summarization of multiple
documents", Information Processing and Management 40 (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.summary.sentence_terms import (
    TermRows,
    centroid_of,
    distinct_terms,
    number_terms,
    products_with,
    term_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The values below were chosen by ROUGE on the development sets of several languages. They lie on a plateau:
# of 1,800 other settings drawn at random none was better at both lengths without a loss on some set.
POSITION_PENALTY = (
    0.02  # a sentence at position k counts (1 + k) ** -0.02: little more than a rule for near ties
)
MIN_CENTRALITY = 0.3  # smallest cosine to the centroid, as a share of that of the nearest sentence
OPENING_CENTRALITY = 0.6  # smallest cosine of the first sentence, as a share of the most central possible one
REDUNDANT_COSINE = 0.5  # cosine to a selected sentence from which a sentence adds nothing new
UNUSED_SHARE = 0.04  # unused share of the length limit from which replacing sentences gained ROUGE-1
ROUNDING = 1e-12  # of cosines, so that the order of a sum decides nothing
NO_ANTECEDENT, MISSING_ANTECEDENT = -1, -2  # instead of the row that a sentence refers back to


class Lines(NamedTuple):
    """Titles and sentences, article by article, a title before its sentences; arrays of shape (n,)."""

    article: NDArray[np.int64]
    position: NDArray[np.int64]  # index of a sentence in its article, -1 for a title
    n_words: NDArray[np.float64]
    is_good: NDArray[np.bool_]  # sentences that the centroid is made of
    is_candidate: NDArray[np.bool_]  # sentences that may be selected
    antecedent: NDArray[np.int64]  # row that must be selected too, NO_ANTECEDENT or MISSING_ANTECEDENT
    order: NDArray[np.int64]  # rank in the order in which a summary shows its sentences
    opens: NDArray[np.bool_]  # sentences that may be shown first


class Products(NamedTuple):
    """Inner products of each row; arrays of shape (n,)."""

    centroid: NDArray[np.float64]  # with the centroid
    square: NDArray[np.float64]  # with the row itself
    is_central: NDArray[np.bool_]  # candidates that are not far from the centroid


@kernel
def row_products(rows: TermRows, centroid: NDArray[np.float64], is_candidate: NDArray[np.bool_]) -> Any:
    """Inner products of each row with the centroid and with itself, and the candidates that are central."""
    bounds, terms, weights = rows
    n = len(is_candidate)
    inner, square = np.zeros(n), np.zeros(n)
    nearest = 0.0
    for row in range(n):
        for k in range(bounds[row], bounds[row + 1]):
            inner[row] += weights[terms[k]] * centroid[terms[k]]
            square[row] += weights[terms[k]] ** 2
        square[row] = max(square[row], 1e-12)
        if is_candidate[row]:
            nearest = max(nearest, inner[row] / np.sqrt(square[row]))
    return Products(inner, square, is_candidate & (inner >= MIN_CENTRALITY * nearest * np.sqrt(square)))


@kernel
def central_openings(products: Products, opens: NDArray[np.bool_]) -> Any:
    """Rows that open a summary, without those that are far less central than the most central of them.

    They are scenes and anecdotes, with which features begin.
    """
    nearest = 0.0
    for row in range(len(opens)):
        if opens[row]:
            nearest = max(nearest, products.centroid[row] / np.sqrt(products.square[row]))
    return opens & (products.centroid >= (OPENING_CENTRALITY * nearest - ROUNDING) * np.sqrt(products.square))


@kernel
def first_choices(products: Products, lines: Lines, max_words: float, shortest: float) -> Any:
    """Rows that may be selected first.

    These are central candidates without an antecedent; if there are none, candidates within the length limit;
    if there are none, the shortest candidates.
    """
    fits = lines.is_candidate & (lines.n_words <= max_words)
    free = products.is_central & fits & (lines.antecedent == NO_ANTECEDENT)
    if not free.any():
        free = fits
    if not free.any():
        free = lines.is_candidate & (lines.n_words == shortest)
    return free


@kernel
def select_greedily(rows: TermRows, products: Products, lines: Lines, max_words: float) -> NDArray[np.int64]:
    """Select rows one by one: the one whose sum with those selected has the largest cosine to the centroid.

    After the first, a row must be central, not redundant with a selected one, and its antecedent must be
    selected. The first row may exceed the length limit if all candidates do. It opens the summary if any row
    that may be selected first does; then each other row opens it too, or is shown after one that does.
    """
    inner, square, is_central = products
    n_words, is_candidate = lines.n_words, lines.is_candidate
    n = len(is_candidate)
    is_barred = np.zeros(n, np.bool_)
    shortest = np.inf
    for row in range(n):
        if is_candidate[row]:
            shortest = min(shortest, n_words[row])
    free = first_choices(products, lines, max_words, shortest)
    left = max(max_words, shortest)
    earliest = n if (free & lines.opens).any() else -1  # order of a selected row that opens the summary
    scratch = np.zeros(len(rows.weights))
    with_sum, with_last = np.zeros(n), np.zeros(n)  # inner products with the sum of those selected, the last
    selected = np.empty(n, np.int64)
    n_selected = 0
    total, total_square = 0.0, 0.0
    while True:
        best, best_gain = -1, -1.0
        for row in range(n):
            if free[row] and n_words[row] <= left and (lines.opens[row] or lines.order[row] > earliest):
                gain = (total + inner[row]) / np.sqrt(total_square + 2.0 * with_sum[row] + square[row])
                gain *= (1.0 + lines.position[row]) ** -POSITION_PENALTY
                if gain > best_gain:
                    best, best_gain = row, gain
        if best < 0:
            return selected[:n_selected].copy()
        selected[n_selected] = best
        n_selected += 1
        is_barred[best] = True
        free[best] = False
        if lines.opens[best]:
            earliest = min(earliest, lines.order[best])
        left -= n_words[best]
        total += inner[best]
        total_square += 2.0 * with_sum[best] + square[best]
        products_with(best, rows, is_candidate, scratch, with_last)
        for row in range(n):
            if not is_candidate[row]:
                continue
            with_sum[row] += with_last[row]
            if with_last[row] >= (REDUNDANT_COSINE - ROUNDING) * np.sqrt(square[row] * square[best]):
                is_barred[row] = True
            if lines.antecedent[row] == best and is_central[row]:
                free[row] = True
            free[row] = free[row] and not is_barred[row]


@kernel
def is_redundant(
    row: int,
    out: int,
    selected: NDArray[np.int64],
    with_each: NDArray[np.float64],
    square: NDArray[np.float64],
) -> Any:
    """Whether a row is too similar to a selected one, other than the one at index `out`."""
    for k in range(len(selected)):
        least = (REDUNDANT_COSINE - ROUNDING) * np.sqrt(square[row] * square[selected[k]])
        if k != out and with_each[k, row] >= least:
            return True
    return False


@kernel
def order_of_opening(selected: NDArray[np.int64], out: int, lines: Lines) -> Any:
    """Order of the first selected row that opens a summary, other than the one at index `out`.

    The number of rows if there is none.
    """
    earliest = len(lines.order)
    for k in range(len(selected)):
        if k != out and lines.opens[selected[k]]:
            earliest = min(earliest, lines.order[selected[k]])
    return earliest


@kernel
def best_replacement(
    selected: NDArray[np.int64],
    with_each: NDArray[np.float64],
    products: Products,
    lines: Lines,
    bonus: NDArray[np.float64],
    max_words: float,
) -> Any:
    """Find the row that improves a selection most, and the index in the selection that it replaces.

    Parameters
    ----------
    selected : int64 array of shape (m,)
    with_each : float64 array of shape (m, n)
        Inner products of the selected rows with all rows.
    bonus : float64 array of shape (n,)
        Factor of each row for its position.

    Returns
    -------
    row, out : int
        `out` is -1 where the row is added; `row` is -1 where nothing improves the selection.
    """
    inner, square, is_central = products
    n_words, antecedent = lines.n_words, lines.antecedent
    n, m = len(inner), len(selected)
    is_selected, is_needed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for row in selected:
        is_selected[row] = True
        if antecedent[row] >= 0:
            is_needed[antecedent[row]] = True
    with_sum = np.zeros(n, np.float64)
    total, length, bonuses, norm, earliest = 0.0, 0.0, 0.0, 0.0, n
    for k in range(m):
        for row in range(n):
            with_sum[row] += with_each[k, row]
    for row in selected:
        total += inner[row]
        length += n_words[row]
        bonuses += bonus[row]
        norm += with_sum[row]
        earliest = min(earliest, lines.order[row])
    best = total / np.sqrt(max(norm, 1e-12)) * length * bonuses / m * (1 + 1e-9)
    best_row, best_out = -1, -1
    is_opened = earliest == order_of_opening(selected, -1, lines)
    for out in range(-1, m):
        old = selected[out]
        if out >= 0 and is_needed[old]:
            continue
        opening, first = order_of_opening(selected, out, lines), n
        for k in range(m):
            if k != out:
                first = min(first, lines.order[selected[k]])
        for row in range(n):
            longer = n_words[row] - (n_words[old] if out >= 0 else 0.0)
            if not is_central[row] or is_selected[row]:
                continue
            if longer < UNUSED_SHARE * max_words or length + longer > max_words:
                continue
            after = min(opening, lines.order[row] if lines.opens[row] else n)
            if is_opened and min(first, lines.order[row]) != after:
                continue
            need = antecedent[row]
            if need == MISSING_ANTECEDENT:
                continue
            if need >= 0 and (not is_selected[need] or (out >= 0 and need == old)):
                continue
            t, b, c, q, size = (
                total + inner[row],
                bonuses + bonus[row],
                with_sum[row],
                norm + square[row],
                m + 1,
            )
            if out >= 0:
                t, b, size = t - inner[old], b - bonus[old], m
                c -= with_each[out, row]
                q += square[old] - 2.0 * with_sum[old]
            value = t / np.sqrt(max(q + 2.0 * c, 1e-12)) * (length + longer) * b / size
            if value > best and not is_redundant(row, out, selected, with_each, square):
                best, best_row, best_out = value, row, out
    return best_row, best_out


@kernel
def lengthen(
    selected: NDArray[np.int64], rows: TermRows, products: Products, lines: Lines, max_words: float
) -> NDArray[np.int64]:
    """Replace a selected row by a longer one, or add one, while that improves the selection.

    The value of a selection is its cosine to the centroid times its length times the mean bonus of positions.
    Each step uses at least `UNUSED_SHARE` of the length limit more. Redundancy and antecedents constrain it
    as in `select_greedily`.
    """
    n = len(lines.position)
    bonus = (1.0 + np.maximum(lines.position, 0)) ** -POSITION_PENALTY
    scratch = np.zeros(len(rows.weights))
    while len(selected) > 0:
        with_each = np.zeros((len(selected), n))
        for k in range(len(selected)):
            products_with(selected[k], rows, lines.is_candidate, scratch, with_each[k])
        row, out = best_replacement(selected, with_each, products, lines, bonus, max_words)
        if row < 0:
            break
        if out >= 0:
            selected[out] = row
        else:
            selected = np.append(selected, row)
    return selected


@kernel
def title_centrality(
    rows: TermRows, centroid: NDArray[np.float64], position: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cosine of each title to the centroid of the texts, plus its cosine to the sum of all titles."""
    bounds, terms, weights = rows
    title_sum = np.zeros(len(weights))
    lengths = np.zeros(len(position))
    for row in range(len(position)):
        if position[row] < 0:
            for k in range(bounds[row], bounds[row + 1]):
                lengths[row] += weights[terms[k]] ** 2
            lengths[row] = np.sqrt(max(lengths[row], 1e-12))
            for k in range(bounds[row], bounds[row + 1]):
                title_sum[terms[k]] += weights[terms[k]] / lengths[row]
    norm_of_sum = max(np.sqrt((title_sum**2).sum()), 1e-12)
    norm_of_centroid = max(np.sqrt((centroid**2).sum()), 1e-12)
    found = np.zeros(len(position))
    for row in range(len(position)):
        if position[row] < 0:
            for k in range(bounds[row], bounds[row + 1]):
                both = title_sum[terms[k]] / norm_of_sum + centroid[terms[k]] / norm_of_centroid
                found[row] += both * weights[terms[k]] / lengths[row]
    return found


@kernel
def extract(stems: NDArray[np.uint64], indptr: NDArray[np.int64], lines: Lines, max_words: float) -> Any:
    """Select sentences, and measure how central titles are.

    Parameters
    ----------
    stems : uint64 array of shape (n_tokens,)
        Hashes of the stems of all tokens.
    indptr : int64 array of shape (n + 1,)
        Row `i` has the tokens from ``indptr[i]`` to ``indptr[i + 1]``.
    lines : Lines
    max_words : float
        Length limit.

    Returns
    -------
    selected : int64 array of shape (m,)
        Rows, in the order of selection.
    centrality : float64 array of shape (n,)
        Of titles; 0 for sentences.
    """
    ids, first = number_terms(stems)
    bounds, terms = distinct_terms(ids, indptr, len(first))
    rows = TermRows(bounds, terms, term_weights(bounds, terms, len(first), lines.is_good))
    centroid = centroid_of(rows, lines.article, lines.position, lines.is_good)
    products = row_products(rows, centroid, lines.is_candidate)
    article, position, n_words, is_good, is_candidate, antecedent, order, opens = lines
    opens = central_openings(products, opens)
    limited = Lines(article, position, n_words, is_good, is_candidate, antecedent, order, opens)
    selected = select_greedily(rows, products, limited, max_words)
    selected = lengthen(selected, rows, products, limited, max_words)
    return selected, title_centrality(rows, centroid, lines.position)
