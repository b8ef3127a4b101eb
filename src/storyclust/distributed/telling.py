"""Events and threads among shards, stage by stage, once copies are known: functions from files to one file.

Independent articles have places, their numbers in the order of their fingerprints. Shards are read a second
time, for terms; from there on vectors go to blocks of places, blocks meet, and components of what they have
in common are grouped, bin by bin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse

from storyclust.central import by_fingerprint
from storyclust.distributed.blocks import (
    Block,
    Edges,
    IndexedBlock,
    count_edges,
    crowd_cosines,
    edges_of,
    find_between,
    index_block,
    join_blocks,
    merge_found,
    raise_floors,
    rows_at,
    sample_places,
    strangers_of,
    take_rows,
)
from storyclust.distributed.components import (
    BinLabels,
    Bins,
    cluster_bin,
    component_of,
    deal_edges,
    join_edges,
    join_labels,
    pack_bins,
)
from storyclust.distributed.copies import Copies, Input
from storyclust.distributed.corpus import Corpus, Sketches, ragged, unravel
from storyclust.distributed.counting import (
    ShardTerms,
    TermCounts,
    TermWeights,
    add_counts,
    count_terms,
    join_tables,
    select_terms,
    shard_terms,
    vectors_of,
    weigh_terms,
)
from storyclust.distributed.files import Arrays, write_arrays
from storyclust.distributed.shards import Reader, Shard, digest_of
from storyclust.distributed.stages import About, Stages, finished, save
from storyclust.graph import usual_bounds
from storyclust.grouping import LEAST_SIMILARITY, number_stories
from storyclust.language import common_latin
from storyclust.validate import check_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_ROWS = 50_000  # articles of one block: some 200 MB of vectors and their index
TERMS_AT_ONCE = 1 << 24  # terms of all shards that one worker counts
CROWDED_ROWS = 10_000  # articles with a crowd of neighbours that one worker looks at
SMALL = 1000  # articles that are not worth more than one call
BIN_EDGES = 1 << 22  # edges that one worker groups, unless one component has more
T = TypeVar("T", bound=tuple[Any, ...])


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


def packed(name: str, value: Any) -> dict[str, NDArray[Any]]:
    """Arrays of a named tuple, by names that begin with `name`."""
    return {f"{name}.{field}": values for field, values in value._asdict().items()}


def unpacked(file: Arrays, name: str, kind: type[T]) -> T:
    """Return the named tuple of arrays that was packed."""
    fields: Sequence[str] = kind._fields  # type: ignore[attr-defined]  # of a named tuple
    return kind(*(file[f"{name}.{field}"] for field in fields))


# Vectors ---------------------------------------------------------------------------------------


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
    if about := finished(target):
        return about
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
    counts = count_terms(found, n_parts)
    arrays = {**packed("terms", found), "places": places[own]}
    for part, count in enumerate(counts):
        arrays |= packed(f"count{part}", count)
    present = np.unique(found.groups).tolist()
    return save(target, arrays, {"present": present, "terms": len(found.terms), "taken": taken})


def weigh_part(
    target: str, shards: list[str], part: int, languages: list[str], sizes: NDArray[np.int64]
) -> About:
    """Weigh the terms of one part of their hashes, and answer every shard that has some of them."""
    if about := finished(target):
        return about
    total, waiting, taken = add_counts([]), [], 0
    asked: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
    for address in shards:
        with Arrays(address) as file:
            counts = unpacked(file, f"count{part}", TermCounts)
            asked.append((np.unique(counts.terms), np.array(file.about["present"], np.int64)))
            taken += file.taken
        waiting.append(counts)
        if sum(len(some.terms) for some in waiting) > len(total.terms):
            total, waiting = add_counts([total, *waiting]), []
    table = weigh_terms(add_counts([total, *waiting]), languages, sizes)
    arrays: dict[str, NDArray[Any]] = {}
    for number, (wanted, present) in enumerate(asked):
        arrays |= packed(str(number), select_terms(table, wanted, present))
    return save(target, arrays, {"terms": len(table.terms), "taken": taken})


def vectors_shard(
    target: str, number: int, terms: str, tables: list[str], bounds: NDArray[np.int64]
) -> About:
    """Make the vectors of a shard, dealt into the blocks that their places are in."""
    if about := finished(target):
        return about
    taken, known = 0, []
    for address in tables:
        with Arrays(address) as file:
            known.append(unpacked(file, str(number), TermWeights))
            taken += file.taken
    with Arrays(terms) as file:
        block = vectors_of(unpacked(file, "terms", ShardTerms), join_tables(known), file["places"])
        taken += file.taken
    arrays: dict[str, NDArray[Any]] = {}
    cuts = np.searchsorted(block.places, bounds)
    for b in range(len(bounds) - 1):
        arrays |= packed(str(b), take_rows(block, np.arange(cuts[b], cuts[b + 1])))
    return save(target, arrays, {"taken": taken})


def block_part(target: str, vectors: list[str], number: int, order: str) -> About:
    """Put the vectors of a block together, with an index of rare terms, and those of the samples apart."""
    if about := finished(target):
        return about
    parts, taken = [], 0
    for address in vectors:
        with Arrays(address) as file:
            parts.append(unpacked(file, str(number), Block))
            taken += file.taken
    with Arrays(order) as file:
        samples = unravel(file["samples"], file["samples.bounds"])
        taken += file.taken
    block = join_blocks(parts)
    indexed = index_block(block)
    arrays = packed("block", block)
    arrays |= {f"index.{name}": values for name, values in indexed._asdict().items() if name != "block"}
    for language, places in enumerate(samples):
        arrays |= packed(f"sample{language}", rows_at(block, places))
    return save(target, arrays, {"taken": taken})


def block_of(file: Arrays) -> IndexedBlock:
    """Return the block of a file, with its index."""
    index = [file[f"index.{name}"] for name in IndexedBlock._fields[1:]]
    return IndexedBlock(unpacked(file, "block", Block), *index)


# Edges -----------------------------------------------------------------------------------------


def sample_part(target: str, blocks: list[str], language: int) -> About:
    """Put the sample of a language together."""
    if about := finished(target):
        return about
    parts, taken = [], 0
    for address in blocks:
        with Arrays(address) as file:
            parts.append(unpacked(file, f"sample{language}", Block))
            taken += file.taken
    return save(target, packed("sample", join_blocks(parts)), {"taken": taken})


def strangers_part(target: str, block: str, samples: list[str], sizes: NDArray[np.int64]) -> About:
    """Find what the articles of a block share with strangers."""
    if about := finished(target):
        return about
    compared, taken = [], 0
    for address in samples:
        with Arrays(address) as file:
            compared.append(unpacked(file, "sample", Block))
            taken += file.taken
    with Arrays(block) as file:
        rows = unpacked(file, "block", Block)
        taken += file.taken
    found = strangers_of(rows, compared, sizes)
    return save(target, {"places": rows.places, "strangers": found}, {"taken": taken})


def edges_part(target: str, blocks: list[str], number: int, strangers: str) -> About:
    """Compare the articles of a block with all before them."""
    if about := finished(target):
        return about
    with Arrays(strangers) as file:
        floors, taken = file["strangers"], file.taken
    with Arrays(blocks[number]) as file:
        own = block_of(file)
        taken += file.taken
    merged = find_between(own, own, floors, LEAST_SIMILARITY)
    for address in blocks[:number]:
        with Arrays(address) as file:
            merged = merge_found([merged, find_between(own, block_of(file), floors, LEAST_SIMILARITY)])
            taken += file.taken
    edges = edges_of(merge_found([merged]))
    places, degrees = np.unique(np.concatenate((edges.earlier, edges.later)), return_counts=True)
    arrays = {**packed("edges", edges), "places": places, "degrees": degrees}
    return save(target, arrays, {"edges": len(edges.values), "taken": taken})


def crowd_part(target: str, edges: str, crowded: str) -> About:
    """Find the largest cosines of articles with a crowd of neighbours."""
    if about := finished(target):
        return about
    with Arrays(edges) as file, Arrays(crowded) as of:
        places, cosines = crowd_cosines(unpacked(file, "edges", Edges), of["crowded"])
        taken = file.taken + of.taken
    return save(target, {"places": places, "cosines": cosines}, {"taken": taken})


def floors_part(target: str, crowds: list[str], crowded: str, first: int, last: int, strangers: str) -> About:
    """Raise what some of the crowded articles share with strangers."""
    if about := finished(target):
        return about
    with Arrays(crowded) as of, Arrays(strangers) as file:
        rows, floors = of.part("crowded", first, last), file["strangers"]
        taken = of.taken + file.taken
    parts = []
    for address in crowds:
        with Arrays(address) as file:
            places = file["places"]
            inside = (places >= rows[0]) & (places <= rows[-1])  # in no order
            parts.append((places[inside], file["cosines"][inside]))
            taken += file.taken
    raised = raise_floors(floors, rows, parts)[rows]
    return save(target, {"rows": rows, "floors": raised}, {"taken": taken})


def graph_part(target: str, edges: str, floors: str) -> About:
    """Count edges from what is shared with strangers; and say in few pairs which places they join."""
    if about := finished(target):
        return about
    with Arrays(edges) as file, Arrays(floors) as of:
        found = count_edges(unpacked(file, "edges", Edges), of["strangers"], LEAST_SIMILARITY)
        taken = file.taken + of.taken
    places, ends = np.unique(np.concatenate((found.earlier, found.later)), return_inverse=True)
    one, other = ends.reshape(2, -1)
    pairs = sparse.coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(places), len(places)))
    _, part_of = sparse.csgraph.connected_components(pairs, directed=False)
    _, first = np.unique(part_of, return_index=True)
    arrays = {
        **packed("edges", found),
        "places": places,
        "firsts": places[first[part_of]],
        "roots": places[first],
        "counts": np.bincount(part_of[one], minlength=len(first)),
    }
    return save(target, arrays, {"edges": len(found.values), "taken": taken})


# Groups ----------------------------------------------------------------------------------------


def deal_edges_part(target: str, edges: str, bins: str) -> About:
    """Deal edges into the bins of their components."""
    if about := finished(target):
        return about
    with Arrays(edges) as file, Arrays(bins) as of:
        dealt = Bins(of["bin_of"], of.about["bins"], np.empty(0, np.int64))
        parts = deal_edges(unpacked(file, "edges", Edges), dealt)
        taken = file.taken + of.taken
    bounds = np.append(0, np.cumsum([len(part.values) for part in parts])).astype(np.int64)
    none = Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    whole = Edges(*(np.concatenate(column) for column in zip(none, *parts, strict=True)))
    return save(target, {**packed("edges", whole), "bounds": bounds}, {"taken": taken})


def cluster_part(target: str, dealt: list[str], number: int, order: str, settings: StorySettings) -> About:
    """Find the events and threads of a bin."""
    if about := finished(target):
        return about
    parts, taken = [], 0
    for address in dealt:
        with Arrays(address) as file:
            start, stop = file.rows("bounds", np.array([number, number + 1])).tolist()
            parts.append(Edges(*(file.part(f"edges.{name}", start, stop) for name in Edges._fields)))
            taken += file.taken
    with Arrays(order) as file:
        seconds = file["seconds"]
        taken += file.taken
    labels = cluster_bin(parts, seconds, settings.event_distance, settings.window, settings.thread_distance)
    return save(target, packed("labels", labels), {"taken": taken})


# All of them -----------------------------------------------------------------------------------


class Told(NamedTuple):
    """Events and threads of every article of a corpus, and how much one worker had to group alone."""

    events: NDArray[np.int64]
    threads: NDArray[np.int64]
    giants: list[int]  # edges of components that were too large to share a bin


class _Order(NamedTuple):
    """Independent articles in their order."""

    address: str
    place: NDArray[np.int64]  # of every article, -1 for a copy
    seconds: NDArray[np.float64]  # of every article
    languages: list[str]
    sizes: NDArray[np.int64]  # independent articles of each language
    n: int


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
    blocks = _blocks(shards, source, order, stages)
    edges = _edges(blocks, order, stages)
    events, threads, giants = _groups(edges, order, settings, stages)
    place = order.place[copies.kept]
    threads, events = number_stories(threads[place], events[place], order.seconds)
    return Told(events, threads, giants)


def _put_in_order(copies: Copies) -> _Order:
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
    return _Order(address, place, seconds, languages, sizes, len(kept))


def _number(name: str, languages: list[str]) -> int:
    return languages.index(name) if name in languages else -1


def _blocks(shards: Sequence[Shard], source: Input, order: _Order, stages: Stages) -> list[str]:
    """Make vectors of all independent articles, in blocks of their order."""
    runner, width = stages.runner, stages.runner.width
    n_parts = max(width, 200 * order.n // TERMS_AT_ONCE) if order.n > SMALL else 1
    calls = {
        f"{n_parts}-{k}": (k, shard, source, stages.corpus, order.address, order.languages, n_parts)
        for k, shard in enumerate(shards)
    }
    terms = stages.each("terms", terms_shard, calls)
    shared = runner.share(terms)
    parts = {f"{n_parts}-{p}": (shared, p, order.languages, order.sizes) for p in range(n_parts)}
    tables = stages.each("weights", weigh_part, parts)
    n_blocks = max(-(-order.n // BLOCK_ROWS), min(2 * width, order.n // 2000), 1)
    bounds = np.linspace(0, order.n, n_blocks + 1).astype(np.int64)
    shared = runner.share(tables)
    vectors = stages.each(
        "vectors",
        vectors_shard,
        {f"{n_blocks}-{k}": (k, address, shared, bounds) for k, address in enumerate(terms)},
    )
    shared = runner.share(vectors)
    return stages.each(
        "blocks", block_part, {f"{n_blocks}-{b}": (shared, b, order.address) for b in range(n_blocks)}
    )


def _edges(blocks: list[str], order: _Order, stages: Stages) -> list[str]:
    """Compare all blocks; returns where the edges of the graph are."""
    runner, n_blocks = stages.runner, len(blocks)
    shared = runner.share(blocks)
    marks = [f"{n_blocks}-{b}" for b in range(n_blocks)]
    sample_calls = {str(k): (shared, k) for k in range(len(order.languages))}
    samples = runner.share(stages.each("samples", sample_part, sample_calls))
    calls = {mark: (block, samples, order.sizes) for mark, block in zip(marks, blocks, strict=True)}
    strangers = np.empty(order.n)
    for address in stages.each("strangers", strangers_part, calls):
        with Arrays(address) as file:
            strangers[file["places"]] = file["strangers"]
    floors = stages.at("strangers")
    write_arrays(floors, {"strangers": strangers})
    # Later blocks have more before them: the longest calls are begun first.
    late_first = {marks[b]: (shared, b, floors) for b in reversed(range(n_blocks))}
    found = stages.each("similarities", edges_part, late_first)
    floors = _raise_floors(found, strangers, floors, stages)
    return stages.each("edges", graph_part, {_mark(address): (address, floors) for address in found})


def _mark(address: str) -> str:
    """What ends the name of a stage's file."""
    return "-".join(address.split("-")[-2:])


