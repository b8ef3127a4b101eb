"""Term statistics of articles that lie in shards: counted apart, added up by term, and made to vectors.

A shard finds the terms of its articles and counts them; counts meet by partition of the terms, where each
term gets its weight; and a shard fetches the weights of the terms that it holds. What comes out is what
`NewsVectorizer` makes of all articles together, bit for bit, however they are cut.
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
from storyclust.text.tokens import look_up
from storyclust.text.vectorize import NewsVectorizer, inverse_frequencies, used_terms, weigh
from storyclust.text.vocabulary import frequent_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T", "TermTable", "TermWeights")
SETTINGS = NewsVectorizer()  # as stories are grouped with
PAIR_SHIFT = 63  # where `PAIR_BIT` stands


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
    groups: NDArray[np.int16]
    counts: NDArray[np.int32]


class TermTable(NamedTuple):
    """Terms that count, sorted, and what there is to know about them, with a row for each language."""

    terms: NDArray[np.uint64]
    df: NDArray[np.int64]  # articles that hold each
    idf: NDArray[np.float64]  # and its weight
    holders: NDArray[np.int64]  # articles of any language in which it has a weight


class TermWeights(NamedTuple):
    """Weights of terms, sorted, with a row for each language that is asked for."""

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
        Those that are no copies.
    groups : int64 array of shape (n,)
        Language of each, as a number in `languages`.
    languages : sequence of str
        All languages of the corpus, sorted.

    Returns
    -------
    shard : ShardTerms
    """
    names = [languages[group] for group in groups]
    found = find_terms(articles, SETTINGS.ngram_range, names=names)
    with closing(found.terms) as pile:
        terms, columns = frequent_terms(pile, 1, np.empty(0, np.uint64))
    return ShardTerms(found.indptr, columns, found.head, terms, groups)


def count_terms(shard: ShardTerms, n_partitions: int) -> list[TermCounts]:
    """Count the articles of a shard that hold each term, for each partition of the terms."""
    of_entry = np.repeat(shard.groups, np.diff(shard.indptr))
    present = np.unique(shard.groups)
    counted = []
    for group in present:  # one at a time: a table of all languages would be large
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
    """Where the terms of each partition stand among sorted ones: its words, and its pairs of words.

    Partitions are ranges of hashes without the bit that tells pairs, so that each has its share of either.
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
    """Add up counts of one partition; sums may be added up again."""
    if not parts:
        return TermCounts(np.empty(0, np.uint64), np.empty(0, np.int16), np.empty(0, np.int32))
    terms, groups, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    # Sorted parts are merged fast where one key will do.
    one = (groups == groups[:1]).all()
    order = np.argsort(terms, kind="stable") if one else np.lexsort((groups, terms))
    terms, groups, counts = terms[order], groups[order], counts[order]
    begins = run_begins((terms[1:] != terms[:-1]) | (groups[1:] != groups[:-1]), len(terms))
    return TermCounts(terms[begins], groups[begins], sum_runs(counts, begins))


def run_begins(changes: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Where runs of equal values begin among `n`, from whether each but the first is another."""
    return np.flatnonzero(np.append(True, changes)[:n])


def sum_runs(values: NDArray[np.int32], begins: NDArray[np.int64]) -> NDArray[np.int32]:
    """Sum of each run."""
    return np.add.reduceat(values, begins).astype(np.int32) if len(begins) else values


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
    background = Background.load(SETTINGS.background)
    cap = np.log(SETTINGS.max_idf_ratio)
    begins = run_begins(counts.terms[1:] != counts.terms[:-1], len(counts.terms))
    _, known = look_up(background.terms, counts.terms[begins])
    kept = (sum_runs(counts.counts, begins) >= SETTINGS.min_df) | known
    terms = counts.terms[begins][kept]
    of_count = np.repeat(np.where(kept, np.cumsum(kept) - 1, -1), np.diff(begins, append=len(counts.terms)))
    used = of_count >= 0
    df = np.zeros((len(languages), len(terms)), np.int64)
    df[counts.groups[used], of_count[used]] = counts.counts[used]
    idf = np.empty(df.shape)
    for number, language in enumerate(languages):
        rates, worth = background.rates(language, terms)
        idf[number] = inverse_frequencies(df[number], float(sizes[number]), rates, worth, cap)
    return TermTable(terms, df, idf, (df * (idf > 0)).sum(axis=0))


def distinct_terms(counts: TermCounts) -> NDArray[np.uint64]:
    """Terms that were counted, each once."""
    terms = counts.terms
    return terms[run_begins(terms[1:] != terms[:-1], len(terms))]


def select_terms(table: TermTable, wanted: NDArray[np.uint64], present: NDArray[np.int64]) -> TermWeights:
    """Select the weights of some terms, sorted, in some languages; terms that do not count are left out."""
    at, known = look_up(table.terms, wanted)
    at = at[known]
    return TermWeights(table.terms[at], table.idf[np.ix_(present, at)], table.holders[at])


def join_tables(parts: Sequence[T]) -> T:
    """Join the tables or weights of all partitions, given in their order, to one in the order of hashes."""
    halves = [np.searchsorted(table[0], PAIR_BIT) for table in parts]
    words = [[column[..., :half] for column in table] for table, half in zip(parts, halves, strict=True)]
    pairs = [[column[..., half:] for column in table] for table, half in zip(parts, halves, strict=True)]
    columns = [np.concatenate(column, axis=-1) for column in zip(*words, *pairs, strict=True)]
    return type(parts[0])(*columns)


def vectors_of(shard: ShardTerms, weights: TermWeights, places: NDArray[np.int64]) -> Block:
    """Make the vectors of a shard's articles.

    Parameters
    ----------
    shard : ShardTerms
    weights : TermWeights
        Of all terms of the shard that count, in the languages of its articles, ascending.
    places : int64 array of shape (n,)
        Of each article, in the order of all.

    Returns
    -------
    block : Block
        Rows ascending by place.
    """
    _, groups = np.unique(shard.groups, return_inverse=True)
    columns = numbers_in(weights.terms, shard.terms)[shard.columns]
    indptr = np.append(0, np.cumsum(used_terms(shard.indptr, columns, weights.idf, groups)))
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    weigh(
        0, len(places), shard.indptr, columns, shard.head, groups, weights.idf, SETTINGS.head_weight, indptr,
        indices, data,
    )  # fmt: skip
    block = Block(places, shard.groups, weights.terms, weights.holders, indptr, indices, data)
    return take_rows(block, np.argsort(places))
