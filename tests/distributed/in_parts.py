"""Stories made of parts, by the pure functions of `storyclust.distributed`, as an engine would call them."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from scipy import sparse

from storyclust.articles.ordering import DAY, fingerprint_order, seconds_of
from storyclust.cluster import graph
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.local_scaling import scaled_similarity
from storyclust.distributed.block_search import (
    Edges,
    count_edges,
    crowd_cosines,
    crowd_floors,
    find_between,
    index_block,
    mark_block,
    merge_found,
    pairs_of,
)
from storyclust.distributed.blocks import background_of_block, join_blocks, rows_at, sample_places, take_rows
from storyclust.distributed.columns import degrees_of, numbers_in, some_of
from storyclust.distributed.linkage import (
    add_degrees,
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
from storyclust.distributed.scale_stage import nearest_of, scales_of
from storyclust.distributed.term_counts import (
    add_counts,
    count_terms,
    distinct_terms,
    join_tables,
    select_terms,
    shard_terms,
    vectors_of,
    weigh_terms,
)
from storyclust.stories.estimators import StoryClusterer
from storyclust.stories.grouping import (
    LEAST_SIMILARITY,
    event_similarity,
    least_similarities,
    number_stories,
    prepare,
)
from storyclust.text.background import Background
from storyclust.text.furniture import SAMPLE, WHOLE_SAMPLE, Furniture, sample_of, without_spans
from storyclust.text.language import common_latin, name_languages


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
    null_similarity: np.ndarray
    edges: list
    labels: np.ndarray
    event_labels: np.ndarray
    giants: int


def in_parts(articles, dedup, cut, distances=(0.92, 7.0, 0.96)):
    """Group articles, of which copies are known, part by part."""
    kept = fingerprint_order(dedup.fingerprints_, np.flatnonzero(dedup.keep_))
    place = np.full(len(articles), -1, np.int64)
    place[kept] = np.arange(len(kept))
    shards = [range(start, stop) for start, stop in zip(cut.bounds, cut.bounds[1:], strict=False)]
    own = [[row for row in shard if place[row] >= 0] for shard in shards]
    languages, groups, blocks, table = vectors_from(without_furniture(articles, own), own, place, cut)
    n = len(kept)
    group_of = np.empty(n, np.int64)
    for rows, numbers in zip(own, groups, strict=True):
        group_of[place[rows]] = numbers
    if cut.together:
        blocks = [join_blocks(blocks)]
    blocks = [part for block in blocks for part in split_block(block, cut.block_rows)] or blocks[:1]
    frozen(blocks)
    null_similarity = floors_of(blocks, group_of, len(languages), n)
    background, sizes = Background.load("english"), np.bincount(group_of, minlength=len(languages))
    strong = least_similarities(background, languages, sizes)[group_of]
    edges = edges_between(blocks, null_similarity, n, strong=strong)
    seconds = seconds_of(articles)
    events, threads, giants = grouped(edges, seconds[kept], n, cut, distances)
    place = place[dedup.representatives_]
    labels, event_labels = number_stories(threads[place], events[place], seconds)
    vectors = join_blocks(blocks)
    return Parts(languages, table, vectors, null_similarity, edges, labels, event_labels, giants)


def split_block(block, most_rows):
    """Split a block to ones of so many rows at most."""
    rows = np.arange(len(block.places))
    return [take_rows(block, rows[start : start + most_rows]) for start in range(0, len(rows), most_rows)]


def frozen(made):
    """What is made, with arrays that cannot be written to: so they come out of an object store."""
    for value in made if isinstance(made, (tuple, list)) else ():
        frozen(value)
    if isinstance(made, np.ndarray):
        made.flags.writeable = False
    return made


def without_furniture(articles, own):
    """Articles without page furniture: what recurs is learnt from samples of the shards."""
    sampled = []
    for rows in own:
        texts = {}
        for row in rows:
            texts.setdefault(articles[row].source or "", []).append(articles[row].text)
        of_all = sample_of([text for each in texts.values() for text in each], WHOLE_SAMPLE)
        sampled.append(({name: sample_of(each, SAMPLE) for name, each in texts.items()}, of_all))
    names = {name for samples, _ in sampled for name in samples if name}
    samples = {
        name: sample_of([text for each, _ in sampled for text in each.get(name, [])], SAMPLE)
        for name in names
    }
    whole = sample_of([text for _, of_all in sampled for text in of_all], WHOLE_SAMPLE)
    furniture = Furniture.learn(samples, whole)
    clean = list(articles)
    for rows in own:
        chosen = [articles[row] for row in rows]
        for row, article in zip(rows, without_spans(chosen, furniture.spans(chosen)), strict=True):
            clean[row] = article
    return clean


def vectors_from(articles, own, place, cut):
    """Languages, those of each shard, its vectors, and all there is to know about terms."""
    raw = [name_languages([articles[row] for row in rows]) for rows in own]
    common = common_latin(sum((Counter(names) for names in raw), Counter()))
    named = [[name or common for name in names] for names in raw]
    languages = sorted({name for names in named for name in names})
    groups = [np.array([languages.index(name) for name in names], np.int64) for names in named]
    sizes = np.bincount(np.concatenate(groups), minlength=len(languages))
    shards = [
        frozen(shard_terms([articles[row] for row in rows], numbers, languages))
        for rows, numbers in zip(own, groups, strict=True)
    ]
    counts = [frozen(count_terms(shard, cut.partitions)) for shard in shards]
    tables = []
    for k in range(cut.partitions):
        total = add_counts([])
        parts = [count[k] for count in counts]
        if cut.fold:
            for part in parts:
                total = add_counts([total, part])
        else:
            total = add_counts(parts)
        tables.append(frozen(weigh_terms(total, languages, sizes)))
    blocks = []
    for shard, count, rows in zip(shards, counts, own, strict=True):
        wanted = [distinct_terms(part) for part in count]
        present = np.unique(shard.groups)
        known = [frozen(select_terms(*pair, present)) for pair in zip(tables, wanted, strict=True)]
        blocks.append(frozen(vectors_of(shard, join_tables(known), place[rows])))
    return languages, groups, blocks, join_tables(tables)


def floors_of(blocks, group_of, n_languages, n):
    """Background similarity of each row."""
    wanted = sample_places(group_of)
    samples = {
        language: frozen(join_blocks([rows_at(block, places) for block in blocks]))
        for language, places in enumerate(wanted)
    }
    sizes = np.bincount(group_of, minlength=n_languages)
    null_similarity = np.full(n, np.nan)
    for block in blocks:
        null_similarity[block.places] = background_of_block(block, samples, sizes)
    return null_similarity


def edges_between(blocks, null_similarity, n, least=LEAST_SIMILARITY, strong=None):
    """Edges of the graph, those of each block with earlier rows."""
    strong = np.full(n, least) if strong is None else strong
    few = np.flatnonzero(strong > least)
    marked = [frozen(mark_block(block, null_similarity[block.places])) for block in blocks]
    pairs = []
    for number, one in enumerate(marked):
        parts = [
            find_between(one, other, numbers_in(other.terms, one.terms), least)
            for other in map(index_block, marked)
        ]
        if number % 2:  # merged as they come
            merged = parts[0]
            for part in parts[1:]:
                merged = merge_found([merged, part])
            parts = [merged]
        pairs.append(frozen(pairs_of(merge_found(parts))))
    degrees = np.zeros(n, np.int64)
    for part in pairs:
        places, counts = degrees_of(part.earlier, part.later)
        degrees[places] += counts
    crowded = np.flatnonzero(degrees > graph.MAX_NEIGHBORS)
    floors = np.empty(0)
    if len(crowded):
        floors = crowd_floors(crowded, [crowd_cosines(part, crowded) for part in pairs])
    return [frozen(count_edges(part, crowded, floors, few, strong[few], least)) for part in pairs]


def grouped(edges, seconds, n, cut, distances):
    """Events and threads of the rows, and how many components are too large for a bin."""
    event_distance, window, thread_distance = distances
    days = seconds / DAY
    timed = [
        part._replace(values=event_similarity(part.values, np.abs(days[part.earlier] - days[part.later])))
        for part in edges
    ]
    events, giants = linked(timed, np.arange(n), days, event_distance, window, cut)
    bounds = np.array([0, n])
    scales = scales_of([nearest_of(part, bounds)[0] for part in edges], 0, n)
    scaled = [
        part._replace(values=scaled_similarity(part.values, scales[part.earlier], scales[part.later]))
        for part in edges
    ]
    threads, more = linked([contracted(scaled, events)], events, seconds / DAY, thread_distance, np.inf, cut)
    return *(np.unique(labels, return_inverse=True)[1] for labels in (events, threads)), giants + more


def linked(edges, cluster, days, distance, window, cut):
    """Clusters by average linkage, level by level, and how many components are too large for a bin."""
    n, giants = len(days), None
    while True:
        nodes = frozen(nodes_of(cluster, days))
        near, forests, degrees = [], [], []
        for part in edges:
            ends = [some_of(nodes, at) for at in part[:2]]
            earlier, later, values = close = some_of(part, within_window(*ends, window))
            averages = values / (nodes.sizes[earlier].astype(float) * nodes.sizes[later])
            high = averages > 1 - distance
            near.append(close)
            forests.append(spanning_forest(earlier[high], later[high], averages[high]))
            degrees.append(degrees_of(earlier, later))
        forest = spanning_forest(*(np.concatenate(column) for column in zip(*forests, strict=True)))
        degrees = add_degrees(degrees)
        if giants is None:
            giants = len(oversized_components(forest, degrees, n, cut.bin_edges))
        level = choose_level(forest, degrees, n, cut.bin_edges, distance)
        bins = pack_bins(level.component, degrees, cut.bin_edges)
        into = np.arange(n)
        whole = joined(near)
        homes = bins.bin_of[whole.earlier]
        inside = (homes == bins.bin_of[whole.later]) & (homes >= 0)
        dealt = partition_edges(some_of(whole, inside), homes[inside], bins.n_bins) if bins.n_bins else []
        for number, part in enumerate(dealt):
            rows = np.flatnonzero(bins.bin_of == number)
            moved = merge_bin(part, rows, some_of(nodes, rows), level.distance, window)
            into[moved.nodes] = moved.into
        cluster = into[cluster]
        if level.last:
            return cluster, giants
        edges = [contracted(edges, cluster)]


def contracted(edges, cluster):
    """Edges between clusters, those of one pair together, as where they are dealt by the later one."""
    whole = joined(edges)
    return frozen(contract(whole, cluster[whole.earlier], cluster[whole.later]))


def joined(edges):
    """Edges of all parts."""
    return Edges(*(np.concatenate(column) for column in zip(*edges, strict=True)))


def graph_of(parts):
    """Places of the rows that have edges, ascending, and their graph as `similarity_graph` has it."""
    earlier, later, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    places = np.unique(np.concatenate((earlier, later)))
    n = len(places)
    earlier, later = np.searchsorted(places, earlier), np.searchsorted(places, later)
    order = np.argsort(later, kind="stable")
    arrays = graph.symmetric_csr(earlier[order], later[order], values[order], n)
    return places, sparse.csr_array(graph.compressed_rows(*arrays, (n, n)))


def compare(articles, cut, **settings):
    """Group articles part by part and at once; returns the parts, and the names of arrays that differ."""
    stories = StoryClusterer(**settings).fit(articles)
    ready = prepare(articles, stories.copy_threshold)
    window = np.inf if stories.event_window is None else stories.event_window
    distances = (stories.event_distance, window, stories.thread_distance)
    parts = in_parts(articles, ready.deduplicator, cut, distances)
    vectorizer, vectors, table = ready.vectorizer, parts.vectors, parts.table
    places, graph_found = graph_of(parts.edges)
    pairs = {
        "vocabulary": (table.terms, vectorizer.vocabulary_),
        "document frequencies": (table.df, vectorizer.df_),
        "weights": (table.idf, vectorizer.idf_),
        "lengths of vectors": (np.diff(vectors.indptr), np.diff(ready.vectors.indptr)),
        "columns": (np.searchsorted(table.terms, vectors.terms)[vectors.indices], ready.vectors.indices),
        "values": (vectors.data, ready.vectors.data),
        "background similarities": (
            parts.null_similarity,
            background_similarity(ready.vectors, vectorizer.groups_),
        ),
        "rows of edges": (np.repeat(places, np.diff(graph_found.indptr)), ready.graph.nonzero()[0]),
        "neighbours": (places[graph_found.indices], ready.graph.indices),
        "similarities": (graph_found.data, ready.graph.data),
        "threads": (parts.labels, stories.labels_),
        "events": (parts.event_labels, stories.event_labels_),
    }
    differing = [name for name, pair in pairs.items() if not same(*pair)]
    if parts.languages != vectorizer.languages_:
        differing.append("languages")
    return parts, differing


def same(one, other):
    """Whether two arrays are equal to the last bit; integers may be wider."""
    return np.array_equal(one, other) and one.astype(other.dtype).tobytes() == other.tobytes()
