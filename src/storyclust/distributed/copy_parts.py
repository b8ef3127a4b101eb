"""Stage functions that find copies: each reads files of arrays and writes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import ArrayFile, pack_ragged, pack_texts, split_ragged
from storyclust.distributed.corpus import Corpus, SketchReader
from storyclust.distributed.pair_verification import (
    BandCandidates,
    BinArticles,
    choose_representatives,
    find_repeated_texts,
    pair_band,
    verify_pairs,
)
from storyclust.distributed.shards import Reader, Shard, resolve_ids, write_shard
from storyclust.distributed.sketching import (
    BUCKET_SHIFT,
    BUCKETS,
    CopySettings,
    hash_numbers,
    sketch_articles,
)
from storyclust.distributed.stages import Metadata, save

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTS = (  # of a ReadReport
    *("read", "kept", "undated", "dates", "bad_dates", "first_bad_date"),
    *("html", "entities", "mended"),
)


class Input(NamedTuple):
    """How shards are read."""

    fields: dict[str, str] | None = None
    forgiving: bool = False  # set aside shards that cannot be read
    stories: bool = False  # sketches hold dates and languages, too


def sketch_shard(target: str, shard: Shard, source: Input, settings: CopySettings) -> Metadata:
    """Read a shard and write its sketch."""
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    sketch = sketch_articles(reader, settings, stories=source.stories)
    write_rejects(target, reader)
    try:
        metadata = {
            "articles": len(sketch.arrays["fingerprints"]),
            "texts": len(sketch.texts),
            "languages": sketch.languages,
            **reading_metadata(reader),
        }
        tail = ("shingles", int(sketch.arrays["bounds"][-1]), sketch.shingles())
        return save(target, sketch.arrays, metadata, tail=tail)
    finally:
        sketch.shelf.close()


def write_rejects(target: str, reader: Reader) -> None:
    """Write what a reader has rejected, if anything, beside the file of its call."""
    if rejects := reader.report.rejects:
        write_shard(rejects_address(target), map(asdict, rejects))


def rejects_address(target: str) -> str:
    """Return where `write_rejects` writes."""
    return f"{target}.rejects.jsonl"


def reading_metadata(reader: Reader) -> Metadata:
    """Say what there is to report of the reading of a shard."""
    report, maker = reader.report, reader.maker
    return {
        "set_aside": reader.set_aside,
        "rejects": len(report.rejects),
        "first_reject": [str(reject) for reject in report.rejects[:1]],
        "report": {name: getattr(report, name) for name in COUNTS},
        "fields_read": report.fields.as_dict(),
        "date_orders": asdict(report.date_orders),
        "encodings": report.encodings,
        "replaced": report.replaced,
        "found": sorted(maker.found),
        "fields": None if maker.first_fields is None else [*map(str, maker.first_fields)],
    }


def repeated_texts_part(target: str, corpus: Corpus, first: int, last: int) -> Metadata:
    """Find equal texts of different shards, among the fingerprints of a range of buckets."""
    prints, rows = [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)]
    with SketchReader(corpus) as sketches:
        for file, offset in sketches.all():
            start, stop = file.take("print_bounds", np.array([first, last])).tolist()
            prints.append(file.read("prints", start, stop))
            rows.append(file.read("print_rows", start, stop) + offset)
    repeated = find_repeated_texts(np.concatenate(prints), np.concatenate(rows))
    return save(target, repeated._asdict())


def rename_part(target: str, corpus: Corpus, first: int, last: int) -> Metadata:
    """Rename articles whose id occurs before, among the id hashes of a range of buckets."""
    hashes, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    with SketchReader(corpus) as sketches:
        for file, offset in sketches.all():
            start, stop = file.take("id_bounds", np.array([first, last])).tolist()
            hashes.append(file.read("id_hashes", start, stop))
            rows.append(file.read("id_rows", start, stop) + offset)
            numbers = file["without_id"] + offset
            of_numbers = hash_numbers(numbers)
            inside = (of_numbers >> BUCKET_SHIFT >= first) & (of_numbers >> BUCKET_SHIFT < last)
            hashes.append(of_numbers[inside])
            rows.append(numbers[inside])
        _, inverse, counts = np.unique(np.concatenate(hashes), return_inverse=True, return_counts=True)
        shared = np.sort(np.concatenate(rows)[counts[inverse] > 1])
        own_ids = sketches.texts("id", shared)
    listed = shared.tolist()
    renamed = resolve_ids(listed, [own or str(row) for own, row in zip(own_ids, listed, strict=True)])
    pairs = [[own, renamed[row]] for own, row in zip(own_ids, listed, strict=True) if own and row in renamed]
    arrays = {"rows": np.array(list(renamed), np.int64), **pack_texts("id", list(renamed.values()))}
    return save(target, arrays, {"repeated_ids": len({own for own, _ in pairs}), "first": pairs[:1]})


def candidates_part(
    target: str, corpus: Corpus, repeated: str, bands: tuple[int, int], first: int, last: int
) -> Metadata:
    """Pair texts that share a band key, among the keys of a range of bands and a range of buckets."""
    with ArrayFile(repeated) as file:
        is_repeated = np.unpackbits(file["repeated"], count=corpus.n).astype(bool)
    codes, large_runs = [np.empty(0, np.int64)], []
    with SketchReader(corpus) as sketches:
        for band in range(*bands):
            candidates = _pair_band(sketches, band, first, last, is_repeated)
            codes.append(candidates.codes)
            large_runs += candidates.large_runs
    merged = np.unique(np.concatenate(codes))
    edges = np.arange(BUCKETS + 1) * corpus.n // BUCKETS
    arrays = {
        "codes": merged,
        "code_bounds": np.searchsorted(merged, edges << 32),
        **pack_ragged("large_runs", _distinct(large_runs)),
    }
    return save(target, arrays, {"pairs": len(merged), "verified": False})


def _pair_band(
    sketches: SketchReader, band: int, first: int, last: int, is_repeated: NDArray[np.bool_]
) -> BandCandidates:
    keys, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for file, offset in sketches.all():
        bounds = file.read("key_bounds", band, band + 1)[0]
        start = band * file.length("print_rows")
        span = start + int(bounds[first]), start + int(bounds[last])
        own_rows = file.read("key_rows", *span) + offset
        new = ~is_repeated[own_rows]
        keys.append(file.read("keys", *span)[new])
        rows.append(own_rows[new])
    return pair_band(np.concatenate(keys), np.concatenate(rows))


def _distinct(large_runs: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Return distinct arrays, in an order that depends on nothing but their values."""
    by_value = {run.tobytes(): run for run in large_runs}
    return [by_value[key] for key in sorted(by_value)]


