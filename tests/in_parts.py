"""Stories made of parts, by the pure functions of `storyclust.distributed`, as an engine would call them."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from storyclust import graph
from storyclust.central import by_fingerprint, seconds_of
from storyclust.distributed.blocks import (
    count_edges,
    crowd_cosines,
    degrees_of,
    edges_of,
    find_between,
    index_block,
    join_blocks,
    merge_found,
    raise_floors,
    rows_at,
    sample_places,
    split_block,
    strangers_of,
)
from storyclust.distributed.components import (
    cluster_bin,
    component_of,
    deal_edges,
    edges_per_component,
    join_edges,
    join_labels,
    pack_bins,
)
from storyclust.distributed.counting import (
    add_counts,
    count_terms,
    join_tables,
    select_terms,
    shard_terms,
    vectors_of,
    wanted_terms,
    weigh_terms,
)
from storyclust.grouping import LEAST_SIMILARITY, number_stories
from storyclust.language import common_latin, name_languages


class Cut(NamedTuple):
    """How a corpus is cut."""

    bounds: list  # where shards begin and end
    partitions: int = 1
    block_rows: int = 10_000  # at most
    together: bool = True  # whether blocks are cut from all rows, or each from a shard's
    fold: bool = False  # whether sums are added up as they come
    bin_edges: int = 1 << 40


class Parts(NamedTuple):
    """What comes out."""

    languages: list
    table: object
    vectors: object
    strangers: np.ndarray
    edges: list
    labels: np.ndarray
    event_labels: np.ndarray
    giants: int


def in_parts(articles, dedup, cut, distances=(0.89, 7.0, 0.96)):
    """Group articles, of which copies are known, part by part."""
    kept = by_fingerprint(dedup.fingerprints_, np.flatnonzero(dedup.keep_))
    place = np.full(len(articles), -1, np.int64)
    place[kept] = np.arange(len(kept))
    shards = [range(start, stop) for start, stop in zip(cut.bounds, cut.bounds[1:], strict=False)]
    own = [[row for row in shard if place[row] >= 0] for shard in shards]
    languages, groups, blocks, table = vectors_from(articles, own, place, cut)
    n = len(kept)
    group_of = np.empty(n, np.int64)
    for rows, numbers in zip(own, groups, strict=True):
        group_of[place[rows]] = numbers
    if cut.together:
        blocks = [join_blocks(blocks)]
    blocks = [part for block in blocks for part in split_block(block, cut.block_rows)] or blocks[:1]
    strangers = floors_of(blocks, group_of, len(languages), n)
    edges = edges_between(blocks, strangers, n)
    seconds = seconds_of(articles)
    events, threads, giants = grouped(edges, seconds[kept], n, cut, distances)
    place = place[dedup.representatives_]
    labels, event_labels = number_stories(threads[place], events[place], seconds)
    vectors = join_blocks(blocks)
    return Parts(languages, table, vectors, strangers, edges, labels, event_labels, giants)


def vectors_from(articles, own, place, cut):
    """Languages, those of each shard, its vectors, and all there is to know about terms."""
    raw = [name_languages([articles[row] for row in rows]) for rows in own]
    common = common_latin(sum((Counter(names) for names in raw), Counter()))
    named = [[name or common for name in names] for names in raw]
    languages = sorted({name for names in named for name in names})
    groups = [np.array([languages.index(name) for name in names], np.int64) for names in named]
    sizes = np.bincount(np.concatenate(groups), minlength=len(languages))
    shards = [
        shard_terms([articles[row] for row in rows], numbers, languages)
        for rows, numbers in zip(own, groups, strict=True)
    ]
    counts = [count_terms(shard, cut.partitions) for shard in shards]
    tables = []
    for k in range(cut.partitions):
        total = add_counts([])
        parts = [count[k] for count in counts]
        if cut.fold:
            for part in parts:
                total = add_counts([total, part])
        else:
            total = add_counts(parts)
        tables.append(weigh_terms(total, languages, sizes))
    blocks = []
    for shard, rows in zip(shards, own, strict=True):
        wanted = wanted_terms(shard, cut.partitions)
        present = np.unique(shard.groups)
        known = join_tables([select_terms(*pair, present) for pair in zip(tables, wanted, strict=True)])
        blocks.append(vectors_of(shard, known, place[rows]))
    return languages, groups, blocks, join_tables(tables)


def floors_of(blocks, group_of, n_languages, n):
    """What each row shares with strangers."""
    samples = [
        join_blocks([rows_at(block, places) for block in blocks]) for places in sample_places(group_of)
    ]
    sizes = np.bincount(group_of, minlength=n_languages)
    strangers = np.full(n, np.nan)
    for block in blocks:
        strangers[block.places] = strangers_of(block, samples, sizes)
    return strangers


def edges_between(blocks, strangers, n, least=LEAST_SIMILARITY):
    """Edges of the graph, those of each block with earlier rows."""
    indexed = [index_block(block) for block in blocks]
    edges = []
    for number, one in enumerate(indexed):
        parts = [find_between(one, other, strangers, least) for other in indexed]
        if number % 2:  # merged as they come
            merged = parts[0]
            for part in parts[1:]:
                merged = merge_found([merged, part])
            parts = [merged]
        edges.append(edges_of(merge_found(parts)))
    degrees = sum(degrees_of(part, n) for part in edges)
    crowded = np.flatnonzero(degrees > graph.CROWD)
    floors = strangers
    if len(crowded):
        floors = raise_floors(strangers, crowded, [crowd_cosines(part, crowded) for part in edges])
    return [count_edges(part, floors, least) for part in edges]


def grouped(edges, seconds, n, cut, distances):
    """Events and threads of the rows, and how many components overfill a bin."""
    parent = np.arange(n)
    for part in edges:
        join_edges(parent, part)
    component = component_of(parent)
    n_components = int(component.max(initial=-1)) + 1
    counts = sum(edges_per_component(part, component, n_components) for part in edges)
    bins = pack_bins(component, counts, cut.bin_edges)
    dealt = [deal_edges(part, bins) for part in edges]
    labels = [cluster_bin([part[k] for part in dealt], seconds, *distances) for k in range(bins.n_bins)]
    return *join_labels(n, labels), len(bins.giants)
