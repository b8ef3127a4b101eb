"""Page furniture among shards: what recurs is learnt from samples, and found in each shard.

The sketches have the sample key of every article. From these follows, for each source, the bound of the keys
in its sample, so that only texts within it are sent. Sources are partitioned into bins by the hashes of their
names; what recurs in the sources of a bin is learnt in one call, and what recurs in all articles in another.
Each shard loads what was learnt for its sources, and writes the spans and the languages of its articles.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.articles.article import Article
from storyclust.distributed.array_files import ArrayFile, pack_texts, read_texts, write_arrays
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.corpus import Corpus, SketchReader
from storyclust.distributed.shards import Reader, Shard
from storyclust.distributed.source_tables import (
    bin_bounds,
    bins_of,
    find_sources,
    hashes_of,
    pack_sources,
    sort_sources,
)
from storyclust.distributed.stages import Metadata, Stages, save, shard_needs
from storyclust.text.furniture import SAMPLE, WHOLE_SAMPLE, Furniture, sample_key, sample_of, without_spans
from storyclust.text.language import name_languages
from storyclust.text.recurring_spans import Recurring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.text.page_spans import Span

ALL_KEYS = (1 << 32) - 1  # bound of a sample that has all texts
KEYS_HELD = 1 << 20  # keys that are collected before those beyond the samples are dropped
TEXTS_PER_CALL = 1 << 15  # texts of samples from which one call learns: about 100 MB
SMALL_SAMPLE = 1000  # so few take a single call
READING_FACTOR = 5  # memory of reading a shard's texts, in bytes of the shard: up to 3.7
ARTICLES_AT_ONCE = 2000  # whose tokens are held, 20 KB for each


class CleanShards(NamedTuple):
    """Files of the spans of each shard, and the languages of the texts without them."""

    addresses: list[str]
    languages: list[str]  # names
    codes: NDArray[np.int16]  # indices of these for every article, -1 for a copy


# Bounds of samples -----------------------------------------------------------------------------


def smallest_distinct(
    sources: NDArray[np.int64], keys: NDArray[np.uint32], size: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the `size` smallest distinct keys of each source, sorted by source and key.

    >>> import numpy as np
    >>> sources, keys = np.array([4, 4, 4, 4, 9]), np.array([7, 5, 7, 8, 6], np.uint32)
    >>> [column.tolist() for column in smallest_distinct(sources, keys, 2)]
    [[4, 4, 9], [5, 7, 6]]
    """
    codes = np.unique(sources << 32 | keys.astype(np.int64))
    sources = codes >> 32
    rank = np.arange(len(codes)) - np.searchsorted(sources, sources)
    chosen = codes[rank < size]
    return chosen >> 32, (chosen & ALL_KEYS).astype(np.uint32)


