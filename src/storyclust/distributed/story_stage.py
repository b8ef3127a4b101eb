"""Events and threads among shards, once copies are known.

Independent articles are ordered by their fingerprints; the position of an article in this order is its place.
Shards are read again, for page furniture and for terms. Vectors are written in blocks of consecutive places,
pairs of blocks are compared, and average linkage merges articles to events and events to threads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_bool
from storyclust.articles.ordering import DAY, fingerprint_order
from storyclust.distributed.array_files import pack_ragged, write_arrays
from storyclust.distributed.blocks import sample_places
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import Copies
from storyclust.distributed.corpus import SketchReader
from storyclust.distributed.furniture_stage import clean_shards
from storyclust.distributed.graph_stage import find_edges
from storyclust.distributed.linkage_stage import Clusters, EdgeFiles, LinkageRule, event_edges
from storyclust.distributed.scale_stage import thread_edges
from storyclust.distributed.shards import digest_of
from storyclust.distributed.stages import Stages
from storyclust.distributed.vector_stage import Order, make_blocks
from storyclust.stories.grouping import number_stories
from storyclust.stories.settings import (
    EVENT_DISTANCE,
    EVENT_WINDOW,
    THREAD_DISTANCE,
    check_grouping,
    check_window,
)
from storyclust.text.language import common_latin

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class StorySettings:
    """The parameters of `StoryClusterer` that a cluster supports."""

    event_distance: float = EVENT_DISTANCE
    event_window: float | None = EVENT_WINDOW
    thread_distance: float = THREAD_DISTANCE
    clean: bool = True

    def checked(self) -> StorySettings:
        """Raise if a parameter is out of range."""
        check_grouping(self.event_distance, self.event_window, self.thread_distance)
        check_bool("clean", self.clean)
        return self

    @property
    def window(self) -> float:
        """Days that an event may span, infinite for None."""
        return check_window(self.event_window)


class StoryLabels(NamedTuple):
    """Events and threads of all articles of a corpus."""

    events: NDArray[np.int64]
    threads: NDArray[np.int64]
    oversized_components: list[int]  # edges of each connected component too large for one bin


def find_stories(copies: Copies, source: Input, settings: StorySettings) -> StoryLabels:
    """Find the events and threads of a corpus whose copies are known.

    Parameters
    ----------
    copies : Copies
        With dates and languages in their sketches.
    source : Input
    settings : StorySettings

    Returns
    -------
    labels : StoryLabels
    """
    stages = copies.stages.branch("clean" if settings.clean else "whole")
    places = _order_articles(copies, stages)
    if places.n == 0:
        return StoryLabels(np.empty(0, np.int64), np.empty(0, np.int64), [])
    if settings.clean:
        clean = clean_shards(copies.shards, source, places.address, places.place, stages)
        order = _order_languages(places, clean.languages, clean.codes, stages)._replace(spans=clean.addresses)
    else:
        order = _order_languages(places, *_sketched_languages(copies), stages)
    blocks = make_blocks(copies.shards, source, order, stages)
    edges = EdgeFiles(find_edges(blocks, order, stages), blocks.plan.slices)
    kept = np.flatnonzero(order.place >= 0)
    days = np.empty(order.n)
    days[order.place[kept]] = order.seconds[kept] / DAY
    events, threads, oversized = _link(edges, days, settings, stages)
    place = order.place[copies.kept]
    threads, events = number_stories(
        _compact_labels(threads)[place], _compact_labels(events)[place], order.seconds
    )
    return StoryLabels(events, threads, oversized)


class Places(NamedTuple):
    """The independent articles in the order of their fingerprints."""

    address: str  # file of `place` of every article, and of the bits `independent`
    place: NDArray[np.int64]  # of every article, -1 for a copy
    seconds: NDArray[np.float64]  # of every article
    n: int


def _order_articles(copies: Copies, stages: Stages) -> Places:
    """Order the independent articles."""
    corpus = copies.corpus
    seconds, prints = np.empty(corpus.n), np.empty((corpus.n, 2), np.uint64)
    with SketchReader(corpus) as sketches:
        for file, begin in sketches.all():
            rows = slice(begin, begin + file.length("seconds"))
            seconds[rows], prints[rows] = file["seconds"], file["fingerprints"]
    independent = copies.kept == np.arange(corpus.n)
    kept = fingerprint_order(prints, np.flatnonzero(independent))
    del prints
    place = np.full(corpus.n, -1, np.int64)
    place[kept] = np.arange(len(kept))
    address = stages.address("places")
    write_arrays(address, {"place": place, "independent": np.packbits(independent)})
    return Places(address, place, seconds, len(kept))


def _sketched_languages(copies: Copies) -> tuple[list[str], NDArray[np.int16]]:
    """Return the languages of whole texts: all names, and the index of that of each article."""
    codes = np.empty(copies.corpus.n, np.int16)
    all_names: dict[str, int] = {}
    with SketchReader(copies.corpus) as sketches:
        for file, begin in sketches.all():
            own = [all_names.setdefault(name, len(all_names)) for name in file.metadata["languages"]]
            codes[begin : begin + file.length("language")] = np.array(own, np.int16)[file["language"]]
    return [*all_names], codes


def _order_languages(places: Places, names: list[str], codes: NDArray[np.int16], stages: Stages) -> Order:
    """Give each independent article a language, in the numbers of all languages."""
    kept = np.flatnonzero(places.place >= 0)
    counts = np.bincount(codes[kept], minlength=len(names)).tolist()
    common = common_latin(Counter(dict(zip(names, counts, strict=True))))
    present = [name for name, count in zip(names, counts, strict=True) if count]
    languages = sorted({name or common for name in present})
    number = {name: k for k, name in enumerate(languages)}
    group_of_code = np.array([number.get(name or common, -1) for name in names], np.int16)
    group = np.full(len(codes), -1, np.int16)
    group[kept] = group_of_code[codes[kept]]
    by_place = np.empty(places.n, np.int64)
    by_place[places.place[kept]] = group[kept]
    arrays: dict[str, NDArray[Any]] = {"place": places.place, "group": group}
    address = stages.address("order")
    write_arrays(address, {**arrays, **pack_ragged("samples", sample_places(by_place))})
    sizes = np.bincount(by_place, minlength=len(languages))
    return Order(address, places.place, places.seconds, languages, sizes, places.n)


def _compact_labels(cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters from 0 by their smallest places."""
    number = np.cumsum(cluster == np.arange(len(cluster))) - 1
    return number[cluster]


def _link(
    edges: EdgeFiles, days: NDArray[np.float64], settings: StorySettings, stages: Stages
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Merge articles to events and events to threads; returns both, and the oversized components."""
    key = digest_of(settings)
    timed = event_edges(edges, days, stages)
    events = Clusters(np.arange(len(days)), days, timed, stages, f"events-{key}")
    events.link(LinkageRule(settings.event_distance, settings.window))
    threads = Clusters(events.cluster, days, thread_edges(edges, stages), stages, f"threads-{key}")
    threads.edges = threads.contract()
    threads.link(LinkageRule(settings.thread_distance))
    return events.cluster, threads.cluster, events.oversized + threads.oversized
