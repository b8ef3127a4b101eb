"""Stages that scale the edges of articles for threads: see `storyclust.cluster.local_scaling`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.cluster.local_scaling import NEIGHBORS, local_scales, scaled_similarity
from storyclust.distributed.array_files import (
    ArrayFile,
    pack_partitions,
    pack_tuple,
    read_partitions,
    read_tuple,
    write_arrays,
)
from storyclust.distributed.block_search import Edges
from storyclust.distributed.columns import end_to_end, most_of_each, some_of
from storyclust.distributed.linkage_stage import EdgeFiles, read_at_ends
from storyclust.distributed.stages import Metadata, Stages, save

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Nearest(NamedTuple):
    """Similarities of articles with their nearest neighbours, by ascending places."""

    places: NDArray[np.int64]
    similarities: NDArray[np.float64]


def nearest_of(edges: Edges, bounds: NDArray[np.int64]) -> list[Nearest]:
    """Find the nearest neighbours of all articles among some edges, for each block of places."""
    places, similarities = np.concatenate((edges.earlier, edges.later)), np.tile(edges.values, 2)
    order = np.argsort(places, kind="stable")
    found = Nearest(places[order], similarities[order])
    found = some_of(found, most_of_each(*found, np.arange(len(order)), NEIGHBORS))
    cuts = np.searchsorted(found.places, bounds).tolist()
    return [some_of(found, np.arange(a, b)) for a, b in pairwise(cuts)]


def scales_of(parts: Sequence[Nearest], begin: int, end: int) -> NDArray[np.float64]:
    """Compute the scales of the articles at places begin..end from their neighbours in all parts."""
    places, similarities = end_to_end(parts)
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(begin, end + 1))
    scales: NDArray[np.float64] = local_scales(bounds, similarities[order])
    return scales


def nearest_part(target: str, part: str, bounds: NDArray[np.int64]) -> Metadata:
    """Find the nearest neighbours of all articles among the edges of a part, for each block."""
    with ArrayFile(part) as file:
        blocks = nearest_of(read_tuple(file, "edges", Edges), bounds)
    return save(target, pack_partitions("nearest", blocks))


def scales_part(target: str, parts: list[str], number: int, begin: int, end: int) -> Metadata:
    """Compute the scales of the articles of a block, which stand at places begin..end."""
    nearest = read_partitions(parts, "nearest", Nearest, number)
    return save(target, {"scales": scales_of(nearest, begin, end)})


def thread_edges_part(target: str, part: str, scales: str) -> Metadata:
    """Scale the similarities of the edges of a part."""
    with ArrayFile(part) as file:
        edges = read_tuple(file, "edges", Edges)
    with ArrayFile(scales) as file:
        earlier, later = read_at_ends(file, "scales", edges)
    values = scaled_similarity(edges.values, earlier, later)
    return save(target, pack_tuple("edges", edges._replace(values=values)))


def thread_edges(edges: EdgeFiles, stages: Stages) -> EdgeFiles:
    """Edges of articles as parts of one thread, from those of their contents."""
    parts, bounds = edges
    calls: dict[str, Any] = {f"{len(parts)}-{b}": (part, bounds) for b, part in enumerate(parts)}
    shared = stages.runner.share(stages.run("nearest", nearest_part, calls))
    blocks = list(pairwise(bounds.tolist()))
    calls = {f"{len(parts)}-{b}": (shared, b, begin, end) for b, (begin, end) in enumerate(blocks)}
    scales = np.empty(int(bounds[-1]), np.float64)
    found = stages.run("scales", scales_part, calls)
    for (begin, end), address in zip(blocks, found, strict=True):
        with ArrayFile(address) as file:
            scales[begin:end] = file["scales"]
    address = stages.address("scales-of-all")
    write_arrays(address, {"scales": scales})
    calls = {f"{len(parts)}-{b}": (part, address) for b, part in enumerate(parts)}
    return edges._replace(parts=stages.run("thread-edges", thread_edges_part, calls))
