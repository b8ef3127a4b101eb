"""Terms of the store's articles, and their TF-IDF weights by current document frequencies.

The weights are those of `NewsVectorizer`. A term is a 32-bit hash. An article keeps two factors, for the
terms of its head and of its body, that scale idf to a vector of unit length.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.text.features import find_terms
from storyclust.text.vectorize import BaseVectorizer
from storyclust.text.weighting import unit_factors

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = BaseVectorizer()  # its defaults are those of the store
FOLD = np.uint64(31)  # bits of a hash that are dropped before it is cut to 32 bits


class ArticleTerms(NamedTuple):
    """Terms of articles: those of row `i` begin at `bounds[i]`, with the `heads[i]` of its head."""

    bounds: NDArray[np.int64]
    heads: NDArray[np.int64]
    terms: NDArray[np.uint32]

    def of(self, rows: NDArray[np.int64]) -> ArticleTerms:
        """Terms of some articles."""
        sizes = self.bounds[1:][rows] - self.bounds[:-1][rows]
        bounds = np.append(0, np.cumsum(sizes)).astype(np.int64)
        places = np.repeat(self.bounds[:-1][rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return ArticleTerms(bounds, self.heads[rows], self.terms[places])


class Weighed(NamedTuple):
    """Articles as rows of term weights."""

    bounds: NDArray[np.int64]
    places: NDArray[np.int64]  # of each entry's term in `terms`
    weights: NDArray[np.float32]
    terms: NDArray[np.uint32]  # distinct, ascending
    spans: NDArray[np.int64]  # places of each term's postings in the index of the articles' language
    df: NDArray[np.int64]  # number of articles there that have each term; removed ones do not count
    idf: NDArray[np.float32]  # weight of each term there


def find_article_terms(
    articles: Sequence[Article], languages: Sequence[str], n_jobs: int | None = None
) -> ArticleTerms:
    """Find the terms of articles, those of their heads first."""
    found = find_terms(articles, SETTINGS.ngram_range, n_jobs, list(languages))
    with closing(found.terms) as pile:
        terms = fold(pile.whole())
    return ArticleTerms(found.indptr, heads_first(found.indptr, found.head, terms), terms)


def fold(terms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Fold hashes of terms to 32 bits, enough that articles hardly ever share one by collision."""
    return (terms >> FOLD).astype(np.uint32)


@kernel
def places_under(first: int, bounds: NDArray[np.int64], heads: NDArray[np.int64]) -> Any:
    """Posting of each entry: the article's place, shifted by one bit that is set for terms of the head."""
    places = np.empty(bounds[len(heads)], np.int32)
    for row in range(len(heads)):
        for k in range(bounds[row], bounds[row + 1]):
            places[k] = (first + row) << 1 | (k < bounds[row] + heads[row])
    return places


@kernel
def heads_first(bounds: NDArray[np.int64], head: NDArray[np.bool_], terms: NDArray[np.uint32]) -> Any:
    """Move the terms of each row's head to its front, in place; returns their number in each row."""
    heads = np.zeros(len(bounds) - 1, np.int64)
    body = np.empty(len(terms), np.uint32)
    for row in range(len(heads)):
        n = 0
        for k in range(bounds[row], bounds[row + 1]):
            if head[k]:
                terms[bounds[row] + heads[row]] = terms[k]
                heads[row] += 1
            else:
                body[n] = terms[k]
                n += 1
        for k in range(n):
            terms[bounds[row] + heads[row] + k] = body[k]
    return heads


@kernel
def weigh_rows(
    bounds: NDArray[np.int64],
    heads: NDArray[np.int64],
    places: NDArray[np.int64],
    idf: NDArray[np.float32],
    head_weight: float,
) -> Any:
    """Weights of the entries of rows, and the factors of each row for its body and its head."""
    weights = np.zeros(len(places), np.float32)
    factors = np.zeros((len(heads), 2), np.float32)
    for row in range(len(heads)):
        start, middle, stop = bounds[row], bounds[row] + heads[row], bounds[row + 1]
        head, body = 0.0, 0.0
        for k in range(start, middle):
            head += np.float64(idf[places[k]]) ** 2
        for k in range(middle, stop):
            body += np.float64(idf[places[k]]) ** 2
        of_head, of_body = unit_factors(head + body, head, body, head_weight)
        factors[row, 0], factors[row, 1] = of_body, of_head
        for k in range(start, stop):
            weights[k] = idf[places[k]] * (of_head if k < middle else of_body)
    return weights, factors


@kernel
def factors_of_run(
    bounds: NDArray[np.int64],
    values: NDArray[np.int32],
    idf: NDArray[np.float32],
    n: int,
    head_weight: float,
) -> NDArray[np.float32]:
    """Factors of all rows, from the postings of each term; see `places_under`.

    Parameters
    ----------
    bounds : int64 array of shape (n_terms + 1,)
        Where the postings of each term begin in `values`.
    values : int32 array
    idf : float32 array of shape (n_terms,)
    n : int
        Number of rows.
    head_weight : float

    Returns
    -------
    factors : float32 array of shape (n, 2)
        For the body and the head.
    """
    squares = np.zeros((n, 2), np.float64)
    for term in range(len(idf)):
        square = np.float64(idf[term]) ** 2
        for k in range(bounds[term], bounds[term + 1]):
            row = values[k] >> 1
            if 0 <= row < n:  # except in a damaged file
                squares[row, values[k] & 1] += square
    factors = np.zeros((n, 2), np.float32)
    for row in range(n):
        body, head = squares[row, 0], squares[row, 1]
        of_head, of_body = unit_factors(head + body, head, body, head_weight)
        factors[row, 0], factors[row, 1] = of_body, of_head
    return factors
