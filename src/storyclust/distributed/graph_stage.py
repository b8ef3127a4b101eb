"""Stages of the similarity graph: tiles of pairs of blocks, their merged results, edges."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from storyclust.cluster.graph import default_limits
from storyclust.distributed.array_files import (
    ArrayFile,
    pack_partitions,
    pack_tuple,
    read_partition,
    read_tuple,
    split_ragged,
    write_arrays,
)
from storyclust.distributed.block_search import (
    Found,
    Pairs,
    count_edges,
    crowd_cosines,
    crowd_floors,
    examined,
    find_between,
    merge_found,
    pairs_of,
    split_found,
)
from storyclust.distributed.columns import degrees_of, some_of
from storyclust.distributed.stages import Metadata, Stages, save
from storyclust.distributed.term_counts import SETTINGS
from storyclust.distributed.vector_stage import Blocks, Order, read_block, workers_for
from storyclust.stories.grouping import LEAST_SIMILARITY, least_similarities
from storyclust.text.background import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS_PER_CALL = 10_000  # articles with more than MAX_NEIGHBORS neighbours, for one call
KEPT, FAILED = 0, 1  # partitions of the results of a tile, by `split_found`
TILES_PER_WORKER = 4  # enough that no worker waits long for the last tile


def compare_tile(target: str, blocks: list[str], number: int, first: int, last: int, n_jobs: int) -> Metadata:
    """Compare the articles of a block with earlier articles of a range of blocks."""
    own = read_block(blocks[number])
    found: list[Found] = []
    for k in range(first, last):
        other = own if k == number else read_block(blocks[k])
        found.append(find_between(own, other, LEAST_SIMILARITY, n_jobs))
        if len(found) > 1:
            found = [merge_found(found)]
    promising = np.bincount(found[0].later - own.places[0], minlength=len(own.places)).astype(np.int32)
    return save(target, {**pack_partitions("found", split_found(found[0])), "promising": promising})


def merge_tiles(target: str, tiles: list[str], first_place: int) -> Metadata:
    """Merge the results of all tiles of a block."""
    with ExitStack() as stack:
        files = [stack.enter_context(ArrayFile(address)) for address in tiles]
        parts = [read_partition(file, "found", Found, KEPT) for file in files]
        totals = np.sum([file["promising"] for file in files], axis=0)
        if (totals > examined()).any():
            for file in files:
                failed = read_partition(file, "found", Found, FAILED)
                some = totals[failed.later - first_place] > examined()
                parts.append(some_of(failed, some))
    pairs = pairs_of(merge_found(parts))
    degrees = degrees_of(pairs.earlier, pairs.later)
    arrays = {**pack_tuple("pairs", pairs), "places": degrees.rows, "degrees": degrees.counts}
    return save(target, arrays)


def top_cosines_part(target: str, pairs: str, crowded: str) -> Metadata:
    """Find the largest cosines of articles with more than MAX_NEIGHBORS neighbours."""
    with ArrayFile(pairs) as file, ArrayFile(crowded) as of:
        places, cosines = crowd_cosines(read_tuple(file, "pairs", Pairs), of["crowded"])
    order = np.argsort(places, kind="stable")
    return save(target, {"places": places[order], "cosines": cosines[order]})


def floors_part(target: str, cosines: list[str], crowded: str, first: int, last: int) -> Metadata:
    """Find the cosine of some of these articles with the MAX_NEIGHBORS-th neighbour."""
    with ArrayFile(crowded) as of:
        rows = of.read("crowded", first, last)
    parts = []
    for address in cosines:
        with ArrayFile(address) as file:
            places = file["places"]
            start, stop = np.searchsorted(places, (rows[0], rows[-1] + 1)).tolist()
            parts.append((places[start:stop], file.read("cosines", start, stop)))
    return save(target, {"floors": crowd_floors(rows, parts)})


def edges_part(target: str, pairs: str, cutoffs: str) -> Metadata:
    """Correct the cosines of pairs for background similarity."""
    with ArrayFile(pairs) as file, ArrayFile(cutoffs) as of:
        found = count_edges(
            read_tuple(file, "pairs", Pairs), of["crowded"], of["floors"], of["few"], of["strong"],
            LEAST_SIMILARITY,
        )  # fmt: skip
    return save(target, pack_tuple("edges", found))


def find_edges(blocks: Blocks, order: Order, stages: Stages) -> list[str]:
    """Compare all blocks; returns, for each block, the file of the edges to earlier articles."""
    runner, n_blocks = stages.runner, len(blocks.addresses)
    shared = runner.share(blocks.addresses)
    # The longest tiles start first, so that no worker has a long one at the end.
    workers, n_jobs, _ = workers_for(int(blocks.bounds[-1]), runner)
    tiles = sorted(tiles_of(n_blocks, workers), key=lambda tile: tile[1] - tile[2])
    calls = {f"{n_blocks}-{b}-{first}-{last}": (shared, b, first, last, n_jobs) for b, first, last in tiles}
    results = stages.run("similarities", compare_tile, calls, processors=n_jobs)
    of_block: list[list[str]] = [[] for _ in range(n_blocks)]
    for (b, _, _), address in sorted(zip(tiles, results, strict=True)):
        of_block[b].append(address)
    begins = blocks.bounds.tolist()
    pairs = stages.run("neighbours", merge_tiles, _by_block(list(zip(of_block, begins[:-1], strict=True))))
    cutoffs = _find_cutoffs(pairs, order, stages)
    return stages.run("edges", edges_part, _by_block([(address, cutoffs) for address in pairs]))


def _by_block(given: list[tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {f"{len(given)}-{b}": call for b, call in enumerate(given)}


def tiles_of(n_blocks: int, width: int) -> list[tuple[int, int, int]]:
    """Cut all pairs of blocks into tiles: a block, and a range of blocks up to it.

    Long ranges read less, because the block itself is read once; short ranges keep every worker busy.
    """
    longest = max(1, n_blocks**2 // (2 * TILES_PER_WORKER * width))
    tiles = []
    for b in range(n_blocks):
        cuts = np.linspace(0, b + 1, -(-(b + 1) // longest) + 1).astype(int).tolist()
        tiles += [(b, first, last) for first, last in pairwise(cuts)]
    return tiles


def few_of_language(order: Order) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Articles of languages that have few, ascending, and the least similarity of an edge of each."""
    least = least_similarities(Background.load(SETTINGS.background), order.languages, order.sizes)
    with ArrayFile(order.address) as file:
        samples = split_ragged(file["samples"], file["samples.bounds"])  # of few articles: all of them
    own = [k for k in range(len(least)) if least[k] > LEAST_SIMILARITY]
    few = np.concatenate([np.empty(0, np.int64), *(samples[k] for k in own)])
    strong = np.repeat(least[own], [len(samples[k]) for k in own])
    ascending = np.argsort(few)
    return few[ascending], strong[ascending]


