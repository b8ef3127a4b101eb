"""Labelled shards: each shard is read again and written with its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import ArrayFile
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.corpus import Corpus, SketchReader, read_renamed
from storyclust.distributed.files import join_address, read_json, write_json
from storyclust.distributed.shards import Reader, Shard, sha256_of, with_corpus_ids, write_shard
from storyclust.io.writing import labelled_record

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = dict[str, Any]


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
    number: int,
    shard: Shard,
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
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    begin, end = corpus.offsets[number : number + 2].tolist()
    entry: Entry = {"input": shard.address, "output": None, "articles": end - begin, "sha256": None}
    with SketchReader(corpus) as sketches, ArrayFile(files.labels) as file:
        set_aside = sketches[number].metadata["set_aside"]
        columns = {name: file.read(name, begin, end) for name in file.layout}
        originals = columns.pop("kept")
        copies = np.flatnonzero(originals != np.arange(begin, end))
        original_ids = sketches.ids(originals[copies], files.renamed)
        renamed = read_renamed(files.renamed, np.arange(begin, end))
    if not set_aside:
        copy_of = dict(zip(copies.tolist(), original_ids, strict=True))
        articles = with_corpus_ids(reader, begin, renamed)

        def records() -> Iterator[dict[str, Any]]:
            for row, article in enumerate(articles):
                if row >= end - begin:
                    raise shard.changed_error()
                added = {"duplicate_of": copy_of.get(row)}
                added |= {name: values[row].item() for name, values in columns.items()}
                yield labelled_record(article.to_record(), added)

        written = write_shard(join_address(output, shard.output), records())
        if written.records != end - begin:
            raise shard.changed_error()
        entry |= {"output": shard.output, "sha256": written.sha256, "bytes": written.bytes}
    write_json(done, entry)
    return entry
