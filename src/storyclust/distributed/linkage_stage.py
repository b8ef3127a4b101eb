"""Stages of the distributed average linkage of `linkage`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.union_find import numbered
from storyclust.distributed.array_files import (
    ArrayFile,
    pack_partitions,
    pack_tuple,
    read_partitions,
    read_tuple,
    write_arrays,
)
from storyclust.distributed.block_search import Edges
from storyclust.distributed.columns import Degrees, degrees_of, end_to_end, some_of
from storyclust.distributed.linkage import (
    Forest,
    Level,
    Moved,
    Nodes,
    add_degrees,
    add_edges,
    choose_level,
    contract,
    merge_bin,
    nodes_of,
    oversized_components,
    pack_bins,
    partition_edges,
    spanning_forest,
    within_window,
)
from storyclust.distributed.stages import Metadata, Stages, save
from storyclust.stories.grouping import event_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BIN_EDGES = 1 << 22  # of a bin: 0.8 GB at EDGE_BYTES each
EDGE_BYTES = 200  # memory of merging for each edge
FAN_IN = 16  # forests that one call joins


class LinkageRule(NamedTuple):
    """Clusters merge below a distance, if together they span no more days than the window."""

    distance: float
    window: float = np.inf


class EdgeFiles(NamedTuple):
    """Files of the edges of a graph, by the block of the later node."""

    parts: list[str]
    bounds: NDArray[np.int64]  # first place of each block, and the end of the last


class BinNodes(NamedTuple):
    """Nodes of a bin, ascending, with their sizes and dates."""

    places: NDArray[np.int64]
    sizes: NDArray[np.int32]
    first: NDArray[np.float64]
    last: NDArray[np.float64]


def read_nodes(address: str, places: NDArray[np.int64], rule: LinkageRule) -> Nodes:
    """Read nodes at ascending places; without a window, their dates are not read and 0."""
    with ArrayFile(address) as file:
        sizes = file.take_sorted("nodes.sizes", places)
        if rule.window == np.inf:
            return Nodes(sizes, np.zeros(len(places)), np.zeros(len(places)))
        return Nodes(sizes, file.take_sorted("nodes.first", places), file.take_sorted("nodes.last", places))


def read_at_ends(file: ArrayFile, name: str, edges: Edges) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the values of an array at the earlier and at the later ends of edges."""
    ends, inverse = numbered(np.concatenate((edges.earlier, edges.later)))
    earlier, later = file.take_sorted(name, ends)[inverse].reshape(2, -1)
    return earlier, later


def read_mergeable(part: str, nodes: str, rule: LinkageRule) -> tuple[Edges, NDArray[np.float64]]:
    """Read the edges of a part between clusters that fit into the window, and their average similarities."""
    with ArrayFile(part) as file:
        edges = read_tuple(file, "edges", Edges)
    ends, inverse = numbered(np.concatenate((edges.earlier, edges.later)))
    end_nodes = read_nodes(nodes, ends, rule)
    one, other = (some_of(end_nodes, at) for at in inverse.reshape(2, -1))
    averages = edges.values / (one.sizes.astype(np.float64) * other.sizes)
    within = within_window(one, other, rule.window)
    return some_of(edges, within), averages[within]


def event_edges_part(target: str, part: str, days: str) -> Metadata:
    """Divide the similarities of edges by the days between their articles; see `event_similarity`."""
    with ArrayFile(part) as file:
        edges = read_tuple(file, "edges", Edges)
    with ArrayFile(days) as file:
        earlier, later = read_at_ends(file, "days", edges)
    values = event_similarity(edges.values, np.abs(earlier - later))
    return save(target, pack_tuple("edges", edges._replace(values=values)))


def event_edges(edges: EdgeFiles, days: NDArray[np.float64], stages: Stages) -> EdgeFiles:
    """Edges of articles as reports of one event, from those of their contents."""
    address = stages.address("days")
    write_arrays(address, {"days": days})
    calls: dict[str, Any] = {f"{len(edges.parts)}-{b}": (part, address) for b, part in enumerate(edges.parts)}
    return edges._replace(parts=stages.run("event-edges", event_edges_part, calls))