class KeySample:
    """The smallest distinct sample keys of each source, from keys that come in parts.

    As texts may share a key, there are at least as many texts within the bound as keys.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.sources, self.keys = np.empty(0, np.int64), np.empty(0, np.uint32)
        self._pending: list[tuple[NDArray[np.int64], NDArray[np.uint32]]] = []
        self._n_pending = 0

    def add(self, sources: NDArray[np.int64], keys: NDArray[np.uint32]) -> None:
        """Add the sources of articles, as numbers, and their keys."""
        self._pending.append((sources, keys))
        self._n_pending += len(keys)
        if self._n_pending > max(KEYS_HELD, len(self.keys)):
            self.finish()

    def finish(self) -> None:
        """Put all keys into `sources` and `keys`, sorted."""
        sources, keys = zip((self.sources, self.keys), *self._pending, strict=True)
        self.sources, self.keys = smallest_distinct(np.concatenate(sources), np.concatenate(keys), self.size)
        self._pending, self._n_pending = [], 0


def sample_bounds_part(target: str, corpus: Corpus, first: int, last: int, order: str) -> Metadata:
    """Find the greatest key in the sample of each source in a range of buckets, where it leaves keys out."""
    numbers: dict[str, int] = {}
    named, whole = KeySample(SAMPLE), KeySample(WHOLE_SAMPLE)
    with ArrayFile(order) as file:
        independent = np.unpackbits(file["independent"], count=corpus.n).astype(bool)
    with SketchReader(corpus) as sketches:
        for file, offset in sketches.all():
            start, stop = file.take("source_buckets", np.array([first, last])).tolist()
            bounds = file.read("source_bounds", start, stop + 1)
            rows = file.read("sample_rows", *bounds[[0, -1]].tolist()) + offset
            keys = file.read("sample_keys", *bounds[[0, -1]].tolist())
            names = read_texts(file, "source", np.arange(start, stop))
            own = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
            sources = np.repeat(own, np.diff(bounds))
            inside = independent[rows]
            whole.add(np.zeros(int(inside.sum()), np.int64), keys[inside])
            inside &= sources != numbers.get("", -1)
            named.add(sources[inside], keys[inside])
    named.finish()
    whole.finish()
    sizes = np.bincount(named.sources, minlength=len(numbers))
    greatest = named.keys[np.cumsum(sizes) - 1] if len(named.keys) else np.empty(0, np.uint32)
    listed = sort_sources(name for name, number in numbers.items() if sizes[number] >= SAMPLE)
    found = greatest[[numbers[name] for name in listed]] if listed else np.empty(0, np.uint32)
    arrays = {**pack_sources(listed), "bounds": found, "whole": whole.keys}
    return save(target, arrays, {"sampled": len(named.keys)})


def _join_bounds(address: str, parts: Sequence[str]) -> int:
    """Write the bounds of all sources into one file; returns that of the sample of all articles."""
    names: list[str] = []
    bounds, whole = [np.empty(0, np.uint32)], [np.empty(0, np.uint32)]
    for part in parts:
        with ArrayFile(part) as file:
            names += read_texts(file, "source", np.arange(file.length("bounds")))
            bounds.append(file["bounds"])
            whole.append(file["whole"])
    write_arrays(address, {**pack_sources(names), "bounds": np.concatenate(bounds)})
    keys = np.unique(np.concatenate(whole))[:WHOLE_SAMPLE]
    return int(keys[-1]) if len(keys) == WHOLE_SAMPLE else ALL_KEYS


# Samples and what recurs in them ---------------------------------------------------------------


class TextSample:
    """The sample of texts that come one by one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._texts: list[str] = []

    def add(self, *texts: str) -> None:
        """Add texts; those beyond the sample are dropped now and then."""
        self._texts += texts
        if len(self._texts) > 2 * self.size:
            self._texts = self.texts()

    def texts(self) -> list[str]:
        """Return the sample."""
        return sample_of(self._texts, self.size)


def samples_shard(
    target: str,
    number: int,
    shard: Shard,
    source: Input,
    corpus: Corpus,
    order: str,
    bounds: str,
    whole_bound: int,
    n_bins: int,
) -> Metadata:
    """Read a shard again, and write the texts within the bounds of the samples, in bins of their sources."""
    with SketchReader(corpus) as sketches:
        file = sketches[number]
        names = read_texts(file, "source", np.arange(file.length("source_hashes")))
    with ArrayFile(bounds) as file:
        found = find_sources(file, names)
        keys = file.take("bounds", np.array([*found.values()], np.int64)).tolist()
    bound_of = dict(zip(found, keys, strict=True))
    samples: dict[str, TextSample] = {}
    whole = TextSample(WHOLE_SAMPLE)
    for article in Reader(shard, source.fields, forgiving=source.forgiving).chosen(
        own_places(corpus, number, order) >= 0
    ):
        name, key = article.source or "", sample_key(article.text)[0]
        if name and key <= bound_of.get(name, ALL_KEYS):
            samples.setdefault(name, TextSample(SAMPLE)).add(article.text)
        if key <= whole_bound:
            whole.add(article.text)
    listed = sort_sources(samples)
    texts = [samples[name].texts() for name in listed]
    arrays = {
        **pack_sources(listed),
        "bin_bounds": bin_bounds(hashes_of(listed), n_bins),
        "text_bounds": np.append(0, np.cumsum([len(own) for own in texts])).astype(np.int64),
        **pack_texts("text", [*chain.from_iterable(texts)]),
        **pack_texts("whole", whole.texts()),
    }
    return save(target, arrays)


