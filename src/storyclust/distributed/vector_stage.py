"""Vectors among shards, stage by stage: from shards, read a second time, to blocks of articles in order.

Terms are counted in each shard and weighed part by part of their hashes; shards make vectors of the weights,
and deal them into blocks. A block knows at once what its articles share with strangers, for samples of each
language are put together before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.block_search import MarkedBlock, mark_block
from storyclust.distributed.blocks import Block, background_of_block, join_blocks, rows_at, take_rows
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.corpus import Corpus, unravel
from storyclust.distributed.files import Arrays
from storyclust.distributed.shards import Reader, Shard
from storyclust.distributed.stages import About, Runner, Stages, dealt, packed, part_of, save, unpacked
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROW_BYTES = 24 << 10  # that a worker holds for each row of a block: measured where it met another of its size
TERMS_AT_ONCE = 1 << 24  # terms of all shards that one worker counts
SMALL = 1000  # articles that are not worth more than one call
SMALL_BLOCK = 2000


class Order(NamedTuple):
    """Independent articles in their order."""

    address: str  # `place` and `group` of every article, and the places of `samples`
    place: NDArray[np.int64]  # of every article, -1 for a copy
    seconds: NDArray[np.float64]  # of every article
    languages: list[str]
    sizes: NDArray[np.int64]  # independent articles of each language
    n: int


class Blocks(NamedTuple):
    """Blocks of the order: `bounds[b]` is the place where block `b` begins."""

    addresses: list[str]
    bounds: NDArray[np.int64]


def terms_shard(
    target: str,
    number: int,
    shard: Shard,
    source: Input,
    corpus: Corpus,
    order: str,
    languages: list[str],
    n_parts: int,
) -> About:
    """Read a shard again, and find the terms of its independent articles."""
    begin, end = corpus.offsets[number : number + 2].tolist()
    with Arrays(order) as file:
        places, groups = file.part("place", begin, end), file.part("group", begin, end)
        taken = file.taken
    own = places >= 0
    articles = []
    for row, article in enumerate(Reader(shard, source.fields, forgiving=source.forgiving)):
        if row >= len(own):
            raise shard.changed_error()
        if own[row]:
            articles.append(article)
    if len(articles) != own.sum():
        raise shard.changed_error()
    found = shard_terms(articles, groups[own].astype(np.int64), languages)
    arrays = {**packed("terms", found), "places": places[own], **dealt("counts", count_terms(found, n_parts))}
    present = np.unique(found.groups).tolist()
    return save(target, arrays, {"present": present, "terms": len(found.terms), "taken": taken})


def weigh_part(
    target: str, shards: list[str], part: int, languages: list[str], sizes: NDArray[np.int64]
) -> About:
    """Weigh the terms of one part of their hashes, and answer every shard that has some of them."""
    total, waiting, taken = add_counts([]), [], 0
    asked: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
    for address in shards:
        with Arrays(address) as file:
            counts = part_of(file, "counts", TermCounts, part)
            asked.append((distinct_terms(counts), np.array(file.about["present"], np.int64)))
            taken += file.taken
        waiting.append(counts)
        if sum(len(some.terms) for some in waiting) > len(total.terms):
            total, waiting = add_counts([total, *waiting]), []
    table = weigh_terms(add_counts([total, *waiting]), languages, sizes)
    answers = [select_terms(table, *question) for question in asked]
    flat = [answer._replace(idf=answer.idf.ravel()) for answer in answers]  # shards have their own languages
    return save(target, dealt("weights", flat), {"terms": len(table.terms), "taken": taken})


def vectors_shard(
    target: str, number: int, terms: str, tables: list[str], bounds: NDArray[np.int64], order: str
) -> About:
    """Make the vectors of a shard, dealt into the blocks that their places are in; those of samples apart."""
    with Arrays(order) as file:
        samples = unravel(file["samples"], file["samples.bounds"])
        taken = file.taken
    with Arrays(terms) as file:
        found, places, present = unpacked(file, "terms", ShardTerms), file["places"], file.about["present"]
        taken += file.taken
    known = []
    for address in tables:
        with Arrays(address) as file:
            weights = part_of(file, "weights", TermWeights, number)
            taken += file.taken
        known.append(weights._replace(idf=weights.idf.reshape(len(present), len(weights.terms))))
    block = vectors_of(found, join_tables(known), places)
    cuts = np.searchsorted(block.places, bounds)
    parts = [take_rows(block, np.arange(*cuts[b : b + 2])) for b in range(len(bounds) - 1)]
    sampled = [rows_at(block, rows) for rows in samples]
    return save(target, {**dealt("blocks", parts), **dealt("samples", sampled)}, {"taken": taken})


def sample_part(target: str, vectors: list[str], language: int) -> About:
    """Put the sample of a language together."""
    sample, taken = _joined(vectors, "samples", language)
    return save(target, packed("sample", sample), {"taken": taken})


def block_part(
    target: str, vectors: list[str], number: int, samples: list[str], sizes: NDArray[np.int64], n_jobs: int
) -> About:
    """Put the vectors of a block together, with what its articles share with strangers."""
    block, taken = _joined(vectors, "blocks", number)
    compared = {}
    for language in np.unique(block.groups).tolist():
        with Arrays(samples[language]) as file:
            compared[language] = unpacked(file, "sample", Block)
            taken += file.taken
    arrays = packed("block", mark_block(block, background_of_block(block, compared, sizes, n_jobs)))
    return save(target, {**arrays, "block.indexed": np.packbits(arrays["block.indexed"])}, {"taken": taken})


def _joined(vectors: list[str], name: str, number: int) -> tuple[Block, int]:
    """Join what all shards have dealt to one place; returns it, and the bytes that were read."""
    parts, taken = [], 0
    for address in vectors:
        with Arrays(address) as file:
            parts.append(part_of(file, name, Block, number))
            taken += file.taken
    return join_blocks(parts), taken


def read_block(address: str) -> tuple[MarkedBlock, int]:
    """Return the block of a file, and the bytes that were read."""
    with Arrays(address) as file:
        block = unpacked(file, "block", MarkedBlock)
        bits: Any = block.indexed
        indexed = np.unpackbits(bits, count=len(block.indices))
        return block._replace(indexed=indexed.astype(np.bool_)), file.taken


# All of them -----------------------------------------------------------------------------------


def make_blocks(shards: Sequence[Shard], source: Input, order: Order, stages: Stages) -> Blocks:
    """Make vectors of all independent articles, in blocks of their order.

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
    n_parts = max(width, 200 * order.n // TERMS_AT_ONCE) if order.n > SMALL else 1
    calls: dict[str, Any] = {
        f"{n_parts}-{k}": (k, shard, source, stages.corpus, order.address, order.languages, n_parts)
        for k, shard in enumerate(shards)
    }
    terms = stages.each("terms", terms_shard, calls)
    shared = runner.share(terms)
    calls = {f"{n_parts}-{p}": (shared, p, order.languages, order.sizes) for p in range(n_parts)}
    tables = runner.share(stages.each("weights", weigh_part, calls))
    workers, n_jobs, memory = workers_for(order.n, runner)
    n_blocks = blocks_for(order.n, workers, memory)
    bounds = np.linspace(0, order.n, n_blocks + 1).astype(np.int64)
    calls = {
        f"{n_blocks}-{k}": (k, address, tables, bounds, order.address) for k, address in enumerate(terms)
    }
    vectors = runner.share(stages.each("vectors", vectors_shard, calls))
    calls = {str(k): (vectors, k) for k in range(len(order.languages))}
    samples = runner.share(stages.each("samples", sample_part, calls))
    calls = {f"{n_blocks}-{b}": (vectors, b, samples, order.sizes, n_jobs) for b in range(n_blocks)}
    return Blocks(stages.each("blocks", block_part, calls, processors=n_jobs), bounds)


class Workers(NamedTuple):
    """Who compares blocks."""

    n: int
    processors: int  # of each
    memory: int  # bytes that each may take


def workers_for(n: int, runner: Runner) -> Workers:
    """Choose who compares `n` articles: processors each by themselves or, where these lack memory, nodes."""
    if blocks_for(n, runner.width, runner.memory) <= max(busy(runner.width), 1):
        return Workers(runner.width, 1, runner.memory)
    processors = runner.processors
    return Workers(max(1, runner.width // processors), processors, runner.memory * processors)


def busy(workers: int) -> int:
    """How many blocks give all workers something to do: all pairs of them, four blocks to read for each."""
    return int(2 * np.sqrt(workers))


def blocks_for(n: int, workers: int, memory: int) -> int:
    """Into how many blocks to cut `n` articles, for so many workers with so many bytes each.

    Every pair of blocks is a call, or part of one, and every block is read about as often as there are
    blocks: so there are no more than keep workers busy, and than memory asks for.
    """
    fit = -(-n * ROW_BYTES // memory)
    return max(fit, min(busy(workers), n // SMALL_BLOCK), 1)
