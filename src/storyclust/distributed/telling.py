"""Events and threads among shards, stage by stage, once copies are known.

Independent articles have places, their numbers in the order of their fingerprints. Shards are read a second
time, for terms; vectors go to blocks of places, blocks meet, and connected components of the edges
are grouped, bin by bin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.central import by_fingerprint
from storyclust.distributed.blocks import Edges, sample_places
from storyclust.distributed.comparing import find_edges
from storyclust.distributed.components import (
    BinLabels,
    cluster_bin,
    component_of,
    deal_edges,
    join_edges,
    join_labels,
    pack_bins,
)
from storyclust.distributed.copies import Copies, Input
from storyclust.distributed.corpus import Sketches, ragged
from storyclust.distributed.files import Arrays, write_arrays
from storyclust.distributed.shards import Shard, digest_of
from storyclust.distributed.stages import About, Stages, dealt, packed, part_of, save, unpacked
from storyclust.distributed.vectoring import Blocks, Order, make_blocks
from storyclust.grouping import number_stories
from storyclust.language import common_latin
from storyclust.validate import check_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

BIN_EDGES = 1 << 22  # edges that one worker groups, unless one component has more
EDGE_BYTES = 200  # that grouping takes for each edge


@dataclass(frozen=True)
class StorySettings:
    """What events and threads are: the parameters of `StoryClusterer` that count here."""

    event_distance: float = 0.89
    event_window: float | None = 7.0
    thread_distance: float = 0.96

    def checked(self) -> StorySettings:
        """Raise if a parameter is out of range."""
        check_float("event_distance", self.event_distance, low=0, high=1)
        check_float("thread_distance", self.thread_distance, low=self.event_distance, high=1)
        if self.event_window is not None:
            check_float("event_window", self.event_window, low=0, high=np.inf)
        return self

    @property
    def window(self) -> float:
        """Days of an event, infinite where there is no limit."""
        return np.inf if self.event_window is None else self.event_window


class Dated(NamedTuple):
    """Articles of a bin, ascending, and when each was published."""

    places: NDArray[np.int64]
    seconds: NDArray[np.float64]


def deal_part(target: str, edges: str, bins: str, order: str, begin: int, end: int) -> About:
    """Deal the articles of a block and their edges with earlier ones into the bins of their components."""
    with Arrays(bins) as file:
        n_bins, bin_of = file.about["bins"], file.part("bin_of", begin, end)
        taken = file.taken
    with Arrays(order) as file:
        seconds = file.part("seconds", begin, end)
        taken += file.taken
    with Arrays(edges) as file:
        found = unpacked(file, "edges", Edges)
        taken += file.taken
    parts = deal_edges(found, bin_of[found.later - begin], n_bins)
    rows = np.argsort(bin_of, kind="stable")
    bounds = np.searchsorted(bin_of[rows], np.arange(n_bins + 1))
    members = [rows[bounds[b] : bounds[b + 1]] for b in range(n_bins)]
    dated = [Dated(some + begin, seconds[some]) for some in members]
    return save(target, {**dealt("edges", parts), **dealt("articles", dated)}, {"taken": taken})


def stories_part(target: str, parts: list[str], number: int, settings: StorySettings) -> About:
    """Find the events and threads of a bin."""
    edges, seconds, taken = [], [], 0
    for address in parts:
        with Arrays(address) as file:
            edges.append(part_of(file, "edges", Edges, number))
            seconds.append(part_of(file, "articles", Dated, number).seconds)
            taken += file.taken
    labels = cluster_bin(
        edges, np.concatenate(seconds), settings.event_distance, settings.window, settings.thread_distance
    )
    return save(target, packed("labels", labels), {"taken": taken})


# All of them -----------------------------------------------------------------------------------


class Told(NamedTuple):
    """Events and threads of every article of a corpus, and how much one worker had to group alone."""

    events: NDArray[np.int64]
    threads: NDArray[np.int64]
    giants: list[int]  # edges of components that were too large to share a bin


def tell_stories(shards: Sequence[Shard], source: Input, copies: Copies, settings: StorySettings) -> Told:
    """Find the events and threads of a corpus whose copies are known.

    Parameters
    ----------
    shards : sequence of Shard
    source : Input
    copies : Copies
        Whose sketches have dates and languages.
    settings : StorySettings

    Returns
    -------
    told : Told
    """
    stages = copies.stages
    order = _put_in_order(copies)
    if order.n == 0:
        return Told(np.empty(0, np.int64), np.empty(0, np.int64), [])
    blocks = make_blocks(shards, source, order, stages)
    edges = find_edges(blocks, stages)
    events, threads, giants = _groups(edges, blocks, order, settings, stages)
    place = order.place[copies.kept]
    threads, events = number_stories(threads[place], events[place], order.seconds)
    return Told(events, threads, giants)


def _put_in_order(copies: Copies) -> Order:
    """Give independent articles their places, and name all languages."""
    corpus, stages = copies.corpus, copies.stages
    seconds, codes = np.empty(corpus.n), np.empty(corpus.n, np.int16)
    prints = np.empty((corpus.n, 2), np.uint64)
    all_names: list[str] = []
    with Sketches(corpus) as sketches:
        for k, (file, begin) in enumerate(sketches.all()):
            rows = slice(begin, int(corpus.offsets[k + 1]))
            seconds[rows], prints[rows] = file["seconds"], file["fingerprints"]
            names: list[str] = file.about["languages"]
            all_names += [name for name in names if name not in all_names]
            numbers = np.array([all_names.index(name) for name in names], np.int16)
            codes[rows] = numbers[file["language"]]
    kept = by_fingerprint(prints, np.flatnonzero(copies.kept == np.arange(corpus.n)))
    del prints
    counts = np.bincount(codes[kept], minlength=len(all_names)).tolist()
    common = common_latin(Counter(dict(zip(all_names, counts, strict=True))))
    present = [name for name, count in zip(all_names, counts, strict=True) if count]
    languages = sorted({name or common for name in present})
    group_of_code = np.array([_number(name or common, languages) for name in all_names] or [0], np.int16)
    place = np.full(corpus.n, -1, np.int64)
    place[kept] = np.arange(len(kept))
    group = group_of_code[codes]
    by_place = group[kept].astype(np.int64)
    arrays: dict[str, NDArray[Any]] = {"place": place, "group": group, "seconds": seconds[kept]}
    address = stages.at("order")
    write_arrays(address, {**arrays, **ragged("samples", sample_places(by_place) if len(kept) else [])})
    sizes = np.bincount(by_place, minlength=len(languages))
    return Order(address, place, seconds, languages, sizes, len(kept))


def _number(name: str, languages: list[str]) -> int:
    return languages.index(name) if name in languages else -1


def _groups(
    edges: list[str], blocks: Blocks, order: Order, settings: StorySettings, stages: Stages
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Group independent articles; returns their events and threads, and the edges of giant components."""
    parent = np.arange(order.n)
    for address in edges:
        with Arrays(address) as file:
            join_edges(parent, Edges(file["firsts"], file["places"], np.empty(0)))
    component = component_of(parent)
    del parent
    counts = np.zeros(int(component.max(initial=-1)) + 1, np.int64)
    for address in edges:
        with Arrays(address) as file:
            np.add.at(counts, component[file["roots"]], file["counts"])
    most = min(BIN_EDGES, int(counts.sum()) // (2 * stages.runner.width))
    bins = pack_bins(component, counts, max(most, 1))
    del component
    if not bins.n_bins:
        return *join_labels(order.n, []), []
    giants = np.sort(counts[counts > BIN_EDGES])[::-1].tolist()
    needs = [EDGE_BYTES * (giants[b] if b < len(giants) else most) for b in range(bins.n_bins)]
    address, n_bins, n_blocks = stages.at(f"bins-{bins.n_bins}"), bins.n_bins, len(edges)
    write_arrays(address, {"bin_of": bins.bin_of}, {"bins": n_bins})
    del bins
    calls: dict[str, Any] = {
        f"{n_bins}-{n_blocks}-{b}": (part, address, order.address, *blocks.bounds[b : b + 2].tolist())
        for b, part in enumerate(edges)
    }
    shared = stages.runner.share(stages.each("dealing", deal_part, calls))
    mark = digest_of(settings)
    calls = {f"{mark}-{n_bins}-{b}": (shared, b, settings) for b in range(n_bins)}
    labels = []
    for part in stages.each("stories", stories_part, calls, needs):
        with Arrays(part) as file:
            labels.append(unpacked(file, "labels", BinLabels))
    events, threads = join_labels(order.n, labels)
    return events, threads, giants