def own_places(corpus: Corpus, number: int, order: str) -> NDArray[np.int64]:
    """Return the places of the articles of a shard, -1 for copies."""
    begin, end = corpus.offsets[number : number + 2].tolist()
    with ArrayFile(order) as file:
        return file.read("place", begin, end)


def learn_part(target: str, samples: Sequence[str], number: int | None) -> Metadata:
    """Learn what recurs in the sources of a bin or, for None, in all articles.

    All articles are one source without a name.
    """
    kept: dict[str, TextSample] = {}
    for address in samples:
        with ArrayFile(address) as file:
            if number is None:
                texts = read_texts(file, "whole", np.arange(file.length("whole.bounds") - 1))
                kept.setdefault("", TextSample(WHOLE_SAMPLE)).add(*texts)
                continue
            start, stop = file.read("bin_bounds", number, number + 2).tolist()
            bounds = file.read("text_bounds", start, stop + 1).tolist()
            texts = read_texts(file, "text", np.arange(bounds[0], bounds[-1]))
            for k, name in enumerate(read_texts(file, "source", np.arange(start, stop))):
                own = texts[bounds[k] - bounds[0] : bounds[k + 1] - bounds[0]]
                kept.setdefault(name, TextSample(SAMPLE)).add(*own)
    learnt: dict[str, Recurring] = {}
    for name in sort_sources(kept):
        texts = kept.pop(name).texts()
        furniture = Furniture.learn({name: texts}, []) if name else Furniture.learn({}, texts)
        recurring = furniture.by_source.get(name, furniture.everywhere)
        if len(recurring.hashes):
            learnt[name] = recurring
    hashes, kinds = zip(Recurring.nothing(), *learnt.values(), strict=True)
    arrays = {
        **pack_sources([*learnt]),
        "bounds": np.cumsum([len(part) for part in hashes]),
        "hashes": np.concatenate(hashes),
        "kinds": np.concatenate(kinds),
    }
    return save(target, arrays)


def load_recurring(address: str, wanted: Sequence[str]) -> dict[str, Recurring]:
    """Read what recurs in some sources from the file of their bin; a source without any is left out."""
    with ArrayFile(address) as file:
        found = find_sources(file, wanted)
        rows = np.array([*found.values()], np.int64)
        starts, stops = file.take("bounds", rows), file.take("bounds", rows + 1)
        hashes, kinds = (file.read_ranges(name, starts, stops) for name in ("hashes", "kinds"))
    ends = np.cumsum(stops - starts)[:-1]
    parts = zip(found, np.split(hashes, ends), np.split(kinds, ends), strict=True) if found else ()
    return {name: Recurring(*part) for name, *part in parts}


def load_furniture(learnt: Sequence[str], names: Sequence[str]) -> Furniture:
    """Read what recurs in all articles, and in some sources, from the files of all articles and the bins."""
    everywhere, bins = learnt[0], learnt[1:]
    by_source: dict[str, Recurring] = {}
    of_names = bins_of(hashes_of(names), len(bins))
    for number in np.unique(of_names).tolist():
        own = [name for name, one in zip(names, of_names.tolist(), strict=True) if one == number]
        by_source |= load_recurring(bins[number], own)
    return Furniture(load_recurring(everywhere, [""]).get("", Recurring.nothing()), by_source)


# Spans -----------------------------------------------------------------------------------------


def spans_shard(
    target: str, number: int, shard: Shard, source: Input, corpus: Corpus, order: str, learnt: list[str]
) -> Metadata:
    """Read a shard again, and find the furniture of its independent articles and their languages without."""
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    own = own_places(corpus, number, order) >= 0
    articles = [*reader.chosen(own)]
    names = sorted({article.source for article in articles if article.source})
    spans = find_spans(articles, load_furniture(learnt, names))
    of_articles = clean_languages(articles, spans, whole_languages(corpus, number, own))
    languages = sorted(set(of_articles))
    code_of = {name: k for k, name in enumerate(languages)}
    arrays: dict[str, NDArray[Any]] = {
        "spans": np.array([*chain.from_iterable(spans)], np.uint32).reshape(-1, 2),
        "bounds": np.append(0, np.cumsum([len(each) for each in spans])).astype(np.int64),
        "language": np.array([code_of[name] for name in of_articles], np.int16),
    }
    return save(target, arrays, {"languages": languages})


