"""Term statistics and vectors of sharded articles.

Each shard finds and counts the terms of its articles. Counts of all shards are added up by partition of the
terms, and each partition weighs its terms. Each shard then fetches the weights of its terms and makes the
vectors. The result is bit-identical to that of `NewsVectorizer` on all articles, for any sharding.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from storyclust.articles.article import Article
from storyclust.distributed.blocks import Block, take_rows
from storyclust.distributed.columns import numbers_in
from storyclust.text.background import Background
from storyclust.text.features import PAIR_BIT, find_terms
from storyclust.text.sorted_hashes import look_up
from storyclust.text.vectorize import BaseVectorizer
from storyclust.text.vocabulary import frequent_terms
from storyclust.text.weighting import Entries, idf_by_language, tfidf_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T", "TermTable", "TermWeights")
SETTINGS = BaseVectorizer()  # its defaults are those of `StoryClusterer`
PAIR_SHIFT = 63  # position of `PAIR_BIT`


class ShardTerms(NamedTuple):
    """Terms of a shard's articles: row `i` holds ``terms[columns[indptr[i]:indptr[i + 1]]]``."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    head: NDArray[np.bool_]  # whether the term occurs in the head of its article
    terms: NDArray[np.uint64]  # sorted, distinct
    groups: NDArray[np.int64]  # language of each row


class TermCounts(NamedTuple):
    """Document frequencies by term and language; sorted by term, then language, each pair once."""

    terms: NDArray[np.uint64]
    groups: NDArray[np.int16]
    counts: NDArray[np.int32]


class TermTable(NamedTuple):
    """Terms of the vocabulary, sorted, with their statistics; `df` and `idf` have a row for each language."""

    terms: NDArray[np.uint64]
    df: NDArray[np.int64]
    idf: NDArray[np.float64]
    holders: NDArray[np.int64]  # articles of any language in which the term has a weight above zero


class TermWeights(NamedTuple):
    """Weights of terms, sorted; `idf` has a row for each requested language."""

    terms: NDArray[np.uint64]
    idf: NDArray[np.float64]
    holders: NDArray[np.int64]


def shard_terms(
    articles: Sequence[Article], groups: NDArray[np.int64], languages: Sequence[str]
) -> ShardTerms:
    """Find the terms of a shard's articles.

    Parameters
    ----------
    articles : sequence of Article
        Articles that are not copies.
    groups : int64 array of shape (n,)
        Language of each, as an index into `languages`.
    languages : sequence of str
        All languages of the corpus, sorted.

    Returns
    -------
    shard : ShardTerms
    """
    names = [languages[group] for group in groups]
    found = find_terms(articles, SETTINGS.ngram_range, names=names)
    with closing(found.terms) as hashes:
        terms, columns = frequent_terms(hashes, 1, np.empty(0, np.uint64))
    return ShardTerms(found.indptr, columns, found.head, terms, groups)


def count_terms(shard: ShardTerms, n_partitions: int) -> list[TermCounts]:
    """Document frequencies of a shard, for each partition of the terms."""
    of_entry = np.repeat(shard.groups, np.diff(shard.indptr))
    counted = []
    for group in np.unique(shard.groups):  # one at a time: a table of all languages would be large
        df = np.bincount(shard.columns[of_entry == group], minlength=len(shard.terms))
        held = np.flatnonzero(df)
        groups = np.full(len(held), group, np.int16)
        counted.append(TermCounts(shard.terms[held], groups, df[held].astype(np.int32)))
    counts = add_counts(counted)
    return [
        TermCounts(*(_pick(column, part) for column in counts))
        for part in parts_of(counts.terms, n_partitions)
    ]


