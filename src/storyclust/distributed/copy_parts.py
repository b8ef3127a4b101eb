"""Copies among shards: what one worker does in each stage, from files of arrays to one file of arrays."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.corpus import Corpus, Sketches, ragged, unravel
from storyclust.distributed.files import Arrays, pack_texts
from storyclust.distributed.pair_verification import (
    Members,
    Proposed,
    later_twins,
    propose,
    represent,
    verified,
)
from storyclust.distributed.shards import Reader, Shard, settle_names, write_shard
from storyclust.distributed.sketching import BUCKETS, HEAD_BITS, CopySettings, number_hashes, sketch_articles
from storyclust.distributed.stages import About, save

if TYPE_CHECKING:
    from numpy.typing import NDArray


COUNTED = ("read", "kept", "undated", "dates", "bad_dates", "first_bad_date")


class Input(NamedTuple):
    """How shards are read."""

    fields: dict[str, str] | None = None
    forgiving: bool = False  # a shard that cannot be read is set aside
    stories: bool = False  # dates and languages will be asked for


def sketch_shard(target: str, shard: Shard, source: Input, settings: CopySettings) -> About:
    """Read a shard, and write its sketch."""
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    sketch = sketch_articles(reader, settings, stories=source.stories)
    rejects = [asdict(reject) for reject in reader.report.rejects]
    if rejects:
        write_shard(f"{target}.rejects.jsonl", rejects)
    try:
        n = len(sketch.arrays["fingerprints"])
        about = {
            "articles": n,
            "texts": len(sketch.texts),
            "languages": sketch.languages,
            "nameless": len(sketch.arrays["nameless"]),
            "set_aside": reader.set_aside,
            "rejects": len(rejects),
            "first_reject": [str(reject) for reject in reader.report.rejects[:1]],
            "report": {name: getattr(reader.report, name) for name in COUNTED},
            "found": sorted(reader.maker.found),
            "fields": None if reader.maker.first_fields is None else [*map(str, reader.maker.first_fields)],
        }
        tail = ("shingles", int(sketch.arrays["bounds"][-1]), sketch.shingles())
        return save(target, sketch.arrays, about, tail=tail)
    finally:
        sketch.shelf.close()


def twins_part(target: str, corpus: Corpus, first: int, last: int) -> About:
    """Find texts that stand in several shards, among the fingerprints of some buckets."""
    prints, rows = [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)]
    with Sketches(corpus) as sketches:
        for file, offset in sketches.all():
            start, stop = file.rows("print_bounds", np.array([first, last])).tolist()
            prints.append(file.part("prints", start, stop))
            rows.append(file.part("print_rows", start, stop) + np.int64(offset))
        taken = sketches.taken
    later = later_twins(np.concatenate(prints), np.concatenate(rows))
    return save(target, later._asdict(), {"later": len(later.rows), "taken": taken})


def names_part(target: str, corpus: Corpus, first: int, last: int) -> About:
    """Rename the articles that have the id of another before, among the names of some buckets."""
    names, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    with Sketches(corpus) as sketches:
        for file, offset in sketches.all():
            start, stop = file.rows("name_bounds", np.array([first, last])).tolist()
            names.append(file.part("names", start, stop))
            rows.append(file.part("name_rows", start, stop) + np.int64(offset))
            numbers = file["nameless"] + np.int64(offset)
            hashes = number_hashes(numbers)
            here = (hashes >> HEAD_BITS >= first) & (hashes >> HEAD_BITS < last)
            names.append(hashes[here])
            rows.append(numbers[here])
        _, inverse, counts = np.unique(np.concatenate(names), return_inverse=True, return_counts=True)
        shared = np.sort(np.concatenate(rows)[counts[inverse] > 1])
        wanted = sketches.texts("id", shared)
        taken = sketches.taken
    listed = shared.tolist()
    given = settle_names(listed, [name or str(row) for name, row in zip(wanted, listed, strict=True)])
    old = [[name, given[row]] for name, row in zip(wanted, listed, strict=True) if name and row in given]
    arrays = {"rows": np.array(list(given), np.int64), **pack_texts("name", list(given.values()))}
    about = {
        "renamed": len(old),
        "renamed_rows": len(given),
        "ids": len({name for name, _ in old}),
        "first": old[:1],
        "taken": taken,
    }
    return save(target, arrays, about)


def propose_part(
    target: str, corpus: Corpus, late: str, bands: tuple[int, int], first: int, last: int
) -> About:
    """Pair the texts that share a key, among the keys of some bands in some buckets."""
    with Arrays(late) as file:
        is_late = np.unpackbits(file["late"], count=corpus.n).astype(bool)
        taken = file.taken
    codes, crowds = [np.empty(0, np.int64)], {}
    with Sketches(corpus) as sketches:
        for band in range(*bands):
            found = _propose_band(sketches, band, first, last, is_late)
            codes.append(found.codes)
            crowds.update({crowd.tobytes(): crowd for crowd in found.crowds})
        taken += sketches.taken
    chosen = [crowds[key] for key in sorted(crowds)]
    merged = np.unique(np.concatenate(codes))
    edges = np.arange(BUCKETS + 1) * corpus.n // BUCKETS
    arrays = {
        "codes": merged,
        "code_bounds": np.searchsorted(merged, edges << 32),
        **ragged("crowds", chosen),
    }
    about = {"pairs": len(merged), "crowds": len(chosen), "verified": False, "taken": taken}
    return save(target, arrays, about)


def _propose_band(
    sketches: Sketches, band: int, first: int, last: int, is_late: NDArray[np.bool_]
) -> Proposed:
    keys, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for file, offset in sketches.all():
        bounds = file.part("key_bounds", band, band + 1)[0]
        start = band * file.length("print_rows")
        span = start + int(bounds[first]), start + int(bounds[last])
        held = file.part("key_rows", *span) + np.int64(offset)
        fresh = ~is_late[held]
        keys.append(file.part("keys", *span)[fresh])
        rows.append(held[fresh])
    return propose(np.concatenate(keys), np.concatenate(rows))


def verify_part(
    target: str, corpus: Corpus, proposals: list[str], first: int, last: int, threshold: float
) -> About:
    """Compare the pairs whose first row is in some buckets of rows."""
    codes, taken = [np.empty(0, np.int64)], 0
    for address in proposals:
        with Arrays(address) as file:
            start, stop = file.rows("code_bounds", np.array([first, last])).tolist()
            codes.append(file.part("codes", start, stop))
            taken += file.taken
    pairs = np.unique(np.concatenate(codes))
    with Sketches(corpus) as sketches:
        found = verified(pairs, sketches.sizes, sketches.shingles, threshold)
        taken += sketches.taken
    about = {"pairs": len(pairs), "found": len(found), "verified": True, "taken": taken}
    return save(target, {"codes": found, **ragged("crowds", [])}, about)


def deal_part(target: str, source: str, bins: str) -> About:
    """Sort the verified pairs and the crowds of a file by the bins of their rows."""
    with Arrays(source) as file, Arrays(bins) as dealt:
        n_bins = dealt.about["bins"]
        codes = file["codes"] if file.about["verified"] else np.empty(0, np.int64)
        crowds = unravel(file["crowds"], file["crowds.bounds"])
        homes = dealt.rows("bin_of", codes >> 32)
        order = np.argsort(homes, kind="stable")
        crowd_homes = dealt.rows("bin_of", np.array([crowd[0] for crowd in crowds], np.int64))
        crowd_order = np.argsort(crowd_homes, kind="stable")
        taken = file.taken + dealt.taken
    edges = np.arange(n_bins + 1)
    arrays = {
        "codes": codes[order],
        "code_bounds": np.searchsorted(homes[order], edges),
        "crowd_bounds": np.searchsorted(crowd_homes[crowd_order], edges),
        **ragged("crowds", [crowds[k] for k in crowd_order]),
    }
    return save(target, arrays, {"taken": taken})


def represent_bin(
    target: str,
    corpus: Corpus,
    bins: str,
    dealt: list[str],
    renamed: str,
    number: int,
    settings: CopySettings,
) -> About:
    """Find which article is kept of each group in a bin."""
    with Arrays(bins) as file:
        start, stop = file.rows("member_bounds", np.array([number, number + 1])).tolist()
        rows, firsts = file.part("members", start, stop), file.part("firsts", start, stop)
        taken = file.taken
    codes, crowds = [np.empty(0, np.int64)], {}
    for address in dealt:
        with Arrays(address) as file:
            start, stop = file.rows("code_bounds", np.array([number, number + 1])).tolist()
            codes.append(file.part("codes", start, stop))
            start, stop = file.rows("crowd_bounds", np.array([number, number + 1])).tolist()
            bounds = file.part("crowds.bounds", start, stop + 1)
            found = unravel(file.part("crowds", int(bounds[0]), int(bounds[-1])), bounds - bounds[0])
            crowds.update({crowd.tobytes(): crowd for crowd in found})
            taken += file.taken
    with Sketches(corpus) as sketches:
        members = Members(
            rows,
            firsts,
            sketches.rows("fingerprints", rows),
            _preferences(sketches, rows, settings.keep),
            sketches.names(rows, renamed),
        )
        kept = represent(
            members,
            np.concatenate(codes),
            [crowds[key] for key in sorted(crowds)],
            sketches.shingles,
            settings.threshold,
        )
        taken += sketches.taken
    return save(target, {"rows": rows, "kept": kept}, {"articles": len(rows), "taken": taken})


def _preferences(sketches: Sketches, rows: NDArray[np.int64], keep: str) -> list[tuple[Any, ...]]:
    if keep == "first":
        return [(row,) for row in rows.tolist()]
    orders = sketches.rows("orders", rows).tolist()
    return [(*order, title) for order, title in zip(orders, sketches.texts("title", rows), strict=True)]
