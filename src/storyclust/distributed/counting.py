"""Term statistics of articles that lie in shards: counted apart, added up by term, and made to vectors.

A shard finds the terms of its articles and counts them; counts meet by partition of the terms, where each
term gets its weight; and a shard fetches the weights of the terms that it holds. What comes out is what
`NewsVectorizer` makes of all articles together, bit for bit, however they are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.article import Article
from storyclust.background import Background
from storyclust.distributed.blocks import Block
from storyclust.features import PAIR_BIT, find_terms
from storyclust.vectorize import NewsVectorizer, inverse_frequencies, used_terms, weigh
from storyclust.vocabulary import document_frequencies, frequent_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = NewsVectorizer()  # as stories are grouped with
WORD_BITS = 63  # of a hash without `PAIR_BIT`


class ShardTerms(NamedTuple):
    """What the articles of a shard hold: row `i` has ``terms[columns[indptr[i]:indptr[i + 1]]]``."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    head: NDArray[np.bool_]  # whether a term stands in the head of its article
    terms: NDArray[np.uint64]  # sorted, distinct
    groups: NDArray[np.int64]  # language of each row


class TermCounts(NamedTuple):
    """How many articles of a language hold a term; sorted by term, then language, each pair once."""

    terms: NDArray[np.uint64]
    groups: NDArray[np.int32]
    counts: NDArray[np.int64]


class TermTable(NamedTuple):
    """Terms that count, sorted, and what there is to know about them; a row for each language."""

    terms: NDArray[np.uint64]
    df: NDArray[np.int64]  # articles that hold each
    idf: NDArray[np.float64]  # and its weight
    holders: NDArray[np.int64]  # articles of any language in which it has a weight


def shard_terms(articles: Sequence[Article], groups: NDArray[np.int64], languages: Sequence[str]) -> ShardTerms:
    """Find the terms of a shard's articles.

    Parameters
    ----------
    articles : sequence of Article
        Those that are no copies.
    groups : int64 array of shape (n,)
        Language of each, as a number in `languages`.
    languages : sequence of str
        All languages of the corpus, sorted.

    Returns
    -------
    shard : ShardTerms
    """
    raise NotImplementedError


def count_terms(shard: ShardTerms, n_partitions: int) -> list[TermCounts]:
    """Count the articles of a shard that hold each term, for each partition of the terms."""
    raise NotImplementedError


def add_counts(parts: Sequence[TermCounts]) -> TermCounts:
    """Add up counts of one partition; sums may be added up again."""
    raise NotImplementedError


def weigh_terms(counts: TermCounts, languages: Sequence[str], sizes: NDArray[np.int64]) -> TermTable:
    """Choose the terms of a partition that count, and weigh them.

    Parameters
    ----------
    counts : TermCounts
        Of all shards.
    languages : sequence of str
    sizes : int64 array of shape (n_languages,)
        Articles of each.

    Returns
    -------
    table : TermTable
    """
    raise NotImplementedError


def wanted_terms(shard: ShardTerms, n_partitions: int) -> list[NDArray[np.uint64]]:
    """Distinct terms of a shard, for each partition."""
    raise NotImplementedError


def select_terms(table: TermTable, wanted: NDArray[np.uint64]) -> TermTable:
    """Select what a table knows of some terms, sorted; those it has not got are left out."""
    raise NotImplementedError


def join_tables(parts: Sequence[TermTable]) -> TermTable:
    """Join the tables of all partitions, given in their order."""
    raise NotImplementedError


def vectors_of(shard: ShardTerms, table: TermTable, places: NDArray[np.int64]) -> Block:
    """Make the vectors of a shard's articles.

    Parameters
    ----------
    shard : ShardTerms
    table : TermTable
        Holds all terms of the shard that count; others do no harm.
    places : int64 array of shape (n,)
        Of each article, in the order of all.

    Returns
    -------
    block : Block
        Rows ascending by place.
    """
    raise NotImplementedError
