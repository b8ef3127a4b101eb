"""Vectors among shards: from a second pass over the shards to blocks of articles in their order.

Terms are counted in each shard and weighted in partitions of their hashes. Each shard fetches its weights,
computes its vectors and partitions them into blocks. Samples of each language are collected first, so that
each block is written with the background similarity of its articles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import (
    ArrayFile,
    pack_partitions,
    pack_tuple,
    read_partition,
    read_partitions,
    read_tuple,
    split_ragged,
)
from storyclust.distributed.block_files import join_files, pack_block
from storyclust.distributed.block_plan import Plan, plan_blocks
from storyclust.distributed.block_search import mark_block
from storyclust.distributed.blocks import Block, background_of_block, join_blocks, rows_at, take_rows
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.corpus import Corpus
from storyclust.distributed.furniture_stage import read_spans
from storyclust.distributed.shards import Reader, Shard
from storyclust.distributed.stages import Metadata, Stages, save, shard_needs
from storyclust.distributed.term_counts import (
    ShardTerms,
    TermCounts,
    TermWeights,
    add_counts,
    count_terms,
    distinct_terms,
    join_tables,
    select_terms,
    shard_terms,
    vectors_of,
    weigh_terms,
)
from storyclust.text.furniture import without_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

TERMS_PER_CALL = 1 << 24  # terms of all shards that one call counts
TERMS_PER_ARTICLE = 200  # assumed
TERMS_FACTOR = 12  # memory of finding terms, in bytes of the shard: 8.5 to 10.4, long articles
VECTORS_FACTOR = 6  # the same of making vectors: 3.9 and 4.9
SMALL_CORPUS = 1000  # so few articles take a single call


class Order(NamedTuple):
    """The independent articles in the order of their fingerprints."""

    address: str  # file of `place` and `group` of every article, and the places of `samples`
    place: NDArray[np.int64]  # of every article, -1 for a copy
    seconds: NDArray[np.float64]  # of every article
    languages: list[str]
    sizes: NDArray[np.int64]  # independent articles of each language
    n: int
    spans: list[str] | None = None  # files of the page furniture of each shard


class Blocks(NamedTuple):
    """Files of the blocks of a plan."""

    addresses: list[str]
    plan: Plan


def terms_shard(
    target: str,
    number: int,
    shard: Shard,
    source: Input,
    corpus: Corpus,
    order: str,
    languages: list[str],
    n_parts: int,
    spans: str | None,
) -> Metadata:
    """Read a shard again, and count the terms of its independent articles, without page furniture."""
    begin, end = corpus.offsets[number : number + 2].tolist()
    with ArrayFile(order) as file:
        places, groups = file.read("place", begin, end), file.read("group", begin, end)
    own = places >= 0
    articles = [*Reader(shard, source.fields, forgiving=source.forgiving).chosen(own)]
    if spans is not None:
        articles = without_spans(articles, read_spans(spans))
    terms = shard_terms(articles, groups[own].astype(np.int64), languages)
    counts = count_terms(terms, n_parts)
    arrays = {**pack_tuple("terms", terms), "places": places[own], **pack_partitions("counts", counts)}
    return save(target, arrays, {"present": np.unique(terms.groups).tolist()})


def weigh_part(
    target: str, shards: list[str], part: int, languages: list[str], sizes: NDArray[np.int64]
) -> Metadata:
    """Weight the terms of one partition of their hashes, and select the weights that each shard needs."""
    total, pending = add_counts([]), []
    wanted: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
    for address in shards:
        with ArrayFile(address) as file:
            counts = read_partition(file, "counts", TermCounts, part)
            wanted.append((distinct_terms(counts), np.array(file.metadata["present"], np.int64)))
        pending.append(counts)
        if sum(len(each.terms) for each in pending) > len(total.terms):
            total, pending = add_counts([total, *pending]), []
    table = weigh_terms(add_counts([total, *pending]), languages, sizes)
    selected = [select_terms(table, *of_shard) for of_shard in wanted]
    # Shards differ in their number of languages: flat arrays can be concatenated.
    flat = [weights._replace(idf=weights.idf.ravel()) for weights in selected]
    # Entries of all vectors: what memory blocks take follows from it.
    return save(target, pack_partitions("weights", flat), {"entries": int(table.holders.sum())})


def vectors_shard(
    target: str, number: int, terms: str, tables: list[str], bounds: NDArray[np.int64], order: str
) -> Metadata:
    """Compute the vectors of a shard, partitioned into the blocks of their places, and those of samples."""
    with ArrayFile(order) as file:
        samples = split_ragged(file["samples"], file["samples.bounds"])
    with ArrayFile(terms) as file:
        found, places = read_tuple(file, "terms", ShardTerms), file["places"]
        present = file.metadata["present"]
    weights = [
        part._replace(idf=part.idf.reshape(len(present), len(part.terms)))
        for part in read_partitions(tables, "weights", TermWeights, number)
    ]
    block = vectors_of(found, join_tables(weights), places)
    cuts = np.searchsorted(block.places, bounds)
    parts = [take_rows(block, np.arange(*cuts[b : b + 2])) for b in range(len(bounds) - 1)]
    sampled = [rows_at(block, rows) for rows in samples]
    return save(target, {**pack_partitions("blocks", parts), **pack_partitions("samples", sampled)})


def sample_part(target: str, vectors: list[str], language: int) -> Metadata:
    """Join the sample of a language."""
    sample = join_blocks(read_partitions(vectors, "samples", Block, language))
    return save(target, pack_tuple("sample", sample))


def block_part(
    target: str, vectors: list[str], number: int, samples: list[str], sizes: NDArray[np.int64], n_jobs: int
) -> Metadata:
    """Join the vectors of a block, and compute the background similarity of its articles."""
    block = join_files(vectors, number)
    own_samples = {}
    for language in np.unique(block.groups).tolist():
        with ArrayFile(samples[language]) as file:
            own_samples[language] = read_tuple(file, "sample", Block)
    background = background_of_block(block, own_samples, sizes, n_jobs)
    return save(target, pack_block(mark_block(block, background, n_jobs)))


def make_blocks(shards: Sequence[Shard], source: Input, order: Order, stages: Stages) -> Blocks:
    """Compute the vectors of all independent articles, in blocks of their order.

    Parameters
    ----------
    shards : sequence of Shard
    source : Input
    order : Order
    stages : Stages

    Returns
    -------
    blocks : Blocks
    """
    runner, width = stages.runner, stages.runner.width
    n_parts = max(width, TERMS_PER_ARTICLE * order.n // TERMS_PER_CALL) if order.n > SMALL_CORPUS else 1
    spans: Sequence[str | None] = order.spans or [None] * len(shards)
    common = stages.shared_corpus, order.address, order.languages, n_parts
    calls: dict[str, Any] = {
        f"{n_parts}-{k}": (k, shard, source, *common, of_shard)
        for k, (shard, of_shard) in enumerate(zip(shards, spans, strict=True))
    }
    terms = stages.run("terms", terms_shard, calls, shard_needs(shards, TERMS_FACTOR, runner))
    shared = runner.share(terms)
    calls = {f"{n_parts}-{p}": (shared, p, order.languages, order.sizes) for p in range(n_parts)}
    tables = runner.share(stages.run("weights", weigh_part, calls))
    plan = plan_blocks(order.n, sum(part["entries"] for part in stages.metadata["weights"]), runner)
    n_blocks, n_jobs = len(plan.blocks) - 1, plan.workers.processors
    calls = {
        f"{n_blocks}-{k}": (k, address, tables, plan.blocks, order.address) for k, address in enumerate(terms)
    }
    needs = shard_needs(shards, VECTORS_FACTOR, runner)
    vectors = runner.share(stages.run("vectors", vectors_shard, calls, needs))
    calls = {str(k): (vectors, k) for k in range(len(order.languages))}
    samples = runner.share(stages.run("samples", sample_part, calls))
    calls = {f"{n_blocks}-{b}": (vectors, b, samples, order.sizes, n_jobs) for b in range(n_blocks)}
    needs = [plan.call_bytes] * n_blocks
    return Blocks(stages.run("blocks", block_part, calls, needs, processors=n_jobs), plan)