def _find_cutoffs(pairs: list[str], order: Order, stages: Stages) -> str:
    """Find what articles require of their edges; returns the address.

    These are articles with more than MAX_NEIGHBORS neighbours, with their least cosines, and those of a
    language that has few.
    """
    degrees = np.zeros(order.n, np.int32)
    for address in pairs:
        with ArrayFile(address) as file:
            degrees[file["places"]] += file["degrees"].astype(np.int32)
    crowded = np.flatnonzero(degrees > default_limits().max_neighbors)
    del degrees
    listed, target = stages.address("crowded"), stages.address("cutoffs")
    floors = [np.empty(0)]
    if len(crowded):
        write_arrays(listed, {"crowded": crowded})
        cosines = stages.run(
            "top-cosines", top_cosines_part, _by_block([(address, listed) for address in pairs])
        )
        n_calls = max(-(-len(crowded) // ROWS_PER_CALL), stages.runner.width)
        cuts = sorted(set(np.linspace(0, len(crowded), n_calls + 1).astype(int).tolist()))
        shared = stages.runner.share(cosines)
        calls = {f"{a}-{b}": (shared, listed, a, b) for a, b in pairwise(cuts)}
        for address in stages.run("floors", floors_part, calls):
            with ArrayFile(address) as file:
                floors.append(file["floors"])
    few, strong = few_of_language(order)
    arrays = {"crowded": crowded, "floors": np.concatenate(floors), "few": few, "strong": strong}
    write_arrays(target, arrays)
    return target
