"""Terms of sentences, their weights, and the centroid of a group of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.features import STOP_SHIFT, WORD_MASK
from storyclust.text.tokens import CLASS_SHIFT, IGNORED, TOKEN_SEED, TOKEN_STEP, classify, decode, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray


STEM = 7  # letters; words that begin alike count as one, which is all the grammar known here


@kernel
def hash_stems(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], table: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    """Hash the first letters of each token, folded as tokens are."""
    stems = np.empty(len(starts), np.uint64)
    for k in range(len(starts)):
        stem, letters, at = TOKEN_SEED, 0, starts[k]
        while at < ends[k] and letters < STEM:
            point, at = decode(data, at, ends[k])
            entry = classify(point, table)
            if entry >> np.uint32(CLASS_SHIFT) != IGNORED:
                stem = stem * TOKEN_STEP + np.uint64(entry)
                letters += 1
        stems[k] = mix(stem)
    return stems


@kernel
def number_terms(hashes: NDArray[np.uint64]) -> Any:
    """Number words in the order in which they first appear.

    Returns the number of each token's word, and for each word the token where it first stands.
    """
    size = 16
    while size < 2 * len(hashes):
        size *= 2
    last = np.uint64(size - 1)
    slots = np.full(size, -1, np.int64)
    ids, first = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    n = 0
    for k in range(len(hashes)):
        word = hashes[k] & WORD_MASK
        at = (word >> STOP_SHIFT) & last
        while slots[at] >= 0 and hashes[first[slots[at]]] & WORD_MASK != word:
            at = (at + np.uint64(1)) & last
        if slots[at] < 0:
            slots[at] = n
            first[n] = k
            n += 1
        ids[k] = slots[at]
    return ids, first[:n].copy()


@kernel
def distinct_terms(ids: NDArray[np.int64], indptr: NDArray[np.int64], n_terms: int) -> Any:
    """Distinct words of each row, in the order in which they first appear in it: (bounds, words)."""
    seen = np.full(n_terms, -1, np.int64)
    bounds, terms = np.zeros(len(indptr), np.int64), np.empty(len(ids), np.int64)
    n = 0
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            if seen[ids[k]] != row:
                seen[ids[k]] = row
                terms[n] = ids[k]
                n += 1
        bounds[row + 1] = n
    return bounds, terms[:n].copy()


@kernel
def term_weights(
    bounds: NDArray[np.int64], terms: NDArray[np.int64], n_terms: int, good: NDArray[np.bool_]
) -> Any:
    """Inverse sentence frequency of each word, smoothed."""
    frequency = np.zeros(n_terms, np.int64)
    n = 0
    for row in range(len(good)):
        if good[row]:
            n += 1
            for k in range(bounds[row], bounds[row + 1]):
                frequency[terms[k]] += 1
    return np.log((1.0 + n) / (1.0 + frequency)) + 1.0


@kernel
def centroid_of(
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    article: NDArray[np.int64],
    position: NDArray[np.int64],
    good: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sum of the unit vectors of articles, each word times a power of the share of articles that hold it.

    An article's vector is the sum of those of its good sentences, by their places.
    """
    centroid, mine = np.zeros(len(weights)), np.zeros(len(weights))
    held = np.zeros(len(weights), np.int64)
    touched = np.empty(len(weights), np.int64)
    n_articles = 0
    row = 0
    while row < len(good):
        n_touched = 0
        begin = row
        while row < len(good) and article[row] == article[begin]:
            if good[row]:
                decay = (1.0 + position[row]) ** -POSITION_DECAY
                for k in range(bounds[row], bounds[row + 1]):
                    if mine[terms[k]] == 0.0:
                        touched[n_touched] = terms[k]
                        n_touched += 1
                    mine[terms[k]] += decay * weights[terms[k]]
            row += 1
        square = 0.0
        for k in range(n_touched):
            square += mine[touched[k]] ** 2
        for k in range(n_touched):
            centroid[touched[k]] += mine[touched[k]] / np.sqrt(square)
            held[touched[k]] += 1
            mine[touched[k]] = 0.0
        n_articles += n_touched > 0
    for term in range(len(weights)):
        if held[term] > 0:
            centroid[term] *= (held[term] / n_articles) ** CONSENSUS
    return centroid


@kernel
def products_with(
    chosen: int,
    bounds: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[np.float64],
    candidate: NDArray[np.bool_],
    mine: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Inner products of one row with all candidates; `mine` is all 0 before and afterwards."""
    for k in range(bounds[chosen], bounds[chosen + 1]):
        mine[terms[k]] = weights[terms[k]]
    for row in range(len(candidate)):
        out[row] = 0.0
        if candidate[row]:
            for k in range(bounds[row], bounds[row + 1]):
                out[row] += weights[terms[k]] * mine[terms[k]]
    for k in range(bounds[chosen], bounds[chosen + 1]):
        mine[terms[k]] = 0.0


POSITION_DECAY = 0.7  # the sentence at place k counts (1 + k) to the power of minus this
CONSENSUS = 0.7  # power of the share of articles by which a word counts
