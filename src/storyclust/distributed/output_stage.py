"""Labels back to the shards: each is read again and written with its labels, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.copy_parts import Input
from storyclust.distributed.corpus import Corpus, Sketches, renamed_among
from storyclust.distributed.files import Arrays, joined, read_json, write_json
from storyclust.distributed.shards import Reader, Shard, hash_of, named, write_shard
from storyclust.io.writing import labelled_record

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = dict[str, Any]


class Labels(NamedTuple):
    """Where labels are: files with one number for each article of the corpus."""

    address: str  # `kept` and, where stories were asked for, `event` and `thread`
    renamed: str


def entry_holds(output: str, entry: Entry | None) -> bool:
    """Tell whether the labelled shard that a manifest speaks of is there, whole and unchanged."""
    if entry is None or entry.get("output") is None:
        return False
    return bool(hash_of(joined(output, entry["output"])) == entry["sha256"])


def label_shard(
    done: str,
    output: str,
    number: int,
    shard: Shard,
    source: Input,
    corpus: Corpus,
    labels: Labels,
    before: Entry | None = None,
) -> Entry:
    """Write a shard with its labels; returns its line in the manifest.

    `done` is where that line is kept until all shards have one; `before` is that of an earlier run.
    """
    for known in (read_json(done), before):
        if known is not None and (known["output"] is None or entry_holds(output, known)):
            write_json(done, known)
            return dict(known)
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    begin, end = corpus.offsets[number : number + 2].tolist()
    entry: Entry = {"input": shard.address, "output": None, "articles": end - begin, "sha256": None}
    with Sketches(corpus) as sketches, Arrays(labels.address) as file:
        set_aside = sketches[number].about["set_aside"]
        columns = {name: file.part(name, begin, end) for name in file.places}
        originals = columns.pop("kept")
        copies = np.flatnonzero(originals != np.arange(begin, end))
        names = sketches.names(originals[copies], labels.renamed)
        renamed = renamed_among(labels.renamed, np.arange(begin, end))
    if not set_aside:
        copy_of = dict(zip(copies.tolist(), names, strict=True))
        articles = named(reader, begin, renamed)

        def records() -> Iterator[dict[str, Any]]:
            for row, article in enumerate(articles):
                if row >= end - begin:
                    raise shard.changed_error()
                added = {"duplicate_of": copy_of.get(row)}
                added |= {name: values[row].item() for name, values in columns.items()}
                yield labelled_record(article.to_record(), added)

        written = write_shard(joined(output, shard.output), records())
        if written.records != end - begin:
            raise shard.changed_error()
        entry |= {"output": shard.output, "sha256": written.sha256, "bytes": written.bytes}
    write_json(done, entry)
    return entry