def forest_part(target: str, part: str, nodes: str, rule: LinkageRule) -> Metadata:
    """Compute the spanning forest of the edges of a part, and the degrees of its nodes."""
    edges, averages = read_mergeable(part, nodes, rule)
    high = averages > 1.0 - rule.distance
    forest = spanning_forest(edges.earlier[high], edges.later[high], averages[high])
    degrees = degrees_of(edges.earlier, edges.later)
    return save(target, {**pack_tuple("forest", forest), **pack_tuple("degrees", degrees)})


def join_forests_part(target: str, parts: list[str]) -> Metadata:
    """Join several spanning forests to one."""
    forests, degrees = [], []
    for address in parts:
        with ArrayFile(address) as file:
            forests.append(read_tuple(file, "forest", Forest))
            degrees.append(read_tuple(file, "degrees", Degrees))
    forest = spanning_forest(*end_to_end(forests))
    return save(target, {**pack_tuple("forest", forest), **pack_tuple("degrees", add_degrees(degrees))})


def partition_edges_part(
    target: str, part: str, nodes: str, bins: str, begin: int, end: int, rule: LinkageRule
) -> Metadata:
    """Partition the nodes of a block, and their edges to earlier nodes, into the bins of their components."""
    edges, _ = read_mergeable(part, nodes, rule)
    with ArrayFile(bins) as file:
        n_bins, own = file.metadata["bins"], file.read("bin_of", begin, end)
        earlier, later = read_at_ends(file, "bin_of", edges)
    inside = (earlier == later) & (later >= 0)
    parts = partition_edges(some_of(edges, inside), later[inside], n_bins)
    rows = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[rows], np.arange(n_bins + 1))
    members = [rows[a:b] + begin for a, b in pairwise(bounds)]
    own_nodes = read_nodes(nodes, np.arange(begin, end), rule)
    bin_nodes = [BinNodes(places, *some_of(own_nodes, places - begin)) for places in members]
    return save(target, {**pack_partitions("edges", parts), **pack_partitions("nodes", bin_nodes)})


def merge_part(target: str, parts: list[str], number: int, rule: LinkageRule) -> Metadata:
    """Merge the nodes of a bin."""
    edges = end_to_end(read_partitions(parts, "edges", Edges, number))
    places, sizes, first, last = end_to_end(read_partitions(parts, "nodes", BinNodes, number))
    return save(target, pack_tuple("moved", merge_bin(edges, places, Nodes(sizes, first, last), *rule)))


def contract_part(target: str, part: str, clusters: str, bounds: NDArray[np.int64]) -> Metadata:
    """Sum the edges of nodes to edges of clusters, partitioned into the blocks of the later clusters."""
    with ArrayFile(part) as file:
        edges = read_tuple(file, "edges", Edges)
    with ArrayFile(clusters) as file:
        earlier, later = read_at_ends(file, "cluster", edges)
    contracted = contract(edges, earlier, later)
    block = np.searchsorted(bounds, contracted.later, side="right") - 1
    return save(target, pack_partitions("edges", partition_edges(contracted, block, len(bounds) - 1)))


def gather_part(target: str, parts: list[str], number: int) -> Metadata:
    """Sum the edges of a block."""
    edges = end_to_end(read_partitions(parts, "edges", Edges, number))
    return save(target, pack_tuple("edges", add_edges(edges)))


