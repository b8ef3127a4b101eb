"""Weights: the terms of articles, and what they weigh by how many articles hold each now.

The figures are those of `NewsVectorizer`. A term is a hash of 32 bits; an article keeps two factors, for the
terms of its head and for all others, by which weights are scaled to a vector of unit length.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.text.features import find_terms
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = NewsVectorizer()  # whose defaults hold here too
FOLD = np.uint64(31)


class ArticleTerms(NamedTuple):
    """Terms of articles: those of row `i` begin at `bounds[i]`, with the `heads[i]` of its head."""

    bounds: NDArray[np.int64]
    heads: NDArray[np.int64]
    terms: NDArray[np.uint32]

    def of(self, rows: NDArray[np.int64]) -> ArticleTerms:
        """Terms of some articles."""
        sizes = np.diff(self.bounds)[rows]
        bounds = np.append(0, np.cumsum(sizes)).astype(np.int64)
        places = np.repeat(self.bounds[:-1][rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return ArticleTerms(bounds, self.heads[rows], self.terms[places])


class Weighed(NamedTuple):
    """Articles as weights of the terms that all of them hold."""

    bounds: NDArray[np.int64]
    places: NDArray[np.int64]  # of each entry's term among `terms`
    weights: NDArray[np.float32]
    terms: NDArray[np.uint32]  # distinct, ascending
    spans: NDArray[np.int64]  # where those who hold each term are found in the index of their language,
    idf: NDArray[np.float32]  # and what it weighs there


def find_article_terms(
    articles: Sequence[Article], languages: Sequence[str], n_jobs: int | None = None
) -> ArticleTerms:
    """Find the terms of articles, those of their heads first."""
    found = find_terms(articles, SETTINGS.ngram_range, n_jobs, list(languages))
    with closing(found.terms) as pile:
        terms = fold(pile.whole())
    return ArticleTerms(found.indptr, heads_first(found.indptr, found.head, terms), terms)


def fold(terms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Fold hashes of terms to 32 bits, of which no two articles share one by chance."""
    return (terms >> FOLD).astype(np.uint32)


@kernel
def places_under(first: int, bounds: NDArray[np.int64], heads: NDArray[np.int64]) -> Any:
    """Places of the articles that hold each entry's term, the last bit set where it is in the head."""
    places = np.empty(bounds[len(heads)], np.int32)
    for row in range(len(heads)):
        for k in range(bounds[row], bounds[row + 1]):
            places[k] = (first + row) << 1 | (k < bounds[row] + heads[row])
    return places


@kernel
def heads_first(bounds: NDArray[np.int64], head: NDArray[np.bool_], terms: NDArray[np.uint32]) -> Any:
    """Move the terms of each row's head to its front, in place; returns how many there are."""
    heads = np.zeros(len(bounds) - 1, np.int64)
    late = np.empty(len(terms), np.uint32)
    for row in range(len(heads)):
        n = 0
        for k in range(bounds[row], bounds[row + 1]):
            if head[k]:
                terms[bounds[row] + heads[row]] = terms[k]
                heads[row] += 1
            else:
                late[n] = terms[k]
                n += 1
        for k in range(n):
            terms[bounds[row] + heads[row] + k] = late[k]
    return heads


@kernel
def weigh_rows(
    bounds: NDArray[np.int64],
    heads: NDArray[np.int64],
    places: NDArray[np.int64],
    idf: NDArray[np.float32],
    head_weight: float,
) -> Any:
    """Weights of the entries of rows, and of each row the factors for terms of the head and for others."""
    weights = np.zeros(len(places), np.float32)
    factors = np.zeros((len(heads), 2), np.float32)
    for row in range(len(heads)):
        start, middle, stop = bounds[row], bounds[row] + heads[row], bounds[row + 1]
        of_head, of_rest = 0.0, 0.0
        for k in range(start, middle):
            of_head += np.float64(idf[places[k]]) ** 2
        for k in range(middle, stop):
            of_rest += np.float64(idf[places[k]]) ** 2
        early, late = factors_of(of_head, of_rest, head_weight)
        factors[row, 0], factors[row, 1] = late, early
        for k in range(start, stop):
            weights[k] = idf[places[k]] * (early if k < middle else late)
    return weights, factors


@kernel
def factors_of(of_head: float, of_rest: float, head_weight: float) -> Any:
    """Scale terms of the head, and others, to a vector of unit length; see `vectorize.weigh`."""
    if of_head + of_rest == 0.0:
        return 0.0, 0.0
    late = 1.0 / np.sqrt(of_head + of_rest)
    early = late + (head_weight / np.sqrt(of_head) if of_head > 0.0 else 0.0)
    length = np.sqrt(early**2 * of_head + late**2 * of_rest)
    return early / length, late / length


@kernel
def factors_of_run(
    bounds: NDArray[np.int64],
    values: NDArray[np.int32],
    idf: NDArray[np.float32],
    n: int,
    head_weight: float,
) -> NDArray[np.float32]:
    """Factors of all rows, from the values (place, whether in the head) under each term."""
    squares = np.zeros((n, 2), np.float64)
    for term in range(len(idf)):
        square = np.float64(idf[term]) ** 2
        for k in range(bounds[term], bounds[term + 1]):
            squares[values[k] >> 1, values[k] & 1] += square
    factors = np.zeros((n, 2), np.float32)
    for row in range(n):
        early, late = factors_of(squares[row, 1], squares[row, 0], head_weight)
        factors[row, 0], factors[row, 1] = late, early
    return factors
