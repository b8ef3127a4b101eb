"""Events and threads among shards, stage by stage, once copies are known.

Independent articles have places, their numbers in the order of their fingerprints. Shards are read a second
time, for terms; vectors go to blocks of places, blocks meet, and what they have in common is linked: to
events, and these to threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_float
from storyclust.articles.ordering import DAY, fingerprint_order
from storyclust.distributed.blocks import sample_places
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import Copies
from storyclust.distributed.corpus import Sketches, ragged
from storyclust.distributed.files import write_arrays
from storyclust.distributed.graph_stage import find_edges
from storyclust.distributed.linkage_stage import Clusters, Edged, Rule
from storyclust.distributed.shards import Shard, digest_of
from storyclust.distributed.stages import Stages
from storyclust.distributed.vector_stage import Order, make_blocks
from storyclust.stories.grouping import number_stories
from storyclust.text.language import common_latin

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


# All of them -----------------------------------------------------------------------------------


class Told(NamedTuple):
    """Events and threads of every article of a corpus, and how much one worker had to group alone."""

    events: NDArray[np.int64]
    threads: NDArray[np.int64]
    giants: list[int]  # edges of connected components that were more than one worker should take


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
    edges = Edged(find_edges(blocks, stages), blocks.bounds)
    kept = np.flatnonzero(order.place >= 0)
    days = np.empty(order.n)
    days[order.place[kept]] = order.seconds[kept] / DAY
    events, threads, giants = _link(edges, days, settings, stages)
    place = order.place[copies.kept]
    threads, events = number_stories(_dense(threads)[place], _dense(events)[place], order.seconds)
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
    kept = fingerprint_order(prints, np.flatnonzero(copies.kept == np.arange(corpus.n)))
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
    arrays: dict[str, NDArray[Any]] = {"place": place, "group": group}
    address = stages.at("order")
    write_arrays(address, {**arrays, **ragged("samples", sample_places(by_place) if len(kept) else [])})
    sizes = np.bincount(by_place, minlength=len(languages))
    return Order(address, place, seconds, languages, sizes, len(kept))


def _dense(cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters numbered from 0 by their smallest places."""
    number = np.cumsum(cluster == np.arange(len(cluster))) - 1
    return number[cluster]


def _number(name: str, languages: list[str]) -> int:
    return languages.index(name) if name in languages else -1


def _link(
    edges: Edged, days: NDArray[np.float64], settings: StorySettings, stages: Stages
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Merge independent articles to events, and events to threads; returns these, and giant components."""
    mark = digest_of(settings)
    events = Clusters(np.arange(len(days)), days, edges, stages, f"events-{mark}")
    events.link(Rule(settings.event_distance, settings.window))
    threads = Clusters(events.cluster, days, edges, stages, f"threads-{mark}")
    threads.edges = threads.contracted()
    threads.link(Rule(settings.thread_distance))
    return events.cluster, threads.cluster, events.giants + threads.giants
