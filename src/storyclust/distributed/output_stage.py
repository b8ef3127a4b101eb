"""Labelled shards: each shard is read again and written with its labels."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import ArrayFile
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import Reading
from storyclust.distributed.corpus import Corpus, SketchReader, read_renamed
from storyclust.distributed.files import join_address, read_json, write_json
from storyclust.distributed.shards import Reader, sha256_of, with_corpus_ids, write_shard
from storyclust.io.writing import labelled_record

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = dict[str, Any]
ROWS_AT_ONCE = 50_000  # labels that are held


class LabelFiles(NamedTuple):
    """Addresses of the labels of all articles."""

    labels: str  # arrays `kept` and, for stories, `event` and `thread`
    renamed: str


def entry_holds(output: str, entry: Entry | None) -> bool:
    """Tell whether the labelled shard of a manifest entry exists and is unchanged."""
    if entry is None or entry.get("output") is None:
        return False
    return bool(sha256_of(join_address(output, entry["output"])) == entry["sha256"])


def label_shard(
    done: str,
    output: str,
    reading: Reading,
    source: Input,
    corpus: Corpus,
    files: LabelFiles,
    before: Entry | None = None,
) -> Entry:
    """Write a shard with its labels; returns its manifest entry.

    The entry is kept at the address `done` until all shards have one; `before` is that of an earlier run.
    """
    for known in (read_json(done), before):
        if known is not None and (known["output"] is None or entry_holds(output, known)):
            write_json(done, known)
            return dict(known)
    shard, begin, end = reading.shard, reading.begin, reading.end
    entry: Entry = {"input": shard.address, "output": None, "articles": end - begin, "sha256": None}
    if not reading.metadata["set_aside"]:
        reader = Reader(shard, source.fields, forgiving=source.forgiving)
        with SketchReader(corpus) as sketches, ArrayFile(files.labels) as labels:
            labelled = _labelled(reader, reading, sketches, labels, files.renamed)
            written = write_shard(join_address(output, shard.output), labelled)
        if written.records != end - begin:
            raise shard.changed_error()
        entry |= {"output": shard.output, "sha256": written.sha256, "bytes": written.bytes}
    write_json(done, entry)
    return entry


def _labelled(
    reader: Reader, reading: Reading, sketches: SketchReader, labels: ArrayFile, renamed: str
) -> Iterator[dict[str, Any]]:
    """Yield the records of a shard with their labels, of which a few are held at once."""
    articles = iter(reader)
    for begin in range(reading.begin, reading.end, ROWS_AT_ONCE):
        end = min(begin + ROWS_AT_ONCE, reading.end)
        columns = {name: labels.read(name, begin, end) for name in labels.layout}
        originals = columns.pop("kept")
        copies = np.flatnonzero(originals != np.arange(begin, end))
        copy_of = dict(zip(copies.tolist(), sketches.ids(originals[copies], renamed), strict=True))
        new_ids = read_renamed(renamed, np.arange(begin, end))
        for row, article in enumerate(with_corpus_ids(islice(articles, end - begin), begin, new_ids)):
            added = {"duplicate_of": copy_of.get(row)}
            added |= {name: values[row].item() for name, values in columns.items()}
            yield labelled_record(article.to_record(), added)
    if next(articles, None) is not None:
        raise reading.shard.changed_error()