def parts_of(terms: NDArray[np.uint64], n_partitions: int) -> list[tuple[slice, slice]]:
    """Slices of sorted terms that belong to each partition: of its words, and of its pairs of words.

    Partitions are ranges of hashes without `PAIR_BIT`, so that words and pairs are both spread evenly.
    """
    steps = [-((-number << PAIR_SHIFT) // n_partitions) for number in range(n_partitions + 1)]
    bounds = [
        np.searchsorted(terms, np.array([step + first for step in steps[:-1]], np.uint64))
        for first in (0, int(PAIR_BIT))
    ]
    words, pairs = np.append(bounds[0], bounds[1][0]), np.append(bounds[1], len(terms))
    return [(slice(words[k], words[k + 1]), slice(pairs[k], pairs[k + 1])) for k in range(n_partitions)]


def _pick(values: NDArray[Any], part: tuple[slice, slice]) -> NDArray[Any]:
    return np.concatenate([values[one] for one in part])


def add_counts(parts: Sequence[TermCounts]) -> TermCounts:
    """Add up counts of one partition; the results can be added up again."""
    if not parts:
        return TermCounts(np.empty(0, np.uint64), np.empty(0, np.int16), np.empty(0, np.int32))
    terms, groups, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    # A stable sort merges sorted parts fast; with one language the term is the whole key.
    one_language = (groups == groups[:1]).all()
    order = np.argsort(terms, kind="stable") if one_language else np.lexsort((groups, terms))
    terms, groups, counts = terms[order], groups[order], counts[order]
    begins = run_begins((terms[1:] != terms[:-1]) | (groups[1:] != groups[:-1]), len(terms))
    return TermCounts(terms[begins], groups[begins], sum_runs(counts, begins))


def run_begins(changes: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Where runs of equal values begin among `n`, from whether each value differs from the one before."""
    return np.flatnonzero(np.append(True, changes)[:n])


def sum_runs(values: NDArray[np.int32], begins: NDArray[np.int64]) -> NDArray[np.int32]:
    """Sum of each run."""
    return np.add.reduceat(values, begins).astype(np.int32) if len(begins) else values


def weigh_terms(counts: TermCounts, languages: Sequence[str], sizes: NDArray[np.int64]) -> TermTable:
    """Choose the terms of a partition that belong to the vocabulary, and weigh them.

    Parameters
    ----------
    counts : TermCounts
        Sums over all shards.
    languages : sequence of str
    sizes : int64 array of shape (n_languages,)
        Articles of each language.

    Returns
    -------
    table : TermTable
    """
    background = Background.load(SETTINGS.background)
    begins = run_begins(counts.terms[1:] != counts.terms[:-1], len(counts.terms))
    _, known = look_up(background.terms, counts.terms[begins])
    kept = (sum_runs(counts.counts, begins) >= SETTINGS.min_df) | known
    terms = counts.terms[begins][kept]
    of_count = np.repeat(np.where(kept, np.cumsum(kept) - 1, -1), np.diff(begins, append=len(counts.terms)))
    used = of_count >= 0
    df = np.zeros((len(languages), len(terms)), np.int64)
    df[counts.groups[used], of_count[used]] = counts.counts[used]
    idf = idf_by_language(background, languages, terms, df, sizes, SETTINGS.max_idf_ratio)
    return TermTable(terms, df, idf, (df * (idf > 0)).sum(axis=0))


def distinct_terms(counts: TermCounts) -> NDArray[np.uint64]:
    """Distinct terms of the counts."""
    terms = counts.terms
    return terms[run_begins(terms[1:] != terms[:-1], len(terms))]


def select_terms(table: TermTable, wanted: NDArray[np.uint64], present: NDArray[np.int64]) -> TermWeights:
    """Weights of sorted terms in the languages `present`; terms outside the vocabulary are left out."""
    at, known = look_up(table.terms, wanted)
    at = at[known]
    return TermWeights(table.terms[at], table.idf[np.ix_(present, at)], table.holders[at])


def join_tables(parts: Sequence[T]) -> T:
    """Join the tables or weights of all partitions, given in order, into one sorted by term."""
    n_words = [np.searchsorted(table[0], PAIR_BIT) for table in parts]
    words = [[column[..., :n] for column in table] for table, n in zip(parts, n_words, strict=True)]
    pairs = [[column[..., n:] for column in table] for table, n in zip(parts, n_words, strict=True)]
    columns = [np.concatenate(column, axis=-1) for column in zip(*words, *pairs, strict=True)]
    return type(parts[0])(*columns)


def vectors_of(shard: ShardTerms, weights: TermWeights, places: NDArray[np.int64]) -> Block:
    """Make the vectors of a shard's articles.

    Parameters
    ----------
    shard : ShardTerms
    weights : TermWeights
        Of the shard's terms that belong to the vocabulary, in the languages of its articles, ascending.
    places : int64 array of shape (n,)
        Place of each article in the order of all articles.

    Returns
    -------
    block : Block
        Rows ascending by place.
    """
    _, groups = np.unique(shard.groups, return_inverse=True)
    columns = numbers_in(weights.terms, shard.terms)[shard.columns]
    entries = Entries(shard.indptr, columns, shard.head)
    rows = tfidf_rows(entries, groups, weights.idf, SETTINGS.head_weight)
    block = Block(places, shard.groups, weights.terms, weights.holders, *rows)
    return take_rows(block, np.argsort(places))