class Clusters:
    """Clusters of articles, as nodes of a graph whose edges are in files.

    Parameters
    ----------
    cluster : int64 array of shape (n,)
        Smallest place in the cluster of each article.
    days : float64 array of shape (n,)
        When each was published, NaN for no date.
    edges : EdgeFiles
        Edges between the clusters.
    stages : Stages
    key : str
        Part of the names of files, which identifies these clusters.

    Attributes
    ----------
    oversized : list of int
        Edges of each connected component that is too large for one bin, and is merged in several levels.
    """

    def __init__(
        self,
        cluster: NDArray[np.int64],
        days: NDArray[np.float64],
        edges: EdgeFiles,
        stages: Stages,
        key: str,
    ) -> None:
        self.cluster, self.days, self.edges, self.stages, self.key = cluster, days, edges, stages, key
        self.n, self.level = len(days), 0
        self.oversized: list[int] = []
        self._write()

    def link(self, rule: LinkageRule) -> None:
        """Merge all clusters that a rule allows, level by level."""
        while True:
            forest, degrees = self._forest(rule)
            if self.level == 0:
                self.oversized = oversized_components(forest, degrees, self.n, MAX_BIN_EDGES)
            level = choose_level(forest, degrees, self.n, MAX_BIN_EDGES, rule.distance)
            self._merge(level, degrees, rule._replace(distance=level.distance))
            if level.last:
                return
            self.level += 1
            self._write()
            self.edges = self.contract()

    def _write(self) -> None:
        self.address = self.stages.address(f"clusters-{self.key}-{self.level}")
        nodes = nodes_of(self.cluster, self.days)
        write_arrays(self.address, {"cluster": self.cluster, **pack_tuple("nodes", nodes)})

    def _run(
        self, name: str, function: Callable[..., Metadata], given: Sequence[tuple[Any, ...]]
    ) -> list[str]:
        key = f"{self.key}-{self.level}-{len(self.edges.parts)}-{len(given)}"
        return self.stages.run(name, function, {f"{key}-{k}": call for k, call in enumerate(given)})

    def _forest(self, rule: LinkageRule) -> tuple[Forest, Degrees]:
        """Compute the spanning forest and the degrees of the whole graph."""
        given = [(part, self.address, rule) for part in self.edges.parts]
        parts = self._run("forests", forest_part, given)
        while len(parts) > 1:
            groups = [parts[k : k + FAN_IN] for k in range(0, len(parts), FAN_IN)]
            parts = self._run("trees", join_forests_part, [(group,) for group in groups])
        with ArrayFile(parts[0]) as file:
            return read_tuple(file, "forest", Forest), read_tuple(file, "degrees", Degrees)

    def _merge(self, level: Level, degrees: Degrees, rule: LinkageRule) -> None:
        """Merge the components of a level, bin by bin."""
        width = self.stages.runner.width
        most = max(1, min(MAX_BIN_EDGES, int(degrees.counts.sum()) // (4 * width)))
        bins = pack_bins(level.component, degrees, most)
        if not bins.n_bins:
            return
        address, parts, bounds = f"{self.address}-bins-{most}", self.edges.parts, self.edges.bounds
        write_arrays(address, {"bin_of": bins.bin_of}, {"bins": bins.n_bins})
        needs = [EDGE_BYTES * size for size in bins.edges]
        given = [
            (part, self.address, address, *bounds[b : b + 2].tolist(), rule) for b, part in enumerate(parts)
        ]
        key = f"{self.key}-{self.level}-{most}"
        del bins, degrees, level
        calls: dict[str, Any] = {f"{key}-{len(parts)}-{b}": call for b, call in enumerate(given)}
        shared = self.stages.runner.share(self.stages.run("edge-bins", partition_edges_part, calls))
        calls = {f"{key}-{b}": (shared, b, rule) for b in range(len(needs))}
        into = np.arange(self.n)
        for part in self.stages.run("merging", merge_part, calls, needs):
            with ArrayFile(part) as file:
                moved = read_tuple(file, "moved", Moved)
                into[moved.nodes] = moved.into
        self.cluster = into[self.cluster]

    def contract(self) -> EdgeFiles:
        """Sum the edges between the nodes of the level before to edges between the clusters."""
        parts, bounds = self.edges
        key = f"{self.key}-{self.level}-{len(parts)}"
        calls: dict[str, Any] = {f"{key}-{b}": (part, self.address, bounds) for b, part in enumerate(parts)}
        shared = self.stages.runner.share(self.stages.run("contraction", contract_part, calls))
        calls = {f"{key}-{b}": (shared, b) for b in range(len(parts))}
        return EdgeFiles(self.stages.run("gathering", gather_part, calls), bounds)