def _raise_floors(found: list[str], strangers: NDArray[np.float64], floors: str, stages: Stages) -> str:
    """Where articles have a crowd of neighbours, count from the last of them."""
    degrees = np.zeros(len(strangers), np.int32)
    for address in found:
        with Arrays(address) as file:
            degrees[file["places"]] += file["degrees"].astype(np.int32)
    crowded = np.flatnonzero(degrees > usual_bounds().crowd)
    if not len(crowded):
        return floors
    crowd = stages.at("crowd")
    write_arrays(crowd, {"crowded": crowded})
    shared = stages.runner.share(stages.each("crowds", crowd_part, {_mark(a): (a, crowd) for a in found}))
    cuts = [*range(0, len(crowded), CROWDED_ROWS), len(crowded)]
    calls = {f"{a}-{b}": (shared, crowd, a, b, floors) for a, b in pairwise(cuts)}
    raised = strangers.copy()
    for address in stages.each("floors", floors_part, calls):
        with Arrays(address) as file:
            raised[file["rows"]] = file["floors"]
    target = stages.at("raised")
    write_arrays(target, {"strangers": raised})
    return target


def _groups(
    edges: list[str], order: _Order, settings: StorySettings, stages: Stages
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Group independent articles; returns their events and threads, and the edges of giant components."""
    parent = np.arange(order.n)
    for address in edges:
        with Arrays(address) as file:
            join_edges(parent, Edges(file["firsts"], file["places"], np.empty(0)))
    component = component_of(parent)
    counts = np.zeros(int(component.max(initial=-1)) + 1, np.int64)
    for address in edges:
        with Arrays(address) as file:
            np.add.at(counts, component[file["roots"]], file["counts"])
    most = min(BIN_EDGES, int(counts.sum()) // (2 * stages.runner.width))
    bins = pack_bins(component, counts, max(most, 1))
    giants = counts[counts > BIN_EDGES].tolist()
    address = stages.at(f"threads-{bins.n_bins}")
    write_arrays(address, {"bin_of": bins.bin_of}, {"bins": bins.n_bins})
    dealt = stages.each(
        "dealing", deal_edges_part, {f"{bins.n_bins}-{_mark(part)}": (part, address) for part in edges}
    )
    shared = stages.runner.share(dealt)
    mark = digest_of(settings)
    calls = {f"{mark}-{bins.n_bins}-{b}": (shared, b, order.address, settings) for b in range(bins.n_bins)}
    labels = []
    for part in stages.each("stories", cluster_part, calls):
        with Arrays(part) as file:
            labels.append(unpacked(file, "labels", BinLabels))
    events, threads = join_labels(order.n, labels)
    return events, threads, giants
