"""Copies among shards, stage by stage: each stage is a function from files to one file, run by whoever can.

A stage that finds its file written has nothing to do: so a run that was broken off goes on where it stood, and
a worker that is lost costs what it had in hand. Nothing here knows who runs the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from storyclust.distributed.files import (
    Arrays,
    joined,
    look_up,
    pack_texts,
    texts_at,
    write_arrays,
)
from storyclust.distributed.pairing import (
    Members,
    Proposed,
    deal,
    join_crowd,
    join_pairs,
    later_twins,
    propose,
    represent,
    verified,
)
from storyclust.distributed.shards import Reader, Shard, digest_of, settle_names
from storyclust.distributed.sketching import (
    BUCKETS,
    HEAD_BITS,
    CopySettings,
    number_hashes,
    sketch_articles,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

VALUES_AT_ONCE = 4 << 20  # values of all shards that one worker sorts
BIN = 1 << 16  # articles in groups that one worker ranks
SMALL = 1000  # values that are not worth more than one call

About = dict[str, Any]


class Runner(Protocol):
    """Who runs stages."""

    width: int  # calls that can run at once

    def run(self, name: str, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with each tuple of arguments; returns the results in order."""

    def share(self, value: Any) -> Any:
        """Return what stands for a value among the arguments of many calls."""


