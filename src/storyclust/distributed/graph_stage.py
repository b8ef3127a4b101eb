"""The similarity graph among blocks, stage by stage: tiles of blocks, what was found in them, edges."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise

import numpy as np

from storyclust.cluster.graph import default_limits
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
from storyclust.distributed.files import Arrays, write_arrays
from storyclust.distributed.stages import About, Stages, dealt, packed, part_of, save, unpacked
from storyclust.distributed.vector_stage import Blocks, read_block, workers_for
from storyclust.stories.grouping import LEAST_SIMILARITY

CROWDED_ROWS = 10_000  # articles with a crowd of neighbours that one worker looks at
KEPT, FAILED = 0, 1  # parts of what a tile found
CALLS = 4  # tiles for each worker: enough that none waits long for the last


def tile_part(target: str, blocks: list[str], number: int, first: int, last: int, n_jobs: int) -> About:
    """Compare the articles of a block with those before them in some blocks."""
    own, taken = read_block(blocks[number])
    found: list[Found] = []
    for k in range(first, last):
        other, size = (own, 0) if k == number else read_block(blocks[k])
        found.append(find_between(own, other, LEAST_SIMILARITY, n_jobs))
        if len(found) > 1:
            found = [merge_found(found)]
        taken += size
    promising = np.bincount(found[0].later - own.places[0], minlength=len(own.places)).astype(np.int32)
    return save(target, {**dealt("found", split_found(found[0])), "promising": promising}, {"taken": taken})


def neighbours_part(target: str, tiles: list[str], first_place: int) -> About:
    """Put together what was found between a block and all before it."""
    with ExitStack() as stack:
        files = [stack.enter_context(Arrays(address)) for address in tiles]
        parts = [part_of(file, "found", Found, KEPT) for file in files]
        totals = np.sum([file["promising"] for file in files], axis=0)
        if (totals > examined()).any():
            for file in files:
                failed = part_of(file, "found", Found, FAILED)
                some = totals[failed.later - first_place] > examined()
                parts.append(some_of(failed, some))
        taken = sum(file.taken for file in files)
    pairs = pairs_of(merge_found(parts))
    degrees = degrees_of(pairs.earlier, pairs.later)
    arrays = {**packed("pairs", pairs), "places": degrees.rows, "degrees": degrees.counts}
    return save(target, arrays, {"pairs": len(pairs.cosines), "taken": taken})


def crowd_part(target: str, pairs: str, crowded: str) -> About:
    """Find the largest cosines of articles with a crowd of neighbours."""
    with Arrays(pairs) as file, Arrays(crowded) as of:
        places, cosines = crowd_cosines(unpacked(file, "pairs", Pairs), of["crowded"])
        taken = file.taken + of.taken
    order = np.argsort(places, kind="stable")
    return save(target, {"places": places[order], "cosines": cosines[order]}, {"taken": taken})


def floors_part(target: str, crowds: list[str], crowded: str, first: int, last: int) -> About:
    """Find what some of the crowded articles share with the last neighbour that counts."""
    with Arrays(crowded) as of:
        rows = of.part("crowded", first, last)
        taken = of.taken
    parts = []
    for address in crowds:
        with Arrays(address) as file:
            places = file["places"]
            start, stop = np.searchsorted(places, (rows[0], rows[-1] + 1)).tolist()
            parts.append((places[start:stop], file.part("cosines", start, stop)))
            taken += file.taken
    return save(target, {"floors": crowd_floors(rows, parts)}, {"taken": taken})


def edges_part(target: str, pairs: str, crowd: str) -> About:
    """Count pairs from what is shared with strangers."""
    with Arrays(pairs) as file, Arrays(crowd) as of:
        found = count_edges(unpacked(file, "pairs", Pairs), of["crowded"], of["floors"], LEAST_SIMILARITY)
        taken = file.taken + of.taken
    return save(target, packed("edges", found), {"edges": len(found.values), "taken": taken})


# All of them -----------------------------------------------------------------------------------


def find_edges(blocks: Blocks, stages: Stages) -> list[str]:
    """Compare all blocks; returns for each block where the edges are of its articles with earlier ones."""
    runner, n_blocks = stages.runner, len(blocks.addresses)
    shared = runner.share(blocks.addresses)
    # Tiles of the longest ranges come first, so that none is begun last.
    workers, n_jobs, _ = workers_for(int(blocks.bounds[-1]), runner)
    cut = sorted(tiles_of(n_blocks, workers), key=lambda tile: tile[1] - tile[2])
    calls = {f"{n_blocks}-{b}-{first}-{last}": (shared, b, first, last, n_jobs) for b, first, last in cut}
    tiles = stages.each("similarities", tile_part, calls, processors=n_jobs)
    of_block: list[list[str]] = [[] for _ in range(n_blocks)]
    for (b, _, _), address in sorted(zip(cut, tiles, strict=True)):
        of_block[b].append(address)
    begins = blocks.bounds.tolist()
    pairs = stages.each(
        "neighbours", neighbours_part, _by_block(list(zip(of_block, begins[:-1], strict=True)))
    )
    crowd = _find_crowds(pairs, int(blocks.bounds[-1]), stages)
    return stages.each("edges", edges_part, _by_block([(address, crowd) for address in pairs]))


def _by_block(given: list[tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {f"{len(given)}-{b}": call for b, call in enumerate(given)}


def tiles_of(n_blocks: int, width: int) -> list[tuple[int, int, int]]:
    """Cut all pairs of blocks into tiles: a block, and a range of blocks that end before it or with it.

    Long ranges read less, for the block itself is read once; short ones give every worker something to do.
    """
    longest = max(1, n_blocks**2 // (2 * CALLS * width))
    tiles = []
    for b in range(n_blocks):
        cuts = np.linspace(0, b + 1, -(-(b + 1) // longest) + 1).astype(int).tolist()
        tiles += [(b, first, last) for first, last in pairwise(cuts)]
    return tiles


def _find_crowds(pairs: list[str], n: int, stages: Stages) -> str:
    """Find articles with a crowd of neighbours, and from where theirs are counted; returns where that is."""
    degrees = np.zeros(n, np.int32)
    for address in pairs:
        with Arrays(address) as file:
            degrees[file["places"]] += file["degrees"].astype(np.int32)
    crowded = np.flatnonzero(degrees > default_limits().max_neighbors)
    del degrees
    listed, target = stages.at("crowded"), stages.at("crowd")
    floors = [np.empty(0)]
    if len(crowded):
        write_arrays(listed, {"crowded": crowded})
        crowds = stages.each("crowds", crowd_part, _by_block([(address, listed) for address in pairs]))
        n_calls = max(-(-len(crowded) // CROWDED_ROWS), stages.runner.width)
        cuts = sorted(set(np.linspace(0, len(crowded), n_calls + 1).astype(int).tolist()))
        shared = stages.runner.share(crowds)
        calls = {f"{a}-{b}": (shared, listed, a, b) for a, b in pairwise(cuts)}
        for address in stages.each("floors", floors_part, calls):
            with Arrays(address) as file:
                floors.append(file["floors"])
    write_arrays(target, {"crowded": crowded, "floors": np.concatenate(floors)})
    return target
