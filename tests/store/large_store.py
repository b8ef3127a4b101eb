"""Stores of any size that are kept as large ones, and what has to agree in them."""

import numpy as np

from storyclust.store.group_reading import all_threads, read_scales, read_threads
from storyclust.store.index_files import IndexFiles
from storyclust.store.transactions import reading
from storyclust.store.working_set import load

LARGE_STORE = {  # of any size; and every row is saved, large arrays being small
    "index_tables.YOUNG": -1,
    "store.UNSAVED_AT_CLOSE": 0,
    "store.UNSAVED_IN_SESSION": 20,
    "index_files.LARGE": 500,
}


def patch_all(patch, **constants):
    for name, value in {**LARGE_STORE, **constants}.items():
        patch.setattr(f"storyclust.store.{name}", value)


def read_whole(connection, memory):
    """Read all events, threads and scales."""
    index = memory.article_index
    read_threads(connection, index, memory.structure, all_threads(connection))
    read_scales(connection, index, list(memory.row_of))


def contents_of(memory):
    """All that is known of each article, and what every later batch depends on."""
    index, structure = memory.article_index, memory.structure
    rows = np.sort(np.array(list(memory.row_of.values()), np.int64))
    columns = (index.numbers, index.times, index.events, index.scales.counts, index.scales.sums, index.marks)
    found = {"order": [column.values[rows].tobytes() for column in columns]}
    found["keys"] = index.key_counts.values[rows].tolist()
    found["background"] = index.null_similarity(rows).tobytes()
    for groups in (structure.events, structure.threads):
        found[groups is structure.events] = groups.sizes, groups.spans, groups.latest, groups.next_id
    found["thread_of"] = structure.thread_of, structure.events_of
    for name, own in index.by_language().items():
        if not own.n_kept:
            continue
        kept = np.flatnonzero(~own.removed.values)
        terms = np.unique(own.held.of(kept).terms)
        sample = own.sample
        found[name] = (
            own.n_kept, own.n_weighed, own.n_measured, own.factors.values[kept].tobytes(),
            own.held.of(kept).terms.tobytes(), own.heads.values[kept].tolist(), own.counts(terms).tolist(),
            sample.terms.tobytes(), [part.tobytes() for part in sample.rows], sample.sample.places.tolist(),
        )  # fmt: skip
    return found


def same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert value == other[name], name


def agrees(store):
    """The rows saved, after comparing what is in memory, in the files and in the tables."""
    connection = store._connection
    with reading(connection):
        tables = load(connection, store.settings)
        files = load(connection, store.settings, IndexFiles(store.path))
        for memory in (tables, files):
            read_whole(connection, memory)
        same(contents_of(files), contents_of(tables))
        kept = store._memory
        if kept and kept.generation == tables.generation:
            read_whole(connection, kept)
            same(contents_of(kept), contents_of(tables))
    return files.n_saved