class Serial:
    """Runs stages here, one call after the other."""

    width = 1

    def run(self, name: str, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with each tuple of arguments."""
        return [function(*call) for call in calls]

    def share(self, value: Any) -> Any:
        """Return the value."""
        return value


def finished(address: str) -> About | None:
    """Return what a stage said of its file, if it has written it."""
    if look_up(address) is None:
        return None
    with Arrays(address) as file:
        return file.about


def save(address: str, arrays: Mapping[str, NDArray[Any]], about: About, **further: Any) -> About:
    """Write what a stage found."""
    write_arrays(address, arrays, about, **further)
    return about


# Sketches --------------------------------------------------------------------------------------


class Input(NamedTuple):
    """How shards are read."""

    fields: dict[str, str] | None = None
    forgiving: bool = False  # a shard that cannot be read is set aside


def sketch_shard(target: str, shard: Shard, source: Input, settings: CopySettings) -> About:
    """Read a shard, and write its sketch."""
    if about := finished(target):
        return about
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    sketch = sketch_articles(reader, settings)
    try:
        n = len(sketch.arrays["fingerprints"])
        about = {
            "articles": n,
            "texts": len(sketch.texts),
            "nameless": len(sketch.arrays["nameless"]),
            "report": asdict(reader.report),
            "found": sorted(reader.maker.found),
            "fields": None if reader.maker.first_fields is None else [*map(str, reader.maker.first_fields)],
        }
        tail = ("shingles", int(sketch.arrays["bounds"][-1]), sketch.shingles())
        return save(target, sketch.arrays, about, tail=tail)
    finally:
        sketch.shelf.close()


class Corpus(NamedTuple):
    """All sketches; shard `k` has the articles from `offsets[k]` up to `offsets[k + 1]`."""

    sketches: list[str]
    offsets: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many articles there are."""
        return int(self.offsets[-1])

    def split(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the shards of some rows, the rows by their numbers there, and where they stand in `rows`."""
        homes = np.searchsorted(self.offsets, rows, side="right") - 1
        order = np.argsort(homes, kind="stable")
        bounds = np.flatnonzero(np.diff(homes[order], prepend=-1, append=-1))
        for start, stop in pairwise(bounds):
            places = order[start:stop]
            k = int(homes[places[0]])
            yield k, rows[places] - self.offsets[k], places


class Sketches:
    """The sketches of a corpus, opened as they are needed.

    Attributes
    ----------
    taken : int
        Bytes read.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._stack = ExitStack()
        self._open: dict[int, Arrays] = {}
        self._closed = 0

    def __enter__(self) -> Sketches:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def taken(self) -> int:
        """Bytes read of all of them."""
        return self._closed + sum(file.taken for file in self._open.values())

    def __getitem__(self, shard: int) -> Arrays:
        if shard not in self._open:
            if len(self._open) >= 256:  # files that are open at once are few on any system
                self._closed = self.taken
                self._stack.close()
                self._open.clear()
            self._open[shard] = self._stack.enter_context(Arrays(self.corpus.sketches[shard]))
        return self._open[shard]

    def all(self) -> Iterator[tuple[Arrays, int]]:
        """Yield every sketch, with the number of its first article."""
        for shard, offset in enumerate(self.corpus.offsets[:-1].tolist()):
            yield self[shard], offset

    def rows(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of an array that has one for each article."""
        parts = [(places, self[k].rows(name, local)) for k, local, places in self.corpus.split(rows)]
        if not parts:
            return np.empty(0, np.int64)
        out = np.empty((len(rows), *parts[0][1].shape[1:]), parts[0][1].dtype)
        for places, values in parts:
            out[places] = values
        return out

    def texts(self, name: str, rows: NDArray[np.int64]) -> list[str]:
        """Texts of some articles."""
        out = [""] * len(rows)
        for k, local, places in self.corpus.split(rows):
            for place, text in zip(places.tolist(), texts_at(self[k], name, local), strict=True):
                out[place] = text
        return out

    def sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many shingles texts have."""
        out = np.zeros(len(rows), np.int64)
        for k, local, places in self.corpus.split(rows):
            out[places] = self[k].rows("bounds", local + 1) - self[k].rows("bounds", local)
        return out

    def shingles(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Shingles of texts one after the other, and their bounds."""
        bounds = np.append(0, np.cumsum(self.sizes(rows))).astype(np.int64)
        out = np.empty(int(bounds[-1]), np.uint64)
        for k, local, places in self.corpus.split(rows):
            starts, stops = self[k].rows("bounds", local), self[k].rows("bounds", local + 1)
            values, at = self[k].spans("shingles", starts, stops), 0
            for place in places.tolist():
                size = bounds[place + 1] - bounds[place]
                out[bounds[place] : bounds[place + 1]] = values[at : at + size]
                at += size
        return out, bounds

    def names(self, rows: NDArray[np.int64], renamed: str) -> list[str]:
        """What articles are called in the whole corpus."""
        names = [name or str(row) for name, row in zip(self.texts("id", rows), rows.tolist(), strict=True)]
        new = renamed_among(renamed, rows)
        return [new.get(row, name) for row, name in zip(rows.tolist(), names, strict=True)] if new else names


def renamed_among(renamed: str, rows: NDArray[np.int64]) -> dict[int, str]:
    """Return the new names of those rows that were renamed."""
    with Arrays(renamed) as file:
        all_rows = file["rows"]
        found = np.flatnonzero(np.isin(all_rows, rows))
        return dict(zip(all_rows[found].tolist(), texts_at(file, "name", found), strict=True))


# Stages ----------------------------------------------------------------------------------------


def twins_part(target: str, corpus: Corpus, first: int, last: int) -> About:
    """Find texts that stand in several shards, among the fingerprints of some buckets."""
    if about := finished(target):
        return about
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
    if about := finished(target):
        return about
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
    if about := finished(target):
        return about
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


def ragged(name: str, parts: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
    """Arrays of several lengths as two: one after the other, and their bounds."""
    bounds = np.append(0, np.cumsum([len(part) for part in parts])).astype(np.int64)
    return {name: np.concatenate([np.empty(0, np.int64), *parts]), f"{name}.bounds": bounds}


def unravel(values: NDArray[np.int64], bounds: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Arrays that lie one after the other."""
    return [values[a:b] for a, b in pairwise(bounds)]


def verify_part(
    target: str, corpus: Corpus, proposals: list[str], first: int, last: int, threshold: float
) -> About:
    """Compare the pairs whose first row is in some buckets of rows."""
    if about := finished(target):
        return about
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
    if about := finished(target):
        return about
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
    if about := finished(target):
        return about
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


# All of them -----------------------------------------------------------------------------------


class Copies(NamedTuple):
    """Copies of a corpus.

    Attributes
    ----------
    corpus : Corpus
    abouts : list of dict
        What was said of each shard.
    kept : int64 array of shape (n,)
        The article kept for each.
    renamed : str
        Address of the articles that were renamed.
    names : list of dict
        What was said of renaming.
    key : str
        What names files of this run.
    taken : dict of str to int
        Bytes that each stage read of what others had written.
    largest : int
        Articles of the largest set of which each is like another.
    """

    corpus: Corpus
    abouts: list[About]
    kept: NDArray[np.int64]
    renamed: str
    names: list[About]
    key: str
    taken: dict[str, int]
    largest: int


def sketch_all(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> tuple[Corpus, list[About]]:
    """Sketch all shards."""
    keys = [digest_of(shard.key, source, settings) for shard in shards]
    targets = [joined(work, f"sketch-{key}") for key in keys]
    calls = [(target, shard, source, settings) for target, shard in zip(targets, shards, strict=True)]
    abouts = runner.run("sketches", sketch_shard, calls)
    offsets = np.append(0, np.cumsum([about["articles"] for about in abouts])).astype(np.int64)
    return Corpus(targets, offsets), abouts


def find_copies(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> Copies:
    """Find the copies among the articles of all shards.

    Parameters
    ----------
    shards : sequence of Shard
    work : str
        Folder for what the stages leave for one another.
    source : Input
    settings : CopySettings
    runner : Runner

    Returns
    -------
    copies : Copies
    """
    corpus, abouts = sketch_all(shards, work, source, settings, runner)
    key = digest_of(corpus.sketches)
    stages = _Stages(joined(work, key), corpus, runner)
    names = stages.by_bucket("names", names_part, corpus.n)
    renamed = _join_names(stages, names)
    firsts = _firsts(stages, sum(about["texts"] for about in abouts))
    parent = firsts.copy()
    proposals = _proposals(stages, firsts, settings, sum(about["texts"] for about in abouts))
    checked = _checked(stages, proposals, settings.threshold)
    for address in proposals + checked:
        with Arrays(address) as file:
            if file.about["verified"]:
                join_pairs(parent, file["codes"])
            for crowd in unravel(file["crowds"], file["crowds.bounds"]):
                join_crowd(parent, crowd)
    bins = deal(parent, BIN)
    del parent
    address = stages.at("bins")
    _write_bins(address, bins.bin_of, bins.n_bins, firsts)
    del firsts
    dealt = stages.each("parting", deal_part, [(source, address) for source in proposals + checked])
    shared = runner.share(dealt)
    calls = [(stages.corpus, address, shared, renamed, b, settings) for b in range(bins.n_bins)]
    kept = np.arange(corpus.n)
    for part in stages.each("groups", represent_bin, calls):
        with Arrays(part) as file:
            kept[file["rows"]] = file["kept"]
    return Copies(corpus, abouts, kept, renamed, names, key, stages.taken, bins.largest)


class _Stages:
    """Runs stages that write numbered files under one name."""

    def __init__(self, prefix: str, corpus: Corpus, runner: Runner) -> None:
        self.prefix, self.plain, self.runner = prefix, corpus, runner
        self.corpus = runner.share(corpus)
        self.taken: dict[str, int] = {}
        self.abouts: list[About] = []

    def at(self, name: str) -> str:
        """Address of a file of this run."""
        return f"{self.prefix}-{name}"

    def each(self, name: str, function: Callable[..., About], calls: Sequence[tuple[Any, ...]]) -> list[str]:
        """Run a stage; returns the addresses of what it wrote."""
        targets = [self.at(f"{name}-{len(calls)}-{number}") for number in range(len(calls))]
        every = [(target, *call) for target, call in zip(targets, calls, strict=True)]
        self.abouts = self.runner.run(name, function, every)
        self.taken[name] = sum(about["taken"] for about in self.abouts)
        return targets

    def by_bucket(self, name: str, function: Callable[..., About], size: int) -> list[About]:
        """Run a stage over all buckets of values, of which there are `size`."""
        ranges = cut(BUCKETS, max(self.runner.width, -(-size // VALUES_AT_ONCE)) if size > SMALL else 1)
        self.targets = self.each(name, function, [(self.corpus, *span) for span in ranges])
        return self.abouts


def cut(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut n things into ranges of about equal size."""
    bounds = np.linspace(0, n, min(parts, n) + 1).astype(int).tolist()
    return list(pairwise(bounds))


def _join_names(stages: _Stages, names: list[About]) -> str:
    """Put all that were renamed into one file."""
    rows, texts = [np.empty(0, np.int64)], []
    for address, about in zip(stages.targets, names, strict=True):
        with Arrays(address) as file:
            rows.append(file["rows"])
            texts += texts_at(file, "name", np.arange(about["renamed_rows"]))
    target = stages.at("renamed")
    write_arrays(target, {"rows": np.concatenate(rows), **pack_texts("name", texts)})
    return target


def _firsts(stages: _Stages, n_texts: int) -> NDArray[np.int64]:
    """Find of every article the first that has its text."""
    firsts = np.arange(stages.plain.n)
    stages.by_bucket("twins", twins_part, n_texts)
    for address in stages.targets:
        with Arrays(address) as file:
            firsts[file["rows"]] = file["firsts"]
    with Sketches(stages.plain) as sketches:
        for file, offset in sketches.all():
            firsts[file["twins"] + np.int64(offset)] = firsts[file["twin_heads"] + np.int64(offset)]
    return firsts


def _proposals(stages: _Stages, firsts: NDArray[np.int64], settings: CopySettings, n_texts: int) -> list[str]:
    late = stages.at("late")
    write_arrays(late, {"late": np.packbits(firsts != np.arange(len(firsts)))})
    bands = settings.bands.bands
    at_once = max(1, min(VALUES_AT_ONCE // max(n_texts, 1), -(-bands // stages.runner.width)))
    spans = [(band, min(band + at_once, bands)) for band in range(0, bands, at_once)]
    ranges = cut(BUCKETS, -(-n_texts // VALUES_AT_ONCE) or 1)
    calls = [(stages.corpus, late, span, *limits) for span in spans for limits in ranges]
    return stages.each("bands", propose_part, calls)


def _checked(stages: _Stages, proposals: list[str], threshold: float) -> list[str]:
    pairs = sum(about["pairs"] for about in stages.abouts)
    ranges = cut(BUCKETS, max(4 * stages.runner.width, pairs >> 19) if pairs > SMALL else 1)
    shared = stages.runner.share(proposals)
    return stages.each(
        "verification", verify_part, [(stages.corpus, shared, *span, threshold) for span in ranges]
    )


def _write_bins(address: str, bin_of: NDArray[np.int32], n_bins: int, firsts: NDArray[np.int64]) -> None:
    """Write which bin each article is in, and which articles each bin has."""
    members = np.flatnonzero(bin_of >= 0)
    members = members[np.argsort(bin_of[members], kind="stable")]
    arrays = {
        "bin_of": bin_of,
        "members": members,
        "firsts": firsts[members],
        "member_bounds": np.searchsorted(bin_of[members], np.arange(n_bins + 1)),
    }
    write_arrays(address, arrays, {"bins": n_bins})
