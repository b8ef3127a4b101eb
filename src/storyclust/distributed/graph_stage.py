"""Stages of the similarity graph: tiles of a block and the slices looked up in it, merged results, edges.

Sending postings by term instead would transfer more: see the limits of scaling in the design.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.cluster.graph import default_limits
from storyclust.distributed.array_files import (
    ArrayFile,
    pack_tuple,
    read_tuple,
    split_ragged,
    write_arrays,
)
from storyclust.distributed.block_files import BlockRows, read_block
from storyclust.distributed.block_plan import tiles_of
from storyclust.distributed.block_search import (
    Found,
    Pairs,
    count_edges,
    crowd_cosines,
    crowd_floors,
    examined,
    find_between,
    index_block,
    merge_found,
    pairs_of,
    split_found,
)
from storyclust.distributed.columns import degrees_of, end_to_end, numbers_in, some_of
from storyclust.distributed.stages import Metadata, Stages, save
from storyclust.distributed.term_counts import SETTINGS
from storyclust.distributed.vector_stage import Blocks, Order
from storyclust.stories.grouping import LEAST_SIMILARITY, least_similarities
from storyclust.text.background import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS_PER_CALL = 10_000  # articles with more than MAX_NEIGHBORS neighbours, for one call


def compare_tile(target: str, blocks: Blocks, number: int, first: int, last: int, n_jobs: int) -> Metadata:
    """Look up the articles of a range of slices in a block of earlier ones; each slice has a file of its own.

    The block is held, the others are read a few at a time.
    """
    addresses, plan = blocks
    index = index_block(read_block(addresses[number]))
    for of_block, of_slices in groupby(range(first, last), lambda each: each // plan.slices_per_block):
        with BlockRows(addresses[of_block]) as rows:
            numbers = numbers_in(index.terms, rows.terms)
            begin = int(plan.blocks[of_block])
            for each in of_slices:
                start, stop = plan.slices[each : each + 2].tolist()
                parts = [
                    split_found(find_between(chunk, index, numbers, LEAST_SIMILARITY, n_jobs))
                    for chunk in rows.chunks(start - begin, stop - begin)
                ]
                kept, failed = (end_to_end(column) for column in zip(*parts, strict=True))
                del parts
                candidates = np.concatenate((kept.later, failed.later)) - start
                promising = np.bincount(candidates, minlength=stop - start).astype(np.int32)
                arrays = {**pack_tuple("kept", kept), **pack_tuple("failed", failed), "promising": promising}
                write_arrays(slice_address(target, each), arrays)
    return save(target, {})


def slice_address(target: str, number: int) -> str:
    """Return where a tile writes what it finds for a slice."""
    return f"{target}-{number}"


def merge_tiles(target: str, tiles: list[str], first_place: int) -> Metadata:
    """Merge what all tiles have found for a slice."""
    with ExitStack() as stack:
        files = [stack.enter_context(ArrayFile(address)) for address in tiles]
        parts = [read_tuple(file, "kept", Found) for file in files]
        totals = np.sum([file["promising"] for file in files], axis=0)
        if (totals > examined()).any():
            for file in files:
                failed = read_tuple(file, "failed", Found)
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
    """Compare all articles; returns, for each slice, the file of the edges to earlier articles."""
    plan, shared = blocks.plan, stages.runner.share(blocks)
    n_jobs = plan.workers.processors
    # The longest tiles start first, so that no worker has a long one at the end.
    tiles = sorted(
        tiles_of(len(blocks.addresses), plan.slices_per_block, plan.workers.n),
        key=lambda tile: tile[1] - tile[2],
    )
    calls = {
        f"{plan.key}-{number}-{first}-{last}": (shared, number, first, last, n_jobs)
        for number, first, last in tiles
    }
    needs = [plan.call_bytes] * len(tiles)
    results = stages.run("similarities", compare_tile, calls, needs, processors=n_jobs)
    of_slice: list[list[str]] = [[] for _ in plan.slices[:-1]]
    for (_, first, last), address in sorted(zip(tiles, results, strict=True)):
        for each in range(first, last):
            of_slice[each].append(slice_address(address, each))
    begins = plan.slices[:-1].tolist()
    calls = _by_slice(list(zip(of_slice, begins, strict=True)), plan.key)
    pairs = stages.run("neighbours", merge_tiles, calls)
    cutoffs = _find_cutoffs(pairs, order, stages, plan.key)
    return stages.run("edges", edges_part, _by_slice([(address, cutoffs) for address in pairs], plan.key))


def _by_slice(given: list[tuple[Any, ...]], key: str) -> dict[str, tuple[Any, ...]]:
    return {f"{key}-{number}": call for number, call in enumerate(given)}


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


def _find_cutoffs(pairs: list[str], order: Order, stages: Stages, key: str) -> str:
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
            "top-cosines", top_cosines_part, _by_slice([(address, listed) for address in pairs], key)
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
