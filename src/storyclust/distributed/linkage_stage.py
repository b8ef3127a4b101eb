"""Average linkage among workers, stage by stage: see `linkage`, of which this is the way through files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.union_find import numbered
from storyclust.distributed.block_search import Edges
from storyclust.distributed.columns import Degrees, degrees_of, end_to_end, some_of
from storyclust.distributed.files import Arrays, write_arrays
from storyclust.distributed.linkage import (
    Forest,
    Level,
    Moved,
    Nodes,
    add_degrees,
    add_edges,
    choose_level,
    contract,
    deal_edges,
    feasible,
    merge_bin,
    nodes_of,
    oversized,
    pack_bins,
    spanning_forest,
)
from storyclust.distributed.stages import About, Stages, dealt, packed, part_of, save, unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_EDGES = 1 << 22  # of a bin, and of a component if that can be
EDGE_BYTES = 200  # that merging takes for each edge
FAN = 16  # forests that one worker joins


class Rule(NamedTuple):
    """Which clusters merge: those less distant on average that together span no more days than the window."""

    distance: float
    window: float = np.inf


class Edged(NamedTuple):
    """Where the edges of a graph are, by the block of their later node."""

    parts: list[str]
    bounds: NDArray[np.int64]  # place where each block begins, and the last ends


class Members(NamedTuple):
    """Nodes of a bin, ascending, and what is known of them."""

    places: NDArray[np.int64]
    sizes: NDArray[np.int32]
    first: NDArray[np.float64]
    last: NDArray[np.float64]


def read_nodes(address: str, which: NDArray[np.int64], rule: Rule) -> tuple[Nodes, int]:
    """What is known of some nodes, ascending, and the bytes that were read; times only where they count."""
    with Arrays(address) as file:
        sizes = file.pick("nodes.sizes", which)
        if rule.window == np.inf:
            return Nodes(sizes, np.zeros(len(which)), np.zeros(len(which))), file.taken
        first, last = file.pick("nodes.first", which), file.pick("nodes.last", which)
        return Nodes(sizes, first, last), file.taken


def at_ends(file: Arrays, name: str, edges: Edges) -> tuple[NDArray[Any], NDArray[Any]]:
    """What an array has for the earlier and for the later ends of edges."""
    ends, inverse = numbered(np.concatenate((edges.earlier, edges.later)))
    earlier, later = file.pick(name, ends)[inverse].reshape(2, -1)
    return earlier, later


def read_near(part: str, nodes: str, rule: Rule) -> tuple[Edges, NDArray[np.float64], int]:
    """Edges of a part between clusters that may merge one day, their averages, and the bytes read."""
    with Arrays(part) as file:
        edges = unpacked(file, "edges", Edges)
        taken = file.taken
    ends, inverse = numbered(np.concatenate((edges.earlier, edges.later)))
    known, size = read_nodes(nodes, ends, rule)
    one, other = (some_of(known, at) for at in inverse.reshape(2, -1))
    averages = edges.values / (one.sizes.astype(np.float64) * other.sizes)
    near = feasible(one, other, rule.window)
    return some_of(edges, near), averages[near], taken + size


def forest_part(target: str, part: str, nodes: str, rule: Rule) -> About:
    """Say in few pairs what the edges of a part join, from which average on."""
    edges, averages, taken = read_near(part, nodes, rule)
    high = averages > 1.0 - rule.distance
    forest = spanning_forest(edges.earlier[high], edges.later[high], averages[high])
    degrees = degrees_of(edges.earlier, edges.later)
    return save(target, {**packed("forest", forest), **packed("degrees", degrees)}, {"taken": taken})


def forests_part(target: str, parts: list[str]) -> About:
    """Make one forest of several."""
    forests, degrees, taken = [], [], 0
    for address in parts:
        with Arrays(address) as file:
            forests.append(unpacked(file, "forest", Forest))
            degrees.append(unpacked(file, "degrees", Degrees))
            taken += file.taken
    forest = spanning_forest(*end_to_end(forests))
    return save(
        target, {**packed("forest", forest), **packed("degrees", add_degrees(degrees))}, {"taken": taken}
    )


def deal_part(target: str, part: str, nodes: str, bins: str, begin: int, end: int, rule: Rule) -> About:
    """Deal the nodes of a block and their edges with earlier ones into the bins of their components."""
    edges, _, taken = read_near(part, nodes, rule)
    with Arrays(bins) as file:
        n_bins, own = file.about["bins"], file.part("bin_of", begin, end)
        earlier, later = at_ends(file, "bin_of", edges)
        taken += file.taken
    inside = (earlier == later) & (later >= 0)
    parts = deal_edges(some_of(edges, inside), later[inside], n_bins)
    rows = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[rows], np.arange(n_bins + 1))
    members = [rows[a:b] + begin for a, b in pairwise(bounds)]
    known, size = read_nodes(nodes, np.arange(begin, end), rule)
    held = [Members(some, *some_of(known, some - begin)) for some in members]
    return save(target, {**dealt("edges", parts), **dealt("members", held)}, {"taken": taken + size})


def merge_part(target: str, parts: list[str], number: int, rule: Rule) -> About:
    """Merge the nodes of a bin."""
    edges, members, taken = [], [], 0
    for address in parts:
        with Arrays(address) as file:
            edges.append(part_of(file, "edges", Edges, number))
            members.append(part_of(file, "members", Members, number))
            taken += file.taken
    held = end_to_end(members)
    moved = merge_bin(end_to_end(edges), held.places, Nodes(held.sizes, held.first, held.last), *rule)
    return save(target, packed("moved", moved), {"moved": len(moved.nodes), "taken": taken})


def contract_part(target: str, part: str, clusters: str, bounds: NDArray[np.int64]) -> About:
    """Make edges of clusters from those of nodes, and deal them to the blocks of the later ones."""
    with Arrays(part) as file:
        edges = unpacked(file, "edges", Edges)
        taken = file.taken
    with Arrays(clusters) as file:
        earlier, later = at_ends(file, "cluster", edges)
        taken += file.taken
    found = contract(edges, earlier, later)
    home = np.searchsorted(bounds, found.later, side="right") - 1
    return save(target, dealt("edges", deal_edges(found, home, len(bounds) - 1)), {"taken": taken})


def gather_part(target: str, parts: list[str], number: int) -> About:
    """Put the edges of a block together."""
    found, taken = [], 0
    for address in parts:
        with Arrays(address) as file:
            found.append(part_of(file, "edges", Edges, number))
            taken += file.taken
    return save(target, packed("edges", add_edges(end_to_end(found))), {"taken": taken})


# All of them -----------------------------------------------------------------------------------


class Clusters:
    """Clusters of articles, as nodes of a graph whose edges lie in files: they merge, and edges follow.

    Parameters
    ----------
    cluster : int64 array of shape (n,)
        Smallest place in the cluster of each article.
    days : float64 array of shape (n,)
        When each was published, NaN for no date.
    edges : Edged
        Between the clusters.
    stages : Stages
    mark : str
        What tells them from others, in the names of files.

    Attributes
    ----------
    giants : list of int
        Edges of connected components that were more than one worker should take: they took several levels.
    """

    def __init__(
        self, cluster: NDArray[np.int64], days: NDArray[np.float64], edges: Edged, stages: Stages, mark: str
    ) -> None:
        self.cluster, self.days, self.edges, self.stages, self.mark = cluster, days, edges, stages, mark
        self.n, self.level = len(days), 0
        self.giants: list[int] = []
        self._write()

    def link(self, rule: Rule) -> None:
        """Merge all that a rule allows, level by level."""
        while True:
            forest, degrees = self._forest(rule)
            if self.level == 0:
                self.giants = oversized(forest, degrees, self.n, MOST_EDGES)
            level = choose_level(forest, degrees, self.n, MOST_EDGES, rule.distance)
            self._merge(level, degrees, rule._replace(distance=level.distance))
            if level.last:
                return
            self.level += 1
            self._write()
            self.edges = self.contracted()

    def _write(self) -> None:
        self.address = self.stages.at(f"clusters-{self.mark}-{self.level}")
        nodes = nodes_of(self.cluster, self.days)
        write_arrays(self.address, {"cluster": self.cluster, **packed("nodes", nodes)})

    def _each(self, name: str, function: Callable[..., About], given: Sequence[tuple[Any, ...]]) -> list[str]:
        mark = f"{self.mark}-{self.level}-{len(self.edges.parts)}-{len(given)}"
        return self.stages.each(name, function, {f"{mark}-{k}": call for k, call in enumerate(given)})

    def _forest(self, rule: Rule) -> tuple[Forest, Degrees]:
        """Find what the edges of all parts join, and how many each node has."""
        given = [(part, self.address, rule) for part in self.edges.parts]
        parts = self._each("forests", forest_part, given)
        while len(parts) > 1:
            groups = [parts[k : k + FAN] for k in range(0, len(parts), FAN)]
            parts = self._each("trees", forests_part, [(group,) for group in groups])
        with Arrays(parts[0]) as file:
            return unpacked(file, "forest", Forest), unpacked(file, "degrees", Degrees)

    def _merge(self, level: Level, degrees: Degrees, rule: Rule) -> None:
        """Merge what a level allows, bin by bin."""
        width = self.stages.runner.width
        most = max(1, min(MOST_EDGES, int(degrees.counts.sum()) // (4 * width)))
        bins = pack_bins(level.component, degrees, most)
        if not bins.n_bins:
            return
        address, parts, bounds = f"{self.address}-bins-{most}", self.edges.parts, self.edges.bounds
        write_arrays(address, {"bin_of": bins.bin_of}, {"bins": bins.n_bins})
        needs = [EDGE_BYTES * size for size in bins.edges]
        given = [
            (part, self.address, address, *bounds[b : b + 2].tolist(), rule) for b, part in enumerate(parts)
        ]
        mark = f"{self.mark}-{self.level}-{most}"
        del bins, degrees, level
        calls: dict[str, Any] = {f"{mark}-{len(parts)}-{b}": call for b, call in enumerate(given)}
        shared = self.stages.runner.share(self.stages.each("dealing", deal_part, calls))
        calls = {f"{mark}-{b}": (shared, b, rule) for b in range(len(needs))}
        into = np.arange(self.n)
        for part in self.stages.each("merging", merge_part, calls, needs):
            with Arrays(part) as file:
                moved = unpacked(file, "moved", Moved)
                into[moved.nodes] = moved.into
        self.cluster = into[self.cluster]

    def contracted(self) -> Edged:
        """Edges between the clusters, of those of the nodes that they were made of."""
        return contract_all(self.edges, self.address, self.stages, f"{self.mark}-{self.level}")


def contract_all(edges: Edged, clusters: str, stages: Stages, mark: str) -> Edged:
    """Make edges of clusters from those of nodes."""
    mark = f"{mark}-{len(edges.parts)}"
    calls: dict[str, Any] = {
        f"{mark}-{b}": (part, clusters, edges.bounds) for b, part in enumerate(edges.parts)
    }
    shared = stages.runner.share(stages.each("contraction", contract_part, calls))
    calls = {f"{mark}-{b}": (shared, b) for b in range(len(edges.parts))}
    return Edged(stages.each("gathering", gather_part, calls), edges.bounds)