def verify_part(
    target: str, corpus: Corpus, candidates: list[str], first: int, last: int, threshold: float
) -> Metadata:
    """Compare the pairs whose first row is in a range of buckets of rows."""
    codes = [np.empty(0, np.int64)]
    for address in candidates:
        with ArrayFile(address) as file:
            start, stop = file.take("code_bounds", np.array([first, last])).tolist()
            codes.append(file.read("codes", start, stop))
    pairs = np.unique(np.concatenate(codes))
    with SketchReader(corpus) as sketches:
        similar = verify_pairs(pairs, sketches.sizes, sketches.shingles, threshold)
    return save(target, {"codes": similar, **pack_ragged("large_runs", [])}, {"verified": True})


def partition_pairs_part(target: str, source: str, bins: str) -> Metadata:
    """Sort the verified pairs and the large runs of a file by the bins of their rows."""
    with ArrayFile(source) as file, ArrayFile(bins) as bin_file:
        codes = file["codes"] if file.metadata["verified"] else np.empty(0, np.int64)
        large_runs = split_ragged(file["large_runs"], file["large_runs.bounds"])
        code_bins = bin_file.take("bin_of", codes >> 32)
        run_bins = bin_file.take("bin_of", np.array([run[0] for run in large_runs], np.int64))
        edges = np.arange(bin_file.metadata["bins"] + 1)
    order = np.argsort(code_bins, kind="stable")
    run_order = np.argsort(run_bins, kind="stable")
    arrays = {
        "codes": codes[order],
        "code_bounds": np.searchsorted(code_bins[order], edges),
        "run_bounds": np.searchsorted(run_bins[run_order], edges),
        **pack_ragged("large_runs", [large_runs[k] for k in run_order]),
    }
    return save(target, arrays)


def representatives_part(
    target: str,
    corpus: Corpus,
    bins: str,
    partitions: list[str],
    renamed: str,
    number: int,
    settings: CopySettings,
) -> Metadata:
    """Choose the article that is kept of each group in a bin."""
    own_range = np.array([number, number + 1])
    with ArrayFile(bins) as file:
        start, stop = file.take("member_bounds", own_range).tolist()
        rows, firsts = file.read("members", start, stop), file.read("firsts", start, stop)
    codes, large_runs = [np.empty(0, np.int64)], []
    for address in partitions:
        with ArrayFile(address) as file:
            start, stop = file.take("code_bounds", own_range).tolist()
            codes.append(file.read("codes", start, stop))
            start, stop = file.take("run_bounds", own_range).tolist()
            bounds = file.read("large_runs.bounds", start, stop + 1)
            large_runs += split_ragged(
                file.read("large_runs", int(bounds[0]), int(bounds[-1])), bounds - bounds[0]
            )
    with SketchReader(corpus) as sketches:
        members = BinArticles(
            rows,
            firsts,
            sketches.take("fingerprints", rows),
            _preferences(sketches, rows, settings.keep),
            sketches.ids(rows, renamed),
        )
        pairs = np.concatenate(codes)
        kept = choose_representatives(
            members, pairs, _distinct(large_runs), sketches.shingles, settings.threshold
        )
    return save(target, {"rows": rows, "kept": kept})


def _preferences(sketches: SketchReader, rows: NDArray[np.int64], keep: str) -> list[tuple[Any, ...]]:
    """Return what the keep policy sorts by, as `dedup.groups.preference` has it."""
    if keep == "first":
        return [(row,) for row in rows.tolist()]
    numbers = sketches.take("preferences", rows).tolist()
    return [(*own, title) for own, title in zip(numbers, sketches.texts("title", rows), strict=True)]