def whole_languages(corpus: Corpus, number: int, own: NDArray[np.bool_]) -> list[str]:
    """Return the languages that the sketch of a shard has for some of its articles."""
    with SketchReader(corpus) as sketches:
        names = sketches[number].metadata["languages"]
        return [names[code] for code in sketches[number]["language"][own].tolist()]


def clean_languages(
    articles: Sequence[Article], spans: Sequence[tuple[Span, ...]], whole: Sequence[str]
) -> list[str]:
    """Return the languages of articles without their furniture, from those of the whole articles."""
    changed = [row for row, own in enumerate(spans) if own]
    blanked = without_spans([articles[row] for row in changed], [spans[row] for row in changed])
    languages = list(whole)
    for row, language in zip(changed, name_languages(blanked), strict=True):
        languages[row] = language
    return languages


def find_spans(articles: Sequence[Article], furniture: Furniture) -> list[tuple[Span, ...]]:
    """Find the furniture of articles, so many at once that memory is bounded."""
    found: list[tuple[Span, ...]] = [()] * len(articles)
    rows = sorted(range(len(articles)), key=lambda row: articles[row].source or "")
    for start in range(0, len(rows), ARTICLES_AT_ONCE):
        chosen = rows[start : start + ARTICLES_AT_ONCE]
        for row, spans in zip(chosen, furniture.spans([articles[row] for row in chosen]), strict=True):
            found[row] = spans
    return found


def read_spans(address: str) -> list[tuple[Span, ...]]:
    """Read the spans of the independent articles of a shard."""
    with ArrayFile(address) as file:
        bounds = file["bounds"].tolist()
        spans = [(start, end) for start, end in file["spans"].tolist()]
    return [tuple(spans[a:b]) for a, b in pairwise(bounds)]


def clean_shards(
    shards: Sequence[Shard], source: Input, order: str, place: NDArray[np.int64], stages: Stages
) -> CleanShards:
    """Find the page furniture of the independent articles of all shards.

    Parameters
    ----------
    shards : sequence of Shard
    source : Input
    order : str
        Address of the file of `place` and `independent`.
    place : int64 array of shape (n,)
        Of every article, -1 for a copy.
    stages : Stages

    Returns
    -------
    clean : CleanShards
    """
    runner, corpus = stages.runner, stages.shared_corpus
    parts = stages.run_by_bucket("sample-bounds", sample_bounds_part, stages.corpus.n, order)
    bounds = stages.address("sample-bounds")
    whole_bound = _join_bounds(bounds, parts)
    sampled = sum(metadata["sampled"] for metadata in stages.metadata["sample-bounds"])
    n_bins = max(runner.width, -(-sampled // TEXTS_PER_CALL)) if sampled > SMALL_SAMPLE else 1
    calls: dict[str, Any] = {
        f"{n_bins}-{k}": (k, shard, source, corpus, order, bounds, whole_bound, n_bins)
        for k, shard in enumerate(shards)
    }
    needs = shard_needs(shards, READING_FACTOR, runner)
    samples = runner.share(stages.run("text-samples", samples_shard, calls, needs))
    calls = {"all": (samples, None)} | {f"{n_bins}-{b}": (samples, b) for b in range(n_bins)}
    learnt = runner.share(stages.run("furniture", learn_part, calls))
    calls = {str(k): (k, shard, source, corpus, order, learnt) for k, shard in enumerate(shards)}
    addresses = stages.run("spans", spans_shard, calls, needs)
    codes = np.full(stages.corpus.n, -1, np.int16)
    languages: dict[str, int] = {}
    for address, (begin, end) in zip(addresses, pairwise(stages.corpus.offsets.tolist()), strict=True):
        with ArrayFile(address) as file:
            own = [languages.setdefault(name, len(languages)) for name in file.metadata["languages"]]
            rows = begin + np.flatnonzero(place[begin:end] >= 0)
            codes[rows] = np.array(own, np.int16)[file["language"]]
    return CleanShards(addresses, [*languages], codes)
